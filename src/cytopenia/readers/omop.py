"""An OMOP CDM becomes the tables of the contract: the cohort's rows, extracted by the database itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from cytopenia.contract import Extraction, Finding, note
from cytopenia.errors import ReaderError
from cytopenia.readers.omop_codes import SEXES, list_support_concepts
from cytopenia.readers.omop_labs import find_meanings, number_rows, read_labs
from cytopenia.readers.omop_mapping import OmopMapping
from cytopenia.readers.omop_queries import DOMAINS, Cdm
from cytopenia.readers.omop_server import ConnectionLostError, open_database
from cytopenia.readers.source_table import SourceTable

__all__ = ["read_omop"]

_SUPPORT_TABLES = ("drug_exposure", "procedure_occurrence", "device_exposure")
_EVENT_TABLES = ("condition_occurrence", "observation")
_NUMBER = "person_source_value"

Read = tuple[dict[str, SourceTable], list[Finding], tuple[Extraction, ...]]


def read_omop(folder: Path, mapping: OmopMapping) -> Read:
    """Return the tables that a CDM gives for its cohort, what was found, and the queries that ran.

    Parameters
    ----------
    folder : Path
        Where a file or a folder named in the connection is searched.
    mapping : OmopMapping
        With a connection. The database is only read.

    Returns
    -------
    tables, findings, extractions
        `labs`, `patients` and `infusions` always; `support` and `events` where the CDM has rows for them.

    Raises
    ------
    ReaderError
        The database cannot be opened or read, is no CDM, or breaks the connection twice.
    """
    connection = mapping.connection or ""
    try:
        return _read_once(connection, folder, mapping)
    except ConnectionLostError as first:
        retried = note("labs", "connection_lost", f"the connection broke once ({first}); all was read again")
    try:
        tables, findings, ran = _read_once(connection, folder, mapping)
    except ConnectionLostError as cause:
        raise ReaderError(
            f"[data.omop]: the connection to the database broke twice ({cause}). Nothing was written. "
            "Try again, or narrow window or cohort."
        ) from cause
    return tables, [retried, *findings], ran


def _read_once(connection: str, folder: Path, mapping: OmopMapping) -> Read:
    with open_database(connection, folder) as database:
        cdm = Cdm(database, mapping)
        infusions = cdm.fetch_infusions()
        if infusions.is_empty():
            raise ReaderError(_say_nobody(database.driver.place, mapping))
        meanings = find_meanings(cdm, mapping)
        findings = [*meanings.findings, *_name_ancestors(cdm, mapping), *_name_repeats(infusions)]
        labs, found = read_labs(cdm, mapping, meanings)
        people = cdm.fetch_people()
        patients, named = _list_patients(people, infusions)
        support, supported = _list_support(cdm, mapping)
        events, happened = _list_events(cdm, mapping)
        findings += [*found, *named, *supported, *happened]
        origin, ran = database.driver.place, tuple(database.ran)
    frames = {
        "patients": patients,
        "infusions": infusions.select(
            patient_id=pl.col("person_id").cast(pl.String), infusion_date=pl.col("day").cast(pl.String)
        ),
        "labs": labs,
        "support": support,
        "events": events,
    }
    if mapping.patient_number == _NUMBER:
        frames, found = _use_numbers(frames, people)
        findings += found
    tables = {
        name: SourceTable(frame, origin)
        for name, frame in frames.items()
        if frame.height or name in {"labs", "patients", "infusions"}
    }
    return tables, findings, ran


def _say_nobody(place: str, mapping: OmopMapping) -> str:
    if mapping.cohort_table is not None:
        number = mapping.cohort_table.cohort_definition_id
        return f"{place}: cohort {number} is empty. Check cohort_table under [data.omop]."
    return (
        f"{place}: nobody was given one of the concepts of the cohort. Check the concept_ids of cohort under "
        "[data.omop]; ids of standard concepts are needed."
    )


def _name_ancestors(cdm: Cdm, mapping: OmopMapping) -> list[Finding]:
    """Without the table of ancestors only the named concepts are found."""
    if cdm.has_ancestors:
        return []
    what = "there is no table concept_ancestor, so only the named concepts themselves were searched"
    findings = [note("support", "descendants_unknown", what)]
    if mapping.cohort is not None and mapping.cohort.descendants:
        findings.append(note("infusions", "descendants_unknown", what))
    return findings


def _name_repeats(infusions: pl.DataFrame) -> list[Finding]:
    """Persons with more than one day: a drug and its procedure may be one infusion, a day apart."""
    gaps = infusions.sort("person_id", "day").select(
        "person_id", gap=pl.col("day").diff().over("person_id").dt.total_days()
    )
    several = gaps.drop_nulls()["person_id"].n_unique()
    if not several:
        return []
    who = "1 patient has" if several == 1 else f"{several:,} patients have"
    days = f"{gaps['gap'].min()} {'day' if gaps['gap'].min() == 1 else 'days'}"
    what = f"{who} infusions on more than one day, the closest {days} apart"
    return [note("infusions", "infusions_on_several_days", what, rows=several)]


def _list_patients(people: pl.DataFrame, infusions: pl.DataFrame) -> tuple[pl.DataFrame, list[Finding]]:
    """Sex and age in completed years at the first infusion; of the year alone the age is the difference."""
    first = infusions.group_by("person_id").agg(pl.col("day").min())
    known = people.join(first, on="person_id", how="left", maintain_order="left")
    year, month, day = (pl.col(name) for name in ("year_of_birth", "month_of_birth", "day_of_birth"))
    zero = pl.col("day")
    later = (month > zero.dt.month()) | ((month == zero.dt.month()) & (day > zero.dt.day()))
    is_sure = (month.is_not_null() & (month != zero.dt.month())) | (month.is_not_null() & day.is_not_null())
    age = zero.dt.year() - year - pl.when(is_sure).then(later.fill_null(month > zero.dt.month())).otherwise(0)
    table = known.with_columns(age_years=age, unsure=year.is_not_null() & ~is_sure.fill_null(value=False))
    unsure, unknown = int(table["unsure"].sum()), table["age_years"].null_count()
    findings: list[Finding] = []
    if unsure:
        what = f"only the year (or month) of birth is known of {unsure:,} of {table.height:,} patients"
        findings.append(note("patients", "age_from_year", what, rows=unsure))
    if unknown:
        what = f"the age at infusion is not known of {unknown:,} of {table.height:,} patients"
        findings.append(note("patients", "age_unknown", what, rows=unknown))
    sex = pl.col("gender_concept_id").replace_strict(dict(SEXES), default=None, return_dtype=pl.String)
    return table.select(
        patient_id=pl.col("person_id").cast(pl.String), sex=sex, age_years=pl.col("age_years")
    ), findings


def _list_support(cdm: Cdm, mapping: OmopMapping) -> tuple[pl.DataFrame, list[Finding]]:
    reviewed = list_support_concepts()
    stated = {concept: kind for kind, concepts in mapping.support.items() for concept in concepts}
    found = cdm.find_descendants({*reviewed, *stated})
    words = {concept: _name_support(origin, stated) for concept, origin in found.items()}
    # A concept that the mapping names counts as it says, even where it descends from a reviewed one.
    words |= {concept: (kind, "") for concept, kind in stated.items() if concept not in reviewed}
    parts: list[pl.DataFrame] = []
    findings: list[Finding] = []
    for domain in (DOMAINS[name] for name in _SUPPORT_TABLES):
        if not cdm.has(domain.table, domain.key, "person_id", domain.concept, domain.start):
            continue
        rows = cdm.fetch_dated(domain, words)
        if domain.kind is not None:
            rows, named = _choose_types(rows, mapping)
            findings += named
        stop = pl.col("stop") if domain.stop is not None else pl.col("start")
        parts.append(rows.with_columns(stop=stop))
    if not parts:
        return pl.DataFrame(), findings
    rows = pl.concat(parts)
    kinds = {concept: kind for concept, (kind, _) in words.items()}
    agents = {concept: agent or None for concept, (_, agent) in words.items()}
    table = rows.select(
        patient_id=pl.col("person_id").cast(pl.String),
        start_date=pl.col("start").cast(pl.String),
        stop_date=pl.col("stop").cast(pl.String),
        kind=pl.col("concept_id").replace_strict(kinds, default=None, return_dtype=pl.String),
        agent=pl.col("concept_id").replace_strict(agents, default=None, return_dtype=pl.String),
        source_row=number_rows(pl.int_range(2, rows.height + 2, eager=True)),
    )
    return table, findings


def _name_support(origin: int, stated: Mapping[int, str]) -> tuple[str, str]:
    if origin in stated:
        return stated[origin], ""
    return list_support_concepts()[origin]


def _choose_types(rows: pl.DataFrame, mapping: OmopMapping) -> tuple[pl.DataFrame, list[Finding]]:
    """Drugs by the type of their record, since one that was prescribed was not always given."""
    counts = rows.group_by("kind").len().sort(-pl.col("len").cast(pl.Int64), "kind")
    if counts.is_empty():
        return rows, []
    listed = ", ".join(f"{kind} ({number:,})" for kind, number in counts.iter_rows())
    if mapping.drug_types:
        rows = rows.filter(pl.col("kind").is_in(list(mapping.drug_types)))
        listed += f"; {rows.height:,} rows of the stated types were kept"
    what = f"support stands in drug_exposure with these values of drug_type_concept_id: {listed}"
    return rows, [note("support", "drug_types", what, rows=int(counts["len"].sum()))]


def _list_events(cdm: Cdm, mapping: OmopMapping) -> tuple[pl.DataFrame, list[Finding]]:
    parts: list[pl.DataFrame] = []
    findings: list[Finding] = []
    stated = {concept: kind for kind, concepts in mapping.events.items() for concept in concepts}
    origins = cdm.find_descendants(stated) if stated else {}
    kinds = {concept: stated[origin] for concept, origin in origins.items()} | stated
    for domain in (DOMAINS[name] for name in _EVENT_TABLES if stated):
        if cdm.has(domain.table, domain.key, "person_id", domain.concept, domain.start):
            rows = cdm.fetch_dated(domain, kinds)
            kind = pl.col("concept_id").replace_strict(kinds, default=None, return_dtype=pl.String)
            parts.append(rows.select("person_id", day="start", kind=kind))
    if cdm.has("death", "person_id", "death_date"):
        parts.append(cdm.fetch_last("death", "death_date").select("person_id", "day", kind=pl.lit("death")))
    if mapping.last_contact is not None:
        if not cdm.has("observation_period", "person_id", "observation_period_end_date"):
            raise ReaderError(
                "[data.omop]: last_contact names observation_period, which the CDM does not have. Remove it."
            )
        last = cdm.fetch_last("observation_period", "observation_period_end_date")
        parts.append(last.select("person_id", "day", kind=pl.lit("last_contact")))
        what = f"last contact is the end of the observation period of {last.height:,} patients"
        findings.append(note("events", "contact_from_period", what, rows=last.height))
    if not parts:
        return pl.DataFrame(), findings
    rows = pl.concat(parts)
    table = rows.select(
        patient_id=pl.col("person_id").cast(pl.String),
        date=pl.col("day").cast(pl.String),
        kind="kind",
        source_row=number_rows(pl.int_range(2, rows.height + 2, eager=True)),
    )
    return table, findings


def _use_numbers(
    frames: dict[str, pl.DataFrame], people: pl.DataFrame
) -> tuple[dict[str, pl.DataFrame], list[Finding]]:
    """The hospital's numbers in place of the technical ids; who has none keeps the id with a prefix."""
    known = people.filter(pl.col(_NUMBER).str.strip_chars().fill_null("") != "")
    shared = known.select(pl.col(_NUMBER).str.strip_chars()).group_by(_NUMBER).len().filter(pl.col("len") > 1)
    if shared.height:
        raise ReaderError(
            f"[data.omop]: {shared.height:,} of the numbers in person_source_value belong to more than one "
            "person, so that different people would become one. Take out patient_number, or correct the "
            "table person."
        )
    numbers = dict(known.select(pl.col("person_id").cast(pl.String), _NUMBER).iter_rows())
    technical = pl.lit("person/") + pl.col("patient_id")
    changed = {
        name: frame.with_columns(pl.col("patient_id").replace_strict(numbers, default=technical))
        for name, frame in frames.items()
        if frame.height
    }
    without = people.height - known.height
    what = f"{without:,} of {people.height:,} persons have no person_source_value"
    findings = [note("patients", "number_missing", what, rows=without)] if without else []
    return {**frames, **changed}, findings
