"""Names in a protocol against the tables: factors, their levels, required columns."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from cytopenia.contract import Tables
from cytopenia.errors import DefinitionError, ProtocolError, join_problems, suggest_name
from cytopenia.study.analysis_forms import (
    Analysis,
    Characteristics,
    ExternalValidation,
    Factor,
    Prediction,
    RiskFactors,
    Roc,
    Survival,
    TimeToRecovery,
)
from cytopenia.study.factors import list_columns, load_risk, map_levels
from cytopenia.study.model_cards import read_card
from cytopenia.study.named_tests import Tested, check_kinds
from cytopenia.study.protocol import Study

__all__ = ["LACKS_LYMPHODEPLETION", "MOST_GROUPS", "check_factors"]

LACKS_LYMPHODEPLETION = (
    "study: baseline values need the start of lymphodepletion. Write lymphodepletion_day = -5 (your"
    " day) under [study], or give a column lymphodepletion_day in the infusions table"
)
# More curves in one panel nobody tells apart.
MOST_GROUPS = 6


def check_factors(study: Study, tables: Tables) -> None:
    """Raise for every factor and required column that no table has, and for levels that do not fit.

    Raises
    ------
    ProtocolError
    """
    problems = [
        *_check_sources(study, tables),
        *_check_models(study, tables),
        *_check_shapes(study, tables),
        *_check_used(study, tables),
        *_check_report(study, tables),
        *_check_tests(study, tables),
        *_check_required(study, tables),
        *_check_cards(study, tables),
    ]
    if _needs_baseline(study) and not _knows_lymphodepletion(tables):
        problems.append(LACKS_LYMPHODEPLETION)
    if problems:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise ProtocolError(join_problems(f"{study.path.name}: {count} with the tables", problems))


def _check_sources(study: Study, tables: Tables) -> Iterator[str]:
    """Columns that no table has, values without a level, a reference that is no level."""
    columns = list_columns(tables)
    for name, factor in study.protocol.factors.items():
        if factor.column is not None and factor.column not in columns:
            hint = suggest_name(factor.column, columns)
            yield f"factors.{name}: no column '{factor.column}'{hint}; it must be in patients or infusions"
            continue
        left = _count_unnamed(factor, tables)
        if left:
            yield f"factors.{name}: levels leave {left} different values of the data unnamed; name them all"
        if factor.levels and factor.reference is not None and factor.reference not in factor.levels:
            known = ", ".join(factor.levels)
            yield f"factors.{name}: reference '{factor.reference}' is no level; allowed: {known}"


def _check_models(study: Study, tables: Tables) -> Iterator[str]:
    """Coefficient files that cannot be used, groups that are none, categories that no patient has."""
    for name, factor in study.protocol.factors.items():
        if factor.score is None:
            continue
        definition = study.library.find_score(factor.score)
        groups = [group.name for group in getattr(definition, "groups", ())]
        if factor.as_ == "group" and factor.reference not in (None, *groups):
            allowed = ", ".join(groups)
            yield f"factors.{name}: reference '{factor.reference}' is no group; allowed: {allowed}"
        try:
            load_risk(study, name)
        except DefinitionError as cause:
            yield f"factors.{name}: {cause}"
        for category, levels in getattr(definition, "categories", {}).items():
            if category not in tables.patients.columns:
                allowed = ", ".join(levels)
                yield f"factors.{name}: the patients have no column '{category}' (allowed: {allowed})"


def _count_unnamed(factor: Factor, tables: Tables) -> int:
    if not factor.levels:
        return 0
    if factor.column is None:
        first, last = factor.response_window or (0, 0)
        values = tables.responses.filter(pl.col("day").is_between(first, last))["response"]
    else:
        values = _find_column(factor.column, tables)
    distinct = values.drop_nulls().unique()
    return map_levels(distinct, factor).null_count()


def _find_column(name: str, tables: Tables) -> pl.Series:
    frame = tables.patients if name in tables.patients.columns else tables.infusions
    return frame[name]


def _check_used(study: Study, tables: Tables) -> Iterator[str]:
    columns = list_columns(tables)
    known = [*study.protocol.factors, *columns]
    for analysis in study.protocol.analyses:
        for name in getattr(analysis, "factors", ()):
            if name not in known:
                hint = suggest_name(name, known)
                where = "it must be a column of patients or infusions, or stand in [factors]"
                yield f"analyses.{analysis.id}: no factor '{name}'{hint}; {where}"
            elif name in _names_of_numbers(analysis) and not _is_number(name, study, tables):
                yield f"analyses.{analysis.id}: factor '{name}' has no numbers; a cut needs them"
        yield from _check_groups(analysis, study, tables)
        yield from _check_curves(analysis, study)


def _check_curves(analysis: Analysis, study: Study) -> Iterator[str]:
    """Hazard models take a number as a line."""
    if isinstance(analysis, Survival):
        for name in analysis.candidates:
            factor = study.protocol.factors.get(name)
            if factor is not None and factor.spline_knots is not None:
                yield (
                    f"analyses.{analysis.id}: factor '{name}' is a curve (spline_knots), and hazard models"
                    " have none; name a factor of the same values without spline_knots"
                )


def _check_groups(analysis: Analysis, study: Study, tables: Tables) -> Iterator[str]:
    """Groups of patients: an outcome, or a factor with levels."""
    if not isinstance(analysis, Survival | TimeToRecovery | Characteristics) or analysis.by is None:
        return
    name, known = analysis.by, [*study.protocol.factors, *list_columns(tables)]
    if name in study.protocol.outcomes:
        return
    if name not in known:
        hint = suggest_name(name, [*known, *study.protocol.outcomes])
        where = "it must be an outcome, a column of patients or infusions, or stand in [factors]"
        yield f"analyses.{analysis.id}: by names '{name}'{hint}; {where}"
    elif _is_number(name, study, tables):
        yield (
            f"analyses.{analysis.id}: by = '{name}' has numbers, which make no groups; name a factor with"
            " levels, or give the number to factors"
        )


def _check_report(study: Study, tables: Tables) -> Iterator[str]:
    """The groups of the trajectories: a factor with few levels."""
    name, known = study.protocol.report.trajectories_by, [*study.protocol.factors, *list_columns(tables)]
    if name is None:
        return
    if name not in known:
        where = "it must be a column of patients or infusions, or stand in [factors]"
        yield f"report: trajectories_by names '{name}'{suggest_name(name, known)}; {where}"
    elif _is_number(name, study, tables):
        yield (
            f"report: trajectories_by = '{name}' has numbers, which make no groups; name a factor with levels"
        )
    elif name not in study.protocol.factors and _find_column(name, tables).n_unique() > MOST_GROUPS:
        yield (
            f"report: trajectories_by = '{name}' has more than {MOST_GROUPS} values; give it levels under"
            " [factors]"
        )


def _check_shapes(study: Study, tables: Tables) -> Iterator[str]:
    """Steps and curves of factors that are no numbers."""
    columns = list_columns(tables)
    for name, factor in study.protocol.factors.items():
        keys = [key for key in ("scale", "spline_knots") if getattr(factor, key) is not None]
        is_there = factor.column is None or factor.column in columns
        if keys and is_there and not _is_number(name, study, tables):
            yield f"factors.{name}: '{keys[0]}' belongs to numbers, and '{factor.column}' has none; remove it"


def _check_tests(study: Study, tables: Tables) -> Iterator[str]:
    """Named tests of numbers for factors with levels, and the other way round; a cut makes levels."""
    for analysis in study.protocol.analyses:
        if isinstance(analysis, Tested):
            numbers = {name for name in analysis.tests if _is_number(name, study, tables)}
            for problem in check_kinds(analysis, study.protocol, numbers=numbers):
                yield f"analyses.{analysis.id}: {problem}"


def _names_of_numbers(analysis: Analysis) -> tuple[str, ...]:
    if isinstance(analysis, Roc):
        return analysis.factors
    if isinstance(analysis, Prediction):
        return analysis.divided
    if isinstance(analysis, RiskFactors) and analysis.cutpoints is not None:
        return tuple(analysis.cutpoints.values)
    return ()


def _is_number(name: str, study: Study, tables: Tables) -> bool:
    factor = study.protocol.factors.get(name)
    if factor is None or (factor.column is not None and not factor.levels):
        column = name if factor is None else str(factor.column)
        return column in list_columns(tables) and _find_column(column, tables).dtype.is_numeric()
    return factor.analyte is not None or (factor.score is not None and factor.as_ is None)


def _check_required(study: Study, tables: Tables) -> Iterator[str]:
    for address in study.protocol.cohort.require:
        table, _, column = address.partition(".")
        frame = {"patients": tables.patients, "infusions": tables.infusions}.get(table)
        if frame is not None and column in frame.columns:
            continue
        known_columns = {"patients": tables.patients.columns, "infusions": tables.infusions.columns}
        allowed = [f"{place}.{name}" for place, names in known_columns.items() for name in names]
        hint = suggest_name(column, known_columns.get(table, []))
        yield f"cohort.require: no column '{address}'{hint}; allowed: {', '.join(allowed)}"


def _check_cards(study: Study, tables: Tables) -> Iterator[str]:
    """Cards that cannot be used, and inputs that this study has not, or has as something else."""
    known = [*study.protocol.factors, *list_columns(tables)]
    for analysis in study.protocol.analyses:
        if not isinstance(analysis, ExternalValidation) or analysis.card is None:
            continue
        where = f"analyses.{analysis.id}"
        try:
            card = read_card(study.path.parent / analysis.card)
        except DefinitionError as cause:
            yield f"{where}: {cause}"
            continue
        for item in card.inputs:
            factor = study.protocol.factors.get(item.name)
            if item.name not in known:
                hint = suggest_name(item.name, known)
                yield f"{where}: the card needs '{item.name}'{hint}; add [factors.{item.name}]"
            elif _is_number(item.name, study, tables) != item.is_number:
                kind = "numbers" if item.is_number else "levels"
                yield f"{where}: factor '{item.name}' must have {kind}, as in the card"
            elif (None if factor is None else factor.analyte) != item.analyte:
                wanted = item.analyte or "no analyte"
                yield f"{where}: factor '{item.name}' is not what the card means ({wanted})"


def _needs_baseline(study: Study) -> bool:
    protocol = study.protocol
    return (
        any(getattr(analysis, "baseline_definition", None) for analysis in protocol.analyses)
        or any(
            factor.at == "baseline" or _has_baseline(factor, study) for factor in protocol.factors.values()
        )
        or any(spec.treatment_emergent for spec in protocol.outcomes.values())
    )


def _has_baseline(factor: Factor, study: Study) -> bool:
    """Whether a score rests on values before lymphodepletion."""
    if factor.score is None:
        return False
    return any(item.day is None for item in study.library.find_score(factor.score).inputs_needed)


def _knows_lymphodepletion(tables: Tables) -> bool:
    infusions = tables.infusions
    return "lymphodepletion_day" in infusions.columns and infusions["lymphodepletion_day"].is_not_null().any()
