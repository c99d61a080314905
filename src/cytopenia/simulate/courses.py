"""The true counts of every day: the chains under lymphodepletion, inflammation and support."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytopenia.simulate.chain import Action, Array, advance_day, start_chain
from cytopenia.simulate.draws import DAYS, Draws
from cytopenia.simulate.parameters import LINEAGES, Parameters
from cytopenia.simulate.patients import Patients
from cytopenia.simulate.support import GrowthFactor, Transfusions

__all__ = ["Courses", "simulate_courses"]

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Courses:
    """What happened in the blood, shape (day, patient): true counts, and which support was given.

    Attributes
    ----------
    counts : dict
        `wbc`, `anc`, `alc`, `platelets` (1e9/L) and `hemoglobin` (g/L) on the morning of each day.
    given : dict
        `gcsf`, `red_cells`, `platelets`: given on that day, after the morning's count.
    """

    counts: dict[str, Array]
    given: dict[str, Flags]


def simulate_courses(
    patients: Patients, parameters: Parameters, draws: Draws, *, with_support: bool = True
) -> Courses:
    """Return the true course of every patient of a block.

    `with_support = False` gives the same patients, with the same random numbers, no support.
    """
    scatter = _draw_scatter(parameters, draws)
    kill = _find_kill(parameters)
    growth = GrowthFactor(parameters.support, draws, active=with_support)
    transfusions = Transfusions(parameters.support, draws, active=with_support)
    state = start_chain(patients.chain)
    own = np.empty((len(DAYS), *patients.chain.baseline.shape), np.float32)
    added = np.empty((len(DAYS), 2, draws.size), np.float32)
    given: dict[str, Flags] = {name: np.zeros((len(DAYS), draws.size), bool) for name in _GIVEN}
    for place, day in enumerate(DAYS):
        own[place] = state[-1] * scatter[place]
        added[place] = transfusions.still_there
        anc, platelets, hemoglobin = own[place, 0], *(own[place, 1:] + added[place])
        alive = day < patients.death_day
        given["gcsf"][place] = growth.decide(int(day), anc, alive)
        given["platelets"][place], given["red_cells"][place] = transfusions.decide(
            place, platelets, hemoglobin, alive & (day >= 0)
        )
        action = _find_action(patients, place, float(kill[place]), growth)
        state = advance_day(state, patients.chain, action)
        on_ward = (day >= parameters.lymphodepletion.first_day.value) & (day < patients.discharge_day)
        state[-1, -1] -= np.where(
            on_ward, np.minimum(parameters.support.blood_loss.value, state[-1, -1] / 2), 0
        )
    counts = {"platelets": own[:, 1] + added[:, 0], "hemoglobin": own[:, 2] + added[:, 1]}
    return Courses({**_white_cells(own[:, 0], patients, parameters, draws), **counts}, given)


_GIVEN = ("gcsf", "platelets", "red_cells")


def _find_kill(parameters: Parameters) -> Array:
    """How much of the drugs' effect each day has, 1 on the days they are given; shape (day,)."""
    form = parameters.lymphodepletion
    since = DAYS - form.first_day.value - form.days.value + 1
    left = np.where(since > 0, form.kill_left.value ** np.maximum(since, 0), 1.0)
    return np.where(form.first_day.value <= DAYS, left, 0.0)


def _find_action(patients: Patients, place: int, kill: float, growth: GrowthFactor) -> Action:
    inflammation = patients.waves.inflammation[place]
    effect = patients.suppression * inflammation
    factors = np.ones((4, *effect.shape), effect.dtype)
    factors[:, _NEUTROPHILS] = growth.factors()
    return Action(
        kill=patients.kill * np.float32(kill),
        suppression=effect / (1 + effect),
        loss=(1 + patients.clearance * (inflammation / (1 + inflammation))) * factors[3],
        speed=factors[0],
        division=factors[1],
        output=factors[2],
    )


_NEUTROPHILS = LINEAGES.index("neutrophils")


def _draw_scatter(parameters: Parameters, draws: Draws) -> Array:
    """What a count moves by from day to day for no reason of the model, shape (day, lineage, patient)."""
    forms = [parameters.lineages[name] for name in LINEAGES]
    spread = [form.day_to_day.value for form in forms]
    memory = [form.persistence.value for form in forms]
    return np.exp(_walk(draws.normal_grid(len(DAYS), len(forms)), spread, memory))


def _walk(steps: Array, spread: list[float], memory: list[float]) -> Array:
    """A stationary first-order autoregression along the days."""
    kept, width = (np.array(part, np.float32)[:, None] for part in (memory, spread))
    values = np.empty_like(steps)
    values[0] = steps[0]
    for place in range(1, len(steps)):
        values[place] = kept * values[place - 1] + np.sqrt(1.0 - kept**2) * steps[place]
    return values * width


def _white_cells(anc: Array, patients: Patients, parameters: Parameters, draws: Draws) -> dict[str, Array]:
    """Lymphocytes, and white cells as the sum of neutrophils, lymphocytes and others."""
    form = parameters.white_cells
    usual = draws.vary(form.lymphocytes)
    dying, turnover = draws.vary(form.lymphocyte_kill), draws.vary(form.lymphocyte_turnover)
    effect = _find_kill(parameters)
    pool, pools = usual.copy(), np.empty_like(anc)
    for place in range(len(DAYS)):
        pools[place] = pool
        pool = usual + (pool - usual) * np.exp(-turnover)
        pool = pool * np.exp(-dying * effect[place])
    height = patients.waves.inflammation / (1.0 + patients.waves.inflammation)
    expansion = draws.vary(form.expansion) * height
    scatter = np.exp(form.day_to_day.value * draws.normal_grid(len(DAYS)))
    alc = (pools + expansion) * scatter
    others = draws.vary(form.other_share) * anc
    return {"wbc": anc + alc + others, "anc": anc, "alc": alc}
