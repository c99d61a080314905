"""The published models of an analysis, read from its rows and fitted again on other patients or outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cytopenia.definition_forms import GatesDefinition
from cytopenia.results import ResultRow
from cytopenia.study.analysis_forms import RiskFactors, Roc
from cytopenia.study.care_forms import ReadWithCare
from cytopenia.study.care_rows import Effect
from cytopenia.study.cut_points import Cut
from cytopenia.study.factor_terms import Method
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import Sides
from cytopenia.study.models import (
    Model,
    fit_factors,
    judge_multivariable,
    judge_univariable,
    summarize_model,
)
from cytopenia.study.outcomes import Progress

__all__ = [
    "CareInput",
    "Line",
    "find_method",
    "list_published",
    "list_terms",
    "pick_headlines",
    "read_effects",
    "read_row_effect",
    "refit_published",
]

MODELS = ("univariable", "multivariable")
NOT_FITTED = "the published model has no such term here"
Place = tuple[str, str]


@dataclass(frozen=True)
class Line:
    """One published odds ratio: the model it is from, factor and level."""

    model: str
    factor: str
    level: str
    effect: Effect

    def begin_row(self, key: ResultRow) -> ResultRow:
        """The key of its rows."""
        return replace(key, level=self.model, variable=self.factor, variable_level=self.level)


@dataclass(frozen=True)
class CareInput:
    """What the panels of one analysis work on.

    Attributes
    ----------
    analysis : RiskFactors
    factors, divided : sequence of FactorColumn
        As they are, and as they were published: those with a cut as two levels.
    sides : Sides
    cuts : mapping of factor to Cut
    published : sequence of ResultRow
        All rows of the analysis.
    gates : GatesDefinition
    seed : int
        Of the protocol.
    roc : Roc or None
        The analysis whose cuts were taken.
    progress : callable or None
    """

    analysis: RiskFactors
    factors: Sequence[FactorColumn]
    divided: Sequence[FactorColumn]
    sides: Sides
    cuts: Mapping[str, Cut]
    published: Sequence[ResultRow]
    gates: GatesDefinition
    seed: int
    roc: Roc | None = None
    progress: Progress | None = None

    @property
    def rule(self) -> ReadWithCare:
        """What the protocol declares."""
        rule = self.analysis.read_with_care
        assert rule is not None  # noqa: S101 - panels are made for such an analysis only
        return rule

    def begin_row(self, panel: str) -> ResultRow:
        """The key of the rows of a panel."""
        return ResultRow(analysis_id=self.analysis.id, group=f"care_{panel}", variable="", estimate="")

    @property
    def chosen_cuts(self) -> list[str]:
        """The factors that were cut where the ROC curve looks best."""
        return (
            [] if self.roc is None else [factor.name for factor in self.factors if factor.name in self.cuts]
        )

    def find_factor(self, name: str) -> FactorColumn:
        """The factor as it is."""
        return next(factor for factor in self.factors if factor.name == name)

    def find_divided(self, name: str) -> FactorColumn:
        """The factor as it was published."""
        return next(factor for factor in self.divided if factor.name == name)


def list_published(given: CareInput) -> list[Line]:
    """Return the odds ratios of the published models that were fitted, in the order of the results."""
    return [
        Line(row.group, row.variable, row.variable_level, read_row_effect(row))
        for row in given.published
        if row.group in MODELS and row.estimate == "odds_ratio" and row.status != "not_done"
    ]


def pick_headlines(lines: Iterable[Line]) -> list[Line]:
    """Return the odds ratios that a reader takes home: of each factor those of the largest model it is in."""
    lines = list(lines)
    adjusted = {line.factor for line in lines if line.model == "multivariable"}
    return [line for line in lines if line.model == "multivariable" or line.factor not in adjusted]


def list_terms(lines: Iterable[Line]) -> list[str]:
    """Return the factors of the published multivariable model."""
    return list(dict.fromkeys(line.factor for line in lines if line.model == "multivariable"))


def read_effects(model: Model) -> dict[Place, Effect]:
    """Return the odds ratios of a model by factor and level."""
    key = ResultRow(analysis_id="", variable="", estimate="")
    rows = summarize_model(key, model, None, with_counts=False)
    return {
        (row.variable, row.variable_level): read_row_effect(row)
        for row in rows
        if row.estimate == "odds_ratio"
    }


def read_row_effect(row: ResultRow) -> Effect:
    """Return the number of a row of a model."""
    return Effect(row.value, row.low, row.high, row.n, row.text, row.status, row.note)


def refit_published(given: CareInput, sides: Sides, lines: Sequence[Line]) -> dict[Line, Effect]:
    """Return the same odds ratios of the same models, terms, cuts and method on other sides.

    Gates are those of the published models: what was fitted on request is fitted here on request.
    """
    found: dict[Line, Effect] = {}
    terms = list_terms(list_published(given))
    together: Mapping[Place, Effect] | None = None
    for line in lines:
        if line.model == "univariable":
            effects = _refit(given, [line.factor], sides, model=line.model)
        else:
            together = _refit(given, terms, sides, model=line.model) if together is None else together
            effects = together
        place = line.factor, line.level
        absent = effects.get((line.factor, ""), Effect(status="not_estimable", note=NOT_FITTED))
        found[line] = effects.get(place, absent)
    return found


def _refit(given: CareInput, names: Sequence[str], sides: Sides, *, model: str) -> Mapping[Place, Effect]:
    method = find_method(given, model)
    interval = given.analysis.interval if method == "maximum_likelihood" else None
    factors = [given.find_divided(name) for name in names]
    fitted = fit_factors(factors, sides, method=method, interval=interval)
    own = given.analysis.multivariable
    is_published = given.analysis.own_parity != "default"
    if model == "univariable":
        refusal, _ = judge_univariable(sides, given.gates, is_requested=is_published)
    else:
        is_requested = is_published or (own is not None and own.method is not None)
        refusal, _ = judge_multivariable(sides, given.gates, len(fitted.terms), is_requested=is_requested)
    if refusal:
        refused = Effect(status="not_done", note=refusal)
        return {(name, ""): refused for name in names}
    return read_effects(fitted)


def find_method(given: CareInput, model: str) -> Method:
    """Return how the published model was fitted."""
    own = given.analysis.multivariable
    usual: Method = "firth" if given.analysis.own_parity == "default" else "maximum_likelihood"
    return own.method or usual if model == "multivariable" and own is not None else usual
