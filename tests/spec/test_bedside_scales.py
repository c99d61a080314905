"""CRS by ASTCT 2019 and Lee 2014, ICANS by ASTCT 2019: the grade of a row is that of its worst line.

Each line below names what differs from a quiet patient (no fever, no signs, ICE 10, awake). Grade 5 is death
and never comes from these inputs.
"""

from __future__ import annotations

import pytest

from bedside_factory import QUIET, bounds_of, grade_quiet, grade_rows, read_cells

ASTCT, LEE, ICANS = "astct_2019_crs", "lee_2014_crs", "astct_2019_icans"


@pytest.mark.parametrize("name", QUIET)
def test_a_quiet_patient_has_grade_0(name):
    graded = grade_quiet(name, "")
    assert (*bounds_of(graded), graded["grade_reason"], graded["rule"]) == (0, 0, 0, "judged", None)


@pytest.mark.parametrize(
    ("cells", "grade"),
    [
        ("temperature=38.0", 1),
        ("temperature=37.9", 0),
        ("temperature=40.2", 1),
        ("temperature=38.5 hypotension=yes", 2),
        ("temperature=38.5 oxygen=nasal_cannula_low", 2),
        ("temperature=38.5 oxygen=blow_by", 2),
        ("temperature=38.5 oxygen=high_flow", 3),
        ("temperature=38.5 oxygen=facemask", 3),
        ("temperature=38.5 oxygen=nonrebreather", 3),
        ("temperature=38.5 oxygen=venturi", 3),
        ("temperature=38.5 oxygen=cpap", 4),
        ("temperature=38.5 oxygen=bipap", 4),
        ("temperature=38.5 oxygen=ventilator", 4),
        ("temperature=38.5 hypotension=yes vasopressors=one_low_dose", 3),
        ("temperature=38.5 hypotension=yes vasopressors=one_high_dose", 3),
        ("temperature=38.5 hypotension=yes vasopressors=one", 3),
        ("temperature=38.5 hypotension=yes vasopressors=one_with_vasopressin", 3),
        ("temperature=38.5 hypotension=yes vasopressors=multiple", 4),
        # the worse of the two lines: one vasopressor and low-flow oxygen is grade 3
        ("temperature=38.5 hypotension=yes vasopressors=one oxygen=nasal_cannula_low", 3),
        ("temperature=38.5 hypotension=yes oxygen=bipap", 4),
        # without fever there is no CRS, whatever else is found
        ("temperature=37.9 hypotension=yes vasopressors=multiple oxygen=ventilator", 0),
        # fever is no longer needed once CRS was diagnosed and is treated
        ("temperature=37.0 antipyretic=yes crs_diagnosed=yes hypotension=yes", 2),
        ("temperature=37.0 antipyretic=yes crs_diagnosed=yes oxygen=ventilator", 4),
        ("temperature=37.0 antipyretic=yes crs_diagnosed=yes", 0),
        ("temperature=. antipyretic=yes crs_diagnosed=yes oxygen=high_flow", 3),
        # treated before CRS was ever diagnosed: fever is needed
        ("temperature=37.0 antipyretic=yes crs_diagnosed=no hypotension=yes", 0),
        ("temperature=37.0 antipyretic=no crs_diagnosed=yes hypotension=yes", 0),
    ],
)
def test_astct_crs_line_by_line(cells, grade):
    assert bounds_of(grade_quiet(ASTCT, cells)) == (grade, grade, grade)


@pytest.mark.parametrize(
    ("cells", "expected", "reason"),
    [
        ("temperature=.", (None, 0, 1), "unknown: temperature"),
        ("temperature=. hypotension=yes", (None, 0, 2), "unknown: temperature"),
        ("temperature=38.5 oxygen=.", (None, 1, 4), "unknown: oxygen"),
        ("temperature=38.5 hypotension=.", (None, 1, 2), "unknown: hypotension"),
        ("temperature=38.5 hypotension=. vasopressors=one", (3, 3, 3), "judged"),
        ("temperature=38.5 oxygen=. vasopressors=multiple", (4, 4, 4), "judged"),
        ("temperature=37.0 oxygen=.", (0, 0, 0), "judged"),
        (
            "temperature=37.0 antipyretic=. crs_diagnosed=yes oxygen=cpap",
            (None, 0, 4),
            "unknown: antipyretic",
        ),
        (
            "temperature=37.0 antipyretic=yes crs_diagnosed=. oxygen=cpap",
            (None, 0, 4),
            "unknown: crs_diagnosed",
        ),
        ("temperature=37.0 antipyretic=. crs_diagnosed=.", (0, 0, 0), "judged"),
        ("temperature=. hypotension=. vasopressors=. oxygen=.", (None, 0, 4), None),
    ],
)
def test_astct_crs_with_unknown_inputs(cells, expected, reason):
    graded = grade_quiet(ASTCT, cells)
    assert bounds_of(graded) == expected
    assert reason in (None, graded["grade_reason"])


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("day=1 temperature=38.4", "day=2", (2, 2, 2)),
        ("day=1 temperature=37.5", "day=2", (None, 0, 2)),
        ("day=2 temperature=38.4", "day=2", (None, 0, 2)),  # on one day nobody knows which came first
        ("day=2 time=08:00 temperature=38.4", "day=2 time=20:00", (2, 2, 2)),
        ("day=2 time=20:00 temperature=38.4", "day=2 time=08:00", (None, 0, 2)),
        ("day=3 temperature=38.4", "day=2", (None, 0, 2)),  # the fever came later
        ("day=1 temperature=38.4 patient_id=other", "day=2", (None, 0, 2)),
    ],
)
def test_an_earlier_row_with_fever_shows_that_crs_was_known(first, second, expected):
    """The second row has hypotension under antipyretics, no fever, and nobody wrote whether CRS was known."""
    quiet = {**read_cells(QUIET[ASTCT]), "crs_diagnosed": ".", "patient_id": "A", "time": "."}
    rows = [
        {**quiet, **read_cells(first)},
        {**quiet, "antipyretic": "yes", "hypotension": "yes", **read_cells(second)},
    ]
    assert bounds_of(grade_rows(ASTCT, rows).row(1, named=True)) == expected


@pytest.mark.parametrize(
    ("cells", "grade"),
    [
        ("temperature=38.0", 1),
        ("temperature=37.9", 0),
        ("constitutional=yes", 1),
        ("hypotension=yes", 2),
        ("hypotension=yes vasopressors=one_low_dose", 2),
        ("hypotension=yes vasopressors=one_high_dose", 3),
        ("hypotension=yes vasopressors=multiple", 3),
        ("hypotension=yes vasopressors=one_with_vasopressin", 3),
        ("oxygen=nasal_cannula_low fio2=0.28", 2),
        ("oxygen=venturi fio2=0.39", 2),
        ("oxygen=venturi fio2=0.40", 3),
        ("oxygen=nasal_cannula_low fio2=0.21", 2),
        ("oxygen=high_flow fio2=0.9", 3),
        ("oxygen=ventilator", 4),
        ("oxygen=ventilator fio2=0.3", 4),
        ("oxygen=none fio2=0.21", 0),
        ("organ_toxicity_grade=1", 0),
        ("organ_toxicity_grade=2", 2),
        ("organ_toxicity_grade=3", 3),
        ("organ_toxicity_grade=4", 4),
        ("transaminitis_grade=1", 0),
        ("transaminitis_grade=2", 2),
        ("transaminitis_grade=3", 3),
        ("transaminitis_grade=4", 3),  # grade 4 transaminitis is grade 3, any other grade 4 is grade 4
        ("organ_toxicity_grade=4 transaminitis_grade=4", 4),
    ],
)
def test_lee_crs_line_by_line(cells, grade):
    assert bounds_of(grade_quiet(LEE, cells)) == (grade, grade, grade)


@pytest.mark.parametrize(
    ("cells", "expected", "reason"),
    [
        ("oxygen=facemask", (None, 2, 3), "unknown: fio2"),
        ("oxygen=. fio2=0.5", (None, 3, 4), "unknown: oxygen"),
        ("oxygen=. fio2=0.21", (None, 0, 4), "unknown: oxygen"),
        ("oxygen=none fio2=.", (0, 0, 0), "judged"),
        ("oxygen=none fio2=0.5", (None, 0, 4), "unknown: oxygen, fio2"),  # they contradict each other
        ("oxygen=bipap fio2=0.3", (None, 2, 4), "not settled by: oxygen"),
        ("vasopressors=one", (None, 2, 3), "not settled by: vasopressors"),
        ("vasopressors=one organ_toxicity_grade=3", (3, 3, 3), "judged"),
        ("organ_toxicity_grade=.", (None, 0, 4), "unknown: organ_toxicity_grade"),
        ("transaminitis_grade=.", (None, 0, 3), "unknown: transaminitis_grade"),
        ("temperature=. constitutional=yes", (1, 1, 1), "judged"),
        ("oxygen=ventilator organ_toxicity_grade=. hypotension=.", (4, 4, 4), "judged"),
    ],
)
def test_lee_crs_with_unknown_inputs(cells, expected, reason):
    graded = grade_quiet(LEE, cells)
    assert (*bounds_of(graded), graded["grade_reason"]) == (*expected, reason)


@pytest.mark.parametrize(
    ("cells", "grade"),
    [
        *(
            (f"ice={score}", grade)
            for score, grade in zip(range(10, -1, -1), (0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3), strict=True)
        ),
        ("ice=0 consciousness=awake", 3),
        ("ice=0 consciousness=tactile", 3),
        ("ice=0 consciousness=unarousable", 4),
        ("ice=. consciousness=unarousable", 4),
        ("consciousness=spontaneous", 1),
        ("consciousness=voice", 2),
        ("consciousness=tactile", 3),
        ("seizure=brief", 3),
        ("seizure=eeg_resolving", 3),
        ("seizure=prolonged", 4),
        ("seizure=repetitive", 4),
        ("motor_weakness=deep_focal", 4),
        ("edema=focal", 3),
        ("edema=diffuse", 4),
        ("ice=3 consciousness=tactile", 3),
        ("ice=8 seizure=brief", 3),
    ],
)
def test_icans_line_by_line(cells, grade):
    assert bounds_of(grade_quiet(ICANS, cells)) == (grade, grade, grade)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("ice=.", (None, 0, 3)),  # a patient who is awake has at most grade 3 by the score
        ("ice=. seizure=brief", (3, 3, 3)),
        ("consciousness=.", (None, 0, 4)),
        ("ice=1 consciousness=.", (None, 3, 4)),
        ("edema=.", (None, 0, 4)),
        ("age_years=11.9 ice=10", (None, 0, 3)),  # below 12 years the score does not hold (CAPD)
        ("age_years=12 ice=10", (0, 0, 0)),
        ("age_years=11 ice=2 motor_weakness=deep_focal", (4, 4, 4)),
    ],
)
def test_icans_with_unknown_inputs(cells, expected):
    assert bounds_of(grade_quiet(ICANS, cells)) == expected


def test_the_sentence_that_decides_stands_beside_the_grade():
    graded = grade_quiet(ICANS, "ice=5 seizure=prolonged")
    assert graded["rule"].startswith("Life-threatening prolonged seizure (>5 min)")
    assert grade_quiet(ASTCT, "temperature=38.2")["rule"] == "Fever: temperature >=38 °C"
