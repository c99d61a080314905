"""Changes of keys in a study file: the line of the key changes, and no other."""

from __future__ import annotations

import tomllib

import pytest

from cytopenia.app.protocol_edit import ABSENT, Change, UnchangeableError, apply_changes, write_value

FILE = """[study]
title = "A"
seed = 1                 # drawn by hand
synthetic = true         # nobody

# The paper.
[printed]
paper = "qiu2023"

[[analyses]]
id = "table1"
factors = [
    "sex", "age_years",  # who
    "anc", "crp",
]
multivariable = { select = { screen = "test", p_below = 0.05 } }  # as printed
parity = "spss"
"""


def change(path: tuple[str | int, ...], value: object) -> str:
    return apply_changes(FILE, [Change(path, value)])


def test_the_comment_of_a_changed_line_stays_in_its_column() -> None:
    changed = change(("study", "seed"), 20230515)
    assert changed == FILE.replace("seed = 1                 #", "seed = 20230515          #")


def test_the_comment_of_a_truth_value_stays_in_its_column() -> None:
    assert change(("study", "synthetic"), False) == FILE.replace("true         #", "false        #")  # noqa: FBT003


def test_a_key_that_is_taken_out_takes_its_line() -> None:
    assert change(("study", "synthetic"), ABSENT) == FILE.replace("synthetic = true         # nobody\n", "")


def test_a_new_key_stands_last_in_its_section() -> None:
    changed = change(("study", "lymphodepletion_day"), -5)
    assert changed == FILE.replace("# nobody\n", "# nobody\nlymphodepletion_day = -5\n")


def test_a_list_of_several_lines_keeps_them() -> None:
    changed = change(("analyses", 0, "factors"), ["sex", "age_years", "crp", "ecog"])
    assert changed == FILE.replace('"anc", "crp",', '"crp",\n    "ecog",')


def test_a_key_inside_braces() -> None:
    changed = change(("analyses", 0, "multivariable", "select", "p_below"), 0.1)
    assert changed == FILE.replace("0.05 } }  # as", "0.1 } }   # as")


def test_a_table_goes_with_its_last_key() -> None:
    keys = ("screen", "p_below")
    changes = [Change(("analyses", 0, "multivariable", "select", key), ABSENT) for key in keys]
    line = 'multivariable = { select = { screen = "test", p_below = 0.05 } }  # as printed\n'
    assert apply_changes(FILE, changes) == FILE.replace(line, "")


def test_a_table_is_made_for_its_first_key() -> None:
    changed = change(("analyses", 0, "adjust", "method"), "holm")
    assert changed == f'{FILE}adjust = {{ method = "holm" }}\n'


def test_the_section_of_a_paper_goes_with_it() -> None:
    assert change(("printed", "paper"), ABSENT) == FILE.replace('[printed]\npaper = "qiu2023"\n', "")
    assert (
        apply_changes(
            "[study]\nseed = 1\n\n[printed]\npaper = 'x'\n\n[report]\n",
            [Change(("printed", "paper"), ABSENT)],
        )
        == "[study]\nseed = 1\n\n[report]\n"
    )


def test_a_section_that_is_not_there_is_made() -> None:
    assert change(("report", "style"), "ash") == f'{FILE}\n[report]\nstyle = "ash"\n'


def test_nothing_changed_is_the_same_text() -> None:
    assert apply_changes(FILE, []) == FILE


def test_a_table_with_a_header_of_its_own_is_edited_there() -> None:
    text = '[[analyses]]\nid = "a"\n\n[analyses.care]\nterms = ["anc"] # one\n\n[[analyses]]\nid = "b"\n'
    changed = apply_changes(text, [Change(("analyses", 0, "care", "resamples"), 2000)])
    assert changed == text.replace("# one\n", "# one\nresamples = 2000\n")
    changed = apply_changes(text, [Change(("analyses", 0, "label"), "I")])
    assert changed == text.replace('id = "a"\n', 'id = "a"\nlabel = "I"\n')


def test_entries_in_braces_are_edited_where_they_are() -> None:
    text = '[outcomes]\nlow = { definition = "x" } # first\n'
    changed = apply_changes(text, [Change(("outcomes", "low", "window"), [0, 28])])
    assert changed == '[outcomes]\nlow = { definition = "x", window = [0, 28] } # first\n'


def test_a_file_without_headers_is_edited_in_its_lines() -> None:
    text = (
        'study.seed = 1 # y\noutcomes.low.title = "x"\nstudy.synthetic = true # w\n'
        'report = { style = "ash" }\n'
    )
    changes = [
        Change(("study", "seed"), 2),
        Change(("study", "synthetic"), ABSENT),
        Change(("report", "style"), "nejm"),
    ]
    assert apply_changes(text, changes) == (
        'study.seed = 2 # y\noutcomes.low.title = "x"\nreport = { style = "nejm" }\n'
    )


def test_a_change_that_would_touch_more_is_refused() -> None:
    # The table of the entry stands in two places, of which the second has the key.
    text = "[factors.a]\ncolumn = 'x'\n[factors.b]\ncolumn = 'y'\n[factors.a.levels]\nlow = [1]\n"
    with pytest.raises(UnchangeableError, match=r"^$"):
        apply_changes(text, [Change(("factors", "a", "levels"), ABSENT)])


@pytest.mark.parametrize(
    "value",
    [True, -3, 0.05, 1e-9, 'say "x"\n', "µg/L", [], ["a", 'b"'], {}, {"0-1": [0, 1], "x y": {"z": 1.5}}],
)
def test_a_value_is_written_in_one_line_and_read_again(value: object) -> None:
    written = write_value(value)
    assert "\n" not in written
    assert tomllib.loads(f"x = {written}")["x"] == value
