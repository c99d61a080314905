"""Cells of display tables made from looked-up numbers, with the notes they owe the reader."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from cytopenia.report.content import ReportContent, read_definition
from cytopenia.report.display import (
    NO_VALUE,
    Counted,
    clean_text,
    format_bounds,
    format_count,
    format_days,
    format_median,
    format_median_bounds,
    format_number,
    format_range,
    plural,
)
from cytopenia.report.lookup import ResultLookup
from cytopenia.report.table_model import Cell, Footnotes

__all__ = [
    "GRADE_BOUNDS",
    "NADIR_BOUNDS",
    "NOT_EVALUABLE",
    "NOT_JUDGED",
    "RECOVERY_BOUNDS",
    "CellMaker",
    "analyte_title",
    "bounds_notes",
    "common_notes",
    "day_zero_note",
    "denominator_phrase",
    "nadir_title",
    "outcome_title",
]

NOT_JUDGED, NOT_EVALUABLE = "not judged", "not evaluable"
GRADE_BOUNDS = (
    "Bounds: best and worst case of the days between close measurements, and of patients not judged. "
    "Days far from any measurement change no grade of single values; where days are counted, and at a "
    "landmark, they are healthy in the best and sick in the worst case. “What was measured” shows them."
)
RECOVERY_BOUNDS = (
    "Bounds: best and worst case of the days that recovery is judged on. Between close measurements the "
    "count lies near its neighbors; any other unmeasured day counts as met in the best case, unless support "
    "or a leukocyte count rules it out, and as failed in the worst."
)
NADIR_BOUNDS = (
    "Bounds: the median of the highest and of the lowest nadir each patient can have had, by the days "
    "between close measurements and by values reported as limits. Days far from any measurement change no "
    "nadir."
)
NADIR_PREFIX = "nadir_"
DECIDED_NOTE = "No bounds printed: decided."
OPEN_NOTE = (
    "No percentage printed: some patients of the row could not be judged. Who can be judged depends on the "
    "outcome (without a limit of normal only the sicker can be graded, and the well are measured less), so "
    "one percentage would mislead."
)
DAY_ZERO_NOTES = {
    "infusion": "Day 0: infusion.",
    "first": "Day 0: first laboratory day of each patient.",
    "given": "Day 0: as the laboratory days were given.",
}
MISSING_REASONS = {"not_estimable": "not estimable", "suppressed": "suppressed", "not_done": "not done"}


def outcome_title(content: ReportContent, outcome: str) -> str:
    """Return the title of an outcome with its window if known, its id where it has no title."""
    title = clean_text(content.outcome_titles.get(outcome, outcome))
    return _add_days(title, _find_window(content, outcome, outcome.removeprefix(NADIR_PREFIX)))


def nadir_title(content: ReportContent, variable: str) -> str:
    """Return "Hemoglobin, g/L, days 0 to 28", the days only if they are known."""
    return _add_days(
        analyte_title(content, variable), _find_window(content, f"{NADIR_PREFIX}{variable}", variable)
    )


def _find_window(content: ReportContent, *names: str) -> tuple[int, int] | None:
    return next((content.windows[name] for name in names if name in content.windows), None)


def _add_days(title: str, window: tuple[int, int] | None) -> str:
    if window is None or "day" in title.lower():
        return title
    return f"{title}, {format_days(*window)}"


def analyte_title(content: ReportContent, analyte: str) -> str:
    """Return "Hemoglobin, g/L" for an analyte, its name where it has no title."""
    title, unit = content.analyte_titles.get(analyte, (analyte, ""))
    return clean_text(f"{title}, {unit}" if unit else title)


def day_zero_note(content: ReportContent) -> str:
    """Return what day 0 is, empty where the settings do not say."""
    return DAY_ZERO_NOTES.get(str(content.settings.get("day_zero", "")), "")


@dataclass(frozen=True)
class CellMaker:
    """Makes the cells of one table from its numbers, and its footnotes on the way.

    `unjudged` is the level that counts the patients who could not be judged, if the table has one.
    """

    lookup: ResultLookup
    notes: Footnotes
    unjudged: str = ""

    def count(self, variable: str, *, level: str = "", stratum: str = "", with_bounds: bool = True) -> Cell:
        """Return "48/63 (76.2%)" with its bounds, or a dash whose footnote gives the reason.

        The percent is left out where the count depends on patients who could not be judged.
        """
        policy = self.lookup.counted(variable, level=level, stratum=stratum)
        if policy is None:
            return self._absent(variable, ("count", "percent"), level=level, stratum=stratum)
        bounds = self._bounds(variable, policy, level=level, stratum=stratum) if with_bounds else ""
        if self.lookup.leaves_open(variable, level=level, unjudged=self.unjudged, stratum=stratum):
            self.notes.has_open = True
            policy = Counted(policy.count, policy.denominator)
        return Cell(
            format_count(policy), bounds, self._remark(variable, "count", level=level, stratum=stratum)
        )

    def plain_count(self, variable: str, *, level: str) -> Cell:
        """Return the count alone; for states that have no bounds by their nature."""
        policy = self.lookup.counted(variable, level=level)
        if policy is None:
            return self._absent(variable, ("count",), level=level)
        return Cell(format_count(Counted(policy.count)), marks=self._remark(variable, "count", level=level))

    def not_judged(self, variable: str, reasons: ResultLookup) -> Cell:
        """Return how many were not judged, the reasons with their counts as its footnote."""
        cell = self.plain_count(variable, level=NOT_JUDGED)
        found = ((level, reasons.value(variable, "count", level=level)) for level in reasons.levels(variable))
        texts = [f"{clean_text(level)}: {format_number(count)}" for level, count in found if count]
        return Cell(cell.text, marks=(*cell.marks, *self.notes.mark("; ".join(texts))))

    def number(self, variable: str, estimate: str, *, level: str = "") -> Cell:
        """Return one number as it is, or a dash whose footnote gives the reason."""
        value = self.lookup.value(variable, estimate, level=level)
        if value is None:
            return self._absent(variable, (estimate,), level=level)
        return Cell(format_number(value))

    def median(self, variable: str) -> Cell:
        """Return "0.64 (0.02-2.31)", with the median of best and worst case where they differ."""
        median = self.lookup.value(variable, "median")
        if median is None:
            return self._absent(variable, ("median",))
        ends = (self.lookup.value(variable, name) for name in ("minimum", "maximum"))
        cases = [self.lookup.value(variable, "median", scenario=name) for name in ("best", "worst")]
        known = sorted(case for case in cases if case is not None and not math.isnan(case))
        bounds = format_median_bounds(median, known[0], known[1]) if len(known) == len(cases) else ""
        self._note_bounds(differs=bool(bounds), has_both=len(known) == len(cases))
        return Cell(format_median(median, *ends), bounds, self._remark(variable, "median"))

    def quartiles(self, variable: str) -> Cell:
        """Return the quartiles as "0.31-1.02", empty where the results have none."""
        low, high = self.lookup.value(variable, "q1"), self.lookup.value(variable, "q3")
        return Cell() if low is None or high is None else Cell(format_range(low, high))

    def _bounds(self, variable: str, policy: Counted, *, level: str, stratum: str) -> str:
        best = self.lookup.counted(variable, level=level, scenario="best", stratum=stratum)
        worst = self.lookup.counted(variable, level=level, scenario="worst", stratum=stratum)
        if best is None or worst is None:
            return ""
        bounds = format_bounds(policy, best, worst)
        self._note_bounds(differs=bool(bounds), has_both=True)
        return bounds

    def _note_bounds(self, *, differs: bool, has_both: bool) -> None:
        self.notes.has_bounds |= differs
        self.notes.has_decided |= has_both and not differs

    def _remark(self, variable: str, estimate: str, *, level: str = "", stratum: str = "") -> tuple[int, ...]:
        found = self.lookup.get(variable, estimate, level=level, stratum=stratum)
        return self.notes.mark(clean_text(found.note)) if found else ()

    def _absent(self, variable: str, names: tuple[str, ...], *, level: str = "", stratum: str = "") -> Cell:
        """Return a dash with its reason; a number that was never asked for is an empty cell."""
        found = (self.lookup.get(variable, name, level=level, stratum=stratum) for name in names)
        estimate = next((one for one in found if one is not None), None)
        if estimate is None:
            return Cell()
        reason = clean_text(estimate.note) or MISSING_REASONS.get(estimate.status, "no value given")
        return Cell(NO_VALUE, marks=self.notes.mark(f"{NO_VALUE} {reason}"))


def denominator_phrase(lookup: ResultLookup) -> str:
    """Return "63 patients", "60 or 63 patients" or "57 to 63 patients"; empty without denominators."""
    found = {
        estimate.value
        for key, estimate in lookup.estimates.items()
        if key[4] == "denominator" and key[3] in {"policy", ""} and estimate.value is not None
    }
    if not found:
        return ""
    most = plural(max(found), "patient")
    if len(found) == 1:
        return most
    between = "or" if found == {min(found), max(found)} else "to"
    return f"{format_number(min(found))} {between} {most}"


def bounds_notes(notes: Footnotes, meaning: str = GRADE_BOUNDS) -> tuple[str, ...]:
    """Return what the bounds of a table mean, and what the absence of bounds or percents means.

    `meaning` is the sentence for its kind of outcome: open days enter the bounds of recovery, not of grades.
    """
    parts = ((notes.has_bounds, meaning), (notes.has_decided, DECIDED_NOTE))
    text = " ".join(part for is_due, part in parts if is_due)
    return (*([text] if text else []), *([OPEN_NOTE] if notes.has_open else []))


def common_notes(
    content: ReportContent, notes: Footnotes, *, outcomes: Iterable[str] = (), bounds: str = GRADE_BOUNDS
) -> tuple[str, ...]:
    """Return the notes of a whole table: under which definitions, and what the bounds mean."""
    texts = [read_definition(raw) for raw in content.definitions]
    wanted = {content.outcome_definitions[name] for name in outcomes if name in content.outcome_definitions}
    used = [text for text in texts if text.id in wanted] if content.outcome_definitions else texts
    named = "; ".join(clean_text(text.name) for text in used)
    label = "Definition" if len(used) == 1 else "Definitions"
    return (*([f"{label}: {named}."] if named else []), *bounds_notes(notes, bounds))
