"""Who may ask what: the host, the session, forgery across sites, headers, and the size of what comes in."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cytopenia.app.failures import RefusedError
from cytopenia.app.settings import AppSettings

__all__ = ["CSRF_FIELD", "BodyLimit", "Gate", "SafeHeaders", "Sessions", "is_upload", "list_origins"]

# Only these read; everything else must show that it comes from a page of ours.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_FIELD, CSRF_HEADER = "csrf", "x-csrf-token"
_UPLOAD = re.compile(r"/studies/[^/]+/files/[^/]+")
_FAILURES_ALLOWED, _FAILURE_SECONDS = 5, 60.0

# Inline style attributes stand in our figures; nothing inline runs, and nothing comes from elsewhere.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-src 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    # Without any referrer a browser calls the origin of a form "null", which is what a foreign page has.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
    "cache-control": "no-store",
}


@dataclass
class Sessions:
    """Who has opened the app with the link or the password; forgotten when the app ends."""

    settings: AppSettings
    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    _open: set[str] = field(default_factory=set[str], repr=False)
    _failures: list[float] = field(default_factory=list[float], repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def cookie(self) -> str:
        """The name of the cookie: cookies know no ports, so two apps need two names."""
        return f"cytopenia-{self.settings.port}"

    def enter(self, word: str) -> str | None:
        """Return a new session for the right token or password.

        Raises
        ------
        RefusedError
            Too many wrong words within a minute.
        """
        right = self.settings.password or self.settings.token
        now = time.monotonic()
        with self._lock:
            self._failures = [moment for moment in self._failures if now - moment < _FAILURE_SECONDS]
            if len(self._failures) >= _FAILURES_ALLOWED:
                raise RefusedError(429, "refusal.too_many_tries")
            if not hmac.compare_digest(word.encode(), right.encode()):
                self._failures.append(now)
                return None
            session = secrets.token_urlsafe(32)
            self._open.add(session)
        return session

    def leave(self, session: str) -> None:
        """Forget a session."""
        with self._lock:
            self._open.discard(session)

    def find(self, cookies: str) -> str | None:
        """Return the open session that a Cookie header names."""
        for part in cookies.split(";"):
            name, _, value = part.strip().partition("=")
            if name == self.cookie and value in self._open:
                return value
        return None

    def knows_program(self, authorization: str) -> bool:
        """Return whether an Authorization header brings the word of the app: a program, not a page."""
        kind, _, word = authorization.partition(" ")
        right = self.settings.password or self.settings.token
        return kind.lower() == "bearer" and hmac.compare_digest(word.strip().encode(), right.encode())

    def csrf(self, session: str) -> str:
        """Return the word that a form of this session must bring."""
        return hmac.new(self._secret, session.encode(), hashlib.sha256).hexdigest()


class SafeHeaders:
    """Every answer carries the headers that keep a page to itself; a page may state a stricter policy."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_safe(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_safe)


class Gate:
    """Lets through who has a session, and what a page of ours has sent."""

    def __init__(self, app: ASGIApp, sessions: Sessions, origins: Iterable[str]) -> None:
        self.app, self.sessions, self.origins = app, sessions, frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers, path = Headers(scope=scope), scope["path"]
        is_program = self.sessions.knows_program(headers.get("authorization", ""))
        session = self.sessions.find(headers.get("cookie", ""))
        is_open = path == "/enter" or path.startswith("/static/")
        if session is None and not (is_program or is_open):
            raise RefusedError(401, "refusal.no_session")
        if scope["method"] not in SAFE_METHODS and not is_program:
            self._require_own_page(headers)
            if session is not None:
                receive = await self._require_word(headers, session, receive)
        scope["csrf"] = self.sessions.csrf(session) if session else ""
        scope["session"] = session
        await self.app(scope, receive, send)

    def _require_own_page(self, headers: Headers) -> None:
        """A browser says where a request comes from; one from elsewhere is not ours."""
        origin = headers.get("origin")
        if origin is not None and origin not in self.origins:
            raise RefusedError(403, "refusal.other_site")
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise RefusedError(403, "refusal.other_site")

    async def _require_word(self, headers: Headers, session: str, receive: Receive) -> Receive:
        """The word of the session stands in a header, or in a form, which is read here and handed on."""
        given = headers.get(CSRF_HEADER)
        if given is None and headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            body = await _read_all(receive)
            given = parse_qs(body.decode("utf-8", errors="replace")).get(CSRF_FIELD, [""])[0]
            receive = _replay(body, receive)
        if not hmac.compare_digest((given or "").encode(), self.sessions.csrf(session).encode()):
            raise RefusedError(403, "refusal.old_form")
        return receive


async def _read_all(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return body


def _replay(body: bytes, receive: Receive) -> Receive:
    """A body that has been read, as if it arrived now."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again


class BodyLimit:
    """Refuses a body that is larger than its kind may be, by what it says and by what arrives."""

    def __init__(self, app: ASGIApp, settings: AppSettings) -> None:
        self.app, self.limits = app, settings.limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it before it is taken in."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        allowed = self.limits.upload if is_upload(scope) else self.limits.form
        said = Headers(scope=scope).get("content-length", "0")
        if not said.isdigit() or int(said) > allowed:
            raise RefusedError(413, "refusal.too_large", allowed=_in_megabytes(allowed))
        arrived = 0

        async def receive_counted() -> Message:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > allowed:
                raise RefusedError(413, "refusal.too_large", allowed=_in_megabytes(allowed))
            return message

        await self.app(scope, receive_counted, send)


def is_upload(scope: Scope) -> bool:
    """Return whether a request brings a file of a study."""
    return scope["method"] == "PUT" and _UPLOAD.fullmatch(scope["path"]) is not None


def _in_megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:,.0f} MB"


def list_origins(settings: AppSettings) -> list[str]:
    """Return how pages of this app name their origin."""
    scheme = urlsplit(settings.address).scheme
    hosts = {settings.host, "localhost"} if settings.host == "127.0.0.1" else {settings.host}
    return [f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.port}" for host in sorted(hosts)]
