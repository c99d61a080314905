"""ANC from white cells x percentage of neutrophils, for every source, where the day has no ANC of its own.

A percentage is never a count by itself. It leaves the table here: as an ANC, or with a finding.
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from cytopenia.contract.findings import Finding, note_rows
from cytopenia.contract.near_names import NEUTROPHIL_SHARE, SHARE_UNITS, resolve_measure
from cytopenia.contract.texts import Wording, note_texts

__all__ = ["PERCENT", "add_computed_anc", "is_share", "show_percents", "split_shares", "state_percent"]

PERCENT = "%"

_WHOLE = 100
_OWNER = "the percentage of neutrophils"
_DAY = ("patient_id", "day", "_date")
_MOMENT = (*_DAY, "minute")


def is_share(name: str | None, unit: str | None) -> bool:
    """Return whether rows of a name and unit can be shares of neutrophils.

    Examples
    --------
    >>> is_share("NEUT%", None), is_share("ANC", " %"), is_share("ANC", "10^9/L")
    (True, True, False)
    """
    measure = resolve_measure(name or "")
    return measure == NEUTROPHIL_SHARE or (measure == "anc" and (unit or "").strip() == PERCENT)


def state_percent(table: pl.DataFrame, names: Collection[str]) -> pl.DataFrame:
    """Return the rows with the unit % where it is blank and the name states it ("NEUT%").

    Parameters
    ----------
    table
        `names` and `printed` (unit), both as the file has them.
    names
        The names that state it.
    """
    if not names:
        return table
    units = table["printed"].dtype
    listed = units.categories.to_list() if isinstance(units, pl.Enum) else []
    kind = pl.Enum([*dict.fromkeys([*listed, PERCENT])])
    blank = pl.col("printed").is_null() & pl.col("names").cast(pl.String).is_in([*names])
    printed = pl.col("printed").cast(pl.String).cast(kind)
    return table.with_columns(printed=pl.when(blank).then(pl.lit(PERCENT, dtype=kind)).otherwise(printed))


def split_shares(rows: pl.DataFrame, *, total: int) -> tuple[pl.DataFrame, pl.DataFrame, list[Finding]]:
    """Return the rows of analytes, those of the shares of neutrophils, both with their `place`, and findings.

    Neutrophils in % are among both: no count, which cannot be judged, and a share.
    """
    is_share = rows["analyte"] == NEUTROPHIL_SHARE
    units = rows["printed"].dtype
    wrong = pl.repeat(value=False, n=rows.height, eager=True)
    if isinstance(units, pl.Enum) and PERCENT in units.categories:
        wrong = (rows["analyte"] == "anc") & (rows["printed"] == PERCENT).fill_null(value=False)
    if not (is_share | wrong).any():
        return rows, rows.clear(), []
    findings = note_rows(
        "labs", "percent_as_unit", "neutrophils stand there in %",
        rows=rows["source_row"].filter(wrong), total=total,
    )  # fmt: skip
    numbered = rows.with_row_index("place")
    return numbered.filter(~is_share), numbered.filter(is_share | wrong), findings


def add_computed_anc(
    rows: pl.DataFrame,
    shares: pl.DataFrame,
    *,
    marks: Collection[str],
    total: int,
    are_percents: bool = False,
) -> tuple[pl.DataFrame, list[Finding]]:
    """Return the rows with the ANC that could be computed, at the places of the shares, and the findings.

    ANC = white cells x percentage / 100 of one patient and moment (day and minute, or neither has a time), if
    each is one plain number there and the day of the patient has no ANC that is judged.

    Parameters
    ----------
    rows
        Judged rows in canonical units: `patient_id`, `day`, `date`, `minute`, `analyte`, `value`,
        `comparator`, `printed`, `invalid`, `source_row`, `place`.
    shares
        The same columns, as printed.
    marks
        The reasons in `invalid` that are not the file's own. Where the file itself says that the ANC of a
        moment is not to be judged, none is computed from the same sample.
    are_percents
        The rows are part of a table that shows that "%" means percent; else they show it themselves.
    """
    if shares.is_empty():
        return rows, []
    shares, findings = _read_shares(shares, total=total, are_percents=are_percents)
    placed = (pl.col("patient_id") != "") & (pl.col("day").is_not_null() | pl.col("date").is_not_null())
    keyed = rows.filter(placed).with_columns(_date=_free_date())
    if "twin" in rows.columns:
        keyed = keyed.filter(pl.col("twin").is_null())
    counts = keyed.filter(pl.col("invalid").is_null())
    white = _list_moments(counts.filter(pl.col("analyte") == "wbc"))
    neutrophils = keyed.filter((pl.col("analyte") == "anc") & pl.col("value").is_not_null())
    measured = neutrophils.filter(pl.col("invalid").is_null()).select(_DAY).unique()
    refused = neutrophils.filter(~pl.col("invalid").is_in([*marks])).select(_MOMENT).unique()
    percents = _list_moments(shares.filter(placed).with_columns(_date=_free_date()))
    needed = percents.join(measured, on=_DAY, how="anti", nulls_equal=True)
    both = needed.join(white, on=_MOMENT, nulls_equal=True, suffix="_white")
    allowed = both.join(refused, on=_MOMENT, how="anti", nulls_equal=True)
    single = pl.col("is_single") & pl.col("is_single_white")
    computed = allowed.filter(single & pl.col("is_plain") & pl.col("is_plain_white"))
    findings += note_rows(
        "labs", "anc_computed", "ANC was computed as white cells x percentage of neutrophils",
        rows=computed["source_row"], total=total,
    )  # fmt: skip
    findings += note_rows(
        "labs", "anc_not_computed", "white cells or percentages of neutrophils of one moment differ",
        rows=allowed.filter(~single)["source_row"], total=total,
    )  # fmt: skip
    told = pl.concat([computed, allowed.filter(~single)])
    findings += _name_unused(percents.join(told, on=_MOMENT, how="anti", nulls_equal=True), total=total)
    findings += note_rows(
        "labs", "percent_not_used", f"{_OWNER} has no patient or no day, and is not used",
        rows=shares.filter(~placed)["source_row"], total=total,
    )  # fmt: skip
    if computed.is_empty():
        return rows.drop("place"), findings
    replaced = pl.col("place").is_in(computed["place"].implode()) & (pl.col("analyte") == "anc")
    rows = pl.concat([rows.filter(~replaced), _write_rows(computed, rows)], how="diagonal")
    return rows.sort("place").drop("place"), findings


def _free_date() -> pl.Expr:
    """The date where there is no day, which alone would tell no two days apart."""
    return pl.when(pl.col("day").is_null()).then("date")


def _read_shares(
    shares: pl.DataFrame, *, total: int, are_percents: bool
) -> tuple[pl.DataFrame, list[Finding]]:
    """Shares in percent that can be used; findings on the others."""
    shares = shares.with_columns(pl.col("printed").cast(pl.String))
    filled = shares.filter(pl.col("value").is_not_null())
    blank = filled.filter(pl.col("printed").is_null())["source_row"]
    unknown = filled.filter(pl.col("printed").is_not_null() & ~pl.col("printed").is_in([*SHARE_UNITS]))
    allowed = ", ".join(SHARE_UNITS)
    findings = note_rows(
        "labs", "unit_missing", f"the unit of {_OWNER} is blank", rows=blank, total=total, allowed=allowed
    )
    wording = Wording(
        noun="unit", owner=_OWNER, verdict="is not listed", verdict_many="are not listed", allowed=allowed
    )
    findings += note_texts(
        "labs", "unknown_unit", unknown["printed"], wording=wording, rows=unknown["source_row"], total=total
    )
    scale = pl.col("printed").replace_strict(dict(SHARE_UNITS), default=None, return_dtype=pl.Float64)
    read = filled.with_columns(value=(pl.col("value") * scale).round_sig_figs(15)).filter(
        pl.col("value").is_not_null()
    )
    outside = ~pl.col("value").is_between(0, _WHOLE)
    what = f"{_OWNER} is not between 0 and 100"
    findings += note_rows(
        "labs", "implausible_value", what, rows=read.filter(outside)["source_row"], total=total
    )
    read = read.filter(~outside & pl.col("invalid").is_null())
    fractions = (pl.col("printed") == PERCENT) & (pl.col("value") > 0)
    small = read.filter(fractions)
    if small.height and not are_percents and float(str(small["value"].max())) <= 1:
        what = f"{_OWNER} is nowhere above 1 in '%', as if it were a fraction, and is not used"
        findings += note_rows("labs", "suspected_unit", what, rows=small["source_row"], total=total)
        read = read.filter(~fractions)
    return read, findings


def show_percents(shares: pl.DataFrame) -> bool:
    """Return whether a share in "%" is above 1, so that none of the table is a fraction.

    `shares` as `split_shares` returns them.
    """
    printed = pl.col("printed").cast(pl.String) == PERCENT
    usable = shares.filter(printed, pl.col("invalid").is_null(), pl.col("value") <= _WHOLE)
    return bool((usable["value"] > 1).any())


def _list_moments(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per moment: its number, whether all rows there agree, and the first of them."""
    return rows.group_by(_MOMENT).agg(
        pl.col("value").min(),
        pl.col("source_row").min(),
        pl.col("place").min(),
        pl.col("printed").cast(pl.String).sort_by("source_row").first(),
        is_single=pl.struct("value", "comparator").n_unique() == 1,
        is_plain=(pl.col("comparator") == "=").all(),
    )


def _name_unused(left: pl.DataFrame, *, total: int) -> list[Finding]:
    what = f"{_OWNER} was not needed, or has no plain number of white cells of its moment,"
    return note_rows("labs", "percent_not_used", what, rows=left["source_row"], total=total)


def _write_rows(computed: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of ANC as those of the table are, with their origin."""
    kind = rows["analyte"].dtype
    return computed.select(
        *("place", "patient_id", "day", "minute", "source_row"),
        pl.col("printed").cast(rows["printed"].dtype),
        analyte=pl.lit("anc", dtype=kind),
        value=(pl.col("value_white") * pl.col("value") / _WHOLE).round_sig_figs(15),
        comparator=pl.lit("="),
        origin=pl.format("white cells of row {} x percentage of neutrophils", "source_row_white"),
        **{
            name: pl.lit(value=False)
            for name in ("bad_lln", "bad_uln", "bad_baseline")
            if name in rows.columns
        },
    )
