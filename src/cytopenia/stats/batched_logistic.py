"""Many logistic regressions at once: one model on many resamples. Knows no patients."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError, suggest_name

__all__ = ["BatchFit", "fit_logistic_batch", "predict_batch"]

Numbers = NDArray[np.float64]
Marks = NDArray[np.bool_]

METHODS = ("maximum_likelihood", "firth")
# Of the squared length of a step in standard errors.
TOLERANCE = 1e-17
ROUNDING = 1e-12
# Under separation the ground becomes flat while steps stay as long as they were.
SHORT_STEP = 1e-3
# Near separation each step of the penalized fit is some percent shorter than the last.
MOST_STEPS = 2000
MOST_HALVINGS = 12
# One step moves no standardized coefficient further, as in logistf.
LONGEST_STEP = 5.0
# Beyond so many per standard deviation of the column there is no finite estimate of maximum likelihood.
LARGEST_WEIGHT = 30.0
# The smallest eigenvalue of the correlations of columns that do not repeat each other.
LEAST_EIGENVALUE = 1e-10
# Numbers of one block of stacked designs.
BLOCK = 4_000_000


@dataclass(frozen=True, eq=False)
class BatchFit:
    """Logistic regressions of one event on the same columns, one for each resample.

    Attributes
    ----------
    coefficients : (resamples, 1 + columns) array of float
        The intercept first, per unit of the column; 0 for a column that was not chosen. All NaN where there
        is no fit.
    standard_errors : (resamples, columns) array of float
        Without the intercept; NaN for a column that was not chosen.
    is_fitted : (resamples,) array of bool
        False: nobody or everybody with the event, chosen columns that are constant or repeat each other,
        or no finite estimate (separation).
    """

    coefficients: Numbers
    standard_errors: Numbers
    is_fitted: Marks


@dataclass(frozen=True)
class _Block:
    """Resamples that climb side by side; a design of one layer is shared by all of them."""

    columns: Numbers
    event: Numbers
    times: Numbers
    chosen: Numbers
    is_penalized: bool

    def take(self, rows: NDArray[np.intp]) -> _Block:
        columns, event = (
            table if table.shape[0] == 1 else table[rows] for table in (self.columns, self.event)
        )
        return _Block(columns, event, self.times[rows], self.chosen[rows], self.is_penalized)

    def predict(self, weights: Numbers) -> Numbers:
        if self.columns.shape[0] == 1:
            return weights @ self.columns[0].T
        return np.einsum("bnk,bk->bn", self.columns, weights)

    def turn(self, rest: Numbers) -> Numbers:
        """The sum over rows of each chosen column times what is left of the event."""
        if self.columns.shape[0] == 1:
            return rest @ self.columns[0] * self.chosen
        return np.einsum("bnk,bn->bk", self.columns, rest) * self.chosen

    def weigh(self, weights: Numbers) -> Numbers:
        """Weighted products of all pairs of chosen columns; with itself a column not chosen has 1."""
        k = self.columns.shape[2]
        if self.columns.shape[0] == 1:
            found = (weights @ self._pair_columns()).reshape(-1, k, k)
        else:
            found = np.matmul((self.columns * weights[:, :, np.newaxis]).transpose(0, 2, 1), self.columns)
        return found * self._pair_chosen() + np.eye(k) * (1.0 - self.chosen)[:, np.newaxis, :]

    def measure_rows(self, information: Numbers) -> Numbers:
        """Squared length of every row by the inverse information; times the spread it is the leverage."""
        inverse = np.linalg.inv(information) * self._pair_chosen()
        if self.columns.shape[0] == 1:
            return inverse.reshape(inverse.shape[0], -1) @ self._pair_columns().T
        return np.einsum("bnk,bnk->bn", np.matmul(self.columns, inverse), self.columns)

    def _pair_columns(self) -> Numbers:
        n, k = self.columns.shape[1:]
        return (self.columns[0][:, :, np.newaxis] * self.columns[0][:, np.newaxis, :]).reshape(n, k * k)

    def _pair_chosen(self) -> Numbers:
        return self.chosen[:, :, np.newaxis] * self.chosen[:, np.newaxis, :]


def fit_logistic_batch(
    design: ArrayLike,
    event: ArrayLike,
    times: ArrayLike,
    *,
    method: str,
    chosen: ArrayLike | None = None,
) -> BatchFit:
    """Return the logistic regression of an event on columns in many resamples; intercepts are added.

    Parameters
    ----------
    design : (rows, columns) or (resamples, rows, columns) array of float
        Complete; the second form where the columns differ from resample to resample.
    event : (rows,) or (resamples, rows) array of 0 and 1
    times : (resamples, rows) array of int
        How often each row stands in each resample; 0 is left out.
    method : {"maximum_likelihood", "firth"}
    chosen : (resamples, columns) array of bool, optional
        Which columns a resample's model has; all if None.

    Returns
    -------
    BatchFit

    Raises
    ------
    DataError
        Shapes do not fit, a number is missing or infinite, the event is not 0 or 1, a count is negative, or
        the method is unknown.

    Notes
    -----
    Newton's method with Fisher's information and step halving, all resamples in one go; equal to
    `fit_logistic` on the rows of each resample to 1e-7. Firth's leverages are those of the repeated rows.

    Examples
    --------
    >>> design, event = np.array([[1.0], [2.0], [3.0], [4.0], [5.0]]), np.array([0, 1, 0, 1, 1])
    >>> fit = fit_logistic_batch(design, event, np.array([[1, 1, 1, 1, 1], [2, 0, 0, 1, 2]]), method="firth")
    >>> fit.coefficients.round(3)
    array([[-1.452,  0.602],
           [-2.525,  0.96 ]])
    """
    columns, marks, counts, mask = _require_batch(design, event, times, method, chosen)
    center, spread = _measure_columns(columns)
    scaled = np.concatenate([np.ones((*columns.shape[:2], 1)), (columns - center) / spread], axis=2)
    inside = np.concatenate([np.ones((counts.shape[0], 1)), mask], axis=1)
    whole = _Block(scaled, marks, counts, inside, is_penalized=method == "firth")
    count, k = inside.shape
    weights, errors = np.full((count, k), np.nan), np.full((count, k), np.nan)
    size = max(1, BLOCK // (columns.shape[1] * k))
    for start in range(0, count, size):
        part = np.arange(start, min(start + size, count))
        weights[part], errors[part] = _climb_block(whole.take(part))
    weights[:, 1:] /= spread
    weights[:, 0] -= weights[:, 1:] @ center
    return BatchFit(weights, errors[:, 1:] / spread, np.asarray(np.isfinite(weights).all(axis=1)))


def predict_batch(fit: BatchFit, design: ArrayLike) -> Numbers:
    """Return the log odds of rows under every fit, resamples by rows; NaN where there is no fit.

    Parameters
    ----------
    fit : BatchFit
    design : (rows, columns) or (resamples, rows, columns) array of float

    Examples
    --------
    >>> times = np.ones((2, 4), dtype=int)
    >>> fit = fit_logistic_batch([[0.0], [0.0], [1.0], [1.0]], [0, 1, 0, 1], times, method="firth")
    >>> (predict_batch(fit, [[0.0], [5.0]]) + 0.0).round(6)
    array([[0., 0.],
           [0., 0.]])
    """
    columns = np.asarray(design, dtype=np.float64)
    if columns.ndim == 2:
        return fit.coefficients[:, 1:] @ columns.T + fit.coefficients[:, :1]
    return np.einsum("bnk,bk->bn", columns, fit.coefficients[:, 1:]) + fit.coefficients[:, :1]


def _require_batch(
    design: ArrayLike, event: ArrayLike, times: ArrayLike, method: str, chosen: ArrayLike | None
) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    if method not in METHODS:
        raise DataError(
            f"method: unknown '{method}'{suggest_name(method, METHODS)}; allowed: {', '.join(METHODS)}"
        )
    columns = np.asarray(design, dtype=np.float64)
    columns = columns[np.newaxis] if columns.ndim == 2 else columns
    counts = np.asarray(times, dtype=np.float64)
    marks = np.atleast_2d(np.asarray(event, dtype=np.float64))
    if columns.ndim != 3 or counts.ndim != 2 or marks.ndim != 2:
        raise DataError("design, event, times: give (rows, columns), (rows,) and (resamples, rows)")
    count, n = counts.shape
    mask = np.ones((count, columns.shape[2])) if chosen is None else np.asarray(chosen, dtype=np.float64)
    fits = {
        "design": columns.shape[1] == n and columns.shape[0] in (1, count),
        "event": marks.shape[1] == n and marks.shape[0] in (1, count),
        "chosen": mask.shape == (count, columns.shape[2]),
    }
    wrong = [name for name, is_fine in fits.items() if not is_fine]
    if wrong:
        raise DataError(f"{', '.join(wrong)}: the shape does not fit times, {count} resamples by {n} rows")
    if not np.isfinite(columns).all():
        raise DataError("design: a number is missing or infinite; impute or leave out incomplete rows first")
    if not np.isin(marks, (0.0, 1.0)).all():
        raise DataError("event: must be 0 or 1")
    if not np.isfinite(counts).all() or (counts < 0).any():
        raise DataError("times: must be counts from 0")
    return columns, marks, counts, mask


def _measure_columns(columns: Numbers) -> tuple[Numbers, Numbers]:
    """One center and one spread for each column, over all rows of all designs."""
    rows = columns.reshape(-1, columns.shape[2])
    center = rows.mean(axis=0) if rows.size else np.zeros(columns.shape[2])
    spread = np.abs(rows - center).max(axis=0, initial=0.0)
    safe = np.where(spread > 0, spread, 1.0)
    spread = safe * np.sqrt((((rows - center) / safe) ** 2).mean(axis=0)) if rows.size else safe
    return center, np.where(spread > 0, spread, 1.0)


def _climb_block(block: _Block) -> tuple[Numbers, Numbers]:
    """Coefficients and standard errors at the tops of one block; NaN where there is none."""
    weights = np.zeros_like(block.chosen)
    found, errors = np.full_like(weights, np.nan), np.full_like(weights, np.nan)
    active = np.flatnonzero(_can_be_fitted(block))
    pace, last, gain = np.ones(len(weights)), np.zeros_like(weights), np.zeros(len(weights))
    for _ in range(MOST_STEPS):
        if not active.size:
            break
        here = block.take(active)
        value, slope, information = _evaluate(here, weights[active])
        step = _solve(information, slope)
        # NaN is no top and goes no further.
        is_flat = ~(np.einsum("bk,bk->b", slope, step) > TOLERANCE)
        is_top = is_flat & (np.abs(step).max(axis=1, initial=0.0) < SHORT_STEP)
        done, going = active[is_top], np.flatnonzero(~is_flat)
        found[done] = weights[done]
        variance = np.einsum("bkk->bk", np.linalg.inv(information[is_top]))
        errors[done] = np.sqrt(np.where(variance > 0, variance, np.nan))
        active = active[going]
        still = np.einsum("bk,bk->b", slope[going], last[active])
        pace[active] = _find_pace(pace[active], gain[active], still)
        aimed = step[going] * pace[active, np.newaxis]
        moved = _step(here.take(going), weights[active], aimed, value[going])
        last[active] = moved - weights[active]
        gain[active] = np.einsum("bk,bk->b", slope[going], last[active])
        weights[active] = moved
        farthest = np.abs(moved).max(axis=1, initial=0.0)
        active = active[np.isfinite(farthest) & (farthest < LARGEST_WEIGHT)]
    return found, np.where(block.chosen > 0, errors, np.nan)


def _find_pace(pace: Numbers, gain: Numbers, still: Numbers) -> Numbers:
    """The share of the next step to take, from the slope along the last one at its start and at its end.

    Fisher's information leaves out the curvature of the penalty: where that is strong a whole step lands
    on the other side of the top, and the next one back, without an end.
    """
    bend = gain - still
    ratio = np.where((gain > 0) & (bend > 0), gain / np.where(bend > 0, bend, 1.0), 2.0)
    return np.minimum(1.0, pace * np.clip(ratio, 0.1, 2.0))


def _solve(information: Numbers, slope: Numbers) -> Numbers:
    """The steps; NaN where separation has left no information at all."""
    try:
        return np.asarray(np.linalg.solve(information, slope[..., np.newaxis])[..., 0], dtype=np.float64)
    except np.linalg.LinAlgError:
        step = np.full_like(slope, np.nan)
        is_regular = np.linalg.slogdet(information)[0] > 0
        step[is_regular] = np.linalg.solve(information[is_regular], slope[is_regular, :, np.newaxis])[..., 0]
        return step


def _can_be_fitted(block: _Block) -> Marks:
    """Whether both sides occur and no chosen column is constant or repeats others, in each resample."""
    total = block.times.sum(axis=1)
    events = (block.times * block.event).sum(axis=1)
    products = block.weigh(block.times)
    length = np.sqrt(np.einsum("bkk->bk", products))
    length = np.where(length > 0, length, 1.0)
    least = np.linalg.eigvalsh(products / (length[:, :, np.newaxis] * length[:, np.newaxis, :]))[:, 0]
    return (events > 0) & (events < total) & (least > LEAST_EIGENVALUE)


def _evaluate(block: _Block, weights: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Height, slope and information."""
    eta = block.predict(weights)
    chance, spread = _find_chances(eta)
    information = block.weigh(block.times * spread)
    rest = block.event - chance
    if block.is_penalized:
        rest = rest + block.measure_rows(information) * spread * (0.5 - chance)
    return _measure_height(block, eta, information), block.turn(block.times * rest), information


def _find_chances(eta: Numbers) -> tuple[Numbers, Numbers]:
    """Probability, and probability times its opposite, exact where either is near 0."""
    from scipy.special import expit

    chance = np.asarray(expit(eta), dtype=np.float64)
    return chance, chance * expit(-eta)


def _measure_height(block: _Block, eta: Numbers, information: Numbers | None) -> Numbers:
    value = -(block.times * np.logaddexp(0.0, (1.0 - 2.0 * block.event) * eta)).sum(axis=1)
    if information is None or not block.is_penalized:
        return value
    sign, logarithm = np.linalg.slogdet(information)
    return value + np.where(sign > 0, logarithm, -np.inf) / 2.0


def _step(block: _Block, weights: Numbers, step: Numbers, value: Numbers) -> Numbers:
    """The next points: a step is halved until it does not lead down; NaN where no step leads up."""
    longest = np.abs(step).max(axis=1, initial=0.0)
    step = step * np.minimum(1.0, LONGEST_STEP / np.maximum(longest, LONGEST_STEP))[:, np.newaxis]
    lowest = value - ROUNDING * (1.0 + np.abs(value))
    moved = np.full_like(weights, np.nan)
    left = np.arange(weights.shape[0], dtype=np.intp)
    for _ in range(MOST_HALVINGS):
        if not left.size:
            break
        tried, here = weights[left] + step[left], block.take(left)
        eta = here.predict(tried)
        # Only the penalty asks for the information.
        information = here.weigh(here.times * _find_chances(eta)[1]) if here.is_penalized else None
        is_higher = _measure_height(here, eta, information) >= lowest[left]
        moved[left[is_higher]] = tried[is_higher]
        left = left[~is_higher]
        step[left] /= 2.0
    return moved
