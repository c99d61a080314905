"""Cut-offs as published and corrected: the table, its plain sentences, the figure and the Methods."""

from __future__ import annotations

import re
from html import unescape

import pytest

from association_factory import associations_of
from cytopenia.report.content import ReportContent
from cytopenia.report.cut_panel import cut_figure_id, plot_cut_panel
from cytopenia.report.drawing import ReportFigure
from cytopenia.report.honest_cuts import honest_sentences, table_honest_cuts
from cytopenia.report.sections import FIGURES_OF_KIND, TABLES_OF_KIND
from cytopenia.report.table_model import Table
from cytopenia.results import ResultRow
from report_factory import number_rows

CORRECTED = {
    "cut": (2.29, 1.89, 3.86),
    "sensitivity": (0.77, 0.57, 0.96),
    "specificity": (0.61, 0.37, 0.85),
    "ppv": (0.79, 0.66, 0.94),
    "npv": (0.61, 0.38, 0.86),
    "youden": (0.38, 0.11, 0.64),
}
APPARENT = {
    "sensitivity": (0.846, 0.703, 0.928),
    "specificity": (0.667, 0.454, 0.828),
    "ppv": (0.825, 0.680, 0.913),
    "npv": (0.7, 0.481, 0.855),
    "youden": (0.513, 0.255, 0.693),
}


def limits(group: str, name: str, numbers: tuple[float, float, float], **more: str) -> ResultRow:
    value, low, high = numbers
    return ResultRow(
        analysis_id="a", group=group, variable="anc", estimate=name, value=value, low=low, high=high, **more
    )


def cut_rows(corrected: dict[str, tuple[float, float, float]] = CORRECTED) -> list[ResultRow]:
    """One factor as the study gives it: curve, resamples, tests and models."""
    key = {"analysis_id": "a", "variable": "anc"}
    rows = number_rows(key, "Baseline ANC", n=60)
    rows.append(ResultRow(**key, estimate="cut", value=2.29, text=">= 2.29"))
    for place, point in enumerate(
        [(0.5, 1, 0), (1.5, 0.95, 0.3), (2.29, 0.846, 0.667), (4, 0.4, 0.8), (9, 0, 1)]
    ):
        at = {**key, "group": "curve", "variable_level": str(place)}
        rows += number_rows(at, **dict(zip(("threshold", "sensitivity", "specificity"), point, strict=True)))
    rows += [limits("cut_apparent", name, numbers, text="wilson") for name, numbers in APPARENT.items()]
    rows += [limits("cut_corrected", name, numbers) for name, numbers in corrected.items()]
    at = {**key, "group": "cut_corrected"}
    rows += number_rows(at, resamples=2000, one_class=3, without_cut=1)
    for place, (cut, count) in enumerate([(1.89, 400), (2.29, 1200), (3.86, 396)]):
        at = {**key, "group": "cut_distribution", "variable_level": str(place)}
        rows += number_rows(at, cut=cut, count=count)
    rows.append(
        ResultRow(**key, group="cut_test", estimate="p_value", value=0.0012, text="maximal_youden_exact")
    )
    level = {"variable_level": ">= 2.29"}
    rows.append(limits("dichotomized", "odds_ratio", (11, 3.13, 38.66), **level))
    rows.append(
        ResultRow(**key, **level, group="dichotomized", estimate="p_value", value=0.0002, text="wald")
    )
    rows.append(limits("continuous", "odds_ratio", (1.853, 1.242, 2.765)))
    rows.append(ResultRow(**key, group="continuous", estimate="p_value", value=0.003, text="wald"))
    rows.append(limits("continuous_per_iqr", "odds_ratio", (6.768, 1.957, 23.405)))
    rows += number_rows({**key, "group": "continuous_per_iqr"}, interquartile_range=3.1)
    return rows


def content_of(rows: list[ResultRow]) -> ReportContent:
    return associations_of(rows, kind="roc", outcome="recovery", event="recovered")


@pytest.fixture(scope="module")
def table() -> Table:
    return table_honest_cuts(content_of(cut_rows()), "a")


def test_published_and_corrected_stand_side_by_side(table: Table) -> None:
    assert table.caption == "Cut-offs, honestly"
    assert [column.title for column in table.columns] == ["Factor", "As published", "Corrected"]
    shown = {row.header: tuple(cell.text for cell in row.cells) for row in table.rows}
    dash = "\N{EN DASH}"
    assert shown == {
        "Baseline ANC": (),
        "Cut-off": ("≥\N{NO-BREAK SPACE}2.29", f"95% interval 1.89{dash}3.86"),
        "Sensitivity": (f"0.85 (0.70{dash}0.93)", f"0.77 (0.57{dash}0.96)"),
        "Specificity": (f"0.67 (0.45{dash}0.83)", f"0.61 (0.37{dash}0.85)"),
        "Positive predictive value": (f"0.83 (0.68{dash}0.91)", f"0.79 (0.66{dash}0.94)"),
        "Negative predictive value": (f"0.70 (0.48{dash}0.86)", f"0.61 (0.38{dash}0.86)"),
        "Youden J": (f"0.51 (0.26{dash}0.69)", f"0.38 (0.11{dash}0.64)"),
        "P of the cut-off": ("<0.001", "0.001"),
        "Odds ratio; of the number per interquartile range (3.1)": (
            f"11.000 (3.130{dash}38.660)",
            f"6.768 (1.957{dash}23.405)",
        ),
        "Odds ratio of the number per unit": ("", f"1.853 (1.242{dash}2.765)"),
        "P of the number": ("", "0.003"),
    }


def test_every_footnote_is_referred_to(table: Table) -> None:
    used = {mark for row in table.rows for cell in row.cells for mark in cell.marks}
    assert used == set(range(len(table.footnotes))) or used == set(range(1, len(table.footnotes) + 1))
    said = " ".join(table.footnotes)
    assert "2000 resamples, 3 of them left out because all had the event or nobody, 1 without" in said
    assert "As if the cut-off had been fixed before the patients were seen" in said


def test_a_plain_sentence_says_what_the_cut_is_worth(table: Table) -> None:
    assert table.notes[0] == (
        "Baseline ANC: other patients like these could as well have given any cut-off from 1.89 to 3.86. In "
        "other patients expect a sensitivity of 77% and a specificity of 61%, not 85% and 67%. If the marker "
        "had nothing to do with hematologic recovery at day 28, some cut-off would still look as good as "
        "this one in 0.1% of such cohorts."
    )


def test_a_cut_that_may_be_no_better_than_chance_says_so() -> None:
    rows = cut_rows({**CORRECTED, "youden": (0.16, -0.08, 0.39)})
    assert (
        "not 85% and 67%; it may be no better than chance."
        in table_honest_cuts(content_of(rows), "a").notes[0]
    )


def test_a_refusal_is_a_dash_with_its_reason() -> None:
    why = "8 patients in the smaller group: factors are described only below 10"
    rows = [row for row in cut_rows() if row.group in ("", "curve")]
    key = {"analysis_id": "a", "variable": "anc", "estimate": "odds_ratio", "status": "not_done", "note": why}
    rows += [ResultRow(**key, group=group) for group in ("cut_corrected", "continuous")]
    found = table_honest_cuts(content_of(rows), "a")
    assert [row.header for row in found.rows] == ["Baseline ANC", "Cut-off"]
    assert found.footnotes == (f"\N{EN DASH} {why}",)
    assert plot_cut_panel(content_of(rows), "a") is None


def test_without_resamples_there_is_no_table_no_figure_and_no_sentence() -> None:
    content = content_of([row for row in cut_rows() if row.group in ("", "curve")])
    assert table_honest_cuts(content, "a").rows == ()
    assert plot_cut_panel(content, "a") is None
    assert list(honest_sentences(content, ["a"], lambda *_: "[1]")) == []


def test_the_methods_name_resamples_seed_and_sources() -> None:
    cited: list[str] = []

    def cite(text: str, _: str) -> str:
        cited.append(text)
        return f"[{len(cited)}]"

    text = " ".join(honest_sentences(content_of(cut_rows()), ["a"], cite))
    assert "2000 bootstrap resamples of the patients (drawn with replacement from all, seed" in text
    assert "mean among the patients not drawn [1]" in text
    assert [one.split(".")[0] for one in cited] == [
        "Efron B, Tibshirani R",
        "Wilson EB",
        "Miller R, Siegmund D",
    ]


def drawn(rows: list[ResultRow]) -> ReportFigure:
    figure = plot_cut_panel(content_of(rows), "a")
    assert figure is not None
    return figure


def labels(svg: str) -> list[str]:
    return [unescape(text) for text in re.findall(r"<text[^>]*>([^<]+)</text>", svg)]


def test_the_figure_shows_cut_and_interval() -> None:
    figure = drawn(cut_rows())
    assert figure.id == cut_figure_id("a") == "cut-a"
    assert "≥\N{NO-BREAK SPACE}2.29  (95% 1.89\N{EN DASH}3.86)" in labels(figure.svg)
    assert "2000 bootstrap resamples" in figure.caption
    assert figure.description == (
        "Baseline ANC: published cut-off ≥\N{NO-BREAK SPACE}2.29, 95% of the resamples from 1.89 to 3.86."
    )


def test_values_over_powers_of_ten_have_round_ticks() -> None:
    changed = [
        ResultRow(**{**vars(row), "value": 1_000.0})
        if row.estimate == "threshold" and row.value == 4
        else row
        for row in cut_rows()
    ]
    shown = labels(drawn(changed).svg)
    # From 1.5 to 1000: every power of ten, because 1, 3, 10 and so on would be six.
    assert [text for text in shown if text in {"2", "3", "5", "10", "20", "30", "100", "300", "1000"}] == [
        "10",
        "100",
        "1000",
    ]
    assert not [text for text in shown if "mathdefault" in text]


def test_the_report_shows_both() -> None:
    assert table_honest_cuts in TABLES_OF_KIND["roc"]
    assert cut_figure_id in FIGURES_OF_KIND["roc"]
