"""Sentences of the Methods on the conventions of programs that stand side by side."""

from __future__ import annotations

from cytopenia.report.content import ReportContent
from cytopenia.report.convention_tables import list_asked, read_level
from cytopenia.report.journal_styles import format_p_level
from cytopenia.report.references import References, join_names, name_analyses, name_inside

__all__ = ["convention_paragraphs"]


def convention_paragraphs(content: ReportContent, references: References) -> list[str]:
    """Return which analyses were done by the conventions of several programs, and what depended on it."""
    del references  # the programs are named; docs/reviewer_mode.md has their versions and pages
    by_level: dict[float, list[str]] = {}
    for analysis in content.analyses:
        level = read_level(content, str(analysis["id"]))
        if level is not None:
            by_level.setdefault(level, []).append(str(analysis["id"]))
    return [_say(content, ids, level) for level, ids in by_level.items()]


def _say(content: ReportContent, ids: list[str], level: float) -> str:
    analyses = [one for one in content.analyses if str(one["id"]) in ids]
    names = [name_inside(one.factor) for name in ids for one in list_asked(content, name) if one.depends]
    found = (
        f"the conclusion depended on the program for {join_names(dict.fromkeys(names))}"
        if names
        else "no conclusion depended on the program"
    )
    return (
        f"In {name_analyses(analyses)}, each test was also done as SPSS, R and SciPy do it by default; the "
        f"results given are those of the test stated above. At a level of {format_p_level(level)} {found}."
    )
