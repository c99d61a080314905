"""Laboratory rows as printed become rows in canonical units; what cannot be judged stays, with reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from cytopenia.contract.columns import add_basics, read_number, read_reason, read_text, require_columns
from cytopenia.contract.days import place_days, read_moments, read_times
from cytopenia.contract.findings import Finding, collect_findings, note_rows
from cytopenia.contract.lab_account import (
    DATE_MISSING,
    IMPLAUSIBLE,
    NO_PATIENT,
    UNIT_MISSING,
    UNKNOWN_UNIT,
    account_rows,
)
from cytopenia.contract.limits import read_limits
from cytopenia.contract.near_names import NEUTROPHIL_SHARE, match_near_name, name_apart, resolve_measure
from cytopenia.contract.neutrophil_shares import (
    PERCENT,
    add_computed_anc,
    show_percents,
    split_shares,
    state_percent,
)
from cytopenia.contract.schemas import TABLES, TextFormat
from cytopenia.contract.suspects import find_anc_above_wbc, suspect_units
from cytopenia.contract.system_repeats import count_decimals, drop_twins, mark_twins
from cytopenia.contract.texts import name_unlisted_analytes, name_unlisted_units
from cytopenia.units import (
    express_conversion,
    load_analytes,
    match_unit,
)
from cytopenia.values import AMBIGUOUS, MISSING, NEGATIVE, NOT_A_NUMBER, parse_values, settle_decimal

__all__ = [
    "LabOptions",
    "has_percents",
    "prepare_cohort_rows",
    "prepare_lab_rows",
    "prepare_labs",
]

_NUMBERS = ("value", "lln", "uln", "baseline")

_VALUE_RULES = {
    MISSING: ("value_missing", "the value is blank or missing"),
    NOT_A_NUMBER: ("value_not_a_number", "the value is not a number"),
    AMBIGUOUS: ("ambiguous_number", "the decimal mark is ambiguous"),
    NEGATIVE: ("negative_value", "the value is negative"),
    IMPLAUSIBLE: ("implausible_value", "the value is outside the plausible range"),
    DATE_MISSING: ("date_missing", "the day cannot be told"),
}


# The reasons that are not the file's own.
_MARKS = (*_VALUE_RULES, UNKNOWN_UNIT, UNIT_MISSING, NO_PATIENT)


@dataclass(frozen=True)
class LabOptions:
    """How laboratory rows are read; `lln` has canonical units and is for rows without a limit."""

    text: TextFormat = field(default_factory=TextFormat)
    lln: Mapping[str, float] = field(default_factory=dict[str, float])
    collapse_duplicates: bool = True


def prepare_labs(
    labs: pl.DataFrame,
    *,
    text: TextFormat | None = None,
    lln: Mapping[str, float] | None = None,
    collapse_duplicates: bool = True,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return laboratory rows in canonical units, and what was found in them.

    For grading single rows: `patient_id` and `day` may be absent. Rows keep their order. Rows of analytes
    that are not listed leave the table (one finding per name); every other row stays, and `invalid` says why
    it is not judged.

    Parameters
    ----------
    labs : DataFrame, one row per measurement
        `analyte` (any listed name), `value` (text or number, as printed), `unit`; optionally `patient_id`,
        `day` or `date`,
        `time`, `lln`, `uln` and `baseline` (in the unit of the row), `invalid` (a reason), `source_row`.
    text
        The decimal mark and the date format, where the columns alone do not settle them.
    lln
        Lower limit of normal per analyte in canonical units, for rows that have none.
    collapse_duplicates
        Keep only the first of rows that are equal in everything but `source_row`.

    Returns
    -------
    labs : DataFrame
        The columns of the labs table of the contract. `value`, `lln`, `uln` in `unit`, the canonical unit of
        the analyte; a row whose unit is missing or unknown has no `value` and keeps its printed unit. Days
        are as given; dates need
        `prepare_tables`.
    findings : DataFrame
        The columns of `FINDING_SCHEMA`.

    Raises
    ------
    MissingColumnError
        `analyte`, `value` or `unit` is absent.

    Examples
    --------
    >>> labs = pl.DataFrame({"analyte": ["NEUT"], "value": ["<100"], "unit": ["/uL"]})
    >>> prepare_labs(labs)[0].select("analyte", "comparator", "value", "unit").row(0)
    ('anc', '<', 0.1, '1e9/L')
    """
    require_columns({"labs": labs}, rowwise=True)
    options = LabOptions(text or TextFormat(), lln or {}, collapse_duplicates)
    rows, findings = prepare_lab_rows(labs, options, zeros=None, need_day=False)
    return rows, collect_findings(findings)


def prepare_lab_rows(
    labs: pl.DataFrame, options: LabOptions, *, zeros: pl.DataFrame | None, need_day: bool
) -> tuple[pl.DataFrame, list[Finding]]:
    """Return laboratory rows in canonical units and their findings; see `prepare_labs`.

    `zeros` places dates (see `place_days`); with `need_day` a row without a day is not judged.
    """
    rows, findings = _judge_rows(labs, options, zeros=zeros, need_day=need_day)
    if options.collapse_duplicates:
        rows, found = _collapse(rows, total=labs.height)
        findings += found
    return _write_out(rows), findings


def prepare_cohort_rows(
    labs: pl.DataFrame, options: LabOptions, *, zeros: pl.DataFrame | None
) -> tuple[pl.DataFrame, list[Finding], pl.DataFrame]:
    """Return the rows and findings of `prepare_lab_rows`, and what became of the rows that were read.

    The account counts them by analyte, printed unit and state: it is all that is kept of the printed units.
    """
    judged, findings = _judge_rows(labs, options, zeros=zeros, need_day=True)
    kept, found = _collapse(judged, total=labs.height)
    return _write_out(kept), [*findings, *found], account_rows(judged, kept, total=labs.height)


def has_percents(labs: pl.DataFrame, text: TextFormat) -> bool:
    """Return whether the rows show that shares of neutrophils in "%" are percentages, not fractions."""
    table, _ = _resolve_analytes(add_basics(labs, "labs")[0], total=labs.height)
    return show_percents(split_shares(_parse_numbers(table, text.decimal), total=labs.height)[1])


def _judge_rows(
    labs: pl.DataFrame, options: LabOptions, *, zeros: pl.DataFrame | None, need_day: bool
) -> tuple[pl.DataFrame, list[Finding]]:
    """Every row of a listed analyte in canonical units, with its printed unit and why it is not judged."""
    total = labs.height
    table, findings = add_basics(labs, "labs")
    table, found = _resolve_analytes(table, total=total)
    findings += found
    moments, found = read_moments(table, "labs", day="day", date="date", text=options.text)
    days, placed = place_days(table, moments, zeros=zeros, name="labs")
    rows = _parse_numbers(table, options.text.decimal).with_columns(
        days.alias("day"), _minutes(table, moments.minute), moments.date.alias("date")
    )
    rows, shares, said = split_shares(rows, total=total)
    rows, units = _convert(rows, total=total)
    rows = _mark_implausible(rows)
    if need_day:
        rows = _mark(
            _mark(rows, pl.col("patient_id") == "", NO_PATIENT), pl.col("day").is_null(), DATE_MISSING
        )
    findings += [*found, *placed, *_name_values(rows, total), *units, *suspect_units(rows), *said]
    if options.collapse_duplicates:
        rows, found = mark_twins(rows, total=total)
        findings += found
    known = options.text.has_percents
    rows, found = add_computed_anc(rows, shares, marks=_MARKS, total=total, are_percents=known)
    rows, limits = read_limits(rows, options.lln, total=total)
    findings += [*found, *limits]
    if not need_day:
        # A cohort is looked at with all its tables; rows on their own may have dates and no day.
        findings += find_anc_above_wbc(rows, moment=("day", "date", "minute"), total=total)
    return rows, findings


def _resolve_analytes(table: pl.DataFrame, *, total: int) -> tuple[pl.DataFrame, list[Finding]]:
    """Rows of listed analytes with `analyte` and the `printed` unit as enumerations; findings on others.

    Shares of neutrophils are among them.
    """
    names, printed = _encode(table["analyte"]), _encode(table["unit"])
    resolved = {name: resolve_measure(name) for name in _categories(names)}
    near = {name: row for name in resolved if (row := match_near_name(name)) is not None}
    apart = [name for name, row in near.items() if row.use == "apart"]
    findings = note_rows(
        "labs",
        "analyte_missing",
        "the analyte is blank",
        rows=table["source_row"].filter(names.is_null()),
        total=total,
    )
    findings += name_apart(names, apart, rows=table["source_row"], total=total)
    unlisted = [name for name, found in resolved.items() if found is None and name not in apart]
    if unlisted:
        where = names.is_in(unlisted).fill_null(value=False)
        findings += name_unlisted_analytes(
            names.filter(where), rows=table["source_row"].filter(where), total=total
        )
    kind = pl.Enum([*load_analytes(), NEUTROPHIL_SHARE])
    canonical = pl.Series("analyte", list(resolved.values()), dtype=kind)
    table = table.with_columns(
        canonical.gather(names.to_physical().cast(pl.UInt32)).alias("analyte"),
        printed.alias("printed"),
        names.alias("names"),
    )
    table = table.filter(pl.col("analyte").is_not_null()) if table["analyte"].null_count() else table
    stating = [name for name, row in near.items() if row.states_percent]
    return state_percent(table, stating).drop("names"), findings


def _categories(column: pl.Series) -> list[str]:
    return column.dtype.categories.to_list() if isinstance(column.dtype, pl.Enum) else []


def _encode(column: pl.Series) -> pl.Series:
    """Text as an enumeration of its few distinct trimmed values; blank is null."""
    text = column.cast(pl.String)
    distinct = text.unique(maintain_order=True).drop_nulls()
    trimmed = distinct.str.strip_chars()
    words = trimmed.filter(trimmed != "").unique(maintain_order=True)
    kind = pl.Enum(words)
    if words.len() == distinct.len() and (trimmed == distinct).all():
        return text.cast(kind)
    spelled = trimmed.set(trimmed == "", None).cast(kind)
    return spelled.gather(text.cast(pl.Enum(distinct)).to_physical().cast(pl.UInt32)).alias(column.name)


def _parse_numbers(table: pl.DataFrame, decimal: str) -> pl.DataFrame:
    """The basic columns with value, comparator, limits as printed, and the first reason not to judge."""
    limits = [name for name in ("lln", "uln", "baseline") if name in table.columns]
    if decimal == "auto":
        decimal = settle_decimal(table[name] for name in ("value", *limits))
    rows = table.select("patient_id", "analyte", "printed", "source_row").hstack(
        parse_values(table["value"], decimal=decimal)
    )
    if "system" in table.columns:
        decimals = count_decimals(table["value"], rows["value"])
        rows = rows.with_columns(read_text(table, "system"), decimals)
    for name in dict.fromkeys(["lln", "uln", *limits]):
        if name in limits:
            parsed = parse_values(table[name], decimal=decimal)
            bad = (parsed["invalid"].is_not_null() & (parsed["invalid"] != MISSING)) | (
                parsed["comparator"] != "="
            )
            rows = rows.with_columns(parsed["value"].set(bad, None).alias(name), bad.alias(f"bad_{name}"))
        else:
            rows = rows.with_columns(
                pl.lit(None, dtype=pl.Float64).alias(name), pl.lit(value=False).alias(f"bad_{name}")
            )
    if "invalid" in table.columns:
        rows = rows.with_columns(invalid=pl.coalesce(read_reason(table["invalid"]), "invalid"))
    return rows


def _minutes(table: pl.DataFrame, minutes: pl.Series) -> pl.Series:
    if "minute" in table.columns:
        given = read_number(table, "minute")[0].cast(pl.Int32, strict=False)
        minutes = given.zip_with(given.is_not_null(), minutes)
    if "time" in table.columns:
        minutes = minutes.zip_with(minutes.is_not_null(), read_times(table["time"]))
    return minutes.rename("minute")


def _mark(rows: pl.DataFrame, where: pl.Expr, reason: str) -> pl.DataFrame:
    """Set the reason where there is none yet; untouched tables are not copied."""
    if not rows.select(where.any()).item():
        return rows
    return rows.with_columns(
        invalid=pl.when(pl.col("invalid").is_null() & where).then(pl.lit(reason)).otherwise("invalid")
    )


def _convert(rows: pl.DataFrame, *, total: int) -> tuple[pl.DataFrame, list[Finding]]:
    """Values and limits in canonical units; rows of a missing or unknown unit lose their numbers."""
    unread: dict[str, list[str | None]] = {}
    judged = rows.select("analyte", "printed", "source_row").filter(rows["invalid"].is_null())
    numbers = [name for name in _NUMBERS if name in rows.columns]
    for analyte, printed in _list_pairs(rows):
        unit = match_unit(analyte, printed)
        where = (pl.col("analyte") == analyte) & pl.col("printed").eq_missing(pl.lit(printed))
        if unit is None:
            if (analyte, printed) != ("anc", PERCENT):
                unread.setdefault(analyte, []).append(printed)
            rows = _mark(rows, where, UNIT_MISSING if printed is None else UNKNOWN_UNIT)
            rows = rows.with_columns(pl.when(~where).then(pl.col(*numbers)))
        elif not unit.is_canonical:
            converted = {name: express_conversion(name, unit) for name in numbers}
            rows = rows.with_columns(
                pl.when(where).then(change).otherwise(name).alias(name) for name, change in converted.items()
            )
    findings = [
        finding
        for analyte, printed in unread.items()
        for finding in name_unlisted_units(analyte, printed, judged=judged, total=total)
    ]
    return rows, findings


def _list_pairs(rows: pl.DataFrame) -> list[tuple[str, str | None]]:
    """The distinct pairs of analyte and printed unit, found without a copy of the table."""
    found: list[tuple[str, str | None]] = []
    for analyte in rows["analyte"].unique().sort().to_list():
        printed = rows["printed"].filter(rows["analyte"] == analyte).unique().sort().to_list()
        found += [(analyte, text) for text in printed]
    return found


def _mark_implausible(rows: pl.DataFrame) -> pl.DataFrame:
    ranges = rows.group_by("analyte").agg(low=pl.col("value").min(), high=pl.col("value").max())
    for analyte, low, high in ranges.sort("analyte").iter_rows():
        row = load_analytes()[analyte]
        if low is not None and (low < row.plausible_low or high > row.plausible_high):
            outside = ~pl.col("value").is_between(row.plausible_low, row.plausible_high)
            rows = _mark(rows, (pl.col("analyte") == analyte) & outside, IMPLAUSIBLE)
    return rows


def _name_values(rows: pl.DataFrame, total: int) -> list[Finding]:
    if rows["invalid"].null_count() == rows.height:
        return []
    findings: list[Finding] = []
    for reason, (rule, what) in _VALUE_RULES.items():
        concerned = rows.filter(pl.col("invalid") == reason)
        names = ", ".join(concerned["analyte"].cast(pl.String).unique().sort())
        whose = f" of {names}" if reason == IMPLAUSIBLE else ""
        findings += note_rows("labs", rule, what + whose, rows=concerned["source_row"], total=total)
    own = rows.filter(pl.col("invalid").is_not_null() & ~pl.col("invalid").is_in(_MARKS))["source_row"]
    return findings + note_rows(
        "labs", "marked_invalid", "the file itself gives a reason not to judge", rows=own, total=total
    )


def _collapse(rows: pl.DataFrame, *, total: int) -> tuple[pl.DataFrame, list[Finding]]:
    """Keep the first of exact duplicates; a cheap count of row hashes spares clean tables the work.

    Rows that are not judged, or without patient or day, may look alike only because something is missing.
    Rows for which that of another system stands leave first.
    """
    rows = drop_twins(rows)
    names = ("patient_id", "day", "minute", "analyte", *_NUMBERS, "comparator", "invalid")
    key = [name for name in names if name in rows.columns and rows[name].null_count() < rows.height]
    if rows.select(key).hash_rows().n_unique() == rows.height:
        return rows, []
    certain = pl.col("invalid").is_null() & pl.col("day").is_not_null() & (pl.col("patient_id") != "")
    numbered = rows.with_row_index("place")
    repeats = numbered.filter(certain).filter(~pl.struct(key).is_first_distinct()).select("place")
    dropped = numbered.join(repeats, on="place", how="semi")["source_row"]
    kept = (
        numbered.join(repeats, on="place", how="anti", maintain_order="left").drop("place")
        if repeats.height
        else rows
    )
    return kept, note_rows(
        "labs", "duplicate_rows", "the row repeats an earlier one exactly", rows=dropped, total=total
    )


def _write_out(rows: pl.DataFrame) -> pl.DataFrame:
    """The columns of the contract; the unit is canonical, or as printed where that is not listed."""
    canonical = pl.col("analyte").replace_strict(
        {name: analyte.unit for name, analyte in load_analytes().items()}, return_dtype=pl.String
    )
    unlisted = pl.col("invalid").is_in([UNKNOWN_UNIT, UNIT_MISSING])
    unit = (
        pl.when(unlisted).then(pl.col("printed").cast(pl.String)).otherwise(canonical)
        if rows["invalid"].null_count() < rows.height
        else canonical
    )
    rows = rows.with_columns(pl.col("analyte").cast(pl.String), unit=unit)
    given = [name for name in ("baseline", "origin") if name in rows.columns]
    return rows.select(*(column.name for column in TABLES["labs"].outputs), *given)
