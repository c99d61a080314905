"""Definitions as data: load the files, check them, say what they mean.

A definition is one TOML file under `data/definitions/`, or under `definitions/` in the folder of a study.
A user's file adds a definition, replaces one of the same id, or `extends` one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, cast

from cytopenia.definition_forms import (
    FORMS,
    BaselineDefinition,
    BoundsDefinition,
    Definition,
    GatesDefinition,
    GradesDefinition,
    GradesPart,
    NotDefinable,
    ScoreDefinition,
    choose_form,
)
from cytopenia.errors import DefinitionError, join_problems, suggest_name
from cytopenia.forms import parse_toml, read_bytes, read_form
from cytopenia.units import list_units, load_analytes, match_unit

__all__ = ["Library", "load_definition", "load_library"]

_SHOWN_UNITS = 8
# Tables of a score whose keys are analytes.
_BY_ANALYTE = ("items", "inputs", "numerator", "denominator")
_HEAD = ("id", "kind", "title", "version", "status", "citation", "text", "note", "removed")


@dataclass(frozen=True)
class Library:
    """Every definition at hand, by id, with the sha256 of the files behind it."""

    definitions: Mapping[str, Definition]
    sha256: Mapping[str, str]

    def find(self, address: str) -> Definition:
        """Return the definition of an id, or of the id before the dot.

        Raises
        ------
        DefinitionError
            The id, or the part after the dot, is unknown; the message names the nearest.
        """
        name, dot, part = address.partition(".")
        if name not in self.definitions:
            self._refuse_not_definable(name)
            known = sorted(self.definitions)
            hint = suggest_name(name, known)
            raise DefinitionError(f"unknown definition '{name}'{hint}; known: {', '.join(known)}")
        definition = self.definitions[name]
        known = sorted(definition.part_names)
        if isinstance(definition, GradesDefinition) and part in definition.removed and part not in known:
            removed = definition.removed[part]
            raise DefinitionError(f"'{address}': {removed.text} Use '{removed.use}' instead.")
        if dot and part not in known:
            parts = f"parts: {', '.join(known)}" if known else f"it has none; write '{name}'"
            raise DefinitionError(f"'{name}' has no part '{part}'{suggest_name(part, known)}; {parts}")
        return definition

    def _refuse_not_definable(self, name: str) -> None:
        """Say why a wording that is known cannot be computed."""
        for definition in self.definitions.values():
            for item in definition.entries if isinstance(definition, NotDefinable) else ():
                if item.id == name:
                    raise DefinitionError(
                        f"'{name}' ({item.source}: “{item.says}”) cannot be computed: {item.reason}."
                        " Write a definition of your own into definitions/ if you mean a certain rule."
                    )

    def find_comparable(self, address: str) -> dict[str, GradesPart]:
        """Return what `find_parts` does, or raise with words about comparing."""
        definition = self.find(address)
        if not isinstance(definition, GradesDefinition):
            known = sorted(name for name, one in self.definitions.items() if one.kind == "grades")
            raise DefinitionError(
                f"'{definition.id}' is of kind '{definition.kind}' and cannot be compared;"
                f" only definitions of kind 'grades' can: {', '.join(known)}"
            )
        return self.find_parts(address)

    def find_parts(self, address: str) -> dict[str, GradesPart]:
        """Return the graded parts of "ctcae_v4", or the one of "ctcae_v4.anemia", by address.

        Raises
        ------
        DefinitionError
            The definition is of another kind, or has no such part.
        """
        definition = self.find(address)
        name, _, part = address.partition(".")
        if not isinstance(definition, GradesDefinition):
            raise DefinitionError(
                f"'{name}' is of kind '{definition.kind}'; a definition of kind 'grades' is needed"
            )
        return {f"{name}.{key}": value for key, value in definition.parts.items() if part in ("", key)}

    def find_value_parts(self, address: str) -> dict[str, GradesPart]:
        """Return the parts that grade single values.

        Raises
        ------
        DefinitionError
            As `find_parts`, and where a part counts days: a single value then has no grade.
        """
        parts = self.find_parts(address)
        counting = [name for name, part in parts.items() if part.own_window is not None]
        if counting:
            raise DefinitionError(
                f"{', '.join(counting)} looks at the days of a course; a single value has no grade under it."
                " Use it for an outcome of a study, or with: cytopenia grade"
            )
        return parts

    def explain_removed(self, address: str) -> dict[str, str]:
        """Return why a whole definition has no part of an analyte that an earlier version had, by analyte.

        Raises
        ------
        DefinitionError
            The id is unknown.
        """
        definition = self.find(address)
        if not isinstance(definition, GradesDefinition) or address != definition.id:
            return {}
        reasons: dict[str, str] = {}
        for removed in definition.removed.values():
            name, _, part = removed.use.partition(".")
            successor = self.definitions.get(name)
            if isinstance(successor, GradesDefinition) and part in successor.parts:
                said = removed.text.removesuffix(".")
                reasons[successor.parts[part].analyte] = f"{said}; use {removed.use}"
        return reasons

    def find_score(self, address: str) -> ScoreDefinition:
        """Return the score of an id.

        Raises
        ------
        DefinitionError
            There is no such definition, or it is no score; the message names the nearest score.
        """
        scores = [name for name, item in self.definitions.items() if isinstance(item, ScoreDefinition)]
        definition = self.definitions.get(address)
        if isinstance(definition, ScoreDefinition):
            return definition
        what = "unknown score" if definition is None else "no score, but a definition of another kind:"
        hint = suggest_name(address, scores)
        raise DefinitionError(f"{what} '{address}'{hint}; scores: {', '.join(sorted(scores))}")

    @property
    def bounds(self) -> BoundsDefinition:
        """How far an unmeasured day can lie from its neighbors."""
        definition = self.find("neighbor_bounds")
        if not isinstance(definition, BoundsDefinition):
            raise DefinitionError("'neighbor_bounds' must be of kind 'bounds'")
        return definition

    @property
    def baseline(self) -> BaselineDefinition:
        """Which value stands for the patient before treatment."""
        definition = self.find("baseline")
        if not isinstance(definition, BaselineDefinition):
            raise DefinitionError("'baseline' must be of kind 'baseline'")
        return definition

    @property
    def gates(self) -> GatesDefinition:
        """How many events a model needs."""
        definition = self.find("model_gates")
        if not isinstance(definition, GatesDefinition):
            raise DefinitionError("'model_gates' must be of kind 'gates'")
        return definition


def load_definition(address: str, *, folder: Path | str | None = None) -> Definition:
    """Return one definition by id.

    Parameters
    ----------
    address : str
        "ctcae_v4", or with a part, "ctcae_v4.anemia".
    folder : path, optional
        Folder of a study; files in its `definitions/` add to or replace the package's own.

    Raises
    ------
    DefinitionError
        The id is unknown, or a file is wrong; every problem is listed.

    Examples
    --------
    >>> load_definition("ctcae_v4").version
    '4.03'
    """
    return load_library(folder).find(address)


def load_library(folder: Path | str | None = None) -> Library:
    """Return all definitions of the package and of a study's folder.

    Raises
    ------
    DefinitionError
        Every problem of every file.
    """
    own = _package_files()
    if folder is None or not (Path(folder) / "definitions").is_dir():
        return _package_library()
    paths = sorted(
        path for path in (Path(folder) / "definitions").glob("*.toml") if not path.name.startswith(".")
    )
    theirs = [(path.name, read_bytes(path, error=DefinitionError)) for path in paths]
    return _build_library([*own.items(), *theirs])


@cache
def _package_library() -> Library:
    return _build_library(_package_files().items())


@cache
def _package_files() -> Mapping[str, bytes]:
    folder = resources.files("cytopenia") / "data" / "definitions"
    files = sorted(
        (item for item in folder.iterdir() if item.name.endswith(".toml")), key=lambda item: item.name
    )
    return {item.name: item.read_bytes() for item in files}


def _build_library(files: Iterable[tuple[str, bytes]]) -> Library:
    raw: dict[str, dict[str, Any]] = {}
    data: dict[str, bytes] = {}
    file_of: dict[str, str] = {}
    problems: list[str] = []
    for name, content in files:
        try:
            table = parse_toml(content, name=name, error=DefinitionError)
        except DefinitionError as cause:
            problems.append(str(cause))
            continue
        identity = table.get("id")
        if not isinstance(identity, str):
            identity = name.removesuffix(".toml")
            problems.append(f"{name}: 'id' is missing; write id = \"{identity}\"")
            table["id"] = identity
        if identity != name.removesuffix(".toml"):
            problems.append(f"{name}: id '{identity}' must be the name of the file; rename one of them")
        if "extends" in table and "status" not in table:
            # A changed cut is no longer what the parent's source says.
            problems.append(f"{name}: 'status' is missing; a definition that extends another states its own")
        raw[identity] = table
        data[identity] = content
        file_of[identity] = name
    definitions: dict[str, Definition] = {}
    sha256: dict[str, str] = {}
    for identity in sorted(raw):
        lineage = _trace_extends(identity, raw, file_of, problems)
        if not lineage:
            continue
        definition = _read_definition(file_of[identity], _merge(lineage, raw), problems)
        if definition is not None:
            definitions[identity] = definition
            sha256[identity] = hashlib.sha256(b"\0".join(data[name] for name in lineage)).hexdigest()
    if problems:
        # One wrong file is named by each definition that extends it.
        distinct = list(dict.fromkeys(problems))
        raise DefinitionError(join_problems("The definition files are wrong", distinct))
    return Library(definitions, sha256)


def _trace_extends(
    identity: str, raw: Mapping[str, Mapping[str, Any]], file_of: Mapping[str, str], problems: list[str]
) -> list[str]:
    """The ids from the farthest parent down to the definition itself; none if there is a problem."""
    lineage = [identity]
    while (parent := raw[lineage[0]].get("extends")) is not None:
        if parent in lineage:
            problems.append(
                f"{file_of[identity]}: extends goes in a circle: {' -> '.join([parent, *lineage])}"
            )
            return []
        if not isinstance(parent, str) or parent not in raw:
            problems.append(
                f"{file_of[lineage[0]]}: extends unknown '{parent}'{suggest_name(str(parent), raw)}"
            )
            return []
        lineage.insert(0, parent)
    return lineage


def _merge(lineage: list[str], raw: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Later files override the keys they name, in tables within tables as well; a citation is one whole."""
    merged: dict[str, Any] = {}
    for name in lineage:
        if "citation" in raw[name]:
            merged.pop("citation", None)
        merged = _override(merged, raw[name])
    merged.pop("extends", None)
    return merged


def _override(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(old)
    for key, value in new.items():
        before: Any = merged.get(key)
        is_table = isinstance(before, dict) and isinstance(value, dict)
        merged[key] = _override(*cast("list[dict[str, Any]]", [before, value])) if is_table else value
    return merged


def _read_definition(where: str, table: dict[str, Any], problems: list[str]) -> Definition | None:
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in FORMS:
        given = "missing" if kind is None else f"{kind!r}{suggest_name(str(kind), FORMS)}"
        problems.append(f"{where}: 'kind' is {given}; allowed: {', '.join(sorted(FORMS))}")
        return None
    if kind == "grades":
        parts: dict[str, Any] = {
            key: value for key, value in table.items() if key not in _HEAD and isinstance(value, dict)
        }
        table = {**{key: value for key, value in table.items() if key not in parts}, "parts": parts}
    definition, found = read_form(choose_form(kind, table), table, where=where)
    if kind == "grades":
        # "parts" is our word for the sections of the file.
        found = [_name_sections(text) for text in found]
    pairs = _find_units(table) if definition is None else definition.analyte_units
    found.extend(f"{where}: {problem}" for problem in _check_units(pairs))
    problems.extend(found)
    return definition  # type: ignore[return-value]


def _name_sections(problem: str) -> str:
    """A problem of a file of grades, whose sections stand at the top of the file."""
    empty = "'parts' has no entry; allowed: 1 or more"
    told = problem.replace(empty, "a section per analyte is missing, such as [anc]")
    return told.replace("'parts.", "'").replace(", parts,", ", a section per analyte,")


def _check_units(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Problems with the analytes and units that a definition names."""
    problems = (_check_unit(analyte, unit) for analyte, unit in dict.fromkeys(pairs))
    return [problem for problem in problems if problem]


def _find_units(table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Analyte and unit of a file that is wrong elsewhere: side by side, or the unit under its analyte."""
    analyte, unit = table.get("analyte"), table.get("unit")
    if isinstance(analyte, str) and isinstance(unit, str):
        yield analyte, unit
    for key, value in table.items():
        tables = cast("list[Any]", value if isinstance(value, list) else [value])
        for inner in (cast("dict[str, Any]", item) for item in tables if isinstance(item, dict)):
            yield from _find_units(inner)
            if key in _BY_ANALYTE:
                units = {name: _unit_of(entry) for name, entry in inner.items()}
                yield from ((name, text) for name, text in units.items() if isinstance(text, str))


def _unit_of(entry: Any) -> Any:
    return cast("dict[str, Any]", entry).get("unit") if isinstance(entry, dict) else entry


def _check_unit(analyte: str, unit: str) -> str:
    known = load_analytes()
    if analyte not in known:
        return f"unknown analyte '{analyte}'{suggest_name(analyte, known)}; known: {', '.join(sorted(known))}"
    if not unit or match_unit(analyte, unit) is not None:
        return ""
    units = list_units(analyte)
    more = f" and {len(units) - _SHOWN_UNITS} more" if len(units) > _SHOWN_UNITS else ""
    shown = ", ".join(units[:_SHOWN_UNITS]) + more
    return f"'{unit}' is not a listed unit of {analyte}; allowed: {shown}"
