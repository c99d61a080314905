"""SDTM (DM, LB, EX, PR, CM, AE) and ADaM (ADSL, ADLB) data sets become the source tables of the contract.

The standard says where a number stands; the study says in `[data.cdisc]` which treatment is the infusion,
which medication is support and which event is which. What it does not name is left out, and listed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import polars as pl

from cytopenia.contract import Finding, note
from cytopenia.contract.texts import shorten
from cytopenia.errors import ReaderError, suggest_name
from cytopenia.readers.cdisc_days import add_moments, localize, read_calendar_days
from cytopenia.readers.cdisc_domains import (
    Domains,
    Treatments,
    list_unnamed,
    load_domains,
    pick_named,
    take_treatments,
)
from cytopenia.readers.cdisc_labs import read_analysis_labs, read_collected_labs
from cytopenia.readers.mapping import DataSection
from cytopenia.readers.source_table import SourceTable

__all__ = ["read_domains", "state_point"]

_SHOWN_NAMES = 10
_DAY = 10


def read_domains(
    paths: Mapping[str, Path], section: DataSection, *, own: Collection[str] = ()
) -> dict[str, SourceTable]:
    """Return the source tables of the data sets, under our names; the findings are with the labs.

    Parameters
    ----------
    paths
        The file of each data set.
    section
        What the study says about its data.
    own
        Tables that the study gives itself; with infusions among them none is looked for.

    Raises
    ------
    ReaderError
        A file cannot be read, or the mapping does not say what the infusion is.
    MissingColumnError
        A data set lacks a variable that is needed.
    """
    read = load_domains(paths, section)
    subjects = _take_subjects(read)
    labs = _take_labs(read)
    treatments = [take_treatments(read, domain) for domain in ("ex", "pr", "cm") if domain in read.frames]
    given = "infusions" in own
    infusions = None if given else _take_infusions(read, subjects, treatments)
    tables = {"labs": labs, "patients": subjects}
    if infusions is None:
        dated, zeros = labs["date"].null_count() < labs.height, None
    else:
        dated = infusions["date"].count() >= max(1, infusions["study_day"].count())
        zeros = infusions.group_by("patient_id").agg(pl.col("study_day").min().alias("_zero"))
        tables |= {"infusions": infusions, "patients": _keep_infused(read, subjects, infusions)}
    tables |= _take_support(read, treatments) | _take_events(read, subjects)
    untreated = subjects.join(tables["patients"], on="patient_id", how="anti")
    tables = {name: table.join(untreated, on="patient_id", how="anti") for name, table in tables.items()}
    return {
        name: SourceTable(
            _write_out(name, table, zeros, dated=dated),
            _name_origin(read, name),
            tuple(read.findings) if name == "labs" else (),
        )
        for name, table in tables.items()
    }


def _name_origin(read: Domains, name: str) -> str:
    """The files of a table."""
    subjects = ("dm", "adsl") if {"dm", "adsl"} & set(read.frames) else ("lb", "adlb")
    used = {
        "labs": ("lb", "adlb"),
        "patients": subjects,
        "infusions": ("ex", "pr") if read.section.cdisc.infusion else subjects,
        "support": ("ex", "pr", "cm"),
        "events": (*subjects, "ae"),
    }
    return ", ".join(read.origins[domain] for domain in used[name] if domain in read.origins)


def state_point(section: DataSection) -> DataSection:
    """Return the section with the decimal point that the standard prescribes, so that 1.234 is certain."""
    labs = section.labs.model_copy(update={"decimal": "."})
    return section.model_copy(update={"labs": labs})


def _take_subjects(read: Domains) -> pl.DataFrame:
    """DM or ADSL, and the reference day of its study days."""
    domain, first = ("dm", "RFSTDTC") if read.is_collected else ("adsl", "TRTSDT")
    subjects = read.frames.get(domain)
    if subjects is None:
        labs = read.frames["lb" if read.is_collected else "adlb"]
        subjects = labs.select("patient_id", "source_row").unique("patient_id", maintain_order=True)
    days = (
        read_calendar_days(_localize_reference(read, subjects, first))
        if first in subjects.columns
        else pl.repeat(None, subjects.height, dtype=pl.Date, eager=True)
    )
    read.reference = subjects.select("patient_id", days.alias("reference")).unique("patient_id", keep="first")
    if "AGE" in subjects.columns:
        unit = pl.col("AGEU") if "AGEU" in subjects.columns else pl.lit(None, dtype=pl.String)
        in_years = unit.is_null() | (unit.str.to_uppercase() == "YEARS")
        subjects = subjects.with_columns(age_years=pl.when(in_years).then(pl.col("AGE")))
    return subjects


def _localize_reference(read: Domains, subjects: pl.DataFrame, name: str) -> pl.Series:
    zone = read.section.time_zone
    days, found = localize(subjects[name], zone=zone, where="patients", rows=subjects["source_row"])
    read.findings += found
    return days


def _place(
    read: Domains, frame: pl.DataFrame, columns: tuple[str, str], *, where: str
) -> tuple[pl.DataFrame, list[Finding]]:
    zone = read.section.time_zone
    return add_moments(frame, columns, reference=read.reference, where=where, zone=zone)


def _take_labs(read: Domains) -> pl.DataFrame:
    mapping = read.section.labs
    if read.is_collected:
        table, found = read_collected_labs(read.frames["lb"], mapping.analytes, [*mapping.units])
        columns = ("LBDTC", "LBDY")
    else:
        table, found = read_analysis_labs(read.frames["adlb"], mapping.analytes)
        columns = ("ADTM" if "ADTM" in table.columns else "ADT", "ADY")
    read.findings += found
    table, found = _place(read, table, columns, where="labs")
    read.findings += found
    return table


def _take_infusions(
    read: Domains, subjects: pl.DataFrame, treatments: Sequence[Treatments]
) -> pl.DataFrame | None:
    mapping, given = read.section.cdisc, [item for item in treatments if item.domain in ("ex", "pr")]
    if not mapping.says_infusion:
        if read.section.day_zero == "first":
            return None
        raise ReaderError(_ask_infusion("the data do not say which treatment is the infusion", given))
    if mapping.infusion:
        picked = [pick_named(item.rows, mapping.infusion) for item in given]
        infusions = pl.concat(picked, how="diagonal_relaxed") if picked else subjects.clear()
        if infusions.is_empty():
            raise ReaderError(_ask_infusion("no row of EX or PR has a name of the infusion", given))
        return _add_lymphodepletion(read, infusions, given)
    if mapping.infusion_day is not None:
        stated = subjects.with_columns(_stated=pl.lit(float(mapping.infusion_day)))
        columns = ("", "_stated")
    else:
        stated, columns = subjects, (_require_subject_column(read, subjects, "infusion_date"), "")
    infusions, found = _place(read, stated, columns, where="infusions")
    read.findings += found
    infusions = infusions.filter(pl.col("date").is_not_null() | pl.col("study_day").is_not_null())
    return _add_lymphodepletion(read, infusions, given)


def _require_subject_column(read: Domains, subjects: pl.DataFrame, key: str) -> str:
    column = str(getattr(read.section.cdisc, key)).upper()
    if column not in subjects.columns:
        raise ReaderError(
            f"{key} under [data.cdisc] names '{column}', which is no variable of DM or ADSL"
            f"{suggest_name(column, subjects.columns)}; found: {', '.join(subjects.columns)}."
        )
    return column


def _ask_infusion(why: str, given: Sequence[Treatments]) -> str:
    names = [name for item in given for name in item.rows["shown"].drop_nulls().unique(maintain_order=True)]
    shown = ", ".join(f"'{shorten(name)}'" for name in names[:_SHOWN_NAMES]) or "none"
    return (
        f"CDISC: {why}; treatments found: {shown}. State one of these under [data.cdisc]: infusion = "
        '["its name in EX or PR"], infusion_date = "a variable of DM or ADSL", or infusion_day = 1 (its '
        'study day); or state day_zero = "first" under [data].'
    )


def _add_lymphodepletion(read: Domains, infusions: pl.DataFrame, given: Sequence[Treatments]) -> pl.DataFrame:
    """The first day of the named treatments of EX; a medication of CM may belong to an earlier line."""
    names = read.section.cdisc.lymphodepletion
    rows = [pick_named(item.rows, names) for item in given if item.domain == "ex"]
    if not names or not rows:
        return infusions
    first = (
        rows[0]
        .group_by("patient_id")
        .agg(
            pl.col("date").str.slice(0, _DAY).min().alias("_depleted_date"),
            pl.col("study_day").min().alias("_depleted_day"),
        )
    )
    return infusions.join(first, on="patient_id", how="left", maintain_order="left")


def _keep_infused(read: Domains, subjects: pl.DataFrame, infusions: pl.DataFrame) -> pl.DataFrame:
    kept = subjects.join(infusions, on="patient_id", how="semi", maintain_order="left")
    if left := subjects.height - kept.height:
        what = f"{left:,} of {subjects.height:,} subjects have no infusion and are left out"
        read.findings.append(note("patients", "not_infused", what, rows=left))
    return kept


def _take_support(read: Domains, treatments: Sequence[Treatments]) -> dict[str, pl.DataFrame]:
    mapping = read.section.cdisc
    taken = [*mapping.infusion, *mapping.lymphodepletion]
    taken += [name for names in mapping.support.values() for name in names]
    rows = [
        pick_named(item.rows, names).with_columns(kind=pl.lit(kind), agent=pl.col("shown"))
        for item in treatments
        for kind, names in mapping.support.items()
    ]
    for item in treatments:
        read.findings += list_unnamed(item, taken)
    return {"support": pl.concat(rows, how="diagonal_relaxed")} if rows else {}


def _take_events(read: Domains, subjects: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Named adverse events, death, and the last contact."""
    rows = _take_adverse_events(read)
    died = "DTHDTC" if read.is_collected else "DTHDT"
    told = [pl.col(died).is_not_null()] if died in subjects.columns else []
    told += [pl.col("DTHFL") == "Y"] if "DTHFL" in subjects.columns else []
    if told:
        deaths = subjects.filter(pl.any_horizontal(told).fill_null(value=False))
        placed, found = _place(read, deaths, (died, "DTHDY"), where="events")
        read.findings += found
        rows.append(placed.with_columns(kind=pl.lit("death")))
    if read.section.cdisc.last_contact is not None:
        column = _require_subject_column(read, subjects, "last_contact")
        placed, _ = _place(read, subjects, (column, ""), where="events")
        rows.append(placed.filter(pl.col("date").is_not_null()).with_columns(kind=pl.lit("last_contact")))
    shown = ("patient_id", "date", "study_day", "kind", "grade", "source_row")
    kept = [table.select(column for column in shown if column in table.columns) for table in rows]
    return {"events": pl.concat(kept, how="diagonal_relaxed")} if kept else {}


def _take_adverse_events(read: Domains) -> list[pl.DataFrame]:
    if "ae" not in read.frames:
        return []
    item, named = take_treatments(read, "ae"), read.section.cdisc.events
    read.findings += list_unnamed(item, [name for names in named.values() for name in names])
    grade = pl.col("AETOXGR") if "AETOXGR" in item.rows.columns else pl.lit(None, dtype=pl.String)
    return [
        pick_named(item.rows, names).with_columns(kind=pl.lit(kind), grade=grade.cast(pl.String))
        for kind, names in named.items()
    ]


def _write_out(name: str, table: pl.DataFrame, zeros: pl.DataFrame | None, *, dated: bool) -> pl.DataFrame:
    """The columns of the contract: dates where the infusions have them, else days from the infusion."""
    if name == "patients":
        return table.drop("AGE", strict=False) if "age_years" in table.columns else table
    zero = pl.lit(0)
    if zeros is not None:
        table, zero = table.join(zeros, on="patient_id", how="left", maintain_order="left"), pl.col("_zero")
    moments = {"labs": ("date", "day"), "events": ("date", "day"), "support": ("start_date", "start")} | {
        "infusions": ("infusion_date", "day")
    }
    columns = [_moment(moments[name], ("date", "study_day"), zero, dated=dated, timed=name == "labs")]
    if name == "support":
        ends = ("stop_date", "stop_study_day")
        columns.append(_moment(("stop_date", "stop"), ends, zero, dated=dated, timed=False))
    if name == "infusions" and "_depleted_date" in table.columns:
        ours, ends = ("lymphodepletion_date", "lymphodepletion_day"), ("_depleted_date", "_depleted_day")
        columns.append(_moment(ours, ends, zero, dated=dated, timed=False))
    more = {"labs": ("analyte", "value", "unit", "lln", "uln"), "support": ("kind", "agent")} | {
        "events": ("kind", "grade")
    }
    shown = [column for column in more.get(name, ()) if column in table.columns]
    return table.select("patient_id", *columns, *shown, *([] if name == "infusions" else ["source_row"]))


def _moment(
    ours: tuple[str, str], theirs: tuple[str, str], zero: pl.Expr, *, dated: bool, timed: bool
) -> pl.Expr:
    if not dated:
        return (pl.col(theirs[1]) - zero).cast(pl.Int32).alias(ours[1])
    return (pl.col(theirs[0]) if timed else pl.col(theirs[0]).str.slice(0, _DAY)).alias(ours[0])
