"""The model of all patients at the end of a pipeline: its terms, as they are and shrunken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cytopenia.stats.calibration import recalibrate_intercept
from cytopenia.stats.cut_resamples import divide_rows
from cytopenia.stats.logistic import LogisticFit, fit_logistic
from cytopenia.stats.roc import estimate_roc
from cytopenia.stats.scaling import scale_numbers
from cytopenia.study.factor_terms import Term
from cytopenia.study.pipelines import JudgedPipeline, PipelineDesign

__all__ = ["FinalModel", "FinalTerm", "TermKind", "describe_term", "make_final_model"]

Numbers = NDArray[np.float64]
TermKind = Literal["number", "doubling", "at_least", "below", "level", "curve"]


@dataclass(frozen=True, eq=False)
class FinalTerm:
    """One column of the final model, and how a value becomes its number.

    Attributes
    ----------
    term : Term
        The candidate's column that it was made from.
    kind : str
        "number" (divided by `at["step"]`), "doubling" (logarithm to base 2), "at_least" and "below" (1 on
        that side of `at["cut"]`), "level" (1 for `level`), "curve" (part `at["part"]` of a restricted cubic
        spline with the knots `at["knot_1"]` and so on).
    level : str
        What the odds ratio is of, besides the factor; empty of a number.
    column : (patients,) array of float
    at : mapping of str to float
    """

    term: Term
    kind: TermKind
    level: str
    column: Numbers
    at: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, eq=False)
class FinalModel:
    """The fit of all patients, and the same shrunken by the corrected slope.

    Attributes
    ----------
    terms : tuple of FinalTerm
        In the order of `fit.terms`.
    fit : LogisticFit or None
        None where the pipeline chose no factor.
    shrinkage : float or None
        The corrected slope, but at most 1: no coefficient is made larger. None where it is not estimable or
        not above 0.
    shrunken_intercept : float or None
        So that the mean probability is the share with the event.
    """

    terms: tuple[FinalTerm, ...]
    fit: LogisticFit | None
    shrinkage: float | None
    shrunken_intercept: float | None

    @property
    def is_fitted(self) -> bool:
        """Whether there are coefficients."""
        return self.fit is not None and self.fit.status == "ok" and self.fit.intercept is not None

    def list_coefficients(self, *, is_shrunken: bool) -> list[float]:
        """Return intercept and coefficients; call it only on a model that is fitted."""
        fit, factor = self.fit, self.shrinkage if is_shrunken else 1.0
        assert fit is not None and fit.intercept is not None  # noqa: S101, PT018 - is_fitted
        weights = [float(term.coefficient or 0.0) * float(factor or 0.0) for term in fit.terms]
        intercept = self.shrunken_intercept if is_shrunken else fit.intercept.coefficient
        return [float(intercept or 0.0), *weights]


def make_final_model(judged: JudgedPipeline) -> FinalModel:
    """Return the model that the pipeline makes of all patients.

    Parameters
    ----------
    judged : JudgedPipeline
        With a validation.

    Returns
    -------
    FinalModel
        Without terms if no factor was chosen.
    """
    design, validation = judged.design, judged.validation
    assert validation is not None  # noqa: S101 - asked for only where there is one
    terms = tuple(_finish_term(design, place) for place in np.flatnonzero(validation.chosen).tolist())
    if not terms:
        return FinalModel((), None, None, None)
    columns = np.column_stack([term.column for term in terms])
    fit = fit_logistic(
        columns,
        design.event,
        names=[f"{term.term.factor.title} {term.level}".strip() for term in terms],
        method=design.recipe.method,
    )
    slope = validation.slope.corrected
    if any(term.coefficient is None for term in fit.terms):
        fit = replace(fit, status="not_estimable")
    if fit.status != "ok" or slope is None or slope <= 0:
        return FinalModel(terms, fit, None, None)
    slope = min(slope, 1.0)
    weights = np.array([term.coefficient for term in fit.terms], dtype=np.float64)
    return FinalModel(terms, fit, slope, recalibrate_intercept(slope * (columns @ weights), design.event))


def _finish_term(design: PipelineDesign, place: int) -> FinalTerm:
    term, column = design.terms[place], design.columns[:, place]
    direction = design.recipe.cuts[place]
    cut = None
    if direction:
        cut = estimate_roc(column, design.event, high_means_event=direction > 0).cut
        assert cut is not None  # noqa: S101 - a chosen column has its cut
        is_above = divide_rows(column, np.array([cut]))[0]
        column = np.array(is_above if direction > 0 else ~is_above, dtype=np.float64)
    kind, level, at = describe_term(design.terms, place, direction=direction, cut=cut, among=design.in_group)
    return FinalTerm(term, kind, level, column, at)


def describe_term(
    terms: Sequence[Term], place: int, *, direction: int, cut: float | None, among: NDArray[np.bool_]
) -> tuple[TermKind, str, dict[str, float]]:
    """Return how a value becomes the number of a term, its level, and the numbers that this takes.

    Parameters
    ----------
    terms : sequence of Term
        Of the design; those of one factor stand together.
    place : int
        Of the term.
    direction : int
        1 or -1 for a number that is divided at `cut`, else 0.
    cut : float or None
    among : array of bool
        Those whose values give the step of a number.
    """
    term = terms[place]
    if direction and cut is not None:
        kind, sign = ("at_least", ">=") if direction > 0 else ("below", "<")
        return kind, f"{sign} {format(cut, '.12g')}", {"cut": cut}
    if not term.factor.is_number:
        return "level", term.level, {}
    if term.spline is not None:
        part = sum(one.factor.name == term.factor.name for one in terms[:place])
        knots = {f"knot_{number}": knot for number, knot in enumerate(term.spline.knots, start=1)}
        return "curve", term.level, {"part": float(part), **knots}
    if term.factor.scale == "doubling":
        return "doubling", "", {}
    numbers = term.factor.numbers.fill_null(np.nan).to_numpy()
    step = scale_numbers(numbers, term.factor.scale, among=among).step
    return "number", "", {"step": float(step or 1.0)}
