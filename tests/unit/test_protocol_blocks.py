"""Blocks of a study file in its text: where they stand, and that moving them touches nothing else."""

from __future__ import annotations

import pytest

from cytopenia.app.protocol_blocks import edit_lines, list_blocks
from cytopenia.app.protocol_edit import UnchangeableError
from cytopenia.app.protocol_entries import add_entry, copy_entry, move_entry, name_copy, remove_entry

FILE = """# The head of the file.

[study]
title = "A"
seed = 1
# lymphodepletion_day = -5

# Outcomes of the study.
[outcomes.low]
definition = "ctcae_v5.anemia" # of hemoglobin
window = [0, 28]

# Only the second month.
[outcomes.late]
definition = "ctcae_v5.anemia"
window = [29, 60]

# A remark that stands by itself.

[[analyses]]
id = "one"
kind = "roc"

[[analyses]]
id = "two"
kind = "risk_factors"

[analyses.read_with_care]
terms = ["anc"]

[[analyses]]
id = "three"
kind = "recovery"
"""

LOW = """[outcomes.low]
definition = "ctcae_v5.anemia" # of hemoglobin
window = [0, 28]
"""
LATE = """# Only the second month.
[outcomes.late]
definition = "ctcae_v5.anemia"
window = [29, 60]
"""


def test_a_header_inside_a_text_or_a_list_is_none() -> None:
    text = 'a = """\n[x]\n"""\nb = [\n  [1],  # ]\n  "[",\n]\nc = \'\'\'\n[y]\'\'\'\n[study]\nseed = 1\n'
    assert [block.path for block in list_blocks(text)] == [("study",)]


def test_blocks_have_their_own_lines() -> None:
    found = {block.path: FILE[block.start : block.end] for block in list_blocks(FILE)}
    assert list(found) == [
        ("study",),
        ("outcomes", "low"),
        ("outcomes", "late"),
        ("analyses", 0),
        ("analyses", 1),
        ("analyses", 2),
    ]
    assert found["outcomes", "low"] == LOW
    assert found["outcomes", "late"] == LATE
    assert found["study",].endswith("# lymphodepletion_day = -5\n")
    assert found["analyses", 1].endswith('[analyses.read_with_care]\nterms = ["anc"]\n')


def test_entries_change_places() -> None:
    moved = move_entry(FILE, "outcomes", 0, other=1)
    assert moved == FILE.replace(LOW, "%").replace(LATE, LOW).replace("%", LATE)


def test_the_last_entry_may_end_without_a_line_end() -> None:
    moved = move_entry(FILE.rstrip("\n"), "analyses", 1, other=2)
    assert moved.endswith(
        '[[analyses]]\nid = "three"\nkind = "recovery"\n\n'
        '[[analyses]]\nid = "two"\nkind = "risk_factors"\n\n[analyses.read_with_care]\nterms = ["anc"]'
    )


def test_an_entry_goes_with_the_comment_above_it() -> None:
    assert remove_entry(FILE, "outcomes", 1) == FILE.replace(f"{LATE}\n", "")


def test_the_comment_above_the_first_of_a_group_stays() -> None:
    assert remove_entry(FILE, "outcomes", 0) == FILE.replace(f"{LOW}\n", "")


def test_a_copy_has_a_new_name_and_stands_below() -> None:
    assert name_copy(FILE, "outcomes", 0) == "low_2"
    copied = copy_entry(FILE, "outcomes", 0, name="low_2")
    assert copied == FILE.replace(LOW, LOW + "\n" + LOW.replace("outcomes.low", "outcomes.low_2"))


def test_a_copied_analysis_keeps_its_tables() -> None:
    copied = copy_entry(FILE, "analyses", 1, name="two_2")
    assert copied.count("[analyses.read_with_care]") == 2
    assert copied.count('id = "two_2"\n') == 1


def test_a_new_entry_stands_behind_its_group() -> None:
    added = add_entry(FILE, "outcomes", name="new", keys={"definition": "icaht_2023.early"})
    new = '[outcomes.new]\ndefinition = "icaht_2023.early"\n'
    assert added == FILE.replace(LATE, f"{LATE}\n{new}")


def test_the_first_of_a_group_stands_in_the_order_of_sections() -> None:
    added = add_entry(FILE, "factors", name="anc", keys={"analyte": "anc"})
    assert added == FILE.replace(LATE, f'{LATE}\n[factors.anc]\nanalyte = "anc"\n')


@pytest.mark.parametrize(
    "text",
    [
        "[outcomes]\na = { definition = 'x' }\nb = { definition = 'y' }\n",
        "outcomes.a.definition = 'x'\noutcomes.b.definition = 'y'\n",
        "[outcomes.a]\ndefinition = 'x'\n[outcomes.b]\nmin_grade = 1\n[outcomes.a.more]\nz = 1\n",
    ],
)
def test_an_entry_without_lines_of_its_own_is_not_moved(text: str) -> None:
    with pytest.raises(UnchangeableError, match=r"^$"):
        move_entry(text, "outcomes", 0, other=1)


def test_line_ends_and_the_mark_in_front_are_kept() -> None:
    windows = "\ufeff" + FILE.replace("\n", "\r\n")
    assert edit_lines(windows, lambda text: text) == windows
    removed = remove_entry(windows, "outcomes", 1)
    assert removed == "\ufeff" + FILE.replace(f"{LATE}\n", "").replace("\n", "\r\n")
