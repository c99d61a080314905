"""What every definition has: a head with its source, and cuts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    ModelWrapValidatorHandler,
    Strict,
    Tag,
    model_validator,
)

from cytopenia.definition_forms.checking import check, read_whole

__all__ = [
    "CUT_NAMES",
    "Citation",
    "Condition",
    "Cut",
    "CutName",
    "Flag",
    "Form",
    "Head",
    "LimitOfNormal",
    "MultipleOfBaseline",
    "Number",
    "OneCut",
    "PlainCut",
    "Status",
    "Whole",
    "find_idle_cut",
]

Status = Literal["consensus", "published", "study", "assumed"]
CutName = Literal["below", "at_most", "above", "at_least"]
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_URL = re.compile(r"https?://[^\s/.]+(\.[^\s/.]+)+(/\S*)?")
CUT_NAMES: tuple[CutName, ...] = ("below", "at_most", "above", "at_least")


class Form(BaseModel):
    """A record without unknown keys that nobody changes."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, defer_build=True)

    @model_validator(mode="wrap")
    @classmethod
    def _tell_every_fault(cls, content: Any, read: ModelWrapValidatorHandler[Self]) -> Self:
        return read_whole(cls, content, read)


class Citation(Form):
    """Where the definition stands in print."""

    text: str = Field(min_length=1)
    doi: str | None = None
    url: str | None = None

    @check
    def _has_a_doi_that_is_one(self) -> Iterator[str]:
        if self.doi is not None and not _DOI.fullmatch(self.doi):
            yield f"doi is {self.doi!r}; allowed: a doi such as 10.1182/blood.2023020578, without https://"

    @check
    def _has_an_address_that_is_one(self) -> Iterator[str]:
        if self.url is not None and not _URL.fullmatch(self.url):
            yield f"url is {self.url!r}; allowed: an address such as https://example.org/page"


# Strict: TOML has types, and neither `true` nor "1" is a number.
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Whole = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]


class LimitOfNormal(Form):
    """A cut that depends on the laboratory: a multiple of the lower limit of normal of the row."""

    lln: Number = Field(gt=0)


class MultipleOfBaseline(Form):
    """A cut that depends on the patient: a multiple of the value before treatment."""

    baseline: Number = Field(gt=0)


_RELATIVE: dict[str, type[Form]] = {"lln": LimitOfNormal, "baseline": MultipleOfBaseline}


def _write(value: object) -> str:
    """A value as it stands in the file."""
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _read_cut(value: object) -> object:
    """A relative cut spelled out; numbers and tables pass to the forms behind this."""
    if isinstance(value, str) and value in _RELATIVE:
        return {value: 1.0}
    if isinstance(value, bool) or not isinstance(
        value, int | float | dict | LimitOfNormal | MultipleOfBaseline
    ):
        raise ValueError(
            f'is {_write(value)}; allowed: a number, "lln", "baseline",'
            " or a multiple such as { lln = 0.75 }"
        )
    return value  # pyright: ignore[reportUnknownVariableType]


def _tell_cut(value: object) -> str:
    """Which form a cut has, so that a wrong one is told about that form only."""
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, dict):
        return "MultipleOfBaseline" if "baseline" in value else "LimitOfNormal"
    return type(value).__name__


Cut = Annotated[
    Annotated[Number, Tag("number")]
    | Annotated[LimitOfNormal, Tag("LimitOfNormal")]
    | Annotated[MultipleOfBaseline, Tag("MultipleOfBaseline")],
    Discriminator(_tell_cut),
    BeforeValidator(_read_cut),
]


def find_idle_cut(comparator: CutName, number: float) -> Iterator[str]:
    """Yield what is wrong with a cut that no value, or every value, lies beyond: none is less than 0."""
    if number < 0:
        yield f"{comparator} is {number:g}; a count cannot be less than 0"
    elif number == 0 and comparator == "below":
        yield "below is 0; no count is below 0, so that the rule could never be met"
    elif number == 0 and comparator == "at_least":
        yield "at_least is 0; every count is at least 0, so that the rule would always be met"


class OneCut(Form):
    """A record with exactly one of the comparators that it allows; each names its cut."""

    allowed: ClassVar[tuple[CutName, ...]] = CUT_NAMES

    @check
    def _has_one_cut(self) -> Iterator[str]:
        given = self.given_cuts
        if len(given) != 1 or given[0] not in self.allowed:
            yield f"{self.said_before}needs exactly one of {', '.join(self.allowed)}; got {given}"

    @check
    def _has_cuts_that_divide(self) -> Iterator[str]:
        for name in self.given_cuts:
            cut = getattr(self, name)
            if isinstance(cut, int | float):
                yield from (f"{self.said_before}{fault}" for fault in find_idle_cut(name, cut))

    @property
    def said_before(self) -> str:
        """What a message about the cut begins with."""
        return ""

    @property
    def given_cuts(self) -> list[CutName]:
        """The comparators that have a cut."""
        return [name for name in CUT_NAMES if getattr(self, name) is not None]

    @property
    def comparator(self) -> CutName:
        """The one comparator."""
        return self.given_cuts[0]

    @property
    def is_sick_below(self) -> bool:
        """Whether low values are the ones that meet the cut."""
        return self.comparator in ("below", "at_most")


class PlainCut(OneCut):
    """One comparison with a number."""

    below: Number | None = None
    at_most: Number | None = None
    above: Number | None = None
    at_least: Number | None = None

    @property
    def cut(self) -> float:
        """The number, in the unit of the definition."""
        return float(getattr(self, self.comparator))


class Condition(OneCut):
    """What must hold beside a rule, by the same value: one comparator and its cut."""

    below: Cut | None = None
    at_most: Cut | None = None
    above: Cut | None = None
    at_least: Cut | None = None

    @property
    def cut(self) -> float | LimitOfNormal | MultipleOfBaseline:
        """The cut in the unit of the definition, or a multiple."""
        return getattr(self, self.comparator)


class Head(Form):
    """Name, version, status and source of a definition."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str = Field(min_length=1)
    version: str = Field(min_length=1)
    status: Status
    citation: Citation
    text: str | None = None
    note: str | None = None

    @check
    def _names_its_source(self) -> Iterator[str]:
        if self.status != "assumed" and not (self.citation.doi or self.citation.url):
            yield "citation: needs a doi or a url unless status is 'assumed'"

    @property
    def part_names(self) -> tuple[str, ...]:
        """Names that may follow the dot of an address; none where the definition is one whole."""
        return ()

    @property
    def analyte_units(self) -> tuple[tuple[str, str], ...]:
        """Every analyte that the definition names, with the unit of its cuts ("" where it has none)."""
        return ()
