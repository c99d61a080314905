"""The Results in words: the numbers of the tables, nothing that did not run, and no word too strong."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from association_factory import (
    associations_of,
    crosstab_rows,
    group_sizes,
    make_associations,
    odds_rows,
    refused,
    roc_rows,
)
from cytopenia.report.content import ReportContent
from cytopenia.report.document import render_report
from cytopenia.report.results_words import render_results, write_results
from cytopenia.report.sections import WORDS, list_sections
from cytopenia.report.table_model import Table
from cytopenia.report.word import render_word
from cytopenia.results import ResultRow, collect_results
from cytopenia.run_content import collect_content
from cytopenia.study.protocol import read_protocol
from cytopenia.workflow import analyze_study
from quick_reports import without_figures
from report_factory import make_content

EXAMPLES = Path(str(resources.files("cytopenia") / "data" / "example"))
NUMBER = re.compile(r"\d+(?:[.,\N{NARROW NO-BREAK SPACE}]\d+)*")
# The level of the limits and of the tests, which no row holds.
GIVEN = {"95", "0.05"}
TOO_STRONG = re.compile(
    r"\b(caus\w+|trend\w*|significan\w+|due to|led to|leads to|effects?|protect\w*|independent\w*)\b",
    re.IGNORECASE,
)


def tables_of(content: ReportContent) -> Mapping[str, Sequence[Table]]:
    with without_figures():
        sections = list_sections(content)
    # The checklist numbers its items; no number of a paragraph comes from there.
    return {one.id.removeprefix("analysis-"): one.tables for one in sections if one.id != "checklist"}


def words_of(content: ReportContent) -> dict[str, str]:
    return {heading: "\n".join(texts) for heading, texts in write_results(content, tables_of(content))}


@cache
def associations() -> dict[str, str]:
    return words_of(make_associations())


def list_texts(table: Table) -> Iterator[str]:
    """Everything a table prints."""
    yield from (table.caption, *table.notes, *table.footnotes)
    yield from (column.full_title for column in table.columns)
    for row in table.rows:
        yield from (row.header, row.text, *(cell.plain for cell in row.cells))


def find_strange(content: ReportContent) -> set[str]:
    """Numbers of the paragraphs that no table of the run prints."""
    printed = {
        number
        for tables in tables_of(content).values()
        for table in tables
        for text in list_texts(table)
        for number in NUMBER.findall(text)
    }
    titles = NUMBER.findall(" ".join(str(one.get("title")) for one in content.analyses))
    flow = [
        number
        for text in content.results.filter(analysis_id="flow")["text"]
        for number in NUMBER.findall(text)
    ]
    counts = [f"{value:g}" for value in content.results.filter(analysis_id="flow")["value"].drop_nulls()]
    known = printed | GIVEN | set(titles) | set(flow) | set(counts)
    return {one for text in words_of(content).values() for one in NUMBER.findall(text)} - known


def test_every_number_stands_in_a_table() -> None:
    assert not find_strange(make_content())
    assert not find_strange(make_associations())
    assert len(NUMBER.findall(" ".join(associations().values()))) > 50


@pytest.mark.long
@pytest.mark.parametrize("name", ["study", "survival", "published", "definitions", "read_with_care"])
def test_every_number_of_the_examples_stands_in_a_table(name: str) -> None:
    path = EXAMPLES / f"{name}.toml"
    content = collect_content(analyze_study(path), read_protocol(path))
    assert not find_strange(content)
    text = " ".join(words_of(content).values())
    assert not TOO_STRONG.findall(text)
    assert "None" not in text
    assert "nan" not in text.split()


def test_headings_are_those_of_the_analyses_that_ran() -> None:
    assert list(words_of(make_content(analyses=[]))) == ["Cohort"]
    assert "Cohort" in words_of(make_content())


def test_counts_come_with_denominator_percent_and_bounds() -> None:
    text = " ".join(words_of(make_content()).values())
    assert (
        "Severe anemia: any grade in 55/63 (87.3%; bounds 54–57) and grade ≥\xa03 in 16/63 (25.4%)." in text
    )
    # Who could not be judged depends on the outcome, so there is no percentage.
    assert "grade ≥\xa03 in 48/63 (bounds 47–50); 2 not judged (no measurement in the window: 2)." in text


def test_no_word_is_stronger_than_an_association() -> None:
    for content in (make_content(), make_associations()):
        assert not TOO_STRONG.findall(" ".join(words_of(content).values()))


FERRITIN = {"analysis_id": "a", "group": "univariable", "variable": "ferritin", "n": 63}
STEP = "Ferritin, µg/L (per doubling)"


def model_words(*rows: object) -> str:
    sizes = group_sizes("a", ("Yes", "No", "All"), [(30, 30, 30), (33, 33, 33), (63, 63, 63)])
    content = associations_of([*sizes, *rows], title="Factors")  # pyright: ignore[reportArgumentType]
    return words_of(content).get("Factors", "")


def test_an_association_has_its_odds_ratio_its_limits_and_its_p() -> None:
    text = model_words(*odds_rows(FERRITIN, (1.5, 1.1, 2.25), 0.012, text=STEP))
    assert "ferritin, per doubling (OR 1.500; 95% CI 1.100–2.250; P = 0.012)" in text
    assert "these were associated with" in text


def test_a_p_just_above_the_level_is_no_association() -> None:
    text = model_words(*odds_rows(FERRITIN, (1.5, 0.99, 2.25), 0.051, text=STEP))
    assert "nothing was associated with" in text
    assert "No association was found at this level for" in text
    assert "P = 0.051" in text


def test_what_could_not_be_estimated_is_said_with_its_reason() -> None:
    text = model_words(refused("a", "univariable", "ferritin", "separation: nobody without the event"))
    assert "No estimate in univariable models: " in text
    assert "(separation: nobody without the event)" in text


def test_pairs_that_were_not_tested_have_no_p_and_curves_that_were_not_drawn_no_area() -> None:
    words = words_of(make_associations(results=collect_results(without_estimates())))
    pairs = words["Thrombocytopenia and CRS (Table SV)"]
    assert "Pairs of levels that were not tested: none vs grade 1-2 (a level has no patients)" in pairs
    assert "P = –" not in pairs
    curves = words["Cut-offs for recovery (Figure SI)"]
    assert curves.startswith("No area under the curve and no cut-off could be estimated: ")
    assert "same patients" not in curves


def without_estimates() -> Iterator[ResultRow]:
    """The rows of a cross table without a test of pairs, and of curves where everybody has the event."""
    gone: dict[str, Any] = {"status": "not_estimable", "value": None, "low": None, "high": None}
    for row in (*crosstab_rows(), *roc_rows()):
        if row.group == "pairwise":
            yield dataclasses.replace(row, **gone, note="a level has no patients")
        elif row.analysis_id == "curves" and row.estimate in {"auc", "cut", "sensitivity", "specificity"}:
            yield dataclasses.replace(row, **gone, note="everybody has the event")
        elif row.group != "curve":
            yield row


def test_a_refused_model_is_said_to_be_refused() -> None:
    why = "12 patients in the smaller group: a multivariable model needs 20"
    rows = [
        ResultRow(analysis_id="a", group="size", variable="model", estimate="n", value=60),
        ResultRow(
            analysis_id="a", group="performance", variable="model", estimate="n", status="not_done", note=why
        ),
    ]
    content = associations_of(rows, kind="prediction", title="A model")
    assert f"No model was made: {why}." in words_of(content)["A model"]


@pytest.mark.parametrize(
    "title",
    ["x" * 300, "\N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET}, g/L", "=HYPERLINK(1)", "a\x00\nb (c; d"],
)
def test_any_name_of_a_factor_can_be_said(title: str) -> None:
    text = model_words(*odds_rows(FERRITIN, (1.5, 1.1, 2.25), 0.012, text=f"{title} (per doubling)"))
    assert "(OR 1.500; 95% CI 1.100–2.250; P = 0.012)" in text
    assert "\x00" not in text


def test_the_text_stands_in_html_word_and_markdown_and_is_escaped() -> None:
    title = '<b>"age" & {x}</b> \N{PILE OF POO}'
    content = make_content(outcome_titles={**make_content().outcome_titles, "severe_neutropenia": title})
    with without_figures():
        sections = list_sections(content)
    (section,) = (one for one in sections if one.id == WORDS)
    page = render_report(content, sections=sections)
    assert "Results in words</h2>" in page
    assert "<b>" not in page
    text = render_results(section.texts, title=content.title, banner="Synthetic data.")
    assert text.startswith("# Results: ")
    assert "<b>" not in text.replace(r"\<b\>", "")
    assert render_word(content, sections=sections)
