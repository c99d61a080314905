"""The slow twin of the phenotypes: plain loops, exact fractions, and every completion of the days one by one.

It shares no code with the package. A definition is a dict: analyte, window, fall, recovery, second_dip and
aplastic (comparator, cut, and where they have them days and from_day; aplastic may be None), precedence,
without_recovery, died_early, seen_until_day, and counting (bridge_days, max_gap_days, extend_days,
censor_at). A course is a dict as in `twin_durations`.

A completion gives each day one number within its bounds. Only numbers that differ in which cuts they meet
matter, so each day is tried with its two ends and with every cut, and the numbers just below and just above
it, that lie between.
"""

from __future__ import annotations

from itertools import product
from math import inf, prod

from twin import INFINITE, ZERO, End, Row, exact, find_runs, is_certain, is_met
from twin_durations import find_episodes, last_day_at_risk, read_course

LABELS = ("quick", "intermittent", "aplastic", "not recovered", "never below", "died early")
ABSENT = ("quick", "not recovered", "never below")
NOTHING = "nothing"


def rules_of(definition: Row) -> list[Row]:
    names = ("fall", "recovery", "second_dip", "aplastic")
    return [definition[name] for name in names if definition[name] is not None]


def meets(value: End | str, rule: Row) -> bool:
    """Whether a number meets the cut of a rule; a day without a number meets nothing."""
    return value != NOTHING and is_met(value, rule["comparator"], rule["cut"])


# -- one finished course ---------------------------------------------------------------------------


def judge_shape(values: list[End | str], definition: Row) -> Row:
    """What happened on the days of one course, each with its number."""
    first = definition["window"][0]
    fall = next((n for n, value in enumerate(values) if meets(value, definition["fall"])), None)
    rise = find_recovery(values, fall, definition)
    dip = None if rise is None else find_dip(values, rise, definition)
    return {
        "has_fallen": fall is not None,
        "has_recovered": rise is not None,
        "has_dipped": dip is not None,
        "dip": None if dip is None else (first + dip[0], first + dip[1]),
        "is_aplastic": has_aplasia(values, definition),
    }


def find_recovery(values: list[End | str], fall: int | None, definition: Row) -> int | None:
    """Place of the day on which the first run after the fall is long enough."""
    if fall is None:
        return None
    rule, first = definition["recovery"], definition["window"][0]
    run = 0
    for n in range(fall + 1, len(values)):
        is_up = meets(values[n], rule) and first + n >= rule["from_day"]
        run = run + 1 if is_up else 0
        if run == rule["days"]:
            return n
    return None


def find_dip(values: list[End | str], rise: int, definition: Row) -> tuple[int, int] | None:
    """The low days after the recovery that belong to the first long enough run from the stated day on."""
    rule, first = definition["second_dip"], definition["window"][0]
    low = [n > rise and meets(value, rule) for n, value in enumerate(values)]
    counted = [is_low and first + n >= rule["from_day"] for n, is_low in enumerate(low)]
    start = next((a for a, b in find_runs(counted) if b - a + 1 >= rule["days"]), None)
    return None if start is None else next((a, b) for a, b in find_runs(low) if a <= start <= b)


def has_aplasia(values: list[End | str], definition: Row) -> bool:
    rule = definition["aplastic"]
    if rule is None:
        return False
    severe = [meets(value, rule) for value in values]
    return any(b - a + 1 >= rule["days"] for a, b in find_episodes(severe, definition["counting"]))


def name_shape(shape: Row, definition: Row, *, is_dead: bool) -> str:
    holds = {
        "aplastic": shape["is_aplastic"],
        "intermittent": shape["has_dipped"],
        "quick": shape["has_recovered"] and not shape["has_dipped"],
    }
    for name in definition["precedence"]:
        if holds[name]:
            label = name
            break
    else:
        label = "not recovered" if shape["has_fallen"] else "never below"
    if is_dead and definition["died_early"] == "own_label" and label in ABSENT:
        return "died early"
    if label == "not recovered" and definition["without_recovery"] == "aplastic":
        return "aplastic"
    return label


# -- every completion ------------------------------------------------------------------------------


def choices_of(low: End, high: End, definition: Row) -> list[End]:
    """One number for each way in which a number between two ends can meet the cuts."""
    cuts = [(exact(rule["cut"]), side) for rule in rules_of(definition) for side in (-1, 0, 1)]
    found: dict[tuple[bool, ...], End] = {}
    for value in [low, high, *(cut for cut in cuts if low <= cut <= high)]:
        found.setdefault(tuple(meets(value, rule) for rule in rules_of(definition)), value)
    return list(found.values())


def list_choices(labs: list[Row], course: Row, definition: Row, *, cap: bool = False) -> list[list[End]]:
    """The numbers of each day of the window on which something can happen."""
    days = read_course(labs, course, definition, cap=cap)
    choices = [choices_of(day["low"], day["high"], definition) for day in days.values()]
    if is_lost(course, definition):
        unseen = definition["window"][1] - last_day_at_risk(course, definition)
        choices += [choices_of(ZERO, INFINITE, definition)] * unseen
    return choices


def count_completions(labs: list[Row], course: Row, definition: Row, *, cap: bool = False) -> float:
    return prod(map(len, list_choices(labs, course, definition, cap=cap))) or inf


def is_short(course: Row, definition: Row) -> bool:
    return last_day_at_risk(course, definition) < definition["window"][1]


def has_died(course: Row, definition: Row) -> bool:
    return is_short(course, definition) and last_day_at_risk(course, definition) == course.get("death")


def is_lost(course: Row, definition: Row) -> bool:
    return is_short(course, definition) and not has_died(course, definition)


def try_all(
    labs: list[Row], course: Row, definition: Row, *, cap: bool = False
) -> tuple[set[str], set[bool]]:
    """The labels, and whether there is a second dip, over all completions."""
    labels: set[str] = set()
    dips: set[bool] = set()
    is_dead = has_died(course, definition)
    for values in product(*list_choices(labs, course, definition, cap=cap)):
        shape = judge_shape(list(values), definition)
        labels.add(name_shape(shape, definition, is_dead=is_dead))
        dips.add(shape["has_dipped"])
    return labels, dips


# -- the policy ------------------------------------------------------------------------------------


def policy_value(day: Row, definition: Row) -> End | str:
    """The number that the policy takes: as reported where that settles the cuts, else as filled or capped."""
    if day["state"] == "measured":
        certain = {
            id(rule): is_certain(day["low"], day["high"], rule["comparator"], rule["cut"])
            for rule in rules_of(definition)
        }
        for value in choices_of(day["low"], day["high"], definition):
            if all(meets(value, rule) == certain[id(rule)] for rule in rules_of(definition)):
                return value
        return NOTHING
    caps = [] if day["cap"] is None else [day["cap"]]
    if day["filled"] is not None:
        return min([day["filled"], *caps])
    low_rules = [rule for rule in rules_of(definition) if rule is not definition["recovery"]]
    return next((cap for cap in caps if any(meets(cap, rule) for rule in low_rules)), NOTHING)


def judge_policy(labs: list[Row], course: Row, definition: Row, *, cap: bool = False) -> Row:
    """The policy's label before it is asked whether it can be judged, and what it needs to be."""
    days = read_course(labs, course, definition, cap=cap)
    shape = judge_shape([policy_value(day, definition) for day in days.values()], definition)
    measured = [day for day, row in days.items() if row["state"] == "measured"]
    late = any(day >= definition["seen_until_day"] for day in measured)
    return {
        **shape,
        "label": name_shape(shape, definition, is_dead=has_died(course, definition)),
        "is_at_risk": bool(days),
        "is_measured": bool(measured),
        "is_seen": late or has_died(course, definition),
    }
