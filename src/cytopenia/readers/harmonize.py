"""Tables under foreign names become raw tables of the contract: columns, names, units, wide to long."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from cytopenia.contract import (
    TABLES,
    Finding,
    Tables,
    TextFormat,
    collect_findings,
    merge_findings,
    note,
    prepare_tables,
)
from cytopenia.contract.bedside import BEDSIDE_COLUMNS, WITH_UNIT
from cytopenia.contract.columns import require_columns
from cytopenia.contract.courses import find_zeros
from cytopenia.contract.labs import LabOptions, prepare_lab_rows
from cytopenia.contract.near_names import NEUTROPHIL_SHARE, match_near_name, resolve_measure
from cytopenia.errors import MissingColumnError, join_problems, suggest_name
from cytopenia.readers.chosen_units import doubt_chosen_units
from cytopenia.readers.codes import LOINC, load_analyte_codes
from cytopenia.readers.column_findings import check_heading_units, find_dates, name_unused_columns
from cytopenia.readers.day_columns import check_day_columns, list_day_columns, melt_days
from cytopenia.readers.headings import fold_heading
from cytopenia.readers.infusions_of_labs import drop_repeats, name_unused_infusion
from cytopenia.readers.lab_parts import LabPart, join_parts
from cytopenia.readers.labs_mapping import LabsTable
from cytopenia.readers.mapping import BedsideMapping, DataSection
from cytopenia.readers.mapping_forms import IGNORE, TableMapping
from cytopenia.readers.source_table import SourceTable
from cytopenia.units import resolve_analyte
from cytopenia.values import is_number_text

__all__ = ["find_wide", "harmonize_bedside", "harmonize_labs", "harmonize_tables"]

_HEADER_UNIT = re.compile(r"^(?P<name>.+?)\s*[\(\[](?P<unit>[^\(\)\[\]]+)[\)\]]$")
_LONG_ONLY = frozenset({"analyte", "value", "unit", "lln", "uln", "baseline"})


def harmonize_tables(
    sources: Mapping[str, SourceTable],
    mapping: DataSection,
    more_labs: Sequence[tuple[SourceTable, LabsTable]] = (),
) -> Tables:
    """Return the six prepared tables from the tables of the files.

    Parameters
    ----------
    sources
        The tables by their names.
    mapping
        How they are read.
    more_labs
        Laboratory values of further systems, with the mapping of each.

    Raises
    ------
    MissingColumnError
        A mapped column is not in its file, or a needed column is absent; all are named.
    DataError
        `day_zero` contradicts an infusions table.
    """
    raw, findings = _apply_mapping(sources, mapping)
    formats = dict(mapping.formats)
    if more_labs:
        system, origin = mapping.labs.system or "labs", sources["labs"].origin
        first = LabPart(raw["labs"], formats["labs"], system, origin)
        raw["labs"], found = _add_labs(first, more_labs, mapping)
        formats["labs"] = TextFormat(decimal=".")
        findings += found
    tables = prepare_tables(raw, day_zero=mapping.day_zero, formats=formats, lln=mapping.labs.lower_limits)
    if {"no_infusion_date", "day_zero_first"} & {*tables.findings["rule"]}:
        findings += name_unused_infusion(sources, [*mapping.labs.columns.values()])
    if "labs" in sources:
        findings += doubt_chosen_units(tables.labs, mapping.labs, sources["labs"].frame)
    return replace(tables, findings=merge_findings(collect_findings(findings), tables.findings))


def harmonize_labs(source: SourceTable, mapping: DataSection) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the laboratory rows of one file and the findings; patient and day may be absent.

    Rows are not collapsed. With `day_zero = "first"` and patients and dates in the file, days count from the
    first date.

    Raises
    ------
    MissingColumnError
        A mapped column is not in the file, or analyte, value or unit is absent.
    """
    raw, findings = _apply_mapping({"labs": source}, mapping)
    if mapping.labs.also:
        what = "also names files of further systems, which are not read where rows are judged one by one"
        findings.append(note("labs", "mapping_unused", what))
    labs, absent = raw["labs"], [name for name in ("patient_id",) if name not in raw["labs"].columns]
    if "day" not in labs.columns and "date" not in labs.columns:
        absent.append("day")
    findings += [
        note(
            "labs",
            "patient_id_absent" if name == "patient_id" else "day_absent",
            f"there is no column {name}",
        )
        for name in absent
    ]
    require_columns({"labs": labs}, rowwise=True)
    zeros = None
    if not absent and mapping.day_zero == "first":
        zero = find_zeros({"labs": labs}, mapping.formats, day_zero="first")
        zeros, findings = zero.zeros, [*findings, *zero.findings]
    options = LabOptions(mapping.formats["labs"], mapping.labs.lower_limits, collapse_duplicates=False)
    rows, found = prepare_lab_rows(labs, options, zeros=zeros, need_day=False)
    return rows, collect_findings([*findings, *found])


def harmonize_bedside(source: SourceTable, mapping: BedsideMapping) -> tuple[pl.DataFrame, list[Finding]]:
    """Return the rows of a bedside table under our names and words; a stated unit becomes part of the name.

    Raises
    ------
    MissingColumnError
        A mapped column is not in the file.
    """
    if absent := _find_absent("bedside", source, mapping):
        raise MissingColumnError(join_problems("Columns of the mapping are not in the files", absent))
    height = source.frame.height
    what = f"{height:,} {'row was' if height == 1 else 'rows were'} read from {source.origin}"
    findings = [note("bedside", "file_read", what, rows=height), *source.findings]
    table = _rename("bedside", source.frame, mapping.columns)
    for name, words in mapping.words.items():
        if name in table.columns:
            table = table.with_columns(pl.col(name).cast(pl.String).str.strip_chars())
            findings += _find_unused("bedside", f"words.{name}", words, table[name])
            table = table.with_columns(pl.col(name).replace(words))
    stated = {
        ours: header
        for header, (ours, unit) in WITH_UNIT.items()
        if mapping.units.get(ours) == unit and ours in table.columns
    }
    return table.rename(stated), findings


def _apply_mapping(
    sources: Mapping[str, SourceTable], mapping: DataSection
) -> tuple[dict[str, pl.DataFrame], list[Finding]]:
    problems = [
        problem
        for name, source in sources.items()
        for problem in _find_absent(name, source, mapping.tables[name])
    ]
    title, misfits = "Columns of the mapping are not in the files", list[str]()
    if "labs" in sources and mapping.labs.days:
        misfits = check_day_columns(sources["labs"].frame.columns, mapping.labs, sources["labs"].origin)
    elif "labs" in sources:
        headings = find_wide(sources["labs"].frame, mapping.labs.analytes)
        misfits = check_heading_units(headings, mapping.labs, sources["labs"].origin)
    title = "The mapping does not fit the files" if misfits else title
    if problems or misfits:
        raise MissingColumnError(join_problems(title, [*problems, *misfits]))
    raw: dict[str, pl.DataFrame] = {}
    findings: list[Finding] = []
    for name, source in sources.items():
        height = source.frame.height
        what = f"{height:,} {'row was' if height == 1 else 'rows were'} read from {source.origin}"
        findings += [note(name, "file_read", what, rows=height), *source.findings]
        table = _rename(name, source.frame, mapping.tables[name].columns)
        if name == "labs":
            table, found = _translate_labs(table, mapping.labs)
        else:
            if name != "patients" and mapping.tables[name].is_mapped:
                findings += name_unused_columns(
                    name, [c for c in table.columns if c not in (*TABLES[name].inputs, "source_row")]
                )
            table, found = _translate_kinds(name, table, getattr(mapping.tables[name], "kinds", {}))
        is_named = name == "infusions" and mapping.tables[name].file is not None
        if is_named and "labs" in sources and source.origin == sources["labs"].origin:
            table, found = drop_repeats(table)
        raw[name] = table
        findings += found
    return raw, findings


def _add_labs(
    first: LabPart, more: Sequence[tuple[SourceTable, LabsTable]], mapping: DataSection
) -> tuple[pl.DataFrame, list[Finding]]:
    """The laboratory rows of all systems as one table, each read by its own mapping."""
    parts, findings = [first], list[Finding]()
    for source, form in more:
        part = mapping.model_copy(update={"labs": form})
        raw, found = _apply_mapping({"labs": source}, part)
        require_columns({"labs": raw["labs"]})
        findings += found
        parts.append(LabPart(raw["labs"], part.formats["labs"], form.system or source.origin, source.origin))
    require_columns({"labs": first.table})
    joined, found = join_parts(parts)
    return joined, [*findings, *found]


def _find_absent(name: str, source: SourceTable, mapping: TableMapping) -> list[str]:
    wanted = dict(mapping.columns)
    if isinstance(mapping, LabsTable):
        wanted |= {f"wide {analyte}": wide.column for analyte, wide in mapping.wide.items()}
    found = [column for column in source.frame.columns if column != "source_row"]
    return [
        f"{name}: column '{theirs}' (for {ours}) is not in {source.origin}{suggest_name(theirs, found)}; "
        f"found: {', '.join(found)}"
        for ours, theirs in wanted.items()
        if theirs not in found
    ]


def _rename(name: str, table: pl.DataFrame, columns: Mapping[str, str]) -> pl.DataFrame:
    """Columns under our names: as the mapping says, then headers that differ only in case and blanks."""
    known = (
        [*BEDSIDE_COLUMNS]
        if name == "bedside"
        else [*TABLES[name].inputs, *(TABLES["infusions"].inputs if name == "patients" else ())]
    )
    replaced = [
        ours
        for ours in columns
        if ours in table.columns and columns[ours] != ours and ours not in columns.values()
    ]
    table = table.drop(replaced).rename({theirs: f"_mapped_{ours}" for ours, theirs in columns.items()})
    taken = set(columns)
    folded: dict[str, str] = {}
    for header in table.columns:
        ours = fold_heading(header)
        if ours in known and ours not in taken and not header.startswith("_mapped_"):
            folded[header] = ours
            taken.add(ours)
    return table.rename(folded | {f"_mapped_{ours}": ours for ours in columns})


def _translate_kinds(
    name: str, table: pl.DataFrame, kinds: Mapping[str, str]
) -> tuple[pl.DataFrame, list[Finding]]:
    column = "response" if name == "responses" else "kind"
    if not kinds or column not in table.columns:
        return table, []
    table = table.with_columns(pl.col(column).cast(pl.String).str.strip_chars())
    findings = _find_unused(name, "kinds", kinds, table[column])
    table = table.with_columns(pl.col(column).replace(dict(kinds)))
    return table.filter(pl.col(column).ne_missing(pl.lit(IGNORE))), findings


def _translate_labs(table: pl.DataFrame, mapping: LabsTable) -> tuple[pl.DataFrame, list[Finding]]:
    unused = _find_unused_columns(table, mapping) if mapping.is_mapped else []
    findings = name_unused_columns("labs", unused)
    in_headings = {parts["unit"].strip() for text in table.columns if (parts := _HEADER_UNIT.match(text))}
    if mapping.days:
        table, found = melt_days(table, mapping)
        findings += found
    else:
        table = _melt(table, mapping)
    findings += find_dates(table)
    if "analyte" in table.columns and mapping.analytes:
        table = table.with_columns(pl.col("analyte").cast(pl.String).str.strip_chars())
        findings += _find_unused("labs", "analytes", mapping.analytes, table["analyte"])
        table = table.with_columns(pl.col("analyte").replace(mapping.analytes)).filter(
            pl.col("analyte").ne_missing(pl.lit(IGNORE))
        )
    table, found = _translate_codes(table)
    findings += found
    if "unit" in table.columns and mapping.units:
        table = table.with_columns(pl.col("unit").cast(pl.String).str.strip_chars())
        asked = {text: unit for text, unit in mapping.units.items() if text not in in_headings}
        findings += _find_unused("labs", "units", asked, table["unit"])
        table = table.with_columns(pl.col("unit").replace(mapping.units))
    return _fill_units(table, mapping.default_units), findings


def _translate_codes(table: pl.DataFrame) -> tuple[pl.DataFrame, list[Finding]]:
    """LOINC codes in the column of analytes; rows of codes that are only near to one of ours leave."""
    if "analyte" not in table.columns or table["analyte"].dtype != pl.String:
        return table, []
    names = table["analyte"]
    listed = {
        name: code
        for name in names.unique().drop_nulls()
        if (code := load_analyte_codes().get(name.strip().removeprefix(f"{LOINC}|"))) is not None
    }
    if not listed:
        return table, []
    ours = {
        name: code.analyte if code.use == "yes" else NEUTROPHIL_SHARE
        for name, code in listed.items()
        if code.use in {"yes", "percent"}
    }
    findings: list[Finding] = []
    for name, code in sorted(listed.items()):
        rows = (names == name).sum()
        if name not in ours:
            what = f"code {name.strip()} is {code.nearness} ({rows:,} {'value' if rows == 1 else 'values'})"
            findings.append(note("labs", "code_apart", what, rows=rows))
    apart = [name for name in listed if name not in ours]
    kept = table.with_columns(names.replace(ours).alias("analyte")).filter(
        ~names.is_in(apart).fill_null(value=False)
    )
    return kept, findings


def _fill_units(table: pl.DataFrame, defaults: Mapping[str, str]) -> pl.DataFrame:
    """Blank units get the stated unit of their analyte."""
    if not defaults or "analyte" not in table.columns:
        return table
    names = table["analyte"].cast(pl.String)
    resolved = {name: resolve_measure(name) for name in names.unique().drop_nulls()}
    stated = {
        name: defaults[analyte] for name, analyte in resolved.items() if analyte and analyte in defaults
    }
    default = names.replace_strict(stated, default=None, return_dtype=pl.String)
    if "unit" not in table.columns:
        return table.with_columns(default.alias("unit"))
    unit = pl.col("unit").cast(pl.String).str.strip_chars()
    return table.with_columns(unit=pl.when(unit.is_null() | (unit == "")).then(default).otherwise(unit))


def _melt(table: pl.DataFrame, mapping: LabsTable) -> pl.DataFrame:
    """Long rows of a wide table; blank cells give no row. Long tables come back as they are."""
    columns = [(wide.column, analyte, wide.unit) for analyte, wide in mapping.wide.items()] or find_wide(
        table, mapping.analytes
    )
    if not columns:
        return table
    keys = [name for name in table.columns if name in TABLES["labs"].inputs and name not in _LONG_ONLY]
    numeric = all(
        table[column].dtype.is_numeric() and table[column].dtype != pl.Float32 for column, _, _ in columns
    )
    kind = pl.Float64 if numeric else pl.String
    parts = [
        table.select(
            *keys,
            analyte=pl.lit(analyte),
            value=pl.col(column).cast(kind),
            unit=pl.lit(unit, dtype=pl.String),
        ).filter(pl.col("value").is_not_null())
        for column, analyte, unit in columns
    ]
    long = pl.concat(parts)
    if kind == pl.String:
        long = long.filter(pl.col("value").str.strip_chars() != "")
    return long.sort("source_row", maintain_order=True) if "source_row" in keys else long


def _find_unused_columns(table: pl.DataFrame, mapping: LabsTable) -> list[str]:
    """Columns of a table of labs that are neither ours nor hold values."""
    holding = list_day_columns(table.columns, mapping) if mapping.days else []
    if not holding:
        holding = [wide.column for wide in mapping.wide.values()]
        holding = holding or [column for column, _, _ in find_wide(table, mapping.analytes)]
    return [name for name in table.columns if name not in TABLES["labs"].inputs and name not in holding]


def find_wide(table: pl.DataFrame, analytes: Mapping[str, str]) -> list[tuple[str, str, str | None]]:
    """Return headers that name an analyte, with or without a unit in brackets, of a table in our names.

    Each with analyte and unit; none where a column of analytes or values is there.
    """
    if {"analyte", "value"} & set(table.columns):
        return []
    found: list[tuple[str, str, str | None]] = []
    for header in table.columns:
        parts = _HEADER_UNIT.match(header)
        spellings = [(header, None), *([(parts["name"], parts["unit"])] if parts else [])]
        for name, unit in spellings:
            # A near name stays as it is printed, so that what becomes of it is said with that name.
            own = name if match_near_name(name) is not None else resolve_analyte(name)
            analyte = analytes.get(name, own)
            if analyte is not None and analyte != IGNORE:
                found.append((header, analyte, unit))
                break
    return found


def _find_unused(table: str, key: str, words: Mapping[str, str], column: pl.Series) -> list[Finding]:
    distinct = column.unique().drop_nulls()
    present, words_there = set(distinct), distinct.filter(~is_number_text(distinct)).to_list()
    return [
        note(
            table,
            "mapping_unused",
            f"{key} maps '{word}', which never occurs{suggest_name(word, words_there)}",
        )
        for word in words
        if word not in present
    ]
