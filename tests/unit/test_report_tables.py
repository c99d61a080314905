"""Results to display tables: every number has its denominator, every dash its reason."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from cytopenia.report import tables
from cytopenia.report.cells import denominator_phrase
from cytopenia.report.content import sort_findings
from cytopenia.report.lookup import select_results
from cytopenia.report.table_model import Footnotes, Row, Table, footnote_mark
from cytopenia.results import RESULT_SCHEMA, ResultRow, collect_results
from report_factory import ANALYTES, make_content, make_findings

CONTENT = make_content()


def texts(table: Table, header: str) -> list[str]:
    """Return the cells of the row with this header, bounds included."""
    return [cell.plain for cell in row_of(table, header).cells]


def row_of(table: Table, header: str) -> Row:
    return next(row for row in table.rows if row.header == header)


def footnotes_of(table: Table, header: str) -> list[str]:
    return [table.footnotes[mark] for cell in row_of(table, header).cells for mark in cell.marks]


def test_numeric_factor() -> None:
    table = tables.table_characteristics(CONTENT, "table1")
    assert texts(table, "Age, years") == ["46 (21–72)", "37.5–58.0", "63", "0"]
    assert texts(table, "Baseline IL-6, pg/mL") == ["12.4 (1.5–8123)", "4.1–33.7", "58", "5"]


def test_categorical_factor_has_a_row_per_level_and_missing_beside_it() -> None:
    table = tables.table_characteristics(CONTENT, "table1")
    assert texts(table, "Sex") == ["", "", "63", "0"]
    assert texts(table, "male")[0] == "45/63 (71.4%)"
    assert row_of(table, "male").indent == 1


def test_not_estimable_is_a_dash_with_its_reason() -> None:
    table = tables.table_characteristics(CONTENT, "table1")
    assert texts(table, "Baseline CRP, mg/L")[0] == "–"
    assert footnotes_of(table, "Baseline CRP, mg/L") == ["– no patient has a value in the baseline window"]


def test_baseline_cytopenia_names_its_definition() -> None:
    table = tables.table_baseline_cytopenia(CONTENT, "table1")
    assert texts(table, "Neutrophils (ANC), ×10⁹/L") == ["2.87 (0.31–9.40)", "63", "9/63 (14.3%)", "0"]
    assert texts(table, "Hemoglobin, g/L") == ["109.5 (62.0–158.0)", "62", "21/63, bounds 21–22", "1"]
    assert texts(table, "Any of these")[-2:] == ["29/63, bounds 29–30", "1"]
    assert footnotes_of(table, "Hemoglobin, g/L") == ["no baseline value: 1"]
    assert table.columns[-1].title == "Not judged"
    assert "[ctcae_v4]" in table.notes[0]
    assert "qiu2023" not in table.notes[0]


def test_occurrence_with_bounds() -> None:
    table = tables.table_occurrence(CONTENT, "occurrence")
    assert [column.title for column in table.columns] == [
        "Outcome",
        "Any grade, n/N (%)",
        "Grade ≥\N{NO-BREAK SPACE}3, n/N (%)",
        "Not judged",
    ]
    assert table.caption == "Occurrence of cytopenia (63 patients)"
    assert texts(table, "Severe anemia") == ["55/63 (87.3%), bounds 54–57", "16/63 (25.4%)", "0"]


def test_no_percent_where_the_count_depends_on_patients_not_judged() -> None:
    table = tables.table_occurrence(CONTENT, "occurrence")
    assert texts(table, "Severe neutropenia") == ["57/63, bounds 57–59", "48/63, bounds 47–50", "2"]
    assert sum(note.startswith("No percentage printed: some patients") for note in table.notes) == 1


def test_a_percent_where_best_and_worst_agree_although_a_grade_is_missing() -> None:
    table = tables.table_occurrence(CONTENT, "occurrence")
    assert texts(table, "Severe thrombocytopenia") == ["41/63, bounds 40–44", "15/63 (23.8%)", "1"]


def test_no_note_about_percents_where_everybody_is_judged() -> None:
    judged = CONTENT.results.filter(pl.col("variable_level") != "not judged")
    table = tables.table_occurrence(make_content(results=judged), "occurrence")
    assert texts(table, "Severe neutropenia")[0] == "57/63 (90.5%), bounds 57–59"
    assert not any(note.startswith("No percentage") for note in table.notes)


def test_not_judged_says_why() -> None:
    table = tables.table_occurrence(CONTENT, "occurrence")
    assert footnotes_of(table, "Severe neutropenia") == ["no measurement in the window: 2"]
    assert footnotes_of(table, "Severe anemia") == []


def test_bounds_and_their_absence_are_explained_once() -> None:
    notes = " ".join(tables.table_occurrence(CONTENT, "occurrence").notes)
    assert notes.count("Bounds: ") == 1
    assert notes.count("No bounds printed: decided") == 1
    assert notes.count("Days far from any measurement change no grade") == 1


def test_bounds_of_recovery_allow_for_open_days() -> None:
    notes = " ".join(tables.table_recovery(CONTENT, "recovery").notes)
    assert notes.count("Bounds: ") == 1
    assert "any other unmeasured day counts as met in the best case" in notes
    assert "change no grade" not in notes


def test_a_known_window_stands_in_the_title_of_an_outcome() -> None:
    windows = {"severe_anemia": (0, 28), "severe_neutropenia": (-5, 0), "severe_thrombocytopenia": (7, 7)}
    content = make_content(windows=windows)
    expected = [
        "Severe neutropenia, days \N{MINUS SIGN}5 to 0",
        "Severe anemia, days 0 to 28",
        "Severe thrombocytopenia, day 7",
    ]
    assert [row.header for row in tables.table_occurrence(content, "occurrence").rows] == expected
    assert [row.header for row in tables.table_grades(content, "occurrence").rows] == expected
    assert [row.header for row in tables.table_evidence(content).rows] == [*expected, "Count recovery"]


def test_a_title_that_names_its_days_stays_as_it_is() -> None:
    titles = {"severe_anemia": "Severe anemia by Day 28"}
    content = make_content(outcome_titles=titles, windows={"severe_anemia": (0, 28)})
    headers = [row.header for row in tables.table_occurrence(content, "occurrence").rows]
    assert headers == ["severe_neutropenia", "Severe anemia by Day 28", "severe_thrombocytopenia"]


def test_the_window_of_a_nadir_follows_its_unit() -> None:
    titles = {**ANALYTES, "platelets": ("Platelets, days 29 to 60", "×10⁹/L")}
    windows = {"anc": (0, 28), "platelets": (29, 60)}
    table = tables.table_nadirs(make_content(analyte_titles=titles, windows=windows), "occurrence")
    expected = [
        "Neutrophils (ANC), ×10⁹/L, days 0 to 28",
        "Hemoglobin, g/L",
        "Platelets, days 29 to 60, ×10⁹/L",
    ]
    assert [row.header for row in table.rows] == expected


def test_the_window_of_a_nadir_stands_in_the_evidence() -> None:
    outcomes = CONTENT.outcomes.with_columns(outcome=pl.lit("nadir_anc"))
    titles = {"nadir_anc": "Nadir of neutrophils"}
    content = make_content(outcomes=outcomes, outcome_titles=titles, windows={"anc": (0, 28)})
    assert [row.header for row in tables.table_evidence(content).rows] == [
        "Nadir of neutrophils, days 0 to 28"
    ]


def test_an_outcome_called_like_an_analyte_does_not_lend_its_window_to_the_nadir() -> None:
    windows = {"anc": (0, 7), "nadir_anc": (0, 28)}
    table = tables.table_nadirs(make_content(windows=windows), "occurrence")
    assert table.rows[0].header == "Neutrophils (ANC), ×10⁹/L, days 0 to 28"


def test_baseline_values_have_no_window_of_a_nadir() -> None:
    table = tables.table_baseline_cytopenia(make_content(windows={"anc": (0, 28)}), "table1")
    assert table.rows[0].header == "Neutrophils (ANC), ×10⁹/L"


def test_grades_keep_zero_and_not_judged_apart() -> None:
    table = tables.table_grades(CONTENT, "occurrence")
    assert [column.title for column in table.columns][1:] == [
        *(f"Grade {grade}" for grade in range(5)),
        "Not judged",
    ]
    assert texts(table, "Severe neutropenia") == ["4", "2", "7", "17", "31", "2"]


def test_nadirs() -> None:
    table = tables.table_nadirs(CONTENT, "occurrence")
    assert texts(table, "Neutrophils (ANC), ×10⁹/L") == ["63", "0.64 (0.02–2.31)", "9 (3–24)"]
    assert texts(table, "Hemoglobin, g/L")[-1] == "11 (−5 to 28)"
    assert table.caption == "Nadir and day of nadir (63 patients)"


def test_nadirs_say_how_a_limit_counts() -> None:
    expected = "A value reported as a limit (<0.1, >2000) counts with the printed number."
    assert tables.table_nadirs(CONTENT, "occurrence").notes[1:] == (expected,)


def nadirs_with_bounds(best: float | None, worst: float | None) -> Table:
    """Return the nadirs, the median of the neutrophils (0.64) in best and worst case beside it."""
    base = {"analysis_id": "occurrence", "group": "nadir", "variable": "anc", "estimate": "median"}
    rows = [
        ResultRow(**base, scenario=scenario, value=value, status="not_estimable" if value is None else "ok")
        for scenario, value in (("best", best), ("worst", worst))
    ]
    results = pl.concat([CONTENT.results, collect_results(rows)])
    return tables.table_nadirs(make_content(results=results), "occurrence")


@pytest.mark.parametrize(
    ("best", "worst", "bounds"),
    [
        (0.64, 0.55, "bounds 0.55–0.64"),
        (0.7, 0.5, "bounds 0.5–0.7"),
        (0.6412, 0.6388, "bounds 0.639–0.641"),
        (0.64, 0.6388, "bounds 0.639–0.640"),
        (float("inf"), 0.5, "bounds 0.5–∞"),
        (0.64, 0.64, ""),
        (0.64 + 1e-12, 0.64, ""),
        (None, None, ""),
        (0.7, None, ""),
        (float("nan"), 0.5, ""),
    ],
)
def test_bounds_of_the_median_nadir(best: float | None, worst: float | None, bounds: str) -> None:
    table = nadirs_with_bounds(best, worst)
    cell = table.rows[0].cells[1]
    assert (cell.text, cell.bounds) == ("0.64 (0.02–2.31)", bounds)
    assert sum(note.startswith("Bounds: the median") for note in table.notes) == bool(bounds)


@pytest.mark.parametrize(
    ("day_zero", "end"),
    [
        ("infusion", " Day 0: infusion."),
        ("first", " Day 0: first laboratory day of each patient."),
        ("given", " Day 0: as the laboratory days were given."),
        ("unheard of", "first day."),
    ],
)
def test_nadirs_say_what_day_zero_is(day_zero: str, end: str) -> None:
    table = tables.table_nadirs(make_content(settings={"day_zero": day_zero}), "occurrence")
    assert table.notes[0].endswith(end)


def test_recovery_shows_three_readings_side_by_side() -> None:
    table = tables.table_recovery(CONTENT, "recovery")
    assert [column.title.partition(",")[0] for column in table.columns][1:] == [
        "Early deaths left out",
        "Early deaths as not recovered",
        "Early deaths as competing event",
    ]
    assert texts(table, "Not recovered") == [
        "21/60, bounds 21–26",
        "24/63, bounds 24–29",
        "21/63, bounds 21–26",
    ]
    assert texts(table, "Recovered") == ["35/60, bounds 34–39", *["35/63, bounds 34–39"] * 2]
    assert texts(table, "Not evaluable") == ["4/60 (6.7%)", "4/63 (6.3%)", "4/63 (6.3%)"]
    assert table.caption == "Count recovery (60 or 63 patients)"


def test_the_first_reading_of_the_results_is_the_first_column() -> None:
    is_first = pl.col("stratum") == "as not recovered"
    results = pl.concat([CONTENT.results.filter(is_first), CONTENT.results.filter(~is_first)])
    table = tables.table_recovery(make_content(results=results), "recovery")
    assert [column.title.partition(",")[0] for column in table.columns][1:] == [
        "Early deaths as not recovered",
        "Early deaths left out",
        "Early deaths as competing event",
    ]
    assert texts(table, "Not evaluable") == ["4/63 (6.3%)", "4/60 (6.7%)", "4/63 (6.3%)"]


def test_early_deaths_are_where_each_reading_puts_them() -> None:
    table = tables.table_recovery(CONTENT, "recovery")
    assert texts(table, "Died before landmark") == ["–", "–", "3/63 (4.8%)"]
    expected = ["– early deaths are left out", "– counted as not recovered"]
    assert footnotes_of(table, "Died before landmark") == expected


def test_nobody_died_early() -> None:
    died = (pl.col("variable_level") == "died before landmark") & (pl.col("estimate") != "denominator")
    results = CONTENT.results.with_columns(pl.when(died).then(0.0).otherwise("value").alias("value"))
    table = tables.table_recovery(make_content(results=results), "recovery")
    assert texts(table, "Died before landmark") == ["–", "0/63 (0.0%)", "0/63 (0.0%)"]


def test_percents_of_recovery_where_everybody_is_evaluable() -> None:
    missing = (pl.col("variable_level") == "not evaluable") & (pl.col("estimate") == "count")
    results = CONTENT.results.with_columns(pl.when(missing).then(0.0).otherwise("value").alias("value"))
    table = tables.table_recovery(make_content(results=results), "recovery")
    assert texts(table, "Not recovered")[0] == "21/60 (35.0%), bounds 21–26"


@pytest.mark.parametrize(("settings", "times"), [({"support_complete": False}, 1), ({}, 0)])
def test_incomplete_support_is_count_recovery(settings: dict[str, bool], times: int) -> None:
    table = tables.table_recovery(make_content(settings=settings), "recovery")
    expected = (
        "Support was not recorded completely: this is count recovery, whatever growth factors or "
        "transfusions were given."
    )
    assert table.notes.count(expected) == times


def test_never_below_has_a_row_of_its_own_once_somebody_is() -> None:
    is_never = (pl.col("variable_level") == "never below") & (pl.col("estimate") == "count")
    results = CONTENT.results.with_columns(pl.when(is_never).then(2.0).otherwise("value").alias("value"))
    usual = tables.table_recovery(CONTENT, "recovery")
    table = tables.table_recovery(make_content(results=results), "recovery")
    assert "Never below" not in [row.header for row in usual.rows]
    assert [row.header for row in table.rows][:3] == ["Recovered or never below", "Recovered", "Never below"]


def test_nine_cells() -> None:
    table = tables.table_cells(CONTENT, "recovery")
    assert [column.title for column in table.columns] == ["State", "Day 26", "Day 27", "Day 28"]
    assert [row.header for row in table.rows if row.is_section] == [
        "Neutrophils (ANC)",
        "Hemoglobin",
        "Platelets",
    ]
    assert [cell.text for cell in table.rows[1].cells] == ["43", "44", "45"]


def test_evidence_counts_every_patient_once() -> None:
    table = tables.table_evidence(CONTENT)
    patients, decided, undecided, measured, bracketed, is_open, without = map(
        int, texts(table, "Severe anemia")
    )
    assert patients == 63 == decided + undecided + without
    assert decided + undecided == measured + bracketed + is_open


def test_findings_gravest_first_and_the_rest_counted() -> None:
    table = tables.table_findings(CONTENT, most=2)
    assert [row.header for row in table.rows] == ["Error", "Warning"]
    assert table.rows[1].cells[3].text == "96"
    assert table.caption == "2 of 4 findings, gravest first"
    assert table.notes == ("2 further findings in findings.csv.",)


def test_findings_of_an_unknown_severity_come_last() -> None:
    findings = make_findings().with_columns(pl.lit("other").alias("severity"))
    ordered = sort_findings(pl.concat([findings, make_findings()]))
    assert ordered["severity"].to_list() == ["error", "warning", "warning", "info", *["other"] * 4]


def test_findings_of_a_rule_stay_together_and_grave_rules_come_first() -> None:
    rules = {"unknown_analyte": (900, 5), "missing_lln": (40, 90), "suspected_unit": (1,), "late": (100,)}
    row = make_findings().row(0, named=True)
    rows = [{**row, "rule": rule, "rows": count} for rule, counts in rules.items() for count in counts]
    ordered = sort_findings(pl.DataFrame(rows, schema=make_findings().schema))
    assert ordered["rule"].to_list() == [
        "suspected_unit", "missing_lln", "missing_lln", "late", "unknown_analyte", "unknown_analyte",
    ]  # fmt: skip
    assert ordered["rows"].to_list() == [1, 90, 40, 100, 900, 5]


@pytest.mark.parametrize(
    ("denominators", "expected"),
    [
        ([], ""),
        ([63, 63], "63 patients"),
        ([63, 60], "60 or 63 patients"),
        ([57, 63, 60], "57 to 63 patients"),
    ],
)
def test_denominators_in_words(denominators: list[int], expected: str) -> None:
    rows = [
        ResultRow(analysis_id="a", variable=str(place), estimate="denominator", value=value)
        for place, value in enumerate(denominators)
    ]
    assert denominator_phrase(select_results(collect_results(rows), "a")) == expected


@pytest.mark.parametrize(
    "maker",
    [
        tables.table_characteristics,
        tables.table_baseline_cytopenia,
        tables.table_occurrence,
        tables.table_grades,
        tables.table_nadirs,
        tables.table_recovery,
        tables.table_cells,
    ],
)
def test_no_results_no_rows(maker: Callable[..., Table]) -> None:
    content = make_content(results=pl.DataFrame(schema=RESULT_SCHEMA))
    assert maker(content, "occurrence").rows == ()


def test_every_row_is_as_wide_as_its_table() -> None:
    made = [
        tables.table_characteristics(CONTENT, "table1"),
        tables.table_occurrence(CONTENT, "occurrence"),
        tables.table_recovery(CONTENT, "recovery"),
        tables.table_findings(CONTENT),
        tables.table_evidence(CONTENT),
    ]
    wrong = [
        (table.id, row.header)
        for table in made
        for row in table.rows
        if not row.is_section and len(row.cells) != len(table.columns) - 1
    ]
    assert wrong == []


def test_the_content_is_never_changed() -> None:
    results, findings = CONTENT.results.clone(), CONTENT.findings.clone()
    tables.table_occurrence(CONTENT, "occurrence")
    tables.table_findings(CONTENT)
    assert_frame_equal(CONTENT.results, results)
    assert_frame_equal(CONTENT.findings, findings)


def test_a_number_without_scenario_is_the_policy() -> None:
    row = ResultRow(analysis_id="a", variable="x", estimate="count", value=3)
    lookup = select_results(collect_results([row]), "a")
    assert lookup.value("x", "count") == 3
    assert lookup.value("x", "count", scenario="best") is None


def test_each_table_of_results_gives_its_own_numbers() -> None:
    """Two tables asked in turn, as where two runs are reported side by side."""
    one, two = (
        collect_results([ResultRow(analysis_id="a", group=group, variable="x", estimate="n", value=value)])
        for group, value in (("g", 3), ("g", 4))
    )
    for _ in range(2):
        assert select_results(one, "a", group="g").value("x", "n") == 3
        assert select_results(two, "a", group="g").value("x", "n") == 4
    assert select_results(two, "a").variables == []
    assert select_results(two, "b", group="g").variables == []


def test_equal_footnotes_share_a_mark() -> None:
    notes = Footnotes()
    assert [notes.mark(text) for text in ("one", "two", "one", "")] == [(0,), (1,), (0,), ()]
    assert [footnote_mark(number) for number in (0, 1, 26, 27)] == ["a", "b", "aa", "ab"]
