"""Grade 10,000 to 1,000,000 simulated patients x 60 values on Spark; what would a cluster need?

The session is `local[2]`. The values are those of `bench_grading.py`, written as Parquet in blocks of
patients, rows shuffled. Two studies: `recovery` (CTCAE v4, nadirs, recovery) and `days` (CTCAE v5, early and
late ICAHT and T-ICAHT). Every run is a process of its own; outcomes, evidence and findings are written as
Parquet. Twice a second the processor time and the memory (proportional set size) of its processes are read.

Run `python benchmarks/bench_spark.py --help`. It needs the extra `spark` and Java.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from bench_grading import DAYS_STUDY, RECOVERY_STUDY, write_labs

HERE = Path(__file__)
DATA = HERE.parent / "data"
BLOCK = 50_000
ROWS_OF_A_PATIENT = 60
CORES = 2
STUDIES = {"recovery": RECOVERY_STUDY, "days": DAYS_STUDY}
# What a cluster is asked for on paper; how much is lost to starts, shuffles and the last task.
PATIENTS_ON_PAPER, SECONDS_ON_PAPER, LOST = 100_000_000, 3_600, 1.5
CORES_OF_AN_EXECUTOR = 4


HEADINGS = (
    "study",
    "patients",
    "rows",
    "wall, s",
    "processor, s",
    "rows/s per core",
    "Java, MB",
    "a worker, MB",
    "all, MB",
    "outcomes",
    "grade 3+",
    "evidence",
)


def write_blocks(folder: Path, *, patients: int) -> None:
    """Write one Parquet file per block; the ids of each block begin with its number."""
    import polars as pl

    unfinished = folder.with_name(f"{folder.name}_unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    for block, start in enumerate(range(0, patients, BLOCK)):
        path = unfinished / f"labs_{block:04}.parquet"
        write_labs(path, patients=min(BLOCK, patients - start), seed=20261129 + block)
        named = pl.read_parquet(path).with_columns(
            pl.format("B{}{}", pl.lit(block), "patient_id").alias("patient_id")
        )
        named.write_parquet(path)
    unfinished.rename(folder)


def grade_here(folder: Path, study: str, partitions: int) -> None:
    """Grade one cohort in this process and print what it took as JSON."""
    os.environ |= {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    from pyspark.sql import SparkSession

    from cytopenia.spark import grade

    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "study.toml").write_text(STUDIES[study], encoding="utf-8")
        settings = {
            "spark.ui.enabled": "false",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.memory": "2g",
            "spark.local.dir": place,
            "spark.sql.shuffle.partitions": str(partitions),
            "spark.log.level": "ERROR",
        }
        session = SparkSession.builder.master(f"local[{CORES}]").config(map=settings).getOrCreate()
        labs = session.read.parquet(str(folder))
        start = time.perf_counter()
        found = grade({"labs": labs}, Path(place) / "study.toml").write(f"{place}/graded")
        seconds = time.perf_counter() - start
        counts = {
            "outcomes": found.outcomes.count(),
            "severe": found.outcomes.filter("policy >= 3").count(),
            "evidence": found.evidence.count(),
        }
        session.stop()
    print(json.dumps({"seconds": seconds, "counts": counts}))


class Watch(threading.Thread):
    """The largest resident sizes of the processes that descend from one."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self.root, self.peaks, self.together = root, {"java": 0, "worker": 0, "driver": 0}, 0
        self.ticks: dict[int, int] = {}
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.5):
            family = list_family(self.root)
            self.ticks |= {pid: ticks for pid in family if (ticks := count_ticks(pid))}
            sizes = [(kind, size) for kind, size in map(look_at, family) if size]
            for kind, size in sizes:
                self.peaks[kind] = max(self.peaks[kind], size)
            self.together = max(self.together, sum(size for _, size in sizes))


def list_family(root: int) -> list[int]:
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
    family = [root]
    for pid in family:
        family += [child for child, parent in parents.items() if parent == pid]
    return family


def count_ticks(pid: int) -> int:
    """The processor time of a process, in ticks of the clock."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


def look_at(pid: int) -> tuple[str, int]:
    """What a process is, and the bytes of it that are its own or its share of what it shares."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return "driver", 0
    size = next(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))
    if b"java" in command.split(b"\0")[0]:
        return "java", size
    return ("worker" if b"pyspark.daemon" in command else "driver"), size


def measure(folder: Path, study: str, partitions: int) -> dict[str, object]:
    command = [
        sys.executable,
        str(HERE),
        "--only",
        study,
        "--folder",
        str(folder),
        "--partitions",
        str(partitions),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        watch = Watch(process.pid)
        watch.start()
        said, wrong = process.communicate()
        watch.done.set()
        watch.join()
    if process.returncode:
        sys.exit(wrong)
    processor = sum(watch.ticks.values()) / os.sysconf("SC_CLK_TCK")
    answer = json.loads(said.splitlines()[-1])
    return answer | {"peaks": watch.peaks, "together": watch.together, "processor": processor}


def count_partitions(rows: int) -> int:
    """About a million rows each, and at least two for each core."""
    return max(2 * CORES, math.ceil(rows / 1_000_000))


def print_row(study: str, patients: int, found: dict[str, object]) -> tuple[int, float]:
    """Print what was measured; return the rows and the processor time."""
    rows, seconds, peaks, counts = (
        patients * ROWS_OF_A_PATIENT,
        found["seconds"],
        found["peaks"],
        found["counts"],
    )
    # Others may work on the same cores: the processor time is that of this run alone.
    speed = rows / found["processor"]
    cells = [
        f"`{study}`",
        *(f"{number:,}" for number in (patients, rows)),
        *(f"{time:.1f}" for time in (seconds, found["processor"])),
        f"{speed:,.0f}",
        *(f"{size / 1e6:,.0f}" for size in (peaks["java"], peaks["worker"], found["together"])),
        *(f"{count:,}" for count in counts.values()),
    ]
    print(f"| {' | '.join(cells)} |", flush=True)
    return rows, found["processor"]


def print_need(study: str, spent: list[tuple[int, float]]) -> None:
    """Print what a cluster needs; from two sizes on the start of Spark counts no longer."""
    (fewer, before), (more, after) = [(0, 0.0), *spent] if len(spent) == 1 else (spent[0], spent[-1])
    speed = (more - fewer) / (after - before)
    rows = PATIENTS_ON_PAPER * ROWS_OF_A_PATIENT
    cores = math.ceil(rows / (speed * SECONDS_ON_PAPER) * LOST)
    executors = math.ceil(cores / CORES_OF_AN_EXECUTOR)
    each = f"({speed:,.0f} rows/s per core x {SECONDS_ON_PAPER:,} s)"
    print(f"\n`{study}`: {rows:,} rows / {each} x {LOST} = {cores:,} cores (on paper),")
    print(f"or {executors:,} executors of {CORES_OF_AN_EXECUTOR} cores.")


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--studies", choices=sorted(STUDIES), nargs="+", default=list(STUDIES))
    parser.add_argument("--partitions", type=int, help="of the shuffle; default: a million rows each")
    parser.add_argument("--only", choices=sorted(STUDIES), help="grade once in this process")
    parser.add_argument("--folder", type=Path, help="with --only: the Parquet files")
    return parser.parse_args()


def main() -> None:
    asked = read_arguments()
    if asked.only:
        grade_here(asked.folder, asked.only, asked.partitions or 2 * CORES)
        return
    print(f"| {' | '.join(HEADINGS)} |\n|---|{'---:|' * (len(HEADINGS) - 1)}")
    spent: dict[str, list[tuple[int, float]]] = {study: [] for study in asked.studies}
    for patients in asked.patients:
        folder = DATA / f"spark_labs_{patients}"
        if not folder.exists():
            write_blocks(folder, patients=patients)
        for study in asked.studies:
            partitions = asked.partitions or count_partitions(patients * ROWS_OF_A_PATIENT)
            spent[study].append(print_row(study, patients, measure(folder, study, partitions)))
    for study, runs in spent.items():
        print_need(study, runs)


if __name__ == "__main__":
    main()
