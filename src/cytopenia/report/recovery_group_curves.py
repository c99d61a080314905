"""Time to recovery of groups: their curves in one figure, and Gray's test with Fine and Gray's ratios."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cytopenia.report.cells import outcome_title
from cytopenia.report.content import ReportContent
from cytopenia.report.display import (
    NO_VALUE,
    clean_text,
    format_number,
    format_percent,
    format_signs,
    lower_first,
    plural,
)
from cytopenia.report.drawing import ReportFigure, drawing, finish_figure
from cytopenia.report.lookup import ResultLookup, select_results
from cytopenia.report.survival_cells import GROUP_LOOKS, p_value_cell, ratio_cell, share_cell, time_cell
from cytopenia.report.survival_curves import GroupCurve, draw_counts, draw_frame, lay_out_figure, list_curves
from cytopenia.report.table_model import Cell, Column, Footnotes, Row, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["group_figure_id", "plot_recovery_groups", "table_recovery_groups"]

CASES = {"policy": "", "best": "With the earliest plausible days", "worst": "With the latest plausible days"}
NOTE = (
    "Aalen-Johansen estimates with death as competing event, 95% confidence intervals (log-log). P: Gray's "
    "test of the cumulative incidence of recovery. HR: subdistribution hazard ratio of Fine and Gray, above "
    "1 means earlier or more frequent recovery; Wald interval from its robust variance. CI, confidence "
    "interval."
)
INCIDENCE = "cumulative_incidence"


def table_recovery_groups(content: ReportContent, analysis_id: str) -> Table:
    """Return the incidence of recovery of each group at the stated days, Gray's test and the ratios."""
    days = select_results(content.results, analysis_id, group="group_days")
    tests = select_results(content.results, analysis_id, group="group_test")
    notes, rows = Footnotes(), list[Row]()
    factor, outcome = (next(iter(lookup.variables), "") for lookup in (tests, days))
    shown = list(dict.fromkeys(level.rpartition("|")[2] for level in days.all_levels))
    for scenario, title in CASES.items() if days.strata else ():
        if title:
            rows.append(Row(title, is_section=True))
        rows += _group_rows(content, analysis_id, (outcome, factor, scenario), shown, notes)
    return Table(
        id=f"{analysis_id}-groups",
        caption=f"{outcome_title(content, outcome)} by {_title(content, analysis_id)}" if rows else "",
        columns=(
            Column("Group", "left"),
            Column("Patients"),
            *(Column(f"Day {day} (95% CI)") for day in shown),
            Column("Median day"),
            Column("P"),
            Column("HR (95% CI)"),
            Column("P of HR"),
        ),
        rows=tuple(rows),
        notes=(NOTE,) if rows else (),
        footnotes=tuple(notes.texts),
    )


def _title(content: ReportContent, analysis_id: str) -> str:
    patients = select_results(content.results, analysis_id, group="group_patients")
    texts = (clean_text(one.text) for one in patients.estimates.values() if one.text)
    return lower_first(next(texts, "group"))


def _group_rows(
    content: ReportContent,
    analysis_id: str,
    key: tuple[str, str, str],
    shown: list[str],
    notes: Footnotes,
) -> Iterator[Row]:
    outcome, factor, scenario = key
    names = ("group_days", "group_patients", "group_median", "group_test", "fine_gray")
    days, patients, medians, tests, ratios = (
        select_results(content.results, analysis_id, group=name) for name in names
    )
    for place, group in enumerate(days.strata):
        where = {"scenario": scenario, "stratum": group}
        own = {"level": group, "scenario": scenario}
        has_model = any(key[3] in (scenario, "") for key in ratios.estimates if key[2])
        # What was refused is one row for the whole factor; it stands beside the second group.
        is_refused = not has_model and place == 1
        yield Row(
            format_signs(clean_text(group)),
            (
                Cell(format_number(patients.value(factor, "count", **where))),
                *(
                    share_cell(days.get(outcome, INCIDENCE, level=f"recovery|{day}", **where), notes)
                    for day in shown
                ),
                time_cell(medians.get(outcome, "median_day", level="recovery", **where), notes),
                p_value_cell(tests.get(factor, "p_value", level="recovery", scenario=scenario), notes)
                if place == 0
                else Cell(),
                ratio_cell(ratios, factor, group if has_model else "", notes=notes, scenario=scenario)
                if has_model or is_refused
                else Cell(),
                Cell()
                if (p_ratio := ratios.get(factor, "p_value", **own)) is None
                else p_value_cell(p_ratio, notes),
            ),
            indent=1,
        )


def group_figure_id(analysis_id: str) -> str:
    """Return the id of the figure of the groups of an analysis.

    Examples
    --------
    >>> group_figure_id("anc_time")
    'group-curves-anc_time'
    """
    return "group-curves-" + "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in analysis_id)


def plot_recovery_groups(content: ReportContent, analysis_id: str) -> ReportFigure | None:
    """Return the cumulative incidence of recovery of each group, with who is at risk; None without groups."""
    steps = select_results(content.results, analysis_id, group="group_curve")
    days = select_results(content.results, analysis_id, group="group_days")
    if not steps.strata or not days.strata:
        return None
    (outcome,) = days.variables
    marks = list(dict.fromkeys(float(level.rpartition("|")[2]) for level in days.all_levels))
    looks = [GROUP_LOOKS[place % len(GROUP_LOOKS)] for place in range(len(days.strata))]
    curves = [
        _read_curve(steps, days, (outcome, group), look, marks)
        for group, look in zip(days.strata, looks, strict=True)
    ]
    figure_id = group_figure_id(analysis_id)
    with drawing(figure_id):
        finished = finish_figure(
            _draw(curves, marks),
            figure_id,
            title=f"{outcome_title(content, outcome)} by {_title(content, analysis_id)}",
            caption=_write_caption(content, analysis_id),
            description=_describe(days, outcome),
            synthetic=content.synthetic,
        )
    return finished.with_data(list_curves(curves, marks, "cumulative_incidence"))


def _read_curve(
    steps: ResultLookup,
    days: ResultLookup,
    key: tuple[str, str],
    look: tuple[str, Any],
    marks: Sequence[float],
) -> GroupCurve:
    """The steps of one group, which begin at 0 on day 0."""
    outcome, group = key
    own = {
        float(level.rpartition("|")[2]): one.value or 0.0
        for (stratum, _, level, _, _), one in steps.estimates.items()
        if stratum == group and level.startswith("recovery|")
    }
    counts = [
        tuple(
            days.value(outcome, kind, level=f"recovery|{mark:g}", stratum=group)
            for kind in ("at_risk", "events")
        )
        for mark in marks
    ]
    known = [
        mark
        for mark in marks
        if days.value(outcome, INCIDENCE, level=f"recovery|{mark:g}", stratum=group) is not None
    ]
    # A curve that is known to a later mark stays level up to it.
    last = max([*own, *known], default=0.0)
    if last not in own:
        own[last] = next(reversed(own.values()), 0.0)
    values = (0.0, *own.values())
    return GroupCurve(
        name=format_signs(clean_text(group, longest=22)),
        color=look[0],
        dashes=look[1],
        days=(0.0, *own),
        values=values,
        low=(None,) * len(values),
        high=(None,) * len(values),
        censored=(),
        counts=tuple((one[0], one[1]) for one in counts),
    )


def _draw(curves: Sequence[GroupCurve], marks: Sequence[float]) -> Figure:
    figure, axes = lay_out_figure(len(curves) + 1)
    last = max(*(curve.days[-1] for curve in curves), *marks)
    draw_frame(axes, marks, last, labels=("Day after infusion", "Cumulative incidence, %"))
    for curve in curves:
        look: dict[str, Any] = {"color": curve.color, "linewidth": 1.5, "linestyle": curve.dashes}
        axes.step(curve.days, curve.values, where="post", clip_on=False, zorder=3, label=curve.name, **look)
    legend: dict[str, Any] = {"fontsize": 7.5, "frameon": False, "labelcolor": "linecolor"}
    axes.legend(loc="lower right", handlelength=2.6, **legend)
    draw_counts(axes, curves, marks, title="At risk (recovered)")
    return figure


def _write_caption(content: ReportContent, analysis_id: str) -> str:
    patients = select_results(content.results, analysis_id, group="group_patients")
    factor = next(iter(patients.variables), "")
    unknown = patients.value(factor, "count", level="in no group")
    left = f" {plural(unknown, 'patient')} with an unknown group not shown." if unknown else ""
    return (
        "Aalen-Johansen estimates with death before recovery as competing event. Below: patients at risk, in "
        f"brackets the recoveries up to the day.{left}"
    )


def _describe(days: ResultLookup, outcome: str) -> str:
    parts: list[str] = []
    levels = [level for level in days.all_levels if level.startswith("recovery|")]
    for group in days.strata:
        shares = [days.value(outcome, INCIDENCE, level=level, stratum=group) for level in levels]
        words = [
            f"day {level.rpartition('|')[2]} {NO_VALUE if share is None else format_percent(100 * share)}"
            for level, share in zip(levels, shares, strict=True)
        ]
        parts.append(f"{clean_text(group)}: {', '.join(words)}.")
    return " ".join(parts)
