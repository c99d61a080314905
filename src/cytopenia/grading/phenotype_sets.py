"""Every phenotype that a course can have had: exact, because every day runs through all levels it can take.

A count is placed among the cuts of a definition: its level. What a course has come to by some day is a phase
(never below, fallen, recovered, dipped) and the length of its present stretch of severe counts. Day by day
the set of all phases and lengths that can have been reached is carried on; what is left at the end of the
window gives the labels. An unmeasured day takes any level between its least and its greatest plausible
count, each day by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytopenia.definition_forms import PhenotypeDefinition
from cytopenia.grading.cuts import is_met
from cytopenia.units import convert_value

__all__ = [
    "ABSENCE_LABELS",
    "PHENOTYPE_LABELS",
    "Levels",
    "ReachedStates",
    "build_levels",
    "name_label",
    "place_counts",
    "reach_states",
]

Grid = NDArray[np.float64]
Marks = NDArray[np.bool_]
LevelGrid = NDArray[np.int8]
Lengths = NDArray[np.uint64]

PHENOTYPE_LABELS = ("quick", "intermittent", "aplastic", "not recovered", "never below", "died early")
# Labels that rest on what did not happen until the end of the window.
ABSENCE_LABELS = ("quick", "not recovered", "never below")
_NEVER, _FALLEN, _RECOVERED, _DIPPED = range(4)


@dataclass(frozen=True)
class Levels:
    """The levels of a count: one for each low cut, the lowest first, then the middle, then recovered.

    Attributes
    ----------
    severe, fall, dip : int
        The highest level that meets the cut; -1 where the definition has none.
    middle, up : int
        Neither low nor recovered; recovered.
    has_middle : bool
        Whether a count can be neither.
    """

    severe: int
    fall: int
    dip: int
    middle: int
    up: int
    has_middle: bool


@dataclass(frozen=True)
class ReachedStates:
    """What can have been reached at the end of the window, one row per patient.

    Attributes
    ----------
    labels : (patients, labels) bool
        In the order of `PHENOTYPE_LABELS`.
    dipped, not_dipped : (patients,) bool
        Whether a second dip can have happened, and whether it can have failed to happen.
    """

    labels: Marks
    dipped: Marks
    not_dipped: Marks


def build_levels(definition: PhenotypeDefinition) -> Levels:
    """Return the levels that the cuts of a definition make."""
    lines = definition.low_lines
    place = {line: number for number, line in enumerate(lines)}
    aplastic, recovery = definition.aplastic, definition.recovery
    widest = lines[-1]
    closed = (widest[0] == "below", recovery.comparator == "at_least")
    is_adjacent = widest[1] == recovery.cut and closed in ((True, True), (False, False))
    return Levels(
        severe=-1 if aplastic is None else place[aplastic.comparator, aplastic.cut],
        fall=place[definition.fall.comparator, definition.fall.cut],
        dip=place[definition.second_dip.comparator, definition.second_dip.cut],
        middle=len(lines),
        up=len(lines) + 1,
        has_middle=not is_adjacent,
    )


def place_counts(values: Grid, definition: PhenotypeDefinition) -> LevelGrid:
    """Return the level of each count, in the canonical unit of the analyte."""
    convert = {"analyte": definition.analyte, "unit": definition.unit}
    level = np.zeros(values.shape, dtype=np.int8)
    for comparator, cut in definition.low_lines:
        level += ~is_met(values, comparator, convert_value(cut, **convert))
    recovery = definition.recovery
    level += is_met(values, recovery.comparator, convert_value(recovery.cut, **convert))
    return level


def reach_states(
    definition: PhenotypeDefinition,
    lowest: LevelGrid,
    highest: LevelGrid,
    *,
    lasts: Marks,
    is_dead: Marks,
) -> ReachedStates:
    """Return every label that a course can have had.

    Parameters
    ----------
    definition : PhenotypeDefinition
    lowest, highest : (patients, days) int
        The levels between which each day lies.
    lasts : (patients, days) bool
        Days on which something can happen; a day after death changes nothing.
    is_dead : (patients,) bool
        Who died in the window: what did not happen then cannot be named, if the definition says so.
    """
    walk = _Walk(definition, build_levels(definition))
    states = walk.start(lowest.shape[0])
    for place in range(lowest.shape[1]):
        day = definition.window[0] + place
        moved = walk.advance(states, day, lowest[:, place], highest[:, place])
        states = np.where(lasts[:, place], moved, states)
    return walk.name_states(states, is_dead)


def name_label(
    definition: PhenotypeDefinition, *, phase: tuple[bool, bool, bool], is_aplastic: bool, is_dead: bool
) -> str:
    """Return the label of a finished course.

    Parameters
    ----------
    definition : PhenotypeDefinition
    phase : (bool, bool, bool)
        Whether the patient has fallen, has recovered after that, has dipped after that.
    is_aplastic : bool
        Whether a stretch of severe counts was long enough.
    is_dead : bool
        The course ended with death before the end of the window.
    """
    has_fallen, has_recovered, has_dipped = phase
    judging = definition.judging
    holds = {
        "aplastic": is_aplastic,
        "intermittent": has_dipped,
        "quick": has_recovered and not has_dipped,
    }
    rest = "not recovered" if has_fallen else "never below"
    label = next((name for name in judging.precedence if holds[name]), rest)
    if label in ABSENCE_LABELS and is_dead and judging.died_early == "own_label":
        return "died early"
    if label == "not recovered" and judging.without_recovery == "aplastic":
        return "aplastic"
    return label


class _Walk:
    """One step of all states at once.

    A state array is (phase, days since the last severe count, patient); bit n of an entry says that a
    stretch of n severe days can have been reached, the highest bit that it was long enough.
    """

    def __init__(self, definition: PhenotypeDefinition, levels: Levels) -> None:
        self.definition = definition
        self.levels = levels
        self.enough = 1 if definition.aplastic is None else definition.aplastic.days
        self.gaps = definition.counting.bridge_days + 1
        runs = [(_NEVER, 0)]
        runs += [(_FALLEN, run) for run in range(definition.recovery.days)]
        runs += [(_RECOVERED, run) for run in range(definition.second_dip.days)]
        self.phases = [*runs, (_DIPPED, 0)]

    def start(self, patients: int) -> Lengths:
        states = np.zeros((len(self.phases), self.gaps, patients), dtype=np.uint64)
        states[0, 0] = 1
        return states

    def advance(self, states: Lengths, day: int, lowest: LevelGrid, highest: LevelGrid) -> Lengths:
        """Every state after one day that takes each of its levels in turn."""
        moved = np.zeros_like(states)
        zero = np.uint64(0)
        counted = {is_severe: self._count_severe(states, is_severe=is_severe) for is_severe in (True, False)}
        for level in range(self.levels.up + 1):
            if level == self.levels.middle and not self.levels.has_middle:
                # Only a day that the policy leaves aside stands there, and it stands there alone.
                allowed = (lowest == level) & (highest == level)
            else:
                allowed = (lowest <= level) & (level <= highest)
            if not allowed.any():
                continue
            lengths = np.where(allowed, counted[level <= self.levels.severe], zero)
            for place, phase in enumerate(self.phases):
                moved[self.phases.index(self._next_phase(phase, level, day))] |= lengths[place]
        return moved

    def _next_phase(self, phase: tuple[int, int], level: int, day: int) -> tuple[int, int]:
        rules, levels = self.definition, self.levels
        name, run = phase
        if name == _NEVER:
            return (_FALLEN, 0) if level <= levels.fall else phase
        if name == _FALLEN:
            if level != levels.up or day < rules.recovery.from_day:
                return (_FALLEN, 0)
            return (_FALLEN, run + 1) if run + 1 < rules.recovery.days else (_RECOVERED, 0)
        if name == _RECOVERED:
            if level > levels.dip or day < rules.second_dip.from_day:
                return (_RECOVERED, 0)
            return (_RECOVERED, run + 1) if run + 1 < rules.second_dip.days else (_DIPPED, 0)
        return phase

    def _count_severe(self, states: Lengths, *, is_severe: bool) -> Lengths:
        moved = np.zeros_like(states)
        enough = np.uint64(1 << self.enough)
        is_enough = states[:, 0] & enough
        running = states & np.uint64(~(1 | 1 << self.enough) & (2**64 - 1))
        none = states[:, 0] & np.uint64(1)
        if is_severe:
            for gap in range(self.gaps):
                moved[:, 0] |= self._lengthen(running[:, gap], gap + 1)
            moved[:, 0] |= self._lengthen(none, 1) | is_enough
            return moved
        moved[:, 1:] = running[:, :-1]
        ended = (running[:, -1] != 0).astype(np.uint64)
        moved[:, 0] = none | ended | is_enough
        return moved

    def _lengthen(self, lengths: Lengths, days: int) -> Lengths:
        """Each stretch so many days longer; whatever is long enough is kept as one bit."""
        keep = max(self.enough - days, 0)
        short = lengths & np.uint64((1 << keep) - 1)
        reached = (lengths >> np.uint64(keep)) != 0
        return (short << np.uint64(days if keep else 0)) | reached.astype(np.uint64) << np.uint64(self.enough)

    def name_states(self, states: Lengths, is_dead: Marks) -> ReachedStates:
        patients = states.shape[2]
        labels = np.zeros((patients, len(PHENOTYPE_LABELS)), dtype=np.bool_)
        found = {True: np.zeros(patients, dtype=np.bool_), False: np.zeros(patients, dtype=np.bool_)}
        enough = np.uint64(1 << self.enough)
        for place, (name, _) in enumerate(self.phases):
            phase = (name >= _FALLEN, name >= _RECOVERED, name >= _DIPPED)
            for is_aplastic in (False, True):
                kept = states[place] & (enough if is_aplastic else ~enough)
                is_reached = (kept != 0).any(axis=0)
                found[name == _DIPPED] |= is_reached
                for dead, rows in ((False, ~is_dead), (True, is_dead)):
                    label = name_label(self.definition, phase=phase, is_aplastic=is_aplastic, is_dead=dead)
                    labels[:, PHENOTYPE_LABELS.index(label)] |= is_reached & rows
        return ReachedStates(labels, found[True], found[False])
