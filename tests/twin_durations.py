"""The slow twin of the grades that count days (ICAHT, T-ICAHT): plain loops, exact fractions.

A definition is a dict: analyte, window, rules (grade, comparator, cut, days: number, "all" or None), counting
(days: "longest_episode" or "cumulative", bridge_days, joins_end, all_days_from, round_to, max_gap_days,
extend_days, censor_at) and confirm (comparator, cut, measurements, otherwise) or None. A course is a dict
with second_infusion, death, last_contact, progression, next_therapy (day or None).

One patient is graded in several readings of the same days. A reading says which days lie below a cut:

policy   a measured day whose whole interval lies below; an unmeasured day whose filled value does (for
         rules that count days)
best     a measured or bracketed day that lies below for certain; an open day never
worst    a measured or bracketed day that may lie below; an open day always
closed   as worst, but an open day never
least    a measured day that lies below for certain; an unmeasured day never
most     a measured day that may lie below; an unmeasured day always

In every reading an unmeasured day lies below where its cap of white cells alone does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import inf

from twin import INFINITE, End, Row, exact, find_runs, is_certain, is_met, is_possible, lay_out

CLEAN_DIGITS = 9
UNJUDGED: Row = {
    "policy": None,
    "best": None,
    "worst": None,
    "decided": False,
    "evidence": None,
    "days_measured": 0,
    "days_filled": 0,
    "days_bridged": 0,
}


# -- days at risk ----------------------------------------------------------------------------------


def last_day_at_risk(course: Row, definition: Row) -> int:
    """The last day that counts; before the first day of the window if there is none."""
    ends = [definition["window"][1]]
    for kind in definition["counting"]["censor_at"]:
        kinds = ("last_contact", "death") if kind == "last_contact" else (kind,)
        known = [course[name] for name in kinds if course.get(name) is not None]
        ends += [max(known)] if known else []
    if course.get("death") is not None:
        ends.append(course["death"])
    if course.get("second_infusion") is not None:
        ends.append(course["second_infusion"] - 1)
    return min(ends)


def round_number(number: Fraction, step: Fraction) -> Fraction:
    """Clean to 9 decimals, then to a multiple of the step, ties to even."""
    return round(round(number, CLEAN_DIGITS) / step) * step


def round_end(end: End, step: Fraction | None) -> End:
    """A rounded end is closed: just below 0.1 is rounded to 0.1 itself."""
    if step is None or end[0] == inf:
        return end
    return round_number(end[0], step), 0


def printed_value(day: Row) -> Fraction:
    """The number of a measured day that is interpolated: of "<0.1" and of ">0.1" it is 0.1."""
    return day["low"][0] if day["high"] == INFINITE else day["high"][0]


def fill_days(values: dict[int, Fraction], first: int, last: int, counting: Row) -> dict[int, Fraction]:
    """Values of unmeasured days: a straight line between neighbors, the nearest value at the two ends."""
    filled: dict[int, Fraction] = {}
    if len(values) < 2:
        return filled
    for d in range(first, last + 1):
        if d in values:
            continue
        before = max((m for m in values if m < d), default=None)
        after = min((m for m in values if m > d), default=None)
        if before is None:
            if after - first <= counting["extend_days"]:
                filled[d] = values[after]
        elif after is None:
            if last - before <= counting["extend_days"]:
                filled[d] = values[before]
        elif after - before - 1 <= counting["max_gap_days"]:
            share = Fraction(d - before, after - before)
            filled[d] = values[before] + share * (values[after] - values[before])
    return filled


def read_course(labs: Iterable[Row], course: Row, definition: Row, *, cap: bool = False) -> dict[int, Row]:
    """Every day at risk: state, low, high, cap and filled value, rounded as the definition says."""
    counting = definition["counting"]
    first, last = definition["window"][0], last_day_at_risk(course, definition)
    grid = lay_out(labs, course, definition["analyte"], *definition["window"], cap=cap)
    days = {d: grid[d] for d in range(first, last + 1)}
    values = {d: printed_value(day) for d, day in days.items() if day["state"] == "measured"}
    filled = fill_days(values, first, last, counting)
    step = None if counting["round_to"] is None else exact(counting["round_to"])
    return {
        d: {
            "state": day["state"],
            "low": round_end(day["low"], step),
            "high": round_end(day["high"], step),
            "cap": None if day["cap"] is None else round_end(day["cap"], step),
            "filled": round_end((filled[d], 0), step) if d in filled else None,
        }
        for d, day in days.items()
    }


# -- one day under one rule ------------------------------------------------------------------------


def is_below(day: Row, rule: Row, reading: str, *, open_day: bool) -> bool:
    """Whether the day lies below the cut in this reading; `open_day` is what worst says of an open day."""
    comparator, cut = rule["comparator"], rule["cut"]
    state = day["state"]
    if state != "measured" and day["cap"] is not None and is_met(day["cap"], comparator, cut):
        return True
    holds = is_certain if reading in ("policy", "best", "least") else is_possible
    if state == "measured":
        return holds(day["low"], day["high"], comparator, cut)
    if reading == "policy":
        counts_days = rule["days"] is not None
        return counts_days and day["filled"] is not None and is_met(day["filled"], comparator, cut)
    if reading in ("least", "most"):
        return reading == "most"
    if state == "open":
        return reading == "worst" and open_day
    return holds(day["low"], day["high"], comparator, cut)


def below_days(days: dict[int, Row], rule: Row, reading: str) -> list[bool]:
    """A rule without `days` asks what was measured: an open day counts only if nothing was."""
    is_unmeasured = all(day["state"] != "measured" for day in days.values())
    open_day = rule["days"] is not None or is_unmeasured
    return [is_below(day, rule, reading, open_day=open_day) for day in days.values()]


# -- episodes and rules ----------------------------------------------------------------------------


def find_episodes(below: Sequence[bool], counting: Row) -> list[tuple[int, int]]:
    """Places of the first and last day of each episode; short runs of other days are bridged."""
    inside = list(below)
    for first, last in find_runs([not day for day in below]):
        is_between = first > 0 and (last < len(below) - 1 or counting.get("joins_end", False))
        if is_between and last - first + 1 <= counting["bridge_days"]:
            inside[first : last + 1] = [True] * (last - first + 1)
    return find_runs(inside)


def find_exposure(below: Sequence[bool], rule: Row, counting: Row) -> list[tuple[int, int]]:
    """The episodes whose days the rule counts."""
    episodes = find_episodes(below, counting)
    if rule["days"] == "all":
        return [
            episode
            for episode in episodes
            if episode[0] <= counting["all_days_from"] and episode[1] == len(below) - 1
        ]
    if counting["days"] == "cumulative" or not episodes:
        return episodes
    longest = max(last - first for first, last in episodes)
    return [next(e for e in episodes if e[1] - e[0] == longest)]


def is_rule_met(below: Sequence[bool], rule: Row, counting: Row) -> bool:
    if rule["days"] is None:
        return any(below)
    exposure = find_exposure(below, rule, counting)
    if rule["days"] == "all":
        return bool(exposure)
    return sum(last - first + 1 for first, last in exposure) >= rule["days"]


def find_deciding_rule(days: dict[int, Row], course: Row, definition: Row, reading: str) -> Row | None:
    """The rule of the highest grade that is met; of equals the first listed."""
    last = max(days)
    is_complete = last in (definition["window"][1], course.get("death"))
    met = []
    for rule in definition["rules"]:
        if rule["days"] == "all" and reading in ("best", "least") and not is_complete:
            continue
        if is_rule_met(below_days(days, rule, reading), rule, definition["counting"]):
            met.append(rule)
    top = max((rule["grade"] for rule in met), default=None)
    return next((rule for rule in met if rule["grade"] == top), None)


def grade_by_rules(days: dict[int, Row], course: Row, definition: Row, reading: str) -> int:
    rule = find_deciding_rule(days, course, definition, reading)
    return 0 if rule is None else rule["grade"]


# -- confirmation ----------------------------------------------------------------------------------


def count_confirming(days: dict[int, Row], definition: Row, reading: str) -> int:
    """Days that meet the cut of the confirmation; an unmeasured day only where the reading counts it."""
    rule = {**definition["confirm"], "days": 1}
    if reading in ("policy", "best", "least"):
        days = {d: day for d, day in days.items() if day["state"] == "measured"}
        return sum(is_certain(d["low"], d["high"], rule["comparator"], rule["cut"]) for d in days.values())
    if reading in ("worst", "closed"):
        # On an open day white cells below the cut prove it.
        days = {d: day for d, day in days.items() if day["state"] != "open" or _proves(day, rule)}
    return sum(is_below(day, rule, reading, open_day=False) for day in days.values())


def _proves(day: Row, rule: Row) -> bool:
    return is_certain(day["low"], day["high"], rule["comparator"], rule["cut"])


def judge_confirmation(days: dict[int, Row], definition: Row, reading: str) -> str:
    """Whether the grade stands: "by rules", "zero" or "not judged"."""
    confirm = definition["confirm"]
    measured = {d: day for d, day in days.items() if day["state"] == "measured"}
    needed, n = confirm["measurements"], len(measured)
    accepts_single = confirm["otherwise"] == "accept_single"
    certain = count_confirming(days, definition, "best")
    if reading in ("best", "least"):
        enough = certain >= needed if n >= needed else accepts_single and certain >= 1
        return "by rules" if enough else "zero"
    if reading != "policy":
        enough = n < needed or count_confirming(days, definition, reading) >= needed
        return "by rules" if enough else "zero"
    possible = count_confirming(measured, definition, "worst")
    if n == 0:
        return "not judged"
    if n < needed:
        if certain >= 1:
            return "by rules" if accepts_single else "not judged"
        return "not judged" if possible else "zero"
    if certain >= needed:
        return "by rules"
    return "zero" if possible < needed else "not judged"


# -- the grade -------------------------------------------------------------------------------------


def grade_reading(days: dict[int, Row], course: Row, definition: Row, reading: str) -> int | None:
    if definition["confirm"] is not None:
        standing = judge_confirmation(days, definition, reading)
        if standing != "by rules":
            return 0 if standing == "zero" else None
    grade = grade_by_rules(days, course, definition, reading)
    if reading != "policy" or grade > 0:
        return grade
    measured = [day for day in days.values() if day["state"] == "measured"]
    may_be_worse = any(
        is_possible(day["low"], day["high"], rule["comparator"], rule["cut"])
        for day in measured
        for rule in definition["rules"]
    )
    return None if not measured or may_be_worse else 0


def count_bridged(days: dict[int, Row], course: Row, definition: Row) -> int:
    rule = find_deciding_rule(days, course, definition, "policy")
    if rule is None or rule["days"] is None:
        return 0
    below = below_days(days, rule, "policy")
    exposure = find_exposure(below, rule, definition["counting"])
    return sum(not below[place] for first, last in exposure for place in range(first, last + 1))


def grade_durations(labs: Iterable[Row], course: Row, definition: Row, *, cap: bool = False) -> Row:
    days = read_course(labs, course, definition, cap=cap)
    if not days:
        return dict(UNJUDGED)
    policy, best, worst, closed, least, most = (
        grade_reading(days, course, definition, reading)
        for reading in ("policy", "best", "worst", "closed", "least", "most")
    )
    evidence = "open" if best != worst and closed != worst else "bracketed"
    if any(rule["days"] is None for rule in definition["rules"]):
        # Rules without days never look at open days; they are counted beside the grade.
        evidence = "open" if any(day["state"] == "open" for day in days.values()) else evidence
    if least == most:
        evidence = "measured"
    is_measured = any(day["state"] == "measured" for day in days.values())
    if not is_measured and not policy == best == worst:
        # White cells alone: only what they prove whatever the neutrophils were is an answer.
        policy = None
    if policy is not None:
        best, worst = min(best, policy), max(worst, policy)
    return {
        "policy": policy,
        "best": best,
        "worst": worst,
        "decided": policy is not None and best == worst,
        "evidence": evidence,
        "days_measured": sum(day["state"] == "measured" for day in days.values()),
        "days_filled": sum(day["filled"] is not None for day in days.values()),
        "days_bridged": count_bridged(days, course, definition) if policy else 0,
    }


# -- the published definitions ---------------------------------------------------------------------


def _rule(grade: int, comparator: str, cut: float, days: int | str | None = None) -> Row:
    return {"grade": grade, "comparator": comparator, "cut": cut, "days": days}


COUNTING: Row = {
    "days": "longest_episode",
    "bridge_days": 2,
    "joins_end": False,
    "all_days_from": 3,
    "round_to": None,
    "max_gap_days": 7,
    "extend_days": 7,
    "censor_at": ["last_contact", "death"],
}
MEASURED: Row = {**COUNTING, "max_gap_days": 0, "extend_days": 0}
AFTER_TREATMENT = ["last_contact", "progression", "next_therapy", "death"]
CONFIRM: Row = {"comparator": "at_most", "cut": 1.5, "measurements": 2, "otherwise": "not_judged"}

ICAHT_EARLY: Row = {
    "analyte": "anc",
    "window": (0, 30),
    "rules": [
        _rule(1, "at_most", 0.5, 1),
        _rule(2, "at_most", 0.5, 7),
        _rule(3, "at_most", 0.5, 14),
        _rule(3, "at_most", 0.1, 7),
        _rule(4, "at_most", 0.5, "all"),
        _rule(4, "at_most", 0.1, 14),
    ],
    "counting": COUNTING,
    "confirm": None,
}
ICAHT_CUMULATIVE: Row = {
    **ICAHT_EARLY,
    "counting": {**COUNTING, "days": "cumulative", "censor_at": AFTER_TREATMENT},
}
ICAHT_LATE: Row = {
    "analyte": "anc",
    "window": (31, 100),
    "rules": [_rule(g, "at_most", cut) for g, cut in [(1, 1.5), (2, 1.0), (3, 0.5), (4, 0.1)]],
    "counting": {**MEASURED, "censor_at": AFTER_TREATMENT},
    "confirm": CONFIRM,
}
LIANG_EARLY: Row = {
    **ICAHT_EARLY,
    "counting": {**COUNTING, "round_to": 0.01, "joins_end": True, "censor_at": ["last_contact"]},
}
LIANG_LATE: Row = {
    **ICAHT_LATE,
    "counting": {**MEASURED, "censor_at": ["last_contact", "progression", "next_therapy"]},
    "confirm": {**CONFIRM, "otherwise": "accept_single"},
}
T_ICAHT_EARLY: Row = {
    "analyte": "platelets",
    "window": (0, 30),
    "rules": [
        _rule(1, "below", 50, 1),
        _rule(2, "below", 50, 7),
        _rule(3, "below", 20, 1),
        _rule(4, "below", 20, 14),
    ],
    "counting": {**COUNTING, "days": "cumulative", "censor_at": AFTER_TREATMENT},
    "confirm": None,
}
T_ICAHT_LATE: Row = {
    "analyte": "platelets",
    "window": (31, 100),
    "rules": [
        _rule(1, "below", 100),
        _rule(2, "below", 50),
        _rule(3, "below", 20, 1),
        _rule(4, "below", 20, 14),
    ],
    "counting": {**COUNTING, "days": "cumulative", "extend_days": 0, "censor_at": AFTER_TREATMENT},
    "confirm": {"comparator": "below", "cut": 100, "measurements": 2, "otherwise": "not_judged"},
}
DEFINITIONS: dict[str, Row] = {
    "icaht_2023.early": ICAHT_EARLY,
    "icaht_2023.late": ICAHT_LATE,
    "icaht_2023_cumulative.early": ICAHT_CUMULATIVE,
    "icaht_liang_2024.early": LIANG_EARLY,
    "icaht_liang_2024.late": LIANG_LATE,
    "t_icaht_2025.early": T_ICAHT_EARLY,
    "t_icaht_2025.late": T_ICAHT_LATE,
}
