"""Growth factor and transfusions: what the ward decides each morning, and what it does to the blood."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cytopenia.simulate.chain import Array
from cytopenia.simulate.draws import DAYS, Draws
from cytopenia.simulate.parameters import Support

__all__ = ["GrowthFactor", "Transfusions"]

Flags = NDArray[np.bool_]


class GrowthFactor:
    """Daily G-CSF: started at low neutrophils, given until they are back or for the longest course."""

    def __init__(self, form: Support, draws: Draws, *, active: bool) -> None:
        self._form = form
        self._user = draws.happens(form.gcsf_share) & active
        early = draws.happens(form.gcsf_early_share)
        self._first_day = np.where(early, form.gcsf_early_day.value, form.gcsf_late_day.value)
        self._on = np.zeros(draws.size, bool)
        self._days_on = np.zeros(draws.size)
        self._days_off = np.full(draws.size, form.gcsf_pause.value)

    def decide(self, day: int, anc: Array, alive: Flags) -> Flags:
        """Return who is given it today, from the neutrophils of this morning."""
        form = self._form
        waited = self._days_off >= form.gcsf_pause.value
        begins = self._user & (self._first_day <= day) & (anc < form.gcsf_from.value) & waited
        goes_on = self._on & (anc < form.gcsf_until.value) & (self._days_on < form.gcsf_longest.value)
        self._on = np.where(self._on, goes_on, begins) & alive
        self._days_on = np.where(self._on, self._days_on + 1, 0.0)
        self._days_off = np.where(self._on, 0.0, self._days_off + 1)
        return self._on

    def factors(self) -> tuple[Array, Array, Array, Array]:
        """Return what it does today: speed of maturation, division, output, loss from the blood."""
        form = self._form
        speed, division, output, survival = (
            np.where(self._on, effect.value, 1.0)
            for effect in (form.gcsf_speed, form.gcsf_division, form.gcsf_output, form.gcsf_survival)
        )
        return speed, division, output, survival


class Transfusions:
    """Transfused platelets and red cells: a pool of their own that only decays.

    Given cells leave the chains alone, so that a transfusion always raises the count.
    """

    def __init__(self, form: Support, draws: Draws, *, active: bool) -> None:
        self._from = np.stack([draws.vary(form.platelets_from), draws.vary(form.red_cells_from)])
        self._rise = np.stack([draws.vary(form.platelets_rise), draws.vary(form.red_cells_rise)])
        halves = np.array([form.platelets_half.value, form.red_cells_half.value])
        self._left = np.exp2(-1.0 / halves)[:, None]
        self._given = (draws.uniform_grid(len(DAYS), 2) < form.given_share.value) & active
        self.still_there = np.zeros((2, draws.size))

    def decide(self, place: int, platelets: Array, hemoglobin: Array, possible: Flags) -> tuple[Flags, Flags]:
        """Return who is given platelets and red cells today, and add them from tomorrow on."""
        needed = np.stack([platelets, hemoglobin]) < self._from
        given = needed & self._given[place] & possible
        self.still_there = (self.still_there + np.where(given, self._rise, 0.0)) * self._left
        return given[0], given[1]
