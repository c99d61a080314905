"""What the commands on one laboratory file share: its paths, how it is read, and the table they write."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from cytopenia.errors import OutputError, ProtocolError, ReaderError
from cytopenia.readers.mapping import DataSection, read_mapping
from cytopenia.units import load_analytes

__all__ = [
    "FileOptions",
    "build_section",
    "require_day_before",
    "require_paths",
    "require_writable",
    "split_quantity",
    "write_table",
]

_QUANTITY = r"\s*(<=|>=|<|>)?\s*([0-9]*[.,]?[0-9]+)(?![0-9.,])\s*(.*?)\s*"
_BELOW_ZERO = r"\s*(<=|>=|<|>)?\s*[-\u2212]\s*[.,]?[0-9].*"
_WITHOUT_DOUBT = (
    "write thousands without a mark (1000), a fraction with more or fewer than three digits (1.0)"
)
_DOUBTFUL = r"[1-9][0-9]{0,2}[.,][0-9]{3}"
_SUFFIXES = (".csv", ".tsv", ".xlsx", ".parquet")


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """How a command reads one laboratory file and the tables beside it.

    Attributes
    ----------
    labs : Path
    tables : mapping of table name to Path
        Further tables that were given: infusions, events, support, patients.
    mapping : Path, optional
        A mapping file; the other options count before it.
    day_zero, decimal : str, optional
    lln : mapping of analyte to number
        Lower limits of normal in canonical units.
    """

    labs: Path
    tables: Mapping[str, Path] = field(default_factory=dict[str, Path])
    mapping: Path | None = None
    day_zero: str | None = None
    decimal: str | None = None
    lln: Mapping[str, float] = field(default_factory=dict[str, float])


def require_paths(options: FileOptions, outputs: Mapping[str, Path]) -> None:
    """Check every path before any work is done.

    Raises
    ------
    OutputError
        A file to write has an unknown type, or is one of the files that are read.
    ReaderError
        A file is absent, or the laboratory file is a folder.
    """
    for path in outputs.values():
        _require_known_type(path)
    if options.labs.is_dir():
        raise ReaderError(f"{options.labs}: is a folder. Name one file, or run a study: cytopenia init.")
    given = {"LABS": options.labs, **{f"--{name}": path for name, path in options.tables.items()}}
    for name, path in given.items():
        if not path.is_file():
            raise ReaderError(f"{name}: {path}: no such file. Check the path.")
        for option, output in outputs.items():
            _require_another(output, option, name=name, path=path)


def require_writable(output: Path, read: Mapping[str, Path]) -> None:
    """Check the file given with --out before any work is done.

    Raises
    ------
    OutputError
        It has an unknown type, or is one of the files that are read.
    """
    _require_known_type(output)
    for name, path in read.items():
        _require_another(output, "--out", name=name, path=path)


def _require_known_type(path: Path) -> None:
    if path.suffix.lower() not in _SUFFIXES:
        raise OutputError(
            f"{path.name}: files of this type are not written; allowed: {', '.join(_SUFFIXES)}."
        )


def _require_another(output: Path, option: str, *, name: str, path: Path) -> None:
    if path.resolve() == output.resolve():
        raise OutputError(f"{output.name}: is the file given as {name}; name another with {option}.")


def require_day_before(day: int | None) -> None:
    """Raise ProtocolError where the stated first day of lymphodepletion is after the infusion."""
    if day is not None and day > 0:
        raise ProtocolError(
            "--lymphodepletion-day: is after the infusion; days before it are negative, such as -5."
        )


def build_section(options: FileOptions) -> DataSection:
    """Return the mapping with the options of the command on top.

    Raises
    ------
    ProtocolError
        An option or the mapping file is wrong.
    """
    section = DataSection() if options.mapping is None else read_mapping(options.mapping)
    content: dict[str, Any] = section.model_dump(exclude_unset=True)
    if options.day_zero is not None:
        if options.day_zero not in ("first", "infusion"):
            raise ProtocolError(f"--day-zero: got '{options.day_zero}'; allowed: first, infusion.")
        content["day_zero"] = options.day_zero
    labs: dict[str, Any] = dict(content.get("labs", {}))
    if options.decimal is not None:
        if options.decimal not in (".", ","):
            raise ProtocolError(f"--decimal: got '{options.decimal}'; allowed: . or ,")
        labs["decimal"] = options.decimal
    stated = {
        name: {"value": value, "unit": load_analytes()[name].unit} for name, value in options.lln.items()
    }
    labs["lln"] = {**labs.get("lln", {}), **stated}
    content["labs"] = labs
    section = DataSection.model_validate(content)
    # Put in after the check: a command may name files anywhere, a mapping only those of its folder.
    paths = {"labs": options.labs, **options.tables}
    placed = {
        name: section.tables[name].model_copy(update={"file": str(path.resolve())})
        for name, path in paths.items()
    }
    return section.model_copy(update=placed)


def split_quantity(
    text: str, *, where: str, example: str, after: str = " after '='"
) -> tuple[str, float, str]:
    """Return comparator ("=" where none is printed), number and unit of "<0.5 mg/dL".

    The decimal mark is a point or a comma; a mark before exactly three digits may part thousands and is
    refused, unless a 0 stands before it.
    `where` names the option in messages, `example` how it is written, `after` where a number was looked for;
    the text itself is not repeated.

    Raises
    ------
    ProtocolError
        There is no number, it is below zero, or it can be read in two ways.

    Examples
    --------
    >>> split_quantity("<0,5 mg/dL", where="--value crp", example='"crp=4.2 mg/dL"')
    ('<', 0.5, 'mg/dL')
    """
    match = re.fullmatch(_QUANTITY, text)
    if re.fullmatch(_BELOW_ZERO, text):
        raise ProtocolError(f"{where} is below zero, which is not possible; write {example}")
    if match is None:
        raise ProtocolError(f"{where} has no number{after}; write {example}")
    if re.fullmatch(_DOUBTFUL, match[2]):
        raise ProtocolError(f"{where} may mean a thousand or a fraction; {_WITHOUT_DOUBT}")
    return match[1] or "=", float(match[2].replace(",", ".")), match[3]


def _write_infinity(table: pl.DataFrame) -> pl.DataFrame:
    """Columns with an infinite number as text: a spreadsheet would show it as a division by zero."""
    names = [
        name for name, dtype in table.schema.items() if dtype.is_float() and table[name].is_infinite().any()
    ]
    return table.with_columns(pl.col(name).cast(pl.String).str.strip_suffix(".0") for name in names)


def write_table(table: pl.DataFrame, path: Path) -> None:
    """Write beside the target first, so that an interrupted run leaves the old file whole.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    temporary = path.with_name(f".new-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        match path.suffix.lower():
            case ".parquet":
                table.write_parquet(temporary)
            case ".xlsx":
                _write_infinity(table).write_excel(temporary, autofit=True)
            case ".tsv":
                table.write_csv(temporary, separator="\t")
            case _:
                table.write_csv(temporary)
        temporary.replace(path)
    except OSError as cause:
        advice = "Close it if it is open in another program, or name another with --out."
        raise OutputError(f"{path}: cannot be written ({cause.strerror}). {advice}") from cause
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
