"""Who may ask what: the host, the session, forgery across sites, headers, and the size of what comes in."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
import socket
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cytopenia.app.failures import RefusedError
from cytopenia.app.form_fields import parse_fields
from cytopenia.app.settings import AppSettings

__all__ = [
    "CSRF_FIELD",
    "BodyLimit",
    "Gate",
    "OwnHost",
    "SafeHeaders",
    "Sessions",
    "is_upload",
    "name_client",
]

# Only these read; everything else must show that it comes from a page of ours.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_FIELD, CSRF_HEADER = "csrf", "x-csrf-token"
_UPLOAD = re.compile(r"/studies/[^/]+/files/[^/]+")
# Wrong words within a minute: from one address, and the number of addresses that are remembered.
_FAILURES_ALLOWED, _FAILURE_SECONDS, _MOST_ADDRESSES = 5, 60.0, 1000
# No port, and no sign that could end a name elsewhere.
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^:/?#@\[\]\s]+)(?::\d{1,5})?", re.IGNORECASE)
_LONGEST_LENGTH = 15

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
    _failures: OrderedDict[str, list[float]] = field(
        default_factory=OrderedDict[str, list[float]], repr=False
    )
    _lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def cookie(self) -> str:
        """The name of the cookie: cookies know no ports, so two apps need two names."""
        return f"cytopenia-{self.settings.port}"

    def enter(self, word: str, *, address: str = "") -> str | None:
        """Return a new session for the right token or password.

        Raises
        ------
        RefusedError
            Too many wrong words from an address within a minute.
        """
        if not self._is_right(word, address):
            return None
        session = secrets.token_urlsafe(32)
        with self._lock:
            self._open.add(session)
        return session

    def _is_right(self, word: str, address: str) -> bool:
        right = self.settings.password or self.settings.token
        now = time.monotonic()
        with self._lock:
            tries = [moment for moment in self._failures.pop(address, ()) if now - moment < _FAILURE_SECONDS]
            self._failures[address] = tries
            while len(self._failures) > _MOST_ADDRESSES:
                self._failures.popitem(last=False)
            if len(tries) >= _FAILURES_ALLOWED:
                raise RefusedError(429, "refusal.too_many_tries")
            is_right = hmac.compare_digest(word.encode(errors="replace"), right.encode())
            if not is_right:
                tries.append(now)
        return is_right

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

    def knows_program(self, authorization: str, *, address: str = "") -> bool:
        """Return whether an Authorization header brings the word of the app: a program, not a page.

        Raises
        ------
        RefusedError
            As `enter`: a password is not to be guessed here either. The word of the link is too long for it.
        """
        kind, _, word = authorization.partition(" ")
        if kind.lower() != "bearer":
            return False
        if self.settings.password is not None:
            return self._is_right(word.strip(), address)
        return hmac.compare_digest(word.strip().encode(), self.settings.token.encode())

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


class OwnHost:
    """Serves who calls this machine by its name or address: any other name could be a foreign page's."""

    def __init__(self, app: ASGIApp, settings: AppSettings) -> None:
        self.app = app
        self.names = {"127.0.0.1", "localhost", "::1", settings.host.lower()}
        if settings.certificate is not None:
            self.names |= {socket.gethostname().lower(), socket.getfqdn().lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] == "http" and not self._is_own(scope):
            raise RefusedError(400, "refusal.other_host")
        await self.app(scope, receive, send)

    def _is_own(self, scope: Scope) -> bool:
        given = Headers(scope=scope).getlist("host")
        found = _HOST.fullmatch(given[0]) if len(given) == 1 else None
        if found is None:
            return False
        name = found["name"].strip("[]").lower()
        # The address by which this very connection came: no name of a foreign page is that.
        reached = scope.get("server")
        return name in self.names or (reached is not None and name == str(reached[0]).lower())


class Gate:
    """Lets through who has a session, and what a page of ours has sent."""

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self.app, self.sessions = app, sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers, path = Headers(scope=scope), scope["path"]
        is_program = self.sessions.knows_program(headers.get("authorization", ""), address=name_client(scope))
        session = self.sessions.find(headers.get("cookie", ""))
        is_open = path == "/enter" or path.startswith("/static/")
        if session is None and not (is_program or is_open):
            raise RefusedError(401, "refusal.no_session")
        if scope["method"] not in SAFE_METHODS and not is_program:
            _require_own_page(scope, headers)
            if session is not None:
                receive = await self._require_word(scope, session, receive)
        scope["csrf"] = self.sessions.csrf(session) if session else ""
        scope["session"] = session
        await self.app(scope, receive, send)

    async def _require_word(self, scope: Scope, session: str, receive: Receive) -> Receive:
        """The word of the session stands in a header, or in a form, which is read here and handed on."""
        headers = Headers(scope=scope)
        given, kind = headers.get(CSRF_HEADER), headers.get("content-type", "")
        # A file is no form, whatever it is called: it is never held in memory.
        if given is None and kind.startswith("application/x-www-form-urlencoded") and not is_upload(scope):
            body = await _read_all(receive)
            given = parse_fields(body).get(CSRF_FIELD, [""])[0]
            receive = _replay(body, receive)
        if not hmac.compare_digest((given or "").encode(), self.sessions.csrf(session).encode()):
            raise RefusedError(403, "refusal.old_form")
        return receive


def _require_own_page(scope: Scope, headers: Headers) -> None:
    """A browser says where a request comes from; one from elsewhere is not ours."""
    origin = headers.get("origin")
    if origin is not None and origin.lower() != f"{scope['scheme']}://{headers.get('host', '')}".lower():
        raise RefusedError(403, "refusal.other_site")
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise RefusedError(403, "refusal.other_site")


def name_client(scope: Scope) -> str:
    """Return the address of who asks."""
    client = scope.get("client")
    return str(client[0]) if client else ""


async def _read_all(receive: Receive) -> bytes:
    pieces: list[bytes] = []
    while True:
        message = await receive()
        pieces.append(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return b"".join(pieces)


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
        is_number = said.isascii() and said.isdigit() and len(said) <= _LONGEST_LENGTH
        if not is_number or int(said) > allowed:
            raise RefusedError(413, "refusal.too_large", allowed=_in_megabytes(allowed))
        arrived, is_whole = 0, False

        async def receive_counted() -> Message:
            nonlocal arrived, is_whole
            # After the body comes nothing but the end of the connection, which may take as long as it likes.
            message = await (receive() if is_whole else self._wait(receive))
            is_whole = is_whole or not message.get("more_body")
            arrived += len(message.get("body", b""))
            if arrived > allowed:
                raise RefusedError(413, "refusal.too_large", allowed=_in_megabytes(allowed))
            return message

        await self.app(scope, receive_counted, send)

    async def _wait(self, receive: Receive) -> Message:
        """Whoever stops in the middle of a body holds neither the connection nor a file for ever."""
        try:
            return await asyncio.wait_for(receive(), self.limits.silence)
        except TimeoutError:
            raise RefusedError(408, "refusal.silent") from None


def is_upload(scope: Scope) -> bool:
    """Return whether a request brings a file of a study."""
    return scope["method"] == "PUT" and _UPLOAD.fullmatch(scope["path"]) is not None


def _in_megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:,.0f} MB"
