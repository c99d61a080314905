"""Published numbers as data: what a paper prints, kept as printed, and where a run has the same number.

A paper is one TOML file under `data/papers/`, or anywhere else. Each claim has a kind, the printed texts of
its parts ("71.42", "<0.001") and the address of its rows in the result table. A part that the paper does not
print is left out and not compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, cast, get_args

from pydantic import AfterValidator, Field

from cytopenia.definition_forms import Form
from cytopenia.definition_forms.checking import check
from cytopenia.errors import DefinitionError, join_problems, suggest_name
from cytopenia.forms import parse_toml, read_bytes, read_form

__all__ = [
    "ANY_LEVEL",
    "Address",
    "Claim",
    "CountClaim",
    "CountPercentClaim",
    "CutClaim",
    "DirectionAndSignificanceClaim",
    "DirectionClaim",
    "LabelClaim",
    "MedianRangeClaim",
    "OddsRatioClaim",
    "Paper",
    "RangeClaim",
    "RatioClaim",
    "SignificanceClaim",
    "SumClaim",
    "list_papers",
    "load_paper",
]

# The label of a cut is made by the run and changes with the data; such a level is found, not named.
ANY_LEVEL = "*"

_FOLDER = resources.files("cytopenia") / "data" / "papers"
_NUMBER = r"-?[0-9]+(\.[0-9]+)?"
_SIDE = r"(<=|>=|<|>)"


def _printed_as(pattern: str, words: str) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"is {text!r}; allowed: {words}")
        return text

    return AfterValidator(check)


PrintedNumber = Annotated[str, _printed_as(_NUMBER, "a number as printed, such as '71.42' or '-5'")]
PrintedP = Annotated[str, _printed_as(f"{_SIDE}?{_NUMBER}", "a P value, such as '0.004' or '<0.001'")]
PrintedLabel = Annotated[str, _printed_as(f"{_SIDE} ?{_NUMBER}", "a side of a cut, such as '<2.29'")]


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


class _Claim(Form):
    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    where: str = Field(min_length=1)
    about: str = Field(min_length=1)
    at: Address
    note: str = ""

    part_names: ClassVar[tuple[str, ...]] = ()

    @check
    def _prints_something(self) -> Iterator[str]:
        if not self.parts:
            yield f"needs at least one of {', '.join(self.part_names)}"

    @property
    def parts(self) -> dict[str, str]:
        """The printed texts by the name of the part, those that are not printed left out."""
        found = ((name, getattr(self, name)) for name in self.part_names)
        return {name: text for name, text in found if text is not None}

    @property
    def printed(self) -> str:
        """The claim as a paper would set it."""
        return self.write(self.parts)

    def write(self, parts: Mapping[str, str]) -> str:
        """Return the parts as a paper would set them."""
        return " ".join(parts.values())


class CountClaim(_Claim):
    """A number of patients; the counts of the rows in `plus` are added."""

    kind: Literal["count"]
    count: PrintedNumber
    plus: tuple[AddressChange, ...] = ()
    part_names: ClassVar[tuple[str, ...]] = ("count",)


class SumClaim(_Claim):
    """Several printed numbers that add up to one count."""

    kind: Literal["sum"]
    terms: tuple[PrintedNumber, ...] = Field(min_length=2)

    @property
    def parts(self) -> dict[str, str]:
        """The printed terms, numbered from 1."""
        return {f"term {place}": term for place, term in enumerate(self.terms, start=1)}

    def write(self, parts: Mapping[str, str]) -> str:
        """Return the terms joined by plus signs."""
        return " + ".join(parts.values())


class CountPercentClaim(_Claim):
    """A number of patients with its percentage; the counts of the rows in `plus` are added."""

    kind: Literal["count_percent"]
    count: PrintedNumber | None = None
    percent: PrintedNumber | None = None
    plus: tuple[AddressChange, ...] = ()
    part_names: ClassVar[tuple[str, ...]] = ("count", "percent")

    def write(self, parts: Mapping[str, str]) -> str:
        """Return "45 (71.42%)"."""
        percent = f"{parts['percent']}%" if "percent" in parts else ""
        return _bracket(parts.get("count", ""), percent)


class MedianRangeClaim(_Claim):
    """A median with the smallest and the largest value."""

    kind: Literal["median_range"]
    median: PrintedNumber | None = None
    minimum: PrintedNumber | None = None
    maximum: PrintedNumber | None = None
    part_names: ClassVar[tuple[str, ...]] = ("median", "minimum", "maximum")

    def write(self, parts: Mapping[str, str]) -> str:
        """Return "46 (21-72)"."""
        ends = "-".join(parts[name] for name in ("minimum", "maximum") if name in parts)
        return _bracket(parts.get("median", ""), ends)


class RatioClaim(_Claim):
    """One count to another, as "2.5:1"."""

    kind: Literal["ratio"]
    ratio: PrintedNumber
    to: AddressChange
    part_names: ClassVar[tuple[str, ...]] = ("ratio",)

    def write(self, parts: Mapping[str, str]) -> str:
        """Return "2.5:1"."""
        return f"{parts['ratio']}:1"


class SignificanceClaim(_Claim):
    """A factor is said to be associated, or not, at the paper's level of significance."""

    kind: Literal["significance"]
    association: Literal["associated", "not associated"]
    part_names: ClassVar[tuple[str, ...]] = ("association",)


class _OddsRatio(_Claim):
    label: PrintedLabel | None = None
    odds_ratio: PrintedNumber | None = None
    low: PrintedNumber | None = None
    high: PrintedNumber | None = None
    p: PrintedP | None = None
    part_names: ClassVar[tuple[str, ...]] = ("label", "odds_ratio", "low", "high", "p")

    @check
    def _has_both_limits(self) -> Iterator[str]:
        if (self.low is None) != (self.high is None):
            yield "low and high go together; give both, or neither"

    def write(self, parts: Mapping[str, str]) -> str:
        """Return "<2.29: 11 (3.130-38.660), P <0.001"."""
        ends = f"{parts['low']}-{parts['high']}" if "low" in parts else ""
        p_value = f"P {parts['p']}" if "p" in parts else ""
        numbers = _bracket(parts.get("odds_ratio", ""), ends)
        return ": ".join(filter(None, (parts.get("label"), ", ".join(filter(None, (numbers, p_value))))))


class OddsRatioClaim(_OddsRatio):
    """An odds ratio with its limits, its P value and the side of the cut that it is printed for."""

    kind: Literal["odds_ratio"]


class DirectionAndSignificanceClaim(_OddsRatio):
    """An odds ratio of which only the side of 1, the significance and the side of the cut are compared."""

    kind: Literal["direction_and_significance"]


class CutClaim(_Claim):
    """The cut of a numeric factor."""

    kind: Literal["cut"]
    cut: PrintedNumber
    part_names: ClassVar[tuple[str, ...]] = ("cut",)


class RangeClaim(_Claim):
    """A number that is said to lie in a range, both ends included."""

    kind: Literal["range"]
    low: PrintedNumber
    high: PrintedNumber
    part_names: ClassVar[tuple[str, ...]] = ("low", "high")

    def write(self, parts: Mapping[str, str]) -> str:
        """Return "0.7-0.9"."""
        return f"{parts['low']}-{parts['high']}"


class LabelClaim(_Claim):
    """The side of a cut that is said to go with the event, or with its absence.

    The address is that of an odds ratio whose level is a side of the cut.
    """

    kind: Literal["label"]
    label: PrintedLabel
    goes_with: Literal["event", "no event"]
    part_names: ClassVar[tuple[str, ...]] = ("label",)


class DirectionClaim(_Claim):
    """One number is said to be higher, or lower, than another."""

    kind: Literal["direction"]
    stated: Literal["higher", "lower"]
    than: AddressChange
    part_names: ClassVar[tuple[str, ...]] = ("stated",)


Claim = (
    CountClaim
    | SumClaim
    | CountPercentClaim
    | MedianRangeClaim
    | RatioClaim
    | SignificanceClaim
    | OddsRatioClaim
    | DirectionAndSignificanceClaim
    | CutClaim
    | RangeClaim
    | LabelClaim
    | DirectionClaim
)

_CLAIM_FORMS: dict[str, type[Any]] = {
    get_args(form.model_fields["kind"].annotation)[0]: form for form in get_args(Claim)
}


class Paper(Form):
    """A published paper and what it claims."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str = Field(min_length=1)
    citation: str = Field(min_length=1)
    doi: str | None = None
    significance_level: PrintedNumber
    claims: tuple[Claim, ...]


def _bracket(outside: str, inside: str) -> str:
    return f"{outside} ({inside})" if outside and inside else outside or inside


def list_papers() -> list[str]:
    """Return the ids of the papers that come with the package.

    Examples
    --------
    >>> list_papers()
    ['qiu2023']
    """
    names = (item.name for item in _FOLDER.iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def load_paper(source: Path | str) -> Paper:
    """Return a paper with its claims, in the order of the file.

    Parameters
    ----------
    source : path or str
        The id of a paper of the package, such as "qiu2023", or a TOML file.

    Raises
    ------
    DefinitionError
        The id is unknown, or the file is wrong; every problem is listed with the claim it is in.

    Examples
    --------
    >>> paper = load_paper("qiu2023")
    >>> paper.doi, next(claim.printed for claim in paper.claims if claim.id == "males")
    ('10.3892/ol.2023.13924', '45 (71.42%)')
    """
    name, content = _read_source(source)
    table = parse_toml(content, name=name, error=DefinitionError)
    claims, problems = _read_claims(table.get("claims"), name)
    paper, found = read_form(Paper, {**table, "claims": claims}, where=name)
    problems = [*found, *problems]
    if paper is None or problems:
        raise DefinitionError(join_problems(f"{name}: the claims of the paper are wrong", problems))
    return paper


def _read_source(source: Path | str) -> tuple[str, bytes]:
    if isinstance(source, Path) or source.endswith(".toml"):
        return Path(source).name, read_bytes(Path(source), error=DefinitionError)
    known = list_papers()
    if source not in known:
        names = f"{', '.join(known)}, or a .toml file"
        raise DefinitionError(f"unknown paper '{source}'{suggest_name(source, known)}; known: {names}")
    return f"{source}.toml", (_FOLDER / f"{source}.toml").read_bytes()


def _read_claims(given: object, name: str) -> tuple[list[Claim], list[str]]:
    """The claims that are right, and one sentence per problem of the others."""
    if not isinstance(given, list) or not given:
        return [], [f"{name}: no claim; each begins with a line [[claims]]"]
    claims: list[Claim] = []
    problems: list[str] = []
    ids: set[str] = set()
    for place, table in enumerate(cast("Sequence[object]", given), start=1):
        claim, found = _read_claim(table, f"{name}: claims.{place}")
        problems.extend(found)
        if claim is None:
            continue
        if claim.id in ids:
            problems.append(f"{name}: claims.{place}: id '{claim.id}' stands twice; rename one of them")
        ids.add(claim.id)
        claims.append(claim)
    return claims, problems


def _read_claim(given: object, where: str) -> tuple[Claim | None, list[str]]:
    if not isinstance(given, dict):
        return None, [f"{where}: is {given!r}; a table that begins with [[claims]] is needed"]
    table = cast("dict[str, Any]", given)
    if isinstance(table.get("id"), str):
        where = f"{where} ('{table['id']}')"
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in _CLAIM_FORMS:
        word = "missing" if kind is None else f"{kind!r}{suggest_name(str(kind), _CLAIM_FORMS)}"
        return None, [f"{where}: 'kind' is {word}; allowed: {', '.join(sorted(_CLAIM_FORMS))}"]
    return read_form(_CLAIM_FORMS[kind], table, where=where)
