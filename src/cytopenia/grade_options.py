"""What `cytopenia grade` is asked for, and which of its options a definition looks at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cytopenia.definition_forms import (
    BedsideDefinition,
    Definition,
    FeverDefinition,
    GradesPart,
    PhenotypeDefinition,
    RecoveryDefinition,
    RecoveryTimeDefinition,
)
from cytopenia.definitions import Library
from cytopenia.errors import DefinitionError
from cytopenia.readers.mapping import read_mapping

__all__ = [
    "GradeRequest",
    "counts_days",
    "looks_at_support",
    "name_unused_limits",
    "refuse_unused",
    "show_limit",
]

_OF_COURSES = ("events", "support", "support_complete", "day_zero")
# Limits of normal as a laboratory may print them, for examples; nothing is graded by them.
_LIMITS = ("anc=2.0", "platelets=150", "hemoglobin=120", "wbc=4.0")
_OF_SUPPORT = ("support", "support_complete")
_UNGRADED = (
    RecoveryDefinition,
    RecoveryTimeDefinition,
    FeverDefinition,
    BedsideDefinition,
    PhenotypeDefinition,
)


@dataclass(frozen=True, kw_only=True)
class GradeRequest:
    """What `cytopenia grade` was asked for; see there."""

    labs: Path
    definition: str
    out: Path
    mapping: Path | None = None
    day_zero: str | None = None
    decimal: str | None = None
    lln: tuple[str, ...] = ()
    events: Path | None = None
    support: Path | None = None
    support_complete: bool = False


def counts_days(parts: Mapping[str, GradesPart]) -> bool:
    """Return whether all parts look at days of their own; then a single value has no grade."""
    return all(part.own_window is not None for part in parts.values())


def refuse_unused(
    request: GradeRequest, definition: Definition, library: Library, *, limits: Mapping[str, float]
) -> None:
    """Refuse every option that the definition does not look at, so that none is passed over in silence.

    Parameters
    ----------
    request : GradeRequest
    definition : Definition
        The one that `request.definition` names.
    library : Library
    limits : mapping of analyte to number
        The limits of normal that `request.lln` states.

    Raises
    ------
    DefinitionError
        Names all such options, and for each why it is not looked at. Also where nothing can be graded by a
        definition of this kind.
    """
    address = request.definition
    parts = {} if isinstance(definition, _UNGRADED) else library.find_parts(address)
    if isinstance(definition, BedsideDefinition):
        unused = [_name([*_OF_COURSES, "lln"], request, f"'{address}' grades a table of bedside findings")]
    elif parts and not counts_days(parts):
        unused = [_name(_OF_COURSES, request, f"'{address}' grades single values and needs none")]
    else:
        unused = [_name_support(request, looked_at=looks_at_support(definition))]
    if not isinstance(definition, BedsideDefinition):
        named = name_unused_limits(address, parts, limits)
        unused.append(f"--lln: {named}" if named else "")
    unused.append(_name_mapping(request, is_bedside=isinstance(definition, BedsideDefinition)))
    if any(unused):
        raise DefinitionError("\n".join(filter(None, unused)))


def looks_at_support(definition: Definition) -> bool:
    """Return whether support can change the outcome of a definition."""
    return isinstance(definition, RecoveryDefinition | RecoveryTimeDefinition) and definition.looks_at_support


def show_limit(parts: Mapping[str, GradesPart]) -> str:
    """Return the option that states a limit of normal which the parts look at; "" where they look at none.

    Examples
    --------
    >>> from cytopenia.definitions import load_library
    >>> show_limit(load_library().find_parts("ctcae_v6.anemia"))
    '--lln hemoglobin=120'
    """
    used = [part.analyte for part in parts.values() if part.needs_limit]
    if not used:
        return ""
    known = [example for example in _LIMITS if example.partition("=")[0] in used]
    return f"--lln {known[0] if known else f'{used[0]}=NUMBER'}"


def name_unused_limits(address: str, parts: Mapping[str, GradesPart], limits: Mapping[str, float]) -> str:
    """Return a sentence on stated limits of normal that no part looks at; "" where each is looked at.

    Examples
    --------
    >>> from cytopenia.definitions import load_library
    >>> parts = load_library().find_parts("ctcae_v5.anemia")
    >>> name_unused_limits("ctcae_v5.anemia", parts, {"anc": 2.0})
    "'ctcae_v5.anemia' has no rule with the lower limit of normal of anc; leave it out."
    """
    used = {part.analyte for part in parts.values() if part.needs_limit}
    unused = [analyte for analyte in limits if analyte not in used]
    if not unused:
        return ""
    return f"'{address}' has no rule with the lower limit of normal of {', '.join(unused)}; leave it out."


def _name(options: tuple[str, ...] | list[str], request: GradeRequest, why: str) -> str:
    """The options among these that were given, with the reason; nothing where none was."""
    given = [f"--{name.replace('_', '-')}" for name in options if getattr(request, name)]
    return f"{', '.join(given)}: {why}; leave it out." if given else ""


def _name_support(request: GradeRequest, *, looked_at: bool) -> str:
    """Support that is not looked at, or a word about a file of support that was not given."""
    if not looked_at:
        return _name(_OF_SUPPORT, request, f"'{request.definition}' does not look at support")
    if request.support_complete and request.support is None:
        return (
            "--support-complete: there is no file of support that could be complete; add --support FILE, or"
            " leave it out."
        )
    return ""


def _name_mapping(request: GradeRequest, *, is_bedside: bool) -> str:
    """A mapping file whose tables are all of another kind of file."""
    if request.mapping is None:
        return ""
    given = read_mapping(request.mapping).model_fields_set
    if is_bedside and "bedside" not in given:
        return f"--map: the file has no table [bedside], which '{request.definition}' reads; add it."
    if not is_bedside and given == {"bedside"}:
        return f"--map: the file has a table [bedside] only, which '{request.definition}' does not read."
    return ""
