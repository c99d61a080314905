"""Blood counts after CAR-T: graded, explained and counted.

The public names are imported on first use, so that `import cytopenia` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from cytopenia.version import __version__

if TYPE_CHECKING:
    from cytopenia.check_file import write_check
    from cytopenia.contract import Tables, check_tables, require_tables
    from cytopenia.definitions import load_definition
    from cytopenia.frames import grade_labs
    from cytopenia.grading.score_cohorts import score_patients
    from cytopenia.grading.score_tables import RiskOptions
    from cytopenia.readers.sources import read_tables
    from cytopenia.simulate import simulate_cohort
    from cytopenia.workflow import check_study, explain_patient, run_study

__all__ = [
    "RiskOptions",
    "Tables",
    "__version__",
    "check_study",
    "check_tables",
    "explain_patient",
    "grade_labs",
    "load_definition",
    "read_tables",
    "require_tables",
    "run_study",
    "score_patients",
    "simulate_cohort",
    "write_check",
]

_HOMES = {
    "RiskOptions": "cytopenia.grading.score_tables",
    "Tables": "cytopenia.contract",
    "check_study": "cytopenia.workflow",
    "check_tables": "cytopenia.contract",
    "explain_patient": "cytopenia.workflow",
    "grade_labs": "cytopenia.frames",
    "load_definition": "cytopenia.definitions",
    "read_tables": "cytopenia.readers.sources",
    "require_tables": "cytopenia.contract",
    "run_study": "cytopenia.workflow",
    "score_patients": "cytopenia.grading.score_cohorts",
    "simulate_cohort": "cytopenia.simulate",
    "write_check": "cytopenia.check_file",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'cytopenia' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
