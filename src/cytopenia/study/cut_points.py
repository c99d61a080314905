"""ROC curves of a study, and numeric factors turned into two groups by a cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from cytopenia.grading.cuts import is_met
from cytopenia.results import ResultRow
from cytopenia.stats.roc import RocCurve, estimate_roc
from cytopenia.study.analysis_forms import Cutpoints, Roc
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import KNOWN_AFTER, Sides

__all__ = [
    "Curves",
    "Cut",
    "apply_cut",
    "divide_factors",
    "find_cuts",
    "fit_curves",
    "summarize_cuts",
    "summarize_roc",
]

Curves = Mapping[str, RocCurve]


@dataclass(frozen=True)
class Cut:
    """A cut of one factor: its value, None where there is no curve, and where it comes from."""

    value: float | None
    source: str
    note: str = ""


def fit_curves(analysis: Roc, factors: Sequence[FactorColumn], sides: Sides) -> dict[str, RocCurve]:
    """Return the curve of each factor, in the direction that the protocol declares.

    Patients in no group are left out; those without a value are counted as missing.
    """
    members = ~np.isnan(sides.policy)
    return {
        factor.name: estimate_roc(
            factor.numbers.to_numpy()[members],
            sides.policy[members],
            high_means_event=factor.name in analysis.higher_means_event,
        )
        for factor in factors
    }


def find_cuts(
    rule: Cutpoints | None, curves: Mapping[str, Curves], *, factors: Sequence[str]
) -> dict[str, Cut]:
    """Return the cut of each of the factors that is to be divided; none without a rule."""
    if rule is None:
        return {}
    if rule.roc is None:
        cuts = {name: Cut(value, "fixed") for name, value in rule.values.items()}
    else:
        cuts = {name: Cut(curve.cut, "youden", curve.note) for name, curve in curves[rule.roc].items()}
    return {name: cut for name, cut in cuts.items() if name in factors}


def divide_factors(
    factors: Sequence[FactorColumn], cuts: Mapping[str, Cut], *, rule: Cutpoints | None
) -> list[FactorColumn]:
    """Return factors with a cut as two levels; one whose cut could not be found is left out."""
    reference = "low" if rule is None else rule.reference
    found: list[FactorColumn] = []
    for factor in factors:
        cut = cuts.get(factor.name)
        if cut is None:
            found.append(factor)
        elif cut.value is not None:
            found.append(apply_cut(factor, cut.value, reference=reference))
    return found


def apply_cut(factor: FactorColumn, value: float, *, reference: str) -> FactorColumn:
    """Return the factor as two levels, whose labels say which side of the cut they are.

    A value at the cut belongs to the level above. A value that was reported only as below a limit that lies
    above the cut may be on either side: it is unknown.
    """
    shown = format(value, ".12g")
    above, below = f">= {shown}", f"< {shown}"
    printed = factor.values.cast(pl.Float64).to_numpy()
    is_known = ~np.isnan(printed)
    is_above = is_met(printed, "at_least", value)
    if factor.censored_below is not None:
        is_known = is_known & ~(factor.censored_below.to_numpy() & is_above & (printed != value))
        is_above = is_above & ~(factor.censored_below.to_numpy() & (printed == value))
    sides = np.where(is_above, above, below)
    values = pl.Series(
        factor.name,
        [str(side) if known else None for side, known in zip(sides, is_known, strict=True)],
        dtype=pl.String,
    )
    levels = (below, above) if reference == "low" else (above, below)
    return replace(
        factor,
        values=values,
        censored_below=None,
        levels=levels,
        reference=levels[0],
        spline_knots=None,
        between=None,
    )


def summarize_cuts(analysis_id: str, cuts: Mapping[str, Cut]) -> Iterator[ResultRow]:
    """The cut of each factor and where it comes from."""
    for name, cut in cuts.items():
        yield ResultRow(
            analysis_id=analysis_id,
            group="cutpoints",
            variable=name,
            estimate="cut",
            value=cut.value,
            text=cut.source,
            status="ok" if cut.value is not None else "not_estimable",
            note=cut.note,
        )


def summarize_roc(
    factors: Sequence[FactorColumn], curves: Curves, sides: Sides, *, analysis_id: str
) -> Iterator[ResultRow]:
    """Area, cut and its performance for each factor, and the points of each curve."""
    yield ResultRow(
        analysis_id=analysis_id,
        variable="event",
        estimate="count",
        value=int((sides.policy == 1).sum()),
        text=sides.names[0],
    )
    for factor in factors:
        yield from _summarize_curve(analysis_id, factor, curves[factor.name])
    for factor in factors:
        yield from _list_points(analysis_id, factor.name, curves[factor.name])


def _summarize_curve(analysis_id: str, factor: FactorColumn, curve: RocCurve) -> Iterator[ResultRow]:
    key = ResultRow(analysis_id=analysis_id, variable=factor.name, estimate="n", n=curve.n)
    remark = KNOWN_AFTER if factor.is_known_after_infusion else ""
    yield replace(key, value=curve.n, text=factor.title, note=remark)
    for name in ("events", "non_events", "missing"):
        yield replace(key, estimate=name, value=getattr(curve, name))
    found = replace(key, status=curve.status, note=curve.note)
    direction = "higher" if curve.high_means_event else "lower"
    yield replace(found, estimate="auc", value=curve.auc, low=curve.low, high=curve.high, text=direction)
    yield replace(found, estimate="standard_error", value=curve.standard_error, note="")
    side = ">=" if curve.high_means_event else "<"
    label = "" if curve.cut is None else f"{side} {curve.cut:.12g}"
    yield replace(found, estimate="cut", value=curve.cut, text=label, note="")
    performance = {
        "sensitivity": curve.cut_sensitivity,
        "specificity": curve.cut_specificity,
        "youden": curve.youden,
    }
    for name, value in performance.items():
        yield replace(found, estimate=name, value=value, note="")


def _list_points(analysis_id: str, variable: str, curve: RocCurve) -> Iterator[ResultRow]:
    points = zip(curve.thresholds, curve.sensitivity, curve.specificity, strict=True)
    for number, point in enumerate(points):
        for estimate, value in zip(("threshold", "sensitivity", "specificity"), point, strict=True):
            yield ResultRow(
                analysis_id=analysis_id,
                group="curve",
                variable=variable,
                variable_level=str(number),
                estimate=estimate,
                value=float(value),
            )
