"""The functions of the calculators as JSON, with their description; a FastAPI application inside the app."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import polars as pl
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response

from cytopenia.app.api_models import (
    CardRequest,
    CourseAnswer,
    CourseRequest,
    DefinitionAnswer,
    GradeAnswer,
    GradeRequest,
    InputAnswer,
    OutcomeAnswer,
    Problem,
    Quantity,
    ScoreAnswer,
    ScoreInputAnswer,
    ScoreRequest,
    as_input,
    as_text,
)
from cytopenia.app.calculator_pages import load_definitions
from cytopenia.app.cds_hooks import add_cds_services
from cytopenia.app.course_answers import list_errors, tell_course
from cytopenia.app.course_pages import find_course_page
from cytopenia.app.failures import FailureAnswers, RefusedError
from cytopenia.app.pages import answer_failure
from cytopenia.app.settings import AppSettings
from cytopenia.app.texts import Say, make_say
from cytopenia.app.workspace import Workspace
from cytopenia.contract import TextFormat
from cytopenia.definition_forms import Definition, ModelDefinition
from cytopenia.definitions import describe_definition
from cytopenia.errors import DataError, join_problems
from cytopenia.frames import grade_raw_labs, require_limits
from cytopenia.grade_options import name_unused_limits
from cytopenia.grading.risk_models import parse_coefficients
from cytopenia.grading.score_tables import RiskOptions
from cytopenia.one_course import Course, CourseEvent, CourseValue, SupportGiven, explain_tables, read_course
from cytopenia.score_card import score_with_card
from cytopenia.score_file import score_quantities
from cytopenia.score_words import (
    RESEARCH,
    ToldScore,
    record_card,
    record_score,
    tell_card,
    tell_score,
)
from cytopenia.study.model_cards import parse_card
from cytopenia.units import list_units, load_analytes
from cytopenia.version import __version__

__all__ = ["make_api"]

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem} for status in (401, 403, 404, 409, 413, 422)
}
# The sort of fault by the word of pydantic, and the key of the text that says it.
_FAULTS = {
    "missing": "api.missing",
    "extra_forbidden": "api.unknown",
    "literal_error": "api.choice",
    "value_error": "api.text",
    "string_unicode": "api.text",
    "finite_number": "api.bound",
}
# What pydantic puts into a path beside the keys that were sent: the branches of a union among others.
_BRANCH = re.compile(r"[\[\]()]|^(body|path|int|float|str|constrained-\w+)$")
_FAULT_ENDINGS = {
    "_type": "api.type",
    "_parsing": "api.type",
    "too_short": "api.length",
    "too_long": "api.length",
    "_equal": "api.bound",
    "_than": "api.bound",
}


def make_api(settings: AppSettings) -> FastAPI:
    """Return the interface; it stands under /api and shares the door of the app."""
    say = make_say(settings.language)
    api = FastAPI(
        title=say("api.title"),
        description=say("api.about"),
        version=__version__,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(HTTPBearer(auto_error=False))],
        responses=_PROBLEMS,
        middleware=[Middleware(FailureAnswers, answer=answer_failure(settings))],
        exception_handlers={
            RequestValidationError: _refuse_form,
            HTTPException: _pass_on,
            404: _no_page,
            405: _no_method,
        },
    )
    api.state.settings, api.state.workspace = settings, Workspace(settings.folder)
    api.get("/definitions")(definitions)
    api.post("/score/{definition}")(score)
    api.post("/card")(card)
    api.post("/grade")(grade)
    api.post("/icaht")(icaht)
    api.post("/recovery")(recovery)
    add_cds_services(api)
    return api


def _say(request: Request) -> Say:
    return make_say(request.app.state.settings.language)


async def _refuse_form(request: Request, cause: Exception) -> Response:
    """Every fault of a body by its key; what stood there is never repeated."""
    say = _say(request)
    found: list[dict[str, Any]] = list(cause.errors()) if isinstance(cause, RequestValidationError) else []
    if any(one["type"] == "json_invalid" for one in found):
        raise RefusedError(422, "api.no_json")
    told = dict.fromkeys(_say_fault(one, say) for one in found)
    raise DataError(join_problems(say("api.wrong"), [*told]))


def _say_fault(fault: Mapping[str, Any], say: Say) -> str:
    where = [str(part) for part in fault["loc"] if not _BRANCH.search(str(part))]
    ending = next((key for end, key in _FAULT_ENDINGS.items() if fault["type"].endswith(end)), "api.other")
    allowed = fault.get("ctx", {}).get("expected", "")
    return say(_FAULTS.get(fault["type"], ending), name=".".join(where) or "body", allowed=allowed)


async def _pass_on(request: Request, cause: Exception) -> Response:
    """A body that was too large, or that is no text, is told by what was wrong with it."""
    del request
    if isinstance(cause.__cause__, RefusedError):
        raise cause.__cause__
    raise RefusedError(422, "api.no_json")


async def _no_page(request: Request, cause: Exception) -> Response:
    del request
    raise RefusedError(404, "refusal.no_page") from cause


async def _no_method(request: Request, cause: Exception) -> Response:
    del request
    raise RefusedError(405, "refusal.no_method") from cause


# -- definitions -----------------------------------------------------------------------------------


def definitions(request: Request) -> list[DefinitionAnswer]:
    """List every definition: what it is, where it comes from, what it needs, in which units."""
    return [_describe(item) for item in load_definitions(request).definitions.values()]


def _describe(definition: Definition) -> DefinitionAnswer:
    told = describe_definition(definition)
    days = {need.analyte: need.day for need in getattr(definition, "inputs_needed", ())}
    units = dict(definition.analyte_units)
    known = load_analytes()
    inputs = [
        InputAnswer(
            analyte=name,
            title=known[name].title,
            unit=unit,
            units=list_units(name),
            day=days.get(name),
        )
        for name, unit in units.items()
        if name in known
    ]
    names = ("id", "title", "version", "status", "citation", "doi", "rules", "assumed")
    return DefinitionAnswer(kind=definition.kind, inputs=inputs, **{name: told[name] for name in names})


# -- scores ----------------------------------------------------------------------------------------


def score(definition: str, asked: ScoreRequest, request: Request) -> ScoreAnswer:
    """Score one patient: points with their group, a ratio, or the probability of a model."""
    found = load_definitions(request).find_score(definition)
    risk = RiskOptions()
    if isinstance(found, ModelDefinition):
        text = asked.coefficients
        given = None if text is None else parse_coefficients(text.encode(), found, where="coefficients")
        risk = RiskOptions(coefficients=given, categories=asked.categories, allow_outside=asked.allow_outside)
    scored = score_quantities(found, _list_pairs(asked.values), risk=risk)
    return _answer(tell_score(scored), record_score(scored))


def card(asked: CardRequest) -> ScoreAnswer:
    """Give the probability of one patient by a model card."""
    try:
        content = json.dumps(asked.card).encode()
    except (RecursionError, ValueError) as cause:
        raise RefusedError(422, "api.no_json") from cause
    scored = score_with_card(parse_card(content, where="card"), _list_pairs(asked.values))
    return _answer(tell_card(scored), record_card(scored))


def _list_pairs(values: Mapping[str, Quantity]) -> list[tuple[str, str]]:
    return [(name, f"{as_input(one.value)} {one.unit}".strip()) for name, one in values.items()]


def _answer(told: ToldScore, record: dict[str, Any]) -> ScoreAnswer:
    return ScoreAnswer(
        title=told.title,
        result=told.result,
        note=told.note,
        inputs=[ScoreInputAnswer.model_validate(line) for line in told.inputs],
        warnings=list(told.warnings),
        remarks=list(told.remarks),
        record=record,
        use=RESEARCH,
    )


# -- grades and courses ----------------------------------------------------------------------------


def _write(limit: str | float | None, decimal: str) -> str | None:
    return None if limit is None else as_input(limit, decimal)


def grade(asked: GradeRequest, request: Request) -> list[GradeAnswer]:
    """Grade values one by one, each as printed; the answers stand in the order of the values."""
    labs = pl.DataFrame(
        {
            "analyte": [value.analyte for value in asked.values],
            "value": [as_input(value.value, asked.decimal) for value in asked.values],
            "unit": [value.unit for value in asked.values],
            "lln": [_write(value.lln, asked.decimal) for value in asked.values],
            "baseline": [_write(value.baseline, asked.decimal) for value in asked.values],
        },
        schema=dict.fromkeys(("analyte", "value", "unit", "lln", "baseline"), pl.String),
    )
    folder, text = request.app.state.workspace.folder, TextFormat(decimal=asked.decimal)
    limits = require_limits({name: float(limit) for name, limit in asked.lln.items()})
    parts = load_definitions(request).find_value_parts(asked.definition)
    if unused := name_unused_limits(asked.definition, parts, limits):
        raise DataError(f"lln: {unused}")
    graded, _ = grade_raw_labs(labs, asked.definition, lln=limits, text=text, folder=folder)
    rows = graded.rename({"grade_reason": "reason"}).with_columns(labs["analyte"]).to_dicts()
    return [GradeAnswer.model_validate(row) for row in rows]


def icaht(asked: CourseRequest, request: Request) -> CourseAnswer:
    """Grade a course by definitions that count days: ICAHT, T-ICAHT, prolonged cytopenia."""
    return _explain(asked, request, page="icaht")


def recovery(asked: CourseRequest, request: Request) -> CourseAnswer:
    """Say whether, or when, a course recovered."""
    return _explain(asked, request, page="recovery")


def _explain(asked: CourseRequest, request: Request, *, page: str) -> CourseAnswer:
    say, language = _say(request), request.app.state.settings.language
    wanted = asked.definitions or find_course_page(load_definitions(request), page).first
    course = _make_course(asked)
    read = read_course(course)
    if errors := list_errors(read, say, language=language):
        raise DataError(join_problems(say("course.problems"), errors))
    found = explain_tables(course, read, wanted, folder=request.app.state.workspace.folder)
    told = tell_course(found, say, language=language)
    return CourseAnswer(
        outcomes=[OutcomeAnswer.model_validate(one) for one in told.outcomes],
        warnings=list(told.warnings),
        note=told.note,
        use=RESEARCH,
    )


def _make_course(asked: CourseRequest) -> Course:
    values = [
        CourseValue(as_text(one.when), one.analyte, as_input(one.value, asked.decimal), one.unit, row)
        for row, one in enumerate(asked.values, start=1)
    ]
    support = [
        SupportGiven(one.kind, as_text(one.start), as_text(one.stop), row)
        for row, one in enumerate(asked.support, start=1)
    ]
    return Course(
        values=values,
        infusion_date=asked.infusion_date,
        date_format=asked.date_format,
        decimal=asked.decimal,
        support=support,
        support_complete=asked.support_complete,
        events=[CourseEvent(one.kind, as_text(one.when)) for one in asked.events],
    )
