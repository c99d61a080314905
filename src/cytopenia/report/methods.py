"""The Methods text of a run: what was done, by which definition, and what had to be assumed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import polars as pl

from cytopenia.report.cells import day_zero_note, outcome_title
from cytopenia.report.content import DefinitionText, ReportContent, read_definition
from cytopenia.report.display import clean_text, escape_markdown, format_days, lower_first
from cytopenia.report.flow import read_flow
from cytopenia.report.journal_styles import in_journal_style, style_words
from cytopenia.report.methods_text import factor_paragraphs
from cytopenia.report.recovery_curves import CURVE_SOURCE, CURVE_TEXT
from cytopenia.report.references import Citation, References, join_citations, join_names, name_inside
from cytopenia.report.rules_text import (
    NO_VERSION,
    find_definition,
    gate_paragraphs,
    level_paragraphs,
    missing_paragraphs,
    software_paragraphs,
)
from cytopenia.report.side_by_side_text import comparison_paragraphs
from cytopenia.report.statistics_text import statistics_of_run
from cytopenia.report.survival_text import find_recovery_groups, survival_paragraphs

__all__ = [
    "STATUS_TEXTS",
    "SYNTHETIC_BANNER",
    "list_references",
    "list_settings",
    "render_methods",
    "write_counting",
    "write_methods_paragraphs",
]

STATUS_TEXTS = {
    "consensus": "consensus statement",
    "published": "published algorithm",
    "study": "rule of a published study",
    "assumed": "assumed here; no source states it",
}
SYNTHETIC_BANNER = "Synthetic data: no patient stands behind any number of this run."
KINDS_WITH_LANDMARK = {"recovery"}
RECOVERY_LABELS = ("recovered", "not recovered")
TIMED = "time_to_recovery"
KINDS_AGAINST_OUTCOME = {"risk_factors", "ordinal", "roc", "crosstab", "prediction", "validation"}
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


DAY_ZERO_TEXTS = {
    "infusion": "Day 0 was the day of the CAR-T infusion.",
    "first": "Day 0 was the first laboratory day of each patient, because no day of infusion was given.",
    "given": "Days were counted as the laboratory table gave them.",
}
CAP_TEXT = (
    "A leukocyte count without a differential was taken as an upper limit of the neutrophils of that day: it "
    "could prove a grade, never a normal count."
)
UNJUDGED_TEXT = (
    "A value without a known unit, without the limit of normal it is compared with, or marked invalid was "
    "not judged; it was listed with its reason and never counted as normal."
)
NADIR_TEXT = (
    "The nadir was the lowest value known in the window, and its day the first on which it was reached."
)
NOT_EVALUABLE_TEXT = (
    "A patient with too few measurements around the landmark was not evaluable, which never counted as not "
    "recovered."
)
NADIR_PREFIX = "nadir_"
RECOVERY_EVENTS = {"recovered", "not_recovered"}


def list_references(content: ReportContent) -> list[Citation]:
    """Return the works that the Methods of a run cite, in the order of their numbers."""
    return _write_parts(content)[1].entries


def write_methods_paragraphs(content: ReportContent) -> list[tuple[str, list[str]]]:
    """Return the Methods as (heading, paragraphs), as a journal prints them; only what ran is in them.

    Sources are cited by number; the last heading is their list.
    """
    parts, references = _write_parts(content)
    listed = [
        " ".join(filter(None, (f"{place}. {one.text}", one.link)))
        for place, one in enumerate(references.entries, start=1)
    ]
    return [*parts, *([("References", listed)] if listed else [])]


def _write_parts(content: ReportContent) -> tuple[list[tuple[str, list[str]]], References]:
    references = References()
    # In the order of the text, because the first citation of a source gives it its number.
    parts = [
        ("Patients and data", list(_write_patients(content))),
        ("Grading of cytopenia", list(_write_grading(content, references))),
        ("Hematologic recovery", list(_write_recovery(content, references))),
        ("Risk factors and cut-off values", factor_paragraphs(content, references)),
        ("Definitions side by side", comparison_paragraphs(content, references)),
        ("Time to event", survival_paragraphs(content, references)),
        ("Missing values and unmeasured days", list(missing_paragraphs(content))),
        (
            "Statistical analysis",
            [
                *statistics_of_run(content, references),
                *level_paragraphs(content),
                *gate_paragraphs(content),
                *_write_printed(content),
            ],
        ),
        ("Software", list(software_paragraphs(content, references))),
    ]
    return [
        (heading, [join_citations(text) for text in texts]) for heading, texts in parts if texts
    ], references


def _kinds(content: ReportContent) -> set[str]:
    return {str(one.get("kind", "")) for one in content.analyses}


def _write_patients(content: ReportContent) -> Iterator[str]:
    steps = read_flow(content)
    if steps:
        words = {True: "", False: "left out: "}
        parts = (f"{words[one.is_kept]}{lower_first(one.text)} (n = {one.count})" for one in steps)
        yield f"The cohort was formed as follows: {'; '.join(parts)}."
    sentences = [DAY_ZERO_TEXTS.get(str(content.settings.get("day_zero", "")), "")]
    sentences += [CAP_TEXT] if content.settings.get("bound_anc_by_wbc") else []
    yield " ".join(filter(None, [*sentences, UNJUDGED_TEXT]))
    baseline = find_definition(content, "baseline")
    if baseline and baseline.text and _kinds(content) & {"characteristics", *KINDS_AGAINST_OUTCOME}:
        yield f"Baseline and peak of a marker were defined for this analysis: “{baseline.text}”"


def _recovery_outcomes(content: ReportContent) -> set[str]:
    ids = [one["id"] for one in content.analyses if one["kind"] in {TIMED, *KINDS_WITH_LANDMARK}]
    named = set(content.results.filter(pl.col("analysis_id").is_in(ids))["variable"].unique())
    sides: dict[str, str] = {}
    for one in content.analyses:
        sides |= one.get("events") or {}
        sides |= {str(one["outcome"]): str(one["event"])} if one.get("event") in RECOVERY_EVENTS else {}
    named |= find_recovery_groups(content)
    if not content.outcomes.is_empty():
        named |= set(content.outcomes.filter(pl.col("label").is_in(RECOVERY_LABELS))["outcome"])
    return named | {name for name, event in sides.items() if event in RECOVERY_EVENTS}


def _outcomes_by_definition(
    content: ReportContent, *, recovery: bool
) -> list[tuple[DefinitionText, list[str]]]:
    """Return each definition with the outcomes judged by it, of recovery or of anything else."""
    recoveries = _recovery_outcomes(content)
    by_name: dict[str, list[str]] = {}
    for outcome, name in content.outcome_definitions.items():
        if outcome in content.outcome_titles and (outcome in recoveries) == recovery:
            by_name.setdefault(name, []).append(outcome)
    found = ((find_definition(content, name), outcomes) for name, outcomes in by_name.items())
    return [(definition, outcomes) for definition, outcomes in found if definition is not None]


def _write_grading(content: ReportContent, references: References) -> Iterator[str]:
    graded = _outcomes_by_definition(content, recovery=False)
    for definition, outcomes in graded:
        by_window: dict[tuple[int, int] | None, list[str]] = {}
        for outcome in outcomes:
            title = name_inside(clean_text(content.outcome_titles[outcome]))
            by_window.setdefault(content.windows.get(outcome), []).append(title)
        parts = (
            join_names(titles) + (f" ({format_days(*window)})" if window else "")
            for window, titles in by_window.items()
        )
        named = f"{clean_text(definition.title)} {_cite(definition, references)}"
        text = f"The following were graded by the {named}: {'; '.join(parts)}."
        assumed = " ".join(_end(one) for one in definition.assumed)
        yield text + (f" Left open by the source and assumed here: {assumed}" if assumed else "")
    if graded:
        yield " ".join(_grade_sentences(content))


def _grade_sentences(content: ReportContent) -> Iterator[str]:
    yield "The grade of a patient was the highest grade in the window; grade 0 meant judged and normal."
    ids = [one["id"] for one in content.analyses]
    groups = set(content.results.filter(pl.col("analysis_id").is_in(ids))["group"].unique())
    if "occurrence" in _kinds(content):
        yield (
            "Occurrence was counted among all patients; those who could not be judged stayed in the "
            "denominator and were counted apart."
        )
    combined = [
        name_inside(outcome_title(content, name))
        for name in content.outcome_titles
        if name not in content.outcome_definitions and not name.startswith(NADIR_PREFIX)
    ]
    if combined and content.outcome_definitions:
        yield f"Combined outcomes were present if one of their parts was: {join_names(combined)}."
    if "baseline_cytopenia" in groups:
        yield "Cytopenia before treatment was grade 1 or higher at the baseline value."
    if "nadir" in groups:
        yield NADIR_TEXT


def _cite(definition: DefinitionText, references: References) -> str:
    """Return version, status and citation of a definition; what was assumed here has no source."""
    version = f"version {definition.version}" if definition.version else NO_VERSION
    inside = ", ".join(filter(None, (version, STATUS_TEXTS.get(definition.status, definition.status))))
    is_sourced = definition.status != "assumed" and (definition.citation or definition.link)
    cited = references.cite(definition.citation or definition.title, definition.link) if is_sourced else ""
    return f"({clean_text(inside)}) {cited}".rstrip()


def _write_recovery(content: ReportContent, references: References) -> Iterator[str]:
    found = _outcomes_by_definition(content, recovery=True)
    for definition, outcomes in found:
        titles = join_names(clean_text(content.outcome_titles[one]) for one in outcomes)
        were = "was" if len(outcomes) == 1 else "were"
        judged = f"{were} judged by “{clean_text(definition.title)}” {_cite(definition, references)}"
        parts = [f"{titles} {judged}."]
        parts += [f"The source states: “{definition.text}”"] if definition.text else []
        parts += [f"The rules applied were: {'; '.join(definition.rules)}."] if definition.rules else []
        assumed = " ".join(_end(one) for one in definition.assumed)
        yield " ".join(parts)
        if assumed:
            yield f"Left open by the source and assumed here: {assumed}"
    if found and content.settings.get("support_complete") is False:
        yield (
            "Growth factors and transfusions were not recorded completely. The outcome is therefore called "
            "count recovery: that nobody was supported cannot be claimed."
        )
    if _kinds(content) & KINDS_WITH_LANDMARK:
        yield _tell_deaths(content)
    if TIMED in _kinds(content):
        yield f"{CURVE_TEXT} {references.cite(*CURVE_SOURCE)}"


def _end(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def _readings(content: ReportContent) -> list[str]:
    """Return how early deaths were read, the headline first."""
    ids = [one["id"] for one in content.analyses if one["kind"] in KINDS_WITH_LANDMARK]
    strata = content.results.filter(pl.col("analysis_id").is_in(ids))["stratum"].unique(maintain_order=True)
    return [READING_TEXTS[reading] for reading in strata if reading in READING_TEXTS]


def _tell_deaths(content: ReportContent) -> str:
    text = "A patient who died on or before the landmark had no recovery state."
    named = _readings(content)
    if named:
        text += f" In the headline these patients were {named[0]}."
    if len(named) > 1:
        text += f" Beside it stand the readings in which they were {', or '.join(named[1:])}."
    return f"{text} {NOT_EVALUABLE_TEXT}"


def _write_printed(content: ReportContent) -> Iterator[str]:
    if "printed" in set(content.results["analysis_id"].unique()):
        yield (
            "Numbers printed in a publication were set beside the recomputed ones. They agree if the "
            "recomputed number, rounded to the printed decimals, is the printed one."
        )


@in_journal_style
def render_methods(content: ReportContent) -> str:
    """Return the Methods of a run as Markdown; only what ran is in it.

    Returns
    -------
    str
        First the text as a journal takes it, with its references. Then, as an appendix, the definitions with
        version, citation, official sentence and rules, what the sources leave open and was assumed, how
        bounds and early deaths are counted; software, seed and checksums.
    """
    lines = [f"# Methods: {escape_markdown(content.title)}", ""]
    if content.synthetic:
        lines += [f"**{SYNTHETIC_BANNER}**", ""]
    parts, references = _write_parts(content)
    for heading, texts in parts:
        lines += [f"## {heading}", ""]
        for text in texts:
            lines += [escape_markdown(style_words(text)), ""]
    if references.entries:
        lines += ["## References", ""]
        for place, one in enumerate(references.entries, start=1):
            lines.append(
                " ".join(filter(None, (f"{place}. {escape_markdown(one.text)}", _autolink(one.link))))
            )
        lines.append("")
    lines += ["## Appendix: definitions as used", ""]
    for raw in content.definitions:
        lines += _definition_lines(read_definition(raw))
    counting = write_counting(content)
    if counting:
        lines += ["## Appendix: how the numbers are made", ""]
        for title, text in counting:
            lines += [f"**{title}.** {text}", ""]
    lines += ["## Appendix: analyses", ""]
    lines += [f"- {escape_markdown(one.get('title') or one['id'])}" for one in content.analyses]
    lines += ["", "## Appendix: software and settings", ""]
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
