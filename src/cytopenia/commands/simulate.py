"""The command that writes a synthetic cohort."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from cytopenia.commands.terminal import Bar

if TYPE_CHECKING:
    from cytopenia.simulate import WrittenCohort

__all__ = ["simulate"]


def simulate(
    *,
    patients: int,
    seed: int,
    out: Path,
    schedule: str = "inpatient_then_clinic",
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Write a synthetic cohort with known daily truth, and a study file to run it.

    Example: `cytopenia simulate --patients 500 --seed 1 --out synthetic`

    Every patient is invented. The tables look like an export: draws on some days only, units and limits of
    the site, "<0.1", differentials missing at few white cells. The true count of every day stands beside them
    in truth.parquet. The same numbers, schedule and versions give the same bytes.

    Parameters
    ----------
    patients
        How many; 1 or more. 100,000 take under a minute on two cores.
    seed
        A whole number, 0 or more.
    out
        The folder to write; a cohort that was simulated there before is replaced.
    schedule
        When blood is drawn: daily, inpatient_then_clinic, clinic (three times a week, then weekly), weekly.
    json
        Print what was written as one line of JSON.
    """
    from cytopenia.simulate import write_cohort

    with Bar() as bar:
        written = write_cohort(out, patients, seed=seed, schedule=schedule, progress=bar)
    if json:
        _print_json(written)
    else:
        _tell_written(written)


def _print_json(written: WrittenCohort) -> None:
    from json import dumps

    print(dumps({"folder": str(written.folder), "synthetic": True, "rows": written.rows}))


def _tell_written(written: WrittenCohort) -> None:
    rows = written.rows
    tables = ", ".join(f"{name} {count:,}" for name, count in rows.items() if not name.startswith("truth"))
    print(f"Tables:   {tables} rows (.parquet) in {written.folder}")
    print(f"Truth:    truth.parquet, {rows['truth']:,} days; truth_courses.parquet")
    print("Synthetic data: every patient is invented.")
    print(f'Next:     cytopenia run "{written.folder}"')
