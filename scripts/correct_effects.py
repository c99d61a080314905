"""The part of a correct paper that prints means, differences, correlations, curves, rates and statistics.

Every number is made by SciPy, NumPy or a formula of a textbook, and printed by the paper's own rounding.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.random import Generator
from scipy import stats

__all__ = ["EFFECTS", "add_effects"]

LEVEL = 0.95
Z = float(stats.norm.ppf(0.975))
Claims = list[dict[str, Any]]


def add_effects(rng: Generator, printer: Any, n: int, claims: Claims, relations: Claims) -> None:
    """Put one claim of each kind into a paper."""
    for make in EFFECTS:
        make(rng, printer, n, claims, relations)


def _claim(name: str, kind: str, **parts: Any) -> dict[str, Any]:
    return {"id": name, "kind": kind, "where": "Table", "about": name, **parts}


def _p(printer: Any, value: float) -> str:
    return printer.p(min(max(float(value), 0.0), 1.0))


def _add_mean(rng: Generator, printer: Any, n: int, claims: Claims, _: Claims) -> None:
    """Whole numbers, and numbers that are none, with spread, range and interval."""
    digits = int(rng.integers(0, 3))
    for name, is_whole in (("whole", True), ("plain", False)):
        values = rng.poisson(rng.uniform(1, 30), n) if is_whole else rng.gamma(2, 5, n) - rng.uniform(0, 20)
        if not is_whole:
            values = np.round(values, 4)
        mean, sd = float(values.mean()), float(values.std(ddof=1))
        error = sd / math.sqrt(n)
        quantile = Z if rng.random() < 0.5 else float(stats.t.ppf(0.975, n - 1))
        shown = {
            "mean": printer.write(mean, digits),
            "sd": printer.write(sd, digits),
            "se": printer.write(error, digits + 1),
            "low": printer.write(mean - quantile * error, digits),
            "high": printer.write(mean + quantile * error, digits),
            "minimum": printer.write(float(values.min()), digits),
            "maximum": printer.write(float(values.max()), digits),
        }
        if is_whole:
            # The exact quotient: a float may lie on the other side of a half.
            shown["mean"] = printer.quotient(int(values.sum()), n, digits)
        claims.append(_claim(f"mean_{name}", "mean_sd", of=str(n), is_of_whole_numbers=is_whole, **shown))


def _add_two_means(rng: Generator, printer: Any, n: int, claims: Claims, _: Claims) -> None:
    sizes = (int(rng.integers(4, n)), int(rng.integers(4, n)))
    digits = int(rng.integers(0, 3))
    spread = rng.uniform(0.5, 3, 2)
    first, second = (
        rng.normal(rng.normal(10, 2), 3 * share, size) for share, size in zip(spread, sizes, strict=True)
    )
    if rng.random() < 0.3:
        first, second = np.exp(first / 5), np.exp(second / 5)
    kind = str(rng.choice(["student", "welch", "mann-whitney"]))
    found = stats.ttest_ind(first, second, equal_var=kind == "student")
    limits = found.confidence_interval(LEVEL)
    p = stats.mannwhitneyu(first, second).pvalue if kind == "mann-whitney" else found.pvalue
    sds = [float(values.std(ddof=1)) for values in (first, second)]
    means = [float(values.mean()) for values in (first, second)]
    pooled = math.sqrt(((sizes[0] - 1) * sds[0] ** 2 + (sizes[1] - 1) * sds[1] ** 2) / (sum(sizes) - 2))
    is_se = bool(rng.random() < 0.3)
    spreads = [sd / math.sqrt(size) if is_se else sd for sd, size in zip(sds, sizes, strict=True)]
    named = (
        {"test": "t" if kind != "mann-whitney" and rng.random() < 0.5 else kind} if rng.random() < 0.6 else {}
    )
    claims.append(
        _claim(
            "two_means",
            "mean_test",
            means=[printer.write(mean, digits) for mean in means],
            spreads=[printer.write(sd, digits + int(is_se)) for sd in spreads],
            spread="se" if is_se else "sd",
            of=[str(size) for size in sizes],
            difference=printer.write(means[0] - means[1], digits),
            smd=printer.write((means[0] - means[1]) / pooled, 2),
            low=printer.write(float(limits.low), digits),
            high=printer.write(float(limits.high), digits),
            p=_p(printer, p),
            **named,
        )
    )


def limit_share(rng: Generator, count: int, of: int) -> tuple[float, float]:
    """Limits of a share by one of the usual methods."""
    kind = str(rng.choice(["exact", "wilson", "wilsoncc", "wald", "jeffreys", "agresti-coull"]))
    if kind in ("exact", "wilson", "wilsoncc"):
        found = stats.binomtest(count, of).proportion_ci(LEVEL, method=kind)
        return float(found.low), float(found.high)
    if kind == "jeffreys":
        low, high = stats.beta.ppf([0.025, 0.975], count + 0.5, of - count + 0.5)
        return (0.0 if count == 0 else float(low)), (1.0 if count == of else float(high))
    size = of + Z * Z if kind == "agresti-coull" else of
    share = (count + Z * Z / 2) / size if kind == "agresti-coull" else count / of
    width = Z * math.sqrt(share * (1 - share) / size)
    return max(share - width, 0.0), min(share + width, 1.0)


def _add_share(rng: Generator, printer: Any, n: int, claims: Claims, relations: Claims) -> None:
    sizes = [int(rng.integers(3, n)) for _ in range(2)]
    counts = [int(rng.integers(0, size + 1)) for size in sizes]
    for place, (count, size) in enumerate(zip(counts, sizes, strict=True)):
        low, high = limit_share(rng, count, size)
        claims.append(
            _claim(
                f"share_{place}",
                "count_percent",
                count=str(count),
                percent=printer.percent(count, size),
                of=str(size),
                low=printer.write(100 * low, printer.percent_digits),
                high=printer.write(100 * high, printer.percent_digits),
            )
        )
    claims.append(
        _claim(
            "share_whole",
            "count_percent",
            percent=printer.percent(sum(counts), sum(sizes)),
            of=str(sum(sizes)),
        )
    )
    parts = ["share_0.percent", "share_1.percent"]
    relations.append(
        _claim("pooled", "pooled", parts=parts, of=[str(size) for size in sizes], whole="share_whole.percent")
    )
    _add_difference(rng, printer, (counts, sizes), claims)


def _add_difference(
    rng: Generator, printer: Any, shares: tuple[list[int], list[int]], claims: Claims
) -> None:
    (a, c), (n, m) = shares
    apart = a / n - c / m
    width = Z * math.sqrt(a / n * (1 - a / n) / n + c / m * (1 - c / m) / m)
    low, high = apart - width, apart + width
    if rng.random() < 0.5:
        one, two = (
            stats.binomtest(x, size).proportion_ci(LEVEL, method="wilson") for x, size in ((a, n), (c, m))
        )
        low = apart - math.hypot(a / n - one.low, two.high - c / m)
        high = apart + math.hypot(one.high - a / n, c / m - two.low)
    test = float(stats.fisher_exact([[a, n - a], [c, m - c]])[1])
    if rng.random() < 0.5 and 0 < a + c < n + m:
        test = float(stats.chi2_contingency([[a, n - a], [c, m - c]], correction=False)[1])
    counts = {"counts": [str(a), str(n - a), str(c), str(m - c)]} if rng.random() < 0.5 else {}
    claims.append(
        _claim(
            "apart",
            "difference",
            difference=printer.write(100 * apart, 1),
            low=printer.write(100 * low, 1),
            high=printer.write(100 * high, 1),
            p=_p(printer, test),
            **(counts or {"of": ["share_0.percent", "share_1.percent"]}),
        )
    )


def _add_correlation(rng: Generator, printer: Any, n: int, claims: Claims, _: Claims) -> None:
    size = int(rng.integers(8, n))
    shared = rng.normal(size=size)
    first = np.round(shared * rng.normal() + rng.normal(size=size), int(rng.integers(0, 3)))
    second = np.round(shared + rng.normal(size=size), int(rng.integers(0, 3)))
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return
    kind = str(rng.choice(["pearson", "spearman", "kendall"]))
    test = {"pearson": stats.pearsonr, "spearman": stats.spearmanr, "kendall": stats.kendalltau}[kind]
    found = test(first, second)
    r, limits = float(found.statistic), {}
    if kind == "pearson":
        ends = found.confidence_interval(LEVEL)
        limits = {"low": printer.write(float(ends.low), 2), "high": printer.write(float(ends.high), 2)}
        limits["r_squared"] = printer.write(r * r, 2)
    named = {"method": kind} if kind != "pearson" or rng.random() < 0.5 else {}
    claims.append(
        _claim(
            "together",
            "correlation",
            r=printer.write(r, 2),
            p=_p(printer, found.pvalue),
            of=str(size),
            **limits,
            **named,
        )
    )


def _add_curve(rng: Generator, printer: Any, n: int, claims: Claims, relations: Claims) -> None:
    """Kaplan-Meier at three times, with Greenwood's limits on one of three scales."""
    times, ends = rng.exponential(12, n), rng.uniform(1, 40, n)
    seen, is_event = np.minimum(times, ends), times <= ends
    order = np.argsort(seen)
    survival, variance, at_risk, curve = 1.0, 0.0, n, []
    for place in order:
        if is_event[place]:
            survival *= 1 - 1 / at_risk
            variance = variance + 1 / (at_risk * (at_risk - 1)) if at_risk > 1 else math.inf
        at_risk -= 1
        curve.append((float(seen[place]), survival, variance))
    kind = str(rng.choice(["plain", "log", "log-log"]))
    names: list[str] = []
    for time in (3, 6, 12):
        known = [point for point in curve if point[0] <= time]
        if not known or not 0 < known[-1][1] < 1 or not math.isfinite(known[-1][2]):
            continue
        _, share, spread = known[-1]
        low, high = _limit_survival(share, math.sqrt(spread), kind)
        name = f"survival_{time}"
        names.append(f"{name}.probability")
        shown = {
            key: printer.write(100 * end, 1)
            for key, end in (("probability", share), ("low", low), ("high", high))
        }
        if float(shown["probability"]) > 1 or float(shown["high"]) > 1:
            claims.append(_claim(name, "probability", of=str(n), **shown))
        else:
            names.pop()
    if len(names) > 1:
        relations.append(_claim("falls", "order", numbers=names, stated="falling"))


def _limit_survival(share: float, error: float, kind: str) -> tuple[float, float]:
    if kind == "plain":
        return max(share * (1 - Z * error), 0.0), min(share * (1 + Z * error), 1.0)
    if kind == "log":
        return share * math.exp(-Z * error), min(share * math.exp(Z * error), 1.0)
    step = Z * error / abs(math.log(share))
    return share ** math.exp(step), share ** math.exp(-step)


def _add_rate(rng: Generator, printer: Any, n: int, claims: Claims, _: Claims) -> None:
    time = float(np.round(rng.uniform(20, 20 * n), int(rng.integers(0, 2))))
    events = int(rng.poisson(rng.uniform(0.5, 30)))
    kind = str(rng.choice(["exact", "log", "wald"])) if events else "exact"
    if kind == "exact":
        low = float(stats.chi2.ppf(0.025, 2 * events) / 2) if events else 0.0
        high = float(stats.chi2.ppf(0.975, 2 * events + 2) / 2)
    elif kind == "log":
        low, high = events * math.exp(-Z / math.sqrt(events)), events * math.exp(Z / math.sqrt(events))
    else:
        low, high = max(events - Z * math.sqrt(events), 0.0), events + Z * math.sqrt(events)
    shown = {
        name: printer.write(100 * end / time, 2)
        for name, end in (("rate", events), ("low", low), ("high", high))
    }
    person_time = f"{time:.1f}" if time % 1 else f"{time:.0f}"
    claims.append(_claim("rate", "rate", events=str(events), person_time=person_time, per="100", **shown))


def _add_statistic(rng: Generator, printer: Any, n: int, claims: Claims, _: Claims) -> None:
    df = int(rng.integers(1, 5))
    value = float(rng.chisquare(df) * rng.uniform(0.5, 4))
    kind = str(rng.choice(["t", "z", "f", "chi-squared"]))
    p, degrees = {
        "t": (2 * stats.t.sf(value, n), [str(n)]),
        "z": (2 * stats.norm.sf(value), []),
        "f": (stats.f.sf(value, df, n), [str(df), str(n)]),
        "chi-squared": (stats.chi2.sf(value, df), [str(df)]),
    }[kind]
    claims.append(
        _claim(
            "statistic",
            "statistic",
            statistic=kind,
            value=printer.write(value, 2),
            df=degrees,
            p=_p(printer, p),
        )
    )


def _add_accuracy(rng: Generator, printer: Any, n: int, claims: Claims, _: Claims) -> None:
    events = int(rng.integers(2, n - 1))
    a, d = int(rng.integers(1, events + 1)), int(rng.integers(1, n - events + 1))
    b, c = events - a, n - events - d
    shares = {
        "sensitivity": (a, events),
        "specificity": (d, n - events),
        "ppv": (a, a + c),
        "npv": (d, b + d),
        "accuracy": (a + d, n),
    }
    shown = {name: printer.percent(*share) for name, share in shares.items()}
    if max(float(text) for text in shown.values()) <= 1:
        return
    sensitive, specific = a / events, d / (n - events)
    if specific < 1:
        shown["positive_likelihood_ratio"] = printer.write(sensitive / (1 - specific), 2)
    shown["negative_likelihood_ratio"] = printer.write((1 - sensitive) / specific, 2)
    shown["youden"] = printer.write(sensitive + specific - 1, 2)
    groups = {"events": str(events), "others": str(n - events)}
    counts = {"counts": [str(count) for count in (a, b, c, d)]}
    claims.append(_claim("separates", "accuracy", **shown, **(counts if rng.random() < 0.5 else groups)))


def _add_coefficient(rng: Generator, printer: Any, _: int, claims: Claims, __: Claims) -> None:
    """A row of a Cox or logistic model as SPSS prints it."""
    b, error = float(rng.normal(0, 1)), float(rng.uniform(0.1, 0.8))
    digits = printer.ratio_digits
    if math.exp(b - Z * error) < 10**-digits:
        return
    claims.append(
        _claim(
            "row",
            "odds_ratio",
            measure="hazard ratio",
            odds_ratio=printer.write(math.exp(b), digits),
            low=printer.write(math.exp(b - Z * error), digits),
            high=printer.write(math.exp(b + Z * error), digits),
            p=_p(printer, 2 * stats.norm.sf(abs(b) / error)),
            coefficient=printer.write(b, 3),
            standard_error=printer.write(error, 3),
            wald_statistic=printer.write((b / error) ** 2, 3),
        )
    )


def _add_percents(rng: Generator, printer: Any, n: int, claims: Claims, relations: Claims) -> None:
    counts = rng.multinomial(n, rng.dirichlet(np.ones(4))).tolist()
    for place, count in enumerate(counts):
        claims.append(
            _claim(f"of_four_{place}", "count_percent", percent=printer.percent(count, n), of=str(n))
        )
    names = [f"of_four_{place}.percent" for place in range(4)]
    relations.append(_claim("hundred", "percent_sum", parts=names))


EFFECTS = (
    _add_mean,
    _add_two_means,
    _add_share,
    _add_correlation,
    _add_curve,
    _add_rate,
    _add_statistic,
    _add_accuracy,
    _add_coefficient,
    _add_percents,
)
