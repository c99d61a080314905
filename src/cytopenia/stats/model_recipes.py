"""How a model is made from patients, repeated in many samples at once: cuts, selection, fit."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytopenia.errors import DataError
from cytopenia.stats.batched_logistic import fit_logistic_batch, predict_batch
from cytopenia.stats.batched_screens import FactorScreen, screen_factor
from cytopenia.stats.cut_resamples import divide_rows, find_counted_cuts, sort_rows

__all__ = ["MadeModels", "ModelRecipe", "Progress", "make_models"]

Numbers = NDArray[np.float64]
Marks = NDArray[np.bool_]
Progress = Callable[[int, int], None]

# Numbers of one block of designs.
BLOCK = 4_000_000
# Samples between two calls of progress.
TOLD_EVERY = 250


@dataclass(frozen=True)
class ModelRecipe:
    """How a model is made from patients; every step is repeated in every sample.

    Attributes
    ----------
    method : str
        "maximum_likelihood" or "firth".
    factors : tuple of int
        The factor that each column belongs to; the columns of one factor enter together.
    p_below : float or None
        Factors enter whose univariable P is below this: Wald for one column, the likelihood ratio for
        several. All enter if None.
    cuts : tuple of int
        One for each column: 1 divides it at the cut with the largest Youden index, high values meaning the
        event; -1 the same, low values meaning it; 0 leaves it as it is. Every column is left as it is if
        empty. A column without a cut in a sample is not in that sample's model.
    screens : tuple of FactorScreen
        One for each factor, in its order: with `p_below` factors enter by the P of this test instead. The
        test of a factor that is divided counts the sides of its cut.
    """

    method: str
    factors: tuple[int, ...]
    p_below: float | None = None
    cuts: tuple[int, ...] = ()
    screens: tuple[FactorScreen, ...] = ()

    @property
    def has_cuts(self) -> bool:
        """Whether a column is divided."""
        return any(self.cuts)


@dataclass(frozen=True, eq=False)
class MadeModels:
    """The models of many samples, asked about all rows.

    Attributes
    ----------
    chosen : (samples, columns) array of bool
    scores : (samples, rows) array of float
        Log odds; NaN where no model could be fitted.
    unscreened : (samples, columns) array of bool
        Columns of a factor whose screen has no finite estimate in the sample; such a factor is not chosen.
    """

    chosen: Marks
    scores: Numbers
    unscreened: Marks


def make_models(
    columns: Numbers,
    marks: Numbers,
    times: Numbers,
    *,
    recipe: ModelRecipe,
    allowed: Marks | None = None,
    progress: Progress | None = None,
) -> MadeModels:
    """Divide, select and fit in every sample.

    Parameters
    ----------
    columns : (rows, columns) or (samples, rows, columns) array of float
        The second form where the columns differ from sample to sample; then the recipe divides none.
    marks : (rows,) or (samples, rows) array of 0 and 1
    times : (samples, rows) array
        How often each row stands in each sample.
    recipe : ModelRecipe
    allowed : (samples, columns) array of bool, optional
        Which columns there are in each sample; all without it.
    progress : callable, optional
        Called with the samples done and all samples.

    Raises
    ------
    DataError
        The recipe does not fit the columns, or the method is unknown.
    """
    _require_recipe(columns, recipe)
    count = len(times)
    rows, width = columns.shape[-2:]
    size = max(1, min(count, BLOCK // max(1, rows * width)))
    size = size if progress is None else min(size, TOLD_EVERY)
    chosen, unscreened = (np.zeros((count, width), dtype=bool) for _ in range(2))
    scores = np.full((count, rows), np.nan)
    has_column = np.ones((count, width), dtype=bool) if allowed is None else allowed
    for start in range(0, count, size):
        part = slice(start, start + size)
        own = columns[part] if columns.ndim == 3 else columns
        own_marks = marks[part] if marks.ndim == 2 else marks
        made = _make_block(own, own_marks, (times[part], has_column[part]), recipe)
        chosen[part], scores[part], unscreened[part] = made.chosen, made.scores, made.unscreened
        if progress is not None:
            progress(min(start + size, count), count)
    return MadeModels(chosen, scores, unscreened)


def _require_recipe(columns: Numbers, recipe: ModelRecipe) -> None:
    width = columns.shape[-1]
    given = {"factors": len(recipe.factors), "cuts": len(recipe.cuts) or width}
    wrong = [
        f"recipe.{name}: {count} given for {width} columns" for name, count in given.items() if count != width
    ]
    factors = len(set(recipe.factors))
    if recipe.screens and len(recipe.screens) != factors:
        wrong.append(f"recipe.screens: {len(recipe.screens)} given for {factors} factors")
    if columns.ndim == 3 and recipe.has_cuts:
        wrong.append("recipe.cuts: columns that differ from sample to sample are divided before")
    if any(cut not in (-1, 0, 1) for cut in recipe.cuts):
        wrong.append("recipe.cuts: only 1, -1 and 0 are allowed")
    divided = [factor for factor, cut in zip(recipe.factors, recipe.cuts, strict=False) if cut]
    if any(recipe.factors.count(factor) > 1 for factor in divided):
        wrong.append("recipe.cuts: a factor that is divided must be one column")
    if wrong:
        raise DataError("; ".join(wrong))


def _make_block(
    columns: Numbers, marks: Numbers, samples: tuple[Numbers, Marks], recipe: ModelRecipe
) -> MadeModels:
    times, allowed = samples
    designs, has_column = _divide(columns, marks, times, recipe)
    passed, unscreened = _select(designs, marks, times, recipe)
    chosen = allowed & has_column & passed
    fit = fit_logistic_batch(designs, marks, times, method=recipe.method, chosen=chosen, include_errors=False)
    return MadeModels(chosen, predict_batch(fit, designs), unscreened)


def _divide(columns: Numbers, marks: Numbers, times: Numbers, recipe: ModelRecipe) -> tuple[Numbers, Marks]:
    """The design of each sample, and which of its columns there are."""
    has_column = np.ones((len(times), columns.shape[-1]), dtype=bool)
    if not recipe.has_cuts:
        return columns, has_column
    designs = np.tile(columns, (len(times), 1, 1))
    whole = times.astype(np.int64)
    for place, direction in enumerate(recipe.cuts):
        if not direction:
            continue
        values = columns[:, place]
        order = np.argsort(values, kind="stable")
        rows = sort_rows(values, marks == 1, high_means_event=direction > 0)
        cut = find_counted_cuts(rows, whole[:, order])
        designs[:, :, place] = divide_rows(values, cut)
        has_column[:, place] = ~np.isnan(cut)
    return designs, has_column


def _select(designs: Numbers, marks: Numbers, times: Numbers, recipe: ModelRecipe) -> tuple[Marks, Marks]:
    """Which columns of each sample are of a factor with a P below the limit, and which of one without a P."""
    shape = len(times), designs.shape[-1]
    if recipe.p_below is None:
        return np.ones(shape, dtype=bool), np.zeros(shape, dtype=bool)
    chosen, unscreened = (np.zeros(shape, dtype=bool) for _ in range(2))
    for rank, factor in enumerate(dict.fromkeys(recipe.factors)):
        own = [place for place, name in enumerate(recipe.factors) if name == factor]
        if recipe.screens:
            is_cut = bool(recipe.cuts and recipe.cuts[own[0]])
            sides = designs[..., own[0]] if is_cut else None
            p = screen_factor(recipe.screens[rank], marks, times, sides=sides)
        else:
            p = _test_factor(designs[..., own], marks, times, recipe.method)
        # NaN is below nothing: a factor without an estimate is not chosen, and told apart from one without
        # evidence.
        chosen[:, own] = (p < recipe.p_below)[:, np.newaxis]
        unscreened[:, own] = np.isnan(p)[:, np.newaxis]
    return chosen, unscreened


def _test_factor(columns: Numbers, marks: Numbers, times: Numbers, method: str) -> Numbers:
    """P of one factor by itself: Wald for one column, the likelihood ratio for several."""
    from scipy.special import chdtrc, ndtr

    fit = fit_logistic_batch(columns, marks, times, method=method)
    if columns.shape[-1] == 1:
        with np.errstate(invalid="ignore"):
            return 2.0 * ndtr(-np.abs(fit.coefficients[:, 1] / fit.standard_errors[:, 0]))
    scores = predict_batch(fit, columns)
    share = ((times * marks).sum(axis=1) / times.sum(axis=1))[:, np.newaxis]
    with np.errstate(divide="ignore", invalid="ignore"):
        empty = np.broadcast_to(np.log(share / (1.0 - share)), scores.shape)
        ratio = 2.0 * (_measure_likelihood(scores, marks, times) - _measure_likelihood(empty, marks, times))
    return chdtrc(columns.shape[-1], np.maximum(ratio, 0.0))


def _measure_likelihood(scores: Numbers, marks: Numbers, times: Numbers) -> Numbers:
    return -(times * np.logaddexp(0.0, (1.0 - 2.0 * marks) * scores)).sum(axis=1)
