"""The checks of each claim about means, differences, correlations, probabilities, rates and statistics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from cytopenia.published.additive_checks import (
    PrintedEffect,
    check_difference,
    check_probability,
    check_statistic,
)
from cytopenia.published.check_model import Check
from cytopenia.published.claim_forms import CountPercentClaim
from cytopenia.published.correlation_checks import check_correlation
from cytopenia.published.effect_forms import (
    CorrelationClaim,
    DifferenceClaim,
    EstimateClaim,
    MeanTestClaim,
    ProbabilityClaim,
    RateClaim,
    StatisticClaim,
)
from cytopenia.published.mean_checks import TwoMeans, check_means
from cytopenia.published.p_value_checks import check_p_of_counts
from cytopenia.published.paper_index import PaperIndex
from cytopenia.published.share_limits import PrintedRate, check_inside, check_rate

__all__ = ["EFFECT_CHECKS"]

EffectCheck = Callable[[Any, PaperIndex, Decimal], Iterator[Check]]


def _check_estimate(claim: EstimateClaim, _: PaperIndex, __: Decimal) -> Iterator[Check]:
    if claim.limits is not None:
        yield check_inside(claim.id, estimate=claim.value, limits=claim.limits)
    elif claim.value is not None and (claim.low is not None or claim.high is not None):
        yield _check_one_limit(claim)


def _check_one_limit(claim: EstimateClaim) -> Check:
    """The other limit is printed as a word."""
    low, high = claim.low or claim.value or "", claim.high or claim.value or ""
    return check_inside(claim.id, estimate=claim.value, limits=(low, high))


def _check_probability(claim: ProbabilityClaim, index: PaperIndex, _: Decimal) -> Iterator[Check]:
    of = index.count(claim.of)
    yield from check_probability(
        claim.id, claim.probability, claim.limits, of=of, confidence=claim.confidence
    )


def _check_rate(claim: RateClaim, _: PaperIndex, __: Decimal) -> Iterator[Check]:
    if claim.events is not None and claim.person_time is not None:
        printed = PrintedRate(int(claim.events), claim.person_time, claim.rate, claim.per)
        yield from check_rate(claim.id, printed, claim.limits, confidence=claim.confidence)
    if claim.limits is not None:
        yield check_inside(claim.id, estimate=claim.rate, limits=claim.limits)


def _check_difference(claim: DifferenceClaim, index: PaperIndex, level: Decimal) -> Iterator[Check]:
    printed = PrintedEffect(
        claim.difference, claim.limits, claim.p, claim.confidence, is_normal=claim.test == "wald"
    )
    first, second = (index.part(address) for address in claim.of or ("", ""))
    of = None if first is None or second is None else (first, second)
    counts = None
    if claim.counts is not None:
        a, b, c, d = map(int, claim.counts)
        counts = (a, b, c, d)
    behind = counts or _find_counts(claim, index)
    if counts is None and behind is not None:
        printed = printed._replace(p=None)
    yield from check_difference(claim.id, printed, of=of, counts=counts)
    if behind is not None and claim.p is not None:
        a, b, c, d = behind
        yield check_p_of_counts(claim.id, [[a, b], [c, d]], claim.p, level=level)


def _find_counts(claim: DifferenceClaim, index: PaperIndex) -> tuple[int, int, int, int] | None:
    """With and without the event in both groups, if the claims of two percentages print them."""
    found: list[int] = []
    for address in claim.of or ():
        share = index.find(address.partition(".")[0])
        count = index.count(share.count) if isinstance(share, CountPercentClaim) else None
        of = index.count(share.of) if isinstance(share, CountPercentClaim) else None
        if count is None or of is None or count > of:
            return None
        found += [count, of - count]
    if not found:
        return None
    a, b, c, d = found
    return a, b, c, d


def _check_correlation(claim: CorrelationClaim, index: PaperIndex, _: Decimal) -> Iterator[Check]:
    printed = PrintedEffect(claim.r, claim.limits, claim.p, claim.confidence)
    of = index.count(claim.of)
    yield from check_correlation(claim.id, printed, of=of, method=claim.method, r_squared=claim.r_squared)


def _check_means(claim: MeanTestClaim, index: PaperIndex, _: Decimal) -> Iterator[Check]:
    n, m = (index.count(name) for name in claim.of)
    if n is None or m is None:
        return
    yield from check_means(
        claim.id,
        TwoMeans(
            claim.means,
            claim.spreads,
            (n, m),
            is_se=claim.spread == "se",
            difference=claim.difference,
            smd=claim.smd,
            p=claim.p,
            limits=claim.limits,
            confidence=claim.confidence,
            test=claim.test,
        ),
    )


def _check_statistic(claim: StatisticClaim, _: PaperIndex, level: Decimal) -> Iterator[Check]:
    yield check_statistic(
        claim.id,
        statistic=claim.statistic,
        value=claim.value,
        df=tuple(map(float, claim.df)),
        p=claim.p,
        level=float(level),
    )


EFFECT_CHECKS: Mapping[type[Any], EffectCheck] = {
    EstimateClaim: _check_estimate,
    ProbabilityClaim: _check_probability,
    RateClaim: _check_rate,
    DifferenceClaim: _check_difference,
    CorrelationClaim: _check_correlation,
    MeanTestClaim: _check_means,
    StatisticClaim: _check_statistic,
}
