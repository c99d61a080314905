"""The numbers behind every kind of figure, kept: what is drawn does not change unseen.

`make golden` rewrites the files.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import polars as pl
import pytest

from bundled_contents import content_of
from cytopenia.report.content import ReportContent
from cytopenia.report.drawing import ReportFigure
from cytopenia.report.figures import plot_figures
from cytopenia.report.sections import FIGURES_OF_COURSES, FIGURES_OF_KIND, FIGURES_OF_MEASUREMENTS, FLOW
from prediction_factory import make_analysis, make_patients, predict, validate_card
from report_factory import make_content

pytestmark = pytest.mark.long

OF_THE_COHORT = (FLOW, *FIGURES_OF_COURSES, *FIGURES_OF_MEASUREMENTS)
# Kind of figure: the study and the analysis that it is taken from; one study after the other.
SOURCES: dict[str, tuple[str, str]] = {
    "flow": ("study", ""),
    "trajectories": ("study", ""),
    "spaghetti": ("study", ""),
    "waterfall": ("study", ""),
    "lineage-overlap": ("study", ""),
    "swimmer": ("study", ""),
    "day-map": ("study", ""),
    "risk_factors-odds": ("study", "table3"),
    "trajectories-by-group": ("figures", ""),
    "risk_factors-spline": ("figures", "bent"),
    "ordinal-odds": ("figures", "steps"),
    "ordinal-spline": ("figures", "steps"),
    "missingness-gaps": ("more", "blanks"),
    "roc-roc": ("more", "cuts"),
    "roc-cut": ("more", "cuts"),
    "time_to_recovery-curve": ("survival", "neutrophils"),
    "time_to_recovery-group-curves": ("survival", "neutrophils"),
    "survival-survival": ("survival", "overall"),
    "definitions-strip": ("definitions", "side_by_side"),
    "definitions-forest": ("definitions", "side_by_side"),
    "compare_published-forest": ("published", "severe"),
    # The bundled cohort is too small for a curve of a model.
    "prediction-model-curves": ("prediction", "model"),
    "prediction-nomogram": ("prediction", "model"),
    "validation-model-curves": ("validation", "a"),
}
# Of a longer table the first rows are kept, and of all of them how many marks there are of each sort.
MOST_ROWS, FIRST_ROWS = 320, 40
SORTS = {
    "spaghetti": ("analyte", "day"),
    "day-map": ("analyte", "state", "grade"),
    "definitions-strip": ("definition", "answer", "undecided"),
}
# Far above what processors differ by, finer than what can be seen.
DIGITS = 5


def list_kinds() -> list[str]:
    """Every kind of figure that a report has a place for; those of an analysis begin with its kind."""
    own = [f"{kind}-{name('')[:-1]}" for kind, makers in FIGURES_OF_KIND.items() for name in makers]
    return sorted([*OF_THE_COHORT, *own])


def make_models(kind: str) -> ReportContent:
    """One analysis of made-up patients who are enough for the curves of a model."""
    if kind == "validation":
        rows, name = validate_card(300), "a"
    else:
        # Pairs that are left out in turn take most of the time, and no figure shows them.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("cytopenia.study.pipelines.MOST_PAIRS", 400)
            rows, name = predict(make_analysis(thresholds=[0.1, 0.3, 0.5, 0.7]), make_patients()), "model"
    return make_content(results=rows, analyses=[{"id": name, "kind": kind, "title": "A model"}])


@cache
def figures_of(study: str) -> dict[str, ReportFigure]:
    """Every figure of a study by its kind and analysis."""
    content = make_models(study) if study in ("prediction", "validation") else content_of(study)
    drawn = plot_figures(content)
    names = {name: (name, "") for name in OF_THE_COHORT}
    for analysis in content.analyses:
        for name_figure in FIGURES_OF_KIND.get(analysis["kind"], ()):
            kind = f"{analysis['kind']}-{name_figure('')[:-1]}"
            names[name_figure(analysis["id"])] = (kind, analysis["id"])
    return {"/".join(names[name]): figure for name, figure in drawn.items()}


def round_number(number: float) -> float:
    return float(f"{number:.{DIGITS}g}") + 0.0


def show_data(kind: str, data: pl.DataFrame) -> str:
    """The numbers of a figure as CSV."""
    columns = [
        pl.col(name).map_elements(round_number, return_dtype=pl.Float64)
        for name, dtype in data.schema.items()
        if dtype.is_float()
    ]
    rounded = data.with_columns(columns)
    if data.height <= MOST_ROWS:
        return rounded.write_csv()
    keys = SORTS[kind]
    values: dict[str, Any] = {}
    if "value" in rounded.columns:
        values = {name: getattr(pl.col("value"), name)() for name in ("min", "max")}
    counts = rounded.group_by(keys).agg(pl.len().alias("marks"), **values).sort(keys)
    return f"{rounded.head(FIRST_ROWS).write_csv()}\nOf {data.height} marks:\n{counts.write_csv()}"


def test_no_kind_of_figure_is_forgotten() -> None:
    assert sorted(SOURCES) == list_kinds()


@pytest.mark.parametrize("kind", SOURCES)
def test_the_numbers_of_a_figure(kind: str, compare_golden: Callable[[str, str], None]) -> None:
    study, analysis = SOURCES[kind]
    figure = figures_of(study)[f"{kind}/{analysis}"]
    compare_golden(f"figures/{kind}.csv", show_data(kind, figure.data))
