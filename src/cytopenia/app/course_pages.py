"""ICAHT and recovery from pasted lists of days and counts. Nothing of them is kept."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from cytopenia.app.calculator_pages import first_values, load_definitions
from cytopenia.app.course_answers import ToldCourse, draw_timeline, list_errors, tell_course
from cytopenia.app.course_forms import (
    DATE_FORMATS,
    CoursePage,
    build_course,
    list_count_units,
    list_questions,
)
from cytopenia.app.form_fields import read_form
from cytopenia.app.pages import render_page
from cytopenia.app.texts import Say, make_say
from cytopenia.contract.schemas import SUPPORT_KINDS
from cytopenia.definitions import Library
from cytopenia.errors import CytopeniaError
from cytopenia.one_course import Course, ExplainedCourse, explain_tables, read_course
from cytopenia.units import load_analytes

__all__ = ["find_course_page", "icaht", "recovery"]

# Which definitions each page asks at first; every other one that fits can be chosen there.
_KINDS = {"icaht": "grades", "recovery": "recovery"}
_FIRST = {"icaht": ("icaht_2023", "t_icaht_2025"), "recovery": ("qiu2023_recovery",)}


def find_course_page(library: Library, name: str) -> CoursePage:
    """Return what the page of a name offers."""
    found = list_questions(library, kind=_KINDS[name])
    ordered = sorted(found, key=lambda question: (question.id not in _FIRST[name], question.title))
    return CoursePage(name, tuple(ordered), _FIRST[name])


async def icaht(request: Request) -> Response:
    """Grades that count days: ICAHT, and prolonged cytopenia as studies define it."""
    return await _answer(request, "icaht")


async def recovery(request: Request) -> Response:
    """Recovery by a landmark, or when it came."""
    return await _answer(request, "recovery")


async def _answer(request: Request, name: str) -> Response:
    language = request.app.state.settings.language
    say = make_say(language)
    library = await run_in_threadpool(load_definitions, request)
    page = find_course_page(library, name)
    sent = await read_form(request) if request.method == "POST" else {}
    form = first_values(sent)
    chosen = sent.get("definition", []) if sent else list(page.first)
    values: dict[str, Any] = {"told": None, "problems": [], "notes": [], "timeline": ""}
    if sent:
        course, values["problems"], values["notes"] = build_course(form, page.analytes, say)
        asked, skipped = _choose(page, chosen, course)
        values["notes"] += _say_skipped(page, skipped, say)
        if not asked and not values["problems"]:
            values["problems"] = [say("course.nothing_asked")]
        if not values["problems"]:
            values |= await run_in_threadpool(_explain, course, asked, say, request=request)
    return render_page(
        request,
        "course.html",
        status=422 if values["problems"] else 200,
        page=page,
        form=form,
        chosen=chosen,
        names={analyte: load_analytes()[analyte].title for analyte in page.analytes},
        units={analyte: list_count_units(analyte) for analyte in page.analytes},
        formats=list(DATE_FORMATS),
        kinds=SUPPORT_KINDS,
        **values,
    )


def _choose(page: CoursePage, chosen: list[str], course: Course) -> tuple[list[str], list[str]]:
    """Of the chosen definitions those that any list speaks to, and the others."""
    given = {value.analyte for value in course.values}
    known = [question for question in page.questions if question.id in chosen]
    asked = [question.id for question in known if given & set(question.analytes)]
    return asked, [question.id for question in known if question.id not in asked]


def _say_skipped(page: CoursePage, skipped: list[str], say: Say) -> list[str]:
    titles = {question.id: question for question in page.questions}
    return [
        say(
            "course.not_asked",
            title=titles[name].title,
            analytes=", ".join(load_analytes()[one].title for one in titles[name].analytes),
        )
        for name in skipped
    ]


def _explain(course: Course, asked: list[str], say: Say, *, request: Request) -> dict[str, Any]:
    language, folder = request.app.state.settings.language, request.app.state.workspace.folder
    try:
        read = read_course(course)
        if errors := list_errors(read, say, language=language):
            return {"problems": errors}
        found: ExplainedCourse = explain_tables(course, read, asked, folder=folder)
    except CytopeniaError as cause:
        return {"problems": [str(cause)]}
    told: ToldCourse = tell_course(found, say, language=language)
    return {"told": told, "timeline": draw_timeline(found.explained)}
