"""Sentences of the Methods on published cohorts, and the papers they cite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cytopenia.report.content import ReportContent
from cytopenia.report.display import clean_text, format_number, lower_first
from cytopenia.report.published_cells import STUDY, SUMMARY, PublishedPart, read_published
from cytopenia.report.references import References, join_names, name_analyses

__all__ = ["published_paragraphs"]

KIND = "compare_published"
WILSON = ("Wilson EB. J Am Stat Assoc 1927;22:209-212.", "https://doi.org/10.1080/01621459.1927.10502953")
STIJNEN = ("Stijnen T, Hamza TH, Ozdemir P. Stat Med 2010;29:3046-3067.", "https://doi.org/10.1002/sim.4040")
HIGGINS = (
    "Higgins JPT, Thompson SG, Spiegelhalter DJ. J R Stat Soc A 2009;172:137-159.",
    "https://doi.org/10.1111/j.1467-985X.2008.00552.x",
)
TYPICAL = ("Higgins JPT, Thompson SG. Stat Med 2002;21:1539-1558.", "https://doi.org/10.1002/sim.1186")


def published_paragraphs(content: ReportContent, references: References) -> list[str]:
    """Return a paragraph for each comparison with published cohorts, and one on the summaries."""
    texts: list[str] = []
    all_parts: list[PublishedPart] = []
    for analysis in content.analyses:
        parts = read_published(content, str(analysis["id"])) if analysis["kind"] == KIND else []
        if parts:
            label = name_analyses([analysis])
            texts.append(" ".join(_tell_cohorts(parts, label, references)))
            all_parts += parts
    if not texts:
        return []
    texts.append(_tell_intervals(references))
    if any(part.has_summary for part in all_parts):
        texts.append(" ".join(_tell_summary(all_parts, references)))
    return texts


def _tell_cohorts(parts: Sequence[PublishedPart], label: str, references: References) -> Iterator[str]:
    cited: dict[str, str] = {}
    for part in parts:
        for address in part.addresses:
            number = references.cite(part.text(address, "citation"), part.note(address, "citation"))
            cited[part.text(address, "cohort")] = number
    names = join_names(f"{clean_text(name)} {number}" for name, number in cited.items())
    yield f"The cohort was set beside published ones ({label}): {names}."
    same = [lower_first(part.text(STUDY, "definition")) for part in parts if part.is_theirs]
    if same:
        yield (
            "It was graded as they were where an outcome of the study has their definition:"
            f" {join_names(same)}."
        )
    if len(same) < len(parts):
        yield (
            "Where it has none, its own outcome stands beside theirs, and what differs in definition, days,"
            " denominator and early deaths is told for each."
        )


def _tell_intervals(references: References) -> str:
    return (
        "Numerators of published cohorts are those that the sources state, or the only whole number that"
        " rounds to a printed percentage; without one, the percentage is given as printed. No test was made"
        " between the study and a published cohort. Intervals of single proportions are Wilson's"
        f" {references.cite(*WILSON)}, at 95%."
    )


def _tell_summary(parts: Sequence[PublishedPart], references: References) -> Iterator[str]:
    yield (
        "Cohorts of the same definition and window were summarized by a logistic model with a random"
        " intercept and the exact binomial likelihood, by maximum likelihood with adaptive Gauss-Hermite"
        f" quadrature {references.cite(*STIJNEN)}; a cohort with none or all of its patients affected needs"
        " no correction. The interval of the mean has a t quantile with one degree of freedom fewer than"
        f" cohorts, the prediction interval one with two fewer {references.cite(*HIGGINS)}; I² sets the"
        f" variance between cohorts against a typical variance within them {references.cite(*TYPICAL)}."
    )
    yield (
        "Of cohorts that share patients, or may, only the largest was taken, and none without a known"
        " numerator; with fewer than three, or with other definitions, no summary was made."
    )
    for part in parts:
        if part.has_summary:
            count = format_number(part.value(SUMMARY, "cohorts"))
            about = lower_first(part.text(part.addresses[0], "definition"))
            yield f"Cohorts in a summary: {count}, of {about}."
