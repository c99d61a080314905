"""Days under support, after death and outside the course; every state worked out by hand."""

from __future__ import annotations

from typing import Any

from kernel import make_tables, recover_cohort

GOOD = {"anc": 2.0, "hemoglobin": 100.0, "platelets": 150.0}


def patient(days: range | list[int], **more: Any) -> dict[str, Any]:
    """Counts well above the cuts on the days given; `platelets` replaces single days."""
    low = more.pop("platelets", {})
    labs = [
        {
            "analyte": name,
            "day": day,
            "value": low.get(day, value) if name == "platelets" else value,
            "comparator": "=",
            "lln": None,
            "invalid": None,
        }
        for day in days
        for name, value in GOOD.items()
    ]
    return {"patient_id": "A", "labs": labs, "support": [], "second_infusion": None, "death": None, **more}


def judge(person: dict[str, Any], name: str = "qiu2023_recovery") -> tuple[Any, ...]:
    found = recover_cohort(make_tables([person]), name)
    return found.select("label", "best", "worst").row(0)


def gcsf(start: int, stop: int | None) -> dict[str, Any]:
    return {"kind": "gcsf", "start": start, "stop": stop}


def test_no_count_could_make_a_day_under_growth_factor_a_met_one() -> None:
    """Counts to day 14 only; growth factor on day 27: the cell fails whatever was not measured."""
    person = patient(range(15), support=[gcsf(27, 27)])
    assert judge(person) == ("not recovered", 1.0, 1.0)


def test_without_that_support_the_same_patient_is_open() -> None:
    assert judge(patient(range(15))) == ("not evaluable", 0.0, 1.0)


def test_support_after_a_second_infusion_says_nothing() -> None:
    """The course ends on day 22; growth factor from day 25 belongs to the next one."""
    person = patient(range(23), second_infusion=23, support=[gcsf(25, 27)])
    assert judge(person) == ("not evaluable", 0.0, 1.0)


def test_a_run_cannot_go_on_after_death() -> None:
    """30 platelets on days 26 and 27, fine on 28 and 29, death on 29: no run of three contains day 28."""
    person = patient(range(30), platelets={26: 30.0, 27: 30.0}, death=29)
    assert judge(person, "qiu2023_recovery_contains") == ("not recovered", 1.0, 1.0)


def test_days_after_a_second_infusion_stay_unknown() -> None:
    person = patient(range(30), platelets={26: 30.0, 27: 30.0}, second_infusion=30)
    assert judge(person, "qiu2023_recovery_contains") == ("not evaluable", 0.0, 1.0)


def test_unobserved_days_of_a_censored_course_are_no_evidence() -> None:
    found = recover_cohort(make_tables([patient(range(20), second_infusion=20)]), "qiu2023_recovery")
    assert found.select("evidence", "days_measured").row(0) == ("open", 0)
