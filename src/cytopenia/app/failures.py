"""Whatever goes wrong becomes a page or a JSON answer in our words; nothing of a patient reaches the log."""

from __future__ import annotations

import asyncio
import logging
import secrets
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cytopenia.errors import CytopeniaError, DataError, OutputError, ReaderError

__all__ = ["ConflictError", "FailureAnswers", "RefusedError", "describe_failure", "log_defect"]

_DRAIN_SECONDS = 0.3
LOG = logging.getLogger("cytopenia.app")

_STATUS: tuple[tuple[type[CytopeniaError], int], ...] = (
    (OutputError, 409),
    (ReaderError, 422),
    (DataError, 422),
)


class RefusedError(Exception):
    """A request that is not served: its status, and the key and blanks of the text that says why."""

    def __init__(self, status: int, key: str, **values: object) -> None:
        super().__init__(key)
        self.status, self.key, self.values = status, key, values


class ConflictError(RefusedError):
    """Something else has changed what was to be written; nothing was written."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(409, key, **values)


class Answer(Protocol):
    """Makes the answer to a failed request: status, the text or the key of it, and the blanks."""

    def __call__(self, scope: Scope, *, status: int, key: str, values: dict[str, object]) -> Response:
        """Return the page, or JSON where a program asked."""
        ...


class FailureAnswers:
    """The outermost layer: catches what the others raise."""

    def __init__(self, app: ASGIApp, answer: Answer) -> None:
        self.app, self.answer = app, answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or tell what went wrong."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        has_begun, is_taken_in = False, False

        async def receive_noted() -> Message:
            nonlocal is_taken_in
            message = await receive()
            is_taken_in = not message.get("more_body")
            return message

        async def send_noted(message: Message) -> None:
            nonlocal has_begun
            has_begun = has_begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive_noted, send_noted)
        except ClientDisconnect:
            # Nobody is left to be told.
            return
        except Exception as cause:
            status, key, values = describe_failure(cause)
            if has_begun:
                return
            if not is_taken_in:
                await _drain(receive, scope)
            await self.answer(scope, status=status, key=key, values=values)(scope, receive, send)


async def _drain(receive: Callable[[], Awaitable[Message]], scope: Scope) -> None:
    """A short rest of the body is taken in, so that the browser reads the answer instead of a lost line."""
    if scope["method"] in ("POST", "PUT"):
        with suppress(TimeoutError, RefusedError):
            await asyncio.wait_for(_take_rest(receive), _DRAIN_SECONDS)


async def _take_rest(receive: Callable[[], Awaitable[Message]]) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return


def describe_failure(cause: Exception) -> tuple[int, str, dict[str, object]]:
    """Return status, key of the text and its blanks; a defect is logged by its place, without its text."""
    if isinstance(cause, RefusedError):
        return cause.status, cause.key, cause.values
    if isinstance(cause, CytopeniaError):
        status = next((status for kind, status in _STATUS if isinstance(cause, kind)), 422)
        return status, "failure.said", {"message": str(cause)}
    return 500, "failure.defect", {"number": log_defect(cause)}


def log_defect(cause: BaseException) -> str:
    """Log a defect by its place, without its text, which may hold a value; return its number."""
    number = secrets.token_hex(4)
    frames = traceback.extract_tb(cause.__traceback__)
    places = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-6:]))
    LOG.error("defect %s: %s at %s", number, type(cause).__name__, places)
    return number
