"""One cohort under several definitions: events, agreement, who changes, and an odds ratio under each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import polars as pl

from cytopenia.definition_forms import GatesDefinition
from cytopenia.results import ResultRow
from cytopenia.stats.agreement import Agreement, estimate_agreement
from cytopenia.stats.describe import estimate_proportion
from cytopenia.study.analysis_forms import Analysis, SideBySide
from cytopenia.study.answer_changes import CHANGE_SCHEMA, list_changes
from cytopenia.study.answers import ANSWER_SCHEMA, Answers, collect_answers, frame_answers
from cytopenia.study.factors import FactorColumn
from cytopenia.study.grade_crosstab import cross_grades
from cytopenia.study.models import (
    Method,
    fit_factors,
    judge_univariable,
    summarize_model,
    summarize_refusal,
    summarize_size,
)
from cytopenia.study.outcomes import CohortOutcomes
from cytopenia.study.plan import Plan

__all__ = ["Compared", "compare_definitions", "summarize_side_by_side"]

SCENARIOS = ("policy", "best", "worst")
NOBODY = "nobody could be judged"


@dataclass(frozen=True)
class Compared:
    """What the definitions of every analysis say, patient by patient.

    Attributes
    ----------
    by_analysis : mapping of analysis to sequence of Answers
        The reference first.
    answers, changes : DataFrame
        The same as tables, of all analyses: from `frame_answers` and `list_changes`.
    """

    by_analysis: Mapping[str, Sequence[Answers]]
    answers: pl.DataFrame
    changes: pl.DataFrame


def compare_definitions(
    analyses: Iterable[Analysis],
    plan: Plan,
    *,
    cohort: CohortOutcomes,
    frames: Mapping[str, pl.DataFrame],
    support_complete: bool,
) -> Compared:
    """Return the answers under the definitions of every analysis of this kind, and who changes.

    Parameters
    ----------
    analyses : iterable of Analysis
        Those of other kinds are passed over.
    plan : Plan
    cohort : CohortOutcomes
    frames : mapping of outcome to DataFrame
        The outcomes in their final form.
    support_complete : bool
        Whether a recovery may be called one.
    """
    found = {
        one.id: collect_answers(one, plan, cohort=cohort, frames=frames, support_complete=support_complete)
        for one in analyses
        if isinstance(one, SideBySide)
    }
    answers = [frame_answers(name, one) for name, one in found.items()]
    changes = [list_changes(name, one, cohort.evidence) for name, one in found.items()]
    return Compared(
        found,
        pl.concat([pl.DataFrame(schema=ANSWER_SCHEMA), *answers]),
        pl.concat([pl.DataFrame(schema=CHANGE_SCHEMA), *changes]),
    )


def summarize_side_by_side(
    analysis: SideBySide, compared: Compared, *, factors: Sequence[FactorColumn], gates: GatesDefinition
) -> Iterator[ResultRow]:
    """Return what each definition finds, how they agree, why they differ, and the odds ratios under each.

    Every definition is modeled in the same way; nothing is counted over the definitions, and none is ranked.
    """
    answers = compared.by_analysis[analysis.id]
    changes = compared.changes.filter(pl.col("analysis_id") == analysis.id)
    for one in answers:
        yield from _count_events(analysis.id, one)
    for first, second in combinations(answers, 2):
        yield from _compare(analysis.id, first, second)
    reference, *others = answers
    for other in others:
        yield from _cross_grades(analysis.id, reference, other)
        yield from _count_changes(analysis.id, other, changes)
    if factors:
        for one in answers:
            yield from _model(analysis, one, factors, gates)


def _count_events(analysis_id: str, one: Answers) -> Iterator[ResultRow]:
    """Events among all patients in three scenarios; who could not be judged stays in the denominator.

    Who died before the landmark is in it only if the protocol keeps early deaths in.
    """
    key = ResultRow(
        analysis_id=analysis_id,
        group="events",
        variable=one.outcome,
        estimate="count",
        text=one.sides.names[0],
    )
    patients = one.denominator
    for scenario in SCENARIOS:
        proportion = estimate_proportion(one.count(scenario), patients)
        for name in ("count", "denominator", "percent"):
            value = getattr(proportion, name)
            status, note = ("ok", "") if value is not None else ("not_estimable", NOBODY)
            row = replace(key, estimate=name, value=value, scenario=scenario)
            yield replace(row, n=patients, status=status, note=note)
    is_out = ~one.is_known & ~one.has_died
    numbers = {
        "evaluable": int(one.is_known.sum()),
        "not_judged": one.not_judged,
        "died_before_landmark": int(one.has_died.sum()),
        "decided": int((one.is_known & ~one.is_open).sum()),
        "open": int(one.is_open.sum()),
    }
    for name, value in numbers.items():
        yield replace(key, estimate=name, value=value, n=one.rows.height, scenario="policy", text="")
    reasons = one.rows.filter(pl.Series(is_out))["reason"].fill_null("").value_counts(sort=False)
    for reason, count in reasons.sort("reason").iter_rows():
        found = replace(key, group="events_not_judged", variable_level=reason or "no answer", text="")
        yield replace(found, value=count, n=one.rows.height)


def _compare(analysis_id: str, first: Answers, second: Answers) -> Iterator[ResultRow]:
    """How two definitions agree among the patients who have an answer under both."""
    key = ResultRow(
        analysis_id=analysis_id,
        group="agreement",
        variable=first.outcome,
        variable_level=second.outcome,
        estimate="",
    )
    one, other = first.event, second.event
    cells = {
        "both": int(((one == 1) & (other == 1)).sum()),
        "only_first": int(((one == 1) & (other == 0)).sum()),
        "only_second": int(((one == 0) & (other == 1)).sum()),
        "neither": int(((one == 0) & (other == 0)).sum()),
    }
    found = estimate_agreement(**cells)
    is_both = first.is_known & second.is_known
    counts = {
        **cells,
        "evaluable_under_one": int((first.is_known != second.is_known).sum()),
        "evaluable_under_none": int((~first.is_known & ~second.is_known).sum()),
        "open": int((is_both & (first.is_open | second.is_open)).sum()),
    }
    for name, value in counts.items():
        yield replace(key, estimate=name, value=value, n=found.n)
    yield from _report_agreement(key, found)


def _report_agreement(key: ResultRow, found: Agreement) -> Iterator[ResultRow]:
    reasons = {
        "percent_agreement": (found.percent, "no patient is evaluable under both"),
        "positive_agreement": (found.positive, "no event under either"),
        "negative_agreement": (found.negative, "no patient without the event under either"),
    }
    for name, (value, why) in reasons.items():
        is_known = value is not None
        status, note = ("ok", "") if is_known else ("not_estimable", why if found.n else NOBODY)
        yield replace(key, estimate=name, value=value, n=found.n, status=status, note=note)
    yield replace(
        key,
        estimate="kappa",
        value=found.kappa,
        low=found.kappa_low,
        high=found.kappa_high,
        n=found.n,
        status="ok" if found.kappa is not None else "not_estimable",
        note=found.kappa_note,
    )


def _cross_grades(analysis_id: str, first: Answers, second: Answers) -> Iterator[ResultRow]:
    """Grade under the reference by grade under the other, where both have grades."""
    if first.grades is None or second.grades is None:
        return
    key = ResultRow(
        analysis_id=analysis_id,
        group="grades",
        variable=second.outcome,
        estimate="count",
        n=first.rows.height,
    )
    found = cross_grades(first.grade, second.grade)
    for name in ("same", "lower", "higher", "graded_by_one", "graded_by_none"):
        yield replace(key, estimate=name, value=getattr(found, name))
    for one, other, count in found.cells.drop_nulls().iter_rows():
        yield replace(key, variable_level=f"{one:g}|{other:g}", value=count)


def _count_changes(analysis_id: str, other: Answers, changes: pl.DataFrame) -> Iterator[ResultRow]:
    """How many patients change, and for which reason."""
    rows = changes.filter(pl.col("other") == other.outcome)
    counted = rows.group_by("change", "reason", maintain_order=True).len().sort("change", "reason")
    key = ResultRow(
        analysis_id=analysis_id,
        group="changes",
        variable=other.outcome,
        estimate="count",
        n=other.rows.height,
    )
    for change, reason, count in counted.iter_rows():
        yield replace(key, stratum=change, variable_level=reason, value=count)


def _model(
    analysis: SideBySide, one: Answers, factors: Sequence[FactorColumn], gates: GatesDefinition
) -> Iterator[ResultRow]:
    """One model per factor with this definition's event; the same method and gates under each definition."""
    key = ResultRow(
        analysis_id=analysis.id, group="univariable", stratum=one.outcome, variable="", estimate=""
    )
    is_published = analysis.parity != "default"
    method: Method = "maximum_likelihood" if is_published else "firth"
    refusal, note = judge_univariable(one.sides, gates, is_requested=is_published)
    gate = replace(key, group="gate", variable="model", level="univariable", estimate="smaller_group")
    yield replace(gate, value=one.sides.smaller_group, note=note)
    if refusal:
        for factor in factors:
            (row,) = summarize_refusal(key, [factor], refusal)
            yield replace(row, text=factor.title)
            yield from _count_members(key, factor, one)
        return
    for factor in factors:
        model = fit_factors([factor], one.sides, method=method)
        yield from summarize_model(key, model, one.sides, with_counts=True)
        yield from summarize_size(replace(key, level=factor.name), model, one.sides)
        yield from _count_members(key, factor, one)


def _count_members(key: ResultRow, factor: FactorColumn, one: Answers) -> Iterator[ResultRow]:
    """Patients and events of one factor: an answer, and a value."""
    is_in = one.is_known & factor.values.is_not_null().to_numpy()
    members = replace(key, group="members", variable=factor.name)
    yield replace(members, estimate="patients", value=int(is_in.sum()), text=factor.title)
    yield replace(members, estimate="events", value=int((is_in & (one.event == 1)).sum()))
    yield replace(members, estimate="missing", value=int((one.is_known & ~is_in).sum()))
