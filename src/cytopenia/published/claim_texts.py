"""The texts of a claim before its form reads them: typography set aside, ranges taken apart, words told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from cytopenia.published.printed_text import (
    DecimalMark,
    find_mark,
    is_no_number,
    is_not_significant,
    read_printed,
    split_range,
)

__all__ = ["RANGES", "Reading", "choose_mark", "read_texts"]

# Keys of which one holds two printed numbers.
RANGES: Mapping[str, tuple[str, str]] = {
    "range": ("minimum", "maximum"),
    "quartiles": ("first_quartile", "third_quartile"),
    "iqr": ("first_quartile", "third_quartile"),
    "limits": ("low", "high"),
    "ci": ("low", "high"),
}
_WORDS = frozenset(("id", "kind", "where", "about", "note", "unit", "at", "plus", "to", "than", "unread"))


class Reading(NamedTuple):
    """What is known of a whole file: its decimal mark, and the level of a P value that is "n.s."."""

    mark: DecimalMark | None
    level: str


def choose_mark(given: object, tables: Sequence[object]) -> tuple[DecimalMark | None, list[str]]:
    """Return the decimal mark of a file and what is wrong with it; `given` is its key `decimal_mark`.

    Examples
    --------
    >>> choose_mark(None, [{"percent": "71,4"}])
    ('comma', [])
    """
    if given in ("point", "comma"):
        return given, []
    mark, doubtful = find_mark(list(_list_texts(tables)))
    if not doubtful:
        return mark, []
    plain, comma = doubtful.replace(",", ""), doubtful.replace(",", ".")
    return None, [
        f"'{doubtful}' could be {plain} or {comma}: the file has decimal points and decimal commas; set "
        f'decimal_mark = "point" or "comma" at the top'
    ]


def read_texts(
    table: Mapping[str, Any], form: type[Any], reading: Reading
) -> tuple[dict[str, Any], list[str]]:
    """Return the table with plain numbers, and one sentence per range that is none.

    A part that is printed as a word such as "NE" is left out and kept under `unread`.

    Examples
    --------
    >>> from cytopenia.published.claim_forms import OddsRatioClaim
    >>> given = {"odds_ratio": "0\u00b746", "limits": "0\u00b721\u20131\u00b702", "p": "P = .06"}
    >>> read_texts(given, OddsRatioClaim, Reading("point", "0.05"))[0]
    {'odds_ratio': '0.46', 'low': '0.21', 'high': '1.02', 'p': '0.06'}
    """
    fields: Mapping[str, Any] = form.model_fields
    found: dict[str, Any] = {}
    problems: list[str] = []
    for key, value in table.items():
        ends = RANGES.get(key, ("", ""))
        if key in fields or ends[0] not in fields or not isinstance(value, str):
            found[key] = value
            continue
        pair = split_range(value)
        if pair is None:
            problems.append(f"'{key}' is {value!r}; allowed: two numbers as printed, such as '0.21-1.02'")
        else:
            found.update(zip(ends, pair, strict=True))
    references = (*form.reference_names, *_WORDS)
    unread: dict[str, str] = {}
    for key in [key for key in found if key not in references and key in fields]:
        value = found[key]
        if isinstance(value, str) and is_no_number(value):
            unread[key] = found.pop(key)
        elif key == "p" and isinstance(value, str) and is_not_significant(value):
            found[key] = f">{reading.level}"
        else:
            found[key] = _read_value(value, reading.mark)
    for key in form.reference_names:
        if key in found:
            found[key] = _read_value(found[key], reading.mark)
    return ({**found, "unread": unread} if unread and "unread" in fields else {**found, **unread}), problems


def _read_value(value: Any, mark: DecimalMark | None) -> Any:
    if isinstance(value, str):
        return read_printed(value, mark)
    if isinstance(value, list):
        return [_read_value(item, mark) for item in cast("list[Any]", value)]
    return value


def _list_texts(value: object) -> Iterator[str]:
    """Every text of claims and relations that may be a number."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for item in cast("Sequence[object]", value):
            yield from _list_texts(item)
    elif isinstance(value, dict):
        for key, item in cast("dict[str, object]", value).items():
            if key not in _WORDS:
                yield from _list_texts(item)
