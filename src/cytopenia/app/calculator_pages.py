"""Calculators: the list, a score from its inputs, a probability by a model card. Nothing of it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from cytopenia.app.failures import RefusedError
from cytopenia.app.form_fields import read_form
from cytopenia.app.pages import render_page
from cytopenia.app.score_forms import (
    Calculator,
    InputField,
    describe_card,
    describe_score,
    join_values,
    list_scores,
)
from cytopenia.app.workspace import Workspace
from cytopenia.definition_forms import ModelDefinition, ScoreDefinition
from cytopenia.definitions import Library, load_library
from cytopenia.errors import CytopeniaError, DefinitionError
from cytopenia.forms import read_bytes
from cytopenia.grading.risk_models import parse_coefficients
from cytopenia.grading.score_tables import RiskOptions
from cytopenia.score_card import score_with_card
from cytopenia.score_file import score_quantities
from cytopenia.score_words import ToldScore, tell_card, tell_score
from cytopenia.study.model_cards import ModelCard, parse_card

__all__ = ["calculators", "card", "first_values", "load_definitions", "score", "score_by_card"]

_CARD_ENDING = ".card.json"
_PASTED = "card.json"
_COEFFICIENTS = "coefficients.toml"


def load_definitions(request: Request) -> Library:
    """Return the definitions of the package, and those of the folder that the app was opened on."""
    return load_library(request.app.state.workspace.folder)


def first_values(form: Mapping[str, list[str]]) -> dict[str, str]:
    """Return the first value of each field."""
    return {name: values[0] for name, values in form.items()}


async def calculators(request: Request) -> Response:
    """The list of all calculators, and the model cards of the studies."""
    library = await run_in_threadpool(load_definitions, request)
    scores = [describe_score(item) for item in list_scores(library)]
    cards = await run_in_threadpool(_list_cards, request.app.state.workspace)
    return render_page(request, "calculators.html", scores=scores, cards=cards)


def _list_cards(workspace: Workspace) -> list[tuple[str, str]]:
    """Study and file of every model card in results."""
    return [
        (study.name, name)
        for study in workspace.list_studies()
        for name in study.list_results()
        if name.endswith(_CARD_ENDING)
    ]


async def score(request: Request) -> Response:
    """One score: its form, and what comes out of the values that were sent."""
    library = await run_in_threadpool(load_definitions, request)
    definition = _find_score(library, request.path_params["score"])
    calculator = describe_score(definition)
    form = first_values(await read_form(request)) if request.method == "POST" else {}
    told, problem = None, ""
    given = _read_given(calculator.fields, form)
    if any(value.strip() for value, _ in given.values()):
        try:
            told = await run_in_threadpool(_score, definition, calculator, form)
        except CytopeniaError as cause:
            problem = str(cause)
    return _show(request, calculator, form, told=told, problem=problem, card="")


def _find_score(library: Library, name: str) -> ScoreDefinition:
    found = next((item for item in list_scores(library) if item.id == name), None)
    if found is None:
        raise RefusedError(404, "refusal.no_page")
    return found


def _read_given(fields: tuple[InputField, ...], form: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    return {
        field.name: (form.get(f"value_{field.name}", ""), form.get(f"unit_{field.name}", ""))
        for field in fields
    }


def _score(definition: ScoreDefinition, calculator: Calculator, form: Mapping[str, str]) -> ToldScore:
    given = _read_given(calculator.fields, form)
    pairs = join_values([field for field in calculator.fields if not field.levels], given)
    levels = {field.name: given[field.name][0] for field in calculator.fields if field.levels}
    risk = RiskOptions()
    if isinstance(definition, ModelDefinition):
        text = form.get("coefficients", "").strip()
        found = parse_coefficients(text.encode(), definition, where=_COEFFICIENTS) if text else None
        risk = RiskOptions(
            coefficients=found, categories=levels, allow_outside=bool(form.get("allow_outside"))
        )
    return tell_score(score_quantities(definition, pairs, risk=risk))


def _show(
    request: Request,
    calculator: Calculator | None,
    form: Mapping[str, str],
    **values: Any,
) -> Response:
    status = 422 if values.get("problem") else 200
    return render_page(request, "score.html", status=status, calculator=calculator, form=form, **values)


async def card(request: Request) -> Response:
    """The page of a model card: choose one of a study, or bring one."""
    name, file = request.query_params.get("study"), request.query_params.get("file")
    if not name or not file:
        return render_page(request, "score.html", calculator=None, form={}, told=None, problem="", card="")
    found, text = await run_in_threadpool(_read_study_card, request.app.state.workspace, name, file)
    return _show(request, describe_card(found), {}, told=None, problem="", card=text)


def _read_study_card(workspace: Workspace, name: str, file: str) -> tuple[ModelCard, str]:
    """The card, and its text as it stands, which its seal is that of."""
    study = workspace.find(name)
    if (name, file) not in _list_cards(workspace):
        raise RefusedError(404, "refusal.no_page")
    content = read_bytes(study.path / "results" / file, error=DefinitionError)
    return parse_card(content, where=file), content.decode("utf-8-sig")


async def score_by_card(request: Request) -> Response:
    """A probability by a card that the form brings along; nothing of it is kept."""
    form = first_values(await read_form(request))
    text = form.get("card", "").strip()
    calculator, told, problem = None, None, ""
    try:
        found = await run_in_threadpool(parse_card, text.encode(), where=_PASTED)
        calculator = describe_card(found)
        given = _read_given(calculator.fields, form)
        if any(value.strip() for value, _ in given.values()):
            pairs = join_values(calculator.fields, given)
            told = tell_card(await run_in_threadpool(score_with_card, found, pairs))
    except CytopeniaError as cause:
        problem = str(cause)
    return _show(request, calculator, form, told=told, problem=problem, card=text)
