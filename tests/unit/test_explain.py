"""What explanations are made of: candidate values, ranges of answers, copies of a patient, words."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cytopenia.contract import Tables, require_tables
from cytopenia.definition_forms import FeverDefinition
from cytopenia.definitions import load_library
from cytopenia.grading.answer_ranges import Candidates, group_answers, list_candidates, step_beyond
from cytopenia.grading.explain import Answer, Measurement, OutcomeExplanation, PatientExplanation
from cytopenia.readers.sources import read_tables
from cytopenia.report.explanation_words import join_days, name_analyte, name_support, say_spans, say_value
from cytopenia.report.patient_timeline import plot_timeline
from cytopenia.study.counterfactuals import Edit, Kernel, keep_patient
from cytopenia.study.explain import explain_in_study
from cytopenia.study.outcomes import derive_outcomes
from cytopenia.study.plan import FeverPlan, build_plan
from cytopenia.study.protocol import Study, read_protocol
from cytopenia.study.single_plans import plan_fever
from explain_study import find_row, write_explain_study
from fever_factory import VERSION_5, course
from kernel import make_tables

Explain = Callable[[str], PatientExplanation]
PATIENTS = ("LONG", "EDGE", "GAP", "SINGLE", "SPLIT", "LOW", "HELPED")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return read_protocol(write_explain_study(tmp_path_factory.mktemp("explain") / "cohort"))


@pytest.fixture(scope="module")
def tables(study: Study) -> Tables:
    return require_tables(read_tables(study.data_folder, study.protocol.data))


@pytest.fixture(scope="module")
def kernel(study: Study) -> Kernel:
    return Kernel(build_plan(study), study.library.bounds, use_caps=False, baseline=study.library.baseline)


@pytest.fixture(scope="module")
def explain(study: Study, tables: Tables) -> Explain:
    """Every outcome of a patient; each patient is explained once for all tests."""
    return cache(lambda patient: explain_in_study(study, tables, patient))


def find_outcome(explained: PatientExplanation, name: str) -> OutcomeExplanation:
    (found,) = [item for item in explained.outcomes if item.name == name]
    return found


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


def test_candidates_lie_at_and_just_beside_every_edge() -> None:
    found = list_candidates([0.5], slacks=[2.0], neighbors=[0.8])
    assert found.edges == {0.25, 0.5, 1.0}
    assert [round(value, 4) for value in found.values] == [
        *(0.0, 0.25, 0.25, 0.25, 0.5, 0.5, 0.5, 0.8, 1.0, 1.0, 1.0, 10.0)
    ]


def test_no_candidate_exceeds_the_white_cells() -> None:
    found = list_candidates([0.5], slacks=[1.5], neighbors=[2.0], cap=0.6)
    assert max(found.values) == 0.6
    ranges, _ = group_answers(found, [answer(2)] * len(found.values))
    assert [(one.low, one.high, one.includes_high) for one in ranges] == [(0.0, 0.6, True)]


@pytest.mark.parametrize(
    ("comparator", "is_below", "includes"),
    [
        ("at_most", False, True),
        ("at_least", False, True),
        ("below", True, False),
        ("above", False, False),
    ],
)
def test_a_step_beyond_a_cut_meets_it(comparator: str, is_below: bool, includes: bool) -> None:
    value = step_beyond(0.5, comparator)
    assert (value < 0.5) is is_below
    assert (value == 0.5) is includes
    assert value == pytest.approx(0.5, rel=1e-5)


def test_answers_change_at_an_edge() -> None:
    """Up to 0.5 grade 3, above it grade 2; the edge itself belongs to grade 3."""
    candidates = Candidates((0.0, 0.4999995, 0.5, 0.5000005, 9.0), frozenset({0.5}))
    ranges, covers_all = group_answers(candidates, [*[answer(3)] * 3, *[answer(2)] * 2])
    assert covers_all
    found = [(one.low, one.high, one.includes_low, one.includes_high, one.answer.policy) for one in ranges]
    assert found == [(0.0, 0.5, True, True, 3), (0.5, None, False, False, 2)]


def test_an_edge_may_belong_to_the_upper_range() -> None:
    candidates = Candidates((0.0, 0.4999995, 0.5, 9.0), frozenset({0.5}))
    ranges, covers_all = group_answers(candidates, [answer(4), answer(4), answer(3), answer(3)])
    assert covers_all
    assert [(one.high, one.includes_high) for one in ranges] == [(0.5, False), (None, False)]
    assert ranges[1].includes_low


def test_a_change_between_two_values_that_lie_apart_leaves_a_hole() -> None:
    """Between 0.5 and 9 nobody was asked where the answer changes: not every value is covered."""
    candidates = Candidates((0.0, 0.5, 9.0), frozenset({0.5}))
    ranges, covers_all = group_answers(candidates, [answer(3), answer(3), answer(2)])
    assert not covers_all
    assert [(one.low, one.high) for one in ranges] == [(0.0, 0.5), (9.0, None)]


def test_without_neighbors_an_open_day_could_be_anything(kernel: Kernel, tables: Tables) -> None:
    """One day of 29 was measured, at 0.9: grade 3. The rule looks at no open day; any could have been 4."""
    own = keep_patient(tables, "SINGLE")
    sparse = replace(own, labs=own.labs.filter((pl.col("analyte") != "anc") | (pl.col("day") == 12)))
    found = [kernel.run(sparse, anything=anything)[1] for anything in (False, True)]
    rows = [frame.row(by_predicate=pl.col("outcome") == "neutropenia", named=True) for frame in found]
    assert [(row["policy"], row["best"], row["worst"]) for row in rows] == [(3, 3, 3), (3, 3, 4)]


def test_bounds_without_neighbors_are_another_instance() -> None:
    bounds = load_library().bounds
    assert bounds.has_neighbors
    assert not bounds.without_neighbors().has_neighbors
    assert bounds.longest_days == 8


def test_copies_do_not_see_each_other(kernel: Kernel, tables: Tables) -> None:
    """0.4 on one day is grade 4; without the only low value the course is grade 0; as it is, grade 3."""
    own, row = keep_patient(tables, "SINGLE"), find_row("SINGLE", 12, "anc")
    lowest = Measurement(analyte="anc", day=12, value=0.9, comparator="=", source_row=row)
    edits = [
        Edit(values=(("anc", 3, 0.4),)),
        Edit(without=(lowest,)),
        Edit(),
        Edit(values=(("anc", 12, 1.9),)),
    ]
    rows = kernel.ask(own, edits, outcome="neutropenia")
    assert [row["policy"] for row in rows] == [4, 0, 3, 0]


def test_a_copy_can_do_without_support(kernel: Kernel, tables: Tables) -> None:
    rows = kernel.ask(
        keep_patient(tables, "HELPED"), [Edit(), Edit(without_support=("gcsf",))], outcome="recovery"
    )
    assert [row["label"] for row in rows] == ["not recovered", "recovered"]


def test_no_question_has_no_answer(kernel: Kernel, tables: Tables) -> None:
    assert kernel.ask(keep_patient(tables, "LOW"), [], outcome="recovery") == []


def test_the_tables_are_left_as_they_were(study: Study, tables: Tables, explain: Explain) -> None:
    explain("EDGE")
    fresh = read_tables(study.data_folder, study.protocol.data)
    for name in ("labs", "support", "infusions"):
        assert getattr(tables, name).equals(getattr(fresh, name))


@pytest.mark.parametrize("patient", PATIENTS)
def test_every_value_of_a_range_has_the_answer_of_the_range(
    patient: str, explain: Explain, tables: Tables, kernel: Kernel
) -> None:
    """Values drawn at random, not those that were tried."""
    draw = random.Random(7)
    own = keep_patient(tables, patient)
    for outcome in explain(patient).outcomes:
        asked = [
            (item, one, draw.uniform(one.low, one.high or one.low * 3 + 5))
            for item in outcome.settling
            for one in item.ranges
            for _ in range(5)
        ]
        edits = [Edit(values=((item.analyte, item.day, value),)) for item, _, value in asked]
        for (_, one, _), row in zip(asked, kernel.ask(own, edits, outcome=outcome.name), strict=True):
            assert Answer.of_row(row) == one.answer


@pytest.mark.parametrize("patient", PATIENTS)
def test_every_value_beyond_a_cut_changes_the_answer_as_said(
    patient: str, explain: Explain, tables: Tables, kernel: Kernel
) -> None:
    """Values drawn at random, each day its own."""
    draw = random.Random(11)
    own = keep_patient(tables, patient)
    for outcome in explain(patient).outcomes:
        for change in outcome.changes:
            if change.cut is None or not change.days:
                continue
            low, high = (0.0, change.cut) if change.comparator in ("below", "at_most") else (change.cut, 500)
            sets = [(day,) for day in change.days] if change.kind.endswith("day") else [change.days] * 10
            edits = [
                Edit(
                    values=tuple((change.analyte or "", day, draw.uniform(low, high)) for day in days),
                    without_support=change.support,
                )
                for days in sets
            ]
            rows = kernel.ask(own, edits, outcome=outcome.name)
            found = {row["policy"] for row in rows}
            assert found == {change.answer.policy} or (
                change.or_higher and min(found) >= change.answer.policy
            )


def test_one_more_day_less_is_not_enough(explain: Explain, tables: Tables, kernel: Kernel) -> None:
    """The number of further days is the least: with one fewer the grade stays."""
    icaht = find_outcome(explain("EDGE"), "icaht")
    (change,) = [item for item in icaht.changes if item.kind == "more_days"]
    assert change.days == (16, 17, 18)
    values = tuple(("anc", day, 0.5) for day in change.days)
    edits = [Edit(values=values[:-1]), Edit(values=values)]
    rows = kernel.ask(keep_patient(tables, "EDGE"), edits, outcome="icaht")
    assert [row["policy"] for row in rows] == [2, 3]


def test_filled_days_carry_the_value_that_the_definition_takes(explain: Explain) -> None:
    """The line from 0.45 on day 15 to 0.8 on day 19 rises by 0.0875 a day."""
    icaht = find_outcome(explain("EDGE"), "icaht")
    assert [day for day, _ in icaht.filled] == [16, 17, 18]
    assert [value for _, value in icaht.filled] == pytest.approx([0.5375, 0.625, 0.7125])


def test_rows_that_are_not_judged_are_named(study: Study, tables: Tables) -> None:
    row = find_row("LOW", 21, "platelets")
    reason = pl.when(pl.col("source_row") == row).then(pl.lit("clumping")).otherwise("invalid")
    marked = replace(tables, labs=tables.labs.with_columns(reason.alias("invalid")))
    explained = explain_in_study(study, marked, "LOW", outcomes=["severe_thrombocytopenia"])
    (outcome,) = explained.outcomes
    assert [(item.source_row, item.reason) for item in outcome.left_out] == [(row, "clumping")]
    (series,) = [item for item in explained.series if item.analyte == "platelets"]
    assert [(item.day, item.value) for item in series.left_out] == [(21, 30.0)]


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ([4], "day 4"),
        ([4, 5], "day 4 and 5"),
        ([4, 5, 6], "day 4 to 6"),
        ([6, 4, 5, 9], "day 4 to 6 and 9"),
        ([-2, -1, 0, 3, 7], "day -2 to 0, 3 and 7"),
    ],
)
def test_days_in_words(days: list[int], words: str) -> None:
    assert join_days(days) == words


def test_values_in_words() -> None:
    assert say_value(0.8371, "anc") == "0.8371 ×10⁹/L"
    assert say_value(0.1, "anc", "<") == "<0.1 ×10⁹/L"
    assert say_value(80.0, "hemoglobin", "at_least") == "≥ 80 g/L"
    assert say_value(0.913333, "anc", digits=3) == "0.913 ×10⁹/L"
    assert say_spans([(3, 0.5), (4, 0.4), (8, 0.25)], "anc") == (
        "day 3 and 4 as 0.4 ×10⁹/L to 0.5 ×10⁹/L; day 8 as 0.25 ×10⁹/L"
    )
    assert name_analyte("anc") == "neutrophil count"
    assert name_support("gcsf") == "G-CSF"


def test_the_same_timeline_every_time(explain: Explain) -> None:
    explained = explain("LONG")
    first, second = plot_timeline(explained).svg, plot_timeline(explained).svg
    assert first == second
    assert "G-CSF" in first
    assert "last contact day 200" in first


def test_a_timeline_tells_the_states_of_the_days(explain: Explain) -> None:
    """Three days of EDGE lie between near measurements; none of its 31 days is open."""
    (series,) = [item for item in explain("EDGE").series if item.analyte == "anc"]
    states = np.array([day.state for day in series.days])
    assert (len(states), int((states == "short_gap").sum()), int((states == "open").sum())) == (31, 3, 0)
    text = plot_timeline(explain("EDGE")).description
    assert "Absolute neutrophil count: 28 measured, 3 between near measurements." in text


def test_a_course_that_ended_is_over(tmp_path: Path) -> None:
    """Death on day 20: nothing after it is open, and the recovery at day 28 has no explanation to give."""
    folder = write_explain_study(tmp_path / "cohort")
    events = folder / "events.csv"
    events.write_text(events.read_text("utf-8") + "LOW,20,death\n", encoding="utf-8")
    study = read_protocol(folder)
    tables = require_tables(read_tables(study.data_folder, study.protocol.data))
    explained = explain_in_study(study, tables, "LOW", outcomes=["recovery"])
    assert explained.death_day == 20
    (series,) = [item for item in explained.series if item.analyte == "platelets"]
    assert {day.state for day in series.days if day.day > 20} == {"after_death"}
    recovery = find_outcome(explained, "recovery")
    assert recovery.answer.label == "died before landmark"
    assert (recovery.settling, recovery.changes) == ((), ())


@pytest.mark.parametrize("patient", PATIENTS)
def test_a_copy_without_a_change_has_the_row_of_the_patient(
    patient: str, tables: Tables, kernel: Kernel
) -> None:
    own = keep_patient(tables, patient)
    _, found = kernel.run(own)
    for row in found.filter(~pl.col("outcome").str.starts_with("nadir_")).iter_rows(named=True):
        (copy,) = kernel.ask(own, [Edit()], outcome=row["outcome"])
        assert {**copy, "patient_id": patient} == row


def test_a_day_on_which_nobody_looked_could_have_had_the_fever() -> None:
    """Normal on days 0 and 3, nothing on days 1 and 2: no by the rule. If an unmeasured day could have been
    anything, yes is possible; with both days looked at it is not.
    """
    library = load_library()
    definition = library.find(VERSION_5)
    assert isinstance(definition, FeverDefinition)
    anything = library.bounds.without_neighbors()
    normal = "day temperature anc\n" + "\n".join(f"{day} 36.8 2.0" for day in (0, 3))
    both = normal + "\n1 36.8 2.0\n2 36.8 2.0"
    for table, bounds, expected in (
        (normal, library.bounds, (0, 0, 0)),
        (normal, anything, (0, 0, 3)),
        (both, anything, (0, 0, 0)),
    ):
        plan = plan_fever(FeverPlan("fn", definition, (0, 3)), library.bounds)
        found = derive_outcomes(make_tables([course(table)]), plan, bounds=bounds).outcomes
        assert found.select("policy", "best", "worst").row(0) == expected
