"""What is known of each day of a patient: measured, as a limit, by white cells; typed by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from cytopenia.app.coverage_map import lay_out_map
from cytopenia.check_file import describe_checked
from cytopenia.study.coverage_marks import mark_days
from cytopenia.study_tables import read_checked

# Synthetic: an invented patient. Neutrophils on days 0, 1 (as a limit), 2 (both), 6; white cells on 0, 4.
LABS = """patient_id,day,analyte,value,unit
P1,0,ANC,2.0,10^9/L
P1,0,WBC,4.0,10^9/L
P1,1,ANC,<0.1,10^9/L
P1,2,ANC,<0.1,10^9/L
P1,2,ANC,0.2,10^9/L
P1,4,WBC,0.3,10^9/L
P1,6,ANC,0.5,10^9/L
"""
STUDY = """[study]
title = "One invented patient"
seed = 1
bound_anc_by_wbc = {caps}
[data]
[[analyses]]
id = "how_many"
kind = "occurrence"
outcomes = ["low"]
[outcomes.low]
definition = "ctcae_v4.neutrophil_count_decreased"
window = [0, 8]
"""


def read_marks(folder: Path, *, caps: bool) -> dict[int, str]:
    (folder / "labs.csv").write_text(LABS, encoding="utf-8")
    (folder / "study.toml").write_text(STUDY.format(caps=str(caps).lower()), encoding="utf-8")
    checked = read_checked(folder / "study.toml")
    quality = describe_checked(checked).quality
    marks = mark_days(quality, checked.tables, use_caps=caps).sort("day")
    own = marks.filter(marks["analyte"] == "anc")
    return dict(own.select("day", "mark").iter_rows())


@pytest.mark.parametrize(("caps", "fourth"), [(True, "white"), (False, "short_gap")])
def test_each_day_has_the_mark_that_its_values_allow(tmp_path: Path, *, caps: bool, fourth: str) -> None:
    marks = read_marks(tmp_path, caps=caps)
    told = {day: marks[day] for day in (0, 1, 2, 3, 4, 5, 6)}
    assert told == {
        0: "measured",
        1: "limit",
        2: "measured",
        3: "short_gap",
        4: fourth,
        5: "short_gap",
        6: "measured",
    }
    assert marks[7] == "open"


def test_days_that_follow_one_another_are_one_box(tmp_path: Path) -> None:
    read_marks(tmp_path, caps=True)
    checked = read_checked(tmp_path / "study.toml")
    quality = describe_checked(checked).quality
    drawn = lay_out_map(quality, mark_days(quality, checked.tables, use_caps=True))
    assert drawn is not None
    neutrophils = next(panel for panel in drawn.panels if panel.title == "Absolute neutrophil count")
    boxes = {mark: path.count("M") for mark, path in neutrophils.paths}
    # Days 0, 2 and 6; day 1; day 4; days 3 and 5; from day 7 on, and before day 0.
    assert {mark: boxes[mark] for mark in ("measured", "limit", "white", "short_gap")} == {
        "measured": 3,
        "limit": 1,
        "white": 1,
        "short_gap": 2,
    }
    assert [row.label for row in drawn.rows] == ["P1"]
