"""Sentences of the Methods on factors, cut-offs and statistics: each only if it is true of the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from cytopenia.report.association_cells import Association, read_association
from cytopenia.report.cells import outcome_title
from cytopenia.report.content import ReportContent
from cytopenia.report.display import clean_text, format_number, lower_first, plural
from cytopenia.report.honest_cuts import honest_sentences
from cytopenia.report.journal_styles import format_p_level
from cytopenia.report.lookup import ResultLookup, list_notes, select_results
from cytopenia.report.references import References, join_names, name_analyses, name_inside

__all__ = ["KRUSKAL_SOURCE", "factor_paragraphs", "statistics_paragraphs"]

# Their models have paragraphs of their own.
OWN_PARAGRAPHS = {"ordinal", "survival"}
AGAINST_OUTCOME = ("risk_factors", "roc", "crosstab")
LATE = "known only after infusion"
NAMED = "named in the protocol"
NO_MODEL = "; it gave no estimate"
RANK_TESTS = {
    "mann_whitney_asymptotic": "asymptotic, corrected for ties, without continuity correction",
    "mann_whitney_continuity": "asymptotic, corrected for ties, with continuity correction",
    "mann_whitney_exact": "exact",
}
COUNT_TESTS = {
    "chi_squared": "the chi-squared test without Yates' correction",
    "chi_squared_yates": "the chi-squared test with Yates' correction",
}
FISHER, MONTE_CARLO = "fisher_exact", "fisher_monte_carlo"
KRUSKAL = "kruskal_wallis"
KRUSKAL_SOURCE = ("Kruskal WH, Wallis WA. J Am Stat Assoc 1952;47:583-621.", "")
PROGRAMS = {"spss": "SPSS", "r": "R"}
WALD, PENALIZED = "wald", "penalized_likelihood_ratio"
UNIVARIABLE, MULTIVARIABLE = "univariable", "multivariable"
MODEL_SIZES = ("n", "events", "terms", "missing")


def factor_paragraphs(content: ReportContent, references: References) -> list[str]:
    """Return what was set against which outcome, how cut-offs were found, and what was known too late."""
    paragraphs = [
        " ".join(_group_sentences(content)),
        " ".join(_curve_sentences(content, references)),
        " ".join(
            honest_sentences(content, [str(one["id"]) for one in _of_kind(content, "roc")], references.cite)
        ),
        " ".join(_cut_sentences(content)),
        " ".join(_late_sentences(content)),
    ]
    return [text for text in paragraphs if text]


def _of_kind(content: ReportContent, *kinds: str) -> list[Mapping[str, Any]]:
    """Return the analyses of some kinds that have left results."""
    ran = set(content.results["analysis_id"].unique())
    return [one for one in content.analyses if one["kind"] in kinds and one["id"] in ran]


def _has_estimate(content: ReportContent, analysis: Mapping[str, Any], estimate: str) -> bool:
    """Return whether at least one number of this kind could be estimated."""
    own = content.results.filter(
        pl.col("analysis_id") == str(analysis["id"]), pl.col("estimate") == estimate, pl.col("status") == "ok"
    )
    return not own.is_empty()


def _outcome(content: ReportContent, analysis: Mapping[str, Any]) -> str:
    return name_inside(outcome_title(content, str(analysis.get("outcome") or "the outcome")))


def _group_sentences(content: ReportContent) -> Iterator[str]:
    places: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    left_out = list[str]()
    for analysis in _of_kind(content, "risk_factors", "crosstab"):
        found = read_association(content, str(analysis["id"]))
        sizes = {name: found.groups.value("patients", "count", stratum=name) for name in found.groups.strata}
        if sizes.get("event") is None:
            continue
        named = [
            f"{lower_first(found.group_name(name))}, n = {format_number(sizes.pop(name, None))}"
            for name in ("event", "no event")
        ]
        places.setdefault((_outcome(content, analysis), "; ".join(named)), []).append(analysis)
        sizes.pop("total", None)
        label = name_analyses([analysis])
        left_out += [f"{label}: {format_number(one)} {why}" for why, one in sizes.items() if why and one]
    if places:
        parts = (f"{what} ({who}; {name_analyses(where)})" for (what, who), where in places.items())
        yield f"Patients were grouped by {join_names(parts)}."
    if left_out:
        yield (
            "Patients for whom the outcome did not exist or could not be judged were in no group "
            f"({'; '.join(left_out)})."
        )


def _curve_sentences(content: ReportContent, references: References) -> Iterator[str]:
    analyses = [one for one in _of_kind(content, "roc") if _has_estimate(content, one, "auc")]
    for analysis in analyses:
        lookup = select_results(content.results, str(analysis["id"]))
        sides = {side: list[str]() for side in ("higher", "lower")}
        for factor in lookup.variables:
            area = lookup.get(factor, "auc")
            if area is not None and area.text in sides:
                sides[area.text].append(name_inside(clean_text(lookup.title(factor))))
        event = lookup.get("event", "count")
        named = f" (event: {lower_first(clean_text(event.text))})" if event and event.text else ""
        meant = [
            f"{side} values of {join_names(names)} meant the event" for side, names in sides.items() if names
        ]
        declared = (
            f" By the protocol, {' and '.join(meant)}; no direction was chosen by the data." if meant else ""
        )
        yield (
            f"Receiver operating characteristic (ROC) curves for {_outcome(content, analysis)}{named} gave "
            "the area under the curve (AUC) and a cut-off value of each marker "
            f"({name_analyses([analysis])}).{declared}"
        )
    if analyses:
        yield (
            f"The 95% confidence interval of the AUC is that of DeLong {references.cite_method('delong')}. "
            "Candidate cut-offs lay midway between neighboring values; the one with the largest Youden index "
            f"(sensitivity + specificity \N{MINUS SIGN} 1) was taken {references.cite_method('youden')}."
        )


def _cut_sentences(content: ReportContent) -> Iterator[str]:
    for analysis in _of_kind(content, "risk_factors"):
        found = read_association(content, str(analysis["id"]))
        cuts = select_results(content.results, str(analysis["id"]), group="cutpoints")
        by_source: dict[str, list[str]] = {}
        for (_, factor, *_), one in cuts.estimates.items():
            if one.value is not None:
                by_source.setdefault(one.text, []).append(name_inside(found.title(factor)))
        for source, names in by_source.items():
            where = "at these cut-offs" if source == "youden" else "at cut-offs stated in the protocol"
            text = (
                f"In {name_analyses([analysis])}, {join_names(names)} were divided {where}; a value at the "
            )
            text += "cut-off belonged to the upper group."
            if source == "youden":
                text += (
                    " Cut-offs and odds ratios came from the same patients, so both look better than they "
                )
                text += "will in others."
            yield text


def _late_sentences(content: ReportContent) -> Iterator[str]:
    names = list[str]()
    for analysis in _of_kind(content, *AGAINST_OUTCOME):
        rows = content.results.filter(
            pl.col("analysis_id") == analysis["id"],
            pl.col("note").fill_null("").str.contains(LATE, literal=True),
        )
        found = read_association(content, str(analysis["id"]))
        lookup = select_results(content.results, str(analysis["id"]))
        for factor in rows["variable"].unique(maintain_order=True):
            title = found.title(factor)
            names.append(name_inside(clean_text(lookup.title(factor)) if title == factor else title))
    if names:
        yield (
            f"Of the factors, {join_names(dict.fromkeys(names))} became known only after the infusion; "
            "what is known so late can be associated with the outcome but could not have predicted it."
        )


def statistics_paragraphs(content: ReportContent, references: References) -> list[str]:
    """Return how numbers were described, compared and modeled, by the tests and models that ran."""
    analyses = _of_kind(content, "risk_factors", "crosstab")
    found = [read_association(content, str(one["id"])) for one in analyses]
    paragraphs = [
        " ".join([*_description(content, found), *_normality(content, references)]),
        " ".join(_tests(content, references)),
        " ".join([*_models(content, found, references), *_selections(found)]),
        " ".join([*_model_sizes(found), *_gates(content)]),
    ]
    return [text for text in paragraphs if text]


def _description(content: ReportContent, found: Sequence[Association]) -> Iterator[str]:
    if any(one.has_groups for one in found) or _of_kind(content, "characteristics"):
        yield (
            "Numeric variables are given as median (range), categorical variables as number (percentage of "
            "the patients with a known value)."
        )


def _methods(content: ReportContent, *groups: str) -> list[str]:
    """Return the tests whose P values stand in some groups of rows, without those that the protocol names."""
    asked = [one["id"] for one in content.analyses if one["kind"] not in OWN_PARAGRAPHS]
    is_asked = pl.col("analysis_id").is_in(asked)
    is_known = (pl.col("estimate") == "p_value") & pl.col("value").is_not_null()
    is_named = pl.col("note").fill_null("").str.contains(NAMED, literal=True)
    rows = content.results.filter(is_asked, is_known, pl.col("group").is_in(groups), ~is_named)
    return rows["text"].unique(maintain_order=True).to_list()


def _normality(content: ReportContent, references: References) -> Iterator[str]:
    methods = _methods(content, "normality")
    if "shapiro_wilk" in methods:
        yield f"Normality was assessed by the Shapiro-Wilk test {references.cite_method('royston')}."
    if "one_sample_wilcoxon" in methods:
        yield (
            "Numeric factors were put to the one-sample Wilcoxon signed-rank test against their mean, which "
            "is no test of normality."
        )


def _tests(content: ReportContent, references: References) -> Iterator[str]:
    methods = _methods(content, "test", "pairwise")
    ranks = [text for name, text in RANK_TESTS.items() if name in methods]
    if ranks:
        source = references.cite_method("mann_whitney")
        yield f"Numeric factors were compared by the Mann-Whitney U test ({' or '.join(ranks)}) {source}."
    if KRUSKAL in methods:
        source = references.cite(*KRUSKAL_SOURCE)
        yield f"Numeric factors were compared over more than two groups by the Kruskal-Wallis test {source}."
    squared = [text for name, text in COUNT_TESTS.items() if name in methods]
    has_fisher = bool({FISHER, MONTE_CARLO} & {*methods})
    if has_fisher:
        limit = " if an expected count was below 5" if squared else ""
        source = references.cite_method("freeman_halton")
        squared.append(f"Fisher's exact test, extended to tables of any size {source},{limit}".rstrip(","))
    if squared:
        yield f"Categorical factors were compared by {' or by '.join(squared)}."
    if MONTE_CARLO in methods:
        seed = content.settings.get("seed")
        started = "" if seed is None else f" (seed {seed})"
        yield f"Where tables were too many to count, P was estimated from tables drawn at random{started}."
    if _methods(content, "pairwise"):
        source = references.cite_method("holm")
        yield f"Tests of pairs of levels were adjusted for their number by Holm's method {source}."
    yield from _conventions(content)
    if methods and "family" not in set(content.results["group"].unique()):
        yield "All tests were two-sided; P values were not adjusted for the number of factors."


def _conventions(content: ReportContent) -> Iterator[str]:
    """Return whose conventions tests and models follow, where the protocol names a program."""
    by_program: dict[str, list[Mapping[str, Any]]] = {}
    for analysis in _of_kind(content, *AGAINST_OUTCOME):
        program = PROGRAMS.get(str(analysis.get("parity") or ""))
        if program:
            by_program.setdefault(program, []).append(analysis)
    for program, analyses in by_program.items():
        yield f"Tests and models follow the conventions of {program} in {name_analyses(analyses)}."


def _models(content: ReportContent, found: Sequence[Association], references: References) -> Iterator[str]:
    methods = _methods(content, UNIVARIABLE, MULTIVARIABLE)
    if WALD in methods:
        yield (
            "Odds ratios (OR) with 95% confidence intervals were estimated by logistic regression, by "
            "maximum likelihood with Wald intervals and Wald tests."
        )
    if PENALIZED in methods:
        sources = f"{references.cite_method('firth')} {references.cite_method('heinze')}"
        yield (
            "Odds ratios (OR) were estimated by logistic regression with Firth's penalty, with profile "
            f"penalized likelihood intervals (95%) and penalized likelihood ratio tests {sources}."
        )
    if methods and any(one.has_numbers for one in found):
        yield f"The odds ratio of a number is that of one unit{_except_steps(content)}."
    lookups = [lookup for one in found for lookup in one.models.values()]
    if methods and any(row.status == "not_estimable" for one in lookups for row in one.estimates.values()):
        yield "Where an odds ratio could not be estimated, the reason is given in its place."


def _except_steps(content: ReportContent) -> str:
    """Return the reservation where the odds ratio of a number is for another step, or between two values."""
    title = pl.col("text").fill_null("")
    has_step = title.str.contains("(per ", literal=True) & ~title.str.contains("(per unit)", literal=True)
    rows = content.results.filter(pl.col("estimate") == "odds_ratio")
    is_other = has_step | title.str.contains(" versus ", literal=True)
    return ", unless another step is named" if rows.filter(is_other).height else ""


def _selections(found: Sequence[Association]) -> Iterator[str]:
    for one in found:
        if not one.models[MULTIVARIABLE].variables:
            continue
        name, selection = name_analyses([one.analysis]), one.analysis.get("selection")
        terms = join_names(name_inside(one.title(term)) for term in one.analysis.get("terms") or ())
        rows = one.models[MULTIVARIABLE].estimates.items()
        is_made = any(key[4] == "odds_ratio" and row.value is not None for key, row in rows)
        if selection:
            entered = "entered" if is_made else "were to enter"
            yield (
                f"In {name}, factors with P < {format_p_level(selection['p_below'])} in "
                f"{_name_screen(one, selection)} {entered} the multivariable model together"
                f"{'' if is_made else NO_MODEL}."
            )
        elif terms:
            had = "had" if is_made else "was to have"
            yield (
                f"The multivariable model of {name} {had} the terms that the protocol names: {terms}"
                f"{'' if is_made else NO_MODEL}."
            )


def _name_screen(found: Association, selection: Mapping[str, Any]) -> str:
    if selection["screen"] == "test":
        return "the test between the groups"
    alone = found.models[UNIVARIABLE]
    has_levels = any(len(alone.levels(factor)) > 2 for factor in alone.variables)
    return "the univariable models" + (" (with several levels: in the test of counts)" if has_levels else "")


def _model_sizes(found: Sequence[Association]) -> Iterator[str]:
    for one in found:
        name = name_analyses([one.analysis])
        alone = one.models[UNIVARIABLE]
        sizes = {key[1]: row.n for key, row in alone.estimates.items() if key[4] == "odds_ratio" and row.n}
        most = max(sizes.values(), default=0)
        fewer = [f"{name_inside(one.title(key))}, {n}" for key, n in sizes.items() if n < most]
        if sizes:
            parts = f" ({'; '.join(fewer)}; the others had no value)" if fewer else ""
            yield f"The univariable models of {name} had {plural(most, 'patient')}{parts}."
        yield from _multivariable_size(one.models[MULTIVARIABLE], name)


def _multivariable_size(lookup: ResultLookup, name: str) -> Iterator[str]:
    n, events, terms, missing = (lookup.value("model", size) for size in MODEL_SIZES)
    if n is None:
        return
    parts = [] if events is None else [f"{format_number(events)} with the event"]
    parts += [] if terms is None else [plural(terms, "term")]
    inside = f" ({', '.join(parts)})" if parts else ""
    left = f"; {format_number(missing)} with a missing value left out" if missing else ""
    yield f"The multivariable model of {name} had {plural(n, 'patient')}{inside}{left}."


def _gates(content: ReportContent) -> Iterator[str]:
    for analysis in _of_kind(content, "risk_factors"):
        gates = list_notes(content.results, str(analysis["id"]), group="gate")
        texts = [clean_text(note).rstrip(".") for note in gates]
        if texts:
            yield f"In {name_analyses([analysis])}: {'; '.join(texts)}."
