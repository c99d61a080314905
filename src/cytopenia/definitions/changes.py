"""What changes from one graded definition to another, in words that are read from the two files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cytopenia.definition_forms import GradesPart, RemovedPart
from cytopenia.definitions.counting_words import describe_counting
from cytopenia.definitions.describe import say_rule

__all__ = ["GradeChange", "TermChange", "list_changes", "match_parts"]

TermStatus = Literal["unchanged", "wording", "counting", "rules", "added", "removed"]


@dataclass(frozen=True)
class GradeChange:
    """One grade of a term under both definitions.

    `old` and `new` are the rules in words, `old_text` and `new_text` the official sentences.
    """

    grade: int
    old: tuple[str, ...]
    new: tuple[str, ...]
    old_text: str
    new_text: str

    @property
    def changes_rule(self) -> bool:
        """Whether a value can be graded differently."""
        return self.old != self.new

    @property
    def changes_wording(self) -> bool:
        """Whether the official sentence reads differently."""
        return self.old_text != self.new_text


@dataclass(frozen=True)
class TermChange:
    """One term under both definitions; an address is None where the definition has no term for it.

    `new_analyte` is another than `analyte` where terms of one name grade different analytes. `old_counting`
    and `new_counting` are the choices about days, in words, that only this definition makes. `note` is what
    the new definition says about a term that it no longer has.
    """

    analyte: str
    new_analyte: str
    old_address: str | None
    new_address: str | None
    old_title: str
    new_title: str
    grades: tuple[GradeChange, ...]
    old_counting: tuple[str, ...] = ()
    new_counting: tuple[str, ...] = ()
    note: str = ""

    @property
    def status(self) -> TermStatus:
        """What kind of change it is, the gravest first."""
        if self.old_address is None:
            return "added"
        if self.new_address is None:
            return "removed"
        if any(grade.changes_rule for grade in self.grades):
            return "rules"
        if self.old_counting or self.new_counting:
            return "counting"
        return "wording" if any(grade.changes_wording for grade in self.grades) else "unchanged"

    @property
    def is_renamed(self) -> bool:
        """Whether the term has another name."""
        return None not in (self.old_address, self.new_address) and self.old_title != self.new_title


def match_parts(
    old: Mapping[str, GradesPart], new: Mapping[str, GradesPart], *, across_analytes: bool = False
) -> list[tuple[str | None, str | None]]:
    """Return pairs of addresses of the same analyte, in the order of `old`, then what `new` adds.

    Of several terms of one analyte those of the same name belong together, then the first of those left. With
    `across_analytes` terms of the same name that are left belong together whatever they grade: the early
    grade of neutrophils and that of platelets.
    """
    free = dict(new)
    partners: dict[str, str] = {}
    tests = (_has_both, _has_analyte, *((_has_name,) if across_analytes else ()))
    for fits in tests:
        for address, part in old.items():
            if address not in partners:
                fitting = (name for name in free if fits((address, part), (name, free[name])))
                if (partner := next(fitting, None)) is not None:
                    partners[address] = partner
                    del free[partner]
    return [*((address, partners.get(address)) for address in old), *((None, address) for address in free)]


_Term = tuple[str, GradesPart]


def _has_analyte(old: _Term, new: _Term) -> bool:
    return old[1].analyte == new[1].analyte


def _has_name(old: _Term, new: _Term) -> bool:
    return old[0].partition(".")[2] == new[0].partition(".")[2]


def _has_both(old: _Term, new: _Term) -> bool:
    return _has_analyte(old, new) and _has_name(old, new)


def list_changes(
    old: Mapping[str, GradesPart],
    new: Mapping[str, GradesPart],
    *,
    removed: Mapping[str, RemovedPart] | None = None,
) -> list[TermChange]:
    """Return what changes, term by term, in the order of `old`.

    Parameters
    ----------
    old, new : mapping of address to GradesPart
        From `Library.find_parts`.
    removed : mapping of part name to RemovedPart, optional
        What the new definition says about terms that it no longer has.
    """
    gone = removed or {}
    found: list[TermChange] = []
    for old_address, new_address in match_parts(old, new, across_analytes=True):
        before = None if old_address is None else old[old_address]
        after = None if new_address is None else new[new_address]
        farewell = gone.get((old_address or "").partition(".")[2])
        analytes = [part.analyte for part in (before, after) if part is not None]
        old_counting, new_counting = _compare_counting(before, after)
        found.append(
            TermChange(
                analyte=analytes[0],
                new_analyte=analytes[-1],
                old_address=old_address,
                new_address=new_address,
                old_title="" if before is None else before.title,
                new_title="" if after is None else after.title,
                grades=_compare_grades(before, after),
                old_counting=old_counting,
                new_counting=new_counting,
                note="" if farewell is None else f"{farewell.text} Use {farewell.use} instead.",
            )
        )
    return found


def _compare_counting(
    old: GradesPart | None, new: GradesPart | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The choices about days that only one of two terms makes; nothing where there is one term only."""
    if old is None or new is None:
        return (), ()
    before, after = (tuple(text for text, _ in describe_counting(part)) for part in (old, new))
    return (
        tuple(text for text in before if text not in after),
        tuple(text for text in after if text not in before),
    )


def _compare_grades(old: GradesPart | None, new: GradesPart | None) -> tuple[GradeChange, ...]:
    grades = {rule.grade for part in (old, new) if part is not None for rule in part.grades}
    return tuple(
        GradeChange(
            grade,
            _say_rules(old, grade),
            _say_rules(new, grade),
            _join_sentences(old, grade),
            _join_sentences(new, grade),
        )
        for grade in sorted(grades)
    )


def _say_rules(part: GradesPart | None, grade: int) -> tuple[str, ...]:
    rules = () if part is None else part.grades
    # A clause that a laboratory value cannot decide is wording: it changes no grade.
    own = [rule for rule in rules if rule.grade == grade and rule.lab_gradable]
    return () if part is None else tuple(say_rule(rule, part.unit) for rule in own)


def _join_sentences(part: GradesPart | None, grade: int) -> str:
    """The clauses of a grade as the source joins them: a semicolon is "or"."""
    return "; ".join(rule.text for rule in (() if part is None else part.grades) if rule.grade == grade)
