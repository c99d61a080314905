"""The tables of a study in memory, for pages about single patients; read again when a file changes."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from cytopenia.app.failures import RefusedError
from cytopenia.app.file_cache import FileCache
from cytopenia.contract import Tables
from cytopenia.grading.explain import PatientExplanation
from cytopenia.listings import take_fingerprint
from cytopenia.study.counterfactuals import keep_patient
from cytopenia.study.explain import explain_in_study
from cytopenia.study.flow import choose_cohort
from cytopenia.study.protocol import Study, read_protocol
from cytopenia.workflow import read_study_tables

__all__ = ["ReadStudy", "make_study_cache"]

_MOST_EXPLAINED = 64


@dataclass
class ReadStudy:
    """A study and its tables as they are on disk now.

    Attributes
    ----------
    study : Study
    tables : Tables
        Of all patients.
    cohort : Tables
        Of those in the cohort.
    """

    study: Study
    tables: Tables
    cohort: Tables
    _explained: OrderedDict[str, PatientExplanation] = field(
        default_factory=OrderedDict[str, PatientExplanation]
    )
    _lock: Lock = field(default_factory=Lock)

    def keep(self, patient_id: str) -> Tables:
        """Return the rows of one patient.

        Raises
        ------
        RefusedError
            The patient is in no row: the files have changed since the run.
        """
        own = keep_patient(self.cohort, patient_id)
        if own.infusions.is_empty():
            raise RefusedError(409, "refusal.patient_gone")
        return own

    def find_explained(self, patient_id: str) -> PatientExplanation | None:
        """Return the explanation of a patient if somebody has asked for it lately."""
        with self._lock:
            return self._explained.get(patient_id)

    def explain(self, patient_id: str) -> PatientExplanation:
        """Return the explanation of a patient, made from the rows of this patient alone; errors as `keep`."""
        if (known := self.find_explained(patient_id)) is not None:
            return known
        explained = explain_in_study(self.study, self.keep(patient_id), patient_id)
        with self._lock:
            self._explained[patient_id] = explained
            while len(self._explained) > _MOST_EXPLAINED:
                self._explained.popitem(last=False)
        return explained


def make_study_cache(most: int = 2) -> FileCache[ReadStudy]:
    """Return a cache that reads a study by its folder."""
    return FileCache(load=_load, watch=_watch, most=most)


def _load(folder: Path) -> ReadStudy:
    study = read_protocol(folder / "study.toml")
    tables = read_study_tables(study)
    _, cohort = choose_cohort(study, tables)
    return ReadStudy(study, tables, cohort)


def _watch(folder: Path, read: ReadStudy | None) -> tuple[tuple[str, int, int], ...]:
    """The files of the study, and those of its data if they lie elsewhere."""
    data = folder if read is None else read.study.data_folder
    is_inside = data.resolve().is_relative_to(folder.resolve())
    return take_fingerprint([folder] if is_inside else [folder, data])
