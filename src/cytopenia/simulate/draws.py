"""Everything random, drawn block by block: one stream of random numbers per block of 1,024 patients.

A block is always drawn whole and then cut to the patients asked for. So a patient's draws depend on the seed
and the patient's number alone: not on the size of the cohort, nor on how many blocks are made at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytopenia.simulate.parameters import FIRST_DAY, LAST_DAY, Parameter, Steps

__all__ = ["BLOCK", "DAYS", "Draws"]

Array = NDArray[np.floating]

BLOCK = 1024
DAYS = np.arange(FIRST_DAY, LAST_DAY + 1)


@dataclass
class Draws:
    """The random numbers of one block, handed out in the order in which they are asked for.

    Attributes
    ----------
    size : int
        Patients kept of the block.
    burden : array
        The disease burden of each patient: standard normal.
    """

    rng: np.random.Generator
    size: int
    burden: Array

    @classmethod
    def of_block(cls, seed: int, block: int, *, size: int = BLOCK) -> Draws:
        """Open the stream of a block."""
        rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=(block,))))
        return cls(rng, size, rng.standard_normal(BLOCK)[:size])

    def vary(self, parameter: Parameter) -> Array:
        """Return each patient's own number: log-normal around the typical one, moved by the burden."""
        log = parameter.omega * self.normal() + parameter.burden * self.burden
        return parameter.value * np.exp(log)

    def happens(self, share: Parameter) -> NDArray[np.bool_]:
        """Return in whom something happens; the burden moves the log odds of its share."""
        odds = share.value / (1.0 - share.value) * np.exp(share.burden * self.burden)
        return self.uniform() < odds / (1.0 + odds)

    def wait(self, rate: Parameter) -> Array:
        """Return days until something happens at a constant rate, moved by the burden."""
        return -np.log1p(-self.uniform()) / (rate.value * np.exp(rate.burden * self.burden))

    def climb(self, height: Array, steps: Steps) -> NDArray[np.int64]:
        """Return how many of the steps a height with scatter has climbed."""
        return np.searchsorted(np.array(steps.steps), height + steps.scatter * self.normal(), side="right")

    def pick(self, shares: list[float]) -> NDArray[np.int64]:
        """Return the place of one of several kinds, by their shares."""
        edges = np.cumsum(shares)[:-1]
        return np.searchsorted(edges, self.uniform(), side="right")

    def normal(self) -> Array:
        """Return one standard normal number per patient."""
        return self.rng.standard_normal(BLOCK)[: self.size]

    def uniform(self) -> Array:
        """Return one number between 0 and 1 per patient."""
        return self.rng.random(BLOCK)[: self.size]

    def normal_grid(self, *shape: int) -> Array:
        """Return standard normal numbers of 32 bits, the patients on the last axis."""
        return self.rng.standard_normal((*shape, BLOCK), dtype=np.float32)[..., : self.size]

    def uniform_grid(self, *shape: int) -> Array:
        """Return numbers between 0 and 1 of 32 bits, the patients on the last axis."""
        return self.rng.random((*shape, BLOCK), dtype=np.float32)[..., : self.size]
