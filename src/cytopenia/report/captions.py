"""Captions with their numbers, alike in every document, and text as a document can hold it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from cytopenia.report.association_cells import table_label
from cytopenia.report.content import ReportContent
from cytopenia.report.display import clean_text
from cytopenia.report.drawing import SYNTHETIC_LABEL

__all__ = ["CaptionLabel", "CaptionNumbers", "clean_held", "end_caption", "number_captions", "split_label"]

HOLDING = re.compile("((?<=[^ ])[\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}](?=[^ ]))")


@dataclass(frozen=True, kw_only=True)
class CaptionLabel:
    """How a caption begins: "Table 3" with a number that Word counts itself, or a label given as it is.

    `prefix` stands before the number: where some captions bring labels of their own, "Table A1" cannot be
    mistaken for "Table I".
    """

    kind: str
    given: str = ""
    number: int = 0
    prefix: str = ""

    @property
    def text(self) -> str:
        """The label on one line.

        Examples
        --------
        >>> CaptionLabel(kind="Table", number=3).text, CaptionLabel(kind="Table", given="Table II").text
        ('Table 3', 'Table II')
        """
        return self.given or f"{self.kind} {self.prefix}{self.number}"


@dataclass
class CaptionNumbers:
    """Numbers the captions of one document from its beginning; `labels` are those of the protocol."""

    labels: tuple[str, ...]
    numbers: Counter[str] = field(default_factory=Counter[str])

    def label(self, kind: str, caption: str) -> tuple[CaptionLabel, str]:
        """Return the label that a caption brings, else the next number; "A" keeps the two kinds apart."""
        given, text = split_label(caption, self.labels)
        if given:
            return CaptionLabel(kind=kind, given=given), text
        self.numbers[kind] += 1
        prefix = "A" if any(kind.lower() in label.lower() for label in self.labels) else ""
        return CaptionLabel(kind=kind, number=self.numbers[kind], prefix=prefix), text


def number_captions(content: ReportContent) -> CaptionNumbers:
    """Return the numbering of a document, with the labels that the protocol gives."""
    return CaptionNumbers(tuple(filter(None, (table_label(one) for one in content.analyses))))


def split_label(caption: str, labels: Iterable[str]) -> tuple[str, str]:
    """Return which of the labels a caption begins with, and the rest; no label is an empty one.

    Examples
    --------
    >>> (
    ...     split_label("Table II. Risk factors", ["Table I", "Table II"]),
    ...     split_label("Risk factors", ["Table I"]),
    ... )
    (('Table II', 'Risk factors'), ('', 'Risk factors'))
    """
    found = next((label for label in labels if label and caption.startswith(f"{label}. ")), "")
    return found, caption.removeprefix(f"{found}. ") if found else caption


def end_caption(caption: str, *, synthetic: bool) -> str:
    """Return the caption; one of synthetic data ends with that, and goes wherever it is pasted.

    Examples
    --------
    >>> end_caption("Nadirs", synthetic=True)
    'Nadirs. Synthetic data: no patient.'
    """
    if not synthetic:
        return caption
    return f"{caption}{'' if caption.endswith('.') else '.'} {SYNTHETIC_LABEL}."


def clean_held(text: str) -> str:
    r"""Return text on one line; the spaces that hold a number together are none that may be tidied away.

    Examples
    --------
    >>> clean_held("a\n b"), clean_held("10\N{NARROW NO-BREAK SPACE}000") == "10\N{NARROW NO-BREAK SPACE}000"
    ('a b', True)
    """
    pieces = enumerate(HOLDING.split(text))
    return "".join(piece if at % 2 else clean_text(piece) for at, piece in pieces)
