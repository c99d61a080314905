"""Lines of the page "Read with care": a published number, the careful one, and the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from cytopenia.report.content import ReportContent
from cytopenia.report.display import clean_text
from cytopenia.report.lookup import Estimate, ResultLookup, select_results
from cytopenia.report.model_words import split_step

__all__ = ["PANELS", "VERDICTS", "CareLine", "CarePanel", "count_verdicts", "read_panels"]

PUBLISHED, CAREFUL = "published", "careful"
CHANGE = "change_of_"
PANEL = "panel"
# Letter of each panel to its title.
PANELS = {
    "a": "Numbers as numbers, by Firth's method",
    "b": "Cut-offs in other patients",
    "c": "The model named before, and the selection",
    "d": "Who is at risk",
    "e": "What is unknown",
    "f": "Other definitions",
}
VERDICTS = {
    "same": "same",
    "weaker": "weaker",
    "stronger": "stronger",
    "reversed": "reversed",
    "not_estimable": "not comparable",
}


@dataclass(frozen=True)
class CareLine:
    """One line: what it is about, both numbers, the verdict if there is one, and the title of the factor."""

    scenario: str
    variable: str
    level: str
    estimate: str
    published: Estimate
    careful: Estimate
    verdict: str
    title: str


@dataclass(frozen=True)
class CarePanel:
    """The lines of one panel, and why parts of it were not done, by scenario."""

    letter: str
    numbers: ResultLookup
    lines: tuple[CareLine, ...]
    refusals: Mapping[str, str]

    def pick(self, scenario: str, estimate: str = "odds_ratio") -> list[CareLine]:
        """The lines of one scenario and estimate."""
        return [one for one in self.lines if (one.scenario, one.estimate) == (scenario, estimate)]

    def value(self, variable: str, estimate: str, *, scenario: str, side: str = "") -> float | None:
        """One number beside the lines."""
        return self.numbers.value(variable, estimate, scenario=scenario, stratum=side)

    @property
    def scenarios(self) -> list[str]:
        """Scenarios in the order of the results."""
        return list(dict.fromkeys(key[3] for key in self.numbers.estimates))


def read_panels(content: ReportContent, analysis_id: str) -> dict[str, CarePanel]:
    """Return the panels of an analysis by letter; none where the protocol asks for none."""
    found: dict[str, CarePanel] = {}
    for letter in PANELS:
        numbers = select_results(content.results, analysis_id, group=f"care_{letter}")
        if numbers.estimates:
            refusals = {
                key[3]: one.note
                for key, one in numbers.estimates.items()
                if key[1] == PANEL and one.status == "not_done"
            }
            found[letter] = CarePanel(letter, numbers, tuple(_read_lines(numbers)), refusals)
    return found


def _read_lines(numbers: ResultLookup) -> Iterator[CareLine]:
    for (stratum, variable, level, scenario, estimate), published in numbers.estimates.items():
        careful = numbers.estimates.get((CAREFUL, variable, level, scenario, estimate))
        if stratum != PUBLISHED or careful is None:
            continue
        change = numbers.estimates.get(("", variable, level, scenario, f"{CHANGE}{estimate}"))
        verdict = "" if change is None else change.text
        # A P value carries the name of its test; its factor is named beside the cut.
        named = numbers.get(variable, "cut", scenario=scenario, stratum=PUBLISHED) or published
        texts = (split_step(one.text)[0] for one in (named, careful))
        title = clean_text(next((text for text in texts if text), variable))
        yield CareLine(scenario, variable, level, estimate, published, careful, verdict, title)


def count_verdicts(lines: Iterable[CareLine]) -> dict[str, list[CareLine]]:
    """Return the lines by verdict, in the order of the verdicts."""
    grouped: dict[str, list[CareLine]] = {name: [] for name in VERDICTS}
    for line in lines:
        if line.verdict:
            grouped[line.verdict].append(line)
    return {name: found for name, found in grouped.items() if found}
