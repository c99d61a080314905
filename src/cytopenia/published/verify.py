"""Check a paper against itself: each claim, and each relation between claims, with a verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import polars as pl

from cytopenia.published.accuracy_checks import (
    as_percent,
    check_accuracy_counts,
    check_derived_accuracy,
    check_predictive_values,
)
from cytopenia.published.area_checks import check_area, check_area_of_cut, has_percents
from cytopenia.published.check_model import CANNOT_BE_CHECKED, CONSISTENT, INCONSISTENT, VERDICTS, Check
from cytopenia.published.claim_forms import (
    AccuracyClaim,
    AreaClaim,
    Claim,
    CountPercentClaim,
    DirectionAndSignificanceClaim,
    MeanClaim,
    MedianRangeClaim,
    OddsRatioClaim,
    RatioClaim,
    TestClaim,
)
from cytopenia.published.claims import Paper
from cytopenia.published.coefficient_checks import check_coefficient
from cytopenia.published.effect_checks import EFFECT_CHECKS
from cytopenia.published.effect_forms import StatisticClaim
from cytopenia.published.hidden_counts import check_counts_behind
from cytopenia.published.mean_checks import PrintedMean, check_spread
from cytopenia.published.p_value_checks import (
    check_p_of_counts,
    check_ratio_of_counts,
    check_significance_of_counts,
)
from cytopenia.published.paper_index import PaperIndex
from cytopenia.published.paper_wide_checks import check_rounding_habit, find_common_limits
from cytopenia.published.ratio_checks import PrintedTriangle, check_ratio
from cytopenia.published.ratio_triangle import can_be_p
from cytopenia.published.relation_checks import check_relation
from cytopenia.published.share_checks import check_impossible_percent, check_percent, check_quotient
from cytopenia.published.share_limits import check_inside, check_share_limits
from cytopenia.published.spread_checks import check_mean, check_order

__all__ = ["CHECK_SCHEMA", "count_checks", "verify_paper"]

CHECK_SCHEMA = pl.Schema(
    {
        "id": pl.String,
        "where": pl.String,
        "about": pl.String,
        "printed": pl.String,
        "check": pl.String,
        "verdict": pl.String,
        "severity": pl.String,
        "arithmetic": pl.String,
        "repair": pl.String,
        "note": pl.String,
    }
)


class _Context(NamedTuple):
    numbers: PaperIndex
    paper: Paper
    level: Decimal


def verify_paper(paper: Paper) -> pl.DataFrame:
    """Return every check of a paper against itself.

    Parameters
    ----------
    paper : Paper
        From `load_paper`.

    Returns
    -------
    DataFrame, columns of `CHECK_SCHEMA`
        One row per check, in the order of the claims and then of the relations; what many claims say
        together comes last. A claim that nothing can be held against has one row that says so. `verdict` is
        "consistent", "rounding convention" (cut off instead of rounded), "cannot be checked" or
        "inconsistent"; `severity` is "minor" or "major" of what is inconsistent, else empty; `arithmetic`
        shows the numbers; `repair` is the smallest change of the print that would make it right.

    Examples
    --------
    >>> from cytopenia.published.claims import load_paper
    >>> checks = verify_paper(load_paper("qiu2023"))
    >>> checks.filter(id="table3_multivariable_il6", verdict="inconsistent")["repair"].item()
    '0.010 for 0.100 (low) repairs estimate, interval and P together'
    """
    context = _Context(PaperIndex(paper.claims), paper, Decimal(paper.significance_level))
    rows: list[dict[str, str]] = []
    for claim in paper.claims:
        checks = list(_check_claim(claim, context)) or [_nothing(claim)]
        rows += [
            _row(check, claim.where, claim.about, claim.printed, "" if claim.at else claim.note)
            for check in checks
        ]
    for relation in paper.relations:
        check = check_relation(relation, context.numbers, context.level)
        rows.append(_row(check, relation.where, relation.about, "", relation.note))
    for check, relation in find_common_limits(paper, context.numbers):
        rows.append(_row(check, relation.where, relation.limit_name, "", ""))
    habit = check_rounding_habit(paper, context.numbers)
    if habit is not None:
        rows.append(_row(habit, "Whole paper", "Percentages of printed counts", "", ""))
    return pl.DataFrame(rows, schema=CHECK_SCHEMA)


def count_checks(checks: pl.DataFrame) -> dict[str, int]:
    """Return how many checks have each verdict, those without any included.

    Examples
    --------
    >>> count_checks(pl.DataFrame(schema=CHECK_SCHEMA))["inconsistent"]
    0
    """
    found = checks["verdict"].to_list()
    return {verdict: found.count(verdict) for verdict in VERDICTS}


def _row(check: Check, *about: str) -> dict[str, str]:
    where, what, printed, note = about
    return {
        "id": check.claim,
        "where": where,
        "about": what,
        "printed": printed,
        "check": check.check,
        "verdict": check.verdict,
        "severity": check.severity,
        "arithmetic": check.arithmetic,
        "repair": check.repair,
        "note": note,
    }


def _nothing(claim: Claim) -> Check:
    if claim.unread:
        words = ", ".join(f"{name.replace('_', ' ')} {text}" for name, text in claim.unread.items())
        return Check(claim.id, "alone", CANNOT_BE_CHECKED, f"printed without a number: {words}")
    return Check(claim.id, "alone", CANNOT_BE_CHECKED, "nothing else in the file can be held against it")


def _check_claim(claim: Claim, context: _Context) -> Iterator[Check]:
    p = claim.parts.get("p")
    if p is not None and not can_be_p(p):
        words = f"{p} is no P value"
        yield Check(claim.id, "P value between 0 and 1", INCONSISTENT, words, "minor")
        if isinstance(claim, StatisticClaim):
            return
        claim = claim.model_copy(update={"p": None})
    check = _CHECKS.get(type(claim))
    if check is not None:
        yield from check(claim, context)
    of_effect = EFFECT_CHECKS.get(type(claim))
    if of_effect is not None:
        yield from of_effect(claim, context.numbers, context.level)


def _check_count_percent(claim: CountPercentClaim, context: _Context) -> Iterator[Check]:
    of = context.numbers.count(claim.of)
    if of is not None and claim.percent is not None:
        if claim.count is None:
            yield check_impossible_percent(claim.id, of=of, percent=claim.percent)
        else:
            yield check_percent(claim.id, count=int(claim.count), of=of, percent=claim.percent)
    if claim.low is None or claim.high is None:
        return
    limits = (claim.low, claim.high)
    inside = check_inside(claim.id, estimate=claim.percent, limits=limits)
    yield inside
    if of is not None and claim.count is not None and inside.verdict == CONSISTENT:
        yield check_share_limits(
            claim.id,
            limits,
            count=int(claim.count),
            of=of,
            confidence=claim.confidence,
            named=claim.interval,
        )


def _check_quotient(claim: RatioClaim, context: _Context) -> Iterator[Check]:
    first, second = (context.numbers.count(name) for name in claim.of or (None, None))
    if first is not None and second is not None:
        yield check_quotient(claim.id, first=first, second=second, ratio=claim.ratio)


def _check_median(claim: MedianRangeClaim, _: _Context) -> Iterator[Check]:
    yield check_order(claim.id, claim.parts)


def _check_mean(claim: MeanClaim, context: _Context) -> Iterator[Check]:
    of = context.numbers.count(claim.of)
    if of is not None and claim.is_of_whole_numbers:
        yield check_mean(claim.id, mean=claim.mean, of=of, items=int(claim.items))
    limits = None if claim.low is None or claim.high is None else (claim.low, claim.high)
    printed = PrintedMean(
        claim.mean, claim.sd, claim.se, limits, claim.minimum, claim.maximum, claim.confidence
    )
    yield from check_spread(claim.id, printed, of, is_whole=claim.is_of_whole_numbers, items=int(claim.items))


def _check_ratio(claim: OddsRatioClaim | DirectionAndSignificanceClaim, context: _Context) -> Iterator[Check]:
    printed = PrintedTriangle(
        claim.odds_ratio,
        claim.low,
        claim.high,
        claim.p,
        claim.confidence,
        is_wald=(claim.interval or context.paper.interval) == "wald",
        has_wald_p=(claim.test or context.paper.test) == "wald",
    )
    yield from check_ratio(claim.id, printed)
    if printed.limits is None and claim.odds_ratio is not None and (claim.low or claim.high):
        # The other limit is printed as a word, such as "NE".
        ends = (claim.low or claim.odds_ratio, claim.high or claim.odds_ratio)
        yield check_inside(claim.id, estimate=claim.odds_ratio, limits=ends)
    yield from check_coefficient(
        claim.id,
        printed,
        coefficient=claim.coefficient,
        standard_error=claim.standard_error,
        wald_statistic=claim.wald_statistic,
    )
    if any(text is not None and text.startswith("-") for text in printed[:3]):
        return
    if claim.counts is not None:
        a, b, c, d = map(int, claim.counts)
        yield from check_ratio_of_counts(claim.id, (a, b, c, d), printed, measure=claim.measure)
    first, second = (context.numbers.count(name) for name in claim.groups or (None, None))
    if first is not None and second is not None and claim.measure == "odds ratio":
        missing = int(claim.missing)
        yield from check_counts_behind(claim.id, printed, (first, second), missing=missing)


def _check_test(claim: TestClaim, context: _Context) -> Iterator[Check]:
    counts = [[int(count) for count in row] for row in claim.counts]
    if claim.p is not None:
        yield check_p_of_counts(claim.id, counts, claim.p, test=claim.test, level=context.level)
    if claim.stated is not None:
        yield check_significance_of_counts(
            claim.id, counts, claim.stated, test=claim.test, level=context.level
        )


def _check_area(claim: AreaClaim, _: _Context) -> Iterator[Check]:
    limits = None if claim.low is None or claim.high is None else (claim.low, claim.high)
    yield from check_area(claim.id, area=claim.area, limits=limits, p=claim.p, confidence=claim.confidence)


def _check_accuracy(claim: AccuracyClaim, context: _Context) -> Iterator[Check]:
    groups = (context.numbers.count(claim.events), context.numbers.count(claim.others))
    if claim.counts is not None:
        a, b, c, d = map(int, claim.counts)
        yield from check_accuracy_counts(claim.id, claim.parts, (a, b, c, d))
    else:
        is_percent = has_percents(claim.shares.values())
        for name, size in zip(("sensitivity", "specificity"), groups, strict=True):
            share = claim.parts.get(name)
            if share is not None and size is not None:
                percent = as_percent(share, is_percent=is_percent)
                yield check_impossible_percent(claim.id, of=size, percent=percent)
        events, others = groups
        if (events is not None and others is not None) or claim.prevalence is not None:
            yield from check_predictive_values(
                claim.id, claim.parts, (events or 0, others or 0), prevalence=claim.prevalence
            )
    yield from check_derived_accuracy(claim.id, claim.parts)
    area = context.numbers.part(claim.area) if claim.area else None
    if area is not None and claim.sensitivity is not None and claim.specificity is not None:
        yield check_area_of_cut(
            claim.id,
            area=area,
            sensitivity=claim.sensitivity,
            specificity=claim.specificity,
            is_best_cut=claim.is_best_cut,
        )


_CHECKS: Mapping[type[Any], Callable[[Any, _Context], Iterator[Check]]] = {
    CountPercentClaim: _check_count_percent,
    RatioClaim: _check_quotient,
    MedianRangeClaim: _check_median,
    MeanClaim: _check_mean,
    OddsRatioClaim: _check_ratio,
    DirectionAndSignificanceClaim: _check_ratio,
    TestClaim: _check_test,
    AreaClaim: _check_area,
    AccuracyClaim: _check_accuracy,
}
