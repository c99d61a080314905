"""What an explanation of one patient holds: numbers and names, no sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = [
    "AnalyteSeries",
    "Answer",
    "AnswerRange",
    "Change",
    "Confirmation",
    "CountConflict",
    "CourseEvent",
    "CutLine",
    "ExplainedDay",
    "LeftOut",
    "Measurement",
    "OpenStop",
    "OutcomeExplanation",
    "PatientExplanation",
    "RuleText",
    "SeriesDay",
    "Settling",
    "StopRange",
    "SupportCourse",
]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the kernel says of one outcome; numbers as in the outcomes table."""

    policy: float | None
    best: float | None
    worst: float | None
    label: str | None
    possible_labels: str | None
    decided: bool

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Answer:
        """Return the answer of a row of the outcomes table."""
        names = ("policy", "best", "worst", "label", "possible_labels", "decided")
        return cls(**{name: row[name] for name in names})


@dataclass(frozen=True, kw_only=True)
class AnswerRange:
    """The values of one further measurement that have the same answer; `high` is None without an end."""

    low: float
    high: float | None
    includes_low: bool
    includes_high: bool
    answer: Answer


@dataclass(frozen=True, kw_only=True)
class Settling:
    """What one further measurement on one unmeasured day would have said, value by value.

    `settles` holds where every value decides the outcome. `given` are the numbers among the ends of the
    ranges that nobody computed: cuts and measured values.
    """

    analyte: str
    day: int
    settles: bool
    ranges: tuple[AnswerRange, ...]
    given: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StopRange:
    """The last days of support, in a row, that have the same answer; `last` None: any later day as well.

    `later` is set where it is not the answer that is the same but the days from the last day of support to
    the day of recovery; `answer` is then that of the first day.
    """

    first: int
    last: int | None
    answer: Answer
    later: int | None = None


@dataclass(frozen=True, kw_only=True)
class OpenStop:
    """Support whose unrecorded stop leaves an outcome open, and what each stop would have said.

    `settles` holds where every stop decides the outcome.
    """

    kind: str
    start: int
    settles: bool
    answers: tuple[StopRange, ...]


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing that would change the answer, and the answer that it gives.

    `kind` is "more_days" (values on all of these days, beside the days that decided), "any_day" (one value on
    any day), "one_day" (one value on one of these days, and on no other), "without_row" (without this
    measurement), "values" (values on all of these days, if any) or "all_values" (values of every lineage on
    these days). `support` is what the patient would have had to do without. What is said of all values
    beyond a cut holds for all that were tried: `answer` is the lowest of theirs, with the bounds of all,
    `or_higher` says that some gave a higher grade, and `sometimes_decided` that some gave a decided one.
    """

    kind: str
    analyte: str | None
    comparator: str | None
    cut: float | None
    days: tuple[int, ...]
    source_row: int | None
    support: tuple[str, ...]
    answer: Answer
    or_higher: bool
    sometimes_decided: bool


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One value as the file has it, in the canonical unit of its analyte; `origin` says how it was computed.

    A computed value has the row of the percentage of neutrophils.
    """

    analyte: str
    day: int
    value: float
    comparator: str
    source_row: int
    origin: str | None = None


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """One row of the file that was not judged, and why; `value` None where there is no number."""

    analyte: str
    day: int
    value: float | None
    comparator: str
    source_row: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class ExplainedDay:
    """One day behind an outcome.

    `role`, `state` and `verdict` are those of the evidence table. `low` and `high` are what the day can have
    been (`high` None: no upper end), `filled` what the definition takes for it. `before` and `after` are the
    nearest measurements of an unmeasured day, for a cell of a recovery also white cells that fail it;
    `low_by` and `high_by` are measurements farther away that set an end of what it can have been.
    `values_that_day` counts the valid values of the analyte.
    `open_support` is support of an unrecorded stop, by kind and first day, that may have lasted to this day.
    """

    analyte: str
    day: int
    role: str
    state: str
    verdict: str
    low: float | None
    high: float | None
    filled: float | None
    measurement: Measurement | None
    values_that_day: int
    before: Measurement | None
    after: Measurement | None
    low_by: Measurement | None
    high_by: Measurement | None
    support: tuple[str, ...]
    open_support: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class RuleText:
    """A rule in words and in its official sentence; `grade` None where it has none."""

    grade: int | None
    words: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """Measured days that meet the cut of a confirmation, fewer than the definition asks for."""

    comparator: str
    cut: float
    needed: int
    measured: tuple[Measurement, ...]


@dataclass(frozen=True)
class CountConflict:
    """Neutrophils above the white cells of the same draw: the day, and the two rows of the file."""

    day: int
    anc_row: int
    wbc_row: int


@dataclass(frozen=True, kw_only=True)
class OutcomeExplanation:
    """One outcome of one patient.

    `row` is the row of the outcomes table, `possible` the answer if every unmeasured day could have been
    anything. `kind` is "grade", "days", "landmark", "recovery", "recovery_time", "fever", "phenotype",
    "second_dip" or "any_of". `counting` says how days are counted, where they are. `filled` are the days
    that the definition takes a value for, `left_out` rows of its days that are not judged. `was_asked` says
    that every unmeasured day was tried for `settling`, but for those of the analytes in `untried`, of which
    nothing was measured; `together` are the days whose values would have
    settled it only all at once. `stops` is support whose unrecorded stop matters; `stops_settle` holds where
    all of these stops, whatever they were, would have settled it. `parts` are the answers of the outcomes
    that a combination is made of. `bounded` counts the unmeasured days that another analyte bounds: those
    between near measurements, and those far from any. `readings` counts the days of a fever that have a
    temperature. `confirmation` is there where a grade 0 rests on too few low values. `conflicts` are the
    neutrophils of its days that lie above the white cells of the same draw.
    """

    name: str
    title: str
    kind: str
    min_grade: int | None
    address: str | None
    rules: tuple[RuleText, ...]
    counting: tuple[str, ...]
    citation: str
    window: tuple[int, int] | None
    analytes: tuple[str, ...]
    answer: Answer
    possible: Answer
    row: Mapping[str, Any]
    days: tuple[ExplainedDay, ...]
    filled: tuple[tuple[int, float], ...]
    left_out: tuple[LeftOut, ...]
    settling: tuple[Settling, ...]
    was_asked: bool
    together: tuple[tuple[str, int], ...]
    stops: tuple[OpenStop, ...]
    stops_settle: bool
    changes: tuple[Change, ...]
    parts: tuple[tuple[str, Answer], ...]
    bounded: tuple[int, int]
    untried: tuple[str, ...] = ()
    readings: int | None = None
    confirmation: Confirmation | None = None
    conflicts: tuple[CountConflict, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SeriesDay:
    """One day of a timeline; `state` as in evidence, or "after_death", "next_course", "not_needed"."""

    day: int
    state: str
    low: float | None
    high: float | None
    filled: float | None
    measurement: Measurement | None


@dataclass(frozen=True, kw_only=True)
class CutLine:
    """One cut of a definition, in the canonical unit, and the grade or state it stands for."""

    value: float
    label: str


@dataclass(frozen=True, kw_only=True)
class AnalyteSeries:
    """One analyte by day, with the cuts it is compared with and the outcomes that look at it."""

    analyte: str
    title: str
    unit: str
    days: tuple[SeriesDay, ...]
    left_out: tuple[LeftOut, ...]
    cuts: tuple[CutLine, ...]
    windows: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, kw_only=True)
class SupportCourse:
    """One row of the support table; `stop` None: not recorded."""

    kind: str
    start: int
    stop: int | None
    agent: str | None


@dataclass(frozen=True, kw_only=True)
class CourseEvent:
    """One row of the events table."""

    kind: str
    day: int
    grade: float | None


@dataclass(frozen=True, kw_only=True)
class PatientExplanation:
    """Everything about one patient of a study that a page of explanation shows, still as numbers."""

    study: str
    synthetic: bool
    patient_id: str
    lymphodepletion_day: int | None
    last_contact_day: int | None
    death_day: int | None
    second_infusion_day: int | None
    support: tuple[SupportCourse, ...]
    events: tuple[CourseEvent, ...]
    outcomes: tuple[OutcomeExplanation, ...]
    series: tuple[AnalyteSeries, ...]
