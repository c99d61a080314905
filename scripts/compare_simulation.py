"""Compare the truth of a synthetic cohort with a published one: Rejeski K et al. Blood 2021;138:2499-2513.

`python scripts/compare_simulation.py` prints the table of docs/simulation.md. The published figures are those
of the whole cohort (n = 235) in Table 2 (doi:10.1182/blood.2020010543), and for severe early ICAHT the range
of 15 to 28 percent over diseases in Rejeski K et al. Blood 2023;142:865-877 (doi:10.1182/blood.2023020578)
and its companion cohort. Counts are compared on true days 0 to 60; patients were counted on days with a draw.
"""

from __future__ import annotations

from itertools import groupby

import polars as pl

from cytopenia.simulate import SimulatedCohort, simulate_cohort

PATIENTS, SEED = 3072, 20261125

# name: published, lowest and highest that passes
PUBLISHED = {
    "ANC <= 0.5 at some time, %": (91, 85, 99),
    "ANC <= 0.1 at some time, %": (72, 52, 80),
    "ANC <= 0.5 for 7 days or more, %": (68, 55, 78),
    "ANC <= 0.1 for 7 days or more, %": (26, 12, 34),
    "ANC <= 0.5 for 14 days or more, %": (29, 20, 38),
    "days with ANC <= 0.5, median": (9, 7, 12),
    "ANC <= 1.0 on day 21 or later, %": (64, 52, 74),
    "severe early ICAHT, %": (23, 15, 30),
    "platelets < 50 at some time, %": (62, 52, 72),
    "hemoglobin < 80 g/L or red cells given, %": (69, 60, 80),
}


def longest_run(flags: list[bool]) -> int:
    """Return the most days in a row."""
    return max((sum(1 for _ in days) for flag, days in groupby(flags) if flag), default=0)


def measure_cohort(cohort: SimulatedCohort) -> dict[str, float]:
    """Return the figures of `PUBLISHED` for the true days of a synthetic cohort."""
    course = cohort.truth.filter(pl.col("day").is_between(0, 60))
    red_cells = cohort.tables["support"].filter(pl.col("kind") == "rbc_transfusion")
    transfused = set(red_cells["patient_id"])
    rows: list[dict[str, float]] = []
    for (name,), days in course.group_by("patient_id", maintain_order=True):
        anc, day = days["anc"].to_list(), days["day"].to_list()
        low, lowest = [value <= 0.5 for value in anc], [value <= 0.1 for value in anc]
        early = sum(1 for value in day if value <= 30)
        rows.append(
            {
                "ANC <= 0.5 at some time, %": any(low),
                "ANC <= 0.1 at some time, %": any(lowest),
                "ANC <= 0.5 for 7 days or more, %": longest_run(low) >= 7,
                "ANC <= 0.1 for 7 days or more, %": longest_run(lowest) >= 7,
                "ANC <= 0.5 for 14 days or more, %": longest_run(low) >= 14,
                "days with ANC <= 0.5, median": sum(low),
                "ANC <= 1.0 on day 21 or later, %": min(anc[21:], default=9.0) <= 1.0,
                "severe early ICAHT, %": longest_run(low[:early]) >= 14 or longest_run(lowest[:early]) >= 7,
                "platelets < 50 at some time, %": days["platelets"].min() < 50,
                "hemoglobin < 80 g/L or red cells given, %": days["hemoglobin"].min() < 80
                or name in transfused,
            }
        )
    table = pl.DataFrame(rows)
    return {
        name: float(table[name].median()) if name.endswith("median") else 100 * float(table[name].mean())
        for name in PUBLISHED
    }


def main() -> None:
    """Print the table."""
    found = measure_cohort(simulate_cohort(PATIENTS, seed=SEED, schedule="weekly"))
    print("| Figure | Published | Simulated | Passes |\n|---|---:|---:|---|")
    for name, (published, low, high) in PUBLISHED.items():
        print(f"| {name} | {published} | {found[name]:.0f} | {low} to {high} |")


if __name__ == "__main__":
    main()
