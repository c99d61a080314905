"""The shape of a definition file: which keys each kind may have, and what they mean."""

from __future__ import annotations

from cytopenia.definition_forms.base import Citation, CutName, LimitOfNormal, Status
from cytopenia.definition_forms.counting import CENSORING, Confirm, Counting, Landing
from cytopenia.definition_forms.grades import GradeRule, GradesDefinition, GradesPart
from cytopenia.definition_forms.kinds import FORMS, Definition
from cytopenia.definition_forms.phenotypes import SECOND_DIP, PhenotypeDefinition
from cytopenia.definition_forms.recovery import (
    Criterion,
    Landmark,
    RecoveryCounting,
    RecoveryDefinition,
    Run,
    SupportKind,
    Washout,
)
from cytopenia.definition_forms.settings import (
    BaselineDefinition,
    BoundsDefinition,
    GatesDefinition,
    NotDefinable,
    NotDefinableEntry,
)

__all__ = [
    "CENSORING",
    "FORMS",
    "SECOND_DIP",
    "BaselineDefinition",
    "BoundsDefinition",
    "Citation",
    "Confirm",
    "Counting",
    "Criterion",
    "CutName",
    "Definition",
    "GatesDefinition",
    "GradeRule",
    "GradesDefinition",
    "GradesPart",
    "Landing",
    "Landmark",
    "LimitOfNormal",
    "NotDefinable",
    "NotDefinableEntry",
    "PhenotypeDefinition",
    "RecoveryCounting",
    "RecoveryDefinition",
    "Run",
    "Status",
    "SupportKind",
    "Washout",
]
