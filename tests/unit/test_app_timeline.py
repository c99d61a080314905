"""The timeline of a patient: what each day says, where its marks stand, and the table beside it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from cytopenia.app.day_words import list_day_rows, say_day, say_left_out
from cytopenia.app.texts import make_say
from cytopenia.app.timeline import LEFT, PANEL, PLOT, TITLE, Timeline, lay_out_timeline
from cytopenia.grading.explain import (
    AnalyteSeries,
    CourseEvent,
    CutLine,
    LeftOut,
    Measurement,
    PatientExplanation,
    SeriesDay,
    SupportCourse,
)
from cytopenia.study.counterfactuals import keep_patient
from cytopenia.study.explain import explain_in_study
from cytopenia.study.outline import outline_patient
from cytopenia.study.protocol import read_protocol
from cytopenia.workflow import read_study_tables
from explain_study import NEUTROPHILS, write_explain_study

SAY = make_say("en")


def measure(day: int, value: float, comparator: str = "=", analyte: str = "anc") -> Measurement:
    return Measurement(analyte=analyte, day=day, value=value, comparator=comparator, source_row=day + 100)


def make_day(day: int, state: str, **given: object) -> SeriesDay:
    nothing = {"low": None, "high": None, "filled": None, "measurement": None}
    return SeriesDay(day=day, state=state, **{**nothing, **given})  # type: ignore[arg-type]


DAYS = (
    make_day(-1, "open"),
    make_day(0, "measured", measurement=measure(0, 1.0)),
    make_day(1, "measured", measurement=measure(1, 0.1, "<")),
    make_day(2, "short_gap", low=0.2, high=0.8, filled=0.4),
    make_day(3, "short_gap", low=0.2),
    make_day(4, "wbc_bound", low=0.0, high=0.9, measurement=measure(4, 0.9, analyte="wbc")),
    make_day(5, "measured", measurement=measure(5, 10.0, ">")),
    make_day(6, "after_death"),
    make_day(7, "not_needed"),
)
DROPPED = LeftOut(analyte="anc", day=7, value=3.0, comparator="=", source_row=9, reason="unit not known")


def make_patient(**given: object) -> PatientExplanation:
    series = AnalyteSeries(
        analyte="anc",
        title="Absolute neutrophil count",
        unit="10^9/L",
        days=DAYS,
        left_out=(DROPPED,),
        cuts=(CutLine(value=1.0, label="grade 3"), CutLine(value=0.99, label="recovery")),
        windows=(),
    )
    course: dict[str, object] = {
        "study": "Typed",
        "synthetic": True,
        "patient_id": "ONE",
        "lymphodepletion_day": -3,
        "last_contact_day": None,
        "death_day": 5,
        "second_infusion_day": None,
        "support": (
            SupportCourse(kind="gcsf", start=1, stop=3, agent=None),
            SupportCourse(kind="rbc_transfusion", start=4, stop=None, agent=None),
        ),
        "events": (CourseEvent(kind="crs", day=2, grade=3.0), CourseEvent(kind="icans", day=2, grade=None)),
        "outcomes": (),
        "series": (series,),
    }
    return PatientExplanation(**{**course, **given})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (-1, "not measured, and far from any measurement: open"),
        (0, "1 ×10⁹/L, measured, row 100"),
        (1, "<0.1 ×10⁹/L, measured, row 101"),
        (2, "not measured; near measurements leave 0.2 ×10⁹/L to 0.8 ×10⁹/L; a definition takes 0.4 ×10⁹/L"),
        (3, "not measured; near measurements leave 0.2 ×10⁹/L or more"),
        (4, "not measured; the white cells, 0.9 ×10⁹/L, row 104, bound it from above"),
        (6, ""),
        (7, ""),
    ],
)
def test_what_a_day_says(day: int, words: str) -> None:
    (series,) = make_patient().series
    (found,) = [one for one in series.days if one.day == day]
    assert say_day(series, found, SAY) == words


def test_what_was_not_judged_says_why() -> None:
    assert say_left_out(DROPPED, SAY) == "3 ×10⁹/L, row 9, not judged: unit not known"


def test_the_table_has_every_day_on_which_anything_is_known() -> None:
    rows = {row.day: row for row in list_day_rows(make_patient(), SAY)}
    assert list(rows) == [-1, 0, 1, 2, 3, 4, 5, 7]
    assert rows[2].support == "G-CSF"
    assert rows[2].toxicity == "CRS grade 3; ICANS"
    assert rows[4].support == "red cell transfusion from this day, stop not recorded"
    assert rows[5].support == ""
    assert rows[7].counts == ("3 ×10⁹/L, row 9, not judged: unit not known",)


@pytest.fixture
def timeline() -> Timeline:
    return lay_out_timeline(make_patient(), SAY)


# From the first day of lymphodepletion, -3, to day 7: 11 days over 700 points.
def test_days_stand_where_they_belong(timeline: Timeline) -> None:
    assert timeline.day_width == 63.64
    places = dict(timeline.days)
    assert list(places) == list(range(-3, 8))
    assert (places[-3], places[7]) == (31.82, 668.18)
    assert timeline.zero == places[0] == 222.73
    assert timeline.width == LEFT + PLOT + 190


def test_marks_are_those_of_the_printed_timeline(timeline: Timeline) -> None:
    (panel,) = timeline.panels
    marks = {
        spot.day: (spot.shape, spot.is_open, spot.taken is not None, spot.low is not None)
        for spot in panel.spots
    }
    assert marks == {
        -1: ("", True, False, False),
        0: ("dot", False, False, False),
        1: ("down", False, False, False),
        2: ("", False, True, True),
        3: ("", False, False, True),
        4: ("hollow_down", False, False, True),
        5: ("up", False, False, False),
        7: ("cross", False, False, False),
    }
    assert all(spot.label.startswith("Absolute neutrophil count, day ") for spot in panel.spots)
    assert panel.spots[0].label.startswith("Absolute neutrophil count, day −1: not measured")


def test_the_key_names_what_is_drawn_and_nothing_else(timeline: Timeline) -> None:
    shapes = {"dot", "down", "up", "hollow_down", "cross"}
    assert timeline.kinds == shapes | {"taken", "between", "open"}
    (series,) = make_patient().series
    plain = replace(series, days=DAYS[1:3], left_out=())
    assert lay_out_timeline(make_patient(series=(plain,)), SAY).kinds == {"dot", "down"}


# Five days, from 0 to 4, each 140 of the 700 points wide; no line crosses the day that is open.
def test_no_line_goes_through_an_open_day() -> None:
    (series,) = make_patient().series
    values = {0: 1.0, 1: 1.0, 3: 1.0, 4: 1.0}
    days = tuple(
        make_day(day, "measured", measurement=measure(day, values[day]))
        if day in values
        else make_day(day, "open")
        for day in range(5)
    )
    course = make_patient(series=(replace(series, days=days, left_out=()),), lymphodepletion_day=None)
    (panel,) = lay_out_timeline(course, SAY).panels
    places = [[point.partition(",")[0] for point in line.split()] for line in panel.lines]
    assert places == [["70.0", "210.0"], ["490.0", "630.0"]]


# The scale is that of the printed figure: from the least value / 1.5 to the highest x 1.4, in logarithms.
# log(14 / 1) / log(14 / (0.1 / 1.5)) = 2.63906 / 5.34711 = 0.493549 of 136 points from the top.
def test_values_stand_where_they_belong(timeline: Timeline) -> None:
    (panel,) = timeline.panels
    spots = {spot.day: spot for spot in panel.spots}
    assert spots[0].y == pytest.approx(TITLE + 0.493549 * PANEL, abs=0.01)
    assert panel.cuts[1][0] == spots[0].y
    assert spots[3].high == TITLE
    # The names of cuts that lie side by side are moved apart.
    assert panel.cuts[0][1] - panel.cuts[1][1] == pytest.approx(13)
    assert panel.cuts[1][2] == "1  grade 3"


def test_support_and_toxicity_have_lanes(timeline: Timeline) -> None:
    told = {lane.label: [(bar.words, bar.text, bar.look) for bar in lane.bars] for lane in timeline.lanes}
    assert told == {
        "G-CSF": [("G-CSF, day 1 to 3", "", "support")],
        "Red cells": [("Red cells from day 4, stop not recorded", "?", "support")],
        "CRS": [("CRS grade 3 on day 2", "3", "grade3")],
        "ICANS": [("ICANS on day 2, grade not recorded", "?", "grade0")],
    }


def test_the_course_is_over_after_the_day_of_death(timeline: Timeline) -> None:
    ((left, words),) = timeline.over
    # Day 6 is the tenth of the days.
    assert left == pytest.approx(9 * 700 / 11, abs=0.01)
    assert words == "death on day 5"
    (second,) = lay_out_timeline(make_patient(death_day=None, second_infusion_day=5), SAY).over
    assert second[0] == pytest.approx(8 * 700 / 11, abs=0.01)


def test_a_patient_without_counts_has_an_empty_timeline() -> None:
    empty = lay_out_timeline(make_patient(series=(), support=(), events=(), lymphodepletion_day=None), SAY)
    assert empty.panels == empty.lanes == ()


def test_a_zero_stands_on_the_lower_edge() -> None:
    (series,) = make_patient().series
    days = (make_day(0, "measured", measurement=measure(0, 0.0)), DAYS[1])
    zero = lay_out_timeline(make_patient(series=(replace(series, days=days, left_out=()),)), SAY)
    assert zero.panels[0].spots[0].shape == "down"
    assert zero.panels[0].spots[0].y == TITLE + PANEL


@pytest.mark.long
def test_a_patient_at_a_glance_is_the_patient_explained(tmp_path: Path) -> None:
    study = read_protocol(write_explain_study(tmp_path))
    tables = read_study_tables(study)
    for name in NEUTROPHILS:
        own = keep_patient(tables, name)
        explained, outline = explain_in_study(study, tables, name), outline_patient(study, own, name)
        assert outline.explained == replace(explained, outcomes=())
        told = [(one.name, one.title, one.kind, one.window, one.answer) for one in outline.answers]
        assert told == [(one.name, one.title, one.kind, one.window, one.answer) for one in explained.outcomes]
        assert explain_in_study(study, own, name) == explained


def test_no_text_of_these_pages_is_without_use() -> None:
    app = Path(__file__).parents[2] / "src" / "cytopenia" / "app"
    used = "".join(
        file.read_text("utf-8")
        for folder in (app, app / "templates")
        for file in folder.iterdir()
        if file.is_file()
    )
    texts = (app / "texts" / "en.toml").read_text("utf-8")
    for section in ("cohort", "patient"):
        part = texts.partition(f"[{section}]")[2].partition("\n[")[0]
        for key in re.findall(r'^"?(\w+)', part, re.MULTILINE):
            made = key.startswith(("key_", "case_"))
            assert made or f"{section}.{key}" in used, key
