"""One course given value by value: days and dates, what is never guessed, and what can be asked of it."""

from __future__ import annotations

import pytest

from cytopenia.errors import DataError, DefinitionError
from cytopenia.one_course import (
    Course,
    CourseEvent,
    CourseValue,
    ExplainedCourse,
    SupportGiven,
    explain_course,
    read_course,
)


def make_values(
    *cells: tuple[str, str], analyte: str = "anc", unit: str = "G/L", first: int = 1
) -> list[CourseValue]:
    return [CourseValue(when, analyte, value, unit, first + row) for row, (when, value) in enumerate(cells)]


def list_low_days(start: int, stop: int, value: str = "0.3") -> list[tuple[str, str]]:
    return [(str(day), value) for day in range(start, stop + 1)]


def answer(found: ExplainedCourse, place: int = 0) -> tuple[float | None, bool]:
    shown = found.explained.outcomes[place].answer
    return shown.policy, shown.decided


@pytest.mark.parametrize(
    ("last_low", "grade"), [(6, 1), (7, 2), (13, 2), (14, 3)], ids=["6 days", "7 days", "13 days", "14 days"]
)
def test_early_icaht_by_the_days_of_the_consensus_table(last_low: int, grade: int) -> None:
    """ANC <=500/uL for <7, 7-13 and >=14 days; day 0 and the days after are measured at 1.0."""
    cells = [("0", "1.0"), *list_low_days(1, last_low, "0.5"), *list_low_days(last_low + 1, 30, "1.0")]
    found = explain_course(Course(values=make_values(*cells)), ["icaht_2023.early"])
    assert answer(found) == (grade, True)


def test_dates_count_from_the_infusion() -> None:
    cells = [(f"2024-03-{day:02d}", "0.3" if 5 <= day <= 12 else "1.2") for day in range(1, 32)]
    course = Course(values=make_values(*cells), infusion_date="2024-03-01")
    found = explain_course(course, ["icaht_2023.early"])
    assert answer(found) == (2, True)
    days = [day.day for day in found.explained.outcomes[0].days if day.role == "decides"]
    assert days == list(range(4, 12))


def test_an_order_of_day_and_month_is_never_guessed() -> None:
    values = make_values(("03/04/2024", "0.3"), ("04/04/2024", "0.4"))
    told = Course(values=values, infusion_date="2024-04-01", date_format="%d/%m/%Y")
    assert read_course(told).labs["day"].to_list() == [2, 3]
    other = Course(values=values, infusion_date="2024-03-01", date_format="%m/%d/%Y")
    assert read_course(other).labs["day"].to_list() == [3, 34]
    with pytest.raises(DataError, match="may be day first or month first"):
        explain_course(Course(values=values, infusion_date="2024-04-01"), ["icaht_2023.early"])


def test_dates_need_the_date_of_the_infusion() -> None:
    with pytest.raises(DataError, match="dates cannot be placed without an infusion"):
        explain_course(Course(values=make_values(("2024-04-03", "0.3"))), ["icaht_2023.early"])


def test_values_as_they_are_printed() -> None:
    cells = (("-5", "3,1"), ("0", "0,5"), ("\u22122", "<0,1"))
    labs = read_course(Course(values=make_values(*cells))).labs.sort("day")
    assert labs.select("day", "value", "comparator").rows() == [
        (-5, 3.1, "="),
        (-2, 0.1, "<"),
        (0, 0.5, "="),
    ]


def recovered_course() -> list[CourseValue]:
    cells = [("26", "1.4"), ("27", "1.5"), ("28", "1.6")]
    counts = make_values(*cells)
    counts += make_values(
        ("26", "95"), ("27", "96"), ("28", "97"), analyte="hemoglobin", unit="g/L", first=11
    )
    return counts + make_values(("26", "90"), ("27", "95"), ("28", "99"), analyte="platelets", first=21)


def test_recovery_needs_all_three_counts_and_looks_at_support() -> None:
    found = explain_course(Course(values=recovered_course()), ["qiu2023_recovery"])
    assert found.explained.outcomes[0].answer.label == "recovered"
    assert found.explained.outcomes[0].title.startswith("Count recovery")
    given = SupportGiven("platelet_transfusion", "27", "27", 1)
    supported = Course(values=recovered_course(), support=[given], support_complete=True)
    assert (
        explain_course(supported, ["qiu2023_recovery"]).explained.outcomes[0].answer.label == "not recovered"
    )


def test_a_death_ends_the_days_that_count() -> None:
    cells = list_low_days(0, 5)
    course = Course(values=make_values(*cells), events=[CourseEvent("death", "5")])
    assert answer(explain_course(course, ["icaht_2023.early"])) == (4, True)


def test_a_whole_definition_is_all_its_parts() -> None:
    found = explain_course(Course(values=make_values(*list_low_days(0, 8))), ["icaht_2023"])
    assert [item.address for item in found.explained.outcomes] == ["icaht_2023.early", "icaht_2023.late"]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ctcae_v5", "'ctcae_v5' does not look at a course"),
        ("icaht_2032", "did you mean 'icaht_2023'"),
        ("icaht_2023.erly", "did you mean 'early'"),
    ],
)
def test_a_definition_that_looks_at_no_course_is_refused(address: str, words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        explain_course(Course(values=make_values(("1", "0.3"))), [address])


def test_a_course_without_values_is_refused() -> None:
    with pytest.raises(DataError, match="no row that can be read"):
        explain_course(Course(values=[]), ["icaht_2023.early"])
