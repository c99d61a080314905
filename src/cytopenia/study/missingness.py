"""Which values are missing: by factor, by pattern, and on either side of an outcome, as result rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cytopenia.results import ResultRow
from cytopenia.stats.describe import estimate_proportion
from cytopenia.study.analysis_forms import Missingness
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import EVENT, NO_EVENT, TOTAL, Sides

__all__ = [
    "MOSTLY_MISSING_NOTE",
    "find_missing",
    "is_mostly_missing",
    "say_few_missing",
    "summarize_missingness",
]

Mask = NDArray[np.bool_]

# Shares of patients, by convention: above the first a factor tells more of who was measured than of what was
# found; below the second the choice between complete cases and imputation hardly matters.
MOSTLY_MISSING, HARDLY_MISSING = 0.50, 0.05
MOSTLY_MISSING_NOTE = "missing in more than half of the patients: imputed values would be mostly made up"
OUTCOME, PATIENTS, CELLS = "outcome", "patients", "values"


@dataclass(frozen=True)
class _Column:
    """One factor or the outcome: whose value is missing."""

    name: str
    title: str
    missing: Mask


def find_missing(factor: FactorColumn) -> Mask:
    """Return whose value is missing; one reported as below a limit is known."""
    return factor.values.is_null().to_numpy()


def is_mostly_missing(missing: int, patients: int) -> bool:
    """Return whether so many missing values are more than half."""
    return patients > 0 and missing / patients > MOSTLY_MISSING


def say_few_missing(incomplete: int, patients: int) -> str:
    """Return the remark that complete cases are usual, where few patients have a gap; else nothing.

    Examples
    --------
    >>> say_few_missing(2, 63)
    'fewer than 5% of the patients (2 of 63) lack a value: complete cases are usual'
    >>> say_few_missing(12, 63), say_few_missing(0, 63)
    ('', '')
    """
    if not 0 < incomplete < HARDLY_MISSING * patients:
        return ""
    return (
        f"fewer than 5% of the patients ({incomplete} of {patients}) lack a value: complete cases are usual"
    )


def summarize_missingness(
    analysis: Missingness, factors: Sequence[FactorColumn], sides: Sides | None
) -> Iterator[ResultRow]:
    """Counts of missing values, in all patients and on either side, and the patterns of the gaps.

    Parameters
    ----------
    analysis : Missingness
    factors : sequence of FactorColumn
    sides : Sides or None
        None: no outcome is named. With one, who is in no group has no outcome, and that counts as missing.
    """
    columns = [_Column(factor.name, factor.title, find_missing(factor)) for factor in factors]
    strata: Mapping[str, Mask] = {TOTAL: np.ones(columns[0].missing.size, dtype=np.bool_)}
    if sides is not None:
        columns.append(_Column(OUTCOME, "Outcome", np.isnan(sides.policy)))
        strata = {**strata, EVENT: sides.policy == 1, NO_EVENT: sides.policy == 0}
    key = ResultRow(analysis_id=analysis.id, group="missing", variable="", estimate="")
    yield from _size_strata(key, strata, sides)
    for column in columns:
        for stratum, members in strata.items():
            yield from _count_missing(replace(key, stratum=stratum), column, members)
    if sides is not None:
        for why, count in sides.left_out.items():
            yield replace(key, variable=OUTCOME, estimate="left_out", variable_level=why, value=count)
    yield from _count_incomplete(key, columns)
    yield from _list_patterns(replace(key, group="pattern"), columns)


def _size_strata(key: ResultRow, strata: Mapping[str, Mask], sides: Sides | None) -> Iterator[ResultRow]:
    names = {TOTAL: "All"}
    if sides is not None:
        names |= {EVENT: sides.names[0], NO_EVENT: sides.names[1]}
    for stratum, members in strata.items():
        found = replace(key, stratum=stratum, variable=PATIENTS, estimate="count")
        yield replace(found, value=int(members.sum()), text=names[stratum])


def _count_missing(key: ResultRow, column: _Column, members: Mask) -> Iterator[ResultRow]:
    total, missing = int(members.sum()), int((column.missing & members).sum())
    is_known_outcome = column.name == OUTCOME and key.stratum != TOTAL
    if is_known_outcome:
        return
    found = replace(key, variable=column.name)
    note = MOSTLY_MISSING_NOTE if is_mostly_missing(missing, total) and key.stratum == TOTAL else ""
    yield replace(found, estimate="denominator", value=total, text=column.title)
    yield replace(found, estimate="count", value=missing, note=note)
    percent = estimate_proportion(missing, total).percent
    status, why = ("ok", "") if percent is not None else ("not_estimable", "nobody in this group")
    yield replace(found, estimate="percent", value=percent, status=status, note=why)


def _count_incomplete(key: ResultRow, columns: Sequence[_Column]) -> Iterator[ResultRow]:
    """Patients with any gap among the factors, and the share of all values that are missing."""
    gaps = np.column_stack([column.missing for column in columns if column.name != OUTCOME])
    incomplete = int(gaps.any(axis=1).sum())
    note = say_few_missing(incomplete, gaps.shape[0])
    for variable, count, total in (
        (PATIENTS, incomplete, gaps.shape[0]),
        (CELLS, int(gaps.sum()), gaps.size),
    ):
        found = replace(key, variable=variable, note=note if variable == PATIENTS else "")
        yield replace(found, estimate="incomplete", value=count)
        percent = estimate_proportion(count, total).percent
        status = "ok" if percent is not None else "not_estimable"
        yield replace(found, estimate="incomplete_percent", value=percent, status=status)


def _list_patterns(key: ResultRow, columns: Sequence[_Column]) -> Iterator[ResultRow]:
    """Each combination of gaps with its patients, the most frequent first; numbered from 1."""
    gaps = np.column_stack([column.missing for column in columns])
    distinct, counts = np.unique(gaps, axis=0, return_counts=True)
    # Of equally frequent ones the one with fewer gaps, then the one whose gaps lie further right.
    order = sorted(
        range(len(counts)), key=lambda at: (-counts[at], distinct[at].sum(), distinct[at].tolist())
    )
    for number, at in enumerate(order, start=1):
        found = replace(key, variable_level=str(number))
        yield replace(found, variable=PATIENTS, estimate="count", value=int(counts[at]))
        for column, is_gap in zip(columns, distinct[at].tolist(), strict=True):
            yield replace(
                found, variable=column.name, estimate="is_missing", value=int(is_gap), text=column.title
            )
