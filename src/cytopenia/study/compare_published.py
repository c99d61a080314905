"""A cohort beside published ones: counts with Wilson's interval, what differs in words, and a summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from cytopenia.published.cohort_forms import (
    AMONG_WORDS,
    DEATH_WORDS,
    EVIDENCE_WORDS,
    LINEAGE_WORDS,
    Incidence,
)
from cytopenia.published.cohorts import AddressedIncidence
from cytopenia.results import ResultRow
from cytopenia.stats.count_effects import estimate_risk
from cytopenia.stats.pooled_proportions import PooledProportion, pool_proportions
from cytopenia.study.analysis_forms import ComparePublished
from cytopenia.study.answers import EXCLUDE, Answers, AnswerSource
from cytopenia.study.plan import Plan
from cytopenia.study.protocol_forms import OutcomeSpec
from cytopenia.study.published_questions import (
    OTHERS,
    PublishedSection,
    find_same_outcome,
    list_sections,
    pick_for_summary,
)

__all__ = ["summarize_published"]

GROUP, STUDY, SUMMARY = "published", "this_study", "summary"
SCENARIOS = ("policy", "best", "worst")
PLAIN_EVENT = "Yes"
METHOD = "random_intercept_logistic"
NO_SHARED_DEFINITION = "the definitions or windows differ, or were not read: nothing is taken together"


@dataclass(frozen=True)
class _Own:
    """The outcome of the study that stands in a section; `is_theirs` if it is graded as they did."""

    answers: Answers
    is_theirs: bool
    days: str

    @property
    def definition(self) -> str:
        """Title, definition and grade in words."""
        spec = self.answers.spec
        grade = f", grade {spec.min_grade} or higher" if spec.min_grade is not None else ""
        by = f" ({spec.definition}{grade})" if spec.definition else ""
        event = self.answers.sides.names[0]
        side = "" if event == PLAIN_EVENT else f": {event.lower()}"
        return f"{self.answers.title}{side}{by}"


def summarize_published(
    analysis: ComparePublished, source: AnswerSource, recoveries: frozenset[str]
) -> Iterator[ResultRow]:
    """Return the study and the published cohorts, section by section.

    Parameters
    ----------
    analysis : ComparePublished
    source : AnswerSource
        Of the run.
    recoveries : set of str
        Outcomes that are a recovery: the event is then not having recovered.

    Notes
    -----
    One section per question, `stratum`; `variable` is "this_study", the address of an incidence, or
    "summary". A percentage of the study is given only if nobody without an answer could change it.
    """
    specs = source.plan.specs
    for section in list_sections(analysis.published):
        same = find_same_outcome(section, specs)
        name = same or analysis.outcome
        answers = source.answer(name, "not_recovered" if name in recoveries else "yes")
        own = _Own(answers, same is not None, _name_days(source.plan, name))
        key = ResultRow(
            analysis_id=analysis.id, group=GROUP, stratum=section.name, variable=STUDY, estimate=""
        )
        yield from _count_study(key, own)
        reasons = pick_for_summary(section)
        for item in section.items:
            row = replace(key, variable=item.address)
            yield from _report_incidence(row, item)
            yield from _tell_differences(row, item.incidence, own)
            if section.name != OTHERS:
                reason = reasons[item.address]
                yield replace(row, estimate="in_summary", value=0 if reason else 1, note=reason)
        yield from _pool(replace(key, variable=SUMMARY), section, reasons)


def _count_study(key: ResultRow, own: _Own) -> Iterator[ResultRow]:
    one = own.answers
    patients, counts = one.denominator, {name: one.count(name) for name in SCENARIOS}
    yield replace(key, estimate="outcome", text=one.outcome)
    yield replace(key, estimate="definition", text=own.definition)
    yield replace(key, estimate="window", text=own.days)
    yield replace(key, estimate="graded_as_theirs", value=int(own.is_theirs))
    why = ""
    if one.not_judged and len(set(counts.values())) > 1:
        people = "1 patient" if one.not_judged == 1 else f"{one.not_judged} patients"
        why = f"{people} could not be judged: the percentage lies between the bounds"
    for scenario, count in counts.items():
        row = replace(key, scenario=scenario, n=patients)
        yield replace(row, estimate="count", value=count)
        yield replace(row, estimate="denominator", value=patients)
        yield _rate(row, count, patients, why if scenario == "policy" else "")
    yield replace(key, estimate="not_judged", value=one.not_judged, scenario="policy", n=patients)


def _rate(key: ResultRow, count: int, patients: int, why: str = "") -> ResultRow:
    """The percentage with Wilson's interval, or why there is none."""
    found = estimate_risk(count, patients)
    row = replace(key, estimate="percent", n=patients)
    if why or found.value is None or found.low is None or found.high is None:
        return replace(row, status="not_estimable", note=why or found.note)
    return replace(row, value=100 * found.value, low=100 * found.low, high=100 * found.high)


def _report_incidence(key: ResultRow, item: AddressedIncidence) -> Iterator[ResultRow]:
    cohort, one = item.cohort, item.incidence
    found, patients = one.counted, one.patients
    yield replace(key, estimate="cohort", text=cohort.name, note=cohort.note)
    yield replace(key, estimate="lineage", text=LINEAGE_WORDS[one.lineage])
    yield replace(key, estimate="patients", text=f"{cohort.disease}; {cohort.product}")
    yield replace(key, estimate="definition", text=one.definition, note=one.note)
    yield replace(key, estimate="window", text=one.window)
    yield replace(
        key, estimate="evidence", text=f"{EVIDENCE_WORDS[one.evidence]}: {one.source}", note=one.url
    )
    yield replace(key, estimate="citation", text=cohort.citation, note=cohort.link)
    yield replace(key, estimate="denominator", value=patients, text=one.who)
    if found.count is None:
        printed = None if one.percent is None else float(one.percent)
        yield replace(key, estimate="count", n=patients, status="not_estimable", note=found.words)
        yield replace(key, estimate="percent", value=printed, n=patients, text="as printed", note=found.words)
        return
    yield replace(key, estimate="count", value=found.count, n=patients, text=found.words)
    yield _rate(key, found.count, patients)


def _tell_differences(key: ResultRow, one: Incidence, own: _Own) -> Iterator[ResultRow]:
    """What the two sides do not have in common; "theirs" and "here"."""
    spec, answers = own.answers.spec, own.answers
    told: dict[str, tuple[str, str]] = {}
    if not own.is_theirs:
        told["definition"] = (one.definition, own.definition)
        if one.window != own.days and (one.days is None or one.days != spec.window):
            told["window"] = (one.window, own.days)
    is_left_out = spec.died_before_landmark == EXCLUDE
    all_here = answers.rows.height
    left = all_here - answers.denominator
    here = f"all {all_here} patients" + (f" but {left} who died before the landmark" if left else "")
    if one.among != "treated" and not (one.deaths == "left_out" and is_left_out and one.among == "evaluable"):
        told["denominator"] = (f"{one.who} ({AMONG_WORDS[one.among]})", here)
    if one.deaths != ("left_out" if is_left_out else "kept"):
        told["deaths"] = (DEATH_WORDS[one.deaths], DEATH_WORDS["left_out" if is_left_out else "kept"])
    for aspect, (theirs, ours) in told.items():
        yield replace(
            key, estimate="difference", variable_level=aspect, text=f"theirs: {theirs}; here: {ours}"
        )


def _pool(key: ResultRow, section: PublishedSection, reasons: Mapping[str, str]) -> Iterator[ResultRow]:
    """The summary of cohorts that asked the same and share no patients, or the reason for none."""
    if section.name == OTHERS:
        yield replace(key, estimate="percent", status="not_done", note=NO_SHARED_DEFINITION)
        return
    taken = [item.incidence for item in section.items if not reasons[item.address]]
    counts = [(one.counted.count or 0, one.patients) for one in taken]
    found = pool_proportions([count for count, _ in counts], [size for _, size in counts])
    row = replace(key, n=found.n, text=METHOD, status=found.status, note=found.note)
    yield replace(row, estimate="cohorts", value=found.cohorts, status="ok", note="")
    yield from _report_pooled(row, found)


def _report_pooled(key: ResultRow, found: PooledProportion) -> Iterator[ResultRow]:
    percents = [
        None if one is None else 100 * one
        for one in (found.proportion, found.low, found.high, found.prediction_low, found.prediction_high)
    ]
    value, low, high, lowest, highest = percents
    yield replace(key, estimate="percent", value=value, low=low, high=high)
    if found.status != "ok":
        return
    yield replace(key, estimate="prediction", value=value, low=lowest, high=highest)
    yield replace(key, estimate="tau_squared", value=found.tau_squared, note="")
    yield replace(key, estimate="i_squared", value=found.i_squared, note="")
    degrees = {"degrees_of_mean": found.degrees_of_mean, "degrees_of_prediction": found.degrees_of_prediction}
    for name, number in degrees.items():
        yield replace(key, estimate=name, value=number, note="")


def _name_days(plan: Plan, outcome: str) -> str:
    """The days of an outcome in words; of a combination those of its parts."""
    spec: OutcomeSpec = plan.specs[outcome]
    if spec.any_of:
        return "; ".join(dict.fromkeys(_name_days(plan, name) for name in spec.any_of))
    landmarks = {one.outcome: one.definition.landmark.day for one in plan.recoveries}
    if outcome in landmarks:
        return f"day {landmarks[outcome]}"
    windows = {name: one.window for one in plan.grades for name in one.outcomes}
    windows |= {one.outcome: one.definition.window for one in plan.phenotypes}
    first, last = spec.window or windows[outcome]
    return f"days {first} to {last}"
