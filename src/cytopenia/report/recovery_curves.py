"""Time to recovery: how many reached it by which day, the curve beside that of death, and how it was made."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cytopenia.report.cells import common_notes, outcome_title
from cytopenia.report.content import ReportContent
from cytopenia.report.display import (
    NO_VALUE,
    clean_text,
    format_level,
    format_median_bounds,
    format_number,
    format_percent,
    format_percent_range,
    plural,
)
from cytopenia.report.drawing import (
    FULL_WIDTH,
    GRID,
    INK,
    LINE,
    MUTED,
    ReportFigure,
    drawing,
    fill_limits,
    finish_figure,
    make_canvas,
)
from cytopenia.report.lookup import Estimate, ResultLookup, select_results
from cytopenia.report.table_model import Cell, Column, Footnotes, Row, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "CURVE_SOURCE",
    "CURVE_TEXT",
    "curve_figure_id",
    "plot_recovery_curve",
    "table_recovery_days",
    "table_recovery_labels",
]

CURVE_SOURCE = ("Aalen OO, Johansen S. Scand J Stat 1978;5:141-150.", "")
CURVE_TEXT = (
    "Time to recovery was counted from day 0 and given as cumulative incidence by the method of Aalen and "
    "Johansen, with death before recovery as competing event and 95% confidence intervals on the scale of "
    "log(-log). Patients were censored at a second infusion, at last contact, and on the last day that the "
    "definition looks at. Patients who were never below the limits were at no risk of recovery and in no "
    "curve; they are counted apart, as are those whom no measurement could judge."
)
BOUNDS = (
    "Bounds: the same curve with every patient at the earliest and at the latest plausible day. A day in a "
    "long gap between measurements, or after the last one, may have been anything; patients not evaluable "
    "are in these curves only."
)
APART = (
    "Never below: no day failed, so there was nothing to recover from; not in the curve. Not evaluable: no "
    "day could be judged. Censored: last contact, or a second infusion, before the last day looked at."
)
CURVE_NOTE = (
    "Aalen-Johansen estimate with death as competing event; in brackets the 95% confidence interval "
    "(log-log). At risk: followed up to the day and neither recovered nor dead before it."
)
KINDS = {"recovery": "Recovered", "death": "Died before recovery"}
INCIDENCE = "cumulative_incidence"
# Ends of curves nearer than this would have their names on top of each other.
NEAR = 0.14
WIDTH, HEIGHT = FULL_WIDTH, 270.0
LEFT, RIGHT, TOP, BELOW, LINE_HEIGHT = 56.0, 88.0, 18.0, 88.0, 12.0


def table_recovery_days(content: ReportContent, analysis_id: str) -> Table:
    """Return the cumulative incidence of recovery and of death at the stated days, with who is at risk."""
    lookup = select_results(content.results, analysis_id, group="days")
    notes = Footnotes()
    rows = list[Row]()
    days = _list_days(lookup)
    for name in lookup.variables:
        for kind, title in KINDS.items():
            rows.append(
                Row(title, tuple(_incidence_cell(lookup, name, f"{kind}|{day}", notes) for day in days))
            )
        at_risk = (lookup.value(name, "at_risk", level=f"recovery|{day}") for day in days)
        rows.append(Row("At risk", tuple(Cell(format_number(count)) for count in at_risk)))
    subject = _subject(content, lookup)
    size = next((found.n for found in lookup.estimates.values() if found.n is not None), None)
    who = f" ({plural(size, 'patient')} at risk)" if size is not None else ""
    return Table(
        id=f"{analysis_id}-days",
        caption=f"{subject}: cumulative incidence{who}",
        columns=(Column("State", "left"), *(Column(f"Day {day}") for day in days)),
        rows=tuple(rows),
        notes=(*common_notes(content, notes, outcomes=lookup.variables, bounds=BOUNDS), CURVE_NOTE),
        footnotes=tuple(notes.texts),
    )


def _subject(content: ReportContent, lookup: ResultLookup) -> str:
    return outcome_title(content, lookup.variables[0]) if lookup.variables else "Time to recovery"


def _list_days(lookup: ResultLookup) -> list[str]:
    return list(dict.fromkeys(level.rpartition("|")[2] for level in lookup.all_levels))


def _incidence_cell(lookup: ResultLookup, name: str, level: str, notes: Footnotes) -> Cell:
    found = lookup.get(name, INCIDENCE, level=level)
    if found is None or found.value is None:
        reason = clean_text(found.note) if found is not None else "not done"
        return Cell(NO_VALUE, marks=notes.mark(f"{NO_VALUE} {reason}"))
    text = format_percent(100 * found.value)
    if found.low is not None and found.high is not None:
        text += f" ({format_percent_range(100 * found.low, 100 * found.high)})"
    others = [lookup.value(name, INCIDENCE, level=level, scenario=case) for case in ("best", "worst")]
    known = [found.value, *(value for value in others if value is not None)]
    shown = (format_percent(100 * min(known)), format_percent(100 * max(known)))
    differs = shown[0] != shown[1]
    notes.has_bounds |= differs
    notes.has_decided |= not differs and None not in others
    bounds = f"bounds {format_percent_range(100 * min(known), 100 * max(known))}" if differs else ""
    return Cell(text, bounds)


def table_recovery_labels(content: ReportContent, analysis_id: str) -> Table:
    """Return how each course ended, how many of them are undecided, and the median day of recovery."""
    labels = select_results(content.results, analysis_id, group="labels")
    medians = select_results(content.results, analysis_id, group="median")
    notes = Footnotes()
    rows = list[Row]()
    for name in labels.variables:
        for level in labels.levels(name):
            count = Cell(format_number(labels.value(name, "count", level=level)))
            share = labels.value(name, "percent", level=level)
            percent = Cell("" if share is None else format_percent(share))
            undecided = Cell(format_number(labels.value(name, "undecided", level=level)))
            rows.append(Row(format_level(level), (count, percent, undecided)))
        rows.append(Row("Median day of recovery", (_median_cell(medians, name, notes), Cell(), Cell())))
    patients = next((found.n for found in labels.estimates.values() if found.n is not None), None)
    who = f" ({plural(patients, 'patient')})" if patients is not None else ""
    undecided_note = "Undecided: the earliest and the latest plausible day of recovery differ."
    return Table(
        id=f"{analysis_id}-labels",
        caption=f"{_subject(content, labels)}: how the courses ended{who}",
        columns=(Column("State", "left"), Column("Patients"), Column("%"), Column("Undecided")),
        rows=tuple(rows),
        notes=(
            *common_notes(content, notes, outcomes=labels.variables, bounds=BOUNDS),
            APART,
            undecided_note,
        ),
        footnotes=tuple(notes.texts),
    )


def _median_cell(lookup: ResultLookup, name: str, notes: Footnotes) -> Cell:
    found = {
        case: lookup.get(name, "median_day", level="recovery", scenario=case)
        for case in ("policy", "best", "worst")
    }
    policy, best, worst = (None if one is None else one.value for one in found.values())
    if policy is None:
        note = "" if found["policy"] is None else clean_text(found["policy"].note)
        return Cell(NO_VALUE, marks=notes.mark(f"{NO_VALUE} {note}"))
    if best is None or worst is None:
        notes.has_bounds = True
        return Cell(format_number(policy), f"bounds {format_number(best)} to not reached")
    bounds = format_median_bounds(policy, best, worst)
    notes.has_bounds |= bool(bounds)
    return Cell(format_number(policy), bounds)


# -- figure ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Steps:
    """One curve as it is drawn: from each day on its value, with limits where there are any."""

    days: tuple[float, ...]
    values: tuple[float, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]

    def reach(self, last: float) -> _Steps:
        """Return the steps drawn on to the last day."""
        return _Steps(
            (*self.days, last),
            (*self.values, self.values[-1]),
            (*self.low, self.low[-1]),
            (*self.high, self.high[-1]),
        )


def curve_figure_id(analysis_id: str) -> str:
    """Return the id of the figure of an analysis; it holds nothing that an HTML or SVG id may not hold.

    Examples
    --------
    >>> curve_figure_id("anc_time")
    'curve-anc_time'
    """
    return "curve-" + "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in analysis_id)


def plot_recovery_curve(content: ReportContent, analysis_id: str) -> ReportFigure | None:
    """Return the cumulative incidence of recovery and of death with the numbers at risk; None without any.

    Line and band: recovery with its interval. Dashed: death before recovery. Thin lines: recovery with every
    patient at the earliest and at the latest plausible day, where they differ.
    """
    steps = select_results(content.results, analysis_id, group="curve")
    days = select_results(content.results, analysis_id, group="days")
    if not steps.variables or not days.variables:
        return None
    (name,) = steps.variables
    figure_id = curve_figure_id(analysis_id)
    title = f"Cumulative incidence: {outcome_title(content, name)}"
    with drawing(figure_id):
        finished = finish_figure(
            _draw(steps, days, name),
            figure_id,
            title=title,
            caption=_write_caption(steps, name),
            description=_describe(days, name),
            synthetic=content.synthetic,
        )
    return finished.with_data(_list_data(steps, name))


def _read_steps(lookup: ResultLookup, name: str, kind: str, scenario: str) -> _Steps:
    """The steps of one curve, which begins at 0 on day 0."""
    found: list[tuple[float, Estimate]] = []
    for (_, variable, level, case, _), estimate in lookup.estimates.items():
        of_kind, _, day = level.rpartition("|")
        if (variable, of_kind, case) == (name, kind, scenario) and estimate.value is not None:
            found.append((float(day), estimate))
    values = [estimate.value or 0.0 for _, estimate in found]
    lows = (estimate.low for _, estimate in found)
    highs = (estimate.high for _, estimate in found)
    start = (0.0,)
    return _Steps((*start, *(day for day, _ in found)), (*start, *values), (*start, *lows), (*start, *highs))


def _list_data(lookup: ResultLookup, name: str) -> Iterator[dict[str, Any]]:
    drawn = {"recovery": ("policy", "best", "worst"), "death": ("policy",)}
    for kind, scenario in ((kind, scenario) for kind, cases in drawn.items() for scenario in cases):
        steps = _read_steps(lookup, name, kind, scenario)
        for day, value, low, high in zip(steps.days, steps.values, steps.low, steps.high, strict=True):
            numbers = {"day": day, "cumulative_incidence": value, "low": low, "high": high}
            yield {"curve": kind, "scenario": scenario, **numbers}


def _draw(steps: ResultLookup, days: ResultLookup, name: str) -> Figure:
    figure = make_canvas(HEIGHT)
    inner = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BELOW)
    axes = figure.add_axes((LEFT / WIDTH, BELOW / HEIGHT, inner[0] / WIDTH, inner[1] / HEIGHT))
    recovery, death = (_read_steps(steps, name, kind, "policy") for kind in KINDS)
    shown = [float(day) for day in _list_days(days)]
    last = max(*recovery.days, *death.days, *shown)
    _draw_frame(axes, last, shown)
    for scenario in ("best", "worst"):
        bound = _read_steps(steps, name, "recovery", scenario)
        if bound.values != recovery.values or bound.days != recovery.days:
            _draw_steps(axes, bound.reach(last), color=LINE, linewidth=0.7, linestyle=(0, (1, 1.5)))
    known = [day for day in shown if days.value(name, INCIDENCE, level=f"recovery|{day:g}") is not None]
    recovery, death = (curve.reach(max(curve.days[-1], *known, 0.0)) for curve in (recovery, death))
    low, high = (fill_limits(recovery.values, limits) for limits in (recovery.low, recovery.high))
    axes.fill_between(recovery.days, low, high, step="post", color=LINE, alpha=0.15, linewidth=0)
    _draw_steps(axes, recovery, color=LINE, linewidth=1.6)
    _draw_steps(axes, death, color=INK, linewidth=1.2, linestyle=(0, (4, 2.5)))
    _name_curves(axes, recovery, death)
    _write_at_risk(axes, days, name, shown)
    return figure


def _draw_frame(axes: Axes, last: float, shown: Sequence[float]) -> None:
    axes.set(xlim=(0, last), ylim=(0, 1))
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
    axes.set_xticks([0, *(day for day in shown if day > 0)])
    axes.tick_params(labelsize=7, width=0.6, length=3, colors=MUTED)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    label: dict[str, Any] = {"fontsize": 7.5, "color": MUTED, "labelpad": 4}
    axes.set_ylabel("Cumulative incidence, %", **label)
    axes.set_xlabel("Day after infusion", **label)


def _draw_steps(axes: Axes, steps: _Steps, **look: Any) -> None:
    axes.step(steps.days, steps.values, where="post", clip_on=False, zorder=3, **look)


def _name_curves(axes: Axes, recovery: _Steps, death: _Steps) -> None:
    """Write the name of each curve at its end, apart where the ends are close."""
    ends = {"Recovered": (recovery, LINE), "Died before\nrecovery": (death, INK)}
    heights = [steps.values[-1] for steps, _ in ends.values()]
    lift = NEAR if abs(heights[0] - heights[1]) < NEAR else 0.0
    shifts = (lift / 2, -lift / 2) if heights[0] >= heights[1] else (-lift / 2, lift / 2)
    right = axes.get_xlim()[1]
    for (text, (steps, color)), shift in zip(ends.items(), shifts, strict=True):
        look: dict[str, Any] = {"fontsize": 7.5, "color": color, "va": "center", "fontweight": "bold"}
        axes.annotate(
            text, (right, steps.values[-1] + shift), xytext=(6, 0), textcoords="offset points", **look
        )


def _write_at_risk(axes: Axes, days: ResultLookup, name: str, shown: Sequence[float]) -> None:
    """Write who is at risk, and how many have recovered and died by then, under each marked day."""
    rows = {
        "At risk": [days.value(name, "at_risk", level=f"recovery|{day:g}") for day in shown],
        "Recovered": [days.value(name, "events", level=f"recovery|{day:g}") for day in shown],
        "Died": [days.value(name, "events", level=f"death|{day:g}") for day in shown],
    }
    frame: dict[str, Any] = {
        "textcoords": "offset points",
        "annotation_clip": False,
        "fontsize": 7,
        "color": MUTED,
        "va": "top",
    }
    for place, (title, counts) in enumerate(rows.items()):
        below = -36 - place * LINE_HEIGHT
        axes.annotate(title, (0, 0), xytext=(-8, below), ha="right", **frame)
        for day, count in zip(shown, counts, strict=True):
            axes.annotate(format_number(count), (day, 0), xytext=(0, below), ha="center", **frame)


def _write_caption(steps: ResultLookup, name: str) -> str:
    size = next((found.n for key, found in steps.estimates.items() if key[1] == name), None)
    who = "" if size is None else f"{plural(size, 'patient')} at risk of recovery. "
    return (
        f"{who}Line with band: recovery with its 95% confidence interval. Dashed: death before recovery, the "
        "competing event. Dotted: recovery with every patient at the earliest and at the latest plausible "
        "day. Patients never below are in no curve. Below: recoveries and deaths up to the day."
    )


def _describe(days: ResultLookup, name: str) -> str:
    parts: list[str] = []
    for day in _list_days(days):
        values = [days.value(name, INCIDENCE, level=f"{kind}|{day}") for kind in KINDS]
        words = [NO_VALUE if value is None else format_percent(100 * value) for value in values]
        parts.append(f"Day {day}: recovered {words[0]}, died before recovery {words[1]}.")
    return " ".join(parts)
