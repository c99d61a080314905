"""Panel E of "Read with care": undecided outcomes one way and the other, and missing factors imputed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from cytopenia.results import ResultRow
from cytopenia.study.analysis_forms import Missing
from cytopenia.study.care_models import (
    CareInput,
    Line,
    list_published,
    pick_headlines,
    read_row_effect,
    refit_published,
)
from cytopenia.study.care_rows import Effect, refuse_panel, report_effects
from cytopenia.study.groups import SCENARIOS
from cytopenia.study.imputed_factors import NOTHING_MISSING as MODEL_HOLDS
from cytopenia.study.imputed_factors import ImputationInput, summarize_imputed_models
from cytopenia.study.missingness import find_missing, say_few_missing

__all__ = ["summarize_careful_unknown"]

NOTHING_UNDECIDED = "no outcome is undecided"
NOTHING_MISSING = "no value is missing"
MULTIPLE = Missing(method="multiple_imputation")


def summarize_careful_unknown(given: CareInput) -> Iterator[ResultRow]:
    """Return the published odds ratios with what is unknown known one way and the other.

    Rows of group `care_e`, scenarios `best` and `worst` (every undecided outcome, those not judged with them)
    and `imputed` (missing factors, where 5% of the patients or more lack one).
    """
    key = given.begin_row("e")
    lines = pick_headlines(list_published(given))
    yield from _turn_outcomes(key, given, lines)
    yield from _impute(replace(key, scenario="imputed"), given, lines)


def _turn_outcomes(key: ResultRow, given: CareInput, lines: Sequence[Line]) -> Iterator[ResultRow]:
    event = given.sides.event
    # Who is in no group under any reading stays out: an early death is not an undecided outcome.
    is_undecided = ~(event["best"] == event["worst"]) & ~np.isnan(event["best"]) & ~np.isnan(event["worst"])
    is_unjudged = np.isnan(event["policy"]) & ~(np.isnan(event["best"]) | np.isnan(event["worst"]))
    count = int((is_undecided | is_unjudged).sum())
    for scenario in ("best", "worst"):
        own = replace(key, scenario=scenario)
        yield replace(own, variable="patients", estimate="undecided", value=count)
        if not count:
            yield refuse_panel(own, NOTHING_UNDECIDED)
            continue
        turned = replace(given.sides, event=dict.fromkeys(SCENARIOS, event[scenario]))
        yield replace(own, variable="patients", estimate="events", value=int((event[scenario] == 1).sum()))
        for line, effect in refit_published(given, turned, lines).items():
            yield from report_effects(line.begin_row(own), line.effect, effect)


def _impute(key: ResultRow, given: CareInput, lines: Sequence[Line]) -> Iterator[ResultRow]:
    members = ~np.isnan(given.sides.policy)
    gaps = [find_missing(factor) & members for factor in given.factors]
    incomplete, patients = int(np.column_stack(gaps).any(axis=1).sum()), int(members.sum())
    row = replace(key, variable="patients", n=patients)
    yield replace(row, estimate="incomplete", value=incomplete)
    why = NOTHING_MISSING if not incomplete else say_few_missing(incomplete, patients)
    if why:
        yield refuse_panel(key, why)
        return
    imputed = _list_imputed(given)
    for line in lines:
        place = line.model, line.factor
        alone = imputed.get((*place, line.level)) or imputed.get((*place, ""))
        effect = alone or Effect(status="not_done", note="no model on imputed values")
        if effect.note == MODEL_HOLDS:
            # Nothing to impute is no failure: the published model is the one on all patients.
            notes = filter(None, (line.effect.note, MODEL_HOLDS))
            effect = replace(line.effect, note="; ".join(notes))
        yield from report_effects(line.begin_row(key), line.effect, effect)


def _list_imputed(given: CareInput) -> dict[tuple[str, str, str], Effect]:
    """The odds ratios on imputed values, by model, factor and level; made here where they are not there."""
    rule = given.analysis.missing
    rows: Sequence[ResultRow] = given.published
    if not rule.is_imputed:
        analysis = given.analysis.model_copy(update={"missing": MULTIPLE})
        work = ImputationInput(given.factors, given.sides, given.cuts, given.published, seed=given.seed)
        rows = list(summarize_imputed_models(analysis, work))
    return {
        (row.group.removesuffix("_imputed"), row.variable, row.variable_level): read_row_effect(row)
        for row in rows
        if row.group.endswith("_imputed") and row.estimate == "odds_ratio"
    }
