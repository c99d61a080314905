"""The forms of a protocol's factors and analyses: which keys each has, and which go together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, field_validator

from cytopenia.definition_forms import Flag, Form, Number, Whole
from cytopenia.definition_forms.checking import check
from cytopenia.study.analysis_parts import AnalysisForm, Association, Directions, Missing, Resamples
from cytopenia.study.care_forms import ReadWithCare
from cytopenia.study.convention_forms import ComparedConventions, TestedConventions
from cytopenia.study.factor_forms import (
    Day,
    EffectSize,
    Event,
    Factor,
    GroupTest,
    Name,
    NamedTest,
    Parity,
)
from cytopenia.study.prediction_forms import ExternalValidation, Prediction

__all__ = [
    "Adjustment",
    "Analysis",
    "Characteristics",
    "ComparePublished",
    "Crosstab",
    "Cutpoints",
    "Day",
    "Event",
    "ExternalValidation",
    "Factor",
    "Missing",
    "Missingness",
    "Multivariable",
    "Name",
    "NamedTest",
    "Occurrence",
    "Ordinal",
    "Parity",
    "Prediction",
    "Recovery",
    "RiskFactors",
    "Roc",
    "Selection",
    "SideBySide",
    "Survival",
    "TimeToRecovery",
]

FEWEST_DEFINITIONS, MOST_DEFINITIONS = 2, 8
MOST_PUBLISHED = 40


class Adjustment(Form):
    """How P values of tests are adjusted, and for which tests: those of the analysis, or a named family."""

    method: Literal["holm", "benjamini_hochberg"]
    family: Name | None = None


class Characteristics(AnalysisForm):
    """Who the patients are: factors, and cytopenia before treatment.

    With `by` the factors also stand group by group, with a test over all groups. The groups are those of a
    factor with levels, or of an outcome: its grades, or its two sides.
    """

    kind: Literal["characteristics"]
    factors: tuple[str, ...] = ()
    baseline_definition: str | None = None
    by: str | None = None
    tests: dict[str, GroupTest] = Field(default_factory=dict)
    adjust: Adjustment | None = None

    @check
    def _groups_have_their_keys(self) -> Iterator[str]:
        for key in ("tests", "adjust"):
            if self.by is None and getattr(self, key):
                yield f"'{key}' is about groups; name them as by, or remove it"

    @check
    def _groups_are_no_factor(self) -> Iterator[str]:
        if self.by is not None and self.by in self.factors:
            yield f"by = '{self.by}' stands among the factors too; remove it there"


class Occurrence(AnalysisForm):
    """How many patients had each grade, with bounds, and the nadirs."""

    kind: Literal["occurrence"]
    outcomes: tuple[Name, ...] = Field(min_length=1)


class Recovery(AnalysisForm):
    """How many patients had recovered at the landmark, with the logic behind it."""

    kind: Literal["recovery"]
    outcome: Name


class TimeToRecovery(AnalysisForm):
    """Cumulative incidence of recovery, with death as the competing event, at stated days."""

    kind: Literal["time_to_recovery"]
    outcome: Name
    days: tuple[Annotated[Whole, Field(ge=0, le=3650)], ...] = Field(min_length=1, max_length=12)
    by: str | None = None

    @field_validator("days")
    @classmethod
    def _rises(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if list(days) != sorted(set(days)):
            raise ValueError(f"{list(days)} must rise, such as [14, 28, 60, 100]")
        return days


class Cutpoints(Form):
    """How numeric factors become two groups: by the cuts of a ROC analysis, or by stated values.

    The model's group is the one at or above the cut, or below it with `reference = "high"`.
    """

    rule: Literal["youden", "fixed"]
    roc: Name | None = None
    values: dict[str, Number] = Field(default_factory=dict)
    reference: Literal["low", "high"] = "low"

    @check
    def _has_its_source(self) -> Iterator[str]:
        if self.rule == "youden" and (self.roc is None or self.values):
            yield 'rule = "youden" takes its cuts from a ROC analysis: give its id as roc = "..."'
        if self.rule == "fixed" and (self.roc is not None or not self.values):
            yield 'rule = "fixed" needs values, such as values = { anc = 1.0 }, and no roc'


class Selection(Form):
    """Which factors enter the multivariable model: those whose P lies below a limit."""

    screen: Literal["univariable", "test"]
    p_below: Number = Field(gt=0, le=1)


class Multivariable(Form):
    """The multivariable model: named terms, or a selection by univariable P."""

    terms: tuple[str, ...] = ()
    select: Selection | None = None
    method: Literal["maximum_likelihood", "firth"] | None = None

    @check
    def _has_one_rule(self) -> Iterator[str]:
        if bool(self.terms) == (self.select is not None):
            yield "needs exactly one of terms, select"


class Missingness(AnalysisForm):
    """Which values are missing: by factor, by pattern, and on either side of an outcome."""

    kind: Literal["missingness"]
    factors: tuple[str, ...] = Field(min_length=1)
    outcome: Name | None = None
    event: Event | None = None

    @check
    def _names_outcome_and_event_together(self) -> Iterator[str]:
        if (self.outcome is None) != (self.event is None):
            yield "outcome and event go together: give both, or neither"


class _Tested(Association, TestedConventions):
    """Factors tested between the two sides: by the declared rule, or by the test that is named."""

    tests: dict[str, NamedTest] = Field(default_factory=dict)
    adjust: Adjustment | None = None


class RiskFactors(_Tested):
    """Factors against an outcome: groups side by side, tests, univariable and multivariable models."""

    kind: Literal["risk_factors"]
    factors: tuple[str, ...] = Field(min_length=1)
    columns: tuple[Literal["groups", "effect", "p", "univariable", "multivariable"], ...] = Field(
        min_length=1
    )
    normality: Literal["shapiro_wilk", "one_sample_wilcoxon"] | None = None
    cutpoints: Cutpoints | None = None
    multivariable: Multivariable | None = None
    interval: Literal["wald", "profile"] | None = None
    diagnostics: Flag = False
    missing: Missing = Missing()
    read_with_care: ReadWithCare | None = None

    @check
    def _care_has_models(self) -> Iterator[str]:
        if self.read_with_care is not None and not {"univariable", "multivariable"} & {*self.columns}:
            yield ("read_with_care is about odds ratios; add univariable or multivariable to columns")

    @check
    def _interval_has_its_method(self) -> Iterator[str]:
        own = None if self.multivariable is None else self.multivariable.method
        if self.interval is not None and self.own_parity == "default" and own != "maximum_likelihood":
            yield (
                "interval goes with maximum likelihood; Firth's method has the profile of its penalized"
                " likelihood. Remove it"
            )

    @check
    def _imputation_has_columns(self) -> Iterator[str]:
        if self.missing.is_imputed and not {"groups", "p", "univariable", "multivariable"} & {*self.columns}:
            yield (
                "missing = multiple_imputation is for groups, tests and models; add groups, p, univariable or"
                " multivariable to columns"
            )

    @check
    def _columns_have_their_rules(self) -> Iterator[str]:
        if ("multivariable" in self.columns) != (self.multivariable is not None):
            yield (
                "the column 'multivariable' and the key multivariable = { ... } go together: give both, or"
                " neither"
            )

    @check
    def _programs_have_what_they_compute(self) -> Iterator[str]:
        if self.compares_programs and not {"p", "univariable"} & {*self.columns}:
            yield ('parity = "compare" is for tests and models; add "p" or "univariable" to columns')

    @check
    def _tests_have_their_column(self) -> Iterator[str]:
        for key in ("tests", "adjust"):
            if self.__dict__.get(key) and "p" not in self.columns:
                yield f"'{key}' is about the tests of the column 'p'; add \"p\" to columns"

    @check
    def _selection_has_its_column(self) -> Iterator[str]:
        select = None if self.multivariable is None else self.multivariable.select
        needed = {"univariable": "univariable", "test": "p"}.get(select.screen) if select else None
        if needed and needed not in self.columns:
            yield f"multivariable.select screens by the column '{needed}'; add it to columns"


class Ordinal(AnalysisForm):
    """The grade of an outcome against factors, by proportional odds: one odds ratio for every step."""

    kind: Literal["ordinal"]
    outcome: Name
    factors: tuple[str, ...] = Field(min_length=1)
    terms: tuple[str, ...] = ()
    interval: Literal["wald", "profile"] = "profile"


class Roc(Association, Directions, ComparedConventions):
    """ROC curves of numeric factors with their Youden cuts; the direction is declared.

    With `resamples` the cuts are bootstrapped, tested as the best of all, and set beside the association of
    the number itself. With `missing` the areas on imputed values stand beside those of the complete cases.
    """

    kind: Literal["roc"]
    resamples: Resamples | None = None
    missing: Missing = Missing()


class Crosstab(_Tested):
    """One factor against an outcome, level by level, with one test of all and tests of pairs."""

    kind: Literal["crosstab"]
    factor: str
    pairwise: Flag = False
    effects: tuple[EffectSize, ...] = ()

    @field_validator("effects")
    @classmethod
    def _are_named_once(cls, names: tuple[EffectSize, ...]) -> tuple[EffectSize, ...]:
        if len(set(names)) < len(names):
            raise ValueError("names an effect size twice; remove one")
        return names

    @property
    def factors(self) -> tuple[str, ...]:
        """The one factor, as the other kinds name theirs."""
        return (self.factor,)


class Survival(AnalysisForm):
    """Survival from the infusion, or from a landmark: curves, of groups as well, and hazard models.

    `by` is a factor, or an outcome whose state at the landmark makes the groups. `times` and
    `restricted_mean_until` count from where time begins: the infusion, or the landmark if there is one.
    """

    kind: Literal["survival"]
    endpoint: Literal["overall_survival"]
    times: tuple[Annotated[Whole, Field(ge=1, le=7300)], ...] = Field(min_length=1, max_length=12)
    by: str | None = None
    landmark: Annotated[Whole, Field(ge=1, le=3650)] | None = None
    restricted_mean_until: Annotated[Whole, Field(ge=1, le=7300)] | None = None
    second_infusion: Literal["censor", "ignore"] = "censor"
    factors: tuple[str, ...] = ()
    multivariable: Multivariable | None = None
    parity: Parity = "default"

    @field_validator("times")
    @classmethod
    def _rises(cls, times: tuple[int, ...]) -> tuple[int, ...]:
        if list(times) != sorted(set(times)):
            raise ValueError(f"{list(times)} must rise, such as [180, 365]")
        return times

    @field_validator("multivariable")
    @classmethod
    def _is_named_before(cls, rule: Multivariable | None) -> Multivariable | None:
        if rule is not None and rule.select is not None:
            raise ValueError("a model of survival takes terms, named before the data are seen, and no select")
        return rule

    @property
    def candidates(self) -> tuple[str, ...]:
        """What enters a model: the groups first, then the factors."""
        return tuple(dict.fromkeys([*([] if self.by is None else [self.by]), *self.factors]))


class SideBySide(AnalysisForm):
    """One cohort under several named definitions: events, agreement, who changes, an odds ratio under each.

    `events` says which side of an outcome counts; without a word it is "yes". A recovery has no such default.
    """

    kind: Literal["definitions"]
    outcomes: tuple[Name, ...]
    reference: Name | None = None
    events: dict[Name, Event] = Field(default_factory=dict)
    factors: tuple[str, ...] = ()
    parity: Parity = "default"

    @field_validator("outcomes")
    @classmethod
    def _are_few(cls, outcomes: tuple[str, ...]) -> tuple[str, ...]:
        if not FEWEST_DEFINITIONS <= len(outcomes) <= MOST_DEFINITIONS:
            raise ValueError(f"names {len(outcomes)}; allowed: {FEWEST_DEFINITIONS} to {MOST_DEFINITIONS}")
        return outcomes

    @property
    def compared_with(self) -> str:
        """The outcome that the others are compared with: the first one if none is named."""
        return self.reference or self.outcomes[0]

    @property
    def in_order(self) -> tuple[str, ...]:
        """All outcomes, the reference first."""
        first = self.compared_with
        return (first, *(name for name in self.outcomes if name != first))

    def event_of(self, outcome: str) -> Event:
        """The side of an outcome that is its event."""
        return self.events.get(outcome, "yes")


class ComparePublished(AnalysisForm):
    """The cohort beside published ones, under their definition where the study has an outcome graded by it.

    `outcome` stands beside every other one. Of a recovery the event is not having recovered.
    """

    kind: Literal["compare_published"]
    outcome: Name
    published: tuple[str, ...] = Field(min_length=1, max_length=MOST_PUBLISHED)


Analysis = Annotated[
    Characteristics
    | Occurrence
    | Recovery
    | TimeToRecovery
    | RiskFactors
    | Ordinal
    | Roc
    | Crosstab
    | Survival
    | Missingness
    | Prediction
    | ExternalValidation
    | SideBySide
    | ComparePublished,
    Field(discriminator="kind"),
]
