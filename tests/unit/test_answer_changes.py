"""Why an answer changes: one invented patient for each reason, with counts typed by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from cytopenia.contract import require_tables
from cytopenia.readers.sources import read_tables
from cytopenia.study.protocol import read_protocol
from cytopenia.study.run import StudyRun, run_plan
from side_by_side_files import HEAD, OUTCOMES, write_courses

MORE = """
[outcomes.emergent]
title = "New by version 5"
definition = "ctcae_v5.neutrophil_count_decreased"
min_grade = 3
window = [0, 28]
treatment_emergent = true

[outcomes.cumulative]
title = "By ICAHT, added up"
definition = "icaht_2023_cumulative.early"
min_grade = 2

[outcomes.icaht_late]
title = "By late ICAHT"
definition = "icaht_2023.late"
min_grade = 2

[outcomes.day_28]
title = "On day 28"
definition = "wang_2021_prolonged.neutropenia"
min_grade = 1

[outcomes.anemia]
title = "Anemia"
definition = "ctcae_v5.anemia"
min_grade = 3
window = [0, 28]

[outcomes.any]
title = "Any"
any_of = ["v5", "anemia"]

[outcomes.recovery]
title = "Recovery"
definition = "qiu2023_recovery"
died_before_landmark = "exclude"
"""
ALIVE = [("P", 200, "last_contact")]
DAILY = {-6: 3.0, **dict.fromkeys(range(31), 2.0), **dict.fromkeys(range(31, 61, 2), 2.0)}


def run(
    folder: Path,
    outcomes: str,
    course: Mapping[int, float | str],
    events: Sequence[tuple[str, int, str]] = ALIVE,
    *,
    more: str = "",
    outcomes_too: str = "",
) -> StudyRun:
    """Run two definitions on one patient P, beside one whose counts are always normal."""
    analysis = f'\n[[analyses]]\nid = "sides"\nkind = "definitions"\noutcomes = [{outcomes}]\n{more}\n'
    courses = {"P": course, "Z": DAILY}
    write_courses(
        folder,
        HEAD + OUTCOMES + MORE + outcomes_too + analysis,
        courses,
        [*events, ("Z", 200, "last_contact")],
    )
    study = read_protocol(folder)
    return run_plan(study, require_tables(read_tables(study.data_folder, study.protocol.data)))


def explain(run: StudyRun) -> tuple[str, str, str]:
    """Change, reason and detail of the patient."""
    (row,) = run.changes.filter(patient_id="P").iter_rows(named=True)
    return row["change"], row["reason"], row["detail"]


def test_what_was_there_before_treatment(tmp_path: Path) -> None:
    course = {**DAILY, **dict.fromkeys(range(-10, 10), 0.8)}
    change, reason, detail = explain(run(tmp_path, '"v5", "emergent"', course))
    assert (change, reason) == ("event to no event", "was there before treatment")
    assert detail.endswith("New by version 5 counts only what is worse than at baseline")


def test_a_day_that_does_not_count_there(tmp_path: Path) -> None:
    """0.4 meets both cuts on days 51 and 53, but late ICAHT stops at progression on day 45."""
    course = {**DAILY, 51: 0.4, 53: 0.4}
    found = run(tmp_path, '"late", "icaht_late"', course, [*ALIVE, ("P", 45, "progression")])
    assert explain(found) == (
        "event to no event",
        "the day does not count there",
        "day 51: 0.4 ×10⁹/L is below 1 ×10⁹/L; the day does not count under By late ICAHT",
    )


def test_the_value_of_a_landmark_has_another_cut(tmp_path: Path) -> None:
    """0.7 on day 28 is below 1.0, not below 0.5."""
    found = run(tmp_path, '"v5", "day_28"', {**DAILY, 28: 0.7})
    assert explain(found) == (
        "event to no event",
        "another cut",
        "day 28: 0.7 ×10⁹/L is below 1 ×10⁹/L, not below 0.5 ×10⁹/L",
    )


def test_another_value_stands_for_the_landmark(tmp_path: Path) -> None:
    """0.4 on day 26 meets both cuts, but the value of day 28 is 2.0."""
    change, reason, detail = explain(run(tmp_path, '"v5", "day_28"', {**DAILY, 26: 0.4}))
    assert (change, reason) == ("event to no event", "the day does not count there")
    assert detail == "day 26: 0.4 ×10⁹/L is below 1 ×10⁹/L; the day does not count under On day 28"


OWN = """id = "long"
kind = "grades"
title = "A week"
version = "1"
status = "assumed"

[citation]
text = "Typed for this test"

[neutropenia]
title = "A week below"
analyte = "anc"
unit = "1e9/L"
window = [0, 30]
grades = [{ grade = 1, at_most = 0.5, days = 7, text = "7 days" }]

[neutropenia.counting]
status = "assumed"
days = "longest_episode"
"""
WEEK = """
[outcomes.week]
definition = "long.neutropenia"
min_grade = 1
"""


def test_too_few_days_for_a_definition_without_a_scale(tmp_path: Path) -> None:
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / "long.toml").write_text(OWN, encoding="utf-8")
    found = run(tmp_path, '"v5", "week"', {**DAILY, 5: 0.3, 6: 0.3}, outcomes_too=WEEK)
    assert explain(found) == (
        "event to no event",
        "days are counted, and there are too few",
        "day 5: 0.3 ×10⁹/L is below 1 ×10⁹/L; A week below asks for at most 0.5 ×10⁹/L on 7 days or more",
    )


def test_days_counted_in_another_way(tmp_path: Path) -> None:
    """4 days, 5 days above, 4 days: the longest episode has 4 (grade 1), together they are 8 (grade 2)."""
    course = {**DAILY, **dict.fromkeys((3, 4, 5, 6, 12, 13, 14, 15), 0.4)}
    change, reason, detail = explain(run(tmp_path, '"icaht", "cumulative"', course))
    assert (change, reason) == ("no event to event", "days are counted in another way")
    assert "By ICAHT: grade 1 (ANC <=500/uL for <7 days), grade 2 is asked for" in detail


def test_another_lineage(tmp_path: Path) -> None:
    """Hemoglobin was never measured: the neutrophils make the answer of the combination."""
    course = {**DAILY, 12: 0.7}
    change, reason, detail = explain(run(tmp_path, '"any", "v6"', course))
    assert (change, reason) == ("event to no event", "another lineage or another criterion")
    assert detail.startswith("Any: ctcae_v5.neutrophil_count_decreased")
    assert detail.endswith("; By version 6: no")


def test_who_died_before_the_landmark(tmp_path: Path) -> None:
    course = {day: value for day, value in DAILY.items() if day < 20}
    found = run(
        tmp_path,
        '"v5", "recovery"',
        course,
        [("P", 20, "death")],
        more='events = { recovery = "not_recovered" }',
    )
    assert explain(found) == (
        "no event to died before landmark",
        "died before the landmark of one of the two",
        "Recovery: died before the landmark",
    )
    assert found.answers.filter(patient_id="P")["answer"].to_list() == ["no event", "died before landmark"]
    rows = found.results.filter(analysis_id="sides", group="events", variable="recovery", scenario="policy")
    values = dict(zip(rows["estimate"], rows["value"], strict=True))
    # Z has neither hemoglobin nor platelets; P is left out of the denominator.
    assert [values[name] for name in ("count", "denominator", "not_judged", "died_before_landmark")] == [
        0,
        1,
        1,
        1,
    ]


def test_a_value_reported_as_a_limit_is_not_said_to_be_above_a_cut(tmp_path: Path) -> None:
    course = {**DAILY, 12: "<0.6"}
    change, reason, detail = explain(run(tmp_path, '"v5", "icaht"', course))
    assert (change, reason) == ("event to no event", "another cut")
    assert detail.startswith(
        "day 12: a value between 0 and 0.6 ×10⁹/L is below 1 ×10⁹/L,"
        " not known to be at most 0.5 ×10⁹/L on 7 days or more"
    )


def test_an_open_answer_is_said_to_be_open(tmp_path: Path) -> None:
    """1.2 on days 7 and 14: a day between can have been 0.8, below 1.0 for version 5, not below 0.5."""
    course = {-6: 3.0, 0: 2.0, 7: 1.2, 14: 1.2, 21: 2.0, 28: 2.0}
    found = run(tmp_path, '"v5", "v6"', course)
    change, _, detail = explain(found)
    assert change == "grade only"
    assert detail.endswith(
        "undecided under By version 5 (an unmeasured day between measurements could have been worse)"
    )
    open_ones = found.answers.filter(patient_id="P")
    assert dict(zip(open_ones["outcome"], open_ones["is_open"], strict=True)) == {"v5": True, "v6": False}


def test_the_event_can_be_the_other_side(tmp_path: Path) -> None:
    """With "no" as event of version 6, P1 of the first case has both events and differs in neither."""
    found = run(tmp_path, '"v5", "v6"', {**DAILY, 12: 0.7}, more='events = { v6 = "no" }')
    words = dict(zip(found.answers["outcome"], found.answers.filter(patient_id="P")["answer"], strict=False))
    assert set(words.values()) == {"event"}
    normal = found.changes.filter(patient_id="Z")
    assert normal["change"].to_list() == ["no event to event"]
    assert normal["reason"].to_list() == ["another lineage or another criterion"]


def test_two_definitions_that_agree_change_nobody(tmp_path: Path) -> None:
    found = run(tmp_path, '"v5", "v6"', DAILY)
    assert found.changes.is_empty()
    kappa = found.results.filter(analysis_id="sides", estimate="kappa")
    assert kappa.select("value", "status", "note").row(0) == (
        None,
        "not_estimable",
        "every patient has the same answer under both",
    )


def test_without_factors_there_is_no_model(tmp_path: Path) -> None:
    groups = set(run(tmp_path, '"v5", "v6"', DAILY).results.filter(pl.col("analysis_id") == "sides")["group"])
    assert groups == {"events", "agreement", "grades"}


def test_too_few_events_are_described_only(tmp_path: Path) -> None:
    """By default no model is fitted below ten events: the row says so."""
    found = run(tmp_path, '"v5", "v6"', {**DAILY, 12: 0.7}, more='factors = ["sex"]')
    rows = found.results.filter(analysis_id="sides", group="univariable")
    assert set(rows["status"]) == {"not_done"}
    assert set(rows["note"]) == {
        "1 patient in the smaller group: factors are described only below 10",
        "0 patients in the smaller group: factors are described only below 10",
    }
