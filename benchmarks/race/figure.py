"""The figure of the race, for light and dark pages alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from measure import Finished
from page import say_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, OURS, OTHERS = "#1f2328", "#2f81f7", "#d2752a"
MARKERS = ("o", "s", "^", "D")
# Lines and letters take the color of the reader's page.
DARK = "<style>svg{color:#1f2328}@media(prefers-color-scheme:dark){svg{color:#e6edf3}}</style>"


def draw_race(tasks: Sequence[Finished], growth: Sequence[Finished], target: Path) -> None:
    """Write the figure: times beside ours on the left, growth of the grading on the right."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    style = {
        "svg.fonttype": "none",
        "svg.hashsalt": "race",
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        **dict.fromkeys(
            ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK
        ),
    }
    with plt.rc_context(style):
        rows = _list_rows(tasks)
        figure, (left, right) = plt.subplots(
            1, 2, figsize=(11, 1.6 + 0.34 * len(rows)), layout="constrained", width_ratios=[3, 2]
        )
        _draw_ratios(left, rows)
        _draw_growth(right, growth)
        figure.savefig(target, transparent=True, metadata={"Date": None, "Creator": None})
        plt.close(figure)
    drawn = target.read_text("utf-8").replace(INK, "currentColor").replace("<defs>", f"{DARK}<defs>", 1)
    target.write_text(drawn, "utf-8")


def _list_rows(tasks: Sequence[Finished]) -> list[tuple[str, float, float]]:
    """Name, first answer and the next ones of each contender, as multiples of ours."""
    rows: list[tuple[str, float, float]] = []
    for one in tasks:
        ours, *others = one.found
        rows += [
            (
                f"{measured.contender.name}: {one.task.title.partition(':')[0]}",
                measured.usual_cold / ours.usual_cold,
                measured.usual_warm / ours.usual_warm,
            )
            for measured in others
            if not (measured.trouble or ours.trouble or measured.contender.name == ours.contender.name)
        ]
    return rows


def _draw_ratios(axes: Axes, rows: Sequence[tuple[str, float, float]]) -> None:
    places = range(len(rows), 0, -1)
    axes.axvline(1, color=OURS, linewidth=1.5)
    for place, (_, first, again) in zip(places, rows, strict=True):
        axes.plot([first, again], [place, place], color=OTHERS, linewidth=1)
        axes.plot(first, place, marker="o", color=OTHERS, markerfacecolor="none", linestyle="")
        axes.plot(again, place, marker="o", color=OTHERS, linestyle="")
        axes.annotate(
            say_number(again), (max(first, again), place), (6, 0), textcoords="offset points", va="center"
        )
    axes.set_xscale("log")
    axes.set_yticks(list(places), [_wrap(name) for name, *_ in rows])
    axes.set_xlabel("times ours (line: the package); open: first answer, filled: again")
    axes.margins(x=0.15)


def _wrap(name: str) -> str:
    return name if len(name) < 76 else f"{name[:74]}…"


def _draw_growth(axes: Axes, growth: Sequence[Finished]) -> None:
    lines: dict[str, list[tuple[int, float]]] = {}
    for one in growth:
        for measured in one.found:
            if not measured.trouble:
                point = (one.task.patients or 0, measured.usual_warm)
                lines.setdefault(measured.contender.name, []).append(point)
    for (name, points), marker in zip(lines.items(), MARKERS, strict=False):
        color = OURS if name == "cytopenia" else OTHERS
        sizes, seconds = zip(*points, strict=True)
        axes.plot(sizes, seconds, marker=marker, color=color, linewidth=1.5, markersize=4)
        axes.annotate(name, points[-1], (6, 0), textcoords="offset points", va="center")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("patients graded")
    axes.set_ylabel("seconds")
    axes.margins(x=0.25)
