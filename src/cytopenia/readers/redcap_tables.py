"""Rows of a REDCap project become the tables of the contract, part by part as the mapping says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import polars as pl

from cytopenia.contract import note, note_rows
from cytopenia.errors import ReaderError
from cytopenia.readers.mapping_forms import IGNORE
from cytopenia.readers.redcap_mapping import (
    RedcapEvents,
    RedcapInfusions,
    RedcapLabField,
    RedcapLabs,
    RedcapResponses,
    RedcapSupport,
)
from cytopenia.readers.redcap_records import EVENT
from cytopenia.readers.redcap_rows import PATIENT, Project, match_events, resolve_answer, take_rows
from cytopenia.values import AMBIGUOUS, parse_values, settle_decimal

__all__ = ["take_tables"]

_BRACKETS = re.compile(r"[\(\[](?P<unit>[^\(\)\[\]]+)[\)\]]\s*[:.]?\s*$")
# Points as marks of thousands, where a comma is the decimal mark.
_GROUPED = r"(?:^|[^0-9.,])[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]*)?$"
_DATE, _DAY = "_date", "_day"
_MOMENTS = (_DATE, _DAY)
_OURS = {PATIENT: "patient_id", _DATE: "date", _DAY: "day"}


def take_tables(project: Project, *, decimal: str = "auto") -> dict[str, pl.DataFrame]:
    """Return the tables that the mapping has parts for, and the patients; findings go to the project.

    `decimal` is the decimal mark of fields that REDCap does not check.

    Raises
    ------
    ReaderError
        The mapping does not fit the project.
    """
    mapping = project.mapping
    tables = {"patients": _take_patients(project)}
    labs = [_take_labs(project, part, decimal) for part in mapping.labs]
    parts: dict[str, list[pl.DataFrame]] = {
        "labs": labs,
        "infusions": [_take_infusions(project, part) for part in mapping.infusions],
        "support": [_take_support(project, part) for part in mapping.support if _is_answered(project, part)],
        "events": [_take_events(project, part) for part in mapping.events],
        "responses": [_take_responses(project, part) for part in mapping.responses],
    }
    for name, found in parts.items():
        if found:
            tables[name] = pl.concat(found, how="diagonal_relaxed")
    return {name: table.rename(_OURS, strict=False) for name, table in tables.items()}


def _take_patients(project: Project) -> pl.DataFrame:
    """One row a record, with the first filled cell of each field."""
    part = project.mapping.patients
    record = project.dictionary.record_id
    every = project.frame.group_by(record, maintain_order=True).agg(
        pl.col(PATIENT).first(), pl.col("source_row").min()
    )
    if part is None:
        return every.drop(record)
    rows = take_rows(project, part, "patients")
    given = rows.group_by(record, maintain_order=True).agg(
        pl.col(theirs).drop_nulls().first().alias(ours) for ours, theirs in part.fields.items()
    )
    for ours, theirs in part.fields.items():
        count = rows.group_by(record).agg(pl.col(theirs).drop_nulls().n_unique().alias("n"))
        if several := count.filter(pl.col("n") > 1).height:
            what = f"field {theirs} has more than one value in {several:,} of {every.height:,} records"
            project.findings.append(note(f"patients.{ours}", "several_values", what, rows=several))
    identifiers = [name for name in part.fields.values() if _is_identifier(project, name)]
    if identifiers:
        what = f"fields that the project marks as identifiers are used: {', '.join(identifiers)}"
        project.findings.append(note("patients", "identifier_used", what))
    table = every.join(given, on=record, how="left", maintain_order="left").drop(record)
    return table.with_columns(
        _as_number(project, theirs, table[ours]).alias(ours) for ours, theirs in part.fields.items()
    )


def _is_identifier(project: Project, name: str) -> bool:
    column = project.columns.get(name)
    return column is not None and column.item is not None and column.item.is_identifier


def _as_number(project: Project, name: str, column: pl.Series) -> pl.Series:
    """Numbers where REDCap lets nothing else in; a point in them is no mark of thousands."""
    known = project.columns.get(name)
    if known is None or known.item is None or not known.item.is_number:
        return column
    numbers = column.cast(pl.Float64, strict=False)
    return numbers if numbers.null_count() == column.null_count() else column


def _place(
    project: Project, rows: pl.DataFrame, part: RedcapLabs | RedcapInfusions | RedcapEvents | RedcapResponses
) -> pl.DataFrame:
    """The rows with date or day as the part says, before it is known which of them count."""
    if part.date is not None:
        return rows.with_columns(pl.col(part.date).alias(_DATE))
    if part.day is not None:
        return rows.with_columns(_as_number(project, part.day, rows[part.day]).alias(_DAY))
    return rows


def _stand_for(project: Project, rows: pl.DataFrame, days: Mapping[str, int], table: str) -> pl.DataFrame:
    """The day that the event of each row stands for; rows of other events are named."""
    keys = match_events(project, days, table)
    known = {name: days[key] for name, key in keys.items()}
    placed = rows.with_columns(
        pl.col(EVENT).replace_strict(known, default=None, return_dtype=pl.Int32).alias(_DAY)
    )
    lost = placed.filter(pl.col(_DAY).is_null())
    if lost.height:
        names = ", ".join(lost[EVENT].fill_null("no event").unique().sort())
        what = f"days does not name the events {names}"
        project.findings += note_rows(
            table,
            "event_without_day",
            what,
            rows=lost["source_row"].unique(),
            total=rows["source_row"].n_unique(),
        )
    drawn = placed.select(PATIENT, EVENT, "source_row").unique("source_row")
    shared = drawn.filter(pl.struct(PATIENT, EVENT).is_duplicated())
    what = "several instances of one event stand for the same day"
    project.findings += note_rows(
        table, "instances_share_day", what, rows=shared["source_row"], total=drawn.height
    )
    return placed


def _take_labs(project: Project, part: RedcapLabs, decimal: str) -> pl.DataFrame:
    rows = _place(project, take_rows(project, part, "labs"), part)
    parts = [_take_field(project, rows, name, item, decimal) for name, item in part.fields.items()]
    table = pl.concat(parts, how="diagonal_relaxed").sort("source_row", maintain_order=True)
    if part.days:
        own = table.filter(pl.col("_own")) if "_own" in table.columns else table.clear()
        others = table.filter(~pl.col("_own")) if "_own" in table.columns else table
        placed = _stand_for(project, others, part.days, "labs")
        table = pl.concat([placed, own], how="diagonal_relaxed").sort("source_row", maintain_order=True)
    if part.time is not None:
        times = rows.select("source_row", pl.col(part.time).alias("time"))
        table = table.join(times, on="source_row", how="left", maintain_order="left")
    return table.drop(EVENT, "_own", strict=False)


def _take_field(
    project: Project, rows: pl.DataFrame, name: str, item: RedcapLabField, decimal: str
) -> pl.DataFrame:
    """The rows of one field that has a value."""
    mark = item.decimal or (decimal if decimal != "auto" else None)
    value, is_open = _read_number(project, rows[name], mark)
    unit = pl.col(item.unit_field) if item.unit_field is not None else pl.lit(_find_unit(project, name, item))
    limits: list[pl.Series] = []
    for ours, theirs in (("lln", item.lln), ("uln", item.uln)):
        if theirs is not None:
            limit, open_limit = _read_number(project, rows[theirs], mark)
            # Such a text is no number, which the reading of limits tells.
            limits.append(limit.set(open_limit, AMBIGUOUS).alias(ours))
    table = rows.select(
        PATIENT,
        *(moment for moment in _MOMENTS if moment in rows.columns),
        EVENT,
        "source_row",
        value.set(is_open, AMBIGUOUS).alias("value"),
        *limits,
        invalid=pl.when(is_open).then(pl.lit(AMBIGUOUS)),
        analyte=pl.lit(item.analyte),
        unit=unit,
        _own=pl.lit(item.date is not None or item.day is not None),
    )
    if item.date is not None:
        table = table.drop(_DAY, strict=False).with_columns(rows[item.date].alias(_DATE))
    if item.day is not None:
        day = pl.lit(item.day, dtype=pl.Int32)
        table = table.drop(_DATE, strict=False).with_columns(day.alias(_DAY))
    return table.filter(pl.col("value").is_not_null())


def _read_number(project: Project, text: pl.Series, mark: str | None) -> tuple[pl.Series, pl.Series]:
    """Numbers with a decimal point, and where the decimal mark of one cannot be told.

    A field that REDCap checks needs no mark; of any other it is the one that the mapping states, or else the
    one that its cells show.
    """
    certain = pl.repeat(value=False, n=text.len(), eager=True)
    column = project.columns.get(text.name)
    if mark is None and column is not None and column.item is not None and column.item.is_number:
        return text, certain
    settled = mark or settle_decimal([text])
    if settled == ".":
        return text, certain
    if settled == ",":
        odd = text.str.contains(".", literal=True) & ~text.str.contains(_GROUPED)
        pointed = text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
        return pointed, odd.fill_null(value=False)
    is_open = parse_values(text)["invalid"].eq(AMBIGUOUS).fill_null(value=False)
    alone = text.str.count_matches(",", literal=True).eq(1) & ~text.str.contains(".", literal=True)
    return text.str.replace(",", ".", literal=True).zip_with(alone.fill_null(value=False), text), is_open


def _find_unit(project: Project, name: str, item: RedcapLabField) -> str:
    """The unit that the mapping states, or that it lets the label or the note state."""
    if item.unit is not None:
        return item.unit
    told = project.dictionary.fields.get(name)
    text = "" if told is None else told.note if item.unit_from == "note" else told.label
    found = _BRACKETS.search(text.strip()) if item.unit_from == "label" else None
    unit = found["unit"].strip() if found else text.strip() if item.unit_from == "note" else ""
    if not unit:
        where = "note" if item.unit_from == "note" else "label in brackets at its end"
        raise ReaderError(
            f"[data.redcap.labs]: field {name} has no unit in its {where}. State it: unit = "
            '"the unit", or unit_field.'
        )
    return unit


def _take_infusions(project: Project, part: RedcapInfusions) -> pl.DataFrame:
    rows = _place(project, take_rows(project, part, "infusions"), part)
    if part.days:
        # That there is a row of the event does not mean that something was infused.
        told = (
            rows
            if part.only_if
            else rows.filter(pl.any_horizontal(pl.col(list(part.fields.values())).is_not_null()))
        )
        rows = _stand_for_named(project, told, part.days, "infusions")
    moment = _DATE if part.date is not None else _DAY
    rows = rows.filter(pl.col(moment).is_not_null())
    more = {
        "lymphodepletion_date": part.lymphodepletion_date,
        "lymphodepletion_day": part.lymphodepletion_day,
        **part.fields,
    }
    return rows.select(
        PATIENT,
        pl.col(moment).alias("infusion_date" if moment == _DATE else _DAY),
        *(_as_number(project, theirs, rows[theirs]).alias(ours) for ours, theirs in more.items() if theirs),
        "source_row",
    )


def _stand_for_named(
    project: Project, rows: pl.DataFrame, days: Mapping[str, int], table: str
) -> pl.DataFrame:
    """As `_stand_for`, where only the events that are named are meant."""
    return _stand_for(
        project, rows.filter(pl.col(EVENT).is_in(list(match_events(project, days, table)))), days, table
    )


def _is_answered(project: Project, part: RedcapSupport) -> bool:
    """Whether somebody answered what a part asks; if nobody did, no support is not known to be none."""
    return not part.only_if or any(
        project.frame[name].null_count() < project.frame.height for name in part.only_if
    )


def _take_support(project: Project, part: RedcapSupport) -> pl.DataFrame:
    rows = take_rows(project, part, "support")
    if part.days:
        rows = _stand_for(
            project, _keep_told(rows, part.kind_field, is_asked=bool(part.only_if)), part.days, "support"
        )
        moments = [pl.col(_DAY).alias("start"), pl.col(_DAY).alias("stop")]
    else:
        told = [name for name in (part.start, part.kind_field) if name is not None]
        rows = rows if part.only_if else rows.filter(pl.any_horizontal(pl.col(told).is_not_null()))
        named = {"start": part.start, "stop": part.stop}
        moments = [
            _moment(project, rows, ours, theirs) for ours, theirs in named.items() if theirs is not None
        ]
    table = rows.select(
        PATIENT,
        *moments,
        _kind(part).alias("kind"),
        *([pl.col(part.agent).alias("agent")] if part.agent is not None else []),
        "source_row",
    )
    return _translate(project, table, part.kind_field, part.kinds, "kind")


def _moment(project: Project, rows: pl.DataFrame, ours: str, theirs: str) -> pl.Series:
    """A start or stop, as a date or as a number of days, as the dictionary has the field."""
    column = project.columns.get(theirs)
    is_day = column is not None and column.item is not None and column.item.is_number
    return _as_number(project, theirs, rows[theirs]).alias(ours if is_day else f"{ours}_date")


def _keep_told(rows: pl.DataFrame, name: str | None, *, is_asked: bool) -> pl.DataFrame:
    return rows if is_asked or name is None else rows.filter(pl.col(name).is_not_null())


def _kind(part: RedcapSupport | RedcapEvents) -> pl.Expr:
    return pl.lit(part.kind) if part.kind_field is None else pl.col(part.kind_field)


def _translate(
    project: Project, table: pl.DataFrame, name: str | None, kinds: Mapping[str, str], column: str
) -> pl.DataFrame:
    """Their answers in our words; those to be ignored leave."""
    if name is None or not kinds:
        return table
    words = {resolve_answer(project, name, answer): ours for answer, ours in kinds.items()}
    translated = table.with_columns(pl.col(column).replace(words))
    return translated.filter(pl.col(column).ne_missing(pl.lit(IGNORE)))


def _take_events(project: Project, part: RedcapEvents) -> pl.DataFrame:
    rows = _place(project, take_rows(project, part, "events"), part)
    told: Sequence[str] = [
        name for name in (part.date, part.day, part.kind_field, part.grade) if name is not None
    ]
    if not part.only_if:
        rows = rows.filter(pl.any_horizontal(pl.col(told).is_not_null()))
    if part.days:
        rows = _stand_for(project, rows, part.days, "events")
    table = rows.select(
        PATIENT,
        *(moment for moment in _MOMENTS if moment in rows.columns),
        _kind(part).alias("kind"),
        *(
            _as_number(project, theirs, rows[theirs]).alias(ours)
            for ours, theirs in (("grade", part.grade), ("scale", part.scale))
            if theirs is not None
        ),
        "source_row",
    )
    return _translate(project, table, part.kind_field, part.kinds, "kind")


def _take_responses(project: Project, part: RedcapResponses) -> pl.DataFrame:
    rows = _place(project, take_rows(project, part, "responses"), part)
    rows = rows.filter(pl.col(part.response).is_not_null())
    if part.days:
        rows = _stand_for(project, rows, part.days, "responses")
    table = rows.select(
        PATIENT,
        *(moment for moment in _MOMENTS if moment in rows.columns),
        pl.col(part.response).alias("response"),
        "source_row",
    )
    return _translate(project, table, part.response, part.kinds, "response")
