"""Ranges of values as they are printed: merged, in few digits, and never with another value's answer."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path

import pytest

from cytopenia.contract import Tables, require_tables
from cytopenia.grading.explain import Answer, AnswerRange
from cytopenia.readers.sources import read_tables
from cytopenia.report.explanation_changes import say_range_answer
from cytopenia.report.explanation_ranges import PrintedRange, print_ranges
from cytopenia.study.counterfactuals import Edit, Kernel, keep_patient
from cytopenia.study.explain import explain_in_study
from cytopenia.study.plan import build_plan
from cytopenia.study.protocol import read_protocol
from explain_study import daily, write_explain_study, write_one_patient

ROOT = Path(__file__).parents[2]


def answer(policy: float, best: float | None = None, worst: float | None = None) -> Answer:
    ends = (policy if best is None else best, policy if worst is None else worst)
    return Answer(
        policy=policy,
        best=ends[0],
        worst=ends[1],
        label=None,
        possible_labels=None,
        decided=ends[0] == ends[1],
    )


def say(one: Answer) -> str:
    return f"grade {one.best:g} to {one.worst:g}"


def span(low: float, high: float | None, signs: str, one: Answer) -> AnswerRange:
    """`signs` as an interval is written: "[)" includes its low end only."""
    return AnswerRange(
        low=low, high=high, includes_low=signs[0] == "[", includes_high=signs[1] == "]", answer=one
    )


def write(found: list[PrintedRange]) -> list[str]:
    return [
        f"{'[' if one.includes_low else '('}{one.low:.12g}, {'' if one.high is None else f'{one.high:.12g}'}"
        f"{']' if one.includes_high else ')'} {one.words}"
        for one in found
    ]


def test_neighbors_with_the_same_words_are_one_range() -> None:
    """The rule says 2 below 0.8 and 3 from there on; the bounds, which are what is printed, are the same."""
    ranges = [span(0, 0.8, "[)", answer(2, 2, 3)), span(0.8, None, "[)", answer(3, 2, 3))]
    assert write(print_ranges(ranges, say, given=())) == ["[0, ) grade 2 to 3"]


def test_ranges_with_a_hole_between_them_stay_apart() -> None:
    ranges = [span(0, 0.5, "[]", answer(3)), span(0.7, None, "[)", answer(3))]
    assert write(print_ranges(ranges, say, given=())) == ["[0, 0.5] grade 3 to 3", "[0.7, ) grade 3 to 3"]


def test_computed_ends_are_rounded_into_their_range() -> None:
    """0.330612244898: 0.330 lies below it and 0.331 above."""
    ranges = [span(0, 0.330612244898, "[)", answer(4)), span(0.330612244898, None, "[)", answer(3))]
    assert write(print_ranges(ranges, say, given=())) == ["[0, 0.33] grade 4 to 4", "[0.331, ) grade 3 to 3"]


def test_a_computed_end_of_few_digits_stays_and_keeps_its_sign() -> None:
    """0.5 times 1.1 is 0.55 but for the last bit of the machine's number."""
    ranges = [span(0, 0.5 * 1.1, "[)", answer(4)), span(0.5 * 1.1, None, "[)", answer(3))]
    assert write(print_ranges(ranges, say, given=())) == ["[0, 0.55) grade 4 to 4", "[0.55, ) grade 3 to 3"]


def test_what_was_given_is_printed_as_it_is() -> None:
    """1.3725 is 0.75 times a limit of normal of 1.83; 12.345 a measured value."""
    ranges = [
        span(0, 1.3725, "[)", answer(2)),
        span(1.3725, 12.345, "[]", answer(1)),
        span(12.345, None, "()", answer(0)),
    ]
    assert write(print_ranges(ranges, say, given=(1.3725, 12.345))) == [
        "[0, 1.3725) grade 2 to 2",
        "[1.3725, 12.345] grade 1 to 1",
        "(12.345, ) grade 0 to 0",
    ]


def test_a_given_number_of_very_many_digits_is_rounded_like_a_computed_one() -> None:
    third = 4 / 3
    ranges = [span(0, third, "[)", answer(2)), span(third, None, "[)", answer(1))]
    assert write(print_ranges(ranges, say, given=(third,))) == [
        "[0, 1.33] grade 2 to 2",
        "[1.34, ) grade 1 to 1",
    ]


def test_a_range_within_the_third_digit_is_not_printed() -> None:
    """No number of three digits lies between 1.2341 and 1.2344; the ranges around it are not joined."""
    ranges = [
        span(0, 1.2341, "[)", answer(2)),
        span(1.2341, 1.2344, "[)", answer(3)),
        span(1.2344, None, "[)", answer(2)),
    ]
    assert write(print_ranges(ranges, say, given=())) == ["[0, 1.23] grade 2 to 2", "[1.24, ) grade 2 to 2"]


@pytest.mark.parametrize("seed", range(200))
def test_no_printed_value_lies_in_another_range(seed: int) -> None:
    draw = random.Random(seed)
    edges = sorted(draw.uniform(0.01, 40) for _ in range(draw.randint(1, 5)))
    given = [edge for edge in edges if draw.random() < 0.3]
    edges = [round(edge, draw.randint(1, 4)) if draw.random() < 0.4 else edge for edge in edges]
    starts = [0.0, *edges]
    ranges = [
        span(low, high, "[)", answer(draw.randint(0, 2)))
        for low, high in zip(starts, [*edges, None], strict=True)
    ]
    for one in print_ranges(ranges, say, given=given):
        high = one.low + 50 if one.high is None else one.high
        inside = [draw.uniform(one.low, high) for _ in range(20)]
        inside += [one.low] if one.includes_low else []
        inside += [high] if one.includes_high else []
        for value in inside:
            (own,) = [
                item for item in ranges if item.low <= value and (item.high is None or value < item.high)
            ]
            assert say(own.answer) == one.words


def check_printed(study_folder: Path, patient: str) -> int:
    """Ask the kernel about values drawn from what is printed, its ends among them; return how many."""
    study = read_protocol(study_folder)
    tables: Tables = require_tables(read_tables(study.data_folder, study.protocol.data))
    kernel = Kernel(
        build_plan(study),
        study.library.bounds,
        use_caps=study.protocol.study.bound_anc_by_wbc,
        baseline=study.library.baseline,
    )
    own, draw, count = keep_patient(tables, patient), random.Random(5), 0
    for outcome in explain_in_study(study, tables, patient).outcomes:
        for item in outcome.settling:
            words = partial(say_range_answer, outcome=outcome)
            printed = print_ranges(item.ranges, words, given=item.given)
            for one in printed:
                high = one.low * 3 + 5 if one.high is None else one.high
                values = [draw.uniform(one.low, high) for _ in range(4)]
                values += [end for end, is_in in ((one.low, one.includes_low), (high, True)) if is_in]
                values = values if one.includes_high or one.high is None else values[:-1]
                edits = [Edit(values=((item.analyte, item.day, value),)) for value in values]
                for row in kernel.ask(own, edits, outcome=outcome.name):
                    assert say_range_answer(Answer.of_row(row), outcome) == one.words
                count += len(values)
    return count


@pytest.mark.parametrize("patient", ["EDGE", "GAP", "SPLIT"])
def test_every_printed_value_has_the_printed_answer(patient: str, tmp_path: Path) -> None:
    assert check_printed(write_explain_study(tmp_path / "cohort"), patient) > 0


def test_every_printed_value_has_the_printed_answer_where_edges_are_computed(tmp_path: Path) -> None:
    """Days 10 and 14 to 19 unmeasured, white cells on two of them."""
    values = {
        day: value for day, value in daily(d6_14=0.54, d20_22=0.7).items() if day not in (10, *range(14, 20))
    }
    labs = [("anc", day, value) for day, value in values.items()] + [("wbc", 10, 0.913), ("wbc", 16, 2.17)]
    outcomes = (
        '[outcomes.graded]\ndefinition = "ctcae_v5.neutrophil_count_decreased"\nwindow = [0, 28]\n'
        '[outcomes.icaht]\ndefinition = "icaht_2023.early"\n'
    )
    folder = write_one_patient(tmp_path, labs, outcomes, study="bound_anc_by_wbc = true")
    assert check_printed(folder, "ONE") > 100
