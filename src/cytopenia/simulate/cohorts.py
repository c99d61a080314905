"""Synthetic cohorts: in memory for a few patients, streamed to Parquet for any number."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template

import polars as pl

from cytopenia.errors import DataError, OutputError, suggest_name
from cytopenia.folders import replace_folder
from cytopenia.simulate.draws import BLOCK
from cytopenia.simulate.parameters import load_parameters
from cytopenia.simulate.printing import Printer
from cytopenia.simulate.tables import TABLE_NAMES, TRUTH, TRUTH_COURSES, Cohort, make_block
from cytopenia.version import __version__

__all__ = ["DEFAULT_SCHEDULE", "SimulatedCohort", "WrittenCohort", "simulate_cohort", "write_cohort"]

Progress = Callable[[str, int, int], None]

DEFAULT_SCHEDULE = "inpatient_then_clinic"
_ROWS_PER_GROUP = 250_000
_MARKER, _STUDY, _README = "simulation.json", "study.toml", "README.md"
_PARTS = "parts"
# More would hold more blocks in memory at a time, and wait for each other.
_MOST_WORKERS = 8
_FILES = (*TABLE_NAMES, TRUTH, TRUTH_COURSES)


@dataclass(frozen=True)
class SimulatedCohort:
    """Synthetic input tables, as a hospital would export them, and the truth behind them.

    Attributes
    ----------
    tables : dict of DataFrame
        `patients`, `infusions`, `labs`, `support`, `events`, `responses`: columns of the contract, and the
        site of each patient; laboratory values as text, as printed.
    truth : DataFrame
        `patient_id`, `day`, `anc`, `wbc`, `alc`, `platelets` (1e9/L), `hemoglobin` (g/L): the circulating
        count on the morning of every day from -10 to 100 or the day of death, without analytical error and
        without gaps; 32-bit numbers.
    courses : DataFrame
        One row per patient: what shaped the course (waves of inflammation, disease burden, days of support,
        days of death, progression and discharge; null where it did not come).
    """

    tables: dict[str, pl.DataFrame]
    truth: pl.DataFrame
    courses: pl.DataFrame


@dataclass(frozen=True)
class WrittenCohort:
    """The folder of a written cohort, and the rows of each of its tables."""

    folder: Path
    rows: dict[str, int]


def simulate_cohort(patients: int, *, seed: int, schedule: str = DEFAULT_SCHEDULE) -> SimulatedCohort:
    """Return a synthetic cohort; the same arguments give the same cohort.

    Parameters
    ----------
    patients : int
        At least 1. The first patients of a larger cohort are those of a smaller one, but for their names.
    seed : int
        0 or greater.
    schedule : str
        When blood is drawn: "daily", "inpatient_then_clinic", "clinic" or "weekly".

    Raises
    ------
    DataError
        A number is too small, or the schedule is unknown.

    Notes
    -----
    Every patient is invented. The model and what it was compared with: `docs/simulation.md`; its numbers and
    their sources: `data/simulation/parameters.toml`.

    Examples
    --------
    >>> cohort = simulate_cohort(3, seed=1)
    >>> cohort.tables["patients"]["patient_id"].to_list()
    ['S001', 'S002', 'S003']
    """
    cohort = _plan_cohort(patients, seed, schedule)
    frames = _make_blocks(cohort, range(_count_blocks(cohort)))
    tables = {name: frames[name] for name in TABLE_NAMES}
    return SimulatedCohort(tables, frames[TRUTH], frames[TRUTH_COURSES])


def write_cohort(
    folder: Path | str,
    patients: int,
    *,
    seed: int,
    schedule: str = DEFAULT_SCHEDULE,
    blocks_at_once: int = 4,
    progress: Progress | None = None,
) -> WrittenCohort:
    """Write a synthetic cohort of any size as Parquet files, with a study file to run it.

    Parameters
    ----------
    folder : path
        Made if absent. A cohort that was written there before is replaced as a whole.
    patients, seed, schedule
        See `simulate_cohort`, whose cohort this is.
    blocks_at_once : int
        How many blocks of 1,024 patients a worker holds in memory. The files do not depend on it.
    progress : callable, optional
        Called with a label, the work done and all work.

    Returns
    -------
    WrittenCohort
        `labs.parquet` and the other five tables, `truth.parquet`, `truth_courses.parquet`, `study.toml`,
        `README.md` and `simulation.json` are in its folder.

    Raises
    ------
    DataError
        A number is too small, or the schedule is unknown.
    OutputError
        The folder holds other files, or cannot be written.
    """
    cohort = _plan_cohort(patients, seed, schedule)
    if blocks_at_once < 1:
        raise DataError(f"blocks_at_once is {blocks_at_once}; allowed: 1 or more")
    _require_own_folder(Path(folder))
    with replace_folder(Path(folder)) as new:
        _write_parts(cohort, new / _PARTS, blocks_at_once=blocks_at_once, progress=progress)
        rows = _join_parts(new, progress)
        shutil.rmtree(new / _PARTS)
        _write_companions(cohort, new, rows)
    return WrittenCohort(Path(folder), rows)


def _plan_cohort(patients: int, seed: int, schedule: str) -> Cohort:
    if patients < 1 or seed < 0:
        got = f"patients is {patients}, seed is {seed}"
        raise DataError(f"{got}; allowed: at least 1 patient, and a seed of 0 or more")
    parameters = load_parameters()
    known = list(parameters.schedules)
    if schedule not in known:
        raise DataError(
            f"unknown schedule '{schedule}'{suggest_name(schedule, known)}; known: {', '.join(known)}"
        )
    return Cohort(parameters, Printer.of_sites(parameters), schedule, seed, patients)


def _count_blocks(cohort: Cohort) -> int:
    return -(-cohort.patients // BLOCK)


def _make_blocks(cohort: Cohort, blocks: range) -> dict[str, pl.DataFrame]:
    made = [
        make_block(cohort, block, size=min(BLOCK, cohort.patients - block * BLOCK), of=BLOCK)
        for block in blocks
    ]
    return {name: pl.concat([tables[name] for tables in made]) for name in _FILES}


def _write_parts(cohort: Cohort, folder: Path, *, blocks_at_once: int, progress: Progress | None) -> None:
    """One file per table and group of blocks; the groups are made side by side."""
    total = _count_blocks(cohort)
    groups = [range(first, min(first + blocks_at_once, total)) for first in range(0, total, blocks_at_once)]
    for name in _FILES:
        (folder / name).mkdir(parents=True)

    def write(place: int) -> int:
        for name, table in _make_blocks(cohort, groups[place]).items():
            table.write_parquet(folder / name / f"{place:08d}.parquet", compression="lz4", statistics=False)
        return len(groups[place])

    done = 0
    with ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, _MOST_WORKERS)) as pool:
        tasks = [pool.submit(write, place) for place in range(len(groups))]
        try:
            for task in as_completed(tasks):
                done += task.result()
                if progress is not None:
                    progress("simulating", done, total)
        finally:
            pool.shutdown(cancel_futures=True)


def _join_parts(folder: Path, progress: Progress | None) -> dict[str, int]:
    rows: dict[str, int] = {}
    for place, name in enumerate(_FILES):
        parts = pl.scan_parquet(sorted((folder / _PARTS / name).glob("*.parquet")))
        target = folder / f"{name}.parquet"
        parts.sink_parquet(target, compression="zstd", statistics=False, row_group_size=_ROWS_PER_GROUP)
        rows[name] = pl.scan_parquet(target).select(pl.len()).collect().item()
        if progress is not None:
            progress("writing", place + 1, len(_FILES))
    return rows


def _write_companions(cohort: Cohort, folder: Path, rows: dict[str, int]) -> None:
    """The study file, a page that says what this is, and the settings it was made with."""
    title = f"A synthetic cohort of {cohort.patients:,} patients (seed {cohort.seed})"
    blanks = {
        "title": title,
        "seed": cohort.seed,
        "patients": f"{cohort.patients:,}",
        "schedule": cohort.schedule,
        "drawn": cohort.parameters.schedules[cohort.schedule].title,
        "version": __version__,
    }
    for name in (_STUDY, _README):
        text = (resources.files("cytopenia") / "data" / "simulation" / name).read_text(encoding="utf-8")
        (folder / name).write_text(Template(text).substitute(blanks), encoding="utf-8")
    settings = {
        "synthetic": True,
        "patients": cohort.patients,
        "seed": cohort.seed,
        "schedule": cohort.schedule,
        "parameters": cohort.parameters.version,
        "version": __version__,
        "rows": rows,
    }
    (folder / _MARKER).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def _require_own_folder(target: Path) -> None:
    """Refuse to replace anything but a cohort that was written before, and nothing beside it."""
    if target.is_file():
        raise OutputError(f"{target}: is a file. Name a folder with --out.")
    own = {*(f"{name}.parquet" for name in _FILES), _MARKER, _STUDY, _README}
    others = sorted(_names_in(target) - own)
    if others or (_names_in(target) and not (target / _MARKER).is_file()):
        shown = ", ".join(others[:_NAMES_SHOWN] or sorted(_names_in(target))[:_NAMES_SHOWN])
        message = f"{target}: the folder holds files that are no simulated cohort ({shown})."
        raise OutputError(f"{message} Name another folder with --out.")


_NAMES_SHOWN = 5


def _names_in(folder: Path) -> set[str]:
    return {item.name for item in _list_items(folder)}


def _list_items(folder: Path) -> Iterator[Path]:
    return folder.iterdir() if folder.is_dir() else iter(())
