"""Names in a study file that nothing in it explains: what only the tables can tell, beside the form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from cytopenia.app.form_layout import Field, FormSection, list_fields
from cytopenia.app.form_offers import Offer, find_offer
from cytopenia.contract import TABLES
from cytopenia.errors import suggest_name

__all__ = ["Note", "list_notes"]

_OF_FACTORS = frozenset({"factors", "groups", "columns", "score_factors"})
_GROUPING = frozenset({"by", "trajectories_by"})
_TABLES = ("patients", "infusions")


@dataclass(frozen=True)
class Note:
    """A name, the word of the texts for what is with it, what it could be, and the fields that have it."""

    word: str
    name: str
    hint: str
    targets: tuple[str, ...]


def list_notes(
    content: Mapping[str, Any], sections: Sequence[FormSection], offers: Mapping[str, Sequence[Offer]]
) -> list[Note]:
    """Return what a run may stop at though the study file alone is valid.

    Parameters
    ----------
    content : mapping
        The study file.
    sections : sequence of FormSection
        The same, laid out.
    offers : mapping
        What its fields offer.

    Examples
    --------
    >>> from cytopenia.app.form_layout import lay_out
    >>> from cytopenia.app.form_offers import list_offers
    >>> from cytopenia.definitions import load_library
    >>> content = {"cohort": {"require": ["zzz"]}}
    >>> list_notes(content, lay_out(content), list_offers(content, load_library()))
    [Note(word='no_table', name='zzz', hint='', targets=('cohort.require',))]
    """
    found: dict[tuple[str, str, str], list[str]] = {}
    for field in list_fields(sections):
        for key in _judge(field, content, offers):
            found.setdefault(key, []).append(field.id)
    return [Note(*key, tuple(targets)) for key, targets in found.items()]


def _judge(
    field: Field, content: Mapping[str, Any], offers: Mapping[str, Sequence[Offer]]
) -> Iterator[tuple[str, str, str]]:
    offered = find_offer(field.control)
    names = [name for name in field.shown if name] if field.control.kind in ("names", "text") else []
    if offered == "table_columns":
        yield from _judge_columns(names, [offer.value for offer in offers["table_columns"]])
    elif offered in _OF_FACTORS:
        columns = [offer.value.partition(".")[2] for offer in offers["table_columns"]]
        known = [*(offer.value for offer in offers[offered]), *columns]
        yield from (("no_factor", name, suggest_name(name, known)) for name in names if name not in known)
        if field.control.key in _GROUPING:
            numbers = [name for name in names if name in known and _has_numbers(name, content)]
            yield from (("numbers", name, "") for name in numbers)
    elif field.path[0] == "factors" and field.control.key == "reference":
        factor = _as_table(_as_table(content.get("factors")).get(str(field.path[1])))
        levels = list(_as_table(factor.get("levels")))
        wrong = [name for name in names if levels and name not in levels]
        yield from (("no_level", name, suggest_name(name, levels)) for name in wrong)


def _judge_columns(names: Sequence[str], addresses: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    for name in names:
        table, dot, column = name.partition(".")
        if not dot or table not in _TABLES:
            meant = [address for address in addresses if address.partition(".")[2] == name]
            yield "no_table", name, f" (did you mean '{meant[0]}'?)" if meant else ""
        elif name not in addresses:
            own = [address.partition(".")[2] for address in addresses if address.startswith(f"{table}.")]
            yield "no_column", name, suggest_name(column, own)


def _has_numbers(name: str, content: Mapping[str, Any]) -> bool:
    """Whether a factor or column surely has numbers."""
    factors = _as_table(content.get("factors"))
    if name in factors:
        factor = _as_table(factors[name])
        return "analyte" in factor or ("score" in factor and "as" not in factor)
    if name in _as_table(content.get("outcomes")):
        return False
    rules = [rule for table in _TABLES for rule in TABLES[table].columns if rule.name == name]
    return any(rule.dtype.is_numeric() for rule in rules)


def _as_table(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
