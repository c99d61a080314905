"""[data] of a study file as text: it is taken out, changed line by line and put back; texts typed by hand."""

from __future__ import annotations

import tomllib

import pytest

from cytopenia.errors import ProtocolError
from cytopenia.readers.mapping_draft import Draft, Edit, change_draft, replace_data, take_data

OPEN = """[data]
folder = "."
# No run starts while a question stands here. Answer each in the lines beneath, and take it away.
questions = [
  "one?",
  "two?",
]

# labs: export.csv
[data.labs]
file = "export.csv"  # as it was given

[data.labs.wide]
anc = { column = "ANC", unit = "G/L" }        # sure
# hemoglobin = { column = "Hb # ask: x", unit = "g/dL" }   # ask: in which unit?
# platelets = { column = "PLT 2", unit = "G/L" }   # another column of the same
# this is # ask: no line
"""


def test_open_lines_are_those_with_their_mark() -> None:
    (line,) = Draft(OPEN).open_lines
    assert line.slot == ("labs", "wide", "Hb # ask: x")
    assert (line.key, line.value["unit"], line.why) == ("hemoglobin", "g/dL", "in which unit?")


def test_an_answer_takes_its_open_line_and_leaves_all_others() -> None:
    edit = Edit(("labs", "wide", "hemoglobin"), {"column": "Hb # ask: x", "unit": "g/L"})
    changed = change_draft(Draft(OPEN), [edit], answered=[("labs", "wide", "Hb # ask: x")], settled=["one?"])
    assert changed.questions == ("two?",)
    assert changed.data["labs"]["wide"]["hemoglobin"] == {"column": "Hb # ask: x", "unit": "g/L"}
    assert changed.open_lines == ()
    for kept in ("# labs: export.csv", "# as it was given", "# sure", "# another column of the same"):
        assert kept in changed.text
    last = change_draft(changed, [], settled=["two?"])
    assert last.questions == ()
    assert "No run starts" not in last.text


def test_a_table_that_is_not_there_yet_is_made() -> None:
    edits = [Edit(("support", "kinds", "TK"), "platelet_transfusion"), Edit(("day_zero",), "first")]
    changed = change_draft(Draft('[data]\nfolder = "."\n# on labs\n[data.labs]\nfile = "a.csv"\n'), edits)
    assert changed.data == {
        "day_zero": "first",
        "folder": ".",
        "labs": {"file": "a.csv"},
        "support": {"kinds": {"TK": "platelet_transfusion"}},
    }
    assert changed.text.index("day_zero") < changed.text.index("# on labs")


def test_what_is_not_there_can_be_taken_away() -> None:
    draft = Draft('[data]\nfolder = "."\n')
    assert change_draft(draft, [Edit(("labs", "wide", "anc"), None)]).text == draft.text


STUDY = """# ours
[study]
note = '''
[data]
[data.labs] # in a text
'''
[[analyses]]
id = "a"
[data]
folder = "x"
rows = [
  [1, 2]
]
[data.labs]
file = "old.csv"

# on the cohort
[cohort] # kept
require = []
[outcomes.b]
"""


@pytest.mark.parametrize(
    "study",
    [
        STUDY,
        'data = { folder = "x" }\n[study]\nnote = "b"\n[cohort]\n',
        '[data]\nfolder = "x"\n[cohort]\nrequire = []\n[data.labs]\nfile = "old.csv"\n',
        "[study]\ndata = { a = 1 }\n",
        "",
    ],
)
def test_everything_else_stays_whatever_the_file_looks_like(study: str) -> None:
    draft = Draft('[data]\nfolder = "."\n[data.labs]\nfile = "new.csv"\n')
    written = tomllib.loads(replace_data(study, draft))
    assert written.pop("data") == {"folder": ".", "labs": {"file": "new.csv"}}
    assert written == {key: value for key, value in tomllib.loads(study).items() if key != "data"}


def test_lines_outside_stay_to_the_letter() -> None:
    plain = STUDY.replace("[data]\n[data.labs] # in a text\n", "").replace("rows = [\n  [1, 2]\n]\n", "")
    written = replace_data(plain, Draft('[data]\nfolder = "."\n'))
    assert written == plain.replace(
        '[data]\nfolder = "x"\n[data.labs]\nfile = "old.csv"\n', '[data]\nfolder = "."\n'
    )
    assert "# on the cohort\n[cohort]" in written
    assert replace_data(plain, take_data(plain)) == plain


def test_a_section_is_taken_out_with_its_comments() -> None:
    plain = '[study]\n[data]\nfolder = "."  # here\n# of labs\n[data.labs]\nfile = "a"\n[cohort]\n'
    assert take_data(plain).text == '[data]\nfolder = "."  # here\n# of labs\n[data.labs]\nfile = "a"\n'
    assert take_data("[study]\n").data == {"folder": "."}


def test_a_remark_with_a_number_beyond_measure_is_no_open_line() -> None:
    text = "[data]\n[data.labs.wide]\n# anc = " + "9" * 6000 + "  # ask: is it?\n"
    assert Draft(text).open_lines == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[data]\nfolder =\n", r"\[data\]: not a valid TOML file: .*at line 2"),
        ('[data]\n[study]\ntitle = "x"\n', r"holds more than \[data\]"),
        ("data = 3\n", r"holds more than \[data\]"),
        ("[data]\nx = " + "[" * 5000, "nesting beyond all measure"),
    ],
)
def test_a_text_that_is_no_section_is_told(text: str, said: str) -> None:
    with pytest.raises(ProtocolError, match=said):
        _ = Draft(text).data


def test_a_study_file_that_is_no_toml_is_told() -> None:
    with pytest.raises(ProtocolError, match=r"study\.toml: not a valid TOML file: .*at line 1"):
        take_data("[study\n")
    with pytest.raises(ProtocolError, match=r"study\.toml: not a valid TOML file: .*at line 1"):
        replace_data("[study\n", Draft("[data]\n"))
