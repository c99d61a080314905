"""Factors come from columns, markers, events and responses; an unknown name is told with its neighbor."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from cytopenia.errors import ProtocolError
from cytopenia.study.factors import FactorColumn
from cytopenia.workflow import analyze_study
from study_files import change, write_study

pytestmark = pytest.mark.usefixtures("one_picture")

ADDED = """
[[analyses]]
id = "more"
kind = "characteristics"
factors = ["{name}"]
"""


def describe(folder: Path, section: str, name: str) -> dict[tuple[str, str], float]:
    """(level, estimate) to value of one factor among the three patients."""
    file = folder / "study.toml"
    file.write_text(file.read_text("utf-8") + section + ADDED.format(name=name), encoding="utf-8")
    results = analyze_study(file).results.filter(pl.col("analysis_id") == "more")
    return {
        (level, estimate): value
        for level, estimate, value in results.select("variable_level", "estimate", "value").iter_rows()
    }


def complain(folder: Path, section: str, name: str, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        describe(folder, section, name)


def test_an_unknown_factor_and_column_are_told_at_once(tmp_path: Path) -> None:
    file = write_study(tmp_path) / "study.toml"
    text = file.read_text("utf-8").replace("[data]", '[cohort]\nrequire = ["patients.agee"]\n\n[data]', 1)
    text += '\n[[analyses]]\nid = "table"\nkind = "characteristics"\nfactors = ["age_year"]\n'
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ProtocolError, match=r"(?s)age_year'.*did you mean 'age_years'.*patients\.agee'"):
        analyze_study(file)


def test_baseline_needs_the_start_of_lymphodepletion(tmp_path: Path) -> None:
    folder = write_study(tmp_path)
    change(folder / "infusions.csv", ",lymphodepletion_day", "")
    change(folder / "infusions.csv", ",-5", "")
    file = folder / "study.toml"
    text = file.read_text("utf-8")
    text += '\n[[analyses]]\nid = "table"\nkind = "characteristics"\nbaseline_definition = "ctcae_v4"\n'
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ProtocolError, match="baseline values need the start of lymphodepletion"):
        analyze_study(file)


EVENTS = """patient_id,day,kind,grade
A,3,crs,1
A,5,crs,3
A,40,crs,4
B,4,crs,
A,200,last_contact,
B,180,last_contact,
C,20,death,
"""
CRS = '\n[factors.crs]\nevent = "crs"\nwindow = [0, 28]\ngrade_from = [1, 3]\nwithout_event = "{word}"\n'


def test_the_highest_grade_of_the_window_counts_and_an_unknown_grade_is_missing(tmp_path: Path) -> None:
    folder = write_study(tmp_path)
    (folder / "events.csv").write_text(EVENTS, encoding="utf-8")
    found = describe(folder, CRS.format(word="none"), "crs")
    counts = {level: found[level, "count"] for level in ("none", "grade 1-2", "grade >= 3")}
    assert counts == {"none": 1, "grade 1-2": 0, "grade >= 3": 1}
    assert found["", "missing"] == 1


@pytest.mark.parametrize(("known", "level"), [("1", None), ("3", "grade >= 3")])
def test_an_event_without_a_grade_could_have_been_the_worse_one(tmp_path: Path, known, level) -> None:
    folder = write_study(tmp_path)
    events = f"patient_id,day,kind,grade\nA,3,crs,{known}\nA,5,crs,\nA,200,last_contact,\n"
    (folder / "events.csv").write_text(events, encoding="utf-8")
    found = describe(folder, CRS.format(word="none"), "crs")
    counts = {name: found[name, "count"] for name in ("none", "grade 1-2", "grade >= 3")}
    assert counts == {"none": 2, "grade 1-2": 0, "grade >= 3": int(level is not None)}
    assert found["", "missing"] == int(level is None)


def test_a_patient_without_an_event_is_missing_where_the_protocol_says_so(tmp_path: Path) -> None:
    folder = write_study(tmp_path)
    (folder / "events.csv").write_text(EVENTS, encoding="utf-8")
    found = describe(folder, CRS.format(word="missing"), "crs")
    assert (found["none", "count"], found["grade >= 3", "count"], found["", "missing"]) == (0, 1, 2)


def test_an_event_without_levels_is_yes_or_no(tmp_path: Path) -> None:
    folder = write_study(tmp_path)
    (folder / "events.csv").write_text(EVENTS, encoding="utf-8")
    section = CRS.format(word="none").replace("grade_from = [1, 3]\n", "")
    found = describe(folder, section, "crs")
    assert (found["yes", "count"], found["no", "count"], found["", "missing"]) == (2, 1, 0)


def test_the_last_response_of_the_window_counts(tmp_path: Path) -> None:
    folder = write_study(tmp_path)
    responses = "patient_id,day,response\nA,28,PR\nA,31,CR\nA,90,PD\nB,30,SD\n"
    (folder / "responses.csv").write_text(responses, encoding="utf-8")
    section = (
        '\n[factors.response]\nresponse_window = [25, 40]\nlevels = { yes = ["CR", "PR"], no = ["SD"] }\n'
    )
    found = describe(folder, section, "response")
    assert (found["yes", "count"], found["no", "count"], found["", "missing"]) == (1, 1, 1)


def test_every_value_of_the_data_needs_a_level(tmp_path: Path) -> None:
    section = '\n[factors.who]\ncolumn = "sex"\nlevels = { women = ["female"] }\n'
    words = r"factors\.who: levels leave 1 different values of the data unnamed"
    complain(write_study(tmp_path), section, "who", words)


def test_levels_of_a_column_of_numbers(tmp_path: Path) -> None:
    section = '\n[factors.age]\ncolumn = "age_years"\nlevels = { young = [48], old = [61, 70] }\n'
    found = describe(write_study(tmp_path), section, "age")
    assert (found["young", "count"], found["old", "count"]) == (1, 2)


def test_a_reference_is_a_level(tmp_path: Path) -> None:
    section = '\n[factors.who]\ncolumn = "sex"\nlevels = { women = ["female"], men = ["male"] }\n'
    section += 'reference = "man"\n'
    complain(write_study(tmp_path), section, "who", "reference 'man' is no level; allowed: women, men")


def test_a_column_of_a_factor_must_be_there(tmp_path: Path) -> None:
    section = '\n[factors.who]\ncolumn = "sexx"\n'
    complain(
        write_study(tmp_path), section, "who", r"factors\.who: no column 'sexx' \(did you mean 'sex'\?\)"
    )


def test_a_curve_needs_numbers(tmp_path: Path) -> None:
    section = '\n[[analyses]]\nid = "c"\nkind = "roc"\noutcome = "recovery"\nevent = "recovered"\n'
    section += 'lower_means_event = ["sex"]\n'
    complain(write_study(tmp_path), section, "age_years", r"analyses\.c: factor 'sex' has no numbers")


def test_half_the_limit_stands_for_a_value_below_it() -> None:
    factor = FactorColumn(
        "il6",
        "IL-6",
        pl.Series([2.0, 2.0, None, 5.0]),
        censored_below=pl.Series([True, False, False, False]),
    )
    assert factor.numbers.to_list() == [1.0, 2.0, None, 5.0]
    assert factor.values.to_list() == [2.0, 2.0, None, 5.0]
