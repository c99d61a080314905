"""A course that goes on: by the days that happened, and by what the days to come can bring."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytopenia.course_so_far import OutcomeSoFar, explain_so_far
from cytopenia.one_course import Course, CourseValue, explain_course, read_course

OWN = """
id = "own_low_counts"
kind = "grades"
title = "Low counts, of our own"
version = "1"
status = "assumed"
citation = { text = "Written for this test" }

[early]
title = "Early low counts"
analyte = "anc"
unit = "1e9/L"
window = [0, 30]
grades = [
  { grade = 1, at_most = 0.5, days = 1, text = "1 day" },
  { grade = 2, at_most = 0.5, days = 7, text = "7 days" },
]

[early.counting]
status = "assumed"
days = "longest_episode"
fill = { method = "linear", max_gap_days = 7, extend_days = 7 }
"""


def make_course(values: Sequence[float]) -> Course:
    """One value each day from day 0."""
    return Course(
        values=[CourseValue(str(day), "anc", str(value), "G/L", day + 1) for day, value in enumerate(values)]
    )


def ask(values: Sequence[float], *, end_day: int, name: str = "icaht_2023.early") -> OutcomeSoFar:
    (found,) = explain_so_far(read_course(make_course(values)), [name], end_day=end_day)
    return found


@pytest.mark.parametrize(
    ("values", "policy", "can_be"),
    [
        ([3.0] * 17 + [0.09] * 7, 3, (3, 4)),
        ([3.0] * 18 + [0.08] * 6, 1, (1, 3)),
        ([3.0] * 24, 0, (0, 3)),
        ([0.3] * 6, 1, (1, 4)),
        ([3.0] * 30, 0, (0, 1)),
    ],
    ids=["7 days <=0.1", "6 days <=0.1", "7 days to come", "never above so far", "1 day to come"],
)
def test_early_icaht_by_the_days_of_the_consensus_table(
    values: list[float], policy: int, can_be: tuple[int, int]
) -> None:
    found = ask(values, end_day=len(values) - 1)
    assert (found.outcome.answer.policy, found.can_be) == (policy, can_be)
    assert (found.is_running, found.waits) == (True, True)


def test_a_window_that_has_passed_keeps_its_rule_over_all_days() -> None:
    found = ask([0.3] * 31, end_day=30)
    assert (found.outcome.answer.policy, found.can_be) == (4, (4, 4))
    assert (found.is_running, found.waits) == (False, False)


def test_late_icaht_can_become_what_the_days_to_come_allow() -> None:
    """0.9 on two days is grade 2; days to come can bring 0.1, grade 4. To day 30 there is no late part."""
    found = ask([3.0] * 31 + [0.9, 0.9], end_day=32, name="icaht_2023.late")
    assert (found.outcome.answer.policy, found.can_be) == (2, (2, 4))
    course = read_course(make_course([3.0] * 31))
    assert explain_so_far(course, ["icaht_2023.late"], end_day=30) == []


def test_a_definition_that_names_no_last_contact_fills_no_day_to_come(tmp_path: Path) -> None:
    """4 low days are grade 1; the 7 days after them, which it would fill, would make 11: grade 2."""
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / "own_low_counts.toml").write_text(OWN, encoding="utf-8")
    course = make_course([3.0] * 20 + [0.3] * 4)
    whole = explain_course(course, ["own_low_counts.early"], folder=tmp_path)
    assert whole.explained.outcomes[0].answer.policy == 2
    (found,) = explain_so_far(read_course(course), ["own_low_counts"], end_day=23, folder=tmp_path)
    assert (found.outcome.answer.policy, found.can_be) == (1, (1, 2))


@settings(max_examples=10, deadline=None)
@given(
    runs=st.lists(st.tuples(st.sampled_from([0.05, 0.3, 0.9, 3.0]), st.integers(1, 15)), min_size=3),
    end_day=st.integers(0, 29),
)
def test_what_comes_true_was_possible(runs: list[tuple[float, int]], end_day: int) -> None:
    """The grade of the whole course lies in what was possible on any day, and not below what was reached."""
    days = [value for value, length in runs for _ in range(length)]
    values = (days * 31)[:31]
    found = ask(values[: end_day + 1], end_day=end_day)
    final = explain_course(make_course(values), ["icaht_2023.early"]).explained.outcomes[0].answer
    assert final.decided
    assert final.policy is not None
    assert found.outcome.answer.policy is not None
    assert found.can_be is not None
    best, worst = found.can_be
    assert best <= final.policy <= worst
    assert found.outcome.answer.policy <= final.policy
