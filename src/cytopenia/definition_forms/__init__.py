"""The shape of a definition file: which keys each kind may have, and what they mean."""

from __future__ import annotations

from cytopenia.definition_forms.base import (
    Citation,
    Condition,
    CutName,
    LimitOfNormal,
    MultipleOfBaseline,
    Status,
)
from cytopenia.definition_forms.grades import GradeRule, GradesDefinition, GradesPart, RemovedPart
from cytopenia.definition_forms.kinds import FORMS, Definition
from cytopenia.definition_forms.recovery import (
    Criterion,
    Landmark,
    RecoveryCounting,
    RecoveryDefinition,
    Run,
    SupportKind,
    Washout,
)
from cytopenia.definition_forms.settings import BaselineDefinition, BoundsDefinition, GatesDefinition

__all__ = [
    "FORMS",
    "BaselineDefinition",
    "BoundsDefinition",
    "Citation",
    "Condition",
    "Criterion",
    "CutName",
    "Definition",
    "GatesDefinition",
    "GradeRule",
    "GradesDefinition",
    "GradesPart",
    "Landmark",
    "LimitOfNormal",
    "MultipleOfBaseline",
    "RecoveryCounting",
    "RecoveryDefinition",
    "RemovedPart",
    "Run",
    "Status",
    "SupportKind",
    "Washout",
]
