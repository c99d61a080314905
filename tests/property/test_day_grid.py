"""Rows laid out on days, and support laid out on days, against the twin."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import twin
from cytopenia.grading.day_grid import index_labs, lay_out_courses, lay_out_labs, lay_out_support
from kernel import lay_out_parts, make_tables
from strategies import VALUES, cohorts, share_of_examples
from twin_recovery import is_supported

DAYS = (-10, 22)
WINDOW = (0, 12)
MARKS = {"measured": "measured", "gap": "short_gap", "open": "open_day"}
analytes = st.sampled_from(sorted(VALUES))
FREE_DAYS = {"": 14, "filgrastim": 7}
some = share_of_examples(0.5)


def close(found: float, exact: object) -> bool:
    return bool(np.isclose(found, float(exact), rtol=1e-12, atol=0))


def sorted_patients(cohort: list[twin.Row]) -> list[twin.Row]:
    return sorted(cohort, key=lambda p: p["patient_id"])


@some
@given(analyte=analytes, data=st.data())
def test_the_lowest_value_of_each_day_is_kept(analyte, data):
    cohort = sorted_patients(data.draw(cohorts(analyte, days=DAYS, most=10)))
    tables = make_tables(cohort)
    courses = lay_out_courses(tables)
    labs = index_labs(tables.labs, courses)
    grid = lay_out_labs(labs, courses, analyte=analyte, first_day=-3, last_day=15)
    for place, p in enumerate(cohort):
        expected = twin.read_days(p["labs"], p, analyte, range(-3, 16))
        assert (np.flatnonzero(grid.measured[place]) - 3).tolist() == sorted(expected)
        for day, value in expected.items():
            assert close(grid.low[place, day + 3], value["low"][0])
            assert close(grid.high[place, day + 3], value["high"][0])
            lln = np.nan if grid.lln is None else grid.lln[place, day + 3]
            assert lln == value["lln"] or (np.isnan(lln) and value["lln"] is None)


@given(cohorts("anc", days=DAYS, most=1))
def test_each_measured_day_names_the_first_row_that_gave_its_value(cohort):
    tables = make_tables(cohort)
    courses = lay_out_courses(tables)
    grid = lay_out_labs(
        index_labs(tables.labs, courses), courses, analyte="anc", first_day=DAYS[0], last_day=DAYS[1]
    )
    by_day: dict[int, list[tuple[object, object, int]]] = {}
    for line, row in enumerate(cohort[0]["labs"], start=2):
        if row["invalid"] is None and twin.is_at_risk(row["day"], cohort[0]):
            low, high = twin.encode(row["value"], row["comparator"])
            by_day.setdefault(row["day"], []).append((high, low, line))
    lines = {day: min(rows)[2] for day, rows in by_day.items()}
    found = {place + DAYS[0]: int(line) for place, line in enumerate(grid.source_row[0]) if line >= 0}
    assert found == lines


@some
@given(analyte=analytes, data=st.data())
def test_every_day_has_the_state_and_the_bounds_of_the_twin(analyte, data):
    cap = analyte == "anc"
    cohort = sorted_patients(data.draw(cohorts(*{analyte, "wbc"}, days=DAYS, most=10)))
    tables = make_tables(cohort)
    ((_, grid),) = lay_out_parts(tables, lay_out_courses(tables), analyte=analyte, days=WINDOW, cap=cap)
    for place, p in enumerate(cohort):
        for day, expected in twin.lay_out(p["labs"], p, analyte, *WINDOW, cap=cap).items():
            at = (place, day - grid.first_day)
            marks = {name: bool(getattr(grid, mark)[at]) for name, mark in MARKS.items()}
            assert marks == {name: name == expected["state"] for name in MARKS}
            if expected["state"] != "off":
                assert close(grid.low[at], expected["low"][0])
                assert close(grid.high[at], expected["high"][0])


@some
@given(cohorts(days=DAYS, support=True, most=10), st.booleans())
def test_support_covers_the_days_of_the_twin(cohort, open_stop):
    cohort = sorted_patients(cohort)
    tables = make_tables(cohort)
    marks = lay_out_support(
        tables.support,
        lay_out_courses(tables),
        free_days={"gcsf": FREE_DAYS},
        first_day=-8,
        last_day=36,
        open_stop=open_stop,
    )
    scenario = "worst" if open_stop else "policy"
    for place, p in enumerate(cohort):
        expected = [is_supported(day, p["support"], "gcsf", washout, scenario, 36) for day in range(-8, 37)]
        assert marks[place].tolist() == expected


def washout(row: twin.Row) -> int:
    return FREE_DAYS.get((row["agent"] or "").casefold(), FREE_DAYS[""])
