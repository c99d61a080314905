"""A simulated cohort as hospitals send it: odd ids, blanks, repeats, wrong units, people in one table."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from cytopenia import simulate_cohort

FIRST_DAY = dt.date(2024, 6, 15)
_PEOPLE = 40
_VALUES = (None, "n.d.", "-1", "9999999", "<0.1", ">2000", "1.250", " 0.49 ")
_UNITS = (None, "furlong", "g/L", "K/uL", "/uL")


def make_messy_cohort(patients: int, *, seed: int, dated: bool) -> dict[str, pl.DataFrame]:
    """Five tables of the contract, in the order of their `source_row`; with `dated` days are dates."""
    rng = np.random.default_rng(seed)
    tables = dict(simulate_cohort(patients, seed=seed).tables)
    del tables["responses"]
    tables["labs"] = _spoil_labs(_swap_counts(tables["labs"], rng), rng)
    tables["infusions"] = _spoil_infusions(
        tables["infusions"].select("patient_id", "day", "lymphodepletion_day")
    )
    tables = {name: table.with_columns(_rename(seed)) for name, table in tables.items()}
    tables = {name: _add_strangers(table, name) for name, table in tables.items()}
    blank = pl.when(pl.int_range(pl.len()) % 3 == 0).then(pl.format(" {}\u00a0\t", "patient_id"))
    labs = tables["labs"].with_columns(patient_id=blank.otherwise("patient_id"))
    nobody = labs.sample(30, seed=seed).with_columns(patient_id=pl.Series([None, "", "  "] * 10))
    tables["labs"] = pl.concat([labs, nobody, labs.sample(300, seed=seed)])
    if dated:
        tables = {name: _date(table, name) for name, table in tables.items()}
    return {
        name: table.with_columns(source_row=pl.int_range(2, pl.len() + 2, dtype=pl.Int64))
        for name, table in tables.items()
    }


def _rename(seed: int) -> pl.Expr:
    """Ids with a space, an umlaut, a quote, a leading zero and a sign, by their last digits."""
    number = pl.col("patient_id").str.slice(1).cast(pl.Int64)
    return (
        pl.when(number % 5 == 0)
        .then(pl.format("Ä {}", number))
        .when(number % 5 == 1)
        .then(pl.format('O\'Neil, "{}"', number))
        .when(number % 5 == 2)
        .then(pl.format("00{}", number))
        .when(number % 5 == 3)
        .then(pl.format("-{}", number + seed))
        .otherwise("patient_id")
        .alias("patient_id")
    )


def _swap_counts(labs: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """A part of the neutrophil counts stands there as a percentage, small ones among them."""
    swapped = pl.Series(rng.random(labs.height) < 0.05) & (labs["analyte"] == "anc")
    share = pl.Series(np.round(rng.choice([0.3, 0.8, 12.0, 71.5], labs.height), 1).astype(str))
    return labs.with_columns(
        analyte=pl.when(swapped).then(pl.lit("NEUT%")).otherwise("analyte"),
        unit=pl.when(swapped).then(pl.lit("%")).otherwise("unit"),
        value=pl.when(swapped).then(share).otherwise("value"),
        lln=pl.when(~swapped).then("lln"),
        uln=pl.when(~swapped).then("uln"),
    )


def _spoil_labs(labs: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    height = labs.height
    value = pl.Series([_VALUES[place] for place in rng.integers(0, len(_VALUES), height)], dtype=pl.String)
    unit = pl.Series([_UNITS[place] for place in rng.integers(0, len(_UNITS), height)], dtype=pl.String)
    is_hit = [pl.Series(rng.random(height) < share) for share in (0.02, 0.01, 0.2, 0.005)]
    return labs.with_columns(
        value=pl.when(is_hit[0]).then(value).otherwise("value"),
        unit=pl.when(is_hit[1]).then(unit).otherwise("unit"),
        lln=pl.when(~is_hit[2]).then("lln"),
        invalid=pl.when(is_hit[3]).then(pl.lit("clumping")),
    )


def _spoil_infusions(infusions: pl.DataFrame) -> pl.DataFrame:
    """Some have a second infusion, and some stand there twice."""
    second = infusions.head(_PEOPLE).with_columns(day=pl.lit(20, dtype=infusions["day"].dtype))
    return pl.concat([infusions, second, infusions.tail(_PEOPLE)])


def _add_strangers(table: pl.DataFrame, name: str) -> pl.DataFrame:
    """People of whom no other table knows."""
    return pl.concat(
        [table, table.head(_PEOPLE).with_columns(patient_id=pl.format(f"{name}-{{}}", "patient_id"))]
    )


def _date(table: pl.DataFrame, name: str) -> pl.DataFrame:
    """Dates for days; those of the labs have the time of the draw."""
    days = {"labs": {"day": "date"}, "infusions": {"day": "infusion_date"}, "events": {"day": "date"}}
    days["support"] = {"start": "start_date", "stop": "stop_date"}
    for day, date in days.get(name, {}).items():
        table = table.with_columns((pl.lit(FIRST_DAY) + pl.duration(days=pl.col(day))).alias(date)).drop(day)
    if name != "labs":
        return table
    moment = pl.col("date").cast(pl.Datetime("us")) + pl.duration(minutes=pl.col("minute").fill_null(0))
    return table.with_columns(date=moment).drop("minute")
