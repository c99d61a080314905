"""Text of a study as a document can hold it: one line, and nothing that a format would read."""

from __future__ import annotations

import re

__all__ = ["clean_text", "escape_markdown"]

UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+")
MARKDOWN_MARKS = re.compile(r"([\\`*_{}\[\]<>#|!~$&])")


def clean_text(text: object, longest: int | None = None) -> str:
    r"""Return text on one line without characters that HTML or XML cannot hold, cut with an ellipsis.

    Examples
    --------
    >>> clean_text("a\x00b\n c"), clean_text("abcdef", longest=4)
    ('a b c', 'abc…')
    """
    cleaned = " ".join(UNPRINTABLE.sub(" ", str(text)).split())
    if longest is not None and len(cleaned) > longest:
        return cleaned[: longest - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
    return cleaned


def escape_markdown(text: object) -> str:
    r"""Return text that Markdown shows as it is, on one line.

    Examples
    --------
    >>> escape_markdown("<b>a_b</b>")
    '\\<b\\>a\\_b\\</b\\>'
    """
    return MARKDOWN_MARKS.sub(r"\\\1", clean_text(text))
