"""Without a neutrophil count the answer holds for all neutrophils that the white cells allow."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cytopenia.definitions import load_definition, load_library
from kernel import (
    find_cohort_nadirs,
    grade_cohort,
    grade_durations_cohort,
    make_tables,
    phenotype_cohort,
    recover_cohort,
    time_cohort,
)

Row = dict[str, Any]

LAST = 100
NUMBERS = ("policy", "best", "worst")
STRETCHES = ([0.05, 0.1, 0.3, 0.5, 0.9, 1.0, 1.4, 3.0, 9.0], [1, 3, 7, 14, 20, 40], [1, 2, 5, 9])


@st.composite
def before_and_after(draw: st.DrawFn) -> list[Row]:
    """One patient twice: white cells alone, and with neutrophils below them on every day."""
    labs: list[Row] = []
    caps: dict[int, float] = {}
    day = 0
    while day <= LAST:
        value, length, step = (draw(st.sampled_from(choices)) for choices in STRETCHES)
        seen = range(day, min(day + length, LAST + 1), step)
        caps |= dict.fromkeys(seen, value)
        day += length
    row = {"comparator": "=", "lln": 2.0, "invalid": None}
    labs = [{**row, "analyte": "wbc", "day": day, "value": value} for day, value in caps.items()]
    for analyte, healthy in (("hemoglobin", 120), ("platelets", 150)):
        labs += [{**row, "analyte": analyte, "day": day, "value": healthy} for day in range(LAST + 1)]
    share = draw(st.sampled_from([0.0, 0.3, 0.999, 1.0]))
    high = draw(st.sampled_from([0.2, 5.0]))
    counts = {day: share * caps[day] if day in caps else high for day in range(LAST + 1)}
    known = [{**row, "analyte": "anc", "day": day, "value": value} for day, value in counts.items()]
    who = {"support": [], "death": draw(st.sampled_from([None, None, 20])), "second_infusion": None}
    who |= {"last_contact": LAST}
    return [
        {**who, "patient_id": "before", "labs": labs},
        {**who, "patient_id": "after", "labs": [*labs, *known]},
    ]


def check(frame: Any, names: tuple[str, ...] = NUMBERS) -> None:
    rows = {row["patient_id"]: row for row in frame.iter_rows(named=True)}
    before, after = rows["before"], rows["after"]
    if after["policy"] is None:
        assert before["policy"] is None
        return
    ends = sorted([before[names[1]], before[names[2]]])
    assert ends[0] <= after["policy"] <= ends[1]
    if before["policy"] is not None:
        assert (before["policy"], before["decided"]) == (after["policy"], True)


@given(cohort=before_and_after(), window=st.sampled_from([(0, 28), (3, 9)]))
def test_of_grades_and_nadirs(cohort, window):
    address = "ctcae_v4.neutrophil_count_decreased"
    part = load_library().find_parts(address)[address]
    tables = make_tables(cohort)
    check(grade_cohort(tables, part, window=window, cap=True))
    check(find_cohort_nadirs(tables, "anc", window=window, cap=True))


@pytest.mark.parametrize("address", ["icaht_2023.early", "icaht_liang_2024.early", "icaht_2023.late"])
@given(cohort=before_and_after())
def test_of_grades_that_count_days(address, cohort):
    part = load_library().find_parts(address)[address]
    check(grade_durations_cohort(make_tables(cohort), part, cap=True))


@pytest.mark.parametrize("form", ["", "_contains", "_reached_by"])
@given(cohort=before_and_after())
def test_of_recoveries(form, cohort):
    check(recover_cohort(make_tables(cohort), f"qiu2023_recovery{form}", cap=True))


@pytest.mark.parametrize("name", ["cibmtr_neutrophil_recovery", "brudno_2022_recovery"])
@given(cohort=before_and_after())
def test_of_days_of_recovery(name, cohort):
    check(time_cohort(make_tables(cohort), name, cap=True))


@given(cohort=before_and_after())
def test_of_phenotypes(cohort):
    frame, _ = phenotype_cohort(make_tables(cohort), load_definition("rejeski_2021_phenotypes"), cap=True)
    rows = {row["patient_id"]: row for row in frame.iter_rows(named=True)}
    assert rows["after"]["label"] in rows["before"]["possible_labels"].split("|")
    assert rows["before"]["label"] in (None, rows["after"]["label"])
