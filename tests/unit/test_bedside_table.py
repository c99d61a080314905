"""A table of bedside findings at the door: closed words, plausible numbers, stated units; nothing guessed."""

from __future__ import annotations

import polars as pl
import pytest

from bedside_factory import QUIET, grade_rows, read_cells
from cytopenia.bedside_inputs import load_bedside_inputs
from cytopenia.contract.bedside import prepare_bedside
from cytopenia.errors import DataError, MissingColumnError
from cytopenia.grading.clinical import summarize_courses
from cytopenia.units import load_analytes


def prepare(**columns: list[object]) -> tuple[pl.DataFrame, list[tuple[str, str]]]:
    rows, findings = prepare_bedside(pl.DataFrame(columns), wanted=tuple(columns))
    return rows, [(one.rule, one.message) for one in findings]


def test_words_are_folded_and_nothing_else():
    rows, findings = prepare(oxygen=["High Flow", "nasal-cannula-low", " CPAP ", "none", "", None])
    assert rows["oxygen"].to_list() == ["high_flow", "nasal_cannula_low", "cpap", "none", None, None]
    assert findings == []


def test_an_unknown_word_is_a_finding_with_the_list_and_the_nearest():
    rows, ((rule, message),) = prepare(oxygen=["none", "facemsk"])
    assert rows["oxygen"].to_list() == ["none", None]
    assert rule == "bedside_word"
    assert message == (
        "bedside: word 'facemsk' of oxygen is not known (did you mean 'facemask'?) in 1 of 2 rows (row 3)."
        " Allowed: none, nasal_cannula_low, blow_by, high_flow, facemask, nonrebreather, venturi, cpap,"
        " bipap, ventilator. It is unknown on these rows. Correct the word, or map it in words."
    )


def test_a_number_where_a_word_should_be_is_not_quoted():
    ((_, message),) = prepare(oxygen=["0.8371"])[1]
    assert "0.8371" not in message
    assert "a number stands where the word of oxygen should be" in message


@pytest.mark.parametrize(
    "cells", [["yes", "no"], ["Y", "n"], ["1", "0"], ["TRUE", "false"], [True, False], [1, 0]]
)
def test_yes_and_no_in_their_usual_spellings(cells):
    assert prepare(hypotension=cells)[0]["hypotension"].to_list() == ["yes", "no"]


@pytest.mark.parametrize(
    ("name", "cells", "kept"),
    [
        ("temperature", ["38.4", "101", "24.9", "45.1"], [38.4, None, None, None]),
        ("fio2", ["0.21", "1", "0.2", "40", "0"], [0.21, 1, None, None, None]),
        ("ice", ["0", "10", "11", "9.5", "-1"], [0, 10, None, None, None]),
        ("organ_toxicity_grade", ["0", "4", "5", "2.5", "x"], [0, 4, None, None, None]),
        ("age_years", ["11.9", "70", "121", "", "n.d."], [11.9, 70, None, None, None]),
    ],
)
def test_numbers_outside_what_they_can_be_are_unknown(name, cells, kept):
    rows, findings = prepare(**{name: cells})
    assert rows[name].to_list() == kept
    assert {rule for rule, _ in findings} == {"bedside_value"}


def test_a_fever_in_fahrenheit_under_the_wrong_name_is_said():
    ((rule, message),) = prepare(temperature=["38.2", "101"])[1]
    assert rule == "bedside_value"
    assert message == (
        "bedside: temperature is outside what it can be in 1 of 2 rows (row 3). Allowed: 25 to 45 (degC)."
        " It is unknown on these rows. Check the value and its unit."
    )


def test_a_name_may_state_the_unit():
    """100.4 degF is exactly 38.0 degC, 100.3 is below it; 40 percent of oxygen is exactly 0.4."""
    rows, _ = prepare_bedside(
        pl.DataFrame({"temperature_f": ["100.4", "100.3", "x"], "fio2_percent": [40, 21, 30]})
    )
    assert rows["temperature"].to_list() == [38.0, 37.9444444444444, None]
    assert rows["fio2"].to_list() == [0.4, 0.21, 0.3]


def test_one_input_in_two_units_is_refused():
    table = pl.DataFrame({"temperature": [38.0], "temperature_f": [100.4]})
    with pytest.raises(DataError, match="'temperature' and 'temperature_f' are the same input; keep one"):
        prepare_bedside(table)


def test_a_table_without_any_input_is_refused():
    with pytest.raises(MissingColumnError, match=r"found: patient_id, temp; needed: temperature, ice"):
        prepare_bedside(pl.DataFrame({"patient_id": ["A"], "temp": [38]}), wanted=("temperature", "ice"))


def test_absent_inputs_and_misspelled_columns_are_named():
    _, findings = prepare_bedside(
        pl.DataFrame({"temperature": [38.0], "vasopresors": ["none"], "remark": ["x"]}),
        wanted=("temperature", "vasopressors"),
    )
    assert [one.message for one in findings] == [
        "bedside: column 'vasopresors' is not read (did you mean 'vasopressors'?). Correct the name of the"
        " column, or map it in columns.",
        "bedside: there is no column vasopressors. A grade is given only where what is absent cannot change"
        " it.",
    ]


def test_the_plausible_temperature_is_that_of_the_analyte():
    ours, theirs = load_bedside_inputs()["temperature"], load_analytes()["temperature"]
    assert (ours.low, ours.high, ours.unit) == (theirs.plausible_low, theirs.plausible_high, theirs.unit)


ICANS = "astct_2019_icans"


def courses(*cells: str) -> list[tuple[object, ...]]:
    rows = [{**read_cells(QUIET[ICANS]), **read_cells(text)} for text in cells]
    columns = ["patient_id", "grade", "grade_best", "grade_worst", "first_day", "rows_not_judged"]
    return summarize_courses(grade_rows(ICANS, rows)).select(*columns, "days_without_row", "reason").rows()


def test_the_highest_grade_of_a_patient_and_its_first_day():
    found = courses(
        "patient_id=A day=3 ice=8",
        "patient_id=A day=5 ice=4",
        "patient_id=A day=6 ice=4",
        "patient_id=B day=1 ice=10",
    )
    assert found == [("A", 2, 2, 2, 5, 0, 1, "judged"), ("B", 0, 0, 0, None, 0, 0, "judged")]


def test_a_row_that_could_be_higher_leaves_the_patient_open():
    found = courses("patient_id=A day=3 ice=4", "patient_id=A day=4 ice=.")
    assert found == [("A", None, 2, 3, None, 1, 0, "1 of 2 rows are not judged and could be higher")]


def test_a_row_that_could_not_be_higher_does_not():
    found = courses("patient_id=A day=3 seizure=brief", "patient_id=A day=4 ice=.")
    assert found == [("A", 3, 3, 3, 3, 1, 0, "judged")]


def test_rows_with_dates_have_a_first_date():
    found = courses("patient_id=A date=2024-03-01 ice=4", "patient_id=A date=2024-03-04 ice=8")
    assert [str(found[0][4]), found[0][6]] == ["2024-03-01", 2]
