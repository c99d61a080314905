"""Printed beside recomputed: every verdict on result tables of a few typed rows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from cytopenia.published.agreement import compare_with_paper, count_verdicts, split_note
from cytopenia.published.claims import Paper, load_paper
from cytopenia.published.printed_numbers import (
    VERDICTS,
    judge_label,
    judge_number,
    judge_range,
    show_number,
    show_p_value,
)
from cytopenia.results import ResultRow, collect_results

AGREES, BY_TRUNCATION, LABEL, NOT_COMPUTED, DIFFERS = VERDICTS
AT = {"analysis": "t", "variable": "v"}


def number(estimate: str, value: float | None, **more: Any) -> ResultRow:
    return ResultRow(**{"analysis_id": "t", "variable": "v", "estimate": estimate, "value": value, **more})


def judge(claim: dict[str, Any], rows: list[ResultRow]) -> ResultRow:
    head = {"id": "p", "title": "P", "citation": "Here", "significance_level": "0.05"}
    body = {"id": "c", "where": "Table I", "about": "Something", "at": AT, **claim}
    (row,) = compare_with_paper(Paper.model_validate({**head, "claims": [body]}), collect_results(rows))
    return row


def counted(count: float, of: float, level: str = "") -> list[ResultRow]:
    return [
        number("count", count, variable_level=level, n=int(of)),
        number("denominator", of, variable_level=level),
    ]


def median(middle: float, least: float, most: float) -> list[ResultRow]:
    return [number("median", middle, n=63), number("minimum", least), number("maximum", most)]


def odds(value: float, low: float, high: float, *, p: float, level: str = ">= 2.29") -> list[ResultRow]:
    key = {"variable_level": level, "n": 60}
    return [number("odds_ratio", value, low=low, high=high, **key), number("p_value", p, **key)]


# Fractions of the paper and halves, each with the verdict worked out by hand.
@pytest.mark.parametrize(
    ("printed", "value", "verdict"),
    [
        ("71.42", 100 * 45 / 63, BY_TRUNCATION),  # 71.4285...
        ("71.43", 100 * 45 / 63, AGREES),
        ("71.44", 100 * 45 / 63, DIFFERS),
        ("71.4", 100 * 45 / 63, AGREES),
        ("28.57", 100 * 18 / 63, AGREES),  # 28.5714...
        ("6.34", 100 * 4 / 63, BY_TRUNCATION),  # 6.3492...
        ("6.35", 100 * 4 / 63, AGREES),
        ("6.3", 100 * 4 / 63, AGREES),
        ("1.58", 100 / 63, BY_TRUNCATION),  # 1.5873...
        ("25.3", 100 * 16 / 63, BY_TRUNCATION),  # 25.3968...
        ("46.7", 100 * 28 / 60, AGREES),  # 46.6666...
        ("46.6", 100 * 28 / 60, BY_TRUNCATION),
        ("20", 20.0, AGREES),
        ("20", 20.6, BY_TRUNCATION),
        ("20", 19.6, AGREES),
        ("0.12", 0.125, AGREES),  # half to even
        ("0.13", 0.125, AGREES),  # half up
        ("0.14", 0.135, AGREES),  # both
        ("0.13", 0.135, BY_TRUNCATION),
        ("0.28", 0.285, AGREES),  # in binary below the half, in print the half
        ("0.29", 0.285, AGREES),
        ("2.68", 2.675, AGREES),
        ("1.01", 1.005, AGREES),
        ("0.30", 0.1 + 0.2, AGREES),
        ("0.3", 0.1 + 0.2, AGREES),
        ("-5", -5.0, AGREES),
        ("-5", -5.6, BY_TRUNCATION),
        ("5", -5.0, DIFFERS),
        ("0", -0.4, AGREES),
        ("0.001", 0.0014, AGREES),
        ("0.001", 0.0016, BY_TRUNCATION),
        ("0.001", 0.0004, DIFFERS),
        ("0.000", 0.0004, AGREES),
        ("<0.001", 0.00099, AGREES),
        ("<0.001", 0.001, DIFFERS),
        ("<0.001", 0.00102, DIFFERS),
        ("<=0.001", 0.001, AGREES),
        (">0.05", 0.0501, AGREES),
        (">0.05", 0.05, DIFFERS),
        (">=0.05", 0.05, AGREES),
        ("11", 1e300, DIFFERS),
        ("0.00", 1e-300, AGREES),
        ("71.42", Decimal("71.4299999999999999999999"), BY_TRUNCATION),
    ],
)
def test_a_number_against_its_print(printed: str, value: float, verdict: str) -> None:
    assert judge_number(printed, value) == verdict


@pytest.mark.parametrize(
    ("printed", "value", "shown"),
    [
        ("71.42", "71.4285714", "71.43"),
        ("11", "10.9998", "11"),
        ("38.660", "38.6599", "38.660"),
        ("0.12", "0.125", "0.12"),
        ("0.99", "0.125", "0.13"),
        ("<0.001", "0.0002", "<0.001"),
        ("<0.001", "0.0023", "0.002"),
        ("-5", "-5", "-5"),
    ],
)
def test_how_a_number_is_shown(printed: str, value: str, shown: str) -> None:
    assert show_number(Decimal(value), printed) == shown


@pytest.mark.parametrize(
    ("printed", "value", "shown"),
    [
        ("0.016", "0.0163", "0.016"),
        ("0.001", "0.0000231", "<0.001"),
        ("0.05", "0.001", "<0.01"),
        ("0.0", "0", "0.0"),
    ],
)
def test_a_p_value_is_never_shown_as_zero(printed: str, value: str, shown: str) -> None:
    assert show_p_value(Decimal(value), printed) == shown


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (0.7, AGREES),
        (0.9, AGREES),
        (0.66, AGREES),
        (0.64, DIFFERS),
        (0.94, AGREES),
        (0.96, BY_TRUNCATION),
        (1, DIFFERS),
    ],
)
def test_a_number_in_a_printed_range(value: float, verdict: str) -> None:
    assert judge_range("0.7", "0.9", value)[0] == verdict


@pytest.mark.parametrize(
    ("printed", "generated", "verdict", "shown"),
    [
        ("<2.29", ">= 2.29", LABEL, ">=2.29"),
        ("<2.29", "< 2.29", AGREES, "<2.29"),
        (">21.43", ">= 21.43", AGREES, ">=21.43"),
        ("<114.50", "< 114.5", AGREES, "<114.50"),
        ("<114.5", ">= 114.5", LABEL, ">=114.5"),
        ("> 1195", ">= 1195", AGREES, ">=1195"),
        ("<2.29", ">= 2.31", DIFFERS, ">=2.31"),
        ("<2.29", "yes", NOT_COMPUTED, ""),
    ],
)
def test_the_side_of_a_cut(printed: str, generated: str, verdict: str, shown: str) -> None:
    assert judge_label(printed, generated) == (verdict, shown)


# One claim of each kind: the claim, the rows, the recomputed text and the verdict.
COUNT = {"kind": "count", "count": "63"}
PERCENT = {"kind": "count_percent", "count": "45", "percent": "71.42"}
MEDIAN = {"kind": "median_range", "median": "46", "minimum": "21", "maximum": "72"}
SIGNIFICANT = {"kind": "significance", "association": "associated"}
NOT_SIGNIFICANT = {"kind": "significance", "association": "not associated"}
CUT = {"kind": "cut", "cut": "114.50"}
AUC = {"kind": "range", "low": "0.7", "high": "0.9"}
SUM = {"kind": "sum", "terms": ["4", "4"]}
RATIO = {"kind": "ratio", "ratio": "2.5", "at": {**AT, "level": "m"}, "to": {"level": "f"}}
STRATA = {"at": {**AT, "stratum": "event"}, "than": {"stratum": "no event"}}
HIGHER = {"kind": "direction", "stated": "higher", **STRATA}
PLUS = {**PERCENT, "at": {**AT, "level": "a"}, "plus": [{"level": "b"}]}


def sexes(men: float, women: float) -> list[ResultRow]:
    return [number("count", men, variable_level="m"), number("count", women, variable_level="f")]


def medians(event: float, no_event: float) -> list[ResultRow]:
    return [number("median", event, stratum="event"), number("median", no_event, stratum="no event")]


@pytest.mark.parametrize(
    ("claim", "rows", "text", "verdict"),
    [
        (COUNT, [number("count", 63)], "63", AGREES),
        (COUNT, [number("count", 62)], "62", DIFFERS),
        ({**COUNT, "at": {**AT, "estimate": "denominator"}}, counted(21, 63), "63", AGREES),
        (SUM, [number("count", 8)], "8", AGREES),
        (SUM, [number("count", 4)], "4", DIFFERS),
        (PERCENT, counted(45, 63), "45 (71.43%)", BY_TRUNCATION),
        ({**PERCENT, "percent": "71.43"}, counted(45, 63), "45 (71.43%)", AGREES),
        (PERCENT, counted(44, 63), "44 (69.84%)", DIFFERS),
        (PERCENT, counted(45, 64), "45 (70.31%)", DIFFERS),
        ({"kind": "count_percent", "percent": "65"}, counted(39, 60), "65%", AGREES),
        ({"kind": "count_percent", "count": "39"}, [number("count", 39)], "39", AGREES),
        (PLUS, [*counted(40, 63, "a"), *counted(5, 63, "b")], "45 (71.43%)", BY_TRUNCATION),
        (PLUS, [*counted(40, 63, "a"), *counted(4, 63, "b")], "44 (69.84%)", DIFFERS),
        (MEDIAN, median(46, 21, 72), "46 (21-72)", AGREES),
        (MEDIAN, median(46, 21, 73), "46 (21-73)", DIFFERS),
        ({"kind": "median_range", "median": "46"}, [number("median", 46.5)], "46", AGREES),
        (RATIO, sexes(45, 18), "2.5:1", AGREES),
        (RATIO, sexes(46, 17), "2.7:1", DIFFERS),
        (SIGNIFICANT, [number("p_value", 0.0123)], "associated (P 0.012)", AGREES),
        (SIGNIFICANT, [number("p_value", 0.0000123)], "associated (P <0.001)", AGREES),
        (SIGNIFICANT, [number("p_value", 0.0496)], "associated (P 0.0496)", AGREES),
        (SIGNIFICANT, [number("p_value", 0.05)], "not associated (P 0.05)", DIFFERS),
        (NOT_SIGNIFICANT, [number("p_value", 0.05)], "not associated (P 0.05)", AGREES),
        (NOT_SIGNIFICANT, [number("p_value", 0.04)], "associated (P 0.040)", DIFFERS),
        (CUT, [number("cut", 114.5)], "114.50", AGREES),
        (CUT, [number("cut", 114)], "114.00", DIFFERS),
        ({**AUC, "at": {**AT, "estimate": "auc"}}, [number("auc", 0.83)], "0.8", AGREES),
        ({**AUC, "at": {**AT, "estimate": "auc"}}, [number("auc", 0.6)], "0.6", DIFFERS),
        (HIGHER, medians(3.5, 2.1), "higher (3.5 against 2.1)", AGREES),
        (HIGHER, medians(2.1, 3.5), "lower (2.1 against 3.5)", DIFFERS),
        (HIGHER, medians(2.1, 2.1), "equal (2.1 against 2.1)", DIFFERS),
        ({**HIGHER, "stated": "lower"}, medians(2.1, 3.5), "lower (2.1 against 3.5)", AGREES),
    ],
)
def test_the_verdict_follows_the_numbers(
    claim: dict[str, Any], rows: list[ResultRow], text: str, verdict: str
) -> None:
    row = judge(claim, rows)
    assert (split_note(row.note)[0], row.level, row.status) == (text, verdict, "ok")


ANC = {
    "kind": "odds_ratio",
    "at": {**AT, "level": "*"},
    "label": "<2.29",
    "odds_ratio": "11",
    "low": "3.130",
    "high": "38.660",
    "p": "<0.001",
}
IL6 = {**ANC, "label": ">21.43", "odds_ratio": "0.107", "low": "0.028", "high": "0.410", "p": "0.001"}


@pytest.mark.parametrize(
    ("claim", "rows", "verdict"),
    [
        (ANC, odds(11.0, 3.13, 38.66, p=0.0002), LABEL),
        (ANC, odds(11.0, 3.13, 38.66, p=0.0002, level="< 2.29"), AGREES),
        (ANC, odds(11.0, 3.1308, 38.66, p=0.0002, level="< 2.29"), BY_TRUNCATION),
        (ANC, odds(11.0, 3.1308, 38.66, p=0.0002), LABEL),
        (ANC, odds(11.0, 3.13, 38.66, p=0.0012), DIFFERS),
        (ANC, odds(11.0, 3.13, 38.7, p=0.0002), DIFFERS),
        (ANC, odds(12.0, 3.13, 38.66, p=0.0002), DIFFERS),
        (ANC, odds(11.0, 3.13, 38.66, p=0.0002, level=">= 2.31"), DIFFERS),
        (ANC, odds(0.0909, 0.026, 0.319, p=0.0002, level="< 2.29"), DIFFERS),
        (IL6, odds(0.107, 0.028, 0.41, p=0.0011, level=">= 21.43"), AGREES),
        (IL6, odds(0.107, 0.028, 0.41, p=0.0011, level="< 21.43"), LABEL),
        ({**ANC, "label": None}, odds(11.0, 3.13, 38.66, p=0.0002), AGREES),
    ],
)
def test_an_odds_ratio_with_its_label(claim: dict[str, Any], rows: list[ResultRow], verdict: str) -> None:
    row = judge(claim, rows)
    assert (row.level, row.value, row.low, row.n) == (verdict, rows[0].value, rows[0].low, 60)


def test_each_part_that_does_not_plainly_agree_is_named() -> None:
    row = judge({**ANC, "note": "One event."}, odds(11.0, 3.1308, 39.9, p=0.0002))
    assert row.text == "<2.29: 11 (3.130-38.660), P <0.001"
    assert row.note == (
        ">=2.29: 11 (3.131-39.900), P <0.001; label: agrees but the printed label contradicts (the numbers"
        " are those of >=2.29); low: agrees by truncation (3.1308); high: differs; One event."
    )


BOTH = {**ANC, "kind": "direction_and_significance", "odds_ratio": "14.834", "p": "0.004"}


@pytest.mark.parametrize(
    ("claim", "rows", "verdict"),
    [
        (BOTH, odds(5.1, 1.2, 20.0, p=0.03, level="< 2.29"), AGREES),
        (BOTH, odds(5.1, 1.2, 20.0, p=0.03), LABEL),
        (BOTH, odds(5.1, 0.9, 20.0, p=0.06, level="< 2.29"), DIFFERS),
        (BOTH, odds(0.9, 0.5, 0.95, p=0.03, level="< 2.29"), DIFFERS),
        ({**BOTH, "odds_ratio": "0.966", "p": "0.976"}, odds(0.6, 0.1, 2, p=0.5, level="< 2.29"), AGREES),
        ({**BOTH, "odds_ratio": "0.966", "p": "0.976"}, odds(1.1, 0.1, 2, p=0.5, level="< 2.29"), DIFFERS),
        ({**BOTH, "odds_ratio": "1.00", "p": "0.976"}, odds(1.004, 0.1, 2, p=0.5, level="< 2.29"), AGREES),
        ({**BOTH, "p": "<0.05"}, odds(5.1, 1.2, 20.0, p=0.03, level="< 2.29"), AGREES),
        ({**BOTH, "p": ">0.05"}, odds(5.1, 1.2, 20.0, p=0.03, level="< 2.29"), DIFFERS),
    ],
)
def test_direction_and_significance_alone(claim: dict[str, Any], rows: list[ResultRow], verdict: str) -> None:
    assert judge(claim, rows).level == verdict


def test_the_recomputed_numbers_stand_beside_a_direction() -> None:
    row = judge(BOTH, odds(0.9, 0.5, 0.95, p=0.06))
    assert row.note == (
        ">=2.29: 0.900 (0.500-0.950), P 0.060; label: agrees but the printed label contradicts (the numbers"
        " are those of >=2.29); direction, significance: differs"
    )


RISK = {"kind": "label", "at": {**AT, "level": "*"}, "label": "<2.29", "goes_with": "no event"}


@pytest.mark.parametrize(
    ("claim", "value", "level", "verdict"),
    [
        (RISK, 11.0, ">= 2.29", AGREES),  # high values go with the event, low ones with none
        (RISK, 0.09, "< 2.29", AGREES),
        (RISK, 0.09, ">= 2.29", LABEL),
        (RISK, 11.0, ">= 2.31", DIFFERS),
        ({**RISK, "goes_with": "event"}, 11.0, ">= 2.29", LABEL),
        ({**RISK, "goes_with": "event"}, 11.0, "< 2.29", AGREES),
        (RISK, 1.0, ">= 2.29", NOT_COMPUTED),
        (RISK, 11.0, "", NOT_COMPUTED),
    ],
)
def test_which_side_goes_with_the_event(
    claim: dict[str, Any], value: float, level: str, verdict: str
) -> None:
    assert judge(claim, odds(value, 0.5, 20, p=0.5, level=level)).level == verdict


@pytest.mark.parametrize(
    ("claim", "rows", "note"),
    [
        (COUNT, [], "–; count: not computed (no row t / v / count)"),
        (COUNT, [number("count", 63, scenario="best")], "–; count: not computed (no row t / v / count)"),
        (COUNT, [number("count", 63)] * 2, "–; count: not computed (2 rows t / v / count)"),
        (
            SIGNIFICANT,
            [number("odds_ratio", None, status="not_done", note="not selected: P = 0.31")],
            "–; association: not computed (not selected: P = 0.31)",
        ),
        (
            ANC,
            [number("odds_ratio", None, status="not_estimable", note="separation", variable_level=">= 2.29")],
            "–; label, odds_ratio, low, high, p: not computed (separation)",
        ),
        (MEDIAN, [number("minimum", 21), number("maximum", 72)], "– (21-72); median: not computed (no row"),
        (PERCENT, counted(0, 0), "0 (–%); count: differs; percent: not computed (the denominator is 0)"),
        (CUT, [number("cut", float("nan"))], "–; cut: not computed (the run gives no number (status ok))"),
        (CUT, [number("cut", float("inf"))], "–; cut: not computed (the run gives no number (status ok))"),
        (HIGHER, medians(3.5, 2.1)[:1], "–; direction: not computed (no row t / no event / v / median)"),
        (RATIO, sexes(45, 0), "–; ratio: not computed (the denominator is 0)"),
    ],
)
def test_what_was_not_computed_says_why(claim: dict[str, Any], rows: list[ResultRow], note: str) -> None:
    assert judge(claim, rows).note.startswith(note)


def test_a_part_that_differs_outweighs_one_that_was_not_computed() -> None:
    assert judge(MEDIAN, [number("median", 50), number("minimum", 21)]).level == DIFFERS
    row = judge(MEDIAN, [number("median", 46), number("minimum", 21)])
    assert (row.level, row.status, row.value) == (NOT_COMPUTED, "not_done", 46.0)


def test_a_level_that_the_run_names_must_be_the_only_one() -> None:
    rows = [*odds(11.0, 3.13, 38.66, p=0.0002), *odds(2.0, 1.1, 4.0, p=0.02, level=">= 5")]
    row = judge(ANC, rows)
    assert row.level == NOT_COMPUTED
    assert "2 rows t / v / * / odds_ratio" in row.note


def test_the_row_of_a_claim() -> None:
    row = judge({**PERCENT, "note": "As printed."}, counted(45, 63))
    assert row == ResultRow(
        analysis_id="printed",
        group="Table I",
        variable="c",
        variable_level="Something",
        estimate="recomputed",
        level=BY_TRUNCATION,
        value=45.0,
        text="45 (71.42%)",
        n=63,
        note="45 (71.43%); percent: agrees by truncation (71.428571); As printed.",
    )


def test_a_part_that_is_not_printed_is_not_compared() -> None:
    rows = [number("median", 46), number("minimum", 1), number("maximum", 99)]
    assert judge({"kind": "median_range", "median": "46"}, rows).level == AGREES


def test_the_results_are_not_changed() -> None:
    results = collect_results([*odds(11.0, 3.13, 38.66, p=0.0002), *counted(45, 63)])
    before = results.clone()
    compare_with_paper(load_paper("qiu2023"), results)
    assert results.equals(before)


# Table III as typed from the print, with the labels that a run gives where recovery is the event.
TABLE3 = {
    "anc": (11.0, 3.13, 38.66, 0.0002, ">= 2.29"),
    "hemoglobin": (8.5, 2.371, 30.466, 0.001, ">= 114.5"),
    "il6": (0.107, 0.028, 0.41, 0.001, ">= 21.43"),
    "ferritin": (0.25, 0.081, 0.77, 0.016, ">= 558.65"),
    "ferritin_peak": (0.11, 0.031, 0.395, 0.001, ">= 1195"),
}


def table3(**changes: tuple[float, float, float, float, str]) -> pl.DataFrame:
    rows: list[ResultRow] = []
    for name, (value, low, high, p, level) in {**TABLE3, **changes}.items():
        key: dict[str, Any] = {
            "analysis_id": "table3",
            "group": "univariable",
            "variable": name,
            "variable_level": level,
        }
        rows.append(ResultRow(**key, estimate="odds_ratio", value=value, low=low, high=high))
        rows.append(ResultRow(**key, estimate="p_value", value=p))
        rows.append(ResultRow(**{**key, "variable_level": "the other side"}, estimate="reference"))
    return collect_results(rows)


def verdicts(results: pl.DataFrame) -> dict[str, str]:
    rows = compare_with_paper(load_paper("qiu2023"), results)
    start = "table3_univariable_"
    return {row.variable.removeprefix(start): row.level for row in rows if row.variable.startswith(start)}


def test_the_labels_of_table_iii() -> None:
    assert verdicts(table3()) == {
        "anc": LABEL,
        "hemoglobin": LABEL,
        "il6": AGREES,
        "ferritin": AGREES,
        "ferritin_peak": AGREES,
    }


@pytest.mark.parametrize("name", TABLE3)
def test_one_changed_number_of_table_iii_is_seen(name: str) -> None:
    value, low, high, p, level = TABLE3[name]
    changed = verdicts(table3(**{name: (value, low, high + 0.05, p, level)}))
    unchanged = verdicts(table3())
    assert changed == {**unchanged, name: DIFFERS}


def test_verdicts_are_counted() -> None:
    rows = compare_with_paper(load_paper("qiu2023"), table3())
    found = count_verdicts([*rows, number("count", 1, level=AGREES)])
    # The univariable rows themselves, and the sentence that calls each of the five associated.
    assert found == {AGREES: 8, BY_TRUNCATION: 0, LABEL: 2, NOT_COMPUTED: 165, DIFFERS: 0}
    assert sum(found.values()) == len(rows)


def test_no_results_give_no_verdict() -> None:
    rows = compare_with_paper(load_paper("qiu2023"), collect_results([]))
    assert {row.level for row in rows} == {NOT_COMPUTED}
    assert {(row.status, row.value) for row in rows} == {("not_done", None)}
    assert all("not computed (no row " in row.note for row in rows)


def test_what_a_run_has_not_is_left_to_the_paper_itself() -> None:
    share = {"kind": "count_percent", "count": "45", "percent": "71.43", "low": "59.3", "high": "81.1"}
    assert judge(share, counted(45, 63)).level == AGREES
    row = {**ANC, "label": None, "coefficient": "2.398", "standard_error": "0.641"}
    assert judge(row, odds(11.0, 3.13, 38.66, p=0.0002)).level == AGREES
    mean = judge({"kind": "mean_sd", "mean": "46.2", "sd": "12.1"}, counted(45, 63))
    assert (mean.level, mean.status) == (NOT_COMPUTED, "not_done")
    assert "the kind mean_sd is checked within the paper only" in mean.note
    limits = judge({"kind": "count_percent", "low": "59.3", "high": "81.1"}, counted(45, 63))
    assert limits.level == NOT_COMPUTED
