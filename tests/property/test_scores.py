"""A sum of points lies between its bounds for every completion, against a slow twin that tries them all."""

from __future__ import annotations

from itertools import product

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from cytopenia.definitions import load_library
from cytopenia.grading.cuts import encode_ends
from cytopenia.grading.score_frames import SCORE_VALUE_SCHEMA
from cytopenia.grading.score_tables import score_values
from cytopenia.grading.scores import divide_values
from strategies import share_of_examples

DEFINITION = load_library().find_score("car_hematotox")
some = share_of_examples(0.5)

# The table once more, by hand and in canonical units, written as a reader counts: from the sick end down.
# Where print leaves a tie open the choice is that of the definition: 1.2 and 90 have no point, 30 has one.
TWIN = {
    "platelets": lambda x: 2 if x < 75 else 1 if x <= 175 else 0,
    "anc": lambda x: 1 if x < 1.2 else 0,
    "hemoglobin": lambda x: 1 if x < 90 else 0,
    "crp": lambda x: 1 if x >= 30 else 0,
    "ferritin": lambda x: 2 if x > 2000 else 1 if x >= 650 else 0,
}
# A value on every side of every cut, and at it; no completion can have points that these have not.
TRIALS = {
    "platelets": (0, 74.9, 75, 100, 175, 175.1, 400),
    "anc": (0, 1.199, 1.2, 1.3, 5),
    "hemoglobin": (20, 89.9, 90, 90.1, 140),
    "crp": (0, 29.9, 30, 30.1, 200),
    "ferritin": (0, 649, 650, 1000, 2000, 2001, 9000),
}


def numbers(name: str) -> st.SearchStrategy[float]:
    return st.one_of(st.sampled_from(TRIALS[name]), st.integers(0, 4000).map(lambda n: n / 10))


def items() -> st.SearchStrategy[dict[str, tuple[str, float] | None]]:
    signs = st.sampled_from(("=", "=", "<", "<=", ">", ">="))
    return st.fixed_dictionaries(
        {name: st.one_of(st.none(), st.tuples(signs, numbers(name))) for name in TWIN}
    )


def completions(name: str, cell: tuple[str, float] | None) -> list[float]:
    """Every number of the trials, and some beside the printed one, that the cell can stand for."""
    if cell is None:
        return list(TRIALS[name])
    sign, number = cell
    near = {number, max(number - 1e-6, 0), number + 1e-6, *TRIALS[name]}
    meets = {
        "=": lambda x: x == number,
        "<": lambda x: x < number or x == number == 0,
        "<=": lambda x: x <= number,
        ">": lambda x: x > number,
        ">=": lambda x: x >= number,
    }
    return [x for x in near if meets[sign](x)]


def frame(cohort: list[dict[str, tuple[str, float] | None]]) -> pl.DataFrame:
    rows = [
        {"patient_id": str(who), "analyte": name, "comparator": cell[0], "value": float(cell[1])}
        for who, patient in enumerate(cohort)
        for name, cell in patient.items()
        if cell is not None
    ]
    return pl.DataFrame(rows, schema={key: SCORE_VALUE_SCHEMA[key] for key in SCORE_VALUE_SCHEMA})


@some
@given(st.lists(items(), min_size=1, max_size=10))
def test_bounds_are_those_of_all_completions(cohort):
    patients = pl.Series([str(who) for who in range(len(cohort))])
    scores, _ = score_values(DEFINITION, frame(cohort), patients)
    for patient, row in zip(cohort, scores.iter_rows(named=True), strict=True):
        points = [sorted({TWIN[name](x) for x in completions(name, cell)}) for name, cell in patient.items()]
        sums = {sum(choice) for choice in product(*points)}
        groups = {"high" if total >= 2 else "low" for total in sums}
        assert (row["best"], row["worst"]) == (min(sums), max(sums))
        assert row["policy"] == (min(sums) if len(sums) == 1 else None)
        assert row["group"] == (groups.pop() if len(groups) == 1 else None)
        assert row["decided"] is (len(sums) == 1)


@some
@given(items(), st.randoms(use_true_random=False))
def test_neither_order_nor_neighbors_matter(patient, random):
    cohort = [patient, dict.fromkeys(TWIN), patient]
    rows = frame(cohort)
    order = list(range(rows.height))
    random.shuffle(order)
    patients = pl.Series(["0", "1", "2"])
    shuffled = score_values(DEFINITION, rows[order], patients)
    plain = score_values(DEFINITION, rows, patients)
    assert plain[0].equals(shuffled[0])
    assert plain[1].equals(shuffled[1])
    assert shuffled[0].drop("patient_id").row(0) == shuffled[0].drop("patient_id").row(2)


@given(items())
def test_a_value_inside_its_interval_never_widens_the_bounds(patient):
    known = [
        {**patient, name: ("=", value)} for name, cell in patient.items() for value in completions(name, cell)
    ]
    names = pl.Series([str(who) for who in range(len(known) + 1)])
    scores, _ = score_values(DEFINITION, frame([patient, *known]), names)
    before, *others = scores.iter_rows(named=True)
    for after in others:
        assert before["best"] <= after["best"] <= after["worst"] <= before["worst"]
        assert before["group"] in (None, after["group"])


def test_the_twin_has_a_value_for_every_interval():
    low, high = encode_ends(np.array([0.0]), np.array(["<"]))
    assert (low[0], high[0]) == (0.0, 0.0)


EASIX = load_library().find_score("easix")


@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500), st.integers(0, 10)), min_size=3, max_size=3)
)
def test_a_ratio_lies_between_the_ends_of_its_interval(cells):
    ends = [sorted((one, other)) for one, other, _ in cells]
    inside = [low + (high - low) * share / 10 for (low, high), (_, _, share) in zip(ends, cells, strict=True)]
    low, high = (np.array([[float(pair[side]) for pair in ends]]) for side in (0, 1))
    found = divide_values(EASIX, low, high)
    ldh, creatinine, platelets = inside
    if platelets == 0:
        exact = divide_values(EASIX, np.array([inside]), np.array([inside]))
        assert np.isnan(exact.value[0])
        return
    ratio = ldh * creatinine / platelets
    # An end that is not known (0 / 0) bounds nothing.
    assert not found.low[0] > ratio * (1 + 1e-12)
    assert not found.high[0] < ratio * (1 - 1e-12)
    if low.tolist() == high.tolist():
        assert found.value[0] == np.float64(ratio)
