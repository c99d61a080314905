"""What the tests of parity share: the numbers that R gave, the patients they are of, and R once more."""

from __future__ import annotations

import csv
import hashlib
import subprocess
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

PARITY = Path(__file__).parent / "parity"
Numbers = NDArray[np.float64]
Results = Mapping[str, Mapping[str, float]]


def read_rows(name: str) -> list[dict[str, str]]:
    """The rows of a table of `tests/parity`."""
    with (PARITY / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_results(name: str, *, folder: Path = PARITY) -> Results:
    """Case to name to value; where a table has terms, a name begins with its term."""
    cases: dict[str, dict[str, float]] = defaultdict(dict)
    with (folder / name).open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            whole = ".".join(filter(None, [row.get("term"), row["name"]]))
            cases[row["case"]][whole] = float(row["value"])
    return dict(cases)


@cache
def read_cohort() -> dict[str, Numbers]:
    """The columns of the made-up patients of `cohort.csv`."""
    rows = read_rows("cohort.csv")
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def expect(found: object, case: Mapping[str, float], *, near: float, floor: float = 1e-300) -> None:
    """Every number of the case is the attribute of that name."""
    got = {name: getattr(found, name) for name in case}
    assert got == pytest.approx(dict(case), rel=near, abs=floor)


def check_r_again(
    find_program: Callable[[str], str],
    script: str,
    results: str,
    folder: Path,
    *,
    rel: float = 1e-9,
    floor: float = 1e-12,
) -> None:
    """Run a script of R once more: every number it gives is the stored one."""
    subprocess.run([find_program("Rscript"), PARITY / script, folder], check=True, timeout=1200)
    stored, again = read_results(results), read_results(results, folder=folder)
    assert again.keys() == stored.keys()
    for case, numbers in stored.items():
        assert again[case] == pytest.approx(dict(numbers), rel=rel, abs=floor), case


def take_fingerprint(*names: str) -> str:
    """One number for a script, its data and its results: it changes with any of them."""
    parts = [hashlib.sha256((PARITY / name).read_bytes()).hexdigest() for name in names]
    return hashlib.sha256("\n".join(parts).encode("ascii")).hexdigest()[:16]
