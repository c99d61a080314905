"""The numbers behind each kind of figure, kept: what is drawn does not change unseen."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from association_factory import make_associations, roc_rows
from cytopenia.report.drawing import ReportFigure
from cytopenia.report.figures import plot_figures
from cytopenia.results import collect_results
from report_factory import make_content

pytestmark = pytest.mark.long


@cache
def figures() -> dict[str, ReportFigure]:
    curves = make_associations(results=collect_results(roc_rows()))
    return {**plot_figures(make_content()), **plot_figures(curves)}


@pytest.mark.parametrize("name", ["flow", "trajectories", "roc-curves"])
def test_the_numbers_of_a_figure(name: str, compare_golden: Callable[[str, str], None]) -> None:
    compare_golden(f"figures/{name}.csv", figures()[name].data.write_csv())
