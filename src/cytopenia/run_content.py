"""A finished run as the report wants it: results, evidence, and the names they go by."""

from __future__ import annotations

from typing import Any

import polars as pl

from cytopenia.published.verify import verify_paper
from cytopenia.report.content import ReportContent
from cytopenia.study.analysis_forms import (
    Analysis,
    Characteristics,
    Ordinal,
    Recovery,
    RiskFactors,
    TimeToRecovery,
)
from cytopenia.study.plan import Plan
from cytopenia.study.protocol import Study
from cytopenia.study.run import StudyRun
from cytopenia.units import load_analytes, show_unit

__all__ = ["collect_content"]


def collect_content(run: StudyRun, study: Study) -> ReportContent:
    """Return everything the report prints of a run, and the names it goes by."""
    analytes = load_analytes()
    specs = run.plan.specs
    names = [*specs, *(nadir.outcome for nadir in run.plan.nadirs)]
    is_complete = bool(run.settings["support_complete"])
    return ReportContent(
        title=study.protocol.study.title,
        synthetic=study.protocol.study.synthetic,
        results=run.results,
        outcomes=run.outcomes,
        evidence=run.evidence,
        patient_days=run.patient_days,
        findings=run.findings,
        definitions=run.definitions,
        settings=run.settings,
        analyses=[
            _describe_analysis(item, title=_title_analysis(item, run.plan, is_complete=is_complete))
            for item in study.protocol.analyses
        ],
        outcome_titles={name: run.plan.title(name, support_complete=is_complete) for name in names},
        analyte_titles={
            **{name: (item.title, show_unit(item.unit)) for name, item in analytes.items()},
            **{
                nadir.variable: (
                    analytes[nadir.analyte].title,
                    show_unit(analytes[nadir.analyte].unit),
                )
                for nadir in run.plan.nadirs
                if nadir.variable != nadir.analyte
            },
        },
        outcome_definitions=_name_definitions(study),
        # Of the first grades of single values, as lines for the trajectories.
        reference_lines=run.plan.fixed_cuts,
        windows={
            **{name: spec.window for name, spec in specs.items() if spec.window is not None},
            **{nadir.outcome: nadir.window for nadir in run.plan.nadirs},
            **{timed.outcome: timed.days for timed in run.plan.recovery_times},
        },
        answers=run.answers,
        style=study.protocol.report.style,
        figure_frames=run.figure_frames,
        paper_checks=pl.DataFrame() if study.paper is None else verify_paper(study.paper),
        paper_remark="" if study.paper is None else study.paper.remark,
    )


def _describe_analysis(item: Analysis, *, title: str) -> dict[str, Any]:
    """What the report needs of an analysis: every choice of the protocol that shows in its tables."""
    chosen = item.model_dump(
        include={
            "id",
            "kind",
            "label",
            "columns",
            "parity",
            "significance_level",
            "outcome",
            "event",
            "events",
            "normality",
            "pairwise",
            "adjust",
            "days",
            "resamples",
            "by",
            "landmark",
            "times",
            "second_infusion",
        }
    )
    described = {**chosen, "title": title}
    if isinstance(item, Ordinal):
        described["terms"] = item.terms
    if isinstance(item, RiskFactors):
        rule = item.multivariable
        described["cutpoints"] = None if item.cutpoints is None else item.cutpoints.model_dump()
        described["selection"] = None if rule is None or rule.select is None else rule.select.model_dump()
        described["terms"] = () if rule is None else rule.terms
    return described


def _title_analysis(item: Analysis, plan: Plan, *, is_complete: bool) -> str:
    """The title of an analysis; one of recovery claims no more than its outcome may."""
    if isinstance(item, Recovery | TimeToRecovery) and not is_complete:
        return plan.title(item.outcome)
    return item.title or item.id.replace("_", " ").capitalize()


def _name_definitions(study: Study) -> dict[str, str]:
    """The definition behind every outcome, and behind cytopenia at baseline."""
    outcomes = study.protocol.outcomes
    addresses = {name: spec.definition for name, spec in outcomes.items() if spec.definition}
    for item in study.protocol.analyses:
        if isinstance(item, Characteristics) and item.baseline_definition:
            addresses["baseline_cytopenia"] = item.baseline_definition
    return {name: address.partition(".")[0] for name, address in addresses.items()}
