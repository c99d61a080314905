"""Results in words: factors against an outcome. "Associated" is all that is ever said of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cytopenia.report.association_cells import (
    MODEL,
    OWN_P,
    Association,
    clean_note,
    read_association,
)
from cytopenia.report.association_tables import outcome_name
from cytopenia.report.cells import outcome_title
from cytopenia.report.content import ReportContent
from cytopenia.report.display import (
    NO_VALUE,
    clean_text,
    format_number,
    format_odds_ratio,
    format_p,
    format_signs,
    lower_first,
    plural,
)
from cytopenia.report.journal_styles import format_p_level
from cytopenia.report.lookup import Estimate, ResultLookup, list_notes
from cytopenia.report.model_words import split_step
from cytopenia.report.references import name_inside
from cytopenia.report.rules_text import ASSOCIATION_LEVEL
from cytopenia.report.table_model import Table
from cytopenia.report.table_words import (
    find_table,
    name_cells,
    say_cell,
    say_inside,
    say_list,
    say_p,
    say_reason,
)

__all__ = ["say_associations", "say_crosstab", "say_cutoffs", "say_ordinal"]

MODEL_WORDS = {"univariable": "univariable models", "multivariable": "the multivariable model"}
SAME_PATIENTS = (
    "Cut-off, sensitivity and specificity come from the same patients; in others they are expected to be "
    "less favorable."
)
AFTER_INFUSION = "known only after infusion"
REASONS = {"not_estimable": "not estimable", "not_done": "not done", "suppressed": "suppressed"}


@dataclass
class _Sides:
    """Factors by what was found of them."""

    yes: list[str] = field(default_factory=list[str])
    no: list[str] = field(default_factory=list[str])
    unknown: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def sort(self, words: str, p_value: float) -> None:
        """Put a factor on its side."""
        (self.yes if p_value < ASSOCIATION_LEVEL else self.no).append(words)

    def leave(self, name: str, reason: str) -> None:
        """Put a factor aside, with those that have the same reason."""
        self.unknown.setdefault(reason, []).append(name)


def say_associations(content: ReportContent, analysis: Mapping[str, Any]) -> list[str]:
    """Return what was associated with an outcome: in tests between groups, one by one, and together."""
    found = read_association(content, str(analysis["id"]))
    outcome = lower_first(outcome_name(content, found))
    event = lower_first(found.group_name("event"))
    parts = [" ".join(_say_tests(found, outcome))]
    parts += [" ".join(_say_model(found, model, outcome, event)) for model in MODEL_WORDS]
    parts.append(" ".join(_say_limits(content, found)))
    return [text for text in parts if text]


def _say_limits(content: ReportContent, found: Association) -> Iterator[str]:
    """Return what was too few for a model, and which factors nobody could know at infusion."""
    gates = list_notes(content.results, str(found.analysis["id"]), group="gate")
    yield from (f"On the number of events: {clean_text(note).rstrip('.')}." for note in gates)
    lookups = (found.groups, found.effects, *found.models.values())
    late = [
        name_inside(found.title(key[1]))
        for lookup in lookups
        for key, one in lookup.estimates.items()
        if AFTER_INFUSION in one.note
    ]
    if late:
        yield f"Known only after the infusion: {say_list(list(dict.fromkeys(late)))}."


def say_ordinal(content: ReportContent, analysis: Mapping[str, Any]) -> list[str]:
    """Return what was associated with a higher grade."""
    found = read_association(content, str(analysis["id"]))
    grade = f"a higher grade of {name_inside(outcome_title(content, str(analysis.get('outcome') or '')))}"
    parts = (" ".join(_say_model(found, model, grade)) for model in MODEL_WORDS)
    return [text for text in parts if text]


def _say_tests(found: Association, outcome: str) -> Iterator[str]:
    sides = _Sides()
    for factor in found.tests.variables:
        one = found.tests.get(factor, "p_value")
        if one is None:
            continue
        name = name_inside(found.title(factor))
        if one.value is None:
            sides.leave(name, _why(one))
            continue
        sides.sort(f"{name} ({_say_groups(found, factor)}{say_p(format_p(one.value))})", one.value)
    yield from _say_sides(sides, "tests between the groups", outcome)


def _say_groups(found: Association, factor: str) -> str:
    """Return the medians of a number in both groups; the counts of levels stand in the table."""
    if found.groups.value(factor, "median", stratum="event") is None:
        return ""
    groups = (
        f"{lower_first(found.group_name(side))}, {found.group_cell(factor, '', stratum=side).text}"
        for side in ("event", "no event")
    )
    return f"median (range): {'; '.join(groups)}; "


def _say_model(found: Association, model: str, outcome: str, event: str = "") -> Iterator[str]:
    lookup = found.models[model]
    sides = _Sides()
    for factor in lookup.variables:
        if factor == MODEL:
            continue
        for place in ["", *lookup.levels(factor)]:
            one = lookup.get(factor, "odds_ratio", level=place)
            if one is not None and lookup.get(factor, "reference", level=place) is None:
                _sort_odds(found, lookup, sides, (factor, place), one)
    if model == "multivariable" and (sides.yes or sides.no):
        yield from _say_size(lookup)
    yield from _say_sides(sides, MODEL_WORDS[model], outcome, event)


def _sort_odds(
    found: Association, lookup: ResultLookup, sides: _Sides, place: tuple[str, str], one: Estimate
) -> None:
    factor, level = place
    step = split_step(one.text)[1]
    name = name_inside(found.title(factor))
    name += f" {format_signs(clean_text(level))}" if level else f", {step}" if step else ""
    if one.value is None:
        sides.leave(name, _why(one))
        return
    p_value = lookup.value(factor, "p_value", level=level)
    odds = f"OR {say_inside(format_odds_ratio(one.value, one.low, one.high))}"
    if p_value is None:
        sides.leave(f"{name} ({odds})", "no P value")
    else:
        sides.sort(f"{name} ({odds}; {say_p(format_p(p_value))})", p_value)


def _why(one: Estimate) -> str:
    note = OWN_P.sub("P in the screen ", clean_note(one.note))
    return note.rstrip(".") or REASONS.get(one.status, "no value given")


def _say_size(lookup: ResultLookup) -> Iterator[str]:
    n, events, terms = (lookup.value(MODEL, name) for name in ("n", "events", "terms"))
    if n is None:
        return
    inside = [f"{format_number(events)} with the event"] if events is not None else []
    inside += [plural(terms, "term")] if terms is not None else []
    more = f" ({', '.join(inside)})" if inside else ""
    yield f"The multivariable model held {plural(n, 'patient')}{more}."


def _say_sides(sides: _Sides, where: str, outcome: str, event: str = "") -> Iterator[str]:
    inside = "; ".join(filter(None, (event, f"P < {format_p_level(ASSOCIATION_LEVEL)}")))
    if sides.yes:
        yield f"In {where}, these were associated with {outcome} ({inside}): {say_list(sides.yes)}."
    elif sides.no:
        yield f"In {where}, nothing was associated with {outcome} ({inside})."
    if sides.no:
        yield f"No association was found at this level for {say_list(sides.no)}."
    if sides.unknown:
        texts = [f"{say_list(names)} ({reason})" for reason, names in sides.unknown.items()]
        yield f"No estimate in {where}: {'; '.join(texts)}."


def say_crosstab(content: ReportContent, analysis: Mapping[str, Any], tables: Sequence[Table]) -> list[str]:
    """Return how often the outcome was present at each level of a factor, and the tests of pairs."""
    table = find_table(tables, "crosstab")
    if table is None:
        return []
    outcome = lower_first(clean_text(outcome_title(content, str(analysis.get("outcome") or ""))))
    title = table.columns[1].title.removesuffix(", n/N (%)")
    levels, pairs, untested, tests = list[str](), list[str](), list[str](), list[str]()
    for row in table.rows:
        p_cell = name_cells(table, row).get("P")
        if row.is_section:
            continue
        if " vs " in row.header and p_cell is not None and p_cell.text == NO_VALUE:
            untested.append(f"{row.header} ({say_reason(table, p_cell) or 'not estimable'})")
        elif " vs " in row.header and p_cell is not None and p_cell.text:
            adjusted = row.cells[-1].text if table.columns[-1].title != "P" else ""
            more = f"; adjusted, {say_p(adjusted)}" if adjusted not in {"", NO_VALUE} else ""
            pairs.append(f"{row.header} ({say_p(p_cell.text)}{more})")
        elif row.cells and row.cells[0].text:
            levels.append(f"{row.header}, {say_cell(row.cells[0])}")
        elif p_cell is not None and p_cell.text not in {"", NO_VALUE}:
            tests.append(say_p(p_cell.text))
    text = f"For {outcome}, “{lower_first(title)}” was found at these levels: {say_list(levels)}"
    text += f" ({tests[0]} over all levels)." if tests else "."
    text += f" Pairs of levels: {say_list(pairs)}." if pairs else ""
    text += f" Pairs of levels that were not tested: {say_list(untested)}." if untested else ""
    return [text]


def say_cutoffs(tables: Sequence[Table]) -> list[str]:
    """Return area and cut-off of each marker, and what the same patients make of both."""
    table = find_table(tables, "cutpoints")
    if table is None:
        return []
    parts, missing = list[str](), list[str]()
    for row in table.rows:
        cells = name_cells(table, row)
        area = cells.get("AUC (95% CI)")
        if area is None or row.is_section:
            continue
        if area.text == NO_VALUE:
            missing.append(f"{lower_first(row.header)} ({say_reason(table, area)})")
            continue
        known = [
            (lower_first(title), cells[title].text)
            for title in ("Cut-off", "Sensitivity", "Specificity")
            if title in cells and cells[title].text not in {"", NO_VALUE}
        ]
        more = "".join(f"; {title} {text}" for title, text in known)
        parts.append(f"{lower_first(row.header)} (AUC {say_inside(area.text)}{more})")
    texts = list[str]()
    if parts:
        texts.append(f"Areas under the curve and cut-offs with the largest Youden index: {say_list(parts)}.")
    if missing:
        what = "Not estimated" if parts else "No area under the curve and no cut-off could be estimated"
        texts.append(f"{what}: {say_list(missing)}.")
    if parts:
        texts.append(SAME_PATIENTS)
    return [" ".join(texts)] if texts else []
