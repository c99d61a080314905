"""The data sets of SDTM and ADaM in a folder: found, read, and their treatments and events by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from cytopenia.contract import Finding, note
from cytopenia.contract.texts import shorten
from cytopenia.errors import MissingColumnError, ReaderError
from cytopenia.readers.cdisc_days import add_moments
from cytopenia.readers.cdisc_labs import read_cdisc_words
from cytopenia.readers.dataset_json import read_dataset_json
from cytopenia.readers.mapping import DataSection
from cytopenia.readers.statistics_files import read_statistics_file

__all__ = [
    "DOMAINS",
    "Domains",
    "Treatments",
    "find_domains",
    "list_unnamed",
    "load_domains",
    "pick_named",
    "take_treatments",
]

_SUFFIXES = (".xpt", ".sas7bdat", ".json", ".ndjson")
_LABS = ("lb", "adlb")
DOMAINS = {
    "dm": "patients",
    "adsl": "patients",
    "lb": "labs",
    "adlb": "labs",
    "ex": "infusions",
    "pr": "support",
    "cm": "support",
    "ae": "events",
}
_SHOWN_NAMES = 10
_NEEDED = {"lb": ("USUBJID", "LBTESTCD"), "adlb": ("USUBJID", "PARAMCD")}


@dataclass(frozen=True)
class Treatments:
    """Rows of EX, PR, CM or AE that happened: `patient_id`, lower-case `names`, `shown`, start and stop."""

    domain: str
    origin: str
    rows: pl.DataFrame


@dataclass
class Domains:
    """The data sets that were read, the file of each, and what was found; `reference` is study day 1."""

    section: DataSection
    frames: dict[str, pl.DataFrame] = field(default_factory=dict[str, pl.DataFrame])
    origins: dict[str, str] = field(default_factory=dict[str, str])
    reference: pl.DataFrame = field(default_factory=pl.DataFrame)
    findings: list[Finding] = field(default_factory=list[Finding])

    @property
    def is_collected(self) -> bool:
        """True for SDTM, False for ADaM."""
        return "lb" in self.frames


def find_domains(folder: Path) -> dict[str, Path]:
    """Return the data sets of a folder by domain, if there are laboratory values among them, else none.

    Raises
    ------
    ReaderError
        Two files could be the same data set, or there are both LB and ADLB.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        domain = path.stem.lower()
        if domain not in DOMAINS or path.suffix.lower() not in _SUFFIXES or not path.is_file():
            continue
        if domain in found:
            raise ReaderError(
                f"{domain}: two data sets were found: {found[domain].name}, {path.name}. Keep one."
            )
        found[domain] = path
    if all(name in found for name in _LABS):
        raise ReaderError(
            f"{folder}: holds SDTM ({found['lb'].name}) and ADaM ({found['adlb'].name}). Keep one of them in "
            "the folder."
        )
    return found if any(name in found for name in _LABS) else {}


def load_domains(paths: Mapping[str, Path], section: DataSection) -> Domains:
    """Return the data sets with upper-case variables, `patient_id` and `source_row`; blanks are null.

    Raises
    ------
    ReaderError
        A file cannot be read.
    MissingColumnError
        USUBJID, LBTESTCD or PARAMCD is absent.
    """
    read = Domains(section)
    for domain, path in paths.items():
        if path.suffix.lower() in (".json", ".ndjson"):
            frame = read_dataset_json(path)
        else:
            table = DOMAINS[domain]
            source = read_statistics_file(path, table, encoding=section.tables[table].encoding)
            frame = source.frame.drop("source_row")
            read.findings += source.findings
        frame = frame.rename({column: column.upper() for column in frame.columns})
        for column in _NEEDED.get(domain, ("USUBJID",)):
            _require(frame, column, path.name)
        read.frames[domain] = frame.rename({"USUBJID": "patient_id"}).with_columns(
            pl.col(pl.String).str.strip_chars().replace("", None),
            source_row=pl.int_range(2, frame.height + 2, dtype=pl.UInt32, eager=True),
        )
        read.origins[domain] = path.name
    return read


def _require(frame: pl.DataFrame, column: str, name: str) -> None:
    if column not in frame.columns:
        raise MissingColumnError(
            f"{name}: variable {column} is missing; found: {', '.join(frame.columns)}. "
            "Export the data set as the standard has it."
        )


def take_treatments(read: Domains, domain: str) -> Treatments:
    """Return the rows of EX, PR, CM or AE that are not marked as not done, with their names and moments."""
    frame, code, table = read.frames[domain], domain.upper(), DOMAINS[domain]
    told = f"{code}TERM" if domain == "ae" else f"{code}TRT"
    _require(frame, told, read.origins[domain])
    done = [
        pl.col(column).ne_missing(pl.lit(word))
        for column, word in ((f"{code}OCCUR", "N"), (f"{code}STAT", "NOT DONE"))
        if column in frame.columns
    ]
    if "EXDOSE" in frame.columns:
        done.append(pl.col("EXDOSE").cast(pl.Float64, strict=False).ne_missing(pl.lit(0.0)))
    rows = frame.filter(*done) if done else frame
    reference, zone = read.reference, read.section.time_zone
    starts = (f"{code}STDTC", f"{code}STDY")
    rows, found = add_moments(rows, starts, reference=reference, where=table, zone=zone)
    read.findings += found
    ends, found = add_moments(
        rows.drop("date", "study_day"),
        (f"{code}ENDTC", f"{code}ENDY"),
        reference=reference,
        where=table,
        zone=zone,
    )
    read.findings += found
    named = [column for column in (f"{code}DECOD", told) if column in rows.columns]
    rows = rows.with_columns(
        ends["date"].alias("stop_date"),
        ends["study_day"].alias("stop_study_day"),
        names=pl.concat_list(pl.col(column).cast(pl.String).str.to_lowercase() for column in named),
        shown=pl.coalesce(pl.col(column).cast(pl.String) for column in named),
    )
    return Treatments(domain, read.origins[domain], rows)


def pick_named(rows: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Return the rows of one of the names, in whatever case."""
    return rows.filter(_is_named(names))


def _is_named(names: Sequence[str]) -> pl.Expr:
    folded = [name.lower() for name in names]
    return pl.col("names").list.eval(pl.element().is_in(folded)).list.any().fill_null(value=False)


def list_unnamed(item: Treatments, taken: Sequence[str]) -> list[Finding]:
    """Return findings on the names that the mapping lacks; a warning where one is probably support."""
    left = item.rows.filter(~_is_named(taken))
    counts = left["shown"].drop_nulls().value_counts(name="n")
    names = counts.sort(["n", "shown"], descending=[True, False])["shown"].to_list()
    hints: Sequence[str] = () if item.domain == "ae" else read_cdisc_words().support_hints
    likely = [name for name in names if any(word in name.upper() for word in hints)]
    others = [name for name in names if name not in likely]
    found = list[Finding]()
    for rule, listed in (("probably_support", likely), ("names_not_mapped", others)):
        if listed:
            shown = ", ".join(f"'{shorten(name)}'" for name in listed[:_SHOWN_NAMES])
            more = f" and {len(listed) - _SHOWN_NAMES} more" if len(listed) > _SHOWN_NAMES else ""
            many = "name" if len(listed) == 1 else "names"
            what = f"{len(listed):,} {many} of {item.domain.upper()} not in the mapping: {shown}{more}"
            rows = left.filter(pl.col("shown").is_in(listed)).height
            found.append(note(DOMAINS[item.domain], rule, what, rows=rows))
    return found
