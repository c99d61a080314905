"""What is asked of an OMOP database, composed by Ibis: only rows of the cohort come back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from cytopenia.errors import ReaderError, join_problems
from cytopenia.readers.omop_mapping import OmopMapping
from cytopenia.readers.omop_server import Database, import_ibis

__all__ = ["DOMAINS", "Cdm", "Domain"]


@dataclass(frozen=True)
class Domain:
    """A table of dated concepts: the names of its columns."""

    table: str
    key: str
    concept: str
    start: str
    stop: str | None = None
    kind: str | None = None


DOMAINS: Mapping[str, Domain] = {
    domain.table: domain
    for domain in (
        Domain(
            "drug_exposure",
            "drug_exposure_id",
            "drug_concept_id",
            "drug_exposure_start_date",
            "drug_exposure_end_date",
            "drug_type_concept_id",
        ),
        Domain("procedure_occurrence", "procedure_occurrence_id", "procedure_concept_id", "procedure_date"),
        Domain(
            "device_exposure",
            "device_exposure_id",
            "device_concept_id",
            "device_exposure_start_date",
            "device_exposure_end_date",
        ),
        Domain(
            "condition_occurrence", "condition_occurrence_id", "condition_concept_id", "condition_start_date"
        ),
        Domain("observation", "observation_id", "observation_concept_id", "observation_date"),
    )
}
_GIVEN = ("drug_exposure", "procedure_occurrence", "device_exposure")
_NEEDED = {
    "person": ("person_id", "gender_concept_id", "year_of_birth"),
    "measurement": (
        "measurement_id",
        "person_id",
        "measurement_concept_id",
        "measurement_date",
        "value_as_number",
        "unit_concept_id",
    ),
}
_DATES = {
    "measurement": ("measurement_date",),
    **{name: (domain.start,) for name, domain in DOMAINS.items()},
}
_NUMBERS = {
    "person": ("person_id",),
    "measurement": ("person_id", "measurement_concept_id"),
    **{name: ("person_id", domain.concept) for name, domain in DOMAINS.items()},
}
_LAB_TEXTS = ("value_source_value", "unit_source_value", "measurement_source_value")
_LAB_NUMBERS = ("value_as_number", "range_low", "range_high")
_LAB_IDS = ("measurement_concept_id", "operator_concept_id", "value_as_concept_id", "unit_concept_id")
_MOMENTS = ("measurement_date", "measurement_datetime")
_LAB_COLUMNS = ("measurement_id", "person_id", *_MOMENTS, *_LAB_IDS, *_LAB_NUMBERS, *_LAB_TEXTS)


class Cdm:
    """One CDM with its vocabulary, and the cohort that every query is limited to."""

    def __init__(self, database: Database, mapping: OmopMapping) -> None:
        self._database, self._mapping = database, mapping
        self._schema = mapping.db_schema
        self._words = mapping.vocabulary_schema or mapping.db_schema
        self._require()
        cohort = mapping.cohort
        asked = cohort.concept_ids if cohort is not None else ()
        descends = cohort is not None and cohort.descendants
        self.infused = sorted(self.find_descendants(asked)) if descends else list(asked)

    @property
    def has_concepts(self) -> bool:
        """Whether the vocabulary's table of concepts is there."""
        return self._database.has(
            self._words, "concept", "concept_id", "concept_name", "vocabulary_id", "concept_code"
        )

    @property
    def has_ancestors(self) -> bool:
        """Whether the vocabulary says which concepts descend from which."""
        return self._database.has(
            self._words, "concept_ancestor", "ancestor_concept_id", "descendant_concept_id"
        )

    def has(self, table: str, *columns: str) -> bool:
        """Whether the CDM has a table with these columns."""
        return self._database.has(self._schema, table, *columns)

    def find_descendants(self, concepts: Collection[int]) -> dict[int, int]:
        """Return each concept and its descendants with the concept that they come from."""
        found = {concept: concept for concept in concepts}
        if concepts and self.has_ancestors:
            table = self._database.table(self._words, "concept_ancestor")
            query = table.filter(table.ancestor_concept_id.isin(sorted(concepts))).select(
                descendant=table.descendant_concept_id.cast("int64"),
                ancestor=table.ancestor_concept_id.cast("int64"),
            )
            rows = self._database.fetch("concept_ancestor", query).sort("ancestor", "descendant")
            for descendant, ancestor in rows.iter_rows():
                found.setdefault(descendant, ancestor)
        return found

    def fetch_codes(self, codes: Collection[str], concepts: Collection[int]) -> pl.DataFrame:
        """Return id, code and vocabulary of LOINC codes, and of concepts by their id."""
        table = self._database.table(self._words, "concept")
        wanted = (table.vocabulary_id == "LOINC") & table.concept_code.isin(sorted(codes))
        if concepts:
            wanted = wanted | table.concept_id.isin(sorted(concepts))
        query = table.filter(wanted).select(
            concept_id=table.concept_id.cast("int64"),
            code=table.concept_code,
            vocabulary=table.vocabulary_id,
            name=table.concept_name,
        )
        return self._database.fetch("concept", query).sort("concept_id")

    def fetch_infusions(self) -> pl.DataFrame:
        """Return person and day of every infusion."""
        rows = self._infusions.distinct()
        query = rows.select("day", person_id=rows.person_id.cast("int64"))
        return self._database.fetch("infusions", query).sort("person_id", "day")

    def fetch_people(self) -> pl.DataFrame:
        """Return the cohort's rows of `person`."""
        people = self._database.table(self._schema, "person")
        numbers = ("gender_concept_id", "year_of_birth", "month_of_birth", "day_of_birth")
        query = people.semi_join(self._first, "person_id").select(
            person_id=people.person_id.cast("int64"),
            **{name: self._optional(people, name, "int64") for name in numbers},
            person_source_value=self._optional(people, "person_source_value", "string"),
        )
        return self._database.fetch("person", query).sort("person_id")

    def fetch_labs(self, concepts: Collection[int], source_values: Collection[str]) -> pl.DataFrame:
        """Return measurements of these concepts or values of the source, within the window."""
        rows = self._measurements()
        wanted = rows.measurement_concept_id.isin(sorted(concepts))
        if source_values and "measurement_source_value" in rows.columns:
            wanted = wanted | rows.measurement_source_value.isin(sorted(source_values))
        moment = "measurement_datetime"
        is_local = moment in rows.columns and _is_local(rows[moment].type())
        query = rows.filter(wanted).select(
            measurement_id=rows.measurement_id.cast("int64"),
            person_id=rows.person_id.cast("int64"),
            date=rows.measurement_date.cast("date"),
            moment=self._optional(rows, moment if is_local else None, "timestamp"),
            **{name: self._optional(rows, name, "int64") for name in _LAB_IDS},
            **{name: self._optional(rows, name, "float64") for name in _LAB_NUMBERS},
            **{name: self._optional(rows, name, "string") for name in _LAB_TEXTS},
        )
        return self._database.fetch("measurement", query).sort("measurement_id")

    def count_others(self, concepts: Collection[int], source_values: Collection[str]) -> pl.DataFrame:
        """Return how many values of each other concept and source value there are within the window."""
        rows = self._measurements()
        left = ~rows.measurement_concept_id.isin(sorted(concepts)) | rows.measurement_concept_id.isnull()
        if source_values and "measurement_source_value" in rows.columns:
            named = rows.measurement_source_value.isin(sorted(source_values)).fill_null(False)  # noqa: FBT003
            left = left & ~named
        others = rows.filter(left).select(
            concept_id=rows.measurement_concept_id.cast("int64").fill_null(0),
            source_value=self._optional(rows, "measurement_source_value", "string"),
        )
        query = others.group_by("concept_id", "source_value").aggregate(number=others.count())
        return self._database.fetch("measurement (other concepts)", query).sort("concept_id", "source_value")

    def fetch_dated(self, domain: Domain, concepts: Collection[int]) -> pl.DataFrame:
        """Return the cohort's rows of one domain with these concepts."""
        table = self._database.table(self._schema, domain.table)
        rows = table.filter(table[domain.concept].isin(sorted(concepts))).semi_join(self._first, "person_id")
        query = rows.select(
            key=rows[domain.key].cast("int64"),
            person_id=rows.person_id.cast("int64"),
            concept_id=rows[domain.concept].cast("int64"),
            start=rows[domain.start].cast("date"),
            stop=self._optional(rows, domain.stop, "date"),
            kind=self._optional(rows, domain.kind, "int64"),
        )
        return self._database.fetch(domain.table, query).sort("key")

    def fetch_last(self, table: str, date: str) -> pl.DataFrame:
        """Return person and the last date of a table such as `death`."""
        rows = self._database.table(self._schema, table).semi_join(self._first, "person_id")
        query = rows.group_by(person_id=rows.person_id.cast("int64")).aggregate(
            day=rows[date].cast("date").max()
        )
        return self._database.fetch(table, query).sort("person_id")

    @cached_property
    def _infusions(self) -> Any:
        """Person and day of every infusion, in the database.

        Persons have the type that they have in `measurement`: a join over a cast could use no index.
        """
        kind = self._database.table(self._schema, "measurement").person_id.type()
        asked = self._mapping.cohort_table
        if asked is not None:
            table = self._database.table(asked.db_schema or self._schema, asked.table.lower())
            chosen = table.filter(table.cohort_definition_id == asked.cohort_definition_id)
            return chosen.select(
                person_id=chosen.subject_id.cast(kind), day=chosen.cohort_start_date.cast("date")
            )
        parts: list[Any] = []
        for domain in (DOMAINS[name] for name in _GIVEN):
            if self.has(domain.table, domain.concept, domain.start, "person_id"):
                table = self._database.table(self._schema, domain.table)
                chosen = table.filter(table[domain.concept].isin(self.infused))
                parts.append(
                    chosen.select(
                        person_id=chosen.person_id.cast(kind), day=chosen[domain.start].cast("date")
                    )
                )
        return import_ibis().union(*parts) if len(parts) > 1 else parts[0]

    @cached_property
    def _first(self) -> Any:
        """Person, and the first and the last day that is read, in the database."""
        ibis, rows = import_ibis(), self._infusions
        first = rows.group_by("person_id").aggregate(zero=rows.day.min())
        low, high = (first.zero + ibis.interval(days=days) for days in self._mapping.window)
        return first.select("person_id", low=low.cast("date"), high=high.cast("date"))

    def _measurements(self) -> Any:
        whole, first = self._database.table(self._schema, "measurement"), self._first
        rows = whole.select(*(name for name in _LAB_COLUMNS if name in whole.columns))
        joined = rows.join(first, rows.person_id == first.person_id, rname="cohort_{name}")
        day = joined.measurement_date
        # A date with a time would be after the midnight of the last day; a cast of a date could use no index.
        day = day if day.type().is_date() else day.cast("date")
        return joined.filter(day.between(joined.low, joined.high))

    @staticmethod
    def _optional(rows: Any, column: str | None, kind: str) -> Any:
        """A column, or nulls where this version of the CDM lacks it."""
        if column is None or column not in rows.columns:
            return import_ibis().null(kind)
        # Of a short float the shortest decimal counts: 0.35, not 0.3499999940395355.
        short = kind == "float64" and str(rows[column].type()) == "float32"
        return rows[column].cast("string").cast(kind) if short else rows[column].cast(kind)

    def _require(self) -> None:
        """Name everything that is absent or of another type, at once."""
        database, schema = self._database, self._schema
        place = f"{database.driver.place}, schema {database.name_schema(schema)}"
        problems = [
            f"{place}: {_say_absent(database, schema, table, columns)}"
            for table, columns in _NEEDED.items()
            if not database.has(schema, table, *columns)
        ]
        cohort = self._mapping.cohort_table
        if cohort is not None:
            where, columns = (
                cohort.db_schema or schema,
                (
                    "subject_id",
                    "cohort_start_date",
                    "cohort_definition_id",
                ),
            )
            if not database.has(where, cohort.table.lower(), *columns):
                said = _say_absent(database, where, cohort.table.lower(), columns)
                problems.append(f"{database.driver.place}, schema {database.name_schema(where)}: {said}")
        elif not any(self.has(name) for name in _GIVEN):
            problems.append(f"{place}: none of {', '.join(_GIVEN)} is there, so no infusion can be found")
        for kinds, needed, listed in (
            (("date", "timestamp"), "date", _DATES),
            (("int", "decimal"), "integer", _NUMBERS),
        ):
            problems += [
                f"{place}: {table}.{column} has another type; a column of type {needed} is needed"
                for table, columns in listed.items()
                for column in columns
                if self.has(table, column)
                and not str(database.table(schema, table)[column].type()).startswith(kinds)
            ]
        if problems:
            raise ReaderError(join_problems("The database is not a CDM that can be read", problems))


def _is_local(kind: Any) -> bool:
    """A time as the clock showed it; one with a zone would have to be converted."""
    return bool(kind.is_timestamp()) and kind.timezone is None


def _say_absent(database: Database, schema: str | None, table: str, columns: Sequence[str]) -> str:
    if not database.has(schema, table):
        found = database.list_tables(schema)
        listed = (
            f"found: {', '.join(found)}" if found else "nothing there may be read; check schema and rights"
        )
        return f"there is no table {table}, or it may not be read ({listed})"
    absent = [name for name in columns if not database.has(schema, table, name)]
    return f"{table} has no column {', '.join(absent)}"
