"""The grading as an analyst writes it with `groupby.apply`: the policy grade only, no bounds, no evidence.

Cuts are typed from the sources: CTCAE v5.0, ICAHT as counted by the automated program, Qiu 2023.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from harness import Numbers, Options, Work, compete

if TYPE_CHECKING:
    import pandas as pd

# Outcome, cuts of grade 4, 3 and 2; the cut of recovery, and the support that must be absent.
LINEAGES = {
    "anc": ("neutropenia", (0.5, 1.0, 1.5), 1.0, "gcsf"),
    "hemoglobin": ("anemia", (-np.inf, 80.0, 100.0), 80.0, "rbc_transfusion"),
    "platelets": ("thrombocytopenia", (25.0, 50.0, 75.0), 50.0, "platelet_transfusion"),
}
FACTORS = {"/uL": 0.001, "g/dL": 10.0}


def prepare(folder: Path, options: Options) -> Work:
    """Return the work: read, grade patient by patient, write the grades."""
    del options

    def work() -> Numbers:
        import pandas as pd

        labs, patients = read_labs(folder), read_patients(folder)
        ctcae = labs.groupby(["analyte", "patient_id"])[["day", "value", "lln"]].apply(grade_ctcae)
        found = {outcome: ctcae.loc[analyte] for analyte, (outcome, *_) in LINEAGES.items()}
        anc = labs[labs.analyte == "anc"].merge(patients, on="patient_id").groupby("patient_id")
        found["early"] = anc[["day", "value", "last_early"]].apply(grade_early)
        found["late"] = anc[["day", "value", "last_late"]].apply(grade_late)
        support = pd.read_parquet(folder / "support.parquet")
        held = set(list_support_days(support))
        recovery = labs.groupby("patient_id")[["analyte", "day", "value"]]
        found["recovery"] = recovery.apply(lambda rows: judge_recovery(rows, held)).where(
            patients.death.isna()
        )
        grades = pd.DataFrame(found, index=patients.index).rename_axis("patient_id").reset_index()
        grades.melt("patient_id", var_name="outcome", value_name="grade").to_parquet(
            folder / "grades_pandas.parquet"
        )
        return {}

    return work


def read_labs(folder: Path) -> pd.DataFrame:
    """The lowest value of each day in one unit."""
    import pandas as pd

    labs = pd.read_parquet(folder / "labs.parquet")
    labs = labs[labs.analyte.isin(LINEAGES)]
    factor = labs.unit.map(FACTORS).fillna(1.0)
    labs["value"] = (labs.value.str.lstrip("<").astype(float) * factor).round(9)
    labs["lln"] = (labs.lln * factor).round(9)
    return labs.sort_values("value").drop_duplicates(["patient_id", "analyte", "day"]).sort_values("day")


def read_patients(folder: Path) -> pd.DataFrame:
    """The last days that count of each patient, and death on or before day 28."""
    import pandas as pd

    events = pd.read_parquet(folder / "events.parquet")
    patients = pd.read_parquet(folder / "patients.parquet").set_index("patient_id")[[]]
    death = events[events.kind == "death"].groupby("patient_id").day.min()
    seen = events[events.kind.isin(["death", "last_contact"])].groupby("patient_id").day.max()
    changed = events[events.kind.isin(["progression", "next_therapy"])].groupby("patient_id").day.min()
    last = patients.assign(seen=seen, changed=changed)
    return patients.assign(
        death=death[death <= 28],
        last_early=last.seen.clip(upper=30).fillna(30),
        last_late=last.min(axis=1).clip(upper=100).fillna(100),
    )


def grade_ctcae(rows: pd.DataFrame) -> float:
    """Worst grade of days 0 to 28; grade 1 lies below the row's own lower limit of normal."""
    cuts, rows = LINEAGES[rows.name[0]][1], rows[rows.day.between(0, 28)]
    if rows.empty:
        return np.nan
    lowest = rows.value.min()
    for grade, cut in zip((4, 3, 2), cuts, strict=True):
        if lowest < cut:
            return grade
    return float((rows.value < rows.lln).any())


def grade_early(rows: pd.DataFrame) -> float:
    """Early ICAHT: gaps of at most 7 days filled by the line, episodes joined over two days above."""
    last = int(rows.last_early.iloc[0])
    daily = rows.set_index("day").value.reindex(range(last + 1))
    known = daily.notna()
    if not known.any():
        return np.nan
    gap = (~known).groupby(known.cumsum()).transform("sum")
    if known.sum() > 1:
        daily = daily.where(known, daily.interpolate(limit_direction="both").where(gap <= 7))
    daily = (daily * 100).round(7).round() / 100
    half, tenth = find_episodes(daily <= 0.5), find_episodes(daily <= 0.1)
    longest, deepest = half["count"].max(), tenth["count"].max()
    if ((half["min"] <= 3) & (half["max"] == last)).any() or deepest >= 14:
        return 4
    return 3 if longest >= 14 or deepest >= 7 else 2 if longest >= 7 else float(longest >= 1)


def find_episodes(low: pd.Series) -> pd.DataFrame:
    """First day, last day and length of each run, joined over at most two days above the cut."""
    block = low.ne(low.shift()).cumsum()
    length = low.groupby(block).transform("size")
    inside = low | (low.cummax() & (length <= 2))
    days = inside.index.to_series()[inside]
    return days.groupby(inside.ne(inside.shift()).cumsum()[inside]).agg(["min", "max", "count"])


def grade_late(rows: pd.DataFrame) -> float:
    """Late ICAHT: at least two values at or below 1.5 (a single one is taken as it is)."""
    lowest = rows.value[rows.day.between(31, rows.last_late.iloc[0])].nsmallest(2)
    if lowest.empty:
        return np.nan
    if lowest.iloc[-1] > 1.5:
        return 0
    return float(sum(lowest.iloc[0] <= cut for cut in (1.5, 1.0, 0.5, 0.1)))


def list_support_days(support: pd.DataFrame) -> list[tuple[str, str, int]]:
    """Every patient, kind and day of support."""
    rows = support.assign(stop=support.stop.fillna(support.start).astype(int))
    return [
        (row.patient_id, row.kind, day) for row in rows.itertuples() for day in range(row.start, row.stop + 1)
    ]


def judge_recovery(rows: pd.DataFrame, held: set[tuple[str, str, int]]) -> float:
    """0 recovered, 1 not, none not evaluable: three lineages on days 26, 27 and 28."""
    cells = []
    for analyte, (_, _, cut, kind) in LINEAGES.items():
        met = (rows[rows.analyte == analyte].set_index("day").value >= cut).loc[18:36]
        cells += [judge_cell(met, day, is_held=(rows.name, kind, day) in held) for day in (26, 27, 28)]
    if False in cells:
        return 1
    return np.nan if None in cells else 0


def judge_cell(met: pd.Series, day: int, *, is_held: bool) -> bool | None:
    """A day by itself or by neighbors at most 8 days apart that agree; carried for 3 days at the end."""
    before, after = met.loc[:day], met.loc[day:]
    if is_held:
        return False
    if before.empty or (after.empty and day - before.index[-1] > 3):
        return None
    if after.empty:
        return bool(before.iloc[-1])
    is_near = after.index[0] - before.index[-1] <= 8 and before.iloc[-1] == after.iloc[0]
    return bool(after.iloc[0]) if is_near else None


if __name__ == "__main__":
    compete({"pandas": prepare}, ("pandas",))
