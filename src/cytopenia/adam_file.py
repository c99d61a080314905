"""A study as CDISC ADaM: data sets as transport files and Dataset-JSON, with Define-XML."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from cytopenia.adam_metadata import load_adam_table
from cytopenia.contract import Tables
from cytopenia.definition_forms import GradesDefinition
from cytopenia.errors import DataError, OutputError, ProtocolError
from cytopenia.folders import replace_folder
from cytopenia.report.adam_frames import MOST_BYTES, FittedDataset, fit_dataset
from cytopenia.report.adam_json import render_dataset_json
from cytopenia.report.adam_transport import LossOfText, write_transport
from cytopenia.report.define_xml import DefineWords, render_define
from cytopenia.study.adam_outcomes import frame_outcome_rows, frame_recovery_times
from cytopenia.study.adam_rows import LabGrading, frame_lab_rows
from cytopenia.study.adam_subjects import count_unread_sexes, frame_subjects, list_numbered
from cytopenia.study.adam_texts import describe_outcomes, fill_texts
from cytopenia.study.derived import derive_all
from cytopenia.study.factor_checks import check_factors
from cytopenia.study.flow import choose_cohort
from cytopenia.study.outcomes import Progress, derive_outcomes
from cytopenia.study.plan import build_plan
from cytopenia.study.protocol import Study, read_protocol
from cytopenia.study.run_settings import collect_settings
from cytopenia.study_tables import read_study_tables
from cytopenia.version import __version__

__all__ = ["AdamRequest", "WrittenAdam", "write_adam"]

_MARKER = "adam.json"
_JSON_FOLDER = "dataset-json"
_ALWAYS = ("ADSL", "ADLB")


@dataclass(frozen=True, kw_only=True)
class AdamRequest:
    """What is written where.

    Attributes
    ----------
    study : path
    out : path
        A folder, replaced as a whole.
    grades : str, optional
        Definition of the toxicity grades of the rows; by default the one that the outcomes rest on.
    study_id : str, optional
        STUDYID; by default that of the source.
    """

    study: Path
    out: Path
    grades: str | None = None
    study_id: str | None = None


@dataclass(frozen=True)
class WrittenAdam:
    """What was written.

    Attributes
    ----------
    frames : mapping of str to DataFrame
        The data sets, by name.
    grades : str
        The definition of the toxicity grades.
    lines : list of str
        What a reader of the files must know.
    """

    frames: Mapping[str, pl.DataFrame]
    grades: str
    lines: list[str] = field(default_factory=list[str])


def write_adam(request: AdamRequest, *, progress: Progress | None = None) -> WrittenAdam:
    """Write ADSL, ADLB, ADOUTC, where there is one ADTTE, and Define-XML of a study.

    Parameters
    ----------
    request : AdamRequest
    progress : callable, optional

    Raises
    ------
    CytopeniaError
        As `run_study`; ProtocolError where the definition of the grades is not certain, DataError for a
        study without an identifier or ids that a transport file cannot hold, OutputError for a folder that
        holds something else.
    """
    _require_own_folder(request.out)
    study = read_protocol(request.study)
    grades = request.grades or _find_grades(study)
    grading = LabGrading(
        study.library.find_value_parts(grades),
        study.library.explain_removed(grades),
        study.library.baseline,
    )
    tables = read_study_tables(study)
    _require_infusion(tables)
    frames, settings = _derive(study, tables, grading, study_id=request.study_id, progress=progress)
    _require_plain_ids(frames["ADSL"])
    table, synthetic = load_adam_table(), study.protocol.study.synthetic
    fitted = [
        fit_dataset(frame, table.datasets[name], table.codelists, synthetic=synthetic)
        for name, frame in frames.items()
        if name in _ALWAYS or not frame.is_empty()
    ]
    lost = _write(fitted, study, request.out, settings={**settings, "grades": grades})
    written = {one.name: one.frame for one in fitted}
    return WrittenAdam(written, grades, [*_tell_left_out(tables, frames), *_tell_lost(lost)])


def _require_own_folder(target: Path) -> None:
    """Refuse to replace a folder that this command has not written."""
    if target.is_file():
        raise OutputError(f"{target}: is a file. Name a folder for the data sets with --out.")
    if target.is_dir() and any(target.iterdir()) and not (target / _MARKER).is_file():
        raise OutputError(
            f"{target}: the folder holds files that are no ADaM data sets of cytopenia, and would be"
            " replaced. Name another folder with --out."
        )


def _find_grades(study: Study) -> str:
    """The one definition of grades of single values that the outcomes rest on."""
    named: list[str] = []
    for spec in study.protocol.outcomes.values():
        definition = None if spec.definition is None else study.library.find(spec.definition)
        if isinstance(definition, GradesDefinition) and all(
            part.own_window is None for part in definition.parts.values()
        ):
            named.append(definition.id)
    found = list(dict.fromkeys(named))
    if len(found) == 1:
        return found[0]
    why = (
        f"the outcomes rest on {', '.join(found)}" if found else "no outcome rests on grades of single values"
    )
    raise ProtocolError(
        f"{study.path.name}: {why}; the toxicity grades of laboratory rows need one definition. Name it with"
        " --grades, such as --grades ctcae_v5."
    )


def _require_infusion(tables: Tables) -> None:
    """Study days are counted from a treatment; a first laboratory value is none."""
    if "day_zero_first" in set(tables.findings["rule"]):
        raise DataError(
            'Day 0 is the first laboratory day (day_zero = "first"), and no infusion is known. ADaM counts'
            " study days from the treatment: give the infusions."
        )


def _derive(
    study: Study,
    tables: Tables,
    grading: LabGrading,
    *,
    study_id: str | None,
    progress: Progress | None,
) -> tuple[dict[str, pl.DataFrame], dict[str, Any]]:
    check_factors(study, tables)
    _, chosen = choose_cohort(study, tables)
    plan = build_plan(study)
    cohort = derive_outcomes(
        chosen,
        plan,
        bounds=study.library.bounds,
        use_caps=study.protocol.study.bound_anc_by_wbc,
        baseline=study.library.baseline,
        progress=progress,
    )
    outcomes = derive_all(cohort, plan, study.library.baseline)
    settings = collect_settings(study, tables, plan)
    subjects = frame_subjects(chosen, cohort.courses, study_id=study_id)
    rows = frame_outcome_rows(outcomes, plan, subjects, support_complete=bool(settings["support_complete"]))
    of_subject = subjects.select("patient_id", "STUDYID", "USUBJID")
    frames = {
        "ADLB": frame_lab_rows(chosen, cohort.courses, cohort.labs, grading=grading),
        "ADOUTC": rows,
        "ADTTE": frame_recovery_times(outcomes, rows, plan, courses=cohort.courses),
    }
    named = {
        name: frame.join(of_subject, on="patient_id", how="left", maintain_order="left")
        for name, frame in frames.items()
    }
    return {"ADSL": subjects, **named}, settings


def _require_plain_ids(subjects: pl.DataFrame) -> None:
    """Ids in ASCII, of at most 200 bytes: a transport file does not say in which encoding it is."""
    for name in ("STUDYID", "USUBJID", "SUBJID"):
        ids = subjects[name].drop_nulls().unique()
        odd = ids.str.contains(r"[^\x20-\x7E]") | (ids.str.len_bytes() > MOST_BYTES)
        if count := int(odd.sum()):
            raise DataError(
                f"{name}: {count} of {len(ids)} hold a letter outside ASCII, or more than {MOST_BYTES}"
                " letters. A transport file does not say its encoding, and such an id would be another one"
                " elsewhere. Give ids of plain letters and digits."
            )


def _write(
    fitted: list[FittedDataset], study: Study, target: Path, *, settings: Mapping[str, Any]
) -> list[LossOfText]:
    adsl = fitted[0]
    study_id, now = str(adsl.frame["STUDYID"][0]), datetime.now(UTC).isoformat(timespec="seconds")
    words = DefineWords(
        study=study_id,
        title=_entitle(study),
        written=now,
        version=__version__,
        filled=fill_texts(study, str(settings["grades"])),
        answers=describe_outcomes(study, build_plan(study)),
    )
    lost: list[LossOfText] = []
    with replace_folder(target) as folder:
        (folder / _JSON_FOLDER).mkdir()
        for one in fitted:
            name = one.name.lower()
            lost += write_transport(one, folder / f"{name}.xpt")
            pieces = render_dataset_json(one, study=study_id, written=now, version=__version__)
            with (folder / _JSON_FOLDER / f"{name}.json").open("w", encoding="utf-8") as file:
                file.writelines(pieces)
        (folder / "define.xml").write_bytes(render_define(fitted, words))
        told = {
            **settings,
            "study_id": study_id,
            "rows": {one.name: one.frame.height for one in fitted},
            "written": now,
        }
        (folder / _MARKER).write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return lost


def _entitle(study: Study) -> str:
    section = study.protocol.study
    warning = "SYNTHETIC DATA, every patient is invented. " if section.synthetic else ""
    return f"{warning}{section.title}"


def _tell_left_out(tables: Tables, frames: Mapping[str, pl.DataFrame]) -> Iterator[str]:
    known = [*load_adam_table().parameters]
    others = tables.labs.filter(~pl.col("analyte").is_in(known))
    if others.height:
        yield f"Not in ADLB, no laboratory parameter of the table: {others.height} rows."
    everybody = tables.labs.filter(pl.col("analyte").is_in(known))
    outside = everybody.join(frames["ADSL"], on="patient_id", how="anti").height
    if outside:
        yield f"Not in ADLB, of patients outside the cohort: {outside} rows."
    if numbered := list_numbered(tables):
        yield f"Not in ADSL, read as numbers, which have no zeros in front: {', '.join(numbered)}."
    if unread := count_unread_sexes(tables):
        yield f"SEX is blank where the word is neither male nor female: {unread} patients."
    if frames["ADSL"]["TRTSDT"].null_count() == frames["ADSL"].height:
        yield "No infusion has a date: days are study days (ADY), and there are no dates."


def _tell_lost(lost: list[LossOfText]) -> Iterator[str]:
    for one in lost:
        what = [f"{one.escaped} with letters outside ASCII, written as escapes"] if one.escaped else []
        what += [f"{one.cut} of more than {MOST_BYTES} bytes, cut"] if one.cut else []
        yield (
            f"{one.dataset}.{one.variable} in the transport file: {'; '.join(what)}. Whole in {_JSON_FOLDER}."
        )
