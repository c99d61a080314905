"""The same grades as a careful analyst writes them with `groupby.apply`: no bounds, no evidence.

It answers less than the package (the policy grade only), patient by patient. Cuts are typed from the sources:
CTCAE v5.0 (neutrophils, hemoglobin, platelets), ICAHT as counted by the automated program, T-ICAHT 2025.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

CTCAE = {"anc": (0.5, 1.0, 1.5), "platelets": (25.0, 50.0, 75.0), "hemoglobin": (None, 80.0, 100.0)}


def grade_ctcae(group: pd.DataFrame) -> int:
    """Worst grade of days 0 to 28; grade 1 lies below the row's own lower limit of normal."""
    rows = group[(group.day >= 0) & (group.day <= 28)]
    if rows.empty:
        return -1
    lowest = rows.value.min()
    for grade, cut in zip((4, 3, 2), CTCAE[group.name[1]], strict=True):
        if cut is not None and lowest < cut:
            return grade
    return int((rows.value < rows.lln).any())


def fill_days(group: pd.DataFrame, first: int, last: int) -> pd.Series:
    """One value per day of the window: the lowest of the day, gaps of at most 7 days filled by the line."""
    rows = group[(group.day >= first) & (group.day <= last)]
    daily = rows.groupby("day").value.min().reindex(range(first, last + 1))
    known = daily.notna()
    gap = (~known).astype(int).groupby(known.cumsum()).transform("sum")
    line = daily.interpolate("linear", limit_direction="both" if known.sum() > 1 else None)
    return daily.where(known, line.where(gap <= 7))


def bridge(low: pd.Series) -> pd.Series:
    """Join days below a cut over at most two days above it."""
    block = (low != low.shift()).cumsum()
    length = low.groupby(block).transform("size")
    inner = (block != block.iloc[0]) & (block != block.iloc[-1])
    return low | (~low & (length <= 2) & inner)


def longest(low: pd.Series) -> int:
    """Days of the longest run."""
    block = (low != low.shift()).cumsum()
    return int(low.groupby(block).sum().max())


def grade_icaht(group: pd.DataFrame) -> int:
    """Early ICAHT, days 0 to 30."""
    daily = fill_days(group, 0, 30).round(2)
    if daily.isna().all():
        return -1
    half, tenth = longest(bridge(daily <= 0.5)), longest(bridge(daily <= 0.1))
    if half >= 31 or tenth >= 14:
        return 4
    return 3 if half >= 14 or tenth >= 7 else 2 if half >= 7 else int(half >= 1)


def grade_late_icaht(group: pd.DataFrame) -> int:
    """Late ICAHT, days 31 to 100, at least two values at or below 1.5 (a single one is taken as it is)."""
    rows = group[(group.day >= 31) & (group.day <= 100)]
    if rows.empty:
        return -1
    two_lowest = np.sort(rows.value.to_numpy())[:2]
    if two_lowest[-1] > 1.5:
        return 0
    return int(sum(two_lowest[0] <= cut for cut in (1.5, 1.0, 0.5, 0.1)))


def grade_t_icaht(group: pd.DataFrame) -> int:
    """Early T-ICAHT, days 0 to 30, days added up."""
    daily = fill_days(group, 0, 30)
    if daily.isna().all():
        return -1
    fifty, twenty = int(bridge(daily < 50).sum()), int(bridge(daily < 20).sum())
    return 4 if twenty >= 14 else 3 if twenty >= 1 else 2 if fifty >= 7 else int(fifty >= 1)


def grade_late_t_icaht(group: pd.DataFrame) -> int:
    """Late T-ICAHT, days 31 to 100; two measured days below 100 are asked for."""
    rows = group[(group.day >= 31) & (group.day <= 100)]
    if rows.empty or (rows.value < 100).sum() < 2:
        return 0 if not rows.empty else -1
    daily = fill_days(group, 31, 100)
    twenty, lowest = int(bridge(daily < 20).sum()), rows.value.min()
    return 4 if twenty >= 14 else 3 if twenty >= 1 else 2 if lowest < 50 else 1


def grade_cohort(path: Path, *, patients: int) -> dict[str, float]:
    """Grade the first `patients` of the file; returns how many have which grade or more."""
    labs = pd.read_parquet(path)
    chosen = np.sort(labs.patient_id.unique())[:patients]
    labs = labs[labs.patient_id.isin(chosen)].sort_values(["patient_id", "analyte", "day"])
    columns = ["day", "value", "lln"]
    ctcae = labs.groupby(["patient_id", "analyte"])[columns].apply(grade_ctcae)
    anc = labs[labs.analyte == "anc"].groupby("patient_id")[columns]
    platelets = labs[labs.analyte == "platelets"].groupby("patient_id")[columns]
    graded = {
        "neutropenia": ctcae.xs("anc", level=1),
        "early": anc.apply(grade_icaht),
        "late": anc.apply(grade_late_icaht),
        "platelets_early": platelets.apply(grade_t_icaht),
        "platelets_late": platelets.apply(grade_late_t_icaht),
    }
    return {f"{name}_3": float((grades >= 3).sum()) for name, grades in graded.items()}
