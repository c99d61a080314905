"""Whether a contender answered as the package did."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

EQUAL, DIFFERS = "equal", "differs"
OUTCOMES = ("neutropenia", "anemia", "thrombocytopenia", "early", "late", "recovery")


def compare_numbers(
    ours: Mapping[str, float], theirs: Mapping[str, float], within: Mapping[str, float]
) -> str:
    """Say whether the numbers agree as closely as asked; a name that ends in * stands for several."""
    wrong: list[str] = []
    limits: dict[float, list[str]] = {}
    for word, limit in within.items():
        names = [name for name in ours if name == word or (word[-1] == "*" and name.startswith(word[:-1]))]
        limits.setdefault(limit, []).append(word.rstrip("* "))
        for name in names or [word]:
            one, two = ours.get(name, float("nan")), theirs.get(name, float("nan"))
            if not abs(one - two) <= limit:
                wrong.append(f"{name} {two:.6g}, ours {one:.6g}")
    if wrong:
        return f"{DIFFERS}: {'; '.join(wrong)}"
    return f"{EQUAL}: " + "; ".join(f"{', '.join(words)} to {limit:.2g}" for limit, words in limits.items())


def compare_grades(folder: Path, contender: str) -> str:
    """Say how many of the policy grades in the files of a folder are the same, patient by patient."""
    import polars as pl

    ours = pl.scan_parquet(folder / "grades_ours" / "outcomes_*.parquet")
    path = next(folder.glob(f"grades_{contender}.*"))
    theirs = pl.scan_parquet(path) if path.suffix == ".parquet" else pl.scan_csv(path, null_values=["", "NA"])
    both = theirs.select("patient_id", "outcome", theirs=pl.col("grade").cast(pl.Float64)).join(
        ours.select("patient_id", "outcome", "policy", is_known=True),
        on=["patient_id", "outcome"],
        how="left",
    )
    is_other = pl.col("is_known").is_null() | pl.col("theirs").ne_missing(pl.col("policy"))
    counted = both.group_by("outcome").agg(pl.len(), is_other.sum().alias("other")).sort("outcome").collect()
    patients = pl.scan_parquet(folder / "patients.parquet").select(pl.len()).collect().item()
    rows = int(counted["len"].sum())
    if rows != patients * len(OUTCOMES) or counted["outcome"].to_list() != sorted(OUTCOMES):
        return f"{DIFFERS}: {rows:,} grades for {patients:,} patients"
    wrong = counted.filter(pl.col("other") > 0)
    if wrong.is_empty():
        return f"{EQUAL}: all {rows:,} grades"
    return f"{DIFFERS}: " + ", ".join(f"{n:,} of {of:,} {name}" for name, of, n in wrong.iter_rows())
