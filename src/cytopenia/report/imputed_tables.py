"""Models on imputed values beside those on complete cases, as a table and in the words of the Methods."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cytopenia.report.association_cells import MODEL, Association, read_association
from cytopenia.report.content import ReportContent
from cytopenia.report.display import clean_text, format_number, format_signs, plural
from cytopenia.report.lookup import ResultLookup, select_results
from cytopenia.report.methods_text import References, join_names, name_analyses, name_inside
from cytopenia.report.table_model import Cell, Column, Row, Table

__all__ = ["imputation_paragraphs", "table_imputed_models"]

IMPUTATION = "imputation"
TITLES = {"univariable": "Univariable", "multivariable": "Multivariable"}
DECIMALS = 2
POOLED_NOTE = (
    "Imputed: the same terms and method on each completed table, pooled by Rubin's rules; interval and P from "
    "the t distribution with the degrees of freedom of Barnard and Rubin. With Firth's method coefficients and "
    "standard errors are pooled, not profiles, so that the columns differ a little even where little is missing."
)
ASSUMED_NOTE = (
    "Imputation assumes that, given the factors and the outcome of this analysis, whether a value is missing "
    "does not depend on the value itself. FMI: fraction of missing information."
)
PASSIVE_NOTE = "The number was imputed and the cut-off applied to it afterwards."
MICE = (
    "van Buuren S, Groothuis-Oudshoorn K. J Stat Softw 2011;45(3):1-67.",
    "https://doi.org/10.18637/jss.v045.i03",
)
RUBIN = (
    "Rubin DB. Multiple imputation for nonresponse in surveys. Wiley, 1987.",
    "https://doi.org/10.1002/9780470316696",
)
BARNARD = ("Barnard J, Rubin DB. Biometrika 1999;86:948-955.", "https://doi.org/10.1093/biomet/86.4.948")


def table_imputed_models(content: ReportContent, analysis_id: str) -> Table:
    """Return each odds ratio on complete cases beside the one on imputed values; no rows if none was asked."""
    found = read_association(content, analysis_id)
    imputed = _read_imputed(content, found)
    models = [name for name, lookup in imputed.models.items() if lookup.variables]
    missing = select_results(content.results, analysis_id, group=IMPUTATION)
    rows = [row for factor in found.factors for row in _factor_rows(found, imputed, missing, factor=factor)]
    return Table(
        id=f"{analysis_id}-imputed",
        caption="Odds ratios on complete cases and on imputed values",
        columns=(Column("Factor", "left"), Column("Missing"), *_list_columns(models)),
        rows=tuple(rows) if models else (),
        notes=tuple(_list_notes(content, found, missing)) if models else (),
        footnotes=tuple(found.notes.texts),
    )


def _read_imputed(content: ReportContent, found: Association) -> Association:
    """The numbers on imputed values, read like those on complete cases; footnotes are shared."""
    name = str(found.analysis["id"])
    lookups = {model: select_results(content.results, name, group=f"{model}_imputed") for model in TITLES}
    return replace(found, models=lookups)


def _list_columns(models: list[str]) -> Iterator[Column]:
    for model in models:
        for side in ("complete cases", "imputed"):
            over = f"{TITLES[model]}, {side}"
            yield Column("OR (95% CI)", spanner=over)
            yield Column("P", spanner=over)
        yield Column("FMI", spanner=f"{TITLES[model]}, imputed")


def _factor_rows(
    found: Association, imputed: Association, missing: ResultLookup, *, factor: str
) -> Iterator[Row]:
    models = [name for name, lookup in imputed.models.items() if lookup.variables]
    if not models:
        return
    count = missing.get(factor, "missing")
    marks = found.notes.mark(clean_text(count.note)) if count is not None else ()
    gap = Cell("" if count is None else format_number(count.value), marks=marks)
    for level in ["", *_list_levels(found, imputed, factor)]:
        cells = tuple(
            cell for model in models for cell in _pair_cells(found, imputed, (factor, level), model)
        )
        if level:
            yield Row(format_signs(clean_text(level)), (Cell(), *cells), indent=1)
        else:
            yield Row(found.title(factor), (gap, *cells), marks=found.factor_marks(factor))


def _list_levels(found: Association, imputed: Association, factor: str) -> list[str]:
    return list(dict.fromkeys([*found.levels(factor), *imputed.levels(factor)]))


def _pair_cells(
    found: Association, imputed: Association, place: tuple[str, str], model: str
) -> Iterator[Cell]:
    for side in (found, imputed):
        yield side.odds_cell(*place, model=model)
        yield side.model_p_cell(*place, model=model)
    factor, level = place
    share = imputed.models[model].value(factor, "fraction_missing_information", level=level)
    yield Cell("" if share is None else format_number(share, DECIMALS))


def _list_notes(content: ReportContent, found: Association, missing: ResultLookup) -> Iterator[str]:
    count, rounds, n, left = (
        missing.value(MODEL, name) for name in ("imputations", "iterations", "n", "left_out")
    )
    if count is not None and rounds is not None and n is not None:
        gone = f"; {plural(left, 'patient')} without an outcome left out" if left else ""
        yield f"{plural(count, 'imputation')} of {plural(n, 'patient')}, {plural(rounds, 'iteration')}{gone}."
    yield POOLED_NOTE
    yield ASSUMED_NOTE
    if select_results(content.results, str(found.analysis["id"]), group="cutpoints").variables:
        yield PASSIVE_NOTE
    notes = (missing.get(MODEL, "n"), *(missing.get(name, "r_hat") for name in missing.variables))
    for text in dict.fromkeys(clean_text(one.note) for one in notes if one is not None and one.note):
        yield f"{text[:1].upper()}{text[1:]}."


def imputation_paragraphs(content: ReportContent, references: References) -> list[str]:
    """Return how missing values were imputed and the models pooled; nothing where nothing was imputed."""
    texts = [
        _tell_imputation(content, read_association(content, str(one["id"])))
        for one in content.analyses
        if one["kind"] == "risk_factors"
        and select_results(content.results, str(one["id"]), group=IMPUTATION).variables
    ]
    if not texts:
        return []
    return [
        " ".join(
            [
                *texts,
                "Numbers were imputed by predictive mean matching (Bayesian draw of the coefficients, type 1 "
                "matching, five donors) and levels by logistic draws on augmented data, by chained equations "
                f"{references.cite(*MICE)}; cut-offs were applied after imputation, and values below a limit of "
                "detection counted as observed. The outcome was in every imputation model and was itself never "
                "imputed.",
                "The models of the completed tables were pooled on the log odds scale by Rubin's rules "
                f"{references.cite(*RUBIN)}, with the degrees of freedom of Barnard and Rubin "
                f"{references.cite(*BARNARD)} and Wald-type t tests, also where the models had Firth's penalty. "
                "Models on complete cases stand beside them.",
            ]
        )
    ]


def _tell_imputation(content: ReportContent, found: Association) -> str:
    missing = select_results(content.results, str(found.analysis["id"]), group=IMPUTATION)
    count, rounds, n, incomplete = (
        format_number(missing.value(MODEL, name)) for name in ("imputations", "iterations", "n", "incomplete")
    )
    gaps = [
        f"{name_inside(clean_text(one.text))} ({format_number(one.value)})"
        for name in missing.variables
        if (one := missing.get(name, "missing")) is not None and one.value
    ]
    named = f": {join_names(gaps)}" if gaps else ""
    return (
        f"In {name_analyses([found.analysis])}, {incomplete} of {n} patients lacked a factor{named}; missing values "
        f"were imputed {count} times with {rounds} iterations."
    )
