"""The chain of maturation: at rest it rests, and its steps follow the equations typed again by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from cytopenia.simulate import load_parameters
from cytopenia.simulate.chain import STEPS_PER_DAY, Action, Chain, advance_day, find_slopes, start_chain

# Neutrophils of Friberg et al. 2002 (transit time 88.7 h, gamma 0.161), a platelet-like and a red-cell-like
# chain.
TRANSIT_DAYS, BLOOD_DAYS = [88.7 / 24, 5.0, 7.0], [88.7 / 96, 8.0, 120.0]
BASELINES, GAMMAS, DELTAS = [5.05, 180.0, 120.0], [0.161, 0.22, 0.8], [0.0, 0.4, 1.0]


def build_chain(dtype: type = np.float64) -> Chain:
    return Chain(
        baseline=np.array(BASELINES, dtype),
        transit=(4.0 / np.array(TRANSIT_DAYS)).astype(dtype),
        feedback=np.array(GAMMAS, dtype),
        room=np.array(DELTAS, dtype),
        loss=(1.0 / np.array(BLOOD_DAYS)).astype(dtype),
    )


def full(value: float) -> NDArray[np.float64]:
    return np.full(3, value)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-6)])
def test_without_drug_and_inflammation_nothing_changes(dtype: type, tolerance: float) -> None:
    chain, nothing = build_chain(dtype), Action.nothing((3,))
    nothing = Action(**{name: getattr(nothing, name).astype(dtype) for name in nothing.__dataclass_fields__})
    state = start_chain(chain)
    for _ in range(111):
        state = advance_day(state, chain, nothing)
    assert state.dtype == dtype
    np.testing.assert_allclose(state, start_chain(chain), rtol=tolerance)


def slopes_by_hand(state: NDArray[np.float64], place: int, action: Action) -> list[float]:
    """The equations, typed from the docstring for one lineage."""
    k, c = 4.0 / TRANSIT_DAYS[place], 1.0 / BLOOD_DAYS[place]
    rest = c * BASELINES[place] / k
    p, t1, t2, t3, blood = (float(value) for value in state)
    speed, division = float(action.speed[place]), float(action.division[place])
    suppression, kill = float(action.suppression[place]), float(action.kill[place])
    feedback = (BASELINES[place] / blood) ** GAMMAS[place]
    room = (rest / p) ** DELTAS[place]
    return [
        p * (k * division * feedback * room * (1 - suppression) - k * speed - kill),
        k * speed * (p - t1),
        k * speed * (t1 - t2),
        k * speed * (t2 - t3),
        float(action.output[place]) * k * speed * t3 - c * float(action.loss[place]) * blood,
    ]


# What acts on the chains on the days of a course: lymphodepletion, nothing, inflammation, growth factor.
COURSE = [
    replace(Action.nothing((3,)), kill=full(1.6)),
    replace(Action.nothing((3,)), kill=full(1.6)),
    replace(Action.nothing((3,)), kill=full(1.6)),
    *[Action.nothing((3,))] * 4,
    *[replace(Action.nothing((3,)), suppression=full(0.55), loss=full(3.4))] * 8,
    *[replace(Action.nothing((3,)), speed=full(1.2), division=full(1.5), output=full(1.8))] * 6,
    *[Action.nothing((3,))] * 20,
]


def test_slopes_are_those_of_the_equations() -> None:
    state = start_chain(build_chain()) * np.array([0.3, 0.5, 0.8, 1.1, 0.2])[:, None]
    for action in COURSE:
        found = find_slopes(state, build_chain(), action)
        by_hand = np.array([slopes_by_hand(state[:, place], place, action) for place in range(3)]).T
        np.testing.assert_allclose(found, by_hand, rtol=1e-12)


@pytest.mark.parametrize("place", range(3))
def test_steps_of_six_hours_follow_a_fine_solution(place: int) -> None:
    chain = build_chain()
    state, fine = start_chain(chain), start_chain(chain)[:, place]
    for action in COURSE:
        state = advance_day(state, chain, action)
        solved = solve_ivp(
            lambda _, y, action=action: slopes_by_hand(y, place, action),
            (0.0, 1.0),
            fine,
            method="DOP853",
            rtol=1e-10,
            atol=1e-12,
        )
        fine = solved.y[:, -1]
        np.testing.assert_allclose(state[:, place], fine, rtol=1e-2)


@pytest.mark.parametrize("kill", [2.5, 6.0, 13.123772621154785])
def test_a_fast_loss_is_followed_in_more_steps(kill: float) -> None:
    """At a kill of 13.12 per day (one patient in a million of seed 20261129) four steps ended below zero."""
    chain = build_chain()
    action = replace(Action.nothing((3,)), kill=np.array([kill, 0.0, 0.0]))
    state = start_chain(chain)
    solved = solve_ivp(
        lambda _, y: slopes_by_hand(y, 0, action),
        (0.0, 3.0),
        state[:, 0],
        method="Radau",
        rtol=1e-9,
        atol=1e-16,
    )
    for _ in range(3):
        state = advance_day(state, chain, action)
    np.testing.assert_allclose(state[:, 0], solved.y[:, -1], rtol=0.4)
    np.testing.assert_allclose(state[1:, 0], solved.y[1:, -1], rtol=1e-2)


def test_the_slow_chains_beside_a_fast_one_take_the_usual_steps() -> None:
    chain, state = build_chain(), start_chain(build_chain()) * np.array([0.3, 0.5, 0.8, 1.1, 0.2])[:, None]
    alone = advance_day(state, chain, COURSE[0])
    beside = advance_day(state, chain, replace(COURSE[0], kill=np.array([9.0, 1.6, 1.6])))
    np.testing.assert_array_equal(beside[:, 1:], alone[:, 1:])


def test_inflammation_stays_within_the_range_of_these_tests() -> None:
    """At most 3.4 times the loss of 1.08 per day (neutrophils): the steps have been compared up to there."""
    lineages = load_parameters().lineages.values()
    highest = [(1 + form.clearance.value) * 24 / form.circulation_time.value for form in lineages]
    assert max(highest) <= 3.4 * 96 / 88.7 + 1e-9


def test_more_steps_come_closer() -> None:
    chain, state = build_chain(), start_chain(build_chain())
    exact, usual, twice = (
        advance_day(state, chain, COURSE[0], steps=steps) for steps in (64, STEPS_PER_DAY, 2 * STEPS_PER_DAY)
    )
    error, smaller = np.abs(usual - exact).max(), np.abs(twice - exact).max()
    assert smaller < error / 8  # a method of fourth order gains a factor near 16


def test_the_state_of_the_caller_stays() -> None:
    chain = build_chain()
    state = start_chain(chain)
    kept = state.copy()
    advance_day(state, chain, COURSE[0])
    np.testing.assert_array_equal(state, kept)


def test_a_chain_that_loses_its_dividing_cells_runs_dry_and_comes_back() -> None:
    chain, state = build_chain(), start_chain(build_chain())
    for action in COURSE[:3]:
        state = advance_day(state, chain, action)
    for _ in range(4):
        state = advance_day(state, chain, Action.nothing((3,)))
    assert state[-1, 0] < 0.4 * BASELINES[0]
    for _ in range(60):
        state = advance_day(state, chain, Action.nothing((3,)))
    assert state[-1, 0] == pytest.approx(BASELINES[0], rel=0.05)
