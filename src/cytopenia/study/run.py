"""Plan and tables to results. Nothing is chosen here: the protocol has said everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from cytopenia.contract import Extraction, Finding, Tables, collect_findings, merge_findings
from cytopenia.definitions import describe_definition
from cytopenia.grading.baseline import derive_baseline, note_lymphodepletion_day
from cytopenia.published.agreement import compare_with_paper
from cytopenia.results import collect_results
from cytopenia.study.days import frame_patient_days, summarize_trajectories
from cytopenia.study.derived import derive_all, drop_settled
from cytopenia.study.factor_checks import check_factors
from cytopenia.study.families import adjust_families
from cytopenia.study.figure_frames import frame_figures
from cytopenia.study.flow import choose_cohort, flow_of_courses
from cytopenia.study.limit_checks import note_missing_limits
from cytopenia.study.outcomes import CohortOutcomes, Progress, derive_outcomes
from cytopenia.study.plan import Plan, build_plan
from cytopenia.study.protocol import Study
from cytopenia.study.run_analyses import Material, summarize_analyses
from cytopenia.study.run_settings import (
    collect_settings,
    list_scores,
    list_used_definitions,
    list_used_parts,
)
from cytopenia.study.side_by_side import compare_definitions

__all__ = ["StudyRun", "run_plan"]


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
    figure_frames : mapping of str to DataFrame
        What the figures of courses draw, by the name of the figure.
    extractions : tuple of Extraction
        The queries behind the tables where a database was read.
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
    figure_frames: Mapping[str, pl.DataFrame]
    extractions: tuple[Extraction, ...] = ()


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
    material = Material(study, chosen, plan, cohort, frames, compared, progress)
    analyzed = adjust_families(summarize_analyses(material), study.protocol.analyses)
    rows = [*flow, *flow_of_courses(cohort), *analyzed]
    rows.extend(summarize_trajectories(cohort, plan))
    if study.paper is not None:
        rows.extend(compare_with_paper(study.paper, collect_results(rows)))
    return StudyRun(
        results=collect_results(rows),
        outcomes=outcomes,
        evidence=drop_settled(cohort.evidence, outcomes),
        findings=merge_findings(
            tables.findings,
            collect_findings(
                [*note_missing_limits(study, plan, tables.labs), *_check_baseline(study, cohort)]
            ),
        ),
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
        figure_frames=frame_figures(study, chosen, plan, cohort=cohort, outcomes=outcomes),
        extractions=tables.extractions,
    )


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
