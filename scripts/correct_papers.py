"""Papers whose every number is right: random counts, printed by the conventions and methods that papers use.

Nothing here comes from the package's own checks: intervals, tests and roundings are made by SciPy and by the
formulas of the textbooks. The cohorts are random numbers; no patient stands behind them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
from correct_effects import add_effects
from numpy.random import Generator
from scipy import stats
from scipy.optimize import brentq
from scipy.special import expit, xlogy

__all__ = ["INTERVALS", "ROUNDINGS", "TESTS", "make_paper"]

ROUNDINGS = {"half up": ROUND_HALF_UP, "half even": ROUND_HALF_EVEN, "cut off": ROUND_DOWN}
INTERVALS = ("wald", "profile", "exact", "half added")
TESTS = ("fisher", "chi-squared", "yates", "likelihood ratio", "mid-p", "wald", "boschloo", "permutation")
QUANTILE = 1.959963984540054
Table = tuple[int, int, int, int]


class Printer:
    """Numbers as one paper prints them: one way of rounding, one number of decimals for each kind."""

    def __init__(self, rng: Generator) -> None:
        self.rounding = str(rng.choice(list(ROUNDINGS)))
        self.percent_digits = int(rng.integers(0, 3))
        self.ratio_digits = int(rng.integers(1, 4))
        # Half of the papers name Wald's method, and use no other.
        self.is_wald = bool(rng.random() < 0.5)

    def write(self, number: float, digits: int) -> str:
        exact = Decimal(repr(number)) if isinstance(number, float) else Decimal(number)
        return str(exact.quantize(Decimal(1).scaleb(-digits), rounding=ROUNDINGS[self.rounding]))

    def percent(self, count: int, of: int) -> str:
        exact = Decimal(100 * count) / Decimal(of)
        return str(exact.quantize(Decimal(1).scaleb(-self.percent_digits), rounding=ROUNDINGS[self.rounding]))

    def quotient(self, total: int, of: int, digits: int) -> str:
        exact = Decimal(total) / Decimal(of)
        return str(exact.quantize(Decimal(1).scaleb(-digits), rounding=ROUNDINGS[self.rounding]))

    def ratio(self, number: float) -> str:
        return self.write(number, self.ratio_digits)

    def p(self, value: float) -> str:
        return "<0.001" if value < 0.001 else self.write(value, 3)


def make_paper(rng: Generator) -> dict[str, Any]:
    """Return the tables of one paper, as `load_paper` reads them from TOML."""
    printer = Printer(rng)
    n = int(rng.integers(20, 400))
    events = int(rng.integers(6, n - 6))
    claims: list[dict[str, Any]] = [
        _claim("patients", "count", count=str(n)),
        _claim(
            "events", "count_percent", count=str(events), percent=printer.percent(events, n), of="patients"
        ),
        _claim("others", "count", count=str(n - events)),
    ]
    relations = [_relation("sum_groups", "partition", parts=["events", "others"], whole="patients")]
    for make in (_add_categories, _add_numbers, _add_curve):
        make(rng, printer, {"n": n, "events": events}, claims, relations)
    add_effects(rng, printer, n, claims, relations)
    for place in range(3):
        _add_ratio(rng, printer, (events, n - events), f"ratio_{place}", claims, relations)
    return {
        "id": "correct",
        "title": "A correct table of random numbers",
        "citation": "Simulated",
        "significance_level": "0.05",
        **({"interval": "wald", "test": "wald"} if printer.is_wald else {}),
        "claims": claims,
        "relations": relations,
    }


def _claim(name: str, kind: str, **parts: Any) -> dict[str, Any]:
    return {"id": name, "kind": kind, "where": "Table", "about": name, **parts}


_relation = _claim


def _add_categories(
    rng: Generator, printer: Printer, sizes: dict[str, int], claims: list[Any], relations: list[Any]
) -> None:
    """A feature with several categories, with the counts and without."""
    n = sizes["n"]
    counts = rng.multinomial(n, rng.dirichlet(np.ones(int(rng.integers(2, 6)))))
    for place, count in enumerate(counts.tolist()):
        percent = printer.percent(count, n)
        claims.append(
            _claim(f"category_{place}", "count_percent", count=str(count), percent=percent, of=str(n))
        )
        claims.append(_claim(f"percent_{place}", "count_percent", percent=percent, of="patients"))
        relations.append(
            _relation(
                f"same_{place}", "same", numbers=[f"category_{place}.percent", f"percent_{place}.percent"]
            )
        )
    parts = [f"category_{place}" for place in range(len(counts))]
    relations.append(_relation("sum_categories", "partition", parts=parts, whole="patients"))
    relations.append(_relation("part", "subset", part="category_0", whole="patients"))


def _add_numbers(
    rng: Generator, printer: Printer, sizes: dict[str, int], claims: list[Any], relations: list[Any]
) -> None:
    """A number with median, range, quartiles, and patients below a limit; a mean of whole numbers."""
    n, digits = sizes["n"], int(rng.integers(0, 3))
    values = np.round(rng.lognormal(rng.normal(1, 1.5), 0.8, n), digits)
    ends = {
        "median": float(np.median(values)),
        "first_quartile": float(np.quantile(values, 0.25)),
        "third_quartile": float(np.quantile(values, 0.75)),
        "minimum": float(values.min()),
        "maximum": float(values.max()),
    }
    shown = {name: printer.write(value, digits) for name, value in ends.items()}
    claims.append(_claim("number", "median_range", **shown))
    limit = float(rng.choice(values))
    side = str(rng.choice(["below", "at or below", "above", "at or above"]))
    compare: dict[str, Callable[[Any, float], Any]] = {
        "below": np.less,
        "at or below": np.less_equal,
        "above": np.greater,
        "at or above": np.greater_equal,
    }
    count = int(compare[side](values, limit).sum())
    claims.append(
        _claim("low", "count_percent", count=str(count), percent=printer.percent(count, n), of=str(n))
    )
    written = {"limit": format(Decimal(repr(limit)), "f")} if rng.random() < 0.7 else {}
    relations.append(_relation("beside", "median_count", median="number", count="low", side=side, **written))
    whole = rng.poisson(rng.uniform(1, 30), n)
    mean = Decimal(int(whole.sum())) / n
    text = str(mean.quantize(Decimal("0.01"), rounding=ROUNDINGS[printer.rounding]))
    claims.append(_claim("mean", "mean_sd", mean=text, of="patients", is_of_whole_numbers=True))


def _add_curve(
    rng: Generator, printer: Printer, sizes: dict[str, int], claims: list[Any], _: list[Any]
) -> None:
    """A ROC curve, and one of its cuts: the best one, or any."""
    events, others = sizes["events"], sizes["n"] - sizes["events"]
    digits = int(rng.integers(0, 2))
    high = np.round(rng.normal(rng.uniform(0, 2), 1, events), digits)
    low = np.round(rng.normal(0, 1, others), digits)
    wins = (high[:, None] > low).mean() + (high[:, None] == low).mean() / 2
    spread = math.sqrt(wins * (1 - wins) / min(events, others)) + 0.02
    limits = {"low": max(wins - QUANTILE * spread, 0), "high": min(wins + QUANTILE * spread, 1)}
    shown = {name: printer.write(float(value), 3) for name, value in limits.items()}
    claims.append(_claim("area", "area", area=printer.write(float(wins), 3), **shown))
    cuts = np.unique(np.concatenate([high, low]))
    positives = [(int((high >= cut).sum()), int((low < cut).sum())) for cut in cuts]
    best = max(positives, key=lambda pair: pair[0] / events + pair[1] / others)
    is_best = bool(rng.random() < 0.5)
    hits, rejected = best if is_best else positives[int(rng.integers(len(positives)))]
    claims.append(
        _claim(
            "accuracy",
            "accuracy",
            sensitivity=printer.write(100 * hits / events, 1),
            specificity=printer.write(100 * rejected / others, 1),
            events="events",
            others="others",
            area="area",
            is_best_cut=is_best,
        )
    )


def _add_ratio(
    rng: Generator,
    printer: Printer,
    groups: tuple[int, int],
    name: str,
    claims: list[Any],
    relations: list[Any],
) -> None:
    """An odds ratio by one of the intervals and one of the tests, with and without its counts."""
    share = rng.beta(1, 1, 2)
    first, second = (int(rng.binomial(size, chance)) for size, chance in zip(groups, share, strict=True))
    table: Table = (first, second, groups[0] - first, groups[1] - second)
    if min(table) < 1:
        return
    kind, test = str(rng.choice(INTERVALS)), str(rng.choice(TESTS))
    if printer.is_wald:
        kind = test = "wald"
    estimate, low, high = _limit(table, kind)
    if high > 1e6 or low < 10**-printer.ratio_digits:
        return
    p = _test(table, test)
    parts = {
        "odds_ratio": printer.ratio(estimate),
        "low": printer.ratio(low),
        "high": printer.ratio(high),
        "p": printer.p(p),
    }
    if rng.random() < 0.5:
        parts["counts"] = [str(count) for count in table]
    if rng.random() < 0.5:
        parts["groups"] = ["events", "others"]
    claims.append(_claim(name, "odds_ratio", **parts))
    stated = "higher" if estimate > 1 else "lower"
    relations.append(_relation(f"direction_{name}", "direction", ratio=name, stated=stated))
    said = "associated" if Decimal(parts["p"].lstrip("<")) < Decimal("0.05") else "not associated"
    relations.append(_relation(f"significance_{name}", "significance", p=name, stated=said))
    rows = [[str(table[0]), str(table[1])], [str(table[2]), str(table[3])]]
    claims.append(_claim(f"test_{name}", "test", counts=rows, p=parts["p"]))


def _limit(table: Table, kind: str) -> tuple[float, float, float]:
    added = 0.5 if kind == "half added" else 0.0
    a, b, c, d = (count + added for count in table)
    logarithm, error = math.log(a * d / (b * c)), math.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    if kind in ("wald", "half added"):
        ends = (logarithm - QUANTILE * error, logarithm + QUANTILE * error)
    elif kind == "profile":
        ends = _profile(table, logarithm)
    else:
        found = stats.contingency.odds_ratio([table[:2], table[2:]])
        limits = found.confidence_interval(0.95)
        return float(found.statistic), float(limits.low), float(limits.high)
    return math.exp(logarithm), math.exp(ends[0]), math.exp(ends[1])


def _profile(table: Table, logarithm: float) -> tuple[float, float]:
    a, b, c, d = table
    first, second, events = a + b, c + d, a + c

    def height(shift: float) -> float:
        base = brentq(lambda x: first * expit(x + shift) + second * expit(x) - events, -80, 80)
        p, q = expit(base + shift), expit(base)
        return float(xlogy(a, p) + xlogy(b, 1 - p) + xlogy(c, q) + xlogy(d, 1 - q))

    top = height(logarithm)

    def drop(shift: float) -> float:
        return 2 * (top - height(shift)) - 3.841458820694124

    return float(brentq(drop, logarithm - 40, logarithm)), float(brentq(drop, logarithm, logarithm + 40))


def _test(table: Table, test: str) -> float:
    rows = [list(table[:2]), list(table[2:])]
    if test == "fisher":
        return float(stats.fisher_exact(rows)[1])
    if test == "wald":
        a, b, c, d = table
        error = math.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
        return float(2 * stats.norm.sf(abs(math.log(a * d / (b * c))) / error))
    if test == "mid-p":
        return _mid_p(table)
    if test == "boschloo" and sum(table) < 120:
        return float(stats.boschloo_exact(np.array(rows), n=16).pvalue)
    if test == "permutation":
        # The chance that random labels differ at least as much, which for two by two is Fisher's by distance.
        return _permute(table)
    lambda_ = "log-likelihood" if test == "likelihood ratio" else None
    return float(stats.chi2_contingency(rows, correction=test == "yates", lambda_=lambda_)[1])


def _mid_p(table: Table) -> float:
    chances, seen = _chances(table)
    return float(chances[chances < seen * (1 - 1e-7)].sum() + 0.5 * chances[np.isclose(chances, seen)].sum())


def _permute(table: Table) -> float:
    a, b, c, d = table
    n, first, events = sum(table), a + b, a + c
    support = np.arange(max(0, events - (n - first)), min(first, events) + 1)
    chances = stats.hypergeom.pmf(support, n, first, events)
    distance = np.abs(support / first - (events - support) / (n - first))
    seen = abs(a / first - c / (c + d))
    return float(min(chances[distance >= seen - 1e-12].sum(), 1.0))


def _chances(table: Table) -> tuple[Any, float]:
    a, b, c, _ = table
    n, first, events = sum(table), a + b, a + c
    support: Sequence[int] = range(max(0, events - (n - first)), min(first, events) + 1)
    return stats.hypergeom.pmf(support, n, first, events), float(stats.hypergeom.pmf(a, n, first, events))
