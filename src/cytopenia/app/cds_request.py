"""What a request of CDS Hooks says: the Observations of one patient, and the dates beside them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from cytopenia.app.failures import RefusedError
from cytopenia.contract import Tables, collect_findings, leave_out, merge_findings, require_tables
from cytopenia.contract.suspects import find_unusual_value, load_usual_medians, suspect_value
from cytopenia.contract.texts import shorten
from cytopenia.one_course import PATIENT
from cytopenia.readers.fhir_files import list_resources, load_json
from cytopenia.readers.fhir_labs import LabCollector
from cytopenia.readers.fhir_values import as_list, as_mapping, read_word
from cytopenia.readers.harmonize import harmonize_tables
from cytopenia.readers.mapping import DataSection
from cytopenia.readers.source_table import SourceTable
from cytopenia.units import load_analytes

__all__ = ["PREFETCH", "CdsPatient", "CdsRequest", "list_rivals", "read_request"]

PREFETCH = "observations"
_INFUSION, _START, _AS_OF = "infusion_date", "lymphodepletion_date", "as_of"
_KEYS = (_INFUSION, _START, _AS_OF)
_SHOWN_KEYS = 5
# A date, or a moment that begins with one.
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(T.*)?", re.ASCII)
# What a key of another program has in its name, as CDS Hooks advises: "com.example.timestamp".
_OF_OTHERS = re.compile(r"[.:/]")
# Of units each value speaks for itself: the median of a patient with few counts is low as a matter of course.
_UNASKED = (
    "day_zero_first",
    "end_of_observation_missing",
    "without_infusion",
    "labs_before_infusion_only",
    "suspected_unit",
    "unusual_value",
)


@dataclass(frozen=True, kw_only=True)
class CdsPatient:
    """The values of one patient.

    Attributes
    ----------
    tables : Tables
    printed : DataFrame
        The date of each `source_row` as it is `printed`.
    last : DataFrame
        The last value of each analyte, with its `printed` date. Of several of one moment the one that is
        worse for the patient, as a baseline has it.
    infusion, start : date, optional
        Of the infusion, and of lymphodepletion.
    end_day : int
        The last day that happened, as the request says it, else that of the last value.
    end_date : str
    """

    tables: Tables
    printed: pl.DataFrame
    last: pl.DataFrame
    infusion: dt.date | None
    start: dt.date | None
    end_day: int
    end_date: str


@dataclass(frozen=True, kw_only=True)
class CdsRequest:
    """What was sent: the patient, where any value can be judged; what is doubtful, and what was not read."""

    patient: CdsPatient | None
    doubts: tuple[str, ...]
    is_without_subject: bool
    has_more_pages: bool
    keys_of_others: tuple[str, ...]


def read_request(body: bytes, *, today: dt.date) -> CdsRequest:
    """Return what a request says.

    Values after `today` are of no day that happened, unless the request states a later one as `as_of`.

    Raises
    ------
    RefusedError
        It cannot be used: no JSON, no Bundle, several patients, a date or a key that is not understood.
    """
    try:
        sent = as_mapping(load_json(body))
    except (ValueError, RecursionError) as cause:
        raise RefusedError(422, "api.no_json") from cause
    bundle = sent if sent.get("resourceType") else as_mapping(sent.get("prefetch")).get(PREFETCH)
    if not as_mapping(bundle):
        raise RefusedError(422, "api.no_bundle")
    dates, others = _read_extension({} if bundle is sent else sent.get("extension"))
    collector = LabCollector({})
    for resource in list_resources(bundle, name=f"prefetch.{PREFETCH}"):
        if resource.kind == "Observation":
            collector.add(resource)
    frame, found = collector.finish()
    _require_one_patient(frame, as_mapping(sent.get("context")))
    findings = collect_findings(found)
    patient, suspects = None, tuple[str, ...]()
    if not frame.is_empty():
        tables, patient = _lay_out(frame, dates, today=today)
        findings, suspects = merge_findings(findings, tables.findings), _suspect_units(tables, frame)
    return CdsRequest(
        patient=patient,
        doubts=(*_list_doubts(findings), *suspects),
        is_without_subject=not frame.is_empty() and frame["patient_id"].null_count() == frame.height,
        has_more_pages=any(
            read_word(as_mapping(link).get("relation")) == "next"
            for link in as_list(as_mapping(bundle).get("link"))
        ),
        keys_of_others=others,
    )


# -- what stands beside the Observations -----------------------------------------------------------


def _read_extension(sent: object) -> tuple[dict[str, dt.date], tuple[str, ...]]:
    """The dates that the request states, and keys that are of others."""
    allowed = ", ".join(_KEYS)
    if sent is not None and sent != as_mapping(sent):
        raise RefusedError(422, "api.extension_form", allowed=allowed)
    given = {key: value for key, value in as_mapping(sent).items() if value is not None}
    others = [key for key in given if key not in _KEYS]
    if unknown := [key for key in others if not _OF_OTHERS.search(key)]:
        raise RefusedError(422, "api.extension_unknown", names=_name_keys(unknown), allowed=allowed)
    dates = {name: _read_date(name, given[name]) for name in _KEYS if name in given}
    if _START in dates and _INFUSION not in dates:
        raise RefusedError(422, "api.extension_alone", allowed=allowed)
    if _START in dates and dates[_START] > dates[_INFUSION]:
        raise RefusedError(422, "api.extension_order")
    return dates, tuple(shorten(key) for key in others[:_SHOWN_KEYS])


def _name_keys(keys: list[str]) -> str:
    return ", ".join(shorten(key) for key in keys[:_SHOWN_KEYS])


def _read_date(name: str, value: object) -> dt.date:
    found = _DATE.fullmatch(read_word(value))
    try:
        return dt.date.fromisoformat(found[1] if found else "")
    except ValueError as cause:
        raise RefusedError(422, "api.extension_date", name=name) from cause


def _require_one_patient(frame: pl.DataFrame, context: Mapping[str, Any]) -> None:
    """Values of several patients, or of one who may be another, are never put together."""
    people = frame["patient_id"].drop_nulls().unique()
    if people.len() > 1:
        raise RefusedError(422, "api.several_patients", n=people.len())
    nameless = frame["patient_id"].null_count()
    if nameless and people.len():
        raise RefusedError(422, "api.some_without_subject", n=nameless)
    asked = read_word(context.get("patientId")).rpartition("/")[2]
    if asked and people.len() and people[0] != asked:
        raise RefusedError(422, "api.other_patient")


# -- tables ----------------------------------------------------------------------------------------


def _list_doubts(findings: pl.DataFrame) -> tuple[str, ...]:
    """What was doubtful, but for what the last values of one patient cannot say."""
    doubtful = leave_out(findings, _UNASKED).filter(pl.col("severity") != "info")
    return tuple(doubtful["message"].unique(maintain_order=True))


def _suspect_units(tables: Tables, frame: pl.DataFrame) -> tuple[str, ...]:
    """Values outside of what is usual, and of some analytes those that are typical in another unit only."""
    printed = frame.select("source_row", "analyte", printed_unit="unit")
    rows = _list_judged(tables).join(printed, on=["source_row", "analyte"], maintain_order="left")
    told: dict[str, None] = {}
    for asked in rows.select("analyte", "value", "printed_unit").iter_rows():
        told[find_unusual_value(*asked)] = None
        if asked[0] in load_usual_medians():
            told[suspect_value(*asked)] = None
    return tuple(words for words in told if words)


def _lay_out(
    frame: pl.DataFrame, dates: Mapping[str, dt.date], *, today: dt.date
) -> tuple[Tables, CdsPatient | None]:
    labs = frame.with_columns(patient_id=pl.lit(PATIENT))
    sources = {"labs": SourceTable(labs, PREFETCH)}
    if _INFUSION in dates:
        known = {name: [dates[name].isoformat()] for name in (_INFUSION, _START) if name in dates}
        rows = pl.DataFrame({"patient_id": [PATIENT], **known, "source_row": [1]})
        sources["infusions"] = SourceTable(
            rows.with_columns(pl.col("source_row").cast(pl.UInt32)), "extension"
        )
    day_zero = "infusion" if _INFUSION in dates else "first"
    section = DataSection.model_validate({"day_zero": day_zero, "labs": {"decimal": "."}})
    tables = require_tables(harmonize_tables(sources, section))
    printed = labs.select("source_row", printed=pl.col("date").str.slice(0, 10)).unique("source_row")
    last = _pick_last(_list_judged(tables)).join(printed, on="source_row", how="left").sort("analyte")
    if last.is_empty():
        return tables, None
    newest = last.sort("day").row(-1, named=True)
    end_day, end_date = _find_end(newest["day"], newest["printed"], dates, today=today)
    patient = CdsPatient(
        tables=tables,
        printed=printed,
        last=last,
        infusion=dates.get(_INFUSION),
        start=dates.get(_START),
        end_day=end_day,
        end_date=end_date,
    )
    return tables, patient


def _find_end(
    last_day: int, last_date: str, dates: Mapping[str, dt.date], *, today: dt.date
) -> tuple[int, str]:
    """The last day that happened and its date: as stated, else those of the last value."""
    # Dates are compared as they are printed; one that is printed otherwise is compared by its day alone.
    printed = last_date if _DATE.fullmatch(last_date) else ""
    as_of, infusion = dates.get(_AS_OF), dates.get(_INFUSION)
    if as_of is None:
        # It is tomorrow already elsewhere.
        latest = today + dt.timedelta(days=1)
        if printed > latest.isoformat() or (infusion and last_day > (latest - infusion).days):
            raise RefusedError(422, "api.after_today")
        return last_day, last_date
    stated = last_day if infusion is None else (as_of - infusion).days
    if as_of.isoformat() < printed or stated < last_day:
        raise RefusedError(422, "api.as_of_early")
    return stated, as_of.isoformat()


def _list_judged(tables: Tables) -> pl.DataFrame:
    """Return the laboratory rows with a value and a day."""
    return tables.labs.filter(
        pl.col("invalid").is_null() & pl.all_horizontal(pl.col("value", "day", "analyte").is_not_null())
    )


def _pick_last(judged: pl.DataFrame) -> pl.DataFrame:
    """The last value of each analyte: the latest timed one of its last day, of equals the worse one."""
    harm = {name: 1 if row.direction_of_harm == "high" else -1 for name, row in load_analytes().items()}
    return (
        judged.with_columns(
            harm=pl.col("value") * pl.col("analyte").replace_strict(harm, return_dtype=pl.Float64)
        )
        .sort("day", "minute", "harm", nulls_last=False, maintain_order=True)
        .drop("harm")
        .group_by("analyte", maintain_order=True)
        .last()
    )


def list_rivals(tables: Tables, used: pl.DataFrame) -> pl.DataFrame:
    """Return other values of the same analyte and moment; a value without a time may be of any of its day.

    `used` has `analyte`, `day` and `source_row`; `rival` and `rival_comparator` are what disagrees with the
    `value` and `comparator` of the row.
    """
    judged = _list_judged(tables)
    own = judged.join(
        used.select("analyte", "day", "source_row"), on=["analyte", "day", "source_row"], how="semi"
    )
    others = judged.select(
        "analyte", "day", rival="value", rival_comparator="comparator", rival_minute="minute"
    )
    is_same_time = (
        pl.col("minute").is_null()
        | pl.col("rival_minute").is_null()
        | (pl.col("minute") == pl.col("rival_minute"))
    )
    differs = (pl.col("rival") != pl.col("value")) | (pl.col("rival_comparator") != pl.col("comparator"))
    return own.join(others, on=["analyte", "day"]).filter(is_same_time & differs).unique(maintain_order=True)
