"""Candidate factors of a study: columns, markers, events and responses, one row per patient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import polars as pl

from cytopenia.contract import Tables
from cytopenia.contract.texts import shorten
from cytopenia.definition_forms import ModelDefinition
from cytopenia.grading.baseline import derive_baseline, derive_peak
from cytopenia.grading.risk_models import load_coefficients
from cytopenia.grading.score_cohorts import collect_values
from cytopenia.grading.score_tables import RiskOptions, score_values
from cytopenia.study.analysis_forms import Factor
from cytopenia.study.outcomes import CohortOutcomes
from cytopenia.study.protocol import Study
from cytopenia.units import load_analytes, show_unit

__all__ = ["FactorColumn", "derive_factors", "list_columns", "load_risk", "map_levels"]

_TITLES = {
    "age_years": "Age, years",
    "sex": "Sex",
    "ecog": "ECOG performance status",
    "prior_lines": "Prior lines of therapy",
    "prior_hsct": "Prior HSCT",
    "marrow_involvement": "Bone marrow involvement",
    "bridging": "Bridging therapy",
    "dose_1e6_per_kg": "CAR-T dose, 10⁶/kg",
    "target": "CAR-T target",
}
_EVENT_TITLES = {"crs": "Cytokine release syndrome", "icans": "Neurological toxicity (ICANS)"}
_SCALED = ("crs", "icans")
_NO_FACTORS = ("patient_id", "day", "infusion_date", "source_row")


@dataclass(frozen=True)
class FactorColumn:
    """One factor of every patient of the cohort, in the order of the courses.

    Attributes
    ----------
    name, title : str
    values : Series
        Numbers or text, null where unknown. A censored marker ("<2") has its printed number.
    censored_below : Series of bool, optional
        Where the value was reported as below its printed number.
    levels : tuple of str
        The declared levels in their order; empty where the protocol declares none.
    reference : str
        The level that models compare with; the first level if empty.
    is_known_after_infusion : bool
        A peak, an event or a response: not known when treatment begins.
    scale : str or float
        Of a number, the step that its odds ratio is for: see `scale_numbers`.
    spline_knots, between : int, (float, float), optional
        Of a number, its curve in models, and the two values whose odds are compared; the quartiles if none.
    is_ordered : bool
        The levels rise in their order, so that a trend over them means something.
    """

    name: str
    title: str
    values: pl.Series
    censored_below: pl.Series | None = None
    levels: tuple[str, ...] = ()
    reference: str = ""
    is_known_after_infusion: bool = False
    scale: str | float = "unit"
    spline_knots: int | None = None
    between: tuple[float, float] | None = None
    is_ordered: bool = False

    @property
    def is_number(self) -> bool:
        """Whether it is described by a median rather than by counts."""
        return self.values.dtype.is_numeric()

    @property
    def numbers(self) -> pl.Series:
        """The values for ranks and models: half the limit where a value was reported as below it."""
        values = self.values.cast(pl.Float64)
        if self.censored_below is None:
            return values
        return (
            pl.DataFrame({"value": values, "is_below": self.censored_below})
            .select(pl.when("is_below").then(pl.col("value") / 2).otherwise("value").alias(self.name))
            .to_series()
        )

    @property
    def reference_level(self) -> str:
        """The level that others are compared with: as named, else the first."""
        levels = self.list_levels()
        return self.reference if self.reference in levels else levels[0]

    def list_levels(self) -> list[str]:
        """Return the levels in their order: as declared, else sorted."""
        if self.levels:
            return list(self.levels)
        return sorted(self.values.cast(pl.String).drop_nulls().unique().to_list())


def list_columns(tables: Tables) -> list[str]:
    """Return the columns of the patients and infusions tables that can be factors."""
    names = [*tables.patients.columns, *tables.infusions.columns]
    return [name for name in dict.fromkeys(names) if name not in _NO_FACTORS]


def derive_factors(
    study: Study, tables: Tables, cohort: CohortOutcomes, *, names: tuple[str, ...]
) -> list[FactorColumn]:
    """Return the named factors, in the order of the protocol.

    Numbers are in canonical units.
    """
    found: list[FactorColumn] = []
    for name in names:
        factor = study.protocol.factors.get(name)
        if factor is None:
            values = _read_column(name, tables, cohort)
            found.append(FactorColumn(name, _title_column(name), values))
        elif factor.analyte is not None:
            found.append(_derive_marker(name, factor.analyte, study, cohort))
        elif factor.score is not None:
            found.append(_derive_score(name, factor.score, study, tables, cohort))
        else:
            found.append(_derive_category(name, factor, tables, cohort))
    return [_shape(column, study.protocol.factors.get(column.name)) for column in found]


def _shape(column: FactorColumn, factor: Factor | None) -> FactorColumn:
    """The factor with what the protocol says of its place in models."""
    if factor is None:
        return column
    return replace(
        column,
        scale=factor.step,
        spline_knots=factor.spline_knots,
        between=factor.between,
        is_ordered=factor.ordered,
    )


def _title_column(name: str) -> str:
    return _TITLES.get(name, name.replace("_", " ").capitalize())


def _read_column(name: str, tables: Tables, cohort: CohortOutcomes) -> pl.Series:
    infusions = tables.infusions.filter(pl.col("day") == 0).unique(
        "patient_id", keep="first", maintain_order=True
    )
    frame = tables.patients if name in tables.patients.columns else infusions
    return _align(frame.select("patient_id", pl.col(name).alias("value")), cohort).alias(name)


def _align(rows: pl.DataFrame, cohort: CohortOutcomes, column: str = "value") -> pl.Series:
    """A column of one row per patient in the order of the courses, null for who has no row."""
    patients = pl.DataFrame({"patient_id": cohort.courses.patient_id})
    joined = patients.join(
        rows.select("patient_id", column), on="patient_id", how="left", maintain_order="left"
    )
    return joined[column]


def _derive_marker(name: str, marker: str, study: Study, cohort: CohortOutcomes) -> FactorColumn:
    factor = study.protocol.factors[name]
    derive = derive_baseline if factor.at == "baseline" else derive_peak
    rows = derive(cohort.labs, cohort.courses, analyte=marker, definition=study.library.baseline)
    is_below = rows.with_columns(pl.col("comparator").is_in(["<", "<="]).alias("is_below"))
    analyte = load_analytes()[marker]
    words = "Baseline" if factor.at == "baseline" else "Peak"
    title = factor.title or f"{words} {_lower_first(analyte.title)}, {show_unit(analyte.unit)}"
    return FactorColumn(
        name,
        title,
        _align(rows, cohort).alias(name),
        censored_below=_align(is_below, cohort, "is_below").fill_null(value=False),
        is_known_after_infusion=factor.is_known_after_infusion,
    )


def _derive_score(
    name: str, score: str, study: Study, tables: Tables, cohort: CohortOutcomes
) -> FactorColumn:
    """The score of each patient, or its risk group; who has open items is missing unless all agree."""
    factor = study.protocol.factors[name]
    definition = study.library.find_score(score)
    values, _ = collect_values(definition, tables.labs, cohort.courses, baseline=study.library.baseline)
    scores, _ = score_values(
        definition,
        values,
        cohort.courses.patient_id,
        risk=load_risk(study, name),
        categories=tables.patients,
    )
    is_group = factor.as_ == "group"
    title = f"{definition.title} risk group" if is_group else definition.title
    return FactorColumn(
        name,
        factor.title or title,
        scores["group" if is_group else "policy"].alias(name),
        levels=tuple(group.name for group in getattr(definition, "groups", ())) if is_group else (),
        reference=factor.reference or "",
        is_known_after_infusion=any((item.day or 0) > 0 for item in definition.inputs_needed),
    )


def load_risk(study: Study, name: str) -> RiskOptions:
    """Return the coefficients that a factor names, read from the folder of the study.

    Raises
    ------
    DefinitionError
        The file cannot be read or does not fit the model.
    """
    factor = study.protocol.factors[name]
    definition = None if factor.score is None else study.library.find_score(factor.score)
    if factor.coefficients is None or not isinstance(definition, ModelDefinition):
        return RiskOptions()
    path = study.path.parent / factor.coefficients
    return RiskOptions(coefficients=load_coefficients(path, definition))


def _lower_first(title: str) -> str:
    return title if not title[1:2].islower() else title[0].lower() + title[1:]


def _derive_category(name: str, factor: Factor, tables: Tables, cohort: CohortOutcomes) -> FactorColumn:
    if factor.event is not None:
        title = _EVENT_TITLES.get(factor.event, factor.event.replace("_", " ").capitalize())
        groups = dict(_name_grades(factor.grade_from))
        levels = (_without(factor), *groups.values()) if factor.without_event else ()
        values = _grade_events(factor, groups, tables, cohort)
        own = f"{factor.title or title}{_name_scales(factor, tables)}"
        factor = factor.model_copy(update={"title": own})
    elif factor.column is not None:
        title = _title_column(factor.column)
        levels = tuple(factor.levels)
        values = map_levels(_read_column(factor.column, tables, cohort), factor)
    else:
        title = "Response"
        levels = tuple(factor.levels)
        values = map_levels(_last_response(factor, tables, cohort), factor)
    return FactorColumn(
        name,
        factor.title or title,
        values.alias(name),
        levels=levels,
        reference=factor.reference or "",
        is_known_after_infusion=factor.is_known_after_infusion,
    )


def map_levels(values: pl.Series, factor: Factor) -> pl.Series:
    """Return the declared level of each value; the values themselves where the factor declares none."""
    if not factor.levels:
        return values
    by_value = {
        str(value) if values.dtype == pl.String else value: level
        for level, members in factor.levels.items()
        for value in members
        if values.dtype == pl.String or isinstance(value, float)
    }
    if not by_value:
        return pl.repeat(None, len(values), dtype=pl.String, eager=True).alias(values.name)
    return values.replace_strict(by_value, default=None, return_dtype=pl.String)


def _name_grades(grade_from: tuple[int, ...]) -> Iterator[tuple[int, str]]:
    """The lowest grade of each group and its name: 1 "grade 1-2", 3 "grade >= 3"."""
    if not grade_from:
        yield 1, "yes"
        return
    for low, following in pairwise(grade_from):
        high = following - 1
        yield low, f"grade {low}" if low == high else f"grade {low}-{high}"
    yield grade_from[-1], f"grade >= {grade_from[-1]}"


def _without(factor: Factor) -> str:
    return "none" if factor.grade_from else "no"


def _grade_events(
    factor: Factor, groups: Mapping[int, str], tables: Tables, cohort: CohortOutcomes
) -> pl.Series:
    """The group of the highest grade in the window; an event without a grade could have been the highest."""
    first, last = factor.window or (0, 0)
    rows = tables.events.filter((pl.col("kind") == factor.event) & pl.col("day").is_between(first, last))
    if not factor.grade_from:
        level: pl.Expr = pl.lit("yes")
    else:
        grade = pl.col("grade").max()
        level = pl.lit(None, dtype=pl.String)
        for low, name in groups.items():
            level = pl.when(grade.ge(low)).then(pl.lit(name)).otherwise(level)
        is_settled = pl.col("grade").is_not_null().all() | grade.ge(max(groups))
        level = pl.when(is_settled).then(level)
    highest = rows.group_by("patient_id", maintain_order=True).agg(level.alias("value"))
    seen = _align(highest.with_columns(seen=True), cohort, "seen").fill_null(value=False)
    values = _align(highest, cohort)
    if factor.without_event == "missing":
        return values
    return (
        pl.DataFrame({"value": values, "seen": seen})
        .select(pl.when("seen").then("value").otherwise(pl.lit(_without(factor))))
        .to_series()
    )


def _name_scales(factor: Factor, tables: Tables) -> str:
    """The scales of recorded grades: a grade 3 by one scale is another finding than by the next."""
    if factor.event not in _SCALED or not factor.grade_from:
        return ""
    first, last = factor.window or (0, 0)
    rows = tables.events.filter(
        (pl.col("kind") == factor.event) & pl.col("day").is_between(first, last) & (pl.col("grade") > 0)
    )
    if rows.is_empty():
        return ""
    named = rows["scale"].drop_nulls().unique().sort().to_list() if "scale" in rows.columns else []
    if not named:
        return " (grade as recorded, scale not recorded)"
    without = rows["scale"].null_count()
    missing = f"; not recorded in {without} of {rows.height}" if without else ""
    scales = "scale" if len(named) == 1 else "scales"
    return f" (grade as recorded, {scales} {', '.join(map(shorten, named))}{missing})"


def _last_response(factor: Factor, tables: Tables, cohort: CohortOutcomes) -> pl.Series:
    first, last = factor.response_window or (0, 0)
    rows = tables.responses.filter(pl.col("day").is_between(first, last)).sort("day", maintain_order=True)
    latest = rows.unique("patient_id", keep="last", maintain_order=True)
    return _align(latest.select("patient_id", pl.col("response").alias("value")), cohort)
