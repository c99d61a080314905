"""What is not decided does not rest on measured days: every kind of outcome, every patient of the example."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from cytopenia.contract import Tables, require_tables
from cytopenia.readers.sources import read_tables
from cytopenia.study.counterfactuals import Kernel
from cytopenia.study.plan import build_plan
from cytopenia.study.protocol import Study, read_protocol
from fever_factory import VERSION_5

EXAMPLE = Path(__file__).parents[2] / "src" / "cytopenia" / "data" / "example"

# One outcome of every way of judging a course, graded and asked as yes or no.
GRADED = {
    "worst": ("ctcae_v5.neutrophil_count_decreased", "window = [0, 28]", "min_grade = 3"),
    "of_baseline": ("ctcae_v6.neutrophil_count_decreased", "window = [0, 28]", "min_grade = 2"),
    "anemia": ("ctcae_v4.anemia", "window = [-5, 28]", "min_grade = 1"),
    "counted": ("icaht_2023.early", "", "min_grade = 2"),
    "added_up": ("icaht_2023_cumulative.early", "", "min_grade = 3"),
    "rounded": ("icaht_liang_2024.early", "", "min_grade = 1"),
    "late": ("icaht_2023.late", "", "min_grade = 2"),
    "platelets": ("t_icaht_2025.early", "", "min_grade = 2"),
    "at_day_30": ("strati_2021_prolonged.neutropenia", "", "min_grade = 1"),
}
OTHERS = {
    "recovery": "qiu2023_recovery",
    "contains": "qiu2023_recovery_contains",
    "reached_by": "qiu2023_recovery_reached_by",
    "washout": "qiu2023_recovery_washout",
    "by_one_value": "brudno_2022_recovery",
    "by_three_values": "cibmtr_platelet_recovery_20",
    "phenotype": "rejeski_2021_phenotypes",
}


def write_protocol(folder: Path) -> Path:
    head, _, _ = (EXAMPLE / "study.toml").read_text("utf-8").partition("# The printed numbers")
    tables: list[str] = [head.replace('folder = "."', f'folder = "{EXAMPLE.as_posix()}"')]
    for name, (definition, window, least) in GRADED.items():
        given = [line for line in (window,) if line]
        tables += [f'[outcomes.{name}]\ndefinition = "{definition}"', *given]
        tables += [f'[outcomes.{name}_asked]\ndefinition = "{definition}"', *given, least]
        tables += [f'[outcomes.{name}_new]\ndefinition = "{definition}"', *given, least]
        tables += ["treatment_emergent = true"] if window else []
    for name, definition in OTHERS.items():
        tables += [f'[outcomes.{name}]\ndefinition = "{definition}"']
        tables += ['died_before_landmark = "exclude"'] if definition.startswith("qiu2023") else []
    tables += [f'[outcomes.fever]\ndefinition = "{VERSION_5}"\nwindow = [0, 28]']
    tables += ['[outcomes.either]\nany_of = ["worst_asked", "counted_asked", "at_day_30_asked", "fever"]']
    tables += ['[[analyses]]\nid = "occurrence"\nkind = "occurrence"\noutcomes = ["worst"]\n']
    path = folder / "study.toml"
    path.write_text("\n".join(tables), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return read_protocol(write_protocol(tmp_path_factory.mktemp("evidence")))


def run(study: Study, tables: Tables, *, anything: bool = False) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Outcomes in their final form, and the days behind them."""
    kernel = Kernel(build_plan(study), study.library.bounds, use_caps=True, baseline=study.library.baseline)
    cohort, outcomes = kernel.run(tables, anything=anything)
    return outcomes, cohort.evidence


@pytest.fixture(scope="module")
def tables(study: Study) -> Tables:
    return require_tables(read_tables(study.data_folder, study.protocol.data))


@pytest.fixture(scope="module")
def found(study: Study, tables: Tables) -> pl.DataFrame:
    return run(study, tables)[0]


@pytest.fixture(scope="module")
def limited(study: Study, tables: Tables) -> pl.DataFrame:
    """The same with every third value reported as a limit."""
    sign = pl.when(pl.col("source_row") % 3 == 0).then(pl.lit("<")).otherwise("comparator")
    return run(study, replace(tables, labs=tables.labs.with_columns(sign.alias("comparator"))))[0]


@pytest.fixture(scope="module")
def anything(study: Study, tables: Tables) -> pl.DataFrame:
    return run(study, tables, anything=True)[0]


@pytest.mark.parametrize("source", ["found", "limited", "anything"])
def test_what_is_not_decided_is_not_measured(source: str, request: pytest.FixtureRequest) -> None:
    rows = request.getfixturevalue(source)
    undecided = rows.filter(~pl.col("decided"))
    assert undecided["outcome"].n_unique() >= 10
    assert "measured" not in undecided["evidence"].to_list()


def test_what_has_no_answer_and_no_bounds_has_no_evidence(found: pl.DataFrame) -> None:
    """Three patients of the example died before day 28."""
    died = found.filter(pl.col("label") == "died before landmark", pl.col("outcome") == "recovery")
    assert (died.height, died["evidence"].to_list()) == (3, [None] * 3)


def test_what_is_measured_holds_whatever_the_unmeasured_days_were(
    found: pl.DataFrame, anything: pl.DataFrame
) -> None:
    """A run of measurements looks at no unmeasured day between them, so that there is nothing to compare."""
    key, answer = ["patient_id", "outcome"], ["policy", "label", "decided"]
    measured = found.filter(
        pl.col("evidence") == "measured",
        ~pl.col("outcome").str.starts_with("nadir_"),
        ~pl.col("outcome").is_in(["by_one_value", "by_three_values"]),
    )
    both = measured.select(*key, *answer).join(anything, on=key, how="left", suffix="_anyhow")
    assert both.height > 200
    for name in answer:
        assert both.filter(pl.col(name).ne_missing(pl.col(f"{name}_anyhow"))).rows() == []


@pytest.mark.parametrize(
    "name", ["counted_asked", "added_up_asked", "rounded_asked", "counted", "worst_asked"]
)
def test_what_holds_whatever_the_unmeasured_days_were_is_measured(
    name: str, found: pl.DataFrame, anything: pl.DataFrame
) -> None:
    """SYN-06 has four low days in a span of seven, those between bridged; that there could have been more is
    no part of the question.
    """
    anyhow = anything.filter(pl.col("outcome") == name).select("patient_id", pl.col("decided").alias("holds"))
    rows = found.filter(pl.col("outcome") == name).join(anyhow, on="patient_id")
    assert rows.filter((pl.col("evidence") == "measured") != pl.col("holds")).rows() == []
    assert 0 < rows["holds"].sum() < rows.height


def test_what_is_decided_asks_for_no_further_day(study: Study, tables: Tables) -> None:
    outcomes, evidence = run(study, tables)
    decided = outcomes.filter("decided").select("patient_id", "outcome")
    asked = evidence.filter(pl.col("role") == "would settle")
    assert asked.height > 100
    assert asked.join(decided, on=["patient_id", "outcome"], how="semi").rows() == []


def test_days_that_decide_by_a_filled_value_are_named_as_unsettled_too(study: Study, tables: Tables) -> None:
    """SYN-02: 0.19 on day 23 and 0.79 on day 26, the line at 0.39 on day 24. SYN-61: 0.473 on day 4, white
    cells of 0.51. SYN-32: 0.65 on day 19, 0.38 on day 24, and 0.47 on day 28, the last value.
    """
    _, evidence = run(study, tables)
    asked = evidence.filter(pl.col("outcome") == "counted_asked", pl.col("role") == "would settle")
    days = {
        name: asked.filter(pl.col("patient_id") == name)["day"].to_list()
        for name in ("SYN-02", "SYN-32", "SYN-61")
    }
    assert days == {"SYN-02": [17, 24, 25], "SYN-32": [20, 21, 22, 23, 29, 30], "SYN-61": [4, 11]}
    filled = asked.filter(pl.col("patient_id") == "SYN-02", pl.col("day") == 24).row(0, named=True)
    assert filled["low"] == pytest.approx(0.172, abs=0.001)
    assert filled["high"] == pytest.approx(0.999, abs=0.001)


def test_days_of_a_phenotype_that_are_filled_and_could_be_otherwise_are_unsettled(
    study: Study, tables: Tables
) -> None:
    """SYN-07 recovers on days 45 to 47: 1.02 on day 45, then the line to 1.24 on day 50, which are at least
    1.02 / 1.673 = 0.61. Days 25 and 27 lie below 1 whatever they were, and 14 days below 0.5 in a
    row are out of reach.
    """
    _, evidence = run(study, tables)
    own = evidence.filter(pl.col("outcome") == "phenotype", pl.col("patient_id") == "SYN-07")
    asked = own.filter(pl.col("role") == "would settle")["day"].to_list()
    assert asked == [20, 21, 22, 23, *range(34, 39), *range(40, 45), *range(46, 50), *range(51, 58)]
    assert own.filter(pl.col("role") == "decides")["day"].to_list() == [0, 45, 46, 47]


def test_days_after_the_latest_recovery_ask_for_nothing(study: Study, tables: Tables) -> None:
    """SYN-61: day 50 has all three counts met, and days 42 to 49 are nine days between measurements. Day 61
    and later are as far from any, but by then the patient has recovered.
    """
    _, evidence = run(study, tables)
    own = evidence.filter(pl.col("outcome") == "by_one_value", pl.col("patient_id") == "SYN-61")
    asked = own.filter(pl.col("role") == "would settle", pl.col("analyte") == "anc")
    assert asked["day"].to_list() == list(range(42, 50))
