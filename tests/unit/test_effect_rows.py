"""Effect sizes, named tests and families of tests as rows of a study, and as the report prints them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from association_factory import associations_of
from cytopenia import workflow
from cytopenia.definitions import load_library
from cytopenia.errors import ProtocolError
from cytopenia.report.association_tables import table_risk_factors
from cytopenia.report.crosstab_tables import table_crosstab
from cytopenia.report.methods import write_methods_paragraphs
from cytopenia.results import ResultRow
from cytopenia.study.analysis_forms import Crosstab, RiskFactors
from cytopenia.study.associations import RiskFactorInput, summarize_crosstab, summarize_risk_factors
from cytopenia.study.factors import FactorColumn
from cytopenia.study.families import adjust_families
from cytopenia.study.groups import Sides
from cytopenia.study.protocol import read_protocol
from study_files import STUDY, write_study

Found = dict[tuple[str, ...], ResultRow]
EVENT = [1.0] * 8 + [0.0] * 8
NUMBER = FactorColumn(
    "x", "X, g/L", pl.Series([5.5, 6, 7, 8, 9, 9.5, 11, None, 1, 2, 3, 4, 5, 6.5, 7.5, 8.5])
)
LEVEL = FactorColumn(
    "stage",
    "Stage",
    pl.Series(["low"] + ["middle"] * 2 + ["high"] * 5 + ["low"] * 5 + ["middle"] * 2 + ["high"]),
    levels=("low", "middle", "high"),
)
YES = FactorColumn(
    "yes", "Sign", pl.Series(["no", "yes", "yes", "yes"] * 2 + ["no"] * 8), levels=("no", "yes")
)


def make_sides(event: list[float]) -> Sides:
    arrays = np.array(event)
    return Sides(("Yes", "No"), dict.fromkeys(("policy", "best", "worst"), arrays), {})


def make_analysis(**changes: Any) -> RiskFactors:
    keys: dict[str, Any] = {
        "id": "a",
        "kind": "risk_factors",
        "outcome": "o",
        "event": "yes",
        "factors": ["x", "stage", "yes"],
        "columns": ["groups", "effect", "p"],
    }
    return RiskFactors.model_validate({**keys, **changes})


def run(analysis: RiskFactors, *factors: FactorColumn, event: list[float] | None = None) -> list[ResultRow]:
    given = RiskFactorInput(
        factors or (NUMBER, LEVEL, YES), make_sides(event or EVENT), {}, load_library().gates, 1
    )
    return adjust_families(summarize_risk_factors(analysis, given), [analysis])


def find(rows: list[ResultRow], group: str) -> Found:
    return {(row.variable, row.variable_level, row.estimate): row for row in rows if row.group == group}


def test_a_number_has_the_shift_with_the_event_against_without() -> None:
    rows = find(run(make_analysis()), "effect")
    # 7 times 8 differences; the 28th and the 29th are the middle ones.
    shift = rows["x", "", "shift"]
    differences = sorted(
        one - two for one in NUMBER.values.to_list()[:7] for two in NUMBER.values.to_list()[8:]
    )
    assert shift.value == (differences[27] + differences[28]) / 2
    assert (shift.text, shift.n, shift.status) == ("hodges_lehmann_exact", 15, "ok")
    assert rows["x", "", "rank_biserial"].value == pytest.approx(
        (sum(d > 0 for d in differences) - sum(d < 0 for d in differences)) / 56
    )
    assert (rows["x", "", "n"].value, rows["x", "", "n"].text) == (15, "X, g/L")


def test_values_below_a_limit_are_told() -> None:
    below = pl.Series([False] * 8 + [True] + [False] * 7)
    censored = FactorColumn("x", "X", NUMBER.values, censored_below=below)
    shift = find(run(make_analysis(factors=["x"]), censored), "effect")["x", "", "shift"]
    assert shift.note == "1 reported as below a limit counts as half of it"
    # The value of 1 counts as 0.5: the smallest of the differences it takes part in grows.
    whole = find(run(make_analysis(factors=["x"]), NUMBER), "effect")["x", "", "shift"]
    assert shift.value is not None
    assert whole.value is not None
    assert shift.value >= whole.value
    outside = find(
        run(make_analysis(factors=["x"]), censored, event=[*EVENT[:8], math.nan, *EVENT[9:]]), "effect"
    )
    assert outside["x", "", "shift"].note == ""


def test_a_level_has_its_risk_against_the_reference() -> None:
    rows = find(run(make_analysis()), "effect")
    # Events by level: 1 of 6, 2 of 4, 5 of 6.
    assert rows["stage", "low", "reference"].text == "Stage"
    assert rows["stage", "middle", "risk_difference"].value == pytest.approx(2 / 4 - 1 / 6)
    assert rows["stage", "high", "risk_ratio"].value == pytest.approx(5)
    assert rows["stage", "high", "risk_difference"].n == 12
    # Nobody with the sign is without the event: no upper end of the odds ratio, one of the risks.
    odds = rows["yes", "yes", "odds_ratio"]
    assert (odds.value, odds.high, odds.status) == (None, None, "not_estimable")
    assert "no upper end" in odds.note
    assert rows["yes", "yes", "risk_ratio"].value == pytest.approx(5)


def test_another_reference_turns_the_risks() -> None:
    other = FactorColumn("yes", "Sign", YES.values, levels=("no", "yes"), reference="yes")
    rows = find(run(make_analysis(factors=["yes"]), other), "effect")
    assert rows["yes", "no", "risk_difference"].value == pytest.approx(2 / 10 - 1)
    assert ("yes", "yes", "reference") in rows


def test_the_named_test_takes_the_place_of_the_rule_and_says_so() -> None:
    named = {"x": "welch_t", "stage": "trend", "yes": "fisher_mid_p"}
    rows = run(make_analysis(tests=named))
    tests = find(rows, "test")
    texts = {key[0]: (row.text, row.note) for key, row in tests.items() if key[2] == "p_value"}
    assert texts == {
        "x": ("welch_t", "named in the protocol"),
        "stage": ("cochran_armitage", "named in the protocol"),
        "yes": ("fisher_mid_p", "named in the protocol"),
    }
    # By hand: scores -1 0 1 of 6, 4 and 6 patients, half of them with the event: (3 - 1) + (5 - 3) = 4.
    assert tests["stage", "", "statistic"].value == pytest.approx(4**2 / (0.25 * 12))
    effects = find(rows, "effect")
    assert effects["x", "", "mean_difference"].text == "welch"
    assert effects["yes", "yes", "odds_ratio"].text == "conditional_mid_p"
    by_rule = find(run(make_analysis(tests={"x": "welch_t"})), "test")
    assert (by_rule["stage", "", "p_value"].text, by_rule["stage", "", "p_value"].note) == (
        "fisher_exact",
        "",
    )


def test_the_named_test_screens_the_multivariable_model() -> None:
    keys = {
        "columns": ["p", "multivariable"],
        "parity": "spss",
        "factors": ["stage"],
        "multivariable": {"select": {"screen": "test", "p_below": 0.05}},
    }
    p_rule = find(run(make_analysis(**keys), LEVEL), "test")["stage", "", "p_value"].value
    p_trend = find(run(make_analysis(**keys, tests={"stage": "trend"}), LEVEL), "test")[
        "stage", "", "p_value"
    ].value
    assert p_rule is not None
    assert p_trend is not None
    assert p_trend < 0.05 < p_rule
    rows = find(run(make_analysis(**keys), LEVEL), "multivariable")
    assert [row.status for row in rows.values()] == ["not_done"]
    rows = find(run(make_analysis(**keys, tests={"stage": "trend"}), LEVEL), "multivariable")
    assert rows["stage", "high", "odds_ratio"].status == "ok"


@pytest.mark.parametrize(("method", "multiplier"), [("holm", 3), ("benjamini_hochberg", 3)])
def test_the_adjusted_p_stands_beside_the_raw(method: str, multiplier: int) -> None:
    rows = run(make_analysis(adjust={"method": method}))
    tests = find(rows, "test")
    raw = {key[0]: row.value for key, row in tests.items() if key[2] == "p_value"}
    adjusted = {key[0]: row for key, row in tests.items() if key[2] == "p_adjusted"}
    least = min(raw, key=lambda name: raw[name] or 1)
    assert adjusted[least].value == pytest.approx(multiplier * (raw[least] or 0))
    assert {row.text for row in adjusted.values()} == {method}
    (size,) = find(rows, "family").values()
    assert (size.value, size.text) == (3, method)
    assert size.note.endswith("over 3 tests of this analysis")
    plain = run(make_analysis())
    assert [row for row in rows if row.group != "family" and row.estimate != "p_adjusted"] == plain


def test_a_test_that_was_not_done_is_not_counted() -> None:
    constant = FactorColumn("c", "C", pl.Series([1.0] * 16))
    rows = run(make_analysis(factors=["x", "c"], adjust={"method": "holm"}), NUMBER, constant)
    tests = find(rows, "test")
    assert tests["x", "", "p_adjusted"].value == tests["x", "", "p_value"].value
    refused = tests["c", "", "p_adjusted"]
    assert (refused.value, refused.status, refused.note) == (None, "not_estimable", "all values are equal")
    assert find(rows, "family")["a", "", "tests"].value == 1


def test_a_named_family_reaches_over_analyses() -> None:
    adjust = {"method": "holm", "family": "all"}
    one = make_analysis(adjust=adjust)
    two = Crosstab.model_validate(
        {"id": "b", "kind": "crosstab", "outcome": "o", "event": "yes", "factor": "stage", "pairwise": True,
         "adjust": adjust}
    )  # fmt: skip
    alone = make_analysis(id="c")
    given = RiskFactorInput((NUMBER, LEVEL, YES), make_sides(EVENT), {}, load_library().gates, 1)
    rows = [
        *summarize_risk_factors(one, given),
        *summarize_crosstab(two, LEVEL, make_sides(EVENT), seed=1),
        *summarize_risk_factors(alone, given),
    ]
    found = adjust_families(rows, [one, two, alone])
    sizes = {row.analysis_id: row for row in found if row.group == "family"}
    assert {name: row.value for name, row in sizes.items()} == {"a": 4, "b": 4}
    assert sizes["b"].note == "Holm over 4 tests of the family 'all' (a, b)"
    assert sum(row.estimate == "p_adjusted" for row in found) == 4
    assert not [row for row in found if row.analysis_id == "c" and row.estimate == "p_adjusted"]
    # Pairs keep their own adjustment.
    assert sum(row.estimate == "p_holm" for row in found) == 3


@pytest.mark.parametrize("event", [[1.0] * 16, [0.0] * 16, [math.nan] * 16])
def test_without_two_sides_every_effect_has_a_reason(event: list[float]) -> None:
    unknown = FactorColumn("u", "U", pl.Series([None] * 16, dtype=pl.String))
    analysis = make_analysis(
        factors=["x", "stage", "yes", "u"], tests={"yes": "fisher_mid_p"}, adjust={"method": "holm"}
    )
    rows = [
        row
        for row in run(analysis, NUMBER, LEVEL, YES, unknown, event=event)
        if row.group in {"effect", "test"}
    ]
    assert all(row.note for row in rows if row.status != "ok")
    assert not [row for row in rows if row.group == "test" and row.status == "ok"]
    assert all(row.value is None or math.isfinite(row.value) for row in rows)
    assert find(rows, "effect")["u", "", "risk_difference"].note == "nobody with a known value"


def print_table(rows: list[ResultRow], **analysis: Any) -> Any:
    content = associations_of(rows, outcome="severe_cytopenia", event="yes", **analysis)
    return table_risk_factors(content, "a")


def test_the_table_shows_effect_and_adjusted_p() -> None:
    tests = {"yes": "fisher_mid_p"}
    table = print_table(run(make_analysis(tests=tests, adjust={"method": "benjamini_hochberg"})))
    titles = [column.title for column in table.columns]
    assert titles[-3:] == ["Difference (95% CI)", "P", "q (BH)"]
    cells = {row.header: [cell.text for cell in row.cells[-3:]] for row in table.rows}
    assert cells["low"] == ["reference", "", ""]
    # Risks 5 of 6 against 1 of 6.
    assert cells["high"][0].startswith("66.7 (")
    assert cells["Stage"][0] == ""
    shift = find(run(make_analysis()), "effect")["x", "", "shift"]
    assert cells["X, g/L"][0].startswith(f"{shift.value:g} (")
    assert any("over 3 tests of this analysis" in note for note in table.notes)
    assert any(note.startswith("Difference, with its 95% confidence interval") for note in table.notes)
    assert "Fisher's exact test with mid-P; named in the protocol" in table.footnotes


@pytest.mark.parametrize("parity", ["default", "r"])
def test_a_shift_shows_no_digits_of_a_search(parity: str) -> None:
    """R's search stops beside the median of the differences, which is 0; the values have one decimal."""
    values = [0.5] * 2 + [5.3] + [0.5] * 9 + [1.2, 5.7, 9.1, 46.8]
    number = FactorColumn("x", "X, g/L", pl.Series(values))
    event = [1.0] * 3 + [0.0] * 13
    rows = run(make_analysis(factors=["x"], parity=parity), number, event=event)
    shift = find(rows, "effect")["x", "", "shift"]
    assert (shift.value == 0) == (parity == "default")
    assert shift.value == pytest.approx(0, abs=1e-4)
    table = print_table(rows, parity=parity)
    cells = {row.header: row.cells[-2].text for row in table.rows}
    assert cells["X, g/L"].startswith("0.0 (")


def test_without_the_keys_the_table_is_as_it_was() -> None:
    table = print_table(run(make_analysis(columns=["groups", "p"])))
    assert [column.title for column in table.columns][-1] == "P"
    assert not [note for note in table.notes if "Difference" in note or "Adjusted" in note]


def test_an_effect_alone_has_titles_and_no_groups() -> None:
    table = print_table(run(make_analysis(columns=["effect"])))
    assert [row.header for row in table.rows][:2] == ["X, g/L", "Stage"]


def test_the_cross_table_tells_both_adjustments() -> None:
    analysis = Crosstab.model_validate(
        {"id": "a", "kind": "crosstab", "outcome": "o", "event": "yes", "factor": "stage", "pairwise": True,
         "tests": {"stage": "trend"}, "adjust": {"method": "holm"}}
    )  # fmt: skip
    rows = adjust_families(summarize_crosstab(analysis, LEVEL, make_sides(EVENT), seed=1), [analysis])
    table = table_crosstab(
        associations_of(rows, kind="crosstab", outcome="severe_cytopenia", event="yes"), "a"
    )
    assert [column.title for column in table.columns][-3:] == ["P", "P (Holm)", "P (Holm, pairs)"]
    assert {len(row.cells) for row in table.rows if not row.is_section} == {5}
    first, pair = table.rows[0].cells, table.rows[-1].cells
    assert first[2].text == first[3].text  # one test: nothing to adjust
    assert (pair[3].text, bool(pair[4].text)) == ("", True)


def test_the_methods_say_what_was_done() -> None:
    rows = run(make_analysis(tests={"x": "welch_t", "stage": "trend"}, adjust={"method": "holm"}))
    content = associations_of(rows, outcome="severe_cytopenia", event="yes", title="Screen")
    text = " ".join(dict(write_methods_paragraphs(content))["Statistical analysis"])
    assert "of a number tested by Welch's test the difference of means" in text
    assert "with Newcombe's hybrid score interval (method 10)" in text
    assert "x by Welch's t test" in text.replace("X", "x")
    assert "by the Cochran-Armitage test for trend" in text
    assert "The P values of the factors in Screen were adjusted over 3 tests by Holm's method" in text
    assert "were not adjusted" not in text
    plain = associations_of(run(make_analysis(columns=["p"])), outcome="severe_cytopenia", event="yes")
    text = " ".join(dict(write_methods_paragraphs(plain))["Statistical analysis"])
    assert "All tests were two-sided; P values were not adjusted for the number of factors." in text


RISK = """
[factors.crs]
event = "crs"
window = [0, 28]
grade_from = [1, 3]
without_event = "none"
ordered = true

[factors.anc]
analyte = "anc"
at = "baseline"

[[analyses]]
id = "risk"
kind = "risk_factors"
outcome = "severe_cytopenia"
event = "yes"
columns = ["effect", "p"]
factors = ["age_years", "sex", "crs", "anc"]
tests = { crs = "trend", age_years = "welch_t" }
adjust = { method = "holm", family = "all" }

[[analyses]]
id = "cross"
kind = "crosstab"
outcome = "severe_cytopenia"
event = "yes"
factor = "crs"
tests = { crs = "trend" }
adjust = { method = "holm", family = "all" }
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('columns = ["effect", "p"]', 'columns = ["effect"]', "'tests' is about the tests of the column 'p'"),
        ("ordered = true\n", "", r"a trend of 'crs' needs an order; declare it under \[factors.crs\]"),
        ('at = "baseline"\n', 'at = "baseline"\nordered = true\n', "'ordered' does not go with 'analyte'"),
        ("grade_from = [1, 3]\n", "", "ordered = true needs levels in their order"),
        ('age_years = "welch_t"', 'age = "welch_t"', r"tests names 'age'.*, not among the factors"),
        (
            'tests = { crs = "trend" }',
            'tests = { sex = "trend" }',
            "tests names 'sex', not among the factors",
        ),
        (
            'tests = { crs = "trend" }',
            'tests = { crs = "fisher_mid_p" }',
            "mid-P is for two levels, 'crs' has 3",
        ),
        ('crs = "trend" }', 'crs = "jonckheere" }', "fisher_mid_p"),
        (
            'tests = { crs = "trend" }\nadjust = { method = "holm"',
            'adjust = { method = "benjamini_hochberg"',
            r"family 'all' is adjusted by holm \(risk\) and by benjamini_hochberg \(cross\)",
        ),
        ('adjust = { method = "holm", family = "all" }', "adjust = { }", "method"),
    ],
)
def test_mistakes_are_told_when_the_file_is_read(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in RISK
    path = tmp_path / "study.toml"
    path.write_text(STUDY + RISK.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ProtocolError, match=words):
        read_protocol(path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            'age_years = "welch_t"',
            'age_years = "fisher_exact"',
            "'age_years' is a number; allowed: mann_whitney",
        ),
        ('age_years = "welch_t"', 'sex = "welch_t"', "'sex' has levels; allowed: chi_squared, fisher_exact"),
        (
            'adjust = { method = "holm", family = "all" }',
            'cutpoints = { rule = "fixed", values = { age_years = 60 } }',
            "'age_years' is cut into levels; allowed: chi_squared",
        ),
    ],
)
def test_mistakes_that_only_the_tables_show(tmp_path: Path, old: str, new: str, words: str) -> None:
    folder = write_study(tmp_path)
    (folder / "study.toml").write_text(STUDY + RISK.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ProtocolError, match=words):
        workflow.analyze_study(folder / "study.toml")


def make_crosstab(**keys: Any) -> Crosstab:
    given = {"id": "a", "kind": "crosstab", "outcome": "o", "event": "yes", "factor": "stage", **keys}
    return Crosstab.model_validate(given)


def test_a_cross_table_has_the_effects_that_the_protocol_declares() -> None:
    """Events by level: 1 of 6, 2 of 4, 5 of 6; R 4.2.2: fisher.test 16.603 of the last against the first."""
    sides = make_sides(EVENT)
    assert find(list(summarize_crosstab(make_crosstab(), LEVEL, sides, seed=1)), "effect") == {}
    named = make_crosstab(effects=["risk_difference", "odds_ratio"])
    rows = find(list(summarize_crosstab(named, LEVEL, sides, seed=1)), "effect")
    assert {key[2] for key in rows} == {"n", "reference", "risk_difference", "odds_ratio"}
    assert rows["stage", "high", "risk_difference"].value == pytest.approx(4 / 6)
    assert rows["stage", "high", "odds_ratio"].value == pytest.approx(16.603150217, rel=1e-5)


def test_a_cross_table_prints_the_effects_beside_the_counts() -> None:
    named = make_crosstab(effects=["risk_difference", "risk_ratio", "odds_ratio"], pairwise=True)
    rows = summarize_crosstab(named, LEVEL, make_sides(EVENT), seed=1)
    table = table_crosstab(associations_of(rows, kind="crosstab", label=""), "a")
    assert [column.title for column in table.columns][3:6] == [
        "Risk difference, % points (95% CI)",
        "Risk ratio (95% CI)",
        "Odds ratio (95% CI)",
    ]
    cells = {row.header: [cell.text for cell in row.cells] for row in table.rows}
    assert cells["low"][2] == "reference"
    # Newcombe's interval of 5/6 minus 1/6 (R 4.2.2, written out).
    assert cells["high"][2] == "66.7 (10.5\N{EN DASH}86.0)"
    assert cells["high"][3].startswith("5.000 (")
    assert all(len(row.cells) == len(table.columns) - 1 for row in table.rows if not row.is_section)
    assert any("Newcombe" in note for note in table.notes)
    again = summarize_crosstab(named, LEVEL, make_sides(EVENT), seed=1)
    content = associations_of(again, kind="crosstab", label="")
    methods = " ".join(part for _, parts in write_methods_paragraphs(content) for part in parts)
    assert "Koopman" in methods
