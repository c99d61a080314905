"""Words and cells shared by the tables and figures of times to an event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cytopenia.report.association_cells import absent_cell, clean_note, find_analysis
from cytopenia.report.cells import outcome_title
from cytopenia.report.content import ReportContent
from cytopenia.report.display import (
    clean_text,
    format_number,
    format_odds_ratio,
    format_p,
    format_percent,
    format_percent_range,
    format_range,
    lower_first,
)
from cytopenia.report.drawing import SERIES
from cytopenia.report.lookup import Estimate, ResultLookup, select_results
from cytopenia.report.table_model import Cell, Footnotes

__all__ = [
    "ENDPOINT_TITLES",
    "GROUP_LOOKS",
    "HAZARD_METHODS",
    "OPEN_CASES",
    "SurvivalNumbers",
    "interval_cell",
    "p_value_cell",
    "ratio_cell",
    "read_survival",
    "share_cell",
    "time_cell",
]

ENDPOINT_TITLES = {"overall_survival": "Overall survival"}
HAZARD_METHODS = {
    "maximum_likelihood": "Cox regression by maximum likelihood, Efron's ties; Wald interval and Wald test",
    "firth": "Cox regression with Firth's penalty, Breslow's ties; profile penalized likelihood interval, "
    "penalized likelihood ratio test",
}
# Color and dashes of each group; the dashes tell them apart in gray.
GROUP_LOOKS: tuple[tuple[str, Any], ...] = tuple((color, dashes) for color, dashes, _ in SERIES)
# The headline first; what is said of the runs beside it.
OPEN_CASES = {
    "best": "If every undecided outcome were at its best",
    "worst": "If every undecided outcome were at its worst",
}


@dataclass(frozen=True)
class SurvivalNumbers:
    """The numbers of one analysis of survival, and what the protocol says of it.

    `groups` are the names of the groups in their order; empty without any.
    """

    analysis: Mapping[str, Any]
    endpoint: str
    patients: ResultLookup
    times: ResultLookup
    medians: ResultLookup
    means: ResultLookup
    tests: ResultLookup
    follow_up: ResultLookup
    groups: tuple[str, ...]

    @property
    def title(self) -> str:
        """The endpoint in words."""
        return ENDPOINT_TITLES.get(self.endpoint, self.endpoint.replace("_", " ").capitalize())

    @property
    def since(self) -> str:
        """From when time is counted."""
        landmark = self.analysis.get("landmark")
        return f"day {landmark} (landmark)" if landmark else "the infusion"

    def name_day(self, day: str) -> str:
        """Return a day of the curves in words that leave no doubt from when it counts."""
        return f"day {day} after the landmark" if self.analysis.get("landmark") else f"day {day}"

    @property
    def scenarios(self) -> list[str]:
        """The runs whose groups differ: the policy, and the two of undecided outcomes where there are any."""
        beside = [name for name in OPEN_CASES if self.tests.get(self.by, "p_value", scenario=name)]
        return ["policy", *beside]

    @property
    def by(self) -> str:
        """The id of what makes the groups, empty without any."""
        return str(self.analysis.get("by") or "")

    def by_title(self, content: ReportContent) -> str:
        """Return what makes the groups, as it stands in a sentence."""
        found = self.tests.get(self.by, "title")
        title = clean_text(found.text) if found is not None and found.text else self.by
        named = outcome_title(content, self.by) if self.by in content.outcome_titles else title
        return lower_first(named)


def read_survival(content: ReportContent, analysis_id: str) -> SurvivalNumbers:
    """Return the numbers of one analysis of kind survival."""
    parts = {
        name: select_results(content.results, analysis_id, group=name)
        for name in ("patients", "times", "median", "restricted_mean", "test", "follow_up")
    }
    endpoint = next(iter(parts["times"].variables), "")
    groups = tuple(stratum for stratum in parts["times"].strata if stratum)
    return SurvivalNumbers(
        find_analysis(content, analysis_id),
        endpoint,
        parts["patients"],
        parts["times"],
        parts["median"],
        parts["restricted_mean"],
        parts["test"],
        parts["follow_up"],
        groups,
    )


def share_cell(found: Estimate | None, notes: Footnotes) -> Cell:
    """Return "72.4% (60-81%)", or a dash with its reason."""
    if found is None or found.value is None:
        return absent_cell(found, notes)
    text = format_percent(100 * found.value)
    if found.low is not None and found.high is not None:
        text += f" ({format_percent_range(100 * found.low, 100 * found.high)})"
    return Cell(text)


def time_cell(found: Estimate | None, notes: Footnotes) -> Cell:
    """Return a median "279 (211-394)"; an end that is not reached says so."""
    if found is None or (found.value is None and found.low is None):
        return absent_cell(found, notes)
    low, high = ("not reached" if end is None else format_number(end) for end in (found.low, found.high))
    value = "not reached" if found.value is None else format_number(found.value)
    if found.low is None and found.high is None:
        return Cell(value)
    return Cell(f"{value} ({low} to {high})")


def interval_cell(found: Estimate | None, notes: Footnotes, *, decimals: int = 1) -> Cell:
    """Return a number with its interval, or a dash with its reason."""
    if found is None or found.value is None:
        return absent_cell(found, notes)
    marks = notes.mark(clean_note(found.note))
    text = format_number(found.value, decimals)
    if found.low is None or found.high is None:
        return Cell(text, marks=marks)
    return Cell(f"{text} ({format_range(found.low, found.high, decimals)})", marks=marks)


def ratio_cell(
    lookup: ResultLookup, factor: str, level: str, *, notes: Footnotes, scenario: str = ""
) -> Cell:
    """Return a hazard ratio with its interval, the reference, or a dash with its reason."""
    case = scenario or "policy"
    if lookup.get(factor, "reference", level=level, scenario=case) is not None:
        return Cell("1 (reference)", tone="quiet")
    found = lookup.get(factor, "hazard_ratio", level=level, scenario=case)
    if found is None or found.value is None:
        return absent_cell(found, notes)
    marks = notes.mark(clean_note(found.note))
    return Cell(format_odds_ratio(found.value, found.low, found.high), marks=marks)


def p_value_cell(found: Estimate | None, notes: Footnotes) -> Cell:
    """Return a P value, or a dash with its reason."""
    if found is None or found.value is None:
        return absent_cell(found, notes)
    return Cell(format_p(found.value))
