"""Reporting checklists filled from a run: where the report has an item, or what the author must write."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Protocol, cast

from cytopenia.report.association_cells import table_label
from cytopenia.report.content import ReportContent
from cytopenia.report.display import clean_text
from cytopenia.report.methods import write_methods_paragraphs
from cytopenia.report.table_model import Cell, Column, Row, Table

__all__ = ["ChecklistItem", "PrintedSection", "list_checklists", "load_checklist"]

STROBE, TRIPOD = "strobe", "tripod_ai"
# Tables that a prediction has only if a model was made or asked about these patients.
PREDICTED = ("-worth", "-validation")
LIMITS = "95% CI"
AUTHOR, NOTHING = "Author must write", "Not in this run"
FINDINGS = "Findings about the data"
NOTE = (
    "The places are those of this report; the Methods stand in report.docx and methods.md. What no run can "
    "know is for the author to write; an item that needs both has both. The wording of the items is ours; "
    "the checklist itself: "
)
WORDS = {"words": "Results in words", "flow": "Cohort: flow", "measured": "What was measured"}


class PrintedSection(Protocol):
    """What a checklist needs of a section of the report."""

    @property
    def id(self) -> str:
        """Its name."""
        ...

    @property
    def tables(self) -> Sequence[Table]:
        """Tables in their order."""
        ...

    @property
    def figures(self) -> Sequence[object]:
        """Figures in their order."""
        ...

    @property
    def texts(self) -> Sequence[object]:
        """Text under headings."""
        ...


@dataclass(frozen=True, kw_only=True)
class ChecklistItem:
    """One item: where a report may have it, and what is left to the author."""

    id: str
    part: str
    item: str
    where: tuple[str, ...] = ()
    author: str = ""


@cache
def load_checklist(name: str) -> tuple[str, str, tuple[ChecklistItem, ...]]:
    """Return title, source and items of a checklist.

    Examples
    --------
    >>> load_checklist("strobe")[2][0].id
    '1a'
    """
    path = resources.files("cytopenia") / "data" / "checklists.toml"
    raw: Mapping[str, Any] = tomllib.loads(path.read_text("utf-8"))[name]
    items = (_read_item(one) for one in cast("Sequence[Mapping[str, Any]]", raw["items"]))
    return str(raw["title"]), str(raw["source"]), tuple(items)


def _read_item(raw: Mapping[str, Any]) -> ChecklistItem:
    text = {name: str(raw.get(name, "")) for name in ("id", "part", "item", "author")}
    return ChecklistItem(**text, where=tuple(str(one) for one in raw.get("where", ())))


def list_checklists(content: ReportContent, sections: Sequence[PrintedSection]) -> list[Table]:
    """Return the checklist of a cohort study, and of prediction models if one ran; none without results."""
    if not any(one.tables or one.figures or one.texts for one in sections):
        return []
    places = dict(_list_places(content, sections))
    names = [STROBE, *([TRIPOD] if _has_prediction(sections) else [])]
    return [_make_table(name, places) for name in names]


def _has_prediction(sections: Iterable[PrintedSection]) -> bool:
    return any(table.id.endswith(PREDICTED) for section in sections for table in section.tables)


def _list_places(
    content: ReportContent, sections: Sequence[PrintedSection]
) -> Iterator[tuple[str, list[str]]]:
    """Return every place of the run under the name that the data file has for it."""
    printed = {one.id for one in sections if one.tables or one.figures or one.texts}
    for heading, _ in write_methods_paragraphs(content):
        yield f"methods:{heading}", [f"Methods, {heading}"]
    yield from ((f"section:{name}", [title]) for name, title in WORDS.items() if name in printed)
    tables = {one.id: one.tables for one in sections}
    by_place: dict[str, list[str]] = {}
    for analysis in content.analyses:
        section = f"analysis-{analysis['id']}"
        if section not in printed:
            continue
        kind = str(analysis["kind"])
        title = f"“{clean_text(analysis.get('title') or analysis['id'])}”"
        name = table_label(analysis) or title
        by_place.setdefault(f"kind:{kind}", []).append(name)
        if any(LIMITS in column.full_title for table in tables[section] for column in table.columns):
            by_place.setdefault(f"limits:{kind}", []).append(name)
    yield from by_place.items()
    yield "findings", [FINDINGS]


def _make_table(name: str, places: Mapping[str, Sequence[str]]) -> Table:
    title, source, items = load_checklist(name)
    rows = list[Row]()
    part = ""
    for one in items:
        if one.part != part:
            part = one.part
            rows.append(Row(part, is_section=True))
        found = dict.fromkeys(text for place in one.where for text in places.get(place, ()))
        shown = "; ".join(found) or ("" if one.author else NOTHING)
        rows.append(Row(one.id, (Cell(one.item), Cell(shown), Cell(one.author))))
    return Table(
        id=f"checklist-{name}",
        caption=title,
        columns=tuple(Column(text, "left") for text in ("Item", "Asked for", "In this report", AUTHOR)),
        rows=tuple(rows),
        notes=(f"{NOTE}{source}",),
    )
