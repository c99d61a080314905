"""Multiple imputation by chained equations; all chains advance together. Knows no patients."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError
from cytopenia.stats.imputation_steps import (
    augment_rows,
    draw_levels,
    draw_linear,
    fit_levels,
    fit_linear,
    match_donors,
)

__all__ = ["Imputations", "estimate_r_hat", "impute_chained"]

Numbers = NDArray[np.float64]
Marks = NDArray[np.bool_]

DONORS = 5
FEWEST_ITERATIONS_OF_R_HAT = 4
# With fewer known values per coefficient an imputation model is said to be large.
FEWEST_PER_COEFFICIENT = 3


@dataclass(frozen=True)
class Imputations:
    """Completed tables, and how the chains went.

    Attributes
    ----------
    names : tuple of str
    values : array of imputations by rows by columns
        Known values as given, missing ones imputed; levels as their numbers. Read only.
    missing : tuple of int
        Missing values of each column.
    trace_mean, trace_sd : array of columns by iterations by chains
        Of the imputed values; NaN for a column without missing values, and the standard deviation of one.
    r_hat : tuple of float or None
        Potential scale reduction of the means, one per column; near 1 the chains have mixed. None: complete
        column, fewer than four iterations, or chains that do not move.
    status, note : str
        `ok` or `not_estimable`; why, or what a reader must know.
    """

    names: tuple[str, ...]
    values: Numbers
    missing: tuple[int, ...]
    trace_mean: Numbers
    trace_sd: Numbers
    r_hat: tuple[float | None, ...]
    status: str
    note: str


@dataclass(frozen=True)
class _Chains:
    """Where the chains stand. The arrays are written to in place, because they are large.

    `design` is chains by columns by rows, the intercept's column first; `own` are the columns of a variable,
    `products` the sums of products of all columns.
    """

    values: Numbers
    design: Numbers
    products: Numbers
    levels: Sequence[int]
    own: Sequence[slice]
    centers: Numbers
    spreads: Numbers


def impute_chained(
    table: ArrayLike,
    *,
    levels: Sequence[int],
    names: Sequence[str],
    seed: int,
    imputations: int = 20,
    iterations: int = 10,
) -> Imputations:
    """Return a table completed several times: each column is imputed from all others, in turn.

    Parameters
    ----------
    table : array of float, rows by columns
        NaN is missing. Put the outcome in as a column: without it associations are weakened.
    levels : sequence of int
        For each column 0 if it is a number, else the number of its levels, coded 0, 1, ...
    names : sequence of str
        One for every column.
    seed : int
    imputations, iterations : int
        Completed tables, and rounds over all columns.

    Returns
    -------
    Imputations
        Not estimable: no row, or a column of which nothing is known.

    Raises
    ------
    DataError
        Shapes or names do not fit, a value is infinite, a level is none, or an option is below 1.

    Notes
    -----
    Numbers by predictive mean matching as `mice(method = "pmm")` of mice 3.15: coefficients drawn from their
    posterior, predictions of known rows from the estimate and of missing rows from the draw (type 1), a donor
    drawn from the five nearest. Levels by logistic draws on augmented rows: two as `method = "logreg"`, more
    as `"polyreg"` but with coefficients drawn as well. Columns are visited from left to right, and start from
    values drawn among the known. The random numbers are not those of R; results agree in distribution. Where
    columns repeat each other a ridge of 1e-5 is added; mice leaves such columns out.

    References
    ----------
    van Buuren and Groothuis-Oudshoorn, Journal of Statistical Software 2011;45(3):1-67.
    DOI 10.18637/jss.v045.i03.

    Examples
    --------
    >>> table = [[1.0, 2.1], [2.0, 3.9], [3.0, 6.2], [4.0, 8.1], [5.0, np.nan]]
    >>> found = impute_chained(table, levels=[0, 0], names=["x", "y"], seed=1, imputations=3)
    >>> found.values.shape, found.missing, bool(np.isin(found.values[:, 4, 1], [2.1, 3.9, 6.2, 8.1]).all())
    ((3, 5, 2), (0, 1), True)
    """
    given = _require_table(table, levels, names)
    for name, option in {"imputations": imputations, "iterations": iterations}.items():
        if option < 1:
            raise DataError(f"{name}: {option} is below 1")
    is_missing = np.isnan(given)
    unknown = [name for name, column in zip(names, is_missing.T, strict=True) if column.all()]
    traces = np.full((2, given.shape[1], iterations, imputations), np.nan)
    if unknown:
        note = f"no value is known of {', '.join(unknown)}" if given.size else "no row"
        return _finish(np.empty((0, *given.shape)), names, is_missing, traces, note)
    rng = np.random.default_rng(seed)
    chains = _start(given, is_missing, levels, imputations=imputations, rng=rng)
    incomplete = np.flatnonzero(is_missing.any(axis=0))
    for iteration in range(iterations):
        for place in incomplete.tolist():
            hidden = is_missing[:, place]
            if levels[place]:
                drawn = _draw_levels(chains, hidden, place, rng=rng)
            else:
                drawn = _draw_numbers(chains, hidden, place, rng=rng)
            _fill(chains, hidden, place, drawn)
            traces[0, place, iteration] = drawn.mean(axis=1)
            if drawn.shape[1] > 1:
                traces[1, place, iteration] = drawn.std(axis=1, ddof=1)
    notes = list(_note_sizes(chains, is_missing, names))
    return _finish(chains.values, names, is_missing, traces, "", notes)


def _require_table(table: ArrayLike, levels: Sequence[int], names: Sequence[str]) -> Numbers:
    given = np.array(table, dtype=np.float64)
    if given.ndim != 2:
        raise DataError(f"table: shape {given.shape}; give rows by columns")
    if not len(levels) == len(names) == given.shape[1]:
        raise DataError(
            f"table: {given.shape[1]} columns, {len(levels)} levels and {len(names)} names; give one of each"
        )
    problems: list[str] = []
    for name, count, column in zip(names, levels, given.T, strict=True):
        known = column[~np.isnan(column)]
        if np.isinf(known).any():
            problems.append(f"{name}: a value is infinite")
        elif count and not np.isin(known, np.arange(count)).all():
            problems.append(f"{name}: a level is not one of 0 to {count - 1}")
    if problems:
        raise DataError(f"table: {'; '.join(problems)}")
    return given


def _start(
    given: Numbers, is_missing: Marks, levels: Sequence[int], *, imputations: int, rng: np.random.Generator
) -> _Chains:
    """Chains whose missing values are drawn from the known ones, each by itself."""
    rows, places = given.shape
    ends = np.cumsum([1, *(max(count - 1, 1) for count in levels)])
    own = [slice(begin, end) for begin, end in pairwise(ends.tolist())]
    known = [column[~hidden] for column, hidden in zip(given.T, is_missing.T, strict=True)]
    # Moved and scaled, because the products of columns then lose no digits.
    centers = np.array([one.mean() for one in known])
    spreads = np.array([float(one.std()) or 1.0 for one in known])
    values = np.repeat(given[np.newaxis], imputations, axis=0)
    design = np.ones((imputations, int(ends[-1]), rows))
    chains = _Chains(
        values, design, np.empty((imputations, *design.shape[1:2] * 2)), levels, own, centers, spreads
    )
    for place in range(places):
        hidden = is_missing[:, place]
        values[:, hidden, place] = rng.choice(known[place], size=(imputations, int(hidden.sum())))
        design[:, own[place]] = _expand(chains, place, values[:, :, place])
    chains.products[:] = design @ np.swapaxes(design, 1, 2)
    return chains


def _expand(chains: _Chains, place: int, values: Numbers) -> Numbers:
    """The columns of one variable: a number scaled; one for each level but the first."""
    if chains.levels[place]:
        width = chains.own[place].stop - chains.own[place].start
        return np.asarray(values[:, np.newaxis] == np.arange(1, width + 1)[:, np.newaxis], dtype=np.float64)
    return (values[:, np.newaxis] - chains.centers[place]) / chains.spreads[place]


def _fill(chains: _Chains, hidden: Marks, place: int, drawn: Numbers) -> None:
    """Write the imputed values of one variable into the chains, and refresh the products of its columns."""
    chains.values[:, hidden, place] = drawn
    own = chains.own[place]
    block = chains.design[:, own]
    block[:, :, hidden] = _expand(chains, place, drawn)
    products = block @ np.swapaxes(chains.design, 1, 2)
    chains.products[:, own] = products
    chains.products[:, :, own] = np.swapaxes(products, 1, 2)


def _list_others(chains: _Chains, place: int) -> NDArray[np.intp]:
    """The columns that explain a variable: all but its own, the intercept's first."""
    is_other = np.ones(chains.design.shape[1], dtype=np.bool_)
    is_other[chains.own[place]] = False
    return np.flatnonzero(is_other)


def _draw_numbers(chains: _Chains, hidden: Marks, place: int, *, rng: np.random.Generator) -> Numbers:
    """Values of donors for the missing rows of one number."""
    others, own = _list_others(chains, place), chains.own[place].start
    unknown = chains.design[:, :, hidden]
    products = chains.products - unknown @ np.swapaxes(unknown, 1, 2)
    fit = fit_linear(products[:, others[:, np.newaxis], others], products[:, others, own])
    known = chains.values[0, ~hidden, place]
    scaled = (known - chains.centers[place]) / chains.spreads[place]
    predicted = _predict(chains.design, others, fit.coefficients)[:, ~hidden]
    squares = ((scaled - predicted) ** 2).sum(axis=1)
    freedom = max(known.size - others.size, 1)
    drawn = draw_linear(fit, squares, freedom=freedom, rng=rng)
    wanted = _predict(unknown, others, drawn)
    return known[match_donors(predicted, wanted, donors=DONORS, rng=rng)]


def _predict(design: Numbers, others: NDArray[np.intp], coefficients: Numbers) -> Numbers:
    """Predictions of every row; the variable itself has the weight 0, so that nothing is copied."""
    weights = np.zeros((design.shape[0], 1, design.shape[1]))
    weights[:, 0, others] = coefficients
    return (weights @ design)[:, 0]


def _draw_levels(chains: _Chains, hidden: Marks, place: int, *, rng: np.random.Generator) -> Numbers:
    """Levels for the missing rows of one variable; only such as somebody has."""
    columns = chains.design[:, _list_others(chains, place)]
    found, level = np.unique(chains.values[0, ~hidden, place], return_inverse=True)
    if found.size == 1:
        return np.full((columns.shape[0], int(hidden.sum())), found[0])
    made, made_level, weight = augment_rows(columns[:, 1:], found.size)
    ones = np.ones((made.shape[0], 1, made.shape[2]))
    rows = np.concatenate([columns[:, :, ~hidden], np.concatenate([ones, made], axis=1)], axis=2)
    weights = np.concatenate([np.ones(level.size), np.full(made_level.size, weight)])
    fit = fit_levels(rows, np.concatenate([level, made_level]), weights=weights, levels=found.size)
    return found[draw_levels(fit, columns[:, :, hidden], rng=rng)]


def _finish(
    values: Numbers,
    names: Sequence[str],
    is_missing: Marks,
    traces: Numbers,
    reason: str,
    notes: Sequence[str] = (),
) -> Imputations:
    for array in (values, traces):
        array.setflags(write=False)
    return Imputations(
        names=tuple(names),
        values=values,
        missing=tuple(int(count) for count in is_missing.sum(axis=0)),
        trace_mean=traces[0],
        trace_sd=traces[1],
        r_hat=tuple(estimate_r_hat(trace) for trace in traces[0]),
        status="not_estimable" if reason else "ok",
        note=reason or "; ".join(notes),
    )


def _note_sizes(chains: _Chains, is_missing: Marks, names: Sequence[str]) -> Iterator[str]:
    """Say where an imputation model has many coefficients for its known values."""
    for place in np.flatnonzero(is_missing.any(axis=0)).tolist():
        known = int((~is_missing[:, place]).sum())
        count = _list_others(chains, place).size
        if known < FEWEST_PER_COEFFICIENT * count:
            yield f"the imputation model of {names[place]} has {count} coefficients for {known} known values"


def estimate_r_hat(trace: ArrayLike) -> float | None:
    """Return the potential scale reduction of chains: near 1 they tell the same.

    Parameters
    ----------
    trace : array of iterations by chains
        The first half of the iterations is left out.

    Returns
    -------
    float or None
        None: fewer than four iterations or two chains, a missing number, or chains that do not move.

    References
    ----------
    Gelman and Rubin, Statistical Science 1992;7:457-472. DOI 10.1214/ss/1177011136.

    Examples
    --------
    >>> round(estimate_r_hat([[9, 9], [9, 9], [1, 3], [3, 5]]), 4)
    1.2247
    """
    numbers = np.asarray(trace, dtype=np.float64)
    iterations, chains = numbers.shape
    if iterations < FEWEST_ITERATIONS_OF_R_HAT or chains == 1 or np.isnan(numbers).any():
        return None
    late = numbers[iterations // 2 :]
    within = float(late.var(axis=0, ddof=1).mean())
    if within <= 0:
        return None
    between = float(late.mean(axis=0).var(ddof=1))
    length = late.shape[0]
    return math.sqrt((length - 1) / length + between / within)
