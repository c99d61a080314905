"""A definition file with several faults: all that can be found independently are told at once.

A fault that another makes unknowable is not guessed at: with an unknown key beside a rule nobody knows
whether the rule has its cut.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cytopenia.definitions import load_library
from cytopenia.errors import DefinitionError

HEAD = 'id = "mine"\ntitle = "Mine"\nversion = "1"\nstatus = "assumed"\ncitation = { text = "Here" }\n'
NO_ADDRESS = HEAD.replace("assumed", "study")
GRADES = 'kind = "grades"\n'
ANC = '[anc]\ntitle = "ANC"\nanalyte = "anc"\nunit = "1e9/L"\n'
PLATELETS = '[platelets]\ntitle = "PLT"\nanalyte = "platelets"\nunit = "1e9/L"\n'
RULE = '{ grade = 1, below = 1.0, text = "a" }'


def faults(folder: Path, text: str, name: str = "mine.toml") -> list[str]:
    (folder / "definitions").mkdir()
    (folder / "definitions" / name).write_text(text, "utf-8")
    with pytest.raises(DefinitionError) as caught:
        load_library(folder)
    return [line.removeprefix(f"  - {name}: ") for line in str(caught.value).splitlines()[1:]]


def test_faults_of_the_head_of_a_part_and_of_its_rules(tmp_path: Path) -> None:
    rules = 'grades = [{ grade = 1, below = 1.0, at_most = 2.0, text = "a" }, { grade = 7, below = 0.5 }]\n'
    text = NO_ADDRESS + GRADES + ANC.replace('"anc"\nunit', '"ancc"\nunit') + "window = [28, 0]\n" + rules
    more = PLATELETS.replace("1e9/L", "furlong") + f"grades = [{RULE}]\n"
    found = faults(tmp_path, text + more)
    assert found[:5] == [
        "'anc.grades.1': grade 1: needs exactly one of below, at_most, above, at_least;"
        " got ['below', 'at_most']",
        "'anc.grades.2.grade' is 7; allowed: 5 or less",
        "'anc.grades.2.text' is missing",
        "'anc': window [28, 0] must begin before it ends",
        "citation: needs a doi or a url unless status is 'assumed'",
    ]
    assert found[5].startswith("unknown analyte 'ancc' (did you mean 'anc'?)")
    assert found[6].startswith("'furlong' is not a listed unit of platelets")
    assert len(found) == 7


def test_an_unknown_key_may_be_the_cut_or_the_counting(tmp_path: Path) -> None:
    """What `beneath` and `countin` stand for is not known, so that no cut and no counting is missed."""
    rules = 'grades = [{ grade = 1, beneath = 1.0, text = "a" }]\ncountin = { status = "assumed" }\n'
    found = faults(tmp_path, NO_ADDRESS + GRADES + ANC + rules)
    assert [re.sub(";.*", "", line) for line in found] == [
        "unknown key 'anc.grades.1.beneath'",
        "unknown key 'anc.countin' (did you mean 'counting'?)",
        "citation: needs a doi or a url unless status is 'assumed'",
    ]


def test_what_a_wrong_value_makes_unknowable_is_not_told(tmp_path: Path) -> None:
    """Whether the rule has one cut is not known while `below` is no number; that it has no text is."""
    rules = "grades = [{ grade = 1, below = true }]\nconfirm = { below = 1.0 }\n"
    found = faults(tmp_path, HEAD + GRADES + ANC + rules)
    assert [line.partition(";")[0] for line in found] == [
        "'anc.grades.1.below': is true",
        "'anc.grades.1.text' is missing",
        "'anc.confirm.measurements' is missing",
        "'anc.confirm.otherwise' is missing",
        "'anc.confirm.text' is missing",
    ]


def test_two_faults_of_one_part(tmp_path: Path) -> None:
    rules = 'window = [28, 0]\ngrades = [{ grade = 1, below = 1.0, days = 3, text = "a" }]\n'
    assert faults(tmp_path, HEAD + GRADES + ANC + rules) == [
        "'anc': window [28, 0] must begin before it ends",
        "'anc': rules with `days` and `confirm` need a window and a counting table",
    ]


PHENOTYPES = """kind = "phenotype"
analyte = "ancc"
unit = "1e9/L"
window = [0, 30]
fall = { below = 0.5, status = "assumed" }
recovery = { above = 0.4, days = 3, from_day = 40, status = "assumed" }
second_dip = { below = 0.5, days = 1, status = "assumed" }
[judging]
status = "assumed"
precedence = ["aplastic", "aplastic", "quick"]
without_recovery = "own_label"
died_early = "own_label"
seen_until_day = 30
[counting]
status = "assumed"
round_to = 0.1
"""


def test_every_fault_of_phenotypes(tmp_path: Path) -> None:
    found = faults(tmp_path, NO_ADDRESS + PHENOTYPES)
    assert found[:6] == [
        "'judging': precedence needs each of aplastic, intermittent, quick once",
        "citation: needs a doi or a url unless status is 'assumed'",
        "recovery.from_day lies after the window, which ends on day 30",
        "a count can meet both fall and recovery; set them apart",
        "a count can meet both second_dip and recovery; set them apart",
        "counting: round_to does not go with phenotypes; remove it",
    ]
    assert found[6].startswith("unknown analyte 'ancc'")
    assert len(found) == 7


RECOVERY = """kind = "recovery"
run = { length = 3, of = "days" }
reached = { from = 10, until = 5, after = "nadir", status = "assumed" }
[[all_of]]
analyte = "anc"
unit = "1e9/L"
[[all_of]]
analyte = "platelets"
unit = "furlong"
at_least = 20
above = 20
"""


def test_every_fault_of_a_day_of_recovery(tmp_path: Path) -> None:
    found = faults(tmp_path, HEAD + RECOVERY)
    assert found[:5] == [
        "'all_of.1': anc: needs exactly one of at_least, above",
        "'all_of.2': platelets: needs exactly one of at_least, above",
        "'reached': from is 10 and until 5; from must be the earlier day",
        "'reached': after = \"nadir\" and nadir_until (the last day on which the nadir is looked for)"
        " go together",
        'run of = "days" needs counting (what an unmeasured day is taken for); a run of "measurements" looks'
        " at measured days only and has none",
    ]
    assert found[5].startswith("'furlong' is not a listed unit of platelets")
    assert len(found) == 6


POINTS = """kind = "points"
predicts = "a"
population = "b"
groups = [{ name = "low", at_least = 1 }, { name = "low", at_least = 2 }]
ties = { status = "assumed", crp = "0 points" }
[items.anc]
unit = "furlong"
otherwise = "c"
rules = [{ points = 2, below = 1.0, text = "d" }, { points = 1, below = 2.0, above = 3.0, text = "e" }]
"""


def test_every_fault_of_a_score(tmp_path: Path) -> None:
    found = faults(tmp_path, NO_ADDRESS + POINTS)
    assert found[0].startswith("'items.anc.rules.2': 1 points: needs exactly one of below")
    assert found[1:3] == [
        "citation: needs a doi or a url unless status is 'assumed'",
        "groups: two groups have the same name",
    ]
    assert found[3].startswith("'furlong' is not a listed unit of anc")
    assert len(found) == 4


def test_a_file_without_an_id_is_read_under_its_name(tmp_path: Path) -> None:
    text = (NO_ADDRESS + GRADES + ANC + f"grades = [{RULE}]\n").replace('id = "mine"\n', "")
    assert faults(tmp_path, text) == [
        "'id' is missing; write id = \"mine\"",
        "citation: needs a doi or a url unless status is 'assumed'",
    ]


def test_faults_of_several_files_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "definitions").mkdir()
    for name in ("one", "two"):
        text = NO_ADDRESS.replace("mine", name) + GRADES + ANC + "window = [3, 1]\n" + f"grades = [{RULE}]\n"
        (tmp_path / "definitions" / f"{name}.toml").write_text(text, "utf-8")
    with pytest.raises(DefinitionError) as caught:
        load_library(tmp_path)
    assert str(caught.value).count("must begin before it ends") == 2
    assert str(caught.value).count("needs a doi or a url") == 2
