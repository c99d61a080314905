"""Sentences of the Methods on definitions side by side."""

from __future__ import annotations

from collections.abc import Iterator

from cytopenia.report.content import ReportContent
from cytopenia.report.display import clean_text, format_number
from cytopenia.report.references import References, join_names, name_analyses
from cytopenia.report.side_by_side_cells import SideBySide, read_side_by_side

__all__ = ["comparison_paragraphs"]

DEFINITIONS = "definitions"
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")
COHEN = ("Cohen J. Educ Psychol Meas 1960;20:37-46.", "https://doi.org/10.1177/001316446002000104")
FLEISS = ("Fleiss JL, Cohen J, Everitt BS. Psychol Bull 1969;72:323-327.", "https://doi.org/10.1037/h0028106")
CICCHETTI = (
    "Cicchetti DV, Feinstein AR. J Clin Epidemiol 1990;43:551-558.",
    "https://doi.org/10.1016/0895-4356(90)90159-M",
)


def comparison_paragraphs(content: ReportContent, references: References) -> list[str]:
    """Return what was compared under which definitions, and how; nothing where nothing was."""
    analyses = [one for one in content.analyses if one["kind"] == DEFINITIONS]
    paragraphs: list[str] = []
    for analysis in analyses:
        found = read_side_by_side(content, str(analysis["id"]))
        if found.names:
            told = [
                *_tell_definitions(found, name_analyses([analysis])),
                *_tell_deaths(found),
                *_tell_odds(found),
            ]
            paragraphs.append(" ".join(told))
    return [*paragraphs, _tell_agreement(references)] if paragraphs else []


def _tell_definitions(found: SideBySide, label: str) -> Iterator[str]:
    names = join_names(clean_text(title) for title in found.titles)
    yield f"The same patients were judged under {NUMBERS[len(found.names)]} definitions ({label}): {names}."
    yield (
        f"{found.titles[0]} was the reference, as the protocol says; no definition was preferred, and "
        "nothing was counted over the definitions."
    )


def _tell_deaths(found: SideBySide) -> Iterator[str]:
    titles = zip(found.names, found.titles, strict=True)
    left = [(title, found.events.value(name, "died_before_landmark")) for name, title in titles]
    parts = [f"{title}, n = {format_number(count)}" for title, count in left if count]
    if parts:
        yield f"Patients who died before the landmark had no answer under it ({'; '.join(parts)})."


def _tell_odds(found: SideBySide) -> Iterator[str]:
    if found.members.variables:
        factors = join_names(dict.fromkeys(panel.title for panel in found.list_panels()))
        yield (
            "Under each definition the odds ratio of each factor was estimated in a model of its own:"
            f" {factors}."
        )


def _tell_agreement(references: References) -> str:
    return (
        "Agreement was counted in patients with an answer under both definitions: percent with the same "
        f"answer, agreement about events and about their absence {references.cite(*CICCHETTI)}, and Cohen's "
        f"kappa {references.cite(*COHEN)} with the large-sample 95% confidence interval of Fleiss, Cohen and "
        f"Everitt {references.cite(*FLEISS)}. Why answers differ was read from the days, values and rules "
        "behind them."
    )
