"""A measurement added inside the bounds of its day never widens what was known."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import twin
from kernel import find_cohort_nadirs, grade_cohort, make_tables, recover_cohort
from strategies import VALUES, cohorts, parts

PARTS = {name: part for name, part in parts().items() if name.startswith("ctcae")}
LINEAGES = ("anc", "hemoglobin", "platelets")
FORMS = ("qiu2023_recovery", "qiu2023_recovery_contains", "qiu2023_recovery_reached_by")
WINDOW = (0, 12)

twice = settings(max_examples=2 * settings.default.max_examples)
capped = st.booleans()


@st.composite
def before_and_after(
    draw: st.DrawFn, analyte: str, *others: str, window: tuple[int, int], days: tuple[int, int], cap: bool
) -> list[twin.Row]:
    """One patient twice: as measured, and with one more value on a day in a short gap."""
    (patient,) = draw(cohorts(analyte, *others, days=days, most=1, support=bool(others)))
    grid = twin.lay_out(patient["labs"], patient, analyte, *window, cap=cap)
    gaps = [day for day in grid if grid[day]["state"] == "gap"]
    assume(gaps)
    day = draw(st.sampled_from(gaps))
    share = draw(st.sampled_from([0.25, 0.5, 0.75]))
    value = value_between(grid[day]["low"][0], grid[day]["high"][0], share)
    limits = twin.lend_limits(twin.cut_to_window(grid, window))
    lln = limits[day]["lln"] if day in limits else None
    row = {"analyte": analyte, "day": day, "value": value, "comparator": "=", "lln": lln}
    more = {**patient, "patient_id": "after", "labs": [*patient["labs"], row]}
    return [{**patient, "patient_id": "before"}, more]


def value_between(low: object, high: object, share: float) -> float:
    top = float(low) * 3 + 1 if high == inf else float(high)
    return float(low) + share * (top - float(low))


def ends(frame, name: str) -> tuple[float | None, float | None]:
    return tuple(dict(frame.select("patient_id", name).iter_rows())[key] for key in ("before", "after"))


@twice
@given(name=st.sampled_from(sorted(PARTS)), data=st.data(), cap=capped)
def test_bounds_of_a_grade_do_not_widen(name, data, cap):
    part = PARTS[name]
    options = {"window": WINDOW, "cap": cap and part.analyte == "anc"}
    cohort = data.draw(before_and_after(part.analyte, "wbc", days=(-10, 22), **options))
    graded = grade_cohort(make_tables(cohort), part, **options)
    best_before, best_after = ends(graded, "best")
    worst_before, worst_after = ends(graded, "worst")
    assert best_before <= best_after
    assert worst_after <= worst_before


@twice
@given(analyte=st.sampled_from(sorted(VALUES)), data=st.data(), cap=capped)
def test_bounds_of_a_nadir_do_not_widen(analyte, data, cap):
    options = {"window": WINDOW, "cap": cap and analyte == "anc"}
    cohort = data.draw(before_and_after(analyte, "wbc", days=(-10, 22), **options))
    found = find_cohort_nadirs(make_tables(cohort), analyte, **options)
    best_before, best_after = ends(found, "best")
    worst_before, worst_after = ends(found, "worst")
    if best_before is not None:
        assert best_after <= best_before * (1 + 1e-11)
        assert worst_after >= worst_before * (1 - 1e-11)


@pytest.mark.parametrize("name", FORMS)
@given(data=st.data(), analyte=st.sampled_from(LINEAGES), cap=capped)
def test_bounds_of_a_recovery_do_not_widen(name, data, analyte, cap):
    others = [other for other in (*LINEAGES, "wbc") if other != analyte]
    cohort = data.draw(before_and_after(analyte, *others, window=(0, 28), days=(-10, 38), cap=cap))
    found = recover_cohort(make_tables(cohort), name, cap=cap)
    best_before, best_after = ends(found, "best")
    worst_before, worst_after = ends(found, "worst")
    if best_before is not None:
        assert best_before <= best_after
        assert worst_after <= worst_before
