"""The protocol: one TOML file that is the study. Read and checked here; nothing is chosen while running."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cytopenia.definition_forms import GradesDefinition, GradesPart, RecoveryDefinition
from cytopenia.definitions import Library, load_library
from cytopenia.errors import DefinitionError, ProtocolError, join_problems, suggest_name
from cytopenia.forms import parse_toml, read_bytes, read_form
from cytopenia.readers.mapping import DataSection
from cytopenia.units import load_analytes

__all__ = [
    "Characteristics",
    "Factor",
    "Occurrence",
    "OutcomeSpec",
    "Protocol",
    "Recovery",
    "Study",
    "read_protocol",
]

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Day = Annotated[int, Field(ge=-3650, le=3650)]

# Names of the result table that an analysis or an outcome may not take.
_RESERVED_ANALYSES = ("flow", "trajectories")
_NADIR = "nadir_"


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class StudySection(_Form):
    """What holds for the whole study."""

    title: str = Field(min_length=1)
    seed: int = Field(ge=0)
    lymphodepletion_day: Day | None = Field(default=None, le=0)
    support_complete: bool = False
    bound_anc_by_wbc: bool = False
    synthetic: bool = False


class Cohort(_Form):
    """Who is in the study: columns of the tables that must be known."""

    require: tuple[str, ...] = ()


class OutcomeSpec(_Form):
    """One outcome: a definition with its window, or a combination of other outcomes."""

    title: str | None = None
    definition: str | None = None
    min_grade: int | None = Field(default=None, ge=1, le=5)
    window: tuple[Day, Day] | None = None
    treatment_emergent: bool = False
    any_of: tuple[Name, ...] = ()
    died_before_landmark: Literal["exclude", "not_recovered", "competing_event"] | None = None

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if (self.definition is None) == (not self.any_of):
            raise ValueError("needs exactly one of definition, any_of")
        beside = [
            name
            for name in ("min_grade", "window", "died_before_landmark")
            if getattr(self, name) is not None
        ]
        beside += ["treatment_emergent"] if self.treatment_emergent else []
        if self.any_of and beside:
            raise ValueError(
                f"any_of takes everything from the outcomes it names; remove {', '.join(beside)}"
            )
        if self.window is not None and self.window[0] > self.window[1]:
            raise ValueError(f"window {list(self.window)} must begin before it ends")
        return self


class Factor(_Form):
    """A marker at a time: its baseline value or its peak."""

    analyte: str
    at: Literal["baseline", "peak"]
    title: str | None = None


class _Analysis(_Form):
    id: Name
    title: str | None = None


class Characteristics(_Analysis):
    """Who the patients are: factors, and cytopenia before treatment."""

    kind: Literal["characteristics"]
    factors: tuple[str, ...] = ()
    baseline_definition: str | None = None


class Occurrence(_Analysis):
    """How many patients had each grade, with bounds, and the nadirs."""

    kind: Literal["occurrence"]
    outcomes: tuple[Name, ...] = Field(min_length=1)


class Recovery(_Analysis):
    """How many patients had recovered at the landmark, with the logic behind it."""

    kind: Literal["recovery"]
    outcome: Name


Analysis = Annotated[Characteristics | Occurrence | Recovery, Field(discriminator="kind")]


class Protocol(_Form):
    """The study file as typed data."""

    study: StudySection
    data: DataSection
    cohort: Cohort = Cohort()
    outcomes: dict[Name, OutcomeSpec] = Field(default_factory=dict)
    factors: dict[Name, Factor] = Field(default_factory=dict)
    analyses: tuple[Analysis, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Study:
    """A protocol that has been checked against the definitions, with where it stands.

    Attributes
    ----------
    protocol : Protocol
    library : Library
        The definitions of the package and of the study's folder.
    path : Path
        The study file.
    sha256 : str
        Of the bytes of the study file.
    """

    protocol: Protocol
    library: Library
    path: Path
    sha256: str

    @property
    def data_folder(self) -> Path:
        """The folder of the tables, relative to the study file."""
        return self.path.parent / self.protocol.data.folder


def read_protocol(path: Path | str) -> Study:
    """Read a study file and check every name in it against the definitions.

    Parameters
    ----------
    path : path
        The TOML file, or the folder that has it as study.toml. Definition files may stand in `definitions/`
        beside it.

    Raises
    ------
    ProtocolError
        Every problem of the file in one message: unknown keys with a suggestion, wrong types, names that
        nothing has.
    DefinitionError
        A definition file is wrong.
    """
    file = Path(path) / "study.toml" if Path(path).is_dir() else Path(path)
    content = read_bytes(file, error=ProtocolError)
    table = parse_toml(content, name=file.name, error=ProtocolError)
    library = load_library(file.parent)
    protocol, problems = read_form(Protocol, table, where=file.name)
    found = _find_unknown_definitions(table, library) if protocol is None else _check_names(protocol, library)
    problems = [*problems, *(f"{file.name}: {problem}" for problem in found)]
    if protocol is None or problems:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise ProtocolError(join_problems(f"{file.name}: {count}", problems))
    return Study(protocol, library, file, hashlib.sha256(content).hexdigest())


def _find_unknown_definitions(table: Mapping[str, Any], library: Library) -> list[str]:
    """Unknown definitions of a file whose form is wrong, so that they are told with the rest."""
    problems: list[str] = []
    for name, spec in _named_tables(table.get("outcomes")):
        address = spec.get("definition")
        try:
            if isinstance(address, str):
                library.find(address)
        except DefinitionError as cause:
            problems.append(f"outcomes.{name}: {cause}")
    return problems


def _named_tables(value: Any) -> list[tuple[str, dict[str, Any]]]:
    tables = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    return [
        (name, cast("dict[str, Any]", inner)) for name, inner in tables.items() if isinstance(inner, dict)
    ]


def _check_names(protocol: Protocol, library: Library) -> list[str]:
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
        if factor.analyte not in load_analytes():
            hint = suggest_name(factor.analyte, load_analytes())
            problems.append(f"factors.{name}: unknown analyte '{factor.analyte}'{hint}")
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
    return problems


def _check_repeats(analysis: Characteristics | Occurrence | Recovery) -> list[str]:
    return [
        f"{key} names '{name}' twice; remove one"
        for key in ("factors", "outcomes")
        for name, count in Counter(getattr(analysis, key, ())).items()
        if count > 1
    ]


def _check_outcome(name: str, spec: OutcomeSpec, protocol: Protocol, library: Library) -> list[str]:
    if spec.any_of:
        return _check_combination(name, spec, protocol)
    try:
        definition = library.find(str(spec.definition))
    except DefinitionError as cause:
        return [str(cause)]
    match definition:
        case GradesDefinition():
            return _check_graded(spec, library)
        case RecoveryDefinition():
            return _check_recovery(spec)
        case _:
            return [f"'{spec.definition}' is of kind '{definition.kind}' and is no outcome"]


def _check_graded(spec: OutcomeSpec, library: Library) -> list[str]:
    problems: list[str] = []
    parts = library.find_parts(str(spec.definition))
    if len(parts) > 1:
        problems.append(f"name one part of '{spec.definition}': {', '.join(parts)}")
    elif spec.min_grade is not None:
        problems.extend(_check_least_grade(spec.min_grade, next(iter(parts.values()))))
    if spec.window is None:
        problems.append(
            "'window' is missing: write the first and last day that count, such as window = [0, 28]"
        )
    if spec.died_before_landmark is not None:
        problems.append("'died_before_landmark' belongs to recovery outcomes only")
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


def _check_combination(name: str, spec: OutcomeSpec, protocol: Protocol) -> list[str]:
    problems: list[str] = []
    for part in spec.any_of:
        if part not in protocol.outcomes or part == name:
            problems.append(f"any_of names unknown outcome '{part}'{suggest_name(part, protocol.outcomes)}")
        elif protocol.outcomes[part].min_grade is None:
            problems.append(f"any_of needs yes/no outcomes; give '{part}' a min_grade, or name another")
    return problems


def _check_analysis(
    analysis: Characteristics | Occurrence | Recovery, protocol: Protocol, library: Library
) -> list[str]:
    match analysis:
        case Characteristics():
            return _check_baseline_definition(analysis, library)
        case Occurrence():
            return [problem for name in analysis.outcomes for problem in _check_graded_name(name, protocol)]
        case Recovery():
            return _check_recovery_name(analysis.outcome, protocol, library)


def _check_baseline_definition(analysis: Characteristics, library: Library) -> list[str]:
    if analysis.baseline_definition is None:
        return []
    try:
        library.find_parts(analysis.baseline_definition)
    except DefinitionError as cause:
        return [f"baseline_definition: {cause}"]
    return []


def _check_known(name: str, protocol: Protocol) -> list[str]:
    if name in protocol.outcomes:
        return []
    return [f"unknown outcome '{name}'{suggest_name(name, protocol.outcomes)}; add [outcomes.{name}]"]


def _check_graded_name(name: str, protocol: Protocol) -> list[str]:
    unknown = _check_known(name, protocol)
    if unknown or protocol.outcomes[name].any_of or protocol.outcomes[name].died_before_landmark is None:
        return unknown
    return [f"outcome '{name}' is a recovery; give it to an analysis of kind 'recovery'"]


def _check_recovery_name(name: str, protocol: Protocol, library: Library) -> list[str]:
    unknown = _check_known(name, protocol)
    if unknown:
        return unknown
    definition = protocol.outcomes[name].definition
    if definition is not None and definition.partition(".")[0] not in library.definitions:
        return []  # told where the outcome stands
    if definition is None or not isinstance(library.definitions.get(definition), RecoveryDefinition):
        return [f"outcome '{name}' is not a recovery; its definition must be of kind 'recovery'"]
    return []
