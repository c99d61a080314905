"""docs/side_by_side.md: its example is the bundled one, and its numbers are those of a run.

Of a table of two by two Firth's odds ratio is that with half a patient added to every cell (Heinze and
Schemper 2002); the counts are those of the run, the odds ratios are worked out here.
"""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import polars as pl
import pytest

from cytopenia.contract import require_tables
from cytopenia.readers.sources import read_tables
from cytopenia.study import answer_changes
from cytopenia.study.protocol import read_protocol
from cytopenia.study.run import StudyRun, run_plan

PAGE = (Path(__file__).parents[2] / "docs" / "side_by_side.md").read_text("utf-8")
EXAMPLE = Path(str(resources.files("cytopenia") / "data" / "example" / "definitions.toml"))
ROWS = re.findall(
    r"^\| (.+?) \| (\d+)/(\d+) \| (\d+)–(\d+) \| (.*?) \| (\S+) \((\S+)–(\S+)\) \|$", PAGE, re.MULTILINE
)


@pytest.fixture(scope="module")
def run() -> StudyRun:
    study = read_protocol(EXAMPLE)
    tables = read_tables(study.data_folder, study.protocol.data)
    return run_plan(study, require_tables(tables))


def test_the_example_of_the_page_is_the_bundled_one() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    bundled = EXAMPLE.read_text("utf-8")
    assert all(part.strip() in bundled for part in text.split("\n\n"))


def test_events_of_the_page(run: StudyRun) -> None:
    events = run.results.filter(analysis_id="side_by_side", group="events")
    names = events["variable"].unique(maintain_order=True).to_list()
    found = [
        tuple(
            f"{events.filter(variable=name, estimate=estimate, scenario=scenario)['value'].item():g}"
            for estimate, scenario in (
                ("count", "policy"),
                ("denominator", "policy"),
                ("count", "best"),
                ("count", "worst"),
            )
        )
        for name in names
    ]
    # More recovery is better: the fewest events are the best case.
    assert found == [row[1:5] for row in ROWS]
    assert len(ROWS) == 8


def test_kappas_of_the_page(run: StudyRun) -> None:
    kappas = run.results.filter(analysis_id="side_by_side", variable="ctcae_v5", estimate="kappa")
    shown = [
        f"{value:.2f}" + ("" if low is None else f" ({low:.2f}–{high:.2f})")
        for value, low, high in kappas.select("value", "low", "high").iter_rows()
    ]
    assert shown == [row[5] for row in ROWS[1:]]


def test_the_odds_ratios_of_the_page_are_those_of_two_by_two_tables(run: StudyRun) -> None:
    rows = run.results.filter(analysis_id="side_by_side", group="univariable", variable="hematotox")
    for name, printed in zip(rows["stratum"].unique(maintain_order=True), ROWS, strict=True):
        found = {
            (level, estimate): value
            for level, estimate, value in rows.filter(stratum=name)
            .select("variable_level", "estimate", "value")
            .iter_rows()
        }
        cells = [
            half + 0.5
            for level in ("high", "low")
            for half in (
                found[level, "events"],
                found[level, "patients"] - found[level, "events"],
            )
        ]
        by_hand = cells[0] * cells[3] / (cells[1] * cells[2])
        assert found["high", "odds_ratio"] == pytest.approx(by_hand, rel=1e-6)
        assert f"{by_hand:.3f}" == printed[6]


def test_the_change_of_the_page(run: StudyRun) -> None:
    lost = run.changes.filter(other="ctcae_v6", change="event to no event")
    assert lost.height == 22
    assert "day 5: 0.76 ×10⁹/L is below 1 ×10⁹/L, not below 0.5 ×10⁹/L" in lost["detail"].to_list()


def test_every_reason_stands_on_the_page() -> None:
    names = ("NO_ANSWER", "DEATH", "BEFORE", "OTHER_CUT", "OTHER_DAYS", "NOT_COUNTED")
    names += ("TOO_FEW", "COUNTED", "CUT_AND_DAYS", "OTHER_KIND")
    assert [name for name in names if f"| {getattr(answer_changes, name)} |" not in PAGE] == []


def test_every_group_of_results_stands_on_the_page(run: StudyRun) -> None:
    groups = run.results.filter(pl.col("analysis_id") == "side_by_side")["group"].unique()
    assert [group for group in groups if f"`{group}`" not in PAGE and group != "gate"] == []
