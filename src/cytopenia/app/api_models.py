"""What the JSON interface takes and gives, each field with its meaning and an example."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import (
    AfterValidator,
    AllowInfNan,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    StringConstraints,
)

__all__ = [
    "CardRequest",
    "CourseAnswer",
    "CourseRequest",
    "DefinitionAnswer",
    "GradeAnswer",
    "GradeRequest",
    "InputAnswer",
    "OutcomeAnswer",
    "Problem",
    "Quantity",
    "ScoreAnswer",
    "ScoreInputAnswer",
    "ScoreRequest",
    "as_input",
    "as_text",
]

_MOST_VALUES = 2000
_LARGEST = 10**12


def _require_text(text: str) -> str:
    """Half a character, or a sign that ends texts elsewhere, is no text."""
    if any(unicodedata.category(sign) in ("Cc", "Cs") and sign not in "\n\t\r" for sign in text):
        raise ValueError("text")
    return text


# For the description; half characters cannot be told there.
_TEXT = Field(json_schema_extra={"pattern": r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$"})
Text = Annotated[StrictStr, StringConstraints(max_length=200), AfterValidator(_require_text), _TEXT]
LongText = Annotated[StrictStr, StringConstraints(max_length=100_000), AfterValidator(_require_text), _TEXT]
Number = (
    Annotated[StrictInt, Field(ge=-_LARGEST, le=_LARGEST)]
    | Annotated[StrictFloat, AllowInfNan(allow_inf_nan=False), Field(ge=-_LARGEST, le=_LARGEST)]
)
Printed = Text | Number


def as_text(printed: str | float) -> str:
    """Return a value as it would be printed.

    Examples
    --------
    >>> as_text("<0,5"), as_text(4.2), as_text(7)
    ('<0,5', '4.2', '7')
    """
    if isinstance(printed, float):
        return str(np.format_float_positional(printed, trim="-"))
    return str(printed)


def as_input(printed: str | float, decimal: str = "auto") -> str:
    """Return a value as text that is read as it was sent: a number of JSON has no mark of thousands.

    Parameters
    ----------
    printed : str or float
    decimal : str
        The decimal mark that the text will be read with.

    Examples
    --------
    >>> as_input("2.500"), as_input(1.125), as_input(0.125), as_input(1.125, ","), as_input(2500)
    ('2.500', '1.1250', '0.125', '1,125', '2500')
    """
    text = as_text(printed)
    if not isinstance(printed, float):
        return text
    if decimal == ",":
        return text.replace(".", ",")
    return f"{text}0" if re.fullmatch(r"[1-9][0-9]{0,2}\.[0-9]{3}", text) else text


class Taken(BaseModel):
    """Whatever is sent; a key that is not known is refused, so that none is passed over in silence."""

    model_config = ConfigDict(extra="forbid")


class Given(BaseModel):
    """Whatever is answered."""

    model_config = ConfigDict(from_attributes=True)


class Problem(Given):
    """What went wrong, in words."""

    error: str = Field(description="What is wrong, where, what is allowed, and what to do")
    status: int = Field(description="The status of the answer")


class Quantity(Taken):
    """A value with its unit."""

    value: Printed = Field(description="A number or the printed text, with its limit", examples=["<0.5", 4.2])
    unit: Text = Field(default="", description="A listed unit; see /definitions", examples=["mg/dL"])


class ScoreRequest(Taken):
    """The values of one patient; one that is absent leaves a range."""

    values: dict[Text, Quantity] = Field(
        description="By analyte",
        max_length=100,
        examples=[{"platelets": {"value": 110, "unit": "10^9/L"}, "crp": {"value": "4.2", "unit": "mg/dL"}}],
    )
    categories: dict[Text, Text] = Field(
        default_factory=dict, max_length=100, description="Of a model", examples=[{"disease": "ALL"}]
    )
    coefficients: LongText | None = Field(
        default=None, description="Of a model: the text of a TOML file of coefficients"
    )
    allow_outside: StrictBool = Field(
        default=False, description="Score values outside the range a model was made for, and say so"
    )


class CardRequest(Taken):
    """A model card and the values of one patient."""

    card: dict[str, Any] = Field(description="The content of a .card.json file")
    values: dict[Text, Quantity] = Field(
        description="By input of the card",
        max_length=500,
        examples=[{"ferritin": {"value": 540, "unit": "ng/mL"}}],
    )


class ScoreInputAnswer(Given):
    """One input of a score."""

    name: str
    title: str
    value: str = Field(description="In the unit of the score; - where it is not known")
    points: str
    effect: str = Field(description="Of a ratio what it does; of a model what it adds to the log odds")
    words: str = Field(description="The rule that was met, or why there is none")


class ScoreAnswer(Given):
    """A score with all that it rests on."""

    title: str
    result: str = Field(description="In words")
    note: str = Field(description="A sentence for a note")
    inputs: list[ScoreInputAnswer]
    warnings: list[str]
    remarks: list[tuple[str, str]] = Field(description="Label and text: what is open, predicted, assumed")
    record: dict[str, Any] = Field(description="The same as numbers, as `cytopenia score --json` has them")
    use: str


class LabValue(Taken):
    """One laboratory value."""

    analyte: Text = Field(description="Any listed name", examples=["anc"])
    value: Printed = Field(description="As printed", examples=["<0.1"])
    unit: Text = Field(description="A listed unit", examples=["10^9/L"])
    lln: Printed | None = Field(default=None, description="Lower limit of normal, in the same unit")
    baseline: Printed | None = Field(
        default=None,
        description="The value before treatment, in the same unit, for rules relative to it",
        examples=[3.1],
    )


class GradeRequest(Taken):
    """Values that are graded one by one."""

    definition: Text = Field(
        default="ctcae_v5", description="Of kind grades, with or without a part", examples=["ctcae_v5.anemia"]
    )
    values: list[LabValue] = Field(min_length=1, max_length=_MOST_VALUES)
    lln: dict[Text, Number] = Field(
        default_factory=dict,
        max_length=100,
        description="Lower limit of normal by analyte, in its canonical unit, for values that have none;"
        " refused where the definition has no rule with it",
        examples=[{"anc": 2.0}],
    )
    decimal: Literal["auto", ".", ","] = Field(
        default="auto", description="The decimal mark of values that are texts, where they do not settle it"
    )


class GradeAnswer(Given):
    """The grade of one value."""

    analyte: str
    term: str | None
    grade: int | None = Field(description="0 is judged and normal; null is not judged")
    grade_worst: int | None = Field(description="The highest grade that the value can mean")
    reason: str | None = Field(description="Why it is not judged, or at least how high")


class DayValue(Taken):
    """One value of a course."""

    when: Printed = Field(description="Day from infusion, or date", examples=[5, "2024-01-31"])
    analyte: Text = Field(examples=["anc"])
    value: Printed = Field(examples=["0.4"])
    unit: Text = Field(examples=["10^9/L"])


class Support(Taken):
    """A growth factor or transfusion."""

    kind: Literal["gcsf", "rbc_transfusion", "platelet_transfusion", "tpo_ra", "stem_cell_boost"]
    start: Printed = Field(description="Day from infusion, or date", examples=[5])
    stop: Printed = Field(description="Last day or date", examples=[9])


class Event(Taken):
    """What ends or censors a course; without last contact or death, days after the last value count."""

    kind: Literal["last_contact", "death", "progression", "next_therapy"]
    when: Printed = Field(description="Day from infusion, or date", examples=[100])


class CourseRequest(Taken):
    """The counts of one patient by day."""

    values: list[DayValue] = Field(min_length=1, max_length=_MOST_VALUES)
    definitions: list[Text] = Field(
        default_factory=list, max_length=20, description="Ids; a usual choice where there is none"
    )
    infusion_date: Text | None = Field(
        default=None, description="Day 0; needed where there are dates", examples=["2024-01-31"]
    )
    date_format: Literal["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y"] | None = Field(
        default=None, description="Needed where day and month could be exchanged; it is never guessed"
    )
    decimal: Literal["auto", ".", ","] = "auto"
    support: list[Support] = Field(default_factory=list, max_length=500)
    support_complete: StrictBool = Field(default=False, description="Whether nothing else was given")
    events: list[Event] = Field(default_factory=list, max_length=50)


class OutcomeAnswer(Given):
    """One outcome with its reasons."""

    address: str
    title: str
    window: tuple[int, int] | None
    result: str = Field(description="In words")
    policy: float | None = Field(description="By the rule of the definition")
    best: float | None = Field(description="The mildest that unmeasured days allow")
    worst: float | None = Field(description="The worst that unmeasured days allow")
    label: str | None
    decided: bool
    reasons: list[tuple[str, str]] = Field(description="Label and text: rule, days, what would change it")
    citation: str
    if_ended: str | None = Field(
        default=None,
        description="The result had observation ended on the last value, where no event says when it ended",
    )


class CourseAnswer(Given):
    """Every outcome that was asked for."""

    outcomes: list[OutcomeAnswer]
    warnings: list[str]
    note: str
    use: str


class InputAnswer(Given):
    """One input of a definition."""

    analyte: str
    title: str
    unit: str
    units: list[str]
    day: int | None = None


class DefinitionAnswer(Given):
    """A definition: what it is, where it comes from, what it needs."""

    id: str
    kind: str
    title: str
    version: str
    status: str
    citation: str
    doi: str
    rules: list[str]
    assumed: list[str]
    inputs: list[InputAnswer]
