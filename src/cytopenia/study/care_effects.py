"""Panel A of "Read with care": numbers as numbers, and Firth's method with profile intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from cytopenia.results import ResultRow
from cytopenia.study.care_models import CareInput, list_published, list_terms, read_effects
from cytopenia.study.care_rows import Effect, refuse_panel, report_effects
from cytopenia.study.factors import FactorColumn
from cytopenia.study.models import fit_factors, judge_multivariable, judge_univariable

__all__ = ["fit_careful", "summarize_careful_effects"]

NO_MODEL = "the analysis has no fitted model"


def summarize_careful_effects(given: CareInput) -> Iterator[ResultRow]:
    """Return each published odds ratio beside that of the factor as it was measured.

    Rows of group `care_a`; `level` and `scenario` name the model. A number that was cut is in the model as a
    number, per interquartile range unless the protocol names another step, in the direction of the published
    odds ratio. Models follow the gates; what they refuse is `not_done` with the reason.
    """
    key = given.begin_row("a")
    lines = list_published(given)
    if not lines:
        yield refuse_panel(key, NO_MODEL)
        return
    terms = list_terms(lines)
    careful: dict[tuple[str, str, str], Effect] = {}
    if terms:
        for place, effect in fit_careful(given, terms).items():
            careful["multivariable", *place] = effect
    for name in dict.fromkeys(line.factor for line in lines if line.model == "univariable"):
        for place, effect in fit_careful(given, [name], is_univariable=True).items():
            careful["univariable", *place] = effect
    for line in lines:
        alone = careful.get((line.model, line.factor, line.level))
        effect = alone or careful.get((line.model, line.factor, ""), Effect(status="not_estimable"))
        yield from report_effects(replace(line.begin_row(key), scenario=line.model), line.effect, effect)


def fit_careful(
    given: CareInput, names: Sequence[str], *, is_univariable: bool = False
) -> Mapping[tuple[str, str], Effect]:
    """Return the odds ratios of a model of factors as they were measured, by Firth's method.

    By factor and level; a number has the level "". With a model that the gates refuse every factor has the
    reason under "".
    """
    model = fit_factors([_keep_number(given, name) for name in names], given.sides, method="firth")
    if is_univariable:
        refusal, _ = judge_univariable(given.sides, given.gates, is_requested=False)
    else:
        refusal, _ = judge_multivariable(given.sides, given.gates, len(model.terms), is_requested=False)
    if refusal:
        return {(name, ""): Effect(status="not_done", note=refusal) for name in names}
    turned = _list_turned(given)
    return {
        (factor, level): effect.invert() if factor in turned else effect
        for (factor, level), effect in read_effects(model).items()
    }


def _keep_number(given: CareInput, name: str) -> FactorColumn:
    """The factor as it was measured; one that was cut has a step that is as wide as the factor."""
    factor = given.find_factor(name)
    is_cut = name in given.cuts and factor.is_number
    return replace(factor, scale="iqr") if is_cut and factor.scale == "unit" else factor


def _list_turned(given: CareInput) -> set[str]:
    """The factors whose published odds ratio is of the side below the cut against the side above."""
    rule = given.analysis.cutpoints
    return set(given.cuts) if rule is not None and rule.reference == "high" else set()
