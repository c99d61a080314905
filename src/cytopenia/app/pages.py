"""A page from its template: every word from the texts of the language, every other text escaped."""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Scope

from cytopenia.app.settings import AppSettings
from cytopenia.app.texts import make_say

__all__ = ["DRAWING", "answer_failure", "render_page", "wants_json"]

# The settings of the drawing library belong to the process: one drawing at a time.
DRAWING = Lock()
# Something of a study that is there could not be done.
_OF_STUDY = (409, 422)


@cache
def _make_environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment: Any = Environment(
        loader=PackageLoader("cytopenia.app"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment


def render_page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page; `say` gives the texts, `csrf` the word of the session for its forms."""
    settings: AppSettings = request.app.state.settings
    return _render(request.scope, template, settings, status=status, values=values)


def _render(
    scope: Scope, template: str, settings: AppSettings, *, status: int, values: dict[str, Any]
) -> HTMLResponse:
    text = (
        _make_environment()
        .get_template(template)
        .render(
            say=make_say(settings.language),
            language=settings.language,
            csrf=scope.get("csrf", ""),
            path=scope["path"],
            has_session=scope.get("session") is not None,
            **values,
        )
    )
    # A name on disk may hold half a character.
    return HTMLResponse(text.encode(errors="replace"), status_code=status)


def wants_json(scope: Scope) -> bool:
    """Return whether a program asks: by the path, or by what it accepts."""
    headers = dict(scope["headers"])
    accepts = headers.get(b"accept", b"").decode("latin-1")
    return scope["path"].startswith("/api/") or "application/json" in accepts


def _find_base(scope: Scope, status: int) -> str:
    """The address of the study that was asked for something; "" where there may be none."""
    _, *parts = scope["path"].split("/")
    is_of_study = len(parts) > len(("studies", "name")) and parts[0] == "studies" and status in _OF_STUDY
    return f"/studies/{quote(parts[1], errors='replace')}" if is_of_study else ""


def answer_failure(settings: AppSettings) -> Any:
    """Return the maker of answers to failed requests."""
    say = make_say(settings.language)

    def answer(scope: Scope, *, status: int, key: str, values: dict[str, object]) -> Response:
        # Half a character in what was sent is no text that an answer can hold.
        message = say(key, **values).encode(errors="replace").decode()
        if wants_json(scope):
            return JSONResponse({"error": message, "status": status}, status_code=status)
        shown = {"message": message, "status": status, "base": _find_base(scope, status)}
        return _render(scope, "failure.html", settings, status=status, values=shown)

    return answer
