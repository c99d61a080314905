"""The app in a process of its own on loopback, and a browser's way of asking it: cookies and forms."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from processes import SOURCE


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    text: str


@dataclass
class Visitor:
    """One browser: what it is told to keep, it sends again."""

    port: int
    cookie: str = ""
    csrf: str = ""

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes | str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            sent = {"Cookie": self.cookie} if self.cookie else {}
            connection.request(method, path, body=body, headers={**sent, **(headers or {})})
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, found, answer.read().decode("utf-8", errors="replace"))
        finally:
            connection.close()

    def enter(self, path: str) -> Reply:
        reply = self.ask("GET", path)
        self.cookie = reply.headers.get("set-cookie", "").partition(";")[0]
        page = self.ask("GET", "/").text
        self.csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
        return reply

    def send_form(self, path: str, **fields: str) -> Reply:
        body = urlencode({"csrf": self.csrf, **fields})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", path, body=body, headers=kind)

    def upload(self, path: str, content: bytes, **headers: str) -> Reply:
        return self.ask("PUT", path, body=content, headers={"X-CSRF-Token": self.csrf, **headers})


@dataclass
class RunningApp:
    process: subprocess.Popen[str]
    link: str
    folder: Path
    said: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        return urlsplit(self.link).port or 0

    @property
    def path_of_link(self) -> str:
        parts = urlsplit(self.link)
        return f"{parts.path}?{parts.query}"

    def visit(self) -> Visitor:
        visitor = Visitor(self.port)
        visitor.enter(self.path_of_link)
        return visitor


def find_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def run_app(folder: Path, *, program: Path | None = None, **environment: str) -> Generator[RunningApp]:
    """The app as the command starts it, or as a program of the tests does that takes the same arguments."""
    start = ["-m", "cytopenia.cli", "app"] if program is None else [str(program)]
    command = [sys.executable, *start, str(folder), "--no-browser", "--port"]
    process = subprocess.Popen(
        [*command, str(find_port())],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE), **environment},
    )
    app = RunningApp(process, "", folder)
    try:
        assert process.stdout is not None
        while not app.link:
            line = process.stdout.readline()
            assert line, process.stderr.read() if process.stderr else ""
            app.link = line.partition("Open:")[2].strip()
        yield app
    finally:
        process.terminate()
        out, err = process.communicate(timeout=30)
        app.said += [out, err]
