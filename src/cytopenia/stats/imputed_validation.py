"""How much better a model looks than it is where values were imputed: each resample imputes anew."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError
from cytopenia.stats.batched_logistic import fit_logistic_batch
from cytopenia.stats.batched_roc import measure_auc_batch
from cytopenia.stats.cut_resamples import divide_rows
from cytopenia.stats.imputation import impute_chained
from cytopenia.stats.model_recipes import ModelRecipe, Progress, make_models
from cytopenia.stats.roc import estimate_roc
from cytopenia.stats.validation import ValidatedIndex

__all__ = ["ImputedValidation", "IncompleteTable", "derive_seeds", "validate_imputed"]

Numbers = NDArray[np.float64]
Marks = NDArray[np.bool_]

INDICES = ("c_statistic", "brier", "slope", "intercept")
OUTCOME = "outcome"
# A column belongs to the final model if at least so many of the completed tables chose it.
MAJORITY = 0.5
# Resamples between two calls of progress.
TOLD_EVERY = 10


@dataclass(frozen=True, eq=False)
class IncompleteTable:
    """Patients with missing values, and the way from completed values to the columns of a model.

    Attributes
    ----------
    values : (rows, variables) array of float
        NaN is missing. Numbers as they are, levels as 0, 1, ...
    completed : (imputations, rows, variables) array of float
        The same completed several times, with the event as a column of the imputation models.
    event : (rows,) array of 0 and 1
        Complete; it takes part in every imputation.
    levels : tuple of int
        Of each variable 0 if it is a number, else the number of its levels.
    names : tuple of str
        Of the variables.
    lay_out : callable
        Completed values, rows by variables, to columns, rows by columns. Steps and knots stay as they are.
    sources : tuple of int
        The variable that each column comes from. A column that the recipe divides is its variable as it is.
    """

    values: Numbers
    completed: Numbers
    event: Numbers
    levels: tuple[int, ...]
    names: tuple[str, ...]
    lay_out: Callable[[Numbers], Numbers]
    sources: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class ImputedValidation:
    """A model made from imputed values, validated by resampling; see `Validation`.

    Attributes
    ----------
    c_statistic, brier, slope, intercept : ValidatedIndex
        `apparent` is the mean over the completed tables.
    chosen : (columns,) array of bool
        Columns that at least half of the completed tables chose.
    cuts : (columns,) array of float
        Of the rows whose value is known; NaN where a column is not divided or has no cut.
    frequencies : (columns,) array of float
        Share of the resamples whose model has the column.
    models : sequence of (columns of a model, how many resamples)
        The most frequent first.
    resamples, unfitted, imputations : int
    status, note : str
    """

    c_statistic: ValidatedIndex
    brier: ValidatedIndex
    slope: ValidatedIndex
    intercept: ValidatedIndex
    chosen: Marks
    cuts: Numbers
    frequencies: Numbers
    models: tuple[tuple[tuple[int, ...], int], ...]
    resamples: int
    unfitted: int
    imputations: int
    status: str
    note: str


@dataclass(frozen=True, eq=False)
class _Sample:
    """The model of one completed sample, and its indices there and on the completed tables of all rows."""

    chosen: Marks
    inside: dict[str, float]
    outside: dict[str, float]


@dataclass(frozen=True, eq=False)
class _Asked:
    """All rows in every completed table: what differs between tables stands there once for each.

    `rows` are columns as laid out, `places` where each row of each table stands among them.
    """

    rows: Numbers
    places: NDArray[np.intp]


def derive_seeds(seed: int, count: int) -> list[int]:
    """Return a seed for each resample; those of fewer resamples are the first of more.

    Examples
    --------
    >>> derive_seeds(1, 2) == derive_seeds(1, 5)[:2], len(set(derive_seeds(1, 50)))
    (True, 50)
    """
    return [int(state) for state in np.random.SeedSequence(seed).generate_state(count)]


def validate_imputed(
    data: IncompleteTable,
    resamples: ArrayLike,
    *,
    recipe: ModelRecipe,
    iterations: int = 10,
    seed: int = 0,
    progress: Progress | None = None,
) -> ImputedValidation:
    """Return how a model made from imputed values does, corrected for optimism: bootstrap, then impute.

    Parameters
    ----------
    data : IncompleteTable
    resamples : (resamples, rows) array of int
        Row numbers, from `draw_resamples`.
    recipe : ModelRecipe
        Cuts, selection and fit; all of it is done anew in each resample.
    iterations : int
        Of the chained equations in each resample.
    seed : int
        Of the imputations of the resamples.
    progress : callable, optional
        Called with the resamples done and all of them.

    Returns
    -------
    ImputedValidation
        Not estimable, with the reason: no model of all rows, or none of any resample.

    Raises
    ------
    DataError
        Shapes do not fit, or completed values are missing.

    Notes
    -----
    In each resample: rows are drawn with their gaps; the gaps are imputed once, from the rows of the resample
    alone and with their outcome; numbers are divided at the cut of the rows that are known there; factors are
    selected and the model fitted. Its optimism is what an index is better on that completed resample than, on
    average, on the completed tables of all rows. These stand to the resample as the population, were it
    completed, to the patients; therefore they are imputed by themselves, not by the model of the resample,
    which would make them alike. The apparent index is the mean over the tables, each with its own model.

    The bootstrap comes first, because tables that were imputed before they are drawn from have seen the rows
    that are left out, which makes the correction too small (Wahl et al., who found it for the bootstrap; that
    this order gives valid intervals and the other need not is in Schomaker and Heumann and in Bartlett and
    Hughes). One imputation for each resample suffices for a mean over resamples (Brand et al.); a model from
    one imputation is a little less stable than the pooled one, so that the correction is rather too large.
    The measures are those of a model whose inputs are all known when it is used ("ideal", Wood et al. 2015).

    A column belongs to the final model where at least half of the completed tables choose it (Wood, White and
    Royston). `test_stats_imputed_validation.py` has the same written out step by step.

    References
    ----------
    Moons et al., Journal of Clinical Epidemiology 2006;59:1092-1101. DOI 10.1016/j.jclinepi.2006.01.009.
    Wahl et al., BMC Medical Research Methodology 2016;16:144. DOI 10.1186/s12874-016-0239-7.
    Schomaker and Heumann, Statistics in Medicine 2018;37:2252-2266. DOI 10.1002/sim.7654.
    Brand et al., Statistics in Medicine 2019;38:210-220. DOI 10.1002/sim.7956.
    Bartlett and Hughes, Statistical Methods in Medical Research 2020;29:3533-3546.
    DOI 10.1177/0962280220932189.
    Wood, Royston and White, Biometrical Journal 2015;57:614-632. DOI 10.1002/bimj.201400004.
    Wood, White and Royston, Statistics in Medicine 2008;27:3227-3246. DOI 10.1002/sim.3177.

    Examples
    --------
    >>> from cytopenia.stats.resamples import draw_resamples
    >>> rng = np.random.default_rng(1)
    >>> full = rng.normal(size=(60, 2))
    >>> event = (rng.random(60) < 1 / (1 + np.exp(-full[:, 0]))).astype(float)
    >>> gaps = np.where(rng.random((60, 2)) < [0.2, 0.0], np.nan, full)
    >>> table, names = np.column_stack([event, gaps]), ["y", "x", "z"]
    >>> completed = impute_chained(table, levels=[2, 0, 0], names=names, seed=1).values[:, :, 1:]
    >>> data = IncompleteTable(gaps, completed, event, (0, 0), ("x", "z"), np.copy, (0, 1))
    >>> drawn = draw_resamples(60, count=20, seed=1)
    >>> found = validate_imputed(data, drawn, recipe=ModelRecipe("firth", (0, 1)))
    >>> found.c_statistic.corrected < found.c_statistic.apparent
    True
    """
    drawn = _require_data(data, resamples)
    cuts = _find_cuts(data.values, data.event, data.sources, recipe)
    everybody = _gather_rows(data)
    own = [_make_sample(data, one, data.event, (recipe, cuts), None) for one in data.completed]
    made: list[_Sample | None] = []
    for done, (rows, own_seed) in enumerate(zip(drawn, derive_seeds(seed, len(drawn)), strict=True), start=1):
        made.append(_resample(data, rows, everybody, recipe, (iterations, own_seed)))
        if progress is not None and (done % TOLD_EVERY == 0 or done == len(drawn)):
            progress(done, len(drawn))
    return _summarize(own, made, cuts)


def _require_data(data: IncompleteTable, resamples: ArrayLike) -> NDArray[np.int64]:
    drawn, (rows, variables) = np.asarray(resamples), data.values.shape
    shape = data.completed.shape
    if data.event.shape != (rows,) or not np.isin(data.event, (0.0, 1.0)).all():
        raise DataError("data.event: give one 0 or 1 for each row")
    if len(shape) != 3 or shape[1:] != (rows, variables) or not shape[0]:
        raise DataError(f"data.completed: shape {shape}; give imputations by {rows} by {variables}")
    if not np.isfinite(data.completed).all():
        raise DataError("data.completed: a number is missing or infinite")
    if drawn.ndim != 2 or not np.issubdtype(drawn.dtype, np.integer) or not drawn.size:
        raise DataError("resamples: give row numbers, resamples by rows, from draw_resamples")
    if drawn.min() < 0 or drawn.max() >= rows:
        raise DataError(f"resamples: row numbers must lie between 0 and {rows - 1}")
    return drawn.astype(np.int64)


def _find_cuts(values: Numbers, event: Numbers, sources: Sequence[int], recipe: ModelRecipe) -> Numbers:
    """Youden's cut of each divided column among the rows that are known; NaN for others."""
    cuts = np.full(len(sources), np.nan)
    for place, direction in enumerate(recipe.cuts):
        if direction:
            curve = estimate_roc(values[:, sources[place]], event, high_means_event=direction > 0)
            cuts[place] = np.nan if curve.cut is None else curve.cut
    return cuts


def _gather_rows(data: IncompleteTable) -> _Asked:
    tables = data.completed
    has_gap = np.isnan(data.values).any(axis=1)
    count, rows = tables.shape[:2]
    places = np.tile(np.arange(rows), (count, 1))
    gaps = np.flatnonzero(has_gap)
    places[1:, gaps] = rows + np.arange((count - 1) * gaps.size).reshape(count - 1, gaps.size)
    stacked = np.concatenate([tables[0], tables[1:, gaps].reshape(-1, tables.shape[2])])
    return _Asked(data.lay_out(stacked), places)


def _resample(
    data: IncompleteTable,
    rows: NDArray[np.int64],
    everybody: _Asked,
    recipe: ModelRecipe,
    how: tuple[int, int],
) -> _Sample | None:
    """The model of one resample, its gaps imputed once; None where there is none."""
    values, event = data.values[rows], data.event[rows]
    if not 0 < event.sum() < event.size:
        return None
    iterations, seed = how
    imputed = impute_chained(
        np.column_stack([event, values]),
        levels=[2, *data.levels],
        names=[OUTCOME, *data.names],
        seed=seed,
        imputations=1,
        iterations=iterations,
    )
    if imputed.status != "ok":
        return None
    cuts = _find_cuts(values, event, data.sources, recipe)
    return _make_sample(data, imputed.values[0, :, 1:], event, (recipe, cuts), everybody)


def _make_sample(
    data: IncompleteTable,
    values: Numbers,
    event: Numbers,
    how: tuple[ModelRecipe, Numbers],
    everybody: _Asked | None,
) -> _Sample | None:
    """Select and fit on completed rows, and measure there and on everybody."""
    recipe, cuts = how
    columns, others = data.lay_out(values), np.empty((0, len(data.sources)))
    if everybody is not None:
        others = everybody.rows
    is_there = ~(np.array([bool(cut) for cut in recipe.cuts] or [False] * len(cuts)) & np.isnan(cuts))
    stacked = np.concatenate([columns, others])
    for place in np.flatnonzero(~np.isnan(cuts)).tolist():
        stacked[:, place] = divide_rows(stacked[:, place], cuts[place : place + 1])[0]
    kept = np.flatnonzero(is_there)
    plain = replace(recipe, factors=tuple(recipe.factors[place] for place in kept.tolist()), cuts=())
    times = np.zeros((1, len(stacked)))
    times[0, : len(columns)] = 1.0
    marks = np.concatenate([event, np.zeros(len(others))])
    models = make_models(stacked[:, kept], marks, times, recipe=plain)
    scores = models.scores[0]
    if not np.isfinite(scores).all():
        return None
    chosen = np.zeros(len(cuts), dtype=np.bool_)
    chosen[kept] = models.chosen[0]
    inside = _measure(scores[np.newaxis, : len(columns)], event)
    outside = {}
    if everybody is not None:
        outside = _measure(scores[len(columns) :][everybody.places], data.event)
    return _Sample(chosen, inside, outside)


def _measure(scores: Numbers, marks: Numbers) -> dict[str, float]:
    """Every index, on average over tables; NaN where a table has none."""
    from scipy.special import expit

    times = np.ones(scores.shape)
    fit = fit_logistic_batch(scores[:, :, np.newaxis], marks, times, method="maximum_likelihood")
    found = {
        "c_statistic": measure_auc_batch(scores, marks, times),
        "brier": np.mean((expit(scores) - marks) ** 2, axis=1),
        "slope": fit.coefficients[:, 1],
        "intercept": fit.coefficients[:, 0],
    }
    return {name: float(values.mean()) for name, values in found.items()}


def _summarize(
    own: Sequence[_Sample | None], made: Sequence[_Sample | None], cuts: Numbers
) -> ImputedValidation:
    tables, fitted = [one for one in own if one is not None], [one for one in made if one is not None]
    reason = "" if fitted else "no resample gave a model"
    if len(tables) < len(own):
        reason = f"in {len(own) - len(tables)} of {len(own)} completed tables no model could be fitted"
    nothing = np.full(len(cuts), np.nan)
    shares = np.mean([one.chosen for one in tables], axis=0) if tables else nothing
    return ImputedValidation(
        **{name: _correct(name, tables if not reason else [], fitted) for name in INDICES},
        chosen=np.asarray(shares >= MAJORITY),
        cuts=cuts,
        frequencies=np.mean([one.chosen for one in fitted], axis=0) if fitted else nothing,
        models=_rank(one.chosen for one in fitted),
        resamples=len(made),
        unfitted=len(made) - len(fitted),
        imputations=len(own),
        status="not_estimable" if reason else "ok",
        note=reason,
    )


def _correct(name: str, tables: Sequence[_Sample], fitted: Sequence[_Sample]) -> ValidatedIndex:
    apparent = float(np.mean([one.inside[name] for one in tables])) if tables else np.nan
    gains = np.array([one.inside[name] - one.outside[name] for one in fitted])
    measured = gains[np.isfinite(gains)]
    shown = apparent if np.isfinite(apparent) else None
    if not measured.size:
        return ValidatedIndex(shown, None, None, 0)
    optimism = float(measured.mean())
    return ValidatedIndex(shown, optimism, None if shown is None else shown - optimism, measured.size)


def _rank(chosen: Iterable[Marks]) -> tuple[tuple[tuple[int, ...], int], ...]:
    counts = Counter(tuple(np.flatnonzero(one).tolist()) for one in chosen)
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
