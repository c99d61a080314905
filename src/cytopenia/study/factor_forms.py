"""The form of a factor in a protocol, and the words that forms have in common."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from cytopenia.definition_forms import Number, Whole

__all__ = [
    "Day",
    "EffectSize",
    "Event",
    "EventKind",
    "Factor",
    "Form",
    "GroupTest",
    "Name",
    "NamedTest",
    "Parity",
    "Step",
    "Window",
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
NamedTest = Literal["mann_whitney", "welch_t", "chi_squared", "fisher_exact", "fisher_mid_p", "trend"]
# Over groups, of which there may be more than two.
GroupTest = Literal[
    "mann_whitney", "welch_t", "kruskal_wallis", "jonckheere_terpstra", "chi_squared", "fisher_exact"
]
EffectSize = Literal["risk_difference", "risk_ratio", "odds_ratio"]
EventKind = Literal["crs", "icans", "infection", "progression", "next_therapy", "admission", "discharge"]
SOURCES = ("analyte", "column", "event", "response_window", "score")


class Form(BaseModel):
    """A part of the study file: unknown keys are errors, nothing changes after reading."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Step(Form):
    """A step of so many units."""

    per: Number = Field(gt=0, allow_inf_nan=False)


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
    ordered: bool = False
    scale: Literal["unit", "doubling", "iqr", "sd"] | Step | None = None
    spline_knots: Literal[3, 4, 5] | None = None
    between: tuple[Number, Number] | None = None

    @model_validator(mode="after")
    def _has_one_shape(self) -> Self:
        given = [key for key in ("scale", "spline_knots", "between") if getattr(self, key) is not None]
        if given and (self.levels or self.as_ is not None):
            raise ValueError(f"'{', '.join(given)}' belongs to numbers; a factor with levels has none")
        if self.scale is not None and self.spline_knots is not None:
            raise ValueError("scale and spline_knots exclude each other: a curve has no one step")
        if self.between is not None and (self.spline_knots is None or self.between[0] >= self.between[1]):
            raise ValueError("between needs spline_knots, and two numbers that rise, such as [300, 900]")
        return self

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        given = [name for name in SOURCES if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"needs exactly one of {', '.join(SOURCES)}")
        self._refuse_keys_of_other_sources(given[0])
        if self.ordered and not (self.levels or self.grade_from or self.as_):
            raise ValueError(
                'ordered = true needs levels in their order: give levels, grade_from, or as = "group"'
            )
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
            "ordered": ("column", "response_window", "event", "score"),
            "as_": ("score",),
            "coefficients": ("score",),
            "scale": ("analyte", "column", "score"),
            "spline_knots": ("analyte", "column", "score"),
            "between": ("analyte", "column", "score"),
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
    def step(self) -> str | float:
        """The step of a number that its odds ratio is for: a unit where nothing is said."""
        return self.scale.per if isinstance(self.scale, Step) else self.scale or "unit"

    @property
    def is_known_after_infusion(self) -> bool:
        """Whether a patient's value is known only after the infusion: no predictor at that time."""
        return self.at == "peak" or self.event is not None or self.response_window is not None
