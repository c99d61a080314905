"""A prediction model as result rows: the size it needs, what it is worth, its coefficients and its curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from cytopenia.definition_forms import GatesDefinition
from cytopenia.results import ResultRow
from cytopenia.stats.imputed_validation import ImputedValidation
from cytopenia.stats.optimism_curves import correct_curves
from cytopenia.stats.sample_size import (
    convert_c_statistic,
    convert_nagelkerke,
    count_affordable_parameters,
    plan_model_size,
)
from cytopenia.stats.validation import PairedOut, Validation
from cytopenia.study.factors import FactorColumn
from cytopenia.study.final_model import FinalModel, FinalTerm, make_final_model
from cytopenia.study.groups import Sides, summarize_sides
from cytopenia.study.models import judge_terms, name_p, say_size
from cytopenia.study.outcomes import Progress
from cytopenia.study.pipelines import (
    JudgedPipeline,
    Pipeline,
    PipelineDesign,
    judge_pipeline,
    lay_out_pipeline,
)
from cytopenia.study.points import summarize_nomogram, summarize_points
from cytopenia.study.prediction_forms import Prediction

__all__ = [
    "PredictionInput",
    "read_pipeline",
    "summarize_indices",
    "summarize_models",
    "summarize_prediction",
]

INDICES = ("c_statistic", "brier", "slope", "intercept")
# As many as a table can show; the rest are counted together.
MOST_MODELS = 10
CURVES = ("calibration", "decision", "nomogram", "points")


@dataclass(frozen=True)
class PredictionInput:
    """What a prediction model is made from.

    Attributes
    ----------
    factors : sequence of FactorColumn
        Every candidate.
    sides : Sides
    gates : GatesDefinition
    seed : int
        Of the protocol.
    progress : callable, optional
        Called with a label, the models made and all models.
    """

    factors: Sequence[FactorColumn]
    sides: Sides
    gates: GatesDefinition
    seed: int
    progress: Progress | None = None


def read_pipeline(analysis: Prediction) -> Pipeline:
    """Return the way of making a model that a protocol asks for."""
    cuts = analysis.cuts
    return Pipeline(
        method=analysis.fitted_by,
        p_below=None if analysis.select is None else analysis.select.p_below,
        higher_means_event=frozenset(() if cuts is None else cuts.higher_means_event),
        lower_means_event=frozenset(() if cuts is None else cuts.lower_means_event),
    )


def summarize_prediction(analysis: Prediction, given: PredictionInput) -> Iterator[ResultRow]:
    """Size, gate, and as far as the gates allow: performance, selection, coefficients, curves and points.

    Groups of rows: `size` (what the model needs and what the patients afford), `gate`, `performance`,
    `selection`, `models`, `coefficients`, `inputs` (what each factor of the model was in these patients),
    `calibration`, `decision`, `nomogram`, `points`.
    """
    yield from summarize_sides(analysis.id, given.sides)
    design = lay_out_pipeline(given.factors, given.sides, read_pipeline(analysis))
    key = ResultRow(analysis_id=analysis.id, variable="model", estimate="")
    yield from _summarize_size(key, analysis, design)
    for (name, level), why in design.refused.items():
        refused = replace(key, group="selection", variable=name, variable_level=level)
        yield replace(refused, estimate="frequency", status="not_estimable", note=why)
    smaller = int(min(design.events, design.event.size - design.events))
    refusal, note = judge_terms(
        smaller,
        len(design.terms),
        given.gates,
        said=say_size(smaller),
        is_requested=analysis.parity != "default",
    )
    yield replace(key, group="gate", level="prediction", estimate="smaller_group", value=smaller, note=note)
    if refusal:
        for group in ("performance", "coefficients", *CURVES):
            yield replace(key, group=group, estimate="model", status="not_done", note=refusal)
        return
    judged = judge_pipeline(design, resamples=analysis.resamples, seed=given.seed, progress=given.progress)
    yield from _summarize_judged(key, analysis, judged)
    if judged.status != "ok":
        return
    model = make_final_model(judged)
    yield from _summarize_coefficients(replace(key, group="coefficients"), model)
    yield from _summarize_inputs(replace(key, group="inputs"), model, design)
    yield from _summarize_curves(key, analysis, _Curved(model, judged, given, smaller))


def _summarize_size(key: ResultRow, analysis: Prediction, design: PipelineDesign) -> Iterator[ResultRow]:
    """Patients and candidate parameters, and what Riley's criteria say of them."""
    own = replace(key, group="size", n=design.event.size)
    n, events, parameters = design.event.size, design.events, len(design.terms)
    counts = {"n": n, "events": events, "non_events": n - events, "missing": design.missing}
    for name, value in {**counts, "parameters": parameters}.items():
        yield replace(own, estimate=name, value=value)
    reason = ""
    if not 0 < events < n:
        reason = "nobody has the event" if not events else "everybody has the event"
    elif not parameters:
        reason = "no candidate has a column"
    if reason:
        yield replace(own, estimate="needed_patients", status="not_estimable", note=reason)
        return
    prevalence = events / n
    if analysis.expected_r2 is not None:
        r2, source = convert_nagelkerke(analysis.expected_r2, prevalence=prevalence), "nagelkerke"
        yield replace(own, estimate="expected_r2", value=analysis.expected_r2, text=source)
    else:
        expected = float(analysis.expected_c or 0.0)
        r2, source = convert_c_statistic(expected, prevalence=prevalence), "c_statistic"
        yield replace(own, estimate="expected_c", value=expected, text=source)
    found = plan_model_size(parameters, prevalence=prevalence, r2=r2)
    affordable = count_affordable_parameters(n, prevalence=prevalence, r2=r2)
    numbers = {
        "prevalence": prevalence,
        "r2_cox_snell": r2,
        "needed_shrinkage": found.shrinkage,
        "needed_optimism": found.optimism,
        "needed_overall_risk": found.overall_risk,
        "needed_patients": found.patients,
        "needed_events": found.events,
        "affordable_parameters": affordable,
    }
    for name, value in numbers.items():
        yield replace(own, estimate=name, value=value)


def _summarize_judged(key: ResultRow, analysis: Prediction, judged: JudgedPipeline) -> Iterator[ResultRow]:
    own = replace(key, group="performance")
    validation, paired = judged.validation, judged.paired
    if validation is None or paired is None or judged.status != "ok":
        yield replace(own, estimate="model", status="not_estimable", note=judged.note)
        return
    yield replace(own, estimate="method", text=judged.design.recipe.method, n=judged.design.event.size)
    yield replace(own, estimate="resamples", value=validation.resamples)
    yield replace(own, estimate="unfitted", value=validation.unfitted)
    yield from summarize_indices(own, validation)
    yield from _summarize_paired(replace(own, variable="c_statistic"), paired)
    yield from _summarize_selection(key, analysis, judged)


def summarize_indices(own: ResultRow, validation: Validation | ImputedValidation) -> Iterator[ResultRow]:
    """Yield each index: apparent, its optimism, and corrected."""
    for name in INDICES:
        index = getattr(validation, name)
        for estimate in ("apparent", "optimism", "corrected"):
            value = getattr(index, estimate)
            status = "ok" if value is not None else "not_estimable"
            note = "" if value is not None else "no factor was chosen, or no resample has it"
            yield replace(
                own,
                variable=name,
                estimate=estimate,
                value=value,
                n=index.resamples,
                status=status,
                note=note,
            )


def _summarize_paired(own: ResultRow, paired: PairedOut) -> Iterator[ResultRow]:
    found = replace(own, estimate="pairs_left_out", value=paired.value, n=paired.pairs)
    if paired.value is None:
        yield replace(found, status="not_estimable", note="no pair without which a model could be fitted")
    else:
        yield found
    yield replace(own, estimate="pairs", value=paired.of_pairs)
    yield replace(own, estimate="pairs_unfitted", value=paired.unfitted)
    if paired.standard_error:
        yield replace(own, estimate="pairs_standard_error", value=paired.standard_error)


def _summarize_selection(key: ResultRow, analysis: Prediction, judged: JudgedPipeline) -> Iterator[ResultRow]:
    """How often resamples chose each factor, and which models they made; without a choice there is none."""
    if analysis.select is None and not analysis.divided:
        return
    validation = judged.validation
    assert validation is not None  # noqa: S101 - asked for only where there is one
    titles = {term.factor.name: term.factor.title for term in judged.design.terms}
    chosen = {
        term.factor.name
        for term, is_chosen in zip(judged.design.terms, validation.chosen, strict=True)
        if is_chosen
    }
    fitted = validation.resamples - validation.unfitted
    for name, share in judged.frequencies.items():
        own = replace(key, group="selection", variable=name, n=fitted)
        yield replace(own, estimate="frequency", value=100.0 * share, text=titles[name])
        yield replace(own, estimate="is_chosen", value=float(name in chosen))
        without = replace(own, estimate="unscreened", n=validation.resamples)
        yield replace(without, value=100.0 * judged.unscreened[name])
    yield from summarize_models(replace(key, group="models", n=fitted), judged.models, titles)


def summarize_models(
    key: ResultRow, models: Sequence[tuple[tuple[str, ...], int]], titles: Mapping[str, str]
) -> Iterator[ResultRow]:
    """Yield the models that resamples made, the most frequent first, and how many different ones."""
    for place, (names, count) in enumerate(models[:MOST_MODELS], start=1):
        text = " + ".join(titles[name] for name in names) or "no factor"
        yield replace(key, variable_level=str(place), text=text, estimate="count", value=count)
    yield replace(key, estimate="different", value=len(models))


def _summarize_coefficients(key: ResultRow, model: FinalModel) -> Iterator[ResultRow]:
    """Odds ratios as they are; coefficients as they are and shrunken by the corrected slope."""
    fit = model.fit
    if fit is None or not model.is_fitted:
        note = "no factor was chosen" if fit is None else fit.note
        yield replace(key, estimate="model", status="not_estimable", note=note)
        return
    plain = model.list_coefficients(is_shrunken=False)
    if model.shrinkage is None:
        shrunken: list[float | None] = [None] * len(plain)
    else:
        shrunken = [*model.list_coefficients(is_shrunken=True)]
    why = (
        ""
        if model.shrinkage is not None
        else "the corrected slope is not above 0: the model predicts nothing"
    )
    status = "ok" if model.shrinkage is not None else "not_estimable"
    yield replace(key, estimate="shrinkage", value=model.shrinkage, status=status, note=why)
    own = replace(key, variable="intercept")
    yield replace(own, estimate="coefficient", value=plain[0])
    yield replace(own, estimate="shrunken_coefficient", value=shrunken[0], status=status, note=why)
    for place, (final, term) in enumerate(zip(model.terms, fit.terms, strict=True), start=1):
        own = replace(key, variable=final.term.factor.name, variable_level=final.level, n=fit.n)
        title = _title(final)
        yield replace(
            own, estimate="odds_ratio", value=term.odds_ratio, low=term.low, high=term.high, text=title
        )
        yield replace(own, estimate="p_value", value=term.p_value, text=name_p(fit.method, fit.interval))
        yield replace(own, estimate="standard_error", value=term.standard_error)
        yield replace(own, estimate="coefficient", value=plain[place], text=final.kind)
        yield replace(own, estimate="shrunken_coefficient", value=shrunken[place], status=status, note=why)
        for name, value in final.at.items():
            yield replace(own, estimate=name, value=value)


def _title(final: FinalTerm) -> str:
    factor = final.term.factor
    return f"{factor.title} ({final.term.step})" if final.kind in ("number", "doubling") else factor.title


def _summarize_inputs(key: ResultRow, model: FinalModel, design: PipelineDesign) -> Iterator[ResultRow]:
    """What each factor of the model was in its patients: the range of a number, the count of a level."""
    for factor in {term.term.factor.name: term.term.factor for term in model.terms}.values():
        own = replace(key, variable=factor.name, text=factor.title, n=design.event.size)
        if factor.is_number:
            numbers = np.array(factor.numbers.fill_null(np.nan).to_numpy(), dtype=np.float64)[design.members]
            yield replace(own, estimate="minimum", value=float(numbers.min()))
            yield replace(own, estimate="maximum", value=float(numbers.max()))
            continue
        values = factor.values.cast(pl.String).to_numpy()[design.members]
        for level in factor.list_levels():
            count = int((values == level).sum())
            yield replace(own, variable_level=level, estimate="count", value=count)


@dataclass(frozen=True, eq=False)
class _Curved:
    """What the curves and points of a model are made from."""

    model: FinalModel
    judged: JudgedPipeline
    given: PredictionInput
    smaller: int


def _summarize_curves(key: ResultRow, analysis: Prediction, curved: _Curved) -> Iterator[ResultRow]:
    """Curves, nomogram and points from the gate on; else a row for each that says why not."""
    least = curved.given.gates.prediction_from
    reason = ""
    if least is None or curved.smaller < least:
        asked = "the gates allow none" if least is None else f"they need {least}"
        reason = f"{say_size(curved.smaller)}: {asked}"
    elif not curved.model.is_fitted or curved.model.shrinkage is None:
        reason = "there is no model that predicts"
    if reason:
        for group in CURVES:
            yield replace(key, group=group, estimate="model", status="not_done", note=reason)
        return
    sampled = curved.judged.sampled
    assert sampled is not None  # noqa: S101 - there is a model, so there are those of the resamples
    found = correct_curves(sampled, thresholds=analysis.thresholds)
    tables = {
        "calibration": {
            "predicted": found.predicted,
            "apparent": found.observed,
            "corrected": found.corrected,
        },
        "decision": {
            "threshold": found.thresholds,
            "apparent": found.benefit,
            "corrected": found.benefit_corrected,
            "treat_all": found.treat_all,
        },
    }
    for group, columns in tables.items():
        for name, values in columns.items():
            for place, value in enumerate(values.tolist()):
                own = replace(key, group=group, variable_level=str(place), estimate=name, n=found.resamples)
                if np.isnan(value):
                    yield replace(own, status="not_estimable", note="no resample reaches this probability")
                else:
                    yield replace(own, value=value)
    if not analysis.thresholds:
        note = "the protocol names no thresholds"
        yield replace(key, group="decision", estimate="model", status="not_done", note=note)
    yield from summarize_nomogram(key, curved.model, curved.judged.design)
    yield from summarize_points(key, curved.model, curved.judged.design)
