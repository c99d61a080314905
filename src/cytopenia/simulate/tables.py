"""One block of patients as tables: the six of the contract, and the truth behind them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.simulate.courses import Courses, simulate_courses
from cytopenia.simulate.draws import DAYS, Draws
from cytopenia.simulate.measurements import Measurements, measure_courses
from cytopenia.simulate.parameters import Parameters
from cytopenia.simulate.patients import Patients, draw_patients
from cytopenia.simulate.printing import ANALYTES, Printer

__all__ = ["TABLE_NAMES", "TRUTH", "TRUTH_COURSES", "Cohort", "make_block"]

Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]

TABLE_NAMES = ("patients", "infusions", "labs", "support", "events", "responses")
TRUTH, TRUTH_COURSES = "truth", "truth_courses"
_TRUE_COUNTS = ("anc", "wbc", "alc", "hemoglobin", "platelets")
_GIVEN_COUNTS = {
    "gcsf": "gcsf_days",
    "red_cells": "rbc_transfusions",
    "platelets": "platelet_transfusions",
}
_GIVEN_KINDS = {"red_cells": "rbc_transfusion", "platelets": "platelet_transfusion"}


@dataclass(frozen=True)
class Cohort:
    """What all blocks of a cohort share."""

    parameters: Parameters
    printer: Printer
    schedule: str
    seed: int
    patients: int

    def name_patients(self, block: int, *, of: int, size: int) -> pl.Series:
        """Return the names of the patients of a block: S001, S002, ..."""
        width = max(3, len(str(self.patients)))
        first = block * of + 1
        return pl.Series("patient_id", [f"S{number:0{width}d}" for number in range(first, first + size)])


def make_block(cohort: Cohort, block: int, *, size: int, of: int) -> dict[str, pl.DataFrame]:
    """Return the tables of one block by name; `size` of its `of` patients are kept."""
    parameters = cohort.parameters
    draws = Draws.of_block(cohort.seed, block, size=size)
    names = cohort.name_patients(block, of=of, size=size)
    patients = draw_patients(parameters, draws)
    courses = simulate_courses(patients, parameters, draws)
    schedule = parameters.schedules[cohort.schedule]
    measured = measure_courses(courses, patients, parameters, schedule=schedule, draws=draws)
    return {
        **_frame_people(names, patients, parameters, draws),
        "labs": _frame_labs(names, measured, patients, cohort.printer),
        "support": _frame_support(names, courses, patients, parameters),
        "events": _frame_events(names, patients, parameters),
        TRUTH: _frame_truth(names, courses, patients),
        TRUTH_COURSES: _frame_courses(names, courses, patients),
    }


def _frame_people(
    names: pl.Series, patients: Patients, parameters: Parameters, draws: Draws
) -> dict[str, pl.DataFrame]:
    form = parameters.people
    words = {key: _pick_words(draws, shares).alias(key) for key, shares in form.shares.items()}
    age = np.clip(np.rint(draws.vary(form.age)), *form.age_range).astype(np.int64)
    people = pl.DataFrame(
        {
            "patient_id": names,
            "site": pl.Series(list(parameters.sites)).gather(patients.site),
            "age_years": age,
            **{key: words[key] for key in ("sex", "diagnosis", "prior_hsct", "bridging")},
            "ecog": draws.climb(patients.burden, form.ecog_steps),
            "prior_lines": np.maximum(np.rint(draws.vary(form.prior_lines)), 1).astype(np.int64),
        }
    )
    infusions = pl.DataFrame(
        {
            "patient_id": names,
            "day": np.zeros(len(names), np.int64),
            "product": words["product"],
            "target": words["target"],
            "lymphodepletion_day": np.full(len(names), int(parameters.lymphodepletion.first_day.value)),
        }
    )
    responses = _frame_responses(names, patients, parameters, words["response"])
    return {"patients": people, "infusions": infusions, "responses": responses}


def _pick_words(draws: Draws, shares: dict[str, float]) -> pl.Series:
    return pl.Series(list(shares)).gather(draws.pick(list(shares.values())))


def _frame_responses(
    names: pl.Series, patients: Patients, parameters: Parameters, response: pl.Series
) -> pl.DataFrame:
    """The response without progression, on each day of assessment; PD once there was progression."""
    days = np.array(parameters.people.response_days)
    seen = days < np.minimum(patients.death_day, patients.last_contact_day)[:, None]
    patient, place = np.nonzero(seen)
    progressed = patients.progression_day[patient] <= days[place]
    table = pl.DataFrame(
        {
            "patient_id": names.gather(patient),
            "day": days[place],
            "response": response.gather(patient),
            "progressed": progressed,
        }
    )
    word = pl.when("progressed").then(pl.lit("PD")).otherwise("response").alias("response")
    return table.with_columns(word).drop("progressed")


def _frame_labs(names: pl.Series, rows: Measurements, patients: Patients, printer: Printer) -> pl.DataFrame:
    site = patients.site[rows.patient]
    return pl.DataFrame(
        {
            "patient_id": names.gather(rows.patient),
            "day": rows.day.astype(np.int32),
            "minute": rows.minute.astype(np.int32),
            "analyte": pl.Series(ANALYTES).gather(rows.analyte),
            "value": printer.find_texts(rows.value, site, rows.analyte),
            "unit": printer.units.gather(site * len(ANALYTES) + rows.analyte),
            "lln": pl.Series(printer.lln[site, rows.analyte], nan_to_null=True),
            "uln": pl.Series(printer.uln[site, rows.analyte], nan_to_null=True),
        }
    )


def _frame_support(
    names: pl.Series, courses: Courses, patients: Patients, parameters: Parameters
) -> pl.DataFrame:
    """One row per course of growth factor and per transfusion; nothing after the last contact."""
    seen = DAYS[:, None] <= patients.last_contact_day
    given = {name: (flags & seen).T for name, flags in courses.given.items()}
    patient, first, last = _find_runs(given["gcsf"])
    agent = parameters.people.gcsf_agent
    parts = [_support_rows(names.gather(patient), DAYS[first], DAYS[last], "gcsf", agent=agent)]
    for name, kind in _GIVEN_KINDS.items():
        patient, place = np.nonzero(given[name])
        parts.append(_support_rows(names.gather(patient), DAYS[place], DAYS[place], kind))
    return pl.concat(parts).sort("patient_id", "start", "kind")


def _support_rows(
    names: pl.Series, start: Whole, stop: Whole, kind: str, *, agent: str | None = None
) -> pl.DataFrame:
    rows = pl.DataFrame({"patient_id": names, "start": start, "stop": stop})
    return rows.with_columns(kind=pl.lit(kind), agent=pl.lit(agent, pl.String))


def _find_runs(given: Flags) -> tuple[Whole, Whole, Whole]:
    """Patient, first and last place of every stretch of days in a row; `given` has shape (patient, day)."""
    edge = np.zeros((len(given), 1), bool)
    before = np.hstack([edge, given[:, :-1]])
    after = np.hstack([given[:, 1:], edge])
    patient, first = np.nonzero(given & ~before)
    _, last = np.nonzero(given & ~after)
    return patient, first, last


def _frame_events(names: pl.Series, patients: Patients, parameters: Parameters) -> pl.DataFrame:
    never = patients.never
    end = np.minimum(patients.death_day, patients.last_contact_day)
    alive = np.where(patients.death_day == never, patients.last_contact_day, never)
    graded = {
        "crs": (patients.crs_day, patients.crs_grade),
        "icans": (patients.icans_day, patients.icans_grade),
    }
    others = {
        "discharge": patients.discharge_day,
        "progression": patients.progression_day,
        "next_therapy": patients.therapy_day,
        "death": patients.death_day,
        "last_contact": alive,
    }
    parts: list[pl.DataFrame] = []
    for kind, (day, grade) in graded.items():
        happens = (day <= end) & (grade > 0)
        grades = pl.Series("grade", grade[happens], dtype=pl.Int64)
        parts.append(_event_rows(names, kind, day, happens).with_columns(grades))
    parts += [_event_rows(names, kind, day, day <= end) for kind, day in others.items()]
    scale = pl.when(pl.col("grade").is_not_null()).then(pl.lit(parameters.people.grading)).alias("scale")
    return pl.concat(parts).with_columns(scale).sort("patient_id", "day", "kind")


def _event_rows(names: pl.Series, kind: str, day: Whole, happens: Flags) -> pl.DataFrame:
    rows = pl.DataFrame({"patient_id": names.filter(pl.Series(happens)), "day": day[happens]})
    return rows.with_columns(kind=pl.lit(kind), grade=pl.lit(None, pl.Int64))


def _frame_truth(names: pl.Series, courses: Courses, patients: Patients) -> pl.DataFrame:
    patient, place = np.nonzero(patients.death_day[:, None] >= DAYS)
    counts = {name: courses.counts[name].T[patient, place].astype(np.float32) for name in _TRUE_COUNTS}
    return pl.DataFrame({"patient_id": names.gather(patient), "day": DAYS[place].astype(np.int32), **counts})


def _frame_courses(names: pl.Series, courses: Courses, patients: Patients) -> pl.DataFrame:
    given = {column: courses.given[name].sum(axis=0) for name, column in _GIVEN_COUNTS.items()}
    days = {
        "death_day": patients.death_day,
        "progression_day": patients.progression_day,
        "discharge_day": patients.discharge_day,
    }
    return pl.DataFrame(
        {
            "patient_id": names,
            "burden": patients.burden,
            "first_wave_size": patients.waves.first_size,
            "has_second_wave": patients.waves.has_second,
            "has_plateau": patients.waves.has_plateau,
            **days,
            **given,
        }
    ).with_columns(pl.col(name).replace(patients.never, None) for name in days)
