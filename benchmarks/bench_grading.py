"""Grade 100,000 patients x 60 values beside what a database needs merely to read and sort them.

Two sets of outcomes: `cytopenia` (CTCAE, nadirs, recovery) and `cytopenia_days` (CTCAE, early and late ICAHT
and T-ICAHT). What other programs need for grades stands in the race (`make race`).

Run `make bench`, or `python benchmarks/bench_grading.py --help`. Every contender runs in a process of its
own, several times; the shortest wall time (the import of its libraries included) and the largest memory
peak are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

HERE = Path(__file__)
DATA = HERE.parent / "data"
FLOOR = "duckdb_sort"

# analyte: unit, lower limit of normal, typical value, scatter on the log scale, depth and day of the trough
COURSES = {
    "anc": ("1e9/L", 2.0, 3.5, 0.55, 2.6, 9.0),
    "platelets": ("1e9/L", 150.0, 180.0, 0.45, 1.6, 12.0),
    "hemoglobin": ("g/L", 120.0, 115.0, 0.13, 0.35, 8.0),
}
# Of twenty draws, fourteen fall in the first stretch of days and six in the second.
STRETCHES = ((-10, 30, 14), (31, 100, 6))

RECOVERY_STUDY = """
[study]
title = "benchmark"
seed = 1
[data]
[outcomes.neutropenia]
definition = "ctcae_v4.neutrophil_count_decreased"
window = [0, 28]
[outcomes.anemia]
definition = "ctcae_v4.anemia"
window = [0, 28]
[outcomes.thrombocytopenia]
definition = "ctcae_v4.platelet_count_decreased"
window = [0, 28]
[outcomes.recovery]
definition = "qiu2023_recovery"
died_before_landmark = "exclude"
[[analyses]]
id = "recovery"
kind = "recovery"
outcome = "recovery"
"""


DAYS_STUDY = """
[study]
title = "benchmark"
seed = 1
[data]
[outcomes.neutropenia]
definition = "ctcae_v5.neutrophil_count_decreased"
window = [0, 28]
[outcomes.anemia]
definition = "ctcae_v5.anemia"
window = [0, 28]
[outcomes.thrombocytopenia]
definition = "ctcae_v5.platelet_count_decreased"
window = [0, 28]
[outcomes.early]
definition = "icaht_liang_2024.early"
[outcomes.late]
definition = "icaht_liang_2024.late"
[outcomes.platelets_early]
definition = "t_icaht_2025.early"
[outcomes.platelets_late]
definition = "t_icaht_2025.late"
[[analyses]]
id = "occurrence"
kind = "occurrence"
outcomes = ["neutropenia", "anemia", "thrombocytopenia", "early", "late", "platelets_early", "platelets_late"]
"""


def write_labs(path: Path, *, patients: int, seed: int = 20261122) -> None:
    """Write the table, its rows shuffled: 3 analytes on the same 20 days of each patient."""
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(seed)
    days = np.hstack(
        [
            np.argsort(rng.random((patients, last - first + 1), dtype=np.float32), axis=1)[:, :draws] + first
            for first, last, draws in STRETCHES
        ]
    )
    level = rng.normal(0.0, 1.0, (patients, 1))
    ids = np.repeat(np.arange(patients), days.shape[1])
    parts = []
    for analyte, (unit, lln, typical, scatter, depth, trough) in COURSES.items():
        course = -depth * np.exp(-(((days - trough) / 9.0) ** 2))
        noise = rng.normal(0.0, scatter, days.shape)
        values = np.round(typical * np.exp(course + scatter * level + noise), 2)
        part = pl.DataFrame({"patient": ids, "day": days.ravel().astype(np.int32), "value": values.ravel()})
        parts.append(part.with_columns(analyte=pl.lit(analyte), unit=pl.lit(unit), lln=pl.lit(lln)))
    labs = pl.concat(parts).select(
        pl.format("P{}", pl.col("patient").cast(pl.String).str.zfill(6)).alias("patient_id"),
        "day",
        "analyte",
        "value",
        "unit",
        "lln",
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    labs.sample(fraction=1.0, shuffle=True, seed=seed).write_parquet(path)


def run_duckdb_window(path: Path) -> dict[str, float]:
    """Scan and one window function (which sorts within its partitions); two numbers come back."""
    return _run_duckdb(path, "SELECT count(*), sum(previous) FROM ({windowed})")


def run_duckdb_sort(path: Path) -> dict[str, float]:
    """Scan, one window function, and the rows sorted by patient, analyte and day; two numbers come back."""
    return _run_duckdb(
        path, "SELECT count(*), sum(previous) FROM ({windowed} ORDER BY patient_id, analyte, day)"
    )


def run_duckdb_table(path: Path) -> dict[str, float]:
    """Do the same, and keep the sorted table with its new column in memory."""
    return _run_duckdb(
        path,
        "CREATE TEMP TABLE sorted AS {windowed} ORDER BY patient_id, analyte, day",
        "SELECT count(*), sum(previous) FROM sorted",
    )


def _run_duckdb(path: Path, *statements: str) -> dict[str, float]:
    import duckdb

    windowed = (
        "SELECT *, lag(value) OVER (PARTITION BY patient_id, analyte ORDER BY day) AS previous "
        f"FROM read_parquet('{path}')"
    )
    connection = duckdb.connect()
    for statement in statements:
        answer = connection.execute(statement.format(windowed=windowed)).fetchall()
    rows, total = answer[0]
    return {"rows": float(rows), "checksum": round(float(total), 2)}


def run_cytopenia(path: Path) -> dict[str, float]:
    """Grade CTCAE, find the nadir and the recovery in three scenarios, with evidence for non-zero grades."""
    return _run_study(path, RECOVERY_STUDY, ("neutropenia",))


def run_cytopenia_days(path: Path) -> dict[str, float]:
    """Grade CTCAE, early and late ICAHT and T-ICAHT in three scenarios, with evidence and day account."""
    names = ("neutropenia", "early", "late", "platelets_early", "platelets_late")
    return _run_study(path, DAYS_STUDY, names)


def _run_study(path: Path, protocol: str, names: tuple[str, ...]) -> dict[str, float]:
    """Run the kernel over blocks of patients, and write what it finds.

    Returns
    -------
    dict
        A few counts that show the work was done (outcome rows, evidence rows, grades of 3 and above).
    """
    import polars as pl

    from cytopenia.large_cohort import derive_in_blocks
    from cytopenia.study.protocol import read_protocol

    counts = dict.fromkeys(("outcomes", "evidence", *(f"{name}_3" for name in names)), 0.0)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "study.toml"
        file.write_text(protocol, encoding="utf-8")
        found = derive_in_blocks({"labs": path}, read_protocol(file))
        for block, cohort in enumerate(found):
            cohort.outcomes.write_parquet(Path(folder) / f"outcomes_{block}.parquet", compression="lz4")
            cohort.evidence.write_parquet(Path(folder) / f"evidence_{block}.parquet", compression="lz4")
            cohort.account.write_parquet(Path(folder) / f"account_{block}.parquet", compression="lz4")
            counts["outcomes"] += cohort.outcomes.height
            counts["evidence"] += cohort.evidence.height
            severe = cohort.outcomes.filter(pl.col("policy") >= 3)["outcome"].value_counts()
            for name, number in severe.iter_rows():
                if name in names:
                    counts[f"{name}_3"] += number
    return counts


CONTENDERS: dict[str, Callable[[Path], dict[str, float]]] = {
    "duckdb_window": run_duckdb_window,
    FLOOR: run_duckdb_sort,
    "duckdb_table": run_duckdb_table,
    "cytopenia": run_cytopenia,
    "cytopenia_days": run_cytopenia_days,
}


def memory_peak() -> int:
    """Return the largest resident size of this process in bytes.

    The kernel's own figure for the process comes first: what `getrusage` gives can be that of the parent.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(row for row in status.read_text().splitlines() if row.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def measure_here(contender: str, path: Path) -> None:
    """Run one contender in this process and print its figures as JSON."""
    start = time.perf_counter()
    try:
        counts = CONTENDERS[contender](path)
    except NotImplementedError as error:
        print(json.dumps({"not_measured": str(error)}))
        return
    print(json.dumps({"seconds": time.perf_counter() - start, "peak": memory_peak(), "counts": counts}))


def measure(contender: str, path: Path, *, repeats: int) -> dict[str, object]:
    """Run one contender `repeats` times, each in a new process."""
    runs = []
    for _ in range(repeats):
        command = [sys.executable, str(HERE), "--only", contender, "--file", str(path)]
        answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        if "not_measured" in answer:
            return answer
        runs.append(answer)
    return {
        "seconds": min(run["seconds"] for run in runs),
        "peak": max(run["peak"] for run in runs),
        "counts": runs[0]["counts"],
    }


def describe_machine() -> str:
    names = []
    for name in ("cytopenia", "polars", "numpy", "duckdb"):
        try:
            names.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            names.append(f"{name} from source")
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, " + ", ".join(names)


def print_table(results: dict[str, dict[str, object]]) -> None:
    floor = results[FLOOR]["seconds"]
    print(f"| {'contender':<14} | wall, s | peak, MB | times the floor | counts |")
    print("|---|---:|---:|---:|---|")
    for name, found in results.items():
        if "not_measured" in found:
            print(f"| {name:<14} | | | | not measured: {found['not_measured']} |")
            continue
        ratio = found["seconds"] / floor
        counts = ", ".join(f"{key} {number:,.0f}" for key, number in found["counts"].items())
        print(f"| {name:<14} | {found['seconds']:.2f} | {found['peak'] / 1e6:.0f} | {ratio:.1f} | {counts} |")


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--file", type=Path, help="a Parquet file to use or to write; default benchmarks/data/"
    )
    parser.add_argument("--only", choices=sorted(CONTENDERS), help="run one contender in this process")
    return parser.parse_args()


def main() -> None:
    asked = read_arguments()
    path = asked.file or DATA / f"labs_{asked.patients}_to_day_{STRETCHES[-1][1]}.parquet"
    if asked.only:
        measure_here(asked.only, path)
        return
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=HERE.parent) as folder:
            unfinished = Path(folder) / path.name
            write_labs(unfinished, patients=asked.patients)
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.rename(path)
    print(f"{path.name}, {path.stat().st_size / 1e6:.0f} MB; {describe_machine()}\n")
    print_table({name: measure(name, path, repeats=asked.repeats) for name in CONTENDERS})


if __name__ == "__main__":
    main()
