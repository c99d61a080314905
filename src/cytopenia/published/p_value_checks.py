"""Printed P values and odds ratios against the counts that are printed with them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from cytopenia.published.check_model import (
    CANNOT_BE_CHECKED,
    CONSISTENT,
    INCONSISTENT,
    VERDICTS,
    Check,
    CheckVerdict,
)
from cytopenia.published.printed_bounds import bound_number
from cytopenia.published.printed_numbers import is_significant
from cytopenia.published.ratio_checks import PrintedTriangle
from cytopenia.published.ratio_triangle import find_p, find_quantile
from cytopenia.published.share_checks import judge_print
from cytopenia.stats.compare import compare_counts
from cytopenia.stats.conventions import compare_counts_by_program
from cytopenia.stats.count_effects import estimate_odds_ratio

__all__ = ["check_p_of_counts", "check_ratio_of_counts", "check_significance_of_counts"]

Rows = Sequence[Sequence[int]]

_NAMES = {
    "chi_squared": "chi-squared",
    "chi_squared_yates": "chi-squared with continuity correction",
    "likelihood_ratio_chi_squared": "likelihood ratio",
    "fisher_exact": "Fisher",
    "linear_by_linear": "linear-by-linear",
    "mid_p": "mid-P",
    "wald": "Wald",
    "doubled": "Fisher, one tail doubled",
}
# What a paper calls chi-squared may have been corrected for continuity.
_OF_NAMED = {
    "fisher": ("Fisher",),
    "chi-squared": ("chi-squared", "chi-squared with continuity correction"),
    "chi-squared with continuity correction": ("chi-squared with continuity correction",),
    "likelihood ratio": ("likelihood ratio",),
    "wald": ("Wald",),
}
_NO_P = "these counts have no P value: a row or a column is empty"
# Far above what a program loses in logarithms, far below the digits of any print.
_LOSS = 1e-12
_ROOM = 0.6  # normal quantiles by which one more test may lie outside those that are known


def check_p_of_counts(
    claim: str, counts: Rows, p: str, *, test: str | None = None, level: Decimal = Decimal("0.05")
) -> Check:
    """Return whether a printed P value is that of a table of counts by any test that is usual.

    Parameters
    ----------
    claim : str
    counts : list of rows, one per category, one column per group
    p : str
        As printed.
    test : str or None
        The test that the paper names.
    level : Decimal
        Of significance; a P value on the wrong side of it is a major fault.

    Examples
    --------
    >>> table = [[1, 18], [13, 27], [1, 3]]
    >>> check_p_of_counts("crs", table, "0.072").arithmetic
    'chi-squared 0.07168; printed 0.072'
    >>> check_p_of_counts("crs", table, "0.003").verdict
    'inconsistent'
    """
    name = "P against the counts"
    known = _list_known(counts, test)
    if not known:
        return Check(claim, name, CANNOT_BE_CHECKED, _NO_P)
    fitting = {word: value for word, value in known.items() if _judge(p, value) != INCONSISTENT}
    if fitting:
        return Check(claim, name, CONSISTENT, f"{_list_words(fitting)}; printed {p}")
    made = f"{_list_words(known)}; printed {p}"
    quantiles = [find_quantile(value) for value in known.values()]
    bound = bound_number(p)
    low, high = (find_quantile(min(max(float(end), 0.0), 1.0)) for end in (bound.high, bound.low))
    is_near = low <= max(quantiles) + _ROOM and high >= min(quantiles) - _ROOM
    if test not in _OF_NAMED and is_near:
        return Check(claim, name, CANNOT_BE_CHECKED, f"{made}: none of these, but another test may give it")
    differs = all((value < float(level)) != is_significant(p, level) for value in known.values())
    return Check(claim, name, INCONSISTENT, made, "major" if differs else "minor")


def check_significance_of_counts(
    claim: str, counts: Rows, stated: str, *, test: str | None = None, level: Decimal = Decimal("0.05")
) -> Check:
    """Return whether counts are associated, or not, as a text says without a P value.

    Where some usual tests lie on either side of the level and the paper names none, it cannot be checked.

    Examples
    --------
    >>> found = check_significance_of_counts("crs", [[1, 18], [13, 27], [1, 3]], "associated")
    >>> found.verdict
    'cannot be checked'
    """
    name = "significance against the counts"
    known = _list_known(counts, test)
    if not known:
        return Check(claim, name, CANNOT_BE_CHECKED, _NO_P)
    made = f"{_list_words(known)}; the text says {stated}"
    said = {value < float(level) for value in known.values()}
    if len(said) == 2:
        return Check(claim, name, CANNOT_BE_CHECKED, f"{made}: it depends on the test")
    verdict = CONSISTENT if said == {stated == "associated"} else INCONSISTENT
    return Check(claim, name, verdict, made, "major" if verdict == INCONSISTENT else "")


def check_ratio_of_counts(
    claim: str, counts: tuple[int, int, int, int], printed: PrintedTriangle, *, measure: str = "odds ratio"
) -> list[Check]:
    """Return whether a ratio, its interval and its P value are those of four counts.

    Parameters
    ----------
    claim : str
    counts : four int
        With and without the event at the printed side, then at the other side.
    printed : PrintedTriangle
    measure : {"odds ratio", "risk ratio"}
        A hazard ratio has no counts; nothing is checked of it.

    Examples
    --------
    >>> printed = PrintedTriangle("11", "3.130", "38.660", "<0.001")
    >>> [check.verdict for check in check_ratio_of_counts("anc", (33, 7, 6, 14), printed)]
    ['consistent', 'consistent', 'consistent']
    """
    if measure == "hazard ratio":
        return []
    known = dict(_list_ratios(counts, measure))
    checks: list[Check] = []
    if printed.estimate is not None:
        checks.append(_check_estimate(claim, counts, printed.estimate, known))
        if checks[0].verdict == INCONSISTENT:
            return checks
    if printed.limits is not None and known:
        checks.append(_check_limits(claim, printed, known))
    if printed.p is not None:
        test = "wald" if printed.has_wald_p else None
        checks.append(check_p_of_counts(claim, (counts[:2], counts[2:]), printed.p, test=test))
    return checks


class _Ratio(NamedTuple):
    value: float
    low: float
    high: float


def _check_estimate(
    claim: str, counts: tuple[int, int, int, int], estimate: str, known: Mapping[str, _Ratio]
) -> Check:
    name = "estimate of the counts"
    a, b, c, d = counts
    shown = f"{a}/{b} and {c}/{d}"
    if not known:
        return Check(
            claim, name, CANNOT_BE_CHECKED, f"{shown}: a count is 0, so that the ratio is 0 or has no end"
        )
    fitting = {
        word: ratio.value for word, ratio in known.items() if _judge(estimate, ratio.value) != INCONSISTENT
    }
    if fitting:
        return Check(claim, name, CONSISTENT, f"{shown}: {_list_words(fitting)}; printed {estimate}")
    made = f"{shown}: {_list_words({word: ratio.value for word, ratio in known.items()})}; printed {estimate}"
    turned = [word for word, ratio in known.items() if _judge(estimate, 1 / ratio.value) != INCONSISTENT]
    repair = (
        f"{estimate} is that of the other side: exchange the sides, or print its reciprocal" if turned else ""
    )
    return Check(claim, name, INCONSISTENT, made, "major", repair)


def _check_limits(claim: str, printed: PrintedTriangle, known: Mapping[str, _Ratio]) -> Check:
    name = "interval of the counts"
    low, high = printed.limits or ("", "")
    fitting = [
        word
        for word, ratio in known.items()
        if INCONSISTENT not in (_judge(low, ratio.low), _judge(high, ratio.high))
    ]
    words = fitting or list(known)
    made = "; ".join(f"{word}: {known[word].low:.5g} to {known[word].high:.5g}" for word in words)
    verdict: CheckVerdict = CONSISTENT if fitting else CANNOT_BE_CHECKED
    rest = "" if fitting else ": none of these, but another method may give it"
    return Check(claim, name, verdict, f"{made}; printed {low} to {high}{rest}")


def _list_known(counts: Rows, test: str | None) -> dict[str, float]:
    """The P values by the tests that a paper may mean."""
    known = {word: value for word, value in _list_p_values(counts) if math.isfinite(value)}
    named = {word: known[word] for word in _OF_NAMED.get(test or "", ()) if word in known}
    return named or known


def _list_p_values(counts: Rows) -> Iterator[tuple[str, float]]:
    for test in compare_counts_by_program(counts, is_ordered=True):
        word = _NAMES.get(test.found.method, test.found.method.replace("_", " "))
        if test.found.p_value is not None:
            yield word, test.found.p_value
    table = np.asarray(counts)
    if table.shape == (2, 2):
        mid = compare_counts(counts, method="fisher_mid_p")
        if mid.p_value is not None:
            yield _NAMES["mid_p"], mid.p_value
        if table.all():
            error = math.sqrt(float((1 / table).sum()))
            logarithm = math.log(table[0, 0] * table[1, 1] / (table[0, 1] * table[1, 0]))
            yield _NAMES["wald"], find_p(logarithm / error)


def _list_ratios(counts: tuple[int, int, int, int], measure: str) -> Iterator[tuple[str, _Ratio]]:
    if min(counts[0] + counts[1], counts[2] + counts[3]) == 0:
        return
    if measure == "risk ratio":
        if counts[0] and counts[2]:
            yield "crude", _spread_risks(counts)
        return
    if all(counts):
        yield "crude", _spread_odds(counts, 0.0)
        exact = estimate_odds_ratio((counts[:2], counts[2:]))
        if exact.value is not None and exact.low is not None and exact.high is not None:
            yield "conditional", _Ratio(exact.value, exact.low, exact.high)
            yield "crude with exact limits", _Ratio(_spread_odds(counts, 0.0).value, exact.low, exact.high)
    yield "with 0.5 added to each count", _spread_odds(counts, 0.5)


def _spread_odds(counts: tuple[int, int, int, int], added: float) -> _Ratio:
    a, b, c, d = (count + added for count in counts)
    return _spread(math.log(a * d / (b * c)), math.sqrt(1 / a + 1 / b + 1 / c + 1 / d))


def _spread_risks(counts: tuple[int, int, int, int]) -> _Ratio:
    a, b, c, d = counts
    return _spread(
        math.log(a * (c + d) / (c * (a + b))), math.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))
    )


def _spread(logarithm: float, error: float) -> _Ratio:
    quantile = find_quantile(0.05)
    return _Ratio(*(math.exp(logarithm + step * quantile * error) for step in (0, -1, 1)))


def _judge(printed: str, value: float) -> CheckVerdict:
    """How a computed number gives a print, whichever side of a half or of a last digit arithmetic left it."""
    near = (value, value * (1 - _LOSS), value * (1 + _LOSS))
    verdicts: list[CheckVerdict] = [judge_print(printed, Decimal(number)) for number in near]
    return min(verdicts, key=VERDICTS.index)


def _list_words(numbers: Mapping[str, float]) -> str:
    return ", ".join(f"{word} {value:.4g}" for word, value in numbers.items())
