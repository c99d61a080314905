"""Support without a recorded stop: named, and what its stop would have said; each worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from cytopenia import explain_patient
from cytopenia.grading.explain import OutcomeExplanation
from cytopenia.report.explanation_page import render_explanation
from explain_study import write_one_patient

LANDMARK = '[outcomes.asked]\ndefinition = "qiu2023_recovery_washout"\ndied_before_landmark = "exclude"'
PLATELETS_20 = '[outcomes.asked]\ndefinition = "cibmtr_platelet_recovery_20"'
HEALTHY = [
    (analyte, day, value)
    for analyte, value in (("anc", 2.0), ("hemoglobin", 120.0), ("platelets", 200.0))
    for day in range(41)
]
FILGRASTIM = "ONE,12,,gcsf,filgrastim"


def explain(
    folder: Path, outcomes: str, labs: Sequence[tuple[str, int, float]], *support: str
) -> tuple[OutcomeExplanation, str]:
    explained = explain_patient(
        write_one_patient(folder, labs, outcomes, support=support), "ONE", outcomes=["asked"]
    )
    (outcome,) = [item for item in explained.outcomes if item.name == "asked"]
    return outcome, " ".join(" ".join(render_explanation(explained)).split())


def test_an_unrecorded_stop_of_a_growth_factor_is_named(tmp_path: Path) -> None:
    """Seven days after filgrastim: with a stop on day 19 day 26 is the first free one, with day 20 day 27."""
    outcome, page = explain(tmp_path, LANDMARK, HEALTHY, FILGRASTIM)
    assert (outcome.answer.best, outcome.answer.worst) == (0, 1)
    assert "could also be not recovered: the stop of G-CSF from day 12 is not recorded" in page
    assert outcome.row["reason"] == "support without a recorded stop may have lasted"
    assert outcome.row["evidence"] == "open"
    assert "Evidence open: the stop of G-CSF from day 12 is not recorded" in page
    assert (
        "the stop of G-CSF from day 12 would have settled it, whatever it was: on day 12 to 19: recovered; on"
        " day 20 or later: not recovered"
    ) in page
    assert (
        "neutrophil count, day 26 to 28: met by the rule; measured, perhaps under G-CSF from day 12, stop not"
        " recorded"
    ) in page
    assert "could have been different" not in page
    assert "no single further value" not in page
    (stop,) = outcome.stops
    assert [(one.first, one.last, one.answer.label) for one in stop.answers] == [
        (12, 19, "recovered"),
        (20, None, "not recovered"),
    ]


def test_a_day_of_recovery_moves_with_the_stop_of_a_transfusion(tmp_path: Path) -> None:
    """Platelets 10 to day 9, then 60. The first of three values seven days after the transfusion: day 12
    after one on day 5, day 98 after day 91, and none that is complete by day 100 after that."""
    labs = [("platelets", day, 10.0 if day < 10 else 60.0) for day in range(104)]
    _, page = explain(tmp_path, PLATELETS_20, labs, "ONE,5,,platelet_transfusion,")
    assert "the stop of platelet transfusion from day 5 is not recorded" in page
    assert "an unmeasured day, a value given as a limit" not in page
    assert (
        "the stop of platelet transfusion from day 5 would have settled it, whatever it was: on day 5 to 91:"
        " recovered 7 days later, on day 12 to 98; on day 92 or later: not recovered"
    ) in page


def test_stops_that_leave_the_outcome_open_are_one_range(tmp_path: Path) -> None:
    """Measured to day 39: three values seven days after day 30; from day 31 on open days are needed. After
    day 91 no three days are left by day 100."""
    labs = [("platelets", day, 10.0 if day < 10 else 60.0) for day in range(40)]
    outcome, page = explain(tmp_path, PLATELETS_20, labs, "ONE,5,,platelet_transfusion,")
    assert not outcome.stops_settle
    assert (
        "the stop of platelet transfusion from day 5: on day 5 to 30: recovered 7 days later, on day 12 to"
        " 37; on day 31 to 91: from day 38 to not recovered; on day 92 or later: not recovered"
    ) in page


def test_a_recorded_stop_says_what_was_said_of_it(tmp_path: Path) -> None:
    labs = [("platelets", day, 10.0 if day < 10 else 60.0) for day in range(104)]
    outcome, _ = explain(tmp_path, PLATELETS_20, labs, "ONE,5,,platelet_transfusion,")
    for stop in (5, 64, 91, 92):
        recorded, _ = explain(tmp_path, PLATELETS_20, labs, f"ONE,5,{stop},platelet_transfusion,")
        (said,) = [
            one
            for one in outcome.stops[0].answers
            if one.first <= stop and (one.last is None or stop <= one.last)
        ]
        assert recorded.answer.label == said.answer.label
        assert said.later is None or recorded.answer.policy == stop + said.later


def test_a_stop_beside_an_open_day_does_not_settle(tmp_path: Path) -> None:
    """Platelets 60 to day 26 and 52 from day 28 on: day 27 could have been below 50 (see `explain_study`)."""
    labs = [row for row in HEALTHY if row[:2] != ("platelets", 27)]
    labs = [
        (name, day, 60.0 if 20 <= day <= 26 else 52.0 if day > 26 else value)
        if name == "platelets"
        else (name, day, value)
        for name, day, value in labs
    ]
    _, page = explain(tmp_path, LANDMARK, labs, FILGRASTIM)
    assert (
        "a day near the landmark could have been different, and the stop of G-CSF from day 12 is not recorded"
    ) in page
    assert "from day 12 would have settled it" not in page
    assert (
        "the stop of G-CSF from day 12: on day 12 to 19: recovered or not recovered; on day 20 or later:"
        " not recovered"
    ) in page


def test_two_stops_settle_together(tmp_path: Path) -> None:
    """Platelets are free from day 26 on with a stop by day 19, too."""
    support = [FILGRASTIM, "ONE,14,,platelet_transfusion,"]
    outcome, page = explain(tmp_path, LANDMARK, HEALTHY, *support)
    named = "the stops of G-CSF from day 12 and platelet transfusion from day 14"
    assert f"{named} are not recorded" in page
    assert f"{named} together would have settled it, whatever they were" in page
    assert (
        "the stop of G-CSF from day 12: on day 12 to 19: recovered or not recovered; on day 20 or later:"
        " not recovered"
    ) in page
    assert [stop.settles for stop in outcome.stops] == [False, False]


def test_an_earlier_stop_of_support_is_what_would_have_moved_the_day(tmp_path: Path) -> None:
    """The counts were met from day 10 on; only the transfusion on day 5 holds the recovery back to day 12."""
    labs = [("platelets", day, 10.0 if day < 10 else 60.0) for day in range(104)]
    outcome, page = explain(tmp_path, PLATELETS_20, labs, "ONE,5,5,platelet_transfusion,")
    assert "the same platelet count, without platelet transfusion: recovered on day 10" in page
    assert "more day" not in page
    assert outcome.answer.decided


def test_many_transfusions_without_a_stop(tmp_path: Path) -> None:
    support = [f"ONE,{day},,platelet_transfusion," for day in (5, 8, 11, 14, 17)]
    outcome, page = explain(tmp_path, LANDMARK, HEALTHY, *support)
    assert outcome.stops_settle
    assert "together would have settled it, whatever they were" in page


@pytest.mark.parametrize(
    "support",
    [
        ["ONE,12,15,gcsf,filgrastim"],
        ["ONE,29,,gcsf,filgrastim"],
        ["ONE,12,,rbc_transfusion,", "ONE,12,40,gcsf,filgrastim"],
        ["ONE,12,,tpo_ra,"],
    ],
    ids=["recorded", "after the landmark", "not recovered anyhow", "of no concern"],
)
def test_a_stop_that_changes_nothing_is_not_named(tmp_path: Path, support: list[str]) -> None:
    outcome, page = explain(tmp_path, LANDMARK, HEALTHY, *support)
    assert outcome.answer.decided
    assert outcome.stops == ()
    assert "is not recorded" not in page
