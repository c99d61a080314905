"""Sentences of the Methods on effect sizes, tests that the protocol names, and adjusted P values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from cytopenia.report.association_cells import Association, read_association
from cytopenia.report.content import ReportContent
from cytopenia.report.display import clean_text, plural
from cytopenia.report.effect_cells import list_crosstab_effects, list_effects
from cytopenia.report.lookup import select_results
from cytopenia.report.methods_text import KRUSKAL_SOURCE, statistics_paragraphs
from cytopenia.report.references import References, join_names, name_analyses, name_inside

__all__ = ["write_statistics"]

NAMED = "named in the protocol"
KINDS = ("risk_factors", "crosstab", "characteristics")
SOURCES: Mapping[str, tuple[str, str]] = {
    "shift": ("Hodges JL, Lehmann EL. Ann Math Stat 1963;34:598-611.", "10.1214/aoms/1177704172"),
    "risk_difference": ("Newcombe RG. Stat Med 1998;17:873-890.", ""),
    "welch_t": ("Welch BL. Biometrika 1947;34:28-35.", "10.1093/biomet/34.1-2.28"),
    "fisher_mid_p": (
        "Lydersen S, Fagerland MW, Laake P. Stat Med 2009;28:1159-1175.",
        "10.1002/sim.3531",
    ),
    "cochran_armitage": ("Armitage P. Biometrics 1955;11:375-386.", "10.2307/3001775"),
    "jonckheere_terpstra": ("Jonckheere AR. Biometrika 1954;41:133-145.", "10.1093/biomet/41.1-2.133"),
    "kruskal_wallis": KRUSKAL_SOURCE,
    "risk_ratio": ("Koopman PAR. Biometrics 1984;40:513-517.", "10.2307/2531405"),
    "holm": ("Holm S. Scand J Stat 1979;6:65-70.", ""),
    "benjamini_hochberg": (
        "Benjamini Y, Hochberg Y. J R Stat Soc B 1995;57:289-300.",
        "10.1111/j.2517-6161.1995.tb02031.x",
    ),
}
TESTS: Mapping[str, str] = {
    "mann_whitney_exact": "the exact Mann-Whitney U test",
    "mann_whitney_continuity": "the asymptotic Mann-Whitney U test, corrected for ties and continuity",
    "mann_whitney_asymptotic": "the asymptotic Mann-Whitney U test, corrected for ties",
    "welch_t": "Welch's t test",
    "chi_squared": "the chi-squared test without Yates' correction",
    "chi_squared_yates": "the chi-squared test with Yates' correction",
    "fisher_exact": "Fisher's exact test",
    "fisher_monte_carlo": "Fisher's exact test by Monte Carlo sampling",
    "fisher_mid_p": "Fisher's exact test with mid-P",
    "kruskal_wallis": "the Kruskal-Wallis test",
    "jonckheere_terpstra": "the Jonckheere-Terpstra test for trend over the groups in their order (normal "
    "approximation, corrected for ties)",
    "cochran_armitage": "the Cochran-Armitage test for trend over their levels in the declared order",
}
EFFECTS: Mapping[str, str] = {
    "shift": "of a number the Hodges-Lehmann shift of patients with the event against those without, with "
    "the interval that belongs to the Mann-Whitney U test",
    "mean_difference": "of a number tested by Welch's test the difference of means with Welch's interval",
    "risk_difference": "of a level the difference between the risk of the event at this level and at the "
    "reference level, with Newcombe's hybrid score interval (method 10)",
    "risk_ratio": "of a level the ratio of these risks with Koopman's score interval",
    "odds_ratio": "of a level the conditional odds ratio against the reference level with its exact interval",
}
METHODS: Mapping[str, str] = {
    "holm": "by Holm's method",
    "benjamini_hochberg": "by the method of Benjamini and Hochberg, which controls the false discovery rate",
}


def write_statistics(content: ReportContent, references: References) -> list[str]:
    """Return what the Methods say of statistics: effect sizes, named tests and adjusted P at the end."""
    ran = set(content.results["analysis_id"].unique())
    analyses = [one for one in content.analyses if one["kind"] in KINDS and one["id"] in ran]
    found = [read_association(content, str(one["id"])) for one in analyses]
    parts = (
        _effects(found, references),
        _named(content, found, references),
        _adjusted(content, analyses, references),
    )
    first = statistics_paragraphs(content, references)
    paragraphs = (" ".join(sentences) for sentences in parts)
    return [*first, *(text for text in paragraphs if text)]


def _cite(references: References, name: str) -> str:
    text, doi = SOURCES[name]
    return references.cite(text, f"https://doi.org/{doi}" if doi else "")


def _effects(found: list[Association], references: References) -> Iterator[str]:
    names = {name for one in found for name in _list_effects(one)}
    if not names:
        return
    parts = [
        f"{EFFECTS[name]}{f' {_cite(references, name)}' if name in SOURCES else ''}"
        for name in EFFECTS
        if name in names
    ]
    yield f"Effect sizes are given with 95% confidence intervals: {'; '.join(parts)}."


def _list_effects(found: Association) -> list[str]:
    is_crosstab = found.analysis.get("kind") == "crosstab"
    return list_crosstab_effects(found) if is_crosstab else list_effects(found)


def _named(content: ReportContent, found: list[Association], references: References) -> Iterator[str]:
    """Return the factors whose test the protocol names, as far as the test could be done."""
    by_test: dict[str, list[str]] = {}
    for one in found:
        for (_, factor, *_, estimate), row in one.tests.estimates.items():
            if estimate == "p_value" and NAMED in row.note and row.value is not None:
                by_test.setdefault(row.text, []).append(name_inside(_title(content, one, factor)))
    if by_test:
        parts = (
            f"{join_names(dict.fromkeys(names))} by {TESTS.get(test, test)}"
            f"{f' {_cite(references, test)}' if test in SOURCES else ''}"
            for test, names in by_test.items()
        )
        yield f"The protocol named the test of some factors in advance: {'; '.join(parts)}."


def _title(content: ReportContent, found: Association, factor: str) -> str:
    title = found.title(factor)
    if title != factor:
        return title
    return clean_text(
        select_results(content.results, str(found.analysis["id"]), group="counts").title(factor)
    )


def _adjusted(
    content: ReportContent, analyses: list[Mapping[str, Any]], references: References
) -> Iterator[str]:
    rows = content.results.filter(
        pl.col("group") == "family", pl.col("analysis_id").is_in([one["id"] for one in analyses])
    )
    families: dict[tuple[str, str, float], list[Mapping[str, Any]]] = {}
    described = {str(one["id"]): one for one in analyses}
    for row in rows.iter_rows(named=True):
        key = (str(row["variable"]), str(row["text"]), float(row["value"]))
        families.setdefault(key, []).append(described[row["analysis_id"]])
    if not families:
        return
    yield "All tests were two-sided."
    for (_, method, tests), members in families.items():
        together = " together" if len(members) > 1 else ""
        yield (
            f"The P values of the factors in {name_analyses(members)} were adjusted{together} over "
            f"{plural(tests, 'test')} {METHODS[method]} {_cite(references, method)}."
        )
    others = [one for one in analyses if all(one not in members for members in families.values())]
    if others:
        yield f"P values of factors in {name_analyses(others)} were not adjusted."
