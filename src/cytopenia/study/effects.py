"""How far apart the two sides of an outcome are: the effect size of each factor, with its interval."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cytopenia.results import ResultRow
from cytopenia.stats.count_effects import estimate_odds_ratio, estimate_risk_difference, estimate_risk_ratio
from cytopenia.stats.means import estimate_mean_difference
from cytopenia.stats.rank_biserial import estimate_rank_biserial
from cytopenia.stats.shift import Effect, estimate_shift
from cytopenia.study.analysis_forms import Crosstab, RiskFactors
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import KNOWN_AFTER, TOTAL, Sides, count_cells, split_numbers

__all__ = ["summarize_crosstab_effects", "summarize_effects"]

NOBODY = "nobody with a known value"


def summarize_effects(analysis: RiskFactors, factor: FactorColumn, sides: Sides) -> Iterator[ResultRow]:
    """The effect sizes of one factor between the two sides of the outcome.

    A number: its Hodges-Lehmann shift, those with the event against those without it (the difference of means
    where Welch's test is named), and the rank-biserial correlation. Levels: the risk of the event at each
    level against the reference level, as difference, as ratio and as odds ratio; its limits are mid-P where
    that test is named, else exact.
    """
    key = ResultRow(
        analysis_id=analysis.id,
        group="effect",
        variable=factor.name,
        estimate="n",
        note=KNOWN_AFTER if factor.is_known_after_infusion else "",
    )
    test = analysis.tests.get(factor.name)
    if factor.is_number:
        one, two = split_numbers(factor, sides)
        if test == "welch_t":
            name, found = "mean_difference", estimate_mean_difference(one, two)
        else:
            name, found = "shift", estimate_shift(one, two, parity=analysis.own_parity)
        yield replace(key, value=found.n, text=factor.title)
        yield _report(key, name, _tell_censored(found, factor, sides))
        yield _report(key, "rank_biserial", estimate_rank_biserial(one, two))
        return
    cells = count_cells(factor, sides)
    yield replace(key, value=int(cells.sum()), text=factor.title)
    if not cells.size:
        yield _report(key, "risk_difference", Effect("", None, None, None, 0, "not_estimable", NOBODY))
        return
    yield from _compare_levels(key, factor, sides, limits="mid_p" if test == "fisher_mid_p" else "exact")


def summarize_crosstab_effects(analysis: Crosstab, factor: FactorColumn, sides: Sides) -> Iterator[ResultRow]:
    """The effect sizes that a cross table declares: each level against the reference level.

    Rows as in `summarize_effects`, of the declared ones only; nothing where none is.
    """
    cells = count_cells(factor, sides)
    if not analysis.effects or not cells.size:
        return
    key = ResultRow(analysis_id=analysis.id, group="effect", variable=factor.name, estimate="n")
    yield replace(key, value=int(cells.sum()), text=factor.title)
    limits = "mid_p" if analysis.tests.get(factor.name) == "fisher_mid_p" else "exact"
    for row in _compare_levels(key, factor, sides, limits=limits):
        if row.estimate in ("reference", *analysis.effects):
            yield row


def _tell_censored(found: Effect, factor: FactorColumn, sides: Sides) -> Effect:
    """Say in the note how many values were reported only as below a limit."""
    if factor.censored_below is None:
        return found
    members = sides.strata()[TOTAL]
    below = int((factor.censored_below.to_numpy() & factor.values.is_not_null().to_numpy() & members).sum())
    if not below:
        return found
    note = f"{below} reported as below a limit count{'s' if below == 1 else ''} as half of it"
    return replace(found, note="; ".join(filter(None, [found.note, note])))


def _compare_levels(
    key: ResultRow, factor: FactorColumn, sides: Sides, *, limits: str
) -> Iterator[ResultRow]:
    reference = factor.reference_level
    for level in factor.list_levels():
        found = replace(key, variable_level=level)
        if level == reference:
            yield replace(found, estimate="reference", text=factor.title)
            continue
        table = count_cells(factor, sides, levels=[level, reference])
        yield _report(found, "risk_difference", estimate_risk_difference(table))
        yield _report(found, "risk_ratio", estimate_risk_ratio(table))
        yield _report(found, "odds_ratio", estimate_odds_ratio(table, limits=limits))


def _report(key: ResultRow, name: str, found: Effect) -> ResultRow:
    return replace(
        key,
        estimate=name,
        value=found.value,
        low=found.low,
        high=found.high,
        text=found.method,
        n=found.n,
        status=found.status,
        note="; ".join(filter(None, [key.note, found.note])),
    )
