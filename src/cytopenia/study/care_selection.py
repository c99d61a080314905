"""Panel C of "Read with care": the model named before, and the selection told by its resamples."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import resources
from statistics import NormalDist

from cytopenia.results import ResultRow
from cytopenia.stats.adjustments import adjust_benjamini_hochberg
from cytopenia.study.care_cuts import SIGNIFICANT
from cytopenia.study.care_effects import fit_careful
from cytopenia.study.care_models import CareInput, find_method, list_published, list_terms, pick_headlines
from cytopenia.study.care_rows import (
    CAREFUL,
    Effect,
    compare_p_values,
    refuse_panel,
    report_effects,
    report_numbers,
)
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import compare_factor
from cytopenia.study.models import judge_univariable
from cytopenia.study.pipelines import JudgedPipeline, Pipeline, Screen, judge_pipeline, lay_out_pipeline

__all__ = ["load_noise", "summarize_careful_model"]

NOT_PUBLISHED = "not in a published model"
NO_SCREEN = "no factor was screened by its own P value"
NO_MULTIVARIABLE = "no multivariable model was published"
OTHER_PIPELINE = "measured for another way: Youden cuts, univariable P below 0.05, one model of what is left"
NO_SELECTION = "the published model was named, not selected"


def summarize_careful_model(given: CareInput) -> Iterator[ResultRow]:
    """Return the model named in the protocol, the screen with its q values, and the published pipeline.

    Rows of group `care_c`, by scenario: `model` (odds ratios of the terms named before, by Firth's method),
    `screen` (P and Benjamini and Hochberg's q), `selection` (1 for a factor in the published model, and the
    share of all resamples whose screen it passes; `unscreened`, the share in which its screen has no finite
    estimate, which counts as not passed), `same_model` (the share of all in which the published
    factors pass and no other), `selection` of `panel` (all resamples, and those in which the model of what
    passed has a finite estimate), `auc` and
    `auc_pairs` (apparent; corrected for optimism; with pairs left out), `noise` (what the same pipeline finds
    where there is nothing).
    """
    key = given.begin_row("c")
    yield from _summarize_terms(replace(key, scenario="model"), given)
    yield from _summarize_screen(replace(key, scenario="screen"), given)
    yield from _summarize_pipeline(key, given)
    yield from _summarize_named_model(key, given)
    yield from _quote_noise(replace(key, scenario="noise"), given)


def _summarize_terms(key: ResultRow, given: CareInput) -> Iterator[ResultRow]:
    terms = given.rule.terms
    careful = fit_careful(given, terms, is_univariable=len(terms) == 1)
    headlines = pick_headlines(list_published(given))
    for name in terms:
        lines = [line for line in headlines if line.factor == name]
        found = {level: effect for (factor, level), effect in careful.items() if factor == name}
        if not lines:
            for level, effect in found.items():
                row = replace(key, variable=name, variable_level=level)
                yield from report_effects(row, _find_refusal(given, name), effect)
        for line in lines:
            effect = found.get(line.level) or found.get("", Effect(status="not_estimable"))
            yield from report_effects(line.begin_row(key), line.effect, effect)


def _find_refusal(given: CareInput, name: str) -> Effect:
    """Why a factor has no published odds ratio."""
    reasons = (
        row.note
        for row in given.published
        if row.variable == name and row.estimate == "odds_ratio" and row.status == "not_done"
    )
    title = given.find_factor(name).title
    return Effect(status="not_done", note=next(reasons, NOT_PUBLISHED), text=title)


def _summarize_screen(key: ResultRow, given: CareInput) -> Iterator[ResultRow]:
    """How many factors were screened, and what their P values are worth together."""
    rule = given.analysis.multivariable
    select = None if rule is None else rule.select
    screened = _list_screened(given, is_by_test=select is not None and select.screen == "test")
    known = [p for p in screened.values() if p is not None]
    if not known:
        yield refuse_panel(key, NO_SCREEN)
        return
    limit = SIGNIFICANT if select is None else select.p_below
    yield replace(key, variable="panel", estimate="tests", value=len(known))
    yield replace(key, variable="panel", estimate="p_below", value=limit)
    for (name, p), q in zip(screened.items(), adjust_benjamini_hochberg(screened.values()), strict=True):
        status = "ok" if p is not None else "not_estimable"
        why = "" if p is not None else "no P value in the screen"
        title = given.find_factor(name).title
        yield from report_numbers(
            replace(key, variable=name, estimate="p_value"),
            Effect(p, status=status, note=why, text=title),
            Effect(q, status=status, note=why, text="benjamini_hochberg"),
            verdict=compare_p_values(p, q, limit=limit),
        )


def _list_screened(given: CareInput, *, is_by_test: bool) -> dict[str, float | None]:
    group = "test" if is_by_test else "univariable"
    found: dict[str, list[float | None]] = {}
    for row in given.published:
        if (row.group, row.estimate) == (group, "p_value"):
            found.setdefault(row.variable, []).append(row.value)
    return {
        name: values[0] if len(values) == 1 else _test_levels(given.find_divided(name), given)
        for name, values in found.items()
    }


def _test_levels(factor: FactorColumn, given: CareInput) -> float | None:
    """A factor of several terms is screened by its test of counts."""
    return compare_factor(factor, given.sides, parity="default", seed=given.seed).p_value


def _summarize_pipeline(key: ResultRow, given: CareInput) -> Iterator[ResultRow]:
    """Cut, screen and fit, done again in each resample."""
    rule = given.analysis.multivariable
    why = judge_univariable(given.sides, given.gates, is_requested=False)[0]
    if rule is None:
        why = NO_MULTIVARIABLE
    if why or rule is None:
        yield refuse_panel(replace(key, scenario="selection"), why)
        return
    found = _judge(given, _plan_pipeline(given), list(rule.terms) or [one.name for one in given.factors])
    published = set(list_terms(list_published(given)))
    if rule.select is None:
        yield refuse_panel(replace(key, scenario="selection"), NO_SELECTION)
    else:
        yield from _summarize_selection(key, given, found, published)
    yield from _summarize_area(replace(key, variable="pipeline"), found)


def _plan_pipeline(given: CareInput) -> Pipeline:
    rule, roc = given.analysis.multivariable, given.roc
    select = None if rule is None else rule.select
    cut = set(given.chosen_cuts)
    is_by_test = select is not None and select.screen == "test"
    return Pipeline(
        find_method(given, "multivariable"),
        None if select is None else select.p_below,
        frozenset() if roc is None else frozenset(cut & {*roc.higher_means_event}),
        frozenset() if roc is None else frozenset(cut & {*roc.lower_means_event}),
        Screen(given.analysis.tests, given.analysis.own_parity, given.seed) if is_by_test else None,
    )


def _judge(given: CareInput, pipeline: Pipeline, names: list[str]) -> JudgedPipeline:
    factors = [
        given.find_factor(name) if pipeline.find_direction(name) else given.find_divided(name)
        for name in names
        if pipeline.find_direction(name) or any(one.name == name for one in given.divided)
    ]
    design = lay_out_pipeline(factors, given.sides, pipeline)
    return judge_pipeline(design, resamples=given.rule.resamples, seed=given.seed, progress=given.progress)


def _summarize_selection(
    key: ResultRow, given: CareInput, found: JudgedPipeline, published: set[str]
) -> Iterator[ResultRow]:
    row = replace(key, scenario="selection", estimate="share")
    if found.validation is None or found.status != "ok":
        yield refuse_panel(row, found.note)
        return
    resamples = found.validation.resamples
    for name, share in found.screened.items():
        title = given.find_factor(name).title
        own = replace(row, variable=name)
        yield from report_numbers(
            own, Effect(float(name in published), text=title), Effect(share, n=resamples, text=title)
        )
        without = replace(own, estimate="unscreened", stratum=CAREFUL)
        yield replace(without, value=found.unscreened[name], n=resamples, text=title)
    same = sum(count for names, count in found.screened_models if set(names) == published)
    yield replace(
        row,
        scenario="same_model",
        variable="pipeline",
        stratum="careful",
        value=same / resamples,
        n=resamples,
    )
    panel = replace(row, variable="panel")
    yield replace(panel, estimate="resamples", value=resamples)
    yield replace(panel, estimate="fitted", value=resamples - found.validation.unfitted)


def _summarize_area(key: ResultRow, found: JudgedPipeline) -> Iterator[ResultRow]:
    """The area on the patients of the model, corrected for optimism, and with pairs left out."""
    if found.validation is None or found.validation.status != "ok":
        yield refuse_panel(replace(key, scenario="auc"), found.note)
        return
    area, n = found.validation.c_statistic, int(found.design.event.size)
    apparent, corrected = _read_area(area.apparent, n), _read_area(area.corrected, n)
    if corrected.status == "ok":
        corrected = replace(corrected, note=_tell_unfitted(found))
    yield from report_numbers(replace(key, scenario="auc", estimate="auc"), apparent, corrected)
    paired = found.paired
    left_out = Effect(status="not_estimable", note="no pair of patients")
    if paired is not None and paired.value is not None:
        left_out = Effect(paired.value, n=paired.pairs)
    yield from report_numbers(replace(key, scenario="auc_pairs", estimate="auc"), apparent, left_out)


def _read_area(value: float | None, n: int) -> Effect:
    status, note = ("ok", "") if value is not None else ("not_estimable", "the model has no area")
    return Effect(value, n=n, status=status, note=note)


def _tell_unfitted(found: JudgedPipeline) -> str:
    """From how many resamples a corrected number is, where some have no model."""
    if found.validation is None or not found.validation.unfitted:
        return ""
    resamples = found.validation.resamples
    fitted = resamples - found.validation.unfitted
    return f"from the {fitted} of {resamples} resamples whose model has a finite estimate"


def _summarize_named_model(key: ResultRow, given: CareInput) -> Iterator[ResultRow]:
    """The area of the model named before, on its own patients and corrected."""
    own, terms = replace(key, variable="named_model"), given.rule.terms
    careful = fit_careful(given, terms, is_univariable=len(terms) == 1)
    refused = [one for one in careful.values() if one.status == "not_done"]
    if refused:
        yield refuse_panel(replace(own, scenario="auc"), refused[0].note)
        return
    plain = replace(given, divided=given.factors, cuts={})
    yield from _summarize_area(own, _judge(plain, Pipeline("firth"), list(terms)))


def _quote_noise(key: ResultRow, given: CareInput) -> Iterator[ResultRow]:
    """What cut, screen and fit find among markers that have nothing to do with the event."""
    noise, rule = load_noise(), given.analysis.multivariable
    select = None if rule is None else rule.select
    is_such = select is not None and select.screen == "univariable" and bool(given.chosen_cuts)
    if not is_such or select is None or select.p_below != float(noise["p_below"]):
        yield refuse_panel(key, OTHER_PIPELINE)
        return
    share, error = float(noise["share"]), float(noise["standard_error"])
    half = NormalDist().inv_cdf(0.975) * error
    row = replace(key, variable="pipeline", stratum="published", estimate="share")
    yield replace(row, value=share, low=share - half, high=share + half, n=int(noise["data_sets"]))
    for name in ("standard_error", "patients", "events", "markers", "p_below", "seed"):
        yield replace(row, stratum="", estimate=name, value=float(noise[name]))


def load_noise() -> Mapping[str, str]:
    """Return the measured share of data sets of noise in which the pipeline finds a risk factor.

    Written by scripts/simulate_pipeline.py; the whole table is docs/simulation_study/pipeline.csv.

    Examples
    --------
    >>> noise = load_noise()
    >>> noise["patients"], noise["events"], noise["markers"]
    ('60', '21', '5')
    """
    file = resources.files("cytopenia") / "data" / "noise_pipeline.csv"
    (row,) = csv.DictReader(file.read_text(encoding="utf-8").splitlines())
    return row
