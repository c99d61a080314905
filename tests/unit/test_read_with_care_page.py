"""docs/read_with_care.md: its example is the bundled one, and its lines are those of a run."""

from __future__ import annotations

import csv
import re
import subprocess
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

from care_verdicts import compare_sides, judge_printed
from cytopenia.report.care_lines import VERDICTS
from cytopenia.report.care_tables import table_read_with_care
from cytopenia.report.content import ReportContent
from cytopenia.report.methods import write_methods_paragraphs
from cytopenia.report.table_model import Table
from cytopenia.report.word import render_word
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
    assert len(shown) == 10
    assert [line for line in shown if line not in found] == []
    area = "Corrected for optimism by resamples in which every step was done again; from the 650 of 1000"
    assert f"{area} resamples whose model has a finite estimate" in table.footnotes
    (passes,) = (note for note in table.footnotes if ". Passes: of all 1000 resamples; no finite" in note)
    assert "16.9% (baseline ferritin)" in passes


@pytest.mark.long
def test_every_panel_has_its_sentence_and_nothing_is_counted_over_definitions(content: ReportContent) -> None:
    sections = [row for row in table_read_with_care(content, "table3").rows if row.is_section]
    said = {row.header[0]: row.text for row in sections}
    assert list(said) == list("ABCDEF")
    assert said["B"].endswith("the conclusion is the same for 4 of 5, weaker for baseline ferritin.")
    assert said["D"].endswith(
        "before treatment the conclusions are the same for 4 of 5, weaker for baseline hemoglobin."
    )
    assert said["F"].startswith(
        "39 events among 60 patients as published, 39–46 under the 3 other definitions"
    )
    assert said["F"].endswith(" (13 patients were never below and count as recovered).")
    assert table_read_with_care(content, "figure_s1").rows == ()


@pytest.mark.long
def test_the_methods_say_how_the_careful_numbers_were_made(content: ReportContent) -> None:
    text = " ".join(part for _, parts in write_methods_paragraphs(content) for part in parts)
    assert "A model was named before the careful numbers were seen (Table III: " in text


@pytest.mark.long
def test_the_sentences_name_whose_numbers_they_are(content: ReportContent) -> None:
    """The area is that of the published selection, the share that of resamples with a fit."""
    told = " ".join(row.text for row in table_read_with_care(content, "table3").rows)
    area = r"the AUC of the published selection, 0\.91, is 0\.86 corrected for optimism and 0\.78 with pairs"
    assert re.search(area, told)
    share = r"the published factors and no other pass the screen in \d\d\.\d% of all 1,?000 resamples, and "
    assert re.search(rf"{share}the model of what passes has a finite estimate in 650 of them", told)


@pytest.mark.long
def test_every_verdict_follows_from_the_printed_numbers(content: ReportContent, table: Table) -> None:
    """A reader with the page alone comes to the same word: by the intervals, or by P below 0.05."""
    told = 0
    for row in table.rows:
        cells = [cell.plain.replace("\N{NO-BREAK SPACE}", " ") for cell in row.cells]
        if len(cells) < 3 or cells[2] not in set(VERDICTS.values()) or not cells[0]:
            continue
        sides = [judge_printed(cell) for cell in cells[:2]]
        assert cells[2] == compare_sides(*sides), (row.header, cells)
        told += 1
    assert told == 19


@pytest.mark.long
def test_what_does_not_change_is_counted_and_not_listed(table: Table) -> None:
    """Five odds ratios under each of seven readings: the rest of each part is told with its number."""
    parts = [row for row in table.rows if row.cells and row.cells[-1].text.startswith("same for ")]
    assert len(parts) == 7
    for place, row in enumerate(table.rows):
        if row not in parts:
            continue
        listed = 0
        for below in table.rows[place + 1 :]:
            if not below.indent:
                break
            assert below.cells[2].text in {"weaker", "stronger", "reversed", "not comparable"}
            listed += 1
        said = row.cells[-1].text
        same = 5 - listed
        assert said == (f"same for {same} of 5" if listed else "same for all 5")


@pytest.mark.long
def test_no_word_has_two_meanings_on_the_page(content: ReportContent, table: Table) -> None:
    """A verdict without two intervals is not comparable, an outcome that days could change is undecided."""
    words = [row.header for row in table.rows] + [row.text for row in table.rows] + [*table.notes]
    words += [cell.plain for row in table.rows for cell in row.cells] + [*table.footnotes]
    assert not re.search(r"\bopen\b", " ".join(words), re.IGNORECASE)


@pytest.mark.long
def test_the_methods_have_every_panel_with_its_sources(content: ReportContent) -> None:
    text = " ".join(part for _, parts in write_methods_paragraphs(content) for part in parts)
    for words in (
        "its 95% interval holds the middle 95% of these cut-offs",
        "The P of the best of all cut-offs is the share of all arrangements",
        "were also adjusted over the factors screened",
        "is a share of all resamples, whether or not maximum likelihood had a finite estimate",
        "estimated with pairs of patients left out",
        "Efron B, Tibshirani R.",
        "Miller R, Siegmund D.",
        "Benjamini Y, Hochberg Y.",
        "Heinze G, Wallisch C, Dunkler D.",
        "Harrell FE, Lee KL, Mark DB.",
        "Airola A, Pahikkala T, Waegeman W, De Baets B, Salakoski T.",
        "Peduzzi P, Concato J, Kemper E, Holford TR, Feinstein AR.",
    ):
        assert words in text, words


@pytest.mark.long
def test_the_page_is_one_page_of_the_word_file(
    content: ReportContent, tmp_path: Path, find_program: Callable[[str], str]
) -> None:
    """From its heading to its last note, and nothing else on it."""
    office, reader = find_program("soffice"), find_program("pdftotext")
    (tmp_path / "report.docx").write_bytes(render_word(content))
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = [office, profile, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path)]
    subprocess.run([*command, str(tmp_path / "report.docx")], check=True, capture_output=True, timeout=180)
    done = subprocess.run([reader, str(tmp_path / "report.pdf"), "-"], check=True, capture_output=True)
    (page,) = (one for one in done.stdout.decode("utf-8").split("\f") if "Table III, read with care" in one)
    assert "A. Numbers as numbers" in page
    assert "F. Other definitions" in page
    assert "seed 20261128" in page
    assert "What was measured" not in page
