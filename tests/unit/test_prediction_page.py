"""A prediction in the report: tables, figures and Methods from rows typed by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cytopenia.report.content import ReportContent
from cytopenia.report.methods import render_methods
from cytopenia.report.prediction_curves import plot_model_curves, plot_nomogram
from cytopenia.report.prediction_tables import (
    table_point_score,
    table_prediction_selection,
    table_prediction_size,
    table_prediction_terms,
    table_prediction_worth,
)
from cytopenia.report.sections import list_sections
from cytopenia.report.table_model import Table
from cytopenia.results import ResultRow, collect_results
from report_factory import make_content

WHY = "12 patients in the smaller group: a multivariable model needs 20, this one has 3 terms"
GATE = "21 patients in the smaller group: they need 100"


def row(group: str, variable: str, estimate: str, value: float | None = None, **rest: object) -> ResultRow:
    """One row of the analysis "a"."""
    given: dict[str, object] = {"analysis_id": "a", "group": group, "value": value, **rest}
    return ResultRow(variable=variable, estimate=estimate, **given)  # pyright: ignore[reportArgumentType]


def size_rows() -> Iterator[ResultRow]:
    """60 patients and 3 candidates."""
    numbers = {
        "n": 60,
        "events": 21,
        "missing": 3,
        "parameters": 3,
        "expected_r2": 0.3,
        "needed_shrinkage": 109,
        "needed_optimism": 72,
        "needed_overall_risk": 350,
        "needed_patients": 350,
        "affordable_parameters": 1.6626,
    }
    yield from (row("size", "model", name, value) for name, value in numbers.items())


def model_rows() -> Iterator[ResultRow]:
    """A model of a number and a divided one, its worth and what resamples chose."""
    yield row("performance", "model", "method", text="firth")
    yield row("performance", "model", "resamples", 500)
    yield row("performance", "model", "unfitted", 2)
    numbers = {"apparent": 0.8181, "optimism": 0.018, "corrected": 0.8001}
    yield from (row("performance", "c_statistic", name, value, n=498) for name, value in numbers.items())
    yield row("performance", "c_statistic", "pairs_left_out", 0.7912, n=819)
    yield row("performance", "c_statistic", "pairs", 819)
    yield row("performance", "slope", "corrected", None, status="not_estimable", note="no factor was chosen")
    yield row("selection", "anc", "frequency", 92.4, text="Baseline ANC", n=498)
    yield row("selection", "anc", "is_chosen", 1.0)
    yield row("selection", "anc", "unscreened", 36.8, n=500)
    yield row("selection", "ferritin", "frequency", 12.0, text="Ferritin", n=498)
    yield row("selection", "ferritin", "unscreened", 0.0, n=500)
    yield row("models", "model", "count", 249, variable_level="1", text="Baseline ANC + Ferritin", n=498)
    yield row("models", "model", "different", 4, n=498)
    yield row("coefficients", "model", "shrinkage", 0.9)
    yield row("coefficients", "intercept", "coefficient", -1.5)
    yield row("coefficients", "intercept", "shrunken_coefficient", -1.25)
    for name, level, title in (
        ("anc", "< 2.29", "Baseline ANC"),
        ("ferritin", "", "Ferritin (per doubling)"),
    ):
        yield row(
            "coefficients", name, "odds_ratio", 2.0, low=1.1, high=3.9, variable_level=level, text=title
        )
        yield row("coefficients", name, "p_value", 0.0211, variable_level=level)
        yield row("coefficients", name, "coefficient", 0.693147, variable_level=level, text="below")
        yield row("coefficients", name, "shrunken_coefficient", 0.623832, variable_level=level)
    yield row("calibration", "model", "model", status="not_done", note=GATE)


def curve_rows() -> Iterator[ResultRow]:
    """Curves of three points, a nomogram of one factor, and points."""
    for place, (at, seen, fixed) in enumerate([(0.2, 0.18, 0.21), (0.5, 0.52, 0.5), (0.8, 0.85, 0.79)]):
        level = str(place)
        yield row("calibration", "model", "predicted", at, variable_level=level)
        yield row("calibration", "model", "apparent", seen, variable_level=level)
        yield row("calibration", "model", "corrected", fixed, variable_level=level)
        yield row("decision", "model", "threshold", at, variable_level=level)
        for name in ("apparent", "corrected", "treat_all"):
            yield row("decision", "model", name, 0.4 - at / 2, variable_level=level)
    for level, points in (("I", 0), ("II", 100)):
        yield row("nomogram", "stage", "points", points, variable_level=level, text="Stage")
        yield row("points", "stage", "points", points / 10, variable_level=level, text="Stage")
    for place, (points, risk) in enumerate([(0, 0.1), (100, 0.9)]):
        yield row("nomogram", "total", "points", points, variable_level=str(place))
        yield row("nomogram", "total", "risk", risk, variable_level=str(place))
        for name, value in (("risk", risk), ("patients", 40), ("events", 4 + 32 * place)):
            yield row("points", "total", name, value, variable_level=str(10 * place))
    yield row("points", "model", "c_statistic", 0.9)


def content_of(*rows: ResultRow) -> ReportContent:
    """A report with one prediction."""
    analysis = {
        "id": "a",
        "kind": "prediction",
        "title": "A",
        "outcome": "recovery",
        "event": "not_recovered",
    }
    return make_content(
        results=collect_results(rows), analyses=[analysis], outcome_titles={"recovery": "Recovery at day 28"}
    )


@pytest.fixture(scope="module")
def content() -> ReportContent:
    """Everything at once."""
    gated = [one for one in model_rows() if one.group != "calibration"]
    return content_of(*size_rows(), *gated, *curve_rows())


def read(table: Table) -> list[list[str]]:
    """Header and cells of each row."""
    return [[one.header, *(cell.plain for cell in one.cells)] for one in table.rows]


def test_what_the_model_is_worth(content: ReportContent) -> None:
    table = table_prediction_worth(content, "a")
    assert read(table)[0] == ["C statistic", "0.818", "0.018", "0.800", "0.791"]
    assert table.caption == "What the model is worth: recovery at day 28"
    assert "Fitted by Firth's method; 500 bootstrap resamples, in 2 of which no model" in table.notes[0]
    assert "Pairs left out: 819." in table.notes
    assert table.footnotes == ("– no factor was chosen",)


def test_a_refused_model_is_a_dash_with_the_gate() -> None:
    refused = content_of(*size_rows(), row("performance", "model", "model", status="not_done", note=WHY))
    table = table_prediction_worth(refused, "a")
    assert read(table) == [["Model", "–", "", "", ""]]
    assert table.footnotes == (f"– {WHY}",)
    assert f"No model was made: {WHY}." in render_methods(refused)


def test_curves_that_were_not_drawn_are_told() -> None:
    table = table_prediction_worth(content_of(*size_rows(), *model_rows()), "a")
    assert f"No calibration and decision curves: {GATE}." in table.notes
    assert plot_model_curves(content_of(*model_rows()), "a") is None
    assert plot_nomogram(content_of(*model_rows()), "a") is None


def test_how_large_the_model_may_be(content: ReportContent) -> None:
    table = table_prediction_size(content, "a")
    assert ["Parameters these patients can afford", "1.7"] in read(table)
    assert read(table)[-1] == ["by all three", "350"]
    assert table.notes[0] == "Expected of the model: R² of Nagelkerke 0.30, as the protocol states."


def test_the_terms_of_the_model(content: ReportContent) -> None:
    assert read(table_prediction_terms(content, "a")) == [
        ["Baseline ANC", "", "", "", ""],
        ["< 2.29", "2.000 (1.100–3.900)", "0.021", "0.6931", "0.6238"],
        ["Ferritin (per doubling)", "2.000 (1.100–3.900)", "0.021", "0.6931", "0.6238"],
        ["Intercept", "", "", "−1.5", "−1.25"],
    ]


def test_what_resamples_chose(content: ReportContent) -> None:
    table = table_prediction_selection(content, "a")
    assert read(table)[0] == ["Baseline ANC", "92.4%", "yes"]
    assert read(table)[-1] == ["Baseline ANC + Ferritin", "50.0%", ""]
    assert table.notes == (
        "Of 498 resamples with a model. They made 4 different models.",
        "In 36.8% of resamples the screen of baseline ANC had no finite estimate (counted as not chosen).",
    )


def test_points_and_the_risk_of_each_total(content: ReportContent) -> None:
    assert read(table_point_score(content, "a"))[1:] == [
        ["I", "0", "", ""],
        ["II", "10", "", ""],
        ["Total"],
        ["", "0", "10.0%", "4 of 40"],
        ["", "10", "90.0%", "36 of 40"],
    ]


def test_figures_say_in_words_what_they_show(content: ReportContent) -> None:
    curves, nomogram = plot_model_curves(content, "a"), plot_nomogram(content, "a")
    assert curves is not None
    assert nomogram is not None
    assert "Where the model says 80.0%, the corrected share is 79.0%." in curves.description
    assert "Net benefit at 50.0%: model 0.150 corrected, everybody 0.150." in curves.description
    # log(0.5 / 0.5) lies in the middle of log(0.1 / 0.9) and log(0.9 / 0.1).
    assert "0.5 at 50" in nomogram.description
    assert "Synthetic data" in curves.svg


def test_the_section_has_tables_before_figures_and_the_methods_cite(content: ReportContent) -> None:
    section = next(one for one in list_sections(content) if one.id == "analysis-a")
    assert [table.id for table in section.tables] == [
        "a-worth",
        "a-size",
        "a-selection",
        "a-terms",
        "a-points",
    ]
    assert [figure.id for figure in section.figures] == ["model-curves-a", "nomogram-a"]
    methods = render_methods(content)
    assert (
        "from 3 candidate parameters the required sample size was computed by the criteria of Riley"
        in methods
    )
    assert "corrected for optimism by the bootstrap with 500 resamples" in methods
    assert "with pairs of patients left out" in methods
