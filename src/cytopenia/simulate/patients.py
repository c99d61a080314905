"""Who the patients are: their marrow, their inflammation, their fate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytopenia.simulate.chain import Array, Chain
from cytopenia.simulate.draws import DAYS, Draws
from cytopenia.simulate.parameters import LAST_DAY, LINEAGES, Inflammation, Parameter, Parameters

__all__ = ["Patients", "Waves", "draw_patients", "find_inflammation"]

Flags = NDArray[np.bool_]
Whole = NDArray[np.int64]

_CHAIN_NUMBERS = ("baseline", "transit_time", "feedback", "room", "circulation_time")
_HOURS_PER_DAY = 24.0
_STAGES = 4.0
_NEVER = 10**6


@dataclass(frozen=True)
class Waves:
    """The inflammation of each patient, on every day, and what it is made of."""

    first_size: Array
    has_second: Flags
    has_plateau: Flags
    inflammation: Array


@dataclass(frozen=True)
class Patients:
    """A block of patients. Arrays end on the patient; those of a lineage have the lineages before it.

    Days that do not come are far in the future (`never`).
    """

    burden: Array
    site: Whole
    chain: Chain
    kill: Array
    suppression: Array
    clearance: Array
    waves: Waves
    discharge_day: Whole
    death_day: Whole
    progression_day: Whole
    therapy_day: Whole
    last_contact_day: Whole
    crs_grade: Whole
    crs_day: Whole
    icans_grade: Whole
    icans_day: Whole

    @property
    def never(self) -> int:
        """The day that does not come."""
        return _NEVER


def draw_patients(parameters: Parameters, draws: Draws) -> Patients:
    """Return the patients of one block."""
    own = {name: _by_lineage(parameters, draws, name) for name in _CHAIN_NUMBERS}
    chain = Chain(
        baseline=own["baseline"],
        transit=_STAGES * _HOURS_PER_DAY / own["transit_time"],
        feedback=own["feedback"],
        room=own["room"],
        loss=_HOURS_PER_DAY / own["circulation_time"],
    )
    kill, suppression, clearance = (
        _by_lineage(parameters, draws, name) for name in ("kill", "suppression", "clearance")
    )
    site = draws.pick([site.share for site in parameters.sites.values()])
    waves = _draw_waves(parameters.inflammation, draws)
    days = _draw_fate(parameters, draws)
    grades = _draw_toxicity(parameters, draws, waves.first_size / parameters.inflammation.first_size.value)
    return Patients(
        burden=draws.burden,
        site=site,
        chain=chain,
        kill=kill,
        suppression=suppression,
        clearance=clearance,
        waves=waves,
        **days,
        **grades,
    )


def _by_lineage(parameters: Parameters, draws: Draws, name: str) -> Array:
    own = [draws.vary(getattr(parameters.lineages[lineage], name)) for lineage in LINEAGES]
    return np.stack(own).astype(np.float32)


def _draw_waves(form: Inflammation, draws: Draws) -> Waves:
    own = {name: draws.vary(getattr(form, name)) for name in _WAVE_NUMBERS}
    has_second, has_plateau = draws.happens(form.second_share), draws.happens(form.plateau_share)
    own["second_size"] = own["second_size"] * has_second
    own["plateau_size"] = own["plateau_size"] * has_plateau
    return Waves(own["first_size"], has_second, has_plateau, find_inflammation(DAYS, own).astype(np.float32))


_WAVE_NUMBERS = (
    "first_peak",
    "first_width",
    "first_size",
    "second_day",
    "second_width",
    "second_size",
    "plateau_size",
    "plateau_end",
)


def find_inflammation(days: NDArray[np.int64], own: Mapping[str, Array]) -> Array:
    """Return the curve of inflammation, shape (day, patient); 0 up to the infusion.

    The first wave is a bell on the logarithm of time, so that it rises faster than it falls; the second is a
    bell on time; the plateau holds from the first peak and fades over a week around its end.
    """
    time = np.maximum(days, 0).astype(np.float64)[:, None]
    with np.errstate(divide="ignore"):
        along = np.log(time / own["first_peak"]) / own["first_width"]
    first = own["first_size"] * np.exp(-0.5 * along**2)
    second = own["second_size"] * np.exp(-0.5 * ((time - own["second_day"]) / own["second_width"]) ** 2)
    rising = 1.0 / (1.0 + np.exp(-(time - own["first_peak"]) / _EDGE))
    falling = 1.0 / (1.0 + np.exp(np.minimum((time - own["plateau_end"]) / _EDGE, _LARGEST_EXPONENT)))
    total = first + second + own["plateau_size"] * rising * falling
    return np.where(days[:, None] > 0, total, 0.0)


_EDGE = 1.5
_LARGEST_EXPONENT = 50.0


def _draw_fate(parameters: Parameters, draws: Draws) -> dict[str, Whole]:
    form = parameters.fate
    discharge = _whole(draws.vary(form.discharge_day))
    death = form.death_from.value + draws.wait(form.death_rate)
    progression = form.progression_from.value + draws.wait(form.progression_rate)
    death = np.minimum(death, progression + 1 + draws.wait(form.death_after))
    therapy = progression + 1 + draws.vary(form.therapy_after)
    therapy = np.where(draws.happens(form.therapy_share), therapy, _NEVER)
    followed = LAST_DAY + draws.vary(form.follow_up)
    lost = form.lost_from.value + (LAST_DAY - form.lost_from.value) * draws.uniform()
    contact = np.where(draws.happens(form.lost_share), lost, followed)
    death_day, contact_day = _whole(death), _whole(contact)
    # Whoever dies after the last contact is not known to be dead.
    known = death_day <= contact_day
    last = np.minimum(death_day, contact_day)
    return {
        "discharge_day": np.where(discharge < death_day, discharge, _NEVER),
        "death_day": np.where(known, death_day, _NEVER),
        "progression_day": _before(_whole(progression), last),
        "therapy_day": _before(_whole(therapy), last),
        "last_contact_day": contact_day,
    }


def _before(day: Whole, last: Whole) -> Whole:
    return np.where(day < last, day, _NEVER)


def _draw_toxicity(parameters: Parameters, draws: Draws, height: Array) -> dict[str, Whole]:
    form = parameters.fate
    crs_grade = draws.climb(np.log(height), form.crs_steps)
    icans_grade = draws.climb(np.log(height), form.icans_steps) * (crs_grade > 0)
    crs_day = np.maximum(_days_from(draws, form.crs_day), 1)
    icans_day = crs_day + np.maximum(_days_from(draws, form.icans_after), 1)
    return {"crs_grade": crs_grade, "crs_day": crs_day, "icans_grade": icans_grade, "icans_day": icans_day}


def _days_from(draws: Draws, parameter: Parameter) -> Whole:
    return _whole(draws.vary(parameter))


def _whole(days: Array) -> Whole:
    return np.minimum(np.rint(days), _NEVER).astype(np.int64)
