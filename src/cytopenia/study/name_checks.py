"""Names in a protocol, against the definitions and against each other: every problem, none raised."""

from __future__ import annotations

from collections import Counter

from cytopenia.definition_forms import (
    FeverDefinition,
    GradesDefinition,
    GradesPart,
    ModelDefinition,
    PhenotypeDefinition,
    RecoveryDefinition,
    RecoveryTimeDefinition,
)
from cytopenia.definitions import Library
from cytopenia.errors import DefinitionError, suggest_name
from cytopenia.study.analysis_forms import (
    Analysis,
    Characteristics,
    ComparePublished,
    Crosstab,
    ExternalValidation,
    Factor,
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
from cytopenia.study.care_checks import check_care
from cytopenia.study.event_checks import (
    check_event,
    check_known,
    check_ordinal,
    check_side_by_side,
    is_timed,
    is_yes_or_no,
)
from cytopenia.study.named_tests import check_families, check_group_tests, check_tests
from cytopenia.study.prediction_checks import check_external_validation, check_prediction
from cytopenia.study.protocol_forms import OutcomeSpec, Protocol
from cytopenia.study.published_questions import check_published
from cytopenia.study.survival_checks import check_groups_of_recovery, check_survival
from cytopenia.units import load_analytes

__all__ = ["check_names"]

# Names of the result table that an analysis or an outcome may not take.
_RESERVED_ANALYSES = ("flow", "trajectories", "printed")
_NADIR = "nadir_"


def check_names(protocol: Protocol, library: Library) -> list[str]:
    """Return every problem with the names of outcomes, factors and analyses, each as one sentence."""
    problems: list[str] = []
    for name, spec in protocol.outcomes.items():
        problems.extend(
            f"outcomes.{name}: {problem}" for problem in _check_outcome(name, spec, protocol, library)
        )
        if name.startswith(_NADIR):
            problems.append(
                f"outcomes.{name}: names that begin with '{_NADIR}' are given to nadirs; rename it"
            )
    for name, factor in protocol.factors.items():
        if factor.analyte is not None and factor.analyte not in load_analytes():
            hint = suggest_name(factor.analyte, load_analytes())
            problems.append(f"factors.{name}: unknown analyte '{factor.analyte}'{hint}")
        problems.extend(f"factors.{name}: {problem}" for problem in _check_score(factor, library))
    seen: set[str] = set()
    for analysis in protocol.analyses:
        if analysis.id in seen:
            problems.append(f"analyses: two analyses have the id '{analysis.id}'; rename one")
        seen.add(analysis.id)
        if analysis.id in _RESERVED_ANALYSES:
            problems.append(f"analyses: the id '{analysis.id}' is taken by the package; rename it")
        problems.extend(f"analyses.{analysis.id}: {problem}" for problem in _check_repeats(analysis))
        problems.extend(
            f"analyses.{analysis.id}: {problem}" for problem in _check_analysis(analysis, protocol, library)
        )
    return [*problems, *check_families(protocol)]


def _check_score(factor: Factor, library: Library) -> list[str]:
    if factor.score is None:
        return []
    try:
        definition = library.find_score(factor.score)
    except DefinitionError as cause:
        return [str(cause)]
    problems: list[str] = []
    is_model = isinstance(definition, ModelDefinition)
    if is_model and factor.coefficients is None:
        problems.append(
            f"'{definition.id}' is a model without coefficients of its own; name their file, such as"
            ' coefficients = "mine.toml"'
        )
    if not is_model and factor.coefficients is not None:
        problems.append(f"'{definition.id}' is no model; remove coefficients")
    if factor.as_ == "group" and not getattr(definition, "groups", ()):
        problems.append(f"'{definition.id}' has no risk groups; remove as = \"group\"")
    if factor.reference is not None and factor.as_ is None:
        problems.append('reference goes with as = "group"; remove it')
    return problems


def _check_repeats(analysis: Analysis) -> list[str]:
    return [
        f"{key} names '{name}' twice; remove one"
        for key in ("factors", "outcomes", "published")
        for name, count in Counter(getattr(analysis, key, ())).items()
        if count > 1
    ]


def _check_outcome(name: str, spec: OutcomeSpec, protocol: Protocol, library: Library) -> list[str]:
    if spec.any_of:
        return _check_combination(name, spec, protocol, library)
    try:
        definition = library.find(str(spec.definition))
    except DefinitionError as cause:
        return [str(cause)]
    match definition:
        case GradesDefinition():
            return _check_graded(spec, library)
        case RecoveryDefinition():
            return _check_recovery(spec)
        case FeverDefinition():
            return _check_fever(spec, definition)
        case PhenotypeDefinition():
            return _check_phenotype(spec)
        case RecoveryTimeDefinition():
            return _check_time(spec)
        case _:
            return [f"'{spec.definition}' is of kind '{definition.kind}' and is no outcome"]


def _check_graded(spec: OutcomeSpec, library: Library) -> list[str]:
    problems: list[str] = []
    parts = library.find_parts(str(spec.definition))
    if len(parts) > 1:
        problems.append(f"name one part of '{spec.definition}': {', '.join(parts)}")
        return problems
    part = next(iter(parts.values()))
    if spec.min_grade is not None:
        problems.extend(_check_least_grade(spec.min_grade, part))
    if part.own_window is not None:
        problems.extend(_check_own_window(spec, part))
    elif spec.window is None:
        problems.append(
            "'window' is missing: write the first and last day that count, such as window = [0, 28]"
        )
    if spec.died_before_landmark is not None:
        problems.append("'died_before_landmark' belongs to recovery outcomes only")
    return problems


def _check_own_window(spec: OutcomeSpec, part: GradesPart) -> list[str]:
    """A definition that looks at days of its own takes neither a window nor a baseline."""
    problems: list[str] = []
    if spec.window is not None:
        problems.append(f"'window' is set by the definition to {list(part.own_window or ())}; remove it")
    if spec.treatment_emergent:
        problems.append("'treatment_emergent' belongs to grades of single values; remove it")
    return problems


def _check_least_grade(least: int, part: GradesPart) -> list[str]:
    grades = [rule.grade for rule in part.lab_rules]
    if least <= max(grades):
        return []
    allowed = ", ".join(str(grade) for grade in grades)
    return [
        f"'min_grade' is {least}, which no laboratory value of '{part.title}' reaches; allowed: {allowed}"
    ]


def _check_recovery(spec: OutcomeSpec) -> list[str]:
    given = [key for key in ("window", "min_grade") if getattr(spec, key) is not None]
    problems = [
        f"'{key}' belongs to graded outcomes only; the definition has its own landmark" for key in given
    ]
    if spec.treatment_emergent:
        problems.append("'treatment_emergent' belongs to graded outcomes only")
    if spec.died_before_landmark is None:
        allowed = "exclude, not_recovered, competing_event"
        problems.append(f"'died_before_landmark' is missing: say which reading is the headline ({allowed})")
    return problems


def _check_time(spec: OutcomeSpec) -> list[str]:
    given = [key for key in ("window", "min_grade") if getattr(spec, key) is not None]
    problems = [
        f"'{key}' belongs to graded outcomes only; the definition says from which day until which"
        for key in given
    ]
    if spec.treatment_emergent:
        problems.append("'treatment_emergent' belongs to graded outcomes only")
    if spec.died_before_landmark is not None:
        problems.append(
            "'died_before_landmark' belongs to a recovery at a landmark; here death is a competing event;"
            " remove it"
        )
    return problems


def _check_phenotype(spec: OutcomeSpec) -> list[str]:
    """A definition of phenotypes has its own window, and no grades."""
    given = [key for key in ("window", "min_grade", "died_before_landmark") if getattr(spec, key) is not None]
    given += ["treatment_emergent"] if spec.treatment_emergent else []
    return [
        f"'{key}' does not go with phenotypes; the definition says everything; remove it" for key in given
    ]


def _check_fever(spec: OutcomeSpec, definition: FeverDefinition) -> list[str]:
    problems: list[str] = []
    if spec.window is None:
        problems.append(
            "'window' is missing: write the first and last day that count, such as window = [0, 30]"
        )
    if spec.min_grade not in (None, definition.grade):
        problems.append(f"'min_grade' is {spec.min_grade}; allowed: {definition.grade}, or leave it out")
    if spec.treatment_emergent:
        problems.append("'treatment_emergent' belongs to outcomes graded from one analyte only")
    if spec.died_before_landmark is not None:
        problems.append("'died_before_landmark' belongs to recovery outcomes only")
    return problems


def _check_combination(name: str, spec: OutcomeSpec, protocol: Protocol, library: Library) -> list[str]:
    problems: list[str] = []
    for part in spec.any_of:
        if part not in protocol.outcomes or part == name:
            problems.append(f"any_of names unknown outcome '{part}'{suggest_name(part, protocol.outcomes)}")
        elif not is_yes_or_no(protocol.outcomes[part], library):
            problems.append(f"any_of needs yes/no outcomes; give '{part}' a min_grade, or name another")
    return problems


def _check_analysis(analysis: Analysis, protocol: Protocol, library: Library) -> list[str]:
    match analysis:
        case Characteristics():
            return [
                *_check_baseline_definition(analysis, library),
                *check_group_tests(analysis, protocol),
            ]
        case Occurrence():
            return [
                problem
                for name in analysis.outcomes
                for problem in _check_graded_name(name, protocol, library)
            ]
        case Recovery() | TimeToRecovery() | Survival():
            return _check_course(analysis, protocol, library)
        case RiskFactors() | Crosstab() | Roc() | Missingness():
            return _check_association(analysis, protocol, library)
        case Ordinal():
            return check_ordinal(analysis, protocol, library)
        case Prediction():
            return check_prediction(analysis, protocol, library)
        case ExternalValidation():
            return check_external_validation(analysis, protocol, library)
        case SideBySide():
            return check_side_by_side(analysis, protocol, library)
        case ComparePublished():
            return check_published(analysis, protocol, library)


def _check_course(
    analysis: Recovery | TimeToRecovery | Survival, protocol: Protocol, library: Library
) -> list[str]:
    match analysis:
        case Recovery():
            return _check_recovery_name(analysis.outcome, protocol, library)
        case TimeToRecovery():
            return [
                *_check_time_name(analysis, protocol, library),
                *check_groups_of_recovery(analysis, protocol, library),
            ]
        case Survival():
            return check_survival(analysis, protocol, library)


def _check_association(
    analysis: RiskFactors | Crosstab | Roc | Missingness, protocol: Protocol, library: Library
) -> list[str]:
    if analysis.outcome is None or analysis.event is None:
        return []
    problems = check_event(analysis.outcome, analysis.event, protocol=protocol, library=library)
    if isinstance(analysis, RiskFactors):
        problems += [*_check_cutpoints(analysis, protocol), *_check_terms(analysis)]
        problems += check_care(analysis, protocol, library)
    if isinstance(analysis, RiskFactors | Crosstab):
        problems += check_tests(analysis, protocol)
    return problems


def _check_baseline_definition(analysis: Characteristics, library: Library) -> list[str]:
    if analysis.baseline_definition is None:
        return []
    try:
        library.find_value_parts(analysis.baseline_definition)
    except DefinitionError as cause:
        return [f"baseline_definition: {cause}"]
    return []


def _check_graded_name(name: str, protocol: Protocol, library: Library) -> list[str]:
    unknown = check_known(name, protocol)
    if not unknown and is_timed(name, protocol, library):
        return [f"outcome '{name}' is a day of recovery; give it to an analysis of kind 'time_to_recovery'"]
    if unknown or protocol.outcomes[name].any_of or protocol.outcomes[name].died_before_landmark is None:
        return unknown
    return [f"outcome '{name}' is a recovery; give it to an analysis of kind 'recovery'"]


def _check_recovery_name(name: str, protocol: Protocol, library: Library) -> list[str]:
    unknown = check_known(name, protocol)
    if unknown:
        return unknown
    definition = protocol.outcomes[name].definition
    if definition is not None and definition.partition(".")[0] not in library.definitions:
        return []  # told where the outcome stands
    if is_timed(name, protocol, library):
        return [
            f"outcome '{name}' is a day of recovery without a landmark; write kind = \"time_to_recovery\""
            " with days = [14, 28], or name an outcome whose definition has a landmark"
        ]
    if definition is None or not isinstance(library.definitions.get(definition), RecoveryDefinition):
        return [f"outcome '{name}' is not a recovery; its definition must be of kind 'recovery'"]
    return []


def _check_time_name(analysis: TimeToRecovery, protocol: Protocol, library: Library) -> list[str]:
    name = analysis.outcome
    unknown = check_known(name, protocol)
    if unknown:
        return unknown
    address = protocol.outcomes[name].definition
    if address is not None and address.partition(".")[0] not in library.definitions:
        return []  # told where the outcome stands
    match None if address is None else library.definitions.get(address):
        case RecoveryTimeDefinition() as definition:
            late = [day for day in analysis.days if day > definition.reached.until]
            return [
                f"days has {day}; '{definition.id}' looks at days until {definition.reached.until} only"
                for day in late
            ]
        case RecoveryDefinition() as definition:
            return [
                f"outcome '{name}' is judged at a landmark (day {definition.landmark.day}); write kind ="
                ' "recovery" without days, or name an outcome whose definition has reached, such as'
                " cibmtr_neutrophil_recovery"
            ]
        case _:
            return [f"outcome '{name}' is not a recovery; its definition must be of kind 'recovery'"]


def _check_cutpoints(analysis: RiskFactors, protocol: Protocol) -> list[str]:
    cutpoints = analysis.cutpoints
    if cutpoints is None:
        return []
    if cutpoints.roc is None:
        unknown = [name for name in cutpoints.values if name not in analysis.factors]
        return [f"cutpoints.values names '{name}', which is not among the factors" for name in unknown]
    curves = {item.id: item for item in protocol.analyses if isinstance(item, Roc)}
    source = curves.get(cutpoints.roc)
    if source is None:
        hint = suggest_name(cutpoints.roc, curves)
        return [f"cutpoints.roc names '{cutpoints.roc}'{hint}; it must be an analysis of kind 'roc'"]
    if (source.outcome, source.event) != (analysis.outcome, analysis.event):
        return [f"cutpoints.roc: '{source.id}' has another outcome or event; use the same in both"]
    return []


def _check_terms(analysis: RiskFactors) -> list[str]:
    terms = () if analysis.multivariable is None else analysis.multivariable.terms
    return [
        f"multivariable.terms names '{name}'{suggest_name(name, analysis.factors)}, not among the factors"
        for name in terms
        if name not in analysis.factors
    ]
