"""Malformed study files and definitions, one by one: every message is a sentence of this package."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cytopenia.definitions import load_library
from cytopenia.errors import DefinitionError, ProtocolError
from cytopenia.study.protocol import read_protocol
from study_files import STUDY, change

# How the library that reads forms speaks, which no clinician should have to read.
FOREIGN = re.compile(
    r"[Ii]nput should|valid (dictionary|tuple|list|integer|number|string|boolean)|should have at|instance of"
    r"|[Vv]alue error|[Aa]ssertion|unable to|pydantic|finite|None\b|tuple|dictionary|ctx|_form"
)

HEAD = 'id = "mine"\nkind = "grades"\ntitle = "Mine"\nversion = "1"\nstatus = "assumed"\n'
CITATION = 'citation = { text = "Here" }\n'
ANC = '[anc]\ntitle = "ANC"\nanalyte = "anc"\nunit = "1e9/L"\n'
RULES = 'grades = [{ grade = 1, below = 1.0, text = "a" }]\n'
MINE = HEAD + CITATION + ANC + RULES
RECOVERY = (
    HEAD.replace("grades", "recovery")
    + CITATION
    + """run = { length = 3, of = "days" }
counting = { status = "assumed", bracket_days = 8, carry_days = 3, look_ahead_days = 8 }
landmark = { day = 28, run = "ends_on", status = "assumed" }
all_of = [{ analyte = "anc", unit = "1e9/L", at_least = 1.0 }]
"""
)
RISK = """
[[analyses]]
id = "risk"
kind = "risk_factors"
outcome = "severe_neutropenia"
event = "yes"
factors = ["age_years", "sex"]
columns = ["groups", "p"]
"""


def faults_of_study(folder: Path, text: str) -> list[str]:
    (folder / "study.toml").write_text(text, "utf-8")
    with pytest.raises(ProtocolError) as caught:
        read_protocol(folder / "study.toml")
    return read_faults(str(caught.value), "study.toml")


def faults_of_definition(folder: Path, text: str, name: str = "mine.toml") -> list[str]:
    (folder / "definitions").mkdir(exist_ok=True)
    (folder / "definitions" / name).write_text(text, "utf-8")
    with pytest.raises(DefinitionError) as caught:
        load_library(folder)
    return read_faults(str(caught.value), name)


def read_faults(message: str, name: str) -> list[str]:
    assert not FOREIGN.search(message), message
    lines = message.splitlines()[1:]
    assert all(line.startswith(f"  - {name}: ") for line in lines), message
    return [line.removeprefix(f"  - {name}: ") for line in lines]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        # Of another type.
        ("seed = 1", 'seed = "1"', "'study.seed' is '1'; allowed: a whole number"),
        ("seed = 1", "seed = 1.5", "'study.seed' is 1.5; allowed: a whole number"),
        ("support_complete = true", "support_complete = 1", "'study.support_complete' is 1; allowed: true"),
        (
            "support_complete = true",
            'support_complete = "no"',
            "'study.support_complete' is 'no'; allowed: t",
        ),
        (
            "min_grade = 3",
            'min_grade = "3"',
            "'outcomes.severe_neutropenia.min_grade' is '3'; allowed: a who",
        ),
        ("window = [0, 28]", "window = 28", "'outcomes.neutropenia.window' is 28; allowed: a list"),
        (
            'factors = ["age_years", "sex"]',
            'factors = "age_years"',
            "'analyses.1.factors' is 'age_years'; all",
        ),
        (
            "[outcomes.neutropenia]\n",
            "[[outcomes.neutropenia]]\n",
            "'outcomes.neutropenia' is a list; allowed:",
        ),
        ("[study]\n", "[[study]]\n", "'study' is a list; allowed: a table"),
        (
            'title = "Three invented patients"',
            "title = 3",
            "'study.title' is 3; a text in quotation marks is",
        ),
        # Missing and empty.
        ('title = "Three invented patients"', 'title = " "', "'study.title' is empty; a text is needed"),
        ('factors = ["age_years", "sex"]', "factors = []", None),
        (
            'outcomes = ["neutropenia", "anemia", "thrombocytopenia", "severe_cytopenia"]',
            "outcomes = []",
            "'analyses.2.outcomes' has no entry; allowed: 1 or more",
        ),
        ("window = [0, 28]", "window = [0]", "'outcomes.neutropenia.window.2' is missing"),
        # Too much.
        (
            "window = [0, 28]",
            "window = [0, 7, 28]",
            "'outcomes.neutropenia.window' has 3 entries; allowed: 2 or fewer",
        ),
        (
            "min_grade = 3",
            "min_grade = 6",
            "'outcomes.severe_neutropenia.min_grade' is 6; allowed: 5 or less",
        ),
        (
            "seed = 1",
            "seed = 1\nlymphodepletion_day = 3",
            "'study.lymphodepletion_day' is 3; allowed: 0 or less",
        ),
        (
            'id = "recovery"',
            f'id = "recovery"\nlabel = "{"x" * 41}"',
            "'analyses.3.label' has 41 characters; allowed: 40 or fewer",
        ),
        # Nested.
        (
            'folder = "."',
            'folder = "."\n[data.labs]\ncolumns = ["a"]',
            "'data.labs.columns' is a list; allowed: a t",
        ),
        (
            'folder = "."',
            'folder = "."\n[data.labs]\nseparator = "::"',
            "'data.labs.separator' has 2 characters; allowed: 1 or fewer",
        ),
        (
            'folder = "."',
            'folder = "."\n[data.labs]\nlln = { anc = 2.0 }',
            "'data.labs.lln.anc' is 2.0; allowed: a t",
        ),
        (
            '[[analyses]]\nid = "recovery"',
            '[factors.x]\nanalyte = "crp"\nat = "baseline"\nscale = { per = inf }\n'
            '[[analyses]]\nid = "recovery"',
            "'factors.x.scale.per' is inf; allowed: ",
        ),
    ],
)
def test_a_malformed_study_file(tmp_path: Path, old: str, new: str, fault: str | None) -> None:
    assert old in STUDY
    text = STUDY.replace(old, new)
    if fault is None:
        (tmp_path / "study.toml").write_text(text, "utf-8")
        assert read_protocol(tmp_path / "study.toml").protocol.analyses[0].id == "characteristics"
        return
    assert faults_of_study(tmp_path, text)[0].startswith(fault)


def test_a_study_file_without_analyses(tmp_path: Path) -> None:
    assert faults_of_study(tmp_path, STUDY.partition("[[analyses]]")[0])[0] == "'analyses' is missing"
    empty = "analyses = []\n" + STUDY.partition("[[analyses]]")[0]
    assert faults_of_study(tmp_path, empty)[0] == "'analyses' has no entry; allowed: 1 or more"
    single = STUDY.partition("[[analyses]]")[0] + '[analyses]\nid = "a"\n'
    assert faults_of_study(tmp_path, single)[0] == "'analyses' is a table; allowed: a list"


def test_every_fault_of_a_study_file_at_once(tmp_path: Path) -> None:
    """Faults of a form as a whole do not wait until each of its keys is right."""
    text = STUDY.replace("seed = 1", "sed = 1").replace("window = [0, 28]", "window = [28, 0]", 1)
    text = text.replace(
        'any_of = ["severe_neutropenia", "severe_anemia"]',
        'any_of = ["severe_neutropenia", "severe_anemia"]\nwindow = [0, 28]\nmin_grade = 9',
    )
    factor = '[factors.peak]\nanalyte = "crp"\nlevels = { a = [1] }\nscale = "unit"\nspline_knots = 7\n'
    more = RISK.replace(
        'columns = ["groups", "p"]',
        'columns = ["groups"]\ntests = { sex = "welch_t" }\n'
        "significance_level = 0.05\nread_with_care = { terms = [], resamples = 1000 }",
    )
    found = faults_of_study(tmp_path, text + factor + more)
    expected = [
        "unknown key 'study.sed' (did you mean 'seed'?)",
        "'study.seed' is missing",
        "'outcomes.neutropenia': window [28, 0] must begin before it ends",
        "'outcomes.severe_cytopenia.min_grade' is 9; allowed: 5 or less",
        "'outcomes.severe_cytopenia': any_of takes everything from the outcomes it names; remove window",
        "'factors.peak.spline_knots' is 7; allowed: 3, 4 or 5",
        "'factors.peak': 'levels' does not go with 'analyte'; remove it",
        'needs at = "baseline" or at = "peak"',
        "'scale' belongs to numbers; a factor with levels has none",
        "'analyses.4.read_with_care.terms' has no entry; allowed: 1 or more",
        "'analyses.4': significance_level goes with parity = \"compare\"; remove it",
        "'analyses.4': 'tests' is about the tests of the column 'p'; add \"p\" to columns",
    ]
    for sentence in expected:
        assert sum(sentence in line for line in found) == 1, (sentence, found)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('title = "Mine"', "title = 3", "'title' is 3; a text in quotation marks is needed"),
        ('title = "Mine"', 'title = ""', "'title' is empty; a text is needed"),
        (CITATION, "citation = 3\n", "'citation' is 3; allowed: a table"),
        (CITATION, 'citation = ["Here"]\n', "'citation' is a list; allowed: a table"),
        (
            CITATION,
            'citation = { text = "Here", url = "htp:/x" }\n',
            "'citation': url is 'htp:/x'; allowed: an addr",
        ),
        (
            CITATION,
            'citation = { text = "Here", url = "example.org" }\n',
            "'citation': url is 'example.org'; allow",
        ),
        (
            CITATION,
            'citation = { text = "Here", url = "https://" }\n',
            "'citation': url is 'https://'; allowed: an",
        ),
        (
            CITATION,
            'citation = { text = "Here", doi = "https://doi.org/10.1000/x" }\n',
            "'citation': doi is 'https:",
        ),
        (
            CITATION,
            'citation = { text = "Here", doi = "unknown" }\n',
            "'citation': doi is 'unknown'; allowed: a do",
        ),
        (RULES, "grades = []\n", "'anc.grades' has no entry; allowed: 1 or more"),
        (RULES, "grades = 3\n", "'anc.grades' is 3; allowed: a list"),
        (RULES, "grades = [3]\n", "'anc.grades.1' is 3; allowed: a table"),
        (ANC + RULES, "", "a section per analyte is missing, such as [anc]"),
        ("below = 1.0", "below = -5", "'anc.grades.1': grade 1: below is -5; a count cannot be less than 0"),
        ("below = 1.0", "below = 0", "'anc.grades.1': grade 1: below is 0; no count is below 0"),
        (
            "below = 1.0",
            "at_least = 0.0",
            "'anc.grades.1': grade 1: at_least is 0; every count is at least 0",
        ),
        ("below = 1.0", "below = nan", "'anc.grades.1.below' is nan; allowed: a number"),
        ("below = 1.0", "below = inf", "'anc.grades.1.below' is inf; allowed: a number"),
        ("below = 1.0", "below = { lln = 0 }", "'anc.grades.1.below.lln' is 0; allowed: more than 0"),
        ("below = 1.0", "below = { lln = 1, x = 1 }", "unknown key 'anc.grades.1.below.x'; allowed: lln"),
        (
            "below = 1.0",
            "below = 1.0, only_if = { below = -1 }",
            "'anc.grades.1.only_if': below is -1; a count",
        ),
        (
            "below = 1.0",
            'below = 1.0, lab_gradable = "yes"',
            "'anc.grades.1.lab_gradable' is 'yes'; allowed: true",
        ),
        ("below = 1.0", "below = 1.0, days = 0", "'anc.grades.1.days' is 0; allowed: 1 or more, or 'all'"),
        ("grade = 1,", "", "'anc.grades.1.grade' is missing"),
    ],
)
def test_a_malformed_definition(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert old in MINE
    assert faults_of_definition(tmp_path, MINE.replace(old, new))[0].startswith(fault)


@pytest.mark.parametrize(
    ("old", "new", "faults"),
    [
        (
            "at_least = 1.0",
            "at_least = -1.0",
            ["'all_of.1': anc: at_least is -1; a count cannot be less than 0"],
        ),
        (
            "at_least = 1.0",
            "at_least = 0",
            [
                "'all_of.1': anc: at_least is 0; every count is at least 0, so that the rule"
                " would always be met"
            ],
        ),
        ("at_least = 1.0", "at_least = nan", ["'all_of.1.at_least' is nan; allowed: a number"]),
        ("all_of = [{ analyte", "all_of = [[{ analyte", ["'all_of.1' is a list; allowed: a table"]),
        (
            "at_least = 1.0 }",
            'at_least = 1.0, support_free_days = { gcsf = "7" } }',
            ["'all_of.1.support_free_days.gcsf' is '7'; allowed: a table"],
        ),
    ],
)
def test_a_malformed_recovery(tmp_path: Path, old: str, new: str, faults: list[str]) -> None:
    text = RECOVERY.replace(old, new)
    text = text.replace("1.0 }]\n", "1.0 }]]\n") if "[[" in new else text
    assert faults_of_definition(tmp_path, text) == faults


LANDMARK = 'landmark = { day = 28, run = "ends_on", status = "assumed" }\n'


@pytest.mark.parametrize(
    ("landmark", "question"),
    [
        ("", "'landmark': needs exactly one of landmark (had the patient recovered on a day?) and reached"),
        (
            LANDMARK + 'reached = { from = 0, until = 100, after = "first_failing", status = "assumed" }\n',
            "'landmark': has landmark and reached; keep one of them",
        ),
    ],
)
def test_a_recovery_of_no_or_two_questions_does_not_hide_its_other_faults(
    tmp_path: Path, landmark: str, question: str
) -> None:
    text = RECOVERY.replace(LANDMARK, landmark).replace("at_least = 1.0", "at_least = 1.0, above = 1.0")
    text = text.replace('status = "assumed"', 'status = "study"', 1).replace("length = 3", "length = 99")
    found = faults_of_definition(tmp_path, text)
    for sentence in (
        question,
        "'run.length' is 99; allowed: 60 or less",
        "'all_of.1': anc: needs exactly one of at_least, above",
        "citation: needs a doi or a url unless status is 'assumed'",
    ):
        assert sum(line.startswith(sentence) for line in found) == 1, (sentence, found)


def test_a_file_is_named_by_its_name_alone(tmp_path: Path) -> None:
    """Also where its id is another: one list, one name for one file."""
    text = MINE.replace('id = "mine"', 'id = "other"').replace("below = 1.0", "below = true")
    found = faults_of_definition(tmp_path, text, "bad.toml")
    assert [line.partition(";")[0] for line in found] == [
        "id 'other' must be the name of the file",
        "'anc.grades.1.below': is true",
    ]
    child = 'id = "child"\nextends = "other"\nstatus = "assumed"\n'
    change(tmp_path / "definitions" / "bad.toml", "below = true", "below = 1.0")
    (tmp_path / "definitions" / "worse.toml").write_text(child + "[anc]\nunit = 3\n", "utf-8")
    with pytest.raises(DefinitionError) as caught:
        load_library(tmp_path)
    assert {line.partition(":")[0] for line in str(caught.value).splitlines()[1:]} == {
        "  - bad.toml",
        "  - worse.toml",
    }
