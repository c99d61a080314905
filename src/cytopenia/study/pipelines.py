"""A way of making a model, from factors to log odds, judged by models made again without its patients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.stats.batched_screens import FactorScreen
from cytopenia.stats.model_recipes import ModelRecipe
from cytopenia.stats.resamples import draw_resamples
from cytopenia.stats.sampled_models import SampledModels, make_sampled_models
from cytopenia.stats.validation import PairedOut, Validation, leave_pairs_out, validate_sampled
from cytopenia.study.factor_forms import NamedTest
from cytopenia.study.factor_terms import Method, Term, make_terms
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import Sides
from cytopenia.study.outcomes import Progress

__all__ = ["JudgedPipeline", "Pipeline", "PipelineDesign", "Screen", "judge_pipeline", "lay_out_pipeline"]

Mask = NDArray[np.bool_]
Numbers = NDArray[np.float64]

# Of more pairs so many are drawn.
MOST_PAIRS = 4000
RESAMPLES = "resampling the model"
PAIRS = "leaving out pairs"


@dataclass(frozen=True)
class Screen:
    """The tests by which factors are screened: those that are named, else by the rule of the parity.

    By the rule a number has the Mann-Whitney test, levels and the sides of a cut chi-squared or Fisher's
    test, as in `compare_factor`.
    """

    tests: Mapping[str, NamedTest]
    parity: str
    seed: int

    def make(self, factor: FactorColumn, members: Mask, *, is_divided: bool) -> FactorScreen:
        """Return the test of one factor among the members."""
        test = self.tests.get(factor.name)
        if is_divided:
            return FactorScreen(test or "auto", None, parity=self.parity, levels=2, seed=self.seed)
        if factor.is_number:
            numbers = factor.numbers.fill_null(np.nan).to_numpy()[members]
            return FactorScreen(test or "mann_whitney", numbers, parity=self.parity)
        levels = factor.list_levels()
        places = {level: float(place) for place, level in enumerate(levels)}
        values = factor.values.cast(pl.String).to_numpy()[members]
        codes = np.array([places[value] for value in values])
        return FactorScreen(test or "auto", codes, parity=self.parity, levels=len(levels), seed=self.seed)


@dataclass(frozen=True)
class Pipeline:
    """How a model comes about; everything is done again in each resample.

    Attributes
    ----------
    method : str
        "maximum_likelihood" or "firth".
    p_below : float or None
        Factors enter whose univariable P is below this: Wald for a factor of one column, the likelihood ratio
        for one of several. All enter if None.
    higher_means_event, lower_means_event : collection of str
        Numbers that are divided at the cut with the largest Youden index, by the direction that is declared.
    screen : Screen or None
        With `p_below` factors enter by the P of these tests instead of that of their univariable model.
    """

    method: Method
    p_below: float | None = None
    higher_means_event: frozenset[str] = frozenset()
    lower_means_event: frozenset[str] = frozenset()
    screen: Screen | None = None

    def find_direction(self, name: str) -> int:
        """Return 1 or -1 for a factor that is divided, 0 for another."""
        return int(name in self.higher_means_event) - int(name in self.lower_means_event)


@dataclass(frozen=True, eq=False)
class PipelineDesign:
    """The columns of a pipeline, and the patients it is made from.

    Attributes
    ----------
    terms : tuple of Term
        One for each column; a factor that will be divided is its number.
    columns : (patients, terms) array of float
        Of the members only.
    event : (patients,) array of 0 and 1
    recipe : ModelRecipe
    in_group, members : array of bool
        Of the cohort: in a group; and with every factor known.
    patients, missing : int
        In a group; of these, left out for a missing value.
    refused : mapping of (factor, level) to str
        Why a factor or a level has no column.
    """

    terms: tuple[Term, ...]
    columns: Numbers
    event: Numbers
    recipe: ModelRecipe
    in_group: Mask
    members: Mask
    patients: int
    missing: int
    refused: Mapping[tuple[str, str], str]

    @property
    def events(self) -> int:
        """Members with the event."""
        return int(self.event.sum())

    @property
    def names(self) -> tuple[str, ...]:
        """The factors with a column, each once."""
        return tuple(dict.fromkeys(term.factor.name for term in self.terms))


@dataclass(frozen=True, eq=False)
class JudgedPipeline:
    """A pipeline with what models made again say of it.

    Attributes
    ----------
    design : PipelineDesign
    validation : Validation or None
        By the bootstrap; None where no factor has a column.
    paired : PairedOut or None
        The C statistic with pairs left out.
    frequencies : mapping of factor to float
        Share of the fitted resamples whose model has it.
    models : sequence of (factors of a model, resamples that made it)
        The most frequent first.
    screened : mapping of factor to float
        Share of all resamples whose selection takes it.
    screened_models : sequence of (factors that are taken, resamples that took them)
    unscreened : mapping of factor to float
        Share of all resamples in which its screen has no finite estimate, and it is not taken.
    status, note : str
        `not_estimable` with the reason where no model could be made.
    sampled : SampledModels or None
        The models of all patients and of the resamples, as `validation` has judged them.
    """

    design: PipelineDesign
    validation: Validation | None
    paired: PairedOut | None
    frequencies: Mapping[str, float] = field(default_factory=dict[str, float])
    models: Sequence[tuple[tuple[str, ...], int]] = ()
    screened: Mapping[str, float] = field(default_factory=dict[str, float])
    screened_models: Sequence[tuple[tuple[str, ...], int]] = ()
    unscreened: Mapping[str, float] = field(default_factory=dict[str, float])
    status: str = "ok"
    note: str = ""
    sampled: SampledModels | None = None


def lay_out_pipeline(factors: Sequence[FactorColumn], sides: Sides, pipeline: Pipeline) -> PipelineDesign:
    """Return the columns of the candidates for the patients in a group who have them all.

    Parameters
    ----------
    factors : sequence of FactorColumn
        Every candidate, chosen in the end or not. A number that the pipeline divides is taken as a number; a
        marker reported as below a limit counts as half of it. Knots of curves are those of all patients.
    sides : Sides
        The policy's groups are used.
    pipeline : Pipeline

    Returns
    -------
    PipelineDesign
        Without columns if nobody has every factor, or no factor varies.
    """
    in_group = ~np.isnan(sides.policy)
    members = in_group.copy()
    for factor in factors:
        members &= factor.values.is_not_null().to_numpy()
    terms: list[Term] = []
    refused: dict[tuple[str, str], str] = {}
    for factor in factors:
        found, reasons = _make_columns(factor, pipeline, members, in_group)
        terms.extend(found)
        refused.update(reasons)
    places = {name: place for place, name in enumerate(dict.fromkeys(term.factor.name for term in terms))}
    recipe = ModelRecipe(
        pipeline.method,
        tuple(places[term.factor.name] for term in terms),
        pipeline.p_below,
        tuple(pipeline.find_direction(term.factor.name) for term in terms),
        _make_screens(factors, pipeline, members, places),
    )
    columns = [term.column[members] for term in terms]
    return PipelineDesign(
        terms=tuple(terms),
        columns=np.column_stack(columns) if columns else np.empty((int(members.sum()), 0)),
        event=sides.policy[members],
        recipe=recipe,
        in_group=in_group,
        members=members,
        patients=int(in_group.sum()),
        missing=int((in_group & ~members).sum()),
        refused=refused,
    )


def _make_screens(
    factors: Sequence[FactorColumn], pipeline: Pipeline, members: Mask, places: Mapping[str, int]
) -> tuple[FactorScreen, ...]:
    """The test of each factor that has a column, in the order of their columns."""
    if pipeline.screen is None:
        return ()
    known = {factor.name: factor for factor in factors}
    return tuple(
        pipeline.screen.make(known[name], members, is_divided=bool(pipeline.find_direction(name)))
        for name in places
    )


def _make_columns(
    factor: FactorColumn, pipeline: Pipeline, members: Mask, among: Mask
) -> tuple[list[Term], dict[tuple[str, str], str]]:
    if not pipeline.find_direction(factor.name) or not members.any():
        return make_terms(factor, members, among=among)
    numbers = np.array(factor.numbers.fill_null(np.nan).to_numpy(), dtype=np.float64)
    if len(np.unique(numbers[members])) == 1:
        return [], {(factor.name, ""): "all patients have the same value"}
    return [Term(factor, "", numbers, "divided at its cut")], {}


def judge_pipeline(
    design: PipelineDesign, *, resamples: int, seed: int, progress: Progress | None = None
) -> JudgedPipeline:
    """Return what a pipeline is worth: its indices corrected for optimism, and C with pairs left out.

    Parameters
    ----------
    design : PipelineDesign
        From `lay_out_pipeline`.
    resamples : int
        Of the bootstrap, from 1.
    seed : int
        Of resamples and pairs.
    progress : callable, optional
        Called with a label, the models made and all models, for the resamples and for the pairs.

    Returns
    -------
    JudgedPipeline
        In a resample without one of the levels, or in which maximum likelihood has no finite estimate, there
        is no model; such resamples are counted.

    Notes
    -----
    Optimism by Harrell's bootstrap, the C statistic with pairs left out by Airola et al.; see
    `cytopenia.stats.validation`.
    """
    if not design.terms or design.event.size == 0:
        reason = "no patient with every value" if not design.event.size else "no factor varies"
        return JudgedPipeline(design, None, None, status="not_estimable", note=reason)
    drawn = draw_resamples(design.event.size, count=resamples, seed=seed)
    sampled = make_sampled_models(
        design.columns, design.event, drawn, recipe=design.recipe, progress=_label(progress, RESAMPLES)
    )
    validation = validate_sampled(sampled)
    paired = leave_pairs_out(
        design.columns,
        design.event,
        recipe=design.recipe,
        most_pairs=MOST_PAIRS,
        seed=seed,
        progress=_label(progress, PAIRS),
    )
    return JudgedPipeline(
        design,
        validation,
        paired,
        frequencies=_name_shares(design, validation.frequencies),
        models=_name_models(design, validation.models),
        screened=_name_shares(design, validation.screened),
        screened_models=_name_models(design, validation.screened_models),
        unscreened=_name_shares(design, validation.unscreened),
        status=validation.status,
        note=validation.note,
        sampled=sampled,
    )


def _name_shares(design: PipelineDesign, shares: Numbers) -> dict[str, float]:
    """The columns of one factor enter together: it has the share of its first."""
    found: dict[str, float] = {}
    for term, share in zip(design.terms, shares, strict=True):
        found.setdefault(term.factor.name, float(share))
    return found


def _name_models(
    design: PipelineDesign, models: Sequence[tuple[tuple[int, ...], int]]
) -> list[tuple[tuple[str, ...], int]]:
    return [
        (tuple(dict.fromkeys(design.terms[column].factor.name for column in columns)), count)
        for columns, count in models
    ]


def _label(progress: Progress | None, label: str) -> Callable[[int, int], None] | None:
    if progress is None:
        return None
    return lambda done, of: progress(label, done, of)
