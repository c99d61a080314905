"""Characteristics of two or more groups of patients side by side, with a test over all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import assert_never

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.results import ResultRow
from cytopenia.stats.compare import Comparison, compare_counts, compare_distributions
from cytopenia.stats.means import compare_means
from cytopenia.stats.trend import compare_ordered_groups, compare_several
from cytopenia.study.analysis_forms import Characteristics
from cytopenia.study.factor_forms import GroupTest
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import KNOWN_AFTER, NAMED, describe_members, report_comparison

__all__ = ["compare_over_groups", "group_by_grade", "summarize_groups"]

Mask = NDArray[np.bool_]
NO_GROUP = "no group"
TWO = 2


def group_by_grade(name: str, title: str, frame: pl.DataFrame) -> FactorColumn:
    """Return the grades of an outcome as groups in their order, from 0 to the highest that occurs.

    Parameters
    ----------
    name, title : str
    frame : DataFrame
        Rows of the outcomes table of the graded outcome, in the order of the courses; who is not judged is in
        no group.
    """
    grades = frame["policy"].cast(pl.Int64)
    names = [None if grade is None else f"grade {grade}" for grade in grades.to_list()]
    highest = max((grade for grade in grades.drop_nulls().to_list()), default=0)
    levels = tuple(f"grade {grade}" for grade in range(highest + 1))
    values = pl.Series(name, names, dtype=pl.String)
    return FactorColumn(name, title, values, levels=levels, is_ordered=True)


def summarize_groups(
    analysis: Characteristics, factors: Sequence[FactorColumn], groups: FactorColumn, *, seed: int
) -> Iterator[ResultRow]:
    """Return each factor in each group, and the test over all groups.

    Rows of group `groups` with the level of `groups` as stratum, and of group `test`. Patients whose group is
    not known are in none; they are counted.
    """
    members = _split(groups)
    key = ResultRow(analysis_id=analysis.id, group="groups", variable="patients", estimate="count")
    for level, own in members.items():
        yield replace(key, stratum=level, value=int(own.sum()), text=groups.title)
    outside = groups.values.null_count()
    if outside:
        yield replace(key, stratum=NO_GROUP, value=outside)
    for factor in factors:
        note = KNOWN_AFTER if factor.is_known_after_infusion else ""
        for level, own in members.items():
            row = replace(key, variable=factor.name, estimate="", stratum=level, note=note)
            yield from describe_members(row, factor, own)
    test = replace(key, group="test", estimate="p_value")
    for factor in factors:
        found = compare_over_groups(factor, groups, test=analysis.tests.get(factor.name), seed=seed)
        yield from report_comparison(replace(test, variable=factor.name), found)


def _split(groups: FactorColumn) -> dict[str, Mask]:
    values = groups.values.cast(pl.String).to_numpy()
    return {level: np.asarray(values == level) for level in groups.list_levels()}


def compare_over_groups(
    factor: FactorColumn, groups: FactorColumn, *, test: GroupTest | None = None, seed: int
) -> Comparison:
    """Return the test of a factor over groups.

    By the rule: a number by the Kruskal-Wallis test, over two groups by the Mann-Whitney test; levels by
    chi-squared, or by Fisher's exact test if an expected count is below 5. How many groups there are is what
    the protocol declares, not how many have a patient. A test that the protocol names takes its place,
    whatever the data, and its note says so.
    """
    members = _split(groups)
    if test is not None:
        found = _compare(factor, members, test, seed)
        return replace(found, note="; ".join(filter(None, [found.note, NAMED])))
    if not factor.is_number:
        return compare_counts(_count(factor, members), seed=seed)
    return _compare(factor, members, "mann_whitney" if len(members) == TWO else "kruskal_wallis", seed)


def _compare(factor: FactorColumn, members: dict[str, Mask], test: GroupTest, seed: int) -> Comparison:
    match test:
        case "kruskal_wallis":
            return compare_several(_list_samples(factor, members))
        case "jonckheere_terpstra":
            return compare_ordered_groups(_list_samples(factor, members))
        case "mann_whitney" | "welch_t":
            if len(members) != TWO:
                why = f"there are {len(members)} groups; the test is for two"
                return Comparison(test, None, None, None, None, 0, "not_estimable", why)
            one, two = _list_samples(factor, members)
            return compare_distributions(one, two) if test == "mann_whitney" else compare_means(one, two)
        case "chi_squared" | "fisher_exact":
            return compare_counts(_count(factor, members), method=test, seed=seed)
        case _:
            assert_never(test)


def _list_samples(factor: FactorColumn, members: dict[str, Mask]) -> list[NDArray[np.float64]]:
    numbers = factor.numbers.fill_null(np.nan).to_numpy()
    return [numbers[own] for own in members.values()]


def _count(factor: FactorColumn, members: dict[str, Mask]) -> NDArray[np.int64]:
    """Patients by level (rows) and group (columns)."""
    values = factor.values.cast(pl.String).to_numpy()
    return np.array(
        [[int((values[own] == level).sum()) for own in members.values()] for level in factor.list_levels()],
        dtype=np.int64,
    ).reshape(-1, len(members))
