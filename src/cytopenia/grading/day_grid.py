"""Labs and support laid out as grids of patients by days. Order of rows and duplicates cannot matter here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.contract import Tables
from cytopenia.grading.cuts import encode_ends

__all__ = [
    "LAB_ROW_SCHEMA",
    "Courses",
    "DayGrid",
    "index_labs",
    "lay_out_courses",
    "lay_out_labs",
    "lay_out_support",
    "split_courses",
]

Grid = NDArray[np.float64]
Marks = NDArray[np.bool_]

_NEVER = np.iinfo(np.int32).max
_EVENTS = ("death", "last_contact", "progression", "next_therapy", "discharge")
LAB_ROW_SCHEMA = {
    "patient": pl.UInt32,
    "day": pl.Int32,
    "minute": pl.Int32,
    "value": pl.Float64,
    "comparator": pl.String,
    "lln": pl.Float64,
    "source_row": pl.UInt32,
}


@dataclass(frozen=True, kw_only=True)
class Courses:
    """One course per patient: from the first infusion to death or to the day before a second infusion.

    Attributes
    ----------
    patient_id : Series of str, sorted
    last_day_at_risk : (patients,) int
        The day of death, or the day before the second infusion; the greatest int32 if neither is known.
    death_day, lymphodepletion_day, last_contact_day, second_infusion_day : (patients,) float
        NaN where unknown.
    progression_day, next_therapy_day, discharge_day : (patients,) float
        The first of each; NaN where none is recorded.
    """

    patient_id: pl.Series
    last_day_at_risk: NDArray[np.int32]
    death_day: Grid
    lymphodepletion_day: Grid
    last_contact_day: Grid
    second_infusion_day: Grid
    progression_day: Grid
    next_therapy_day: Grid
    discharge_day: Grid

    def __len__(self) -> int:
        return len(self.patient_id)

    def part(self, patients: slice) -> Courses:
        """Return the courses of some patients; nothing is copied."""
        return Courses(**{item.name: getattr(self, item.name)[patients] for item in fields(self)})


@dataclass(frozen=True, kw_only=True)
class DayGrid:
    """The measured interval of one analyte for each patient and day, in the canonical unit.

    Attributes
    ----------
    low, high : (patients, days) float, NaN where nothing was measured
        Several values on one day: the lowest. The same array where no value is censored.
    source_row : (patients, days) int, -1 where nothing was measured
        Row of the source file that gave the value.
    lln : (patients, days) float or None
        Lower limit of normal of that row; NaN where the row has none. None if no row has one.
    cap : (patients, days) float or None
        Greatest possible value from another analyte (white cells for neutrophils); NaN where unknown.
    cap_row : (patients, days) int or None
        Row of the source file that gave the cap, -1 where there is none.
    last_day_at_risk : (patients,) int
    death_day : (patients,) float, NaN where unknown
    """

    analyte: str
    first_day: int
    low: Grid
    high: Grid
    source_row: NDArray[np.int32]
    lln: Grid | None
    cap: Grid | None
    cap_row: NDArray[np.int32] | None
    last_day_at_risk: NDArray[np.int32]
    death_day: Grid

    @property
    def measured(self) -> Marks:
        """Days with a valid value."""
        return self.source_row >= 0

    @property
    def at_risk(self) -> Marks:
        """Days on which the patient is alive and in the course."""
        return self._days[None, :] <= self.last_day_at_risk[:, None]

    @property
    def dead(self) -> Marks:
        """Days after death; other days not at risk are unknown, these are not."""
        return np.greater(self._days[None, :], self.death_day[:, None])

    @property
    def _days(self) -> NDArray[np.int32]:
        return np.arange(self.low.shape[1], dtype=np.int32) + np.int32(self.first_day)

    def part(self, patients: slice | NDArray[np.int64]) -> DayGrid:
        """Return the same days of some patients; a slice copies nothing."""
        low = self.low[patients]
        return replace(
            self,
            low=low,
            high=low if self.high is self.low else self.high[patients],
            source_row=self.source_row[patients],
            lln=None if self.lln is None else self.lln[patients],
            cap=None if self.cap is None else self.cap[patients],
            cap_row=None if self.cap_row is None else self.cap_row[patients],
            last_day_at_risk=self.last_day_at_risk[patients],
            death_day=self.death_day[patients],
        )


def lay_out_courses(tables: Tables) -> Courses:
    """Return one course for each patient with a first infusion, sorted by patient.

    Parameters
    ----------
    tables : Tables
        Days are counted from the first infusion. A second infusion or death ends the course.
    """
    infusions = tables.infusions
    patients = infusions.filter(pl.col("day") == 0).select("patient_id").unique().sort("patient_id")
    days = patients.join(_days_of_infusions(infusions), on="patient_id", how="left", maintain_order="left")
    days = days.join(_days_of_events(tables.events), on="patient_id", how="left", maintain_order="left")
    day_of = {name: days[name].cast(pl.Float64).to_numpy() for name in days.columns[1:]}
    last = np.fmin(
        np.nan_to_num(day_of["death_day"], nan=_NEVER),
        np.nan_to_num(day_of["second_infusion_day"] - 1, nan=_NEVER),
    )
    return Courses(patient_id=days["patient_id"], last_day_at_risk=last.astype(np.int32), **day_of)


def _days_of_infusions(infusions: pl.DataFrame) -> pl.DataFrame:
    """The second infusion of each patient, and the lymphodepletion before the first."""
    day = pl.col("day")
    lymphodepletion = pl.when(day == 0).then("lymphodepletion_day").min()
    if "lymphodepletion_day" not in infusions.columns:
        lymphodepletion = pl.lit(None, dtype=pl.Int32)
    return infusions.group_by("patient_id").agg(
        pl.when(day > 0).then(day).min().alias("second_infusion_day"),
        lymphodepletion.alias("lymphodepletion_day"),
    )


def _days_of_events(events: pl.DataFrame) -> pl.DataFrame:
    """The first day of each kind of event, and the last contact, of each patient."""
    day_of = {kind: pl.when(pl.col("kind") == kind).then("day") for kind in _EVENTS}
    return events.group_by("patient_id").agg(
        (day.max() if kind == "last_contact" else day.min()).alias(f"{kind}_day")
        for kind, day in day_of.items()
    )


def index_labs(labs: pl.DataFrame, courses: Courses) -> dict[str, pl.DataFrame]:
    """Return the rows that can be judged, by analyte, with the place of their patient in `courses`.

    Rows that are invalid, without a value, without a day, or of a patient without a course are left out;
    rows after death or from the second infusion on belong to no course and are left out too.
    """
    places = labs["patient_id"].cast(pl.Enum(courses.patient_id), strict=False).to_physical()
    last_day = pl.Series(courses.last_day_at_risk).gather(places)
    rows = labs.select(
        places.cast(pl.UInt32).alias("patient"),
        *(name for name in LAB_ROW_SCHEMA if name != "patient"),
        "analyte",
        (
            pl.col("invalid").is_null()
            & pl.col("value").is_not_null()
            & (pl.col("day") <= last_day).fill_null(value=False)
        ).alias("is_judged"),
    ).filter("is_judged")
    analytes = rows["analyte"].unique().sort().to_list()
    return {name: rows.filter(pl.col("analyte") == name).drop("analyte", "is_judged") for name in analytes}


def lay_out_labs(
    labs: Mapping[str, pl.DataFrame],
    courses: Courses,
    *,
    analyte: str,
    first_day: int,
    last_day: int,
    cap_analyte: str | None = None,
) -> DayGrid:
    """Return the lowest value of each patient and day, both ends of the days included.

    Parameters
    ----------
    labs : mapping of analyte to DataFrame
        From `index_labs`.
    courses : Courses
    analyte : str
        An analyte without any row gives a grid without any measured day.
    first_day, last_day : int
        Give room beyond the window for the measurements that bound its days.
    cap_analyte : str, optional
        An analyte that the first one cannot exceed; its lowest value of a day caps that day.
    """
    shape = (len(courses), last_day - first_day + 1)
    rows = _rows_between(labs.get(analyte), first_day, last_day)
    flat = _flat_places(rows, first_day, shape[1])
    low, high, is_deciding = _lowest_interval(rows, flat, shape)
    cap, cap_row = None, None
    if cap_analyte is not None:
        capping = _rows_between(labs.get(cap_analyte), first_day, last_day)
        cap, cap_row = _lay_out_cap(capping, first_day, shape)
    return DayGrid(
        analyte=analyte,
        first_day=first_day,
        low=low,
        high=high,
        source_row=_source_rows(rows, flat, is_deciding, shape),
        lln=_deciding_lln(rows, flat, is_deciding, shape),
        cap=cap,
        cap_row=cap_row,
        last_day_at_risk=courses.last_day_at_risk,
        death_day=courses.death_day,
    )


def _rows_between(rows: pl.DataFrame | None, first_day: int, last_day: int) -> pl.DataFrame:
    if rows is None:
        return pl.DataFrame(schema=LAB_ROW_SCHEMA)
    return rows.filter(pl.col("day").is_between(first_day, last_day))


def _flat_places(rows: pl.DataFrame, first_day: int, days: int) -> NDArray[np.int64]:
    place = rows["patient"].cast(pl.Int64) * days + (rows["day"].cast(pl.Int64) - first_day)
    return place.to_numpy()


def _lowest_interval(
    rows: pl.DataFrame, flat: NDArray[np.int64], shape: tuple[int, int]
) -> tuple[Grid, Grid, Marks]:
    """The interval of the day's lowest value, and which rows gave it."""
    value = rows["value"].to_numpy()
    if rows["comparator"].eq("=").all():
        grid = _scatter_lowest(value, flat, shape)
        return grid, grid, value == grid.ravel()[flat]
    low, high = encode_ends(value, rows["comparator"].to_numpy().astype(np.str_))
    low_grid = _scatter_lowest(low, flat, shape)
    high_grid = _scatter_lowest(high, flat, shape)
    has_lowest_high = high == high_grid.ravel()[flat]
    nearest_low = _scatter_lowest(np.where(has_lowest_high, low, np.inf), flat, shape).ravel()[flat]
    return low_grid, high_grid, has_lowest_high & (low == nearest_low)


def _scatter_lowest(values: Grid, flat: NDArray[np.int64], shape: tuple[int, int]) -> Grid:
    """Least value of each cell; NaN where no row falls. Infinity is a value (the end of ">2000")."""
    cells = np.full(shape[0] * shape[1], np.nan)
    cells[flat] = values
    # Assignment keeps one row of each cell; only cells with several rows need the comparison.
    is_beaten = values < cells[flat]
    np.minimum.at(cells, flat[is_beaten], values[is_beaten])
    return cells.reshape(shape)


def _source_rows(
    rows: pl.DataFrame, flat: NDArray[np.int64], is_deciding: Marks, shape: tuple[int, int]
) -> NDArray[np.int32]:
    """The first row of the file among the rows that gave the value of the cell."""
    source = np.full(shape[0] * shape[1], _NEVER, dtype=np.int32)
    number = rows["source_row"].to_numpy().astype(np.int32)
    np.minimum.at(source, flat[is_deciding], number[is_deciding])
    source[source == _NEVER] = -1
    return source.reshape(shape)


def _deciding_lln(
    rows: pl.DataFrame, flat: NDArray[np.int64], is_deciding: Marks, shape: tuple[int, int]
) -> Grid | None:
    """Lower limit of normal of the deciding row; of rows that tie, the highest limit."""
    if rows["lln"].is_null().all():
        return None
    limit = rows["lln"].to_numpy()
    is_used = is_deciding & ~np.isnan(limit)
    cells = np.full(shape[0] * shape[1], -np.inf)
    np.maximum.at(cells, flat[is_used], limit[is_used])
    cells[np.isneginf(cells)] = np.nan
    return cells.reshape(shape)


def _lay_out_cap(
    rows: pl.DataFrame, first_day: int, shape: tuple[int, int]
) -> tuple[Grid, NDArray[np.int32]]:
    """Lowest upper end of each day's values and its row; "greater than" values cap nothing."""
    capping = rows.filter(~pl.col("comparator").is_in([">", ">="]))
    _, high = encode_ends(capping["value"].to_numpy(), capping["comparator"].to_numpy().astype(np.str_))
    flat = _flat_places(capping, first_day, shape[1])
    cap = _scatter_lowest(high, flat, shape)
    return cap, _source_rows(capping, flat, high == cap.ravel()[flat], shape)


def lay_out_support(
    support: pl.DataFrame,
    courses: Courses,
    *,
    free_days: Mapping[str, Mapping[str, int]],
    first_day: int,
    last_day: int,
    open_stop: bool = False,
) -> Marks:
    """Return the days on which a count stands under support.

    Parameters
    ----------
    support : DataFrame
        The support table: `patient_id`, `start`, `stop`, `kind`, `agent`.
    courses : Courses
    free_days : mapping of kind to mapping of agent to days
        A day stands under support while fewer than this many days have passed since the last day of
        support. The agent "" holds for every agent that is not named, and for an agent that is not recorded.
    open_stop : bool
        Read a missing stop as "never stopped" instead of "one day".

    Returns
    -------
    (patients, days) bool
    """
    width = last_day - first_day + 1
    if support.is_empty():
        return np.zeros((len(courses), width), dtype=np.bool_)
    place = pl.DataFrame({"patient_id": courses.patient_id}).with_row_index("patient")
    rows = support.filter(pl.col("kind").is_in(list(free_days))).join(place, on="patient_id", how="inner")
    stop = pl.col("stop").fill_null(last_day if open_stop else pl.col("start"))
    begin = (pl.col("start") - first_day).clip(0, width)
    end = (stop + _free_days_of_rows(free_days) - first_day).clip(0, width)
    patient, first, after = rows.select(
        "patient", begin.alias("begin"), pl.max_horizontal(begin, end).alias("end")
    )
    # One more column takes the first free day of support that outlasts the grid.
    steps = np.zeros((len(courses), width + 1), dtype=np.int32)
    np.add.at(steps, (patient.to_numpy(), first.to_numpy()), 1)
    np.add.at(steps, (patient.to_numpy(), after.to_numpy()), -1)
    return np.cumsum(steps, axis=1)[:, :width] > 0


def _free_days_of_rows(free_days: Mapping[str, Mapping[str, int]]) -> pl.Expr:
    """Days to wait after each row of support, by its kind and agent."""
    agent = pl.col("agent").fill_null("").str.strip_chars().str.to_lowercase()
    days = pl.lit(None, dtype=pl.Int32)
    for kind, by_agent in free_days.items():
        named = agent.replace_strict(by_agent, default=by_agent[""], return_dtype=pl.Int32)
        days = pl.when(pl.col("kind") == kind).then(named).otherwise(days)
    return days


def split_courses(courses: Courses, size: int = 2048) -> Iterator[slice]:
    """Yield slices of at most `size` patients, small enough for a grid to stay in the cache."""
    for start in range(0, len(courses), size):
        yield slice(start, min(start + size, len(courses)))
