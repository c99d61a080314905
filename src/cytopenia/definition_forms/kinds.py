"""Every kind of definition, by its name in the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cytopenia.definition_forms.clinical import BedsideDefinition, FeverDefinition
from cytopenia.definition_forms.grades import GradesDefinition
from cytopenia.definition_forms.phenotypes import PhenotypeDefinition
from cytopenia.definition_forms.recovery import RecoveryDefinition, RecoveryTimeDefinition
from cytopenia.definition_forms.scores import ModelDefinition, PointsDefinition, RatioDefinition
from cytopenia.definition_forms.settings import (
    BaselineDefinition,
    BoundsDefinition,
    GatesDefinition,
    NotDefinable,
)

__all__ = ["FORMS", "Definition", "choose_form"]

Definition = (
    GradesDefinition
    | RecoveryDefinition
    | RecoveryTimeDefinition
    | PhenotypeDefinition
    | BoundsDefinition
    | BaselineDefinition
    | GatesDefinition
    | NotDefinable
    | BedsideDefinition
    | FeverDefinition
    | PointsDefinition
    | RatioDefinition
    | ModelDefinition
)

FORMS: dict[str, type[Any]] = {
    "grades": GradesDefinition,
    "recovery": RecoveryDefinition,
    "bedside": BedsideDefinition,
    "fever": FeverDefinition,
    "points": PointsDefinition,
    "ratio": RatioDefinition,
    "model": ModelDefinition,
    "phenotype": PhenotypeDefinition,
    "bounds": BoundsDefinition,
    "baseline": BaselineDefinition,
    "gates": GatesDefinition,
    "not_definable": NotDefinable,
}


def choose_form(kind: str, table: Mapping[str, Any]) -> type[Any]:
    """Return the form of a kind; that of a recovery depends on its question: by a landmark, or when."""
    if kind == "recovery" and "reached" in table:
        return RecoveryTimeDefinition
    return FORMS[kind]
