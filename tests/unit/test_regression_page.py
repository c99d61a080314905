"""docs/regression.md: its example is a protocol of the bundled study, and its numbers are those of a run."""

from __future__ import annotations

import re
import shutil
from importlib import resources
from pathlib import Path

import polars as pl
import pytest

from cytopenia.study.protocol import read_protocol
from cytopenia.workflow import analyze_study

PAGE = (Path(__file__).parents[2] / "docs" / "regression.md").read_text("utf-8")
EXAMPLE = Path(str(resources.files("cytopenia") / "data" / "example"))
# What a row of the page is, in results.csv: analysis, factor, level, odds ratio, P.
ROWS = {
    "Stage, as a whole": ("failure", "stage_ordered", "", "", "p_overall"),
    "II against I": ("failure", "stage_ordered", "II", "odds_ratio", "p_value"),
    "Stage, trend per level": ("failure", "stage_ordered", "", "trend_odds_ratio", "p_trend"),
    "Neutrophils, 4 against 2 × 10⁹/L": ("failure", "anc_curve", "", "odds_ratio", "p_value"),
    "Neutrophils, the curve": ("failure", "anc_curve", "", "", "p_overall"),
    "Neutrophils, bend of the curve": ("failure", "anc_curve", "", "", "p_nonlinear"),
    "Hemoglobin, per 10 g/L": ("failure", "hemoglobin_10", "", "odds_ratio", "p_value"),
    "Ferritin, per doubling": ("failure", "ferritin_doubling", "", "odds_ratio", "p_value"),
}


def write_example(folder: Path) -> Path:
    shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True)
    path = folder / "study.toml"
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    path.write_text(f"{path.read_text('utf-8')}\n{block}", encoding="utf-8")
    return path


def test_the_example_is_a_protocol(tmp_path: Path) -> None:
    study = read_protocol(write_example(tmp_path))
    assert [analysis.id for analysis in study.protocol.analyses][-2:] == ["failure", "grades"]


def read_number(text: str) -> tuple[float, float]:
    """Return the number and half of its last printed digit; "<0.001" is anything between."""
    if text.startswith("<"):
        return 0.0005, 0.0005
    digits = len(text.partition(".")[2])
    return float(text), 0.5000001 * 10.0**-digits


@pytest.mark.long
def test_the_numbers_of_the_page_are_those_of_a_run(tmp_path: Path) -> None:
    results = analyze_study(write_example(tmp_path)).results.filter(group="univariable")
    lines = re.findall(r"^\| (.+?) \| (?:(.*?) )?\| (\S+) \| (.*?) \|$", PAGE, re.MULTILINE)
    rows = [line for line in lines if line[0] in ROWS]
    assert len(rows) == len(ROWS) + 3
    for place, (header, odds, p, last) in enumerate(rows):
        analysis, factor, level, ratio, p_name = ROWS[header]
        # The second table of the page is that of the grades.
        found = results.filter(
            analysis_id=analysis if place < len(ROWS) else "grades", variable=factor, variable_level=level
        )
        expected = {p_name: ("value", p)}
        if odds:
            match = re.fullmatch(r"(\S+) \((\S+)–(\S+)\)", odds)
            assert match is not None
            check(found, ratio, dict(zip(("value", "low", "high"), match.groups(), strict=True)))
        if place >= len(ROWS):
            expected["p_proportional_odds"] = ("value", last)
        for name, (column, text) in expected.items():
            check(found, name, {column: text})


def check(found: pl.DataFrame, estimate: str, printed: dict[str, str]) -> None:
    row = found.filter(estimate=estimate)
    for column, text in printed.items():
        number, half = read_number(text)
        assert row[column].item() == pytest.approx(number, abs=half), (estimate, column)
