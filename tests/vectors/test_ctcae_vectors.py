"""The boundary vectors of CTCAE, typed from the official sentences, through the whole path of a printed row.

Each cut has values below, at and above it in every accepted unit. "" in `expected_grade` means that no grade
can be read from the row. The units of one cut differ by powers of ten only; mmol/L by 16.114 g/L. An exact
decrease of 25, 50 or 75% belongs to the worse grade: the text reads "25 - <50% decrease".
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import polars as pl
import pytest

from cytopenia.contract import prepare_labs
from cytopenia.definitions import load_library
from cytopenia.grading.grades import grade_labs

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.glob("ctcae_v*_*.csv"))
VERSIONS = ("ctcae_v4", "ctcae_v5", "ctcae_v6")
# The official text joins the clauses of one grade with a semicolon, in version 4 once with "or".
OR = {"ctcae_v4_fibrinogen_decreased": " or "}


def split_name(path: Path) -> tuple[str, str]:
    """Definition and part from "ctcae_v5_anemia"."""
    version = next(name for name in VERSIONS if path.stem.startswith(f"{name}_"))
    return version, path.stem.removeprefix(f"{version}_")


def read_vectors(path: Path) -> pl.DataFrame:
    vectors = pl.read_csv(path, infer_schema=False).fill_null("")
    return vectors.with_columns(pl.col("expected_grade").cast(pl.Int8, strict=False))


@cache
def grade_vectors(path: Path) -> pl.DataFrame:
    return grade_printed(read_vectors(path), ".".join(split_name(path)))


def grade_printed(rows: pl.DataFrame, address: str) -> pl.DataFrame:
    """Grades of printed rows; a row with a comma is judged alone, so that no other row settles the mark."""
    is_comma = pl.col("value").str.contains(",", literal=True)
    alone = list(rows.filter(is_comma).iter_slices(1))
    parts = [rows.filter(~is_comma), *alone]
    columns = [name for name in ("analyte", "value", "unit", "lln", "baseline") if name in rows.columns]
    found = [prepare_labs(part.select(columns), collapse_duplicates=False)[0] for part in parts]
    graded = grade_labs(pl.concat(found), load_library().find_parts(address))
    return pl.concat(parts).hstack(graded.select("term", "grade", "grade_reason"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_vector_has_the_grade_of_the_official_sentence(path):
    graded = grade_vectors(path)
    wrong = graded.filter(pl.col("grade").ne_missing(pl.col("expected_grade")))
    assert wrong.rows() == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_row_without_a_grade_says_why(path):
    graded = grade_vectors(path).filter(pl.col("grade").is_null())
    says = pl.col("grade_reason").str.contains(pl.col("expected_reason_contains"), literal=True)
    assert graded.filter(~says | (pl.col("grade_reason") == "")).rows() == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_vectors_quote_the_sentence_of_the_definition(path):
    address = ".".join(split_name(path))
    part = load_library().find_parts(address)[address]
    clauses = {rule.grade: [r.text for r in part.grades if r.grade == rule.grade] for rule in part.grades}
    sentences = {grade: OR.get(path.stem, "; ").join(texts) for grade, texts in clauses.items()}
    for row in read_vectors(path).filter(pl.col("expected_grade") > 0).iter_rows(named=True):
        assert f"Grade {row['expected_grade']}: {sentences[row['expected_grade']]}" in row["source"]


@pytest.mark.parametrize("version", VERSIONS)
def test_there_is_a_vector_file_for_every_term(version):
    terms = {address.removeprefix(f"{version}.") for address in load_library().find_parts(version)}
    assert {part for name, part in map(split_name, FILES) if name == version} == terms
