"""The slow twin of the time to recovery: what each day can have been, and the first run over it.

A definition is a dict: all_of (analyte, comparator, cut, support: kinds), form (days or measurements),
length, first, until, after (first_failing or nadir), nadir_until, washout (function from a support row to
days). A course may have last_contact. Each day is a set of what it can have been: met, failed, or skipped,
which only "measurements" knows: a day that is not looked at and neither counts nor breaks a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from math import inf

from twin import INFINITE, ZERO, Row, is_at_risk, is_certain, is_possible, lay_out
from twin_recovery import FAILED, MET, UNKNOWN, bracket_cell, decide_cell, is_supported

SKIPPED = "skipped"
ANYTHING = frozenset({MET, FAILED, SKIPPED})
NEVER_BELOW, NOT_REACHED = -inf, inf


# -- one reading of the days ------------------------------------------------------------------------


def find_first_run(states: Sequence[str], length: int, *, nadir: int = -1) -> float:
    """Place of the first met day of the first run after the first failing day and the nadir.

    A failing day ends a run, and so does a day of unknown state; a skipped day does not.
    """
    if FAILED not in states:
        return NEVER_BELOW
    run: list[int] = []
    for place in range(max(list(states).index(FAILED), nadir) + 1, len(states)):
        if states[place] in (FAILED, UNKNOWN):
            run = []
        elif states[place] == MET:
            run.append(place)
        if len(run) == length:
            return run[0]
    return NOT_REACHED


# -- all readings -----------------------------------------------------------------------------------


def enumerate_runs(days: Sequence[frozenset[str]], length: int) -> set[float]:
    """The answer of every reading (slow: the product of the sizes of the sets)."""
    return {find_first_run(states, length) for states in product(*map(sorted, days))}


def find_bounds(
    days: Sequence[frozenset[str]], length: int, *, nadirs: tuple[int, int] = (-1, -1)
) -> tuple[float, float]:
    """Earliest and latest answer, without going through the readings."""
    may_fail = [place for place, day in enumerate(days) if FAILED in day]
    must_fail = [place for place, day in enumerate(days) if day == {FAILED}]
    if not may_fail:
        return NEVER_BELOW, NEVER_BELOW
    kindest = [choose(day, MET, SKIPPED) for day in days]
    kindest[may_fail[0]] = FAILED
    best = find_first_run(kindest, length, nadir=nadirs[0]) if must_fail else NEVER_BELOW
    start = must_fail[0] if must_fail else may_fail[-1]
    before = [choose(day, SKIPPED, MET) for day in days[:start]]
    after = [choose(day, FAILED, SKIPPED) for day in days[start + 1 :]]
    return best, find_first_run([*before, FAILED, *after], length, nadir=nadirs[1])


def choose(day: frozenset[str], first: str, second: str) -> str:
    return first if first in day else second if second in day else next(iter(day))


# -- days of a patient -----------------------------------------------------------------------------


def end_of_follow_up(labs: Iterable[Row], course: Row, until: int) -> tuple[int, str]:
    """Last day of the course that is looked at, and why it is the last: end, death, second or contact."""
    death, second = course.get("death"), course.get("second_infusion")
    ends = [(until, "end")]
    ends += [(death, "death")] if death is not None else []
    ends += [(second - 1, "second")] if second is not None else []
    if death is None and second is None:
        contact = course.get("last_contact")
        measured = [
            row["day"]
            for row in labs
            if row["invalid"] is None and row["value"] is not None and is_at_risk(row["day"], course)
        ]
        ends.append((max([*measured, *([contact] if contact is not None else [])], default=-1), "contact"))
    day = min(day for day, _ in ends)
    reasons = [reason for end, reason in ends if end == day]
    return day, next(name for name in ("death", "end", "second", "contact") if name in reasons)


def read_lineage(
    labs: Sequence[Row], support: Sequence[Row], course: Row, criterion: Row, definition: Row, cap: bool
) -> dict[int, tuple[str, frozenset[str], Row]]:
    """By day: the state of the policy, all possible states, and the day itself."""
    comparator, cut = criterion["comparator"], criterion["cut"]
    grid = lay_out(labs, course, criterion["analyte"], definition["first"], definition["until"], cap=cap)
    own = {d: decide_cell(day, comparator, cut) for d, day in grid.items()}
    decided = {d: state for d, state in own.items() if state is not None}
    found = {}
    for d, day in grid.items():
        known, possible = (
            any(
                is_supported(d, support, kind, definition["washout"], scenario, max(grid))
                for kind in criterion["support"]
            )
            for scenario in ("policy", "worst")
        )
        if definition["form"] == "measurements":
            policy, states = read_measured_day(day, own[d], known, possible)
        else:
            policy = FAILED if known else bracket_cell(d, decided)
            can_pass = is_possible(day["low"], day["high"], comparator, cut) and own[d] != FAILED
            must_pass = is_certain(day["low"], day["high"], comparator, cut) and not possible
            states = frozenset(
                ({MET} if can_pass and not known else set()) | (set() if must_pass else {FAILED})
            )
        found[d] = (policy, states, day)
    return found


def read_measured_day(day: Row, own: str | None, known: bool, possible: bool) -> tuple[str, frozenset[str]]:
    if known or own == FAILED:
        return FAILED, frozenset({FAILED})
    if day["state"] == "measured":
        return own or SKIPPED, frozenset({MET, FAILED} if own is None or possible else {MET})
    return SKIPPED, ANYTHING if day["state"] == "open" else frozenset({SKIPPED})


def join_lineages(states: Sequence[frozenset[str]]) -> frozenset[str]:
    """What a day can be if all lineages must be met and each can be what it can be."""
    joined = set()
    for reading in product(*states):
        if FAILED in reading:
            joined.add(FAILED)
        else:
            joined.add(SKIPPED if SKIPPED in reading else MET)
    return frozenset(joined)


def join_policy(states: Sequence[str]) -> str:
    if FAILED in states:
        return FAILED
    return next((state for state in (UNKNOWN, SKIPPED) if state in states), MET)


def find_nadirs(days: dict[int, Row], first: int, last: int) -> tuple[int, int, int]:
    """Earliest possible, printed and latest possible day of the first lowest value; -1 if none is."""
    known = {d: day for d, day in days.items() if first <= d <= last and day["state"] == "measured"}
    if not known:
        return -1, -1, -1
    is_limited = any(day["high"] != INFINITE for day in known.values())
    key = "high" if is_limited else "low"
    printed = min(known, key=lambda d: (known[d][key], d))
    possible = [
        d
        for d, day in days.items()
        if first <= d <= last
        and day["state"] in ("measured", "open")
        and all(low_of(day) < other["high"] for e, other in known.items() if e < d)
        and all(low_of(day) <= other["high"] for e, other in known.items() if e > d)
    ]
    return min(possible), printed, max(possible)


def low_of(day: Row) -> tuple[float, int]:
    return day["low"] if day["state"] == "measured" else ZERO


def find_recovery_time(
    labs: Iterable[Row], support: Iterable[Row], course: Row, definition: Row, *, cap: bool = False
) -> Row:
    labs, support = list(labs), list(support)
    first, until, length = definition["first"], definition["until"], definition["length"]
    end, why = end_of_follow_up(labs, course, until)
    lineages = [
        read_lineage(labs, support, course, criterion, definition, cap) for criterion in definition["all_of"]
    ]
    days = range(first, end + 1)
    policy = [join_policy([lineage[d][0] for lineage in lineages]) for d in days]
    sets = [join_lineages([lineage[d][1] for lineage in lineages]) for d in days]
    nadirs = (-1, -1, -1)
    if definition["after"] == "nadir":
        grid = {d: row for d, (_, _, row) in lineages[0].items()}
        found = find_nadirs(grid, first, min(definition["nadir_until"], end))
        nadirs = tuple(day - first if day >= 0 else -1 for day in found)
    place = find_first_run(policy, length, nadir=nadirs[1])
    best, worst = find_bounds(sets, length, nadirs=(nadirs[0], nadirs[2]))
    judged = MET in policy or FAILED in policy
    # Without a single count of a lineage only what holds for every reading is an answer.
    is_counted = all(any(lineage[d][2]["state"] == "measured" for d in days) for lineage in lineages)
    if judged and not is_counted:
        if best != worst:
            ends = {"best": best + first, "worst": worst + first}
            return {"policy": None, **ends, "label": "not evaluable"}
        place = best
    if not judged:
        return {"policy": None, "best": NEVER_BELOW, "worst": NOT_REACHED, "label": "not evaluable"}
    label = "recovered" if abs(place) != inf else "never below" if place < 0 else name_end(why)
    best, worst = min(best, place), max(worst, place)
    return {"policy": place + first, "best": best + first, "worst": worst + first, "label": label}


def name_end(why: str) -> str:
    return {"death": "died", "end": "not recovered"}.get(why, "censored")
