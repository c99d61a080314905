"""Clinical scales: bedside findings graded line by line, and fever in neutropenia."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

from pydantic import Field, field_validator

from cytopenia.bedside_inputs import load_bedside_inputs
from cytopenia.definition_forms.base import Form, Head, Number, PlainCut, Status, Whole
from cytopenia.definition_forms.checking import check
from cytopenia.errors import suggest_name

__all__ = [
    "BedsideDefinition",
    "BedsideLevel",
    "BedsideLine",
    "BedsideRequirement",
    "BedsideRule",
    "ClinicalGrade",
    "FeverCounting",
    "FeverDefinition",
    "NeutropeniaCut",
    "SustainedCut",
]


class BedsideLevel(Form):
    """Words of one input that have the same grade; with `up_to` the word alone does not settle the grade."""

    words: tuple[str, ...] = Field(min_length=1)
    grade: Whole = Field(ge=0, le=4)
    up_to: Whole | None = Field(default=None, ge=1, le=4)
    text: str = ""

    @check
    def _rises(self) -> Iterator[str]:
        if self.up_to is not None and self.up_to <= self.grade:
            yield f"up_to is {self.up_to}; it must lie above grade {self.grade}"

    @check
    def _says_what_it_means(self) -> Iterator[str]:
        if self.most > 0 and not self.text:
            yield f"{', '.join(self.words)}: 'text' is missing; a grade above 0 needs its sentence"

    @property
    def most(self) -> int:
        """The highest grade that the words can stand for."""
        return self.grade if self.up_to is None else self.up_to


class BedsideRule(PlainCut):
    """One half-line of a number: every value beyond the cut has at least this grade."""

    grade: Whole = Field(ge=1, le=4)
    text: str = Field(min_length=1)


class BedsideLine(Form):
    """One line of a scale: an input and the grade of each of its words or values.

    A number that is not given says nothing where another input shows that there is none (`none_if`: the
    fraction of oxygen where no oxygen is given). Below `from_age_years` the input does not hold.
    """

    input: str
    levels: tuple[BedsideLevel, ...] = ()
    rules: tuple[BedsideRule, ...] = ()
    none_if: dict[str, str] = Field(default_factory=dict)
    from_age_years: Number | None = None
    note: str | None = None

    @check
    def _fits_its_input(self) -> Iterator[str]:
        known = load_bedside_inputs()
        if self.input not in known:
            yield f"unknown input '{self.input}'{suggest_name(self.input, known)}; known: {', '.join(known)}"
            return
        item = known[self.input]
        if bool(self.levels) == bool(self.rules) or item.is_number != bool(self.rules):
            wanted = "rules" if item.is_number else "levels"
            yield f"'{self.input}' needs {wanted}, and nothing else"
        elif problem := self._check_words(item.words) or self._check_rules():
            yield problem

    @check
    def _names_words_of_inputs(self) -> Iterator[str]:
        known = load_bedside_inputs()
        for name, word in self.none_if.items():
            if name not in known or word not in known[name].words:
                yield f"{self.input}: none_if names '{name} = {word}', which is no input with that word"

    def _check_words(self, allowed: tuple[str, ...]) -> str:
        given = [word for level in self.levels for word in level.words]
        unknown = [word for word in given if word not in allowed]
        if unknown:
            hint = suggest_name(unknown[0], allowed)
            return f"{self.input} has no word '{unknown[0]}'{hint}; allowed: {', '.join(allowed)}"
        twice = [word for word in given if given.count(word) > 1]
        if twice:
            return f"{self.input}: '{twice[0]}' stands in two levels"
        absent = [word for word in allowed if self.levels and word not in given]
        return f"{self.input}: no level for {', '.join(absent)}" if absent else ""

    def _check_rules(self) -> str:
        ordered = sorted(self.rules, key=lambda rule: rule.grade)
        downward = {rule.comparator in ("below", "at_most") for rule in ordered}
        if len(downward) > 1:
            return f"{self.input}: all rules must point the same way: below/at_most, or above/at_least"
        for milder, worse in pairwise(ordered):
            step = worse.cut - milder.cut
            if milder.grade == worse.grade or (step >= 0 if downward == {True} else step <= 0):
                return f"{self.input}: grade {worse.grade} is as easy to reach as grade {milder.grade}"
        return ""

    @property
    def most(self) -> int:
        """The highest grade of the line."""
        return max([*(level.most for level in self.levels), *(rule.grade for rule in self.rules)])


class BedsideRequirement(PlainCut):
    """What every grade needs: a temperature, unless treatment hides it after the diagnosis was made."""

    input: Literal["temperature"]
    unit: str
    grade: Whole = Field(ge=1, le=4)
    text: str = Field(min_length=1)
    hidden_by: str | None = None
    once: str | None = None
    hidden_text: str = ""

    @check
    def _names_yes_no_inputs(self) -> Iterator[str]:
        known = load_bedside_inputs()
        for name in (self.hidden_by, self.once):
            if name is not None and (name not in known or "yes" not in known[name].words):
                yield f"'{name}' is no yes/no input"
        if (self.hidden_by is None) != (self.once is None):
            yield "hidden_by and once belong together"


class ClinicalGrade(Form):
    """A grade that these inputs never decide, with its words."""

    grade: Whole = Field(ge=1, le=5)
    text: str = Field(min_length=1)
    lab_gradable: Literal[False] = False


class BedsideDefinition(Head):
    """A scale graded from bedside findings: the grade is that of the worst line."""

    kind: Literal["bedside"]
    term: str = Field(min_length=1)
    requirement: BedsideRequirement | None = None
    lines: tuple[BedsideLine, ...] = Field(min_length=1)
    clinical: tuple[ClinicalGrade, ...] = ()
    assumptions: tuple[str, ...] = ()

    @field_validator("lines")
    @classmethod
    def _names_each_input_once(cls, lines: tuple[BedsideLine, ...]) -> tuple[BedsideLine, ...]:
        names = [line.input for line in lines]
        if len(set(names)) < len(names):
            raise ValueError("two lines have the same input")
        for absent in [name for line in lines for name in line.none_if if name not in names]:
            raise ValueError(f"none_if names {absent}, which has no line")
        return lines

    @property
    def inputs(self) -> tuple[str, ...]:
        """Every input that can change the grade, in the order of the file."""
        rule = self.requirement
        gate = () if rule is None else tuple(filter(None, (rule.input, rule.hidden_by, rule.once)))
        return tuple(dict.fromkeys([*gate, *(line.input for line in self.lines)]))

    @property
    def analyte_units(self) -> tuple[tuple[str, str], ...]:
        """The temperature with its unit, where the scale has one."""
        return () if self.requirement is None else ((self.requirement.input, self.requirement.unit),)


class SustainedCut(PlainCut):
    """A temperature that must hold for longer than a time."""

    longer_than_minutes: Whole = Field(ge=1, le=1440)


class FeverCounting(Form):
    """What the source does not say about the count and the readings."""

    status: Status
    count_days_before: Whole = Field(ge=0, le=7)
    night_gap_minutes: Whole = Field(ge=1, le=1440)


class NeutropeniaCut(PlainCut):
    """The neutrophil count that makes a fever a febrile neutropenia."""

    analyte: str
    unit: str


class FeverDefinition(Head):
    """Fever while neutrophils are low: one reading above a cut, or readings at a lower cut that last."""

    kind: Literal["fever"]
    term: str = Field(min_length=1)
    grade: Whole = Field(ge=1, le=5)
    count: NeutropeniaCut
    temperature: str = "temperature"
    temperature_unit: str
    single: PlainCut
    sustained: SustainedCut
    counting: FeverCounting
    clinical: tuple[ClinicalGrade, ...] = ()
    assumptions: tuple[str, ...] = ()

    @property
    def analyte_units(self) -> tuple[tuple[str, str], ...]:
        """The count and the temperature, with their units."""
        return ((self.count.analyte, self.count.unit), (self.temperature, self.temperature_unit))
