"""The slow twin of the grading kernel: the same results from plain loops over dictionaries.

It shares no code with the package. A number is an exact fraction; an end of an interval is a pair
(number, side): side -1 is "just below", 0 "exactly", +1 "just above". "<0.1" is (0, 0) to (0.1, -1).
A lab row is a dict with day, analyte, value, comparator, lln, invalid. A course is a dict with
second_infusion and death (day or None). A rule is a dict with grade, comparator, cut (number,
"lln", or None for a missing baseline), and where it has them `times` (the multiple of the limit) and
`only_if` (another rule that must hold as well).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cache
from math import inf
from typing import Any

End = tuple[Any, int]
Row = dict[str, Any]

LONGEST_GAP = 8
MARGIN = 8
SLACK = {
    "anc": Fraction("1.1"),
    "wbc": Fraction("1.1"),
    "alc": Fraction("1.25"),
    "platelets": Fraction("1.1"),
    "hemoglobin": Fraction("1.15"),
    # The package widens an analyte that the bounds do not name by the widest slack and the fastest growth.
    "cd4": Fraction("1.25"),
    "fibrinogen": Fraction("1.25"),
}
GROWTH = {
    "anc": Fraction("1.15"),
    "wbc": Fraction("1.1"),
    "alc": Fraction("1.05"),
    "platelets": Fraction("1.2"),
    "hemoglobin": Fraction("1.03"),
    "cd4": Fraction("1.2"),
    "fibrinogen": Fraction("1.2"),
}
ZERO: End = (Fraction(0), 0)
INFINITE: End = (inf, 0)


# -- values and rules ------------------------------------------------------------------------------


@cache
def exact(number: float | int | str) -> Any:
    return inf if number == inf else Fraction(str(number))


def round_digits(number: Any, digits: int) -> Any:
    """The decimal of so many digits; decimals are compared exactly, and faster than fractions."""
    return number if number == inf else Decimal(f"{float(number):.{digits - 1}e}")


def encode(value: float, comparator: str) -> tuple[End, End]:
    number = exact(value)
    return {
        "=": ((number, 0), (number, 0)),
        "<": (ZERO, (number, -1)),
        "<=": (ZERO, (number, 0)),
        ">": ((number, 1), INFINITE),
        ">=": ((number, 0), INFINITE),
    }[comparator]


def is_met(end: End, comparator: str, cut: float) -> bool:
    number, side = round_digits(end[0], 15), end[1]
    limit = round_digits(exact(cut), 15)
    position = (number > limit) - (number < limit) or side
    return {
        "below": position < 0,
        "at_most": position <= 0,
        "above": position > 0,
        "at_least": position >= 0,
    }[comparator]


def is_certain(low: End, high: End, comparator: str, cut: float | None) -> bool:
    if cut is None:
        return False
    return is_met(high if comparator in ("below", "at_most") else low, comparator, cut)


def is_possible(low: End, high: End, comparator: str, cut: float | None) -> bool:
    if cut is None:
        return True
    return is_met(low if comparator in ("below", "at_most") else high, comparator, cut)


def cut_of(rule: Row, lln: float | None) -> Any:
    if rule["cut"] != "lln":
        return rule["cut"]
    return None if lln is None else exact(lln) * exact(rule.get("times", 1))


def with_condition(rule: Row) -> list[Row]:
    """The rule and what must hold beside it."""
    return [rule] if rule.get("only_if") is None else [rule, rule["only_if"]]


def holds(low: End, high: End, rule: Row, lln: float | None) -> bool:
    """Whether every value of the interval meets the rule and its condition."""
    return all(is_certain(low, high, r["comparator"], cut_of(r, lln)) for r in with_condition(rule))


def may_hold(low: End, high: End, rule: Row, lln: float | None) -> bool:
    return all(is_possible(low, high, r["comparator"], cut_of(r, lln)) for r in with_condition(rule))


# -- runs ------------------------------------------------------------------------------------------


def nearest_marked(marked: Sequence[bool]) -> tuple[list[int], list[int]]:
    n = len(marked)
    before = [max((k for k in range(d + 1) if marked[k]), default=-1) for d in range(n)]
    after = [min((k for k in range(d, n) if marked[k]), default=n) for d in range(n)]
    return before, after


def inside_short_gap(marked: Sequence[bool], longest: int) -> list[bool]:
    n = len(marked)
    before, after = nearest_marked(marked)
    return [
        not marked[d] and before[d] >= 0 and after[d] < n and after[d] - before[d] <= longest
        for d in range(n)
    ]


def find_runs(met: Sequence[bool]) -> list[tuple[int, int]]:
    runs, start = [], None
    for d in range(len(met) + 1):
        inside = d < len(met) and met[d]
        if inside and start is None:
            start = d
        if not inside and start is not None:
            runs.append((start, d - 1))
            start = None
    return runs


def run_lengths(met: Sequence[bool], counted: Sequence[bool]) -> list[int]:
    """Counted days in the run of met days that ends on each day."""
    lengths: list[int] = []
    for d in range(len(met)):
        before = lengths[d - 1] if d > 0 else 0
        lengths.append(before + counted[d] if met[d] else 0)
    return lengths


def find_longest_run(met: Sequence[bool]) -> tuple[int, int, int]:
    """Length, first and last day of the longest run; of equals the first; (0, -1, -1) if none."""
    longest = (0, -1, -1)
    for first, last in find_runs(met):
        if last - first + 1 > longest[0]:
            longest = (last - first + 1, first, last)
    return longest


def first_run(met: Sequence[bool], length: int, counted: Sequence[bool]) -> tuple[int, int]:
    """First counted day of the first run with `length` counted days, and the day that completes it."""
    for first, last in find_runs(met):
        days = [d for d in range(first, last + 1) if counted[d]]
        if len(days) >= length:
            return days[0], days[length - 1]
    return -1, -1


# -- days ------------------------------------------------------------------------------------------


def is_at_risk(day: int, course: Row) -> bool:
    second, death = course.get("second_infusion"), course.get("death")
    return (second is None or day < second) and (death is None or day <= death)


def read_day(rows: Iterable[Row]) -> Row | None:
    """Several draws of one day: the interval of their minimum, and the LLN of the lowest draw."""
    draws = [
        (*encode(row["value"], row["comparator"]), row.get("lln"))
        for row in rows
        if row.get("invalid") is None and row["value"] is not None
    ]
    if not draws:
        return None
    low = min(draw[0] for draw in draws)
    high = min(draw[1] for draw in draws)
    lowest = min((draw[1], draw[0]) for draw in draws)
    limits = [draw[2] for draw in draws if (draw[1], draw[0]) == lowest and draw[2] is not None]
    return {"low": low, "high": high, "lln": max(limits, default=None)}


def read_days(labs: Iterable[Row], course: Row, analyte: str, days: range) -> dict[int, Row]:
    rows = [row for row in labs if row["analyte"] == analyte]
    measured = {}
    for day in days:
        value = read_day(row for row in rows if row["day"] == day)
        if value is not None and is_at_risk(day, course):
            measured[day] = value
    return measured


def bound_day(
    day: int,
    measured: dict[int, Row],
    slack: Fraction,
    longest: int = LONGEST_GAP,
    caps: dict[int, End] | None = None,
    growth: Fraction = Fraction(1),
) -> tuple[End, End] | None:
    """Bounds of an unmeasured day from every pair of measured days around it; None if it is open.

    A pair is refuted, and claims nothing, where a number measured between its days lies beyond its claim, or
    where it claims more than a WBC cap between its days allows.
    """
    pairs = [(i, j) for i in measured for j in measured if i < day < j and j - i <= longest]
    lows, highs = [], []
    for i, j in pairs:
        inner = [m for m in measured if i < m < j]
        factor = slack * growth ** (j - i - 2)
        number, side = min(measured[i]["low"], measured[j]["low"])
        claim = (number / factor, side)
        is_refuted = any(cap < claim for d, cap in (caps or {}).items() if i < d < j and d not in measured)
        is_refuted = is_refuted or any(measured[m]["low"][0] < claim[0] for m in inner)
        lows.append(ZERO if is_refuted else claim)
        number, side = max(measured[i]["high"], measured[j]["high"])
        claim = (number * factor, side)
        is_refuted = any(measured[m]["high"][0] > claim[0] for m in inner)
        highs.append(INFINITE if is_refuted else claim)
    return (max(lows), min(highs)) if pairs else None


def lay_out(
    labs: Iterable[Row], course: Row, analyte: str, first_day: int, last_day: int, *, cap: bool = False
) -> dict[int, Row]:
    """Every day of the grid: state, low, high, lln, cap."""
    labs = list(labs)
    days = range(first_day - MARGIN, last_day + MARGIN + 1)
    measured = read_days(labs, course, analyte, days)
    caps = read_days(labs, course, "wbc", days) if cap and analyte == "anc" else {}
    grid: dict[int, Row] = {}
    for day in days:
        if not is_at_risk(day, course):
            grid[day] = {"state": "off", "low": ZERO, "high": INFINITE, "lln": None, "cap": None}
            continue
        if day in measured:
            grid[day] = {"state": "measured", "cap": None, **measured[day]}
            continue
        limits = {d: value["high"] for d, value in caps.items()}
        bounds = bound_day(
            day, measured, SLACK[analyte], caps=limits, growth=GROWTH.get(analyte, Fraction(1))
        )
        low, high = bounds or (ZERO, INFINITE)
        limit = caps[day]["high"] if day in caps else None
        if limit is not None:
            high = min(high, limit)
        grid[day] = {
            "state": "gap" if bounds else "open",
            "low": low,
            "high": high,
            "lln": None,
            "cap": limit,
        }
    return grid


# -- grades ----------------------------------------------------------------------------------------


def grade_row(row: Row, rules: Sequence[Row]) -> int | None:
    day = read_day([row])
    if day is None:
        return None
    low, high = day["low"], day["high"]
    certain = [rule["grade"] for rule in rules if holds(low, high, rule, day["lln"])]
    if certain:
        return max(certain)
    return None if any(may_hold(low, high, rule, day["lln"]) for rule in rules) else 0


def certain_days(days: dict[int, Row], rule: Row, states: Sequence[str]) -> list[int]:
    return [
        d
        for d, day in days.items()
        if (day["state"] in states or day["cap"] is not None)
        and holds(day["low"], day["high"], rule, day["lln"])
    ]


def known_days(days: dict[int, Row], rule: Row) -> list[int]:
    """Days that decide the rule: a measured value, or a WBC cap that meets the rule as a value."""
    found = []
    for d, day in days.items():
        cap = day["cap"] if rule["comparator"] in ("below", "at_most") else None
        by_cap = cap is not None and holds(cap, cap, rule, day["lln"])
        by_value = day["state"] == "measured" and holds(day["low"], day["high"], rule, day["lln"])
        if by_cap or by_value:
            found.append(d)
    return sorted(found)


def possible_days(days: dict[int, Row], rule: Row, states: Sequence[str]) -> list[int]:
    return [
        d
        for d, day in days.items()
        if day["state"] in states and may_hold(day["low"], day["high"], rule, day["lln"])
    ]


def cut_to_window(grid: dict[int, Row], window: tuple[int, int]) -> dict[int, Row]:
    return {d: day for d, day in grid.items() if window[0] <= d <= window[1] and day["state"] != "off"}


def lend_limits(days: dict[int, Row]) -> dict[int, Row]:
    """Give unmeasured days the LLN of the measured day of the window before, else after."""
    measured = [d for d in days if days[d]["state"] == "measured"]
    limits = {}
    for d in days:
        earlier, later = [m for m in measured if m <= d], [m for m in measured if m >= d]
        lender = max(earlier) if earlier else min(later, default=None)
        limits[d] = None if lender is None else days[lender]["lln"]
    return {d: {**day, "lln": limits[d]} for d, day in days.items()}


def grade_course(
    labs: Iterable[Row],
    course: Row,
    rules: Sequence[Row],
    *,
    analyte: str,
    window: tuple[int, int],
    cap: bool = False,
) -> Row:
    days = lend_limits(cut_to_window(lay_out(labs, course, analyte, *window, cap=cap), window))
    if not days:
        return dict.fromkeys(("policy", "best", "worst", "first_day", "last_day")) | {
            "decided": False,
            "evidence": None,
            "days_measured": 0,
            "days_open": 0,
        }
    top = max(rule["grade"] for rule in rules)
    measured = [d for d in days if days[d]["state"] == "measured"]
    open_days = [d for d in days if days[d]["state"] == "open"]
    known = [rule for rule in rules if known_days(days, rule)]
    # A day that white cells alone grade may have been worse; one on which they meet no cut is as open as any.
    proving = {d for rule in rules for d in known_days(days, rule) if days[d]["state"] != "measured"}
    graded = {d: {**day, "state": "gap"} if d in proving else day for d, day in days.items()}
    possible = [r for r in rules if r in known or possible_days(graded, r, ("measured", "gap"))]
    certain = [r for r in rules if certain_days(days, r, ("measured", "gap"))]
    deciding = max(known, key=lambda rule: rule["grade"], default=None)
    policy = None
    if deciding is not None and (measured or deciding["grade"] == top):
        policy = deciding["grade"]
    elif measured and not any(possible_days(days, rule, ("measured",)) for rule in rules):
        policy = 0
    best = max((rule["grade"] for rule in certain), default=0)
    worst = max((rule["grade"] for rule in possible), default=0) if measured else top
    evidence = "open" if open_days else "bracketed"
    if policy == top or len(measured) == len(days):
        evidence = "measured"
    decisive = [day for rule in known if rule["grade"] == policy for day in known_days(days, rule)]
    is_decided = policy is not None and best == worst
    if evidence == "measured" and not is_decided:
        # A value given as a limit: it is known between bounds.
        evidence = "bracketed"
    return {
        "policy": policy,
        "best": best,
        "worst": worst,
        "decided": is_decided,
        "evidence": evidence,
        "first_day": min(decisive, default=None),
        "last_day": max(decisive, default=None),
        "days_measured": len(measured),
        "days_open": len(open_days),
    }


def answer_at_least(
    labs: Iterable[Row], course: Row, rules: Sequence[Row], least: int, **where: Any
) -> tuple[bool | None, bool | None, bool | None]:
    """Whether a course reaches a grade: policy, best, worst.

    Where values were measured and no rule is met for certain, the grade is any that one of the values can
    have, or 0: a yes if all of them are high enough, a no if all are too low. Otherwise, and without
    a measured value, only bounds on the same side answer.
    """
    labs = list(labs)
    graded = grade_course(labs, course, rules, **where)
    best, worst = (None if graded[name] is None else graded[name] >= least for name in ("best", "worst"))
    if graded["policy"] is not None:
        return graded["policy"] >= least, best, worst
    if graded["days_measured"]:
        kept = cut_to_window(lay_out(labs, course, where["analyte"], *where["window"]), where["window"])
        values = [day for day in kept.values() if day["state"] == "measured"]
        can_be = {0} | {
            rule["grade"]
            for rule in rules
            for day in values
            if may_hold(day["low"], day["high"], rule, day["lln"])
        }
        answers = {number >= least for number in can_be}
        if len(answers) == 1:
            return answers.pop(), best, worst
    return (best if best == worst else None), best, worst


def find_nadir(
    labs: Iterable[Row], course: Row, *, analyte: str, window: tuple[int, int], cap: bool = False
) -> Row:
    days = cut_to_window(lay_out(labs, course, analyte, *window, cap=cap), window)
    measured = {d: day for d, day in days.items() if day["state"] == "measured"}
    # White cells known only from below (">2") bound nothing from above.
    caps = {d: day["cap"][0] for d, day in days.items() if day["cap"] is not None and day["cap"][0] != inf}
    if not measured:
        most = min(caps.values(), default=None)
        if most == 0:
            return {"policy": 0, "day": min(d for d in caps if caps[d] == 0), "best": 0, "worst": 0}
        least = None if most is None else min(day["low"][0] for day in days.values())
        return {"policy": None, "day": None, "best": most, "worst": least}
    bounded = {d: day for d, day in days.items() if day["state"] in ("measured", "gap")}
    upper = {d: day["high"][0] for d, day in measured.items() if day["high"][0] != inf}
    printed = {**upper, **caps} or {d: day["low"][0] for d, day in measured.items()}
    lowest = min(printed.values())
    best = min([*(day["high"][0] for day in measured.values()), *caps.values()])
    return {
        "policy": lowest,
        "day": min(d for d in printed if printed[d] == lowest),
        "best": None if best == inf else best,
        "worst": min(lowest, *(day["low"][0] for day in bounded.values())),
    }
