"""Which ids are named like another: the columns of the package beside one id after the other."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st

from cytopenia.contract.patient_ids import note_spellings

SIGNS = st.sampled_from(
    [*"00019aAbZ.-_ /", "\t", "\x7f", "é", "É", "ß", "ſ", "K", "\u00ad", "\u200b", "１", "０", "٠"]
)
IDS = st.lists(st.text(SIGNS, min_size=1, max_size=7), min_size=1, max_size=12)


def fold_slowly(text: str) -> str:
    """One form and case, nothing unseen, no fraction of zeros, no zeros in front of a number."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    seen = "".join(sign for sign in plain if unicodedata.category(sign) not in {"Cf", "Zs", "Cc"})
    whole = re.sub(r"(?<=\d)\.0+$", "", seen)
    return re.sub(r"(?<!\d)0+(?=\d)", "", whole)


def list_near(ids: list[str]) -> set[str]:
    """Ids that have a more frequent one, or an earlier one of the same frequency, of the same fold."""
    counts = Counter(text.strip() for text in ids if text.strip())
    usual: dict[str, str] = {}
    for text in sorted(counts, key=lambda text: (-counts[text], text)):
        usual.setdefault(fold_slowly(text), text)
    return set(counts) - set(usual.values())


@given(IDS)
@example(["007", "7", "7.0", "7.00", "a007", "A7"])
@example(["0", "00", "0.0", "A0", "a00"])
@example(["1-02", "1-2", "01-002"])
@example(["É", "é", "STRASSE", "straße", "１", "1"])
def test_near_ids_are_those_of_the_slow_way(ids: list[str]) -> None:
    labs = pl.DataFrame({"patient_id": ids, "source_row": range(2, len(ids) + 2)})
    near = list_near(ids)
    rows = [row for row, text in enumerate(ids, start=2) if text.strip() in near]
    found = [finding for finding in note_spellings({"labs": labs}) if finding.rule == "patient_id_near"]
    assert [(finding.row, finding.rows) for finding in found] == ([(rows[0], len(rows))] if rows else [])
