"""Write cutoffs_data.csv: seeded synthetic samples for make_cutoffs.R. No patient stands behind them.

Values are multiples of 1/8, so that sums and middles are exact in every program.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

TARGET = Path(__file__).parent / "cutoffs_data.csv"
# name: rows, events, distance of the means, decimals kept (None: eighths), whether high values mean the event
CASES = {
    "clear": (60, 21, 1.5, None, True),
    "usual": (60, 21, 0.8, None, True),
    "weak": (60, 21, 0.3, None, True),
    "nothing": (63, 24, 0.0, None, True),
    "against": (60, 21, -0.4, None, True),
    "low_means_event": (60, 21, -0.8, None, False),
    "many_ties": (60, 21, 0.8, 0, True),
    "many_ties_low": (70, 30, -0.6, 0, False),
    "few": (20, 7, 1.0, None, True),
    "one_event_more": (24, 3, 1.0, 0, True),
    "large": (200, 70, 0.5, None, False),
    "two_values": (40, 15, 2.0, None, True),
}


def main() -> None:
    """Draw every case with a generator of its own."""
    with TARGET.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["case", "high_means_event", "value", "event"])
        for number, (name, (rows, events, distance, decimals, is_high)) in enumerate(CASES.items()):
            rng = np.random.default_rng([2026, number])
            event = np.repeat([1, 0], [events, rows - events])
            drawn = 2 * (rng.normal(size=rows) + distance * event) + 5
            values = np.round(drawn, decimals) if decimals is not None else np.round(8 * drawn) / 8
            if name == "two_values":
                values = (drawn > 6).astype(float)
            order = rng.permutation(rows)
            for value, mark in zip(values[order], event[order], strict=True):
                writer.writerow([name, int(is_high), f"{value:g}", mark])


if __name__ == "__main__":
    main()
