"""A server that speaks the API of REDCap over HTTP, on this machine, for the project of `redcap_project`.

Answers as REDCap does: form-encoded POST, JSON, errors with 400 or 403 in the format asked for. `faults` are
taken one by one before an answer is given. It refuses whatever would write.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import sleep
from typing import Any
from urllib.parse import parse_qs

from redcap_project import dictionary_rows, raw_rows

__all__ = ["TOKEN", "RedcapStub", "run_stub"]

TOKEN = "0123456789ABCDEF0123456789ABCDEF"
_KEYS = ("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")
_EVENTS = [
    ("Baseline", 1, "baseline_arm_1", ("demographics", "infusion")),
    ("Follow-up", 1, "follow_up_arm_1", ("blood_counts", "outcome")),
    ("Day 28 visit", 1, "day_28_visit_arm_1", ("visit_counts",)),
    ("Baseline", 2, "baseline_arm_2", ("demographics", "infusion")),
    ("Follow-up", 2, "follow_up_arm_2", ("blood_counts", "outcome")),
]
# Columns that are sent only where they are asked for.
_EXTRA = {
    "blood_counts_timestamp": "exportSurveyFields",
    "redcap_data_access_group": "exportDataAccessGroups",
}
_WRITING = ("data", "action", "override", "file")


class RedcapStub(ThreadingHTTPServer):
    """The server; `asked` has the parameters of every request but the token."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.rows = raw_rows()
        self.metadata = dictionary_rows()
        self.longitudinal = 1
        self.faults: list[str] = []
        self.asked: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/api/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no failure of a test."""


class _Handler(BaseHTTPRequestHandler):
    server: RedcapStub

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._send(405, "text/html", b"<html>no</html>")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode("utf-8")
        given = {key: values[0] for key, values in parse_qs(body, keep_blank_values=True).items()}
        token = given.pop("token", "")
        self.server.asked.append(given)
        fault = self.server.faults.pop(0) if self.server.faults else ""
        if fault and fault != "truncate":
            self._fail_on_purpose(fault, token)
        elif self.path != "/api/":
            self._send(404, "text/html", b"<html>Not found</html>")
        elif token != TOKEN:
            self._refuse(403, "You do not have permissions to use the API", given)
        elif any(key in given for key in _WRITING):
            self._refuse(403, "You do not have permissions to import", given)
        else:
            self._answer(given, is_cut=fault == "truncate")

    def _answer(self, given: dict[str, str], *, is_cut: bool) -> None:
        content = given.get("content", "")
        if content == "version":
            self._send(200, "text/html; charset=utf-8", b"14.5.10")
            return
        answers = {
            "metadata": lambda: self.server.metadata,
            "project": self._project,
            "event": self._events,
            "formEventMapping": self._designated,
            "repeatingFormsEvents": self._repeating,
            "record": lambda: self._records(given),
        }
        if content not in answers:
            self._refuse(400, 'The value of the parameter "content" is not valid', given)
        elif content in ("event", "formEventMapping") and not self.server.longitudinal:
            self._refuse(400, "You cannot export events for classic projects", given)
        elif given.get("format", "xml") != "json":
            self._refuse(400, "This server was only built to answer in JSON", given)
        else:
            answer = answers[content]()
            if answer is not None:
                data = json.dumps(answer).encode("utf-8")
                self._send(200, "application/json; charset=utf-8", data[: len(data) // 2] if is_cut else data)

    def _project(self) -> dict[str, Any]:
        return {
            "project_id": 17,
            "project_title": "Synthetic",
            "is_longitudinal": self.server.longitudinal,
            "has_repeating_instruments_or_events": 1,
            "missing_data_codes": "NI, No information",
        }

    def _events(self) -> list[dict[str, Any]]:
        return [
            {"event_name": name, "arm_num": arm, "unique_event_name": unique, "custom_event_label": None}
            for name, arm, unique, _ in _EVENTS
        ]

    def _designated(self) -> list[dict[str, Any]]:
        return [
            {"arm_num": arm, "unique_event_name": unique, "form": form}
            for _, arm, unique, forms in _EVENTS
            for form in forms
        ]

    def _repeating(self) -> list[dict[str, Any]]:
        return [
            {"event_name": unique, "form_name": form, "custom_form_label": ""}
            for _, _, unique, forms in _EVENTS
            for form in forms
            if form in ("blood_counts", "outcome")
        ]

    def _records(self, given: dict[str, str]) -> list[dict[str, Any]] | None:
        """Flat records; a checkbox is asked for by its field and given choice by choice."""
        fields = [value for key, value in given.items() if re.fullmatch(r"fields\[\d+\]", key)]
        records = [value for key, value in given.items() if re.fullmatch(r"records\[\d+\]", key)]
        names = {row["field_name"] for row in self.server.metadata}
        names |= {f"{row['form_name']}_complete" for row in self.server.metadata}
        unknown = [field for field in fields if field not in names]
        if unknown or given.get("type") != "flat":
            listed = ", ".join(f"'{name}'" for name in unknown)
            self._refuse(
                400, f'The following values in the parameter "fields" are not valid: {listed}', given
            )
            return None
        record = self.server.metadata[0]["field_name"]
        keys = _KEYS if record in fields else ()
        extra = {name for name, asked in _EXTRA.items() if given.get(asked, "").lower() == "true"}
        kept = [row for row in self.server.rows if not records or row[record] in records]
        shown = [
            name
            for name in (self.server.rows[0] if self.server.rows else {})
            if name in keys or not fields or name.partition("___")[0] in fields or name in extra
        ]
        return [{name: _as_sent(name, row[name]) for name in shown} for row in kept]

    def _refuse(self, status: int, sentence: str, given: dict[str, str]) -> None:
        if given.get("returnFormat", given.get("format")) == "json":
            self._send(status, "application/json; charset=utf-8", json.dumps({"error": sentence}).encode())
        else:
            text = f'<?xml version="1.0" encoding="UTF-8" ?><hash><error>{sentence}</error></hash>'
            self._send(status, "text/xml; charset=utf-8", text.encode())

    def _fail_on_purpose(self, fault: str, token: str) -> None:
        login = b"<!DOCTYPE html><html><head><title>Log In</title></head><body>REDCap</body></html>"
        if fault == "login":
            self._send(200, "text/html; charset=utf-8", login)
        elif fault == "moved":
            self._send(302, "text/html", b"", location="https://elsewhere.example.org/api/")
        elif fault == "maintenance":
            self._send(503, "text/html", b"<html>The system is down</html>")
        elif fault == "slow":
            sleep(1)
            self._send(200, "text/html", b"14.5.10")
        elif fault == "soft":
            self._send(200, "application/json", json.dumps({"error": "Project is offline"}).encode())
        elif fault == "echo":
            self._send(500, "text/html", f"<html>Failed for token={token.lower()}</html>".encode())
        elif fault == "drop":
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'[{"record_id": "A-')
            self.close_connection = True
        else:
            raise AssertionError(fault)

    def _send(self, status: int, kind: str, data: bytes, *, location: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(data)


def _as_sent(name: str, value: str) -> Any:
    """The instance is a number in JSON, everything else a text."""
    return int(value) if name == "redcap_repeat_instance" and value else value


@contextmanager
def run_stub(context: ssl.SSLContext | None = None) -> Iterator[RedcapStub]:
    """Run the server in a thread until the block ends."""
    server = RedcapStub()
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
