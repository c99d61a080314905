"""The curves of a prediction model: calibration, net benefit, and the nomogram."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cytopenia.report.content import ReportContent
from cytopenia.report.display import clean_text, format_number, format_percent, format_signs
from cytopenia.report.drawing import (
    FAINT,
    GRID,
    INK,
    LINE,
    MUTED,
    ReportFigure,
    drawing,
    finish_figure,
    make_canvas,
    page_axes,
)
from cytopenia.report.lookup import ResultLookup, select_results
from cytopenia.report.side_by_side_cells import draw_id

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["CURVES_OF_MODEL", "NOMOGRAM", "plot_model_curves", "plot_nomogram"]

CURVES_OF_MODEL, NOMOGRAM = "model-curves", "nomogram"
MODEL, TOTAL = "model", "total"
HEIGHT = 236.0
# A nomogram: where lines begin, how long 100 points are, how high one line is.
LEFT, RIGHT, TOP, ROW = 152.0, 478.0, 40.0, 38.0
TICK, LABEL_SIGNS = 4.0, 34
# Labels nearer than this stand on two levels.
CLOSE = 30.0
RISKS = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
FULL = 100.0
CALIBRATION_CAPTION = (
    "Calibration: smoothed share with the event against the probability of the model; on the dashed line "
    "they agree."
)
CORRECTED_CAPTION = (
    " Net benefit: of acting on the model at a threshold, against acting on everybody and on nobody (0). "
    "Corrected: less the optimism at each point, by the bootstrap."
)


def plot_model_curves(content: ReportContent, analysis_id: str) -> ReportFigure | None:
    """Return calibration and net benefit of a model, apparent and corrected; None where there are none."""
    curves = {name: _read(content, analysis_id, name) for name in ("calibration", "decision")}
    if not curves["calibration"].get("predicted"):
        return None
    name = draw_id(CURVES_OF_MODEL, analysis_id)
    has_benefit = bool(curves["decision"].get("threshold"))
    with drawing(name):
        finished = finish_figure(
            _draw_curves(curves["calibration"], curves["decision"]),
            name,
            title="Calibration and net benefit of the model" if has_benefit else "Calibration of the model",
            caption=CALIBRATION_CAPTION + (CORRECTED_CAPTION if "corrected" in curves["calibration"] else ""),
            description=_describe_curves(curves["calibration"], curves["decision"]),
            synthetic=content.synthetic,
        )
    return finished.with_data(_list_points(curves))


def _read(content: ReportContent, analysis_id: str, group: str) -> dict[str, list[float]]:
    """The columns of a curve; NaN where a point has no value."""
    lookup = select_results(content.results, analysis_id, group=group)
    found: dict[str, list[float]] = {}
    for (_, _, level, _, estimate), one in lookup.estimates.items():
        if level:
            found.setdefault(estimate, []).append(math.nan if one.value is None else one.value)
    return found


def _list_points(curves: Mapping[str, Mapping[str, list[float]]]) -> Iterator[dict[str, Any]]:
    for name, columns in curves.items():
        for numbers in zip(*columns.values(), strict=True):
            known = (None if math.isnan(one) else one for one in numbers)
            yield {"panel": name, **dict(zip(columns, known, strict=True))}


def _list_ticks(lines: Sequence[_Scale]) -> Iterator[dict[str, Any]]:
    for line in lines:
        for at, label in line.ticks:
            yield {"scale": line.title, "points": at, "label": label}


def _draw_curves(calibration: Mapping[str, list[float]], decision: Mapping[str, list[float]]) -> Figure:
    figure = make_canvas(HEIGHT)
    has_decision = bool(decision.get("threshold"))
    left = (
        figure.add_axes((0.08, 0.15, 0.38, 0.76)) if has_decision else figure.add_axes((0.3, 0.15, 0.4, 0.76))
    )
    left.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8, linestyle=(0, (4, 3)), label="Agreement")
    looks: dict[str, dict[str, Any]] = {
        "Apparent": {"color": MUTED, "linewidth": 1.1, "linestyle": (0, (1, 1.5))},
        "Corrected": {"color": LINE, "linewidth": 1.5},
        "Observed": {"color": LINE, "linewidth": 1.5},
    }
    # Patients whom the model was not made from need no correction.
    names = {"Apparent": "apparent", "Corrected": "corrected"}
    if "corrected" not in calibration:
        names = {"Observed": "apparent"}
    for label, name in names.items():
        left.plot(calibration["predicted"], calibration[name], label=label, **looks[label])
    left.set(xlim=(0, 1), ylim=(0, 1))
    _finish_axes(left, "Calibration", "Probability by the model", "Share with the event")
    if has_decision:
        right = figure.add_axes((0.58, 0.15, 0.38, 0.76))
        at = decision["threshold"]
        right.axhline(0, color=FAINT, linewidth=0.8, linestyle=(0, (4, 3)), label="Nobody")
        right.plot(
            at, decision["treat_all"], color=INK, linewidth=0.9, linestyle=(0, (5, 2)), label="Everybody"
        )
        right.plot(
            at,
            decision["apparent"],
            color=MUTED,
            linewidth=1.1,
            linestyle=(0, (1, 1.5)),
            label="Model, apparent",
        )
        right.plot(
            at,
            decision["corrected"],
            color=LINE,
            linewidth=1.5,
            marker="o",
            markersize=3,
            label="Model, corrected",
        )
        best = max([*decision["apparent"], *decision["corrected"], *decision["treat_all"], 0.0])
        right.set_ylim(-best / 3, best * 1.15)
        _finish_axes(right, "Net benefit", "Threshold probability", "Net benefit per patient")
    return figure


def _finish_axes(axes: Axes, title: str, below: str, beside: str) -> None:
    axes.set_title(title, loc="left", fontsize=8)
    axes.set_xlabel(below, fontsize=7)
    axes.set_ylabel(beside, fontsize=7)
    axes.tick_params(labelsize=6.5, width=0.6, length=3, colors=MUTED)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=6.5, frameon=False, loc="best")


def _describe_curves(calibration: Mapping[str, list[float]], decision: Mapping[str, list[float]]) -> str:
    word = "corrected" if "corrected" in calibration else "observed"
    shares = calibration.get("corrected", calibration["apparent"])
    places = [place for place, one in enumerate(shares) if not math.isnan(one)]
    parts = [
        f"Where the model says {format_percent(100 * calibration['predicted'][place])}, the {word} share"
        f" is {format_percent(100 * min(1.0, max(0.0, shares[place])))}."
        for place in dict.fromkeys([*places[:1], *places[len(places) // 2 :][:1], *places[-1:]])
    ]
    parts += [
        f"Net benefit at {format_percent(100 * at)}: model {format_number(own, 3)} corrected, everybody"
        f" {format_number(everybody, 3)}."
        for at, own, everybody in zip(
            decision.get("threshold", []),
            decision.get("corrected", []),
            decision.get("treat_all", []),
            strict=True,
        )
    ]
    return " ".join(parts)


@dataclass(frozen=True)
class _Scale:
    """One line of a nomogram: its name, and its ticks as (points, label)."""

    title: str
    ticks: Sequence[tuple[float, str]]


def plot_nomogram(content: ReportContent, analysis_id: str) -> ReportFigure | None:
    """Return the nomogram of a model: points of each factor, their total, and its risk; None without one."""
    lookup = select_results(content.results, analysis_id, group="nomogram")
    factors = [name for name in lookup.variables if name not in (MODEL, TOTAL)]
    if not factors:
        return None
    lines = [_read_line(lookup, factor) for factor in factors]
    total, risk = _read_total(lookup)
    name = draw_id(NOMOGRAM, analysis_id)
    with drawing(name):
        finished = finish_figure(
            _draw_nomogram(lines, total, risk),
            name,
            title="Nomogram of the model",
            caption="Read the points of each factor on the scale at the top, add them, and read the risk "
            "below the total. From the shrunken coefficients.",
            description=" ".join(_describe_line(line) for line in (*lines, risk)),
            synthetic=content.synthetic,
        )
    return finished.with_data(_list_ticks((*lines, total, risk)))


def _read_line(lookup: ResultLookup, factor: str) -> _Scale:
    levels = lookup.levels(factor)
    found = lookup.get(factor, "points", level=levels[0])
    ticks = [
        (lookup.value(factor, "points", level=level) or 0.0, format_signs(clean_text(level)))
        for level in levels
    ]
    return _Scale(clean_text(found.text) if found else factor, ticks)


def _read_total(lookup: ResultLookup) -> tuple[_Scale, _Scale]:
    """The totals, and where on them round risks lie: the log odds are a line in the total."""
    levels = lookup.levels(TOTAL)
    points = [lookup.value(TOTAL, "points", level=level) or 0.0 for level in levels]
    odds = [
        _take_log_odds(lookup.value(TOTAL, "risk", level=level) or 0.5) for level in (levels[0], levels[-1])
    ]
    rise = (odds[1] - odds[0]) / (points[-1] or 1.0)
    places = [((_take_log_odds(one) - odds[0]) / rise, f"{one:g}") for one in RISKS] if rise else []
    inside = [(place, label) for place, label in places if 0 <= place <= points[-1]]
    return _Scale("Total points", [(one, f"{one:g}") for one in points]), _Scale("Risk of the event", inside)


def _take_log_odds(chance: float) -> float:
    return math.log(chance / (1.0 - chance))


def _draw_nomogram(lines: Sequence[_Scale], total: _Scale, risk: _Scale) -> Figure:
    figure, axes = page_axes(TOP + ROW * (len(lines) + 3))
    top = _Scale("Points", [(float(place), f"{place}") for place in range(0, 101, 10)])
    for place, line in enumerate((top, *lines)):
        _draw_scale(axes, line, TOP + ROW * place, FULL)
    longest = max(at for at, _ in total.ticks) or 1.0
    for place, line in enumerate((total, risk), start=len(lines) + 1):
        _draw_scale(axes, line, TOP + ROW * place, longest)
    for place in range(0, 101, 10):
        x = LEFT + (RIGHT - LEFT) * place / FULL
        axes.plot([x, x], [TOP, TOP + ROW * len(lines)], color=GRID, linewidth=0.5, zorder=0)
    return figure


def _draw_scale(axes: Axes, line: _Scale, y: float, longest: float) -> None:
    title = "\n".join(textwrap.wrap(line.title, LABEL_SIGNS, max_lines=2, placeholder=" …"))
    axes.text(LEFT - 14, y, title, ha="right", va="center", fontsize=7, color=INK)
    if not line.ticks:
        return
    places = [(LEFT + (RIGHT - LEFT) * at / longest, label) for at, label in sorted(line.ticks)]
    axes.plot([places[0][0], places[-1][0]], [y, y], color=LINE, linewidth=1.1)
    last, is_raised = -math.inf, False
    for x, label in places:
        is_raised = x - last < CLOSE and not is_raised
        last = x
        axes.plot([x, x], [y - TICK, y], color=LINE, linewidth=0.8)
        side = -1 if is_raised else 1
        axes.text(
            x,
            y + side * (TICK + 3),
            label,
            ha="center",
            va="bottom" if is_raised else "top",
            fontsize=6.5,
            color=MUTED,
        )


def _describe_line(line: _Scale) -> str:
    return (
        f"{line.title}: " + ", ".join(f"{label} at {format_number(at, 0)}" for at, label in line.ticks) + "."
    )
