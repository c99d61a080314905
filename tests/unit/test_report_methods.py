"""The Methods text: only what ran, with the words of the source and what was assumed."""

from __future__ import annotations

import dataclasses
import re
from functools import cache
from typing import Any

import polars as pl
import pytest

from association_factory import (
    ANALYSES,
    associations_of,
    group_sizes,
    left_out,
    make_associations,
    model_rows,
    numeric_groups,
    odds_rows,
    p_row,
    refused,
    risk_factor_rows,
    roc_rows,
)
from cytopenia.report.content import read_definition
from cytopenia.report.methods import (
    list_settings,
    render_methods,
    write_counting,
    write_methods_paragraphs,
)
from cytopenia.results import ResultRow, collect_results
from report_factory import make_content, make_definitions, make_results

CONTENT = make_content()
METHODS = render_methods(CONTENT)
ASSUMED = {
    "baseline": "Baseline is the last valid value.",
    "neighbor_bounds": "No day is far from its neighbors.",
    "model_gates": "The smaller group decides.",
}


def prose(content: Any) -> dict[str, str]:
    """The paragraphs of each heading as one text."""
    return {heading: " ".join(texts) for heading, texts in write_methods_paragraphs(content)}


@cache
def associations() -> dict[str, str]:
    return prose(make_associations())


def statistics(*rows: ResultRow, **analysis: Any) -> str:
    return prose(associations_of(rows, **analysis)).get("Statistical analysis", "")


def test_definitions_with_version_source_and_official_words() -> None:
    assert "### Hematologic recovery at day 28 (qiu2023\\_recovery, version 2023)" in METHODS
    assert "Source: Qiu T et al. Oncol Lett 2023 <https://doi.org/10.3892/ol.2023.13924>" in METHODS
    assert "\n> An official sentence stands here.\n" in METHODS
    assert "Neutrophil count decreased, grade 4: \\<500/mm3; \\<0.5 x 10e9 /L" in METHODS


def test_assumptions_are_named_as_such() -> None:
    text, _, appendix = METHODS.partition("## Appendix")
    after = appendix.partition("Left open by the source and assumed here:")[2]
    assert "- The three days are days 26, 27 and 28.\n" in after
    assert (text.count("Left open by the source"), appendix.count("Left open by the source")) == (1, 1)


def test_only_what_ran() -> None:
    occurrence = [one for one in CONTENT.analyses if one["kind"] == "occurrence"]
    text = render_methods(make_content(analyses=occurrence, definitions=make_definitions()[:1]))
    assert "Deaths before the landmark" not in text
    assert "Hematologic recovery" not in text


def test_bounds_are_explained_only_where_there_are_any() -> None:
    flow_only = make_content(results=CONTENT.results.filter(scenario=""))
    assert "Bounds" in [title for title, _ in write_counting(CONTENT)]
    assert "Bounds" not in [title for title, _ in write_counting(flow_only)]


def test_the_three_readings_of_early_deaths() -> None:
    text = dict(write_counting(CONTENT))["Deaths before the landmark"]
    assert "left out of the denominator, or counted as not recovered, or shown as an event" in text
    one = make_content(results=CONTENT.results.filter(stratum="left out"))
    assert "side by side" not in dict(write_counting(one))["Deaths before the landmark"]


def test_settings_are_printed_by_their_path() -> None:
    assert "- seed: 20230515\n" in METHODS
    assert "- libraries: polars: 2.1.0" in METHODS
    settings = {"support_complete": True, "seed": None, "ids": ["a", "b"]}
    expected = [("support complete", "yes"), ("seed", "not recorded"), ("ids", "a, b")]
    assert list_settings(settings) == expected


def test_day_zero_is_stated_if_it_is_known() -> None:
    assert "**Days.** Day 0: infusion." in METHODS
    first = render_methods(make_content(settings={"day_zero": "first"}))
    assert "**Days.** Day 0: first laboratory day of each patient." in first
    assert "Day 0" not in render_methods(make_content(settings={}))


def test_synthetic_is_said_first() -> None:
    assert METHODS.index("Synthetic data") < METHODS.index("## Patients and data")
    assert "Synthetic" not in render_methods(make_content(synthetic=False))


def test_hostile_titles_stay_text() -> None:
    definitions = [{**make_definitions()[0], "title": "<script>x</script>\n# Owned", "text": "a\n\n# b"}]
    text = render_methods(make_content(title="[x](javascript:1)", definitions=definitions))
    assert "<script" not in text.replace("\\<", "")
    assert "\n# b" not in text
    assert "\\[x\\](javascript:1)" in text


def test_a_citation_may_be_a_mapping() -> None:
    read = read_definition({"id": "a", "citation": {"text": "Someone 2023", "doi": "10.1/x"}})
    assert (read.citation, read.link, read.title) == ("Someone 2023", "https://doi.org/10.1/x", "a")


def test_only_web_addresses_become_links() -> None:
    assert read_definition({"id": "a", "url": "javascript:alert(1)"}).link == ""


# -- the text a journal takes ------------------------------------------------------------------------


def test_headings_stand_in_the_order_of_a_paper() -> None:
    assert list(associations()) == [
        "Patients and data",
        "Grading of cytopenia",
        "Hematologic recovery",
        "Risk factors and cut-off values",
        "Missing values and unmeasured days",
        "Statistical analysis",
        "Software",
        "References",
    ]
    assert list(prose(make_content(analyses=[], results=make_results().head(0), settings={}))) == [
        "Patients and data",
        "Grading of cytopenia",
        "Software",
        "References",
    ]


def test_the_markdown_has_the_same_text_and_then_the_appendix() -> None:
    headings = re.findall("^## (.+)$", METHODS, re.MULTILINE)
    assert headings[:-4] == [heading for heading, _ in write_methods_paragraphs(CONTENT)]
    assert [heading.partition(":")[0] for heading in headings[-4:]] == ["Appendix"] * 4
    assert "\n- Recovery at day 28\n" in METHODS.partition("## Appendix: analyses")[2]


def test_the_cohort_is_counted_step_by_step() -> None:
    assert prose(CONTENT)["Patients and data"].startswith(
        "The cohort was formed as follows: patients with a first CAR-T infusion in the tables (n = 68); "
        "left out: no infusion target recorded (n = 3); left out: no blood count between day 0 and day 28"
    )


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"day_zero": "infusion"}, "Day 0 was the day of the CAR-T infusion."),
        ({"day_zero": "first"}, "Day 0 was the first laboratory day of each patient"),
        ({"day_zero": "given"}, "Days were counted as the laboratory table gave them."),
        ({"bound_anc_by_wbc": True}, "A leukocyte count without a differential was taken as an upper limit"),
    ],
)
def test_what_was_done_with_days_and_leukocytes_is_said_only_then(
    settings: dict[str, Any], expected: str
) -> None:
    assert expected in prose(make_content(settings=settings))["Patients and data"]
    assert expected not in prose(make_content(settings={"bound_anc_by_wbc": False}))["Patients and data"]


def test_grading_names_definition_windows_and_source() -> None:
    windows = {"severe_neutropenia": (0, 28), "severe_anemia": (-5, 28), "severe_thrombocytopenia": (0, 28)}
    text = prose(make_content(windows=windows))["Grading of cytopenia"]
    assert text.startswith(
        "The following were graded by the Common Terminology Criteria for Adverse Events, blood counts "
        "(version 4.03, consensus statement) [1]: severe neutropenia and severe thrombocytopenia (days 0 to "
        "28); severe anemia (days \N{MINUS SIGN}5 to 28)."
    )
    assert "Occurrence was counted among all patients" in text
    assert "Cytopenia before treatment was grade 1 or higher" in text
    assert "The nadir was the lowest value known in the window" in text


def test_nothing_is_said_of_analyses_that_did_not_run() -> None:
    recovery = [one for one in CONTENT.analyses if one["kind"] == "recovery"]
    graded = prose(make_content(analyses=recovery))["Grading of cytopenia"]
    assert not re.search("Occurrence|nadir|before treatment", graded)
    assert "Risk factors and cut-off values" not in prose(CONTENT)
    assert not re.search("Mann|Fisher|logistic|P value|ROC", prose(CONTENT)["Statistical analysis"])


def test_a_recovery_that_no_analysis_asks_for_is_no_grade() -> None:
    label = pl.when(pl.col("outcome") == "recovery").then(pl.lit("not recovered")).otherwise("label")
    outcomes = CONTENT.outcomes.with_columns(label.alias("label"))
    text = prose(make_content(analyses=[], outcomes=outcomes))
    assert "recovery" not in text["Grading of cytopenia"].lower()
    assert "was judged by" in text["Hematologic recovery"]


def test_curves_and_models_without_an_estimate_are_not_said_to_have_run() -> None:
    lost: dict[str, Any] = {"status": "not_estimable", "value": None, "low": None, "high": None}
    rows = [
        dataclasses.replace(row, **lost) if row.estimate in {"auc", "odds_ratio"} else row
        for row in (*roc_rows(), *risk_factor_rows())
    ]
    analyses = [one for one in ANALYSES if one["id"] in {"severe", "curves"}]
    selected = {"selection": {"screen": "test", "p_below": 0.05}}
    text = prose(
        make_associations(results=collect_results(rows), analyses=[{**one, **selected} for one in analyses])
    )
    assert not re.search("ROC|DeLong|Youden", text["Risk factors and cut-off values"])
    assert (
        "In Table I, factors with P < 0.05 in the test between the groups were to enter the multivariable "
        "model together; it gave no estimate."
    ) in text["Statistical analysis"]


def test_combined_outcomes_are_named() -> None:
    titles = {**CONTENT.outcome_titles, "any_severe": "Any severe cytopenia", "nadir_anc": "Nadir"}
    text = prose(make_content(outcome_titles=titles))["Grading of cytopenia"]
    assert "Combined outcomes were present if one of their parts was: any severe cytopenia." in text


def test_recovery_has_the_words_of_the_source_its_rules_and_what_was_assumed() -> None:
    text = prose(CONTENT)["Hematologic recovery"]
    assert text.startswith(
        "Count recovery was judged by \u201cHematologic recovery at day 28\u201d (version 2023, rule of a "
        "published study) [2]. The source states: \u201cAn official sentence stands here.\u201d"
    )
    assert "ANC at least 1.0 on each of 3 days; Hemoglobin at least 80 g/L; Platelets at least 50." in text
    assert "Left open by the source and assumed here: The three days are days 26, 27 and 28. Support" in text


def test_the_headline_reading_of_early_deaths_comes_first() -> None:
    text = prose(CONTENT)["Hematologic recovery"]
    assert "In the headline these patients were left out of the denominator. Beside it stand the" in text
    one = prose(make_content(results=CONTENT.results.filter(stratum="as not recovered")))
    assert (
        "In the headline these patients were counted as not recovered. A patient"
        in one["Hematologic recovery"]
    )


def test_incomplete_records_of_support_are_said() -> None:
    incomplete = prose(make_content(settings={"support_complete": False}))["Hematologic recovery"]
    assert "Growth factors and transfusions were not recorded completely." in incomplete
    assert "not recorded completely" not in prose(CONTENT)["Hematologic recovery"]


def test_groups_with_their_sizes_and_who_is_in_none() -> None:
    text = associations()["Risk factors and cut-off values"]
    assert text.startswith(
        "Patients were grouped by severe cytopenia (yes, n = 52; no, n = 9; Table I); severe "
        "thrombocytopenia (yes, n = 15; no, n = 47; Table SV); and hematologic recovery at day 28 "
        "(recovered, n = 39; not recovered, n = 21; Table III)."
    )
    assert "(Table I: 2 not judged; Table SV: 1 not judged; Table III: 3 died before landmark)" in text


def test_two_tables_of_the_same_groups_are_named_together() -> None:
    rows = [
        row
        for name in "ab"
        for row in group_sizes(name, ("Yes", "No", "All"), [(5, 5, 5), (4, 4, 4), (9, 9, 9)])
    ]
    analyses = [{"id": name, "kind": "risk_factors", "title": name.upper(), "outcome": "o"} for name in "ab"]
    content = make_associations(
        results=collect_results(rows), analyses=analyses, outcome_titles={"o": "Anemia"}
    )
    text = prose(content)["Risk factors and cut-off values"]
    assert text == "Patients were grouped by anemia (yes, n = 5; no, n = 4; A and B)."
    none = [*rows, left_out("a", "not judged", 0)]
    content = make_associations(
        results=collect_results(none), analyses=analyses, outcome_titles={"o": "Anemia"}
    )
    assert "in no group" not in prose(content)["Risk factors and cut-off values"]


def test_curves_with_direction_interval_and_cut() -> None:
    text = associations()["Risk factors and cut-off values"]
    assert (
        "By the protocol, higher values of baseline neutrophils (ANC) and baseline hemoglobin meant the "
        "event and lower values of baseline IL-6 and peak ferritin meant the event" in text
    )
    assert "The 95% confidence interval of the AUC is that of DeLong [3]." in text
    assert "midway between neighboring values; the one with the largest Youden index" in text


@pytest.mark.parametrize(
    ("source", "expected", "is_warned"),
    [
        ("youden", "at these cut-offs", True),
        ("fixed", "at cut-offs stated in the protocol", False),
    ],
)
def test_where_cuts_come_from(source: str, expected: str, is_warned: bool) -> None:
    names = {"anc": "Neutrophils, G/L", "crp": "C-reactive protein, mg/L"}
    rows = [
        row
        for name, title in names.items()
        for row in (
            ResultRow(
                analysis_id="a", group="cutpoints", variable=name, estimate="cut", value=1, text=source
            ),
            ResultRow(analysis_id="a", group="univariable", variable=name, estimate="reference", text=title),
        )
    ]  # fmt: skip
    text = prose(associations_of(rows))["Risk factors and cut-off values"]
    assert text.startswith(f"In A, neutrophils and C-reactive protein were divided {expected}")
    assert ("both look better than they will in others" in text) == is_warned


def test_factors_known_too_late_are_named() -> None:
    text = associations()["Risk factors and cut-off values"]
    assert "peak IL-6, neurotoxicity and peak ferritin became known only after the infusion" in text
    early = numeric_groups("a", "age", "Age, years", numbers=[(1, 0, 1, 1, 1)] * 3)
    assert "infusion" not in prose(associations_of(early)).get("Risk factors and cut-off values", "")


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (
            "mann_whitney_asymptotic",
            "Mann-Whitney U test (asymptotic, corrected for ties, without continuity",
        ),
        ("mann_whitney_continuity", "Mann-Whitney U test (asymptotic, corrected for ties, with continuity"),
        ("mann_whitney_exact", "Mann-Whitney U test (exact) [3]"),
        ("chi_squared", "the chi-squared test without Yates' correction."),
        ("chi_squared_yates", "the chi-squared test with Yates' correction."),
        ("fisher_exact", "Fisher's exact test, extended to tables of any size [3]."),
        ("fisher_monte_carlo", "P was estimated from tables drawn at random (seed 20230515)."),
    ],
)
def test_only_the_tests_that_ran_are_named(method: str, expected: str) -> None:
    text = statistics(p_row("a", "x", 0.5, method))
    assert expected in text
    others = {"Mann-Whitney", "chi-squared", "Fisher"}
    named = {name for name in others if name in text}
    assert named == {name for name in others if name in expected or (name == "Fisher" and "fisher" in method)}
    assert "All tests were two-sided" in text


def test_fishers_test_beside_the_chi_squared() -> None:
    text = statistics(p_row("a", "x", 0.5, "chi_squared"), p_row("a", "y", 0.5, "fisher_exact"))
    assert (
        "or by Fisher's exact test, extended to tables of any size [3], if an expected count was below 5."
        in text
    )


def test_a_test_without_p_did_not_run() -> None:
    assert statistics(p_row("a", "x", None, "fisher_exact", status="not_estimable")) == ""
    outside = [p_row("elsewhere", "x", 0.5, "fisher_exact")]
    assert statistics(*outside) == ""


@pytest.mark.parametrize(
    ("parity", "program"),
    [("spss", "conventions of SPSS in A."), ("r", "conventions of R in A."), ("default", "")],
)
def test_parity_is_named(parity: str, program: str) -> None:
    text = statistics(p_row("a", "x", 0.5, "fisher_exact"), parity=parity)
    assert ("conventions" in text) == bool(program)
    assert program in text


def test_normality() -> None:
    shapiro = statistics(p_row("a", "x", 0.5, "shapiro_wilk", group="normality"))
    assert shapiro.startswith("Normality was assessed by the Shapiro-Wilk test [3].")
    wilcoxon = statistics(p_row("a", "x", 0.5, "one_sample_wilcoxon", group="normality"))
    assert "is no test of normality" in wilcoxon
    assert "two-sided" not in shapiro + wilcoxon


def test_pairs_name_holm() -> None:
    text = statistics(p_row("a", "x", 0.5, "fisher_exact", group="pairwise", variable_level="u vs v"))
    assert "adjusted for their number by Holm's method" in text


BASE = {"analysis_id": "a", "group": "univariable", "variable": "x", "n": 60}


def test_models_by_the_method_that_fitted_them() -> None:
    wald = statistics(*odds_rows(BASE, (2, 1, 4), 0.04, text="X (per unit)"))
    assert "by maximum likelihood with Wald intervals and Wald tests." in wald
    assert "The odds ratio of a number is that of one unit." in wald
    assert "Firth" not in wald
    firth = statistics(*odds_rows(BASE, (2, 1, 4), 0.04, text="X", method="penalized_likelihood_ratio"))
    assert "Firth's penalty, with profile penalized likelihood intervals (95%)" in firth
    assert "Wald" not in firth
    assert "one unit" not in firth


def test_no_model_no_sentence_about_models() -> None:
    text = statistics(refused("a", "univariable", "x", "too few events"))
    assert "logistic" not in text
    assert "reason is given" not in text


def test_what_could_not_be_estimated_is_said() -> None:
    rows = odds_rows(BASE, (2, 1, 4), 0.04)
    assert "the reason is given in its place" not in statistics(*rows)
    lost = refused("a", "univariable", "y", "separation", status="not_estimable")
    assert "the reason is given in its place" in statistics(*rows, lost)


@pytest.mark.parametrize(
    ("analysis", "expected"),
    [
        (
            {"selection": {"screen": "univariable", "p_below": 0.05}},
            "In A, factors with P < 0.05 in the univariable models entered the multivariable model together.",
        ),
        (
            {"selection": {"screen": "test", "p_below": 0.1}},
            "In A, factors with P < 0.1 in the test between the groups entered the multivariable model",
        ),
        (
            {"selection": None, "terms": ("x",)},
            "The multivariable model of A had the terms that the protocol names: x.",
        ),
    ],
)
def test_how_terms_were_chosen(analysis: dict[str, Any], expected: str) -> None:
    rows = odds_rows({**BASE, "group": "multivariable"}, (2, 1, 4), 0.04)
    assert expected in statistics(*rows, **analysis)
    assert "entered" not in statistics(*rows)
    assert "terms" not in statistics(*odds_rows(BASE, (2, 1, 4), 0.04), **analysis)


def test_a_screen_of_several_levels_names_its_test() -> None:
    levels = [row for name in "uvw" for row in odds_rows({**BASE, "variable_level": name}, (2, 1, 4), 0.04)]
    rows = [*levels, *odds_rows({**BASE, "group": "multivariable"}, (2, 1, 4), 0.04)]
    text = statistics(*rows, selection={"screen": "univariable", "p_below": 0.05})
    assert "in the univariable models (with several levels: in the test of counts) entered" in text


def test_missing_values_of_each_model() -> None:
    text = associations()["Statistical analysis"]
    assert (
        "The univariable models of Table III had 60 patients (peak ferritin, 59; the others had no value)."
        in text
    )
    assert (
        "The multivariable model of Table III had 59 patients (39 with the event, 3 terms); 1 with a missing "
        "value left out." in text
    )
    none = statistics(*model_rows("a", "multivariable", method="firth", n=60, events=20, terms=1, missing=0))
    assert none == "The multivariable model of A had 60 patients (20 with the event, 1 term)."


def test_gates_print_their_notes() -> None:
    assert (
        "In Table I: 9 patients in the smaller group: a multivariable model needs 20, this one has 3 terms; "
        "it was fitted as requested and is not reliable." in associations()["Statistical analysis"]
    )


def test_assumed_definitions_are_quoted_where_they_ran() -> None:
    definitions = [
        *make_definitions(),
        *({"id": name, "text": text, "status": "assumed"} for name, text in ASSUMED.items()),
    ]
    text = prose(make_content(definitions=definitions))
    assert f"for this analysis: \u201c{ASSUMED['baseline']}\u201d" in text["Patients and data"]
    assert (
        f"was assumed: \u201c{ASSUMED['neighbor_bounds']}\u201d" in text["Missing values and unmeasured days"]
    )
    assert f"was assumed here: \u201c{ASSUMED['model_gates']}\u201d" in text["Statistical analysis"]
    assert "Baseline and peak" not in prose(CONTENT)["Patients and data"]
    plain = prose(
        make_content(results=CONTENT.results.filter(pl.col("scenario") == ""), definitions=definitions)
    )
    assert "neighbors" not in " ".join(plain.values())


def test_references_are_numbered_as_they_are_cited() -> None:
    text = "\n".join(associations().values()).partition("1. NCI")[0]
    found = (number for part in re.findall(r"\[([\d,]+)\]", text) for number in part.split(","))
    cited = list(dict.fromkeys(found))
    assert cited == [str(number) for number in range(1, len(cited) + 1)]
    listed = dict(write_methods_paragraphs(make_associations()))["References"]
    assert [entry.partition(".")[0] for entry in listed] == cited
    title = "Cytopenia after CAR-T cell therapy: analysis of 63 patients with relapsed and refractory B-cell"
    known = f"2. Qiu T, Hu L, Zhang Y, et al. {title} non-Hodgkin lymphoma. Oncol Lett 2023."
    assert listed[1] == f"{known} https://doi.org/10.3892/ol.2023.13924"
    assert f"{known} <https://doi.org/10.3892/ol.2023.13924>" in METHODS


def test_what_was_assumed_here_has_no_source() -> None:
    definitions = [{**one, "status": "assumed"} for one in make_definitions()]
    listed = prose(make_content(definitions=definitions, settings={}))
    assert "References" not in listed


def test_versions_are_named() -> None:
    text = prose(CONTENT)
    assert text["Software"] == (
        "Numbers, tables and figures were made by cytopenia 0.1.0 [3] with the Python packages numpy 2.4.6 "
        "[4] and polars 2.1.0 [5]."
    )
    assert "3. The cytopenia developers. cytopenia. Version 0.1.0. 4. Harris CR, " in text["References"]
    assert prose(make_content(settings={"version": "9.9"}))["Software"].endswith("cytopenia 9.9 [3].")
    assert prose(make_content(settings={}))["Software"].endswith("cytopenia an unrecorded version.")


def test_a_seed_is_named_only_where_something_drew_random_numbers() -> None:
    drawn = ResultRow(analysis_id="a", group="performance", variable="model", estimate="resamples", value=200)
    settings = {"version": "9.9", "seed": 20230515}
    with_draws = make_content(settings=settings, results=collect_results([drawn]))
    assert "started from seed 20230515." in prose(with_draws)["Software"]
    assert "seed" not in prose(make_content(settings=settings))["Software"]


def test_what_is_called_associated_is_said_where_factors_were_tested() -> None:
    words = "A factor with P below 0.05 is called associated with the outcome."
    assert words in associations()["Statistical analysis"]
    assert words not in " ".join(prose(CONTENT).values())


def test_neighboring_citations_share_their_brackets() -> None:
    assert not [text for text in associations().values() if "] [" in text]


def test_printed_numbers_are_mentioned_only_where_they_were_compared() -> None:
    assert "Numbers printed in a publication" in associations()["Statistical analysis"]
    assert "printed" not in prose(CONTENT)["Statistical analysis"]
