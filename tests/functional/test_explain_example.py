"""Explanations of patients of the bundled example, each line worked out from the rows of its files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cytopenia import explain_patient
from cytopenia.grading.explain import Answer, Change, OutcomeExplanation
from cytopenia.report.explanation_changes import say_change
from cytopenia.report.explanation_page import render_explanation
from explain_study import daily, find_row, without, write_explain_study, write_one_patient

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "src" / "cytopenia" / "data" / "example"
Read = Callable[[str, str], tuple[OutcomeExplanation, str]]


@pytest.fixture(scope="module")
def read() -> Read:
    """An outcome of a patient and its page, each read once."""
    kept: dict[tuple[str, str], tuple[OutcomeExplanation, str]] = {}

    def explain(patient: str, outcome: str) -> tuple[OutcomeExplanation, str]:
        if (patient, outcome) not in kept:
            protocol = "definitions.toml" if outcome.startswith("icaht") else "study.toml"
            explained = explain_patient(EXAMPLE / protocol, patient, outcomes=[outcome])
            page = " ".join(" ".join(render_explanation(explained)).split())
            kept[patient, outcome] = explained.outcomes[0], page
        return kept[patient, outcome]

    return explain


def read_page(
    folder: Path, labs: Sequence[tuple[str, int, float]], outcome: str, study: str = "", *support: str
) -> tuple[OutcomeExplanation, str]:
    written = write_one_patient(folder, labs, f"[outcomes.asked]\n{outcome}", study=study, support=support)
    explained = explain_patient(written, "ONE", outcomes=["asked"])
    return explained.outcomes[0], " ".join(" ".join(render_explanation(explained)).split())


# -- filled days that decide and could be otherwise ------------------------------------------------


def test_a_filled_day_that_could_be_otherwise_is_unsettled(read: Read) -> None:
    """0.19 on day 23, 0.79 on day 26: day 24 lies on the line at 0.39 and could have lain above 0.5."""
    outcome, page = read("SYN-02", "icaht")
    assert "yes; could also be no" in page
    assert [day.day for day in outcome.days if day.role == "would settle"] == [17, 24, 25]
    assert (
        "day 24 and 25: taken as 0.39 ×10⁹/L to 0.59 ×10⁹/L; not measured, plausible from 0.172 ×10⁹/L to"
        " 0.999 ×10⁹/L"
    ) in page
    assert "Evidence bracketed" in page
    assert "no single further value would have settled it whatever it was" in page
    assert "a neutrophil count on day 17, 24 or 25: ≤ 0.5 ×10⁹/L: yes; > 0.5 ×10⁹/L: no or yes" in page
    assert "all of these together would have: neutrophil count on day 17, 24 and 25" in page


def test_a_bridged_day_is_never_unsettled(read: Read) -> None:
    """Days 20 and 21 of SYN-02 lie between 0.36 and 0.25, two in a row: bridged, whatever they were."""
    outcome, _ = read("SYN-02", "icaht")
    assert not {20, 21} & {day.day for day in outcome.days if day.role == "would settle"}


def test_a_day_that_white_cells_do_not_prove_is_unsettled(read: Read) -> None:
    """White cells of 0.51 on day 4 do not prove 0.5 or less; those of days 5 and 8 do."""
    outcome, page = read("SYN-61", "icaht")
    assert [day.day for day in outcome.days if day.role == "would settle"] == [4, 11]
    assert "day 4: taken as 0.473 ×10⁹/L; not measured, plausible from" in page
    assert "; at most the white blood cell count, 0.51 ×10⁹/L, row 9187; measured before" in page
    assert "Evidence bracketed" in page
    assert "all of these together would have: neutrophil count on day 4 and 11" in page


def test_the_nearest_value_taken_for_the_last_days_is_unsettled(read: Read) -> None:
    """0.47 on day 28 stands for days 29 and 30. One low value on day 30 makes 7 days, day 29 being bridged;
    so does one on day 22 with day 23, and one on day 21 with days 22 and 23."""
    outcome, page = read("SYN-32", "icaht")
    assert [day.day for day in outcome.days if day.role == "would settle"] == [20, 21, 22, 23, 29, 30]
    assert "a neutrophil count on day 21, 22 or 30: ≤ 0.5 ×10⁹/L: yes; > 0.5 ×10⁹/L: no or yes" in page


def test_one_value_on_a_filled_day_settles_where_it_is_the_only_one(tmp_path: Path) -> None:
    """0.3 on days 5 to 10, day 11 unmeasured between 0.3 and 0.6: 6 days are certain, day 11 makes 7."""
    counts = without(daily(d5_10=0.3, d12=0.6), 11)
    labs = [("anc", day, value) for day, value in counts.items()]
    outcome, page = read_page(tmp_path, labs, 'definition = "icaht_2023.early"\nmin_grade = 2')
    assert "yes; could also be no" in page
    assert [day.day for day in outcome.days if day.role == "would settle"] == [11]
    assert (
        "a neutrophil count on day 11 would have settled it, whatever it was: ≤ 0.5 ×10⁹/L: yes;"
        " > 0.5 ×10⁹/L: no"
    ) in page
    assert outcome.row["evidence"] == "bracketed"


# -- what is decided ------------------------------------------------------------------------------


@pytest.mark.parametrize(("patient", "name"), [("SYN-06", "recovery"), ("SYN-18", "icaht")])
def test_a_decided_outcome_has_nothing_unsettled(read: Read, patient: str, name: str) -> None:
    outcome, page = read(patient, name)
    assert outcome.answer.decided
    assert "Unsettled" not in page


def test_an_unknown_cell_beside_failed_ones_is_one_of_the_cells(read: Read) -> None:
    """Hemoglobin of SYN-06 on day 27, between 75 and 76: it may have been met, and nothing hangs on it."""
    _, page = read("SYN-06", "recovery")
    assert "hemoglobin, day 27: not measured, taken as failed; measured around it: 75 g/L (day 26" in page


@pytest.mark.parametrize(
    ("patient", "without_support"),
    [("SYN-18", "G-CSF"), ("SYN-02", "G-CSF"), ("SYN-06", "platelet transfusion")],
)
def test_only_support_that_mattered_is_to_be_done_without(
    read: Read, patient: str, without_support: str
) -> None:
    """G-CSF on days 26 and 27, or platelets on day 28; the transfusions of the weeks before do not count
    against days 26 to 28.
    """
    _, page = read(patient, "recovery")
    assert f"on day 26 to 28 at its cut, and without {without_support}: recovered" in page


# -- words -----------------------------------------------------------------------------------------


def make_change(*, decided: bool, sometimes: bool) -> Change:
    answer = Answer(
        policy=1, best=0 if not decided else 1, worst=1, label="yes", possible_labels=None, decided=decided
    )
    return Change(
        kind="any_day",
        analyte="anc",
        comparator="below",
        cut=1.0,
        days=(3,),
        source_row=None,
        support=(),
        answer=answer,
        or_higher=False,
        sometimes_decided=sometimes,
    )


@pytest.mark.parametrize(
    ("decided", "sometimes", "words"),
    [
        (True, True, "one value < 1 ×10⁹/L on any day: yes"),
        (False, True, "one value < 1 ×10⁹/L on any day: yes by the rule, not always decided"),
        (False, False, "one value < 1 ×10⁹/L on any day: yes by the rule, not decided"),
    ],
)
def test_decided_for_some_values_is_not_always_decided(
    read: Read, decided: bool, sometimes: bool, words: str
) -> None:
    outcome, _ = read("SYN-02", "icaht")
    assert say_change(make_change(decided=decided, sometimes=sometimes), outcome) == words


def test_a_combination_says_that_no_single_value_settles_it(read: Read) -> None:
    """SYN-15 has 33 unmeasured days of three lineages; each of several counts could be the only low one."""
    _, page = read("SYN-15", "severe_cytopenia")
    assert "no single further value would have settled it whatever it was" in page.partition(" 2. ")[0]


def test_the_measurement_after_the_window_bounds_its_last_day(tmp_path: Path) -> None:
    counts = without(daily(last=33, d24_29=0.45, d31_33=0.7), 30, 31)
    labs = [("anc", day, value) for day, value in counts.items()]
    _, page = read_page(tmp_path, labs, 'definition = "icaht_2023.early"')
    row = 2 + list(counts).index(32)
    assert f"after 0.7 ×10⁹/L (day 32, row {row})" in page.partition("Unsettled")[2]


def test_the_row_behind_the_end_of_a_plausible_range_is_named(tmp_path: Path) -> None:
    """The slack of neutrophils is 1.1 two days apart, 1.265 three days apart. Day 11 is at most 1.25 * 1.1 =
    1.375 by the days beside it, and at most 1.08 * 1.265 = 1.366 by days 9 and 12.
    """
    counts = without(daily(d9=1.08, d10=1.25, d12=1.035), 11)
    labs = [("anc", day, value) for day, value in counts.items()]
    _, page = read_page(
        tmp_path, labs, 'definition = "ctcae_v5.neutrophil_count_decreased"\nwindow = [0, 28]'
    )
    unsettled = page.partition("Unsettled")[2].partition("Account")[0]
    assert "measured before 1.25 ×10⁹/L (day 10, row 12), after 1.035 ×10⁹/L (day 12, row 13)" in unsettled
    assert "upper end by 1.08 ×10⁹/L (day 9, row 11)" in unsettled


def test_white_cells_that_fail_a_cell_between_them_are_named(tmp_path: Path) -> None:
    """Neutrophils on day 18 alone; white cells of 0.6 on days 26 and 28 make day 27 a failed cell."""
    labs: list[tuple[str, int, float]] = [("anc", 18, 0.4), ("wbc", 26, 0.6), ("wbc", 28, 0.5)]
    labs += [("hemoglobin", day, 120.0) for day in range(31)]
    labs += [("platelets", day, 200.0) for day in range(31)]
    _, page = read_page(
        tmp_path,
        labs,
        'definition = "qiu2023_recovery"\ndied_before_landmark = "exclude"',
        "bound_anc_by_wbc = true",
    )
    assert "measured around it: nothing" not in page
    assert (
        "neutrophil count, day 27: not measured, taken as failed; measured around it: white blood cell count"
        " 0.6 ×10⁹/L (day 26, row 3) and white blood cell count 0.5 ×10⁹/L (day 28, row 4)"
    ) in page


def test_a_fever_that_counts_exclude_without_a_temperature(tmp_path: Path) -> None:
    """2.0 on each of 29 days: nobody took a temperature, and nobody needed to."""
    labs = [("anc", day, 2.0) for day in range(31)]
    outcome, page = read_page(tmp_path, labs, 'definition = "ctcae_v5_febrile_neutropenia"\nwindow = [0, 28]')
    assert (outcome.row["evidence"], outcome.row["days_measured"]) == ("measured", 29)
    assert "no, decided: on every day the count excludes it" in page
    assert "no temperature in the window; 29 days excluded by the neutrophil count; 0 days open" in page


def test_an_edge_of_three_days_in_the_folder_of_invented_courses(tmp_path: Path) -> None:
    """EDGE: days 16 to 18 are filled above 0.5, and plausible below it; the row before them is named."""
    folder = write_explain_study(tmp_path / "cohort")
    (outcome,) = explain_patient(folder, "EDGE", outcomes=["icaht"]).outcomes
    asked = [day for day in outcome.days if day.role == "would settle"]
    assert [day.day for day in asked] == [16, 17, 18]
    assert {day.before.source_row for day in asked if day.before} == {find_row("EDGE", 15, "anc")}
    assert [day.filled for day in asked] == pytest.approx([0.5375, 0.625, 0.7125])
