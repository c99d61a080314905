"""The counts of one analysis for the public: small ones hidden, and those that would give them away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from cytopenia.errors import DataError, ProtocolError, suggest_name
from cytopenia.study.analysis_forms import Crosstab, RiskFactors
from cytopenia.study.factor_forms import Factor
from cytopenia.study.protocol import Study
from cytopenia.study.suppression import HIDDEN, SHOWN, SMALL, HiddenTable, hide_counts

__all__ = ["PUBLIC_SCHEMA", "PublicCounts", "find_exported", "hide_results"]

PUBLIC_SCHEMA: dict[str, type[pl.DataType]] = {
    "analysis_id": pl.String,
    "factor": pl.String,
    "level": pl.String,
    "group": pl.String,
    "patients": pl.Int64,
    "status": pl.String,
    "group_patients": pl.Int64,
    "percent": pl.Float64,
}
_STATUS = {SHOWN: "shown", SMALL: "small", HIDDEN: "hidden"}
_GROUPS = ("event", "no event")
_MISSING = "missing"

Exported = RiskFactors | Crosstab


@dataclass(frozen=True)
class PublicCounts:
    """What may be shown.

    Attributes
    ----------
    counts : DataFrame
        Columns of `PUBLIC_SCHEMA`; `patients` is null where the count is not shown, and `status` says why:
        "small" is below the smallest count, "hidden" would give another one away.
    left_out : tuple of (factor, reason)
    smallest : int
    """

    counts: pl.DataFrame
    left_out: tuple[tuple[str, str], ...]
    smallest: int


def find_exported(study: Study, analysis_id: str) -> Exported:
    """Return the analysis of an id, which counts levels of factors by outcome.

    Raises
    ------
    ProtocolError
        There is none, or it has no such counts.
    """
    known = {item.id: item for item in study.protocol.analyses if _has_counts(item)}
    found = known.get(analysis_id)
    if isinstance(found, RiskFactors | Crosstab):
        return found
    is_other = any(item.id == analysis_id for item in study.protocol.analyses)
    what = "counts no levels by outcome" if is_other else f"is no analysis{suggest_name(analysis_id, known)}"
    raise ProtocolError(
        f"analysis '{analysis_id}' {what}; an export takes one of kind risk_factors, with groups among its"
        f" columns, or crosstab: {', '.join(known) or 'the study has none'}"
    )


def _has_counts(analysis: object) -> bool:
    return isinstance(analysis, Crosstab) or (
        isinstance(analysis, RiskFactors) and "groups" in analysis.columns
    )


def hide_results(results: pl.DataFrame, study: Study, analysis: Exported, *, smallest: int) -> PublicCounts:
    """Return the counts of an analysis with the small ones hidden.

    Parameters
    ----------
    results : DataFrame
        Of a run of the study.
    study : Study
    analysis : RiskFactors or Crosstab
        From `find_exported`.
    smallest : int
        The smallest count that may be shown.

    Raises
    ------
    DataError
        One of the two groups is smaller than that.
    """
    rows = results.filter(
        (pl.col("analysis_id") == analysis.id)
        & (pl.col("estimate") == "count")
        & (pl.col("scenario") == "policy")
    )
    sizes = _read_sizes(rows)
    if min(sizes) < smallest:
        raise DataError(
            f"--smallest-count {smallest}: a group of '{analysis.id}' has fewer patients, so its counts"
            " cannot be given. Export another analysis."
        )
    shown: list[pl.DataFrame] = []
    left_out: list[tuple[str, str]] = []
    for factor, source in _list_sources(study, analysis):
        own = rows.filter((pl.col("variable") == factor) & pl.col("stratum").is_in(_GROUPS))
        reason = source or ("a number: it has no levels" if own.is_empty() else "")
        table = None if reason else _hide_factor(own, sizes, smallest=smallest)
        if table is None or not table[1].is_safe:
            left_out.append((factor, reason or "too few patients to hide its small counts"))
            continue
        shown.append(_frame(analysis.id, factor, *table, sizes=sizes))
    counts = pl.concat(shown) if shown else pl.DataFrame(schema=PUBLIC_SCHEMA)
    return PublicCounts(counts, tuple(left_out), smallest)


def _read_sizes(rows: pl.DataFrame) -> tuple[int, int]:
    sizes = rows.filter(pl.col("variable") == "patients")
    found = dict(sizes.select("stratum", "value").iter_rows())
    event, no_event = (int(found.get(group) or 0) for group in _GROUPS)
    return event, no_event


def _list_sources(study: Study, analysis: Exported) -> Iterator[tuple[str, str]]:
    """Each factor, and what speaks against it: two groupings of the same thing give each other away."""
    seen: dict[str, str] = {}
    for name in analysis.factors:
        source = _name_source(name, study.protocol.factors.get(name))
        first = seen.setdefault(source, name)
        yield name, "" if first == name else f"groups the same as {first}"


def _name_source(name: str, factor: Factor | None) -> str:
    if factor is None:
        return f"column {name}"
    if factor.response_window is not None:
        return "response"
    if factor.event is not None:
        return f"event {factor.event}"
    if factor.score is not None:
        return f"score {factor.score}"
    if factor.analyte is not None:
        return f"analyte {factor.analyte} {factor.at}"
    return f"column {factor.column or name}"


def _hide_factor(
    own: pl.DataFrame, sizes: tuple[int, int], *, smallest: int
) -> tuple[list[str], HiddenTable]:
    """The levels of a factor and those who have none, by group."""
    levels: list[str] = own["variable_level"].unique(maintain_order=True).to_list()
    known = {(row["variable_level"], row["stratum"]): int(row["value"]) for row in own.iter_rows(named=True)}
    groups = np.array(
        [[known.get((level, group), 0) for group in _GROUPS] for level in levels], dtype=np.int64
    )
    missing = np.array(sizes, dtype=np.int64) - groups.sum(axis=0)
    if missing.any():
        levels, groups = [*levels, _MISSING], np.vstack([groups, missing])
    return levels, hide_counts(groups, smallest=smallest)


def _frame(
    analysis_id: str, factor: str, levels: Sequence[str], table: HiddenTable, *, sizes: tuple[int, int]
) -> pl.DataFrame:
    columns = (*zip(_GROUPS, sizes, strict=True), ("all", sum(sizes)))
    found: list[tuple[object, ...]] = []
    for row, level in enumerate(levels):
        for column, (group, size) in enumerate(columns):
            mark = int(table.marks[row, column])
            count = int(table.counts[row, column]) if mark == SHOWN else None
            percent = None if count is None else 100 * count / size
            found.append((analysis_id, factor, level, group, count, _STATUS[mark], size, percent))
    return pl.DataFrame(found, schema=PUBLIC_SCHEMA, orient="row")
