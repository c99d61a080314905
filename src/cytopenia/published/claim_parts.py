"""What every claim of a paper has: texts kept as printed, and the address of the same number in a run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from cytopenia.definition_forms import Form
from cytopenia.definition_forms.checking import check

__all__ = [
    "ANY_LEVEL",
    "Address",
    "AddressChange",
    "ClaimId",
    "Confidence",
    "CountOrId",
    "PartAddress",
    "PrintedClaim",
    "PrintedCount",
    "PrintedLabel",
    "PrintedNumber",
    "PrintedP",
    "PrintedShare",
    "ReferringForm",
    "UnreadClaim",
    "bracket",
    "miss_limit",
]

# The label of a cut is made by the run and changes with the data; such a level is found, not named.
ANY_LEVEL = "*"

_NUMBER = r"-?[0-9]+(\.[0-9]+)?"
_WHOLE = 100.0
_SIDE = r"(<=|>=|<|>)"


def _printed_as(pattern: str, words: str) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"is {text!r}; allowed: {words}")
        return text

    return AfterValidator(check)


PrintedNumber = Annotated[str, _printed_as(_NUMBER, "a number as printed, such as '71.42' or '-5'")]
PrintedP = Annotated[str, _printed_as(f"{_SIDE}?{_NUMBER}", "a P value, such as '0.004' or '<0.001'")]
PrintedShare = Annotated[
    str, _printed_as(f"{_SIDE}?{_NUMBER}", "a number as printed, such as '71.42' or '<1'")
]
PrintedLabel = Annotated[str, _printed_as(f"{_SIDE} ?{_NUMBER}", "a side of a cut, such as '<2.29'")]
PrintedCount = Annotated[str, _printed_as(r"[0-9]+", "a whole number as printed, such as '45'")]
ClaimId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
# A claim and one of its parts, "table2_anc.median"; without a part, the first one that it prints.
PartAddress = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_ ]+)?$")]
# A number of patients, or the id of the claim that prints it.
CountOrId = Annotated[str, _printed_as(r"[0-9]+|[a-z][a-z0-9_]*", "a whole number, or the id of a claim")]


def _is_confidence(text: str) -> str:
    if not re.fullmatch(_NUMBER, text) or not 1 < float(text) < _WHOLE:
        raise ValueError(f"is {text!r}; allowed: a percentage below {_WHOLE:g}, such as '95'")
    return text


Confidence = Annotated[str, AfterValidator(_is_confidence)]


class AddressChange(Form):
    """The columns in which the address of a second number differs from the first."""

    analysis: str | None = None
    group: str | None = None
    stratum: str | None = None
    variable: str | None = None
    level: str | None = None
    scenario: str | None = None
    estimate: str | None = None


class Address(Form):
    """Where a number stands in the result table; what is not named is empty there.

    `level` is the column `variable_level`, or "*" for the only level there is. `estimate` is needed only
    where it is not the usual one of the kind.
    """

    analysis: str = Field(min_length=1)
    variable: str = Field(min_length=1)
    group: str = ""
    stratum: str = ""
    level: str = ""
    scenario: str = ""
    estimate: str = ""

    def change(self, other: AddressChange) -> Address:
        """Return the address with the named columns changed."""
        return self.model_copy(update=other.model_dump(exclude_none=True))


class ReferringForm(Form):
    """A table that may name claims by their ids, in the keys of `reference_names`."""

    reference_names: ClassVar[tuple[str, ...]] = ()

    def references(self) -> Iterator[tuple[str, str]]:
        """Yield key and id wherever the table names a claim; printed numbers in their place are left out."""
        for name in self.reference_names:
            given = getattr(self, name)
            for text in (given,) if isinstance(given, str) else given or ():
                if not text.isdigit():
                    yield name, text


class PrintedClaim(ReferringForm):
    """One statement of a paper; a part that it does not print is left out.

    `unread` are the parts that it prints as a word, such as "NE"; they are filled when a file is read.
    """

    id: ClaimId
    where: str = Field(min_length=1)
    about: str = Field(min_length=1)
    unit: str = ""
    at: Address | None = None
    note: str = ""
    unread: dict[str, str] = Field(default_factory=dict)

    part_names: ClassVar[tuple[str, ...]] = ()

    @check
    def _prints_something(self) -> Iterator[str]:
        if not self.parts and not self.unread:
            yield f"needs at least one of {', '.join(self.part_names)}"

    @property
    def parts(self) -> dict[str, str]:
        """The printed texts by the name of the part, those that are not printed left out."""
        found = ((name, getattr(self, name)) for name in self.part_names)
        return {name: text for name, text in found if text is not None}

    @property
    def address(self) -> Address:
        """Where a run has the same number; only claims with one are compared with a run."""
        if self.at is None:
            raise ValueError(f"{self.id} has no address")
        return self.at

    @property
    def printed(self) -> str:
        """The claim as a paper would set it."""
        given = {**self.parts, **self.unread}
        return self.write({name: given[name] for name in (*self.part_names, *given) if name in given})

    def write(self, parts: Mapping[str, str]) -> str:
        """Return the parts as a paper would set them."""
        return " ".join(parts.values())


class UnreadClaim(PrintedClaim):
    """A claim of which the one number that it needs is printed as a word, such as "NA"."""

    kind: Literal["unread"]

    @staticmethod
    def has_no_number(form: type[Any], texts: Mapping[str, Any]) -> bool:
        """Return whether a part that a form needs is printed as a word."""
        words = texts.get("unread", {})
        return any(form.model_fields[name].is_required() for name in words)

    @staticmethod
    def take(texts: Mapping[str, Any]) -> dict[str, Any]:
        """Return the table of the claim without what only its own form knows."""
        kept = ("id", "where", "about", "unit", "note", "unread")
        return {"kind": "unread", **{key: texts[key] for key in kept if key in texts}}


def miss_limit(claim: PrintedClaim, low: str | None, high: str | None) -> Iterator[str]:
    """Yield what is wrong with an interval of which only one limit is given; "NE" is given."""
    if (low is None) != (high is None) and claim.unread.keys().isdisjoint(("low", "high")):
        yield "low and high go together; give both, or neither"


def bracket(outside: str, inside: str) -> str:
    """Return "outside (inside)", or the one that is not empty.

    Examples
    --------
    >>> bracket("46", "21-72"), bracket("", "71.42%")
    ('46 (21-72)', '71.42%')
    """
    return f"{outside} ({inside})" if outside and inside else outside or inside
