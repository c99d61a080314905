"""ADLB of random cohorts: read back it is the same labs, and its flags are those of the kernel."""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl
from hypothesis import given
from polars.testing import assert_frame_equal

from cytopenia.adam_metadata import load_adam_table
from cytopenia.contract import Tables
from cytopenia.definitions import load_library
from cytopenia.grading.day_grid import index_labs, lay_out_courses, lay_out_labs
from cytopenia.readers.mapping import DataSection
from cytopenia.readers.sources import read_tables
from cytopenia.report.adam_frames import fit_dataset
from cytopenia.report.adam_transport import write_transport
from cytopenia.study.adam_rows import LabGrading, frame_lab_rows
from kernel import Cohort, make_labs, make_tables
from strategies import cohorts, share_of_examples

ANALYTES = ("anc", "hemoglobin", "platelets", "fibrinogen")
DAYS = (-20, 20)
LIBRARY = load_library()
GRADING = LabGrading(LIBRARY.find_value_parts("ctcae_v5"), {}, LIBRARY.baseline)


def lay_out(cohort: Cohort) -> tuple[Tables, pl.DataFrame]:
    """The tables, with lymphodepletion on day -5, and the rows of ADLB."""
    labs = make_labs(cohort).with_columns(uln=2 * pl.col("lln"))
    tables = make_tables(cohort, labs)
    infusions = tables.infusions.with_columns(
        infusion_date=pl.lit(None, dtype=pl.Date), lymphodepletion_day=pl.lit(-5, dtype=pl.Int32)
    )
    tables = Tables(**{**vars(tables), "infusions": infusions})
    courses = lay_out_courses(tables)
    rows = frame_lab_rows(tables, courses, index_labs(tables.labs, courses), grading=GRADING)
    named = rows.with_columns(STUDYID=pl.lit("T"), USUBJID=pl.col("patient_id"))
    return tables, named


@share_of_examples(0.5)
@given(cohorts(*ANALYTES, days=DAYS))
def test_what_is_written_is_read_back(cohort: Cohort) -> None:
    tables, rows = lay_out(cohort)
    if rows.filter(pl.col("NOTUSEDR").is_null()).is_empty():
        return
    table = load_adam_table()
    fitted = fit_dataset(rows, table.datasets["ADLB"], table.codelists, synthetic=True)
    with tempfile.TemporaryDirectory() as folder:
        write_transport(fitted, Path(folder) / "adlb.xpt")
        again = read_tables(folder, DataSection.model_validate({"cdisc": {"infusion_day": 1}}))
    columns = ["patient_id", "day", "analyte", "comparator", "value", "unit", "lln", "uln"]
    judged = tables.labs.filter(pl.col("invalid").is_null()).select(columns).sort(columns)
    back = again.labs.filter(pl.col("invalid").is_null() & pl.col("value").is_not_null())
    assert_frame_equal(back.select(columns).sort(columns), judged, check_exact=True)


@given(cohorts(*ANALYTES, days=DAYS))
def test_the_record_of_a_day_is_that_of_the_kernel(cohort: Cohort) -> None:
    tables, rows = lay_out(cohort)
    courses = lay_out_courses(tables)
    labs = index_labs(tables.labs, courses)
    codes = {name: one.code for name, one in load_adam_table().parameters.items()}
    for analyte in ANALYTES:
        grid = lay_out_labs(labs, courses, analyte=analyte, first_day=DAYS[0], last_day=DAYS[1])
        marked = rows.filter(pl.col("ANL01FL") == "Y", PARAMCD=codes[analyte])
        found = {
            (patient, day - (day > 0)): row
            for patient, day, row in marked.select("patient_id", "ADY", "SRCROW").iter_rows()
        }
        expected = {
            (courses.patient_id[patient], day + DAYS[0]): int(row)
            for patient, days in enumerate(grid.source_row)
            for day, row in enumerate(days)
            if row >= 0
        }
        assert found == expected


@given(cohorts(*ANALYTES, days=DAYS))
def test_grades_and_flags_hang_together(cohort: Cohort) -> None:
    _, rows = lay_out(cohort)
    assert rows.filter(pl.col("AVAL").is_not_null() & pl.col("AVALC").is_not_null()).is_empty()
    unjudged = rows.filter(pl.col("ATOXGR").is_null())
    assert unjudged["ATOXREAS"].null_count() == 0
    assert unjudged["ATOXLBFL"].count() == 0
    bound = rows.filter(pl.col("ATOXLBFL") == "Y")
    assert (bound["ATOXWRST"].cast(pl.Int8) < bound["ATOXGR"].cast(pl.Int8)).all()
    settled = rows.filter(pl.col("ATOXGR").is_not_null() & pl.col("ATOXLBFL").is_null())
    assert settled.select("ATOXREAS", "ATOXWRST").null_count().row(0) == (settled.height, settled.height)
    signed = pl.when(pl.col("ATOXGR") != "0").then("-" + pl.col("ATOXGRL")).otherwise("ATOXGRL")
    assert rows.select(signed.alias("signed"))["signed"].equals(rows["ATOXGR"].rename("signed"))
    base = rows.filter(pl.col("ABLFL") == "Y")
    assert base["BASE"].equals(base["AVAL"].rename("BASE"))
    assert base["BTOXGR"].equals(base["ATOXGR"].rename("BTOXGR"))
    assert base.select("patient_id", "PARAMCD").is_unique().all()
    assert base["ADY"].is_between(-19, -5).all()
