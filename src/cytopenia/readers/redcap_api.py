"""A REDCap project read from its server through PyCap: read only, in batches, the token kept out of sight."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, TypeVar, cast

import polars as pl
from pydantic import SecretStr

from cytopenia.contract import Finding, note
from cytopenia.errors import ReaderError
from cytopenia.readers.redcap_design import check_design, make_design
from cytopenia.readers.redcap_dictionary import Dictionary, make_dictionary
from cytopenia.readers.redcap_mapping import RedcapMapping
from cytopenia.readers.redcap_records import Export, make_export
from cytopenia.readers.redcap_values import list_needed_columns

__all__ = ["Fetched", "fetch_project"]

Answer = TypeVar("Answer")

KEYRING_USER = "token"
_TOKEN = re.compile(r"^[0-9A-Za-z]{32}$")
# Seconds to connect, and between two pieces of an answer.
_TIMEOUT = (15, 180)
_ATTEMPTS = 2
_LONGEST_WORDS = 200
_READ_BYTES = 2_000
_GROUP = "redcap_data_access_group"
_MOVED, _REFUSED, _NOT_FOUND, _NO_RIGHTS, _GATEWAY = 300, 400, 404, (401, 403), (502, 503, 504)
_HASHED = re.compile(r"^[0-9a-f]{32}$")


@dataclass(frozen=True)
class Fetched:
    """A project as the server gave it: its dictionary, its records, and the missing data codes it has."""

    dictionary: Dictionary
    export: Export
    missing_codes: Mapping[str, str]
    findings: Sequence[Finding] = ()


class _PassingError(Exception):
    """The connection failed in a way that may pass; the text says how."""


class _RefusedError(Exception):
    """The server refused, and would again; the text says why."""


def fetch_project(mapping: RedcapMapping) -> Fetched:
    """Return the fields that the mapping names of all records, with the dictionary.

    Raises
    ------
    ReaderError
        There is no token, or the server does not answer, refuses, or does not answer as REDCap does.
    """
    server = _Server(mapping, read_token(mapping))
    version = server.ask_version()
    info = server.ask("project", lambda project: project.export_project_info())
    metadata = server.ask("metadata", lambda project: project.metadata)
    dictionary = make_dictionary(_as_rows(metadata, "metadata"), f"the dictionary at {server.host}")
    findings = _check_events(server, info, dictionary, mapping)
    fields = _list_fields(dictionary, mapping)
    rows = _fetch_records(server, dictionary, mapping, fields)
    content = json.dumps([metadata, rows], sort_keys=True, ensure_ascii=False).encode("utf-8")
    export = _build_export(rows, dictionary, f"REDCap at {server.host}")
    records = len({str(row[dictionary.record_id]) for row in rows})
    what = (
        f"{records:,} records with {len(fields):,} fields were fetched from {server.host} "
        f"(REDCap {version}); SHA-256 of the content: {hashlib.sha256(content).hexdigest()}"
    )
    findings.append(note("labs", "redcap_fetched", what, rows=len(rows)))
    return Fetched(dictionary, export, _read_missing_codes(info), findings)


def read_token(mapping: RedcapMapping) -> SecretStr:
    """Return the token from the environment or from the keyring of the machine.

    Raises
    ------
    ReaderError
        It is not there, or is no token.
    """
    if mapping.token_env is not None:
        where, found = f"the environment variable {mapping.token_env}", os.environ.get(mapping.token_env)
        hint = (
            f"Set it for this session only, as in: read -rs {mapping.token_env} && export {mapping.token_env}"
        )
    else:
        service = mapping.token_keyring or ""
        where, found = f"the keyring under '{service}'", _ask_keyring(service)
        hint = f"Store it with: keyring set {service} {KEYRING_USER}"
    token = (found or "").strip()
    if not token:
        raise ReaderError(f"REDCap: {where} has no token. {hint}.")
    if not _TOKEN.match(token):
        raise ReaderError(
            f"REDCap: what {where} has is no token of a project: it needs 32 letters and digits, and has "
            f"{len(token)} characters. Copy it again from the page 'API' of the project."
        )
    return SecretStr(token)


def _ask_keyring(service: str) -> str | None:
    if find_spec("keyring") is None:
        raise ReaderError(
            'REDCap: token_keyring needs the package keyring: pip install "cytopenia[keyring]"; or use '
            "token_env."
        )
    import keyring
    import keyring.errors

    try:
        return keyring.get_password(service, KEYRING_USER)
    except keyring.errors.KeyringError as cause:
        raise ReaderError(
            "REDCap: the keyring of this machine cannot be read. Unlock it, or use token_env."
        ) from cause


class _Server:
    """The API of one project: tries once more, and explains failures in our words."""

    def __init__(self, mapping: RedcapMapping, token: SecretStr) -> None:
        self.host = mapping.host
        self._url, self._token = mapping.url or "", token
        self._project = self._open()

    def _open(self) -> Any:
        if find_spec("redcap") is None:
            raise ReaderError(
                'REDCap: the API is read by PyCap, which is not installed: pip install "cytopenia[redcap]".'
            )
        from redcap.project import Project

        # Redirects are refused: they would carry the token to another address.
        return Project(
            self._url,
            self._token.get_secret_value(),
            timeout=_TIMEOUT,
            allow_redirects=False,
            headers={"Connection": "close"},
            hooks={"response": self._inspect},
        )

    def ask(self, what: str, call: Callable[[Any], Answer]) -> Answer:
        """Return the answer to one request, asked a second time if the connection failed."""
        reason = ""
        for _ in range(_ATTEMPTS):
            answer, reason = self._try(call)
            if answer is not None:
                return answer
        raise self._word(f"{reason} while {what} was read, twice. Nothing was kept; try again later")

    def ask_version(self) -> str:
        """Return the version of REDCap, or "of unknown version"."""
        return str(self.ask("version", lambda project: [project.export_version()])[0] or "of unknown version")

    def _try(self, call: Callable[[Any], Answer]) -> tuple[Answer | None, str]:
        """The answer, or why there is none.

        Errors of the connection hold the request, and the request holds the token. None of them leaves this
        function, not even as the cause of another.
        """
        from requests import exceptions

        passing, final = "", ""
        try:
            return call(self._project), ""
        except _PassingError as cause:
            passing = str(cause)
        except _RefusedError as cause:
            final = str(cause)
        except exceptions.SSLError:
            final = (
                "the certificate of the server cannot be verified. Ask your IT for the certificate of its"
                " authority and name the file in the environment variable REQUESTS_CA_BUNDLE"
            )
        except exceptions.ProxyError:
            passing = "the proxy did not answer"
        except exceptions.Timeout:
            passing = "the server did not answer in time"
        except exceptions.JSONDecodeError:
            passing = "the answer was cut off or is not JSON"
        except (exceptions.ConnectionError, exceptions.ChunkedEncodingError):
            passing = "the connection was refused or broke off"
        except exceptions.RequestException as cause:
            final = f"the server refused: {self._say(_find_message(cause.args))}"
        if final:
            raise self._word(final)
        return None, passing

    def _inspect(self, response: Any, *_: Any, **__: Any) -> None:
        """Judge an answer by its status before PyCap reads it."""
        status = int(response.status_code)
        head = bytes(response.content[:_READ_BYTES]).decode("utf-8", errors="replace")
        if status in _GATEWAY:
            raise _PassingError(f"the server is not available (status {status})")
        if (why := self._explain(status, head)) is not None:
            raise _RefusedError(why)

    def _explain(self, status: int, head: str) -> str | None:
        """Why an answer is none, from its status and its first words."""
        said = self._say(_find_message([head]))
        if _MOVED <= status < _REFUSED:
            return (
                f"the server sends this address on to another one (status {status}). Give the final address "
                "of the API as url"
            )
        if status in _NO_RIGHTS:
            return (
                f"the server refused the token (status {status}): {said}. Check the token, and that your "
                "rights in the project include 'API Export'"
            )
        if status == _NOT_FOUND:
            return "there is no API at this address (status 404). Correct url"
        if status >= _REFUSED:
            return f"the server refused (status {status}): {said}"
        if head.lstrip()[:15].lower().startswith(("<!doctype html", "<html")):
            return (
                "the server answers with a web page instead of data, as a page for logging in does. Give the "
                "address of the API itself, which ends in /api/, and ask your IT whether it can be reached "
                "without logging in"
            )
        return None

    def _say(self, text: str) -> str:
        """Words of the server in one line, without the token should they repeat it."""
        plain = " ".join(re.sub(r"<[^<>]*>", " ", text).split())
        secret = self._token.get_secret_value()
        plain = re.sub(re.escape(secret), "[token]", plain, flags=re.IGNORECASE)
        return plain[:_LONGEST_WORDS].rstrip(".") or "it gives no reason"

    def _word(self, why: str) -> ReaderError:
        return ReaderError(f"REDCap at {self.host}: {why}.")


def _find_message(given: Sequence[Any]) -> str:
    """The sentence of an error in JSON or XML, or the text itself."""
    first = given[0] if given else ""
    if isinstance(first, str) and first.lstrip().startswith("{"):
        try:
            first = json.loads(first)
        except ValueError:
            return first
    if isinstance(first, Mapping):
        return str(cast("Mapping[str, Any]", first).get("error", ""))
    found = re.search(r"<error>(.*?)</error>", str(first), re.DOTALL)
    return found[1] if found else str(first)


def _as_rows(answer: Any, what: str) -> list[dict[str, Any]]:
    if not isinstance(answer, list) or not all(isinstance(row, dict) for row in cast("list[Any]", answer)):
        raise ReaderError(f"REDCap: the answer to {what} is no list of rows. Check url.")
    return cast("list[dict[str, Any]]", answer)


def _check_events(
    server: _Server, info: Any, dictionary: Dictionary, mapping: RedcapMapping
) -> list[Finding]:
    """The events of the mapping beside those of the project, if it is longitudinal."""
    if not _is_yes(info, "is_longitudinal"):
        return []
    events = server.ask("events", lambda project: project.export_events())
    designated = server.ask("events", lambda project: project.export_instrument_event_mappings())
    repeating: Any = []
    if _is_yes(info, "has_repeating_instruments_or_events"):
        repeating = server.ask("events", lambda project: project.export_repeating_instruments_events())
    rows = [_as_rows(answer, "events") for answer in (events, designated, repeating)]
    return check_design(make_design(*rows), dictionary, mapping)


def _is_yes(info: Any, key: str) -> bool:
    return bool(info) and str(cast("Mapping[str, Any]", info).get(key, "")) == "1"


def _list_fields(dictionary: Dictionary, mapping: RedcapMapping) -> list[str]:
    """The fields to ask for; a checkbox is asked for as a whole."""
    names: list[str] = [dictionary.record_id]
    for column in list_needed_columns(dictionary, mapping):
        if not column.endswith("_timestamp") or column in dictionary.fields:
            names.append(column.partition("___")[0])
    return list(dict.fromkeys(names))


def _fetch_records(
    server: _Server, dictionary: Dictionary, mapping: RedcapMapping, fields: list[str]
) -> list[dict[str, Any]]:
    """All rows, batch by batch; each record that was listed has to be in its batch."""
    record = dictionary.record_id
    listed = server.ask("records", lambda project: _export(project, [record], None, mapping))
    ids = list(dict.fromkeys(str(row[record]) for row in _as_rows(listed, "records") if row.get(record)))
    if ids and all(_HASHED.match(name) for name in ids):
        raise ReaderError(
            f"REDCap at {server.host}: the record IDs come hashed, since your export rights are "
            "'De-Identified'. Ask for the right 'Full Data Set' or 'Remove All Identifier Fields'."
        )
    rows: list[dict[str, Any]] = []
    size = mapping.records_per_request
    for start in range(0, len(ids), size):
        batch = ids[start : start + size]
        answer = server.ask("records", lambda project, batch=batch: _export(project, fields, batch, mapping))
        found = _as_rows(answer, "records")
        if set(batch) != {str(row.get(record)) for row in found}:
            raise ReaderError(
                f"REDCap at {server.host}: records were changed while they were read. Nothing was kept; try "
                "again."
            )
        rows += found
    if not rows:
        raise ReaderError(
            f"REDCap at {server.host}: the project has no records that your rights let you see."
        )
    return rows


def _export(project: Any, fields: list[str], batch: list[str] | None, mapping: RedcapMapping) -> Any:
    return project.export_records(
        format_type="json",
        records=batch,
        fields=fields,
        raw_or_label="raw",
        event_name="unique",
        export_survey_fields=any(name.endswith("_timestamp") for name in mapping.names),
        export_data_access_groups=_GROUP in mapping.names,
    )


def _build_export(rows: Sequence[Mapping[str, Any]], dictionary: Dictionary, origin: str) -> Export:
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = {name: [_as_text(row.get(name)) for row in rows] for name in names}
    frame = pl.DataFrame(cells, schema=dict.fromkeys(names, pl.String)).with_columns(
        source_row=pl.int_range(2, len(rows) + 2, dtype=pl.UInt32, eager=True)
    )
    return make_export(Export(frame, origin, has_label_headings=False), dictionary.record_id)


def _as_text(value: object) -> str | None:
    return None if value is None else str(value)


def _read_missing_codes(info: Any) -> dict[str, str]:
    """The missing data codes of the project, as in "NI, No information | UNK, Unknown"."""
    text = str(cast("Mapping[str, Any]", info).get("missing_data_codes") or "") if info else ""
    pairs = [part.partition(",") for part in re.split(r"\||\n", text) if part.strip()]
    return {code.strip(): label.strip() or code.strip() for code, _, label in pairs}
