"""The shape of a definition file: which keys each kind may have, and what they mean."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

__all__ = [
    "FORMS",
    "BaselineDefinition",
    "BoundsDefinition",
    "Citation",
    "Criterion",
    "Definition",
    "GatesDefinition",
    "GradeRule",
    "GradesDefinition",
    "GradesPart",
    "Landmark",
    "LimitOfNormal",
    "RecoveryDefinition",
    "Run",
    "Status",
    "SupportKind",
    "Washout",
]

Status = Literal["consensus", "published", "study", "assumed"]
CutName = Literal["below", "at_most", "above", "at_least"]
CUT_NAMES: tuple[CutName, ...] = ("below", "at_most", "above", "at_least")


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Citation(_Form):
    """Where the definition stands in print."""

    text: str = Field(min_length=1)
    doi: str | None = None
    url: str | None = None


Number = Annotated[float, Field(allow_inf_nan=False)]


class LimitOfNormal(_Form):
    """A cut that depends on the laboratory: a multiple of the lower limit of normal of the row."""

    lln: Number = Field(gt=0)


def _read_limit(value: object) -> object:
    """The limit of normal spelled out; numbers and tables pass to the forms behind this."""
    if value == "lln":
        return {"lln": 1.0}
    if isinstance(value, bool) or not isinstance(value, int | float | dict | LimitOfNormal):
        raise ValueError(f'is {value!r}; allowed: a number, "lln", or a multiple such as {{ lln = 0.75 }}')
    return value  # pyright: ignore[reportUnknownVariableType]


Cut = Annotated[Number | LimitOfNormal, BeforeValidator(_read_limit)]


class GradeRule(_Form):
    """One half-line: every value beyond the cut has at least this grade.

    A rule that a laboratory value cannot decide has no cut and `lab_gradable = false`; it keeps the official
    words and is never assigned.
    """

    grade: int = Field(ge=1, le=5)
    below: Cut | None = None
    at_most: Cut | None = None
    above: Cut | None = None
    at_least: Cut | None = None
    text: str = Field(min_length=1)
    lab_gradable: bool = True

    @model_validator(mode="after")
    def _has_one_cut(self) -> Self:
        given = [name for name in CUT_NAMES if getattr(self, name) is not None]
        if self.lab_gradable and len(given) != 1:
            raise ValueError(
                f"grade {self.grade}: needs exactly one of below, at_most, above, at_least; got {given}"
            )
        if not self.lab_gradable and given:
            raise ValueError(f"grade {self.grade}: a rule that is not lab_gradable has no cut; got {given}")
        return self

    @property
    def comparator(self) -> CutName:
        """The one comparator of the rule."""
        return next(name for name in CUT_NAMES if getattr(self, name) is not None)

    @property
    def cut(self) -> float | LimitOfNormal:
        """The cut in the unit of the definition, or a multiple of the limit of normal."""
        return getattr(self, self.comparator)

    @property
    def is_sick_below(self) -> bool:
        """Whether low values are the bad ones."""
        return self.comparator in ("below", "at_most")


class GradesPart(_Form):
    """The grades of one analyte."""

    title: str = Field(min_length=1)
    analyte: str
    unit: str
    grades: tuple[GradeRule, ...] = Field(min_length=1)
    note: str | None = None

    @property
    def lab_rules(self) -> tuple[GradeRule, ...]:
        """The rules that a laboratory value can decide, mildest first."""
        return tuple(sorted((rule for rule in self.grades if rule.lab_gradable), key=lambda r: r.grade))

    @field_validator("grades")
    @classmethod
    def _has_no_easier_rule_at_a_higher_grade(cls, grades: tuple[GradeRule, ...]) -> tuple[GradeRule, ...]:
        rules = sorted((rule for rule in grades if rule.lab_gradable), key=lambda rule: rule.grade)
        if not rules:
            raise ValueError("no rule has a cut; a laboratory value can decide nothing")
        if len({rule.is_sick_below for rule in rules}) > 1:
            raise ValueError("all rules must point the same way: below/at_most, or above/at_least")
        if len({(rule.grade) for rule in rules}) < len(rules):
            raise ValueError("two rules of the same grade; without `days` each grade has one cut")
        # A fixed cut and a limit of normal have no order before the laboratory is known.
        for is_fixed in (True, False):
            alike = [rule for rule in rules if isinstance(rule.cut, float) is is_fixed]
            for milder, worse in pairwise(alike):
                if _is_easier(worse, milder):
                    raise ValueError(
                        f"grade {worse.grade} ({_name_rule(worse)}) is easier to reach than"
                        f" grade {milder.grade} ({_name_rule(milder)})"
                    )
        return grades


def _size(cut: float | LimitOfNormal) -> float:
    return cut.lln if isinstance(cut, LimitOfNormal) else cut


def _name_rule(rule: GradeRule) -> str:
    times = " x lln" if isinstance(rule.cut, LimitOfNormal) else ""
    return f"{rule.comparator} {_size(rule.cut):g}{times}"


def _is_easier(worse: GradeRule, milder: GradeRule) -> bool:
    """Whether the rule of the worse grade takes a value that the rule of the milder grade does not."""
    distance = _size(worse.cut) - _size(milder.cut)
    if not worse.is_sick_below:
        distance = -distance
    includes_cut = worse.comparator in ("at_most", "at_least")
    milder_excludes = milder.comparator in ("below", "above")
    return distance > 0 or (distance == 0 and includes_cut and milder_excludes)


class _Head(_Form):
    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str = Field(min_length=1)
    version: str = Field(min_length=1)
    status: Status
    citation: Citation
    text: str | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _names_its_source(self) -> Self:
        if self.status != "assumed" and not (self.citation.doi or self.citation.url):
            raise ValueError("citation: needs a doi or a url unless status is 'assumed'")
        return self


class GradesDefinition(_Head):
    """A set of graded terms, one part per analyte."""

    kind: Literal["grades"]
    parts: dict[str, GradesPart] = Field(min_length=1)


class Washout(_Form):
    """How many days must have passed since the last day of support."""

    days: int = Field(ge=0, le=365)
    agents: dict[str, Annotated[int, Field(ge=0, le=365)]] = Field(default_factory=dict)

    def as_free_days(self) -> dict[str, int]:
        """Days by agent; "" stands for any agent that is not named or not recorded."""
        return {"": self.days, **{agent.casefold(): days for agent, days in self.agents.items()}}


def _read_washout(value: object) -> object:
    return {"days": value} if isinstance(value, int) else value


# The kinds of support that a table may hold; the contract has the same list.
SupportKind = Literal["gcsf", "rbc_transfusion", "platelet_transfusion", "tpo_ra", "stem_cell_boost"]


class Criterion(_Form):
    """One lineage of a recovery: the count it needs, and the support that must be absent."""

    analyte: str
    unit: str
    at_least: Number | None = None
    above: Number | None = None
    support_free_days: dict[SupportKind, Annotated[Washout, BeforeValidator(_read_washout)]] = Field(
        default_factory=dict
    )

    @model_validator(mode="after")
    def _has_one_cut(self) -> Self:
        if (self.at_least is None) == (self.above is None):
            raise ValueError(f"{self.analyte}: needs exactly one of at_least, above")
        return self

    @property
    def comparator(self) -> CutName:
        """The one comparator of the criterion."""
        return "above" if self.at_least is None else "at_least"

    @property
    def cut(self) -> float:
        """The cut in the unit of the criterion."""
        return float(getattr(self, self.comparator))


class Run(_Form):
    """How long all criteria must hold."""

    length: int = Field(ge=1, le=60)
    of: Literal["days"] = "days"


class Landmark(_Form):
    """The day on which recovery is judged, and how the run must lie to it."""

    day: int = Field(ge=1, le=3650)
    run: Literal["ends_on", "contains", "reached_by"]
    status: Status


class RecoveryCounting(_Form):
    """What the source does not say about unmeasured days."""

    status: Status
    bracket_days: int = Field(ge=1, le=60)
    carry_days: int = Field(ge=0, le=60)
    look_ahead_days: int = Field(ge=0, le=60)


class RecoveryDefinition(_Head):
    """Recovery of all lineages at a landmark."""

    kind: Literal["recovery"]
    all_of: tuple[Criterion, ...] = Field(min_length=1)
    run: Run
    landmark: Landmark
    counting: RecoveryCounting
    assumptions: tuple[str, ...] = ()

    @field_validator("all_of")
    @classmethod
    def _names_each_analyte_once(cls, criteria: tuple[Criterion, ...]) -> tuple[Criterion, ...]:
        names = [criterion.analyte for criterion in criteria]
        if len(set(names)) < len(names):
            raise ValueError("all_of names an analyte twice")
        return criteria


class BoundsDefinition(_Head):
    """How far an unmeasured day can lie from the measurements around it."""

    kind: Literal["bounds"]
    longest_days: int = Field(ge=2, le=60)
    slack: dict[str, Annotated[Number, Field(ge=1)]] = Field(min_length=1)
    cap: dict[str, str] = Field(default_factory=dict)

    def slack_of(self, analyte: str) -> float:
        """Slack of an analyte; the widest of all where the definition does not name it."""
        return self.slack.get(analyte, max(self.slack.values()))


class BaselineDefinition(_Head):
    """Which value before treatment stands for the patient's own state."""

    kind: Literal["baseline"]
    days_before: int = Field(ge=0, le=365)
    peak_window: tuple[int, int]

    @field_validator("peak_window")
    @classmethod
    def _begins_before_it_ends(cls, window: tuple[int, int]) -> tuple[int, int]:
        if window[0] > window[1]:
            raise ValueError(f"{list(window)} must begin before it ends")
        return window


class GatesDefinition(_Head):
    """How many events a model needs; the smaller of events and non-events counts."""

    kind: Literal["gates"]
    univariable_from: int = Field(ge=1, le=1000)
    multivariable_from: int = Field(ge=1, le=1000)
    per_term: int = Field(ge=1, le=1000)


Definition = GradesDefinition | RecoveryDefinition | BoundsDefinition | BaselineDefinition | GatesDefinition

FORMS: dict[str, type[Any]] = {
    "grades": GradesDefinition,
    "recovery": RecoveryDefinition,
    "bounds": BoundsDefinition,
    "baseline": BaselineDefinition,
    "gates": GatesDefinition,
}
