"""The page of one patient: counts by day, what each outcome says, and, apart, what would change it."""

from __future__ import annotations

from html import escape
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from cytopenia.app.cohort_pages import Cohorts
from cytopenia.app.cohort_run import CohortRun, PatientRow, is_outdated
from cytopenia.app.cohort_view import View, read_view
from cytopenia.app.day_words import list_day_rows
from cytopenia.app.failures import RefusedError
from cytopenia.app.pages import DRAWING, render_page
from cytopenia.app.settings import AppSettings
from cytopenia.app.study_cache import ReadStudy
from cytopenia.app.study_pages import REPORT_POLICY, find_study
from cytopenia.app.texts import make_say
from cytopenia.app.timeline import lay_out_timeline
from cytopenia.app.workspace import StudyFolder
from cytopenia.grading.explain import PatientExplanation
from cytopenia.page_file import Disguise, disguise_page
from cytopenia.report.explanation_page import list_course, list_explanation
from cytopenia.report.explanation_words import say_answer, say_policy
from cytopenia.study.outline import OutlinedAnswer, outline_patient
from cytopenia.study.patient_page import complete_page

__all__ = ["patient", "patient_explained", "patient_printed"]


def _find_patient(found: StudyFolder, cohorts: Cohorts, key: str) -> tuple[CohortRun, PatientRow]:
    """The patient of a key, whose id never stands in an address."""
    if not found.has_results:
        raise RefusedError(404, "refusal.no_results")
    run = cohorts.runs.read(found.path)
    if (place := run.places.get(key)) is None:
        raise RefusedError(404, "refusal.no_patient")
    return run, run.patients[place]


async def patient(request: Request) -> Response:
    """One patient."""
    found = await run_in_threadpool(find_study, request)
    shown = await run_in_threadpool(_collect, request, found)
    return render_page(request, "patient.html", study=found, **shown)


def _collect(request: Request, found: StudyFolder) -> dict[str, Any]:
    cohorts: Cohorts = request.app.state.cohorts
    settings: AppSettings = request.app.state.settings
    say = make_say(settings.language)
    run, row = _find_patient(found, cohorts, request.path_params["patient"])
    read = cohorts.tables.read(found.path)
    outline = outline_patient(read.study, read.keep(row.patient_id), row.patient_id)
    explained = outline.explained
    known = read.find_explained(row.patient_id)
    return {
        **_find_neighbors(run, row, cohorts, read_view(dict(request.query_params), run)),
        "key": row.key,
        "patient_id": row.patient_id,
        "synthetic": explained.synthetic,
        "course": list_course(explained),
        "timeline": lay_out_timeline(explained, say),
        "titles": [series.title for series in explained.series],
        "days": list(list_day_rows(explained, say)),
        "answers": [_describe(one) for one in outline.answers],
        "outcomes": None if known is None else _list_outcomes(known),
        "is_outdated": is_outdated(found.path),
    }


def _describe(one: OutlinedAnswer) -> dict[str, Any]:
    """One outcome as a row of a table."""
    answer = one.answer
    has_bounds = answer.worst is not None or answer.possible_labels is not None
    return {
        "title": one.title,
        "window": one.window,
        "words": say_policy(answer, one),
        "could": say_answer(answer, one) if has_bounds and not answer.decided else "",
        "is_decided": answer.decided,
        "evidence": one.row["evidence"] or "",
        "reason": one.row["reason"] or "",
    }


def _find_neighbors(run: CohortRun, row: PatientRow, cohorts: Cohorts, view: View) -> dict[str, Any]:
    """The patients before and after this one among those that were chosen; among all if it is not one."""
    rows = cohorts.choose(run, view)
    keys = [other.key for other in rows]
    if row.key not in keys:
        keys, view = [other.key for other in run.patients], View()
    place = keys.index(row.key)
    return {
        "view": view,
        "place": place + 1,
        "chosen": len(keys),
        "is_chosen": len(keys) < len(run.patients),
        "previous": keys[place - 1] if place else "",
        "next": keys[place + 1] if place + 1 < len(keys) else "",
    }


async def patient_explained(request: Request) -> Response:
    """What is behind the outcomes of a patient and what would change them; with `part` without its frame."""
    found = await run_in_threadpool(find_study, request)
    _, row, explained = await run_in_threadpool(_explain, request, found)
    template = "explained_part.html" if request.query_params.get("part") == "1" else "explained.html"
    return render_page(
        request,
        template,
        study=found,
        key=row.key,
        patient_id=row.patient_id,
        outcomes=_list_outcomes(explained),
    )


def _explain(request: Request, found: StudyFolder) -> tuple[ReadStudy, PatientRow, PatientExplanation]:
    cohorts: Cohorts = request.app.state.cohorts
    _, row = _find_patient(found, cohorts, request.path_params["patient"])
    read = cohorts.tables.read(found.path)
    return read, row, read.explain(row.patient_id)


def _list_outcomes(explained: PatientExplanation) -> list[dict[str, Any]]:
    return [
        {"title": one.title, "window": one.window, "address": one.address, "lines": list_explanation(one)}
        for one in explained.outcomes
    ]


async def patient_printed(request: Request) -> Response:
    """The page of a patient for paper: one sheet, as `cytopenia explain --page` writes it, without dates."""
    found = await run_in_threadpool(find_study, request)
    text = await run_in_threadpool(_print, request, found)
    return HTMLResponse(text, headers={"content-security-policy": REPORT_POLICY})


def _print(request: Request, found: StudyFolder) -> str:
    from cytopenia.report.patient_page import render_patient_page

    read, _, explained = _explain(request, found)
    page = disguise_page(complete_page(read.study, read.tables, explained), Disguise())
    with DRAWING:
        text = render_patient_page(page)
    # The browser keeps titles in its history, and names files of printed pages by them.
    settings: AppSettings = request.app.state.settings
    before, _, rest = text.partition("<title>")
    title = escape(make_say(settings.language)("patient.print"))
    return f"{before}<title>{title}</title>{rest.partition('</title>')[2]}"
