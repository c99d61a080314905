"""The published program for ICAHT (emilyliangmd/automatedicahtgrading, index.Rmd, c3e0109), step by step.

Written from the published steps and from the documented behavior of what they call (na.approx of zoo,
exceedance of heatwaveR), for one patient: rows are dicts with day (from infusion) and anc (a whole number
per uL), last_fu, progression and next_therapy are days or None. Plain Python, nothing shared with the package
or with its twin.

Where this differs from a run of the published code:

- Interpolated values are exact fractions; there they are floating numbers, which can miss a tie.
- A single value stays a single day. There na.approx leaves it so too, but then trims missing ends of up to
  `maxgap` days: the column no longer fits its table, and the program stops, or repeats the value on all days.
- Releases of zoo that trim ends without regard to `maxgap` stop at any end of more than seven missing days.
- Values of days 0 to 30 that all lie after the last follow-up give no grade; there, grade 0 or a stop.
- Durations are looked up in ranges of whole numbers there; ours are whole.
- The first release of heatwaveR after 2020-11-18 is meant: before, days above at the start were joined too.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby

Rows = Sequence[dict[str, int]]
Series = list[Fraction | None]

LAST_EARLY_DAY = 30
LAST_LATE_DAY = 100
LONGEST_FILLED = 7
LONGEST_JOINED = 2
LAST_START_OF_GRADE_4 = 3


# -- early -----------------------------------------------------------------------------------------


def lowest_by_day(rows: Rows, first: int, last: int) -> dict[int, int]:
    lowest: dict[int, int] = {}
    for row in rows:
        if first <= row["day"] <= last:
            lowest[row["day"]] = min(row["anc"], lowest.get(row["day"], row["anc"]))
    return lowest


def count_rows(last_fu: int | None) -> int:
    """Days 0 to 30, or to the last follow-up."""
    if last_fu is None or last_fu >= LAST_EARLY_DAY:
        return LAST_EARLY_DAY + 1
    return last_fu + 1


def approximate(series: Series) -> Series:
    """na.approx(maxgap = 7, rule = 2): lines between values, constant ends, runs of at most 7."""
    known = [place for place, value in enumerate(series) if value is not None]
    if len(known) < 2:
        return list(series)
    filled: Series = []
    for is_missing, run in groupby(range(len(series)), key=lambda place: series[place] is None):
        places = list(run)
        if not is_missing or len(places) > LONGEST_FILLED:
            filled += [series[place] for place in places]
        else:
            filled += [interpolate(series, known, place) for place in places]
    return filled


def interpolate(series: Series, known: list[int], place: int) -> Fraction:
    left = [k for k in known if k < place]
    right = [k for k in known if k > place]
    x0 = left[-1] if left else right[0]
    x1 = right[0] if right else left[-1]
    y0, y1 = series[x0], series[x1]
    assert y0 is not None
    assert y1 is not None
    if x0 == x1:
        return y0
    return y0 + (y1 - y0) * Fraction(place - x0, x1 - x0)


def round_to_ten(value: Fraction | None) -> Fraction | None:
    """The nearest multiple of ten, ties to the even one."""
    return None if value is None else Fraction(round(value / 10) * 10)


def find_exceedances(series: Series, threshold: int, *, joins_end: bool = True) -> list[tuple[int, int]]:
    """exceedance(below = TRUE, minDuration = 1, maxGap = 2): first and last row of each.

    A gap is any run of rows that are not below; it is joined if it has at most two rows and ends after the
    start of the first exceedance. So rows above at the very end are joined too; with `joins_end = False` only
    gaps between two exceedances are.
    """
    below = [value is not None and value < threshold for value in series]
    if not any(below):
        return []
    first_start = below.index(True)
    joined = list(below)
    for start, end in runs_of(below, kind=False):
        is_last = end == len(below) - 1
        if end > first_start and end - start + 1 <= LONGEST_JOINED and (joins_end or not is_last):
            joined[start : end + 1] = [True] * (end - start + 1)
    return runs_of(joined, kind=True)


def runs_of(marks: list[bool], *, kind: bool) -> list[tuple[int, int]]:
    runs = []
    for mark, group in groupby(range(len(marks)), key=lambda place: marks[place]):
        places = list(group)
        if mark is kind:
            runs.append((places[0], places[-1]))
    return runs


def longest(exceedances: list[tuple[int, int]]) -> int:
    return max((end - start + 1 for start, end in exceedances), default=0)


def assign_early(below_501: int, below_101: int) -> int | None:
    """The table of the program, in its order; None where no line of it applies."""
    if below_501 == 0 and below_101 == 0:
        return 0
    if below_501 in range(1, 7) and below_101 < 7:
        return 1
    if below_501 in range(7, 14) and below_101 < 7:
        return 2
    if (below_501 in range(14, 31) and below_101 < 7) or (below_501 < 31 and below_101 in range(7, 14)):
        return 3
    if (below_501 >= 31 and below_101 < 14) or below_101 >= 14:
        return 4
    return None


def grade_early(rows: Rows, last_fu: int | None, *, joins_end: bool = True) -> int | None:
    lowest = lowest_by_day(rows, 0, LAST_EARLY_DAY)
    n = count_rows(last_fu)
    series: Series = [Fraction(lowest[day]) if day in lowest else None for day in range(n)]
    if all(value is None for value in series):
        return None
    series = [round_to_ten(value) for value in approximate(series)]
    below_501 = find_exceedances(series, 501, joins_end=joins_end)
    below_101 = find_exceedances(series, 101, joins_end=joins_end)
    if any(start <= LAST_START_OF_GRADE_4 and end == n - 1 for start, end in below_501):
        return 4
    return assign_early(longest(below_501), longest(below_101))


# -- late ------------------------------------------------------------------------------------------


def grade_late(
    rows: Rows, last_fu: int | None, progression: int | None, next_therapy: int | None
) -> int | None:
    known = [day for day in (next_therapy, progression, last_fu) if day is not None]
    lowest = lowest_by_day(rows, LAST_EARLY_DAY + 1, min([LAST_LATE_DAY, *known]))
    values = sorted(lowest.values())[:2]
    if not values:
        return None
    anc_1, anc_2 = values[0], values[1] if len(values) > 1 else None
    if anc_2 is not None and anc_2 > 1500:
        return 0
    if anc_1 in range(1001, 1501):
        return 1
    if anc_1 in range(501, 1001):
        return 2
    if anc_1 in range(101, 501):
        return 3
    return 4 if anc_1 <= 100 else 0
