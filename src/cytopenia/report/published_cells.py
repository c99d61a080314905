"""The study and the published cohorts, section by section, as tables and figures read them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cytopenia.report.content import ReportContent
from cytopenia.report.display import clean_text
from cytopenia.report.lookup import Estimate, ResultLookup, select_results

__all__ = ["OTHERS", "STUDY", "SUMMARY", "PublishedPart", "read_published"]

OTHERS, STUDY, SUMMARY = "other definitions", "this_study", "summary"
ASPECTS = ("definition", "window", "denominator", "deaths")


@dataclass(frozen=True)
class PublishedPart:
    """One section: the study, the cohorts of one question, and their summary."""

    name: str
    lookup: ResultLookup

    @property
    def addresses(self) -> list[str]:
        """The published incidences, in the order of the protocol."""
        found = dict.fromkeys(
            key[1] for key in self.lookup.estimates if key[0] == self.name and key[1] not in {STUDY, SUMMARY}
        )
        return list(found)

    @property
    def title(self) -> str:
        """What the section is about."""
        if self.name == OTHERS:
            return "Other definitions, or definitions that were not read"
        if self.is_theirs:
            return f"Graded as they did: {self.text(STUDY, 'definition')}"
        return f"Their definition, not that of this study: {self.text(self.addresses[0], 'definition')}"

    @property
    def labels(self) -> dict[str, str]:
        """What each incidence is called: the cohort, and as much more as it takes to tell it from others."""
        found = {one: self.text(one, "cohort") for one in self.addresses}
        parts = ("window", "denominator")
        for estimate in ("lineage", *parts) if self.name == OTHERS else parts:
            told: dict[str, set[str]] = {}
            for one, name in found.items():
                told.setdefault(name, set()).add(self.text(one, estimate))
            found = {
                one: f"{name}, {self.text(one, estimate)}" if len(told[name]) > 1 else name
                for one, name in found.items()
            }
        return found

    def find(self, variable: str, estimate: str, *, scenario: str = "policy") -> Estimate | None:
        """Return one number of the study, of an incidence, or of the summary."""
        return self.lookup.get(variable, estimate, scenario=scenario, stratum=self.name)

    @property
    def is_theirs(self) -> bool:
        """Whether the study was graded by the definition of the cohorts."""
        return bool(self.value(STUDY, "graded_as_theirs"))

    @property
    def has_summary(self) -> bool:
        """Whether the cohorts could be taken together."""
        return self.value(SUMMARY, "percent") is not None

    def value(self, variable: str, estimate: str) -> float | None:
        """Return the value of a row, None without one."""
        found = self.find(variable, estimate)
        return None if found is None else found.value

    def text(self, variable: str, estimate: str) -> str:
        """Return the text of a row, empty without one."""
        found = self.find(variable, estimate)
        return "" if found is None else clean_text(found.text)

    def note(self, variable: str, estimate: str) -> str:
        """Return the note of a row, empty without one."""
        found = self.find(variable, estimate)
        return "" if found is None else clean_text(found.note)

    def differences(self, address: str) -> Iterator[str]:
        """Yield what an incidence and the study do not have in common."""
        for aspect in ASPECTS:
            found = self.lookup.get(address, "difference", level=aspect, stratum=self.name)
            if found is not None:
                yield f"{aspect}: {clean_text(found.text)}"


def read_published(content: ReportContent, analysis_id: str) -> list[PublishedPart]:
    """Return the sections of an analysis of kind compare_published."""
    lookup = select_results(content.results, analysis_id, group="published")
    return [PublishedPart(name, lookup) for name in lookup.strata]
