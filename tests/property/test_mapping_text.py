"""Whatever a file calls its columns, the proposal written for it is TOML that says the same."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from cytopenia.mapping_text import write_data_section, write_value
from cytopenia.readers.proposal import Proposal, TableProposal
from cytopenia.readers.proposal_parts import Line

# Every sign that a cell can hold; a TOML file, like any text in UTF-8, holds no lone surrogate.
TEXTS = st.text(st.characters(blacklist_categories=["Cs"]), max_size=30)


def parse(proposal: Proposal) -> dict[str, object]:
    return tomllib.loads(write_data_section(proposal))["data"]


@given(TEXTS)
def test_any_text_as_a_value(text: str) -> None:
    assert tomllib.loads(f"key = {write_value(text)}") == {"key": text}


@given(TEXTS, TEXTS, TEXTS)
def test_any_heading_comes_back(heading: str, word: str, why: str) -> None:
    lines = (
        Line("", "file", heading, why),
        Line("columns", "patient_id", heading, why),
        Line("analytes", word, "anc", why),
        Line("wide", "anc", {"column": heading, "unit": word}, why),
        Line("days", f"{word}{{day}}", {"analyte": "anc", "unit": "1e9/L"}, why),
    )
    table = TableProposal("labs", heading, why, lines)
    assert parse(Proposal((table,), (), (heading,), (why,))) == {
        "folder": ".",
        "questions": [heading],
        "labs": {
            "file": heading,
            "columns": {"patient_id": heading},
            "analytes": {word: "anc"},
            "wide": {"anc": {"column": heading, "unit": word}},
            "days": {f"{word}{{day}}": {"analyte": "anc", "unit": "1e9/L"}},
        },
    }


@given(TEXTS, TEXTS)
def test_what_is_asked_stays_a_comment(heading: str, why: str) -> None:
    lines = (
        Line("columns", "date", heading, why, is_open=True),
        Line("analytes", heading, "anc", why, is_open=True),
    )
    assert parse(Proposal((TableProposal("labs", heading, why, lines),), (), (), ())) == {
        "folder": ".",
        "labs": {"columns": {}, "analytes": {}},
    }


@given(TEXTS)
def test_a_key_stands_once(word: str) -> None:
    lines = (Line("units", word, "1e9/L", "first"), Line("units", word, "g/L", "second"))
    labs = parse(Proposal((TableProposal("labs", "x", "y", lines),), (), (), ()))["labs"]
    assert labs == {"units": {word: "1e9/L"}}


def test_a_lone_surrogate_becomes_a_question_mark() -> None:
    assert write_value("a\ud800b") == '"a?b"'
