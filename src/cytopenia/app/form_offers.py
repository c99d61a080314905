"""What the fields of a study file offer: definitions of the library, names of the file, columns of tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from cytopenia.app.protocol_controls import Control
from cytopenia.contract import TABLES
from cytopenia.definition_forms import Definition, GradesDefinition, ScoreDefinition
from cytopenia.definitions import Library
from cytopenia.published.claims import list_papers
from cytopenia.published.cohorts import list_incidences
from cytopenia.units import load_analytes

__all__ = ["OFFERED", "OPEN", "Offer", "find_offer", "list_offers"]

# What a key names, by the key or by form and key; a key of text that is not here is any text.
OFFERED = {
    "OutcomeSpec.definition": "outcome_definitions",
    "CareBaseline.definition": "grade_definitions",
    "baseline_definition": "grade_definitions",
    "any_of": "outcomes",
    "outcome": "outcomes",
    "outcomes": "outcomes",
    "definitions": "outcomes",
    "SideBySide.reference": "outcomes",
    "factors": "factors",
    "factor": "factors",
    "terms": "groups",
    "higher_means_event": "factors",
    "lower_means_event": "factors",
    "by": "groups",
    "trajectories_by": "factors",
    "column": "columns",
    "require": "table_columns",
    "analyte": "analytes",
    "Factor.score": "scores",
    "ExternalValidation.score": "score_factors",
    "roc": "curves",
    "paper": "papers",
    "published": "published",
}
# Where something else than what is offered may be named: a column of the data, a file of the folder.
OPEN = frozenset({"factors", "groups", "columns", "table_columns", "score_factors", "papers"})
_OUTCOME_KINDS = ("grades", "recovery", "fever", "phenotype")


@dataclass(frozen=True)
class Offer:
    """Something that can be chosen, in words, and what it belongs to."""

    value: str
    title: str = ""
    group: str = ""


def find_offer(control: Control) -> str | None:
    """Return which list a key takes its names from."""
    named = [f"{form}.{control.key}" for form in control.forms]
    return next((OFFERED[name] for name in (*named, control.key) if name in OFFERED), None)


def list_offers(content: Mapping[str, Any], library: Library) -> dict[str, tuple[Offer, ...]]:
    """Return every list that a field can offer.

    Parameters
    ----------
    content : mapping
        The study file; what has another shape than it should is passed over.
    library : Library
    """
    outcomes = [Offer(name, _title_of(spec)) for name, spec in _list_tables(content.get("outcomes"))]
    own = [Offer(name, _title_of(spec)) for name, spec in _list_tables(content.get("factors"))]
    known = [
        Offer(column, group=table) for table in ("patients", "infusions") for column in _list_columns(table)
    ]
    # When something was given is no property of a patient.
    columns = [offer for offer in known if not offer.value.endswith(("day", "date"))]
    named = {offer.value for offer in own}
    factors = [*own, *(offer for offer in columns if offer.value not in named)]
    scores = [
        Offer(name, item.title)
        for name, item in library.definitions.items()
        if isinstance(item, ScoreDefinition)
    ]
    curves = [
        Offer(str(table["id"]), _title_of(table))
        for table in _list_entries(content.get("analyses"))
        if table.get("kind") == "roc" and "id" in table
    ]
    lists = {
        "outcome_definitions": list(_list_definitions(library, _OUTCOME_KINDS)),
        "grade_definitions": list(_list_definitions(library, ("grades",), whole=True)),
        "outcomes": outcomes,
        "factors": factors,
        "groups": [*factors, *outcomes],
        "columns": columns,
        "table_columns": [Offer(f"{offer.group}.{offer.value}") for offer in known],
        "analytes": [Offer(name) for name in load_analytes()],
        "scores": scores,
        "score_factors": [*own, *scores],
        "curves": curves,
        "papers": [Offer(name) for name in list_papers()],
        "published": [Offer(item.address) for item in list_incidences()],
    }
    return {name: tuple(offers) for name, offers in lists.items()}


def _list_definitions(library: Library, kinds: tuple[str, ...], *, whole: bool = False) -> Iterator[Offer]:
    for kind in kinds:
        for name, definition in sorted(library.definitions.items()):
            if definition.kind == kind:
                yield from _list_addresses(name, definition, whole=whole)


def _list_addresses(name: str, definition: Definition, *, whole: bool) -> Iterator[Offer]:
    """A definition and its parts; one of grades is no outcome as a whole."""
    title = f"{definition.title}, {definition.version}"
    if whole or not isinstance(definition, GradesDefinition):
        yield Offer(name, title, title if definition.part_names else definition.kind)
    for part in definition.part_names:
        inner = definition.parts[part] if isinstance(definition, GradesDefinition) else None
        yield Offer(f"{name}.{part}", inner.title if inner else part.replace("_", " "), title)


def _list_columns(table: str) -> list[str]:
    names = [column.name for column in TABLES[table].columns if column.role != "output"]
    return [name for name in names if name != "patient_id"]


def _title_of(spec: Mapping[str, Any]) -> str:
    title = spec.get("title", "")
    return title if isinstance(title, str) else ""


def _list_tables(value: Any) -> list[tuple[str, dict[str, Any]]]:
    tables = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    return [(name, inner) for name, inner in tables.items() if isinstance(inner, dict)]


def _list_entries(value: Any) -> list[dict[str, Any]]:
    entries = cast("list[Any]", value) if isinstance(value, list) else []
    return [entry for entry in entries if isinstance(entry, dict)]
