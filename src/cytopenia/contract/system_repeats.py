"""One measurement that two systems have (laboratory, intensive care) counts once.

Two rows are one measurement if patient, analyte and moment are the same, or the same day where one of them
has no time, and the values are equal once the finer one is rounded as the coarser one is printed. How finely
a system prints is the most decimals that it ever prints of an analyte in a unit: a program that writes 4.50
as 4.5 must not make it equal to 4.53. Where several rows could be the partner, none is left out.
"""

from __future__ import annotations

import polars as pl

from cytopenia.contract.findings import Finding, note_rows
from cytopenia.units import match_unit

__all__ = ["count_decimals", "drop_twins", "mark_twins"]

_DAY = ("patient_id", "analyte", "day", "_date")
_SLACK = 1 + 1e-9
_LIMITS = ("lln", "uln")


def count_decimals(cells: pl.Series, values: pl.Series) -> pl.Series:
    """Return how many decimals each number was printed with; of a native number those that it needs.

    Examples
    --------
    >>> count_decimals(pl.Series(["4.50", "<0,1", "101"]), pl.Series([4.5, 0.1, 101.0])).to_list()
    [2, 1, 0]
    """
    needed = values.cast(pl.String).str.extract(r"\.([0-9]*[1-9])0*$", 1).str.len_chars().fill_null(0)
    if cells.dtype != pl.String:
        return needed.rename("decimals")
    printed = cells.str.extract(r"[.,]([0-9]+)[^0-9.,]*$", 1).str.len_chars().fill_null(0)
    return pl.select(pl.max_horizontal(needed, printed)).to_series().rename("decimals")


def mark_twins(rows: pl.DataFrame, *, total: int) -> tuple[pl.DataFrame, list[Finding]]:
    """Return the rows with `entry`, their number, and `twin`, the entry of the row that stands for them.

    Parameters
    ----------
    rows
        Rows in canonical units, with `system`, `decimals` as printed, `printed` (unit), `date` and what
        the labs of the contract have. Without a column `system` nothing is compared.
    """
    if "system" not in rows.columns or rows["system"].n_unique() - (rows["system"].null_count() > 0) < 2:
        return rows, []
    numbered = rows.with_row_index("entry")
    compared = _add_steps(numbered.filter(_is_comparable()))
    both = _match(compared)
    exact = _pair(both, timed_apart=False)
    taken = pl.concat([exact["entry"], exact["entry_right"]]).unique().implode()
    rest = both.filter(~pl.col("entry").is_in(taken) & ~pl.col("entry_right").is_in(taken))
    pairs = pl.concat([exact, _pair(rest, timed_apart=True)])
    lost = _choose(pairs)
    marked = numbered.join(lost, on="entry", how="left", maintain_order="left")
    names = ", ".join(compared["system"].unique().sort())
    findings = note_rows(
        "labs", "duplicate_between_systems",
        f"the value is the same measurement in another system ({names}), equal within the printed digits,",
        rows=marked.filter(pl.col("twin").is_not_null())["source_row"], total=total,
    )  # fmt: skip
    return _lend(marked), findings + _name_conflicts(both, total=total)


def drop_twins(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows without those that another one stands for."""
    if "twin" not in rows.columns:
        return rows
    return rows.filter(pl.col("twin").is_null()).drop("entry", "twin")


def _lend(rows: pl.DataFrame) -> pl.DataFrame:
    """A row that stands for others takes their time and their limits of normal where it has none."""
    twins = rows.filter(pl.col("twin").is_not_null()).sort("entry")
    limited = pl.any_horizontal(pl.col(*_LIMITS).is_not_null())
    lent = twins.group_by(pl.col("twin").alias("entry")).agg(
        pl.col("minute").drop_nulls().first().alias("_minute"),
        *(pl.col(name).filter(limited).first().alias(f"_{name}") for name in _LIMITS),
    )
    without = pl.all_horizontal(pl.col(*_LIMITS).is_null())
    return (
        rows.join(lent, on="entry", how="left", maintain_order="left")
        .with_columns(
            pl.coalesce("minute", "_minute").alias("minute"),
            *(
                pl.when(without).then(pl.col(f"_{name}")).otherwise(pl.col(name)).alias(name)
                for name in _LIMITS
            ),
        )
        .drop("_minute", *(f"_{name}" for name in _LIMITS))
    )


def _is_comparable() -> pl.Expr:
    placed = pl.col("day").is_not_null() | pl.col("date").is_not_null()
    told = pl.col("system").is_not_null() & (pl.col("patient_id") != "")
    return placed & told & pl.col("invalid").is_null() & pl.col("value").is_not_null()


def _add_steps(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows to compare, each once per system, with the size of their last printed digit."""
    group = ["system", "analyte", "printed"]
    rows = rows.with_columns(
        pl.col("printed").cast(pl.String),
        _date=pl.when(pl.col("day").is_null()).then("date"),
    ).unique([*_DAY, "minute", "system", "value", "comparator"], keep="first", maintain_order=True)
    sizes = pl.DataFrame(
        [
            {"analyte": analyte, "printed": printed, "size": unit.multiply / unit.divide}
            for analyte, printed in rows.select("analyte", "printed")
            .unique()
            .sort("analyte", "printed")
            .rows()
            if (unit := match_unit(analyte, printed)) is not None
        ],
        schema={"analyte": rows["analyte"].dtype, "printed": pl.String, "size": pl.Float64},
    )
    return (
        rows.join(sizes, on=["analyte", "printed"], how="inner", maintain_order="left")
        .with_columns(
            step=pl.col("size") * (10.0 ** -pl.col("decimals").max().over(group).cast(pl.Float64)),
        )
        .select("entry", *_DAY, "minute", "system", "value", "comparator", "step", "source_row")
    )


def _match(rows: pl.DataFrame) -> pl.DataFrame:
    """All pairs of rows of two systems on one day."""
    # Whole numbers join several times faster than texts, and need no care for what is missing.
    person = pl.col("patient_id").cast(pl.Categorical).to_physical()
    keys = {
        "_person": person,
        "_analyte": pl.col("analyte").to_physical(),
        "_on": pl.coalesce(pl.col("day"), pl.col("_date").to_physical()),
    }
    keyed = rows.with_columns(**keys, _dated=pl.col("day").is_null()).drop(_DAY)
    both = keyed.join(keyed, on=[*keys, "_dated"], how="inner")
    return both.filter(pl.col("system") < pl.col("system_right")).drop(*keys, "_dated")


def _is_equal() -> pl.Expr:
    """Whether the finer value, rounded as the coarser one is printed, is the coarser one."""
    coarse = pl.max_horizontal("step", "step_right")
    near = (pl.col("value") - pl.col("value_right")).abs() <= coarse / 2 * _SLACK
    plain = (pl.col("comparator") == "=") & (pl.col("comparator_right") == "=")
    same = (pl.col("comparator") == pl.col("comparator_right")) & (pl.col("value") == pl.col("value_right"))
    return pl.when(plain).then(near).otherwise(same)


def _pair(both: pl.DataFrame, *, timed_apart: bool) -> pl.DataFrame:
    """The pairs of equal values of one moment (else where one has no time) that have no other partner."""
    one_time = pl.col("minute").eq_missing(pl.col("minute_right"))
    half_timed = pl.col("minute").is_null() ^ pl.col("minute_right").is_null()
    equal = both.filter((half_timed if timed_apart else one_time) & _is_equal())
    return equal.filter(
        (pl.len().over("entry", "system_right") == 1) & (pl.len().over("entry_right", "system") == 1)
    )


def _choose(pairs: pl.DataFrame) -> pl.DataFrame:
    """Which entry of each pair is left out: the coarser, else the one without time, else the later system."""
    is_left_finer = pl.col("step") * _SLACK < pl.col("step_right")
    is_right_finer = pl.col("step_right") * _SLACK < pl.col("step")
    is_left_kept = (
        pl.when(is_left_finer)
        .then(pl.lit(value=True))
        .when(is_right_finer)
        .then(pl.lit(value=False))
        .otherwise(pl.col("minute").is_not_null() | pl.col("minute_right").is_null())
    )
    lost = pairs.select(
        entry=pl.when(is_left_kept).then("entry_right").otherwise("entry"),
        twin=pl.when(is_left_kept).then("entry").otherwise("entry_right"),
    )
    final = lost.filter(~pl.col("twin").is_in(lost["entry"].implode()))
    # A row that is left out for one that is left out itself goes with that one's partner.
    chained = lost.join(final, left_on="twin", right_on="entry", suffix="_next").select(
        "entry", twin="twin_next"
    )
    return (
        pl.concat([final, chained]).sort("entry", "twin").unique("entry", keep="first", maintain_order=True)
    )


def _name_conflicts(both: pl.DataFrame, *, total: int) -> list[Finding]:
    one_time = pl.col("minute").is_not_null() & (pl.col("minute") == pl.col("minute_right"))
    plain = (pl.col("comparator") == "=") & (pl.col("comparator_right") == "=")
    apart = both.filter(one_time & plain & ~_is_equal())
    concerned = pl.concat([apart["source_row"], apart["source_row_right"]]).unique()
    what = "two systems have different values of one moment"
    return note_rows("labs", "systems_disagree", what, rows=concerned, total=total)
