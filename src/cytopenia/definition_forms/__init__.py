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
from cytopenia.definition_forms.clinical import (
    BedsideDefinition,
    BedsideLine,
    BedsideRequirement,
    FeverDefinition,
    PlainCut,
)
from cytopenia.definition_forms.counting import CENSORING, Confirm, Counting, Landing
from cytopenia.definition_forms.grades import GradeRule, GradesDefinition, GradesPart, RemovedPart
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
from cytopenia.definition_forms.scores import (
    Coefficients,
    ModelDefinition,
    ModelInput,
    PointsDefinition,
    PointsItem,
    PointsRule,
    RatioDefinition,
    Scaling,
    ScoreDefinition,
    ScoreGroup,
    ScoreInput,
    Ties,
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
    "BedsideDefinition",
    "BedsideLine",
    "BedsideRequirement",
    "BoundsDefinition",
    "Citation",
    "Coefficients",
    "Condition",
    "Confirm",
    "Counting",
    "Criterion",
    "CutName",
    "Definition",
    "FeverDefinition",
    "GatesDefinition",
    "GradeRule",
    "GradesDefinition",
    "GradesPart",
    "Landing",
    "Landmark",
    "LimitOfNormal",
    "ModelDefinition",
    "ModelInput",
    "MultipleOfBaseline",
    "NotDefinable",
    "NotDefinableEntry",
    "PhenotypeDefinition",
    "PlainCut",
    "PointsDefinition",
    "PointsItem",
    "PointsRule",
    "RatioDefinition",
    "RecoveryCounting",
    "RecoveryDefinition",
    "RemovedPart",
    "Run",
    "Scaling",
    "ScoreDefinition",
    "ScoreGroup",
    "ScoreInput",
    "Status",
    "SupportKind",
    "Ties",
    "Washout",
]
