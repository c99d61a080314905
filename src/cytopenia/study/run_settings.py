"""What a run rests on: the definitions it used, the versions, the hashes of protocol and data."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from typing import Any

import polars as pl

from cytopenia.contract import Tables
from cytopenia.definition_forms import ScoreDefinition
from cytopenia.published.cohorts import hash_cohort
from cytopenia.study.analysis_forms import (
    Analysis,
    Characteristics,
    ComparePublished,
    ExternalValidation,
    Ordinal,
    Prediction,
    RiskFactors,
    Roc,
    SideBySide,
    Survival,
    TimeToRecovery,
)
from cytopenia.study.plan import Plan
from cytopenia.study.protocol import Study
from cytopenia.version import __version__

__all__ = ["collect_settings", "list_scores", "list_used_definitions", "list_used_parts"]

_LIBRARIES = (
    "polars",
    "numpy",
    "scipy",
    "pydantic",
    "matplotlib",
    "jinja2",
    "python-docx",
)
_MODEL_LIBRARIES = ("statsmodels", "firthmodels")


def list_scores(study: Study) -> list[ScoreDefinition]:
    """Return the definition of every score that is a factor."""
    factors = study.protocol.factors.values()
    return [study.library.find_score(item.score) for item in factors if item.score is not None]


def list_used_definitions(study: Study, plan: Plan) -> list[str]:
    """Return the ids of all definitions that a run rests on, each once."""
    names = [grade.address.partition(".")[0] for grade in plan.grades]
    names += [recovery.definition.id for recovery in (*plan.recoveries, *plan.recovery_times)]
    names += [fever.definition.id for fever in plan.fevers]
    names += [phenotype.definition.id for phenotype in plan.phenotypes]
    for analysis in study.protocol.analyses:
        if isinstance(analysis, Characteristics) and analysis.baseline_definition:
            names.append(analysis.baseline_definition.partition(".")[0])
        care = analysis.read_with_care if isinstance(analysis, RiskFactors) else None
        if care is not None and care.baseline is not None:
            names.append(care.baseline.definition.partition(".")[0])
    names += [definition.id for definition in list_scores(study)]
    gates = ["model_gates"] if any(map(_has_models, study.protocol.analyses)) else []
    return [*dict.fromkeys(names), "neighbor_bounds", "baseline", *gates]


def _has_models(analysis: Analysis) -> bool:
    if isinstance(analysis, SideBySide | Ordinal):
        return bool(analysis.factors)
    if isinstance(analysis, Roc):
        return analysis.resamples is not None
    if isinstance(analysis, Survival):
        return bool(analysis.candidates)
    if isinstance(analysis, Prediction | ExternalValidation):
        return True
    if isinstance(analysis, TimeToRecovery):
        return analysis.by is not None
    return isinstance(analysis, RiskFactors) and bool({"univariable", "multivariable"} & {*analysis.columns})


def list_used_parts(plan: Plan, name: str) -> list[str]:
    """Return the parts of a definition that are graded."""
    addresses = [grade.address.split(".") for grade in plan.grades]
    return [part for identity, part in addresses if identity == name]


def collect_settings(study: Study, tables: Tables, plan: Plan) -> dict[str, Any]:
    """Return versions, hashes and the choices that hold for the whole study."""
    protocol = study.protocol.study
    return {
        "package": "cytopenia",
        "version": __version__,
        "title": protocol.title,
        "synthetic": protocol.synthetic,
        "seed": protocol.seed,
        "support_complete": protocol.support_complete and tables.has_support,
        "bound_anc_by_wbc": protocol.bound_anc_by_wbc,
        "day_zero": _name_day_zero(tables),
        "protocol_sha256": study.sha256,
        "definition_sha256": {
            name: study.library.sha256[name] for name in list_used_definitions(study, plan)
        },
        **_hash_cohorts(study),
        "data_fingerprint": _fingerprint(tables),
        "libraries": {name: version(name) for name in _list_libraries(study)},
    }


def _hash_cohorts(study: Study) -> dict[str, dict[str, str]]:
    """The files of the published cohorts that the study is set beside; no key where there are none."""
    named = [
        address.partition(".")[0]
        for analysis in study.protocol.analyses
        if isinstance(analysis, ComparePublished)
        for address in analysis.published
    ]
    found = {name: hash_cohort(name) for name in dict.fromkeys(named)}
    return {"cohort_sha256": found} if found else {}


def _list_libraries(study: Study) -> tuple[str, ...]:
    """The packages behind the numbers; those of models where survival is analyzed or an outcome predicted."""
    is_timed = any(
        isinstance(analysis, Survival | Prediction | ExternalValidation)
        for analysis in study.protocol.analyses
    )
    return (*_LIBRARIES, *(_MODEL_LIBRARIES if is_timed else ()))


def _name_day_zero(tables: Tables) -> str:
    """Where day 0 comes from: the infusion, the first laboratory day, or the days as given."""
    rules = set(tables.findings["rule"])
    if "day_zero_first" in rules:
        return "first"
    return "given" if "day_zero_given" in rules else "infusion"


def _fingerprint(tables: Tables) -> str:
    """Hash of the tables' content, whatever the order of their rows; it holds for one release of Polars."""
    digest = hashlib.sha256()
    for name in ("patients", "infusions", "labs", "support", "events", "responses"):
        frame: pl.DataFrame = getattr(tables, name)
        columns = sorted(set(frame.columns) - {"source_row"})
        hashes = frame.select(columns).hash_rows(seed=0).sort()
        digest.update(f"{name}:{','.join(columns)}:{frame.height}:".encode())
        digest.update(hashes.to_numpy().tobytes())
    return digest.hexdigest()
