"""What must not matter: order and duplicates of rows, units, size of the parts, type of the column."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from cytopenia.contract import Tables, prepare_labs
from cytopenia.grading.grades import grade_labs
from kernel import Cohort, find_cohort_nadirs, grade_cohort, make_labs, make_tables, recover_cohort
from strategies import cohorts, parts, share_of_examples

TERMS = ("ctcae_v4.neutrophil_count_decreased", "ctcae_v4.anemia", "above")
PARTS = {name: part for name, part in parts().items() if name in TERMS}
ANALYTES = ("anc", "hemoglobin", "platelets", "wbc")
DAYS = (-10, 38)
WINDOW = (0, 28)
UNITS = {
    "1e9/L": 1,
    "10^9/L": 1,
    "K/uL": 1,
    "10*3/uL": 1,
    "/uL": 1000,
    "cells/mm3": 1000,
    "10^6/L": 1000,
}
HEMOGLOBIN_UNITS = {"g/L": (1, 1), "g/dL": (1, 10), "mmol/L": (1, 16.114)}

few = share_of_examples(0.15)
small = cohorts(*ANALYTES, days=DAYS, most=6, support=True)


def judge(tables: Tables, *, part_size: int = 2048) -> pl.DataFrame:
    """Every kind of outcome of a cohort, in one table."""
    options = {"window": WINDOW, "cap": True, "part_size": part_size}
    graded = [grade_cohort(tables, part, **options) for part in PARTS.values()]
    nadirs = [find_cohort_nadirs(tables, analyte, **options) for analyte in ("anc", "platelets")]
    recovered = recover_cohort(tables, "qiu2023_recovery_contains", cap=True, part_size=part_size)
    return pl.concat([*graded, *nadirs, recovered])


def print_labs(labs: pl.DataFrame, factor: dict[str, tuple[str, float, float]]) -> pl.DataFrame:
    """Canonical rows as printed: text, in the units of `factor` (unit, times, divided by)."""
    rows = [dict(row) for row in labs.iter_rows(named=True)]
    for row in rows:
        unit, times, divided = factor[row["analyte"]]
        sign = row["comparator"].replace("=", "") if row["comparator"] == "=" else row["comparator"]
        row["unit"] = unit
        row["value"] = sign + format(row["value"] * times / divided, ".15g")
        row["lln"] = None if row["lln"] is None else format(row["lln"] * times / divided, ".15g")
    schema = {name: pl.String if name in ("value", "lln") else dtype for name, dtype in labs.schema.items()}
    return pl.DataFrame(rows, schema=schema)


@few
@given(small, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(cohort, random):
    tables = make_tables(cohort)
    order = list(range(tables.labs.height))
    random.shuffle(order)
    shuffled = make_tables(cohort, tables.labs[order] if order else tables.labs)
    assert_frame_equal(judge(tables), judge(shuffled))


@few
@given(small)
def test_order_of_patients_does_not_matter(cohort):
    backward = make_tables(list(reversed(cohort)))
    assert_frame_equal(judge(make_tables(cohort)), judge(backward))


@few
@given(small, st.integers(2, 3))
def test_exact_duplicates_do_not_matter(cohort, times):
    tables = make_tables(cohort)
    repeated = make_tables(cohort, pl.concat([tables.labs] * times))
    assert_frame_equal(judge(tables), judge(repeated))


@few
@given(small)
def test_a_patient_is_judged_alone(cohort):
    together = judge(make_tables(cohort))
    for p in cohort:
        alone = judge(make_tables([p]))
        assert_frame_equal(alone, together.filter(pl.col("patient_id") == p["patient_id"]))


@few
@given(small, st.integers(1, 2))
def test_size_of_the_parts_does_not_matter(cohort, size):
    tables = make_tables(cohort)
    assert_frame_equal(judge(tables), judge(tables, part_size=size))


@few
@given(small)
def test_inputs_are_unchanged(cohort):
    tables, kept = make_tables(cohort), make_tables(cohort)
    judge(tables)
    grade_labs(tables.labs, PARTS)
    for name in ("patients", "infusions", "labs", "support", "events", "responses"):
        assert_frame_equal(getattr(tables, name), getattr(kept, name))


@few
@given(small, st.sampled_from(sorted(UNITS)), st.sampled_from(sorted(HEMOGLOBIN_UNITS)))
def test_units_do_not_matter(cohort, count_unit, hemoglobin_unit):
    counts = (count_unit, UNITS[count_unit], 1)
    factor = {
        **dict.fromkeys(ANALYTES, counts),
        "hemoglobin": (hemoglobin_unit, *HEMOGLOBIN_UNITS[hemoglobin_unit]),
    }
    tables = make_tables(cohort)
    rows, _ = prepare_labs(print_labs(tables.labs, factor))
    assert_frame_equal(judge(tables), judge(make_tables(cohort, rows)))


@few
@given(small, st.sampled_from([pl.Float32, pl.Float64, pl.String]))
def test_type_of_the_value_column_does_not_matter(cohort, dtype):
    plain: Cohort = [{**p, "labs": [{**row, "comparator": "="} for row in p["labs"]]} for p in cohort]
    labs = make_labs(plain)
    rows, _ = prepare_labs(labs.with_columns(pl.col("value", "lln").cast(dtype)))
    assert_frame_equal(judge(make_tables(plain)), judge(make_tables(plain, rows)))


@few
@given(small)
def test_whole_numbers_do_not_matter(cohort):
    thousandths = {**dict.fromkeys(ANALYTES, ("/uL", 1000, 1)), "hemoglobin": ("g/L", 1, 1)}
    plain: Cohort = [
        {**p, "labs": [row | {"comparator": "=", "lln": None} for row in p["labs"] if whole(row)]}
        for p in cohort
    ]
    labs = print_labs(make_labs(plain), thousandths).with_columns(pl.col("value").cast(pl.Int32))
    rows, _ = prepare_labs(labs)
    assert_frame_equal(judge(make_tables(plain)), judge(make_tables(plain, rows)))


def whole(row: dict[str, float]) -> bool:
    return row["analyte"] != "hemoglobin" or float(row["value"]).is_integer()


@few
@given(
    small, st.sampled_from(["qiu2023_recovery", "qiu2023_recovery_contains", "qiu2023_recovery_reached_by"])
)
def test_a_recovery_that_is_not_judged_is_open_to_both_sides(cohort, name):
    """Else the count of the policy would lie outside its own bounds."""
    recovered = recover_cohort(make_tables(cohort), name, cap=True)
    unjudged = recovered.filter(pl.col("label") == "not evaluable")
    assert unjudged.filter((pl.col("best") != 0) | (pl.col("worst") != 1)).is_empty()
    judged = recovered.filter(pl.col("policy").is_not_null())
    assert judged.filter(~pl.col("policy").is_between(pl.col("best"), pl.col("worst"))).is_empty()
