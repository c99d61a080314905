"""What a published cohort is: who the patients are, and each printed incidence with its definition."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from cytopenia.definition_forms import Form
from cytopenia.definition_forms.checking import check
from cytopenia.published.category_counts import find_category_counts
from cytopenia.published.claim_parts import ClaimId, PrintedCount, PrintedNumber
from cytopenia.published.printed_bounds import CONVENTIONS, bound_number

__all__ = [
    "AMONG_WORDS",
    "DEATH_WORDS",
    "EVIDENCE_WORDS",
    "LINEAGE_WORDS",
    "Cohort",
    "CountFound",
    "Incidence",
    "LeftOut",
]

Evidence = Literal["paper", "abstract", "label", "manufacturer", "review", "cited"]
EVIDENCE_WORDS: dict[Evidence, str] = {
    "paper": "read in the paper",
    "abstract": "from the abstract",
    "label": "from the label",
    "manufacturer": "from the manufacturer",
    "review": "from a review",
    "cited": "as another paper cites it",
}
Among = Literal["treated", "evaluable", "responders", "followed", "not_stated"]
AMONG_WORDS: dict[Among, str] = {
    "treated": "all treated patients",
    "evaluable": "patients who could be evaluated",
    "responders": "patients who responded",
    "followed": "patients still followed",
    "not_stated": "not stated",
}
Deaths = Literal["kept", "left_out", "not_stated"]
DEATH_WORDS: dict[Deaths, str] = {
    "kept": "early deaths are in the denominator",
    "left_out": "early deaths are left out",
    "not_stated": "what became of early deaths is not stated",
}
Lineage = Literal["neutropenia", "anemia", "thrombocytopenia", "any_lineage", "febrile_neutropenia"]
LINEAGE_WORDS: dict[Lineage, str] = {
    "neutropenia": "neutropenia",
    "anemia": "anemia",
    "thrombocytopenia": "thrombocytopenia",
    "any_lineage": "any lineage",
    "febrile_neutropenia": "febrile neutropenia",
}
Origin = Literal["stated", "unique", "several", "none", "doubted"]
HUNDRED = 100
Text = Annotated[str, Field(min_length=1)]


@dataclass(frozen=True)
class CountFound:
    """The numerator of an incidence, None where it is not known for certain, and how it was found."""

    count: int | None
    origin: Origin
    words: str


class Incidence(Form):
    """One printed incidence.

    `graded_by` are the addresses of our definitions that say the same; of several, any one is the event.
    `question` is the name that incidences of the same definition and days share; without one, nothing else is
    known to be the same. `doubt` says why no numerator is taken from a percentage.
    """

    id: ClaimId
    lineage: Lineage
    definition: Text
    question: ClaimId | None = None
    graded_by: tuple[Text, ...] = ()
    min_grade: int | None = None
    days: tuple[int, int] | None = None
    died_before_landmark: Literal["exclude", "not_recovered", "competing_event"] | None = None
    window: Text
    who: Text
    among: Among
    deaths: Deaths
    denominator: PrintedCount
    numerator: PrintedCount | None = None
    percent: PrintedNumber | None = None
    evidence: Evidence
    source: Text
    url: str = ""
    doubt: str = ""
    note: str = ""

    @check
    def _has_a_denominator(self) -> Iterator[str]:
        if not self.patients:
            yield "denominator 0: nobody can have had the event"

    @check
    def _has_a_figure(self) -> Iterator[str]:
        if self.numerator is None and self.percent is None:
            yield "needs a numerator or a percent"
        if self.percent is not None and not 0 <= Decimal(self.percent) <= HUNDRED:
            yield f"percent is {self.percent}; allowed: 0 to 100"

    @check
    def _has_a_numerator_that_is_possible(self) -> Iterator[str]:
        if self.numerator is None or not self.patients:
            return
        if int(self.numerator) > self.patients:
            yield f"numerator {self.numerator} is more than the denominator {self.denominator}"
        elif self.percent is not None and not self._prints():
            printed = f"{self.numerator} of {self.denominator} does not print as {self.percent}%"
            yield f"{printed}, rounded or cut off"

    @check
    def _has_days_that_rise(self) -> Iterator[str]:
        if self.days is not None and self.days[0] > self.days[1]:
            yield f"days {list(self.days)} must rise"

    @check
    def _has_a_definition_to_grade_by(self) -> Iterator[str]:
        names = ("min_grade", "days", "died_before_landmark")
        beside = [name for name in names if getattr(self, name) is not None]
        if beside and not self.graded_by:
            yield f"{', '.join(beside)} goes with graded_by; give the address of a definition"
        if self.graded_by and self.question is None:
            yield "graded_by needs a question: the name that the same definition has elsewhere"

    def _prints(self) -> bool:
        share = 100 * Decimal(str(self.numerator)) / self.patients
        return any(bound_number(str(self.percent), one).holds(share) for one in CONVENTIONS)

    @property
    def patients(self) -> int:
        """The denominator."""
        return int(self.denominator)

    @cached_property
    def counted(self) -> CountFound:
        """The numerator: as stated, else the only whole number that rounds to the percentage, else none."""
        if self.numerator is not None:
            return CountFound(int(self.numerator), "stated", "stated in the source")
        if self.doubt:
            return CountFound(None, "doubted", self.doubt)
        search = find_category_counts([str(self.percent)], self.patients, is_complete=False)
        counts = [item.counts[0] for item in search.found] if search.convention == "rounded" else []
        of, printed = f"of {self.denominator}", f"{self.percent}%"
        if not counts:
            return CountFound(None, "none", f"no count {of} rounds to {printed}")
        if len(counts) == 1:
            return CountFound(counts[0], "unique", f"the only count {of} that rounds to {printed}")
        first, last = counts[0], counts[-1]
        words = f"{first} and {last} {of} both" if len(counts) == 2 else f"{first} to {last} {of} all"
        return CountFound(None, "several", f"{words} round to {printed}")


class Cohort(Form):
    """Patients of one trial, center or registry, and what was printed of them.

    `shares_patients_with` are cohorts that have, or may have, patients in common with it.
    """

    id: ClaimId
    name: Text
    citation: Text
    doi: str = ""
    url: str = ""
    disease: Text
    product: Text
    shares_patients_with: tuple[ClaimId, ...] = ()
    note: str = ""
    incidences: tuple[Incidence, ...] = Field(min_length=1)

    @property
    def link(self) -> str:
        """Where the source stands."""
        return f"https://doi.org/{self.doi}" if self.doi else self.url


class LeftOut(Form):
    """Something that was read and is not given as an incidence, and why."""

    name: Text
    says: str = ""
    reason: Text
