"""The factors of two tables as a file, and the cohort that was found as one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import polars as pl

from cytopenia.definition_forms import Form
from cytopenia.definition_forms.checking import check
from cytopenia.errors import DataError, DefinitionError, join_problems
from cytopenia.forms import parse_toml, read_bytes, read_form
from cytopenia.published.claim_parts import ClaimId, PrintedCount, PrintedNumber
from cytopenia.published.fourfold_tables import FourfoldTable, PrintedRatio, find_fourfold_tables
from cytopenia.published.reconstruct import MISSING, JointCohort, PrintedFactor

__all__ = ["read_printed_factors", "tabulate_cohort"]

_COUNTS = ("first_with", "first_without", "second_with", "second_without")
_ALONE = ("alone_odds_ratio", "alone_low", "alone_high")


class _FactorRow(Form):
    """One factor: its counts in both groups or its univariable odds ratio, and the multivariable one."""

    name: ClaimId
    first_with: PrintedCount | None = None
    first_without: PrintedCount | None = None
    second_with: PrintedCount | None = None
    second_without: PrintedCount | None = None
    alone_odds_ratio: PrintedNumber | None = None
    alone_low: PrintedNumber | None = None
    alone_high: PrintedNumber | None = None
    odds_ratio: PrintedNumber
    low: PrintedNumber
    high: PrintedNumber

    @check
    def _is_known_alone(self) -> Iterator[str]:
        for keys in (_COUNTS, _ALONE):
            given = [key for key in keys if getattr(self, key) is not None]
            if len(given) == len(keys):
                return
            if given:
                yield f"has {', '.join(given)} alone; give all of {', '.join(keys)}"
                return
        yield f"needs {', '.join(_COUNTS)}, or {', '.join(_ALONE)}"

    @check
    def _has_limits_in_order(self) -> Iterator[str]:
        if float(self.low) > float(self.high):
            yield f"the lower limit {self.low} lies above the upper limit {self.high}; exchange them"

    @check
    def _holds_its_estimate(self) -> Iterator[str]:
        if float(self.low) <= float(self.high) and not float(self.low) <= float(self.odds_ratio) <= float(
            self.high
        ):
            interval = f"{self.low} to {self.high}"
            yield (
                f"the odds ratio {self.odds_ratio} lies outside its interval {interval}; no cohort prints "
                "that, correct what is misprinted"
            )


def read_printed_factors(
    path: Path, groups: tuple[int, int], *, missing: int = 0
) -> tuple[PrintedFactor, ...]:
    """Return the factors of a TOML or CSV file, each with its counts alone.

    Parameters
    ----------
    path : path
        TOML with a table [[factors]] for each factor, or CSV with a row for each; the same keys, every number
        as printed. What the keys are stands in docs/verify.md.
    groups : (int, int)
        Patients of the first and of the second group.
    missing : int
        At most how many patients have no value of a factor whose univariable odds ratio is given. The fewest
        that print so are taken.

    Raises
    ------
    DefinitionError
        The file cannot be read or a row is wrong; every problem is listed.
    DataError
        The counts do not fit the groups, or not exactly one table of counts prints an odds ratio.
    """
    tables = _read_tables(path)
    rows: list[_FactorRow] = []
    problems: list[str] = []
    for place, table in enumerate(tables, start=1):
        named = f" ('{table['name']}')" if isinstance(table.get("name"), str) else ""
        row, found = read_form(_FactorRow, table, where=f"{path.name}: factors.{place}{named}")
        problems.extend(found)
        rows += [] if row is None else [row]
    names = [row.name for row in rows]
    repeated = sorted({name for name in names if names.count(name) > 1})
    problems += [f"{path.name}: the name '{name}' stands twice; rename one of them" for name in repeated]
    if not tables:
        problems.append(f"{path.name}: no factor; TOML needs a line [[factors]] for each, CSV a row")
    if problems:
        raise DefinitionError(join_problems(f"{path.name}: the factors are wrong", problems))
    return _find_counts(path.name, rows, groups, missing=missing)


def _read_tables(path: Path) -> Sequence[Mapping[str, Any]]:
    content = read_bytes(path, error=DefinitionError)
    if path.suffix == ".csv":
        return _read_rows(content, path.name)
    given = parse_toml(content, name=path.name, error=DefinitionError).get("factors", [])
    if not isinstance(given, list) or not all(isinstance(table, dict) for table in cast("list[Any]", given)):
        raise DefinitionError(f"{path.name}: factors: each factor begins with a line [[factors]]")
    return cast("list[dict[str, Any]]", given)


def _read_rows(content: bytes, name: str) -> list[dict[str, Any]]:
    """Cells stay texts, so that "0.10" keeps its last digit; an empty cell is a key that is not given."""
    head = content.split(b"\n", 1)[0]
    separator = ";" if head.count(b";") > head.count(b",") else ","
    try:
        table = pl.read_csv(content, infer_schema=False, separator=separator)
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as cause:
        words = "save it as CSV UTF-8 with a row of keys and as many cells in every row"
        raise DefinitionError(f"{name}: not a table that can be read; {words}") from cause
    rows = table.rename(str.strip).to_dicts()
    filled = ({key: text.strip() for key, text in row.items() if text and text.strip()} for row in rows)
    return [row for row in filled if row]


def _find_counts(
    name: str, rows: Sequence[_FactorRow], groups: tuple[int, int], *, missing: int
) -> tuple[PrintedFactor, ...]:
    factors: list[PrintedFactor] = []
    problems: list[str] = []
    for row in rows:
        try:
            alone = _take_counts(row, groups) if row.first_with else _search(row, groups, missing=missing)
        except DataError as cause:
            problems.append(f"{name}: '{row.name}': {cause}")
            continue
        factors.append(PrintedFactor(row.name, alone, PrintedRatio(row.odds_ratio, row.low, row.high)))
    if problems:
        raise DataError(join_problems(f"{name}: no counts of each factor alone", problems))
    return tuple(factors)


def _take_counts(row: _FactorRow, groups: tuple[int, int]) -> FourfoldTable:
    a, b, c, d = (int(getattr(row, key)) for key in _COUNTS)
    for size, group, word in ((a + b, groups[0], "first"), (c + d, groups[1], "second")):
        if size > group:
            raise DataError(f"{size} patients in the {word} group; allowed: up to {group}, of --groups")
    unknown = float("nan")
    return FourfoldTable(
        a, a + b, c, c + d, groups[0] - a - b, groups[1] - c - d, unknown, unknown, unknown, "rounded"
    )


def _search(row: _FactorRow, groups: tuple[int, int], *, missing: int) -> FourfoldTable:
    ratio = PrintedRatio(*(getattr(row, key) for key in _ALONE))
    for lost in range(missing + 1):
        search = find_fourfold_tables(ratio, groups, missing=lost)
        if search.count == 1:
            return search.tables[0]
        if search.count:
            raise DataError(f"{search.count} tables of counts print so; give the counts instead")
    words = f"no counts of {groups[0]} and {groups[1]} patients print {ratio.odds_ratio}"
    raise DataError(f"{words} ({ratio.low} to {ratio.high}); try a higher --missing, or give the counts")


def tabulate_cohort(cohort: JointCohort) -> pl.DataFrame:
    """Return one row per invented patient: an id that says so, the group, 1 or 0 for each factor.

    Examples
    --------
    >>> import numpy as np
    >>> from cytopenia.published.reconstruct import Closeness
    >>> records, is_first = np.array([[1, 0], [0, -1]], dtype=np.int8), np.array([True, False])
    >>> factors = tuple(Closeness(name, 1.0, 1.0, 1.0, 0.0, 0.0) for name in ("anc", "il6"))
    >>> cohort = JointCohort(records, is_first, factors, rounds=0, is_close=True)
    >>> tabulate_cohort(cohort).rows()
    [('INVENTED-1', 'first', 1, 0), ('INVENTED-2', 'second', 0, None)]
    """
    width = len(str(len(cohort.records)))
    names = [f"INVENTED-{number:0{width}}" for number in range(1, len(cohort.records) + 1)]
    groups = ["first" if is_first else "second" for is_first in cohort.is_first.tolist()]
    values = {
        factor.name: [None if value == MISSING else value for value in column.tolist()]
        for factor, column in zip(cohort.factors, cohort.records.T, strict=True)
    }
    return pl.DataFrame(
        {"patient_id": names, "group": groups, **values}, schema_overrides=dict.fromkeys(values, pl.Int8)
    )
