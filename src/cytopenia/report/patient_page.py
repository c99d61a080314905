"""The page of one patient: one sheet of A4, one HTML file, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from cytopenia.grading.patient_page import PatientPage, UsedDefinition
from cytopenia.report.display import clean_text, plural
from cytopenia.report.drawing import SYNTHETIC_LABEL
from cytopenia.report.page_plots import plot_counts
from cytopenia.report.page_rows import clip_width, count_lines, fit_outcomes
from cytopenia.report.page_words import (
    GridRow,
    ItemRow,
    ValueRow,
    say_active,
    say_course,
    say_gaps,
    say_grid,
    say_items,
    say_landmark,
    say_score,
    say_values,
)

__all__ = ["render_patient_page"]

_LONGEST_ID, _LONGEST_TITLE, _LONGEST_RESULT = 30, 120, 170
_MOST_DEFINITIONS, _LONGEST_SOURCE = 5, 92
_ASSUMED = ("neighbor_bounds", "baseline")
# Lines of text that the page has for everything that varies, and digits that fit into one of each column.
_LINES, _FEWEST_LINES = 40, 4
_NAME, _SUPPORT, _SUPPORT_BESIDE_DATES, _VALUE, _CELL, _GAP, _ACTIVE, _COURSE = (
    16,
    16,
    13,
    20,
    16,
    60,
    80,
    128,
)
_SHORT_HASH = 12


def render_patient_page(page: PatientPage) -> str:
    """Return the page of a patient as HTML that prints on one sheet of A4; safe for any text inside.

    Parameters
    ----------
    page : PatientPage
        Holds the values of the patient, and so does the page.

    Returns
    -------
    str
        HTML with inline CSS and SVG, without script, network or date. Identical content gives identical text.
    """
    from markupsafe import Markup

    environment = _make_environment()
    style, _, _ = environment.loader.get_source(environment, "patient.css")
    words = _Words.of_page(page)
    outcomes, unshown = fit_outcomes(page.explained.outcomes, lines=max(words.room, _FEWEST_LINES))
    html = environment.get_template("patient.html").render(
        page=page,
        words=words,
        # Both were written by this package; every other text is escaped by the template.
        style=Markup(style),  # noqa: S704
        plots=Markup(plot_counts(page).svg),  # noqa: S704
        patient_id=clip_width(page.explained.patient_id, _LONGEST_ID),
        study=clip_width(page.explained.study, _LONGEST_TITLE),
        synthetic_label=SYNTHETIC_LABEL if page.explained.synthetic else "",
        score=say_score(page.score),
        outcomes=outcomes,
        unshown=plural(unshown, "further outcome") if unshown else "",
        assumed="; ".join(_name(item) for item in page.definitions if item.id in _ASSUMED),
    )
    return str(html).lstrip()


@dataclass(frozen=True, kw_only=True)
class _Words:
    """What stands on the page beside plots and outcomes, and how many lines it leaves for the outcomes."""

    course: str
    values: tuple[ValueRow, ...]
    active: str
    items: tuple[ItemRow, ...]
    grid: tuple[GridRow, ...]
    landmark: str
    gaps: tuple[str, ...]
    definitions: tuple[tuple[str, str, str], ...]
    more_definitions: int
    has_dates: bool

    @classmethod
    def of_page(cls, page: PatientPage) -> _Words:
        """Return the words of a page."""
        cited = [item for item in page.definitions if item.id not in _ASSUMED]
        renamed = "; the id was made for this page" if page.has_new_id else ""
        return cls(
            course=f"{say_course(page)}{renamed}",
            values=tuple(say_values(page)),
            active=say_active(page),
            items=tuple(say_items(page.score)),
            grid=tuple(say_grid(page)),
            landmark=clip_width(say_landmark(page), _LONGEST_RESULT),
            gaps=tuple(say_gaps(page)),
            definitions=tuple(_cite(item) for item in cited[:_MOST_DEFINITIONS]),
            more_definitions=max(len(cited) - _MOST_DEFINITIONS, 0),
            has_dates=page.day_zero_date is not None,
        )

    @property
    def room(self) -> int:
        """Lines that are left for the outcomes."""
        taken = count_lines(self.course, _COURSE) + len(self.definitions)
        width = _SUPPORT_BESIDE_DATES if self.has_dates else _SUPPORT
        left = sum(max(count_lines(row.name, _NAME), count_lines(row.support, width)) for row in self.values)
        taken += max(left + count_lines(self.active, _ACTIVE), _count_items(self.items) + 1)
        taken += _count_days(self.grid, self.landmark, self.gaps)
        return _LINES - taken


def _count_items(items: Sequence[ItemRow]) -> int:
    """Lines of the items of the score, which stand beside the last values."""
    return sum(max(count_lines(row.name, _NAME), count_lines(row.value, _VALUE)) for row in items)


def _count_days(grid: Sequence[GridRow], landmark: str, gaps: Sequence[str]) -> int:
    """Lines of the days at the landmark, which stand beside what is missing."""
    cells = [[count_lines(f"{verdict} {ground}", _CELL) for verdict, ground in row.cells] for row in grid]
    left = sum(max(row) for row in cells) + count_lines(landmark, _GAP)
    return max(left, sum(count_lines(text, _GAP) for text in gaps) - 1)


def _cite(item: UsedDefinition) -> tuple[str, str, str]:
    """Id with version, source, and the beginning of the hash of the file."""
    source = clip_width(item.citation, _LONGEST_SOURCE)
    return clean_text(f"{item.id} {item.version}", longest=_LONGEST_ID), source, item.sha256[:_SHORT_HASH]


def _name(item: UsedDefinition) -> str:
    return f"{item.id} {item.version} {item.sha256[:_SHORT_HASH]}"


@cache
def _make_environment() -> Any:
    """The template, which escapes every text, compiled once for all pages of a process."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("cytopenia.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
