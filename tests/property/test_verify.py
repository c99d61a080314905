"""No false alarm in papers that are right; and whatever is printed, a verdict and no crash."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cytopenia.published.claims import read_paper
from cytopenia.published.verify import CHECK_SCHEMA, verify_paper

SCRIPTS = str(Path(__file__).parents[2] / "scripts")
SEED = 20
QUICK, MANY = 12, 1700


@pytest.fixture(scope="module")
def make_paper() -> Any:
    sys.path.insert(0, SCRIPTS)
    try:
        return import_module("correct_papers").make_paper
    finally:
        sys.path.remove(SCRIPTS)


def list_alarms(make_paper: Any, numbers: range) -> list[tuple[int, str, str]]:
    return [
        (number, check["check"], check["arithmetic"])
        for number in numbers
        for check in verify_paper(
            read_paper(make_paper(np.random.default_rng([SEED, number])), name="correct")
        ).iter_rows(named=True)
        if check["verdict"] == "inconsistent"
    ]


def test_no_false_alarm(make_paper: Any) -> None:
    assert list_alarms(make_paper, range(QUICK)) == []


@pytest.mark.long
def test_no_false_alarm_in_ten_thousand_tables(make_paper: Any) -> None:
    """Each paper has at least six tables: categories, a number, a curve, ratios with their counts."""
    assert list_alarms(make_paper, range(QUICK, QUICK + MANY)) == []


def test_a_fault_is_found(make_paper: Any) -> None:
    paper = make_paper(np.random.default_rng([SEED, 1]))
    paper["claims"][1]["count"] = str(int(paper["claims"][1]["count"]) + 1)
    found = verify_paper(read_paper(paper, name="faulty")).filter(verdict="inconsistent")
    assert {"events", "sum_groups"} <= set(found["id"])


NUMBERS = st.one_of(
    st.integers(0, 999).map(str),
    st.decimals(0, 999, places=2).map(str),
    st.sampled_from(["0", "0.000", "100", "99.99"]),
)
COUNTS = st.integers(0, 40).map(str)
SIGNED = st.one_of(NUMBERS, st.decimals(-99, 99, places=1).map(str), st.just("-0.0"))
WHOLE = st.sampled_from([True])
RATIOS = st.fixed_dictionaries(
    {"odds_ratio": SIGNED, "low": SIGNED, "high": SIGNED},
    optional={
        "p": st.one_of(NUMBERS, st.just("<0.001")),
        "counts": st.lists(COUNTS, min_size=4, max_size=4),
        "groups": st.lists(COUNTS, min_size=2, max_size=2),
        "interval": st.sampled_from(["wald", "profile"]),
        "measure": st.sampled_from(["odds ratio", "risk ratio", "hazard ratio"]),
        "confidence": st.sampled_from(["90", "95", "99"]),
    },
)
OTHERS = st.one_of(
    st.fixed_dictionaries(
        {"kind": st.just("count_percent"), "percent": NUMBERS, "of": COUNTS}, optional={"count": COUNTS}
    ),
    st.fixed_dictionaries(
        {"kind": st.just("median_range"), "median": NUMBERS},
        optional={"minimum": NUMBERS, "maximum": NUMBERS, "first_quartile": NUMBERS},
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("test"),
            "p": NUMBERS,
            "counts": st.lists(st.lists(COUNTS, min_size=2, max_size=2), min_size=2, max_size=3),
        }
    ),
    st.fixed_dictionaries(
        {"kind": st.just("mean_sd"), "mean": NUMBERS, "of": COUNTS, "is_of_whole_numbers": WHOLE}
    ),
    st.fixed_dictionaries(
        {"kind": st.just("area"), "area": NUMBERS, "low": NUMBERS, "high": NUMBERS}, optional={"p": NUMBERS}
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("accuracy"),
            "sensitivity": NUMBERS,
            "specificity": NUMBERS,
            "events": COUNTS,
            "area": st.just("itself"),
        }
    ),
)


ENDS = {"low": SIGNED, "high": SIGNED}
EFFECTS = st.one_of(
    st.fixed_dictionaries({"kind": st.just("estimate"), "value": SIGNED, **ENDS}),
    st.fixed_dictionaries({"kind": st.just("probability"), "probability": SIGNED, "of": COUNTS, **ENDS}),
    st.fixed_dictionaries(
        {"kind": st.just("rate"), "events": COUNTS, "person_time": NUMBERS, "rate": NUMBERS, **ENDS}
    ),
    st.fixed_dictionaries({"kind": st.just("difference"), "difference": SIGNED, **ENDS, "p": NUMBERS}),
    st.fixed_dictionaries(
        {
            "kind": st.just("difference"),
            "difference": SIGNED,
            "counts": st.lists(COUNTS, min_size=4, max_size=4),
            "p": NUMBERS,
            **ENDS,
        }
    ),
    st.fixed_dictionaries(
        {"kind": st.just("correlation"), "r": SIGNED, "p": NUMBERS, "of": COUNTS, **ENDS},
        optional={"r_squared": NUMBERS, "method": st.sampled_from(["pearson", "spearman", "kendall"])},
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("mean_test"),
            "means": st.lists(SIGNED, min_size=2, max_size=2),
            "spreads": st.lists(NUMBERS, min_size=2, max_size=2),
            "of": st.lists(COUNTS, min_size=2, max_size=2),
            "spread": st.sampled_from(["sd", "se"]),
            "difference": SIGNED,
            "smd": SIGNED,
            "p": NUMBERS,
            **ENDS,
        }
    ),
    st.builds(
        lambda kind, value, df, p: {
            "kind": "statistic",
            "statistic": kind[0],
            "value": value,
            "df": [str(number) for number in df[: kind[1]]],
            "p": p,
        },
        st.sampled_from([("t", 1), ("z", 0), ("f", 2), ("chi-squared", 1)]),
        SIGNED,
        st.lists(st.integers(1, 400), min_size=2, max_size=2),
        NUMBERS,
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("mean_sd"),
            "mean": SIGNED,
            "sd": SIGNED,
            "of": COUNTS,
            "is_of_whole_numbers": st.booleans(),
            "items": st.integers(1, 9).map(str),
            "minimum": SIGNED,
            "maximum": SIGNED,
            **ENDS,
        },
        optional={"se": NUMBERS},
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("count_percent"),
            "count": COUNTS,
            "percent": NUMBERS,
            "of": COUNTS,
            "low": NUMBERS,
            "high": NUMBERS,
        },
        optional={"interval": st.sampled_from(["wald", "wilson", "exact"])},
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("accuracy"),
            "sensitivity": NUMBERS,
            "specificity": NUMBERS,
            "ppv": NUMBERS,
            "npv": NUMBERS,
            "youden": SIGNED,
            "positive_likelihood_ratio": NUMBERS,
        },
        optional={
            "events": COUNTS,
            "others": COUNTS,
            "prevalence": NUMBERS,
            "counts": st.lists(COUNTS, min_size=4, max_size=4),
        },
    ),
    st.fixed_dictionaries(
        {"kind": st.just("odds_ratio"), "odds_ratio": NUMBERS, "coefficient": SIGNED, "p": NUMBERS},
        optional={"standard_error": NUMBERS, "wald_statistic": SIGNED},
    ),
)


def verify_claim(claim: dict[str, Any]) -> Any:
    head = {"id": "a", "title": "A", "citation": "B", "significance_level": "0.05"}
    itself = {"id": "itself", "kind": "area", "where": "T", "about": "Area", "area": "0.8"}
    claims = [{"id": "it", "where": "T", "about": "It", **claim}, itself]
    return verify_paper(read_paper({**head, "claims": claims}, name="a"))


@given(RATIOS)
def test_every_ratio_has_a_verdict(parts: dict[str, Any]) -> None:
    checks = verify_claim({"kind": "odds_ratio", **parts})
    assert checks.schema == CHECK_SCHEMA
    assert checks.filter(id="it").height >= 1
    assert (checks["severity"] != "").to_list() == (checks["verdict"] == "inconsistent").to_list()


@given(OTHERS)
def test_every_claim_has_a_verdict(claim: dict[str, Any]) -> None:
    checks = verify_claim(claim)
    assert checks.filter(id="it").height >= 1
    assert (checks["severity"] != "").to_list() == (checks["verdict"] == "inconsistent").to_list()


@given(EFFECTS)
def test_every_effect_has_a_verdict(claim: dict[str, Any]) -> None:
    checks = verify_claim(claim)
    assert checks.filter(id="it").height >= 1
    assert (checks["severity"] != "").to_list() == (checks["verdict"] == "inconsistent").to_list()
