"""Explanations that rest on white cells alone, days after the last contact, and windows nobody looked at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cytopenia import explain_patient
from cytopenia.grading.explain import OutcomeExplanation
from cytopenia.report.explanation_page import render_explanation
from explain_study import write_one_patient

Row = tuple[str, int, float]
STUDY = "bound_anc_by_wbc = true"
WHITE = [("wbc", day, 0.3 if 5 < day < 13 else 4.0) for day in range(29)]
GRADE = ("ctcae_v6.neutrophil_count_decreased", "window = [0, 28]")
WHITE_CELLS = "rests on white cell counts, which neutrophils cannot exceed"


def explain(
    folder: Path, labs: Sequence[Row], definition: str, *lines: str, last: int = 200
) -> tuple[OutcomeExplanation, str]:
    outcome = "\n".join(["[outcomes.asked]", f'definition = "{definition}"', *lines])
    write_one_patient(folder, labs, outcome, study=STUDY)
    events = f"patient_id,day,kind\nONE,{last},last_contact\nTWO,200,last_contact\n"
    (folder / "events.csv").write_text(events, encoding="utf-8")
    explained = explain_patient(folder, "ONE", outcomes=["asked"])
    return explained.outcomes[0], " ".join(" ".join(render_explanation(explained, width=400)).split())


def list_unsettled(outcome: OutcomeExplanation) -> list[int]:
    return [day.day for day in outcome.days if day.role == "would settle"]


def test_a_recovery_open_at_last_contact_is_censored_and_not_called_unrecovered(tmp_path: Path) -> None:
    """15 on day 41, 39 on day 45, last contact day 47: values on days 46 and 47 would make three in a row.
    One on day 47 makes two at most, and the follow-up ends: censored, whatever it was."""
    counts = {0: 90.0, 7: 40.0, 14: 15.0, 21: 12.0, 28: 12.0, 35: 15.0, 41: 15.0, 45: 39.0}
    labs = [("platelets", day, value) for day, value in counts.items()]
    outcome, page = explain(tmp_path, labs, "cibmtr_platelet_recovery_20", last=47)
    assert outcome.answer.label == "censored"
    assert {item.day for item in outcome.settling} <= {46, 47}
    assert "a platelet count on day 47 would have settled it, whatever it was: any value: censored" in page
    assert "not recovered" not in page
    assert "day 46 and 47: not measured, no later measurement: could be anything" in page


def test_no_value_is_tried_after_the_last_contact(tmp_path: Path) -> None:
    outcome, _ = explain(
        tmp_path, [("platelets", 20, 60.0)], "qiu2023_recovery", "died_before_landmark = 'exclude'", last=27
    )
    tried = {item.day for item in outcome.settling} | {day for _, day in outcome.together}
    assert max(tried, default=0) <= 27


def test_a_day_known_by_white_cells_can_decide_and_be_unsettled(tmp_path: Path) -> None:
    """0.1 is grade 3 and not 4; at most 0.4 on day 4 is grade 3 for certain and may be below 0.1."""
    labs = [("anc", day, 0.1) for day in (1, 2, 3, 5, 6, 7)] + [("wbc", 4, 0.4)]
    outcome, page = explain(tmp_path, labs, *GRADE)
    assert [day.day for day in outcome.days if day.role == "decides"] == [1, 2, 3, 4, 5, 6, 7]
    assert list_unsettled(outcome) == [4]
    assert "Unsettled day 4: not measured, plausible from" in page


def test_days_that_would_settle_together_hold_those_known_by_white_cells(tmp_path: Path) -> None:
    labs = [("anc", 0, 0.5), ("anc", 8, 0.2), ("anc", 12, 0.3), ("wbc", 4, 0.4)]
    outcome, page = explain(tmp_path, labs, *GRADE)
    assert [day for _, day in outcome.together] == list(range(1, 8))
    assert "all of these together would have: neutrophil count on day 1 to 7" in page


def test_white_cells_alone_name_the_rule_that_they_meet(tmp_path: Path) -> None:
    """At most 0.3 is below 0.5 (grade 3), perhaps below 0.1 (grade 4)."""
    outcome, page = explain(tmp_path, WHITE, *GRADE)
    assert "Rule grade 3: below 0.5" in page
    assert f"Evidence open: {WHITE_CELLS}" in page
    assert list_unsettled(outcome) == list(range(29))
    assert "single values were not tried: no neutrophil count lies in the window" in page
    assert "no single further value" not in page
    assert "far from any measurement" not in page


def test_white_cells_alone_name_the_rule_of_days_that_they_meet(tmp_path: Path) -> None:
    """At most 0.3 on days 6 to 12, which are seven."""
    _, page = explain(tmp_path, WHITE, "icaht_2023.early")
    assert "Rule grade 2: at most 0.5 ×10⁹/L on 7 days or more" in page


def test_a_question_that_white_cells_answer_rests_on_them(tmp_path: Path) -> None:
    lines = ("ctcae_v5.neutrophil_count_decreased", "min_grade = 3", "window = [0, 28]")
    outcome, page = explain(tmp_path, WHITE, *lines)
    assert (outcome.answer.policy, outcome.row["evidence"]) == (1, "measured")
    assert f"Evidence measured: {WHITE_CELLS}" in page


def test_a_window_with_white_cells_alone_names_its_days(tmp_path: Path) -> None:
    outcome, _ = explain(tmp_path, [("wbc", 30, 5.0)], "fried_2019_prolonged.neutropenia", "min_grade = 1")
    assert list_unsettled(outcome) == list(range(22, 101))


def test_a_fever_without_temperatures_names_the_days_no_count_excludes(tmp_path: Path) -> None:
    """Counts of 3.0 on days 0 to 5 and 10 to 28; the count of day 5 speaks for day 6 as well."""
    labs = [("anc", day, 0.4 if day == 8 else 3.0) for day in range(29) if day not in (6, 7, 9)]
    outcome, page = explain(tmp_path, labs, "ctcae_v5_febrile_neutropenia", "window = [0, 28]")
    assert list_unsettled(outcome) == [7, 8, 9]
    assert len(list_unsettled(outcome)) == outcome.row["days_open"]
    assert "Unsettled body temperature, day 7 to 9: not measured" in page
