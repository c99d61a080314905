"""Models on imputed values beside those on complete cases, as a table and in the words of the Methods."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from cytopenia.report.association_cells import MODEL, Association, absent_cell, read_association
from cytopenia.report.content import ReportContent
from cytopenia.report.display import clean_text, format_number, format_signs, plural
from cytopenia.report.lookup import Estimate, ResultLookup, select_results
from cytopenia.report.references import References, join_names, name_analyses, name_inside
from cytopenia.report.table_model import Cell, Column, Row, Table

__all__ = ["imputation_paragraphs", "table_imputed_models"]

IMPUTATION = "imputation"
TITLES = {"univariable": "Univariable", "multivariable": "Multivariable"}
DECIMALS = 2
POOLED_NOTE = (
    "Imputed: the same terms and method on each completed table; coefficients pooled by Rubin's rules. "
    "Interval and P: of maximum likelihood from the t distribution with the degrees of freedom of Barnard"
    " and Rubin, of Firth's method from the combined penalized likelihood profiles of the completed "
    "tables."
)
ASSUMED_NOTE = (
    "Imputation assumes that, given the factors and the outcome of this analysis, whether a value is "
    "missing does not depend on the value itself. FMI: fraction of missing information."
)
NOT_POOLED = "the P of all levels together is not pooled over these models"
PASSIVE_NOTE = "Cut-offs are those of the patients with a value; numbers were imputed, and cut afterwards."
METHOD_TEXT = (
    "Numbers were imputed by predictive mean matching (Bayesian draw of the coefficients, type 1 "
    "matching, five donors) and levels by logistic draws on augmented data, by chained equations {mice}; "
    "cut-offs were applied after imputation, and values below a limit of detection counted as observed. "
    "The outcome was in every imputation model {moons} and was itself never imputed."
)
MODELS_TEXT = (
    "The coefficients of the completed tables were pooled by Rubin's rules {rubin}. {intervals} Models on"
    " complete cases stand beside them."
)
GROUPS_TEXT = (
    "Means, differences of means and differences of shares were pooled by Rubin's rules {rubin} with the "
    "degrees of freedom of Barnard and Rubin {barnard}, shares and areas under ROC curves on the logit "
    "scale {marshall}, tests of several levels as Wald tests (D1) {d1}; medians are means of those of the"
    " completed tables. Rank tests and tests of counts were not pooled. Complete cases stand beside them."
)
PREDICTION_TEXT = (
    "For prediction models patients were resampled first and imputed afterwards {order}: in each "
    "bootstrap resample the missing values were imputed anew, once {single} and from that resample alone,"
    " before cut-offs, selection and fit were repeated; optimism was the difference to the same model's "
    "performance on the completed tables of all patients. Performance is that with all inputs known "
    "{ideal}."
)
MAJORITY_TEXT = (
    "A candidate entered the final model if at least half of the completed tables chose it {majority}."
)
VALIDATION_TEXT = (
    "In external validation the C statistic was pooled on the logit scale {marshall}, observed by "
    "expected on the log scale, and slope, intercept and Brier score directly, by Rubin's rules {rubin} "
    "with the degrees of freedom of Barnard and Rubin {barnard}; points of scores were counted after "
    "imputation of their items."
)
T_TEXT = (
    "Intervals and P of maximum likelihood are from the t distribution with the degrees of freedom of "
    "Barnard and Rubin {barnard}."
)
PROFILES_TEXT = (
    "Intervals and P of models with Firth's penalty are from the combined penalized likelihood profiles "
    "of the completed tables {clip}."
)
MOONS = (
    "Moons KGM, Donders RART, Stijnen T, Harrell FE. J Clin Epidemiol 2006;59:1092-1101.",
    "https://doi.org/10.1016/j.jclinepi.2006.01.009",
)
MARSHALL = (
    "Marshall A, Altman DG, Holder RL, Royston P. BMC Med Res Methodol 2009;9:57.",
    "https://doi.org/10.1186/1471-2288-9-57",
)
LI = ("Li KH, Raghunathan TE, Rubin DB. J Am Stat Assoc 1991;86:1065-1073.", "")
ORDERS = (
    ("Wahl S et al. BMC Med Res Methodol 2016;16:144.", "https://doi.org/10.1186/s12874-016-0239-7"),
    ("Schomaker M, Heumann C. Stat Med 2018;37:2252-2266.", "https://doi.org/10.1002/sim.7654"),
)
BRAND = ("Brand J et al. Stat Med 2019.", "https://doi.org/10.1002/sim.7956")
IDEAL = (
    "Wood AM, Royston P, White IR. Biom J 2015.",
    "https://doi.org/10.1002/bimj.201400004",
)
MAJORITY = (
    "Wood AM, White IR, Royston P. Stat Med 2008;27:3227-3246.",
    "https://doi.org/10.1002/sim.3177",
)
MICE = (
    "van Buuren S, Groothuis-Oudshoorn K. J Stat Softw 2011;45(3):1-67.",
    "https://doi.org/10.18637/jss.v045.i03",
)
RUBIN = (
    "Rubin DB. Multiple imputation for nonresponse in surveys. Wiley, 1987.",
    "https://doi.org/10.1002/9780470316696",
)
CLIP = ("Heinze G, Ploner M, Beyea J. Stat Med 2013.", "https://doi.org/10.1002/sim.5899")
BARNARD = ("Barnard J, Rubin DB. Biometrika 1999;86:948-955.", "https://doi.org/10.1093/biomet/86.4.948")


def table_imputed_models(content: ReportContent, analysis_id: str) -> Table:
    """Return each odds ratio on complete cases beside the one on imputed values; no rows without any."""
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
    yield found.odds_cell(*place, model=model)
    yield found.model_p_cell(*place, model=model)
    yield imputed.odds_cell(*place, model=model)
    factor, level = place
    is_whole = not level and found.models[model].get(factor, "p_overall") is not None
    if is_whole and imputed.models[model].levels(factor):
        yield absent_cell(Estimate(None, "", "not_done", NOT_POOLED), found.notes)
    else:
        yield imputed.model_p_cell(*place, model=model)
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
    whole = missing.get(MODEL, "n")
    if whole is not None and whole.note:
        yield f"{clean_text(whole.note)[:1].upper()}{clean_text(whole.note)[1:]}."
    for name in missing.variables:
        mixing = missing.get(name, "r_hat")
        if mixing is not None and mixing.note:
            yield f"{found.title(name)}: {clean_text(mixing.note)}."


def imputation_paragraphs(content: ReportContent, references: References) -> list[str]:
    """Return how missing values were imputed and the models pooled; nothing where nothing was imputed."""
    texts = [
        _tell_imputation(content, read_association(content, str(one["id"])))
        for one in content.analyses
        if select_results(content.results, str(one["id"]), group=IMPUTATION).variables
    ]
    if not texts:
        return []
    imputing = METHOD_TEXT.format(mice=references.cite(*MICE), moons=references.cite(*MOONS))
    return [" ".join([*texts, imputing, *_tell_pooling(content, references)])]


def _tell_pooling(content: ReportContent, references: References) -> Iterator[str]:
    """How what was imputed became one number, for what there is."""
    rows = content.results.filter(
        pl.col("group").str.ends_with("_imputed"),
        pl.col("status") == "ok",
        pl.col("analysis_id").is_in([str(one["id"]) for one in content.analyses]),
    )
    groups = set(rows["group"].unique())
    if groups & {"univariable_imputed", "multivariable_imputed", "coefficients_imputed"}:
        yield MODELS_TEXT.format(
            rubin=references.cite(*RUBIN), intervals=" ".join(_tell_intervals(rows, references))
        )
    if groups & {"groups_imputed", "test_imputed", "roc_imputed"}:
        sources = {"rubin": RUBIN, "barnard": BARNARD, "marshall": MARSHALL, "d1": LI}
        yield GROUPS_TEXT.format(**{name: references.cite(*source) for name, source in sources.items()})
    if "gate_imputed" in groups and "performance_imputed" in groups:
        order = " ".join(references.cite(*source) for source in ORDERS)
        single, ideal = references.cite(*BRAND), references.cite(*IDEAL)
        yield PREDICTION_TEXT.format(order=order, single=single, ideal=ideal)
    if "selection_imputed" in groups:
        yield MAJORITY_TEXT.format(majority=references.cite(*MAJORITY))
    if any(one["kind"] == "validation" for one in content.analyses) and "size_imputed" in groups:
        sources = {"rubin": RUBIN, "barnard": BARNARD, "marshall": MARSHALL}
        yield VALIDATION_TEXT.format(**{name: references.cite(*source) for name, source in sources.items()})


def _tell_intervals(rows: pl.DataFrame, references: References) -> Iterator[str]:
    ways = set(rows["text"].unique())
    if "rubin_t" in ways and _has_maximum_likelihood(rows):
        yield T_TEXT.format(barnard=references.cite(*BARNARD))
    if "combined_profiles" in ways:
        yield PROFILES_TEXT.format(clip=references.cite(*CLIP))


def _has_maximum_likelihood(rows: pl.DataFrame) -> bool:
    """Whether a P of a model is from the t distribution; means have it as well."""
    models = ("univariable_imputed", "multivariable_imputed", "coefficients_imputed")
    return not rows.filter(pl.col("group").is_in(models), pl.col("text") == "rubin_t").is_empty()


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
        f"In {name_analyses([found.analysis])}, {incomplete} of {n} patients lacked a factor{named}; missing "
        f"values were imputed {count} times with {rounds} iterations."
    )
