"""Factors against an outcome in print: every P names its test, every dash has its reason."""

from __future__ import annotations

import re
from typing import Any

import polars as pl
import pytest
from markupsafe import escape

from association_factory import (
    ANALYSES,
    LATE,
    associations_of,
    cut_rows,
    group_sizes,
    left_out,
    level_groups,
    make_associations,
    model_rows,
    numeric_groups,
    odds_rows,
    p_row,
    printed_rows,
    refused,
)
from cytopenia.report.association_tables import (
    table_cutpoints,
    table_normality,
    table_risk_factors,
)
from cytopenia.report.content import ReportContent
from cytopenia.report.crosstab_tables import table_crosstab
from cytopenia.report.display import Counted, format_bounds, format_odds_ratio, format_p
from cytopenia.report.document import render_report
from cytopenia.report.lookup import list_notes
from cytopenia.report.methods import write_methods_paragraphs
from cytopenia.report.printed_tables import table_printed
from cytopenia.report.sections import list_sections
from cytopenia.report.table_model import Column, Row, Table
from cytopenia.results import RESULT_SCHEMA, ResultRow, collect_results
from report_factory import make_content

CONTENT = make_associations()
SEVERE = table_risk_factors(CONTENT, "severe")
CUT = table_risk_factors(CONTENT, "cut")
NBSP = "\N{NO-BREAK SPACE}"


def row_of(table: Table, header: str, place: int = 0) -> Row:
    return [row for row in table.rows if row.header == header][place]


def texts(table: Table, header: str, place: int = 0) -> list[str]:
    """Return the cells of the row with this header, bounds included."""
    return [cell.plain for cell in row_of(table, header, place).cells]


def cell_notes(table: Table, header: str, column: str) -> list[str]:
    """Return the footnotes of one cell, the column named with its spanner."""
    place = [one.full_title for one in table.columns].index(column) - 1
    return [table.footnotes[mark] for mark in row_of(table, header).cells[place].marks]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.023, "0.023"),
        (0.9763, "0.976"),
        (0.0005, "0.001"),
        (0.000499, "<0.001"),
        (0.0, "<0.001"),
        (1e-12, "<0.001"),
        (0.9995, ">0.999"),
        (1.0, ">0.999"),
        (0.9994, "0.999"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_p_value(value: float | None, expected: str) -> None:
    assert format_p(value) == expected


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        # As Table III of Qiu 2023 prints them, with the zeros it leaves out.
        ((11, 3.13, 38.66), "11.000 (3.130–38.660)"),
        ((8.5, 2.371, 30.466), "8.500 (2.371–30.466)"),
        ((0.107, 0.028, 0.41), "0.107 (0.028–0.410)"),
        ((14.834, 2.391, 92.051), "14.834 (2.391–92.051)"),
        ((0.004, 0.0000032, 5.1), "0.004 (<0.001–5.100)"),
        ((250.5, 12.25, 5120.7), "250.500 (12.250–5121)"),
        ((9_999_999, 1.2, 3.3e12), "1.0×10⁷ (1.200–3.3×10¹²)"),
        ((1.0004, 0.99982, 1.00104), "1.0004 (0.9998–1.0010)"),
        ((1.0, 0.5, 2.0), "1.000 (0.500–2.000)"),
        ((1.0000001, 1.0, 1.0000002), "1.00000 (1.00000–1.00000)"),
    ],
)
def test_odds_ratio(numbers: tuple[float, float, float], expected: str) -> None:
    assert format_odds_ratio(*numbers) == expected


def test_bounds_that_meet_are_one_number() -> None:
    assert format_bounds(Counted(61), Counted(63), Counted(63)) == "bounds 63"


def test_columns_stand_under_common_titles_with_the_sizes_of_the_groups() -> None:
    assert [column.full_title.replace(NBSP, " ") for column in SEVERE.columns] == [
        "Factor",
        "All (n = 61)",
        "Severe cytopenia: Yes (n = 52, bounds 51–54)",
        "Severe cytopenia: No (n = 9, bounds 9–12)",
        "P",
        "Multivariable: OR (95% CI)",
        "Multivariable: P",
    ]
    assert SEVERE.spans == [("", 2), ("Severe cytopenia", 2), ("", 1), ("Multivariable", 2)]


def test_numeric_factor_is_one_row() -> None:
    expected = ["46 (21–72)", "47 (21–72)", "44 (23–69)", "0.513", "–", ""]
    assert texts(SEVERE, "Age, years") == expected


def test_categorical_factor_has_its_p_and_a_row_per_level() -> None:
    assert texts(SEVERE, "Sex") == ["", "", "", ">0.999", "–", ""]
    male = ["44 (72.1%)", "38 (73.1%), bounds 37–39", "6 (66.7%), bounds 6–8", "", "", ""]
    assert texts(SEVERE, "male") == male
    assert row_of(SEVERE, "male").indent == 1


def test_a_level_keeps_its_letters_and_gets_printed_signs() -> None:
    headers = [row.header for row in SEVERE.rows]
    assert "none" in headers
    assert f"grade ≥{NBSP}3" in headers


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            "Age, years",
            "Mann-Whitney U test, asymptotic, tie-corrected, without continuity correction",
        ),
        ("Sex", "Fisher's exact test"),
        ("CAR-T target", "Fisher's exact test by Monte Carlo sampling, 95% interval of P 0.504–0.524"),
    ],
)
def test_every_p_names_its_test(header: str, expected: str) -> None:
    assert cell_notes(SEVERE, header, "P") == [expected]


def test_a_short_simulated_interval_keeps_its_two_ends() -> None:
    row = p_row("a", "sex", 0.0312, "fisher_monte_carlo", low=0.03113, high=0.03127)
    table = table_risk_factors(associations_of([row]), "a")
    assert cell_notes(table, "sex", "P")[0].endswith("95% interval of P 0.0311–0.0313")


def test_a_test_the_report_does_not_know_is_named_all_the_same() -> None:
    table = table_risk_factors(associations_of([p_row("a", "sex", 0.2, "barnard_exact")]), "a")
    assert cell_notes(table, "sex", "P") == ["barnard exact"]


def test_a_test_that_was_not_possible_is_a_dash_with_its_reason() -> None:
    row = p_row("a", "sex", None, "", status="not_estimable", note="one level only")
    table = table_risk_factors(associations_of([row]), "a")
    assert texts(table, "sex") == ["–"]
    assert cell_notes(table, "sex", "P") == ["– one level only"]


def test_not_selected_factors_share_a_footnote() -> None:
    column = "Multivariable: OR (95% CI)"
    for header in ("Age, years", "Sex", "CAR-T target"):
        assert cell_notes(SEVERE, header, column) == ["– not selected: P in the screen not below 0.05"]


def test_a_level_that_separates_is_a_dash_with_its_reason() -> None:
    header = f"grade ≥{NBSP}3"
    assert texts(SEVERE, header)[-2:] == ["–", ""]
    expected = ["– separation: no event-free patient at this level"]
    assert cell_notes(SEVERE, header, "Multivariable: OR (95% CI)") == expected


def test_the_reference_is_named() -> None:
    assert texts(SEVERE, "none")[-2:] == ["1 (reference)", ""]


def test_an_odds_ratio_per_unit_keeps_the_digits_that_differ_from_one() -> None:
    assert texts(SEVERE, "Peak IL-6, pg/mL")[-2:] == ["1.0004 (0.9998–1.0010)", "0.166"]
    assert any(note.endswith("Of a number it is the odds ratio per unit.") for note in SEVERE.notes)
    assert not any("per unit" in note for note in CUT.notes)


def test_what_is_known_only_after_infusion_is_marked_at_the_factor() -> None:
    marks = {row.header: [SEVERE.footnotes[mark] for mark in row.marks] for row in SEVERE.rows}
    assert marks["Peak IL-6, pg/mL"] == ["Known only after infusion", "Without a value: 4 (Yes 3, No 1)"]
    assert marks["Neurotoxicity"] == ["Known only after infusion"]
    assert marks["Age, years"] == []
    # The same words are no remark on a number.
    assert not any(LATE in note for note in SEVERE.footnotes)


def test_a_model_column_names_its_method() -> None:
    (mark,) = SEVERE.columns[5].marks
    assert SEVERE.footnotes[mark] == "Logistic regression by maximum likelihood; Wald interval and Wald test"
    assert SEVERE.columns[6].marks == ()


def test_a_column_of_two_methods_names_each_at_its_p() -> None:
    base = {"analysis_id": "a", "group": "univariable"}
    rows = odds_rows({**base, "variable": "anc"}, (2, 1, 4), 0.04)
    method = "penalized_likelihood_ratio"
    rows += odds_rows({**base, "variable": "crp"}, (3, 1, 9), 0.05, method=method)
    table = table_risk_factors(associations_of(rows), "a")
    assert [column.marks for column in table.columns] == [(), (), ()]
    assert cell_notes(table, "anc", "Univariable: P")[0].startswith("Logistic regression by maximum")
    assert cell_notes(table, "crp", "Univariable: P") == [
        "Logistic regression with Firth's penalty; profile penalized likelihood interval, penalized "
        "likelihood ratio test"
    ]


def test_notes_tell_who_is_in_no_group_and_what_the_model_left_out() -> None:
    notes = " ".join(SEVERE.notes)
    assert "In no group: 2 not judged." in notes
    assert "Multivariable model: 57 patients, 49 with the event and 8 without; 3 terms; 4 left out" in notes
    assert "9 patients in the smaller group: a multivariable model needs 20" in notes
    assert "Counts of the two groups without bounds are decided." in notes
    assert "Every other number uses the groups as the definition gives them." in notes
    assert "CI, confidence interval; OR, odds ratio." in notes


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("recovered", "means more recovery."),
        ("not_recovered", "means less recovery."),
        ("yes", "means more events."),
    ],
)
def test_what_an_odds_ratio_above_one_means(event: str, words: str) -> None:
    content = associations_of(
        [ResultRow(**{**vars(row), "analysis_id": "a"}) for row in cut_rows()],
        event=event, outcome="recovery",
    )  # fmt: skip
    (note,) = (note for note in table_risk_factors(content, "a").notes if note.startswith("Event: "))
    assert note.startswith("Event: hematologic recovery at day 28, recovered. An odds ratio above 1 ")
    assert note.endswith(words)


def test_cut_factors_as_table_three_of_a_paper() -> None:
    assert CUT.caption == "Univariable and multivariable analysis of hematologic recovery at day 28"
    assert [column.full_title for column in CUT.columns] == [
        "Factor",
        "Recovered/patients",
        "Univariable: OR (95% CI)",
        "Univariable: P",
        "Multivariable: OR (95% CI)",
        "Multivariable: P",
    ]
    assert texts(CUT, "< 2.29") == ["5/18", "1 (reference)", "", "1 (reference)", ""]
    assert texts(CUT, f"≥{NBSP}2.29")[:3] == ["34/42", "11.000 (3.130–38.660)", "<0.001"]
    assert CUT.rows[0].header == "Baseline neutrophils (ANC), ×10⁹/L"


def test_notes_of_cut_factors() -> None:
    notes = " ".join(CUT.notes)
    assert "Groups: recovered 39 (bounds 37–39), not recovered 21 (bounds 21–23)." in notes
    assert "In no group: 3 died before the landmark." in notes
    assert (
        "Univariable models: 60 patients; 59 for Peak ferritin, ng/mL (without a value: left out)." in notes
    )
    assert notes.count("the largest Youden index of the ROC curve of these patients") == 1
    assert "any other unmeasured day counts as met in the best case" in notes
    assert "[qiu2023_recovery]" in notes
    # The counts of this table have no bounds of their own.
    assert "decided" not in notes


def test_fixed_cuts_are_not_called_optimistic() -> None:
    rows = [*odds_rows({"analysis_id": "a", "group": "univariable", "variable": "anc"}, (2, 1, 4), 0.04)]
    cut = {"analysis_id": "a", "group": "cutpoints", "variable": "anc", "estimate": "cut"}
    table = table_risk_factors(associations_of([*rows, ResultRow(**cut, value=1.0, text="fixed")]), "a")
    assert "Cut-offs: stated in the protocol." in table.notes
    assert not any("Youden" in note for note in table.notes)


def test_no_bounds_no_words_about_bounds() -> None:
    rows = group_sizes("a", ("Yes", "No", "All"), [(5, 5, 5), (6, 6, 6), (11, 11, 11)])
    rows += numeric_groups("a", "age", "Age", numbers=[(5, 0, 1, 1, 2), (6, 0, 1, 1, 2), (11, 0, 1, 1, 2)])
    table = table_risk_factors(associations_of(rows), "a")
    assert not any("ounds" in note for note in table.notes)
    assert [column.title.replace(NBSP, " ") for column in table.columns[1:]] == [
        "All (n = 11)",
        "Yes (n = 5)",
        "No (n = 6)",
    ]


def test_a_group_without_a_value_is_a_dash() -> None:
    rows = group_sizes("a", ("Yes", "No", "All"), [(5, 5, 5), (6, 6, 6), (11, 11, 11)])
    base = {"analysis_id": "a", "group": "groups", "variable": "crp", "stratum": "event"}
    rows.append(ResultRow(**base, estimate="n", value=0, text="CRP"))
    rows.append(ResultRow(**base, estimate="median", status="not_estimable", note="no value"))
    table = table_risk_factors(associations_of(rows, outcome="severe_anemia"), "a")
    column = f"Severe anemia: Yes (n{NBSP}={NBSP}5)"
    assert cell_notes(table, "CRP", column) == ["– no value"]
    assert texts(table, "CRP") == ["", "–", ""]


def test_a_table_without_rows_is_left_out() -> None:
    empty = make_associations(results=pl.DataFrame(schema=RESULT_SCHEMA))
    for make in (table_risk_factors, table_crosstab, table_cutpoints, table_normality):
        assert make(empty, "severe").rows == ()
    assert table_printed(empty).rows == ()


def test_normality_names_its_test_and_what_is_none() -> None:
    table = table_normality(CONTENT, "severe")
    assert texts(table, "Age, years") == ["61", "0.441"]
    assert cell_notes(table, "Age, years", "P") == ["Shapiro-Wilk test"]
    note = "the signed-rank test compares the location with the sample mean; it is no test of normality"
    row = p_row("a", "anc", 0.01, "one_sample_wilcoxon", group="normality", note=note, n=60)
    table = table_normality(associations_of([row]), "a")
    (footnote,) = cell_notes(table, "anc", "P")
    assert footnote.startswith("One-sample Wilcoxon signed-rank test against the sample mean; ")
    assert footnote.endswith("it is no test of normality")


def test_crosstab_by_level_with_bounds_and_pairs() -> None:
    table = table_crosstab(CONTENT, "by_crs")
    assert table.caption == "Severe thrombocytopenia, by cytokine release syndrome"
    none = ["1/18 (5.6%), bounds 1–2", "17/18 (94.4%), bounds 17–18", "", ""]
    assert texts(table, "none") == none
    assert texts(table, "Cytokine release syndrome") == ["", "", "0.064", ""]
    assert texts(table, "none vs grade 1-2") == ["", "", "0.025", "0.076"]
    assert cell_notes(table, "none vs grade 1-2", "P") == ["Chi-squared test, without Yates' correction"]
    assert {len(row.cells) for row in table.rows if not row.is_section} == {4}
    assert "In no group: 1 not judged." in table.notes


def test_crosstab_without_pairs_has_no_holm_column() -> None:
    results = CONTENT.results.filter(pl.col("group") != "pairwise")
    table = table_crosstab(make_associations(results=results), "by_crs")
    assert [column.title for column in table.columns] == ["Level", "Yes, n/N (%)", "No, n/N (%)", "P"]
    assert not any("Holm" in note for note in table.notes)


def test_cutpoints() -> None:
    table = table_cutpoints(CONTENT, "curves")
    expected = ["0.802 (0.685–0.919)", f"≥{NBSP}2.29", "0.790", "0.760", "0.550", "39/21", "0"]
    assert texts(table, "Baseline neutrophils (ANC), ×10⁹/L") == expected
    assert texts(table, "Baseline IL-6, pg/mL")[1] == "< 21.43"
    assert table.notes[0].startswith("Event: hematologic recovery at day 28, recovered.")
    assert "midway between neighboring values" in table.notes[1]
    assert "come from the same patients" in table.notes[1]


def test_a_curve_that_there_is_not_is_a_dash_with_one_reason() -> None:
    table = table_cutpoints(CONTENT, "curves")
    assert texts(table, "Baseline CRP, mg/L") == ["–", "–", "–", "–", "–", "0/0", "60"]
    assert table.footnotes == ("Known only after infusion", "– nobody has a value")


def test_an_area_below_a_half_says_so() -> None:
    row = {"analysis_id": "a", "variable": "anc", "estimate": "auc", "value": 0.41, "low": 0.2, "high": 0.6}
    table = table_cutpoints(associations_of([ResultRow(**row, note="below 0.5")]), "a")
    assert cell_notes(table, "anc", "AUC (95% CI)") == ["below 0.5"]


def test_printed_numbers_by_place_with_their_verdict() -> None:
    table = table_printed(CONTENT)
    assert table.caption == (
        "5 printed results, recomputed: agrees 1, agrees by truncation 1, "
        "agrees but the printed label contradicts 1, differs 1, not computed 1"
    )
    assert [row.header for row in table.rows if row.is_section] == ["Results, patients", "Table III"]
    assert texts(table, "men") == ["45 (71.42%)", "45 (71.43%)", "Agrees by truncation", ""]
    assert texts(table, "Baseline IL-6 > 21.43, multivariable OR")[2] == "Differs"


def test_what_does_not_plainly_agree_is_explained_beside_the_verdict() -> None:
    table = table_printed(CONTENT)
    assert texts(table, "Baseline ANC < 2.29, univariable OR")[1:] == [
        "11.000 (3.130–38.660)",
        "Agrees but the printed label contradicts",
        f"this is the odds ratio of ≥{NBSP}2.29, the printed label says <",
    ]
    assert texts(table, "Follow-up") == ["closed", "–", "Not computed", "no date in the tables"]


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ("–; percent: no row", ["–", "percent: no row"]),
        ("45 (–); percent: no row", ["45 (–)", "percent: no row"]),
        ("no row", ["–", "no row"]),
        ("–", ["–", ""]),
        ("", ["–", ""]),
    ],
)
def test_a_number_that_was_not_computed(note: str, expected: list[str]) -> None:
    row = {"analysis_id": "printed", "variable": "x", "estimate": "recomputed", "level": "not computed"}
    table = table_printed(associations_of([ResultRow(**row, note=note, status="not_done")]))
    cells = texts(table, "x")
    assert [cells[1], cells[3]] == expected


def test_a_recomputed_number_without_words_is_formatted() -> None:
    row = {"analysis_id": "printed", "variable": "x", "estimate": "recomputed", "level": "agrees"}
    numbers = {"value": 0.64, "low": 0.02, "high": 2.31}
    table = table_printed(associations_of([ResultRow(**row, **numbers, text="0.64 (0.02-2.31)")]))
    assert texts(table, "x")[1] == "0.64 (0.02–2.31)"


def test_the_printed_table_says_that_the_cohort_is_synthetic() -> None:
    assert any("The cohort is synthetic" in note for note in table_printed(CONTENT).notes)
    real = make_associations(synthetic=False)
    assert not any("synthetic" in note for note in table_printed(real).notes)


def test_a_verdict_is_told_by_its_words_and_only_repeated_by_its_look() -> None:
    cells = [row.cells[2] for row in table_printed(CONTENT).rows if not row.is_section]
    assert {cell.text: cell.tone for cell in cells} == {
        "Agrees": "agrees",
        "Agrees by truncation": "noted",
        "Agrees but the printed label contradicts": "noted",
        "Differs": "differs",
        "Not computed": "quiet",
    }


def light(**changes: Any) -> ReportContent:
    """Return the content without the days of the patients, whose figures take their time."""
    new = [one["id"] for one in ANALYSES] + ["printed"]
    results = CONTENT.results.filter(pl.col("analysis_id").is_in(new))
    return make_associations(**{"results": results, "patient_days": CONTENT.patient_days.clear(), **changes})


def sections_of(**changes: Any) -> dict[str, Any]:
    return {section.id: section for section in list_sections(light(**changes))}


def test_the_label_begins_the_first_caption_only() -> None:
    found = sections_of()
    captions = [table.caption for table in found["analysis-severe"].tables]
    assert captions == [
        "Table I. Risk factors for severe cytopenia",
        "Test of normality of the numeric factors",
    ]
    assert found["analysis-cut"].tables[0].caption.startswith("Table III. Univariable and multivariable")


def test_the_label_of_a_figure_goes_to_the_figure() -> None:
    section = sections_of()["analysis-curves"]
    assert section.figures[0].title.startswith("Figure SI. ROC curves for hematologic recovery")
    assert section.tables[0].caption == "Cut-offs for hematologic recovery at day 28"


def test_a_roc_analysis_labeled_as_a_table_is_one() -> None:
    analyses = [{**ANALYSES[2], "label": "Table SVI"}]
    section = sections_of(analyses=analyses)["analysis-curves"]
    assert section.tables[0].caption.startswith("Table SVI. Cut-offs")
    assert section.figures[0].title.startswith("ROC curves")


def test_a_labeled_table_of_another_kind() -> None:
    content = make_content()
    labeled = [{**content.analyses[0], "label": "Table SI"}, *content.analyses[1:]]
    section = list_sections(make_content(analyses=labeled))[1]
    captions = [table.caption for table in section.tables]
    assert captions[0] == "Table SI. Characteristics of the cohort (63 patients)"
    assert captions[1].startswith("Cytopenia at baseline")


def test_printed_numbers_are_the_last_section_before_the_words() -> None:
    assert [*sections_of()][-3:] == ["printed", "words", "checklist"]
    assert "printed" not in [section.id for section in list_sections(make_content())]


def test_marks_of_headers_and_columns_are_printed() -> None:
    page = render_report(light())
    assert re.search(r"Peak IL-6, pg/mL<sup>f</sup><sup>,g</sup></th>", page)
    assert "OR (95% CI)<sup>a</sup></th>" in page
    assert 'colspan="2" class="spanner"><span>Multivariable</span>' in page
    assert '<td class="left tone-differs">Differs' in page


def test_every_footnote_is_referred_to() -> None:
    made = (
        SEVERE, CUT, table_normality(CONTENT, "severe"), table_crosstab(CONTENT, "by_crs"),
        table_cutpoints(CONTENT, "curves"), table_printed(CONTENT),
    )  # fmt: skip
    for table in made:
        used = {mark for column in table.columns for mark in column.marks}
        used |= {mark for row in table.rows for mark in row.marks}
        used |= {mark for row in table.rows for cell in row.cells for mark in cell.marks}
        assert used == set(range(len(table.footnotes)))


def test_every_row_fills_the_table() -> None:
    for table in (SEVERE, CUT, table_cutpoints(CONTENT, "curves"), table_printed(CONTENT)):
        widths = {len(row.cells) for row in table.rows if not row.is_section}
        assert widths == {len(table.columns) - 1}


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><img src=x onerror=x>', "$\\frac{1}{0}$"])
def test_a_hostile_name_is_only_text(name: str) -> None:
    results = light().results.with_columns(
        *(
            pl.when(pl.col(column).str.len_chars() > 6).then(pl.lit(name)).otherwise(column).alias(column)
            for column in ("text", "note", "variable_level")
        )
    )
    page = render_report(light(results=results))
    assert page.count(str(escape(name))) > 10
    assert "<script" not in page
    assert "<img" not in page


def test_an_analysis_the_content_does_not_describe() -> None:
    rows = [p_row("b", "sex", 0.2, "fisher_exact")]
    table = table_risk_factors(associations_of(rows), "b")
    assert table.caption == "Risk factors for the outcome"
    assert texts(table, "sex") == ["0.200"]


def test_the_inputs_are_unchanged() -> None:
    rows = [*printed_rows(), *cut_rows()]
    results = collect_results(rows)
    content = make_associations(results=results)
    table_printed(content)
    table_risk_factors(content, "cut")
    assert content.results.equals(collect_results(rows))


def test_a_full_title_without_a_spanner_is_the_title() -> None:
    assert Column("P").full_title == "P"


def test_who_is_left_out_for_several_reasons() -> None:
    rows = [
        *level_groups("a", "sex", "Sex", levels={"male": [(1, 1, 1), (1, 1, 1)]}),
        left_out("a", "died before landmark", 3),
        left_out("a", "not judged", 1200),
        refused("a", "multivariable", "sex", "not among the terms"),
        *model_rows("a", "multivariable", method="firth", n=60, missing=0),
    ]
    table = table_risk_factors(associations_of(rows, event="recovered", outcome="recovery"), "a")
    assert "In no group: 3 died before the landmark, 1200 not judged." in table.notes
    assert "Multivariable model: 60 patients." in table.notes
    assert table.caption == "Factors associated with hematologic recovery at day 28"
    assert cell_notes(table, "Sex", "Multivariable: OR (95% CI)") == ["– not among the terms"]


def test_both_gate_notes_of_an_analysis_are_printed() -> None:
    """One of the univariable models, one of the multivariable model: neither hides the other."""
    gate: dict[str, Any] = {"analysis_id": "cut", "group": "gate", "variable": "model"}
    notes = {
        "univariable": "9 patients in the smaller group: factors are described only below 10",
        "multivariable": "9 patients in the smaller group: a multivariable model needs 20",
    }
    rows = [
        ResultRow(**gate, level=level, estimate="smaller_group", value=9, note=note)
        for level, note in notes.items()
    ]
    content = associations_of([*cut_rows(), *rows], kind="risk_factors", id="cut")
    printed = table_risk_factors(content, "cut").notes
    assert [f"{note}." for note in notes.values()] == [one for one in printed if "smaller group" in one]
    methods = " ".join(part for _, parts in write_methods_paragraphs(content) for part in parts)
    assert all(note in methods for note in notes.values())
    assert list_notes(content.results, "cut", group="gate") == list(notes.values())
