"""survival.toml of the bundled example: three deaths, all before day 28, so that most answers are reasons."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import polars as pl
import pytest

from cytopenia.report.content import ReportContent
from cytopenia.report.recovery_curves import plot_recovery_curve
from cytopenia.report.recovery_group_curves import plot_recovery_groups, table_recovery_groups
from cytopenia.report.survival_curves import plot_survival
from cytopenia.report.survival_tables import table_group_tests, table_hazards, table_survival
from cytopenia.report.table_model import Table
from cytopenia.run_content import collect_content
from cytopenia.study.protocol import read_protocol
from cytopenia.workflow import analyze_study

EXAMPLE = Path(str(resources.files("cytopenia") / "data" / "example" / "survival.toml"))


@pytest.fixture(scope="module")
def content() -> ReportContent:
    return collect_content(analyze_study(EXAMPLE), read_protocol(EXAMPLE))


def rows_of(content: ReportContent, analysis: str, group: str) -> pl.DataFrame:
    return content.results.filter(pl.col("analysis_id") == analysis, pl.col("group") == group)


def footnotes(table: Table, header: str, place: int) -> list[str]:
    row = next(row for row in table.rows if row.header == header)
    return [table.footnotes[mark] for mark in row.cells[place].marks]


def test_the_study_says_that_it_is_synthetic(content: ReportContent) -> None:
    assert content.synthetic


def test_nobody_dies_after_the_landmark_and_every_model_says_so(content: ReportContent) -> None:
    patients = {
        row["variable_level"]: row["value"]
        for row in rows_of(content, "landmark", "patients").iter_rows(named=True)
        if not row["stratum"]
    }
    assert (patients["died on or before day 28"], patients["analyzed"], patients["deaths"]) == (3, 60, 0)
    (test,) = (
        rows_of(content, "landmark", "test")
        .filter(pl.col("estimate") == "p_value", pl.col("scenario") == "policy")
        .iter_rows(named=True)
    )
    assert (test["value"], test["status"], test["note"]) == (None, "not_estimable", "nobody has the event")
    for group in ("univariable", "multivariable"):
        models = rows_of(content, "landmark", group)
        assert models["status"].unique().to_list() == ["not_done"]
        assert models["note"].str.starts_with("0 deaths: ").all()


def test_three_deaths_from_the_infusion_are_described_only(content: ReportContent) -> None:
    models = rows_of(content, "overall", "univariable")
    assert models["variable"].to_list() == ["ecog", "age_years", "anc"]
    assert models["note"].unique().to_list() == ["3 deaths: factors are described only below 10"]
    assert models["value"].null_count() == models.height


def test_nothing_is_infinite(content: ReportContent) -> None:
    numbers = content.results.select("value", "low", "high")
    assert numbers.select(pl.all().is_infinite().any().fill_null(value=False)).row(0) == (False,) * 3
    ratios = content.results.filter(pl.col("estimate").str.ends_with("_ratio"))
    assert (ratios["value"].fill_null(1) < 1e6).all()


def test_each_reason_is_told_once(content: ReportContent) -> None:
    """The dash has the gate in its footnote; the notes below do not repeat it."""
    table = table_hazards(content, "landmark")
    said = [*table.footnotes, *table.notes]
    assert sum("described only below 10" in text for text in said) == 1
    assert sum("a multivariable model needs 20" in text for text in said) == 1


def test_a_p_of_few_deaths_is_told_to_rest_on_few(content: ReportContent) -> None:
    notes = table_group_tests(content, "overall").notes
    assert "3 deaths: the log-rank P rests on few deaths and is not reliable." in notes
    (row,) = table_group_tests(content, "overall").rows
    assert row.cells[2].text == "0.019"
    # Without a P there is nothing to warn of.
    assert len(table_group_tests(content, "landmark").notes) == 1


def test_a_model_that_the_gates_refuse_is_a_dash_with_its_reason(content: ReportContent) -> None:
    """Nine platelet recoveries with the latest plausible days: no hazard ratio, and no empty cell."""
    table = table_recovery_groups(content, "platelets")
    place = next(at for at, row in enumerate(table.rows) if row.header == "With the latest plausible days")
    other = table.rows[place + 2]
    assert other.cells[-2].text == "\N{EN DASH}"
    reasons = [table.footnotes[mark] for mark in other.cells[-2].marks]
    assert reasons == ["\N{EN DASH} 9 recoveries: factors are described only below 10"]


def test_medians_that_are_not_reached_have_the_reason(content: ReportContent) -> None:
    table = table_survival(content, "overall")
    assert footnotes(table, "All patients", 2) == [
        "\N{EN DASH} not reached: more than half survived while they were followed"
    ]


def test_a_curve_without_an_interval_has_no_limits_in_its_data(content: ReportContent) -> None:
    # Nobody of ECOG 0-1 dies, and curves of recovery by group are printed without intervals.
    survival, groups, everybody = (
        figure.data.filter(pl.col("day") > 0)
        for make, name in (
            (plot_survival, "overall"),
            (plot_recovery_groups, "neutrophils"),
            (plot_recovery_curve, "neutrophils"),
        )
        if (figure := make(content, name)) is not None
    )
    steps = survival.filter(mark="step")
    assert steps.filter(group="0-1")["low", "high"].null_count().row(0) == (40, 40)
    assert steps.filter(group="2-4")["low", "high"].null_count().row(0) == (0, 0)
    assert groups["low"].is_null().all()
    recovered = everybody.filter(curve="recovery", scenario="policy")
    assert recovered.filter(cumulative_incidence=1.0)["low", "high"].rows() == [(None, None)]
    assert recovered.filter(pl.col("cumulative_incidence") < 1)["low"].null_count() == 0
