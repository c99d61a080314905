"""The form of a factor in a protocol, and the words that forms have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from cytopenia.definition_forms import Flag, Form, Number, Whole
from cytopenia.definition_forms.checking import check

__all__ = [
    "Day",
    "Event",
    "EventKind",
    "Factor",
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
EventKind = Literal["crs", "icans", "infection", "progression", "next_therapy", "admission", "discharge"]
SOURCES = ("analyte", "column", "event", "response_window", "score")
_OWNERS = {
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
    ordered: Flag = False
    scale: Literal["unit", "doubling", "iqr", "sd"] | Step | None = None
    spline_knots: Literal[3, 4, 5] | None = None
    between: tuple[Number, Number] | None = None

    @check
    def _has_one_shape(self) -> Iterator[str]:
        given = [key for key in ("scale", "spline_knots", "between") if self._is_given(key)]
        if given and (self._is_given("levels") or self._is_given("as_")):
            yield f"'{', '.join(given)}' belongs to numbers; a factor with levels has none"

    @check
    def _has_one_step(self) -> Iterator[str]:
        if self.scale is not None and self.spline_knots is not None:
            yield "scale and spline_knots exclude each other: a curve has no one step"

    @check
    def _has_a_curve_between(self) -> Iterator[str]:
        if self.between is not None and (self.spline_knots is None or self.between[0] >= self.between[1]):
            yield "between needs spline_knots, and two numbers that rise, such as [300, 900]"

    @check
    def _has_one_source(self) -> Iterator[str]:
        given = [name for name in SOURCES if getattr(self, name) is not None]
        if len(given) != 1:
            yield f"needs exactly one of {', '.join(SOURCES)}"
            return
        wrong = [
            key.rstrip("_")
            for key, places in _OWNERS.items()
            if self._is_given(key) and given[0] not in places
        ]
        if wrong:
            yield f"'{', '.join(wrong)}' does not go with '{given[0]}'; remove it"

    @check
    def _has_levels_in_order(self) -> Iterator[str]:
        if self.ordered and not (self.levels or self.grade_from or self.as_):
            yield 'ordered = true needs levels in their order: give levels, grade_from, or as = "group"'

    @check
    def _says_when(self) -> Iterator[str]:
        if self.analyte is not None and self.at is None:
            yield 'needs at = "baseline" or at = "peak"'

    @check
    def _says_what_its_absence_means(self) -> Iterator[str]:
        if self.event is not None and (self.window is None or self.without_event is None):
            yield (
                "needs window (its first and last day) and without_event: is a patient without such a row"
                ' free of it ("none") or unknown ("missing")?'
            )

    def _is_given(self, key: str) -> bool:
        """Whether a key has a value; one that is wrong is told by itself."""
        return bool(self.__dict__.get(key))

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
