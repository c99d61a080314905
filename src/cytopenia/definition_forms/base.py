"""What every definition has: a head with its source, and cuts."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

__all__ = [
    "CUT_NAMES",
    "Citation",
    "Cut",
    "CutName",
    "Form",
    "Head",
    "LimitOfNormal",
    "Number",
    "Status",
]

Status = Literal["consensus", "published", "study", "assumed"]
CutName = Literal["below", "at_most", "above", "at_least"]
CUT_NAMES: tuple[CutName, ...] = ("below", "at_most", "above", "at_least")


class Form(BaseModel):
    """A record without unknown keys that nobody changes."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Citation(Form):
    """Where the definition stands in print."""

    text: str = Field(min_length=1)
    doi: str | None = None
    url: str | None = None


Number = Annotated[float, Field(allow_inf_nan=False)]


class LimitOfNormal(Form):
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


class Head(Form):
    """Name, version, status and source of a definition."""

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

    @property
    def part_names(self) -> tuple[str, ...]:
        """Names that may follow the dot of an address; none where the definition is one whole."""
        return ()

    @property
    def analyte_units(self) -> tuple[tuple[str, str], ...]:
        """Every analyte that the definition names, with the unit of its cuts ("" where it has none)."""
        return ()
