"""Every kind of definition, by its name in the file."""

from __future__ import annotations

from typing import Any

from cytopenia.definition_forms.grades import GradesDefinition
from cytopenia.definition_forms.recovery import RecoveryDefinition
from cytopenia.definition_forms.scores import ModelDefinition, PointsDefinition, RatioDefinition
from cytopenia.definition_forms.settings import BaselineDefinition, BoundsDefinition, GatesDefinition

__all__ = ["FORMS", "Definition"]

Definition = (
    GradesDefinition
    | RecoveryDefinition
    | PointsDefinition
    | RatioDefinition
    | ModelDefinition
    | BoundsDefinition
    | BaselineDefinition
    | GatesDefinition
)

FORMS: dict[str, type[Any]] = {
    "grades": GradesDefinition,
    "recovery": RecoveryDefinition,
    "points": PointsDefinition,
    "ratio": RatioDefinition,
    "model": ModelDefinition,
    "bounds": BoundsDefinition,
    "baseline": BaselineDefinition,
    "gates": GatesDefinition,
}
