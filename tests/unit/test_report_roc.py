"""The ROC panel: the curve of the results, its cut-off with the side that means the event, its area."""

from __future__ import annotations

import re
from html import unescape
from xml.dom import minidom

import numpy as np
import polars as pl
import pytest

from association_factory import ANALYSES, ROC_FACTORS, associations_of, make_associations, roc_rows
from cytopenia.report.drawing import ReportFigure
from cytopenia.report.figures import plot_figures, plot_roc_panel, roc_figure_id
from cytopenia.report.sections import list_sections
from cytopenia.results import ResultRow, collect_results
from report_factory import make_content, number_rows

CONTENT = make_associations(results=collect_results(roc_rows()))
# A single panel is 85 mm wide; so much is left beside the numbers of its axis.
SIDE = 85 / 25.4 * 72 - 36 - 8


def drawn(figure: ReportFigure | None) -> ReportFigure:
    assert figure is not None
    return figure


PANEL = drawn(plot_roc_panel(CONTENT, "curves"))


def labels(svg: str) -> list[str]:
    """Return the texts that stand in the figure, without its title and description."""
    return [unescape(text) for text in re.findall(r"<text[^>]*>([^<]+)</text>", svg)]


def curve_rows(points: list[tuple[float, float]], **numbers: float) -> list[ResultRow]:
    """Return one factor with these (sensitivity, specificity) points."""
    rows = number_rows({"analysis_id": "a", "variable": "anc"}, "ANC", n=60, **numbers)
    for place, (sensitivity, specificity) in enumerate(points):
        key = {"analysis_id": "a", "group": "curve", "variable": "anc", "variable_level": str(place)}
        rows += number_rows(key, sensitivity=sensitivity, specificity=specificity)
    return rows


def panel_of(points: list[tuple[float, float]], **numbers: float) -> ReportFigure:
    content = associations_of(curve_rows(points, **numbers), kind="roc", outcome="recovery")
    return drawn(plot_roc_panel(content, "a"))


def curve_of(svg: str) -> list[tuple[float, float]]:
    """Return the drawn curve as (1 - specificity, sensitivity), the axes reaching from -0.02 to 1.02."""
    frame = re.search(r'id="[^"]*patch_2">\s*<path d="M ([\d.]+) ([\d.]+)', svg)
    curve = re.search(r'<path d="(M[^"]+)"[^>]*style="[^"]*stroke: #1f4e79[^"]*stroke-width: 1.5', svg)
    assert frame is not None
    assert curve is not None
    left, bottom = float(frame[1]), float(frame[2])
    found = [(float(x), float(y)) for x, y in re.findall(r"[ML] ([-\d.]+) ([-\d.]+)", curve[1])]
    return [((x - left) / SIDE * 1.04 - 0.02, (bottom - y) / SIDE * 1.04 - 0.02) for x, y in found]


def test_the_curve_is_that_of_the_results_from_the_strictest_threshold_on() -> None:
    points = [(1.0, 0.0), (0.9, 0.5), (0.9, 0.7), (0.4, 0.7), (0.0, 1.0)]
    found = curve_of(panel_of(points).svg)
    expected = [(0.0, 0.0), (0.3, 0.4), (0.3, 0.9), (0.5, 0.9), (1.0, 1.0)]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_order_of_the_points_does_not_matter() -> None:
    points = [(1.0, 0.0), (0.9, 0.5), (0.9, 0.7), (0.4, 0.7), (0.0, 1.0)]
    assert curve_of(panel_of(points).svg) == curve_of(panel_of(points[::-1]).svg)


def test_every_panel_has_its_title_cut_and_area() -> None:
    shown = labels(PANEL.svg)
    for title, _, label, _, (auc, low, high) in ROC_FACTORS.values():
        printed = label.replace(">= ", "≥\N{NO-BREAK SPACE}")
        assert printed in shown
        assert f"AUC {auc:.3f}" in shown
        assert f"({low:.3f}–{high:.3f})" in shown
        assert title.split(",")[0] in " ".join(shown)


def test_a_factor_without_a_curve_has_no_panel() -> None:
    assert "Baseline CRP" not in PANEL.svg
    assert "4 factors, 59 to 60 patients." in PANEL.caption


def test_the_caption_names_delong_and_youden_and_the_same_patients() -> None:
    for words in ("95% confidence interval by DeLong", "largest Youden index", "in the same patients"):
        assert words in PANEL.caption
    assert PANEL.title == "ROC curves for hematologic recovery at day 28, recovered"


def test_the_description_tells_what_the_panels_show() -> None:
    root = minidom.parseString(PANEL.svg).documentElement
    assert root is not None
    assert root.getAttribute("role") == "img"
    description = root.getElementsByTagName("desc")[0].firstChild
    assert description is not None
    assert (
        "Baseline IL-6, pg/mL: AUC 0.826 (0.713–0.939), cut-off < 21.43 with sensitivity 0.790 and "
        "specificity 0.760." in description.nodeValue
    )


def test_the_same_bytes_again() -> None:
    assert plot_roc_panel(CONTENT, "curves") == PANEL


def test_every_id_and_reference_carries_the_name() -> None:
    used = re.findall(r' id="([^"]+)"', PANEL.svg)
    referred = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', PANEL.svg)
    assert used[0] == "svg-roc-curves"
    assert all(one.startswith("svg-roc-curves-") for one in used[1:])
    assert len(used) == len(set(used))
    assert {first or second for first, second in referred} <= set(used)


def test_synthetic_is_written_into_the_figure() -> None:
    assert "Synthetic data: no patient" in PANEL.svg
    real = make_associations(results=collect_results(roc_rows()), synthetic=False)
    assert "Synthetic" not in drawn(plot_roc_panel(real, "curves")).svg


@pytest.mark.parametrize(("panels", "rows"), [(1, 1), (3, 1), (4, 2), (6, 2), (7, 3)])
def test_at_most_three_panels_stand_in_a_row(panels: int, rows: int) -> None:
    found = [
        ResultRow(**{**vars(row), "variable": f"anc{at}"})
        for at in range(panels)
        for row in curve_rows([(1.0, 0.0), (0.5, 0.9), (0.0, 1.0)])
    ]
    svg = drawn(plot_roc_panel(associations_of(found), "a")).svg
    view = re.search(r'viewBox="0 0 (\S+) (\S+)"', svg)
    assert view is not None
    assert svg.count("Sensitivity") == rows
    # 85 mm and 175 mm, in points.
    assert float(view[1]) == pytest.approx(240.945 if panels == 1 else 496.063, abs=1e-3)


def test_a_curve_below_the_diagonal_leaves_its_text_room_above() -> None:
    def height(auc: float) -> float:
        svg = panel_of([(1.0, 0.0), (0.2, 0.4), (0.0, 1.0)], auc=auc).svg
        found = re.search(rf'y="([.0-9]+)"[^>]*>AUC {auc:.3f}<', svg)
        assert found is not None
        return float(found[1])

    # The page counts from its top.
    assert height(0.3) < height(0.7) - SIDE / 2


def test_no_cut_no_circle_and_no_label() -> None:
    points = [(1.0, 0.0), (0.5, 0.9), (0.0, 1.0)]
    without, with_cut = panel_of(points).svg, panel_of(points, sensitivity=0.5, specificity=0.9).svg
    assert without.count("fill: #ffffff; stroke: #1c2430") < with_cut.count("fill: #ffffff; stroke: #1c2430")
    assert "cut-off" not in without


def test_no_curve_no_figure() -> None:
    assert plot_roc_panel(make_content(), "table1") is None
    assert "roc-curves" not in plot_figures(make_content())


def test_the_section_of_the_analysis_shows_figure_and_table() -> None:
    content = make_associations(
        results=collect_results(roc_rows()),
        analyses=[ANALYSES[2]],
        patient_days=CONTENT.patient_days.clear(),
    )
    section = next(one for one in list_sections(content) if one.id == "analysis-curves")
    assert [figure.id for figure in section.figures] == ["roc-curves"]
    assert [table.id for table in section.tables] == ["curves-cutpoints"]


def test_an_id_may_hold_anything() -> None:
    assert roc_figure_id('a "b" <c>') == "roc-a--b---c-"


def test_a_long_title_is_cut() -> None:
    rows = [
        ResultRow(**{**vars(row), "text": "W" * 300 if row.estimate == "n" else row.text})
        for row in curve_rows([(1.0, 0.0), (0.0, 1.0)])
    ]
    shown = labels(drawn(plot_roc_panel(associations_of(rows), "a")).svg)
    assert max(map(len, shown)) < 60


def test_the_inputs_are_unchanged() -> None:
    before = CONTENT.results.clone()
    plot_roc_panel(CONTENT, "curves")
    assert isinstance(CONTENT.results, pl.DataFrame)
    assert CONTENT.results.equals(before)
