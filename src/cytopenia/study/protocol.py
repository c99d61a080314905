"""The protocol: one TOML file that is the study. Read and checked here; nothing is chosen while running."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from cytopenia.definition_forms import ModelDefinition, PointsDefinition, RatioDefinition
from cytopenia.definitions import Library, load_library
from cytopenia.errors import DefinitionError, ProtocolError, join_problems
from cytopenia.forms import parse_toml, read_bytes, read_form
from cytopenia.published.claims import Paper, load_paper
from cytopenia.study.analysis_forms import ExternalValidation, Factor
from cytopenia.study.name_checks import check_names
from cytopenia.study.protocol_forms import Protocol

__all__ = ["Study", "read_protocol"]


@dataclass(frozen=True)
class Study:
    """A protocol that has been checked against the definitions, with where it stands.

    Attributes
    ----------
    protocol : Protocol
    library : Library
        The definitions of the package and of the study's folder.
    path : Path
        The study file.
    sha256 : str
        Of the bytes of the study file.
    paper : Paper or None
        The published paper that the run is compared with.
    """

    protocol: Protocol
    library: Library
    path: Path
    sha256: str
    paper: Paper | None = None

    @property
    def data_folder(self) -> Path:
        """The folder of the tables, relative to the study file."""
        return self.path.parent / self.protocol.data.folder


def read_protocol(path: Path | str) -> Study:
    """Read a study file and check every name in it against the definitions.

    Parameters
    ----------
    path : path
        The TOML file, or the folder that has it as study.toml. Definition files may stand in `definitions/`
        beside it.

    Raises
    ------
    ProtocolError
        Every problem of the file in one message: unknown keys with a suggestion, wrong types, names that
        nothing has.
    DefinitionError
        A definition file is wrong.
    """
    file = Path(path) / "study.toml" if Path(path).is_dir() else Path(path)
    content = read_bytes(file, error=ProtocolError)
    table = parse_toml(content, name=file.name, error=ProtocolError)
    library = load_library(file.parent)
    protocol, problems = read_form(Protocol, table, where=file.name)
    protocol = None if protocol is None else _add_scores(protocol, library)
    paper, unread = _load_printed(protocol, file.parent)
    found = _find_unknown_definitions(table, library) if protocol is None else check_names(protocol, library)
    problems = [*problems, *(f"{file.name}: {problem}" for problem in [*found, *unread])]
    if protocol is None or problems:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise ProtocolError(join_problems(f"{file.name}: {count}", problems))
    return Study(protocol, library, file, hashlib.sha256(content).hexdigest(), paper)


def _add_scores(protocol: Protocol, library: Library) -> Protocol:
    """The protocol with a factor for each score that a validation names by its id."""
    named = [item.score for item in protocol.analyses if isinstance(item, ExternalValidation)]
    added = {
        name: Factor(score=name)
        for name in named
        if name is not None and name not in protocol.factors and _is_score(name, library)
    }
    return protocol.model_copy(update={"factors": {**protocol.factors, **added}}) if added else protocol


def _is_score(name: str, library: Library) -> bool:
    found = library.definitions.get(name)
    return isinstance(found, PointsDefinition | RatioDefinition | ModelDefinition)


def _load_printed(protocol: Protocol | None, folder: Path) -> tuple[Paper | None, list[str]]:
    """The paper that the protocol names, one of the package or a file beside the study file."""
    if protocol is None or protocol.printed is None:
        return None, []
    beside = folder / protocol.printed.paper
    try:
        return load_paper(beside if beside.is_file() else protocol.printed.paper), []
    except DefinitionError as cause:
        return None, [f"printed: {cause}"]


def _find_unknown_definitions(table: Mapping[str, Any], library: Library) -> list[str]:
    """Unknown definitions of a file whose form is wrong, so that they are told with the rest."""
    problems: list[str] = []
    for name, spec in _named_tables(table.get("outcomes")):
        address = spec.get("definition")
        try:
            if isinstance(address, str):
                library.find(address)
        except DefinitionError as cause:
            problems.append(f"outcomes.{name}: {cause}")
    return problems


def _named_tables(value: Any) -> list[tuple[str, dict[str, Any]]]:
    tables = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    return [
        (name, cast("dict[str, Any]", inner)) for name, inner in tables.items() if isinstance(inner, dict)
    ]
