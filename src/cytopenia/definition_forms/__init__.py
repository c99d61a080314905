"""The shape of a definition file: which keys each kind may have, and what they mean."""

from __future__ import annotations

from cytopenia.definition_forms.base import Citation, CutName, LimitOfNormal, Status
from cytopenia.definition_forms.grades import GradeRule, GradesDefinition, GradesPart
from cytopenia.definition_forms.kinds import FORMS, Definition, choose_form
from cytopenia.definition_forms.recovery import (
    Criterion,
    Landmark,
    Reached,
    RecoveryCounting,
    RecoveryDefinition,
    RecoveryTimeDefinition,
    Run,
    SupportKind,
    TimeRun,
    Washout,
)
from cytopenia.definition_forms.settings import BaselineDefinition, BoundsDefinition, GatesDefinition

__all__ = [
    "FORMS",
    "BaselineDefinition",
    "BoundsDefinition",
    "Citation",
    "Criterion",
    "CutName",
    "Definition",
    "GatesDefinition",
    "GradeRule",
    "GradesDefinition",
    "GradesPart",
    "Landmark",
    "LimitOfNormal",
    "Reached",
    "RecoveryCounting",
    "RecoveryDefinition",
    "RecoveryTimeDefinition",
    "Run",
    "Status",
    "SupportKind",
    "TimeRun",
    "Washout",
    "choose_form",
]
