"""Two texts made from one study file become one: what each changed stands, and a clash is told."""

from __future__ import annotations

import pytest

from cytopenia.app.protocol_edit import ABSENT
from cytopenia.app.protocol_merge import Clash, merge_texts

FILE = """[study]
title = "A"   # a short one
seed = 1

# Outcomes.
[outcomes.low]
definition = "ctcae_v5.anemia"
window = [0, 28]

[outcomes.early]
definition = "icaht_2023.early"

[[analyses]]
id = "who"
kind = "characteristics"
factors = ["sex"]

[[analyses]]
id = "risk"
kind = "risk_factors"
outcome = "low"
"""
SECOND = FILE.index('[[analyses]]\nid = "risk"')
# There the analyses have changed places, and somebody has written a line of his own.
_MOVED = FILE[: FILE.index("[[analyses]]")] + FILE[SECOND:] + "\n" + FILE[FILE.index("[[analyses]]") : SECOND]
MOVED = f"# mine\n{_MOVED}"


def merge(here: str, there: str) -> tuple[str, tuple[Clash, ...]]:
    merged = merge_texts(FILE, here, there)
    assert merged is not None
    return merged.text, merged.clashes


def test_each_keeps_what_it_changed() -> None:
    here = FILE.replace("seed = 1", "seed = 99").replace("[0, 28]", "[0, 30]")
    there = FILE.replace('"A"', '"Tab A"').replace('["sex"]', '["sex", "age_years"]')
    both = there.replace("seed = 1", "seed = 99").replace("[0, 28]", "[0, 30]")
    assert merge(here, there) == (both, ())


def test_a_key_that_both_changed_is_told_with_both_values() -> None:
    here, there = FILE.replace("seed = 1", "seed = 99"), FILE.replace("seed = 1", "seed = 7")
    assert merge(here, there) == (here, (Clash(("study", "seed"), 99, 7),))
    assert merge(here, here) == (here, ())


def test_an_analysis_is_found_by_its_id_where_it_was_moved() -> None:
    here = FILE.replace('["sex"]', '["age_years"]').replace('outcome = "low"', 'outcome = "early"')
    both = MOVED.replace('["sex"]', '["age_years"]').replace('outcome = "low"', 'outcome = "early"')
    assert merge(here, MOVED) == (both, ())


def test_an_analysis_with_a_new_id_is_the_same_one() -> None:
    here = FILE.replace('id = "who"', 'id = "table1"').replace('["sex"]', '["age_years"]')
    both = MOVED.replace('id = "who"', 'id = "table1"').replace('["sex"]', '["age_years"]')
    assert merge(here, MOVED) == (both, ())


def test_entries_added_and_taken_out_on_both_sides() -> None:
    early = '[outcomes.early]\ndefinition = "icaht_2023.early"\n\n'
    here = f'{FILE}\n[[analyses]]\nid = "one"\nkind = "roc"\n'.replace(early, "")
    there = f'{FILE}\n[[analyses]]\nid = "two"\nkind = "roc"\n'
    text, clashes = merge(here, there)
    assert text == f'{there}\n[[analyses]]\nid = "one"\nkind = "roc"\n'.replace(early, "")
    assert clashes == ()


def test_a_change_of_an_entry_that_is_gone_is_told_and_not_written() -> None:
    there = FILE.replace(FILE[SECOND:], "")
    here = FILE.replace('outcome = "low"', 'outcome = "early"')
    assert merge(here, there) == (there, (Clash(("analyses", "risk", "outcome"), "early", ABSENT),))


def test_an_entry_taken_out_here_and_changed_there_is_told() -> None:
    here = FILE.replace(FILE[SECOND:], "")
    there = FILE.replace('outcome = "low"', 'outcome = "early"')
    changed = {"id": "risk", "kind": "risk_factors", "outcome": "early"}
    text, clashes = merge(here, there)
    assert clashes == (Clash(("analyses", "risk"), ABSENT, changed),)
    assert 'id = "risk"' not in text


def test_a_key_taken_out_here_is_taken_out_there() -> None:
    here = FILE.replace("window = [0, 28]\n", "")
    assert merge(here, MOVED) == (MOVED.replace("window = [0, 28]\n", ""), ())


@pytest.mark.parametrize(
    ("here", "there"),
    [
        (MOVED, FILE.replace("seed = 1", "seed = 2")),
        (FILE.replace("seed = 1", "seed = 2"), FILE.replace('id = "risk"', 'id = "who"')),
        (FILE.replace("seed = 1", "seed = 2"), "analyses = 3\n"),
    ],
)
def test_what_cannot_be_said_key_by_key_is_not_merged(here: str, there: str) -> None:
    assert merge_texts(FILE, here, there) is None
