"""One patient of a study explained: the run of a study on this patient alone, and on altered copies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import polars as pl

from cytopenia.contract import Tables
from cytopenia.definition_forms import LimitOfNormal
from cytopenia.errors import DataError, ProtocolError, suggest_name
from cytopenia.grading.explain import (
    Answer,
    Change,
    OpenStop,
    OutcomeExplanation,
    PatientExplanation,
    RuleText,
)
from cytopenia.study.changed_answers import check_change, choose_settling, read_changes, read_settling
from cytopenia.study.counterfactuals import Edit, Kernel, keep_patient
from cytopenia.study.explained_days import explain_day
from cytopenia.study.flow import choose_cohort
from cytopenia.study.open_stops import (
    edit_stops_together,
    list_stop_trials,
    read_stops,
)
from cytopenia.study.outcomes import Progress
from cytopenia.study.outline import as_day, frame_patient
from cytopenia.study.patient_facts import PatientFacts, collect_facts
from cytopenia.study.patient_series import count_bounded, fill_by_outcome, find_unconfirmed, lay_out_series
from cytopenia.study.plan import build_plan
from cytopenia.study.probes import Probe, edit_together, list_probes, list_together
from cytopenia.study.protocol import Study
from cytopenia.study.questions import list_checks, list_trials
from cytopenia.study.subjects import Rule, Subject, list_subjects
from cytopenia.study.trials import Trial, rank_cut
from cytopenia.study.unseen_days import add_unseen, is_unmeasured
from cytopenia.units import load_analytes, show_unit

__all__ = ["explain_in_study", "require_patient"]

Rows = Mapping[str, Mapping[str, Any]]


def explain_in_study(
    study: Study,
    tables: Tables,
    patient_id: str,
    *,
    outcomes: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> PatientExplanation:
    """Return the explanation of one patient: outcomes of the protocol with all that is behind them.

    Parameters
    ----------
    study : Study
    tables : Tables
        As the readers return them, of all patients.
    patient_id : str
    outcomes : sequence of str, optional
        Names of the protocol; all of them by default. The parts of a combination come with it.
    progress : callable, optional

    Raises
    ------
    DataError
        The patient is not in the cohort.
    ProtocolError
        The protocol has no such outcome.
    """
    tell = progress or _say_nothing
    plan = build_plan(study)
    support_complete = study.protocol.study.support_complete and tables.has_support
    subjects = list_subjects(plan, study.library, support_complete=support_complete)
    chosen = _choose_outcomes(subjects, outcomes)
    own = keep_patient(require_patient(study, tables, patient_id), patient_id)
    kernel = Kernel(plan, study.library.bounds, study.protocol.study.bound_anc_by_wbc, study.library.baseline)
    cohort, found = kernel.run(own)
    _, anything = kernel.run(own, anything=True)
    facts = collect_facts(own, cohort, bounds=kernel.bounds, baseline=kernel.baseline)
    patient = _Patient(kernel, subjects, facts, _by_outcome(found), _by_outcome(anything))
    explained = patient.explain(chosen, tell)
    series = lay_out_series([subjects[name] for name in chosen], facts)
    return frame_patient(study, patient_id, facts, series=series, outcomes=explained)


def _say_nothing(label: str, done: int, total: int) -> None:
    del label, done, total


def _by_outcome(frame: pl.DataFrame) -> Rows:
    return {row["outcome"]: row for row in frame.iter_rows(named=True)}


def _choose_outcomes(subjects: Mapping[str, Subject], outcomes: Sequence[str] | None) -> list[str]:
    """The outcomes that were asked for, each combination followed by its parts."""
    if outcomes is None:
        return list(subjects)
    unknown = [name for name in outcomes if name not in subjects]
    if unknown:
        listed = "; ".join(f"no outcome '{name}'{suggest_name(name, subjects)}" for name in unknown)
        raise ProtocolError(f"{listed}. Outcomes of the study: {', '.join(subjects)}")
    named = [part for name in outcomes for part in (name, *subjects[name].parts)]
    return list(dict.fromkeys(named))


def require_patient(study: Study, tables: Tables, patient_id: str) -> Tables:
    """The tables of the cohort, which the patient is in."""
    _, cohort = choose_cohort(study, tables)
    known = cohort.infusions["patient_id"].unique()
    if patient_id in known:
        return cohort
    if patient_id in tables.labs["patient_id"] or patient_id in tables.patients["patient_id"]:
        raise DataError(
            f"patient '{patient_id}' is in the tables but not in the cohort: it needs an infusion, a row in"
            " the patients table and every column of cohort.require. See: cytopenia check"
        )
    count = len(known)
    whose = "1 patient" if count == 1 else f"{count:,} patients"
    hint = suggest_name(patient_id, known.to_list())
    raise DataError(
        f"no patient '{patient_id}' among the {whose} of the cohort{hint}."
        " Write the id as in the patients table."
    )


@dataclass(frozen=True)
class _Patient:
    """The patient as the kernel sees it, and what it said about the patient."""

    kernel: Kernel
    subjects: Mapping[str, Subject]
    facts: PatientFacts
    rows: Rows
    anything: Rows

    def explain(self, chosen: Sequence[str], tell: Progress) -> tuple[OutcomeExplanation, ...]:
        """Every outcome with what the kernel says of its own altered copies of the patient."""
        filled = fill_by_outcome([self.subjects[name] for name in chosen], self.facts)
        explained: list[OutcomeExplanation] = []
        for place, name in enumerate(chosen):
            tell("explaining", place, len(chosen))
            found = self._ask_about(name)
            explained.append(self._describe(name, filled=filled.get(name, {}), **found))
        tell("explaining", len(chosen), len(chosen))
        return tuple(explained)

    def _ask_about(self, name: str) -> dict[str, Any]:
        """What would settle and what would change one outcome."""
        evidence, own = self._list_evidence(name), Answer.of_row(self.rows[name])
        probes, was_asked = self._find_probes(name, evidence)
        together = list_together(probes, evidence)
        edits = [*(edit for probe in probes for edit in probe.edits)]
        joint = edit_together(together)
        edits += joint
        rows = iter(self.kernel.ask(self.facts.tables, edits, outcome=name))
        answers = (Answer.of_row(row) for row in rows)
        settling = [
            read_settling(probe, list(islice(answers, len(probe.candidates.values)))) for probe in probes
        ]
        is_joint = all(answer.decided for answer in list(islice(answers, len(joint))))
        named = {(row["analyte"], row["day"]) for row in evidence if row["role"] == "would settle"}
        shown = choose_settling(settling, own, named=named)
        is_needed = is_joint and not any(item.settles for item in shown)
        stops, stops_settle = self._find_stops(name, own)
        return {
            "settling": shown,
            "was_asked": was_asked,
            "untried": self._list_untried(name) if was_asked else (),
            "together": tuple((probe.analyte, probe.day) for probe in together) if is_needed else (),
            "stops": stops,
            "stops_settle": stops_settle,
            "changes": tuple(self._find_changes(name, evidence, own)),
        }

    def _find_stops(self, name: str, own: Answer) -> tuple[tuple[OpenStop, ...], bool]:
        """What each stop of support without one would have said, where the outcome is open."""
        if own.decided or own.worst is None:
            return (), False
        trials = list_stop_trials(self.subjects[name], self.facts)
        edits = [edit for trial in trials for edit in trial.edits]
        edits += edit_stops_together(trials)
        rows = self.kernel.ask(self.facts.tables, edits, outcome=name)
        return read_stops(trials, (Answer.of_row(row) for row in rows), own)

    def _find_changes(self, name: str, evidence: list[dict[str, Any]], own: Answer) -> Iterator[Change]:
        """What would change the outcome: found with few values, then checked with more."""
        subject = self.subjects[name]
        parts = {part: self.subjects[part] for part in subject.parts}
        trials = list_trials(subject, self.facts, row=self.rows[name], evidence=evidence)
        if parts:
            trials = [trial for part in parts for trial in self._list_trials_of_part(part, own)]
            trials.sort(key=rank_cut)
        for change in read_changes(self._try(name, trials), own):
            checks = self._try(name, list_checks(subject, self.facts, change, parts=parts))
            if (checked := check_change(change, checks, own)) is not None:
                yield checked

    def _list_trials_of_part(self, part: str, own: Answer) -> list[Trial]:
        """What could change one part of a combination; where any part is met, only a part that is met can."""
        row = self.rows[part]
        if own.policy == 1 and row["policy"] != 1:
            return []
        return list_trials(self.subjects[part], self.facts, row=row, evidence=self._list_evidence(part))

    def _try(self, name: str, trials: Sequence[Trial]) -> list[tuple[Trial, list[Answer]]]:
        """The answers to every copy of each trial."""
        edits = [edit for trial in trials for edit in trial.edits]
        answers = (Answer.of_row(row) for row in self.kernel.ask(self.facts.tables, edits, outcome=name))
        return [(trial, list(islice(answers, len(trial.edits)))) for trial in trials]

    def _find_probes(self, name: str, evidence: list[dict[str, Any]]) -> tuple[list[Probe], bool]:
        """Measurements are tried only where the outcome is open."""
        row, subject = self.rows[name], self.subjects[name]
        is_at_risk = row["worst"] is not None or row["possible_labels"] is not None
        if row["decided"] or not is_at_risk or self._ends_with_last_value(subject):
            return [], False
        parts = {part: self.subjects[part] for part in subject.parts}
        probes, was_asked = list_probes(subject, self.facts, evidence=evidence, parts=parts)
        untried = self._list_untried(name)
        return [probe for probe in probes if probe.analyte not in untried], was_asked

    def _list_untried(self, name: str) -> tuple[str, ...]:
        """Of a combination those of its parts."""
        parts = self.subjects[name].parts or (name,)
        return tuple(dict.fromkeys(analyte for part in parts for analyte in self._list_unseen(part)))

    def _list_unseen(self, name: str) -> tuple[str, ...]:
        """Analytes without any value where open days do not count: one value would speak for one of them."""
        is_unseen = is_unmeasured(self.subjects[name], self.rows[name]) and self.rows[name]["days_open"] > 1
        return self.subjects[name].analytes if is_unseen else ()

    def _ends_with_last_value(self, subject: Subject) -> bool:
        """Whether one more value would also be one more day of follow-up: where nothing else says its end."""
        courses = self.facts.cohort.courses
        ends = (courses.last_contact_day, courses.death_day, courses.second_infusion_day)
        return subject.kind == "recovery_time" and all(as_day(end[0]) is None for end in ends)

    def _list_evidence(self, name: str) -> list[dict[str, Any]]:
        """The days behind an outcome; those of a combination are the days behind its parts that are alike."""
        frame = self.facts.cohort.evidence
        parts = self.subjects[name].parts
        rows = frame.filter(pl.col("outcome").is_in(parts or (name,)))
        if self.rows[name]["decided"]:
            rows = rows.filter(pl.col("role") != "would settle")
        # A row of the file can hold two temperatures of one day.
        of_measured = (pl.when(pl.col("state") == "measured").then(name) for name in ("low", "high"))
        alike = pl.struct("analyte", "day", "role", "source_row", pl.struct(*of_measured))
        return rows.filter(alike.is_first_distinct()).to_dicts()

    def _list_met_cells(self, name: str) -> list[dict[str, Any]]:
        """The cells of a recovery that is decided, which the evidence table leaves out: all are met."""
        subject, row = self.subjects[name], self.rows[name]
        if row["label"] != "recovered" or row["first_day"] is None:
            return []
        days = range(row["first_day"], row["last_day"] + 1)
        return [
            {"analyte": analyte, "day": day, "role": "decides", "verdict": "met"}
            | self._read_cell(analyte, day)
            for analyte in subject.analytes
            for day in days
        ]

    def _read_cell(self, analyte: str, day: int) -> dict[str, Any]:
        grid = self.facts.scenarios[analyte]
        place = day - grid.first_day
        state = "measured" if grid.measured[0, place] else "short_gap" if grid.short_gap[0, place] else "open"
        return {
            "state": state,
            "low": float(grid.low[0, place]),
            "high": float(grid.high[0, place]),
            "source_row": int(grid.source_row[0, place]) if grid.measured[0, place] else None,
        }

    def _describe(self, name: str, *, filled: Mapping[int, float], **found: Any) -> OutcomeExplanation:
        subject, row = self.subjects[name], self.rows[name]
        evidence = [] if subject.parts else self._list_evidence(name)
        if subject.kind == "recovery" and not evidence:
            evidence = self._list_met_cells(name)
        evidence = add_unseen(evidence, subject, self.facts, row=row, plan=self.kernel.plan)
        return OutcomeExplanation(
            name=name,
            title=subject.title,
            kind=subject.kind,
            min_grade=subject.min_grade,
            address=subject.address,
            rules=tuple(_list_rules(subject, row, self.facts, proven=self._find_proven(name))),
            counting=subject.counts,
            citation=subject.citation,
            window=subject.window,
            analytes=subject.analytes,
            answer=Answer.of_row(row),
            possible=Answer.of_row(self.anything[name]),
            row=row,
            days=tuple(explain_day(item, self.facts, subject, filled=filled) for item in evidence),
            filled=tuple(sorted(filled.items())),
            left_out=tuple(
                item
                for item in self.facts.left_out
                if item.analyte in subject.analytes and subject.look[0] <= item.day <= subject.look[1]
            ),
            conflicts=tuple(
                item
                for item in self.facts.conflicts
                if "anc" in subject.analytes and subject.look[0] <= item.day <= subject.look[1]
            ),
            parts=tuple((part, Answer.of_row(self.rows[part])) for part in subject.parts),
            bounded=self._count_bounded(name),
            readings=self._count_readings(subject) if subject.kind == "fever" else None,
            confirmation=find_unconfirmed(subject, self.facts) if row["policy"] == 0 else None,
            **found,
        )

    def _find_proven(self, name: str) -> str | None:
        """The rule that white cells alone show to be met: that of a copy whose counts are as high as they."""
        subject, row = self.subjects[name], self.rows[name]
        if subject.kind not in ("grade", "days") or row["policy"] is not None or not row["best"]:
            return None
        caps = [
            (analyte, day, item.value)
            for analyte in subject.analytes
            for day, item in self.facts.caps.get(analyte, {}).items()
        ]
        (copy,) = self.kernel.ask(self.facts.tables, [Edit(values=tuple(caps))], outcome=name)
        return copy["rule"] if copy["policy"] == row["best"] else None

    def _count_bounded(self, name: str) -> tuple[int, int]:
        """Of a combination the days of its parts, as its account has them."""
        subjects = [self.subjects[part] for part in self.subjects[name].parts or (name,)]
        near, far = zip(*(count_bounded(subject, self.facts) for subject in subjects), strict=True)
        return sum(near), sum(far)

    def _count_readings(self, subject: Subject) -> int:
        """Days with a temperature, which is what the first rule of a fever asks for."""
        first, last = subject.window or subject.look
        taken = self.facts.measured.get(subject.rules[0].analyte, {})
        return sum(first <= day <= min(last, self.facts.last_day) for day in taken)


def _list_rules(
    subject: Subject, row: Mapping[str, Any], facts: PatientFacts, *, proven: str | None
) -> Iterator[RuleText]:
    """The rule that decided or is `proven`, and where none is the one that would have been met first."""
    for sentence in subject.sentences:
        yield RuleText(None, sentence, "")
    graded = [] if subject.sentences or subject.parts else list(subject.rules)
    met = row["rule"] or proven
    decided = [rule for rule in graded if met == f"{subject.address}: {rule.text}"]
    least = subject.min_grade or (row["best"] if row["policy"] is None else None) or 0
    asked = [rule for rule in graded if rule.grade is not None and rule.grade >= least]
    for rule in (decided or asked)[:1]:
        yield RuleText(rule.grade, rule.words + _name_limits(rule, facts), rule.text)


def _name_limits(rule: Rule, facts: PatientFacts) -> str:
    """The limits of normal of the laboratory, where a rule is relative to them."""
    limits = facts.limits.get(rule.analyte, ()) if isinstance(rule.cut, LimitOfNormal) else ()
    unit = show_unit(load_analytes()[rule.analyte].unit)
    return f" (LLN {' or '.join(f'{limit:g}' for limit in limits)} {unit})" if limits else ""
