"""The analyses of a protocol, one after the other, as result rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from cytopenia.contract import Tables
from cytopenia.grading.recovery import RECOVERY_LABELS
from cytopenia.grading.score_cohorts import collect_values
from cytopenia.results import ResultRow
from cytopenia.stats.roc import RocCurve
from cytopenia.study.analysis_forms import (
    Characteristics,
    ComparePublished,
    Crosstab,
    ExternalValidation,
    Missingness,
    Occurrence,
    Ordinal,
    Prediction,
    Recovery,
    RiskFactors,
    Roc,
    SideBySide,
    Survival,
    TimeToRecovery,
)
from cytopenia.study.answers import AnswerSource
from cytopenia.study.associations import RiskFactorInput, summarize_crosstab, summarize_risk_factors
from cytopenia.study.care_definitions import OtherDefinition
from cytopenia.study.care_models import CareInput
from cytopenia.study.care_patients import find_had_before, read_deaths_otherwise
from cytopenia.study.compare_published import summarize_published
from cytopenia.study.cut_points import divide_factors, find_cuts, fit_curves, summarize_roc
from cytopenia.study.derived import grade_baseline
from cytopenia.study.event_checks import check_two_sides, is_recovery
from cytopenia.study.external_validation import (
    CardInput,
    ScoreInput,
    summarize_card_validation,
    summarize_score_validation,
)
from cytopenia.study.factors import FactorColumn, derive_factors
from cytopenia.study.group_comparisons import group_by_grade, summarize_groups
from cytopenia.study.groups import Sides, derive_sides, split_sides
from cytopenia.study.honest_cuts import HonestInput, summarize_honest_cuts
from cytopenia.study.imputed_external import ScoredItems, summarize_imputed_card, summarize_imputed_score
from cytopenia.study.imputed_groups import summarize_imputed_areas
from cytopenia.study.imputed_prediction import summarize_imputed_prediction
from cytopenia.study.missingness import summarize_missingness
from cytopenia.study.model_cards import read_card
from cytopenia.study.ordinal_grades import summarize_ordinal
from cytopenia.study.outcomes import CohortOutcomes, Progress
from cytopenia.study.phenotype_outcomes import summarize_dips, summarize_phenotypes
from cytopenia.study.plan import GradePlan, Plan
from cytopenia.study.prediction import PredictionInput, summarize_prediction
from cytopenia.study.program_conventions import summarize_cut_conventions
from cytopenia.study.protocol import Study
from cytopenia.study.read_with_care import summarize_read_with_care
from cytopenia.study.recovery_groups import summarize_recovery_groups
from cytopenia.study.side_by_side import Compared, summarize_side_by_side
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

__all__ = ["Material", "summarize_analyses"]

NEVER_BELOW = RECOVERY_LABELS[1]


@dataclass(frozen=True)
class Material:
    """What the analyses of one run work on.

    Attributes
    ----------
    study : Study
    tables : Tables
        Of the cohort.
    plan : Plan
    cohort : CohortOutcomes
    frames : mapping of outcome to DataFrame
    compared : Compared
    progress : callable or None
    """

    study: Study
    tables: Tables
    plan: Plan
    cohort: CohortOutcomes
    frames: Mapping[str, pl.DataFrame]
    compared: Compared
    progress: Progress | None

    @property
    def support_complete(self) -> bool:
        """Whether the support table holds all growth factors and transfusions."""
        return self.study.protocol.study.support_complete and self.tables.has_support

    @property
    def answers(self) -> AnswerSource:
        """Where the answer of one outcome comes from, patient by patient."""
        return AnswerSource(self.plan, self.cohort, self.frames, support_complete=self.support_complete)

    def find_factors(self, names: tuple[str, ...]) -> list[FactorColumn]:
        """Return factors as columns, in the order of the courses."""
        return derive_factors(self.study, self.tables, self.cohort, names=names)

    def align(self, outcome: str) -> pl.DataFrame:
        """The rows of one outcome in the order of the courses."""
        patients = pl.DataFrame({"patient_id": self.cohort.courses.patient_id})
        return patients.join(self.frames[outcome], on="patient_id", how="left", maintain_order="left")

    def find_sides(
        self, analysis: RiskFactors | Roc | Crosstab | Missingness | Prediction | ExternalValidation
    ) -> Sides:
        """Return who has the event of an analysis, and who has not."""
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


def summarize_analyses(material: Material) -> Iterator[ResultRow]:
    """Yield the rows of every analysis of the protocol, in its order."""
    curves = material.fit_all_curves()
    for analysis in material.study.protocol.analyses:
        match analysis:
            case RiskFactors() | Roc() | Crosstab() | Prediction():
                yield from _summarize_association(analysis, material, curves)
            case Characteristics() | Occurrence() | Missingness():
                yield from _summarize_patients(analysis, material)
            case Recovery() | TimeToRecovery() | Survival():
                yield from _summarize_course(analysis, material)
            case ExternalValidation():
                yield from _validate(analysis, material)
            case Ordinal():
                frame = material.align(analysis.outcome)
                factors, gates = material.find_factors(analysis.factors), material.study.library.gates
                yield from summarize_ordinal(analysis, frame, factors=factors, gates=gates)
            case SideBySide():
                factors, gates = material.find_factors(analysis.factors), material.study.library.gates
                yield from summarize_side_by_side(analysis, material.compared, factors=factors, gates=gates)
            case ComparePublished():
                recoveries = frozenset(one.outcome for one in material.plan.recoveries)
                yield from summarize_published(analysis, material.answers, recoveries)


def _summarize_patients(
    analysis: Characteristics | Occurrence | Missingness, material: Material
) -> Iterator[ResultRow]:
    match analysis:
        case Characteristics():
            yield from _summarize_characteristics(analysis, material)
        case Occurrence():
            yield from _summarize_occurrence(analysis, material)
        case Missingness():
            sides = material.find_sides(analysis) if analysis.outcome else None
            yield from summarize_missingness(analysis, material.find_factors(analysis.factors), sides)


def _summarize_course(
    analysis: Recovery | TimeToRecovery | Survival, material: Material
) -> Iterator[ResultRow]:
    match analysis:
        case Recovery():
            frame = material.frames[analysis.outcome]
            headline = material.plan.specs[analysis.outcome].died_before_landmark or "exclude"
            yield from summarize_recovery(analysis.id, analysis.outcome, frame, headline=headline)
            yield from summarize_cells(analysis.id, analysis.outcome, material.cohort.cells)
        case TimeToRecovery():
            yield from _summarize_time(analysis, material)
        case Survival():
            yield from _summarize_survival(analysis, material)


def _summarize_time(analysis: TimeToRecovery, material: Material) -> Iterator[ResultRow]:
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


def _summarize_survival(analysis: Survival, material: Material) -> Iterator[ResultRow]:
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
    analysis: RiskFactors | Roc | Crosstab | Prediction,
    material: Material,
    curves: Mapping[str, Mapping[str, RocCurve]],
) -> Iterator[ResultRow]:
    sides = material.find_sides(analysis)
    factors = material.find_factors(analysis.factors)
    seed = material.study.protocol.study.seed
    match analysis:
        case RiskFactors():
            given = RiskFactorInput(factors, sides, curves, material.study.library.gates, seed)
            rows = list(summarize_risk_factors(analysis, given))
            yield from rows
            if analysis.read_with_care is not None:
                yield from _read_with_care(analysis, material, given, rows)
        case Roc():
            own = curves[analysis.id]
            yield from summarize_roc(factors, own, sides, analysis_id=analysis.id)
            if analysis.missing.is_imputed:
                yield from summarize_imputed_areas(analysis, factors, sides, seed=seed)
            yield from summarize_cut_conventions(analysis, factors, sides=sides, curves=own)
            honest = HonestInput(factors, sides, material.study.library.gates, seed, material.progress)
            yield from summarize_honest_cuts(analysis, honest)
        case Prediction():
            gates = material.study.library.gates
            made = PredictionInput(factors, sides, gates, seed, material.progress)
            yield from summarize_prediction(analysis, made)
            if analysis.missing.is_imputed:
                yield from summarize_imputed_prediction(analysis, made)
        case Crosstab():
            yield from summarize_crosstab(analysis, factors[0], sides, seed=seed)


def _read_with_care(
    analysis: RiskFactors, material: Material, given: RiskFactorInput, rows: list[ResultRow]
) -> Iterator[ResultRow]:
    """The six panels beside what was published."""
    plan, library, rule = material.plan, material.study.library, analysis.cutpoints
    cuts = find_cuts(rule, given.curves, factors=analysis.factors)
    source = None if rule is None else rule.roc
    curves = (
        item for item in material.study.protocol.analyses if isinstance(item, Roc) and item.id == source
    )
    care = CareInput(
        analysis=analysis,
        factors=given.factors,
        divided=divide_factors(given.factors, cuts, rule=rule),
        sides=given.sides,
        cuts=cuts,
        published=rows,
        gates=given.gates,
        seed=given.seed,
        roc=next(curves, None),
        progress=material.progress,
    )
    died = plan.specs[analysis.outcome].died_before_landmark
    yield from summarize_read_with_care(
        care,
        reading=read_deaths_otherwise(analysis, material.align(analysis.outcome), died),
        before=find_had_before(analysis, plan, cohort=material.cohort, library=library),
        definitions=_find_definitions(analysis, material),
    )


def _find_definitions(analysis: RiskFactors, material: Material) -> list[OtherDefinition]:
    names = () if analysis.read_with_care is None else analysis.read_with_care.definitions
    found: list[OtherDefinition] = []
    for name in names:
        died = material.plan.specs[name].died_before_landmark
        frame = material.align(name)
        sides = split_sides(analysis.event, frame, died_before_landmark=died)
        title = material.plan.title(name, support_complete=material.support_complete)
        is_never_below = (frame["label"] == NEVER_BELOW).fill_null(value=False).to_numpy()
        counted = int((is_never_below & ~np.isnan(sides.policy)).sum())
        found.append(OtherDefinition(name, title, sides, never_below=counted))
    return found


def _validate(analysis: ExternalValidation, material: Material) -> Iterator[ResultRow]:
    study, sides = material.study, material.find_sides(analysis)
    gates = study.library.gates
    if analysis.card is None:
        name = str(analysis.score)
        (points,) = material.find_factors((name,))
        definition = study.library.find_score(str(study.protocol.factors[name].score))
        yield from summarize_score_validation(analysis, ScoreInput(points, definition, sides, gates))
        if analysis.missing.is_imputed:
            courses, baseline = material.cohort.courses, study.library.baseline
            values, _ = collect_values(definition, material.tables.labs, courses, baseline=baseline)
            items = ScoredItems(definition, values, courses.patient_id, sides, gates)
            yield from summarize_imputed_score(analysis, items, seed=study.protocol.study.seed)
        return
    card = read_card(study.path.parent / analysis.card)
    names = tuple(item.name for item in card.inputs)
    factors = {factor.name: factor for factor in material.find_factors(names)}
    given = CardInput(card, factors, sides, gates)
    yield from summarize_card_validation(analysis, given)
    if analysis.missing.is_imputed:
        yield from summarize_imputed_card(analysis, given, seed=study.protocol.study.seed)


def _summarize_characteristics(analysis: Characteristics, material: Material) -> Iterator[ResultRow]:
    study, cohort = material.study, material.cohort
    factors = material.find_factors(analysis.factors)
    yield from summarize_characteristics(analysis.id, factors)
    if analysis.by is not None:
        groups, seed = _find_groups(analysis.by, material), study.protocol.study.seed
        yield from summarize_groups(analysis, factors, groups, seed=seed)
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


def _find_groups(name: str, material: Material) -> FactorColumn:
    """The groups of patients by a factor, by the grades of an outcome, or by its two sides."""
    protocol, library = material.study.protocol, material.study.library
    if name not in protocol.outcomes:
        return material.find_factors((name,))[0]
    title = material.plan.title(name, support_complete=material.support_complete)
    frame = material.align(name)
    if check_two_sides(name, protocol, library):
        return group_by_grade(name, title, frame)
    of_recovery = is_recovery(name, protocol, library)
    return group_by_outcome(name, title, frame, is_recovery=of_recovery)["policy"]


def _summarize_occurrence(analysis: Occurrence, material: Material) -> Iterator[ResultRow]:
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
