"""The same numbers as R for survival and competing risks; made by make_times_to_event.R and .py.

Kaplan-Meier, reverse Kaplan-Meier, restricted mean, log-rank, Cox and the check of proportional hazards:
`survival`; Gray and Fine-Gray: `cmprsk`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from cytopenia.stats.competing_risks import compare_incidence
from cytopenia.stats.cox import fit_cox
from cytopenia.stats.fine_gray import fit_fine_gray
from cytopenia.stats.hazards import HazardFit
from cytopenia.stats.kaplan_meier import SurvivalCurve, estimate_follow_up, estimate_survival
from cytopenia.stats.log_rank import compare_survival
from cytopenia.stats.proportional_hazards import check_proportional_hazards
from cytopenia.stats.restricted_mean import estimate_restricted_mean
from parity_files import check_r_again, read_results, read_rows, take_fingerprint

NEAR = 1e-6
TYPED = {
    "half": ([1, 2, 3, 4], [1, 1, 1, 1]),
    "flat": ([2, 2, 5, 7, 7, 9], [1, 0, 1, 0, 0, 0]),
    "zero": ([0, 0, 3, 3], [1, 0, 1, 0]),
    "open": ([1, 5], [1, 0]),
}


R = read_results("times_to_event_results.csv")
ROWS = read_rows("times_to_event.csv")


def cases_of(*kinds: str) -> list[str]:
    return [case for case in R if case.partition("|")[0] in kinds]


class Sample:
    """One sample as arrays; groups in the order of their names, as R has them."""

    def __init__(self, name: str) -> None:
        base, _, group = name.partition(" ")
        if base in TYPED:
            time, event = TYPED[base]
            self.time, self.event = np.array(time, dtype=float), np.array(event)
            return
        rows = [row for row in ROWS if row["sample"] == base and group in ("", row["group"])]
        self.time = np.array([float(row["time"]) for row in rows])
        self.event = np.array([int(row["event"]) for row in rows])
        self.group = np.array([row["group"] for row in rows])
        self.numbers = {x: np.array([float(row[x]) for row in rows]) for x in ("x1", "x2")}

    @property
    def status(self) -> np.ndarray:
        return (self.event == 1).astype(int)

    @property
    def levels(self) -> list[str]:
        return sorted(set(self.group.tolist()))

    def design(self, columns: str) -> tuple[np.ndarray, list[str]]:
        marks = {f"is {level}": (self.group == level).astype(float) for level in self.levels[1:]}
        found = {
            "group": marks,
            "number": {"x1": self.numbers["x1"]},
            "all": {**marks, **self.numbers},
            "factor": {**marks, "x1": self.numbers["x1"]},
        }[columns]
        return np.column_stack(list(found.values())), list(found)


@cache
def sample_of(name: str) -> Sample:
    return Sample(name)


@cache
def curve_of(name: str, interval: str = "log_log") -> SurvivalCurve:
    sample = sample_of(name)
    return estimate_survival(sample.time, sample.status, interval=interval)


@cache
def cox_of(case: str) -> HazardFit:
    name, _, columns = case.rpartition(" ")
    design, names = sample_of(name).design(columns)
    return fit_cox(sample_of(name).time, sample_of(name).status, design, names=names)


@cache
def fine_gray_of(name: str, kind: str, columns: str) -> HazardFit:
    sample = sample_of(name)
    design, names = sample.design(columns)
    return fit_fine_gray(sample.time, sample.event, design, names=names, kind=int(kind))


@pytest.mark.parametrize("case", cases_of("curve"))
def test_survival_of_r(case: str) -> None:
    _, interval, name, time = case.split("|")
    point = curve_of(name, interval).at(float(time))
    got = {field: getattr(point, field) for field in R[case]}
    assert got == pytest.approx(dict(R[case]), rel=NEAR, abs=1e-12)


@pytest.mark.parametrize("case", cases_of("median", "quartiles", "follow_up"))
def test_medians_of_r(case: str) -> None:
    kind, *inside, name = case.split("|")
    if kind == "follow_up":
        curve = estimate_follow_up(sample_of(name).time, sample_of(name).status)
    else:
        curve = curve_of(name, inside[0])
    if kind == "quartiles":
        got = {"q1": curve.find_quantile(0.25).value, "q3": curve.find_quantile(0.75).value}
    else:
        found = curve.median
        got = {"median": found.value, "low": found.low, "high": found.high}
    known = {key: value for key, value in got.items() if value is not None}
    assert known == pytest.approx(dict(R[case]), rel=NEAR)


@pytest.mark.parametrize("case", cases_of("restricted_mean"))
def test_restricted_means_of_r(case: str) -> None:
    expected = dict(R[case])
    found = estimate_restricted_mean(curve_of(case.split("|")[1]), until=expected.pop("until"))
    assert {key: getattr(found, key) for key in expected} == pytest.approx(expected, rel=NEAR)


@pytest.mark.parametrize("case", cases_of("log_rank"))
def test_log_rank_of_r(case: str) -> None:
    sample = sample_of(case.split("|")[1])
    found = compare_survival(sample.time, sample.status, sample.group)
    got = {"statistic": found.statistic, "p_value": found.p_value}
    for name, numbers in (("expected", found.expected), ("observed", found.observed)):
        got |= {f"{name}_{place}": number for place, number in enumerate(numbers, start=1)}
    assert got == pytest.approx(dict(R[case]), rel=NEAR)


@pytest.mark.parametrize("case", cases_of("cox_term"))
def test_terms_of_coxph(case: str) -> None:
    _, fit, place = case.split("|")
    term = cox_of(fit).terms[int(place) - 1]
    assert {key: getattr(term, key) for key in R[case]} == pytest.approx(dict(R[case]), rel=NEAR)
    assert term.hazard_ratio == pytest.approx(np.exp(R[case]["coefficient"]), rel=NEAR)


@pytest.mark.parametrize("case", cases_of("cox_fit"))
def test_fits_of_coxph(case: str) -> None:
    found = cox_of(case.split("|")[1])
    assert {key: getattr(found, key) for key in R[case]} == pytest.approx(dict(R[case]), rel=NEAR)


@pytest.mark.parametrize("case", cases_of("zph"))
def test_proportional_hazards_of_r(case: str) -> None:
    _, fit, place = case.split("|")
    name, _, columns = fit.rpartition(" ")
    sample = sample_of(name)
    design, names = sample.design(columns)
    factors = ["group" if label.startswith("is ") else label for label in names]
    checks = check_proportional_hazards(
        sample.time, sample.status, design, names=factors if columns == "factor" else names
    )
    chosen = {"global": -1, "group": 0}.get(place)
    check = checks[int(place) - 1 if chosen is None else chosen]
    assert {key: getattr(check, key) for key in R[case]} == pytest.approx(dict(R[case]), rel=NEAR)


@pytest.mark.parametrize("case", [case for case in cases_of("breslow") if case.endswith("|large")])
def test_firth_is_near_breslow_where_the_penalty_hardly_matters(case: str) -> None:
    """With 229 events the penalty moves a coefficient by less than a tenth of its standard error."""
    name = case.split("|")[1]
    design, names = sample_of(name).design("factor")
    found = fit_cox(sample_of(name).time, sample_of(name).status, design, names=names, method="firth")
    for term, expected in zip(found.terms, R[case].values(), strict=True):
        assert term.standard_error is not None
        assert abs(term.coefficient - expected) < 0.1 * term.standard_error


@pytest.mark.parametrize("case", cases_of("gray"))
def test_gray_of_cuminc(case: str) -> None:
    _, name, kind = case.split("|")
    sample = sample_of(name)
    found = compare_incidence(sample.time, sample.event, sample.group, kind=int(kind))
    assert {key: getattr(found, key) for key in R[case]} == pytest.approx(dict(R[case]), rel=NEAR)


@pytest.mark.parametrize("case", cases_of("fine_gray_term"))
def test_terms_of_crr(case: str) -> None:
    _, name, kind, columns, place = case.split("|")
    term = fine_gray_of(name, kind, columns).terms[int(place) - 1]
    assert {key: getattr(term, key) for key in R[case]} == pytest.approx(dict(R[case]), rel=NEAR)


@pytest.mark.parametrize("case", cases_of("fine_gray_fit"))
def test_fits_of_crr(case: str) -> None:
    _, name, kind, columns = case.split("|")
    found = fine_gray_of(name, kind, columns)
    assert {key: getattr(found, key) for key in R[case]} == pytest.approx(dict(R[case]), rel=NEAR)


def test_at_least_fifteen_cases_of_each_kind_of_number() -> None:
    kinds = ("curve", "median", "follow_up", "restricted_mean", "cox_term", "zph", "fine_gray_term")
    assert min(len(cases_of(kind)) for kind in kinds) >= 15


def test_the_numbers_are_those_of_this_script_and_these_data() -> None:
    """R itself is asked by the long test below; whoever changes a file runs it, and types the new print."""
    files = ("make_times_to_event.R", "times_to_event.csv", "times_to_event_results.csv")
    assert take_fingerprint(*files) == "95e0cb3c1cb7071e"


@pytest.mark.long
def test_r_gives_the_stored_numbers_of_times_to_event(
    find_program: Callable[[str], str], tmp_path: Path
) -> None:
    check_r_again(find_program, "make_times_to_event.R", "times_to_event_results.csv", tmp_path)
