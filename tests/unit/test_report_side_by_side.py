"""Tables and figures of definitions side by side, from made-up rows; the texts are typed by hand."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from cytopenia.report.answer_strip import plot_answer_strip, sort_answers
from cytopenia.report.content import ReportContent
from cytopenia.report.forest_axes import choose_limits
from cytopenia.report.lookup import Estimate
from cytopenia.report.odds_forest import plot_odds_forest
from cytopenia.report.side_by_side_tables import (
    table_answer_changes,
    table_definition_agreement,
    table_definition_odds,
    table_definition_pairs,
)
from cytopenia.report.table_model import Table
from cytopenia.results import ResultRow, collect_results
from report_factory import make_content

REFUSED = "4 patients in the smaller group: factors are described only below 10"


def row(group: str, variable: str, estimate: str, value: float | None, **names: object) -> ResultRow:
    return ResultRow(analysis_id="s", group=group, variable=variable, estimate=estimate, value=value, **names)


def list_rows(*, modeled: bool = True) -> list[ResultRow]:
    found: list[ResultRow] = []
    for name in ("a", "b"):
        found += [
            row("events", name, "count", 4, scenario=one, text="Yes") for one in ("policy", "best", "worst")
        ]
    cells = {"both": 3, "only_first": 1, "only_second": 0, "neither": 3, "evaluable_under_one": 2, "open": 1}
    found += [row("agreement", "a", name, value, variable_level="b") for name, value in cells.items()]
    found += [
        row("agreement", "a", "percent_agreement", 600 / 7, variable_level="b"),
        row("agreement", "a", "positive_agreement", 600 / 7, variable_level="b"),
        row("agreement", "a", "negative_agreement", None, variable_level="b", note="nobody without"),
        row("agreement", "a", "kappa", 0.72, variable_level="b", low=0.2, high=1.0),
        row("changes", "b", "count", 1, stratum="event to no event", variable_level="another cut"),
        row("changes", "b", "count", 2, stratum="grade only", variable_level="another cut"),
        row("changes", "b", "count", 3, stratum="not evaluable to event", variable_level="no answer"),
    ]
    for name in ("a", "b"):
        found += [
            row("members", "age", estimate, value, stratum=name, text="Age, years")
            for estimate, value in (("events", 4), ("patients", 8))
        ]
        odds = (
            row(
                "univariable",
                "age",
                "odds_ratio",
                1.5,
                low=0.9,
                high=2.5,
                stratum=name,
                text="Age, years (per unit)",
            )
            if modeled or name == "b"
            else row(
                "univariable",
                "age",
                "odds_ratio",
                None,
                status="not_done",
                note=REFUSED,
                stratum=name,
                text="Age",
            )
        )
        found.append(odds)
    return found


def make(rows: list[ResultRow], answers: pl.DataFrame | None = None) -> ReportContent:
    return replace(
        make_content(),
        results=collect_results(rows),
        outcome_titles={"a": "Definition A", "b": "Definition B"},
        analyses=[{"id": "s", "kind": "definitions", "title": "Side by side"}],
        outcome_definitions={},
        windows={},
        answers=pl.DataFrame() if answers is None else answers,
    )


def read(table: Table) -> list[list[str]]:
    return [[one.header, *(cell.plain for cell in one.cells)] for one in table.rows]


def test_agreement_with_the_reference() -> None:
    table = table_definition_agreement(make(list_rows()), "s")
    assert read(table) == [
        ["2. Definition B", "3", "1", "0", "3", "6/7 (85.7%)", "85.7%", "–", "0.72 (0.20–1.00)", "1"]
    ]
    assert table.caption == "Agreement with Definition A"
    assert table.footnotes == ("evaluable under one of the two only, and not counted: 2", "– nobody without")


def test_two_definitions_need_no_table_of_pairs() -> None:
    assert table_definition_pairs(make(list_rows()), "s").rows == ()


def test_changes_by_reason() -> None:
    assert read(table_answer_changes(make(list_rows()), "s")) == [
        ["2. Definition B"],
        ["another cut", "1", "0", "0", "2"],
        ["no answer", "0", "0", "3", "0"],
    ]


def test_odds_ratios_and_the_reason_where_there_is_none() -> None:
    table = table_definition_odds(make(list_rows(modeled=False)), "s")
    assert read(table) == [
        ["Age, years (per unit)"],
        ["1. Definition A", "4/8", "–"],
        ["2. Definition B", "4/8", "1.500 (0.900–2.500)"],
    ]
    assert table.footnotes == (f"– {REFUSED}",)
    words = " ".join([table.caption, *table.notes]).lower()
    assert "significant" not in words
    assert "how many of them exclude 1 says nothing" in words


def test_without_an_odds_ratio_there_is_no_forest() -> None:
    rows = [one for one in list_rows() if one.group != "univariable"]
    assert plot_odds_forest(make(rows), "s") is None
    assert plot_odds_forest(make(list_rows()), "s") is not None


def test_the_axis_reaches_all_intervals_that_are_not_far_off() -> None:
    known = [Estimate(2.0, "", "ok", "", low=0.5, high=6.0), Estimate(3.0, "", "ok", "", low=1.0, high=9.0)]
    assert choose_limits(known) == (0.5, 9.0)
    assert choose_limits([Estimate(0.1, "", "ok", "", low=1e-9, high=0.2)]) == (0.1 / 20, 1.0)
    assert choose_limits([]) is None


def make_answers(patients: dict[str, tuple[tuple[str, bool], tuple[str, bool]]]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"analysis_id": "s", "patient_id": patient, "outcome": name, "answer": answer, "is_open": is_open}
            for patient, states in patients.items()
            for name, (answer, is_open) in zip(("a", "b"), states, strict=True)
        ]
    )


def test_patients_are_sorted_by_the_reference_then_by_the_next() -> None:
    yes, maybe, no, gone = ("event", False), ("event", True), ("no event", False), ("not evaluable", False)
    answers = make_answers(
        {"P1": (no, yes), "P2": (yes, no), "P3": (gone, no), "P4": (maybe, yes), "P5": (yes, yes)}
    )
    assert sort_answers(answers, ["a", "b"]) == [(yes, yes), (yes, no), (maybe, yes), (no, yes), (gone, no)]


def test_the_strip_shows_no_patient_and_says_what_can_be_seen() -> None:
    states = (("event", False), ("no event", True))
    figure = plot_answer_strip(make(list_rows(), make_answers({"SECRET-1": states, "SECRET-2": states})), "s")
    assert figure is not None
    assert "SECRET" not in figure.svg + figure.caption + figure.description
    assert figure.description == "Definition A: event 2, undecided 0. Definition B: no event 2, undecided 2."
    assert figure.caption.startswith("2 patients, one column each")


def test_without_answers_there_is_no_strip() -> None:
    empty = make_answers({"P": (("event", False), ("event", False))}).clear()
    assert plot_answer_strip(make(list_rows(), empty), "s") is None
    assert plot_answer_strip(make(list_rows()), "s") is None
