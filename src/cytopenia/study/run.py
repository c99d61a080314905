"""Plan and tables to results. Nothing is chosen here: the protocol has said everything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from cytopenia.contract import Finding, Tables, collect_findings, merge_findings
from cytopenia.definitions import describe_definition
from cytopenia.grading.baseline import derive_baseline, note_lymphodepletion_day
from cytopenia.published.agreement import compare_with_paper
from cytopenia.results import ResultRow, collect_results
from cytopenia.stats.roc import RocCurve
from cytopenia.study.analysis_forms import (
    Characteristics,
    Crosstab,
    Missingness,
    Occurrence,
    Ordinal,
    Recovery,
    RiskFactors,
    Roc,
    SideBySide,
    Survival,
    TimeToRecovery,
)
from cytopenia.study.associations import RiskFactorInput, summarize_crosstab, summarize_risk_factors
from cytopenia.study.cut_points import fit_curves, summarize_roc
from cytopenia.study.days import frame_patient_days, summarize_trajectories
from cytopenia.study.derived import derive_all, grade_baseline
from cytopenia.study.event_checks import is_recovery
from cytopenia.study.factor_checks import check_factors
from cytopenia.study.factors import FactorColumn, derive_factors
from cytopenia.study.families import adjust_families
from cytopenia.study.groups import Sides, derive_sides
from cytopenia.study.honest_cuts import HonestInput, summarize_honest_cuts
from cytopenia.study.missingness import summarize_missingness
from cytopenia.study.ordinal_grades import summarize_ordinal
from cytopenia.study.outcomes import CohortOutcomes, Progress, derive_outcomes
from cytopenia.study.phenotype_outcomes import summarize_dips, summarize_phenotypes
from cytopenia.study.plan import GradePlan, Plan, build_plan
from cytopenia.study.protocol import Study
from cytopenia.study.recovery_groups import summarize_recovery_groups
from cytopenia.study.run_settings import (
    collect_settings,
    list_scores,
    list_used_definitions,
    list_used_parts,
)
from cytopenia.study.side_by_side import Compared, compare_definitions, summarize_side_by_side
from cytopenia.study.summaries import (
    summarize_baseline,
    summarize_cells,
    summarize_characteristics,
    summarize_nadirs,
    summarize_occurrence,
    summarize_recovery,
)
from cytopenia.study.survival import SurvivalInput, group_by_outcome, summarize_survival
from cytopenia.study.survival_times import find_survival_times
from cytopenia.study.time_to_recovery import summarize_time_to_recovery

__all__ = ["StudyRun", "choose_cohort", "run_plan"]


@dataclass(frozen=True)
class StudyRun:
    """Everything that a run found, still as numbers.

    Attributes
    ----------
    results : DataFrame
        The long result table.
    outcomes, evidence, findings, patient_days, day_account : DataFrame
    settings : dict
        Versions, hashes and the seed.
    definitions : list of dict
        Every definition that was used, described.
    plan : Plan
    answers, changes : DataFrame
        Of definitions side by side: what each says of every patient, and who changes for which reason.
    """

    results: pl.DataFrame
    outcomes: pl.DataFrame
    evidence: pl.DataFrame
    findings: pl.DataFrame
    patient_days: pl.DataFrame
    day_account: pl.DataFrame
    settings: Mapping[str, Any]
    definitions: list[dict[str, Any]]
    plan: Plan
    answers: pl.DataFrame
    changes: pl.DataFrame


def run_plan(study: Study, tables: Tables, *, progress: Progress | None = None) -> StudyRun:
    """Run a study on its tables.

    Parameters
    ----------
    study : Study
    tables : Tables
        As the readers return them; never changed.
    progress : callable, optional
        Called with a label, the work done and all work.

    Raises
    ------
    ProtocolError
        The protocol names columns that no table has.
    """
    check_factors(study, tables)
    flow, chosen = choose_cohort(study, tables)
    plan = build_plan(study)
    bounds = study.library.bounds
    cohort = derive_outcomes(
        chosen,
        plan,
        bounds=bounds,
        use_caps=study.protocol.study.bound_anc_by_wbc,
        baseline=study.library.baseline,
        progress=progress,
    )
    outcomes = derive_all(cohort, plan, study.library.baseline)
    frames = {str(key[0]): part for key, part in outcomes.partition_by("outcome", as_dict=True).items()}
    settings = collect_settings(study, tables, plan)
    compared = compare_definitions(
        study.protocol.analyses,
        plan,
        cohort=cohort,
        frames=frames,
        support_complete=settings["support_complete"],
    )
    material = _Material(study, chosen, plan, cohort, frames, compared, progress)
    analyzed = adjust_families(_summarize(material), study.protocol.analyses)
    rows = [*flow, *_flow_of_courses(cohort), *analyzed]
    rows.extend(summarize_trajectories(cohort, plan))
    if study.paper is not None:
        rows.extend(compare_with_paper(study.paper, collect_results(rows)))
    return StudyRun(
        results=collect_results(rows),
        outcomes=outcomes,
        evidence=cohort.evidence,
        findings=merge_findings(tables.findings, collect_findings(_check_baseline(study, cohort))),
        patient_days=frame_patient_days(cohort, plan, bounds),
        day_account=cohort.account,
        settings=settings,
        definitions=[
            describe_definition(study.library.find(name), parts=list_used_parts(plan, name))
            for name in list_used_definitions(study, plan)
        ],
        plan=plan,
        answers=compared.answers,
        changes=compared.changes,
    )


def choose_cohort(study: Study, tables: Tables) -> tuple[list[ResultRow], Tables]:
    """Return the patients with an infusion and every required column, and a row for each step."""
    described = tables.patients.select("patient_id").unique()
    infused = tables.infusions.filter(pl.col("day") == 0).unique(
        "patient_id", keep="first", maintain_order=True
    )
    everybody = pl.concat([described, infused.select("patient_id")]).unique()
    kept = infused.join(described, on="patient_id", how="semi")
    rows = [_step("patients", "Patients in the tables", everybody.height)]
    left_out = {
        "no_infusion": ("No infusion recorded", everybody.height - infused.height),
        "not_described": ("Not in the patients table", infused.height - kept.height),
    }
    rows += [_step(step, text, count, left_out=True) for step, (text, count) in left_out.items() if count]
    for address in study.protocol.cohort.require:
        table, _, column = address.partition(".")
        frame = kept if table == "infusions" else tables.patients
        known = frame.filter(pl.col(column).is_not_null()).select("patient_id")
        left = kept.join(known, on="patient_id", how="semi")
        if left.height < kept.height:
            rows.append(_step(address, f"{address} not known", kept.height - left.height, left_out=True))
        kept = left
    rows.append(_step("cohort", "Patients in the cohort", kept.height))
    infusions = tables.infusions.join(kept.select("patient_id"), on="patient_id", how="semi")
    return rows, replace(tables, infusions=infusions)


def _step(step: str, text: str, count: int, *, left_out: bool = False) -> ResultRow:
    level = "left out" if left_out else "kept"
    return ResultRow(analysis_id="flow", variable=step, level=level, estimate="count", value=count, text=text)


def _flow_of_courses(cohort: CohortOutcomes) -> Iterator[ResultRow]:
    is_measured = np.zeros(len(cohort.courses), dtype=np.bool_)
    for grid in cohort.grids.values():
        is_measured |= grid.measured[:, max(-grid.first_day, 0) :].any(axis=1)
    with_counts = int(is_measured.sum())
    if with_counts < len(cohort.courses):
        without = len(cohort.courses) - with_counts
        yield _step("no_counts", "No blood count from day 0 on (not judged)", without, left_out=True)
    yield _step("with_counts", "Patients with blood counts from day 0 on", with_counts)


@dataclass(frozen=True)
class _Material:
    """What the analyses of one run work on."""

    study: Study
    tables: Tables
    plan: Plan
    cohort: CohortOutcomes
    frames: Mapping[str, pl.DataFrame]
    compared: Compared
    progress: Progress | None

    @property
    def support_complete(self) -> bool:
        return self.study.protocol.study.support_complete and self.tables.has_support

    def find_factors(self, names: tuple[str, ...]) -> list[FactorColumn]:
        return derive_factors(self.study, self.tables, self.cohort, names=names)

    def align(self, outcome: str) -> pl.DataFrame:
        """The rows of one outcome in the order of the courses."""
        patients = pl.DataFrame({"patient_id": self.cohort.courses.patient_id})
        return patients.join(self.frames[outcome], on="patient_id", how="left", maintain_order="left")

    def find_sides(self, analysis: RiskFactors | Roc | Crosstab | Missingness) -> Sides:
        outcome = str(analysis.outcome)
        spec, frame = self.plan.specs[outcome], self.align(outcome)
        return derive_sides(analysis, frame, died_before_landmark=spec.died_before_landmark)

    def fit_all_curves(self) -> dict[str, dict[str, RocCurve]]:
        """Every ROC analysis of the protocol: other analyses take their cuts from it."""
        return {
            item.id: fit_curves(item, self.find_factors(item.factors), self.find_sides(item))
            for item in self.study.protocol.analyses
            if isinstance(item, Roc)
        }


def _summarize(material: _Material) -> Iterator[ResultRow]:
    curves = material.fit_all_curves()
    for analysis in material.study.protocol.analyses:
        match analysis:
            case Characteristics():
                yield from _summarize_patients(analysis, material)
            case Occurrence():
                yield from _summarize_occurrence(analysis, material)
            case RiskFactors() | Roc() | Crosstab():
                yield from _summarize_association(analysis, material, curves)
            case Missingness():
                sides = material.find_sides(analysis) if analysis.outcome else None
                yield from summarize_missingness(analysis, material.find_factors(analysis.factors), sides)
            case Recovery():
                frame = material.frames[analysis.outcome]
                headline = material.plan.specs[analysis.outcome].died_before_landmark or "exclude"
                yield from summarize_recovery(analysis.id, analysis.outcome, frame, headline=headline)
                yield from summarize_cells(analysis.id, analysis.outcome, material.cohort.cells)
            case TimeToRecovery():
                yield from _summarize_time(analysis, material)
            case Ordinal():
                frame = material.align(analysis.outcome)
                factors, gates = material.find_factors(analysis.factors), material.study.library.gates
                yield from summarize_ordinal(analysis, frame, factors=factors, gates=gates)
            case Survival():
                yield from _summarize_survival(analysis, material)
            case SideBySide():
                factors, gates = material.find_factors(analysis.factors), material.study.library.gates
                yield from summarize_side_by_side(analysis, material.compared, factors=factors, gates=gates)


def _summarize_time(analysis: TimeToRecovery, material: _Material) -> Iterator[ResultRow]:
    (plan,) = (item for item in material.plan.recovery_times if item.outcome == analysis.outcome)
    death_day, first_day = material.cohort.courses.death_day, plan.days[0]
    frame = material.align(analysis.outcome)
    yield from summarize_time_to_recovery(analysis, frame, death_day=death_day, first_day=first_day)
    if analysis.by is not None:
        (factor,) = material.find_factors((analysis.by,))
        gates = material.study.library.gates
        yield from summarize_recovery_groups(
            analysis, frame, factor, death_day=death_day, first_day=first_day, gates=gates
        )


def _summarize_survival(analysis: Survival, material: _Material) -> Iterator[ResultRow]:
    groups: dict[str, FactorColumn] = {}
    protocol, library = material.study.protocol, material.study.library
    if analysis.by in protocol.outcomes:
        title = material.plan.title(analysis.by, support_complete=material.support_complete)
        frame, of_recovery = material.align(analysis.by), is_recovery(analysis.by, protocol, library)
        groups = group_by_outcome(analysis.by, title, frame, is_recovery=of_recovery)
    elif analysis.by is not None:
        groups = {"policy": material.find_factors((analysis.by,))[0]}
    names = tuple(name for name in analysis.factors if name != analysis.by)
    times = find_survival_times(material.cohort.courses, analysis)
    given = SurvivalInput(times, groups, material.find_factors(names), library.gates)
    yield from summarize_survival(analysis, given)


def _summarize_association(
    analysis: RiskFactors | Roc | Crosstab,
    material: _Material,
    curves: Mapping[str, Mapping[str, RocCurve]],
) -> Iterator[ResultRow]:
    sides = material.find_sides(analysis)
    factors = material.find_factors(analysis.factors)
    seed = material.study.protocol.study.seed
    match analysis:
        case RiskFactors():
            given = RiskFactorInput(factors, sides, curves, material.study.library.gates, seed)
            yield from summarize_risk_factors(analysis, given)
        case Roc():
            yield from summarize_roc(factors, curves[analysis.id], sides, analysis_id=analysis.id)
            honest = HonestInput(factors, sides, material.study.library.gates, seed, material.progress)
            yield from summarize_honest_cuts(analysis, honest)
        case Crosstab():
            yield from summarize_crosstab(analysis, factors[0], sides, seed=seed)


def _summarize_patients(analysis: Characteristics, material: _Material) -> Iterator[ResultRow]:
    study, cohort = material.study, material.cohort
    yield from summarize_characteristics(analysis.id, material.find_factors(analysis.factors))
    if analysis.baseline_definition is None:
        return
    parts = study.library.find_parts(analysis.baseline_definition)
    plans = [
        GradePlan(address, part, (0, 0), ())
        for address, part in parts.items()
        if part.analyte in cohort.grids
    ]
    graded = [(plan.part.analyte, grade_baseline(cohort, plan, study.library.baseline)) for plan in plans]
    yield from summarize_baseline(analysis.id, graded)


def _summarize_occurrence(analysis: Occurrence, material: _Material) -> Iterator[ResultRow]:
    plan, frames = material.plan, material.frames
    shaped = {phenotype.outcome: phenotype for phenotype in plan.phenotypes}
    for name in analysis.outcomes:
        if name in shaped and not shaped[name].is_second_dip:
            yield from summarize_phenotypes(analysis.id, name, frames[name])
            continue
        if name in shaped:
            yield from summarize_dips(analysis.id, name, frames[name], evidence=material.cohort.evidence)
        spec = plan.specs[name]
        is_graded = spec.min_grade is None and not spec.any_of and name not in shaped
        yield from summarize_occurrence(analysis.id, name, frames[name], is_graded=is_graded)
    chosen = [grade for grade in plan.grades if set(grade.outcomes) & set(analysis.outcomes)]
    wanted = {(grade.part.analyte, grade.window) for grade in chosen}
    for nadir in plan.nadirs:
        if (nadir.analyte, nadir.window) in wanted:
            yield from summarize_nadirs(analysis.id, nadir.variable, frames[nadir.outcome])


def _check_baseline(study: Study, cohort: CohortOutcomes) -> list[Finding]:
    """Baseline values from the day of lymphodepletion, whose order to the first dose is not known."""
    factors = study.protocol.factors.values()
    wanted = [item.analyte for item in factors if item.analyte is not None and item.at == "baseline"]
    if any(getattr(item, "baseline_definition", None) for item in study.protocol.analyses):
        wanted += cohort.grids
    for definition in list_scores(study):
        wanted += [item.analyte for item in definition.inputs_needed if item.day is None]
    found: list[Finding] = []
    for analyte in dict.fromkeys(wanted):
        values = derive_baseline(
            cohort.labs, cohort.courses, analyte=analyte, definition=study.library.baseline
        )
        found += note_lymphodepletion_day(values, analyte)
    return found
