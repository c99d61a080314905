"""The chain of maturation: proliferating cells, three transit compartments, circulating cells.

For each lineage, with `k` the transit rate (four over the mean transit time), `c` the loss from the blood:

    P'  = P (k division feedback room (1 - suppression) - k speed - kill)
    T1' = k speed (P - T1), T2' = k speed (T1 - T2), T3' = k speed (T2 - T3)
    C'  = output k speed T3 - c loss C
    feedback = (baseline / C) ^ gamma,   room = (P at rest / P) ^ delta

With delta = 0 this is the published chain for neutrophils. Where cells stay in the blood for much longer than
they take to mature, it would swing without end; delta stands for the room in the marrow, which damps it.

Everything that acts on a chain is constant within a day, so that the fixed steps never straddle a jump.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

__all__ = ["STEPS_PER_DAY", "Action", "Array", "Chain", "advance_day", "find_slopes", "start_chain"]

Array = NDArray[np.floating]

STEPS_PER_DAY = 4
_MARROW = 4
# Cells never run out: below this share of the rest the feedback no longer grows.
_LEAST = 1e-6


@dataclass(frozen=True)
class Chain:
    """What a patient's chains are; arrays of any one shape, such as lineage by patient. Rates are per day."""

    baseline: Array
    transit: Array
    feedback: Array
    room: Array
    loss: Array

    @property
    def marrow(self) -> Array:
        """What each compartment of the marrow holds at rest."""
        return self.loss * self.baseline / self.transit


@dataclass(frozen=True)
class Action:
    """What acts on the chains during one day; all but `kill` (per day) and `suppression` are factors."""

    kill: Array
    suppression: Array
    loss: Array
    speed: Array
    division: Array
    output: Array

    @classmethod
    def nothing(cls, shape: tuple[int, ...]) -> Action:
        """No drug, no inflammation, no growth factor."""
        one, zero = np.ones(shape), np.zeros(shape)
        return cls(kill=zero, suppression=zero, loss=one, speed=one, division=one, output=one)


def start_chain(chain: Chain) -> Array:
    """Return the compartments at rest, shape (5, ...): nothing changes until something acts."""
    return np.stack([*[chain.marrow] * _MARROW, chain.baseline])


def advance_day(state: Array, chain: Chain, action: Action, *, steps: int = STEPS_PER_DAY) -> Array:
    """Return the compartments one day later, by the classical Runge-Kutta method with fixed steps.

    The numbers keep the precision of the state (32 or 64 bits). A chain that loses cells faster than these
    steps can follow is followed in twice as many, or more.
    """
    rates = _Rates.of(chain, action)
    later = _advance(state, rates, steps)
    while (is_fast := rates.fastest > _MOST_A_STEP * steps).any():
        steps *= 2
        later[:, is_fast] = _advance(state[:, is_fast], rates.pick(is_fast, state.shape[1:]), steps)
    return later


def _advance(state: Array, rates: _Rates, steps: int) -> Array:
    state = state.copy()
    # Buffers are made once: a new array for every term would cost more than the arithmetic.
    slope, total, place = np.empty_like(state), np.empty_like(state), np.empty_like(state)
    half, whole = 0.5 / steps, 1.0 / steps
    for _ in range(steps):
        rates.find_slopes(state, total)
        _move(state, half, total, place)
        for width in (half, whole):
            rates.find_slopes(place, slope)
            _move(state, width, slope, place)
            slope *= 2.0
            total += slope
        rates.find_slopes(place, slope)
        total += slope
        total *= whole / _WEIGHTS
        state += total
    return state


_WEIGHTS = 6.0
# In a step of z / r the method multiplies what decays at rate r by 1 - z + z^2/2 - z^3/6 + z^4/24 instead of
# exp(-z): 0.375 for 0.368 at z = 1, twice as much at 1.9, and above 1 from z = 2.785, where it explodes.
_MOST_A_STEP = 1.0


def _move(start: Array, width: float, slope: Array, place: Array) -> None:
    np.multiply(slope, width, out=place)
    np.add(place, start, out=place)


def find_slopes(state: Array, chain: Chain, action: Action) -> Array:
    """Return the change per day of every compartment."""
    slope = np.empty_like(state)
    _Rates.of(chain, action).find_slopes(state, slope)
    return slope


@dataclass(frozen=True)
class _Rates:
    """The products that stay the same for a day."""

    rest: Array
    powers: Array
    growth: Array
    leaving: Array
    passing: Array
    release: Array
    loss: Array

    @classmethod
    def of(cls, chain: Chain, action: Action) -> _Rates:
        passing = chain.transit * action.speed
        return cls(
            rest=np.stack([chain.marrow, chain.baseline]),
            powers=np.stack([chain.room, chain.feedback]),
            growth=chain.transit * action.division * (1.0 - action.suppression),
            leaving=passing + action.kill,
            passing=passing,
            release=passing * action.output,
            loss=chain.loss * action.loss,
        )

    @property
    def fastest(self) -> Array:
        """The greatest rate at which a compartment loses cells."""
        return np.maximum(self.leaving, self.loss)

    def pick(self, where: NDArray[np.bool_], shape: tuple[int, ...]) -> _Rates:
        """The rates of some chains, side by side."""
        return _Rates(
            *(
                np.broadcast_to(rate, (*rate.shape[: rate.ndim - len(shape)], *shape))[..., where]
                for rate in (getattr(self, item.name) for item in fields(self))
            )
        )

    def find_slopes(self, state: Array, slope: Array) -> None:
        """Write the slopes into an array that is there already."""
        shares = state[::_MARROW] / self.rest
        np.maximum(shares, _LEAST, out=shares)
        np.log(shares, out=shares)
        shares *= self.powers
        growth = np.add(shares[0], shares[1], out=shares[0])
        np.negative(growth, out=growth)
        np.exp(growth, out=growth)
        growth *= self.growth
        growth -= self.leaving
        np.multiply(growth, state[0], out=slope[0])
        np.subtract(state[:-2], state[1:-1], out=slope[1:-1])
        slope[1:-1] *= self.passing
        np.multiply(self.release, state[-2], out=slope[-1])
        np.multiply(self.loss, state[-1], out=growth)
        slope[-1] -= growth
