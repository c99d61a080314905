"""What the page of one patient holds: numbers and names, no sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from cytopenia.grading.explain import (
    AnalyteSeries,
    Measurement,
    PatientExplanation,
    SupportCourse,
)

__all__ = [
    "GridCell",
    "LastValue",
    "PatientPage",
    "RecoveryGrid",
    "ScoreLine",
    "ScoreSheet",
    "UsedDefinition",
]


@dataclass(frozen=True, kw_only=True)
class LastValue:
    """The last value of one analyte and the one about a week before; None where there is none.

    `change` is the later minus the earlier value; None where one is missing or known only as a limit.
    `support` is the latest support of each kind that raises the count, begun by the day of the last value.
    """

    analyte: str
    title: str
    unit: str
    last: Measurement | None
    earlier: Measurement | None
    change: float | None
    support: tuple[SupportCourse, ...]


@dataclass(frozen=True, kw_only=True)
class GridCell:
    """One lineage on one day at a landmark.

    `verdict` is "met", "failed", "under support" or "unknown"; None where the day was not judged.
    `measurement` is there on a measured day. `may_differ`: the day could have had another verdict.
    """

    analyte: str
    day: int
    verdict: str | None
    measurement: Measurement | None
    may_differ: bool
    support: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RecoveryGrid:
    """The days on which a recovery at a landmark was judged, lineage by lineage."""

    name: str
    title: str
    landmark: int
    days: tuple[int, ...]
    cells: tuple[GridCell, ...]


@dataclass(frozen=True, kw_only=True)
class ScoreLine:
    """One item of a score; `points_best` and `points_worst` differ where the item leaves them open."""

    analyte: str
    unit: str
    day: int | None
    value: float | None
    comparator: str
    points_best: int
    points_worst: int
    most_points: int
    problem: str | None


@dataclass(frozen=True, kw_only=True)
class ScoreSheet:
    """A score of points with its items; the groups of its fewest and its most possible points."""

    id: str
    title: str
    items: tuple[ScoreLine, ...]
    best: int
    worst: int
    most_points: int
    group_best: str | None
    group_worst: str | None


@dataclass(frozen=True, kw_only=True)
class UsedDefinition:
    """A definition that a page rests on, with the hash of its file."""

    id: str
    title: str
    version: str
    citation: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class PatientPage:
    """One patient on one page.

    `panels` are the three counts over the days, also those that no outcome looks at. `settings` holds the
    version of the package and the hashes of study file and data, as in `provenance.json`. `day_zero_date` is
    None where the page shows no calendar date, and `is_shifted` says that it is not the true one.
    """

    explained: PatientExplanation
    values: tuple[LastValue, ...]
    last_count_day: int | None
    active: tuple[SupportCourse, ...]
    support_complete: bool
    grid: RecoveryGrid | None
    score: ScoreSheet
    panels: tuple[AnalyteSeries, ...]
    definitions: tuple[UsedDefinition, ...]
    settings: Mapping[str, str]
    day_zero_date: date | None = None
    is_shifted: bool = False
    has_new_id: bool = False
