"""Tables of the page of `check` about the laboratory: coverage, units, values, limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from cytopenia.contract.data_quality import DataQuality, Reading
from cytopenia.contract.lab_account import (
    DATE_MISSING,
    IMPLAUSIBLE,
    JUDGED,
    MARKED_INVALID,
    NO_PATIENT,
    NOT_LISTED,
    UNIT_MISSING,
    UNKNOWN_UNIT,
)
from cytopenia.report.display import (
    NO_VALUE,
    Counted,
    clean_text,
    format_count,
    format_days,
    format_level,
    format_number,
    format_percent,
    format_signs,
    plural,
)
from cytopenia.report.quality_cells import LEFT, Lines, make_table, show_count, show_share
from cytopenia.report.quality_content import add_up, list_analytes, name_analyte, unit_of
from cytopenia.report.table_model import Cell, Column, Row, Table
from cytopenia.units import match_unit, show_unit
from cytopenia.values import AMBIGUOUS, MISSING, NEGATIVE, NOT_A_NUMBER

__all__ = [
    "table_censored",
    "table_covered",
    "table_limits",
    "table_tables",
    "table_units",
    "table_weeks",
    "tables_values",
]

# Analytes side by side in one table of values; more do not fit on a page.
MOST_COLUMNS, MOST_LIMITS = 7, 8
STATES: Mapping[str, str] = {
    MISSING: "Value missing",
    NOT_A_NUMBER: "Not a number",
    AMBIGUOUS: "Decimal mark ambiguous",
    NEGATIVE: "Negative",
    IMPLAUSIBLE: "Outside the plausible range",
    UNIT_MISSING: "Unit missing",
    UNKNOWN_UNIT: "Unit unknown",
    DATE_MISSING: "Day cannot be told",
    NO_PATIENT: "Patient missing",
    MARKED_INVALID: "Marked invalid by the file",
}


def table_tables(quality: Reading) -> Table:
    """Return rows and patients of each table."""
    rows = quality.tables.iter_rows(named=True)
    return make_table(
        "tables-read",
        "The tables as they are used",
        [Column("Table", LEFT), Column("Rows"), Column("Patients")],
        lines=(
            (format_level(row["table"]), [show_count(row["rows"]), show_count(row["patients"])])
            for row in rows
        ),
        notes=(
            "Rows that cannot be used at all, such as those of an analyte that is not listed, are not among "
            "them.",
        ),
    )


def table_covered(quality: DataQuality) -> Table:
    """Return the patient-days of each lineage by state."""
    columns = ("Patient-days at risk", "Measured", "In a short gap", "Open", "Patients without a value")
    lines = (
        (
            name_analyte(row["analyte"]),
            [
                show_count(row["at_risk"]),
                *_states(row),
                Cell(format_count(Counted(row["patients_unmeasured"], row["patients"]))),
            ],
        )
        for row in quality.covered.iter_rows(named=True)
    )
    return make_table(
        "covered",
        f"Patient-days, {format_days(quality.first_day, quality.last_day)}",
        [Column("Lineage", LEFT), *map(Column, columns)],
        lines=lines,
    )


def _states(row: Mapping[str, Any]) -> list[Cell]:
    names = ("measured", "short_gap", "open")
    return [show_share(row[name], row["at_risk"], row[f"percent_{name}"]) for name in names]


def table_weeks(quality: DataQuality) -> Table:
    """Return the percent of days with a value by week: the numbers behind the pictures of coverage."""
    weeks = quality.covered_weeks.filter(pl.lit(quality.has_days))
    analytes = list_analytes(weeks)
    columns = [Column("Days", LEFT), *(Column(name_analyte(name)) for name in analytes)]
    rows: dict[str, dict[str, Cell]] = {}
    for row in weeks.iter_rows(named=True):
        days, percent = format_level(format_days(row["first_day"], row["last_day"])), row["percent_measured"]
        cell = Cell(NO_VALUE if percent is None else format_percent(percent))
        rows.setdefault(days, {})[row["analyte"]] = cell
    return make_table(
        "covered-weeks",
        "Percent of the patient-days at risk with a value, by week",
        columns,
        lines=((days, [cells[name] for name in analytes]) for days, cells in rows.items()),
        notes=("Weeks count from day 0; the first and the last may be shorter.",),
    )


def table_units(quality: Reading) -> Table:
    """Return the printed units of each analyte, and what they were converted by."""
    account, rows = quality.account, list[Row]()
    for analyte in list_analytes(account):
        own = account.filter(pl.col("analyte") == analyte)
        rows.append(Row(f"{name_analyte(analyte)}, in {unit_of(analyte)}", is_section=True))
        for printed in own["printed"].unique(maintain_order=True):
            part = own.filter(pl.col("printed").eq_missing(pl.lit(printed, dtype=pl.String)))
            rows.append(_row_of_unit(analyte, printed, part))
    columns = ("Rows", "Converted by", "Judged", "Not judged", "Median of the judged")
    return Table(
        id="units-found",
        caption="Units as they were printed",
        columns=(Column("Printed unit", LEFT), *map(Column, columns)),
        rows=tuple(rows),
        notes=(
            "The median is in the canonical unit, so that two units of one analyte can be compared; it "
            "is left out "
            "where fewer than five values are judged. Units that a source gives as codes stand as codes.",
        ),
    )


def _row_of_unit(analyte: str, printed: str | None, part: pl.DataFrame) -> Row:
    rows = add_up(part, "rows")
    judged = part.filter(pl.col("state") == JUDGED)
    known = add_up(judged, "rows")
    median = next(iter(judged["median"].to_list()), None)
    cells = (
        show_count(rows),
        Cell(_describe_conversion(analyte, printed), tone="" if match_unit(analyte, printed) else "noted"),
        show_count(known),
        Cell(format_number(rows - known), tone="noted" if rows > known else "quiet"),
        Cell(NO_VALUE if median is None else f"{format_number(median)} {unit_of(analyte)}"),
    )
    return Row("(none printed)" if printed is None else clean_text(printed, longest=40), cells, indent=1)


def _describe_conversion(analyte: str, printed: str | None) -> str:
    unit = match_unit(analyte, printed)
    if unit is None:
        return "not known"
    if unit.is_canonical:
        return "as it is"
    sign = "\N{MINUS SIGN}" if unit.offset < 0 else "+"
    parts = [f"({sign} {abs(unit.offset):g})"] if unit.offset else []
    parts += [f"\N{MULTIPLICATION SIGN} {unit.multiply:g}"] if unit.multiply != 1 else []
    parts += [f"/ {unit.divide:g}"] if unit.divide != 1 else []
    return f"{' '.join(parts)} to {show_unit(unit_of(analyte))}"


def tables_values(quality: DataQuality) -> Iterator[Table]:
    """Return what became of the laboratory rows, so many analytes side by side as fit on a page."""
    analytes = list_analytes(quality.account)
    for start in range(0, len(analytes), MOST_COLUMNS):
        part = analytes[start : start + MOST_COLUMNS]
        yield make_table(
            f"values-{start // MOST_COLUMNS + 1}",
            "What became of the laboratory rows" + (", further analytes" if start else ""),
            [Column("Rows", LEFT), *(Column(name_analyte(name)) for name in part)],
            lines=_list_values(quality, part),
            notes=tuple(_notes_on_values(quality)),
        )


def _list_values(quality: DataQuality, analytes: Sequence[str]) -> Lines:
    account = quality.account
    states = {
        analyte: dict(
            account.filter(pl.col("analyte") == analyte)
            .group_by("state")
            .agg(pl.col("rows").sum())
            .iter_rows()
        )
        for analyte in analytes
    }
    yield "Read", [show_count(sum(states[name].values())) for name in analytes]
    yield "Judged", [show_count(states[name].get(JUDGED, 0)) for name in analytes]
    for state, title in STATES.items():
        yield title, [show_count(states[name].get(state, 0)) for name in analytes]
    repeats = _sum_by_analyte(account, "repeats")
    yield "Repeat an earlier row exactly, left out", [show_count(repeats.get(name, 0)) for name in analytes]
    signs = {"Printed as less than a limit": ("<", "<="), "Printed as more than a limit": (">", ">=")}
    for title, comparators in signs.items():
        rows = _sum_by_analyte(quality.censored.filter(pl.col("comparator").is_in(list(comparators))), "rows")
        yield title, [show_count(rows.get(name, 0)) for name in analytes]
    for column, title in (
        ("conflicts", "Draws of one minute with different values"),
        ("several", "Days of a patient with several values; the lowest counts"),
    ):
        counts = _sum_by_analyte(quality.moments, column)
        yield title, [show_count(counts.get(name, 0)) for name in analytes]


def _sum_by_analyte(frame: pl.DataFrame, column: str) -> dict[str, int]:
    return dict(frame.group_by("analyte").agg(pl.col(column).cast(pl.Int64).sum()).iter_rows())


def _notes_on_values(quality: DataQuality) -> Iterator[str]:
    yield "A row that is not judged stands under the first reason that was found."
    unlisted = add_up(quality.account.filter(pl.col("state") == NOT_LISTED), "rows")
    if unlisted:
        yield (
            f"{plural(unlisted, 'further row')} of analytes that are not listed, or without a name, were "
            f"left out; "
            "the findings name them."
        )


def table_censored(quality: DataQuality) -> Table:
    """Return the values that were printed as limits."""
    lines: list[tuple[str, list[Cell]]] = []
    for analyte in list_analytes(quality.censored):
        own = quality.censored.filter(pl.col("analyte") == analyte)
        shown = [
            f"{format_signs(row['comparator'])} {format_number(row['limit'])} ({plural(row['rows'], 'row')})"
            for row in own.head(MOST_LIMITS).iter_rows(named=True)
        ]
        rest = own.height - len(shown)
        more = [f"{plural(rest, 'rarer limit')}"] if rest > 0 else []
        lines.append(
            (
                f"{name_analyte(analyte)}, {unit_of(analyte)}",
                [show_count(add_up(own, "rows")), Cell("; ".join(shown + more))],
            )
        )
    return make_table(
        "censored",
        "Values printed as limits",
        [Column("Analyte", LEFT), Column("Rows"), Column("Limits", LEFT)],
        lines=lines,
        notes=(
            "Many different limits of one analyte come from different devices or units; a limit above a cut "
            "of a grade "
            "leaves the grade open.",
        ),
    )


def table_limits(quality: DataQuality) -> Table:
    """Return the limits of normal of each analyte."""
    lines: list[tuple[str, list[Cell]]] = []
    for analyte in list_analytes(quality.limits):
        cells: list[Cell] = []
        for name in ("lln", "uln"):
            own = quality.limits.filter((pl.col("analyte") == analyte) & (pl.col("name") == name))
            known = own.filter(pl.col("limit").is_not_null())
            without = add_up(own.filter(pl.col("limit").is_null()), "rows")
            cells += [show_count(add_up(known, "rows")), show_count(without), Cell(_list_limits(known))]
        lines.append((f"{name_analyte(analyte)}, {unit_of(analyte)}", cells))
    heads = (("Rows with", "right"), ("Rows without", "right"), ("Which (rows, patients)", LEFT))
    columns = [
        Column(title, "left" if align == LEFT else "right", spanner=spanner)
        for spanner in ("Lower limit of normal", "Upper limit of normal")
        for title, align in heads
    ]
    return make_table(
        "limits-found",
        "Limits of normal of the rows with a value",
        [Column("Analyte", LEFT), *columns],
        lines=lines,
        notes=(
            "Some grades are relative to the lower limit of normal of the row; without one these grades are "
            "open. "
            "Several limits of one analyte are usual where laboratories, sexes or ages differ.",
        ),
    )


def _list_limits(known: pl.DataFrame) -> str:
    shown = [
        f"{format_number(row['limit'])} ({format_number(row['rows'])}, {format_number(row['patients'])})"
        for row in known.head(MOST_LIMITS).iter_rows(named=True)
    ]
    rest = known.height - len(shown)
    return "; ".join(shown + ([f"{format_number(rest)} more"] if rest > 0 else [])) or NO_VALUE
