"""Candidate factors of a study: columns of the tables, baseline values and peaks, one row per patient."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from cytopenia.contract import Tables
from cytopenia.errors import ProtocolError, join_problems, suggest_name
from cytopenia.grading.baseline import derive_baseline, derive_peak
from cytopenia.study.outcomes import CohortOutcomes
from cytopenia.study.protocol import Study
from cytopenia.units import load_analytes, show_unit

__all__ = ["FactorColumn", "check_factors", "derive_factors"]

_TITLES = {
    "age_years": "Age, years",
    "sex": "Sex",
    "ecog": "ECOG performance status",
    "prior_lines": "Prior lines of therapy",
    "prior_hsct": "Prior HSCT",
    "marrow_involvement": "Bone marrow involvement",
    "bridging": "Bridging therapy",
    "dose_1e6_per_kg": "CAR-T dose, 10⁶/kg",
}


@dataclass(frozen=True)
class FactorColumn:
    """One factor of every patient of the cohort, in the order of the courses."""

    name: str
    title: str
    values: pl.Series

    @property
    def is_number(self) -> bool:
        """Whether it is described by a median rather than by counts."""
        return self.values.dtype.is_numeric()


def check_factors(study: Study, tables: Tables) -> None:
    """Raise for every factor and every required column that no table has.

    Raises
    ------
    ProtocolError
    """
    problems: list[str] = []
    known = [*study.protocol.factors, *_columns(tables)]
    for analysis in study.protocol.analyses:
        for name in getattr(analysis, "factors", ()):
            if name not in known:
                hint = suggest_name(name, known)
                where = "it must be a column of patients or infusions, or stand in [factors]"
                problems.append(f"analyses.{analysis.id}: no factor '{name}'{hint}; {where}")
    for address in study.protocol.cohort.require:
        table, _, column = address.partition(".")
        frame = {"patients": tables.patients, "infusions": tables.infusions}.get(table)
        if frame is None or column not in frame.columns:
            known_columns = {
                "patients": tables.patients.columns,
                "infusions": tables.infusions.columns,
            }
            allowed = [f"{place}.{name}" for place, names in known_columns.items() for name in names]
            hint = suggest_name(column, known_columns.get(table, []))
            problems.append(f"cohort.require: no column '{address}'{hint}; allowed: {', '.join(allowed)}")
    if _needs_baseline(study) and not _knows_lymphodepletion(tables):
        problems.append(
            "study: baseline values need the start of lymphodepletion. Write lymphodepletion_day = -5 (your"
            " day) under [study], or give a column lymphodepletion_day in the infusions table"
        )
    if problems:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise ProtocolError(join_problems(f"{study.path.name}: {count} with the tables", problems))


def _needs_baseline(study: Study) -> bool:
    protocol = study.protocol
    return (
        any(getattr(analysis, "baseline_definition", None) for analysis in protocol.analyses)
        or any(factor.at == "baseline" for factor in protocol.factors.values())
        or any(spec.treatment_emergent for spec in protocol.outcomes.values())
    )


def _knows_lymphodepletion(tables: Tables) -> bool:
    infusions = tables.infusions
    return "lymphodepletion_day" in infusions.columns and infusions["lymphodepletion_day"].is_not_null().any()


def _columns(tables: Tables) -> list[str]:
    names = [*tables.patients.columns, *tables.infusions.columns]
    return [name for name in names if name not in ("patient_id", "day", "infusion_date", "source_row")]


def derive_factors(
    study: Study, tables: Tables, cohort: CohortOutcomes, *, names: tuple[str, ...]
) -> list[FactorColumn]:
    """Return the named factors, in the order of the protocol.

    A censored marker ("<2") counts with its printed number. Values are in canonical units.
    """
    patients = pl.DataFrame({"patient_id": cohort.courses.patient_id})
    infusions = tables.infusions.filter(pl.col("day") == 0).unique(
        "patient_id", keep="first", maintain_order=True
    )
    found: list[FactorColumn] = []
    for name in names:
        if name in study.protocol.factors:
            found.append(_marker(name, study, cohort))
            continue
        frame = tables.patients if name in tables.patients.columns else infusions
        joined = patients.join(
            frame.select("patient_id", name), on="patient_id", how="left", maintain_order="left"
        )
        found.append(FactorColumn(name, _TITLES.get(name, name.replace("_", " ").capitalize()), joined[name]))
    return found


def _marker(name: str, study: Study, cohort: CohortOutcomes) -> FactorColumn:
    factor = study.protocol.factors[name]
    derive = derive_baseline if factor.at == "baseline" else derive_peak
    rows = derive(cohort.labs, cohort.courses, analyte=factor.analyte, definition=study.library.baseline)
    patients = pl.DataFrame({"patient_id": cohort.courses.patient_id})
    values = patients.join(
        rows.select("patient_id", "value"), on="patient_id", how="left", maintain_order="left"
    )
    analyte = load_analytes()[factor.analyte]
    words = {"baseline": "Baseline", "peak": "Peak"}[factor.at]
    title = factor.title or f"{words} {_lower_first(analyte.title)}, {show_unit(analyte.unit)}"
    return FactorColumn(name, title, values["value"])


def _lower_first(title: str) -> str:
    return title if title[1:2].isupper() else title[0].lower() + title[1:]
