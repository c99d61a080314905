"""Febrile neutropenia the slow way: every pair of readings, every day, one patient at a time."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

DAY = 24 * 60
SINGLE, LASTING, HOUR, NIGHT, LOW = 38.3, 38.0, 60, 720, 1.0
LEAST, MOST = float("-inf"), float("inf")


def fever_of_patient(rows: list[dict[str, Any]], window: tuple[int, int], last: int) -> tuple[Any, Any, Any]:
    """Policy, best and worst; `last` is the last day at risk."""
    days = [day for day in range(window[0], window[1] + 1) if day <= last]
    if not days:
        return None, None, None
    states = {day: day_state(rows, day) for day in days}
    if "yes" in states.values():
        return 3, 3, 3
    has_temperature = any(row["analyte"] == "temperature" and row["day"] in days for row in rows)
    asked = [state for day, state in states.items() if not has_temperature or is_looked_at(rows, day)]
    return (0, 0, 0) if set(asked) == {"no"} else (None, 0, 3)


def is_looked_at(rows: list[dict[str, Any]], day: int) -> bool:
    """Whether the day has a temperature, or a count of its own or of the day before."""
    return any(
        row["day"] == day or (row["analyte"] == "anc" and row["day"] == day - 1)
        for row in rows
        if row["analyte"] in ("anc", "temperature")
    )


def day_state(rows: list[dict[str, Any]], day: int) -> str:
    states = {fever_state(rows, day), count_state(rows, day)}
    return "no" if "no" in states else "yes" if states == {"yes"} else "open"


def is_certain(row: dict[str, Any], cut: float, *, closed: bool) -> bool:
    """Whether every number that the printed value can stand for is above (or at) the cut."""
    value, sign = row["value"], row["comparator"]
    if sign in ("<", "<="):
        return False
    return value > cut or (value == cut and (closed or sign == ">"))


def is_possible(row: dict[str, Any], cut: float, *, closed: bool) -> bool:
    value, sign = row["value"], row["comparator"]
    if sign in (">", ">="):
        return True
    return value > cut or (value == cut and closed and sign != "<")


def count_state(rows: list[dict[str, Any]], day: int) -> str:
    for before in (day, day - 1):
        counts = [row for row in rows if row["analyte"] == "anc" and row["day"] == before]
        if counts:
            if any(not is_possible(row, LOW, closed=True) for row in counts):
                return "yes"
            return "no" if all(is_certain(row, LOW, closed=True) for row in counts) else "open"
    return "open"


def fever_state(rows: list[dict[str, Any]], day: int) -> str:
    readings = [row for row in rows if row["analyte"] == "temperature"]
    today = [row for row in readings if row["day"] == day]
    if not today:
        return "open"
    timed = [row for row in readings if row["minute"] is not None]
    if any(is_certain(row, SINGLE, closed=False) for row in today):
        return "yes"
    pairs = [(a, b) for b in timed if b["day"] == day for a in timed if moment(b) - moment(a) > HOUR]
    if any(lasts(a, b, readings) for a, b in pairs):
        return "yes"
    may_be = [row for row in today if is_possible(row, LASTING, closed=True)]
    return "open" if any(not is_enclosed(row, timed) for row in may_be) or may_be_single(today) else "no"


def may_be_single(today: list[dict[str, Any]]) -> bool:
    return any(is_possible(row, SINGLE, closed=False) for row in today)


def moment(row: dict[str, Any]) -> int:
    return row["day"] * DAY + row["minute"]


def lasts(first: dict[str, Any], second: dict[str, Any], readings: list[dict[str, Any]]) -> bool:
    inside = [
        row
        for row in readings
        if row["minute"] is not None and moment(first) <= moment(row) <= moment(second)
    ]
    times = sorted({moment(row) for row in inside})
    untimed = [
        row for row in readings if row["minute"] is None and first["day"] <= row["day"] <= second["day"]
    ]
    steps = pairwise(times)
    near = all(b // DAY == a // DAY or (b // DAY - a // DAY == 1 and b - a <= NIGHT) for a, b in steps)
    return near and all(is_certain(row, LASTING, closed=True) for row in [*inside, *untimed])


def is_enclosed(row: dict[str, Any], timed: list[dict[str, Any]]) -> bool:
    if row["minute"] is None:
        return False
    warm = {moment(one) for one in timed if is_possible(one, LASTING, closed=True)}
    cold = {moment(one) for one in timed} - warm
    before = max((time for time in cold if time < moment(row)), default=LEAST)
    after = min((time for time in cold if time > moment(row)), default=MOST)
    return after - before <= HOUR
