"""Grades that count days (ICAHT, T-ICAHT): the kernel against the twin, and what must not matter."""

from __future__ import annotations

from math import inf
from typing import Any

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import twin
import twin_durations
from cytopenia.definition_forms import GradesPart
from cytopenia.definitions import load_library
from kernel import make_tables
from strategies import EPISODE_VALUES, EVENTS, Row, cohorts, episode_rows, share_of_examples
from twin_durations import DEFINITIONS

COMPARED = (
    "policy",
    "best",
    "worst",
    "decided",
    "evidence",
    "days_measured",
    "days_filled",
    "days_bridged",
)
BOUNDS = ("policy", "best", "worst")
ADDRESSES = tuple(DEFINITIONS)
NEUTROPENIA = tuple(name for name, definition in DEFINITIONS.items() if definition["analyte"] == "anc")
# A second value can take back a grade that a single one was enough for.
LASTING = tuple(
    name
    for name, definition in DEFINITIONS.items()
    if definition["confirm"] is None or definition["confirm"]["otherwise"] != "accept_single"
)

NO_EVENTS = dict.fromkeys(("second_infusion", *EVENTS))

every_address = pytest.mark.parametrize("address", ADDRESSES)
few = share_of_examples(0.3)
addresses = st.sampled_from(ADDRESSES)


def find_part(address: str) -> GradesPart:
    return load_library().find_parts(address)[address]


def as_definition(part: GradesPart) -> Row:
    """A part of a definition file as the plain dict that the twin reads."""
    counting, confirm = part.counting, part.confirm
    fill = counting.fill
    return {
        "analyte": part.analyte,
        "window": tuple(part.window),
        "rules": [
            {"grade": rule.grade, "comparator": rule.comparator, "cut": rule.cut, "days": rule.days}
            for rule in part.lab_rules
        ],
        "counting": {
            "days": counting.days,
            "bridge_days": counting.bridge_days or 0,
            "joins_end": getattr(counting, "joins_end", False),
            "all_days_from": counting.all_days_from,
            "round_to": counting.round_to,
            "max_gap_days": 0 if fill is None else fill.max_gap_days,
            "extend_days": 0 if fill is None else fill.extend_days or 0,
            "censor_at": list(counting.censor_at),
        },
        "confirm": None
        if confirm is None
        else {
            "comparator": confirm.comparator,
            "cut": confirm.cut,
            "measurements": confirm.measurements,
            "otherwise": confirm.otherwise,
        },
    }


def spell(definition: Row) -> Row:
    """What a definition says, without the keys that no rule of it uses and without order."""
    counting = {**definition["counting"], "censor_at": sorted(set(definition["counting"]["censor_at"]))}
    asked = {rule["days"] for rule in definition["rules"]}
    if asked == {None}:
        counting = {key: counting[key] for key in ("round_to", "censor_at")}
    elif "all" not in asked:
        del counting["all_days_from"]
    rules = sorted(definition["rules"], key=lambda rule: (rule["grade"], str(rule)))
    return {**definition, "window": tuple(definition["window"]), "rules": rules, "counting": counting}


def reach(address: str) -> tuple[int, int]:
    """The window and a little room on both sides."""
    first, last = DEFINITIONS[address]["window"]
    return first - 9, last + 9


def draw_cohort(data: st.DataObject, address: str, *others: str, **options: Any) -> list[Row]:
    analyte = DEFINITIONS[address]["analyte"]
    settled = {"stretches": True, "events": EVENTS, "most": 6, **options}
    return data.draw(cohorts(analyte, *others, days=reach(address), **settled))


def grade_frame(cohort: list[Row], address: str, *, cap: bool = False, **options: Any) -> pl.DataFrame:
    """Outcomes of the kernel; `labs` replaces the lab table, `part_size` the size of the parts."""
    from kernel import grade_durations_cohort

    tables = make_tables(cohort, options.pop("labs", None))
    return grade_durations_cohort(tables, find_part(address), cap=cap, **options)


def grade(cohort: list[Row], address: str, *, cap: bool = False) -> dict[str, Row]:
    rows = grade_frame(cohort, address, cap=cap).iter_rows(named=True)
    return {row["patient_id"]: row for row in rows}


def check_against_twin(cohort: list[Row], address: str, *, cap: bool = False) -> None:
    definition = as_definition(find_part(address))
    found = grade(cohort, address, cap=cap)
    for p in cohort:
        expected = twin_durations.grade_durations(p["labs"], p, definition, cap=cap)
        # A course that ends before the window has no evidence to speak of.
        names = [name for name in COMPARED if name != "evidence" or expected["evidence"] is not None]
        row = found[p["patient_id"]]
        assert {name: row[name] for name in names} == {name: expected[name] for name in names}


# -- kernel and twin -------------------------------------------------------------------------------


@every_address
def test_definition_files_say_what_was_typed_from_the_papers(address):
    assert spell(as_definition(find_part(address))) == spell(DEFINITIONS[address])


@every_address
@few
@given(data=st.data())
def test_long_runs_are_graded_as_by_the_twin(address, data):
    check_against_twin(draw_cohort(data, address), address)


@every_address
@few
@given(data=st.data())
def test_episodes_at_the_limits_are_graded_as_by_the_twin(address, data):
    """Eight patients at once: episodes of 6, 7, 13 or 14 days, 1-3 days apart, with 6-8 days missing."""
    definition = DEFINITIONS[address]
    first, last = definition["window"]
    rows = episode_rows(definition["analyte"], (first, first + 30))
    ends = st.sampled_from([None, None, first + 10, first + 21, last - 1, last])
    cohort = []
    for name in "ABCDEFGH":
        events = {kind: data.draw(ends) for kind in ("death", "last_contact")}
        cohort.append({"patient_id": name, "labs": data.draw(rows), "support": [], **NO_EVENTS, **events})
    check_against_twin(cohort, address)


@every_address
@few
@given(data=st.data())
def test_scattered_values_are_graded_as_by_the_twin(address, data):
    check_against_twin(draw_cohort(data, address, stretches=False), address)


@pytest.mark.parametrize("address", NEUTROPENIA)
@few
@given(data=st.data(), stretches=st.booleans())
def test_courses_capped_by_white_cells_are_graded_as_by_the_twin(address, data, stretches):
    check_against_twin(draw_cohort(data, address, "wbc", stretches=stretches), address, cap=True)


@pytest.mark.long
@every_address
@settings(max_examples=40)
@given(data=st.data(), cap=st.booleans(), stretches=st.booleans())
def test_larger_cohorts_are_graded_as_by_the_twin(address, data, cap, stretches):
    cap = cap and address in NEUTROPENIA
    others = ("wbc",) if cap else ()
    check_against_twin(draw_cohort(data, address, *others, most=10, stretches=stretches), address, cap=cap)


# -- what must not matter --------------------------------------------------------------------------


@few
@given(address=addresses, data=st.data(), random=st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(address, data, random):
    cohort = draw_cohort(data, address)
    labs = make_tables(cohort).labs
    order = list(range(labs.height))
    random.shuffle(order)
    shuffled = labs[order] if order else labs
    assert_frame_equal(grade_frame(cohort, address), grade_frame(cohort, address, labs=shuffled))


@few
@given(address=addresses, data=st.data(), size=st.integers(1, 2))
def test_order_of_patients_and_size_of_the_parts_do_not_matter(address, data, size):
    cohort = draw_cohort(data, address)
    backward = list(reversed(cohort))
    assert_frame_equal(grade_frame(cohort, address), grade_frame(backward, address, part_size=size))


@few
@given(address=addresses, data=st.data())
def test_events_that_do_not_censor_do_not_matter(address, data):
    """Progression, next therapy or last contact where the definition does not name them."""
    cohort = draw_cohort(data, address)
    named = DEFINITIONS[address]["counting"]["censor_at"]
    fewer = [{**p, **{kind: None for kind in EVENTS if kind not in named}} for p in cohort]
    assert_frame_equal(grade_frame(cohort, address), grade_frame(fewer, address))


@few
@given(address=addresses, data=st.data(), kind=st.sampled_from(EVENTS), late=st.integers(1, 20))
def test_events_after_the_window_do_not_matter(address, data, kind, late):
    """The last day of the window is complete whatever comes later."""
    cohort = draw_cohort(data, address)
    never = [{**p, kind: None} for p in cohort]
    later = [{**p, kind: DEFINITIONS[address]["window"][1] + late} for p in cohort]
    assert_frame_equal(grade_frame(never, address), grade_frame(later, address))


@few
@given(address=addresses, data=st.data())
def test_a_patient_is_graded_alone(address, data):
    cohort = draw_cohort(data, address)
    together = grade_frame(cohort, address)
    for p in cohort:
        alone = grade_frame([p], address)
        assert_frame_equal(alone, together.filter(pl.col("patient_id") == p["patient_id"]))


# -- what must hold --------------------------------------------------------------------------------


@few
@given(address=addresses, data=st.data(), cap=st.booleans())
def test_best_policy_and_worst_are_in_order(address, data, cap):
    cap = cap and address in NEUTROPENIA
    cohort = draw_cohort(data, address, *(("wbc",) if cap else ()))
    for row in grade(cohort, address, cap=cap).values():
        if row["worst"] is None:
            assert (row["policy"], row["best"], row["decided"]) == (None, None, False)
            continue
        policy = row["best"] if row["policy"] is None else row["policy"]
        assert row["best"] <= policy <= row["worst"]
        assert row["decided"] == (row["policy"] is not None and row["best"] == row["worst"])
        if row["evidence"] == "measured":
            assert row["best"] == row["worst"]


@few
@given(address=st.sampled_from(LASTING), data=st.data(), cap=st.booleans())
def test_a_measurement_within_its_bounds_never_widens_them(address, data, cap):
    definition = DEFINITIONS[address]
    cap = cap and address in NEUTROPENIA
    (patient,) = draw_cohort(data, address, *(("wbc",) if cap else ()), most=1)
    grid = twin.lay_out(patient["labs"], patient, definition["analyte"], *definition["window"], cap=cap)
    gaps = [day for day in grid if grid[day]["state"] == "gap"]
    assume(gaps)
    day = data.draw(st.sampled_from(gaps))
    low, high = float(grid[day]["low"][0]), float(grid[day]["high"][0])
    top = low * 3 + 1 if high == inf else high
    value = low + data.draw(st.sampled_from([0.25, 0.5, 0.75])) * (top - low)
    row = {"analyte": definition["analyte"], "day": day, "value": value, "comparator": "="}
    more = {**patient, "patient_id": "after", "labs": [*patient["labs"], row]}
    found = grade([{**patient, "patient_id": "before"}, more], address, cap=cap)
    before, after = found["before"], found["after"]
    if before["worst"] is not None:
        assert before["best"] <= after["best"]
        assert after["worst"] <= before["worst"]


@few
@given(address=addresses, data=st.data(), factor=st.sampled_from([0.2, 0.5, 0.9]))
def test_worse_values_never_give_a_lower_grade(address, data, factor):
    (patient,) = draw_cohort(data, address, most=1)
    first = data.draw(st.integers(*reach(address)))
    last = data.draw(st.integers(first, reach(address)[1]))
    lower = [
        {**row, "value": row["value"] * factor} if first <= row["day"] <= last else row
        for row in patient["labs"]
    ]
    worse = {**patient, "patient_id": "worse", "labs": lower}
    found = grade([{**patient, "patient_id": "as it was"}, worse], address)
    before, after = found["as it was"], found["worse"]
    for name in BOUNDS:
        if before[name] is not None and after[name] is not None:
            assert before[name] <= after[name]


@few
@given(data=st.data())
def test_days_added_up_are_never_fewer_than_the_longest_episode(data):
    # The two end follow-up alike only without progression and next therapy.
    drawn = draw_cohort(data, "icaht_2023.early")
    cohort = [{**p, "progression": None, "next_therapy": None} for p in drawn]
    longest, summed = grade(cohort, "icaht_2023.early"), grade(cohort, "icaht_2023_cumulative.early")
    for name, row in longest.items():
        for bound in BOUNDS:
            assert (row[bound] is None) == (summed[name][bound] is None)
            assert row[bound] is None or row[bound] <= summed[name][bound]


@few
@given(data=st.data())
def test_fewer_days_at_risk_never_add_to_what_was_seen(data):
    """Platelets: without "never above" and without a confirmation, an earlier end only takes days away."""
    (patient,) = draw_cohort(data, "t_icaht_2025.early", most=1)
    longer = {**patient, "patient_id": "longer", "progression": None, "next_therapy": None}
    found = grade([{**patient, "patient_id": "shorter"}, longer], "t_icaht_2025.early")
    before, after = found["shorter"], found["longer"]
    if before["worst"] is not None:
        assert before["best"] <= after["best"]
        assert before["worst"] <= after["worst"]


def make_course(days: dict[int, float], **events: int) -> Row:
    labs = [{**LAB, "day": day, "value": value} for day, value in days.items()]
    return {"patient_id": "A", "labs": labs, "support": [], **NO_EVENTS, **events}


LAB = {"analyte": "anc", "comparator": "=", "lln": None, "invalid": None}


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        # Days 8 to 30 are open: they alone could have been low.
        ({0: 2.0, 4: 2.0, 7: 2.0}, "days far from any measurement could have been low"),
        # Day 3 between two counts of 0.54 (0.54 / 1.1 is below 0.5); every other day is measured.
        (
            {day: 0.54 if day in (2, 4) else 2.0 for day in range(31) if day != 3},
            "unmeasured days could have been lower or higher than their neighbors",
        ),
    ],
)
def test_the_reason_names_the_days_that_separate_best_and_worst(days, reason):
    """Early ICAHT: grade 0, and at worst 1 or more."""
    row = grade([make_course(days)], "icaht_2023.early")["A"]
    assert (row["policy"], row["best"], row["decided"], row["reason"]) == (0, 0, False, reason)


def test_open_days_that_a_rule_never_looks_at_are_no_reason():
    """Late ICAHT looks at measured days and short gaps: 0.54 on days 40 and 42 is grade 2; day 41 may have
    been 0.54 / 1.1 = 0.49, grade 3. Days 31 to 39 and 43 to 100 are open, and enter nothing.
    """
    row = grade([make_course({40: 0.54, 42: 0.54})], "icaht_liang_2024.late")["A"]
    assert [row[bound] for bound in BOUNDS] == [2, 2, 3]
    assert row["evidence"] == "open"
    assert row["reason"] == "unmeasured days could have been lower or higher than their neighbors"


@pytest.mark.parametrize("missing", [(60, 61), (60, 75), (60,), (60, 61, 62)])
@pytest.mark.parametrize("address", ["icaht_2023.late", "t_icaht_2025.late"])
def test_open_days_that_could_have_confirmed_each_other_are_judged_as_by_the_twin(address, missing):
    """Every other day of the window was measured, and healthy: two open days are just enough."""
    analyte = DEFINITIONS[address]["analyte"]
    days = {day: EPISODE_VALUES[analyte][1][0] for day in range(20, 111) if day not in missing}
    labs = [{**LAB, "analyte": analyte, "day": day, "value": value} for day, value in days.items()]
    check_against_twin([{**make_course({}), "labs": labs}], address)
