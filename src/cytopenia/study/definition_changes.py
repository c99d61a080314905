"""Two graded definitions in the patients of a study: who changes grade, and how many reach a grade."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from cytopenia.contract import Tables
from cytopenia.definition_forms import GradesPart
from cytopenia.definitions import match_parts
from cytopenia.errors import DataError
from cytopenia.study.derived import judge_threshold
from cytopenia.study.flow import choose_cohort
from cytopenia.study.grade_crosstab import cross_grades
from cytopenia.study.outcomes import CohortOutcomes, Progress, derive_outcomes
from cytopenia.study.plan import GradePlan, build_plan
from cytopenia.study.protocol import Study
from cytopenia.study.single_plans import plan_grades

__all__ = ["Reached", "TermInPatients", "compare_in_patients"]

Window = tuple[int, int]
_OLD, _NEW = "old", "new"


@dataclass(frozen=True)
class Reached:
    """How many patients reach a grade: by the definition's own rule, at best, at worst, and not judged.

    `best` and `worst` are the bounds of the count: what unmeasured days can make of it.
    """

    patients: int
    best: int
    worst: int
    not_judged: int


@dataclass(frozen=True)
class TermInPatients:
    """One analyte over one window, graded by two terms.

    Attributes
    ----------
    analyte, old_address, new_address : str
    window : first and last day
    patients : int
        All patients of the cohort.
    crosstab : DataFrame
        `old`, `new` (grade, null where not judged), `patients`: every combination that occurs.
    milder, worse : int
        Patients whose grade is lower, or higher, by the new definition; both were judged.
    judged_by_one : int
        Patients who are judged by one of the definitions only.
    min_grade : int
    old_reached, new_reached : Reached
        How many reach `min_grade`.
    """

    analyte: str
    old_address: str
    new_address: str
    window: Window
    patients: int
    crosstab: pl.DataFrame
    milder: int
    worse: int
    judged_by_one: int
    min_grade: int
    old_reached: Reached
    new_reached: Reached


def compare_in_patients(
    study: Study,
    tables: Tables,
    *,
    old: str,
    new: str,
    min_grade: int,
    progress: Progress | None = None,
) -> list[TermInPatients]:
    """Grade the cohort of a study by two definitions.

    Parameters
    ----------
    study : Study
    tables : Tables
    old, new : str
        Addresses of definitions of kind "grades".
    min_grade : int
    progress : callable, optional

    Returns
    -------
    list of TermInPatients
        One per analyte that both definitions grade and window in which the study grades it, in the order of
        the study. An analyte that the study does not grade has no window and is left out.

    Raises
    ------
    DefinitionError
        An address is unknown or of another kind.
    DataError
        There is no patient.
    """
    before, after = study.library.find_comparable(old), study.library.find_comparable(new)
    pairs = _pair_parts(before, after)
    windows = dict.fromkeys((plan.part.analyte, plan.window) for plan in build_plan(study).grades)
    plans = [
        GradePlan(address, part, window, (_name(side, address, window),))
        for analyte, window in windows
        for addresses in pairs.get(analyte, [])
        for side, address, part in _sides(addresses, before, after)
    ]
    if not plans:
        return []
    _, chosen = choose_cohort(study, tables)
    if chosen.infusions.is_empty():
        raise DataError("No patient is left to compare in; 'cytopenia check' says what the tables lack.")
    bounds = study.library.bounds
    cohort = derive_outcomes(
        chosen,
        plan_grades(tuple(plans), bounds),
        bounds=bounds,
        use_caps=study.protocol.study.bound_anc_by_wbc,
        baseline=study.library.baseline,
        progress=progress,
    )
    return [
        _compare(cohort, analyte, window, addresses, min_grade=min_grade)
        for analyte, window in windows
        for addresses in pairs.get(analyte, [])
    ]


def _pair_parts(
    before: dict[str, GradesPart], after: dict[str, GradesPart]
) -> dict[str, list[tuple[str, str]]]:
    """Addresses of the two terms of each analyte that both definitions grade."""
    pairs: dict[str, list[tuple[str, str]]] = {}
    for old, new in match_parts(before, after):
        if old is not None and new is not None:
            pairs.setdefault(before[old].analyte, []).append((old, new))
    return pairs


def _sides(
    addresses: tuple[str, str], before: dict[str, GradesPart], after: dict[str, GradesPart]
) -> list[tuple[str, str, GradesPart]]:
    old, new = addresses
    return [(_OLD, old, before[old]), (_NEW, new, after[new])]


def _name(side: str, address: str, window: Window) -> str:
    return f"{side}|{address}|{window[0]}|{window[1]}"


def _compare(
    cohort: CohortOutcomes, analyte: str, window: Window, addresses: tuple[str, str], *, min_grade: int
) -> TermInPatients:
    old, new = (
        cohort.outcomes.filter(pl.col("outcome") == _name(side, address, window)).sort("patient_id")
        for side, address in zip((_OLD, _NEW), addresses, strict=True)
    )
    found = cross_grades(old["policy"].cast(pl.Int8), new["policy"].cast(pl.Int8))
    return TermInPatients(
        analyte=analyte,
        old_address=addresses[0],
        new_address=addresses[1],
        window=window,
        patients=old.height,
        crosstab=found.cells.rename({"first": _OLD, "second": _NEW}),
        milder=found.lower,
        worse=found.higher,
        judged_by_one=found.graded_by_one,
        min_grade=min_grade,
        old_reached=_count_reached(old, min_grade),
        new_reached=_count_reached(new, min_grade),
    )


def _count_reached(outcomes: pl.DataFrame, min_grade: int) -> Reached:
    judged = judge_threshold(outcomes, min_grade)
    return Reached(
        patients=int((judged["policy"] == 1).sum()),
        best=int((judged["best"] == 1).sum()),
        worst=int((judged["worst"] == 1).sum()),
        not_judged=judged["policy"].null_count(),
    )
