"""The page of one patient as a file, under the patient's id or a new one, with or without calendar dates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from cytopenia.errors import DataError, OutputError
from cytopenia.folders import explain_failure
from cytopenia.grading.explain import PatientExplanation
from cytopenia.grading.patient_page import PatientPage
from cytopenia.study.new_ids import draw_key, find_new_id, find_shift, read_key, rename_patient, shift_dates
from cytopenia.study.outcomes import Progress
from cytopenia.study.patient_page import page_in_study
from cytopenia.study.protocol import read_protocol
from cytopenia.study_tables import read_study_tables

__all__ = [
    "Disguise",
    "check_disguise",
    "describe_patient",
    "disguise_explanation",
    "disguise_page",
    "write_page",
]

Dates = Literal["none", "shifted", "recorded"]


@dataclass(frozen=True, kw_only=True)
class Disguise:
    """What of a patient is shown.

    Attributes
    ----------
    new_id : bool
        A new id in place of the patient's.
    key_file : path, optional
        A secret; the same key gives the same new id and the same shift. Without one a key is drawn and
        forgotten.
    dates : str
        "none": days alone. "shifted": calendar dates, all moved by the same number of days. "recorded": true
        calendar dates.
    """

    new_id: bool = False
    key_file: Path | None = None
    dates: Dates = "none"


def check_disguise(
    disguise: Disguise, patient_id: str, *, page: Path | None, timeline: Path | None = None
) -> None:
    """Refuse what would show the patient beside a new id, before anything is written.

    Raises
    ------
    DataError
        True dates beside a new id, dates without a page, or a key without use.
    OutputError
        A file to be written has the id of the patient in its name.
    """
    if disguise.new_id and disguise.dates == "recorded":
        raise DataError(
            "--dates recorded: true dates beside a new id say who the patient is. Write --dates shifted."
        )
    if disguise.dates != "none" and page is None:
        raise DataError(f"--dates {disguise.dates}: only a page shows dates. Add --page FILE.html.")
    if disguise.key_file is not None and not disguise.new_id and disguise.dates != "shifted":
        raise DataError("--key-file: nothing needs a key. Add --new-id or --dates shifted, or leave it out.")
    if disguise.new_id and any(path is not None and patient_id in path.name for path in (page, timeline)):
        raise OutputError(
            "--new-id: the name of a file to be written holds the patient's id. Give the file another name."
        )


def describe_patient(
    study: Path | str,
    patient_id: str,
    *,
    outcomes: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> PatientPage:
    """Return what the page of one patient shows; parameters and errors are those of `explain_patient`.

    Returns
    -------
    PatientPage
        The explanation, with last values, the days at a landmark, CAR-HEMATOTOX, and the hashes of the study.
        It holds the true id, and the true date of day 0 where the study has dates.
    """
    read = read_protocol(study)
    return page_in_study(read, read_study_tables(read), patient_id, outcomes=outcomes, progress=progress)


def disguise_page(page: PatientPage, disguise: Disguise) -> PatientPage:
    """Return the page as it may be shown.

    Raises
    ------
    DataError
        Dates are asked for and the study has none; or the key is too short.
    ReaderError
        The file of the key cannot be read.
    """
    if disguise.dates != "none" and page.day_zero_date is None:
        raise DataError(
            f"--dates {disguise.dates}: the tables have no date of this patient's infusion."
            " Give infusion_date, or leave --dates out."
        )
    patient_id, key = page.explained.patient_id, _find_key(disguise)
    shown = page
    if disguise.dates == "shifted":
        shown = shift_dates(page, find_shift(patient_id, key))
    elif disguise.dates == "none":
        shown = replace(page, day_zero_date=None)
    if not disguise.new_id:
        return shown
    renamed = rename_patient(page.explained, find_new_id(patient_id, key))
    return replace(shown, explained=renamed, has_new_id=True)


def disguise_explanation(explained: PatientExplanation, disguise: Disguise) -> PatientExplanation:
    """Return the explanation under the id that may be shown; errors are those of `disguise_page`."""
    if not disguise.new_id:
        return explained
    return rename_patient(explained, find_new_id(explained.patient_id, _find_key(disguise)))


def _find_key(disguise: Disguise) -> bytes:
    return draw_key() if disguise.key_file is None else read_key(disguise.key_file)


def write_page(page: PatientPage, path: Path) -> None:
    """Write the page of a patient as HTML.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    from cytopenia.report.patient_page import render_patient_page

    text = render_patient_page(page)
    with explain_failure(path):
        path.write_text(text, encoding="utf-8")
