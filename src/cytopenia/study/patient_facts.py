"""What is known of one patient day by day: measurements with their rows, support, the end of the course."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import polars as pl

from cytopenia.contract import Tables
from cytopenia.contract.suspects import list_anc_above_wbc
from cytopenia.definition_forms import BaselineDefinition, BoundsDefinition
from cytopenia.grading.baseline import derive_baseline
from cytopenia.grading.cuts import Comparator, encode_ends, is_met
from cytopenia.grading.day_grid import DayGrid
from cytopenia.grading.explain import CountConflict, CourseEvent, LeftOut, Measurement, SupportCourse
from cytopenia.grading.gaps import GapRule, ScenarioGrid, derive_scenarios
from cytopenia.study.outcomes import CohortOutcomes

__all__ = ["PatientFacts", "collect_facts"]

Days = Mapping[int, Measurement]
# One row of a file can hold many days of an analyte, and two values of one day: by analyte, day and row.
Rows = Mapping[tuple[str, int, int], tuple[Measurement, ...]]


@dataclass(frozen=True, kw_only=True)
class PatientFacts:
    """One patient; every mapping of days is by analyte.

    Attributes
    ----------
    scenarios : what each day of the course is known or can have been
    measured : the value that counts on each measured day
    counts : how many valid values each measured day has
    caps : the value of another analyte that bounds an unmeasured day from above
    rows : every valid value, by analyte, day and row of the file; of several the one that counts is first
    limits, baselines : limits of normal and baseline values seen, by analyte
    left_out : rows that are not judged
    conflicts : neutrophils above the white cells of the same draw
    last_day : the last day of the course
    """

    tables: Tables
    cohort: CohortOutcomes
    bounds: BoundsDefinition
    scenarios: Mapping[str, ScenarioGrid]
    measured: Mapping[str, Days]
    counts: Mapping[str, Mapping[int, int]]
    caps: Mapping[str, Days]
    rows: Rows
    limits: Mapping[str, tuple[float, ...]]
    baselines: Mapping[str, tuple[float, ...]]
    left_out: tuple[LeftOut, ...]
    conflicts: tuple[CountConflict, ...]
    last_day: int
    support: tuple[SupportCourse, ...]
    events: tuple[CourseEvent, ...]

    @property
    def last_seen_day(self) -> int:
        """The last day on which anything can have been measured: last contact, death or the last value.

        The last day of the course where no last contact is recorded.
        """
        courses, labs = self.cohort.courses, self.tables.labs
        contact, death = float(courses.last_contact_day[0]), float(courses.death_day[0])
        if math.isnan(contact):
            return self.last_day
        is_valid = pl.col("invalid").is_null() & pl.col("value").is_not_null() & pl.col("day").is_not_null()
        seen = [contact, *([] if math.isnan(death) else [death]), *labs.filter(is_valid)["day"].to_list()]
        return min(self.last_day, int(max(seen)))

    def find_neighbors(
        self, analyte: str, day: int, *, within: tuple[int, int] | None = None
    ) -> tuple[Measurement | None, Measurement | None]:
        """Return the nearest measurements before and after a day, of all days or of some."""
        days = self.measured.get(analyte, {})
        if within is not None:
            days = {other: item for other, item in days.items() if within[0] <= other <= within[1]}
        before = max((other for other in days if other < day), default=None)
        after = min((other for other in days if other > day), default=None)
        return (
            None if before is None else days[before],
            None if after is None else days[after],
        )

    def find_deciding_neighbors(
        self, analyte: str, day: int, *, comparator: Comparator, cut: float
    ) -> tuple[Measurement | None, Measurement | None]:
        """Return the nearest measurements around a day; a value of another analyte that fails it is one."""
        failing = {
            other: item
            for other, item in self.caps.get(analyte, {}).items()
            if not is_met(item.value, comparator, cut).all()
        }
        days = {**failing, **self.measured.get(analyte, {})}
        before = max((other for other in days if other < day), default=None)
        after = min((other for other in days if other > day), default=None)
        return None if before is None else days[before], None if after is None else days[after]

    def find_ends(self, analyte: str, day: int) -> tuple[Measurement | None, Measurement | None]:
        """Return the measurements that set the two ends of what an unmeasured day can have been.

        Of two that vouch for the days between them, that is the lower and the higher one. None where nothing
        does, or where another analyte caps the day lower.
        """
        grid, rule = self.scenarios[analyte], GapRule.of_analyte(self.bounds, analyte)
        days = self.measured.get(analyte, {})
        ends = (float(grid.low[0, day - grid.first_day]), float(grid.high[0, day - grid.first_day]))
        found: list[Measurement | None] = [None, None]
        pairs = [
            (first, last)
            for first, last in product(sorted(days), repeat=2)
            if first < day < last and last - first <= rule.longest
        ]
        for first, last in sorted(pairs, key=lambda pair: pair[1] - pair[0]):
            both, slack = (days[first], days[last]), rule.slack_over(last - first)
            low, high = (pick(both, key=lambda item: item.value) for pick in (min, max))
            for place, (item, end) in enumerate(((low, low.value / slack), (high, high.value * slack))):
                if found[place] is None and math.isclose(end, ends[place], rel_tol=1e-9):
                    found[place] = item
        return found[0], found[1]

    def list_near(self, analyte: str, day: int, *, longest: int) -> dict[int, float]:
        """Return the values of the other measured days at most so many days away."""
        days = self.measured.get(analyte, {})
        return {other: item.value for other, item in days.items() if 0 < abs(other - day) <= longest}

    def find_measurement(self, cell: Mapping[str, Any]) -> Measurement | None:
        """Return the value behind a row of the evidence, of its analyte or of the one that bounds it."""
        analyte, day, source_row = cell["analyte"], cell["day"], cell["source_row"]
        if source_row is None:
            return None
        own = self.rows.get((analyte, day, source_row))
        found = own or self.rows.get((self.bounds.cap.get(analyte, ""), day, source_row), ())
        same = (item for item in found if _ends_of(item) == (cell["low"], cell["high"]))
        return next(same, found[0] if found else None)

    def list_support(self, day: int) -> tuple[str, ...]:
        """Return the kinds of support that were given on a day, for certain."""
        given = [
            item.kind
            for item in self.support
            if day in range(item.start, (item.start if item.stop is None else item.stop) + 1)
        ]
        return tuple(dict.fromkeys(given))


def collect_facts(
    tables: Tables, cohort: CohortOutcomes, *, bounds: BoundsDefinition, baseline: BaselineDefinition
) -> PatientFacts:
    """Return the facts of the only patient of the tables.

    Parameters
    ----------
    tables : Tables
    cohort : CohortOutcomes
        Of these tables.
    bounds : BoundsDefinition
    baseline : BaselineDefinition
    """
    labs = _add_origins(cohort.labs, tables.labs)
    numbered = _index_rows(labs)
    measured: dict[str, Days] = {
        analyte: _list_lowest(rows, analyte) for analyte, rows in labs.items() if analyte not in cohort.grids
    }
    measured |= {
        analyte: _list_counting(grid, labs.get(analyte), numbered) for analyte, grid in cohort.grids.items()
    }
    return PatientFacts(
        tables=tables,
        cohort=cohort,
        bounds=bounds,
        scenarios={
            analyte: derive_scenarios(grid, GapRule.of_analyte(bounds, analyte))
            for analyte, grid in cohort.grids.items()
        },
        measured=measured,
        counts={
            analyte: dict(rows.group_by("day").len().sort("day").iter_rows())
            for analyte, rows in labs.items()
        },
        caps={analyte: _list_caps(grid, numbered, bounds) for analyte, grid in cohort.grids.items()},
        rows=numbered,
        limits={
            analyte: tuple(rows["lln"].drop_nulls().unique().sort().to_list())
            for analyte, rows in labs.items()
        },
        baselines={
            analyte: tuple(
                derive_baseline(labs, cohort.courses, analyte=analyte, definition=baseline)["value"].to_list()
            )
            for analyte in labs
        },
        left_out=tuple(_list_left_out(tables.labs)),
        conflicts=tuple(_list_conflicts(tables.labs)),
        last_day=int(cohort.courses.last_day_at_risk[0]),
        support=tuple(
            SupportCourse(kind=row["kind"], start=row["start"], stop=row["stop"], agent=row["agent"])
            for row in tables.support.sort("start").iter_rows(named=True)
            if row["start"] is not None and row["kind"] is not None
        ),
        events=tuple(
            CourseEvent(kind=row["kind"], day=row["day"], grade=row["grade"])
            for row in tables.events.sort("day").iter_rows(named=True)
            if row["day"] is not None and row["kind"] is not None
        ),
    )


def _add_origins(labs: Mapping[str, pl.DataFrame], read: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
    """The rows of each analyte with how they were computed, where some were."""
    if "origin" not in read.columns:
        return labs
    key = ["day", "source_row", "value"]
    origins = read.filter(pl.col("origin").is_not_null()).select("analyte", *key, "origin")
    return {
        analyte: rows.join(
            origins.filter(pl.col("analyte") == analyte).drop("analyte"),
            on=key,
            how="left",
            maintain_order="left",
        )
        for analyte, rows in labs.items()
    }


def _index_rows(labs: Mapping[str, pl.DataFrame]) -> Rows:
    """Every value by its analyte, day and row of the file; of several the one that a day grid takes first."""
    found: dict[tuple[str, int, int], tuple[Measurement, ...]] = {}
    for analyte, rows in labs.items():
        low, high = encode_ends(rows["value"].to_numpy(), rows["comparator"].to_numpy().astype(np.str_))
        ordered = rows.with_columns(_low=pl.Series(low), _high=pl.Series(high)).sort("_high", "_low")
        for row in ordered.iter_rows(named=True):
            key = (analyte, row["day"], row["source_row"])
            found[key] = (*found.get(key, ()), _read(analyte, row))
    return found


def _ends_of(item: Measurement) -> tuple[float, float]:
    low, high = encode_ends([item.value], [item.comparator])
    return float(low[0]), float(high[0])


def _list_left_out(labs: pl.DataFrame) -> Iterator[LeftOut]:
    rows = labs.filter(pl.col("invalid").is_not_null() & pl.col("day").is_not_null())
    for row in rows.sort("day", "source_row").iter_rows(named=True):
        yield LeftOut(
            analyte=row["analyte"],
            day=row["day"],
            value=row["value"],
            comparator=row["comparator"],
            source_row=row["source_row"],
            reason=row["invalid"],
        )


def _list_conflicts(labs: pl.DataFrame) -> Iterator[CountConflict]:
    rows = list_anc_above_wbc(labs, moment=("day", "minute")).sort("day", "source_row")
    for day, anc_row, wbc_row in rows.select("day", "source_row", "wbc_row").iter_rows():
        yield CountConflict(day, anc_row, wbc_row)


def _list_counting(grid: DayGrid, rows: pl.DataFrame | None, numbered: Rows) -> dict[int, Measurement]:
    """The value that counts on each day of a grid, as its row has it; beyond the grid the lowest."""
    found = {} if rows is None else dict(_list_lowest(rows, grid.analyte))
    for place in np.flatnonzero(grid.measured[0]).tolist():
        day = place + grid.first_day
        found[day] = numbered[grid.analyte, day, int(grid.source_row[0, place])][0]
    return found


def _list_lowest(rows: pl.DataFrame, analyte: str) -> dict[int, Measurement]:
    lowest = rows.sort("day", "value", "source_row").unique("day", keep="first", maintain_order=True)
    return {row["day"]: _read(analyte, row) for row in lowest.iter_rows(named=True)}


def _list_caps(grid: DayGrid, numbered: Rows, bounds: BoundsDefinition) -> dict[int, Measurement]:
    if grid.cap is None or grid.cap_row is None:
        return {}
    analyte = bounds.cap[grid.analyte]
    places = np.flatnonzero(~np.isnan(grid.cap[0]) & ~grid.measured[0]).tolist()
    return {
        place + grid.first_day: numbered[analyte, place + grid.first_day, int(grid.cap_row[0, place])][0]
        for place in places
    }


def _read(analyte: str, row: Mapping[str, object]) -> Measurement:
    return Measurement(
        analyte=analyte,
        day=int(str(row["day"])),
        value=float(str(row["value"])),
        comparator=str(row["comparator"]),
        source_row=int(str(row["source_row"])),
        origin=None if (origin := row.get("origin")) is None else str(origin),
    )
