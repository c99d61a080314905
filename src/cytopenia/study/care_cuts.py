"""Panel B of "Read with care": cuts that look best here, and what they are worth elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from cytopenia.results import ResultRow
from cytopenia.stats.accuracy import Measure
from cytopenia.stats.cut_bootstrap import Corrected, CutBootstrap, Resampling, bootstrap_cut
from cytopenia.stats.maximal_cut import MaximalCut, assess_maximal_cut
from cytopenia.study.care_models import CareInput
from cytopenia.study.care_rows import Effect, compare_p_values, refuse_panel, report_numbers
from cytopenia.study.models import judge_univariable

__all__ = ["SIGNIFICANT", "find_published_p", "summarize_careful_cuts"]

# The P that belongs to an interval of 95%.
SIGNIFICANT = 0.05
MEASURES = ("sensitivity", "specificity", "youden")
NO_CUT = "no factor was cut where its ROC curve looks best"
NO_P = "no P value was published for this factor"


def summarize_careful_cuts(given: CareInput) -> Iterator[ResultRow]:
    """Return each Youden cut with its interval, what it is worth in others, and the P of the best of all.

    Rows of group `care_b`. The verdict is on P: the published one of the cut factor against that of the best
    of all cuts, both against 0.05. The published cut has no interval of its own.
    """
    key = replace(given.begin_row("b"), scenario="cut")
    refusal, _ = judge_univariable(given.sides, given.gates, is_requested=False)
    if not given.chosen_cuts or refusal:
        yield refuse_panel(key, refusal or NO_CUT)
        return
    for place, name in enumerate(given.chosen_cuts):
        yield from _summarize_cut(replace(key, variable=name), given, place)


def _summarize_cut(key: ResultRow, given: CareInput, place: int) -> Iterator[ResultRow]:
    factor, tell = given.find_factor(key.variable), given.progress
    members = ~np.isnan(given.sides.policy)
    numbers, event = factor.numbers.to_numpy()[members], given.sides.policy[members]
    done_before, of = place * given.rule.resamples, given.rule.resamples * len(given.chosen_cuts)
    found = bootstrap_cut(
        numbers,
        event,
        high_means_event=given.roc is not None and factor.name in given.roc.higher_means_event,
        how=Resampling(resamples=given.rule.resamples, seed=given.seed),
        progress=None
        if tell is None
        else lambda done, _: tell("reading cuts with care", done_before + done, of),
    )
    yield from report_numbers(replace(key, estimate="cut"), *_read_cut(found, factor.title))
    for name in MEASURES:
        published, careful = _read_measure(found.apparent.get(name)), _read_measure(found.corrected.get(name))
        yield from report_numbers(replace(key, estimate=name), published, careful)
    published_p, best = find_published_p(given, factor.name), assess_maximal_cut(numbers, event)
    verdict = compare_p_values(published_p.value, best.p_value, limit=SIGNIFICANT)
    yield from report_numbers(
        replace(key, estimate="p_value"), published_p, _read_test(best), verdict=verdict
    )


def _read_cut(found: CutBootstrap, title: str) -> tuple[Effect, Effect]:
    curve = found.curve
    status = "ok" if curve.cut is not None else "not_estimable"
    published = Effect(curve.cut, n=curve.n, text=title, status=status, note=curve.note)
    careful = Effect(
        curve.cut if found.status == "ok" else None,
        found.cut_low,
        found.cut_high,
        n=curve.n,
        text=title,
        status=found.status,
        note=found.note,
    )
    return published, careful


def _read_measure(one: Measure | Corrected | None) -> Effect:
    if one is None:
        return Effect(status="not_estimable", note="the cut could not be resampled")
    return Effect(one.value, one.low, one.high, status=one.status, note=one.note)


def _read_test(best: MaximalCut) -> Effect:
    text = "maximal_youden_permutation" if best.resamples else "maximal_youden_exact"
    return Effect(best.p_value, best.low, best.high, best.n, text, best.status, best.note)


def find_published_p(given: CareInput, factor: str) -> Effect:
    """Return the published P of a factor: of its own model, else of the model with the others."""
    for model in ("univariable", "multivariable"):
        for row in given.published:
            if (row.group, row.variable, row.estimate) == (model, factor, "p_value"):
                return Effect(row.value, n=row.n, text=row.text, status=row.status, note=row.note)
    return Effect(status="not_done", note=NO_P)
