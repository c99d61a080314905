"""Write times_to_event.csv: the samples for which R computes the numbers of the time-to-event statistics.

Usage: python make_times_to_event.py; needs statsmodels. The file is kept, so that the numbers of R stay those
of the same rows.

freireich: weeks of remission under 6-mercaptopurine and under placebo, all 42 children, typed from Table 1 of
Freireich et al., Blood 1963;21:699-716 (the numbers that Cox 1972 printed as well).
heart: statsmodels.datasets.heart (BSD license of statsmodels), the 69 heart transplants of Miller, Biometrika
1976;63:449-464.
All others are made up here: `small` is a cohort of 60 with few events and days that repeat, `ties` has many
events on the same days in three groups, `large` has hardly a repeated time, `crossing` has curves that cross.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

COLUMNS = "sample,time,event,group,x1,x2"
REMISSION = {
    "6-MP": "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+",
    "placebo": "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23",
}


def list_remissions() -> Iterator[str]:
    place = 0
    for group, times in REMISSION.items():
        for text in times.split():
            place += 1
            is_censored = text.endswith("+")
            # The columns are no measurements: they only spread the rows.
            yield f"freireich,{text.rstrip('+')},{int(not is_censored)},{group},{place % 5},{place * 7 % 11}"


def list_hearts() -> Iterator[str]:
    from statsmodels.datasets import heart

    data = heart.load_pandas().data
    for place, row in enumerate(data.itertuples(index=False)):
        group = "older" if row.age >= 48 else "younger"
        yield f"heart,{row.survival:g},{row.censors:g},{group},{row.age:g},{place % 3}"


def draw_sample(name: str, size: int, groups: tuple[str, ...], *, seed: int) -> Iterator[str]:
    """Time, event (0 censored, 1 the event, 2 a competing one), a group, a number and a mark of each row."""
    draw = random.Random(seed)
    for place in range(size):
        level = place % len(groups)
        number, mark = round(draw.gauss(0, 1), 2), int(draw.random() < 0.4)
        hazard = {"small": 0.002, "ties": 0.05, "large": 0.02, "crossing": 0.02}[name]
        rise = 0.5 * level + 0.4 * number - 0.3 * mark
        first = draw.expovariate(hazard * 2.718281828**rise)
        if name == "crossing" and level:
            first = draw.weibullvariate(60, 2.5)
        other = draw.expovariate(hazard / 2)
        last = draw.uniform(60, 400) if name == "small" else draw.uniform(5, 150)
        time, event = min((first, 1), (other, 2), (last, 0))
        shown = {"small": round(time), "ties": round(time / 5) + 1, "crossing": round(time, 1)}
        yield f"{name},{shown.get(name, round(time, 4))},{event},{groups[level]},{number},{mark}"


def list_rows() -> Iterator[str]:
    yield COLUMNS
    yield from list_remissions()
    yield from list_hearts()
    yield from draw_sample("small", 60, ("recovered", "not recovered"), seed=21)
    yield from draw_sample("ties", 90, ("a", "b", "c"), seed=5)
    yield from draw_sample("large", 400, ("a", "b"), seed=77)
    yield from draw_sample("crossing", 120, ("a", "b"), seed=12)


if __name__ == "__main__":
    text = "\n".join(list_rows()) + "\n"
    Path(__file__).with_name("times_to_event.csv").write_text(text, encoding="utf-8")
