"""Every address of the app, requests that no browser would send, and what a folder holds byte by byte."""

from __future__ import annotations

import hashlib
import re
import socket
import time
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

from starlette.routing import BaseRoute, Mount, Route

from cytopenia.app.server import make_app
from cytopenia.app.settings import AppSettings

_PLACES = {"score": "easix", "definition": "easix", "service": "blood-counts", "file": "labs.csv"}
# Attributes by which a browser loads or runs something.
_ACTIVE = ("href", "src", "action", "formaction", "data", "srcdoc")


def list_addresses(study: str) -> list[tuple[str, str]]:
    """Method and path of every route of the app, so that a new one is attacked as well."""
    routes = make_app(AppSettings(folder=Path("nowhere"))).routes
    places = {**_PLACES, "study": study}
    return sorted(
        (method, re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: places.get(found[1], "0"), path))
        for path, methods in _list_routes(routes)
        for method in methods
    )


def _list_routes(routes: list[BaseRoute], start: str = "") -> Iterator[tuple[str, set[str]]]:
    for route in routes:
        if isinstance(route, Mount):
            yield from _list_routes(route.routes, f"{start}{route.path}")
        elif isinstance(route, Route):
            yield f"{start}{route.path}", set(route.methods or ()) - {"HEAD", "OPTIONS"}


def take_snapshot(folder: Path) -> dict[str, str]:
    """Path and content of everything below a folder; the file of a lock says nothing."""
    return {
        item.relative_to(folder).as_posix(): _describe(item)
        for item in sorted(folder.rglob("*"))
        if item.name != ".study.lock"
    }


def _describe(item: Path) -> str:
    if item.is_symlink():
        return f"link to {item.readlink()}"
    return hashlib.sha256(item.read_bytes()).hexdigest() if item.is_file() else "folder"


def send_raw(port: int, *pieces: bytes) -> str:
    """Send bytes as they are and return all that comes back until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        for piece in pieces:
            line.sendall(piece)
        answer = b""
        while piece := line.recv(65536):
            answer += piece
    return answer.decode("utf-8", errors="replace")


def wait_until(is_so: Callable[[], bool], what: str, *, seconds: float = 60.0) -> None:
    ends = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < ends, f"waited in vain: {what}"
        time.sleep(0.02)


class _Dangers(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "script" and not (values.get("src") or "").startswith("/static/"):
            self.found.append("a script that is not ours")
        if tag in ("iframe", "object", "embed", "base", "img", "marquee"):
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            if name.startswith("on"):
                self.found.append(f"{tag} {name}")
            if name in _ACTIVE and not re.match(r"[/#?]|$", value or ""):
                self.found.append(f"{tag} {name}={value}")


def list_dangers(page: str) -> list[str]:
    """What in a page could run, or load or lead to something that is not of the app."""
    parser = _Dangers()
    parser.feed(page)
    parser.close()
    return parser.found
