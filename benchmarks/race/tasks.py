"""What is raced, against whom, on how much."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cohorts import (
    simulate,
    write_cut_table,
    write_for_r,
    write_incomplete_table,
    write_model_table,
    write_table_one_study,
)
from measure import Contender, Task

POLICY = "policy grades only"
OURS = Contender(
    name="cytopenia", script="grade_ours.py", work="ours", does="three scenarios and the evidence, written"
)
FLOOR = Contender(
    name="the floor",
    script="grade_duckdb.py",
    work="floor",
    does="DuckDB scans the file, sorts it, one window; grades nothing",
    answers=False,
)
DUCKDB = Contender(
    name="DuckDB", script="grade_duckdb.py", work="duckdb", does=f"{POLICY}; gaps and islands in SQL"
)
DATATABLE = Contender(
    name="R data.table",
    script="grade.R",
    work="datatable",
    does=f"{POLICY}; run lengths",
    most_patients=10_000,
)
DPLYR = Contender(name="R dplyr", script="grade.R", work="dplyr", does=f"{POLICY}; run lengths")
PANDAS = Contender(
    name="pandas",
    script="grade_pandas.py",
    work="pandas",
    does=f"{POLICY}; `groupby.apply`, as analysts write",
)


@dataclass(frozen=True)
class Sizes:
    """How large the tasks are."""

    graded: int
    pandas: int
    grown: tuple[int, ...]
    studied: tuple[int, ...]
    cohort: int
    resamples: int
    areas: int
    imputed: tuple[int, int]
    models: tuple[tuple[int, int], ...]
    register: tuple[int, int]
    table_one: int


USUAL = Sizes(
    graded=10_000,
    pandas=1_000,
    grown=(100, 1_000, 10_000, 100_000),
    studied=(63, 500, 5_000),
    cohort=12_000,
    resamples=1_000,
    areas=1_000_000,
    imputed=(20, 10),
    models=((63, 2), (300, 5), (1_000, 8)),
    register=(10_000, 20),
    table_one=5_000,
)
QUICK = Sizes(
    graded=100,
    pandas=100,
    grown=(50, 200),
    studied=(63,),
    cohort=400,
    resamples=100,
    areas=5_000,
    imputed=(5, 3),
    models=((300, 5),),
    register=(300, 6),
    table_one=400,
)


def list_tasks(folder: Path, sizes: Sizes) -> Iterator[Task]:
    """Yield the tasks; the data of one are written when its turn comes."""
    yield _grade(folder, sizes.graded, (OURS, FLOOR, DUCKDB, DATATABLE, DPLYR))
    yield _grade(folder, sizes.pandas, (OURS, PANDAS))
    cohort = simulate(folder, sizes.cohort)
    yield _find_cuts(folder, cohort, sizes)
    yield _measure_area(folder, cohort, sizes)
    for rows, columns in sizes.models:
        yield _validate(folder, cohort, sizes, rows=rows, columns=columns)
    yield _fit_firth(folder, cohort)
    yield _impute_cohort(folder, cohort, sizes)
    yield _impute_register(folder, cohort, sizes)
    yield _print_table_one(folder, sizes)
    for patients in sizes.studied:
        yield _run_study(folder, patients)


def list_growth(folder: Path, patients: tuple[int, ...]) -> Iterator[Task]:
    """Yield the grading of more and more patients."""
    for size in patients:
        contenders = [
            one
            for one in (OURS, FLOOR, DUCKDB, DATATABLE)
            if one.most_patients is None or size <= one.most_patients
        ]
        yield _grade(folder, size, contenders)


def _grade(folder: Path, patients: int, contenders: tuple[Contender, ...] | list[Contender]) -> Task:
    cohort = simulate(folder, patients)
    if any(one.script.endswith(".R") for one in contenders):
        write_for_r(cohort)
    title = f"Grading of {patients:,} patients: CTCAE v5, early and late ICAHT, recovery"
    return Task(
        title=title,
        short=f"grading, {patients:,} patients",
        contenders=contenders,
        folder=cohort,
        patients=patients,
    )


def _ours(work: str, does: str = "", **options: int) -> Contender:
    return Contender(name="cytopenia", script="statistics_ours.py", work=work, does=does, options=options)


def _in_r(name: str, work: str, does: str = "") -> Contender:
    return Contender(name=name, script="statistics.R", work=work, does=does)


def _make(folder: Path, name: str) -> Path:
    target = folder / name
    target.mkdir(exist_ok=True)
    return target


def _find_cuts(folder: Path, cohort: Path, sizes: Sizes) -> Task:
    target = _make(folder, "cuts")
    write_cut_table(cohort, target / "data.csv", rows=63)
    return Task(
        title=f"Youden's cut of 63 patients, {sizes.resamples:,} resamples",
        short="bootstrap of a cut",
        contenders=(
            _ours("cuts", "cuts and out-of-bag numbers", again=0),
            _in_r("R cutpointr", "cuts", "cuts and out-of-bag numbers"),
            _ours("cuts", "the same, with intervals from 30 resamples of each", again=30),
        ),
        folder=target,
        options={"resamples": sizes.resamples},
        within={"cut": 1e-9, "Youden": 1e-9, "Youden outside": sizes.resamples**-0.5},
        note="The two draw other resamples; the cut and its index in all patients must be the same.",
    )


def _measure_area(folder: Path, cohort: Path, sizes: Sizes) -> Task:
    target = _make(folder, "roc")
    write_cut_table(cohort, target / "data.csv", rows=sizes.areas)
    return Task(
        title=f"Area under the ROC curve with DeLong's interval, {sizes.areas:,} days",
        short=f"AUC, {sizes.areas:,} rows",
        contenders=(_ours("roc", "the cut as well"), _in_r("R pROC", "roc")),
        folder=target,
        within={"area": 1e-9, "low": 1e-9, "high": 1e-9},
    )


def _validate(folder: Path, cohort: Path, sizes: Sizes, *, rows: int, columns: int) -> Task:
    target = _make(folder, f"validation_{rows}_{columns}")
    write_model_table(cohort, target / "data.csv", rows=rows, columns=columns)
    loose = sizes.resamples**-0.5
    return Task(
        title=f"Optimism of a model: {rows:,} patients, {columns} columns, {sizes.resamples:,} resamples",
        short=f"optimism, {rows:,} × {columns}",
        contenders=(_ours("validation"), _in_r("R rms", "validation", "`validate`")),
        folder=target,
        options={"resamples": sizes.resamples},
        within={"C": 1e-6, "C corrected": loose / 2, "slope corrected": loose},
        note="The two draw other resamples; on the same ones they agree to 1e-6 (`tests/parity`).",
    )


def _fit_firth(folder: Path, cohort: Path) -> Task:
    target = _make(folder, "firth")
    write_model_table(cohort, target / "data.csv", rows=63, columns=5)
    return Task(
        title="Firth's logistic regression, 63 patients, 5 columns",
        short="Firth's regression",
        contenders=(
            _ours("firth", "profile intervals and P as well"),
            _in_r("R brglm2", "firth", "estimates, Wald's errors"),
        ),
        folder=target,
        within={"coefficient*": 1e-6},
    )


def _impute_cohort(folder: Path, cohort: Path, sizes: Sizes) -> Task:
    imputations, iterations = sizes.imputed
    target = _make(folder, "imputation_cohort")
    write_incomplete_table(cohort, target / "data.csv", rows=63, columns=4)
    statsmodels = Contender(
        name="statsmodels", script="statistics_others.py", work="statsmodels", does="one chain, continued"
    )
    return Task(
        title=f"Multiple imputation: 63 patients, 4 columns, {imputations} × {iterations} iterations",
        short="imputation, 63 × 4",
        contenders=(_ours("imputation"), _in_r("R mice", "imputation", "`pmm`"), statsmodels),
        folder=target,
        options={"imputations": imputations, "iterations": iterations},
        within={"mean": 0.05, "SD": 0.05},
        note="Draws differ; mean and SD of a completed column (log counts) are compared.",
    )


def _impute_register(folder: Path, cohort: Path, sizes: Sizes) -> Task:
    rows, columns = sizes.register
    target = _make(folder, "imputation_register")
    write_incomplete_table(cohort, target / "data.csv", rows=rows, columns=columns)
    return Task(
        title=f"Multiple imputation: {rows:,} patients, {columns} columns, 5 × 5 iterations",
        short=f"imputation, {rows:,} × {columns}",
        contenders=(_ours("imputation"), _in_r("R mice", "imputation", "`pmm`")),
        folder=target,
        options={"imputations": 5, "iterations": 5},
        within={"mean": 0.02, "SD": 0.02},
    )


def _print_table_one(folder: Path, sizes: Sizes) -> Task:
    target = _make(folder, "table_one")
    write_table_one_study(simulate(folder, sizes.table_one), target)
    tableone = Contender(name="tableone", script="statistics_others.py", work="table_one", does="Python")
    return Task(
        title=f"Table 1 of {sizes.table_one:,} patients, 5 factors by 2 groups",
        short=f"Table 1, {sizes.table_one:,} patients",
        contenders=(
            _ours("table_one", "a study: protocol, checks of all tables, results"),
            tableone,
            _in_r("R tableone", "table_one"),
        ),
        folder=target,
        within={"P of age_years": 1e-9, "P of prior_lines": 1e-9, "P of diagnosis": 1e-9, "P of ecog": 1e-9},
        note="The P of sex is left out: over two levels tableone corrects after Yates.",
    )


def _run_study(folder: Path, patients: int) -> Task:
    return Task(
        title=f"The whole study of {patients:,} patients, from the tables to the written report",
        short=f"study, {patients:,} patients",
        contenders=(_ours("study", "`run_study`"),),
        folder=simulate(folder, patients),
        within={},
        patients=patients,
    )
