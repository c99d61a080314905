"""Graded terms: half-lines of values, mildest to worst."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Annotated, Literal

from pydantic import Field, field_validator

from cytopenia.definition_forms.base import (
    Condition,
    Cut,
    Flag,
    Form,
    Head,
    LimitOfNormal,
    MultipleOfBaseline,
    OneCut,
    Whole,
)
from cytopenia.definition_forms.checking import check
from cytopenia.definition_forms.counting import Confirm, Counting, Landing

__all__ = ["GradeRule", "GradesDefinition", "GradesPart", "RemovedPart"]

_EVERY_DAY = 10_000


class GradeRule(OneCut):
    """One half-line: every value beyond the cut has at least this grade.

    A rule that a laboratory value cannot decide has no cut and `lab_gradable = false`; it keeps the official
    words and is never assigned. With `days` the cut must be met on so many days of the window, counted as the
    part says; "all" means from the beginning to the last day at risk. Several rules of one grade are
    alternatives: any one is enough.
    """

    grade: Whole = Field(ge=1, le=5)
    below: Cut | None = None
    at_most: Cut | None = None
    above: Cut | None = None
    at_least: Cut | None = None
    days: Annotated[Whole, Field(ge=1, le=3650)] | Literal["all"] | None = None
    only_if: Condition | None = None
    text: str = Field(min_length=1)
    lab_gradable: Flag = True

    @property
    def said_before(self) -> str:
        """The grade of the rule."""
        return f"grade {self.grade}: "

    @check
    def _has_one_cut(self) -> Iterator[str]:
        given = self.given_cuts
        if self.lab_gradable and len(given) != 1:
            yield f"grade {self.grade}: needs exactly one of below, at_most, above, at_least; got {given}"
        elif not self.lab_gradable and given:
            yield f"grade {self.grade}: a rule that is not lab_gradable has no cut; got {given}"
        elif self.only_if is not None and not (given and self.only_if.is_sick_below is self.is_sick_below):
            yield f"grade {self.grade}: only_if must stand beside a cut and point the same way"

    @property
    def cut(self) -> float | LimitOfNormal | MultipleOfBaseline:
        """The cut in the unit of the definition, or a multiple of the limit of normal or the baseline."""
        return getattr(self, self.comparator)


class GradesPart(Form):
    """The grades of one analyte.

    A part without `window` and `landmark` grades single values, and a course by its worst value in the window
    of the protocol. A part with `counting` grades courses only: days are counted over its own window. A part
    with `landmark` grades the value nearest to a day.
    """

    title: str = Field(min_length=1)
    analyte: str
    unit: str
    grades: tuple[GradeRule, ...] = Field(min_length=1)
    window: tuple[Whole, Whole] | None = None
    landmark: Landing | None = None
    counting: Counting | None = None
    confirm: Confirm | None = None
    assumptions: tuple[str, ...] = ()
    note: str | None = None

    @check
    def _begins_before_it_ends(self) -> Iterator[str]:
        if self.window is not None and self.window[0] > self.window[1]:
            yield f"window {list(self.window)} must begin before it ends"

    @check
    def _has_one_kind_of_days(self) -> Iterator[str]:
        if self.window is not None and self.landmark is not None:
            yield "needs one of window, landmark; got both"

    @check
    def _has_what_its_rules_need(self) -> Iterator[str]:
        counts = any(rule.days is not None for rule in self.grades)
        if (counts or self.confirm is not None) and (self.counting is None or self.window is None):
            yield "rules with `days` and `confirm` need a window and a counting table"
        if self.counting is not None and (not counts and self.confirm is None):
            yield "counting belongs to rules with `days`, or to a part with `confirm`"

    @check
    def _knows_when_all_days_begin(self) -> Iterator[str]:
        counts_all = any(rule.days == "all" for rule in self.grades)
        if counts_all and self.counting is not None and self.counting.all_days_from is None:
            yield 'a rule with days = "all" needs counting.all_days_from'

    @property
    def own_window(self) -> tuple[int, int] | None:
        """The days that the definition itself looks at; None where the protocol says."""
        return self.window if self.landmark is None else self.landmark.window

    @property
    def lab_rules(self) -> tuple[GradeRule, ...]:
        """The rules that a laboratory value can decide, mildest first."""
        return tuple(sorted((rule for rule in self.grades if rule.lab_gradable), key=lambda r: r.grade))

    @property
    def needs_limit(self) -> bool:
        """Whether a rule is relative to the lower limit of normal of the row."""
        return any(isinstance(cut, LimitOfNormal) for cut in self._cuts)

    @property
    def needs_baseline(self) -> bool:
        """Whether a rule is relative to the patient's baseline."""
        return any(isinstance(cut, MultipleOfBaseline) for cut in self._cuts)

    @property
    def _cuts(self) -> list[float | LimitOfNormal | MultipleOfBaseline | None]:
        return [cut for rule in self.lab_rules for cut in (rule.cut, rule.only_if and rule.only_if.cut)]

    @field_validator("grades")
    @classmethod
    def _has_no_easier_rule_at_a_higher_grade(cls, grades: tuple[GradeRule, ...]) -> tuple[GradeRule, ...]:
        rules = sorted((rule for rule in grades if rule.lab_gradable), key=lambda rule: rule.grade)
        if not rules:
            raise ValueError("no rule has a cut; a laboratory value can decide nothing")
        if len({rule.is_sick_below for rule in rules}) > 1:
            raise ValueError("all rules must point the same way: below/at_most, or above/at_least")
        once = [(rule.grade, type(rule.cut)) for rule in rules if rule.days is None]
        if len(set(once)) < len(once):
            raise ValueError(
                "two rules of the same grade with the same kind of cut; without `days` each grade has one"
            )
        # A number, a limit of normal and a baseline have no order before laboratory and patient are known.
        for kind in dict.fromkeys(type(rule.cut) for rule in rules):
            alike = [rule for rule in rules if type(rule.cut) is kind]
            for milder, worse in combinations(alike, 2):
                if worse.grade > milder.grade and _is_easier(worse, milder):
                    raise ValueError(
                        f"grade {worse.grade} ({_name_rule(worse)}) is easier to reach than"
                        f" grade {milder.grade} ({_name_rule(milder)})"
                    )
        return grades


def _size(cut: float | LimitOfNormal | MultipleOfBaseline) -> float:
    if isinstance(cut, LimitOfNormal):
        return cut.lln
    return cut.baseline if isinstance(cut, MultipleOfBaseline) else cut


def _name_rule(rule: GradeRule) -> str:
    number = f"{rule.comparator} {_size(rule.cut):g}"
    days = "" if rule.days is None else f" on {rule.days} days"
    if isinstance(rule.cut, LimitOfNormal):
        return f"{number} x lln{days}"
    return f"{number} x baseline{days}" if isinstance(rule.cut, MultipleOfBaseline) else number + days


def _needed_days(rule: GradeRule) -> int:
    return _EVERY_DAY if rule.days == "all" else rule.days or 1


def _is_easier(worse: GradeRule, milder: GradeRule) -> bool:
    """Whether the rule of the worse grade takes a course that the rule of the milder grade does not.

    It does where its cut takes more values on no more days, or as many values on fewer days.
    """
    if milder.only_if not in (None, worse.only_if):
        return True
    distance = _size(worse.cut) - _size(milder.cut)
    if not worse.is_sick_below:
        distance = -distance
    includes_cut = worse.comparator in ("at_most", "at_least")
    milder_excludes = milder.comparator in ("below", "above")
    takes_more = distance > 0 or (distance == 0 and includes_cut and milder_excludes)
    takes_as_much = takes_more or (distance == 0 and (includes_cut or milder_excludes))
    more_days = _needed_days(worse) - _needed_days(milder)
    return (takes_more and more_days <= 0) or (takes_as_much and more_days < 0)


class RemovedPart(Form):
    """A term that this version no longer has, and what to use instead."""

    text: str = Field(min_length=1)
    use: str = Field(min_length=1)


class GradesDefinition(Head):
    """A set of graded terms, one part per analyte."""

    kind: Literal["grades"]
    parts: dict[str, GradesPart] = Field(min_length=1)
    removed: dict[str, RemovedPart] = Field(default_factory=dict)

    @property
    def part_names(self) -> tuple[str, ...]:
        """Names of the terms."""
        return tuple(self.parts)

    @property
    def analyte_units(self) -> tuple[tuple[str, str], ...]:
        """Analyte and unit of each term."""
        return tuple((part.analyte, part.unit) for part in self.parts.values())
