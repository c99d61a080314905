"""The app in a process of its own on loopback, and a browser's way of asking it: cookies and forms."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
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
    tls: ssl.SSLContext | None = None

    def connect(self) -> http.client.HTTPConnection:
        if self.tls is not None:
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=self.tls)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes | str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        connection = self.connect()
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
        self.take_session(reply)
        return reply

    def take_session(self, reply: Reply) -> None:
        self.cookie = reply.headers.get("set-cookie", "").partition(";")[0]
        page = self.ask("GET", "/").text
        self.csrf = page.partition('name="csrf" value="')[2].partition('"')[0]

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
def run_app(
    folder: Path, *options: str, before: str = "", program: Path | None = None, **environment: str
) -> Generator[RunningApp]:
    """Run the app as the command starts it.

    `before` is Python that its process carries out first; `program` one that takes the command's arguments.
    """
    words = [str(folder), "--no-browser", "--port", str(find_port()), *options]
    code = f"import sys\n{before}\nfrom cytopenia.cli import main\nmain(sys.argv[1:])"
    start = ["-c", code, "app"] if before else ["-m", "cytopenia.cli", "app"]
    process = subprocess.Popen(
        [sys.executable, *(start if program is None else [str(program)]), *words],
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
