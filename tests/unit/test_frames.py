"""Grades for frames of other libraries: the same kind out, the same rows, nothing missing turned into 0."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import cytopenia
from cytopenia.errors import DataError, DefinitionError, MissingColumnError
from cytopenia.frames import grade_labs, require_limits

COLUMNS = {
    "analyte": ["PLT", "ANC", "Sodium", "ANC", "Hb", "ANC"],
    "value": ["48", "<0.1", "140", "n.d.", "79,9", "1.7"],
    "unit": ["K/uL", "10^9/L", "mmol/L", "10^9/L", "g/L", "10^9/L"],
    "lln": ["150", "2.0", None, "2.0", "120,0", None],
}
GRADES = [3, 4, None, None, 3, None]
# 1.7 without a limit of normal is grade 0 or 1.
WORST = [3, 4, None, None, 3, 1]
TERMS = [
    "Platelet count decreased",
    "Neutrophil count decreased",
    None,
    *["Neutrophil count decreased", "Anemia"],
]
REASONS = ["judged", "judged", "unknown analyte", "value missing", "judged", "lower limit of normal missing"]
COMMA = {
    **COLUMNS,
    "value": ["48", "<0,1", "140", "n.d.", "79,9", "1,7"],
    "lln": ["150", "2,0", None, "2,0", "120,0", None],
}


def columns(frame: Any, *names: str) -> list[list[object]]:
    if isinstance(frame, pd.DataFrame):
        return [[None if pd.isna(cell) else cell for cell in frame[name]] for name in names]
    return [
        frame[name].to_pylist() if isinstance(frame, pa.Table) else frame[name].to_list() for name in names
    ]


@pytest.mark.parametrize("make", [pl.DataFrame, pd.DataFrame, pa.table], ids=["polars", "pandas", "arrow"])
def test_the_same_kind_comes_back(make: Any) -> None:
    labs = make(COMMA)
    graded = grade_labs(labs)
    assert type(graded) is type(labs)
    assert columns(graded, "grade", "grade_worst", "grade_reason") == [GRADES, WORST, REASONS]
    assert columns(graded, "term")[0][:5] == TERMS
    assert columns(graded, *COMMA) == [COMMA[name] for name in COMMA]


def test_it_is_a_public_name() -> None:
    assert cytopenia.grade_labs is grade_labs


def test_a_missing_grade_is_missing_in_pandas() -> None:
    grades = grade_labs(pd.DataFrame(COMMA))["grade"]
    assert str(grades.dtype) == "Int64"
    assert grades.isna().tolist() == [grade is None for grade in GRADES]


@pytest.mark.parametrize("make", [pl.DataFrame, pd.DataFrame, pa.table], ids=["polars", "pandas", "arrow"])
def test_a_limit_says_how_bad_it_can_be(make: Any) -> None:
    """Below 1.0 is at least grade 3; below 0.5 would be grade 4."""
    labs = make({"analyte": ["ANC"], "value": ["<1.0"], "unit": ["10^9/L"]})
    assert columns(grade_labs(labs), "grade", "grade_worst") == [[3], [4]]


def test_pandas_keeps_its_index() -> None:
    labs = pd.DataFrame(COMMA, index=[9, 9, 4, 2, 7, 1])
    assert grade_labs(labs).index.tolist() == [9, 9, 4, 2, 7, 1]


def test_pandas_columns_of_numbers_and_text() -> None:
    labs = pd.DataFrame(
        {"analyte": ["ANC", "ANC", "ANC"], "value": [0.35, "<0.1", None], "unit": ["K/uL"] * 3}
    )
    assert columns(grade_labs(labs), "grade", "grade_reason") == [
        [4, 4, None],
        ["judged", "judged", "value missing"],
    ]


def test_pandas_columns_of_other_things() -> None:
    labs = pd.DataFrame(
        {
            "analyte": pd.Categorical(["ANC", "Hb"]),
            "value": [0.4, 70.0],
            "unit": ["K/uL", "g/L"],
            "seen": pd.to_datetime(["2024-01-01", None]),
        }
    )
    assert columns(grade_labs(labs), "grade") == [[4, 3]]


def test_numbers_need_no_text() -> None:
    labs = pl.DataFrame({"analyte": ["anc"] * 3, "value": [0.49, 0.5, None], "unit": ["1e9/L"] * 3})
    assert grade_labs(labs)["grade"].to_list() == [4, 3, None]


def test_a_missing_limit_can_be_stated() -> None:
    labs = pl.DataFrame({"analyte": ["ANC", "ANC"], "value": ["1.7", "2.0"], "unit": ["K/uL", "K/uL"]})
    assert grade_labs(labs, lln={"Neutrophils": 2.0})["grade"].to_list() == [1, 0]


def test_a_decimal_comma_can_be_stated() -> None:
    labs = pl.DataFrame({"analyte": ["ANC"], "value": ["1,234"], "unit": ["K/uL"], "lln": ["2"]})
    assert grade_labs(labs)["grade_reason"].to_list() == ["ambiguous number"]
    assert grade_labs(labs, decimal=",")["grade"].to_list() == [2]


def test_duplicates_stay() -> None:
    labs = pl.DataFrame({"analyte": ["ANC"] * 3, "value": ["0.4"] * 3, "unit": ["K/uL"] * 3})
    assert grade_labs(labs)["grade"].to_list() == [4, 4, 4]


def test_row_numbers_of_the_frame_may_repeat() -> None:
    labs = pl.DataFrame(
        {
            "analyte": ["ANC", "Hb"],
            "value": ["0.4", "140"],
            "unit": ["K/uL", "g/L"],
            "lln": [2, 120],
            "source_row": [2, 2],
        }
    )
    assert grade_labs(labs).select("source_row", "grade").rows() == [(2, 4), (2, 0)]


def test_a_marked_row_is_not_judged() -> None:
    labs = pl.DataFrame({"analyte": ["PLT"], "value": ["12"], "unit": ["K/uL"], "invalid": ["clumping"]})
    assert grade_labs(labs).select("grade", "grade_reason").row(0) == (None, "clumping")


def test_a_frame_without_rows() -> None:
    labs = pl.DataFrame(schema={"analyte": pl.String, "value": pl.String, "unit": pl.String})
    added = ["term", "grade", "grade_worst", "grade_reason"]
    assert grade_labs(labs).columns == ["analyte", "value", "unit", *added]


def test_a_definition_of_a_study(tmp_path: Path) -> None:
    (tmp_path / "definitions").mkdir()
    text = 'id = "own"\nextends = "ctcae_v4"\nstatus = "study"\n'
    text += '[anemia]\ngrades = [{ grade = 2, below = 70, text = "low" }]\n'
    (tmp_path / "definitions" / "own.toml").write_text(text)
    labs = pl.DataFrame({"analyte": ["Hb"], "value": ["79"], "unit": ["g/L"]})
    assert grade_labs(labs, "own.anemia", folder=tmp_path)["grade"].to_list() == [0]


def test_an_absent_column() -> None:
    with pytest.raises(MissingColumnError, match="labs: column 'unit' is missing"):
        grade_labs(pl.DataFrame({"analyte": ["ANC"], "value": ["0.4"]}))


def test_a_taken_column() -> None:
    with pytest.raises(DataError, match=r"has a column grade already\. Rename or drop it"):
        grade_labs(pl.DataFrame({**COLUMNS, "grade": [1] * 6}))


@pytest.mark.parametrize(
    "labs", [COLUMNS, [1, 2], pl.DataFrame(COLUMNS).lazy(), None], ids=["dict", "list", "lazy", "none"]
)
def test_something_else_than_a_frame(labs: Any) -> None:
    with pytest.raises(DataError, match=r"a pandas, Polars \(not lazy\) or Arrow DataFrame is needed; got"):
        grade_labs(labs)


def test_a_decimal_mark_that_is_none() -> None:
    with pytest.raises(DataError, match=r"decimal is ';'; allowed: 'auto', '\.', ','"):
        grade_labs(pl.DataFrame(COLUMNS), decimal=";")


@pytest.mark.parametrize("name", ["ctcae_v9", "qiu2023_recovery", "ctcae_v4.anaemia"])
def test_a_definition_that_grades_no_values(name: str) -> None:
    with pytest.raises(DefinitionError, match=name.partition(".")[0]):
        grade_labs(pl.DataFrame(COLUMNS), name)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"anc": 1800}, "anc = 1800 lies outside 0.3 to 12 1e9/L; give the limit in 1e9/L"),
        ({"hemoglobin": 12}, "hemoglobin = 12 lies outside 80 to 170 g/L"),
        ({"anc": 0}, "anc = 0 lies outside"),
        ({"anc": float("nan")}, "anc = nan lies outside"),
        ({"ancc": 2.0}, r"unknown analyte 'ancc' \(did you mean 'anc'\?\)"),
        ({"anc": 2.0, "ANC": 1.8}, "anc is given twice; remove one"),
    ],
)
def test_limits_that_cannot_be_meant(limits: dict[str, float], words: str) -> None:
    with pytest.raises(DataError, match=words):
        require_limits(limits)


def test_every_wrong_limit_is_told_at_once() -> None:
    with pytest.raises(DataError, match=r"(?s)'ancc'.*platelets = 1"):
        require_limits({"ancc": 2.0, "platelets": 1, "wbc": 4})


def test_limits_at_the_ends_of_the_usual_range() -> None:
    assert require_limits({"Hb": 80, "PLT": 400}) == {"hemoglobin": 80.0, "platelets": 400.0}
