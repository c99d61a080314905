"""Every rule of a verdict at its boundary: the printed numbers lead to the word beside them."""

from __future__ import annotations

import pytest

from association_factory import associations_of
from care_verdicts import compare_sides, judge_printed
from cytopenia.report.care_tables import table_read_with_care
from cytopenia.report.table_model import Row
from cytopenia.results import ResultRow
from cytopenia.study.care_rows import Effect, compare_p_values, report_effects, report_numbers

ABOVE = Effect(3.0, 1.2, 8.0, text="Ferritin")
BELOW = Effect(0.3, 0.1, 0.8, text="Ferritin")
AROUND = Effect(2.0, 0.8, 5.0, text="Ferritin")
NONE = Effect(status="not_done", note="too few events")


def print_row(rows: list[ResultRow]) -> Row:
    table = table_read_with_care(associations_of(rows), "a")
    (row,) = (row for row in table.rows if not row.is_section)
    return row


@pytest.mark.parametrize(
    ("published", "careful", "verdict", "limit"),
    [
        (ABOVE, Effect(3.0, 1.0, 8.0), "weaker", "(1.000\N{EN DASH}8.000)"),
        (ABOVE, Effect(3.0, 1.00001, 8.0), "same", "(1.00001\N{EN DASH}8.00000)"),
        (ABOVE, Effect(3.0, 0.99999, 8.0), "weaker", "(0.99999\N{EN DASH}8.00000)"),
        (AROUND, Effect(2.0, 1.0004, 8.0), "stronger", "(1.0004\N{EN DASH}8.0000)"),
        (AROUND, Effect(2.0, 1.0, 8.0), "same", "(1.000\N{EN DASH}8.000)"),
        (BELOW, Effect(0.3, 0.1, 1.0), "weaker", "(0.100\N{EN DASH}1.000)"),
        (BELOW, Effect(0.3, 0.1, 0.9996), "same", "(0.1000\N{EN DASH}0.9996)"),
        (AROUND, Effect(0.5, 0.1, 0.9996), "stronger", "(0.1000\N{EN DASH}0.9996)"),
        (ABOVE, BELOW, "reversed", "(0.100\N{EN DASH}0.800)"),
        (BELOW, ABOVE, "reversed", "(1.200\N{EN DASH}8.000)"),
        (ABOVE, NONE, "not comparable", "\N{EN DASH}"),
    ],
)
def test_the_verdict_on_odds_ratios(published: Effect, careful: Effect, verdict: str, limit: str) -> None:
    key = ResultRow(analysis_id="a", group="care_a", variable="x", estimate="", scenario="univariable")
    row = print_row(list(report_effects(key, published, careful)))
    before, after, word = (cell.plain for cell in row.cells)
    assert after.endswith(limit)
    assert word == verdict == compare_sides(judge_printed(before), judge_printed(after))


@pytest.mark.parametrize(
    ("published", "careful", "verdict", "shown"),
    [
        (0.049999, 0.05, "weaker", ("P = 0.049999", "q = 0.050")),
        (0.0496, 0.0499, "same", ("P = 0.0496", "q = 0.0499")),
        (0.0504, 0.0504, "same", ("P = 0.050", "q = 0.050")),
        (0.05, 0.0499999, "stronger", ("P = 0.050", "q = 0.0499999")),
        (0.0001, 0.0004, "same", ("P <0.001", "q <0.001")),
        (0.01, None, "not comparable", ("P = 0.010", "no q")),
    ],
)
def test_the_verdict_on_p_values(
    published: float, careful: float | None, verdict: str, shown: tuple[str, str]
) -> None:
    key = ResultRow(analysis_id="a", group="care_c", variable="x", estimate="p_value", scenario="screen")
    found = compare_p_values(published, careful, limit=0.05)
    other = Effect(careful, status="ok" if careful is not None else "not_estimable")
    rows = list(report_numbers(key, Effect(published, text="Ferritin"), other, verdict=found))
    row = print_row(rows)
    assert tuple(cell.text for cell in row.cells[:2]) == shown
    sides = [judge_printed(cell.text) for cell in row.cells[:2]]
    assert row.cells[2].text == verdict == compare_sides(*sides)


def test_another_limit_of_the_screen_is_told() -> None:
    """A screen at 0.1 judges by 0.1: 0.0996 is below it, and the page says which limit it is."""
    key = ResultRow(analysis_id="a", group="care_c", variable="x", estimate="p_value", scenario="screen")
    limit = ResultRow(
        analysis_id="a", group="care_c", variable="panel", estimate="p_below", scenario="screen", value=0.1
    )
    rows = [limit, *report_numbers(key, Effect(0.04, text="X"), Effect(0.0996), verdict="same")]
    table = table_read_with_care(associations_of(rows), "a")
    (row,) = (row for row in table.rows if not row.is_section)
    assert row.cells[1].text == "q = 0.0996"
    assert any("below 0.05 (in the screen 0.1) or not" in note for note in table.notes)


def test_with_more_lines_than_the_page_has_room_for_only_changes_are_printed() -> None:
    rows: list[ResultRow] = []
    for place in range(30):
        key = ResultRow(
            analysis_id="a", group="care_a", variable=f"x{place}", estimate="", scenario="univariable"
        )
        rows += report_effects(key, ABOVE, AROUND if place == 7 else ABOVE)
    table = table_read_with_care(associations_of(rows), "a")
    lines = [row for row in table.rows if not row.is_section]
    assert [row.cells[-1].text for row in lines] == ["same for 29 of 30", "weaker"]
    assert any("Panels A to F print the lines whose conclusion changes" in note for note in table.notes)


def test_lines_of_one_factor_in_two_models_say_which_model() -> None:
    keys = [
        ResultRow(analysis_id="a", group="care_a", variable="x", estimate="", scenario=model)
        for model in ("univariable", "multivariable")
    ]
    table = table_read_with_care(
        associations_of([row for key in keys for row in report_effects(key, ABOVE, AROUND)]), "a"
    )
    lines = [row.header for row in table.rows if not row.is_section]
    assert lines == ["Ferritin, univariable", "Ferritin, multivariable"]


@pytest.mark.parametrize(("share", "is_told"), [(0.368, True), (0.0, False)])
def test_resamples_whose_screen_has_no_estimate_are_told(share: float, *, is_told: bool) -> None:
    key = ResultRow(analysis_id="a", group="care_c", variable="x", estimate="share", scenario="selection")
    rows = list(report_numbers(key, Effect(1.0, text="HSCT"), Effect(0.632, n=500, text="HSCT")))
    rows.append(
        ResultRow(
            analysis_id="a",
            group="care_c",
            variable="x",
            estimate="unscreened",
            scenario="selection",
            stratum="careful",
            value=share,
            n=500,
        )
    )
    table = table_read_with_care(associations_of(rows), "a")
    said = "; no finite estimate, counted as not passed, in 36.8% (HSCT)" if is_told else ""
    assert any(note.endswith(f"Passes: of all 500 resamples{said}") for note in table.footnotes)
