"""What a heading says: the analyte, the unit and the day in it, and what keeps it from being a count.

Names and units come from the reviewed tables only. A heading is cut at blanks and marks, and is understood
where one piece is a listed name and the rest is a listed unit or a day; with any other rest it is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cytopenia.units import list_units, load_analytes, match_unit, mentions_analyte, resolve_analyte

__all__ = [
    "HeadingParts",
    "find_unit",
    "guess_analytes",
    "is_other_test",
    "is_share",
    "list_scales",
    "read_day",
    "read_heading",
    "share_units",
    "speaks_of_analyte",
]

_BRACKETS = re.compile(r"^(?P<name>.+?)\s*[\(\[](?P<unit>[^\(\)\[\]]+)[\)\]]$")
_CUT = re.compile(r"[\s_,/;:|\-]+")
_SHARE = re.compile(
    r"%|percent|prozent|\bpct\b|_pct\b|\bper ?cent\b|porcent|pourcent|\brel(?:ativ\w*)?\b", re.IGNORECASE
)
# T alone is a time point of a trial; T+3 is a day.
_DAY = re.compile(
    r"(?:(?<![^\W_])(?:days?|tage?|jours?|d[ií]as?|giorn[oi]|dag(?:en)?|d|j|t(?=[\s_.]*(?:[+-]|0\b)))|(?<=[^\W_])d)"
    r"[\s_.]*(?P<day>[+-]?\d{1,3})(?!\w|[.,]\d)",
    re.IGNORECASE,
)
# Words that make another test of a listed name.
_OTHER_TEST = re.compile(
    r"a1c|glyc|f[oe]tal|free|urin|(?<![\w-])csf|liquor|marrow|knochenmark|retic|corpuscular|clearance|dilut|antibod"
    r"|transfus|konzentrat|concentrate|ratio|volume|width|immature|large|fluid",
    re.IGNORECASE,
)
_DAY_PLACE = "{day}"
_EDGES = " \t_-/.,;:|"


@dataclass(frozen=True)
class HeadingParts:
    """A heading taken apart.

    `name` is the text that names the analyte, `unit` that of the unit (listed for it), `pattern`
    the heading with "{day}" in the place of the number of the day.
    """

    analyte: str
    name: str
    unit: str | None = None
    day: int | None = None
    pattern: str | None = None


def read_heading(heading: str) -> HeadingParts | None:
    """Return what a heading of laboratory values says, or None where it is no analyte of ours.

    Examples
    --------
    >>> read_heading("PLT x10^3/uL").unit, read_heading("ANC_d14").day, read_heading("Hb A1c")
    ('x10^3/uL', 14, None)
    """
    if is_share(heading):
        return None
    plain = _read_name(heading)
    if plain is not None:
        return plain
    for pattern, day, rest in _take_days(heading):
        found = _read_name(rest)
        if found is not None:
            return HeadingParts(found.analyte, found.name, found.unit, day, pattern)
    return None


def read_day(heading: str) -> tuple[str, int] | None:
    """Return the pattern and the day of a heading that names nothing but a day.

    Examples
    --------
    >>> read_day("Day 7"), read_day("T+3"), read_day("Day 7 comment")
    (('Day {day}', 7), ('T{day}', 3), None)
    """
    for pattern, day, rest in _take_days(heading):
        if not rest:
            return pattern, day
    return None


def is_share(heading: str) -> bool:
    """Return True where a heading speaks of a share of cells, which is no count.

    Examples
    --------
    >>> is_share("Gran%"), is_share("neut_percent"), is_share("Neutrophils")
    (True, True, False)
    """
    without_unit = heading if not re.search(r"g(?:m)?\s*%", heading, re.IGNORECASE) else ""
    return _SHARE.search(without_unit) is not None


def is_other_test(heading: str) -> bool:
    """Return True where a word makes another test of a listed name.

    Examples
    --------
    >>> is_other_test("Hemoglobin A1c"), is_other_test("Plt transfusions"), is_other_test("Hb")
    (True, True, False)
    """
    return _OTHER_TEST.search(heading) is not None


def find_unit(analyte: str, text: str) -> str | None:
    """Return the text as the reader takes it for a unit of the analyte, or None where none is listed.

    Names of variables have no stroke: "10e9_L" is 10e9/L.
    """
    spellings = (
        text,
        text.replace("_", "/"),
        re.sub(r"\s+per\s+", "/", f" {text}", flags=re.IGNORECASE).strip(),
    )
    return next((one for one in spellings if one and match_unit(analyte, one) is not None), None)


def share_units(text: str) -> list[str]:
    """Return the analytes for which a text is a listed unit.

    Examples
    --------
    >>> share_units("ng/mL"), share_units("G/L")[:2]
    (['ferritin'], ['anc', 'wbc'])
    """
    return [analyte for analyte in load_analytes() if match_unit(analyte, text) is not None]


def _read_name(text: str) -> HeadingParts | None:
    """A name, with or without a unit behind or before it."""
    text = text.strip(_EDGES)
    analyte = resolve_analyte(text)
    if analyte is not None:
        return HeadingParts(analyte, text)
    for name, unit in _cut(text):
        analyte = resolve_analyte(name)
        listed = find_unit(analyte, unit) if analyte is not None else None
        if analyte is not None and listed is not None:
            return HeadingParts(analyte, name, listed)
    return None


def _cut(text: str) -> Iterator[tuple[str, str]]:
    """Every way to take a text for a name and a unit."""
    if (parts := _BRACKETS.match(text)) is not None:
        yield parts["name"].strip(_EDGES), parts["unit"].strip()
    for place in _CUT.finditer(text):
        name, rest = text[: place.start()].rstrip(" _-,;:|("), text[place.end() :]
        if not name or not rest:
            continue
        rest = re.sub(r"^(?:in|en)\s+", "", rest.strip(" )]["), flags=re.IGNORECASE)
        yield name, rest
        if "/" in place.group():
            yield name, f"/{rest}"


def _take_days(heading: str) -> Iterator[tuple[str, int, str]]:
    """Every way to take a number in a heading for a day: the pattern, the day, and what is left."""
    for found in _DAY.finditer(heading):
        start, end = found.span("day")
        pattern = heading[:start] + _DAY_PLACE + heading[end:]
        left = " ".join(
            part
            for part in (heading[: found.start()].strip(_EDGES), heading[found.end() :].strip(_EDGES))
            if part
        )
        yield pattern, int(found["day"]), left


def guess_analytes(heading: str) -> list[str]:
    """Return the analytes that a heading mentions without being understood, for a question."""
    words = [word for word in re.split(r"[^\w#+]+|_", heading) if word]
    found = [analyte for word in words if (analyte := resolve_analyte(word)) is not None]
    return list(dict.fromkeys(found))


def speaks_of_analyte(heading: str) -> bool:
    """Return True where a listed name stands in a heading that is not understood."""
    return mentions_analyte(heading) or bool(guess_analytes(heading))


def list_scales(analyte: str) -> list[str]:
    """Return one listed unit per scale of an analyte: those that a question must tell apart."""
    seen: dict[tuple[float, float], str] = {}
    for text in list_units(analyte):
        unit = match_unit(analyte, text)
        if unit is not None:
            seen.setdefault((round(unit.multiply / unit.divide, 9), unit.offset), text)
    return list(seen.values())
