"""Sentences of the Methods on models: statistics, steps, curves, trends, collinearity, grades."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from cytopenia.report.association_cells import MODELS, read_association
from cytopenia.report.cells import outcome_title
from cytopenia.report.content import ReportContent
from cytopenia.report.display import format_number
from cytopenia.report.lookup import select_results
from cytopenia.report.model_words import PER_UNIT, split_step
from cytopenia.report.references import References, join_names, name_analyses, name_inside

__all__ = ["regression_paragraphs"]

SPLINES = ("Harrell FE. Regression Modeling Strategies. 2nd ed. Springer 2015.", "10.1007/978-3-319-19425-7")
INFLATION = ("Fox J, Monette G. J Am Stat Assoc 1992;87:178-183.", "10.1080/01621459.1992.10475190")
ORDINAL = ("McCullagh P. J R Stat Soc B 1980;42:109-142.", "10.1111/j.2517-6161.1980.tb01109.x")
ODDS = ("Peterson B, Harrell FE. Appl Stat 1990;39:205-217.", "10.2307/2347760")
SIZE = ("Whitehead J. Stat Med 1993;12:2257-2271.", "10.1002/sim.4780122404")
RATIO = {
    "likelihood_ratio": "likelihood ratio",
    "penalized_likelihood_ratio": "penalized likelihood ratio",
}


def regression_paragraphs(content: ReportContent, references: References) -> list[str]:
    """Return what models did beyond single coefficients, by the rows that are there."""
    paragraphs = [
        " ".join([*_say_factors(content, references), *_say_collinearity(content, references)]),
        " ".join(_say_ordinal(content, references)),
    ]
    return [text for text in paragraphs if text]


def _analyses(content: ReportContent, *kinds: str) -> list[Mapping[str, Any]]:
    ran = set(content.results["analysis_id"].unique())
    return [one for one in content.analyses if one["kind"] in kinds and one["id"] in ran]


def _rows(content: ReportContent) -> pl.DataFrame:
    named = [one["id"] for one in _analyses(content, "risk_factors", "ordinal")]
    is_model = pl.col("analysis_id").is_in(named) & pl.col("group").is_in(MODELS)
    return content.results.filter(is_model)


def _cite(references: References, source: tuple[str, str]) -> str:
    return references.cite(source[0], f"https://doi.org/{source[1]}")


def _methods_of(rows: pl.DataFrame, estimate: str) -> str:
    found = rows.filter((pl.col("estimate") == estimate) & pl.col("value").is_not_null())
    names = found["text"].unique(maintain_order=True).to_list()
    return join_names(RATIO.get(str(name), str(name)) for name in names)


def _say_factors(content: ReportContent, references: References) -> Iterator[str]:
    rows = _rows(content)
    binary = rows.filter(
        pl.col("analysis_id").is_in([one["id"] for one in _analyses(content, "risk_factors")])
    )
    if "likelihood_ratio" in binary.filter(pl.col("estimate") == "p_value")["text"].to_list():
        yield (
            "Odds ratios (OR) with 95% confidence intervals were estimated by logistic regression, by "
            "maximum likelihood with profile likelihood intervals and likelihood ratio tests."
        )
    steps = _name_steps(content)
    if steps:
        yield f"Odds ratios are {'; '.join(steps)}."
    whole = _methods_of(rows, "p_overall")
    if whole:
        yield f"Factors with several terms were tested as a whole by the {whole} test."
    if _methods_of(rows, "p_trend"):
        yield (
            "Trends over ordered levels were estimated with the scores 0, 1, 2 and so on in place of the "
            "levels."
        )
    curves = _name_curves(content)
    if curves:
        bend = _methods_of(rows, "p_nonlinear")
        tested = f"; departure from a line was tested by the {bend} test" if bend else ""
        yield (
            f"Restricted cubic splines with knots at fixed quantiles {_cite(references, SPLINES)} described "
            f"{join_names(curves)}{tested}."
        )


def _name_steps(content: ReportContent) -> list[str]:
    """Every step that is not a unit, with its factors: "per doubling of ferritin"."""
    named: dict[str, list[str]] = {}
    for analysis in _analyses(content, "risk_factors", "ordinal"):
        found = read_association(content, str(analysis["id"]))
        for lookup in found.models.values():
            for (_, factor, _, _, estimate), one in lookup.estimates.items():
                step = split_step(one.text)[1] if estimate == "odds_ratio" else ""
                if step.startswith("per ") and step != PER_UNIT:
                    names = named.setdefault(step, [])
                    names += [title] if (title := name_inside(found.title(factor))) not in names else []
    return [f"{step} of {join_names(names)}" for step, names in named.items()]


def _name_curves(content: ReportContent) -> list[str]:
    names = list[str]()
    for analysis in _analyses(content, "risk_factors", "ordinal"):
        found = read_association(content, str(analysis["id"]))
        for model, lookup in found.models.items():
            names += [
                name_inside(found.title(factor))
                for factor in lookup.variables
                if "knot_1" in lookup.names(factor) and model in MODELS
            ]
    return list(dict.fromkeys(names))


def _say_collinearity(content: ReportContent, references: References) -> Iterator[str]:
    named = [one["id"] for one in _analyses(content, "risk_factors", "ordinal")]
    rows = content.results.filter(
        pl.col("analysis_id").is_in(named), pl.col("group") == "collinearity", pl.col("value").is_not_null()
    )
    if rows.is_empty():
        return
    marked = rows.filter(pl.col("note") != "").height
    found = "" if marked else "; none was large"
    yield (
        "Collinearity of the multivariable models was measured by variance inflation factors, generalized "
        "for factors with several terms, and by the condition number of the standardized columns "
        f"{_cite(references, INFLATION)}{found}."
    )


def _say_ordinal(content: ReportContent, references: References) -> Iterator[str]:
    analyses = _analyses(content, "ordinal")
    if not analyses:
        return
    outcomes = dict.fromkeys(
        name_inside(outcome_title(content, str(one.get("outcome") or "the outcome"))) for one in analyses
    )
    texts = set[str]()
    for one in analyses:
        for model in MODELS:
            lookup = select_results(content.results, str(one["id"]), group=model)
            texts |= {found.text for key, found in lookup.estimates.items() if key[4] == "p_value"}
    statistics = {"wald": "Wald intervals and tests", "likelihood_ratio": "profile likelihood intervals and "
                  "likelihood ratio tests"}  # fmt: skip
    words = join_names(text for name, text in statistics.items() if name in texts)
    yield (
        f"The grade of {join_names(outcomes)} was modeled by proportional odds {_cite(references, ORDINAL)}"
        f"{f', with {words}' if words else ''} ({name_analyses(analyses)}). Whether one odds ratio describes "
        f"every step of the grade was put to the score test {_cite(references, ODDS)}."
    )
    for one in analyses:
        gates = select_results(content.results, str(one["id"]), group="gate")
        size = gates.value("model", "effective_size")
        if size is not None:
            yield (
                f"In {name_analyses([one])} the ordered outcome had an effective size of "
                f"{format_number(size, 1)} patients {_cite(references, SIZE)}; the rules of the number of "
                "events were applied to the patients outside the most frequent grade."
            )
