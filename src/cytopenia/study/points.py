"""A model as points: a nomogram, and a score in whole points with the risk of each total."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.results import ResultRow
from cytopenia.stats.roc import estimate_roc
from cytopenia.study.factors import FactorColumn
from cytopenia.study.final_model import FinalModel, FinalTerm
from cytopenia.study.pipelines import PipelineDesign

__all__ = ["summarize_nomogram", "summarize_points"]

Numbers = NDArray[np.float64]

# The factor that moves the log odds most spans so many points: of a nomogram, and of the score.
NOMOGRAM_POINTS, SCORE_POINTS = 100, 10
TICKS, TOTALS = 5, 11
# A round number nearer to an end than this share of a step is left out.
CROWDED = 1 / 3
ROUNDING = 1e-9
BASES, APART = (1.0, 2.0, 5.0), 1.3
NICE = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, eq=False)
class _Line:
    """One factor: what can be read off it, and what each reading adds to the log odds."""

    factor: FactorColumn
    labels: tuple[str, ...]
    at: tuple[float | None, ...]
    adds: Numbers

    @property
    def span(self) -> float:
        return float(np.ptp(self.adds))


def summarize_nomogram(key: ResultRow, model: FinalModel, design: PipelineDesign) -> Iterator[ResultRow]:
    """Points of readings of each factor, and the risk of totals; group `nomogram`.

    The shrunken coefficients are used. The factor that moves the log odds most spans 100 points.
    """
    lines = [_draw_line(terms, _list_weights(model, terms), design) for terms in _group_terms(model)]
    unit = max(line.span for line in lines) / NOMOGRAM_POINTS
    own = replace(key, group="nomogram")
    most = 0.0
    for line in lines:
        points = (line.adds - line.adds.min()) / unit
        most += float(points.max())
        for label, at, value in zip(line.labels, line.at, points, strict=True):
            reading = replace(own, variable=line.factor.name, variable_level=label, text=line.factor.title)
            yield replace(reading, estimate="points", value=float(value))
            if at is not None:
                yield replace(reading, estimate="at", value=at)
    start = _find_start(model, lines)
    step = _choose_step(most, TOTALS)
    for place in range(math.ceil(most / step) + 1):
        total = replace(own, variable="total", variable_level=str(place))
        yield replace(total, estimate="points", value=place * step)
        yield replace(total, estimate="risk", value=_find_risk(start + place * step * unit))


def summarize_points(key: ResultRow, model: FinalModel, design: PipelineDesign) -> Iterator[ResultRow]:
    """Whole points of levels and of classes of numbers, and the risk of each total; group `points`.

    Numbers are classed at their quartiles, a class standing for its median. The risk of a total is that of
    the shrunken model; patients and events of each total are these patients.

    References
    ----------
    Sullivan, Massaro and D'Agostino, Statistics in Medicine 2004;23:1631-1660. DOI 10.1002/sim.1742.
    """
    lines = [_class_line(terms, _list_weights(model, terms), design) for terms in _group_terms(model)]
    widest = max(line.span for line, _ in lines)
    own = replace(key, group="points")
    if not widest:
        yield replace(
            own, variable="model", estimate="points", status="not_estimable", note="no class differs"
        )
        return
    unit = widest / SCORE_POINTS
    totals = np.zeros(design.event.size, dtype=np.int64)
    most = 0
    for line, classes in lines:
        points: NDArray[np.int64] = np.rint((line.adds - line.adds.min()) / unit).astype(np.int64)
        totals += points[classes]
        most += int(points.max())
        for label, value in zip(line.labels, points, strict=True):
            found = replace(own, variable=line.factor.name, variable_level=label, text=line.factor.title)
            yield replace(found, estimate="points", value=int(value))
    start = _find_start(model, [line for line, _ in lines])
    for total in range(most + 1):
        found = replace(own, variable="total", variable_level=str(total))
        yield replace(found, estimate="risk", value=_find_risk(start + total * unit))
        yield replace(found, estimate="patients", value=int((totals == total).sum()))
        yield replace(found, estimate="events", value=int(design.event[totals == total].sum()))
    curve = estimate_roc(totals.astype(np.float64), design.event, high_means_event=True)
    yield replace(
        own,
        variable="model",
        estimate="c_statistic",
        value=curve.auc,
        n=curve.n,
        status=curve.status,
        note=curve.note or "in the patients the points were made from",
    )


def _group_terms(model: FinalModel) -> list[list[int]]:
    """The places of the terms of each factor."""
    names = [term.term.factor.name for term in model.terms]
    return [[place for place, one in enumerate(names) if one == name] for name in dict.fromkeys(names)]


@dataclass(frozen=True, eq=False)
class _Weights:
    terms: tuple[FinalTerm, ...]
    numbers: Numbers


def _list_weights(model: FinalModel, places: Sequence[int]) -> _Weights:
    weights = model.list_coefficients(is_shrunken=True)
    return _Weights(
        tuple(model.terms[place] for place in places), np.array([weights[1 + place] for place in places])
    )


def _draw_line(places: Sequence[int], own: _Weights, design: PipelineDesign) -> _Line:
    del places
    first = own.terms[0]
    factor = first.term.factor
    if first.kind == "level":
        levels = _list_levels(own)
        return _Line(factor, tuple(levels), (None,) * len(levels), np.array(list(levels.values())))
    if first.kind in ("at_least", "below"):
        return _Line(
            factor, (_name_other_side(first), first.level), (None, None), np.array([0.0, own.numbers[0]])
        )
    known = _list_numbers(factor, design)
    ends = float(known.min()), float(known.max())
    ticks = _list_doublings(*ends) if first.kind == "doubling" else _list_ticks(*ends)
    adds = _add_up(own, np.array(ticks))
    return _Line(factor, tuple(f"{tick:.6g}" for tick in ticks), tuple(ticks), adds)


def _class_line(
    places: Sequence[int], own: _Weights, design: PipelineDesign
) -> tuple[_Line, NDArray[np.intp]]:
    """The line of a factor in classes, and the class of each patient."""
    first = own.terms[0]
    factor = first.term.factor
    if first.kind == "level":
        levels = _list_levels(own)
        names = list(levels)
        values = factor.values.cast(pl.String).to_numpy()[design.members]
        classes = np.array([names.index(str(value)) for value in values], dtype=np.intp)
        return _Line(factor, tuple(names), (None,) * len(names), np.array(list(levels.values()))), classes
    if first.kind in ("at_least", "below"):
        return _draw_line(places, own, design), first.column.astype(np.intp)
    known = _list_numbers(factor, design)
    edges = np.unique(np.quantile(known, [0.25, 0.5, 0.75]))
    edges = edges[edges > known.min()]
    classes = np.searchsorted(edges, known, side="right")
    middles = np.array([np.median(known[classes == one]) for one in range(edges.size + 1)])
    shown = [f"{edge:.4g}" for edge in edges]
    labels = (
        [
            f"< {shown[0]}",
            *(f"{a} to < {b}" for a, b in pairwise(shown)),
            f">= {shown[-1]}",
        ]
        if shown
        else ["all"]
    )
    return _Line(factor, tuple(labels), tuple(middles.tolist()), _add_up(own, middles)), classes


def _list_levels(own: _Weights) -> dict[str, float]:
    """What each level adds, the reference among them."""
    factor = own.terms[0].term.factor
    adds = {term.level: float(weight) for term, weight in zip(own.terms, own.numbers, strict=True)}
    return {
        level: adds.get(level, 0.0)
        for level in factor.list_levels()
        if level in adds or level == factor.reference_level
    }


def _name_other_side(term: FinalTerm) -> str:
    shown = format(term.at["cut"], ".12g")
    return f"< {shown}" if term.kind == "at_least" else f">= {shown}"


def _list_numbers(factor: FactorColumn, design: PipelineDesign) -> Numbers:
    return np.array(factor.numbers.fill_null(np.nan).to_numpy(), dtype=np.float64)[design.members]


def _add_up(own: _Weights, values: Numbers) -> Numbers:
    """What values of a number add to the log odds."""
    first = own.terms[0]
    if first.kind == "doubling":
        return own.numbers[0] * np.log2(values)
    if first.kind == "number":
        return own.numbers[0] * values / first.at["step"]
    assert first.term.spline is not None  # noqa: S101 - a curve has one
    return first.term.spline.lay_out(values.tolist()) @ own.numbers


def _list_ticks(low: float, high: float) -> list[float]:
    """Round numbers inside, and the two ends."""
    step = _choose_step(high - low, TICKS)
    inside = [step * place for place in range(math.ceil(low / step), math.floor(high / step) + 1)]
    apart = [tick for tick in inside if tick - low > step * CROWDED and high - tick > step * CROWDED]
    return [low, *apart, high]


def _list_doublings(low: float, high: float) -> list[float]:
    """1, 2, 5 and their tenfolds inside, and the two ends."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    inside = [base * 10.0**power for power in powers for base in BASES]
    return [low, *(tick for tick in inside if low * APART < tick < high / APART), high]


def _choose_step(span: float, count: int) -> float:
    rough = span / count
    power = 10.0 ** math.floor(math.log10(rough))
    return next(nice for nice in NICE if nice * power >= rough * (1 - ROUNDING)) * power


def _find_start(model: FinalModel, lines: Sequence[_Line]) -> float:
    """The log odds of a patient with no points."""
    return model.list_coefficients(is_shrunken=True)[0] + sum(float(line.adds.min()) for line in lines)


def _find_risk(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-log_odds))
