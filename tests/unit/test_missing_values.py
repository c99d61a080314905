"""Missing values in a study: counts and patterns, imputed models beside complete cases, tables and words."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from cytopenia.definitions import load_library
from cytopenia.report.gap_patterns import plot_gap_patterns
from cytopenia.report.imputed_tables import imputation_paragraphs, table_imputed_models
from cytopenia.report.methods_text import References
from cytopenia.report.missingness_tables import table_missing_values
from cytopenia.results import ResultRow, collect_results
from cytopenia.study.analysis_forms import Missing, Missingness, RiskFactors
from cytopenia.study.associations import RiskFactorInput, summarize_risk_factors
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import Sides
from cytopenia.study.imputed_factors import impute_factors
from cytopenia.study.missingness import is_mostly_missing, summarize_missingness
from report_factory import make_content

NAN = float("nan")
Found = dict[tuple[str, ...], ResultRow]


def make_sides(event: list[float]) -> Sides:
    array = np.array(event, dtype=float)
    return Sides(("Yes", "No"), dict.fromkeys(("policy", "best", "worst"), array), {"not judged": 1})


def number(name: str, values: list[float | None], **more: Any) -> FactorColumn:
    return FactorColumn(name, name.upper(), pl.Series(name, values, dtype=pl.Float64), **more)


def find(rows: list[ResultRow], *names: str) -> Found:
    return {tuple(getattr(row, name) for name in names): row for row in rows}


def make_missingness(**changes: Any) -> Missingness:
    keys = {"id": "gaps", "kind": "missingness", "factors": ["a", "b"], "outcome": "o", "event": "yes"}
    return Missingness.model_validate({**keys, **changes})


FACTORS = [
    number("a", [1.0, None, 3.0, 4.0, None, 6.0]),
    FactorColumn("b", "B", pl.Series("b", ["x", None, "y", None, "x", "y"])),
]
SIDES = make_sides([1, 1, 1, 0, 0, NAN])


def test_missing_values_are_counted_on_either_side() -> None:
    rows = list(summarize_missingness(make_missingness(), FACTORS, SIDES))
    found = find([row for row in rows if row.group == "missing"], "stratum", "variable", "estimate")
    counts = {key[:2]: row.value for key, row in found.items() if key[2] == "count"}
    assert counts == {
        ("total", "patients"): 6,
        ("event", "patients"): 3,
        ("no event", "patients"): 2,
        ("total", "a"): 2,
        ("event", "a"): 1,
        ("no event", "a"): 1,
        ("total", "b"): 2,
        ("event", "b"): 1,
        ("no event", "b"): 1,
        ("total", "outcome"): 1,
    }
    assert found["event", "a", "percent"].value == pytest.approx(100 / 3)
    # Patients 2, 4 and 5 have a gap: 4 of 12 values.
    assert found["", "patients", "incomplete"].value == 3
    assert found["", "values", "incomplete_percent"].value == pytest.approx(100 / 3)


def test_patterns_stand_with_the_most_frequent_first() -> None:
    rows = [r for r in summarize_missingness(make_missingness(), FACTORS, SIDES) if r.group == "pattern"]
    found = find(rows, "variable_level", "variable", "estimate")
    patterns = [
        (
            found[level, "patients", "count"].value,
            *(found[level, name, "is_missing"].value for name in ("a", "b", "outcome")),
        )
        for level in ("1", "2", "3", "4", "5")
    ]
    assert patterns == [(2, 0, 0, 0), (1, 0, 0, 1), (1, 0, 1, 0), (1, 1, 0, 0), (1, 1, 1, 0)]


def test_without_an_outcome_everybody_is_one_group() -> None:
    analysis = make_missingness(outcome=None, event=None)
    rows = list(summarize_missingness(analysis, FACTORS, None))
    assert {row.stratum for row in rows} == {"total", ""}
    assert "outcome" not in {row.variable for row in rows}


@pytest.mark.parametrize(("missing", "is_most"), [(5, False), (6, True), (0, False)])
def test_more_than_half_is_mostly_missing(missing: int, is_most: bool) -> None:
    assert is_mostly_missing(missing, 10) is is_most


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"method": "mean"}, "complete_case"),
        ({"method": "complete_case", "imputations": 5}, "goes with method"),
        ({"method": "multiple_imputation", "imputations": 1}, "greater than or equal to 2"),
        ({"method": "multiple_imputation", "donors": 5}, "Extra inputs"),
    ],
)
def test_wrong_ways_to_deal_with_missing_values(form: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Missing.model_validate(form)


def test_a_word_is_enough() -> None:
    assert Missing.model_validate("multiple_imputation").imputations == 20
    assert not Missing.model_validate("complete_case").is_imputed


def test_outcome_without_event_is_refused() -> None:
    with pytest.raises(ValidationError, match="outcome and event go together"):
        make_missingness(event=None)


def make_analysis(**changes: Any) -> RiskFactors:
    keys: dict[str, Any] = {
        "id": "t",
        "kind": "risk_factors",
        "outcome": "o",
        "event": "yes",
        "factors": ["x", "z", "g"],
        "columns": ["univariable", "multivariable"],
        "multivariable": {"terms": ["x", "z"]},
        "missing": {"method": "multiple_imputation", "imputations": 5, "iterations": 4},
    }
    return RiskFactors.model_validate({**keys, **changes})


def make_cohort(rows: int = 80) -> tuple[list[FactorColumn], Sides]:
    """One number with gaps, one without, levels with gaps; the last two patients have no outcome."""
    rng = np.random.default_rng(11)
    x, z = rng.normal(size=(2, rows))
    event = (x + rng.normal(size=rows) > 0).astype(float)
    event[-2:] = NAN
    gap = rng.random(rows) < 0.3
    levels = rng.choice(["low", "mid", "high"], size=rows)
    factors = [
        number("x", [None if lost else float(one) for one, lost in zip(x, gap, strict=True)]),
        number("z", z.tolist()),
        FactorColumn(
            "g",
            "G",
            pl.Series("g", [None if place % 9 == 0 else str(one) for place, one in enumerate(levels)]),
            levels=("low", "mid", "high"),
        ),
    ]
    return factors, make_sides(event.tolist())


def run(analysis: RiskFactors, factors: list[FactorColumn], sides: Sides) -> list[ResultRow]:
    given = RiskFactorInput(factors, sides, {}, load_library().gates, seed=1)
    return list(summarize_risk_factors(analysis, given))


@pytest.fixture(scope="module")
def rows() -> list[ResultRow]:
    return run(make_analysis(), *make_cohort())


def test_complete_case_stays_as_it_is(rows: list[ResultRow]) -> None:
    plain = run(make_analysis(missing="complete_case"), *make_cohort())
    new = {"imputation", "univariable_imputed", "multivariable_imputed"}
    assert [row for row in rows if row.group not in new] == plain


def test_imputed_models_have_all_patients_with_an_outcome(rows: list[ResultRow]) -> None:
    found = find(rows, "group", "level", "variable", "estimate")
    assert found["multivariable_imputed", "", "model", "n"].value == 78
    assert found["multivariable_imputed", "", "model", "imputations"].value == 5
    assert found["univariable_imputed", "x", "model", "n"].value == 78
    assert found["imputation", "", "model", "left_out"].value == 2
    assert (found["multivariable", "", "model", "n"].value or 99) < 70


def test_pooled_terms_have_what_a_reader_asks_for(rows: list[ResultRow]) -> None:
    found = find(rows, "group", "variable", "variable_level", "estimate")
    at = ("multivariable_imputed", "x", "")
    ratio, error = found[(*at, "odds_ratio")], found[(*at, "standard_error")].value
    freedom = found[(*at, "degrees_of_freedom")].value
    assert ratio.value is not None
    assert error is not None
    assert freedom is not None
    assert ratio.value == pytest.approx(np.exp(found[(*at, "coefficient")].value or 0))
    # The largest of complete-data degrees of freedom is 78 - 3.
    assert 3 < freedom < 75
    assert 0 < (found[(*at, "fraction_missing_information")].value or 0) < 1
    assert found[(*at, "p_value")].text == "combined_profiles"
    assert found["univariable_imputed", "g", "low", "reference"].status == "ok"
    assert found["univariable_imputed", "g", "mid", "odds_ratio"].value is not None


def test_a_complete_factor_is_not_modeled_again(rows: list[ResultRow]) -> None:
    found = find(rows, "group", "variable", "estimate")["univariable_imputed", "z", "odds_ratio"]
    assert (found.status, found.note) == (
        "not_done",
        "no value is missing; the complete-case model holds",
    )


def test_the_same_seed_gives_the_same_rows(rows: list[ResultRow]) -> None:
    assert run(make_analysis(), *make_cohort()) == rows


def test_a_gate_that_holds_for_complete_cases_holds_for_imputed_values() -> None:
    factors, sides = make_cohort(14)
    found = [row for row in run(make_analysis(), factors, sides) if row.group.endswith("_imputed")]
    assert {row.status for row in found} == {"not_done"}
    assert all("smaller group" in row.note or row.note == "not among the terms" for row in found)


def test_cuts_are_applied_after_imputation() -> None:
    """The levels of the imputed factor are those of the cut, whatever number was imputed."""
    analysis = make_analysis(cutpoints={"rule": "fixed", "values": {"x": 0.0}})
    found = find(run(analysis, *make_cohort()), "group", "variable", "variable_level", "estimate")
    assert found["univariable_imputed", "x", "< 0", "reference"].status == "ok"
    assert found["univariable_imputed", "x", ">= 0", "odds_ratio"].value is not None


def test_values_below_a_limit_are_known_and_no_patient_without_outcome_is_imputed() -> None:
    below = pl.Series([True, False, False, False, False, False])
    factor = number("x", [2.0, 4.0, None, 6.0, None, 8.0], censored_below=below)
    sides = make_sides([1, 0, 1, 0, NAN, 1])
    found = impute_factors([factor], sides, rule=Missing.model_validate("multiple_imputation"), seed=1)
    first = found.columns["x"][0]
    assert first.values.to_list()[:2] == [2.0, 4.0]
    assert first.numbers.to_list()[0] == 1.0
    assert first.values.to_list()[4] is None
    drawn = {column.values.to_list()[2] for column in found.columns["x"]}
    assert drawn <= {1.0, 4.0, 6.0, 8.0}
    assert len(drawn) > 1


def test_a_factor_nobody_has_is_refused_in_words() -> None:
    factors, sides = make_cohort()
    factors[1] = number("z", [None] * 80)
    found = find(run(make_analysis(), factors, sides), "group", "variable", "estimate")
    assert found["univariable_imputed", "z", "odds_ratio"].status == "not_estimable"
    assert found["univariable_imputed", "z", "odds_ratio"].note == "no value is known of Z"


def test_a_factor_missing_in_most_is_noted() -> None:
    factors, sides = make_cohort()
    values = factors[0].values.to_list()
    factors[0] = number("x", [one if place % 4 == 0 else None for place, one in enumerate(values)])
    found = find(run(make_analysis(), factors, sides), "group", "variable", "estimate")
    assert "more than half" in found["imputation", "x", "missing"].note


def test_few_gaps_get_the_remark_that_complete_cases_are_usual() -> None:
    factors, sides = make_cohort()
    factors[0] = number("x", [None, *factors[1].values.to_list()[1:]])
    analysis = make_analysis(factors=["x", "z"])
    found = find(run(analysis, factors[:2], sides), "group", "variable", "estimate")
    assert "complete cases are usual" in found["imputation", "model", "n"].note


def test_table_of_both_models(rows: list[ResultRow]) -> None:
    analyses = [{"id": "t", "kind": "risk_factors", "title": "T", "outcome": "o", "event": "yes"}]
    content = make_content(results=collect_results(rows), analyses=analyses)
    table = table_imputed_models(content, "t")
    by_header = {row.header: [cell.text for cell in row.cells] for row in table.rows}
    assert by_header["X"][0] != "0"
    assert by_header["Z"][0] == "0"
    assert [column.full_title for column in table.columns][2:7] == [
        "Univariable, complete cases: OR (95% CI)",
        "Univariable, complete cases: P",
        "Univariable, imputed: OR (95% CI)",
        "Univariable, imputed: P",
        "Univariable, imputed: FMI",
    ]
    assert (
        "5 imputations of 78 patients, 4 iterations; 2 patients without an outcome left out." in table.notes
    )
    references = References()
    (text,) = imputation_paragraphs(content, references)
    assert text.startswith("In T, ")
    assert "was itself never imputed" in text
    assert "combined penalized likelihood profiles" in text
    # mice, the outcome in it, Rubin, the combined profiles; no t distribution
    assert len(references.entries) == 4


def test_a_factor_as_a_whole_has_a_dash_on_imputed_values() -> None:
    """The P of all levels stands on complete cases; beside it the table says why there is none."""
    found = run(make_analysis(diagnostics=True), *make_cohort())
    analyses = [{"id": "t", "kind": "risk_factors", "title": "T", "outcome": "o", "event": "yes"}]
    content = make_content(results=collect_results(found), analyses=analyses)
    table = table_imputed_models(content, "t")
    (head,) = (row for row in table.rows if row.header == "G")
    assert float(head.cells[2].text) > 0
    assert head.cells[4].text == "\N{EN DASH}"
    assert "\N{EN DASH} the P of all levels together is not pooled over these models" in table.footnotes


def test_nothing_imputed_nothing_told() -> None:
    assert imputation_paragraphs(make_content(), References()) == []
    assert table_imputed_models(make_content(), "table1").rows == ()


def test_table_and_figure_of_gaps() -> None:
    rows = list(summarize_missingness(make_missingness(), FACTORS, SIDES))
    analyses = [
        {"id": "gaps", "kind": "missingness", "title": "G", "outcome": "severe_anemia", "event": "yes"}
    ]
    content = make_content(results=collect_results(rows), analyses=analyses)
    table = table_missing_values(content, "gaps")
    assert [cell.text for cell in table.rows[0].cells] == ["2 (33.3%)", "1 (33.3%)", "1 (50.0%)"]
    assert "Patients who lack a factor: 3 of 6; 33.3% of all values." in table.notes
    assert any("(1 not judged)" in note for note in table.notes)
    figure = plot_gap_patterns(content, "gaps")
    assert figure is not None
    assert figure.description.startswith("2 patients: nothing missing.")


def test_no_gap_no_figure() -> None:
    known = [number("a", [1.0, 2.0]), number("b", [1.0, 2.0])]
    rows = list(summarize_missingness(make_missingness(outcome=None, event=None), known, None))
    content = make_content(
        results=collect_results(rows), analyses=[{"id": "gaps", "kind": "missingness", "title": "G"}]
    )
    assert plot_gap_patterns(content, "gaps") is None
