"""Numbers as journals set them, in the one form that is computed with: "0·46" is 0.46, "P = .03" is 0.03.

Every digit stays. What is no number, such as "NE", is told apart from what is wrong.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Literal

__all__ = ["DecimalMark", "find_mark", "is_no_number", "is_not_significant", "read_printed", "split_range"]

DecimalMark = Literal["point", "comma"]

_SIGNS = str.maketrans(
    {
        **dict.fromkeys("\u2212\u2010\u2011\u2012\ufe63\uff0d", "-"),
        **dict.fromkeys("\u00b7\u2219\u22c5\u2022\u02d9", "."),
        **dict.fromkeys("\u00a0\u2009\u202f\u2007\u2002\u2003", " "),
        **dict.fromkeys("\u2019\u02bc", "'"),
        "\u2264": "<=",
        "\u2265": ">=",
        "\uff1c": "<",
        "\uff1e": ">",
        "\u2a7d": "<=",
        "\u2a7e": ">=",
    }
)
_RAISED = re.compile("[\u2070\u00b9\u00b2\u00b3\u2074-\u2079\u207b]+")
_NO_NUMBERS = frozenset(
    (
        *(
            "na",
            "n/a",
            "n.a.",
            "ne",
            "n.e.",
            "n/e",
            "nr",
            "n.r.",
            "n/r",
            "nd",
            "n.d.",
            "nc",
            "inf",
            "infinity",
        ),
        *("\u221e", "-", "--", "\u2013", "\u2014", "not_reached", "not_estimable", "not_evaluable"),
        *("not_available", "not_calculable", "not_reported"),
    )
)
_NOT_SIGNIFICANT = frozenset(("ns", "n.s.", "n.s", "n/s", "not significant"))
_HEAD = re.compile(r"^p(?:[ -]?values?)?\s*(?=[=<>])", re.IGNORECASE)
_TAIL = re.compile(r"\s*%?\s*[*\u2020\u2021\u00a7\u00b6#]*$")
_SIDED = re.compile(r"(<=|>=|<|>|=)?\s*(.*)")
_BODY = r"[0-9]*(?:[.,' ][0-9]+)*"
_POWER = re.compile(rf"([+-]?{_BODY})\s*(?:[x\u00d7*]\s*10\s*\^?\s*|\.\s*10\s*\^\s*|[eE])([+-]?[0-9]{{1,2}})")
_NUMBER = re.compile(rf"([+-]?)({_BODY})")
_GROUPED = re.compile(r"[0-9]{1,3}(?:([.,' ])[0-9]{3})(?:\1[0-9]{3})*")
_DECIMAL_COMMA = re.compile(r"(?<![0-9.,])(?:0,[0-9]+|[0-9]+,(?:[0-9]{1,2}|[0-9]{4,}))(?![0-9.,])")
_DECIMAL_POINT = re.compile(r"(?<![0-9.,])(?:[0-9]{1,3}(?:,[0-9]{3})*)?\.[0-9]+(?![0-9.,])")
_TWO = re.compile(
    r"[\[(]?\s*(?P<low>[+-]?[^\s\[\]();-]+)\s*"
    r"(?:\s+to\s+|\s*;\s*|\s*-\s*|\s*\u2013\s*|\s*\u2014\s*|,\s+|\s+and\s+|\s*\.{2,3}\s*)"
    r"(?P<high>[+-]?[^\s\[\]();]+)\s*[\])]?",
    re.IGNORECASE,
)


def read_printed(text: str, mark: DecimalMark | None = None) -> str:
    """Return a printed number with a decimal point and nothing else; what is no number stays as it is.

    Parameters
    ----------
    text : str
    mark : {"point", "comma"} or None
        Of the whole file. It matters only to a text such as "1,234", which is 1234 unless the mark is the
        comma.

    Examples
    --------
    >>> [
    ...     read_printed(text)
    ...     for text in ("0\u00b746", ".46", "71,4", "1,234", "\u22120.5", "P = .03", "<.001")
    ... ]
    ['0.46', '0.46', '71.4', '1234', '-0.5', '0.03', '<0.001']
    >>> read_printed("1,234", "comma"), read_printed("2.1 x 10^-4"), read_printed("higher")
    ('1.234', '0.00021', 'higher')
    """
    plain = text.translate(_SIGNS).strip()
    plain = _TAIL.sub("", _HEAD.sub("", plain))
    found = _SIDED.fullmatch(plain)
    if not found:
        return text
    side, body = found[1] or "", found[2].strip()
    if body.startswith(("\u2013", "\u2014")):
        body = f"-{body[1:].lstrip()}"
    power = _POWER.fullmatch(_RAISED.sub(_lower, body))
    number = _read_number(power[1] if power else body, mark)
    if number is None:
        return text
    if power:
        number = format(Decimal(number).scaleb(int(power[2])), "f")
    return f"{'' if side == '=' else side}{number}"


def find_mark(texts: list[str]) -> tuple[DecimalMark | None, str]:
    """Return the decimal mark that some printed texts leave no doubt about, and a text that needs to know it.

    Examples
    --------
    >>> find_mark(["71,4", "1,234"]), find_mark(["71.4", "1,234"]), find_mark(["71,4", "71.4", "1,234"])
    (('comma', ''), ('point', ''), (None, '1,234'))
    """
    has_comma = any(_DECIMAL_COMMA.search(text) for text in texts)
    has_point = any(_DECIMAL_POINT.search(text.translate(_SIGNS)) for text in texts)
    if has_comma and has_point:
        doubtful = (text for text in texts if re.fullmatch(r"[^0-9]*[1-9][0-9]{0,2},[0-9]{3}[^0-9]*", text))
        return None, next(doubtful, "")
    return ("comma" if has_comma else "point"), ""


def is_no_number(text: str) -> bool:
    """Return whether a text says that there is no number: "NA", "NE", "not reached".

    Examples
    --------
    >>> is_no_number("NR"), is_no_number("not reached"), is_no_number("0")
    (True, True, False)
    """
    return text.strip().lower().replace(" ", "_") in _NO_NUMBERS


def is_not_significant(text: str) -> bool:
    """Return whether a P value is only said to be above the level.

    Examples
    --------
    >>> is_not_significant("n.s."), is_not_significant("0.20")
    (True, False)
    """
    return _HEAD.sub("", text.strip()).strip("= ").lower() in _NOT_SIGNIFICANT


def split_range(text: str) -> tuple[str, str] | None:
    """Return both ends of a printed range, or None if it is none.

    Examples
    --------
    >>> [split_range(text) for text in ("21\u201372", "-0.5 to 1.2", "[3.1; NE]", "-0.5 - -0.1", "46")]
    [('21', '72'), ('-0.5', '1.2'), ('3.1', 'NE'), ('-0.5', '-0.1'), None]
    """
    plain = text.translate(_SIGNS).strip().replace("%", "")
    found = _TWO.fullmatch(plain)
    return (found["low"], found["high"]) if found else None


def _lower(raised: re.Match[str]) -> str:
    """A raised number as it follows a sign for powers."""
    signs = (unicodedata.normalize("NFKC", sign).translate(_SIGNS) for sign in raised[0])
    return f"^{''.join(signs)}"


def _read_number(body: str, mark: DecimalMark | None) -> str | None:
    found = _NUMBER.fullmatch(body)
    if not found or not any(sign.isdigit() for sign in found[2]):
        return None
    sign, digits = found[1].replace("+", ""), found[2]
    grouped = _GROUPED.fullmatch(digits)
    if grouped and _is_grouping(digits, grouped[1], mark):
        return sign + digits.replace(grouped[1], "")
    last = max(digits.rfind("."), digits.rfind(","))
    whole, decimals = (digits, "") if last < 0 else (digits[:last], digits[last + 1 :])
    if re.search(r"[.,' ]", decimals) or (whole and not _is_whole(whole)):
        return None
    whole = re.sub(r"[.,' ]", "", whole) or "0"
    return f"{sign}{whole}.{decimals}" if last >= 0 else f"{sign}{whole}"


def _is_grouping(digits: str, separator: str, mark: DecimalMark | None) -> bool:
    """Whether the only kind of separator stands between thousands."""
    if separator in " '" or digits.count(separator) > 1:
        return True
    return separator == "," and mark != "comma" and not digits.startswith("0")


def _is_whole(digits: str) -> bool:
    return digits.isdigit() or (_GROUPED.fullmatch(digits) is not None)
