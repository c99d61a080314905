"""The forms of a protocol's factors and analyses: which keys each has, and which go together."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from cytopenia.definition_forms import Number, Whole

__all__ = [
    "Analysis",
    "Characteristics",
    "Crosstab",
    "Cutpoints",
    "Day",
    "Event",
    "Factor",
    "Form",
    "Multivariable",
    "Name",
    "Occurrence",
    "Parity",
    "Recovery",
    "RiskFactors",
    "Roc",
    "Selection",
    "SideBySide",
    "TimeToRecovery",
]


def _read_level(value: object) -> object:
    """One sentence for a value that is neither, instead of one for each of the two."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        shown = str(value).lower() if isinstance(value, bool) else "a table or a list"
        raise ValueError(f"is {shown}; allowed: a text or a number")
    return value


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Day = Annotated[Whole, Field(ge=-3650, le=3650)]
Window = tuple[Day, Day]
# A value of a column: a text or a number.
Level = Annotated[str | Number, BeforeValidator(_read_level)]
Event = Literal["yes", "no", "recovered", "not_recovered"]
Parity = Literal["spss", "r", "default"]
EventKind = Literal["crs", "icans", "infection", "progression", "next_therapy", "admission", "discharge"]
FEWEST_DEFINITIONS, MOST_DEFINITIONS = 2, 8
SOURCES = ("analyte", "column", "event", "response_window", "score")


class Form(BaseModel):
    """A part of the study file: unknown keys are errors, nothing changes after reading."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Factor(Form):
    """A candidate factor: a marker at a time, a column, the grade of an event, the response, or a score.

    Exactly one of `analyte`, `column`, `event`, `response_window` and `score` says where it comes from.
    """

    title: str | None = None
    analyte: str | None = None
    at: Literal["baseline", "peak"] | None = None
    column: str | None = None
    event: EventKind | None = None
    window: Window | None = None
    grade_from: tuple[Annotated[Whole, Field(ge=1, le=5)], ...] = ()
    without_event: Literal["none", "missing"] | None = None
    response_window: Window | None = None
    score: str | None = None
    as_: Literal["group"] | None = Field(default=None, alias="as")
    coefficients: str | None = None
    levels: dict[str, tuple[Level, ...]] = Field(default_factory=dict)
    reference: str | None = None

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        given = [name for name in SOURCES if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"needs exactly one of {', '.join(SOURCES)}")
        self._refuse_keys_of_other_sources(given[0])
        if self.analyte is not None and self.at is None:
            raise ValueError('needs at = "baseline" or at = "peak"')
        if self.event is not None and (self.window is None or self.without_event is None):
            raise ValueError(
                "needs window (its first and last day) and without_event: is a patient without such a row"
                ' free of it ("none") or unknown ("missing")?'
            )
        return self

    def _refuse_keys_of_other_sources(self, source: str) -> None:
        owners = {
            "at": ("analyte",),
            "window": ("event",),
            "grade_from": ("event",),
            "without_event": ("event",),
            "levels": ("column", "response_window"),
            "reference": ("column", "response_window", "event", "score"),
            "as_": ("score",),
            "coefficients": ("score",),
        }
        wrong = [
            key.rstrip("_") for key, places in owners.items() if getattr(self, key) and source not in places
        ]
        if wrong:
            raise ValueError(f"'{', '.join(wrong)}' does not go with '{source}'; remove it")

    @field_validator("window", "response_window")
    @classmethod
    def _begins_before_it_ends(cls, window: Window | None) -> Window | None:
        if window is not None and window[0] > window[1]:
            raise ValueError(f"{list(window)} must begin before it ends")
        return window

    @field_validator("grade_from")
    @classmethod
    def _rises(cls, grades: tuple[int, ...]) -> tuple[int, ...]:
        if list(grades) != sorted(set(grades)) or (grades and grades[0] != 1):
            raise ValueError(f"{list(grades)} must begin with 1 and rise, such as [1, 3]")
        return grades

    @field_validator("levels")
    @classmethod
    def _names_each_value_once(cls, levels: dict[str, tuple[Level, ...]]) -> dict[str, tuple[Level, ...]]:
        values = [value for level in levels.values() for value in level]
        if len(set(values)) < len(values):
            raise ValueError("two levels have a value in common")
        return levels

    @property
    def is_known_after_infusion(self) -> bool:
        """Whether a patient's value is known only after the infusion: no predictor at that time."""
        return self.at == "peak" or self.event is not None or self.response_window is not None


class _Analysis(Form):
    id: Name
    title: str | None = None
    label: str = Field(default="", max_length=40)


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


class TimeToRecovery(_Analysis):
    """Cumulative incidence of recovery, with death as the competing event, at stated days."""

    kind: Literal["time_to_recovery"]
    outcome: Name
    days: tuple[Annotated[Whole, Field(ge=0, le=3650)], ...] = Field(min_length=1, max_length=12)

    @field_validator("days")
    @classmethod
    def _rises(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if list(days) != sorted(set(days)):
            raise ValueError(f"{list(days)} must rise, such as [14, 28, 60, 100]")
        return days


class Cutpoints(Form):
    """How numeric factors become two groups: by the cuts of a ROC analysis, or by stated values.

    The model's group is the one at or above the cut, or below it with `reference = "high"`.
    """

    rule: Literal["youden", "fixed"]
    roc: Name | None = None
    values: dict[str, Number] = Field(default_factory=dict)
    reference: Literal["low", "high"] = "low"

    @model_validator(mode="after")
    def _has_its_source(self) -> Self:
        if self.rule == "youden" and (self.roc is None or self.values):
            raise ValueError('rule = "youden" takes its cuts from a ROC analysis: give its id as roc = "..."')
        if self.rule == "fixed" and (self.roc is not None or not self.values):
            raise ValueError('rule = "fixed" needs values, such as values = { anc = 1.0 }, and no roc')
        return self


class Selection(Form):
    """Which factors enter the multivariable model: those whose P lies below a limit."""

    screen: Literal["univariable", "test"]
    p_below: Number = Field(gt=0, le=1)


class Multivariable(Form):
    """The multivariable model: named terms, or a selection by univariable P."""

    terms: tuple[str, ...] = ()
    select: Selection | None = None
    method: Literal["maximum_likelihood", "firth"] | None = None

    @model_validator(mode="after")
    def _has_one_rule(self) -> Self:
        if bool(self.terms) == (self.select is not None):
            raise ValueError("needs exactly one of terms, select")
        return self


class _Association(_Analysis):
    outcome: Name
    event: Event
    parity: Parity = "default"


class RiskFactors(_Association):
    """Factors against an outcome: groups side by side, tests, univariable and multivariable models."""

    kind: Literal["risk_factors"]
    factors: tuple[str, ...] = Field(min_length=1)
    columns: tuple[Literal["groups", "p", "univariable", "multivariable"], ...] = Field(min_length=1)
    normality: Literal["shapiro_wilk", "one_sample_wilcoxon"] | None = None
    cutpoints: Cutpoints | None = None
    multivariable: Multivariable | None = None

    @model_validator(mode="after")
    def _columns_have_their_rules(self) -> Self:
        if ("multivariable" in self.columns) != (self.multivariable is not None):
            raise ValueError(
                "the column 'multivariable' and the key multivariable = { ... } go together: give both, or"
                " neither"
            )
        select = None if self.multivariable is None else self.multivariable.select
        needed = {"univariable": "univariable", "test": "p"}.get(select.screen) if select else None
        if needed and needed not in self.columns:
            raise ValueError(f"multivariable.select screens by the column '{needed}'; add it to columns")
        return self


class Roc(_Association):
    """ROC curves of numeric factors with their Youden cuts; the direction is declared."""

    kind: Literal["roc"]
    higher_means_event: tuple[str, ...] = ()
    lower_means_event: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _names_factors(self) -> Self:
        if not self.factors:
            raise ValueError("needs factors in higher_means_event or lower_means_event")
        both = set(self.higher_means_event) & set(self.lower_means_event)
        if both:
            raise ValueError(f"{', '.join(sorted(both))} stands in both directions; remove one")
        return self

    @property
    def factors(self) -> tuple[str, ...]:
        """All factors, those that rise with the event first."""
        return (*self.higher_means_event, *self.lower_means_event)


class Crosstab(_Association):
    """One factor against an outcome, level by level, with one test of all and tests of pairs."""

    kind: Literal["crosstab"]
    factor: str
    pairwise: bool = False

    @property
    def factors(self) -> tuple[str, ...]:
        """The one factor, as the other kinds name theirs."""
        return (self.factor,)


class SideBySide(_Analysis):
    """One cohort under several named definitions: events, agreement, who changes, an odds ratio under each.

    `events` says which side of an outcome counts; without a word it is "yes". A recovery has no such default.
    """

    kind: Literal["definitions"]
    outcomes: tuple[Name, ...]
    reference: Name | None = None
    events: dict[Name, Event] = Field(default_factory=dict)
    factors: tuple[str, ...] = ()
    parity: Parity = "default"

    @field_validator("outcomes")
    @classmethod
    def _are_few(cls, outcomes: tuple[str, ...]) -> tuple[str, ...]:
        if not FEWEST_DEFINITIONS <= len(outcomes) <= MOST_DEFINITIONS:
            raise ValueError(f"names {len(outcomes)}; allowed: {FEWEST_DEFINITIONS} to {MOST_DEFINITIONS}")
        return outcomes

    @property
    def compared_with(self) -> str:
        """The outcome that the others are compared with: the first one if none is named."""
        return self.reference or self.outcomes[0]

    @property
    def in_order(self) -> tuple[str, ...]:
        """All outcomes, the reference first."""
        first = self.compared_with
        return (first, *(name for name in self.outcomes if name != first))

    def event_of(self, outcome: str) -> Event:
        """The side of an outcome that is its event."""
        return self.events.get(outcome, "yes")


Analysis = Annotated[
    Characteristics | Occurrence | Recovery | TimeToRecovery | RiskFactors | Roc | Crosstab | SideBySide,
    Field(discriminator="kind"),
]
