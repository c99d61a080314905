"""Let the plan of the bundled example print the multivariable Table III of Qiu et al. 2023.

`docs/verify/table3_pseudo_cohort.csv` is an invented cohort whose multivariable model prints that table. Here
its records are given to the patients of `example_plan.csv`: the sides of the five cuts that meet in one
patient become those of one record. An integer program finds the plan with the fewest changes in which

- the recovered patients have the records of the first group, the others those of the second;
- recovered patients with and without a severe cytopenia keep, for each marker, how many lie above its cut.

Then each marker's values are dealt anew among the patients of such a stratum, every patient on the right side
of the cut and as many as possible with their own value. So every comparison of two groups by recovery or by
severe cytopenia, every curve and every univariable model has the values it had. Last, `example_exchanges.py`
exchanges values that leave Table III as it is until the other tables conclude as the paper. Of such a plan
nothing changes.

Usage: python scripts/tighten_plan.py; then scripts/make_example.py
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
from example_exchanges import (
    FOLLOWS,
    LEAST_RISE,
    MARKERS,
    SEVERE,
    Row,
    exchange,
    find_side,
    is_recovered,
    list_severe,
)
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linear_sum_assignment, milp

PLAN = Path(__file__).with_name("example_plan.csv")
COHORT = Path(__file__).parents[1] / "docs" / "verify" / "table3_pseudo_cohort.csv"
# A count that moves between strata of one lineage costs less than a value that is moved.
STRATUM_COST = 0.1
IMPOSSIBLE = 1e6
# A baseline is at least so many times the nadir.
LEAST_FALL = 1.02
Record = tuple[str, ...]


def tighten(plan: list[Row], cohort: list[Row]) -> int:
    """Change the plan in place, and return how many of its values are others."""
    patients = [row for row in plan if not row["death_day"]]
    records = _choose_records(patients, cohort)
    before = [dict(row) for row in patients]
    strata = [(is_recovered(row), any(list_severe(row))) for row in patients]
    for place, name in enumerate(MARKERS):
        sides = [record[place] for record in records]
        for part in sorted(set(zip(strata, sides, strict=True))):
            chosen = [
                row for row, key in zip(patients, zip(strata, sides, strict=True), strict=True) if key == part
            ]
            donors = [row for row, stratum in zip(before, strata, strict=True) if stratum == part[0]]
            _deal(name, chosen, [row for row in donors if find_side(row, name) == part[1]])
    exchange(plan)
    return sum(row[key] != old[key] for row, old in zip(patients, before, strict=True) for key in row)


def _choose_records(patients: Sequence[Row], cohort: Sequence[Row]) -> list[Record]:
    """The record of each patient; the integer program is solved for each outcome group."""
    found: dict[int, Record] = {}
    for group, state in (("first", True), ("second", False)):
        places = [place for place, row in enumerate(patients) if is_recovered(row) == state]
        records = [tuple(row[name] for name in MARKERS) for row in cohort if row["group"] == group]
        found |= zip(places, _match([patients[place] for place in places], records), strict=True)
    return [found[place] for place in range(len(patients))]


def _match(patients: Sequence[Row], records: Sequence[Record]) -> list[Record]:
    """Each record as often as the cohort has it, the fewest sides changed, each stratum's counts kept."""
    counts = Counter(records)
    kinds = sorted(counts)
    sides = [tuple(find_side(row, name) for name in MARKERS) for row in patients]
    changes = np.array(
        [
            [_count_changes(row, side, kind, patients) for kind in kinds]
            for row, side in zip(patients, sides, strict=True)
        ]
    )
    size = changes.shape
    rows: list[NDArray[np.float64]] = []
    wanted: list[float] = []
    costs = list(changes.ravel())
    for place in range(size[0]):
        rows.append(_mark(size, places=[place]))
        wanted.append(1)
    for number, kind in enumerate(kinds):
        rows.append(_mark(size, kinds=[number]))
        wanted.append(counts[kind])
    loose: list[int] = []
    for stratum, is_loose in _list_strata(patients):
        for column, side in product(range(len(MARKERS)), ("1", "")):
            alike = [number for number, kind in enumerate(kinds) if kind[column] == side]
            loose += [len(rows)] * is_loose
            rows.append(_mark(size, places=stratum, kinds=alike))
            wanted.append(sum(sides[place][column] == side for place in stratum))
    slack = np.zeros((len(rows), 2 * len(loose)))
    for number, row in enumerate(loose):
        slack[row, 2 * number : 2 * number + 2] = 1, -1
    matrix = np.hstack([np.array(rows), slack])
    whole = np.ones(len(costs))
    solved = milp(
        np.concatenate([costs, np.full(slack.shape[1], STRATUM_COST)]),
        constraints=LinearConstraint(matrix, wanted, wanted),
        bounds=Bounds(0, np.concatenate([changes.ravel() < IMPOSSIBLE, np.full(slack.shape[1], np.inf)])),
        integrality=np.concatenate([whole, np.zeros(slack.shape[1])]),
        options={"mip_rel_gap": 0.0},
    )
    if solved.x is None:
        raise SystemExit(f"no plan has these records: {solved.message}")
    given = solved.x[: len(costs)].reshape(size).argmax(axis=1)
    return [kinds[number] for number in given]


def _count_changes(row: Row, side: Record, record: Record, patients: Sequence[Row]) -> float:
    """How many markers change sides; impossible if nobody alike has a value there that the nadir allows."""
    moved = [name for name, one, other in zip(MARKERS, side, record, strict=True) if one != other]
    alike = [other for other in patients if any(list_severe(other)) == any(list_severe(row))]
    for name, wanted in zip(MARKERS, record, strict=True):
        if name in moved and not any(
            _weigh(name, row, other[MARKERS[name][0]]) < IMPOSSIBLE
            for other in alike
            if find_side(other, name) == wanted
        ):
            return IMPOSSIBLE
    return len(moved)


def _list_strata(patients: Sequence[Row]) -> list[tuple[list[int], bool]]:
    """Places with and without any severe cytopenia; then by lineage, to be kept if that costs little."""
    severe = [list_severe(row) for row in patients]
    found = [
        ([place for place, marks in enumerate(severe) if any(marks) == state], False)
        for state in (True, False)
    ]
    for lineage in range(len(SEVERE)):
        found.append(([place for place, marks in enumerate(severe) if marks[lineage]], True))
    return [(places, is_loose) for places, is_loose in found if places]


def _mark(
    size: tuple[int, ...], *, places: Sequence[int] | None = None, kinds: Sequence[int] | None = None
) -> NDArray[np.float64]:
    """One row of the program: which patients with which records are counted."""
    marks = np.zeros(size)
    marks[
        np.ix_(range(size[0]) if places is None else places, range(size[1]) if kinds is None else kinds)
    ] = 1
    return marks.ravel()


def _deal(name: str, patients: Sequence[Row], donors: Sequence[Row]) -> None:
    """Give the values of a marker to the patients of one side, their own where that can be."""
    columns = (MARKERS[name][0], *FOLLOWS.get(name, ()))
    values = [tuple(row[column] for column in columns) for row in donors]
    costs = np.array([[_weigh(name, row, value[0]) for value in values] for row in patients])
    rows, places = linear_sum_assignment(costs)
    if costs[rows, places].max() >= IMPOSSIBLE:
        raise SystemExit(f"{name}: no deal leaves nadirs and peaks possible")
    for row, place in zip(rows.tolist(), places.tolist(), strict=True):
        patients[row] |= dict(zip(columns, values[place], strict=True))


def _weigh(name: str, row: Row, value: str) -> float:
    """What it costs to give a patient a value: nothing for the own one, more the farther it is."""
    own = row[MARKERS[name][0]]
    if name == "ferritin_peak":
        # Also the own peak may lie below the baseline that was dealt before it.
        is_possible = float(value) > float(row["ferritin_baseline"]) * LEAST_RISE
    elif name in ("anc", "hemoglobin"):
        # A nadir before the infusion is the baseline itself.
        is_after = int(row[f"{name}_nadir_day"]) >= 0
        is_possible = value == own or (is_after and float(value) > float(row[f"{name}_nadir"]) * LEAST_FALL)
    else:
        is_possible = True
    if not is_possible:
        return IMPOSSIBLE
    if value == own:
        return 0.0
    return 1 + (abs(np.log(float(value) / float(own))) if value and own else 0.0)


def main() -> None:
    """Rewrite the plan."""
    with PLAN.open(encoding="utf-8", newline="") as file:
        plan = list(csv.DictReader(file))
    with COHORT.open(encoding="utf-8", newline="") as file:
        cohort = list(csv.DictReader(file))
    changed = tighten(plan, cohort)
    with PLAN.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(plan[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(plan)
    print(f"{changed} values of the plan are others")


if __name__ == "__main__":
    main()
