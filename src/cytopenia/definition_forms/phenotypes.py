"""Phenotypes: the shape of a recovery, one of a closed set of names, by falls, runs and second dips."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from cytopenia.definition_forms.base import CutName, Form, Head, PlainCut, Status, Whole
from cytopenia.definition_forms.checking import check
from cytopenia.definition_forms.counting import Counting

__all__ = [
    "SECOND_DIP",
    "AplasticRule",
    "DipRule",
    "FallRule",
    "Judging",
    "PhenotypeDefinition",
    "PhenotypeRecovery",
]

SECOND_DIP = "second_dip"
Day = Annotated[Whole, Field(ge=0, le=3650)]
RunDays = Annotated[Whole, Field(ge=1, le=60)]
Shape = Literal["aplastic", "intermittent", "quick"]


class _CutRule(PlainCut):
    """A cut with its source; only the comparators that the rule may have."""

    allowed: ClassVar[tuple[CutName, ...]] = ("below", "at_most")

    status: Status
    text: str | None = None


class FallRule(_CutRule):
    """The count below which a patient has fallen; who never fell has no recovery to speak of."""


class PhenotypeRecovery(_CutRule):
    """The count above which a patient has recovered, and on how many days in a row, after the first fall."""

    allowed: ClassVar[tuple[CutName, ...]] = ("above", "at_least")
    days: RunDays
    from_day: Day = 0


class DipRule(_CutRule):
    """The count of a second dip after recovery, on how many days in a row, from which day on."""

    days: RunDays
    from_day: Day = 0


class AplasticRule(_CutRule):
    """The count of an aplastic course, and how long it lasts without interruption."""

    days: RunDays


class Judging(Form):
    """What a source on phenotypes seldom says: which name wins, and who has none.

    `without_recovery` names those who fell and did not recover in the window; `died_early` those who died in
    it before anything that names a phenotype had happened. A label that rests on what did not happen is given
    only to whoever was measured on or after `seen_until_day`.
    """

    status: Status
    precedence: tuple[Shape, Shape, Shape]
    without_recovery: Literal["own_label", "aplastic"]
    died_early: Literal["own_label", "as_observed"]
    seen_until_day: Day

    @check
    def _names_each_once(self) -> Iterator[str]:
        if len(set(self.precedence)) < len(self.precedence):
            yield "precedence needs each of aplastic, intermittent, quick once"


class PhenotypeDefinition(Head):
    """The phenotypes of one analyte over one window."""

    kind: Literal["phenotype"]
    analyte: str
    unit: str
    window: tuple[Whole, Whole]
    fall: FallRule
    recovery: PhenotypeRecovery
    second_dip: DipRule
    aplastic: AplasticRule | None = None
    judging: Judging
    counting: Counting
    assumptions: tuple[str, ...] = ()

    @property
    def part_names(self) -> tuple[str, ...]:
        """The second dip is a yes/no outcome of its own."""
        return (SECOND_DIP,)

    @property
    def analyte_units(self) -> tuple[tuple[str, str], ...]:
        """The one analyte and its unit."""
        return ((self.analyte, self.unit),)

    @check
    def _begins_before_it_ends(self) -> Iterator[str]:
        if self.window[0] > self.window[1]:
            yield f"window {list(self.window)} must begin before it ends"

    @check
    def _recovers_in_its_window(self) -> Iterator[str]:
        yield from self._find_late("recovery.from_day", self.recovery.from_day)

    @check
    def _dips_in_its_window(self) -> Iterator[str]:
        yield from self._find_late("second_dip.from_day", self.second_dip.from_day)

    @check
    def _is_seen_in_its_window(self) -> Iterator[str]:
        yield from self._find_late("judging.seen_until_day", self.judging.seen_until_day)

    def _find_late(self, name: str, day: int) -> Iterator[str]:
        first, last = self.window
        if first <= last < day:
            yield f"{name} lies after the window, which ends on day {last}"

    @check
    def _has_a_name_for_everybody(self) -> Iterator[str]:
        if self.aplastic is None and self.judging.without_recovery != "aplastic":
            yield (
                'nobody could be aplastic: give an [aplastic] table, or judging.without_recovery = "aplastic"'
            )

    @check
    def _has_cuts_in_order(self) -> Iterator[str]:
        low: dict[str, _CutRule] = {"fall": self.fall, "second_dip": self.second_dip}
        if self.aplastic is not None:
            low["aplastic"] = self.aplastic
        for name, rule in low.items():
            if _overlap(rule, self.recovery):
                yield f"a count can meet both {name} and recovery; set them apart"
        if self.aplastic is not None and _size(self.aplastic) > _size(self.fall):
            yield "aplastic has a higher cut than fall; nobody is aplastic without having fallen"

    @check
    def _counts_whole_days(self) -> Iterator[str]:
        counting = self.counting
        unused = {
            "round_to": counting.round_to is not None,
            "all_days_from": counting.all_days_from is not None,
            "joins_end": counting.joins_end,
            "days": counting.days is not None,
        }
        given = [name for name, is_given in unused.items() if is_given]
        if given:
            yield f"counting: {', '.join(given)} does not go with phenotypes; remove it"

    @property
    def low_lines(self) -> tuple[tuple[CutName, float], ...]:
        """The different cuts of low counts, the lowest first."""
        rules = [self.fall, self.second_dip, *([] if self.aplastic is None else [self.aplastic])]
        return tuple(dict.fromkeys((rule.comparator, rule.cut) for rule in sorted(rules, key=_size)))


def _size(rule: _CutRule) -> tuple[float, bool]:
    """Order of low cuts: of equal numbers the one that includes its cut is the wider."""
    return rule.cut, rule.comparator == "at_most"


def _overlap(low: _CutRule, high: _CutRule) -> bool:
    """Whether one number can meet both."""
    share_cut = low.comparator == "at_most" and high.comparator == "at_least"
    return low.cut > high.cut or (low.cut == high.cut and share_cut)
