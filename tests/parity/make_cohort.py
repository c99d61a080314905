"""Write cohort.csv: 63 made-up patients for the parity numbers. Synthetic, drawn with a seed."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

SEED, PATIENTS = 20240229, 63


def main() -> None:
    rng = np.random.default_rng(SEED)
    anc = np.round(rng.gamma(3.0, 1.0, PATIENTS), 1)
    hemoglobin = np.round(rng.normal(110.0, 16.0, PATIENTS))
    ferritin = np.round(np.exp(rng.normal(6.4, 0.9, PATIENTS)), 1)
    crp = np.round(np.exp(rng.normal(2.2, 1.1, PATIENTS)), 2)
    stage = rng.choice([1, 2, 3, 4], PATIENTS, p=[0.15, 0.25, 0.3, 0.3])
    log_odds = (
        -0.6 * (anc - 3.0) - 0.03 * (hemoglobin - 110.0) + 0.0005 * (ferritin - 600.0) + 0.2 * (stage - 2)
    )
    event = (rng.random(PATIENTS) < 1.0 / (1.0 + np.exp(-log_odds))).astype(int)
    with (Path(__file__).parent / "cohort.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["event", "anc", "hemoglobin", "ferritin", "crp", "stage"])
        columns = (event, anc, hemoglobin, ferritin, crp, stage)
        writer.writerows(zip(*(column.tolist() for column in columns), strict=True))


if __name__ == "__main__":
    main()
