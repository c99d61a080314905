"""What the page of one patient shows beside the explanation: last values, cells, a score, hashes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from cytopenia.contract import Tables
from cytopenia.definition_forms import PointsDefinition
from cytopenia.grading.explain import (
    AnalyteSeries,
    ExplainedDay,
    Measurement,
    OutcomeExplanation,
    PatientExplanation,
    SeriesDay,
    SupportCourse,
)
from cytopenia.grading.patient_page import (
    GridCell,
    LastValue,
    PatientPage,
    RecoveryGrid,
    ScoreLine,
    ScoreSheet,
    UsedDefinition,
)
from cytopenia.grading.score_cohorts import collect_values
from cytopenia.grading.score_tables import score_values
from cytopenia.study.counterfactuals import Kernel, keep_patient
from cytopenia.study.explain import explain_in_study, require_patient
from cytopenia.study.explained_days import RAISED_BY
from cytopenia.study.outcomes import Progress
from cytopenia.study.patient_facts import PatientFacts, collect_facts
from cytopenia.study.plan import Plan, build_plan
from cytopenia.study.protocol import Study
from cytopenia.study.run_settings import collect_settings
from cytopenia.units import load_analytes

__all__ = ["complete_page", "find_earlier", "page_in_study"]

SHOWN = ("anc", "hemoglobin", "platelets", "wbc", "alc")
PANELS = ("anc", "hemoglobin", "platelets")
SCORE = "car_hematotox"
# "About a week before": the value nearest to seven days before the last one, at most three days off.
WEEK, WEEK_MAY_DIFFER = 7, 3
_FIRST_WEEKS = (0, 28)


def page_in_study(
    study: Study,
    tables: Tables,
    patient_id: str,
    *,
    outcomes: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> PatientPage:
    """Return the page of one patient; parameters and errors are those of `explain_in_study`."""
    explained = explain_in_study(study, tables, patient_id, outcomes=outcomes, progress=progress)
    return complete_page(study, tables, explained)


def complete_page(study: Study, tables: Tables, explained: PatientExplanation) -> PatientPage:
    """Return the page of a patient who has been explained.

    Parameters
    ----------
    study : Study
    tables : Tables
        Of all patients; the hash of the page is theirs.
    explained : PatientExplanation
        From `explain_in_study`, of the same tables.
    """
    plan = build_plan(study)
    patient_id = explained.patient_id
    own = keep_patient(require_patient(study, tables, patient_id), patient_id)
    kernel = Kernel(plan, study.library.bounds, study.protocol.study.bound_anc_by_wbc, study.library.baseline)
    cohort, _ = kernel.run(own)
    facts = collect_facts(own, cohort, bounds=kernel.bounds, baseline=kernel.baseline)
    last = max((day for name in SHOWN for day in facts.measured.get(name, {})), default=None)
    settings = collect_settings(study, tables, plan)
    score = study.library.find_score(SCORE)
    if not isinstance(score, PointsDefinition):
        raise TypeError(f"'{SCORE}' must be of kind 'points'")
    return PatientPage(
        explained=explained,
        values=tuple(_find_last(name, facts) for name in SHOWN),
        last_count_day=last,
        active=() if last is None else tuple(_list_active(facts.support, last)),
        support_complete=settings["support_complete"],
        grid=_lay_out_grid(explained, plan),
        score=_score(score, facts, study),
        panels=_list_panels(explained, facts),
        definitions=tuple(_list_definitions(explained, study)),
        settings={name: settings[name] for name in ("version", "protocol_sha256", "data_fingerprint")},
        day_zero_date=_find_infusion(own),
    )


def _find_last(analyte: str, facts: PatientFacts) -> LastValue:
    days = facts.measured.get(analyte, {})
    last = days[max(days)] if days else None
    earlier = None if last is None else find_earlier(days, last.day)
    described = load_analytes()[analyte]
    return LastValue(
        analyte=analyte,
        title=described.title,
        unit=described.unit,
        last=last,
        earlier=earlier,
        change=_subtract(last, earlier),
        support=() if last is None else tuple(_list_latest(analyte, facts.support, last.day)),
    )


def find_earlier(days: Mapping[int, Measurement], last: int) -> Measurement | None:
    """Return the value about a week before the last day: nearest to seven days, of two the earlier."""
    near = [day for day in days if abs(last - WEEK - day) <= WEEK_MAY_DIFFER]
    return days[min(near, key=lambda day: (abs(last - WEEK - day), day))] if near else None


def _subtract(last: Measurement | None, earlier: Measurement | None) -> float | None:
    """The difference of two numbers; nothing where one of them is known only as a limit."""
    if last is None or earlier is None or last.comparator != "=" or earlier.comparator != "=":
        return None
    return float(f"{last.value - earlier.value:.12g}")


def _list_latest(analyte: str, support: Sequence[SupportCourse], day: int) -> Iterator[SupportCourse]:
    """The latest support of each kind that raises the count, begun by a day; an open one before a closed."""
    for kind in RAISED_BY.get(analyte, ()):
        begun = [item for item in support if item.kind == kind and item.start <= day]
        if begun:
            yield max(begun, key=lambda item: (item.stop is None, item.stop or item.start, item.start))


def _list_active(support: Sequence[SupportCourse], day: int) -> Iterator[SupportCourse]:
    """Support that was given on a day, or that has no recorded stop and began by then."""
    for item in dict.fromkeys(support):
        if item.start <= day and (item.stop is None or day <= item.stop):
            yield item


def _lay_out_grid(explained: PatientExplanation, plan: Plan) -> RecoveryGrid | None:
    """The cells of the first recovery at a landmark, on the days of a run that ends on it."""
    landmarks = {item.outcome: item.definition for item in plan.recoveries}
    outcome = next((item for item in explained.outcomes if item.name in landmarks), None)
    if outcome is None:
        return None
    definition = landmarks[outcome.name]
    landmark = definition.landmark.day
    days = range(max(landmark - definition.run.length + 1, 0), landmark + 1)
    found = {(item.analyte, item.day): item for item in outcome.days}
    return RecoveryGrid(
        name=outcome.name,
        title=outcome.title,
        landmark=landmark,
        days=tuple(days),
        cells=tuple(
            _read_cell(analyte, day, found.get((analyte, day)), outcome)
            for analyte in outcome.analytes
            for day in days
        ),
    )


def _read_cell(analyte: str, day: int, found: ExplainedDay | None, outcome: OutcomeExplanation) -> GridCell:
    if found is None:
        return GridCell(
            analyte=analyte, day=day, verdict=None, measurement=None, may_differ=False, support=()
        )
    return GridCell(
        analyte=analyte,
        day=day,
        verdict=found.verdict,
        measurement=found.measurement,
        may_differ=found.role == "would settle" and not outcome.answer.decided,
        support=found.support,
    )


def _score(definition: PointsDefinition, facts: PatientFacts, study: Study) -> ScoreSheet:
    courses = facts.cohort.courses
    baseline = study.library.baseline
    values, _ = collect_values(definition, facts.tables.labs, courses, baseline=baseline)
    scores, items = score_values(definition, values, courses.patient_id)
    (row,) = scores.iter_rows(named=True)
    return ScoreSheet(
        id=definition.id,
        title=definition.title,
        items=tuple(_read_item(item, definition) for item in items.iter_rows(named=True)),
        best=int(row["best"]),
        worst=int(row["worst"]),
        most_points=definition.most_points,
        group_best=row["group_best"],
        group_worst=row["group_worst"],
    )


def _read_item(row: Mapping[str, Any], definition: PointsDefinition) -> ScoreLine:
    return ScoreLine(
        analyte=row["item"],
        unit=row["unit"],
        day=row["day"],
        value=row["value"],
        comparator=row["comparator"] or "=",
        points_best=int(row["points_best"]),
        points_worst=int(row["points_worst"]),
        most_points=definition.items[row["item"]].most_points,
        problem=row["problem"],
    )


def _list_panels(explained: PatientExplanation, facts: PatientFacts) -> tuple[AnalyteSeries, ...]:
    """The three counts over the same days; one that no outcome looks at has its measurements alone."""
    known = {series.analyte: series for series in explained.series}
    spans = [(series.days[0].day, series.days[-1].day) for series in known.values() if series.days]
    first, last = (
        (min(first for first, _ in spans), max(last for _, last in spans)) if spans else _FIRST_WEEKS
    )
    return tuple(known.get(name) or _lay_out_bare(name, facts, (first, last)) for name in PANELS)


def _lay_out_bare(analyte: str, facts: PatientFacts, span: tuple[int, int]) -> AnalyteSeries:
    described, measured = load_analytes()[analyte], facts.measured.get(analyte, {})
    days = [
        SeriesDay(
            day=day,
            state="measured" if (item := measured.get(day)) else "not_needed",
            low=item.value if item else None,
            high=item.value if item else None,
            filled=None,
            measurement=item,
        )
        for day in range(span[0], span[1] + 1)
    ]
    left_out = [item for item in facts.left_out if item.analyte == analyte and span[0] <= item.day <= span[1]]
    return AnalyteSeries(
        analyte=analyte,
        title=described.title,
        unit=described.unit,
        days=tuple(days),
        left_out=tuple(left_out),
        cuts=(),
        windows=(),
    )


def _list_definitions(explained: PatientExplanation, study: Study) -> Iterator[UsedDefinition]:
    """The definitions of the outcomes, of the score, and those of every study."""
    named = [str(item.address).partition(".")[0] for item in explained.outcomes if item.address is not None]
    for name in dict.fromkeys([*named, SCORE, "neighbor_bounds", "baseline"]):
        definition = study.library.find(name)
        citation = definition.citation
        doi = f"doi:{citation.doi}. " if citation.doi else ""
        url = f". {citation.url}" if citation.url and not citation.doi else ""
        yield UsedDefinition(
            id=name,
            title=definition.title,
            version=definition.version,
            citation=f"{doi}{citation.text}{url}",
            sha256=study.library.sha256[name],
        )


def _find_infusion(own: Tables) -> date | None:
    """The true date of day 0, where the tables have dates."""
    dates = own.infusions.filter(pl.col("day") == 0)["infusion_date"].drop_nulls().to_list()
    return dates[0] if dates else None
