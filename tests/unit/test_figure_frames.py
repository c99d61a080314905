"""Hand-made frames in, the same numbers out: figures of courses compute nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from cytopenia.report.content import ReportContent
from cytopenia.report.drawing import ReportFigure
from cytopenia.report.group_trajectories import plot_group_trajectories
from cytopenia.report.lineage_sets import plot_lineage_sets
from cytopenia.report.spaghetti import plot_spaghetti
from cytopenia.report.swimmer import plot_swimmer
from cytopenia.report.waterfall import plot_waterfall
from report_factory import make_content

LINES = pl.DataFrame(
    {
        "analyte": ["anc"] * 4,
        "patient_id": ["a", "a", "b", "c"],
        "day": [0, 3, 0, 5],
        "value": [1.5, 0.2, 0.0, 7.25],
    }
)
NADIRS = pl.DataFrame(
    {
        "analyte": ["anc", "anc", "anc"],
        "place": [1, 2, 3],
        "nadir": [0.0, 0.7, 3.1],
        "lowest": [0.0, 0.5, 3.1],
        "graded_by": ["severe_neutropenia"] * 3,
        "grade": [4.0, 3.0, None],
    }
)
LANES = pl.DataFrame(
    {
        "patient_id": ["a", "a", "a", "b", "b"],
        "row": [1, 1, 1, 2, 2],
        "mark": ["course", "gcsf", "recovery", "course", "death"],
        "start": [0, 2, 20, 0, 9],
        "stop": [60, None, 20, 9, 9],
        "grade": [None, None, None, None, None],
    },
    schema_overrides={"stop": pl.Int32, "grade": pl.Int32},
)
OVERLAP = pl.DataFrame(
    {
        "kind": ["combination", "combination", "set", "set", "left out"],
        "outcomes": [
            "severe_neutropenia|severe_anemia",
            "",
            "severe_neutropenia",
            "severe_anemia",
            "",
        ],
        "patients": [11, 7, 11, 11, 2],
    }
)
GROUPS = pl.DataFrame(
    {
        "analyte": ["anc"] * 4,
        "group": ["CD19", "CD19", "CD22", "CD22"],
        "day": [0, 1, 0, 1],
        "n_observed": [9, 8, 5, 0],
        "n_at_risk": [10, 10, 6, 6],
        "median": [1.5, 0.9, 2.5, None],
        "q1": [1.0, 0.5, 2.0, None],
        "q3": [2.0, 1.1, 2.75, None],
        "factor": ["CAR-T target"] * 4,
    }
)
PLOTS: dict[str, tuple[Callable[[ReportContent], ReportFigure | None], pl.DataFrame]] = {
    "spaghetti": (plot_spaghetti, LINES),
    "waterfall": (plot_waterfall, NADIRS),
    "swimmer": (plot_swimmer, LANES),
    "overlap": (plot_lineage_sets, OVERLAP),
    "groups": (plot_group_trajectories, GROUPS),
}


def drawn(name: str, **changes: Any) -> ReportFigure:
    plot, frame = PLOTS[name]
    figure = plot(make_content(figure_frames={name: frame}, **changes))
    assert figure is not None
    return figure


@pytest.mark.parametrize("name", list(PLOTS))
def test_without_a_frame_there_is_no_figure(name: str) -> None:
    plot, frame = PLOTS[name]
    assert plot(make_content()) is None
    assert plot(make_content(figure_frames={name: frame.clear()})) is None


@pytest.mark.parametrize("name", list(PLOTS))
def test_a_figure_is_175_mm_wide_and_told_in_words(name: str) -> None:
    figure = drawn(name)
    assert figure.width_mm == 175.0
    assert figure.description
    assert figure.caption.endswith(".")
    assert "Synthetic data: no patient" in figure.svg
    assert "Synthetic" not in drawn(name, synthetic=False).svg


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("spaghetti", ["analyte", "patient_id", "day", "value"]),
        ("waterfall", NADIRS.columns),
        ("swimmer", LANES.columns),
        ("overlap", OVERLAP.columns),
        ("groups", GROUPS.columns[:-1]),
    ],
)
def test_the_data_are_what_was_handed_in(name: str, columns: list[str]) -> None:
    _, frame = PLOTS[name]
    assert drawn(name).data.select(columns).rows() == frame.select(columns).rows()


@pytest.mark.parametrize("name", ["spaghetti", "swimmer"])
def test_ids_can_be_kept_out(name: str) -> None:
    figure = drawn(name, show_patient_ids=False)
    assert "patient_id" not in figure.data.columns


def test_the_overlap_says_who_is_in_no_combination() -> None:
    figure = drawn("overlap")
    assert figure.caption.startswith("18 patients.")
    assert figure.caption.endswith("Left out, because one of them could not be told: 2 patients.")
    assert (
        figure.description == "Severe neutropenia and Severe anemia: 11 patients. None of them: 7 patients."
    )


def test_the_groups_say_their_sizes_and_who_is_in_none() -> None:
    caption = drawn("groups").caption
    assert "Patients at risk at most: CD19: 10; CD22: 6." in caption
    assert "In no group, because it is not known: 47 patients." in caption


def test_a_part_of_the_cohort_is_told() -> None:
    assert (
        "Only 3 of 63 patients are drawn, evenly picked; the median is of all." in drawn("spaghetti").caption
    )
    assert "Only 2 of 63 patients are drawn, evenly picked by length." in drawn("swimmer").caption


def test_the_lanes_say_what_occurs_and_an_unrecorded_stop() -> None:
    figure = drawn("swimmer")
    assert figure.description == "2 lanes. G-CSF: 1 patient; recovery: 1 patient; death: 1 patient."
    assert "Support whose stop was not recorded is drawn for its first day." in figure.caption
    assert "TPO-RA" not in figure.svg
    assert "Recovery is the day of the first outcome of the protocol that asks for one." in figure.caption


def test_the_nadirs_say_their_range_and_grades() -> None:
    assert drawn("waterfall").description == (
        "Neutrophils (ANC), ×10⁹/L: 3 patients, nadir from 0 to 3.1; grade 3: 1, grade 4: 1."
    )
