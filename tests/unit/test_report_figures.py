"""Figures: the right marks on the page, the same bytes every time, and a text for those who cannot see."""

from __future__ import annotations

import re
from functools import cache
from xml.dom import minidom

import polars as pl
import pytest

from cytopenia.report.drawing import FAINT, GRADE_COLORS
from cytopenia.report.figures import (
    ReportFigure,
    plot_day_map,
    plot_figures,
    plot_flow,
    plot_trajectories,
    rank_patients,
    read_flow,
)
from cytopenia.results import RESULT_SCHEMA, ResultRow, collect_results
from cytopenia.study.days import MAP_PATIENTS
from report_factory import make_content, make_patient_days

CONTENT = make_content()


@cache
def figures() -> dict[str, ReportFigure]:
    return plot_figures(CONTENT)


@cache
def figures_drawn_again() -> dict[str, ReportFigure]:
    return plot_figures(make_content())


def days(rows: list[tuple[str, str, int, str, float | None, int | None]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=make_patient_days(1, 0).schema, orient="row")


def labels(figure: ReportFigure | None) -> list[str]:
    assert figure is not None
    nodes = minidom.parseString(figure.svg).getElementsByTagName("text")
    return ["".join(child.data for child in node.childNodes if child.nodeType == 3).strip() for node in nodes]


def test_three_figures() -> None:
    assert list(figures()) == ["flow", "trajectories", "day-map"]


@pytest.mark.parametrize("name", ["flow", "trajectories", "day-map"])
def test_same_content_same_bytes(name: str) -> None:
    assert figures_drawn_again()[name] == figures()[name]


@pytest.mark.parametrize("name", ["flow", "trajectories", "day-map"])
def test_an_image_with_title_and_description(name: str) -> None:
    root = minidom.parseString(figures()[name].svg).documentElement
    assert root is not None
    assert root.getAttribute("role") == "img"
    assert root.getAttribute("aria-labelledby") == f"svg-{name}-title svg-{name}-desc"
    assert [root.childNodes[at].nodeName for at in (0, 1)] == ["title", "desc"]


@pytest.mark.parametrize("name", ["flow", "trajectories", "day-map"])
def test_every_id_and_reference_carries_the_name(name: str) -> None:
    svg = figures()[name].svg
    used = re.findall(r' id="([^"]+)"', svg)
    referred = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', svg)
    assert all(one.startswith(f"svg-{name}-") for one in used)
    assert len(used) == len(set(used))
    assert {first or second for first, second in referred} <= set(used)


@pytest.mark.parametrize("name", ["flow", "trajectories", "day-map"])
def test_no_date_no_style_sheet_no_program_name(name: str) -> None:
    assert not re.search(r"<style|<metadata|matplotlib[^.]|\d{4}-\d\d-\d\d", figures()[name].svg)


def test_a_picture_drawn_twice_has_the_same_bytes(coarse_pictures: None) -> None:
    figure = figures()["flow"]
    assert figure.png == figure.png != b""


def test_synthetic_is_written_into_the_figure() -> None:
    real = plot_figures(make_content(synthetic=False))
    assert all("Synthetic data: no patient" in figure.svg for figure in figures().values())
    assert not any("Synthetic" in figure.svg for figure in real.values())


def test_map_of_the_usual_cohort_is_small() -> None:
    assert len(figures()["day-map"].svg) < 400_000


def test_map_uses_the_color_of_each_grade_present() -> None:
    rows = [("a", "anc", grade, "measured", 1.0, grade) for grade in range(5)]
    drawn = plot_day_map(make_content(patient_days=days(rows)))
    without = plot_day_map(make_content(patient_days=days([(*row[:5], 0) for row in rows])))
    assert drawn is not None
    assert without is not None
    # Every color is in the key once; a grade on the map adds its own path.
    assert [drawn.svg.count(color) for color in GRADE_COLORS] == [2] * 5
    assert [without.svg.count(color) for color in GRADE_COLORS] == [2, 1, 1, 1, 1]


def test_map_description_tells_the_states_apart() -> None:
    states = ["measured", "measured", "wbc_bound", "short_gap", "open", "not_at_risk"]
    rows = [("a", "anc", day, state, None, 2 if day else None) for day, state in enumerate(states)]
    figure = plot_day_map(make_content(patient_days=days(rows)))
    assert figure is not None
    expected = "5 patient-days, 2 measured, 1 bounded by the leukocyte count, 1 in a short gap, 1 open."
    assert expected in figure.svg


def test_map_is_capped_and_says_so() -> None:
    figure = plot_day_map(make_content(patient_days=make_patient_days(70, 3)), most=60)
    assert figure is not None
    assert figure.caption.endswith("Only 60 of 70 patients are drawn, those with the highest grades.")
    assert sum(bool(re.fullmatch(r"P\d{3}", label)) for label in labels(figure)) == 60


def test_map_draws_everybody_the_study_hands_over() -> None:
    outcomes = CONTENT.outcomes.clear()
    figure = plot_day_map(make_content(patient_days=make_patient_days(MAP_PATIENTS, 3), outcomes=outcomes))
    assert figure is not None
    assert figure.caption.startswith(f"{MAP_PATIENTS} patients;")
    assert "Only" not in figure.caption


def test_map_has_a_limit_of_its_own() -> None:
    figure = plot_day_map(make_content(patient_days=make_patient_days(151, 1)))
    assert figure is not None
    assert figure.caption.endswith("Only 150 of 151 patients are drawn, those with the highest grades.")


def test_map_of_a_part_of_the_cohort_says_so() -> None:
    figure = plot_day_map(make_content(patient_days=make_patient_days(10, 3)))
    assert figure is not None
    assert "Only 10 of 63 patients are drawn, those with the highest grades." in figure.caption


def test_map_of_everybody_speaks_of_no_choice() -> None:
    assert figures()["day-map"].caption.endswith("Blank: not at risk.")


def test_a_bound_that_reaches_a_grade_has_its_color() -> None:
    graded = plot_day_map(make_content(patient_days=days([("a", "anc", 0, "wbc_bound", 0.4, 4)])))
    silent = plot_day_map(make_content(patient_days=days([("a", "anc", 0, "wbc_bound", 3.0, None)])))
    assert graded is not None
    assert silent is not None
    # Once in the key, once on the map.
    assert (graded.svg.count(GRADE_COLORS[4]), silent.svg.count(GRADE_COLORS[4])) == (2, 1)
    assert silent.svg.count(FAINT) == graded.svg.count(FAINT) + 1


def test_patients_with_the_gravest_days_come_first() -> None:
    rows = [
        ("mild", "anc", 0, "measured", 1.8, 1),
        ("brief", "anc", 0, "measured", 0.1, 4),
        ("long", "anc", 0, "measured", 0.1, 4),
        ("long", "platelets", 0, "measured", 10.0, 4),
        ("unseen", "anc", 0, "open", None, None),
    ]
    assert rank_patients(days(rows)) == ["long", "brief", "mild", "unseen"]


def test_rank_does_not_depend_on_the_order_of_rows() -> None:
    frame = make_patient_days()
    assert rank_patients(frame.reverse()) == rank_patients(frame)


def test_patient_ids_can_be_kept_out() -> None:
    figure = plot_day_map(make_content(show_patient_ids=False))
    assert not any(re.fullmatch(r"P\d{3}", label) for label in labels(figure))


def test_long_follow_up_is_stacked() -> None:
    figure = plot_day_map(make_content(patient_days=make_patient_days(5, 100)))
    assert figure is not None
    view = re.search(r'viewBox="0 0 (\S+) (\S+)"', figure.svg)
    assert view is not None
    assert labels(figure).count("P001") == 3


def test_trajectories_print_the_number_measured_each_day() -> None:
    printed = labels(figures()["trajectories"])
    assert printed.count("Measured") == printed.count("At risk") == 3
    # Day 28: 26 of 60 measured, in each of the three panels.
    assert printed.count("26") == 3


def test_trajectories_of_a_long_course_print_every_kth_number() -> None:
    results = CONTENT.results.filter(pl.col("variable_level") != "28")
    far = CONTENT.results.filter(pl.col("analysis_id") == "trajectories", pl.col("variable_level") == "28")
    far = far.with_columns(pl.lit("120").alias("variable_level"))
    few = plot_trajectories(make_content(results=pl.concat([results, far])))
    assert 0 < labels(few).count("63") < labels(figures()["trajectories"]).count("63")


def test_trajectories_survive_zero_and_unmeasured_days() -> None:
    is_anc = (pl.col("analysis_id") == "trajectories") & (pl.col("variable") == "anc")
    is_count = pl.col("estimate").is_in(["n_observed", "n_at_risk"])
    changed = pl.when(is_anc & ~is_count & (pl.col("variable_level") == "3")).then(None).otherwise("value")
    low = pl.when(is_anc & (pl.col("estimate") == "q1")).then(0.0).otherwise(changed)
    figure = plot_trajectories(make_content(results=CONTENT.results.with_columns(low.alias("value"))))
    assert figure is not None
    assert "nan" not in figure.svg
    assert "0" in labels(figure)


def test_reference_lines_outside_the_panel_are_left_out() -> None:
    lines = {"anc": [(1.0, "inside"), (900.0, "outside")]}
    printed = labels(plot_trajectories(make_content(reference_lines=lines)))
    assert "inside" in printed
    assert "outside" not in printed


def test_flow_keeps_the_order_and_counts() -> None:
    steps = read_flow(CONTENT)
    assert [step.count for step in steps] == ["68", "3", "2", "63", "3", "60"]
    assert [step.is_kept for step in steps] == [True, False, False, True, False, True]
    assert "n = 68" in labels(figures()["flow"])


def test_flow_that_ends_with_patients_left_out() -> None:
    last = CONTENT.results.filter(pl.col("variable") != "step5")
    figure = plot_flow(make_content(results=last))
    assert "n = 3" in labels(figure)


def flow_of(counts: dict[str, float]) -> ReportFigure:
    rows = [
        ResultRow(analysis_id="flow", variable=text, estimate="count", level="kept", text=text, value=count)
        for text, count in counts.items()
    ]
    figure = plot_flow(make_content(results=collect_results(rows), synthetic=False))
    assert figure is not None
    return figure


def places(figure: ReportFigure) -> list[tuple[float, float]]:
    """Where the counts ("n = 50") stand."""
    nodes = minidom.parseString(figure.svg).getElementsByTagName("text")
    counts = [node for node in nodes if "n = " in node.toxml()]
    moves = [re.search(r"translate\((\S+) (\S+)\)|x: (\S+) y: (\S+)", node.toxml()) for node in counts]
    return [
        (float(node.getAttribute("x")), float(node.getAttribute("y")))
        if move is None
        else (float(move[1]), float(move[2]))
        for node, move in zip(counts, moves, strict=True)
    ]


def test_flow_without_anybody_left_out_stands_in_one_row_across_the_page() -> None:
    figure = flow_of(
        {"Patients in the tables": 50, "Patients in the cohort, a longer text": 50, "Graded": 50}
    )
    found = places(figure)
    assert len({height for _, height in found}) == 1
    assert [across for across, _ in found] == sorted({across for across, _ in found})
    assert found[-1][0] > 330
    assert figure.caption == "Patients who stay in the analysis; nobody was left out."


def test_flow_of_many_steps_stands_below_each_other() -> None:
    found = places(flow_of({f"Step {place}": 50 for place in range(6)}))
    assert len({height for _, height in found}) == 6
    assert len({across for across, _ in found}) == 1


def test_flow_with_some_left_out_names_both_sides() -> None:
    assert "patients left out, with the reason (right)" in figures()["flow"].caption


@pytest.mark.parametrize(
    ("day_zero", "expected"),
    [
        ("infusion", "perhaps the sicker ones. Day 0: infusion."),
        ("first", "perhaps the sicker ones. Day 0: first laboratory day of each patient."),
        ("given", "perhaps the sicker ones. Day 0: as the laboratory days were given."),
        ("", "perhaps the sicker ones."),
    ],
)
def test_trajectories_say_what_day_zero_is(day_zero: str, expected: str) -> None:
    figure = plot_trajectories(make_content(settings={"day_zero": day_zero}))
    assert figure is not None
    assert figure.caption.endswith(expected)


def test_nothing_to_draw() -> None:
    empty = make_content(results=pl.DataFrame(schema=RESULT_SCHEMA), patient_days=make_patient_days().clear())
    assert plot_figures(empty) == {}
