"""Times to death of a study, by hand: who is in, from when, in which group, and what the gates allow."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from cytopenia.definitions import load_library
from cytopenia.grading.day_grid import Courses
from cytopenia.results import collect_results
from cytopenia.study.analysis_forms import Survival, TimeToRecovery
from cytopenia.study.factors import FactorColumn
from cytopenia.study.recovery_groups import summarize_recovery_groups
from cytopenia.study.survival import SurvivalInput, group_by_outcome, summarize_survival
from cytopenia.study.survival_times import SurvivalTimes, find_survival_times

NAN = math.nan
GATES = load_library().gates
# death, last contact, second infusion
COURSES = {
    "lives": (NAN, 400, NAN),
    "dies late": (300, NAN, NAN),
    "dies, seen before": (200, 150, NAN),
    "dies on day 28": (28, NAN, NAN),
    "dies early": (10, NAN, NAN),
    "lost on day 28": (NAN, 28, NAN),
    "lost early": (NAN, 9, NAN),
    "never seen again": (NAN, NAN, NAN),
    "infused again, dies": (250, NAN, 100),
    "infused again, never seen": (NAN, NAN, 90),
}


def lay_out(rows: dict[str, tuple[float, float, float]] = COURSES) -> Courses:
    death, contact, second = (np.array(column, dtype=float) for column in zip(*rows.values(), strict=True))
    blank = np.full(len(rows), NAN)
    return Courses(
        patient_id=pl.Series(list(rows)),
        last_day_at_risk=np.zeros(len(rows), dtype=np.int32),
        death_day=death,
        lymphodepletion_day=blank,
        last_contact_day=contact,
        second_infusion_day=second,
        progression_day=blank,
        next_therapy_day=blank,
        discharge_day=blank,
    )


def ask(**keys: object) -> Survival:
    known = {"id": "os", "kind": "survival", "endpoint": "overall_survival", "times": [100]}
    return Survival.model_validate({**known, **keys})


def describe(times: SurvivalTimes) -> dict[str, tuple[float, bool]]:
    found = zip(COURSES, times.time, times.is_event, strict=True)
    return {name: (float(time), bool(dead)) for name, time, dead in found if not math.isnan(time)}


def test_time_runs_from_the_infusion_to_death_or_last_contact() -> None:
    times = find_survival_times(lay_out(), ask())
    assert describe(times) == {
        "lives": (400, False),
        "dies late": (300, True),
        "dies, seen before": (200, True),
        "dies on day 28": (28, True),
        "dies early": (10, True),
        "lost on day 28": (28, False),
        "lost early": (9, False),
        "infused again, dies": (99, False),
        "infused again, never seen": (89, False),
    }
    assert times.left_out == {"neither death nor last contact recorded": 1}
    assert times.censored_by_infusion == 2


def test_a_landmark_leaves_out_who_did_not_reach_it_and_counts_them() -> None:
    times = find_survival_times(lay_out(), ask(landmark=28))
    assert describe(times) == {
        "lives": (372, False),
        "dies late": (272, True),
        "dies, seen before": (172, True),
        "infused again, dies": (71, False),
        "infused again, never seen": (61, False),
    }
    assert times.left_out == {
        "neither death nor last contact recorded": 1,
        "died on or before day 28": 2,
        "follow-up ended on or before day 28": 2,
    }


def test_a_second_infusion_may_be_ignored_but_proves_contact() -> None:
    found = describe(find_survival_times(lay_out(), ask(second_infusion="ignore")))
    assert found["infused again, dies"] == (250, True)
    assert found["infused again, never seen"] == (90, False)


# -- groups by an outcome --------------------------------------------------------------------------


def test_open_outcomes_are_in_no_group_and_in_the_two_runs_in_one_each() -> None:
    """Recovered, not recovered, not evaluable and open: 1 is not recovered."""
    frame = pl.DataFrame(
        {
            "label": ["recovered", "not recovered", "not evaluable", "recovered"],
            "policy": [0.0, 1.0, None, 0.0],
            "best": [0.0, 1.0, 0.0, 0.0],
            "worst": [0.0, 1.0, 1.0, 1.0],
        }
    )
    groups = group_by_outcome("recovery", "Recovery at day 28", frame, is_recovery=True)
    yes, no = "Recovered", "Not recovered"
    assert groups["policy"].values.to_list() == [yes, no, None, yes]
    assert groups["best"].values.to_list() == [yes, no, yes, yes]
    assert groups["worst"].values.to_list() == [yes, no, no, no]
    assert groups["policy"].list_levels() == [yes, no]


def summarize(
    time: list[float], dead: list[int], groups: dict[str, list[str | None]], **keys: object
) -> pl.DataFrame:
    times = SurvivalTimes(np.array(time, dtype=float), np.array(dead, dtype=bool), {}, 0)
    columns = {
        scenario: FactorColumn("g", "Group", pl.Series("g", names, dtype=pl.String), levels=("a", "b"))
        for scenario, names in groups.items()
    }
    analysis = ask(**({"by": "g"} if groups else {}), **keys)
    return collect_results(summarize_survival(analysis, SurvivalInput(times, columns, (), GATES)))


def value(
    rows: pl.DataFrame, group: str, estimate: str, *, level: str = "", stratum: str = "", case: str = "policy"
) -> float | None:
    found = rows.filter(
        pl.col("scenario").is_in([case, ""]),
        group=group,
        estimate=estimate,
        variable_level=level,
        stratum=stratum,
    )
    return found["value"].item()


def test_curves_medians_and_the_test_of_two_groups_by_hand() -> None:
    """a dies on days 1, 2, 3 and 4; of b one dies on day 2 and three live: 12 - 9.3 and so on below."""
    time, dead = [1, 2, 3, 4, 2, 9, 9, 9], [1, 1, 1, 1, 1, 0, 0, 0]
    rows = summarize(time, dead, {"policy": list("aaaabbbb")}, times=[2, 5, 20], restricted_mean_until=4)
    assert value(rows, "times", "survival", level="2", stratum="a") == 0.5
    assert value(rows, "times", "survival", level="5", stratum="b") == 0.75
    assert value(rows, "times", "at_risk", level="2") == 7
    beyond = rows.filter(group="times", variable_level="20", stratum="b", estimate="survival")
    assert beyond.select("value", "status", "note").row(0) == (
        None, "not_estimable", "nobody is followed to this day",
    )  # fmt: skip
    assert value(rows, "median", "median_survival", stratum="a") == 2.5
    median = rows.filter(group="median", stratum="b").row(0, named=True)
    assert (median["value"], median["status"]) == (None, "not_estimable")
    # Expected in a: 4/8 + 2 * 3/7 + 2/5 + 1/4.
    assert value(rows, "test", "expected", stratum="a") == pytest.approx(0.5 + 6 / 7 + 0.4 + 0.25)
    # Of a 1 + 3/4 + 1/2 + 1/4, of b 2 + 2 * 3/4.
    assert value(
        rows, "restricted_mean", "restricted_mean", level="4", stratum="difference"
    ) == pytest.approx(3.5 - 2.5)


def test_groups_are_given_three_times_where_outcomes_are_open() -> None:
    groups = {"policy": ["a", "b", None], "best": ["a", "b", "a"], "worst": ["a", "b", "b"]}
    rows = summarize([3, 5, 7], [1, 1, 0], groups)
    sizes = {
        case: [value(rows, "patients", "count", level="analyzed", stratum=g, case=case) for g in "ab"]
        for case in groups
    }
    assert sizes == {"policy": [1, 1], "best": [2, 1], "worst": [1, 2]}
    assert value(rows, "patients", "count", level="in no group") == 1
    assert value(rows, "patients", "count", level="analyzed") == 3


@pytest.mark.parametrize(
    ("deaths", "parity", "status", "method", "words"),
    [
        (9, "default", "not_done", None, "9 deaths: factors are described only below 10"),
        (10, "default", "ok", "firth", ""),
        (9, "r", "ok", "maximum_likelihood", "the models were requested"),
    ],
)
def test_deaths_decide_whether_a_model_is_fitted(
    deaths: int, parity: str, status: str, method: str | None, words: str
) -> None:
    time = [float(day) for day in range(1, 41)]
    dead = [int(place % 3 == 0 and place // 3 < deaths) for place in range(40)]
    rows = summarize(time, dead, {"policy": list("ab" * 20)}, parity=parity)
    ratio = rows.filter(
        pl.col("variable_level").is_in(["", "b"]), group="univariable", estimate="hazard_ratio"
    )
    assert ratio["status"].to_list() == [status]
    if method is not None:
        size = rows.filter(group="univariable", variable="model", estimate="n")
        assert size["text"].to_list() == [method]
    gate = rows.filter(group="gate", level="univariable")
    assert gate["value"].item() == deaths
    assert words in gate["note"].item()


def test_a_group_without_a_death_gets_firth_and_never_an_infinite_ratio() -> None:
    time, dead = [float(day) for day in range(1, 41)], [1, 0] * 12 + [0] * 16
    firth = summarize(time, dead, {"policy": list("ab" * 20)})
    ratio = firth.filter(group="univariable", estimate="hazard_ratio").row(0, named=True)
    assert 0 < ratio["low"] < ratio["value"] < ratio["high"] < 1
    plain = summarize(time, dead, {"policy": list("ab" * 20)}, parity="r")
    ratio = plain.filter(group="univariable", estimate="hazard_ratio").row(0, named=True)
    assert (ratio["value"], ratio["status"]) == (None, "not_estimable")
    assert ratio["note"].startswith("monotone likelihood")
    known = [number for frame in (firth, plain) for number in frame["value"].drop_nulls().to_list()]
    assert all(math.isfinite(number) for number in known)


@pytest.mark.parametrize("time", [[NAN, NAN], [5.0, NAN]])
def test_nobody_or_one_patient_is_told_with_reasons(time: list[float]) -> None:
    rows = summarize(time, [0, 0], {"policy": ["a", "b"]}, restricted_mean_until=3)
    test = rows.filter(group="test", estimate="p_value").row(0, named=True)
    assert (test["status"], test["note"]) == ("not_estimable", "there is one group only")
    assert rows.filter(pl.col("value").is_null(), ~pl.col("estimate").is_in(["title", "reference"]))[
        "note"
    ].str.len_chars().min() > 0  # fmt: skip


# -- time to recovery of groups --------------------------------------------------------------------


def test_recovery_of_groups_by_hand() -> None:
    """In a two recover on days 5 and 9; in b one dies on day 6, one recovers on day 9, one is lost."""
    frame = pl.DataFrame(
        {
            "label": ["recovered", "recovered", "died", "recovered", "censored", "never below"],
            "policy": [5.0, 9.0, math.inf, 9, math.inf, -math.inf],
            "best": [5.0, 9.0, math.inf, 9, math.inf, -math.inf],
            "worst": [5.0, 9.0, math.inf, 9, math.inf, math.inf],
            "last_day": [100, 100, 6, 100, 20, 100],
        }
    )
    death = np.array([NAN, NAN, 6, NAN, NAN, NAN])
    group = FactorColumn("g", "Group", pl.Series("g", ["a", "a", "b", "b", "b", "b"]))
    analysis = TimeToRecovery.model_validate(
        {"id": "r", "kind": "time_to_recovery", "outcome": "o", "days": [9], "by": "g"}
    )
    rows = collect_results(
        summarize_recovery_groups(analysis, frame, group, death_day=death, first_day=0, gates=GATES)
    )
    shares = [
        value(rows, "group_days", "cumulative_incidence", level=level, stratum=stratum)
        for level, stratum in (("recovery|9", "a"), ("recovery|9", "b"), ("death|9", "b"))
    ]
    assert shares == pytest.approx([1, 1 / 3, 1 / 3])
    assert value(rows, "group_patients", "count", stratum="b") == 3
    model = rows.filter(group="fine_gray", scenario="policy").row(0, named=True)
    assert (model["status"], model["note"]) == (
        "not_done",
        "3 recoveries: factors are described only below 10",
    )
