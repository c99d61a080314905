"""The numbers of definitions side by side, and the names that tables and figures give them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cytopenia.report.cells import outcome_title
from cytopenia.report.content import ReportContent
from cytopenia.report.display import clean_text, format_signs, lower_first
from cytopenia.report.lookup import Estimate, ResultLookup, select_results
from cytopenia.report.model_words import split_step
from cytopenia.report.table_model import Footnotes

__all__ = ["OddsPanel", "SideBySide", "draw_id", "read_side_by_side"]

ODDS = "odds_ratio"
PLAIN_EVENT = "Yes"


@dataclass(frozen=True)
class OddsPanel:
    """One odds ratio to be seen under every definition: of a number, or of a level against the reference."""

    factor: str
    level: str
    title: str


@dataclass(frozen=True, kw_only=True)
class SideBySide:
    """The numbers of one analysis, by the group of rows they stand in.

    Attributes
    ----------
    names : sequence of str
        The outcomes, the reference first.
    titles : sequence of str
        What they are called, with the event where it is not simply "yes".
    """

    names: Sequence[str]
    titles: Sequence[str]
    events: ResultLookup
    agreement: ResultLookup
    grades: ResultLookup
    changes: ResultLookup
    models: ResultLookup
    members: ResultLookup
    gates: ResultLookup
    notes: Footnotes = field(default_factory=Footnotes)

    @property
    def numbered(self) -> list[str]:
        """The titles with their numbers, by which a table of pairs names them."""
        return [f"{place}. {title}" for place, title in enumerate(self.titles, start=1)]

    def list_panels(self) -> list[OddsPanel]:
        """Every factor, and of a categorical one every level but the reference."""
        found: list[OddsPanel] = []
        for factor in self.members.variables:
            title, reference = self._name_factor(factor), self._find_reference(factor)
            levels = [level for level in self.models.levels(factor) if level != reference]
            if not levels:
                step = self._find_step(factor)
                found.append(OddsPanel(factor, "", f"{title} ({step})" if step else title))
            for level in levels:
                versus = f"{format_signs(clean_text(level))} versus {format_signs(clean_text(reference))}"
                found.append(OddsPanel(factor, level, f"{title}: {versus}"))
        return found

    def find_odds(self, panel: OddsPanel, name: str) -> Estimate | None:
        """Return the odds ratio under one definition, or what stands in its place."""
        own = self.models.get(panel.factor, ODDS, level=panel.level, stratum=name)
        return own or self.models.get(panel.factor, ODDS, stratum=name)

    def _name_factor(self, factor: str) -> str:
        texts = (one.text for key, one in self.members.estimates.items() if key[1] == factor and one.text)
        return clean_text(next(texts, factor))

    def _find_step(self, factor: str) -> str:
        """What the odds ratio of a number is for; empty of levels, and where no model has one."""
        found = (one for key, one in self.models.estimates.items() if key[1] == factor and key[4] == ODDS)
        return next((step for one in found if (step := split_step(one.text)[1])), "")

    def _find_reference(self, factor: str) -> str:
        levels = (key[2] for key in self.models.estimates if key[1] == factor and key[4] == "reference")
        return next(levels, "")


def read_side_by_side(content: ReportContent, analysis_id: str) -> SideBySide:
    """Return the numbers of one analysis of kind definitions."""

    def select(group: str) -> ResultLookup:
        return select_results(content.results, analysis_id, group=group)

    events = select("events")
    return SideBySide(
        names=events.variables,
        titles=[_name_outcome(content, events, name) for name in events.variables],
        events=events,
        agreement=select("agreement"),
        grades=select("grades"),
        changes=select("changes"),
        models=select("univariable"),
        members=select("members"),
        gates=select("gate"),
    )


def _name_outcome(content: ReportContent, events: ResultLookup, name: str) -> str:
    """Return the title of an outcome, with its event where that is not simply "yes"."""
    title = outcome_title(content, name)
    found = events.get(name, "count")
    event = clean_text(found.text) if found is not None else ""
    return f"{title}: {lower_first(event)}" if event not in {"", PLAIN_EVENT} else title


def draw_id(kind: str, analysis_id: str) -> str:
    """Return the id of a figure of an analysis; it holds nothing that an HTML or SVG id may not hold.

    Examples
    --------
    >>> draw_id("strip", "side by side")
    'strip-side-by-side'
    """
    return f"{kind}-" + "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in analysis_id)
