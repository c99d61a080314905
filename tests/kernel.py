"""The grading kernel, called with the plain cohorts that the twin reads.

A cohort is a list of patients; a patient is a dict with patient_id, labs and support (lists of rows as in
`twin` and `twin_recovery`), second_infusion and death (day or None), and, where a test needs them,
last_contact, progression and next_therapy (day or None).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from cytopenia.contract import Tables
from cytopenia.definition_forms import (
    GradesPart,
    PhenotypeDefinition,
    RecoveryDefinition,
    RecoveryTimeDefinition,
)
from cytopenia.definitions import load_definition, load_library
from cytopenia.grading.course_grades import censoring_of, grade_part, reasons_of
from cytopenia.grading.day_grid import (
    Courses,
    index_labs,
    lay_out_courses,
    lay_out_labs,
    lay_out_support,
    split_courses,
)
from cytopenia.grading.follow_up import follow_courses
from cytopenia.grading.gaps import GapRule, ScenarioGrid, derive_scenarios
from cytopenia.grading.grades import GRADE_REASONS, grade_courses
from cytopenia.grading.half_lines import Baselines
from cytopenia.grading.nadirs import NADIR_REASONS, derive_nadirs
from cytopenia.grading.outcome_rows import OutcomeRows, frame_outcomes
from cytopenia.grading.phenotype_sets import PHENOTYPE_LABELS
from cytopenia.grading.phenotypes import (
    DIP_LABELS,
    PHENOTYPE_REASONS,
    derive_phenotypes,
    derive_second_dips,
)
from cytopenia.grading.recovery import (
    RECOVERY_LABELS,
    RECOVERY_REASONS,
    Cells,
    days_needed,
    derive_recovery,
    judge_cells,
)
from cytopenia.grading.recovery_time import (
    RECOVERY_TIME_LABELS,
    RECOVERY_TIME_REASONS,
    derive_recovery_time,
    find_follow_up,
    find_last_lab_days,
)
from cytopenia.units import load_analytes

Patient = dict[str, Any]
Cohort = Sequence[Patient]

MARGIN = 8
LAB_SCHEMA = {
    "patient_id": pl.String,
    "day": pl.Int32,
    "minute": pl.Int32,
    "analyte": pl.String,
    "value": pl.Float64,
    "comparator": pl.String,
    "unit": pl.String,
    "lln": pl.Float64,
    "uln": pl.Float64,
    "invalid": pl.String,
    "source_row": pl.UInt32,
}
SUPPORT_SCHEMA = {
    "patient_id": pl.String,
    "start": pl.Int32,
    "stop": pl.Int32,
    "kind": pl.String,
    "agent": pl.String,
    "source_row": pl.UInt32,
}
EVENT_KINDS = ("death", "last_contact", "progression", "next_therapy")
EVENT_SCHEMA = {"patient_id": pl.String, "day": pl.Int32, "kind": pl.String, "grade": pl.Float64}


def make_labs(cohort: Cohort) -> pl.DataFrame:
    rows = [{"patient_id": p["patient_id"], **row} for p in cohort for row in p["labs"]]
    units = {name: analyte.unit for name, analyte in load_analytes().items()}
    rows = [
        {"source_row": line, "unit": units[row["analyte"]], **row} for line, row in enumerate(rows, start=2)
    ]
    return pl.DataFrame(rows, schema=LAB_SCHEMA)


def make_tables(cohort: Cohort, labs: pl.DataFrame | None = None) -> Tables:
    """The canonical tables of a cohort; `labs` replaces the lab table."""
    ids = [p["patient_id"] for p in cohort]
    second = [(p["patient_id"], p["second_infusion"]) for p in cohort if p["second_infusion"] is not None]
    support = [{"patient_id": p["patient_id"], "agent": None, **row} for p in cohort for row in p["support"]]
    events = [
        {"patient_id": p["patient_id"], "day": p[kind], "kind": kind}
        for p in cohort
        for kind in EVENT_KINDS
        if p.get(kind) is not None
    ]
    infusions = [*((name, 0) for name in ids), *second]
    return Tables(
        patients=pl.DataFrame({"patient_id": ids}, schema={"patient_id": pl.String}),
        infusions=pl.DataFrame(infusions, schema={"patient_id": pl.String, "day": pl.Int32}, orient="row"),
        labs=make_labs(cohort) if labs is None else labs,
        support=pl.DataFrame(support, schema=SUPPORT_SCHEMA),
        events=pl.DataFrame(events, schema=EVENT_SCHEMA),
        responses=pl.DataFrame(schema={"patient_id": pl.String, "day": pl.Int32, "response": pl.String}),
        findings=pl.DataFrame(),
        has_support=True,
    )


def lay_out_parts(
    tables: Tables,
    courses: Courses,
    *,
    analyte: str,
    days: tuple[int, int],
    cap: bool = False,
    part_size: int = 2048,
) -> Iterator[tuple[slice, ScenarioGrid]]:
    """The scenario grid of each part, with 8 days of room on both sides of `days`."""
    bounds = load_library().bounds
    grid = lay_out_labs(
        index_labs(tables.labs, courses),
        courses,
        analyte=analyte,
        first_day=days[0] - MARGIN,
        last_day=days[1] + MARGIN,
        cap_analyte=bounds.cap.get(analyte) if cap else None,
    )
    for patients in split_courses(courses, part_size):
        part = grid.part(patients)
        yield (
            patients,
            derive_scenarios(part, GapRule.of_analyte(bounds, analyte)),
        )


def grade_cohort(
    tables: Tables,
    part: GradesPart,
    *,
    window: tuple[int, int],
    cap: bool = False,
    part_size: int = 2048,
    baseline: Baselines | None = None,
    min_grade: int | None = None,
) -> pl.DataFrame:
    courses = lay_out_courses(tables)
    grids = lay_out_parts(tables, courses, analyte=part.analyte, days=window, cap=cap, part_size=part_size)
    everybody = baseline or Baselines.missing((len(courses),))
    rows = [
        grade_courses(part, grid.window(*window), min_grade=min_grade, baseline=everybody.part(patients))[0]
        for patients, grid in grids
    ]
    rules = [rule.text for rule in part.lab_rules]
    return frame_outcomes(rows, courses.patient_id, outcome="grade", reasons=GRADE_REASONS, rules=rules)


def grade_durations_cohort(
    tables: Tables, part: GradesPart, *, cap: bool = False, part_size: int = 2048
) -> pl.DataFrame:
    """Grades of a part that looks at days of its own: by counted days, or at a landmark."""
    window = part.own_window
    assert window is not None
    courses = lay_out_courses(tables)
    grids = lay_out_parts(tables, courses, analyte=part.analyte, days=window, cap=cap, part_size=part_size)
    rows = [
        grade_part(
            part,
            grid.window(*window),
            follow_courses(courses.part(patients), window, censoring_of(part)),
        )[0]
        for patients, grid in grids
    ]
    rules = [rule.text for rule in part.lab_rules]
    return frame_outcomes(rows, courses.patient_id, outcome="grade", reasons=reasons_of(part), rules=rules)


def find_cohort_nadirs(
    tables: Tables, analyte: str, *, window: tuple[int, int], cap: bool = False, part_size: int = 2048
) -> pl.DataFrame:
    courses = lay_out_courses(tables)
    grids = lay_out_parts(tables, courses, analyte=analyte, days=window, cap=cap, part_size=part_size)
    rows = [derive_nadirs(grid.window(*window)) for _, grid in grids]
    return frame_outcomes(rows, courses.patient_id, outcome="nadir", reasons=NADIR_REASONS)


def recover_cohort(
    tables: Tables, name: str = "qiu2023_recovery", *, cap: bool = False, part_size: int = 2048
) -> pl.DataFrame:
    definition = load_definition(name)
    assert isinstance(definition, RecoveryDefinition)
    courses = lay_out_courses(tables)
    landmark, counting = definition.landmark.day, definition.counting
    fills = {"bracket_days": counting.bracket_days, "carry_days": counting.carry_days}
    cells = _judge_lineages(
        tables,
        courses,
        definition,
        days=(days_needed(definition)[0], landmark),
        fills=fills,
        cap=cap,
        part_size=part_size,
    )
    rows: list[OutcomeRows] = []
    for patients, part in cells:
        died = courses.death_day[patients] <= landmark
        censored = courses.second_infusion_day[patients] <= landmark
        rows.append(derive_recovery(definition, part, died_before=died, censored_before=censored))
    return frame_outcomes(
        rows, courses.patient_id, outcome=name, reasons=RECOVERY_REASONS, labels=RECOVERY_LABELS
    )


def time_cohort(
    tables: Tables,
    definition: str | RecoveryTimeDefinition,
    *,
    cap: bool = False,
    part_size: int = 2048,
) -> pl.DataFrame:
    """The time to recovery, by a definition or the id of one."""
    definition = load_definition(definition) if isinstance(definition, str) else definition
    assert isinstance(definition, RecoveryTimeDefinition)
    courses = lay_out_courses(tables)
    days = (definition.reached.first_day, definition.reached.until)
    fills = {"bracket_days": definition.bracket_days, "carry_days": definition.carry_days}
    cells = _judge_lineages(tables, courses, definition, days=days, fills=fills, cap=cap, part_size=part_size)
    last_lab_days = find_last_lab_days(index_labs(tables.labs, courses), courses)
    rows = [
        derive_recovery_time(
            definition, part, find_follow_up(courses.part(patients), last_lab_days[patients], days[1])
        )
        for patients, part in cells
    ]
    return frame_outcomes(
        rows,
        courses.patient_id,
        outcome=definition.id,
        reasons=RECOVERY_TIME_REASONS,
        labels=RECOVERY_TIME_LABELS,
    )


def _judge_lineages(
    tables: Tables,
    courses: Courses,
    definition: RecoveryDefinition | RecoveryTimeDefinition,
    *,
    days: tuple[int, int],
    fills: dict[str, int],
    cap: bool,
    part_size: int,
) -> Iterator[tuple[slice, dict[str, Cells]]]:
    reach = (days[0] - MARGIN, days[1] + MARGIN)
    by_lineage = []
    for criterion in definition.all_of:
        free_days = {kind: washout.as_free_days() for kind, washout in criterion.support_free_days.items()}
        known, possible = (
            lay_out_support(
                tables.support,
                courses,
                free_days=free_days,
                first_day=reach[0],
                last_day=reach[1],
                open_stop=open_stop,
            )
            for open_stop in (False, True)
        )
        parts = lay_out_parts(
            tables, courses, analyte=criterion.analyte, days=days, cap=cap, part_size=part_size
        )
        by_lineage.append(
            [
                (
                    patients,
                    judge_cells(
                        criterion,
                        grid,
                        {"known": known[patients], "possible": possible[patients]},
                        **fills,
                    ),
                )
                for patients, grid in parts
            ]
        )
    names = [criterion.analyte for criterion in definition.all_of]
    for lineages in zip(*by_lineage, strict=True):
        yield lineages[0][0], dict(zip(names, (cells for _, cells in lineages), strict=True))


def phenotype_cohort(
    tables: Tables, definition: PhenotypeDefinition, *, cap: bool = False, part_size: int = 2048
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Phenotypes and second dips of a cohort."""
    courses = lay_out_courses(tables)
    window, censoring = definition.window, definition.counting.censor_at
    parts = [
        (grid.window(*window), follow_courses(courses.part(patients), window, censoring))
        for patients, grid in lay_out_parts(
            tables, courses, analyte=definition.analyte, days=window, cap=cap, part_size=part_size
        )
    ]
    frames = []
    for derive, labels in ((derive_phenotypes, PHENOTYPE_LABELS), (derive_second_dips, DIP_LABELS)):
        rows = [derive(definition, grid, followed)[0] for grid, followed in parts]
        frame = frame_outcomes(
            rows,
            courses.patient_id,
            outcome=definition.id,
            reasons=PHENOTYPE_REASONS,
            rules=PHENOTYPE_LABELS,
            labels=labels,
        )
        frames.append(frame)
    return frames[0], frames[1]
