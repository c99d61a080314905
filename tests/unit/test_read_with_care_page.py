"""docs/read_with_care.md: its example is the bundled one, and its lines are those of a run."""

from __future__ import annotations

import csv
import re
from importlib import resources
from pathlib import Path

import pytest

from cytopenia.report.care_tables import table_care_sentences, table_read_with_care
from cytopenia.report.content import ReportContent
from cytopenia.report.methods import write_methods_paragraphs
from cytopenia.report.table_model import Table
from cytopenia.run_content import collect_content
from cytopenia.study.protocol import read_protocol
from cytopenia.workflow import analyze_study

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "read_with_care.md").read_text("utf-8")
EXAMPLE = Path(str(resources.files("cytopenia") / "data" / "example" / "read_with_care.toml"))
LINES = re.findall(
    r"^\| (.+?) \| (.+?) \| (.+?) \| ?(same|weaker|stronger|reversed|open|)? ?\|$", PAGE, re.MULTILINE
)


def test_the_example_of_the_page_is_the_bundled_one() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert text.strip() in EXAMPLE.read_text("utf-8")


def test_shares_of_the_page_are_the_measured_ones() -> None:
    with (ROOT / "docs" / "simulation_study" / "pipeline.csv").open(encoding="utf-8") as file:
        rows = {(row["direction"], row["quantity"]): row for row in csv.DictReader(file)}
    names = ("any_screened", "any_independent", "marker_independent")
    for direction in ("declared", "observed"):
        printed = re.findall(rf"^\| {direction} \| (\S+)% \| (\S+)% \| (\S+)% \|$", PAGE, re.MULTILINE)[0]
        found = [100 * float(rows[direction, name]["share"]) for name in names]
        assert [float(text) for text in printed] == pytest.approx(found, abs=0.0501)
    assert max(float(row["standard_error"]) for row in rows.values()) < 0.0085


@pytest.fixture(scope="module")
def content() -> ReportContent:
    return collect_content(analyze_study(EXAMPLE), read_protocol(EXAMPLE))


@pytest.fixture(scope="module")
def table(content: ReportContent) -> Table:
    return table_read_with_care(content, "table3")


@pytest.mark.long
def test_the_lines_of_the_page_are_those_of_a_run(table: Table) -> None:
    texts = [(row.header, *(cell.plain for cell in row.cells)) for row in table.rows if len(row.cells) == 3]
    found = {tuple(text.replace("\N{NO-BREAK SPACE}", " ") for text in row) for row in texts}
    shown = [line for line in LINES if line[0] not in ("Line", "Verdict")]
    assert len(shown) == 11
    assert [line for line in shown if line not in found] == []
    assert "324 of 1000 resamples gave no finite estimate and are not counted" in table.footnotes


@pytest.mark.long
def test_every_panel_has_its_sentence_and_nothing_is_counted_over_definitions(content: ReportContent) -> None:
    rows = table_care_sentences(content, "table3").rows
    assert [row.header[0] for row in rows] == list("ABCDEF")
    said = {row.header[0]: row.cells[0].text for row in rows}
    assert said["B"].endswith("the conclusion is the same for 4 of 5, weaker for baseline ferritin.")
    assert said["D"].endswith(
        "before treatment the conclusions are the same for 4 of 5, weaker for baseline hemoglobin."
    )
    assert said["F"].startswith(
        "39 events among 60 patients as published, 39–46 under the 3 other definitions"
    )
    assert said["F"].endswith(" (13 patients were never below and count as recovered).")
    assert table_care_sentences(content, "figure_s1").rows == ()


@pytest.mark.long
def test_the_methods_say_how_the_careful_numbers_were_made(content: ReportContent) -> None:
    text = " ".join(part for _, parts in write_methods_paragraphs(content) for part in parts)
    assert "A model was named before the careful numbers were seen (Table III: " in text


@pytest.mark.long
def test_the_sentences_name_whose_numbers_they_are(content: ReportContent) -> None:
    """The area is that of the published selection, the share that of resamples with a fit."""
    rows = table_care_sentences(content, "table3").rows
    told = " ".join(cell.text for row in rows for cell in row.cells)
    area = r"the AUC of the published selection, 0\.92, is 0\.86 corrected for optimism and 0\.77 with pairs"
    assert re.search(area, told)
    assert re.search(
        r"of the resamples with a finite fit \(676 of 1,?000\) select the published factors", told
    )
