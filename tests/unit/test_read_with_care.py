"""The six panels beside published odds ratios, on made-up patients whose answers are worked out by hand.

The 2 x 2 table of 26/30 and 13/30 is that of hemoglobin in Qiu et al. 2023, Table III
(doi:10.3892/ol.2023.13924); of two groups Firth's odds ratio is that of the counts with a half added to each.
"""

from __future__ import annotations

import csv
import importlib.util
from dataclasses import replace
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from cytopenia.definitions import load_library
from cytopenia.errors import ProtocolError
from cytopenia.results import ResultRow
from cytopenia.stats.compare import compare_counts, compare_distributions
from cytopenia.stats.logistic import fit_logistic
from cytopenia.stats.means import compare_means
from cytopenia.stats.resamples import count_rows, draw_resamples
from cytopenia.stats.roc import estimate_roc
from cytopenia.study.analysis_forms import RiskFactors, Roc
from cytopenia.study.associations import RiskFactorInput, summarize_risk_factors
from cytopenia.study.care_definitions import OtherDefinition
from cytopenia.study.care_models import CareInput
from cytopenia.study.care_patients import HadBefore, OtherReading
from cytopenia.study.care_rows import Effect, compare_conclusions, compare_p_values
from cytopenia.study.cut_points import divide_factors, find_cuts, fit_curves
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import Sides
from cytopenia.study.protocol import read_protocol
from cytopenia.study.read_with_care import summarize_read_with_care

HERE = Path(__file__).parents[2]
CARE: dict[str, Any] = {"terms": ["x"], "resamples": 200}
Rows = dict[tuple[str, str, str, str, str], ResultRow]
ABOVE, BELOW, AROUND, NONE = Effect(3, 1.2, 8), Effect(0.3, 0.1, 0.9), Effect(2, 0.8, 5), Effect()


@pytest.mark.parametrize(
    ("published", "careful", "verdict"),
    [
        (ABOVE, ABOVE, "same"),
        (AROUND, AROUND, "same"),
        (ABOVE, AROUND, "weaker"),
        (BELOW, AROUND, "weaker"),
        (AROUND, BELOW, "stronger"),
        (ABOVE, BELOW, "reversed"),
        (BELOW, ABOVE, "reversed"),
        (ABOVE, NONE, "not_estimable"),
        (NONE, ABOVE, "not_estimable"),
        # An interval that ends at 1 has 1 in it; a limit that does not exist is infinitely far.
        (ABOVE, Effect(3, 1.0, 8), "weaker"),
        (ABOVE, Effect(3, 1.0001, 8), "same"),
        (ABOVE, Effect(9, 1.2, None), "same"),
        (ABOVE, Effect(9, None, 20), "weaker"),
        (ABOVE, replace(ABOVE, status="not_done"), "not_estimable"),
    ],
)
def test_the_side_of_1_that_both_intervals_leave_out(
    published: Effect, careful: Effect, verdict: str
) -> None:
    assert compare_conclusions(published, careful) == verdict


@pytest.mark.parametrize(
    ("published", "careful", "verdict"),
    [(0.04, 0.01, "same"), (0.04, 0.05, "weaker"), (0.05, 0.04, "stronger"), (0.3, 0.9, "same"),
     (None, 0.1, "not_estimable"), (0.1, None, "not_estimable")],
)  # fmt: skip
def test_p_values_below_a_limit(published: float | None, careful: float | None, verdict: str) -> None:
    assert compare_p_values(published, careful, limit=0.05) == verdict


def make_analysis(**changes: Any) -> RiskFactors:
    keys: dict[str, Any] = {
        "id": "a", "kind": "risk_factors", "outcome": "o", "event": "yes", "columns": ["univariable"],
        "factors": ["x"], "parity": "spss", "read_with_care": CARE,
    }  # fmt: skip
    return RiskFactors.model_validate({**keys, **changes})


def make_sides(
    policy: list[float], best: list[float] | None = None, worst: list[float] | None = None
) -> Sides:
    arrays = [np.array(values, dtype=float) for values in (policy, best or policy, worst or policy)]
    return Sides(("Yes", "No"), dict(zip(("policy", "best", "worst"), arrays, strict=True)), {})


def hemoglobin() -> tuple[FactorColumn, Sides]:
    values = ["high"] * 26 + ["low"] * 13 + ["high"] * 4 + ["low"] * 17
    factor = FactorColumn("x", "Hemoglobin", pl.Series(values), levels=("low", "high"))
    return factor, make_sides([1.0] * 39 + [0.0] * 21)


def run(
    analysis: RiskFactors, factors: list[FactorColumn], sides: Sides, *, roc: Roc | None = None, **more: Any
) -> Rows:
    gates = load_library().gates
    curves = {} if roc is None else {roc.id: fit_curves(roc, factors, sides)}
    rows = list(summarize_risk_factors(analysis, RiskFactorInput(factors, sides, curves, gates, 3)))
    cuts = find_cuts(analysis.cutpoints, curves, factors=analysis.factors)
    divided = divide_factors(factors, cuts, rule=analysis.cutpoints)
    given = CareInput(analysis, factors, divided, sides, cuts, rows, gates, 3, roc)
    asked: dict[str, Any] = {"reading": None, "before": None, "definitions": [], **more}
    return {
        (row.group.removeprefix("care_"), row.scenario, row.variable, row.estimate, row.stratum): row
        for row in summarize_read_with_care(given, **asked)
    }


def number(row: ResultRow, part: str = "value") -> float:
    found = getattr(row, part)
    assert found is not None
    return float(found)


def odds(rows: Rows, panel: str, scenario: str, side: str) -> tuple[float | None, ...]:
    row = rows[panel, scenario, "x", "odds_ratio", side]
    return tuple(None if one is None else round(one, 3) for one in (row.value, row.low, row.high))


def test_the_published_odds_ratio_beside_firths() -> None:
    factor, sides = hemoglobin()
    rows = run(make_analysis(), [factor], sides)
    assert odds(rows, "a", "univariable", "published") == (8.5, 2.371, 30.466)
    careful = rows["a", "univariable", "x", "odds_ratio", "careful"]
    assert careful.value == pytest.approx(26.5 * 17.5 / (4.5 * 13.5), rel=1e-6)
    assert rows["a", "univariable", "x", "change_of_odds_ratio", ""].text == "same"
    # One term named before: the model is the same.
    assert rows["c", "model", "x", "odds_ratio", "careful"].value == careful.value
    assert rows["gate", "", "model", "smaller_group", ""].value == 21
    assert rows["gate", "", "model", "terms_allowed", ""].value == 2


def test_what_was_not_done_says_why() -> None:
    factor, sides = hemoglobin()
    rows = run(make_analysis(), [factor], sides)
    reasons = {key[:2]: row.note for key, row in rows.items() if row.status == "not_done"}
    assert reasons == {
        ("b", "cut"): "no factor was cut where its ROC curve looks best",
        ("c", "selection"): "no multivariable model was published",
        (
            "c",
            "noise",
        ): "measured for another way: Youden cuts, univariable P below 0.05, one model of what is left",
        ("d", "early_deaths"): "the outcome has no landmark",
        ("d", "baseline"): "the protocol names no definition of the baseline",
        ("e", "best"): "no outcome is undecided",
        ("e", "worst"): "no outcome is undecided",
        ("e", "imputed"): "no value is missing",
        ("f", ""): "no other definition was declared",
    }


def test_few_events_are_described_only() -> None:
    factor, _ = hemoglobin()
    rows = run(make_analysis(), [factor], make_sides([1.0] * 9 + [0.0] * 51))
    careful = rows["a", "univariable", "x", "odds_ratio", "careful"]
    assert (careful.status, careful.value) == ("not_done", None)
    assert careful.note == "9 patients in the smaller group: factors are described only below 10"
    assert rows["b", "cut", "panel", "conclusion", ""].note == careful.note
    assert rows["c", "model", "x", "odds_ratio", "careful"].note == careful.note
    assert rows["a", "univariable", "x", "change_of_odds_ratio", ""].text == "not_estimable"


def spread() -> tuple[list[FactorColumn], Sides]:
    rng = np.random.default_rng(5)
    event = np.repeat([1.0, 0.0], [39, 21])
    numbers = rng.normal(size=(2, 60)) + np.array([[1.0], [0.0]]) * event
    return [
        FactorColumn(name, name.upper(), pl.Series(one)) for name, one in zip("xz", numbers, strict=True)
    ], (make_sides(event.tolist()))


def make_cut(reference: str = "low", **changes: Any) -> tuple[RiskFactors, Roc]:
    keys: dict[str, Any] = {"outcome": "o", "event": "yes", "higher_means_event": ["x", "z"]}
    roc = Roc.model_validate({"id": "r", "kind": "roc", **keys})
    select = {"select": {"screen": "univariable", "p_below": 0.05}}
    analysis = make_analysis(
        factors=["x", "z"], columns=["univariable", "multivariable"], multivariable=select,
        cutpoints={"rule": "youden", "roc": "r", "reference": reference}, **changes,
    )  # fmt: skip
    return analysis, roc


def test_a_cut_number_is_a_number_again_in_the_direction_that_was_published() -> None:
    factors, sides = spread()
    numbers = factors[0].numbers.to_numpy()
    quartiles = np.quantile(numbers, [0.25, 0.75])
    fit = fit_logistic(
        numbers[:, np.newaxis] / np.diff(quartiles), sides.policy, names=["x"], method="firth"
    ).terms[0]
    analysis, roc = make_cut()
    up = run(analysis, factors, sides, roc=roc)["a", "univariable", "x", "odds_ratio", "careful"]
    assert (up.value, up.low, up.high) == pytest.approx((fit.odds_ratio, fit.low, fit.high), rel=1e-6)
    analysis, roc = make_cut("high")
    down = run(analysis, factors, sides, roc=roc)["a", "univariable", "x", "odds_ratio", "careful"]
    assert (down.value, down.low, down.high) == pytest.approx(
        [1 / number(up, part) for part in ("value", "high", "low")]
    )


def test_cuts_screen_selection_and_noise() -> None:
    factors, sides = spread()
    analysis, roc = make_cut()
    rows = run(analysis, factors, sides, roc=roc)
    curve = estimate_roc(factors[0].numbers.to_numpy(), sides.policy, high_means_event=True)
    cut = {side: rows["b", "cut", "x", "cut", side] for side in ("published", "careful")}
    assert cut["published"].value == cut["careful"].value == curve.cut
    assert number(cut["careful"], "low") <= number(cut["published"]) <= number(cut["careful"], "high")
    youden = {side: number(rows["b", "cut", "x", "youden", side]) for side in ("published", "careful")}
    assert youden["published"] == pytest.approx(curve.youden)
    assert youden["careful"] < youden["published"]
    p = [number(rows["c", "screen", name, "p_value", "published"]) for name in "xz"]
    q = [number(rows["c", "screen", name, "p_value", "careful"]) for name in "xz"]
    # Benjamini and Hochberg of two P values: twice the smaller one, at most the larger.
    assert (min(q), max(q)) == pytest.approx((min(2 * min(p), max(p)), max(p)))
    share = number(rows["c", "selection", "x", "share", "careful"])
    assert 0.5 < share <= 1
    area = {side: number(rows["c", "auc", "pipeline", "auc", side]) for side in ("published", "careful")}
    assert area["careful"] < area["published"]
    noise = rows["c", "noise", "pipeline", "share", "published"]
    assert (noise.value, noise.n) == (0.53825, 4000)
    assert number(noise, "high") - number(noise, "low") == pytest.approx(2 * 1.959964 * 0.00788, rel=1e-5)


def make_tested(**changes: Any) -> tuple[RiskFactors, Roc]:
    """The same analysis, screened by the column p instead of by univariable models."""
    analysis, roc = make_cut()
    select = {"select": {"screen": "test", "p_below": 0.05}}
    given = analysis.model_dump(exclude_unset=True)
    given |= {"columns": ["p", "univariable", "multivariable"], "multivariable": select, **changes}
    return RiskFactors.model_validate(given), roc


@pytest.mark.parametrize("tests", [{}, {"x": "welch_t"}], ids=["by rule", "by name"])
def test_a_screen_by_tests_is_done_again_in_every_resample(tests: dict[str, str]) -> None:
    """Without cuts: the share of resamples whose Mann-Whitney (or Welch) P lies below the limit."""
    factors, sides = spread()
    analysis, _ = make_tested(cutpoints=None, tests=tests)
    rows = run(analysis, factors, sides)
    times = count_rows(draw_resamples(60, count=200, seed=3), 60)
    for factor in factors:
        numbers, event = factor.numbers.to_numpy(), sides.policy
        passed = 0
        for one in times:
            drawn = np.repeat(np.arange(60), one)
            yes, no = (numbers[drawn[event[drawn] == side]] for side in (1, 0))
            is_by_name = tests.get(factor.name) == "welch_t"
            found = compare_means(yes, no) if is_by_name else compare_distributions(yes, no, parity="spss")
            passed += found.p_value is not None and found.p_value < 0.05
        share = rows["c", "selection", factor.name, "share", "careful"]
        assert (share.value, share.n) == (passed / 200, 200)
    assert ("c", "selection", "panel", "conclusion", "") not in rows


def test_a_screen_by_tests_of_cut_numbers_counts_the_sides_of_each_cut() -> None:
    """As published: a divided number has two levels, so chi-squared or Fisher's test, with a new cut."""
    factors, sides = spread()
    analysis, roc = make_tested()
    rows = run(analysis, factors, sides, roc=roc)
    times = count_rows(draw_resamples(60, count=200, seed=3), 60)
    passed = 0
    for one in times:
        drawn = np.repeat(np.arange(60), one)
        numbers, event = factors[0].numbers.to_numpy()[drawn], sides.policy[drawn]
        cut = estimate_roc(numbers, event, high_means_event=True).cut
        if cut is None:
            continue
        above = numbers >= cut
        table = [[int((above & (event == side)).sum()) for side in (1, 0)]]
        table.append([int((~above & (event == side)).sum()) for side in (1, 0)])
        found = compare_counts(table, parity="spss").p_value
        passed += found is not None and found < 0.05
    assert rows["c", "selection", "x", "share", "careful"].value == passed / 200


def test_shares_of_the_screen_are_of_all_resamples_and_fits_are_told_apart() -> None:
    """A screen is there in every resample; only the model that follows can be without a finite estimate."""
    # Together they separate wherever one patient is not drawn; each alone does so seldom.
    x = [*np.linspace(1.5, 4.0, 35), 5.0, 5.0, 5.0, 5.0, 2.0, 2.0, 1.6, *np.linspace(-4.0, -1.5, 18)]
    y = [0.0] * 35 + [1.0] * 6 + [0.0] * 19
    together = [FactorColumn(name, name.upper(), pl.Series(one)) for name, one in (("x", x), ("y", y))]
    sides = make_sides([1.0] * 39 + [0.0] * 21)
    analysis = make_analysis(
        factors=["x", "y"],
        columns=["univariable", "multivariable"],
        multivariable={"select": {"screen": "univariable", "p_below": 1.0}},
    )
    rows = run(analysis, together, sides)
    resamples = number(rows["c", "selection", "panel", "resamples", ""])
    fitted = number(rows["c", "selection", "panel", "fitted", ""])
    assert resamples == 200 > fitted > 0
    share = rows["c", "selection", "x", "share", "careful"]
    assert share.n == 200
    assert rows["c", "same_model", "pipeline", "share", "careful"].n == 200
    # With P below 1 a factor passes wherever it has an estimate of its own.
    assert number(share) > fitted / 200
    area = rows["c", "auc", "pipeline", "auc", "careful"]
    assert area.note == f"from the {fitted:.0f} of 200 resamples whose model has a finite estimate"


def test_comparing_programs_changes_no_careful_number() -> None:
    """The analysis itself is by default, Firth's method, whether or not others stand beside it."""
    factors, sides = spread()
    plain, roc = make_cut(parity="default")
    compared, _ = make_cut(parity="compare", significance_level=0.05)
    other = OtherDefinition("other", "Another", make_sides(np.roll(sides.policy, 2).tolist()))
    first, second = (
        {key: row for key, row in rows.items() if row.group.startswith("care_")}
        for rows in (run(one, factors, sides, roc=roc, definitions=[other]) for one in (plain, compared))
    )
    assert first == second
    assert first["f", "other", "x", "odds_ratio", "careful"].status == "ok"


@pytest.mark.parametrize("parity", ["spss", "default"])
def test_a_screen_without_a_finite_estimate_is_told(parity: str) -> None:
    """17 of 18 against 5 of 33: maximum likelihood has an estimate where no cell of a resample is empty."""
    values = ["high"] * 18 + ["low"] * 33
    event = np.repeat([1.0, 0.0, 1.0, 0.0], [17, 1, 5, 28])
    factor = FactorColumn("x", "X", pl.Series(values), levels=("low", "high"))
    analysis = make_analysis(
        columns=["univariable", "multivariable"],
        multivariable={"select": {"screen": "univariable", "p_below": 0.05}},
        parity=parity,
    )
    rows = run(analysis, [factor], make_sides(event.tolist()))
    times = count_rows(draw_resamples(51, count=200, seed=3), 51)
    cells = np.array([[one[part].sum() for part in np.split(np.arange(51), [17, 18, 23])] for one in times])
    empty = 0.0 if parity == "default" else float((cells == 0).any(axis=1).mean())
    found = rows["c", "selection", "x", "unscreened", "careful"]
    assert (found.value, found.n) == (empty, 200)
    assert (empty > 0.3) == (parity == "spss")
    assert number(rows["c", "selection", "x", "share", "careful"]) + empty <= 1 + 1e-12


def test_too_many_terms_named_before_are_refused() -> None:
    factors, sides = spread()
    third = FactorColumn("y", "Y", factors[1].values + 1.5 * factors[0].values)
    analysis, roc = make_cut(read_with_care={**CARE, "terms": ["x", "z", "y"]})
    analysis = analysis.model_copy(update={"factors": ("x", "z", "y")})
    rows = run(analysis, [*factors, third], sides, roc=roc)
    careful = rows["c", "model", "x", "odds_ratio", "careful"]
    assert (careful.status, careful.note) == (
        "not_done",
        "21 patients in the smaller group: they allow 2 terms, the model has 3",
    )


def test_who_is_at_risk() -> None:
    factor, sides = hemoglobin()
    # Two who died early, both with low hemoglobin, join those without the event: 26, 4, 13, 19.
    factor = replace(factor, values=pl.concat([factor.values, pl.Series(["low", "low"])]))
    policy = [*sides.policy.tolist(), np.nan, np.nan]
    other = make_sides([*sides.policy.tolist(), 0.0, 0.0])
    had = np.zeros(62, dtype=bool)
    had[:6] = True
    unknown = np.zeros(62, dtype=bool)
    unknown[10] = True
    rows = run(
        make_analysis(), [factor], make_sides(policy),
        reading=OtherReading("not_recovered", 2, other), before=HadBefore(had, unknown, 3, ("anc",)),
    )  # fmt: skip
    assert rows["d", "early_deaths", "patients", "count", ""].value == 2
    found = rows["d", "early_deaths", "x", "odds_ratio", "careful"]
    assert found.value == pytest.approx(26 * 19 / (4 * 13), rel=1e-6)
    # Without six of the 26: 20, 4, 13, 17.
    found = rows["d", "baseline", "x", "odds_ratio", "careful"]
    assert found.value == pytest.approx(20 * 17 / (4 * 13), rel=1e-6)
    counts = [rows["d", "baseline", "patients", name, ""].value for name in ("count", "unknown", "min_grade")]
    assert counts == [6, 1, 3]


def test_undecided_outcomes_one_way_and_the_other() -> None:
    factor, sides = hemoglobin()
    best, worst = sides.policy.copy(), sides.policy.copy()
    best[39:42] = 1.0  # three with high hemoglobin and no event
    worst[36:39] = 0.0  # three with low hemoglobin and the event
    rows = run(make_analysis(), [factor], make_sides(sides.policy.tolist(), best.tolist(), worst.tolist()))
    assert rows["e", "best", "patients", "undecided", ""].value == 6
    assert [rows["e", name, "patients", "events", ""].value for name in ("best", "worst")] == [42, 36]
    assert odds(rows, "e", "best", "careful")[0] == pytest.approx(29 * 17 / (1 * 13), abs=1e-3)
    assert odds(rows, "e", "worst", "careful")[0] == pytest.approx(26 * 20 / (4 * 10), abs=1e-3)


def test_missing_factors_are_imputed_from_5_percent_on() -> None:
    factors, sides = spread()
    holes = factors[0].values.to_list()
    holes[::12] = [None] * 5
    factors = [replace(factors[0], values=pl.Series(holes)), factors[1]]
    rows = run(make_analysis(factors=["x", "z"]), factors, sides)
    imputed = rows["e", "imputed", "x", "odds_ratio", "careful"]
    assert (imputed.status, imputed.n) == ("ok", 60)
    assert rows["e", "imputed", "x", "odds_ratio", "published"].n == 55
    assert rows["e", "imputed", "patients", "incomplete", ""].value == 5
    assert (
        rows["e", "imputed", "z", "odds_ratio", "careful"].note
        == "no value is missing; the complete-case model holds"
    )
    # That model is the published one, so its conclusion is the same.
    sides_of_z = [rows["e", "imputed", "z", "odds_ratio", side] for side in ("published", "careful")]
    assert sides_of_z[0].value is not None
    assert len({(row.value, row.low, row.high, row.n, row.status) for row in sides_of_z}) == 1
    assert rows["e", "imputed", "z", "change_of_odds_ratio", ""].text == "same"


def test_another_definition_is_another_outcome_in_the_same_model() -> None:
    factor, sides = hemoglobin()
    turned = sides.policy.copy()
    turned[[0, 1, 39]] = [0.0, 0.0, 1.0]  # 25 of 30 with high hemoglobin, 13 of 30 with low
    other = OtherDefinition("other", "Another", make_sides(turned.tolist()))
    rows = run(make_analysis(), [factor], sides, definitions=[other])
    assert rows["f", "other", "patients", "events", ""].value == 38
    assert rows["f", "o", "patients", "events", ""].value == 39
    assert odds(rows, "f", "other", "careful")[0] == pytest.approx(25 * 17 / (5 * 13), abs=1e-3)


def test_what_cannot_be_estimated_is_a_row_without_a_number() -> None:
    factor, sides = hemoglobin()
    separated = sides.policy.copy()
    separated[39:43] = 1.0  # nobody with high hemoglobin is without the event
    other = OtherDefinition("other", "Another", make_sides(separated.tolist()))
    found = run(make_analysis(), [factor], sides, definitions=[other])[
        "f", "other", "x", "odds_ratio", "careful"
    ]
    assert (found.value, found.status) == (None, "not_estimable")
    assert "separates the event" in found.note


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"read_with_care": {"resamples": 200}}, "terms"),
        ({"read_with_care": {"terms": ["x"]}}, "resamples"),
        ({"read_with_care": {**CARE, "resamples": 100}}, "200"),
        ({"read_with_care": {**CARE, "baseline": {"definition": "ctcae_v4"}}}, "min_grade"),
        ({"read_with_care": {**CARE, "definitions": list("abcdefghi")}}, "8"),
        ({"columns": ["p"]}, "read_with_care is about odds ratios; add univariable or multivariable"),
    ],
)
def test_what_must_be_declared(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        make_analysis(**changes)


def write_study(folder: Path, old: str, new: str) -> Path:
    example = resources.files("cytopenia") / "data" / "example" / "read_with_care.toml"
    text = example.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path = folder / "study.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('terms = ["anc", "ferritin"]', 'terms = ["anc", "feritin"]', "did you mean 'ferritin'"),
        ('terms = ["anc", "ferritin"]', 'terms = ["anc", "anc"]', "terms names 'anc' twice; remove one"),
        ('"recovery_washout"]', '"recovery"]', "names 'recovery', the outcome itself; remove it"),
        ('"recovery_washout"]', '"recovery_wash"]', "unknown outcome 'recovery_wash'"),
        ('definition = "ctcae_v4", min', 'definition = "icaht_2023", min', "looks at the days of a course"),
    ],
)
def test_names_that_nothing_has(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        read_protocol(write_study(tmp_path, old, new))


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "simulate_pipeline", HERE / "scripts" / "simulate_pipeline.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_what_is_quoted_is_what_was_measured() -> None:
    measured = read_table(HERE / "docs" / "simulation_study" / "pipeline.csv")
    quoted = read_table(HERE / "src" / "cytopenia" / "data" / "noise_pipeline.csv")
    wanted = [
        row for row in measured if (row["direction"], row["quantity"]) == ("declared", "any_independent")
    ]
    assert quoted == wanted
    assert int(quoted[0]["data_sets"]) >= 2000


def test_the_simulated_pipeline_is_that_of_single_fits() -> None:
    script = load_script()
    found = script.run_pipeline("declared", 12, 4)
    markers = np.random.default_rng(4).normal(size=(12, 60, 5))
    event = np.repeat([1.0, 0.0], [21, 39])
    for at, table in enumerate(markers):
        sides: list[NDArray[np.float64]] = []
        for values in table.T:
            cut = estimate_roc(values, event, high_means_event=True).cut
            if cut is None:
                continue
            side = (values >= cut)[:, np.newaxis].astype(np.float64)
            p = fit_logistic(side, event, names=["m"]).terms[0].p_value
            sides += [side] if p is not None and p < 0.05 else []
        names = [str(place) for place in range(len(sides))]
        terms = fit_logistic(np.hstack(sides), event, names=names).terms if sides else ()
        independent = [term for term in terms if term.p_value is not None and term.p_value < 0.05]
        assert found["any_screened"][at] == bool(sides)
        assert found["any_independent"][at] == bool(independent)
        assert found["marker_independent"][at] == pytest.approx(len(independent) / 5)
