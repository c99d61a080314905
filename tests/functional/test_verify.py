"""`cytopenia verify`: a paper against itself, and the counts behind what it prints."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

PAPER = """id = "mine"
title = "Mine & others"
citation = "Here"
significance_level = "0.05"

[[claims]]
id = "males"
where = "Table I"
about = "Males"
kind = "count_percent"
count = "45"
percent = "{percent}"
of = "63"
"""


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    (tmp_path / "mine.toml").write_text(PAPER.format(percent="71.43"), encoding="utf-8")
    return tmp_path / "mine.toml"


def test_a_paper_without_fault_ends_with_0(paper: Path, command) -> None:
    answer = command("verify", paper)
    assert answer.code == 0
    assert "1 checks: 1 consistent, 0 rounding convention, 0 cannot be checked, 0 inconsistent." in answer.out
    assert "Males" not in answer.out
    assert "45 (71.43%)" in command("verify", paper, "--all").out


def test_a_paper_with_a_fault_ends_with_20(paper: Path, command) -> None:
    paper.write_text(PAPER.format(percent="74.13"), encoding="utf-8")
    answer = command("verify", paper)
    assert answer.code == 20
    assert "inconsistent, minor" in answer.out
    assert "71.43 for 74.13" in answer.out


def test_the_paper_of_the_package(command) -> None:
    answer = command("verify", "qiu2023")
    assert answer.code == 20
    assert "8 inconsistent." in answer.out
    assert "only one table" not in answer.out


def test_every_check_as_json(paper: Path, command) -> None:
    checks = json.loads(command("verify", paper, "--json").out)
    assert [(check["id"], check["verdict"]) for check in checks] == [("males", "consistent")]
    assert checks[0]["arithmetic"] == "100 x 45 / 63 = 71.4286; printed 71.43"


def test_a_page(paper: Path, tmp_path: Path, command) -> None:
    page = tmp_path / "page.html"
    assert command("verify", paper, "--html", page).code == 0
    text = page.read_text("utf-8")
    assert "Mine &amp; others" in text
    assert "100 x 45 / 63 = 71.4286" in text
    assert "<script" not in text
    assert command("verify", paper, "--html", tmp_path / "none" / "page.html").code == 15


def test_a_file_that_is_wrong_or_absent(paper: Path, tmp_path: Path, command) -> None:
    paper.write_text(PAPER.format(percent="71..43"), encoding="utf-8")
    answer = command("verify", paper)
    assert answer.code == 12
    assert "claims.1 ('males'): 'percent': is '71..43'; allowed: a number as printed" in answer.err
    assert command("verify", tmp_path / "none.toml").code == 12
    assert "unknown paper 'qiu2022' (did you mean 'qiu2023'?)" in command("verify", "qiu2022").err


COUNTS = ("verify", "counts", "--odds-ratio", "0.107", "--interval", "0.028", "0.410", "--groups", "39", "21")


def test_counts_behind_an_odds_ratio(command) -> None:
    answer = command(
        "verify", "counts", "--odds-ratio", "11", "--interval", "3.130", "38.660", "--groups", 39, 21
    )
    assert answer.out == (
        "Exactly one table of counts prints so:\n"
        "  33 of 39 in the first group and 7 of 21 in the second: 11 (3.1299 to 38.66), rounded\n"
    )
    assert command(*COUNTS).out == "No table of counts prints so.\n"
    lost = json.loads(command(*COUNTS, "--missing", 2, "--json").out)
    assert (lost["answer"], lost["tables"][0]["counts"]) == ("unique", [4, 34, 11, 10])
    assert lost["tables"][0]["first_missing"] == 1


def test_many_tables_are_counted(command) -> None:
    answer = command("verify", "counts", "--odds-ratio", "1", "--interval", "0.5", "2", "--groups", 90, 90)
    first, *lines, last = answer.out.splitlines()
    count = int(first.split()[0])
    assert len(lines) == 20
    assert last == f"  and {count - 20} more; --json lists the first 1,000"


def test_counts_that_cannot_be_looked_for(command) -> None:
    answer = command("verify", "counts", "--odds-ratio", "two", "--interval", "1", "3", "--groups", 39, 21)
    assert answer.code == 10
    assert "'two' is no printed number; allowed: digits with a decimal point" in answer.err


def test_counts_behind_percentages(command) -> None:
    answer = command("verify", "percentages", "84.6", "33.3", "15.4", "66.7", "--of", 39, 21)
    assert answer.out == (
        "Of 39 patients: Exactly one set of counts prints so:\n  33 + 6, rounded\n"
        "Of 21 patients: Exactly one set of counts prints so:\n  7 + 14, rounded\n"
    )
    sets = json.loads(
        command("verify", "percentages", "50.0", "50.0", "--of", 21, "--missing", 1, "--json").out
    )
    assert sets[0]["found"] == [[[10, 10], 1]]
    answer = command("verify", "percentages", "50", "25", "25", "--of", 39, 21)
    assert answer.code == 10
    assert "3 percentages do not fill rows of 2 groups" in answer.err


def test_the_demonstration_checks_its_paper(tmp_path: Path, command) -> None:
    assert command("demo", "--out", tmp_path / "demo").code == 0
    checks = pl.read_csv(tmp_path / "demo" / "results" / "paper_checked.csv")
    assert checks.filter(verdict="inconsistent").height == 8
    page = (tmp_path / "demo" / "results" / "report.html").read_text("utf-8")
    assert "The paper checked against itself: inconsistent 8, rounding convention 22" in page
