"""The page of `check` from numbers typed by hand: what stands in it, and what a picture shows."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from cytopenia.contract.data_quality import QUALITY_SCHEMAS, DataQuality
from cytopenia.readers.sources import read_tables
from cytopenia.report.quality_content import PAGE_MARK, QualityContent
from cytopenia.report.quality_course_tables import table_findings, table_weekdays
from cytopenia.report.quality_figures import plot_covered_days, plot_day_maps
from cytopenia.report.quality_page import render_quality
from cytopenia.report.quality_spread import plot_spread
from cytopenia.report.quality_tables import table_censored, table_limits, table_units, tables_values
from cytopenia.study.data_quality import measure_quality
from cytopenia.study.protocol import read_protocol
from study_files import write_study

LINEAGES = ("anc", "hemoglobin", "platelets")


@pytest.fixture(scope="module")
def quality(tmp_path_factory: pytest.TempPathFactory) -> DataQuality:
    study = read_protocol(write_study(tmp_path_factory.mktemp("page")))
    return measure_quality(study, read_tables(study.data_folder, study.protocol.data))


def content(quality: DataQuality, **settings: object) -> QualityContent:
    return QualityContent(
        **{"title": "Three", "synthetic": False, "quality": quality, "version": "0.1", **settings}
    )


def rows(name: str, *lines: tuple[object, ...]) -> pl.DataFrame:
    return pl.DataFrame([*lines], schema=QUALITY_SCHEMAS[name], orient="row")


def test_the_page_is_known_by_its_mark_and_is_the_same_twice(quality: DataQuality) -> None:
    page = render_quality(content(quality))
    assert PAGE_MARK in page[:2000]
    assert page == render_quality(content(quality))


def test_synthetic_data_say_so(quality: DataQuality) -> None:
    assert "Synthetic data: no patient" not in render_quality(content(quality))
    # The banner with its label, and each of the three figures with its caption and in the picture.
    assert render_quality(content(quality, synthetic=True)).count("Synthetic data: no patient") >= 8


def test_ids_are_left_out_where_they_shall_not_show(quality: DataQuality) -> None:
    known = replace(
        quality,
        covered_patients=quality.covered_patients.with_columns(
            pl.col("patient_id").replace({"A": "Q-7031", "B": "Q-7032", "C": "Q-7033"})
        ),
    )
    assert "Q-7031" in render_quality(content(known))
    assert "Q-70" not in render_quality(content(known, show_patient_ids=False))


def test_lineages_stand_side_by_side_where_they_fit_and_alone_where_not(quality: DataQuality) -> None:
    assert [figure.id for figure in plot_day_maps(content(quality))] == [
        "day-coverage-anc-platelets-hemoglobin"
    ]
    wide = replace(quality, first_day=-30, last_day=90)
    assert [figure.id for figure in plot_day_maps(content(wide))] == [
        f"day-coverage-{name}" for name in ("anc", "platelets", "hemoglobin")
    ]


def test_the_picture_says_in_words_what_it_shows(quality: DataQuality) -> None:
    figure = plot_covered_days(content(quality))
    assert figure is not None
    assert "Hemoglobin: 119 patient-days at risk, 17.6% measured, 63.0% in short gaps, 19.3% open." in (
        figure.description
    )


def test_a_large_cohort_is_a_small_file(quality: DataQuality) -> None:
    """60 groups and 120 weeks of three lineages: no more than a few hundred kilobytes of picture."""
    weeks = [
        (place, 900, name, week * 7, week * 7 + 6, 6300, measured, measured / 63)
        for name in LINEAGES
        for place in range(1, 61)
        for week in range(120)
        for measured in [(place * 37 + week * 11) % 6301]
    ]
    large = replace(
        quality,
        patient_days=quality.patient_days.clear(),
        group_weeks=rows("group_weeks", *weeks),
    )
    (figure,) = plot_day_maps(content(large))
    assert figure.id == "week-coverage"
    assert "Each row stands for 900 patients" in figure.caption
    assert len(figure.svg) < 1_500_000


def test_a_week_without_anybody_at_risk_is_not_one_without_values(quality: DataQuality) -> None:
    lines = [(1, 5, "anc", 0, 6, 35, 0, 0.0), (1, 5, "anc", 7, 13, 0, 0, None)]
    large = replace(
        quality, patient_days=quality.patient_days.clear(), group_weeks=rows("group_weeks", *lines)
    )
    both = plot_day_maps(content(large))[0].svg
    lines[1] = (1, 5, "anc", 7, 13, 35, 0, 0.0)
    neither = plot_day_maps(content(replace(large, group_weeks=rows("group_weeks", *lines))))[0].svg
    assert both != neither


def test_red_bars_stand_for_implausible_values_only(quality: DataQuality) -> None:
    good = replace(
        quality, spread=rows("spread", ("crp", True, 1.0, 2.0, 5, 0), ("crp", True, 2.0, 4.0, 2, 0))
    )
    bad = replace(
        quality, spread=rows("spread", ("crp", True, 1.0, 2.0, 5, 0), ("crp", True, 2.0, 4.0, 0, 2))
    )
    counts = [
        len(re.findall("#b8312a", figure.svg))
        for one in (good, bad)
        for figure in [plot_spread(content(one))]
        if figure is not None
    ]
    # One in the key.
    assert counts == [1, 2]


@pytest.mark.parametrize(
    "lines",
    [
        [("crp", False, 0.0, 0.0, 3, 0)],
        [("crp", False, 5.0, 5.0, 3, 0)],
        [("crp", True, 1e-6, 1e9, 3, 0)],
        [("crp", False, 5.0, 5.0000001, 3, 0)],
    ],
)
def test_odd_spreads_are_drawn(quality: DataQuality, lines: list[tuple[object, ...]]) -> None:
    assert plot_spread(content(replace(quality, spread=rows("spread", *lines)))) is not None


def test_nothing_gives_no_picture(quality: DataQuality) -> None:
    empty = replace(quality, spread=quality.spread.clear(), has_days=False)
    assert plot_spread(content(empty)) is None
    assert plot_covered_days(content(empty)) is None
    assert plot_day_maps(content(empty)) == []


def test_factors_are_those_of_the_unit_table(quality: DataQuality) -> None:
    account = rows(
        "account",
        ("anc", "/uL", "judged", 7, 0, 1.5),
        ("creatinine", "mg/dL", "judged", 7, 0, 88.42),
        ("temperature", "F", "judged", 7, 0, 37.0),
    )
    table = table_units(replace(quality, account=account))
    shown = {row.header: row.cells[1].text for row in table.rows if row.cells}
    assert shown == {
        "/uL": "/ 1000 to ×10⁹/L",
        "mg/dL": "× 88.42 to µmol/L",
        "F": "(\u2212 32) × 5 / 9 to °C",
    }


def test_many_limits_are_cut_short(quality: DataQuality) -> None:
    lines = [("crp", "<", float(limit), 12 - limit) for limit in range(1, 11)]
    text = table_censored(replace(quality, censored=rows("censored", *lines))).rows[0].cells[1].text
    assert text.startswith("< 1 (11 rows); < 2 (10 rows)")
    assert text.endswith("< 8 (4 rows); 2 rarer limits")
    lines = [("anc", "lln", 1.0 + place / 100, 20 - place, 1) for place in range(11)]
    assert (
        table_limits(replace(quality, limits=rows("limits", *lines))).rows[0].cells[2].text.endswith("3 more")
    )


def test_analytes_are_split_over_tables_that_fit_on_a_page(quality: DataQuality) -> None:
    names = ("anc", "wbc", "alc", "platelets", "hemoglobin", "crp", "ferritin", "il6", "ldh")
    account = rows("account", *((name, "x", "judged", 1, 0, None) for name in names))
    assert [len(table.columns) - 1 for table in tables_values(replace(quality, account=account))] == [7, 2]


def test_days_of_the_week_stand_under_their_lineage(quality: DataQuality) -> None:
    lines = [
        (name, day, 10, measured, 10.0 * measured)
        for measured, name in enumerate(LINEAGES, 1)
        for day in range(1, 8)
    ]
    table = table_weekdays(replace(quality, weekdays=rows("weekdays", *lines)))
    heads = [column.title for column in table.columns[1:]]
    assert dict(zip(heads, [cell.text for cell in table.rows[0].cells], strict=True)) == {
        "Absolute neutrophil count": "1 (10.0%)",
        "Hemoglobin": "2 (20.0%)",
        "Platelet count": "3 (30.0%)",
    }
    assert [row.header for row in table.rows][::6] == ["Monday", "Sunday"]


def test_findings_stand_under_their_severity_and_are_cut_short_where_there_are_many(
    quality: DataQuality,
) -> None:
    lines = [("labs", 2, "unit", "unknown_unit", "warning", 1, f"m{place}.") for place in range(203)]
    lines += [("labs", None, None, "empty_labs", "error", 0, "no row.")]
    table = table_findings(replace(quality, findings=rows("findings", *lines)))
    assert table.caption == "204 findings"
    sections = [row.header for row in table.rows if row.is_section]
    assert sections == ["Errors: a run stops (1)", "Warnings (203)"]
    assert table.rows[-1].header.startswith("3 further findings")


def test_the_page_of_a_folder_of_its_own(quality: DataQuality, tmp_path: Path) -> None:
    """A page is no table: a study whose folder holds one is read as before."""
    folder = write_study(tmp_path)
    (folder / "check.html").write_text(render_quality(content(quality)), "utf-8")
    study = read_protocol(folder)
    again = measure_quality(study, read_tables(study.data_folder, study.protocol.data))
    assert again.tables.equals(quality.tables)
