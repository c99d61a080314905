"""A measurement added inside the bounds of its day never widens what was known."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import twin
from kernel import find_cohort_nadirs, grade_cohort, make_tables, recover_cohort
from strategies import VALUES, cohorts, parts, share_of_examples

PARTS = {name: part for name, part in parts().items() if name.startswith("ctcae")}
LINEAGES = ("anc", "hemoglobin", "platelets")
FORMS = ("qiu2023_recovery", "qiu2023_recovery_contains", "qiu2023_recovery_reached_by")
WINDOW = (0, 12)

some, twice_as_many = share_of_examples(0.25), share_of_examples(0.5)
capped = st.booleans()


@st.composite
def before_and_after(
    draw: st.DrawFn, analyte: str, *others: str, window: tuple[int, int], days: tuple[int, int], cap: bool
) -> list[twin.Row]:
    """Patients twice: as measured, and with one more value on a day in a short gap."""
    pairs: list[twin.Row] = []
    for patient in draw(cohorts(analyte, *others, days=days, most=12, support=bool(others))):
        grid = twin.lay_out(patient["labs"], patient, analyte, *window, cap=cap)
        gaps = [day for day in grid if grid[day]["state"] == "gap"]
        if not gaps:
            continue
        day = draw(st.sampled_from(gaps))
        share = draw(st.sampled_from([0.25, 0.5, 0.75]))
        value = value_between(grid[day]["low"][0], grid[day]["high"][0], share)
        limits = twin.lend_limits(twin.cut_to_window(grid, window))
        lln = limits[day]["lln"] if day in limits else None
        row = {"analyte": analyte, "day": day, "value": value, "comparator": "=", "lln": lln}
        more = {**patient, "patient_id": f"{patient['patient_id']} after", "labs": [*patient["labs"], row]}
        pairs += [patient, more]
    assume(pairs)
    return pairs


def value_between(low: object, high: object, share: float) -> float:
    top = float(low) * 3 + 1 if high == inf else float(high)
    return float(low) + share * (top - float(low))


def pair_ends(frame: pl.DataFrame) -> Iterator[tuple[float | None, ...]]:
    """Best and worst of each patient before and after."""
    ends = {name: row for name, *row in frame.select("patient_id", "best", "worst").iter_rows()}
    pairs = [(ends[name], ends[f"{name} after"]) for name in ends if not name.endswith("after")]
    assert pairs
    yield from ((*before, *after) for before, after in pairs)


@twice_as_many
@given(name=st.sampled_from(sorted(PARTS)), data=st.data(), cap=capped)
def test_bounds_of_a_grade_do_not_widen(name, data, cap):
    part = PARTS[name]
    options = {"window": WINDOW, "cap": cap and part.analyte == "anc"}
    cohort = data.draw(before_and_after(part.analyte, "wbc", days=(-10, 22), **options))
    graded = grade_cohort(make_tables(cohort), part, **options)
    for best_before, worst_before, best_after, worst_after in pair_ends(graded):
        assert best_before <= best_after
        assert worst_after <= worst_before


@twice_as_many
@given(analyte=st.sampled_from(sorted(VALUES)), data=st.data(), cap=capped)
def test_bounds_of_a_nadir_do_not_widen(analyte, data, cap):
    options = {"window": WINDOW, "cap": cap and analyte == "anc"}
    cohort = data.draw(before_and_after(analyte, "wbc", days=(-10, 22), **options))
    found = find_cohort_nadirs(make_tables(cohort), analyte, **options)
    for best_before, worst_before, best_after, worst_after in pair_ends(found):
        if best_before is not None:
            assert best_after <= best_before * (1 + 1e-11)
            assert worst_after >= worst_before * (1 - 1e-11)


@pytest.mark.parametrize("name", FORMS)
@some
@given(data=st.data(), analyte=st.sampled_from(LINEAGES), cap=capped)
def test_bounds_of_a_recovery_do_not_widen(name, data, analyte, cap):
    others = [other for other in (*LINEAGES, "wbc") if other != analyte]
    cohort = data.draw(before_and_after(analyte, *others, window=(0, 28), days=(-10, 38), cap=cap))
    found = recover_cohort(make_tables(cohort), name, cap=cap)
    for best_before, worst_before, best_after, worst_after in pair_ends(found):
        if best_before is not None:
            assert best_before <= best_after
            assert worst_after <= worst_before
