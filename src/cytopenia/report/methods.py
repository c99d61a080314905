"""The Methods text of a run: what was done, by which definition, and what had to be assumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import polars as pl

from cytopenia.report.cells import day_zero_note
from cytopenia.report.content import DefinitionText, ReportContent, read_definition
from cytopenia.report.display import clean_text, escape_markdown

__all__ = ["STATUS_TEXTS", "list_settings", "render_methods", "write_counting"]

STATUS_TEXTS = {
    "consensus": "consensus statement",
    "published": "published algorithm",
    "study": "rule of a published study",
    "assumed": "assumed here; no source states it",
}
KINDS_WITH_LANDMARK = {"recovery"}
SETTING_WORDS = {"None": "not recorded", "True": "yes", "False": "no"}
READING_TEXTS = {
    "left out": "left out of the denominator",
    "as not recovered": "counted as not recovered",
    "as competing event": "shown as an event of their own among all patients",
}
NOT_JUDGED_TEXT = (
    "A grade is given only where the measurements decide it. Grade 0 means judged and normal. A value "
    "without a known unit, without the limit of normal it is compared with, or marked invalid is not "
    "judged; it is listed with its reason and never counted as normal."
)
BOUNDS_TEXT = (
    "Every outcome is computed three times by the same code: as the definition says (the number "
    "printed), and with every unmeasured day between two close measurements at its healthiest and at its "
    "sickest plausible value near them. A patient who could not be judged is taken as healthy and as sick "
    "as the values allow. Any other unmeasured day is open: at a landmark it may have been anything, but it "
    "changes no grade and no nadir, and is counted apart. The two extra results are the bounds. Where they "
    "agree, the number is decided: it cannot change if unmeasured days lie near their neighbors. Bounds are "
    "not confidence limits."
)


def render_methods(content: ReportContent) -> str:
    """Return the Methods of a run as Markdown; only what ran is in it.

    Returns
    -------
    str
        Definitions with version, citation, official sentence and rules; what the sources leave open
        and was assumed; how bounds and early deaths are counted; software, seed and checksums.
    """
    lines = [f"# Methods: {escape_markdown(content.title)}", ""]
    if content.synthetic:
        lines += ["**Synthetic data: no patient stands behind any number of this run.**", ""]
    lines += ["## Analyses", ""]
    lines += [f"- {escape_markdown(one.get('title') or one['id'])}" for one in content.analyses]
    lines += ["", "## Definitions", ""]
    for raw in content.definitions:
        lines += _definition_lines(read_definition(raw))
    counting = write_counting(content)
    if counting:
        lines += ["## How the numbers are made", ""]
        for title, text in counting:
            lines += [f"**{title}.** {text}", ""]
    lines += ["## Software and settings", ""]
    settings = list_settings(content.settings)
    lines += [f"- {escape_markdown(name)}: {escape_markdown(value)}" for name, value in settings]
    return "\n".join(lines).rstrip() + "\n"


def _definition_lines(definition: DefinitionText) -> list[str]:
    version = f", version {escape_markdown(definition.version)}" if definition.version else ""
    status = STATUS_TEXTS.get(definition.status, definition.status)
    lines = [f"### {escape_markdown(definition.title)} ({escape_markdown(definition.id)}{version})", ""]
    if status:
        lines += [f"Status: {escape_markdown(status)}.", ""]
    source = (escape_markdown(definition.citation), _autolink(definition.link))
    if any(source):
        lines += [f"Source: {' '.join(part for part in source if part)}", ""]
    if definition.text:
        lines += [f"> {escape_markdown(definition.text)}", ""]
    lines += _list_lines("Rules", definition.rules)
    return lines + _list_lines("Left open by the source and assumed here", definition.assumed)


def _autolink(link: str) -> str:
    return f"<{link}>" if link and not set(link) & set("<> \n\t") else ""


def _list_lines(title: str, sentences: Sequence[str]) -> list[str]:
    if not sentences:
        return []
    return [f"{title}:", "", *(f"- {escape_markdown(sentence)}" for sentence in sentences), ""]


def write_counting(content: ReportContent) -> list[tuple[str, str]]:
    """Return (title, paragraph) on how counts, bounds and early deaths are handled, as far as they ran."""
    kinds = {str(one.get("kind", "")) for one in content.analyses}
    scenarios = set(content.results["scenario"].unique())
    parts = [("Not judged is not normal", NOT_JUDGED_TEXT)]
    if day_zero_note(content):
        parts.append(("Days", day_zero_note(content)))
    if scenarios & {"best", "worst"}:
        parts.append(("Bounds", BOUNDS_TEXT))
    if kinds & KINDS_WITH_LANDMARK:
        parts.append(("Deaths before the landmark", _write_landmark(content)))
    return parts


def _write_landmark(content: ReportContent) -> str:
    ids = [one["id"] for one in content.analyses if one["kind"] in KINDS_WITH_LANDMARK]
    readings = set(content.results.filter(pl.col("analysis_id").is_in(ids))["stratum"].unique())
    named = [text for reading, text in READING_TEXTS.items() if reading in readings]
    text = "A patient who died on or before the landmark has no recovery state."
    if named:
        text += f" These patients are {', or '.join(named)}."
    if len(named) > 1:
        text += " The readings stand side by side."
    return f"{text} Not evaluable (too few measurements around the landmark) never counts as not recovered."


def list_settings(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return the settings as (name, text) pairs, those inside a mapping named by their path.

    Examples
    --------
    >>> list_settings({"seed": 1, "libraries": {"polars": "2.1.0"}})
    [('seed', '1'), ('libraries: polars', '2.1.0')]
    """
    pairs = list[tuple[str, str]]()
    for name, value in settings.items():
        title = f"{prefix}{str(name).replace('_', ' ')}"
        if isinstance(value, Mapping):
            pairs += list_settings(cast("Mapping[str, Any]", value), f"{title}: ")
        elif isinstance(value, list | tuple):
            parts = cast("Sequence[object]", value)
            pairs.append((clean_text(title), ", ".join(clean_text(part) for part in parts)))
        else:
            pairs.append((clean_text(title), SETTING_WORDS.get(str(value)) or clean_text(value)))
    return pairs
