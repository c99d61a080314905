"""The slow twin of recovery: cells of lineage and day, three states, three scenarios, three landmark forms.

A definition is a dict: all_of (analyte, comparator, cut, support), landmark (day), form (ends_on, contains
or reached_by), washout (function from a support row to days). A support row has kind, start, stop, agent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from twin import LONGEST_GAP, MARGIN, ZERO, Row, find_runs, is_certain, is_possible, lay_out

CARRY_DAYS = 3
MET, FAILED, UNKNOWN = "met", "failed", "unknown"


def all_of(states: Iterable[str]) -> str:
    states = list(states)
    if FAILED in states:
        return FAILED
    return UNKNOWN if UNKNOWN in states else MET


def any_of(states: Iterable[str]) -> str:
    states = list(states)
    if MET in states:
        return MET
    return UNKNOWN if UNKNOWN in states else FAILED


def decide_cell(day: Row, comparator: str, cut: float) -> str | None:
    """What a measurement (or a WBC cap) of the day itself says; None if it does not decide."""
    if day["state"] == "measured":
        if is_certain(day["low"], day["high"], comparator, cut):
            return MET
        return None if is_possible(day["low"], day["high"], comparator, cut) else FAILED
    if day["cap"] is not None and not is_possible(ZERO, day["cap"], comparator, cut):
        return FAILED
    return None


def has_count(grid: dict[int, Row], first: int, last: int) -> bool:
    return any(grid[d]["state"] == "measured" for d in range(first - MARGIN, last + MARGIN + 1))


def count_states(grid: dict[int, Row], criterion: Row, scenario: str, *, first: int) -> dict[int, str]:
    """`first` is the first day whose state the landmark looks at."""
    comparator, cut = criterion["comparator"], criterion["cut"]
    decided = {d: decide_cell(day, comparator, cut) for d, day in grid.items()}
    decided = {d: state for d, state in decided.items() if state is not None}
    # White cells alone vouch for their own day, never for the days beside it.
    is_counted = has_count(grid, first, max(grid) - MARGIN)
    states = {}
    for d, day in grid.items():
        if scenario == "policy":
            own = bracket_cell(d, decided) if is_counted else decided.get(d, UNKNOWN)
            states[d] = own if day["state"] != "off" else UNKNOWN
        elif day["state"] in ("off", "open"):
            states[d] = decided.get(d, MET if scenario == "best" else FAILED)
        elif scenario == "best":
            possible = is_possible(day["low"], day["high"], comparator, cut)
            states[d] = MET if possible else FAILED
        else:
            certain = is_certain(day["low"], day["high"], comparator, cut)
            states[d] = MET if certain else FAILED
    return states


def bracket_cell(day: int, decided: dict[int, str]) -> str:
    if day in decided:
        return decided[day]
    before = max((d for d in decided if d < day), default=None)
    after = min((d for d in decided if d > day), default=None)
    if before is None:
        return UNKNOWN
    if after is None:
        return decided[before] if day - before <= CARRY_DAYS else UNKNOWN
    if after - before > LONGEST_GAP or decided[before] != decided[after]:
        return UNKNOWN
    return decided[before]


def is_supported(
    day: int, support: Iterable[Row], kind: str, washout: Callable[[Row], int], scenario: str, last: int
) -> bool:
    for row in support:
        if row["kind"] != kind:
            continue
        stop = row["stop"]
        if stop is None:
            stop = last if scenario == "worst" else row["start"]
        if any(t <= day and day - t < washout(row) for t in range(row["start"], stop + 1)):
            return True
    return False


def recovery_cells(
    labs: Iterable[Row],
    support: Iterable[Row],
    course: Row,
    definition: Row,
    *,
    scenario: str,
    cap: bool = False,
) -> dict[tuple[str, int], str]:
    """State of every (analyte, day) from 8 days before day 0 to 8 days after the landmark."""
    labs, support, cells = list(labs), list(support), {}
    landmark = definition["landmark"]
    for criterion in definition["all_of"]:
        grid = lay_out(labs, course, criterion["analyte"], 0, landmark, cap=cap)
        washout = definition["washout"]
        first = 0 if definition["form"] == "reached_by" else landmark - 2
        for d, state in count_states(grid, criterion, scenario, first=first).items():
            under = is_supported(d, support, criterion["support"], washout, scenario, max(grid))
            is_dead = course["death"] is not None and d > course["death"]
            fails = is_dead or (under and grid[d]["state"] != "off")
            cells[criterion["analyte"], d] = FAILED if fails else state
    return cells


def judge_reached(states: Sequence[str]) -> str:
    """Two-valued rule on days 0 to the landmark: recovered, never below or not recovered."""
    if FAILED not in states:
        return "never below"
    after = states[states.index(FAILED) + 1 :]
    return "recovered" if has_run(after) else "not recovered"


def has_run(states: Sequence[str]) -> bool:
    return any(last - first >= 2 for first, last in find_runs([state == MET for state in states]))


def reached_outlook(states: Sequence[str]) -> tuple[bool, bool]:
    """Whether some filling of the unknown days is good, and whether some filling is bad."""
    not_met = [d for d, state in enumerate(states) if state != MET]
    failed = [d for d, state in enumerate(states) if state == FAILED]
    if not not_met:
        return True, False
    optimistic = [MET if state == UNKNOWN else state for state in states]
    good = not failed or has_run(optimistic[not_met[0] + 1 :])
    pessimistic = [FAILED if state == UNKNOWN else state for state in states]
    start = failed[0] if failed else not_met[-1]
    return good, not has_run(pessimistic[start + 1 :])


def judge_reached_unknown(states: Sequence[str]) -> str:
    """Three-valued rule on days 0 to the landmark."""
    good, bad = reached_outlook(states)
    if good and bad:
        return "not evaluable"
    if bad:
        return "not recovered"
    return "recovered" if FAILED in states else "never below"


def enumerate_reached(states: Sequence[str]) -> set[str]:
    """Every label that some filling of the unknown days gives (slow: 2 ** number of unknown days)."""
    if UNKNOWN not in states:
        return {judge_reached(states)}
    d = list(states).index(UNKNOWN)
    return set().union(
        *(enumerate_reached([*states[:d], state, *states[d + 1 :]]) for state in (MET, FAILED))
    )


def judge_days(day_state: dict[int, str], landmark: int, form: str) -> str:
    if form == "reached_by":
        return judge_reached_unknown([day_state[d] for d in range(landmark + 1)])
    starts = [landmark - 2] if form == "ends_on" else [landmark - 2, landmark - 1, landmark]
    state = any_of(all_of(day_state[d] for d in range(start, start + 3)) for start in starts)
    return {MET: "recovered", FAILED: "not recovered", UNKNOWN: "not evaluable"}[state]


def find_recovery(
    labs: Iterable[Row], support: Iterable[Row], course: Row, definition: Row, *, cap: bool = False
) -> Row:
    death = course.get("death")
    if death is not None and death <= definition["landmark"]:
        return {"policy": None, "best": None, "worst": None, "label": "died before landmark"}
    labs, support = list(labs), list(support)
    analytes = [criterion["analyte"] for criterion in definition["all_of"]]
    landmark, form = definition["landmark"], definition["form"]
    days: dict[str, dict[int, str]] = {}
    for scenario in ("policy", "best", "worst"):
        cells = recovery_cells(labs, support, course, definition, scenario=scenario, cap=cap)
        days[scenario] = {d: all_of(cells[analyte, d] for analyte in analytes) for _, d in cells}
    label = judge_days(days["policy"], landmark, form)
    code = {"recovered": 0, "never below": 0, "not recovered": 1, "not evaluable": None}
    if form == "reached_by":
        pairs = [(days["worst"][d], days["best"][d]) for d in range(landmark + 1)]
        good, bad = reached_outlook([worst if worst == best else UNKNOWN for worst, best in pairs])
        return {"policy": code[label], "best": int(not good), "worst": int(bad), "label": label}
    ends = {name: code[judge_days(days[name], landmark, form)] for name in ("best", "worst")}
    return {"policy": code[label], **ends, "label": label}
