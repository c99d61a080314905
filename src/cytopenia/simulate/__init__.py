"""Synthetic cohorts with known daily truth. Every patient is invented."""

from cytopenia.simulate.cohorts import (
    DEFAULT_SCHEDULE,
    SimulatedCohort,
    WrittenCohort,
    simulate_cohort,
    write_cohort,
)
from cytopenia.simulate.parameters import Parameters, load_parameters

__all__ = [
    "DEFAULT_SCHEDULE",
    "Parameters",
    "SimulatedCohort",
    "WrittenCohort",
    "load_parameters",
    "simulate_cohort",
    "write_cohort",
]
