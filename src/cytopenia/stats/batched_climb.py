"""The climb of many logistic regressions to their tops, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cytopenia.stats.batched_designs import BatchedDesign, SharedDesign, invert_batch

__all__ = ["FitBlock", "find_start", "fit_block", "measure_errors"]

Numbers = NDArray[np.float64]
Marks = NDArray[np.bool_]
Places = NDArray[np.intp]

# Of the squared length of a step in standard errors.
TOLERANCE = 1e-17
ROUNDING = 1e-12
# Under separation the ground becomes flat while steps stay as long as they were.
SHORT_STEP = 1e-3
# What Newton's method leaves after so short a step is of the order of its square.
LAST_STEP = 1e-6
# If no row moves further along a step of Newton's, the likelihood of a logistic model rises: the spread of a
# row changes by no more than the factor exp(move), and exp(m) - 1 - m <= m * m up to m = 1.79.
SAFE_MOVE = 1.75
# The penalized likelihood may have several tops: Fisher's steps, from 0, choose one as other programs do.
# Newton's lead to it from a squared length of the step, in standard errors, below this, or after so many.
NEAR_TOP = 0.01
MOST_FISHER_STEPS = 100
MOST_STEPS = 2000
MOST_HALVINGS = 12
# One step moves no standardized coefficient further, as in logistf.
LONGEST_STEP = 5.0
# Beyond so many per standard deviation of the column there is no finite estimate of maximum likelihood.
LARGEST_WEIGHT = 30.0
# Nor where a standardized coefficient is known no better: with one column left over by the other rows, the
# steps of a sample that separates end in rounding before the coefficient is large.
LARGEST_VARIANCE = 1e12
# The smallest eigenvalue of the correlations of columns that do not repeat each other.
LEAST_EIGENVALUE = 1e-10
# Samples for each model that make it worth while to begin all of them where their mean has its top.
WORTH_A_START = 8


@dataclass(frozen=True, eq=False)
class FitBlock:
    """Samples that climb side by side.

    Attributes
    ----------
    design : BatchedDesign
        Standardized columns behind one of ones.
    event : (1 or samples, rows) array of 0 and 1
    times : (samples, rows) array of float
        How often each row stands in each sample.
    chosen : (samples, columns) array of 0 and 1
        Which columns the model of a sample has.
    is_penalized : bool
        By Firth's penalty.
    """

    design: BatchedDesign
    event: Numbers
    times: Numbers
    chosen: Numbers
    is_penalized: bool

    def take(self, samples: Places) -> FitBlock:
        """Return some samples, by place."""
        event = self.event if self.event.shape[0] == 1 else self.event[samples]
        design = self.design.take(samples)
        return FitBlock(design, event, self.times[samples], self.chosen[samples], self.is_penalized)

    def weigh(self, weights: Numbers) -> Numbers:
        """Weighted products of all pairs of chosen columns; with itself a column not chosen has 1."""
        found = self.design.sum_pairs(weights)
        if self.pair_chosen is None:
            return found
        return found * self.pair_chosen + np.eye(self.chosen.shape[1]) * (1.0 - self.chosen)[:, np.newaxis, :]

    def mask_pairs(self, matrices: Numbers) -> Numbers:
        """0 for each pair of columns that are not both chosen."""
        return matrices if self.pair_chosen is None else matrices * self.pair_chosen

    @cached_property
    def pair_chosen(self) -> Numbers | None:
        """1 for each pair of chosen columns, 0 for every other; None where all are chosen."""
        if self.chosen.all():
            return None
        return self.chosen[:, :, np.newaxis] * self.chosen[:, np.newaxis, :]


@dataclass(frozen=True, eq=False)
class _View:
    """What is seen at one point of each climb.

    Attributes
    ----------
    slope, step : (samples, columns) array of float
        The step is Newton's, or Fisher's far from a penalized top.
    is_newton : (samples,) array of bool
    height, variance : (samples,) array of float
        The height of the penalized likelihood, 0 without a penalty; the largest variance of a coefficient
        without a penalty, 0 with one.
    """

    slope: Numbers
    step: Numbers
    is_newton: Marks
    height: Numbers
    variance: Numbers


@dataclass(frozen=True, eq=False)
class _Path:
    """Where each climb stands, and how it came there.

    Attributes
    ----------
    weights, step : (samples, columns) array of float
        The point and the step that led to it.
    height, gain : (samples,) array of float
        At the start of the step: the height, and the slope times the step.
    pace, halvings : (samples,) array of float
    """

    weights: Numbers
    step: Numbers
    height: Numbers
    gain: Numbers
    pace: Numbers
    halvings: Numbers

    def take(self, samples: Places) -> _Path:
        return _Path(
            self.weights[samples],
            self.step[samples],
            self.height[samples],
            self.gain[samples],
            self.pace[samples],
            self.halvings[samples],
        )


def find_start(whole: FitBlock) -> Numbers:
    """Return where to begin: for each choice of columns the top of the mean of all samples, else 0.

    Only without a penalty: there is no second top that another beginning could lead to.
    """
    start = np.zeros_like(whole.chosen)
    if whole.is_penalized or whole.event.shape[0] > 1 or not isinstance(whole.design, SharedDesign):
        return start
    models, which = np.unique(whole.chosen, axis=0, return_inverse=True)
    if WORTH_A_START * len(models) > len(start):
        return start
    mean = np.repeat(whole.times.mean(axis=0, keepdims=True), len(models), axis=0)
    block = FitBlock(whole.design, whole.event, mean, models, whole.is_penalized)
    tops = _climb(block, np.zeros_like(models))
    return np.where(np.isnan(tops), 0.0, tops)[which.reshape(-1)]


def fit_block(block: FitBlock, start: Numbers) -> Numbers:
    """Return the coefficients at the tops of one block; NaN where there is none."""
    found = _climb(block, start)
    # Whether there is a top must not depend on where the climb began.
    again = np.flatnonzero(np.isnan(found).any(axis=1) & (start != 0).any(axis=1))
    if again.size:
        found[again] = _climb(block.take(again), np.zeros_like(start[again]))
    return found


def _climb(block: FitBlock, start: Numbers) -> Numbers:
    """Newton's method from a start; a step that leads down is halved, and again."""
    found = np.full_like(start, np.nan)
    active = np.flatnonzero(_can_be_fitted(block))
    here, path = block.take(active), _begin(start[active])
    for count in range(MOST_STEPS):
        if not active.size:
            break
        view = _look(here, path.weights, nearness=NEAR_TOP if count < MOST_FISHER_STEPS else np.inf)
        is_up = _find_up(here, path, view)
        farthest = np.abs(view.step).max(axis=1, initial=0.0)
        # NaN is no top and goes no further.
        is_flat = ~(np.einsum("bk,bk->b", view.slope, view.step) > TOLERANCE)
        is_exact = ~is_flat & view.is_newton & (farthest < LAST_STEP)
        is_near = is_exact | (is_flat & (farthest < SHORT_STEP))
        is_inside = np.abs(path.weights).max(axis=1, initial=0.0) < LARGEST_WEIGHT
        is_top = is_up & is_inside & is_near & (view.variance < LARGEST_VARIANCE)
        found[active[is_top]] = path.weights[is_top] + view.step[is_top]
        goes_on = np.where(is_up, is_inside & ~is_near & ~is_flat, path.halvings < MOST_HALVINGS)
        path = _move(path, view, is_up)
        if not goes_on.all():
            left = np.flatnonzero(goes_on)
            active, here, path = active[left], here.take(left), path.take(left)
    return found


def _begin(weights: Numbers) -> _Path:
    nothing, one = np.zeros(len(weights)), np.ones(len(weights))
    return _Path(weights, np.zeros_like(weights), nothing - np.inf, nothing, one, nothing)


def _move(path: _Path, view: _View, is_up: Marks) -> _Path:
    """The next points; half of the last step back from a point that lies lower."""
    pace = np.where(is_up & ~view.is_newton, _find_pace(path, view), path.pace)
    step = view.step * np.where(view.is_newton, 1.0, pace)[:, np.newaxis]
    farthest = np.abs(step).max(axis=1, initial=0.0)
    step = step * np.minimum(1.0, LONGEST_STEP / np.maximum(farthest, LONGEST_STEP))[:, np.newaxis]
    is_on = is_up[:, np.newaxis]
    return _Path(
        path.weights + np.where(is_on, step, -path.step / 2.0),
        np.where(is_on, step, path.step / 2.0),
        np.where(is_up, view.height, path.height),
        np.where(is_up, np.einsum("bk,bk->b", view.slope, step), path.gain / 2.0),
        pace,
        np.where(is_up, 0.0, path.halvings + 1.0),
    )


def _find_pace(path: _Path, view: _View) -> Numbers:
    """The share of Fisher's step to take, from the slope along the last one at its start and at its end.

    Fisher's information leaves out the curvature of the penalty: where that is strong a whole step lands
    on the other side of the top, and the next one back, without an end.
    """
    bend = path.gain - np.einsum("bk,bk->b", view.slope, path.step)
    ratio = np.where((path.gain > 0) & (bend > 0), path.gain / np.where(bend > 0, bend, 1.0), 2.0)
    return np.minimum(1.0, path.pace * np.clip(ratio, 0.1, 2.0))


def _can_be_fitted(block: FitBlock) -> Marks:
    """Whether both sides occur and no chosen column is constant or repeats others, in each sample."""
    total = block.times.sum(axis=1)
    events = (block.times * block.event).sum(axis=1)
    products = block.weigh(block.times)
    length = np.sqrt(np.einsum("bkk->bk", products))
    length = np.where(length > 0, length, 1.0)
    alike = products / (length[:, :, np.newaxis] * length[:, np.newaxis, :])
    # Of k eigenvalues whose sum is k the least is not below the determinant divided by e.
    is_apart = invert_batch(alike)[1] - 1.0 > np.log(LEAST_EIGENVALUE)
    doubtful = np.flatnonzero(~is_apart)
    is_apart[doubtful] = np.linalg.eigvalsh(alike[doubtful])[:, 0] > LEAST_EIGENVALUE
    return (events > 0) & (events < total) & is_apart


def _look(block: FitBlock, weights: Numbers, *, nearness: float) -> _View:
    eta = block.design.predict(weights)
    small = np.exp(-np.abs(eta))
    chance, spread = _find_chances(eta, small)
    information = block.weigh(block.times * spread)
    inverse, logarithm = invert_batch(information)
    if not block.is_penalized:
        slope = block.design.sum_columns(block.times * (block.event - chance)) * block.chosen
        step = np.einsum("bjk,bk->bj", inverse, slope)
        variance = np.einsum("bkk->bk", inverse).max(axis=1)
        return _View(slope, step, np.ones(len(step), dtype=bool), np.zeros(len(step)), variance)
    length = block.design.measure_rows(block.mask_pairs(inverse))
    rest = block.event - chance + length * spread * (0.5 - chance)
    slope = block.design.sum_columns(block.times * rest) * block.chosen
    step = np.einsum("bjk,bk->bj", inverse, slope)
    height = _sum_likelihood(block, eta, small) + logarithm / 2.0
    near = np.flatnonzero(np.einsum("bk,bk->b", slope, step) < nearness)
    is_newton = np.zeros(len(step), dtype=bool)
    if near.size:
        bent = _bend(block.take(near), chance[near], spread[near], length[near], inverse[near])
        # Not where the ground does not bend down in every direction.
        steps = np.einsum("bjk,bk->bj", invert_batch(bent)[0], slope[near])
        is_newton[near] = np.isfinite(steps).all(axis=1)
        step[is_newton] = steps[is_newton[near]]
    return _View(slope, step, is_newton, height, np.zeros(len(step)))


def _bend(block: FitBlock, chance: Numbers, spread: Numbers, length: Numbers, inverse: Numbers) -> Numbers:
    """Minus the second derivatives of the penalized likelihood."""
    weights = block.times * spread
    k = block.chosen.shape[1]
    products = block.weigh(weights * (1.0 - (0.5 - 3.0 * spread) * length))
    triples = block.design.sum_triples(weights * (1.0 - 2.0 * chance))
    # The inverse times the derivative of the information by each coefficient, which stands last.
    turned = np.matmul(block.mask_pairs(inverse), triples.reshape(-1, k, k * k)).reshape(-1, k, k, k)
    across = np.ascontiguousarray(turned.transpose(0, 2, 1, 3)).reshape(-1, k * k, k)
    traces = np.matmul(turned.reshape(-1, k * k, k).transpose(0, 2, 1), across)
    return products + block.mask_pairs(traces) / 2.0


def _find_up(block: FitBlock, path: _Path, view: _View) -> Marks:
    """Whether the last step did not lead down."""
    if block.is_penalized:
        return view.height >= path.height - ROUNDING * (1.0 + np.abs(path.height))
    # The likelihood has one top: a step that ends where the ground still rises along it has led up.
    is_up = (np.einsum("bk,bk->b", view.slope, path.step) >= 0) | (
        np.sqrt((path.step**2).sum(axis=1)) * block.design.find_longest() < SAFE_MOVE
    )
    doubtful = np.flatnonzero(~is_up)
    if doubtful.size:
        here, after = block.take(doubtful), path.weights[doubtful]
        heights = [_measure_likelihood(here, at) for at in (after - path.step[doubtful], after)]
        is_up[doubtful] = heights[1] >= heights[0] - ROUNDING * (1.0 + np.abs(heights[0]))
    return is_up


def _find_chances(eta: Numbers, small: Numbers) -> tuple[Numbers, Numbers]:
    """Probability, and probability times its opposite, exact where either is near 0."""
    share = 1.0 / (1.0 + small)
    other = small * share
    return np.where(eta < 0, other, share), other * share


def _measure_likelihood(block: FitBlock, weights: Numbers) -> Numbers:
    eta = block.design.predict(weights)
    return _sum_likelihood(block, eta, np.exp(-np.abs(eta)))


def _sum_likelihood(block: FitBlock, eta: Numbers, small: Numbers) -> Numbers:
    lost = np.log1p(small) + np.maximum((1.0 - 2.0 * block.event) * eta, 0.0)
    return -np.einsum("bn,bn->b", block.times, lost)


def measure_errors(block: FitBlock, found: Numbers) -> Numbers:
    """Return the standard errors of chosen columns, from Fisher's information; NaN without a fit."""
    errors = np.full_like(found, np.nan)
    fitted = np.flatnonzero(np.isfinite(found).all(axis=1))
    here = block.take(fitted)
    eta = here.design.predict(found[fitted])
    spread = _find_chances(eta, np.exp(-np.abs(eta)))[1]
    variance = np.einsum("bkk->bk", invert_batch(here.weigh(here.times * spread))[0])
    errors[fitted] = np.sqrt(np.where((variance > 0) & (here.chosen > 0), variance, np.nan))
    return errors
