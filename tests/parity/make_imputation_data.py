"""Write incomplete.csv: made-up patients with missing values, for the imputation that R's mice does as well.

Usage: python make_imputation_data.py; the file is kept, so that the numbers of R stay those of the same rows.
"""

from __future__ import annotations

import math
import random
from pathlib import Path

PATIENTS = 63


def make_rows() -> list[str]:
    """Event, age, count, marker, a yes/no and three levels; whether a value is missing depends on age."""
    draw = random.Random(20261128)
    rows = ["event,age,anc,crp,bridging,target"]
    for _ in range(PATIENTS):
        age = round(draw.gauss(60, 11))
        anc = math.exp(draw.gauss(0.9 - 0.01 * (age - 60), 0.6))
        crp = math.exp(draw.gauss(2.5 + 0.02 * (age - 60) - 0.3 * math.log(anc), 1.0))
        bridging = draw.random() < 1 / (1 + math.exp(-0.5 * math.log(crp) + 1.2))
        target = draw.choices(["CD19", "BCMA", "dual"], [0.6, 0.25, 0.15])[0]
        slope = -0.4 - 1.0 * math.log(anc) + 0.3 * math.log(crp) + 0.5 * bridging
        event = draw.random() < 1 / (1 + math.exp(-slope))
        is_old = age > 60
        cells = [
            str(int(event)),
            str(age),
            f"{anc:.2f}" if draw.random() > (0.25 if is_old else 0.08) else "",
            f"{crp:.1f}" if draw.random() > (0.30 if is_old else 0.12) else "",
            str(int(bridging)) if draw.random() > 0.12 else "",
            target if draw.random() > 0.10 else "",
        ]
        rows.append(",".join(cells))
    return rows


if __name__ == "__main__":
    text = "\n".join(make_rows()) + "\n"
    Path(__file__).with_name("incomplete.csv").write_text(text, encoding="utf-8")
