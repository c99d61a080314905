"""What published cohorts asked: sections of one question, and the outcome of a study that asks it too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cytopenia.definitions import Library
from cytopenia.errors import DefinitionError
from cytopenia.published.cohort_forms import Incidence
from cytopenia.published.cohorts import AddressedIncidence, find_incidence, list_incidences, share_patients
from cytopenia.study.analysis_forms import ComparePublished
from cytopenia.study.event_checks import check_two_sides
from cytopenia.study.protocol_forms import OutcomeSpec, Protocol

__all__ = [
    "OTHERS",
    "PublishedSection",
    "check_published",
    "find_same_outcome",
    "list_sections",
    "pick_for_summary",
]

# Incidences whose definition is not known to be that of any other.
OTHERS = "other definitions"


@dataclass(frozen=True)
class PublishedSection:
    """Published incidences of one question; those without a question stand together, as `OTHERS`."""

    name: str
    items: tuple[AddressedIncidence, ...]


def check_published(analysis: ComparePublished, protocol: Protocol, library: Library) -> list[str]:
    """Return what is wrong: the outcome needs two sides, and each address must be that of an incidence."""
    problems = check_two_sides(analysis.outcome, protocol, library)
    for address in dict.fromkeys(analysis.published):
        try:
            find_incidence(address)
        except DefinitionError as cause:
            problems.append(f"published: {cause}")
    return problems


def list_sections(addresses: Sequence[str]) -> list[PublishedSection]:
    """Return the named incidences by the question they answer, in the order of their first; others last.

    Examples
    --------
    >>> names = ["zuma_1.anemia_day_30", "nagle_2021.late_neutropenia", "brudno_2022.late_neutropenia"]
    >>> [(one.name, len(one.items)) for one in list_sections(names)]
    [('neutropenia_1_0_after_day_30', 2), ('other definitions', 1)]
    """
    known = {item.address: item for item in list_incidences()}
    found: dict[str, list[AddressedIncidence]] = {}
    for address in addresses:
        item = known[address]
        found.setdefault(item.incidence.question or OTHERS, []).append(item)
    if OTHERS in found:
        found[OTHERS] = found.pop(OTHERS)
    return [PublishedSection(name, tuple(items)) for name, items in found.items()]


def find_same_outcome(section: PublishedSection, outcomes: Mapping[str, OutcomeSpec]) -> str | None:
    """Return the first outcome of a protocol that is graded by a definition of the section, with its days.

    The definitions are those of every cohort of the package that asked the same, named or not.
    """
    if section.name == OTHERS:
        return None
    same = [item.incidence for item in list_incidences() if item.incidence.question == section.name]
    found = (
        name for name, spec in outcomes.items() if any(_asks_the_same(spec, one, outcomes) for one in same)
    )
    return next(found, None)


def _asks_the_same(spec: OutcomeSpec, one: Incidence, outcomes: Mapping[str, OutcomeSpec]) -> bool:
    if not one.graded_by:
        return False
    if len(one.graded_by) == 1:
        return _is_graded_by(spec, one.graded_by[0], one)
    parts = [outcomes[name] for name in spec.any_of]
    return len(parts) == len(one.graded_by) and all(
        any(_is_graded_by(part, address, one) for part in parts) for address in one.graded_by
    )


def _is_graded_by(spec: OutcomeSpec, address: str, one: Incidence) -> bool:
    return (
        spec.definition == address
        and spec.min_grade == one.min_grade
        and spec.window == one.days
        and spec.died_before_landmark == one.died_before_landmark
        and not spec.treatment_emergent
    )


def pick_for_summary(section: PublishedSection) -> dict[str, str]:
    """Return for each address why it is not in a summary; an empty text means that it is.

    Of cohorts that share patients, or may, the one with most patients is taken, the first of equal ones.
    """
    by_size = sorted(section.items, key=lambda item: -item.incidence.patients)
    taken: list[AddressedIncidence] = []
    reasons: dict[str, str] = {}
    for item in by_size:
        reason = next(_say_why_not(item, taken), "")
        reasons[item.address] = reason
        taken += [] if reason else [item]
    return {item.address: reasons[item.address] for item in section.items}


def _say_why_not(item: AddressedIncidence, taken: Sequence[AddressedIncidence]) -> Iterator[str]:
    if item.incidence.counted.count is None:
        yield f"no numerator: {item.incidence.counted.words}"
    for other in taken:
        if other.cohort.id == item.cohort.id:
            yield f"of the same cohort, {other.incidence.who} are taken"
        elif share_patients(other.cohort, item.cohort):
            yield f"has, or may have, patients in common with {other.cohort.name}"
