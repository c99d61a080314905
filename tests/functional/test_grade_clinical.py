"""`cytopenia grade` with clinical scales: bedside rows, and febrile neutropenia of whole courses."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

from cytopenia.bedside_inputs import load_bedside_inputs

BEDSIDE = """patient_id,day,temperature,antipyretic,hypotension,vasopressors,oxygen,grade
P01,1,38.6,no,no,none,none,as charted
P01,2,39.1,no,yes,none,nasal_cannula_low,
P01,3,37.2,yes,yes,one,high_flow,
P02,1,37.0,no,no,none,none,
P02,2,,no,no,none,HFNC,
"""
FEVER = """patient_id,day,time,analyte,value,unit
A,3,08:00,temperature,101.2,degF
A,3,06:00,ANC,400,/uL
B,3,08:00,temperature,38.1,degC
B,3,06:00,ANC,400,/uL
C,3,08:00,temperature,38.1,degC
C,3,09:30,temperature,38.0,degC
C,2,06:00,ANC,400,/uL
D,3,08:00,temperature,38.9,degC
D,3,06:00,ANC,1.0,10^9/L
E,3,08:00,temperature,36.9,degC
"""


@pytest.fixture
def grade(command, tmp_path: Path):
    def run(text: str, definition: str, *options: object):
        source, target = tmp_path / "source.csv", tmp_path / "out" / "graded.csv"
        source.write_text(text, encoding="utf-8")
        answer = command("grade", source, "--definition", definition, "--out", target, *options)
        return answer, pl.read_csv(target) if target.exists() else None

    return run


def test_every_bedside_row_keeps_its_columns_and_gets_its_grade(grade, tmp_path):
    answer, table = grade(BEDSIDE, "astct_2019_crs")
    assert answer.code == 0
    assert table["grade"].to_list() == [1, 2, 3, 0, None]
    assert table["grade_in_file"].to_list() == ["as charted", None, None, None, None]
    assert table["reason"].to_list()[-1] == "unknown: temperature, oxygen"
    assert "5 rows: grade 0: 1, grade 1: 1, grade 2: 1, grade 3: 1, not judged: 1" in answer.out
    assert "2 patients, highest grade: grade 3: 1, not judged: 1" in answer.out
    patients = pl.read_csv(tmp_path / "out" / "graded_patients.csv")
    assert patients.select("patient_id", "grade", "first_day").rows() == [("P01", 3, 3), ("P02", None, None)]


def test_a_word_that_is_not_listed_is_named(grade):
    answer, _ = grade(BEDSIDE, "astct_2019_crs")
    assert "word 'HFNC' of oxygen is not known" in answer.out + answer.err


def test_a_map_names_columns_words_and_units(grade, tmp_path):
    mapping = tmp_path / "map.toml"
    mapping.write_text(
        '[bedside]\ncolumns = { temperature = "Tmax", oxygen = "O2" }\nunits = { temperature = "degF" }\n'
        'words = { oxygen = { HFNC = "high_flow" } }\n',
        encoding="utf-8",
    )
    text = "patient_id,day,Tmax,O2,hypotension,vasopressors\nA,1,100.4,HFNC,no,none\nA,2,100.3,HFNC,no,none\n"
    _, table = grade(text, "astct_2019_crs", "--map", mapping)
    assert table["grade"].to_list() == [3, None]
    assert table.columns[:4] == ["patient_id", "day", "Tmax", "O2"]


@pytest.mark.parametrize(
    ("heading", "definition", "words"),
    [
        ("labs", "astct_2019_crs", "--map: the file has no table [bedside], which 'astct_2019_crs' reads"),
        ("bedside", "ctcae_v4", "--map: the file has a table [bedside] only, which 'ctcae_v4' does not read"),
        (
            "bedside",
            "icaht_2023",
            "--map: the file has a table [bedside] only, which 'icaht_2023' does not read",
        ),
    ],
)
def test_a_map_of_another_kind_of_file_is_refused(grade, tmp_path, heading, definition, words):
    mapping = tmp_path / "map.toml"
    mapping.write_text(f'[{heading}]\ncolumns = {{ patient_id = "patient_id" }}\n', encoding="utf-8")
    answer, table = grade(BEDSIDE, definition, "--map", mapping)
    assert (answer.code, table) == (12, None)
    assert words in answer.err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            'columns = { temprature = "T" }',
            r"'temprature' is no column of bedside \(did you mean 'temperature'",
        ),
        ('units = { temperature = "K" }', "'K' is no unit of temperature; allowed: degC, degF"),
        ('units = { oxygen = "L" }', "'oxygen' is no input with a choice of units"),
        (
            'words = { oxygen = { HFNC = "highflow" } }',
            r"'highflow' is no word of oxygen \(did you mean 'high_flow'",
        ),
        ('words = { fio2 = { a = "b" } }', "'fio2' is no input with words"),
    ],
)
def test_a_wrong_map_says_what_is_allowed(grade, tmp_path, line, words):
    mapping = tmp_path / "map.toml"
    mapping.write_text(f"[bedside]\n{line}\n", encoding="utf-8")
    answer, table = grade(BEDSIDE, "astct_2019_crs", "--map", mapping)
    assert (answer.code, table) == (13, None)
    assert re.search(words, answer.err)


def test_options_of_laboratory_values_are_refused(grade):
    answer, _ = grade(BEDSIDE, "astct_2019_crs", "--lln", "anc=2.0", "--day-zero", "first")
    assert answer.code == 12
    assert (
        "--day-zero, --lln: 'astct_2019_crs' grades a table of bedside findings; leave it out." in answer.err
    )


def test_a_table_without_inputs_is_refused(grade):
    answer, _ = grade("patient_id,day,value\nA,1,3\n", "astct_2019_icans")
    assert answer.code == 10
    assert "no column is an input of the scale; found: patient_id, day, value" in answer.err


def test_a_file_without_rows_is_refused(grade):
    answer, _ = grade("patient_id,day,ice\n", "astct_2019_icans")
    assert answer.code == 10
    assert "the file has a header but no rows" in answer.err


def test_febrile_neutropenia_has_one_row_per_patient(grade):
    """101.2 degF is 38.4 degC. B has one reading of 38.1, C two of 38 or more an hour and a half apart."""
    answer, table = grade(FEVER, "ctcae_v5_febrile_neutropenia")
    assert answer.code == 0
    assert table.select("patient_id", "policy", "best", "worst").rows() == [
        ("A", 3, 3, 3),
        ("B", None, 0, 3),
        ("C", 3, 3, 3),
        ("D", 0, 0, 0),
        ("E", 0, 0, 0),
    ]
    assert (
        "Febrile neutropenia of 5 patients, each from the first to the last day with a temperature:"
        " grade 0: 2, grade 3: 2, not judged: 1" in answer.out
    )


OWN_DAYS = """patient_id,day,time,analyte,value,unit
A,2,08:00,temperature,37.0,degC
A,3,08:00,temperature,36.8,degC
A,4,06:00,ANC,0.2,10^9/L
A,2,06:00,ANC,0.4,10^9/L
A,1,06:00,ANC,0.4,10^9/L
B,3,06:00,ANC,0.4,10^9/L
"""
OF_ANOTHER = """C,-4,08:00,temperature,38.9,degC
C,-4,06:00,ANC,0.3,10^9/L
C,40,08:00,temperature,37.0,degC
"""


@pytest.mark.parametrize("others", ["", OF_ANOTHER])
def test_the_days_of_febrile_neutropenia_are_those_of_the_patient(grade, others):
    """A has no fever on days 2 and 3, and a low count without a temperature after them; B has no temperature.

    C has temperatures long before and long after: days of C say nothing about A and B.
    """
    _, table = grade(OWN_DAYS + others, "ctcae_v5_febrile_neutropenia")
    shown = table.select("patient_id", "policy", "best", "worst", "reason", "days_open", "days_measured")
    assert shown.rows()[:2] == [
        ("A", 0, 0, 0, "", 0, 2),
        ("B", None, 0, 3, "no temperature in the window", 0, 0),
    ]


def test_a_fever_on_the_first_day_of_the_patient_needs_a_count_of_that_day_or_before(grade):
    """The days end with the temperatures of the patient, but the counts before them are still looked at."""
    text = "patient_id,day,analyte,value,unit\nA,3,temperature,39.0,degC\nA,2,ANC,0.4,10^9/L\n"
    _, table = grade(
        text + OF_ANOTHER.replace(",08:00", "").replace(",06:00", ""), "ctcae_v5_febrile_neutropenia"
    )
    assert table["policy"].to_list() == [3, 3]


def test_a_day_without_a_temperature_between_two_with_one_stays_open(grade):
    text = "patient_id,day,analyte,value,unit\nA,2,temperature,37.0,degC\nA,5,temperature,37.0,degC\n"
    _, table = grade(text + "A,4,ANC,0.4,10^9/L\n", "ctcae_v5_febrile_neutropenia")
    assert table.select("policy", "best", "worst", "reason").row(0) == (
        None,
        0,
        3,
        "days without a temperature",
    )


def test_a_file_without_temperatures_is_refused(grade):
    answer, _ = grade(
        "patient_id,day,analyte,value,unit\nA,3,ANC,0.4,10^9/L\n", "ctcae_v6_febrile_neutropenia"
    )
    assert answer.code == 10
    assert "no row has the analyte 'temperature', which ctcae_v6_febrile_neutropenia needs" in answer.err


PAGE = (Path(__file__).parents[2] / "docs" / "bedside.md").read_text(encoding="utf-8")


def test_the_example_of_the_page_runs_and_prints_what_the_page_says(grade):
    table, printed = (
        re.search(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL).group(1) for kind in ("csv", "text")
    )
    answer, rows = grade(table, "astct_2019_crs")
    assert printed in answer.out
    assert rows["grade"].to_list() == [1, 2, 3, None]


def test_the_page_names_every_input_and_every_word():
    for name, item in load_bedside_inputs().items():
        assert f"| `{name}` |" in PAGE
        line = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |"))
        assert all(f"`{word}`" in line for word in item.words), name
