"""What a study says about its OMOP database: where it is, who belongs to the cohort, what concepts mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import MultiHostUrl

from cytopenia.contract import EVENT_KINDS, SUPPORT_KINDS
from cytopenia.definition_forms import Whole
from cytopenia.readers.mapping_forms import (
    IGNORE,
    MappingForm,
    Words,
    name_unlisted,
    raise_all,
    require_words,
)
from cytopenia.readers.paths import name_outside
from cytopenia.units import load_analytes

__all__ = ["PASSWORD_VARIABLE", "SPARK", "CohortTable", "OmopCohort", "OmopMapping"]

PASSWORD_VARIABLE = "CYTOPENIA_OMOP_PASSWORD"  # noqa: S105 - the name of a variable
# The session of Spark that is active, or a new one.
SPARK = "spark"
_SECRETS = frozenset({"password", "passfile", "sslpassword"})
_OURS = frozenset({"options"})
_ADDRESSES = ("postgres", "jdbc:", "md:", "mysql:", "mssql:")
_NO_ADDRESS = (
    "the connection is no address; write it as postgresql://user@host:5432/database, or duckdb:// with a "
    "file or a folder of the data folder, whose name has neither @ nor ="
)

ConceptId = Annotated[Whole, Field(gt=0)]
ConceptIds = tuple[ConceptId, ...]


class OmopCohort(MappingForm):
    """The patients by the concepts of their infusion, drugs, procedures or devices."""

    concept_ids: Annotated[ConceptIds, Field(min_length=1)]
    descendants: bool = True


class CohortTable(MappingForm):
    """The patients by a table with `subject_id` and `cohort_start_date`, the day of the infusion."""

    table: str = "cohort"
    db_schema: str | None = Field(default=None, alias="schema")
    cohort_definition_id: ConceptId


class OmopMapping(MappingForm):
    """The database, the cohort and the concepts: `[data.omop]` of a mapping.

    `window` is the first and the last day that is read, counted from the first infusion. `concepts` says what
    a measurement concept means that the reviewed table does not list, `source_values` the same for values of
    the source whose concept says nothing. `units_from` is "both" (a concept and a text that contradict each
    other are not judged), "concept" or "text". `drug_types` limits support to records of these types.
    """

    connection: str | None = None
    db_schema: str | None = Field(default=None, alias="schema")
    vocabulary_schema: str | None = None
    patient_number: Literal["person_id", "person_source_value"] = "person_id"
    cohort: OmopCohort | None = None
    cohort_table: CohortTable | None = None
    window: tuple[Whole, Whole] = (-60, 365)
    concepts: Words = Field(default_factory=dict)
    source_values: Words = Field(default_factory=dict)
    units_from: Literal["both", "concept", "text"] = "both"
    support: dict[str, ConceptIds] = Field(default_factory=dict)
    drug_types: ConceptIds = ()
    events: dict[str, ConceptIds] = Field(default_factory=dict)
    last_contact: Literal["observation_period"] | None = None

    @field_validator("connection")
    @classmethod
    def _check_connection(cls, connection: str | None) -> str | None:
        return connection if connection is None else raise_all(connection, _check_address(connection))

    @field_validator("window")
    @classmethod
    def _check_window(cls, window: tuple[int, int]) -> tuple[int, int]:
        if window[0] > 0 or window[1] <= 0:
            raise ValueError("the window is [days before, days after], such as [-60, 365]; it contains day 0")
        return window

    @field_validator("concepts")
    @classmethod
    def _check_concepts(cls, concepts: Words) -> Words:
        odd = [f"'{key}' is no concept id" for key in concepts if not key.isdecimal()]
        raise_all(concepts, odd)
        return require_words(concepts, (IGNORE, *load_analytes()), "is no analyte")

    @field_validator("source_values")
    @classmethod
    def _check_source_values(cls, values: Words) -> Words:
        return require_words(values, (IGNORE, *load_analytes()), "is no analyte")

    @field_validator("support")
    @classmethod
    def _check_support(cls, kinds: dict[str, ConceptIds]) -> dict[str, ConceptIds]:
        return raise_all(kinds, [*name_unlisted(kinds, SUPPORT_KINDS, "is not known"), *_find_doubled(kinds)])

    @field_validator("events")
    @classmethod
    def _check_events(cls, kinds: dict[str, ConceptIds]) -> dict[str, ConceptIds]:
        return raise_all(kinds, [*name_unlisted(kinds, EVENT_KINDS, "is not known"), *_find_doubled(kinds)])

    @model_validator(mode="after")
    def _check_cohort(self) -> OmopMapping:
        given = [self.cohort is not None, self.cohort_table is not None]
        if self.connection is not None and sum(given) != 1:
            raise ValueError("state who belongs to the cohort: give one of cohort and cohort_table")
        if self.connection is None and self.model_fields_set:
            raise ValueError('state the connection, such as "duckdb://cdm.duckdb"')
        return self


def _check_address(connection: str) -> Iterator[str]:
    """What is wrong with a connection; a secret is never repeated."""
    scheme, mark, rest = connection.partition("://")
    if connection == SPARK:
        return
    if not mark or scheme == "duckdb":
        name = rest if mark else connection
        # What looks like another kind of address may hold a password, and a message would show it as a path.
        is_address = any(sign in name for sign in "@=") or name.lower().startswith(_ADDRESSES)
        yield from [_NO_ADDRESS] if is_address else name_outside(name)
        return
    if scheme not in {"postgresql", "postgres"}:
        yield (
            f"connections of kind '{scheme}' are not known; allowed: duckdb://file or folder, "
            "postgresql://user@host:5432/database, spark"
        )
        return
    try:
        parts = MultiHostUrl(connection)
    except ValueError:
        yield _NO_ADDRESS
        return
    keys = {key for key, _ in parts.query_params()}
    secret = any(host["password"] is not None for host in parts.hosts()) or bool(keys & _SECRETS)
    if secret:
        yield (
            "a password stands in the file. Remove it there and set the environment variable "
            f"{PASSWORD_VARIABLE} (or PGPASSWORD, or use .pgpass or a keyring)"
        )
    if keys & _OURS:
        yield "'options' cannot be set here; every connection is read-only"


def _find_doubled(kinds: dict[str, ConceptIds]) -> list[str]:
    found: dict[int, list[str]] = {}
    for kind, concepts in kinds.items():
        for concept in concepts:
            found.setdefault(concept, []).append(kind)
    return [
        f"concept {concept} is named for {' and '.join(names)}"
        for concept, names in found.items()
        if len(names) > 1
    ]
