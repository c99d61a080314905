"""What a careful statistician says of a cut: how sure it is, what it does in others, the number itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cytopenia.definition_forms import GatesDefinition
from cytopenia.results import ResultRow
from cytopenia.stats.cut_bootstrap import CutBootstrap, Resampling, bootstrap_cut
from cytopenia.stats.describe import describe_numbers
from cytopenia.stats.maximal_cut import assess_maximal_cut
from cytopenia.study.analysis_forms import Roc
from cytopenia.study.cut_points import apply_cut
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import Sides
from cytopenia.study.models import Method, fit_factors, judge_univariable, summarize_model, summarize_refusal
from cytopenia.study.outcomes import Progress

__all__ = ["HonestInput", "summarize_honest_cuts"]

Floats = NDArray[np.float64]
APPARENT, CORRECTED, OUTSIDE = "cut_apparent", "cut_corrected", "cut_out_of_bag"
DISTRIBUTION, TEST = "cut_distribution", "cut_test"
CONTINUOUS, DICHOTOMIZED = "continuous", "dichotomized"
PER_IQR = "continuous_per_iqr"


@dataclass(frozen=True)
class HonestInput:
    """What the cuts of one ROC analysis are found in.

    Attributes
    ----------
    factors : sequence of FactorColumn
    sides : Sides
    gates : GatesDefinition
    seed : int
        Of the protocol.
    progress : callable, optional
        Called with a label, the resamples done and all resamples of all factors.
    """

    factors: Sequence[FactorColumn]
    sides: Sides
    gates: GatesDefinition
    seed: int
    progress: Progress | None = None


def summarize_honest_cuts(analysis: Roc, given: HonestInput) -> Iterator[ResultRow]:
    """Bootstrap, best-of-all test and models of each factor; nothing if the protocol asks for no resamples.

    Groups of rows: `cut_apparent` and `cut_corrected` (the same numbers in these patients, and corrected for
    the choice), `cut_out_of_bag` (those of cuts chosen anew), `cut_distribution` (each cut that resamples
    found, and how many did), `cut_test`, `continuous` and `continuous_per_iqr` (the number per unit and per
    interquartile range) and `dichotomized` (the side of the cut that means the event).
    """
    if analysis.resamples is None:
        return
    is_published = analysis.own_parity != "default"
    refusal, note = judge_univariable(given.sides, given.gates, is_requested=is_published)
    key = ResultRow(analysis_id=analysis.id, variable="", estimate="")
    if note:
        size = given.sides.smaller_group
        yield replace(
            key,
            group="gate",
            level=CORRECTED,
            variable="model",
            estimate="smaller_group",
            value=size,
            note=note,
        )
    if refusal:
        for group in (CORRECTED, CONTINUOUS):
            yield from summarize_refusal(replace(key, group=group), given.factors, refusal)
        return
    method: Method = "maximum_likelihood" if is_published else "firth"
    for place, factor in enumerate(given.factors):
        own = replace(key, variable=factor.name)
        found = _resample(analysis, factor, given, _count_on(given, place, analysis.resamples))
        yield from _summarize_bootstrap(own, found)
        yield from _summarize_test(own, factor, given.sides)
        yield from _summarize_number(key, factor, given.sides, method)
        yield from _summarize_sides(key, (factor, found), given.sides, method)


def _count_on(given: HonestInput, place: int, resamples: int) -> Callable[[int, int], None] | None:
    """Progress of one factor as part of that of all."""
    tell = given.progress
    if tell is None:
        return None
    every = resamples * len(given.factors)
    return lambda done, _: tell("resampling cut-offs", place * resamples + done, every)


def _pick(factor: FactorColumn, sides: Sides) -> tuple[Floats, Floats]:
    """Numbers and events of the patients in a group."""
    members = ~np.isnan(sides.policy)
    return factor.numbers.to_numpy()[members], sides.policy[members]


def _resample(
    analysis: Roc, factor: FactorColumn, given: HonestInput, progress: Callable[[int, int], None] | None
) -> CutBootstrap:
    numbers, event = _pick(factor, given.sides)
    return bootstrap_cut(
        numbers,
        event,
        high_means_event=factor.name in analysis.higher_means_event,
        how=Resampling(resamples=analysis.resamples or 0, seed=given.seed),
        progress=progress,
    )


def _summarize_bootstrap(key: ResultRow, found: CutBootstrap) -> Iterator[ResultRow]:
    for name, one in found.apparent.items():
        yield replace(
            key,
            group=APPARENT,
            estimate=name,
            value=one.value,
            low=one.low,
            high=one.high,
            n=one.denominator,
            text="wilson",
            status=one.status,
            note=one.note,
        )
    own = replace(key, group=CORRECTED, n=found.curve.n, status=found.status, note=found.note)
    yield replace(own, estimate="cut", value=found.curve.cut, low=found.cut_low, high=found.cut_high)
    if found.status != "ok":
        return
    yield replace(own, estimate="cut_median", value=found.cut_median)
    for name in ("resamples", "one_class", "without_cut"):
        yield replace(own, estimate=name, value=getattr(found, name))
    for group, numbers in ((CORRECTED, found.corrected), (OUTSIDE, found.outside)):
        for name, one in numbers.items():
            measured = replace(own, group=group, estimate=name, value=one.value, status=one.status)
            yield replace(measured, low=one.low, high=one.high, note=one.note)
    for place, (cut, times) in enumerate(zip(found.cuts, found.times, strict=True)):
        own = replace(key, group=DISTRIBUTION, variable_level=str(place))
        yield replace(own, estimate="cut", value=float(cut))
        yield replace(own, estimate="count", value=int(times))


def _summarize_test(key: ResultRow, factor: FactorColumn, sides: Sides) -> Iterator[ResultRow]:
    found = assess_maximal_cut(*_pick(factor, sides))
    own = replace(key, group=TEST, n=found.n, status=found.status, note=found.note)
    yield replace(own, estimate="statistic", value=found.value, text="maximal_youden")
    text = "maximal_youden_permutation" if found.resamples else "maximal_youden_exact"
    yield replace(own, estimate="p_value", value=found.p_value, low=found.low, high=found.high, text=text)


def _summarize_number(
    key: ResultRow, factor: FactorColumn, sides: Sides, method: Method
) -> Iterator[ResultRow]:
    """The number itself in a model, per unit and per interquartile range."""
    model = fit_factors([factor], sides, method=method)
    own = replace(key, group=CONTINUOUS)
    yield from summarize_model(own, model, sides, with_counts=False)
    numbers, _ = _pick(factor, sides)
    summary = describe_numbers(numbers)
    own = replace(key, group=PER_IQR)
    if summary.q1 is None or summary.q3 is None or summary.q3 == summary.q1:
        yield from summarize_refusal(own, [factor], "the middle half of the patients have the same value")
        return
    spread = summary.q3 - summary.q1
    yield replace(own, variable=factor.name, estimate="interquartile_range", value=spread)
    scaled = replace(factor, values=factor.numbers / spread, censored_below=None)
    yield from summarize_model(own, fit_factors([scaled], sides, method=method), sides, with_counts=False)


def _summarize_sides(
    key: ResultRow, cut: tuple[FactorColumn, CutBootstrap], sides: Sides, method: Method
) -> Iterator[ResultRow]:
    """The side of the cut that means the event against the other, as it is published."""
    factor, found = cut
    own = replace(key, group=DICHOTOMIZED)
    if found.curve.cut is None:
        yield from summarize_refusal(own, [factor], "the ROC curve gives no cut")
        return
    reference = "low" if found.curve.high_means_event else "high"
    divided = apply_cut(factor, found.curve.cut, reference=reference)
    yield from summarize_model(own, fit_factors([divided], sides, method=method), sides, with_counts=True)
