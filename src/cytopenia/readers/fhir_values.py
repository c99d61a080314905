"""The parts of a FHIR resource as plain words: codes, references, moments, values with their units."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from cytopenia.contract.near_names import NEUTROPHIL_SHARE
from cytopenia.readers.codes import LOINC, UCUM, load_analyte_codes, read_ucum
from cytopenia.readers.mapping_forms import IGNORE
from cytopenia.units import load_analytes, match_unit, mentions_analyte

__all__ = [
    "ERROR",
    "TWO_UNITS",
    "Code",
    "MatchedCode",
    "MeasuredValue",
    "Version",
    "as_list",
    "as_mapping",
    "is_of_patient",
    "list_codes",
    "match_analyte",
    "read_limits",
    "read_measured",
    "read_moment",
    "read_reference",
    "read_version",
    "read_word",
]

_LOINC_NAMES = {LOINC, "https://loinc.org", "urn:oid:2.16.840.1.113883.6.1"}
_COMPARATORS = ("<", "<=", ">", ">=")
_VALUES_AS_TEXT = ("valueString", "valueInteger")
_OTHER_SUBJECTS = {"Group", "Device", "Location", "Specimen", "Substance", "Organization", "Practitioner"}
TWO_UNITS = "code and text of the unit differ"
ERROR = "entered-in-error"


@dataclass(frozen=True)
class Code:
    """One coding of a concept; `key` is the system and the code as a mapping writes them."""

    system: str
    code: str
    display: str

    @property
    def key(self) -> str:
        """System and code, as in `http://loinc.org|718-7`."""
        return f"{self.system}|{self.code}"


@dataclass(frozen=True)
class MatchedCode:
    """What an observation measures.

    `use` is that of `AnalyteCode` or "ignore", "disagree", "near" (not listed, but named like a blood count)
    or "other"; `key` is the code to name in a finding.
    """

    use: str
    analyte: str = ""
    key: str = ""


@dataclass(frozen=True)
class MeasuredValue:
    """A value as text with comparator, its unit, and why it must not be judged."""

    value: str | None = None
    unit: str | None = None
    invalid: str | None = None
    unit_as_text: bool = False


@dataclass(frozen=True)
class Version:
    """Which of several versions of a resource is the newer one, as far as it says."""

    number: float | None
    updated: float | None

    @property
    def rank(self) -> tuple[float, float]:
        """Newer versions have higher ranks; what is not said is oldest."""
        return (-1.0 if self.number is None else self.number, -1e18 if self.updated is None else self.updated)


def as_mapping(item: object) -> Mapping[str, Any]:
    """Return an object of JSON, or an empty one where something else stands."""
    return cast("Mapping[str, Any]", item) if isinstance(item, dict) else {}


def as_list(item: object) -> list[Any]:
    """Return a list of JSON, or an empty one where something else stands."""
    return cast("list[Any]", item) if isinstance(item, list) else []


def read_word(item: object) -> str:
    """Return a text of JSON without blanks around it, or an empty one where something else stands."""
    return item.strip() if isinstance(item, str) else ""


def list_codes(concept: object) -> list[Code]:
    """Return the codings of a CodeableConcept that have a code."""
    found = (as_mapping(coding) for coding in as_list(as_mapping(concept).get("coding")))
    codes = [
        Code(read_word(part.get("system")), read_word(part.get("code")), read_word(part.get("display")))
        for part in found
    ]
    return [code for code in codes if code.code]


def match_analyte(concept: object, own: Mapping[str, str]) -> MatchedCode:
    """Return what a concept measures: by the user's own codes, else by LOINC, never by a name."""
    codes = list_codes(concept)
    stated = {own[code.key]: code.key for code in codes if code.key in own} if own else {}
    ours = (IGNORE, NEUTROPHIL_SHARE, *load_analytes())
    stated = {word: key for word, key in stated.items() if word in ours}
    if words := [word for word in stated if word != IGNORE]:
        share = "percent" if words[0] == NEUTROPHIL_SHARE else "yes"
        use = share if len(words) == 1 else "disagree"
        return MatchedCode(use, words[0], stated[words[0]])
    listed = {
        (row.analyte, row.use): code.key
        for code in codes
        if code.key not in own
        and code.system in _LOINC_NAMES
        and (row := load_analyte_codes().get(code.code)) is not None
    }
    if len(listed) > 1:
        return MatchedCode("disagree", key=" and ".join(sorted(listed.values())))
    for (analyte, use), key in listed.items():
        return MatchedCode(use, analyte, key)
    if stated:
        return MatchedCode(IGNORE, key=stated[IGNORE])
    names = [code.display for code in codes] + [read_word(as_mapping(concept).get("text"))]
    key = codes[0].key if codes else ""
    return MatchedCode("near" if any(map(_mentions, names)) else "other", key=key)


@lru_cache(maxsize=4096)
def _mentions(name: str) -> bool:
    return mentions_analyte(name)


def read_reference(item: object) -> str | None:
    """Return the id that a reference names.

    Examples
    --------
    >>> read_reference({"reference": "Patient/p1/_history/2"}), read_reference({"reference": "urn:uuid:p2"})
    ('p1', 'p2')
    """
    text = read_word(as_mapping(item).get("reference")).partition("/_history/")[0]
    return text.rpartition("/")[2].removeprefix("urn:uuid:") or None


def is_of_patient(resource: Mapping[str, Any]) -> bool:
    """Whether the subject of a resource may be a patient: a group, a device or a place is none.

    Examples
    --------
    >>> is_of_patient({"subject": {"reference": "Patient/12"}})
    True
    >>> is_of_patient({"subject": {"reference": "https://example.org/fhir/Device/12"}})
    False
    """
    parts = read_word(as_mapping(resource.get("subject")).get("reference")).split("/")
    return not _OTHER_SUBJECTS & set(parts[:-1])


def read_version(resource: Mapping[str, Any]) -> Version:
    """Return number and time (seconds) of the version of a resource; null where not said or no number.

    An entry in error that says nothing of its place counts as the newest, not as the oldest.
    """
    meta = as_mapping(resource.get("meta"))
    number, updated = read_word(meta.get("versionId")), read_word(meta.get("lastUpdated"))
    try:
        moment = dt.datetime.fromisoformat(updated)
    except ValueError:
        seconds = None
    else:
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()
    if not number and seconds is None and read_word(resource.get("status")) == ERROR:
        return Version(float("inf"), None)
    return Version(float(number) if number.isdecimal() else None, seconds)


def read_moment(resource: Mapping[str, Any], name: str) -> str | None:
    """Return the start of `effective[x]`, `performed[x]` or `onset[x]` as it is printed."""
    for kind in ("DateTime", "Instant"):
        if text := read_word(resource.get(name + kind)):
            return text
    return read_word(as_mapping(resource.get(f"{name}Period")).get("start")) or None


def read_measured(element: Mapping[str, Any], analyte: str | None) -> MeasuredValue:
    """Return the value of an observation or a component; `analyte` None is a share in percent."""
    absent = next((code.code for code in list_codes(element.get("dataAbsentReason"))), "")
    quantity = as_mapping(element.get("valueQuantity"))
    if read_word(quantity.get("value")):
        return _read_quantity(quantity, analyte)
    for name in _VALUES_AS_TEXT:
        if text := read_word(element.get(name)):
            return MeasuredValue(text)
    if absent:
        return MeasuredValue(invalid=f"no value: {absent}")
    other = next((name for name in element if name.startswith("value") and name != "valueQuantity"), None)
    return MeasuredValue(invalid=f"{other} is no number" if other else None)


def _read_quantity(quantity: Mapping[str, Any], analyte: str | None) -> MeasuredValue:
    comparator = read_word(quantity.get("comparator"))
    value = read_word(quantity.get("value"))
    code, text = read_word(quantity.get("code")), read_word(quantity.get("unit"))
    coded = bool(code) and read_word(quantity.get("system")) == UCUM
    unit = read_ucum(code) if coded else text or code
    if comparator and comparator not in _COMPARATORS:
        return MeasuredValue(invalid=f"comparator {comparator}", unit=unit or None)
    apart = coded and analyte is not None and _differ(analyte, unit, text)
    return MeasuredValue(
        comparator + value,
        unit or None,
        TWO_UNITS if apart else None,
        unit_as_text=not coded and bool(unit),
    )


def _differ(analyte: str, code: str, text: str) -> bool:
    """True where the code and the text are both listed units, of different size."""
    first, second = match_unit(analyte, code), match_unit(analyte, text)
    if first is None or second is None:
        return False
    return (first.multiply / first.divide, first.offset) != (second.multiply / second.divide, second.offset)


def read_limits(element: Mapping[str, Any], measured: MeasuredValue) -> tuple[str | None, str | None, bool]:
    """Return lower and upper limit of normal where one range is stated, and whether its unit is another."""
    ranges = [part for part in _list_normal_ranges(element) if "low" in part or "high" in part]
    if len(ranges) != 1:
        return None, None, False
    low, high = (as_mapping(ranges[0].get(name)) for name in ("low", "high"))
    units = {unit for part in (low, high) if (unit := _read_limit_unit(part))}
    if units - {measured.unit}:
        return None, None, True
    return read_word(low.get("value")) or None, read_word(high.get("value")) or None, False


def _read_limit_unit(part: Mapping[str, Any]) -> str:
    code = read_word(part.get("code"))
    coded = code and read_word(part.get("system")) == UCUM
    return read_ucum(code) if coded else read_word(part.get("unit")) or code


def _list_normal_ranges(element: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The ranges of the healthy; those of treatment or of critical values are others."""
    for item in as_list(element.get("referenceRange")):
        part = as_mapping(item)
        kinds = {code.code for code in list_codes(part.get("type"))}
        if not kinds or "normal" in kinds:
            yield part
