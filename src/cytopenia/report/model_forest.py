"""Odds ratios of one outcome: a row per factor and level, univariable and multivariable side by side."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cytopenia.report.association_cells import MODELS, Association, read_association
from cytopenia.report.cells import outcome_title
from cytopenia.report.content import ReportContent
from cytopenia.report.display import clean_text, format_odds_ratio, format_signs, lower_first
from cytopenia.report.drawing import FULL_WIDTH, ReportFigure, drawing, finish_figure, make_canvas
from cytopenia.report.forest_axes import (
    REFERENCE,
    ForestRow,
    choose_limits,
    draw_forest,
    list_estimate,
    write_labels,
)
from cytopenia.report.lookup import Estimate, ResultLookup
from cytopenia.report.model_words import TREND, split_step
from cytopenia.report.side_by_side_cells import draw_id

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FOREST", "plot_model_forest"]

FOREST = "odds"
WIDTH = FULL_WIDTH
LABEL, GAP, TOP, ROW, BELOW = 186.0, 14.0, 40.0, 18.0, 32.0
TITLES = {"univariable": "Univariable", "multivariable": "Multivariable"}
# On a page nobody can read more lines.
MOST_ROWS = 45
INDENT = "\N{NO-BREAK SPACE}" * 4


@dataclass(frozen=True)
class _Line:
    """One line: its title, and what each model has there."""

    title: str
    rows: tuple[ForestRow, ...]
    is_heading: bool = False


def plot_model_forest(content: ReportContent, analysis_id: str) -> ReportFigure | None:
    """Return the odds ratios of an analysis of risk factors or of grades; None where it has none.

    The two models share one axis, so that what adjustment does can be seen.
    """
    found = read_association(content, analysis_id)
    models = [name for name in MODELS if _has_odds(found.models[name])]
    lines = [line for factor in found.factors for line in _list_lines(found, factor, models)]
    if not models or len(lines) > MOST_ROWS:
        return None
    name = draw_id(FOREST, analysis_id)
    outcome = lower_first(outcome_title(content, str(found.analysis.get("outcome") or "the outcome")))
    with drawing(name):
        finished = finish_figure(
            _draw(lines, models),
            name,
            title=f"Odds ratios for {outcome}",
            caption=_write_caption(found, models),
            description=" ".join(_describe(lines, models)),
            synthetic=content.synthetic,
        )
    return finished.with_data(_list_data(lines, models))


def _has_odds(lookup: ResultLookup) -> bool:
    return any(key[4] == "odds_ratio" and one.value is not None for key, one in lookup.estimates.items())


def _list_lines(found: Association, factor: str, models: Sequence[str]) -> Iterator[_Line]:
    """The factor on one line, or a heading and a line per level; an ordered one has its trend."""
    lookups = [found.models[name] for name in models]
    modeled = {key[2] for lookup in lookups for key in lookup.estimates if key[1] == factor}
    levels = [level for level in found.levels(factor) if level in modeled]
    title = found.title(factor)
    if not levels:
        step = _find_step(lookups, factor)
        shown = f"{title} ({step})" if step else title
        yield _Line(shown, tuple(ForestRow(lookup.get(factor, "odds_ratio")) for lookup in lookups))
        return
    yield _Line(title, tuple(ForestRow(None, is_heading=True) for _ in lookups), is_heading=True)
    for level in levels:
        rows = tuple(ForestRow(_find_level(lookup, factor, level)) for lookup in lookups)
        yield _Line(INDENT + format_signs(clean_text(level)), rows)
    if found.has_trend(factor):
        trends = [
            lookup.get(factor, "trend_odds_ratio") or lookup.get(factor, "odds_ratio") for lookup in lookups
        ]
        rows = tuple(ForestRow(one, is_square=True) for one in trends)
        yield _Line(f"{INDENT}{TREND[2:].capitalize()}, per level", rows)


def _find_step(lookups: Sequence[ResultLookup], factor: str) -> str:
    texts = (found.text for lookup in lookups if (found := lookup.get(factor, "odds_ratio")) is not None)
    return next((step for text in texts if (step := split_step(text)[1])), "")


def _find_level(lookup: ResultLookup, factor: str, level: str) -> Estimate | None:
    if lookup.get(factor, "reference", level=level) is not None:
        return Estimate(None, "", REFERENCE, "")
    return lookup.get(factor, "odds_ratio", level=level) or lookup.get(factor, "odds_ratio")


def _draw(lines: Sequence[_Line], models: Sequence[str]) -> Figure:
    inner = len(lines) * ROW
    height = TOP + inner + BELOW
    figure = make_canvas(height)
    known = [row.found for line in lines for row in line.rows]
    limits = choose_limits([one for one in known if one is not None and one.value is not None])
    side = (WIDTH - LABEL - len(models) * GAP) / len(models)
    for place, model in enumerate(models):
        left = LABEL + place * (side + GAP)
        axes = figure.add_axes((left / WIDTH, BELOW / height, side / WIDTH, inner / height))
        draw_forest(axes, [line.rows[place] for line in lines], title=TITLES[model], limits=limits)
        axes.set_xlabel("Odds ratio (log scale)", fontsize=6.5)
        if place == 0:
            bold = [line.is_heading for line in lines]
            write_labels(axes, [line.title for line in lines], bold=bold, room=LABEL)
    return figure


def _list_data(lines: Sequence[_Line], models: Sequence[str]) -> Iterator[dict[str, Any]]:
    heading = ""
    for line in lines:
        if line.is_heading:
            heading = line.title
            continue
        is_level = line.title.startswith(INDENT)
        factor, level = (heading, line.title.strip()) if is_level else (line.title, "")
        for model, row in zip(models, line.rows, strict=True):
            yield {"factor": factor, "level": level, "model": model, **list_estimate(row.found)}


def _write_caption(found: Association, models: Sequence[str]) -> str:
    event = str(found.analysis.get("event") or "")
    more = {"recovered": "more recovery", "not_recovered": "less recovery", "": "higher grades"}
    text = (
        "Dot: odds ratio. Line: 95% confidence interval; an arrow where it goes on. Dashed: no association. "
        f"Above 1: {more.get(event, 'more events')}."
    )
    if any(found.has_trend(factor) for factor in found.factors):
        text += " Square: trend, the odds ratio per level."
    if len(models) > 1:
        text += " Univariable: one factor at a time. Multivariable: the factors of the model together."
    return text


def _describe(lines: Sequence[_Line], models: Sequence[str]) -> Iterator[str]:
    heading = ""
    for line in lines:
        if line.is_heading:
            heading = line.title
            continue
        is_level = line.title.startswith(INDENT)
        title = f"{heading}, {line.title.strip()}" if is_level else line.title
        parts = [f"{model} {_say(row.found)}" for model, row in zip(models, line.rows, strict=True)]
        yield f"{title}: {'; '.join(parts)}."


def _say(found: Estimate | None) -> str:
    if found is None or found.value is None:
        return "reference" if found is not None and found.status == REFERENCE else "no odds ratio"
    return format_odds_ratio(found.value, found.low, found.high)
