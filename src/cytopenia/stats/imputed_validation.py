"""How much better a model looks than it is where values were imputed: each resample imputes anew."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
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
# Resamples that are fitted side by side; after each such block progress is told.
BLOCK = 25


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
    unscreened : (columns,) array of float
        Share of all resamples that were imputed and in which the selection of the column has no finite
        estimate; it counts as not taken.
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
    unscreened: Numbers
    resamples: int
    unfitted: int
    imputations: int
    status: str
    note: str


@dataclass(frozen=True, eq=False)
class _Sample:
    """Completed rows with their event, and the cut of each divided column."""

    values: Numbers
    event: Numbers
    cuts: Numbers


@dataclass(frozen=True, eq=False)
class _Judged:
    """The models of completed samples, and their indices there and on the completed tables of all rows.

    One row or number for each sample; NaN where no model could be fitted.
    """

    chosen: Marks
    unscreened: Marks
    inside: dict[str, Numbers]
    outside: dict[str, Numbers]

    @property
    def is_fitted(self) -> Marks:
        return np.asarray(np.isfinite(self.inside["brier"]))


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
    Brand et al., Statistics in Medicine 2019. DOI 10.1002/sim.7956.
    Bartlett and Hughes, Statistical Methods in Medical Research 2020;29:3533-3546.
    DOI 10.1177/0962280220932189.
    Wood, Royston and White, Biometrical Journal 2015. DOI 10.1002/bimj.201400004.
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
    own = _judge(data, [_Sample(one, data.event, cuts) for one in data.completed], recipe, None)
    blocks: list[_Judged] = []
    seeds = derive_seeds(seed, len(drawn))
    for start in range(0, len(drawn), BLOCK):
        part = slice(start, start + BLOCK)
        found = [
            _complete(data, rows, recipe, iterations=iterations, seed=own_seed)
            for rows, own_seed in zip(drawn[part], seeds[part], strict=True)
        ]
        samples = [one for one in found if one is not None]
        if samples:
            blocks.append(_judge(data, samples, recipe, everybody))
        if progress is not None:
            progress(min(start + BLOCK, len(drawn)), len(drawn))
    return _summarize(own, blocks, cuts, len(drawn))


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


def _complete(
    data: IncompleteTable, rows: NDArray[np.int64], recipe: ModelRecipe, *, iterations: int, seed: int
) -> _Sample | None:
    """One resample with its gaps imputed once; None where a side or all values of a variable are missing."""
    values, event = data.values[rows], data.event[rows]
    if not 0 < event.sum() < event.size:
        return None
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
    return _Sample(imputed.values[0, :, 1:], event, _find_cuts(values, event, data.sources, recipe))


def _judge(
    data: IncompleteTable, samples: Sequence[_Sample], recipe: ModelRecipe, everybody: _Asked | None
) -> _Judged:
    """Divide, select and fit in every sample, and measure there and on everybody."""
    n, count = len(samples[0].event), len(samples)
    others = np.empty((0, len(data.sources))) if everybody is None else everybody.rows
    columns = np.stack([np.concatenate([data.lay_out(one.values), others]) for one in samples])
    cuts = np.stack([one.cuts for one in samples])
    has_column = ~(np.isnan(cuts) & np.array([bool(cut) for cut in recipe.cuts] or [False]))
    for sample, place in np.argwhere(~np.isnan(cuts)).tolist():
        columns[sample, :, place] = divide_rows(columns[sample, :, place], cuts[sample, [place]])[0]
    times, marks = np.zeros((2, count, columns.shape[1]))
    times[:, :n], marks[:, :n] = 1.0, [one.event for one in samples]
    made = make_models(columns, marks, times, recipe=replace(recipe, cuts=()), allowed=has_column)
    inside, outside = _measure(made.scores[:, :n], marks[:, :n]), dict[str, Numbers]()
    if everybody is not None:
        asked = made.scores[:, n:][:, everybody.places].reshape(-1, data.event.size)
        found = _measure(asked, np.broadcast_to(data.event, asked.shape))
        outside = {name: values.reshape(count, -1).mean(axis=1) for name, values in found.items()}
    return _Judged(made.chosen, made.unscreened, inside, outside)


def _measure(scores: Numbers, marks: Numbers) -> dict[str, Numbers]:
    """Every index of every row of scores; NaN where there is no model or no line."""
    from scipy.special import expit

    center, spread = scores.mean(axis=1), scores.std(axis=1)
    is_line = np.isfinite(spread) & (spread > 0)
    lines = np.full((len(scores), 2), np.nan)
    # Each by its own spread: one sample whose events are separated must not decide on the others.
    scaled = (scores[is_line] - center[is_line, np.newaxis]) / spread[is_line, np.newaxis]
    fit = fit_logistic_batch(
        scaled[:, :, np.newaxis], marks[is_line], np.ones(scaled.shape), method="maximum_likelihood"
    )
    lines[is_line, 1] = fit.coefficients[:, 1] / spread[is_line]
    lines[is_line, 0] = fit.coefficients[:, 0] - lines[is_line, 1] * center[is_line]
    return {
        "c_statistic": measure_auc_batch(scores, marks, np.ones(scores.shape)),
        "brier": np.mean((expit(scores) - marks) ** 2, axis=1),
        "slope": lines[:, 1],
        "intercept": lines[:, 0],
    }


def _summarize(own: _Judged, blocks: Sequence[_Judged], cuts: Numbers, resamples: int) -> ImputedValidation:
    chosen = [one for block in blocks for one in block.chosen[block.is_fitted]]
    reason = "" if chosen else "no resample gave a model"
    lost = int((~own.is_fitted).sum())
    if lost:
        reason = f"in {lost} of {own.is_fitted.size} completed tables no model could be fitted"
    indices: dict[str, ValidatedIndex] = {}
    for name in INDICES:
        gains = [block.inside[name] - block.outside[name] for block in blocks]
        indices[name] = _correct(own.inside[name], np.concatenate([np.empty(0), *gains]))
    return ImputedValidation(
        **indices,
        chosen=np.asarray(own.chosen.mean(axis=0) >= MAJORITY),
        cuts=cuts,
        frequencies=np.mean(chosen, axis=0) if chosen else np.full(len(cuts), np.nan),
        models=_rank(chosen),
        unscreened=sum((block.unscreened.sum(axis=0) for block in blocks), np.zeros(len(cuts))) / resamples,
        resamples=resamples,
        unfitted=resamples - len(chosen),
        imputations=own.is_fitted.size,
        status="not_estimable" if reason else "ok",
        note=reason,
    )


def _correct(own: Numbers, gains: Numbers) -> ValidatedIndex:
    """An index that a completed table does not have is not estimable."""
    apparent = float(own.mean()) if np.isfinite(own).all() else None
    measured = gains[np.isfinite(gains)]
    if not measured.size:
        return ValidatedIndex(apparent, None, None, 0)
    optimism = float(measured.mean())
    return ValidatedIndex(
        apparent, optimism, None if apparent is None else apparent - optimism, measured.size
    )


def _rank(chosen: Sequence[Marks]) -> tuple[tuple[tuple[int, ...], int], ...]:
    counts = Counter(tuple(np.flatnonzero(one).tolist()) for one in chosen)
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
