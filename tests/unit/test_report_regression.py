"""Tables, forest plots, curves and Methods of models; every number in the rows is made up."""

from __future__ import annotations

import math
import re
from html import unescape
from typing import Any

import pytest

from association_factory import associations_of, group_sizes, model_rows, odds_rows, refused
from cytopenia.report.association_tables import table_risk_factors
from cytopenia.report.content import ReportContent
from cytopenia.report.methods import write_methods_paragraphs
from cytopenia.report.model_forest import plot_model_forest
from cytopenia.report.regression_tables import table_collinearity, table_ordinal
from cytopenia.report.sections import list_sections
from cytopenia.report.spline_curves import plot_spline_curves
from cytopenia.report.table_model import Table
from cytopenia.results import ResultRow

ARROW, DASH = "\N{RIGHTWARDS ARROW}", "\N{EN DASH}"


def row(group: str, variable: str, estimate: str, value: float | None, **more: Any) -> ResultRow:
    return ResultRow(analysis_id="a", group=group, variable=variable, estimate=estimate, value=value, **more)


def factor_rows(group: str, method: str) -> list[ResultRow]:
    """A number per doubling, three ordered levels, and a curve."""
    base: dict[str, Any] = {"analysis_id": "a", "group": group, "n": 60}
    stage = {**base, "variable": "stage"}
    return [
        *odds_rows({**base, "variable": "ferritin"}, (1.9, 1.2, 3.1), 0.006,
                   text="Ferritin, µg/L (per doubling)", method=method),
        ResultRow(**stage, variable_level="I", estimate="reference", text="Stage"),
        *odds_rows({**stage, "variable_level": "II"}, (2.0, 0.5, 8.0), 0.33, text="Stage", method=method),
        *odds_rows({**stage, "variable_level": "III"}, (4.0, 1.1, 15.0), 0.036, text="Stage", method=method),
        row(group, "stage", "p_overall", 0.081, text="likelihood_ratio"),
        row(group, "stage", "trend_odds_ratio", 2.1, low=1.05, high=4.2, text="per level"),
        row(group, "stage", "p_trend", 0.037, text=method),
        row(group, "stage", "p_deviation", 0.91, text="likelihood_ratio"),
        *odds_rows({**base, "variable": "anc"}, (0.3, 0.1, 0.8), 0.012,
                   text="ANC (4 versus 2)", method=method),
        *(row(group, "anc", f"knot_{place}", knot) for place, knot in enumerate((1.0, 3.2, 7.7), 1)),
        row(group, "anc", "p_overall", 0.004, text="likelihood_ratio"),
        row(group, "anc", "p_nonlinear", 0.21, text="likelihood_ratio"),
    ]  # fmt: skip


def curve_rows(level: str) -> list[ResultRow]:
    rows = list[ResultRow]()
    for place, at in enumerate((1.0, 2.0, 4.0, 8.0)):
        key = {"variable_level": str(place), "level": level}
        log = -math.log(at / 2)
        rows.append(row("curve", "anc", "at", at, **key))
        rows.append(row("curve", "anc", "log_odds", log, low=log - 0.5, high=log + 0.5, **key))
    return rows


COLLINEAR = "variance inflation 7.3, 5 or more: the other factors carry much of the same information"
RISK = [
    *group_sizes("a", ("Yes", "No", "All"), [(30, 30, 30), (30, 30, 30), (60, 60, 60)]),
    *factor_rows("univariable", "likelihood_ratio"),
    *odds_rows({"analysis_id": "a", "group": "multivariable", "variable": "ferritin", "n": 60},
               (1.5, 0.9, 2.6), 0.12, text="Ferritin, µg/L (per doubling)", method="likelihood_ratio"),
    refused("a", "multivariable", "stage", "not among the terms"),
    refused("a", "multivariable", "anc", "not among the terms"),
    *model_rows("a", "multivariable", method="maximum_likelihood", n=60, events=30, non_events=30, terms=1),
    *curve_rows("univariable"),
    row("collinearity", "ferritin", "variance_inflation", 7.314, text="Ferritin, µg/L", note=COLLINEAR),
    row("collinearity", "stage", "variance_inflation", 1.2, text="Stage"),
    row("collinearity", "model", "condition_number", 31.25, note="31.2, 30 or more: some columns repeat"),
]  # fmt: skip
GRADES = [
    *factor_rows("univariable", "wald"),
    row("univariable", "ferritin", "p_proportional_odds", 0.44, text="score"),
    row("univariable", "stage", "p_proportional_odds", None, status="not_estimable", note="no way to tell"),
    *(row("grades", "patients", "count", n, variable_level=level)
      for level, n in (("grade 0", 30), ("grade 3", 20), ("not judged", 2))),
    row("gate", "model", "smaller_group", 20, level="univariable"),
    row("gate", "model", "effective_size", 41.6, level="univariable"),
]  # fmt: skip
CONTENT = associations_of(RISK, kind="risk_factors", outcome="recovery", event="not_recovered")
ORDINAL = associations_of(GRADES, kind="ordinal", outcome="thrombocytopenia")


def texts(table: Table) -> dict[str, list[str]]:
    return {one.header: [cell.text for cell in one.cells] for one in table.rows}


def notes_of(table: Table, header: str, place: int) -> list[str]:
    (found,) = (one for one in table.rows if one.header == header)
    return [table.footnotes[mark] for mark in found.cells[place].marks]


def labels(svg: str) -> list[str]:
    return [unescape(text) for text in re.findall(r"<text[^>]*>([^<]+)</text>", svg)]


def methods(content: ReportContent) -> str:
    return " ".join(text for _, paragraphs in write_methods_paragraphs(content) for text in paragraphs)


TABLE = table_risk_factors(CONTENT, "a")


def test_a_step_is_a_footnote_of_its_odds_ratio() -> None:
    assert texts(TABLE)["Ferritin, µg/L"][:2] == [f"1.900 (1.200{DASH}3.100)", "0.006"]
    assert notes_of(TABLE, "Ferritin, µg/L", 0) == ["Odds ratio per doubling"]
    assert not any("per unit" in note for note in TABLE.notes)


def test_the_whole_factor_has_its_p_and_ordered_levels_their_trend() -> None:
    assert texts(TABLE)["Stage"][:2] == ["", "0.081"]
    assert notes_of(TABLE, "Stage", 1) == ["All levels together: likelihood ratio test"]
    assert texts(TABLE)["Trend, per level"][:2] == [f"2.100 (1.050{DASH}4.200)", "0.037"]
    (note,) = notes_of(TABLE, "Trend, per level", 1)
    assert note.startswith("Odds ratio per level, the levels scored 0, 1, 2")
    assert note.endswith("P that the levels depart from this line 0.910")


def test_a_curve_names_its_values_knots_and_tests() -> None:
    (note,) = notes_of(TABLE, "ANC", 0)
    assert note == (
        "Odds ratio of 4 versus 2; restricted cubic spline with knots at 1, 3.2, 7.7; "
        "P of the whole curve 0.004 (likelihood ratio test); P for nonlinearity 0.210 (likelihood ratio test)"
    )


def test_the_column_names_its_one_statistic() -> None:
    marked = [TABLE.footnotes[mark] for column in TABLE.columns for mark in column.marks]
    assert marked[0] == (
        "Logistic regression by maximum likelihood; profile likelihood interval, likelihood ratio test"
    )


def test_collinearity_stands_in_a_table_with_its_words() -> None:
    table = table_collinearity(CONTENT, "a")
    assert texts(table) == {"Ferritin, µg/L": ["7.31"], "Stage": ["1.20"]}
    assert notes_of(table, "Ferritin, µg/L", 0) == [COLLINEAR]
    assert any("Condition number of the standardized columns: 31.3" in note for note in table.notes)
    assert table_collinearity(ORDINAL, "a").rows == ()


def test_grades_show_whether_one_odds_ratio_is_enough() -> None:
    table = table_ordinal(ORDINAL, "a")
    assert texts(table)["Ferritin, µg/L"] == [f"1.900 (1.200{DASH}3.100)", "0.006", "0.440"]
    assert notes_of(table, "Stage", 2) == [f"{DASH} no way to tell"]
    assert "Patients: grade 0 30, grade 3 20, not judged 2." in table.notes
    assert "Proportional-odds model by maximum likelihood; Wald interval and Wald test." in table.notes


def test_the_forest_has_a_line_per_level_and_both_models() -> None:
    figure = plot_model_forest(CONTENT, "a")
    assert figure is not None
    shown = labels(figure.svg)
    for text in ("Univariable", "Multivariable", "Stage", "Ferritin, µg/L (per doubling)", "1 (reference)"):
        assert text in shown
    assert shown.count("not modeled") == 5
    assert "Stage, Trend, per level: univariable 2.100" in figure.description
    assert figure.caption.endswith("Multivariable: the factors of the model together.")
    assert "Above 1: less recovery." in figure.caption


def test_the_forest_of_grades_speaks_of_grades() -> None:
    figure = plot_model_forest(ORDINAL, "a")
    assert figure is not None
    assert "Above 1: higher grades." in figure.caption
    assert "Multivariable" not in labels(figure.svg)


def test_no_odds_ratio_no_forest() -> None:
    content = associations_of([refused("a", "univariable", "x", "too few")], outcome="recovery")
    assert plot_model_forest(content, "a") is None


def test_nobody_reads_a_hundred_lines() -> None:
    rows = [
        one
        for place in range(46)
        for one in odds_rows(
            {"analysis_id": "a", "group": "univariable", "variable": f"x{place}"}, (2, 1, 4), 0.04
        )
    ]
    assert plot_model_forest(associations_of(rows, outcome="recovery"), "a") is None


def test_a_curve_is_drawn_with_its_band() -> None:
    figure = plot_spline_curves(CONTENT, "a")
    assert figure is not None
    assert figure.description == (
        "ANC: univariable: odds ratio 2.000 at 1 and 0.250 at 8. P of the curve 0.004, "
        "P for nonlinearity 0.210."
    )
    assert "not of the curve as a whole" in figure.caption
    assert plot_spline_curves(ORDINAL, "a") is None


def test_a_curve_with_a_missing_limit_is_drawn_without_it() -> None:
    rows = [one for one in RISK if one.group != "curve"]
    rows += [
        one if one.estimate == "at" or one.variable_level != "3" else row(
            "curve", "anc", "log_odds", None, level="univariable", variable_level="3", status="not_estimable"
        )
        for one in curve_rows("univariable")
    ]  # fmt: skip
    content = associations_of(rows, kind="risk_factors", outcome="recovery", event="not_recovered")
    figure = plot_spline_curves(content, "a")
    assert figure is not None
    assert "odds ratio 2.000 at 1." in figure.description


@pytest.mark.parametrize(
    "words",
    [
        "by maximum likelihood with profile likelihood intervals and likelihood ratio tests",
        "Odds ratios are per doubling of ferritin.",
        "Factors with several terms were tested as a whole by the likelihood ratio test.",
        "scores 0, 1, 2 and so on",
        "] described ANC; departure from a line",
        "departure from a line was tested by the likelihood ratio test",
        "Collinearity of the multivariable models was measured by variance inflation factors",
    ],
)
def test_methods_say_what_was_done(words: str) -> None:
    assert words in methods(CONTENT)


def test_methods_of_grades() -> None:
    text = methods(ORDINAL)
    assert "was modeled by proportional odds [" in text
    assert "with Wald intervals and tests" in text
    assert "had an effective size of 41.6 patients" in text
    assert "logistic regression" not in text


def test_the_label_of_a_table_stays_with_the_table() -> None:
    content = associations_of(
        RISK, kind="risk_factors", outcome="recovery", event="not_recovered", label="Supplement 3"
    )
    (section,) = (one for one in list_sections(content) if one.id == "analysis-a")
    assert section.tables[0].caption.startswith("Supplement 3. ")
    assert [figure.id for figure in section.figures] == ["odds-a", "spline-a"]
    assert [table.id for table in section.tables] == ["a-risk-factors", "a-collinearity"]
