"""`cytopenia verify cohort`: factors from a file, an invented cohort to a file."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

ROOT = Path(__file__).parents[2]
HEAD = "name,first_with,first_without,second_with,second_without,odds_ratio,low,high\n"
# Table III of Qiu et al. 2023: the counts behind its univariable odds ratios, and the multivariable ones.
SHEET = HEAD + "anc,33,6,7,14,14.834,2.391,92.051\nhemoglobin,26,13,4,17,7.963,1.323,47.921\n"
TOML = """
[[factors]]
name = "anc"
alone_odds_ratio = "11"
alone_low = "3.130"
alone_high = "38.660"
odds_ratio = "14.834"
low = "2.391"
high = "92.051"

[[factors]]
name = "il6"
alone_odds_ratio = "0.107"
alone_low = "0.028"
alone_high = "0.410"
odds_ratio = "0.091"
low = "0.010"
high = "0.802"
"""
OPTIONS = ("--groups", 39, 21, "--seed", 1, "--near", 0.9, 0.9, "--rounds", 20)


@pytest.fixture
def factors(tmp_path: Path) -> Path:
    (tmp_path / "factors.csv").write_text(SHEET, encoding="utf-8")
    return tmp_path / "factors.csv"


def test_it_says_what_was_found_and_that_all_is_invented(factors: Path, command) -> None:
    answer = command("verify", "cohort", factors, *OPTIONS)
    assert answer.code == 0
    assert answer.out.startswith("60 invented patients; the counts of each factor alone are exact.\n")
    assert "anc: 33 of 39 and 7 of 21\n    printed 14.834 (2.391 to 92.051), found " in answer.out
    assert "As near as asked, within 90% of each odds ratio and 90% of each limit." in answer.out
    assert not answer.err


def test_the_file_has_the_counts(factors: Path, tmp_path: Path, command) -> None:
    answer = command("verify", "cohort", factors, *OPTIONS, "--out", tmp_path / "cohort.csv")
    assert "cohort.csv. Every patient is invented." in answer.out
    table = pl.read_csv(tmp_path / "cohort.csv")
    assert table.columns == ["patient_id", "group", "anc", "hemoglobin"]
    assert table["patient_id"][0] == "INVENTED-01"
    found = table.group_by("group").agg(pl.len(), pl.col("anc", "hemoglobin").sum()).sort("group")
    assert found.rows() == [("first", 39, 33, 26), ("second", 21, 7, 4)]


def test_counts_from_univariable_odds_ratios(tmp_path: Path, command) -> None:
    (tmp_path / "factors.toml").write_text(TOML, encoding="utf-8")
    answer = command("verify", "cohort", tmp_path / "factors.toml", *OPTIONS, "--missing", 1, "--json")
    found = json.loads(answer.out)
    assert (found["invented"], found["patients"], found["is_close"]) == (True, 60, True)
    assert [(one["name"], one["counts"]) for one in found["factors"]] == [
        ("anc", [33, 6, 7, 14]),
        ("il6", [4, 34, 11, 10]),
    ]
    assert found["factors"][0]["printed"] == {"odds_ratio": "14.834", "low": "2.391", "high": "92.051"}


def test_what_is_not_near_enough_is_said(factors: Path, command) -> None:
    answer = command(
        "verify", "cohort", factors, "--groups", 39, 21, "--seed", 1, "--near", 0, 0, "--rounds", 1
    )
    assert answer.code == 0
    assert (
        "Not within 0% of each odds ratio and 0% of each limit; more --rounds help. Rounds: 1." in answer.out
    )


@pytest.mark.parametrize(
    ("row", "code", "words"),
    [
        (
            "anc,33,6,7,,14.834,2.391,92.051",
            12,
            "factors.1 ('anc'): has first_with, first_without, second_with",
        ),
        (
            "anc,,,,,14.834,2.391,92.051",
            12,
            "needs first_with, first_without, second_with, second_without, or",
        ),
        (
            "anc,33,6,7,14,0.091,0.100,0.802",
            12,
            "the odds ratio 0.091 lies outside its interval 0.100 to 0.802",
        ),
        (
            "anc,33,6,7,14,0.5,0.8,0.2",
            12,
            "the lower limit 0.8 lies above the upper limit 0.2; exchange them",
        ),
        ("anc,33,6,7,14,many,2.391,92.051", 12, "'odds_ratio'"),
        ("anc,33,9,7,14,14.834,2.391,92.051", 10, "42 patients in the first group; allowed: up to 39"),
        ("anc,39,0,7,14,14.834,2.391,92.051", 10, "anc: nobody is in one of its four cells"),
    ],
)
def test_a_wrong_row(tmp_path: Path, command, row: str, code: int, words: str) -> None:
    other = "other,26,13,4,17,7.963,1.323,47.921"
    (tmp_path / "factors.csv").write_text(f"{HEAD}{row}\n{other}\n", encoding="utf-8")
    answer = command("verify", "cohort", tmp_path / "factors.csv", *OPTIONS)
    assert answer.code == code
    assert words in answer.err


@pytest.mark.parametrize(
    ("name", "text", "code", "words"),
    [
        (
            "factors.csv",
            HEAD,
            12,
            "factors.csv: no factor; TOML needs a line [[factors]] for each, CSV a row",
        ),
        ("factors.toml", "factors = 3", 12, "each factor begins with a line [[factors]]"),
        ("factors.csv", SHEET + SHEET.splitlines()[1], 12, "the name 'anc' stands twice; rename one of them"),
        ("factors.csv", HEAD + "a,1,2,3,4,5,6,7,8,9\n", 12, "factors.csv: not a table that can be read"),
        ("factors.toml", TOML, 10, "'il6': no counts of 39 and 21 patients print 0.107 (0.028 to 0.410)"),
        ("factors.toml", TOML.replace('"38.660"', '"39"').replace('"3.130"', '"3"'), 10, "give the counts"),
    ],
)
def test_a_wrong_file(tmp_path: Path, command, name: str, text: str, code: int, words: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    answer = command("verify", "cohort", tmp_path / name, *OPTIONS)
    assert answer.code == code
    assert words in answer.err


def test_the_file_of_factors_is_not_written_over(factors: Path, command) -> None:
    answer = command("verify", "cohort", factors, *OPTIONS, "--out", factors)
    assert answer.code == 15
    assert "factors.csv: is the file given as FACTORS; name another with --out." in answer.err
    assert factors.read_text("utf-8") == SHEET


def test_a_model_without_a_finite_estimate(tmp_path: Path, command) -> None:
    """Four patients and four coefficients: whatever the search does, the model fits each patient exactly."""
    rows = [f"{name},1,1,1,1,2.0,0.1,9.0\n" for name in ("one", "two", "three")]
    (tmp_path / "factors.csv").write_text(HEAD + "".join(rows), encoding="utf-8")
    options = ("--groups", 2, 2, "--seed", 1, "--rounds", 2)
    assert "no finite estimate" in command("verify", "cohort", tmp_path / "factors.csv", *options).out
    found = json.loads(command("verify", "cohort", tmp_path / "factors.csv", *options, "--json").out)
    assert [one["odds_ratio"] for one in found["factors"]] == [None, None, None]
