"""What the laboratory sees of the truth: counts and markers with analytical error, differentials missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytopenia.simulate.chain import Array
from cytopenia.simulate.courses import Courses
from cytopenia.simulate.draws import DAYS, Draws
from cytopenia.simulate.parameters import COUNTS, MARKERS, Parameters, Schedule
from cytopenia.simulate.patients import Patients
from cytopenia.simulate.visits import find_marker_days, plan_visits

__all__ = ["Measurements", "measure_courses"]

Whole = NDArray[np.int64]

_SAMPLES = 2
_MORNING, _AFTERNOON, _HOURS = 6 * 60, 14 * 60, 4 * 60
_DIFFERENTIAL = [COUNTS.index("anc"), COUNTS.index("alc")]


@dataclass(frozen=True)
class Measurements:
    """One entry per printed value, in the order patient, day, sample, analyte (a place in the printer)."""

    patient: Whole
    day: Whole
    minute: Whole
    analyte: Whole
    value: Array


def measure_courses(
    courses: Courses, patients: Patients, parameters: Parameters, *, schedule: Schedule, draws: Draws
) -> Measurements:
    """Return every value the laboratories print, in canonical units and before rounding."""
    drawn = plan_visits(schedule, patients, draws)
    chance = draws.uniform_grid(3, len(DAYS))
    noise = draws.normal_grid(_SAMPLES, len(DAYS), len(COUNTS))
    has_markers = find_marker_days(drawn, parameters.measurement.marker_days)
    on_ward = DAYS[:, None] <= patients.discharge_day
    again = drawn & on_ward & (chance[0] < parameters.measurement.second_draw)
    # From here the patient comes first, so that rows are in the order of the file.
    patient, day, sample = np.nonzero(np.stack([drawn.T, again.T], axis=-1))
    truth = np.stack([courses.counts[name][day, patient] for name in COUNTS], axis=-1)
    counts = truth * _find_errors(noise[sample, day, :, patient], parameters)
    _keep_within_white_cells(counts)
    markers = _find_markers(patients, parameters, draws)[:, day, patient].T
    present = np.ones((len(patient), len(COUNTS) + len(MARKERS)), bool)
    counted = _is_counted(counts[:, 0], patients.site[patient], parameters, chance[1][day, patient])
    present[:, _DIFFERENTIAL] = counted[:, None]
    present[:, len(COUNTS) :] = (has_markers[day, patient] & (sample == 0))[:, None]
    row, analyte = np.nonzero(present)
    begin = np.where(sample == 0, _MORNING, _AFTERNOON)
    minute = begin + np.floor(chance[2][day, patient] * _HOURS).astype(np.int64)
    values = np.concatenate([counts, markers], axis=1)
    return Measurements(patient[row], DAYS[day[row]], minute[row], analyte, values[row, analyte])


def _find_errors(noise: Array, parameters: Parameters) -> Array:
    """Factors of analytical error, the counts on the last axis."""
    form = parameters.measurement
    spread = np.array([form.error[name] for name in COUNTS], np.float32)
    return np.exp(spread * np.clip(noise, -form.widest, form.widest))


def _keep_within_white_cells(counts: Array) -> None:
    """A differential is a part of the white cells of the same sample."""
    for place in _DIFFERENTIAL:
        np.minimum(counts[:, place], counts[:, 0], out=counts[:, place])


def _is_counted(wbc: Array, site: Whole, parameters: Parameters, chance: Array) -> NDArray[np.bool_]:
    """Whether the sample has a differential: not at few white cells, but for some."""
    forms = list(parameters.sites.values())
    least = np.array([form.differential_from for form in forms])[site]
    anyway = np.array([form.differential_anyway for form in forms])[site]
    return (wbc > least) | (chance < anyway)


def _find_markers(patients: Patients, parameters: Parameters, draws: Draws) -> Array:
    """Markers with their error, shape (marker, day, patient)."""
    found: list[Array] = []
    widest = parameters.measurement.widest
    for name in MARKERS:
        form = parameters.markers[name]
        rise = draws.vary(form.rise) * patients.waves.inflammation
        error = form.error.value * np.clip(draws.normal_grid(len(DAYS)), -widest, widest)
        found.append(draws.vary(form.level) * np.exp(np.minimum(rise, _MOST) + error))
    return np.stack(found)


# A marker does not rise to more than e^8 times its level.
_MOST = 8.0
