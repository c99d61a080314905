"""Tests of two samples, of a table of counts and of one sample. Knows no patients and no units."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError, suggest_name
from cytopenia.stats.exact import count_mid_p, estimate_exact_p

__all__ = [
    "EXACT_BELOW",
    "PARITIES",
    "Comparison",
    "assess_normality",
    "compare_counts",
    "compare_distributions",
    "compare_ranks",
    "drop_missing",
    "name_rank_method",
    "rank_values",
    "require_counts",
    "require_one_of",
]

Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]

PARITIES = ("default", "r", "spss")
COUNT_METHODS = ("auto", "chi_squared", "fisher_exact", "fisher_mid_p")
NORMALITY_METHODS = ("shapiro_wilk", "one_sample_wilcoxon")
# R's wilcox.test counts all arrangements of samples smaller than this.
EXACT_BELOW = 50
# Chi-squared is kept where no expected count is smaller (Cochran, Biometrics 1954;10:417-451).
LEAST_EXPECTED = 5.0
# The sizes for which Royston's approximation was made (Applied Statistics 1995;44:547-551).
SHAPIRO_SIZES = (3, 5000)
# Digits to which differences from the mean are compared; the rest is noise of the subtraction.
DIGITS = 13
NO_NORMALITY_TEST = (
    "the signed-rank test compares the location with the sample mean; it is no test of normality"
)


@dataclass(frozen=True)
class Comparison:
    """The outcome of one test; None where it could not be done.

    Attributes
    ----------
    method : str
        What was done: `mann_whitney_exact`, `mann_whitney_continuity`, `mann_whitney_asymptotic`,
        `chi_squared`, `chi_squared_yates`, `fisher_exact`, `fisher_monte_carlo`, `fisher_mid_p`,
        `shapiro_wilk` or `one_sample_wilcoxon`; of other modules also `welch_t`, `student_t`,
        `cochran_armitage`, `linear_by_linear`, `likelihood_ratio_chi_squared`, `mann_whitney_exact_untied`,
        `kruskal_wallis` and `jonckheere_terpstra`.
    statistic, p_value : float or None
        The statistic is U of the first sample, t, chi-squared, W, the sum of the positive ranks, or z;
        Fisher's test has none.
    low, high : float or None
        95% limits of a P that was estimated by chance.
    n : int
        Numbers, or patients in the table, that took part.
    status : str
        `ok` or `not_estimable`.
    note : str
        Why not estimable, or what a reader must know.
    """

    method: str
    statistic: float | None
    p_value: float | None
    low: float | None
    high: float | None
    n: int
    status: str
    note: str


def compare_distributions(first: ArrayLike, second: ArrayLike, *, parity: str = "default") -> Comparison:
    """Return the two-sided Mann-Whitney test of two samples; NaN is missing and not counted.

    Parameters
    ----------
    first, second : array of float
    parity : {"default", "r", "spss"}
        "r" is `wilcox.test` of R: exact if both samples have fewer than 50 values and no value occurs twice,
        else normal with ties in the variance and a continuity correction of 1/2. "spss" is the asymptotic P
        of NPAR TESTS: normal, ties in the variance, no continuity correction. "default" is "r".

    Returns
    -------
    Comparison
        The statistic is U of the first sample (R's W): pairs in which the first is larger, ties count half.
        Not estimable: an empty sample, or all values equal.

    Raises
    ------
    DataError
        An unknown parity.

    Notes
    -----
    Same P as `wilcox.test` of R 4.2 to 1e-9.

    References
    ----------
    Mann and Whitney, Annals of Mathematical Statistics 1947;18:50-60. DOI 10.1214/aoms/1177730491.

    Examples
    --------
    >>> compare_distributions([1.1, 2.2, 3.3], [4.4, 5.5, 6.6]).p_value
    0.1
    >>> round(compare_distributions([1, 2, 2], [2, 5, 6], parity="spss").p_value, 6)
    0.104571
    """
    require_one_of("parity", parity, PARITIES)
    one, two = drop_missing(first), drop_missing(second)
    return compare_ranks(one, two, name_rank_method(one, two, parity))


def compare_ranks(one: Numbers, two: Numbers, method: str) -> Comparison:
    """Return one form of the Mann-Whitney test of two samples without missing values."""
    n = one.size + two.size
    if not one.size or not two.size:
        return _refuse(method, n, "a group has no value")
    if np.ptp(rank_values(np.concatenate([one, two]))) == 0:
        return _refuse(method, n, "all values are equal")
    from scipy.stats import mannwhitneyu

    result = mannwhitneyu(
        one,
        two,
        use_continuity=method == "mann_whitney_continuity",
        method="exact" if method == "mann_whitney_exact" else "asymptotic",
    )
    return _accept(method, float(result.statistic), float(result.pvalue), n)


def compare_counts(
    table: ArrayLike, *, parity: str = "default", method: str = "auto", seed: int = 0
) -> Comparison:
    """Return the chi-squared or Fisher's exact test of a table of counts.

    Parameters
    ----------
    table : array of int, rows by columns
        Empty rows and columns are left out first.
    parity : {"default", "r", "spss"}
        "r" corrects the chi-squared of a 2 x 2 table for continuity (Yates), as `chisq.test` does; "spss" and
        "default" do not.
    method : {"auto", "chi_squared", "fisher_exact", "fisher_mid_p"}
        "auto" is chi-squared, and Fisher's test if any expected count is below 5. "fisher_mid_p" counts
        tables as likely as the observed one half; it is for tables of two by two.
    seed : int
        Used only where Fisher's P must be estimated by chance.

    Returns
    -------
    Comparison
        Not estimable: fewer than two rows or two columns with a patient. Fisher's test always returns: where
        the tables are too many to count, P is estimated from tables drawn by chance, with 95% limits. Mid-P
        of a larger table is not estimable.

    Raises
    ------
    DataError
        The table is not a table of whole numbers from 0, or an option is unknown.

    Notes
    -----
    Fisher's P is two-sided: the sum of the probabilities of all tables at most as likely as the observed one.
    Same P as `chisq.test` and `fisher.test` of R 4.2 to 1e-9; mid-P as `Fisher_midP_test_2x2` of the
    R package contingencytables. Mid-P can exceed the nominal level slightly; Fisher's P never does.

    References
    ----------
    Pearson, Philosophical Magazine 1900;50:157-175. Freeman and Halton, Biometrika 1951;38:141-149.
    Lancaster, Journal of the American Statistical Association 1961;56:223-234.
    Lydersen et al., Statistics in Medicine 2009;28:1159-1175. DOI 10.1002/sim.3531.

    Examples
    --------
    >>> round(compare_counts([[33, 6], [7, 14]]).p_value, 6)
    5.8e-05
    >>> compare_counts([[3, 1], [1, 3]]).method
    'fisher_exact'
    """
    require_one_of("parity", parity, PARITIES)
    require_one_of("method", method, COUNT_METHODS)
    counts = _drop_empty(require_counts(table))
    n = int(counts.sum())
    if min(counts.shape) < 2:
        name = "chi_squared" if method == "auto" else method
        return _refuse(name, n, _say_what_is_missing(counts))
    if method == "fisher_mid_p":
        return _compare_by_mid_p(counts)
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0) / n)
    small = int(np.sum(expected < LEAST_EXPECTED))
    if method == "fisher_exact" or (method == "auto" and small):
        return _compare_exactly(counts, seed)
    note = f"{small} of {expected.size} expected counts are below {LEAST_EXPECTED:g}" if small else ""
    return _compare_by_chi_squared(counts, parity == "r" and counts.shape == (2, 2), note)


def assess_normality(values: ArrayLike, *, method: str = "shapiro_wilk") -> Comparison:
    """Return the Shapiro-Wilk test, or the signed-rank test against the sample mean; NaN is missing.

    Parameters
    ----------
    values : array of float
    method : {"shapiro_wilk", "one_sample_wilcoxon"}
        The second compares the sample with its own mean, as published work did; the note says what it does
        not test. It is asymptotic with ties in the variance and no continuity correction, as SPSS; values
        equal to the mean are left out. Differences are compared to 13 digits.

    Returns
    -------
    Comparison
        Not estimable: fewer than 3 (Shapiro-Wilk also more than 5000) values, an infinite value, or all
        values equal.

    Raises
    ------
    DataError
        An unknown method.

    Notes
    -----
    Same as `shapiro.test` and as `wilcox.test(x, mu = mean(x), exact = FALSE, correct = FALSE)` of R 4.2, to
    1e-6.

    References
    ----------
    Royston, Applied Statistics 1995;44:547-551. DOI 10.2307/2986146.

    Examples
    --------
    >>> round(assess_normality([1, 2, 3, 4, 10]).p_value, 4)
    0.1536
    >>> assess_normality([1.0, 1.0, 1.0]).note
    'all values are equal'
    """
    require_one_of("method", method, NORMALITY_METHODS)
    sample = drop_missing(values)
    least, most = SHAPIRO_SIZES
    if sample.size < least:
        return _refuse(method, sample.size, f"fewer than {least} values")
    if not np.all(np.isfinite(sample)):
        return _refuse(method, sample.size, "a value is infinite")
    if np.ptp(sample) == 0:
        return _refuse(method, sample.size, "all values are equal")
    if method == "one_sample_wilcoxon":
        return _compare_with_mean(sample)
    if sample.size > most:
        return _refuse(method, sample.size, f"the test is made for at most {most} values")
    from scipy.stats import shapiro

    result = shapiro((sample - sample.min()) / np.ptp(sample))
    return _accept(method, float(result.statistic), float(result.pvalue), sample.size)


def require_one_of(name: str, value: str, allowed: Sequence[str]) -> None:
    """Raise DataError with the allowed values unless the option is one of them."""
    if value not in allowed:
        raise DataError(
            f"{name}: unknown '{value}'{suggest_name(value, allowed)}; allowed: {', '.join(allowed)}"
        )


def require_counts(table: ArrayLike) -> Counts:
    """Return a table of whole numbers from 0, or raise DataError."""
    counts = np.asarray(table)
    if counts.ndim != 2:
        raise DataError(f"table: {counts.ndim} dimensions; give counts in rows and columns")
    numbers = counts.astype(np.float64)
    if not np.all(np.isfinite(numbers)) or np.any(numbers < 0) or np.any(numbers != np.floor(numbers)):
        raise DataError("table: counts must be whole numbers from 0")
    return numbers.astype(np.int64)


def drop_missing(values: ArrayLike) -> Numbers:
    """Return the values that are not NaN, in one row."""
    sample = np.asarray(values, dtype=np.float64).ravel()
    return sample[~np.isnan(sample)]


def _drop_empty(counts: Counts) -> Counts:
    return counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]


def _say_what_is_missing(counts: Counts) -> str:
    if not counts.size:
        return "the table is empty"
    return f"only one {'row' if counts.shape[0] < 2 else 'column'} of the table has patients"


def _refuse(method: str, n: int, note: str) -> Comparison:
    return Comparison(method, None, None, None, None, int(n), "not_estimable", note)


def _accept(method: str, statistic: float, p_value: float, n: int, note: str = "") -> Comparison:
    return Comparison(method, statistic, p_value, None, None, int(n), "ok", note)


def rank_values(values: Numbers) -> Numbers:
    """Return ranks from 1; ties share their mean rank."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(values), dtype=np.float64)


def name_rank_method(one: Numbers, two: Numbers, parity: str) -> str:
    """Return which form of the Mann-Whitney test two samples get under a parity."""
    if parity == "spss":
        return "mann_whitney_asymptotic"
    has_ties = np.unique(np.concatenate([one, two])).size < one.size + two.size
    if max(one.size, two.size) < EXACT_BELOW and not has_ties:
        return "mann_whitney_exact"
    return "mann_whitney_continuity"


def _compare_exactly(counts: Counts, seed: int) -> Comparison:
    exact = estimate_exact_p(counts, seed=seed)
    method = "fisher_monte_carlo" if exact.resamples else "fisher_exact"
    note = (
        f"P estimated from {exact.resamples} tables drawn by chance, seed {seed}" if exact.resamples else ""
    )
    return Comparison(method, None, exact.p_value, exact.low, exact.high, int(counts.sum()), "ok", note)


def _compare_by_mid_p(counts: Counts) -> Comparison:
    n = int(counts.sum())
    if counts.shape != (2, 2):
        rows, columns = counts.shape
        return _refuse(
            "fisher_mid_p", n, f"mid-P is for tables of two by two; this one is {rows} by {columns}"
        )
    return Comparison("fisher_mid_p", None, count_mid_p(counts), None, None, n, "ok", "")


def _compare_by_chi_squared(counts: Counts, is_corrected: bool, note: str) -> Comparison:
    from scipy.stats import chi2_contingency

    statistic, p_value = np.asarray(chi2_contingency(counts, correction=is_corrected)[:2], dtype=np.float64)
    method = "chi_squared_yates" if is_corrected else "chi_squared"
    return _accept(method, float(statistic), float(p_value), int(counts.sum()), note)


def _compare_with_mean(sample: Numbers) -> Comparison:
    """Signed-rank test of the differences from the mean, normal, ties in the variance, no continuity."""
    from scipy.special import ndtr

    scale = float(np.max(np.abs(sample)))
    # The mean of values that are equal up to their sign of difference must not break their tie.
    scaled = sample / scale
    differences = np.round(scaled - math.fsum(scaled) / scaled.size, DIGITS)
    differences = differences[differences != 0]
    n = differences.size
    if n == 0:
        return _refuse("one_sample_wilcoxon", sample.size, "all values are equal")
    ranks = rank_values(np.abs(differences))
    _, times = np.unique(ranks, return_counts=True)
    positive = float(ranks[differences > 0].sum())
    variance = n * (n + 1) * (2 * n + 1) / 24 - float(np.sum(times.astype(np.float64) ** 3 - times)) / 48
    z = (positive - n * (n + 1) / 4) / math.sqrt(variance)
    return _accept("one_sample_wilcoxon", positive, 2 * float(ndtr(-abs(z))), sample.size, NO_NORMALITY_TEST)
