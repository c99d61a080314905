"""Published cohorts to compare with: incidences with definition, window, numerator, denominator and source.

One TOML file per cohort under `data/cohorts/`. What was read and is not given stands in
`data/cohorts_left_out.toml`, with the reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, NamedTuple, cast

from cytopenia.errors import DefinitionError, join_problems, suggest_name
from cytopenia.forms import parse_toml, read_form
from cytopenia.published.cohort_forms import Cohort, Incidence, LeftOut

__all__ = [
    "AddressedIncidence",
    "find_incidence",
    "hash_cohort",
    "list_incidences",
    "list_left_out",
    "load_cohorts",
    "read_cohorts",
    "share_patients",
]

_DATA = resources.files("cytopenia") / "data"
_FOLDER = _DATA / "cohorts"


class AddressedIncidence(NamedTuple):
    """An incidence with the cohort that it is of."""

    cohort: Cohort
    incidence: Incidence

    @property
    def address(self) -> str:
        """How a protocol names it: `nagle_2021.late_neutropenia`."""
        return f"{self.cohort.id}.{self.incidence.id}"


@cache
def load_cohorts() -> Mapping[str, Cohort]:
    """Return the cohorts of the package by their ids.

    Examples
    --------
    >>> load_cohorts()["qiu_2023"].doi
    '10.3892/ol.2023.13924'
    """
    return read_cohorts(_FOLDER)


@cache
def list_incidences() -> tuple[AddressedIncidence, ...]:
    """Return every incidence of the package with its cohort, cohorts by their ids.

    Examples
    --------
    >>> found = {item.address: item.incidence for item in list_incidences()}
    >>> found["qiu_2023.not_recovered_day_28"].counted.count
    21
    """
    return tuple(
        AddressedIncidence(cohort, one) for cohort in load_cohorts().values() for one in cohort.incidences
    )


@cache
def list_left_out() -> tuple[LeftOut, ...]:
    """Return what was read and is not given as an incidence, each with the reason.

    Examples
    --------
    >>> list_left_out()[0].name
    'TRANSCEND, by lineage'
    """
    content = parse_toml(
        (_DATA / "cohorts_left_out.toml").read_bytes(), name="cohorts_left_out.toml", error=DefinitionError
    )
    return tuple(LeftOut.model_validate(table) for table in content["left_out"])


def find_incidence(address: str) -> Incidence:
    """Return an incidence by its address.

    Raises
    ------
    DefinitionError
        No cohort has it; the nearest address is suggested.

    Examples
    --------
    >>> find_incidence("nagle_2021.late_neutropenia").counted.words
    'the only count of 31 that rounds to 58%'
    """
    known = {item.address: item.incidence for item in list_incidences()}
    if address not in known:
        raise DefinitionError(
            f"unknown published incidence '{address}'{suggest_name(address, known)}; all of them stand in"
            " docs/published_cohorts.md"
        )
    return known[address]


def share_patients(first: Cohort, second: Cohort) -> bool:
    """Return whether two cohorts have, or may have, patients in common; one file need say it.

    Examples
    --------
    >>> cohorts = load_cohorts()
    >>> share_patients(cohorts["zuma_1"], cohorts["strati_2021"])
    True
    """
    return (
        first.id == second.id
        or first.id in second.shares_patients_with
        or second.id in first.shares_patients_with
    )


def hash_cohort(cohort_id: str) -> str:
    """Return the sha256 of the file of a cohort of the package."""
    return hashlib.sha256((_FOLDER / f"{cohort_id}.toml").read_bytes()).hexdigest()


def read_cohorts(folder: Path | Traversable) -> dict[str, Cohort]:
    """Return the cohorts of a folder by their ids, in the order of the ids.

    Parameters
    ----------
    folder : path
        One TOML file per cohort, named after its id.

    Raises
    ------
    DefinitionError
        A file is wrong; every problem of every file, with where it stands.
    """
    read: dict[str, Cohort] = {}
    problems: list[str] = []
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        if not file.name.endswith(".toml"):
            continue
        table = parse_toml(file.read_bytes(), name=file.name, error=DefinitionError)
        cohort, found = read_form(Cohort, table, where=file.name)
        problems += found
        problems += _check_table(file.name, table)
        if cohort is not None:
            read[cohort.id] = cohort
    problems += _find_unknown(read)
    if problems:
        raise DefinitionError(join_problems("the published cohorts are wrong:", problems))
    return read


def _check_table(name: str, table: Mapping[str, Any]) -> Iterator[str]:
    """What can be said of a file even where its form is wrong."""
    given = table.get("id")
    if isinstance(given, str) and f"{given}.toml" != name:
        yield f"{name}: id is '{given}', but the file is {name}; rename one of them"
    listed = table.get("incidences")
    tables = cast("list[object]", listed) if isinstance(listed, list) else []
    ids = [cast("dict[str, object]", one).get("id") for one in tables if isinstance(one, dict)]
    for one in dict.fromkeys(str(item) for item in ids if ids.count(item) > 1):
        yield f"{name}: incidences: id '{one}' stands twice; rename one of them"


def _find_unknown(read: Mapping[str, Cohort]) -> Iterator[str]:
    for cohort in read.values():
        for other in cohort.shares_patients_with:
            if other not in read:
                near = suggest_name(other, read)
                yield f"{cohort.id}.toml: shares_patients_with names no cohort: '{other}'{near}"
