"""Explanations at the edges: hardly any rows, values far beyond a cut, days nobody looked at."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
import pytest

from cytopenia import explain_patient
from cytopenia.grading.explain import OutcomeExplanation
from cytopenia.report.explanation_page import render_explanation
from cytopenia.workflow import analyze_study
from explain_study import daily, write_one_patient

Row = tuple[str, int, float]
ASKED = (pl.col("patient_id") == "ONE") & (pl.col("outcome") == "asked")
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_study(labs: Sequence[Row], definition: str, *lines: str, study: str = "") -> Path:
        outcome = "\n".join(["[outcomes.asked]", f'definition = "{definition}"', *lines])
        return write_one_patient(tmp_path, labs, outcome, study=study)

    return write_study


def read_page(folder: Path) -> tuple[OutcomeExplanation, str]:
    explained = explain_patient(folder, "ONE", outcomes=["asked"])
    (outcome,) = [item for item in explained.outcomes if item.name == "asked"]
    return outcome, " ".join(" ".join(render_explanation(explained)).split())


@pytest.mark.parametrize("labs", [[("anc", 3, 0.7)], []], ids=["no white cells", "no rows"])
def test_no_white_cells_to_bound_anything(write: Write, labs: Sequence[Row]) -> None:
    folder = write(
        labs, "ctcae_v5.neutrophil_count_decreased", "window = [0, 28]", study="bound_anc_by_wbc = true"
    )
    outcome, page = read_page(folder)
    assert outcome.answer.policy == (3 if labs else None)
    assert f"{len(labs)} day" in page


def anc(**levels: float) -> list[Row]:
    """2.0 on each of 31 days, but for the spans of `daily`."""
    return [("anc", day, value) for day, value in daily(**levels).items()]


def test_a_value_far_beyond_the_cut_has_a_higher_grade(write: Write) -> None:
    """0.9 is grade 3 of CTCAE, 0.4 is grade 4: below 1 it is grade 3 or higher."""
    _, page = read_page(write(anc(d12=1.2), "ctcae_v5.neutrophil_count_decreased", "window = [0, 28]"))
    assert "one value < 1 ×10⁹/L on any day: grade 3 or higher" in page


def test_a_question_of_yes_or_no_has_no_higher(write: Write) -> None:
    lines = ("window = [0, 28]", "min_grade = 3")
    outcome, page = read_page(write(anc(d12=1.2), "ctcae_v5.neutrophil_count_decreased", *lines))
    assert "one value < 1 ×10⁹/L on any day: yes" in page
    assert [change.or_higher for change in outcome.changes if change.kind == "any_day"] == [False]


def test_more_days_far_beyond_the_cut_have_a_higher_grade(write: Write) -> None:
    """Two days below 50 are grade 1, seven grade 2; one day below 20 is grade 3."""
    rows = [("platelets", day, value * 100) for day, value in daily(d10_11=0.4).items()]
    _, page = read_page(write(rows, "t_icaht_2025.early"))
    assert "5 more days < 50 ×10⁹/L (day 12 to 16): grade 2 or higher" in page
    assert "one value < 20 ×10⁹/L on any day: grade 3" in page


def test_no_value_beyond_a_cut_is_said_to_lower_a_grade(write: Write) -> None:
    """Only 0.05 was measured on days 5 to 11: grade 3. The days before are filled with the first value, and
    one of 0.5 on day 4 moves them up, one of 0.05 does not."""
    rows = [("anc", day, 0.05) for day in range(5, 11)] + [("anc", day, 0.4) for day in range(11, 19)]
    outcome, page = read_page(write([*rows, ("anc", 19, 3.0)], "icaht_2023.early"))
    assert outcome.answer.policy == 3
    assert all(change.answer.policy > 3 for change in outcome.changes if change.kind != "without_row")
    assert "0.5 ×10⁹/L on day" not in page


def test_days_bounded_by_white_cells_stand_in_the_account(write: Write) -> None:
    """White cells alone on 4 of 29 days; no neutrophil count lies near any of them."""
    labs = [*(("wbc", day, 0.4) for day in (3, 5, 7)), ("wbc", 10, 3.0)]
    folder = write(
        labs, "ctcae_v5.neutrophil_count_decreased", "window = [0, 28]", study="bound_anc_by_wbc = true"
    )
    outcome, page = read_page(folder)
    assert outcome.bounded == (0, 4)
    assert (
        "0 days measured; 4 bounded by white cells; 0 unmeasured between near measurements; 25 unmeasured far"
    ) in page


def test_a_day_bounded_between_measurements_is_counted_once(write: Write) -> None:
    """Neutrophils on days 8 and 12, white cells on day 10: days 9 and 11 lie between, 29 - 5 far from any."""
    labs = [("anc", 8, 2.0), ("anc", 12, 2.0), ("wbc", 10, 3.0)]
    folder = write(
        labs, "ctcae_v5.neutrophil_count_decreased", "window = [0, 28]", study="bound_anc_by_wbc = true"
    )
    outcome, page = read_page(folder)
    assert outcome.bounded == (1, 0)
    assert (
        "2 days measured; 1 bounded by white cells; 2 unmeasured between near measurements; 24 unmeasured far"
    ) in page


def test_an_open_day_with_white_cells_could_not_have_been_anything(write: Write) -> None:
    labs = [*(("wbc", day, 0.4) for day in (3, 5, 7)), ("wbc", 10, 3.0)]
    _, page = read_page(write(labs, "icaht_2023.early", study="bound_anc_by_wbc = true"))
    assert ("day 10: not measured; at most the white blood cell count, 3 ×10⁹/L, row 5") in page


def test_a_grade_that_rests_on_a_single_value_says_how_many_days_were_not_seen(write: Write) -> None:
    """Days 31 to 100 are 70; one of them was measured."""
    outcome, page = read_page(write([("anc", 40, 2.0)], "icaht_2023.late"))
    assert (outcome.answer.policy, outcome.answer.decided) == (0, True)
    assert "grade 0, decided by 1 measured day alone; 69 days were not seen" in page
    assert "the same in the best and in the worst case" not in page


def test_a_low_value_that_no_second_confirms_is_named(write: Write) -> None:
    """Late ICAHT asks for two days of at most 1.5; there is one, 25 days after a healthy one."""
    outcome, page = read_page(write([("anc", 40, 2.0), ("anc", 65, 0.05)], "icaht_2023.late"))
    assert (outcome.answer.policy, outcome.answer.decided) == (0, True)
    assert "Unconfirmed 1 measured day ≤ 1.5 ×10⁹/L, and the definition asks for 2" in page
    assert "day 65: 0.05 ×10⁹/L, row 3" in page


def test_a_confirmed_grade_has_nothing_unconfirmed(write: Write) -> None:
    outcome, page = read_page(write([("anc", 40, 0.4), ("anc", 65, 0.05)], "icaht_2023.late"))
    assert outcome.answer.policy == 4
    assert "Unconfirmed" not in page


def test_a_grade_of_few_days_says_how_many_were_not_seen(write: Write) -> None:
    """2.0 on days 5 and 9, 0.9 on day 20: three days between 5 and 9, 23 of 29 far from any."""
    labs = [("anc", 5, 2.0), ("anc", 9, 2.0), ("anc", 20, 0.9)]
    outcome, page = read_page(
        write(labs, "ctcae_v5.neutrophil_count_decreased", "window = [0, 28]", "min_grade = 4")
    )
    assert (outcome.answer.policy, outcome.answer.decided) == (0, True)
    assert "no, decided by 3 measured days and 3 between them; 23 days were not seen" in page


def test_a_value_that_leaves_the_outcome_without_a_judgment(write: Write) -> None:
    """A single low value is not judged by late ICAHT."""
    _, page = read_page(write([("anc", 40, 2.0)], "icaht_2023.late", "min_grade = 3"))
    assert "one value ≤ 0.5 ×10⁹/L on day 40: not judged" in page
    assert "not judged by the rule" not in page


PLATELETS = [("platelets", day, 10.0 if day < 10 else 60.0) for day in range(104)]


def test_a_day_of_recovery_one_day_earlier_and_later(write: Write) -> None:
    """10 on days 0 to 9, 60 from day 10 on. 20 on day 9 as well makes days 9 to 11 the first three; a value
    below 20 on day 10, 11 or 12 starts the three on the day after it."""
    outcome, page = read_page(write(PLATELETS, "cibmtr_platelet_recovery_20"))
    assert (outcome.answer.policy, outcome.answer.decided) == (10, True)
    assert "1 more day ≥ 20 ×10⁹/L (day 9): recovered on day 9" in page
    for day in (10, 11, 12):
        assert f"one value < 20 ×10⁹/L on day {day}: recovered on day {day + 1}" in page


def test_every_value_moves_a_day_of_recovery_as_said(write: Write) -> None:
    """Values drawn at random, each day its own, through the file and the whole run."""
    draw = random.Random(3)
    outcome, _ = read_page(write(PLATELETS, "cibmtr_platelet_recovery_20"))
    assert len(outcome.changes) == 4
    for change in outcome.changes:
        cut = change.cut or 0.0
        ends = (0.0, cut * 0.999) if change.comparator == "below" else (cut, 500.0)
        values = {("platelets", day): draw.uniform(*ends) for day in change.days}
        rows = [(name, day, values.get((name, day), value)) for name, day, value in PLATELETS]
        outcomes = analyze_study(write(rows, "cibmtr_platelet_recovery_20")).outcomes
        moved = outcomes.row(by_predicate=ASKED, named=True)
        assert (moved["policy"], moved["label"]) == (change.answer.policy, change.answer.label)


def test_two_values_far_apart_do_not_stand_for_the_days_between(write: Write) -> None:
    """Late T-ICAHT wants two low values: with two healthy ones it is 0, with 68 days not seen."""
    outcome, page = read_page(
        write([("platelets", 40, 150.0), ("platelets", 70, 150.0)], "t_icaht_2025.late")
    )
    assert (outcome.answer.policy, outcome.answer.decided) == (0, True)
    assert "grade 0, decided by 2 measured days; 68 days were not seen" in page


def test_what_a_day_of_recovery_would_have_needed(write: Write) -> None:
    rows = [("platelets", day, 10.0) for day in range(104)]
    outcome, page = read_page(write(rows, "cibmtr_platelet_recovery_20"))
    assert outcome.answer.label == "not recovered"
    assert "platelet count ≥ 20 ×10⁹/L on day 98 to 100: recovered on day 98" in page


def test_where_changed_by_is_not_asked_the_page_says_so(write: Write) -> None:
    _, page = read_page(write(anc(d12=0.4), "rejeski_2021_phenotypes"))
    assert "Changed by not asked for phenotypes" in page


ONLY = "no neutrophil count in the window: white cells alone show only the least grade it can be"
SEVERE = ("ctcae_v4.neutrophil_count_decreased", "window = [0, 28]", "min_grade = 3")


def white(**levels: float) -> list[Row]:
    return [("wbc", day, value) for day, value in daily(**levels).items()]


@pytest.mark.parametrize("labs", [white(d6_9=1.4), white(), []], ids=["graded", "healthy", "no rows"])
def test_without_a_neutrophil_count_no_single_value_settles_the_window(write: Write, labs: list[Row]) -> None:
    """One count on one of 29 days says nothing of the other 28."""
    outcome, page = read_page(write(labs, *SEVERE, study="bound_anc_by_wbc = true"))
    assert (outcome.answer.policy, outcome.answer.best, outcome.answer.worst) == (None, 0, 1)
    assert outcome.row["reason"] == (ONLY if labs else "no measurement in the window")
    assert not any(item.settles for item in outcome.settling)
    assert "would have settled it, whatever it was" not in page
    assert "no single further value would have settled it" not in page
    assert "single values were not tried: no neutrophil count lies in the window" in page


def test_severe_neutropenia_proven_by_white_cells_alone_names_their_days(write: Write) -> None:
    """At most 0.9 on days 6 to 9: grade 3 or 4 for certain."""
    outcome, page = read_page(write(white(d6_9=0.9), *SEVERE, study="bound_anc_by_wbc = true"))
    assert (outcome.answer.policy, outcome.answer.decided) == (1, True)
    assert [(day.day, day.state) for day in outcome.days] == [(day, "wbc_bound") for day in range(6, 10)]
    assert "day 6: not measured; at most the white blood cell count, 0.9" in page


def test_severe_icaht_proven_by_white_cells_alone_names_their_days(write: Write) -> None:
    """At most 0.05 on days 6 to 13: at most 0.1 on eight days, grade 3 for certain and perhaps 4."""
    study = "bound_anc_by_wbc = true"
    outcome, page = read_page(write(white(d6_13=0.05), "icaht_2023.early", "min_grade = 3", study=study))
    assert (outcome.answer.policy, outcome.answer.decided, outcome.row["first_day"]) == (1, True, 6)
    assert "Not met" not in page
    assert "Rule grade 3: at most 0.1 ×10⁹/L on 7 days or more" in page
    assert [day.day for day in outcome.days if day.role == "decides"] == list(range(6, 14))


def test_neutrophils_above_the_white_cells_of_a_day_are_named(command, tmp_path: Path) -> None:
    """White cells of 0.2 and neutrophils of 1.6 on days 6 and 7: rows 14 to 17. Day 30 is out."""
    counts = {day: (1.6, 0.2) if day in (6, 7, 30) else (3, 5) for day in (*range(12), 30)}
    rows = [
        f"K,{day},{name},{value},10^9/L"
        for day, pair in counts.items()
        for name, value in zip(("anc", "wbc"), pair, strict=True)
    ]
    (tmp_path / "labs.csv").write_text("patient_id,day,analyte,value,unit\n" + "\n".join(rows), "utf-8")
    (tmp_path / "events.csv").write_text("patient_id,day,kind\nK,100,last_contact\n", "utf-8")
    outcomes = "\n".join(
        f'[outcomes.{name}]\ndefinition = "ctcae_v5.{part}"\nmin_grade = 3\nwindow = [0, 28]'
        for name, part in {"anc": "neutrophil_count_decreased", "hb": "anemia"}.items()
    )
    asked = '[[analyses]]\nid = "o"\nkind = "occurrence"\noutcomes = ["anc", "hb"]\n'
    study = (
        f'[study]\ntitle = "t"\nseed = 1\nbound_anc_by_wbc = true\n[data]\nfolder = "."\n{outcomes}\n{asked}'
    )
    (tmp_path / "study.toml").write_text(study, "utf-8")
    told = "Conflict neutrophils above the white cells of the same day on day 6 and 7, rows 14 to 17; one of"
    pages = {name: command("explain", tmp_path, "K", "--outcome", name) for name in ("anc", "hb")}
    assert told in " ".join(pages["anc"].out.split())
    assert "Conflict" not in pages["hb"].out
