"""Factors as columns of a model: numbers in steps, curves, levels; and the model that they go into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.stats.logistic import LogisticFit, LogisticTerm, estimate_contrasts, fit_logistic
from cytopenia.stats.model_tests import JointTest, compare_terms
from cytopenia.stats.ordinal import (
    OrdinalFit,
    compare_ordinal_terms,
    estimate_ordinal_contrasts,
    fit_ordinal,
)
from cytopenia.stats.scaling import scale_numbers
from cytopenia.stats.splines import make_spline, place_knots
from cytopenia.study.factors import FactorColumn

__all__ = [
    "BEND",
    "Fitting",
    "Interval",
    "Method",
    "ModelMethod",
    "Spline",
    "Term",
    "make_terms",
]

Mask = NDArray[np.bool_]
Numbers = NDArray[np.float64]
Method = Literal["maximum_likelihood", "firth"]
ModelMethod = Literal["maximum_likelihood", "firth", "proportional_odds"]
Interval = Literal["wald", "profile"]
SIGNIFICANT = ".4g"
LINE, BEND = "line", "bend "


@dataclass(frozen=True)
class Spline:
    """Where a curve bends, and the two values whose odds are compared."""

    knots: tuple[float, ...]
    low: float
    high: float

    def lay_out(self, values: Sequence[float]) -> Numbers:
        """Return the columns of some values of the number."""
        return make_spline(values, self.knots)

    @property
    def step(self) -> str:
        """What the odds ratio is for, in words."""
        return f"{self.high:{SIGNIFICANT}} versus {self.low:{SIGNIFICANT}}"


@dataclass(frozen=True)
class Term:
    """One column of a design matrix: a number in steps, a part of a curve, or a level against the reference.

    `step` is what the odds ratio of a number is for, in words.
    """

    factor: FactorColumn
    level: str
    column: Numbers
    step: str = ""
    spline: Spline | None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.factor.title} {self.level}".strip()


@dataclass(frozen=True)
class Fitting:
    """Columns and outcome of the patients of a model, and how it is fitted.

    Attributes
    ----------
    columns : array of float, patients by terms
    outcome : array of float
        0 and 1, or with "proportional_odds" the grade.
    names : tuple of str
    method : str
    interval : str or None
        The statistic of interval and P; without it the usual one of the method.
    """

    columns: Numbers
    outcome: Numbers
    names: tuple[str, ...]
    method: ModelMethod
    interval: Interval | None = None

    def fit(self) -> LogisticFit | OrdinalFit:
        """Fit the model."""
        if self.method == "proportional_odds":
            interval = self.interval or "wald"
            return fit_ordinal(self.columns, self.outcome, names=self.names, interval=interval)
        return fit_logistic(
            self.columns, self.outcome, names=self.names, method=self.method, interval=self.interval
        )

    def compare(self, tested: Sequence[str]) -> JointTest:
        """Test whether some of the columns could be left out."""
        if self.method == "proportional_odds":
            return compare_ordinal_terms(self.columns, self.outcome, names=self.names, tested=tested)
        return compare_terms(self.columns, self.outcome, names=self.names, tested=tested, method=self.method)

    def contrast(self, contrasts: Mapping[str, Numbers]) -> tuple[LogisticTerm, ...]:
        """Estimate odds ratios between rows of columns."""
        if self.method == "proportional_odds":
            interval = self.interval or "wald"
            return estimate_ordinal_contrasts(
                self.columns, self.outcome, names=self.names, contrasts=contrasts, interval=interval
            )
        return estimate_contrasts(
            self.columns,
            self.outcome,
            names=self.names,
            contrasts=contrasts,
            method=self.method,
            interval=self.interval,
        )


def make_terms(
    factor: FactorColumn, members: Mask, *, among: Mask
) -> tuple[list[Term], dict[tuple[str, str], str]]:
    """Return the columns of a factor, and why it or a level has none, by (factor, level).

    Parameters
    ----------
    factor : FactorColumn
    members : array of bool
        The patients of the model.
    among : array of bool
        Those whose values give steps and knots: every patient with an outcome, so that a factor has the same
        step in each model.
    """
    if not members.any():
        return [], {(factor.name, ""): "no patient with every value"}
    if factor.is_number:
        return _make_number(factor, members, among)
    values = factor.values.cast(pl.String).to_numpy()
    reference = factor.reference_level
    counts = {level: int((values[members] == level).sum()) for level in factor.list_levels()}
    if sum(count > 0 for count in counts.values()) == 1:
        return [], {(factor.name, ""): "all patients have the same level"}
    if not counts[reference]:
        return [], {(factor.name, ""): f"nobody has the reference level '{reference}'"}
    others = [level for level in counts if level != reference]
    terms = [Term(factor, level, (values == level).astype(np.float64)) for level in others if counts[level]]
    return terms, {(factor.name, level): "no patient" for level in others if not counts[level]}


def _make_number(
    factor: FactorColumn, members: Mask, among: Mask
) -> tuple[list[Term], dict[tuple[str, str], str]]:
    numbers = factor.numbers.to_numpy()
    if len(np.unique(numbers[members])) == 1:
        return [], {(factor.name, ""): "all patients have the same value"}
    if factor.spline_knots is not None:
        return _make_curve(factor, numbers, among)
    scaled = scale_numbers(numbers, factor.scale, among=among)
    if scaled.status != "ok":
        return [], {(factor.name, ""): scaled.note}
    return [Term(factor, "", scaled.numbers, _name_step(factor.scale, scaled.step))], {}


def _name_step(scale: str | float, step: float | None) -> str:
    names = {"iqr": "interquartile range", "sd": "standard deviation"}
    if scale in ("unit", "doubling"):
        return f"per {scale}"
    shown = f"{step:{SIGNIFICANT}}"
    return f"per {names[scale]}, {shown}" if isinstance(scale, str) else f"per {shown} units"


def _make_curve(
    factor: FactorColumn, numbers: Numbers, among: Mask
) -> tuple[list[Term], dict[tuple[str, str], str]]:
    known = numbers[among & ~np.isnan(numbers)]
    knots = place_knots(known, factor.spline_knots or 0)
    if knots.status != "ok":
        return [], {(factor.name, ""): knots.note}
    low, high = factor.between or tuple(float(end) for end in np.quantile(known, [0.25, 0.75]))
    spline = Spline(knots.places, low, high)
    columns = spline.lay_out(numbers.tolist())
    levels = [LINE, *(f"{BEND}{place}" for place in range(1, columns.shape[1]))]
    return [
        Term(factor, level, column, spline.step, spline)
        for level, column in zip(levels, columns.T, strict=True)
    ], {}
