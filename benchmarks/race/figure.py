"""The figure of the race, for light and dark pages alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from measure import Finished, Measured
from page import say_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, OURS, OTHERS = "#1f2328", "#2f81f7", "#d2752a"
MARKERS = ("o", "s", "^", "D")
# Lines and letters take the color of the reader's page.
DARK = "<style>svg{color:#1f2328}@media(prefers-color-scheme:dark){svg{color:#e6edf3}}</style>"


def draw_race(tasks: Sequence[Finished], growth: Sequence[Finished], target: Path) -> None:
    """Write the figure: times beside ours, and growth of the grading in time and memory."""
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
        figure, axes = plt.subplot_mosaic(
            [["ratios", "seconds"], ["ratios", "memory"]],
            figsize=(10, 1.6 + 0.3 * len(rows)),
            layout="constrained",
            width_ratios=[3, 2],
        )
        _draw_ratios(axes["ratios"], rows)
        _draw_growth(axes["seconds"], growth, "seconds", lambda measured: measured.usual_warm)
        _draw_growth(axes["memory"], growth, "memory, MB", lambda measured: measured.peak / 1e6)
        axes["memory"].set_xlabel("patients graded")
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
                f"{measured.contender.name}: {one.task.short}",
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
            say_number(again),
            (again, place),
            (6 if again >= first else -6, 0),
            textcoords="offset points",
            ha="left" if again >= first else "right",
            va="center",
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.set_yticks(list(places), [name for name, *_ in rows])
    axes.set_xlabel("times ours; open: first answer, filled: again")
    axes.margins(x=0.15)


def _draw_growth(
    axes: Axes, growth: Sequence[Finished], label: str, read: Callable[[Measured], float]
) -> None:
    lines: dict[str, list[tuple[int, float]]] = {}
    for one in growth:
        for measured in one.found:
            if not measured.trouble:
                point = (one.task.patients or 0, read(measured))
                lines.setdefault(measured.contender.name, []).append(point)
    for (name, points), marker in zip(lines.items(), MARKERS, strict=False):
        color = OURS if name == "cytopenia" else OTHERS
        sizes, heights = zip(*points, strict=True)
        axes.plot(sizes, heights, marker=marker, color=color, linewidth=1.5, markersize=4)
        axes.annotate(name, points[-1], (6, 0), textcoords="offset points", va="center")
    for axis, scale in ((axes.xaxis, axes.set_xscale), (axes.yaxis, axes.set_yscale)):
        scale("log")
        axis.set_major_formatter("{x:,g}")
        axis.set_minor_formatter("")
    axes.set_ylabel(label)
    axes.margins(x=0.3, y=0.15)
