"""Each check of a printed number: what is right, what is cut off, and what cannot be.

Numbers of Qiu et al. 2023 (doi 10.3892/ol.2023.13924) are typed from its pages; every other number was
worked out with pencil, as the comments show.
"""

from __future__ import annotations

import polars as pl
import pytest

from cytopenia.published.area_checks import check_area, check_area_of_cut
from cytopenia.published.claims import load_paper, read_paper
from cytopenia.published.hidden_counts import check_counts_behind
from cytopenia.published.p_value_checks import (
    check_p_of_counts,
    check_ratio_of_counts,
    check_significance_of_counts,
)
from cytopenia.published.ratio_checks import PrintedTriangle, check_ratio
from cytopenia.published.share_checks import check_impossible_percent, check_percent, check_quotient
from cytopenia.published.spread_checks import check_mean, check_median_beside_count, check_order
from cytopenia.published.verify import count_checks, verify_paper

RIGHT, CUT, OPEN, WRONG = "consistent", "rounding convention", "cannot be checked", "inconsistent"


@pytest.fixture(scope="module")
def seed() -> pl.DataFrame:
    return verify_paper(load_paper("qiu2023"))


def verdicts(checks: list[object]) -> dict[str, str]:
    return {check.check: check.verdict for check in checks}  # type: ignore[attr-defined]


# Percentages: 48/63 = 76.190..., 16/63 = 25.396..., 45/63 = 71.428..., 1/8 = 12.5 exactly.
@pytest.mark.parametrize(
    ("count", "of", "percent", "verdict"),
    [
        (48, 63, "76.19", RIGHT),
        (16, 63, "25.40", RIGHT),
        (16, 63, "25.39", CUT),
        (16, 63, "25.3", CUT),
        (16, 63, "25.41", WRONG),
        (45, 63, "71.42", CUT),
        (1, 8, "12", RIGHT),
        (1, 8, "13", RIGHT),
        (0, 63, "0", RIGHT),
        (63, 63, "100", RIGHT),
        (64, 63, "101.6", WRONG),
    ],
)
def test_a_percentage_of_a_count(count: int, of: int, percent: str, verdict: str) -> None:
    assert check_percent("a", count=count, of=of, percent=percent).verdict == verdict


def test_what_would_repair_a_percentage() -> None:
    # 12/61 = 19.67; 12/63 = 19.05; 19.67% of 63 patients is no count: 12.39.
    found = check_percent("a", count=12, of=63, percent="19.67")
    assert found.repair == "19.05 for 19.67; or right of 61 patients (2 without a value)"
    assert found.severity == "minor"
    # 13/63 = 20.63: another count of the same patients.
    assert "13 for 12" in check_percent("a", count=12, of=63, percent="20.63").repair


def test_a_percentage_that_no_count_has() -> None:
    # 21/60 = 35, 1/60 = 1.67, 2/60 = 3.33.
    assert check_impossible_percent("a", of=60, percent="35").verdict == RIGHT
    found = check_impossible_percent("a", of=60, percent="2.5")
    assert found.verdict == WRONG
    assert found.arithmetic == "no count of 60 patients prints 2.5%: 1/60 = 1.66667 and 2/60 = 3.33333"


def test_a_ratio_of_two_counts() -> None:
    assert check_quotient("a", first=45, second=18, ratio="2.5").verdict == RIGHT
    assert check_quotient("a", first=45, second=18, ratio="2.4").repair == "2.5 for 2.4"
    assert check_quotient("a", first=45, second=0, ratio="2.5").verdict == OPEN


# Table III of the paper: six rows are in order; the limits of the multivariable IL-6 are not.
def test_the_interval_of_interleukin_6_does_not_hold_its_estimate(seed: pl.DataFrame) -> None:
    wrong = seed.filter(pl.col("id").str.starts_with("table3_multivariable"), verdict=WRONG)
    assert wrong["id"].to_list() == ["table3_multivariable_il6"]
    assert wrong["check"].to_list() == ["estimate inside its interval"]
    # Root of 0.010 x 0.802 = 0.0896, with the digits' room 0.0873 to 0.0918: 0.091 is inside.
    assert wrong["repair"].item() == "0.010 for 0.100 (low) repairs estimate, interval and P together"


def test_one_marker_must_have_a_missing_value(seed: pl.DataFrame) -> None:
    behind = seed.filter(check="counts behind the odds ratio")
    found = dict(behind.select("id", "arithmetic").iter_rows())
    assert found["table3_univariable_anc"] == "only one table prints so: 33 of 39 and 7 of 21"
    assert found["table3_univariable_hemoglobin"] == "only one table prints so: 26 of 39 and 4 of 21"
    assert found["table3_univariable_ferritin"] == "only one table prints so: 13 of 39 and 14 of 21"
    assert found["table3_univariable_ferritin_peak"] == "only one table prints so: 5 of 39 and 12 of 21"
    wrong = behind.filter(verdict=WRONG)
    assert wrong["id"].to_list() == ["table3_univariable_il6"]
    assert wrong["repair"].item() == "right if 1 patient has no value: 4 of 38 and 11 of 21"


def test_percentages_of_the_paper_are_cut_off_not_rounded(seed: pl.DataFrame) -> None:
    shares = seed.filter(check="percentage of the count")
    assert shares.filter(verdict=WRONG).is_empty()
    cut = set(shares.filter(verdict=CUT)["id"])
    assert {"males", "severe_anemia", "severe_thrombocytopenia", "target_cd19_cd20", "any_neutropenia"} <= cut
    # 18.3 and 46.7 of 60 are rounded: 11/60 = 18.33, 28/60 = 46.67.
    assert {"response_cr", "response_pr"}.isdisjoint(cut)


def test_labels_that_contradict_their_direction(seed: pl.DataFrame) -> None:
    wrong = seed.filter(check="direction of the ratio", verdict=WRONG)["id"].to_list()
    assert wrong == [
        "direction_univariable_anc",
        "direction_multivariable_anc",
        "direction_univariable_hemoglobin",
        "direction_multivariable_hemoglobin",
        "direction_sentence_il6",
        "direction_sentence_ferritin",
    ]


def test_the_limits_that_the_counts_imply(seed: pl.DataFrame) -> None:
    said = dict(seed.filter(check="count beside the median").select("id", "arithmetic").iter_rows())
    assert said["limit_baseline_hemoglobin"].endswith("the limit is at most the median, 114")
    assert said["limit_any_platelets"].endswith("the limit is at most the median, 121")
    assert said["limit_any_hemoglobin"].endswith("the limit is at least the median, 100")


def test_two_counts_leave_one_limit(seed: pl.DataFrame) -> None:
    said = dict(
        seed.filter(check="limit that several counts leave").select("about", "arithmetic").iter_rows()
    )
    name = "lower limit of normal of hemoglobin"
    assert said[name] == f"{name}: at least 100, at most 114"
    assert len(said) == 3


def test_how_the_paper_rounds(seed: pl.DataFrame) -> None:
    row = seed.filter(check="how the paper rounds").row(0, named=True)
    assert (row["id"], row["verdict"]) == ("percentages_of_the_paper", CUT)
    assert "both ways in one paper" in row["arithmetic"]


def test_every_sum_of_the_paper_holds(seed: pl.DataFrame) -> None:
    assert set(seed.filter(check="parts of a whole")["verdict"]) == {RIGHT}
    assert seed.filter(check="parts of a whole").height == 8


def test_what_is_counted(seed: pl.DataFrame) -> None:
    assert sum(count_checks(seed).values()) == seed.height
    assert count_checks(seed)[WRONG] == 8


# A triangle: 2.00 (1.00-4.00): root of 1 x 4 is 2; half the log width ln 2 / 1.96 = 0.3537; z 1.96; P 0.050.
def test_a_triangle_that_fits() -> None:
    checks = check_ratio("a", PrintedTriangle("2.00", "1.00", "4.00", "0.050"))
    assert {check.verdict for check in checks} == {RIGHT}


def test_limits_in_the_wrong_order() -> None:
    checks = check_ratio("a", PrintedTriangle("2.00", "4.00", "1.00", "0.050"))
    wrong = [check for check in checks if check.verdict == WRONG]
    assert [check.check for check in wrong] == ["limits in order"]
    assert "the limits exchanged: 1.00 and 4.00" in wrong[0].repair


def test_an_interval_that_is_not_symmetrical() -> None:
    # Root of 1.2 x 4 is 2.19, not 2: wrong for Wald, open for another method.
    named = check_ratio("a", PrintedTriangle("2.00", "1.20", "4.00", None, is_wald=True))
    assert verdicts(named)["interval symmetrical on the logarithmic scale"] == WRONG
    unnamed = check_ratio("a", PrintedTriangle("2.00", "1.20", "4.00", None))
    assert verdicts(unnamed)["interval symmetrical on the logarithmic scale"] == OPEN
    # 2.0 (1.9-40): one arm ln 20 = 3.0, the other ln 1.05 = 0.05: no method gives this.
    odd = check_ratio("a", PrintedTriangle("2.00", "1.90", "40.00", None))
    assert verdicts(odd)["interval symmetrical on the logarithmic scale"] == WRONG


def test_a_p_value_beside_an_interval() -> None:
    # z is 1.96, so that P is 0.050; 0.030 may be another test's, 0.9 and 1e-12 nobody's.
    for p, verdict in (("0.030", OPEN), ("0.900", WRONG), ("0.000000000001", WRONG)):
        checks = verdicts(check_ratio("a", PrintedTriangle("2.00", "1.00", "4.00", p)))
        assert checks["P against the interval"] == verdict, p
    named = PrintedTriangle("2.00", "1.00", "4.00", "0.040", is_wald=True, has_wald_p=True)
    assert verdicts(check_ratio("a", named))["P against the interval"] == WRONG


def test_other_confidence_than_95_percent() -> None:
    # 90%: 1.645 standard errors; half the log width ln 2 / 1.645 = 0.4214; z 1.645; P 0.100.
    checks = check_ratio("a", PrintedTriangle("2.00", "1.00", "4.00", "0.100", confidence="90"))
    assert {check.verdict for check in checks} == {RIGHT}


# The tests of 1/19, 13/40, 1/4 by R 4.2.2: chisq.test 0.07168, fisher.test 0.04720.
def test_p_values_of_counts() -> None:
    table = [[1, 18], [13, 27], [1, 3]]
    assert check_p_of_counts("a", table, "0.072", test="chi-squared").verdict == RIGHT
    assert check_p_of_counts("a", table, "0.047", test="fisher").verdict == RIGHT
    assert check_p_of_counts("a", table, "0.0498", test="fisher").verdict == WRONG
    assert check_p_of_counts("a", table, "0.060").verdict == OPEN
    assert check_p_of_counts("a", table, "<0.001").verdict == WRONG
    assert check_p_of_counts("a", [[0, 0], [3, 4]], "0.5").verdict == OPEN


def test_significance_without_a_p_value() -> None:
    assert check_significance_of_counts("a", [[13, 1], [27, 18]], "associated").verdict == RIGHT
    assert check_significance_of_counts("a", [[1, 1], [3, 18]], "associated").verdict == WRONG
    assert check_significance_of_counts("a", [[1, 18], [13, 27], [1, 3]], "associated").verdict == OPEN


def test_a_ratio_of_printed_counts() -> None:
    # 33 x 14 / (7 x 6) = 11.
    printed = PrintedTriangle("11", "3.130", "38.660", "<0.001")
    assert {check.verdict for check in check_ratio_of_counts("a", (33, 7, 6, 14), printed)} == {RIGHT}
    turned = check_ratio_of_counts("a", (6, 14, 33, 7), printed)
    assert turned[0].verdict == WRONG
    assert turned[0].repair.startswith("11 is that of the other side")
    assert check_ratio_of_counts("a", (6, 14, 33, 7), printed, measure="hazard ratio") == []
    # Risks 33/40 and 6/20: 0.825 / 0.3 = 2.75.
    risk = PrintedTriangle("2.75", None, None, None)
    assert check_ratio_of_counts("a", (33, 7, 6, 14), risk, measure="risk ratio")[0].verdict == RIGHT
    assert check_ratio_of_counts("a", (33, 0, 6, 14), printed)[0].verdict in (OPEN, WRONG)


def test_a_half_that_arithmetic_loses() -> None:
    # 302 x 3 / (20 x 12) = 3.775 exactly: half up it prints 3.78, half to even too, and never 3.79.
    for estimate, verdict in (("3.78", RIGHT), ("3.77", RIGHT), ("3.79", WRONG)):
        printed = PrintedTriangle(estimate, None, None, None)
        assert check_ratio_of_counts("a", (302, 20, 12, 3), printed)[0].verdict == verdict, estimate


def test_counts_behind_an_interval_by_another_method_cannot_be_checked() -> None:
    printed = PrintedTriangle("0.107", "0.028", "0.410", None)
    assert check_counts_behind("a", printed, (39, 21))[0].verdict == OPEN
    assert check_counts_behind("a", PrintedTriangle("0.107", None, None, None), (39, 21)) == []
    assert check_counts_behind("a", PrintedTriangle("0.107", "0.410", "0.028", None), (39, 21)) == []


def test_medians_and_ranges() -> None:
    assert check_order("a", {"median": "46", "minimum": "21", "maximum": "72"}).verdict == RIGHT
    assert (
        check_order("a", {"median": "20.9", "minimum": "21", "maximum": "72"}).verdict == RIGHT
    )  # 20.9 prints 21
    assert check_order("a", {"median": "20", "minimum": "21", "maximum": "72"}).verdict == WRONG
    assert check_order("a", {"median": "46"}).verdict == OPEN


def test_means_of_whole_numbers() -> None:
    # 145/28 = 5.1786 and 146/28 = 5.2143: nothing between prints 5.19.
    assert check_mean("a", mean="5.19", of=28).verdict == WRONG
    assert check_mean("a", mean="5.18", of=28).verdict == RIGHT
    assert check_mean("a", mean="5.21", of=28).verdict == RIGHT


# 48 of 63 below: more than half, so that the median is below; exactly half says nothing.
@pytest.mark.parametrize(
    ("median", "count", "side", "limit", "verdict"),
    [
        ("0.64", 48, "below", "1.0", RIGHT),
        ("1.2", 48, "below", "1.0", WRONG),
        ("1.0", 48, "below", "1.0", RIGHT),
        ("0.64", 15, "below", "1.0", WRONG),
        ("0.64", 15, "at or above", "1.0", RIGHT),
        ("1.2", 48, "above", "1.0", RIGHT),
        ("0.8", 48, "at or above", "1.0", WRONG),
    ],
)
def test_a_count_beside_a_median(median: str, count: int, side: str, limit: str, verdict: str) -> None:
    found = check_median_beside_count("a", median=median, count=count, of=63, side=side, limit=limit)
    assert found.verdict == verdict


def test_exactly_half_on_one_side_says_nothing() -> None:
    found = check_median_beside_count("a", median="9", count=30, of=60, side="below", limit="1")
    assert found.verdict == OPEN


def test_areas() -> None:
    assert verdicts(check_area("a", area="1.2", limits=None)) == {"area between 0 and 1": WRONG}
    assert (
        verdicts(check_area("a", area="0.70", limits=("0.75", "0.90")))["area inside its interval"] == WRONG
    )
    assert (
        verdicts(check_area("a", area="0.80", limits=("0.90", "0.75")))["area inside its interval"] == WRONG
    )
    # Sensitivity 0.9, specificity 0.8: at least 0.72, at most 1 - 0.1 x 0.2 = 0.98.
    for area, verdict in (("0.70", WRONG), ("0.72", RIGHT), ("0.98", RIGHT), ("0.99", WRONG)):
        found = check_area_of_cut("a", area=area, sensitivity="90.0", specificity="80.0")
        assert found.verdict == verdict, area


PAPER = {
    "id": "mine",
    "title": "Mine",
    "citation": "Here",
    "significance_level": "0.05",
    "claims": [
        {"id": "n", "kind": "count", "where": "Table", "about": "Patients", "count": "63"},
        {"id": "m", "kind": "count", "where": "Table", "about": "Males", "count": "45"},
        {"id": "f", "kind": "count", "where": "Table", "about": "Females", "count": "17"},
        {
            "id": "p",
            "kind": "count_percent",
            "where": "Abstract",
            "about": "Males",
            "percent": "71.4",
            "of": "n",
        },
        {
            "id": "q",
            "kind": "count_percent",
            "where": "Table",
            "about": "Males",
            "percent": "71.43",
            "of": "n",
        },
        {"id": "r", "kind": "count_percent", "where": "Text", "about": "Males", "percent": "72", "of": "n"},
    ],
}


def relate(**parts: object) -> dict[str, str]:
    relation = {"id": "it", "where": "Table", "about": "It", **parts}
    row = verify_paper(read_paper({**PAPER, "relations": [relation]}, name="mine")).row(-1, named=True)
    return {key: row[key] for key in ("verdict", "arithmetic", "repair")}


def test_parts_that_do_not_add_up() -> None:
    found = relate(kind="partition", parts=["m", "f"], whole="n")
    assert found == {
        "verdict": WRONG,
        "arithmetic": "45 + 17 = 62; whole 63",
        "repair": "46 for 45 or 18 for 17 or 62 for 63 (whole)",
    }
    assert relate(kind="partition", parts=["m", "f"], whole="n", missing="1")["verdict"] == RIGHT
    assert relate(kind="partition", parts=["m", "f"], whole="60", missing="1")["verdict"] == WRONG


def test_a_part_above_its_whole() -> None:
    assert relate(kind="subset", part="m", whole="n")["verdict"] == RIGHT
    assert relate(kind="subset", part="n", whole="m")["verdict"] == WRONG
    assert relate(kind="subset", part="p", whole="m")["verdict"] == OPEN


def test_one_number_in_several_places() -> None:
    assert relate(kind="same", numbers=["p", "q"])["verdict"] == RIGHT
    assert relate(kind="same", numbers=["p", "q", "r"])["verdict"] == WRONG
    assert relate(kind="same", numbers=["m.count", "m.count"])["verdict"] == RIGHT


def test_which_number_is_higher() -> None:
    assert relate(kind="comparison", first="m", second="f", stated="higher")["verdict"] == RIGHT
    assert relate(kind="comparison", first="m", second="f", stated="lower")["verdict"] == WRONG
    # 71.4 and 71.43 may be one number.
    assert relate(kind="comparison", first="p", second="q", stated="higher")["verdict"] == RIGHT


def count_shares(*percents: str) -> dict[str, str]:
    """The habit of a paper that prints 1, 2, 3, 4, 5 and so on of 63 patients with these percentages."""
    claims = [
        {
            "id": f"c{place}",
            "kind": "count_percent",
            "where": "T",
            "about": "A",
            "count": str(place),
            "percent": percent,
            "of": "63",
        }
        for place, percent in enumerate(percents, start=1)
    ]
    paper = read_paper({**PAPER, "claims": claims}, name="mine")
    return {row["check"]: row["verdict"] for row in verify_paper(paper).iter_rows(named=True)}


def test_the_habit_of_a_whole_paper() -> None:
    # 1.587, 3.175, 4.762, 6.349, 7.937 of 63.
    assert count_shares("1.6", "3.2", "4.8", "6.3", "7.9")["how the paper rounds"] == RIGHT
    assert count_shares("1.5", "3.1", "4.7", "6.3", "7.9")["how the paper rounds"] == CUT
    assert "how the paper rounds" not in count_shares("1.6", "3.2", "4.8", "6.3")


def test_limits_that_contradict_each_other() -> None:
    # More than half below the limit, and a median of 120; fewer than half, and a median of 100.
    claims = [
        {"id": "hb", "kind": "median_range", "where": "T", "about": "A", "median": "120"},
        {"id": "nadir", "kind": "median_range", "where": "T", "about": "A", "median": "100"},
        {"id": "more", "kind": "count_percent", "where": "T", "about": "A", "count": "40", "of": "63"},
        {"id": "fewer", "kind": "count_percent", "where": "T", "about": "A", "count": "20", "of": "63"},
    ]
    relations = [
        {
            "id": f"limit_{median}",
            "kind": "median_count",
            "where": "T",
            "about": "A",
            "median": median,
            "count": count,
            "side": "below",
            "limit_name": "lower limit",
        }
        for median, count in (("hb", "more"), ("nadir", "fewer"))
    ]
    found = verify_paper(read_paper({**PAPER, "claims": claims, "relations": relations}, name="mine"))
    row = found.filter(check="limit that several counts leave").row(0, named=True)
    assert (row["verdict"], row["severity"]) == (WRONG, "major")
    assert row["arithmetic"] == "lower limit would be at least 120, at most 100: there is no such limit"
