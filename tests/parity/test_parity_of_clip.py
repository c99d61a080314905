"""Combined penalized likelihood profiles as computed by other means; made by make_clip.R."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cytopenia.stats.imputed_models import fit_imputed_logistic
from parity_files import PARITY, check_r_again, read_results

# optim climbs to a drop of the likelihood of about 1e-13, the root of which is 3e-7.
NEAR = 1e-6
Numbers = NDArray[np.float64]


def read_tables() -> dict[str, Numbers]:
    with (PARITY / "pooling_tables.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    count = max(int(row["imputation"]) for row in rows)
    names = ("event", "anc", "crp", "bridging")
    return {name: np.array([float(row[name]) for row in rows]).reshape(count, -1) for name in names}


R = read_results("clip_results.csv")
TABLES = read_tables()
EVENT = TABLES["event"][0]
# The first ten without and with the event, in this order.
FEW = np.concatenate([np.flatnonzero(side == EVENT)[:10] for side in (0, 1)])


def stack(*columns: NDArray[np.float64 | np.bool_]) -> Numbers:
    return np.stack(columns, axis=2).astype(np.float64)


CASES: dict[str, tuple[Callable[[], Numbers], Numbers]] = {
    "numbers": (lambda: stack(TABLES["anc"], TABLES["crp"], TABLES["bridging"]), EVENT),
    "rare": (lambda: stack(TABLES["crp"] > 45, TABLES["anc"]), EVENT),
    "few": (lambda: stack(TABLES["anc"][:, FEW], TABLES["crp"][:, FEW]), EVENT[FEW]),
    "same": (lambda: np.repeat(stack(TABLES["anc"][:1]), 3, axis=0), EVENT),
}


@pytest.mark.parametrize("case", CASES)
def test_intervals_of_combined_profiles(case: str) -> None:
    make, event = CASES[case]
    designs = make()
    names = [str(place) for place in range(designs.shape[2])]
    found = fit_imputed_logistic(designs, event, names=names)
    assert found.status == "ok"
    for place, term in enumerate(found.terms, start=1):
        expected = R[f"{case}_{place}"]
        got = {"estimate": term.estimate, "low": term.low, "high": term.high, "p": term.p_value}
        assert got == pytest.approx(dict(expected), rel=NEAR, abs=NEAR), (case, place)


@pytest.mark.long
def test_r_gives_the_stored_numbers_of_clip(find_program: Callable[[str], str], tmp_path: Path) -> None:
    check_r_again(find_program, "make_clip.R", "clip_results.csv", tmp_path, rel=1e-6, floor=1e-8)
