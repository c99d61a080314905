"""Write times.csv: made-up days and events with ties, for the curves that R computes as well.

Usage: python make_times.py; the file is kept, so that the numbers of R stay those of the same rows.
"""

from __future__ import annotations

import random
from pathlib import Path

PATIENTS = 90
GROUPS = ("a", "b")


def make_rows() -> list[str]:
    """Day, event (0 censored, 1 recovery, 2 death) and group of each row; days repeat on purpose."""
    draw = random.Random(20260101)
    rows = ["time,event,group"]
    for place in range(PATIENTS):
        recovery, death, last = (
            draw.gammavariate(2, 12),
            draw.expovariate(1 / 90),
            draw.choice([9, 20, 35, 60, 100]),
        )
        time, event = min((recovery, 1), (death, 2), (last, 0))
        rows.append(f"{int(time)},{event},{GROUPS[place % 3 == 0]}")
    return rows


if __name__ == "__main__":
    text = "\n".join(make_rows()) + "\n"
    Path(__file__).with_name("times.csv").write_text(text, encoding="utf-8")
