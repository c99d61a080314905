"""Cards in the form of CDS Hooks from the FHIR Observations of one patient: grades, scores, ICAHT."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import polars as pl
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool

from cytopenia.app.api_models import as_text
from cytopenia.app.calculator_pages import load_definitions
from cytopenia.app.course_answers import ToldOutcome, tell_course
from cytopenia.app.course_pages import find_course_page
from cytopenia.app.failures import RefusedError
from cytopenia.app.texts import Say, make_say
from cytopenia.contract import Tables, collect_findings, leave_out, merge_findings, require_tables
from cytopenia.definition_forms import PointsDefinition, ScoreDefinition
from cytopenia.definitions import Library, describe_definition
from cytopenia.grading.grades import grade_labs
from cytopenia.grading.score_cohorts import score_patients
from cytopenia.one_course import PATIENT, Course, explain_tables
from cytopenia.readers.fhir_files import list_resources, load_json
from cytopenia.readers.fhir_labs import LabCollector
from cytopenia.readers.fhir_values import as_mapping, read_word
from cytopenia.readers.harmonize import harmonize_tables
from cytopenia.readers.mapping import DataSection
from cytopenia.readers.source_table import SourceTable
from cytopenia.score_file import PatientScore, score_quantities
from cytopenia.score_words import RESEARCH, tell_score
from cytopenia.units import load_analytes, show_unit
from cytopenia.version import __version__

__all__ = ["add_cds_services"]

SERVICE, _PREFETCH = "blood-counts", "observations"
_LONGEST_SUMMARY = 140
_UNASKED = ("day_zero_first", "end_of_observation_missing", "without_infusion", "labs_before_infusion_only")
_GRADES, _SCORES = "ctcae_v5", ("car_hematotox", "easix")
# CTCAE calls grade 3 severe and grade 4 life-threatening; ICAHT uses the same words.
_INDICATORS = {3: "warning", 4: "critical", 5: "critical"}
_EXAMPLE = {
    "hook": "patient-view",
    "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
    "context": {"userId": "Practitioner/1", "patientId": "1"},
    "extension": {"infusion_date": "2024-01-10"},
    "prefetch": {
        _PREFETCH: {
            "resourceType": "Bundle",
            "type": "searchset",
            "entry": [
                {
                    "resource": {
                        "resourceType": "Observation",
                        "status": "final",
                        "code": {"coding": [{"system": "http://loinc.org", "code": "751-8"}]},
                        "subject": {"reference": "Patient/1"},
                        "effectiveDateTime": "2024-01-17T07:30:00+01:00",
                        "valueQuantity": {
                            "value": 0.4,
                            "unit": "10*3/uL",
                            "system": "http://unitsofmeasure.org",
                            "code": "10*3/uL",
                        },
                    }
                }
            ],
        }
    },
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "description": "A request of CDS Hooks, or a FHIR R4 Bundle of Observations alone",
                },
                "example": _EXAMPLE,
            }
        },
    }
}


@dataclass(frozen=True)
class _Patient:
    """What a request says of a patient: tables, last values with their printed day, what is known, doubts."""

    tables: Tables
    last: pl.DataFrame
    has_infusion: bool
    has_start: bool
    doubts: tuple[str, ...]


def add_cds_services(api: FastAPI) -> None:
    """Put discovery and the service into an interface."""
    api.get("/cds-services")(list_services)
    api.post("/cds-services/{service}", openapi_extra=_BODY)(serve)


def list_services(request: Request) -> dict[str, Any]:
    """Discovery of CDS Hooks: the services, and what they want to be sent."""
    say = _say(request)
    codes = [code for analyte in load_analytes().values() for code in analyte.loinc if code]
    service = {
        "hook": "patient-view",
        "title": say("api.service_title"),
        "description": say("api.service_about"),
        "id": SERVICE,
        "prefetch": {
            _PREFETCH: "Observation?patient={{context.patientId}}&code="
            + ",".join(f"http://loinc.org|{code}" for code in codes)
        },
        "usageRequirements": RESEARCH,
    }
    return {"services": [service]}


async def serve(service: str, request: Request) -> dict[str, Any]:
    """Return cards for the Observations of one patient.

    `extension` may say `infusion_date` (then ICAHT is graded) and `lymphodepletion_date` (then scores take
    the last values before it, instead of the last of all).
    """
    if service != SERVICE:
        raise RefusedError(404, "api.no_service")
    content = await request.body()
    return {"cards": await run_in_threadpool(_make_cards, content, request)}


def _say(request: Request) -> Say:
    return make_say(request.app.state.settings.language)


def _make_cards(content: bytes, request: Request) -> list[dict[str, Any]]:
    say, library = _say(request), load_definitions(request)
    frame, findings, extension = _read(content)
    patient = None if frame.is_empty() else _lay_out(frame, findings, extension)
    if patient is None or patient.last.is_empty():
        doubts = _list_doubts(findings) if patient is None else patient.doubts
        detail = "\n".join([say("api.no_counts_detail"), *_say_doubts(doubts, say)])
        return [_card(say("api.no_counts"), detail, indicator="info", source="", say=say)]
    cards = [_show_grades(patient, library, say)]
    cards += _show_scores(patient, library, say)
    if patient.has_infusion:
        cards += _show_course(patient, request, say)
    return cards


# -- reading ---------------------------------------------------------------------------------------


def _read(body: bytes) -> tuple[pl.DataFrame, pl.DataFrame, Mapping[str, Any]]:
    """The laboratory rows of a request, what was found on the way, and what it says beside them."""
    try:
        sent = as_mapping(load_json(body))
    except (ValueError, RecursionError) as cause:
        raise RefusedError(422, "api.no_json") from cause
    bundle = sent if sent.get("resourceType") else as_mapping(sent.get("prefetch")).get(_PREFETCH)
    if not as_mapping(bundle):
        raise RefusedError(422, "api.no_bundle")
    collector = LabCollector({})
    for resource in list_resources(bundle, name=f"prefetch.{_PREFETCH}"):
        if resource.kind == "Observation":
            collector.add(resource)
    frame, found = collector.finish()
    if (people := frame["patient_id"].drop_nulls().n_unique()) > 1:
        raise RefusedError(422, "api.several_patients", n=people)
    return frame, collect_findings(found), as_mapping(sent.get("extension"))


def _list_doubts(findings: pl.DataFrame) -> tuple[str, ...]:
    """What was doubtful, but for what the last values of one patient cannot say."""
    doubtful = leave_out(findings, _UNASKED).filter(pl.col("severity") != "info")
    return tuple(doubtful["message"].unique(maintain_order=True))


def _say_doubts(doubts: Sequence[str], say: Say) -> list[str]:
    return [say("api.doubt", message=message) for message in doubts]


def _lay_out(frame: pl.DataFrame, findings: pl.DataFrame, known: Mapping[str, Any]) -> _Patient:
    labs = frame.with_columns(patient_id=pl.lit(PATIENT))
    infusion, start = (read_word(known.get(name)) for name in ("infusion_date", "lymphodepletion_date"))
    sources = {"labs": SourceTable(labs, _PREFETCH)}
    if infusion:
        dates = {"patient_id": [PATIENT], "infusion_date": [infusion]}
        dates |= {"lymphodepletion_date": [start]} if start else {}
        rows = pl.DataFrame(dates).with_columns(source_row=pl.lit(1, dtype=pl.UInt32))
        sources["infusions"] = SourceTable(rows, "extension")
    day_zero = "infusion" if infusion else "first"
    section = DataSection.model_validate({"day_zero": day_zero, "labs": {"decimal": "."}})
    tables = require_tables(harmonize_tables(sources, section))
    printed = labs.select("source_row", printed=pl.col("date").str.slice(0, 10)).unique("source_row")
    last = (
        tables.labs.filter(pl.col("invalid").is_null() & pl.col("value").is_not_null())
        .filter(pl.col("day").is_not_null() & pl.col("analyte").is_not_null())
        .sort("day", "minute", nulls_last=False, maintain_order=True)
        .group_by("analyte", maintain_order=True)
        .last()
        .join(printed, on="source_row", how="left")
        .sort("analyte")
    )
    doubts = _list_doubts(merge_findings(findings, tables.findings))
    return _Patient(tables, last, bool(infusion), bool(infusion and start), doubts)


# -- cards -----------------------------------------------------------------------------------------


def _card(summary: str, detail: str, *, indicator: str, source: str, say: Say) -> dict[str, Any]:
    label = say("api.source", version=__version__)
    return {
        "uuid": str(uuid4()),
        "summary": summary if len(summary) <= _LONGEST_SUMMARY else f"{summary[: _LONGEST_SUMMARY - 1]}…",
        "detail": f"{detail}\n\n{RESEARCH}",
        "indicator": indicator,
        "source": {"label": f"{label}: {source}" if source else label},
    }


def _show_grades(patient: _Patient, library: Library, say: Say) -> dict[str, Any]:
    """One card with the grade of the last value of each analyte; the highest names it."""
    definition = library.find(_GRADES)
    parts, removed = library.find_value_parts(_GRADES), library.explain_removed(_GRADES)
    rows = grade_labs(patient.last, parts, removed=removed).to_dicts()
    rows = [row for row in rows if row["term"] is not None]
    highest = max(rows, key=lambda row: row["grade"] or 0, default=None)
    words = {"definition": definition.title, "version": definition.version}
    if highest is None or not highest["grade"]:
        summary, grade = say("api.grade_none", **words), 0
    else:
        grade = highest["grade"]
        summary = say("api.grade_summary", term=highest["term"], grade=grade, **words)
    detail = "\n".join([*(_say_grade(row, say) for row in rows), *_say_doubts(patient.doubts, say)])
    citation = describe_definition(definition)["citation"]
    return _card(summary, detail, indicator=_INDICATORS.get(grade, "info"), source=citation, say=say)


def _say_grade(row: Mapping[str, Any], say: Say) -> str:
    sign = "" if row["comparator"] == "=" else row["comparator"]
    shown = {"value": f"{sign}{row['value']:.6g}", "unit": show_unit(row["unit"]), "when": row["printed"]}
    if row["grade"] is None:
        title = load_analytes()[row["analyte"]].title
        return say("api.not_graded", analyte=title, reason=row["grade_reason"], **shown)
    return say("api.grade_detail", term=row["term"], grade=row["grade"], **shown)


def _show_scores(patient: _Patient, library: Library, say: Say) -> Iterator[dict[str, Any]]:
    """A card for each score of which any input is known."""
    known = {row["analyte"]: row for row in patient.last.to_dicts()}
    for name in _SCORES:
        definition = library.find_score(name)
        needed = [item.analyte for item in definition.inputs_needed]
        if not any(analyte in known for analyte in needed):
            continue
        if patient.has_start:
            found = PatientScore(score_patients(patient.tables, name), [])
        else:
            pairs = [(analyte, _print_value(known[analyte])) for analyte in needed if analyte in known]
            found = score_quantities(definition, pairs)
        yield _show_score(found, definition, say, taken="baseline" if patient.has_start else "detail")


def _print_value(row: Mapping[str, Any]) -> str:
    sign = "" if row["comparator"] == "=" else row["comparator"]
    return f"{sign}{as_text(row['value'])} {row['unit']}"


def _show_score(found: PatientScore, definition: ScoreDefinition, say: Say, *, taken: str) -> dict[str, Any]:
    told, row = tell_score(found), found.scores.scores.row(0, named=True)
    is_high = isinstance(definition, PointsDefinition) and row["group"] not in (
        None,
        *(group.name for group in definition.groups[:1]),
    )
    lines = [
        f"- {line.title}: {line.value}" + (f" ({line.words})" if line.words else "") for line in told.inputs
    ]
    lines += [f"- {warning}" for warning in told.warnings]
    lines += [
        "",
        *(f"{label}: {text}" if label else text for label, text in told.remarks if label != "Source"),
    ]
    return _card(
        say("api.score_summary", title=told.title, result=told.result),
        "\n".join([say(f"api.score_{taken}"), "", *lines]),
        indicator="warning" if is_high else "info",
        source=describe_definition(definition)["citation"],
        say=say,
    )


def _show_course(patient: _Patient, request: Request, say: Say) -> list[dict[str, Any]]:
    """A card for each part of ICAHT whose counts are there."""
    library, given = load_definitions(request), set(patient.last["analyte"])
    page = find_course_page(library, "icaht")
    asked = [one.id for one in page.questions if one.id in page.first and given & set(one.analytes)]
    if not asked:
        return []
    folder = request.app.state.workspace.folder
    found = explain_tables(Course(values=()), patient.tables, asked, folder=folder)
    return [_show_outcome(outcome, say) for outcome in tell_course(found, say).outcomes]


def _show_outcome(outcome: ToldOutcome, say: Say) -> dict[str, Any]:
    grade = 0 if outcome.policy is None else int(outcome.policy)
    lines = [f"- {label}: {text}" if label else f"  {text}" for label, text in outcome.reasons]
    return _card(
        say("api.course_summary", title=outcome.title, result=outcome.result),
        "\n".join(lines),
        indicator=_INDICATORS.get(grade, "info"),
        source=outcome.citation,
        say=say,
    )
