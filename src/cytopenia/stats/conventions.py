"""The P values that SPSS, R and SciPy give of the same data by their usual way, and whether they agree.

docs/reviewer_mode.md says of each program which version and which page or source was read.
"""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError
from cytopenia.stats.compare import (
    Comparison,
    compare_counts,
    compare_ranks,
    drop_missing,
    name_rank_method,
    require_counts,
)
from cytopenia.stats.means import compare_means
from cytopenia.stats.trend import compare_ordered_counts

__all__ = [
    "Conclusion",
    "ProgramTest",
    "compare_counts_by_program",
    "compare_distributions_by_program",
    "compare_means_by_program",
    "judge_conclusion",
]

Numbers = NDArray[np.float64]
SPSS, R, SCIPY = "spss", "r", "scipy"
DIFFERENCE, INDEPENDENCE, TREND, MEANS = "difference", "independence", "trend", "means"
EXACT, CONTINUITY, ASYMPTOTIC = "mann_whitney_exact", "mann_whitney_continuity", "mann_whitney_asymptotic"
EXACT_UNTIED = "mann_whitney_exact_untied"
LIKELIHOOD_RATIO, LINEAR = "likelihood_ratio_chi_squared", "linear_by_linear"
# IBM SPSS Statistics, command reference of NPAR TESTS, subcommand M-W: an exact significance up to 40 cases.
SPSS_EXACT_CASES = 40
# SciPy 1.17, mannwhitneyu(method="auto"): asymptotic if both samples have more values, or a value is tied.
SCIPY_EXACT_VALUES = 8
UNTIED = "of the distribution without ties"
HALF = "U is {0:g}, no whole number; how SPSS rounds it is not published"
EXACT_MODULE = "SPSS needs its Exact Tests option for it"
BY_CHANCE = (
    "the exact P; SciPy draws 9999 tables by chance, so that its own P is near this and differs between runs"
)
TWO = 2


@dataclass(frozen=True)
class ProgramTest:
    """One test as one program does it.

    Attributes
    ----------
    program : str
        `spss`, `r` or `scipy`.
    question : str
        `difference` of ranks, `means`, `independence` of counts, or `trend` over ordered levels. Only tests
        of the same question can contradict each other.
    found : Comparison
        Its method says which test; its note, what is particular to the program.
    """

    program: str
    question: str
    found: Comparison


@dataclass(frozen=True)
class Conclusion:
    """Whether the P values of one question lie on both sides of a level.

    Attributes
    ----------
    depends : bool or None
        None with fewer than two P values.
    smallest, largest : float or None
    """

    depends: bool | None
    smallest: float | None
    largest: float | None


def compare_distributions_by_program(first: ArrayLike, second: ArrayLike) -> tuple[ProgramTest, ...]:
    """Return the two-sided Mann-Whitney tests that the programs print of two samples; NaN is missing.

    Parameters
    ----------
    first, second : array of float

    Returns
    -------
    tuple of ProgramTest
        SPSS: asymptotic, corrected for ties, without continuity correction; up to 40 cases also the exact P
        of the distribution without ties, which is not estimable where ties make U no whole number. R:
        `wilcox.test(first, second)`. SciPy: `mannwhitneyu(first, second)`, exact if a sample has at most 8
        values and none occurs twice, else with continuity correction.

    Notes
    -----
    Same as R 4.2.2 and SciPy 1.17 to 1e-9. What SPSS prints follows its documentation; no SPSS was run.

    References
    ----------
    IBM SPSS Statistics, command reference, NPAR TESTS, subcommand M-W.

    Examples
    --------
    >>> for one in compare_distributions_by_program([1.1, 2.2, 3.3], [4.4, 5.5, 6.6]):
    ...     print(one.program, one.found.method, round(one.found.p_value, 4))
    spss mann_whitney_asymptotic 0.0495
    spss mann_whitney_exact_untied 0.1
    r mann_whitney_exact 0.1
    scipy mann_whitney_exact 0.1
    """
    one, two = drop_missing(first), drop_missing(second)
    tests = [(SPSS, compare_ranks(one, two, ASYMPTOTIC))]
    if one.size + two.size <= SPSS_EXACT_CASES:
        tests.append((SPSS, _count_untied(one, two)))
    tests.append((R, compare_ranks(one, two, name_rank_method(one, two, "r"))))
    tests.append((SCIPY, compare_ranks(one, two, _name_scipy_method(one, two))))
    return tuple(ProgramTest(program, DIFFERENCE, found) for program, found in tests)


def _name_scipy_method(one: Numbers, two: Numbers) -> str:
    has_ties = np.unique(np.concatenate([one, two])).size < one.size + two.size
    return EXACT if min(one.size, two.size) <= SCIPY_EXACT_VALUES and not has_ties else CONTINUITY


def _count_untied(one: Numbers, two: Numbers) -> Comparison:
    """The exact P as if no value occurred twice, as SPSS prints it beside the asymptotic one."""
    found = replace(compare_ranks(one, two, EXACT), method=EXACT_UNTIED)
    if found.statistic is None:
        return found
    if found.statistic != np.floor(found.statistic):
        note = HALF.format(found.statistic)
        return replace(found, statistic=None, p_value=None, status="not_estimable", note=note)
    return replace(found, note=UNTIED)


def compare_means_by_program(first: ArrayLike, second: ArrayLike) -> tuple[ProgramTest, ...]:
    """Return the two-sided t tests that the programs print of two samples; NaN is missing.

    SPSS prints Student's and Welch's, `t.test` of R gives Welch's, `ttest_ind` of SciPy gives Student's. Same
    as R 4.2.2 and SciPy 1.17 to 1e-9.

    Examples
    --------
    >>> found = compare_means_by_program([1, 2, 3, 4], [3, 5, 7, 9, 11])
    >>> [(one.program, one.found.method, round(one.found.p_value, 4)) for one in found][2:]
    [('r', 'welch_t', 0.0303), ('scipy', 'student_t', 0.0331)]
    """
    welch, student = compare_means(first, second), compare_means(first, second, with_equal_spread=True)
    tests = ((SPSS, student), (SPSS, welch), (R, welch), (SCIPY, student))
    return tuple(ProgramTest(program, MEANS, found) for program, found in tests)


def compare_counts_by_program(
    table: ArrayLike, *, is_ordered: bool = False, seed: int = 0
) -> tuple[ProgramTest, ...]:
    """Return the tests that the programs print of a table of counts.

    Parameters
    ----------
    table : array of int, one row per level, with and without the event
        Empty rows and columns are left out first.
    is_ordered : bool
        The levels of more than two rise in their order: their trend is tested as well.
    seed : int
        Used only where Fisher's P must be estimated by chance.

    Returns
    -------
    tuple of ProgramTest
        SPSS (CROSSTABS): Pearson's chi-squared without Yates' correction, with it (two by two), the
        likelihood ratio, Fisher's test, and linear-by-linear association. R: `chisq.test(table)`, which
        corrects two by two, `fisher.test(table)`, and `prop.trend.test` of ordered levels. SciPy:
        `chi2_contingency(table)`, which corrects two by two, and `fisher_exact(table)`. Of more than two
        levels the linear-by-linear association is one of order: it stands under `trend`, and only if the
        levels have an order.

    Notes
    -----
    Same as R 4.2.2 to 1e-9 and as SciPy 1.17; of larger tables SciPy estimates Fisher's P by chance, and here
    it is exact. What SPSS prints follows its documentation; no SPSS was run.

    References
    ----------
    IBM SPSS Statistics, command reference, CROSSTABS, subcommand STATISTICS.

    Examples
    --------
    >>> for one in compare_counts_by_program([[1, 18], [13, 27], [1, 3]])[:3]:
    ...     print(one.program, one.found.method, round(one.found.p_value, 4))
    spss chi_squared 0.0717
    spss likelihood_ratio_chi_squared 0.0412
    spss fisher_exact 0.0472
    """
    counts = require_counts(table)
    filled = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    plain = compare_counts(counts, method="chi_squared")
    usual = compare_counts(counts, method="chi_squared", parity="r")
    fisher = compare_counts(counts, method="fisher_exact", seed=seed)
    is_larger = filled.shape[0] > TWO
    tests = [(SPSS, plain)]
    if filled.shape == (TWO, TWO):
        tests.append((SPSS, usual))
    tests += [
        (SPSS, _compare_likelihoods(filled, plain)),
        (SPSS, _remark(fisher, EXACT_MODULE if is_larger else "")),
        (R, usual),
        (R, fisher),
        (SCIPY, usual),
        (SCIPY, _remark(fisher, BY_CHANCE if is_larger else "")),
    ]
    asked = [ProgramTest(program, INDEPENDENCE, found) for program, found in tests]
    return (*asked, *_list_trends(counts, is_larger=is_larger, is_ordered=is_ordered))


def _list_trends(counts: NDArray[np.int64], *, is_larger: bool, is_ordered: bool) -> Iterator[ProgramTest]:
    trend = compare_ordered_counts(counts)
    if not is_larger:
        yield ProgramTest(SPSS, INDEPENDENCE, _take_one_off(trend))
    elif is_ordered:
        yield ProgramTest(SPSS, TREND, _take_one_off(trend))
        yield ProgramTest(R, TREND, trend)


def _remark(found: Comparison, words: str) -> Comparison:
    if found.p_value is None:
        return found
    return replace(found, note="; ".join(filter(None, [found.note, words])))


def _compare_likelihoods(filled: NDArray[np.int64], plain: Comparison) -> Comparison:
    """The likelihood ratio of a table without empty rows or columns."""
    if plain.p_value is None:
        return replace(plain, method=LIKELIHOOD_RATIO)
    from scipy.stats import chi2_contingency

    found = chi2_contingency(filled, correction=False, lambda_="log-likelihood")
    statistic, p_value = np.asarray(found[:2], dtype=np.float64).tolist()
    return replace(plain, method=LIKELIHOOD_RATIO, statistic=statistic, p_value=p_value)


def _take_one_off(trend: Comparison) -> Comparison:
    """The linear-by-linear association of SPSS: that of Cochran and Armitage with n - 1 in place of n."""
    if trend.statistic is None:
        return replace(trend, method=LINEAR)
    from scipy.special import chdtrc

    statistic = trend.statistic * (trend.n - 1) / trend.n
    return replace(trend, method=LINEAR, statistic=statistic, p_value=float(chdtrc(1, statistic)))


def judge_conclusion(tests: Sequence[Comparison], *, level: float) -> Conclusion:
    """Return whether some P values of one question lie below a level of significance and some do not.

    A P at the level is not below it. Tests without a P do not count.

    Raises
    ------
    DataError
        A level that is not between 0 and 1.

    Examples
    --------
    >>> tests = [one.found for one in compare_counts_by_program([[1, 18], [13, 27], [1, 3]])]
    >>> judge_conclusion(tests, level=0.05).depends, judge_conclusion(tests, level=0.01).depends
    (True, False)
    """
    if not 0 < level < 1:
        raise DataError(f"level: {level:g}; allowed: a number between 0 and 1")
    known = [test.p_value for test in tests if test.p_value is not None]
    if not known:
        return Conclusion(None, None, None)
    smallest, largest = min(known), max(known)
    return Conclusion(smallest < level <= largest if len(known) >= TWO else None, smallest, largest)
