"""The app open to other machines: encrypted only, behind a password that cannot be guessed, and silent."""

from __future__ import annotations

import http.client
import socket
import ssl
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from app_server import Reply, RunningApp, Visitor, run_app
from study_files import write_study

pytestmark = pytest.mark.long
PASSWORD = "correct horse battery staple"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Served:
    app: RunningApp
    trust: ssl.SSLContext

    def visit(self) -> Visitor:
        return Visitor(self.app.port, tls=self.trust)

    def enter(self, visitor: Visitor, password: str) -> Reply:
        body = urlencode({"password": password})
        return visitor.ask("POST", "/enter", body=body, headers=FORM)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory, find_program: Any) -> tuple[Path, Path]:
    """A certificate for this machine, signed by itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    file, key = folder / "certificate.pem", folder / "key.pem"
    command = [
        find_program("openssl"),
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
    ]
    command += ["-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", str(key), "-out", str(file)]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    return file, key


@pytest.fixture(scope="module", params=["127.0.0.1", "0.0.0.0"])
def served(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    certificate: tuple[Path, Path],
) -> Generator[Served]:
    file, key = certificate
    folder = tmp_path_factory.mktemp("studies")
    write_study(folder / "small")
    options = ["--host", request.param, "--certificate", str(file), "--key", str(key)]
    with run_app(folder, *options, CYTOPENIA_APP_PASSWORD=PASSWORD) as app:
        yield Served(app, ssl.create_default_context(cafile=str(file)))
    said = "".join(app.said)
    assert PASSWORD not in said + app.link
    assert "defect" not in said
    assert "Traceback" not in said


def test_the_password_opens_a_session_whose_cookie_is_for_encrypted_pages_alone(served: Served) -> None:
    assert served.app.link.startswith("https://")
    assert served.app.link.endswith("/enter")
    visitor = served.visit()
    assert visitor.ask("GET", "/").status == 401
    assert visitor.ask("GET", "/studies/small").status == 401
    form = visitor.ask("GET", "/enter")
    assert (form.status, 'type="password"' in form.text) == (200, True)
    reply = served.enter(visitor, PASSWORD)
    cookie = [part.strip().lower() for part in reply.headers["set-cookie"].split(";")]
    assert reply.status == 303
    assert {"secure", "httponly", "samesite=strict", "path=/"} <= set(cookie)
    visitor.take_session(reply)
    page = visitor.ask("GET", "/studies/small")
    assert (page.status, PASSWORD in page.text) == (200, False)
    assert visitor.send_form("/studies", name="Made here", kind="empty").status == 303


def test_nothing_is_served_without_encryption(served: Served) -> None:
    plain = Visitor(served.app.port)
    with pytest.raises((http.client.HTTPException, OSError), match=r"reset|without response|empty|closed"):
        plain.ask("GET", "/enter")
    with (
        socket.create_connection(("127.0.0.1", served.app.port), timeout=20) as line,
        served.trust.wrap_socket(line, server_hostname="localhost") as encrypted,
    ):
        assert encrypted.version() in ("TLSv1.2", "TLSv1.3")


def test_no_foreign_name_and_no_foreign_page_is_served(served: Served) -> None:
    visitor = served.visit()
    visitor.take_session(served.enter(visitor, PASSWORD))
    for host in ("evil.example", f"evil.example:{served.app.port}", "127.0.0.1.evil.example"):
        assert visitor.ask("GET", "/", headers={"Host": host}).status == 400, host
    here = f"127.0.0.1:{served.app.port}"
    for origin, status in ((f"https://{here}", 200), (f"http://{here}", 403), ("https://evil.example", 403)):
        headers = {"Origin": origin, **FORM}
        reply = visitor.ask("POST", "/calculators/easix", body=f"csrf={visitor.csrf}", headers=headers)
        assert reply.status == status, origin


def test_a_password_cannot_be_guessed(served: Served) -> None:
    """The last of this file: afterwards this machine has to wait for a minute."""
    owner, thief = served.visit(), served.visit()
    owner.take_session(served.enter(owner, PASSWORD))
    wrong = {"Authorization": "Bearer guessed"}
    statuses = [served.enter(thief, f"guess {number}").status for number in range(3)]
    statuses += [thief.ask("GET", "/", headers=wrong).status for _ in range(2)]
    assert statuses == [401] * 5
    assert served.enter(thief, PASSWORD).status == 429
    assert thief.ask("GET", "/", headers={"Authorization": f"Bearer {PASSWORD}"}).status == 429
    assert owner.ask("GET", "/").status == 200


@pytest.mark.parametrize(
    ("options", "password", "words"),
    [
        ([], None, ["no password", "no encryption", "sees every patient"]),
        (["--certificate", "CERTIFICATE", "--key", "KEY"], None, ["no password"]),
        ([], PASSWORD, ["no encryption"]),
        (["--certificate", "CERTIFICATE"], PASSWORD, ["Give both"]),
        (["--certificate", "absent.pem", "--key", "KEY"], PASSWORD, ["no such file"]),
        (["--certificate", "CERTIFICATE", "--key", "KEY"], "tiny1", ["5 signs; allowed: 12 or more"]),
        (["--certificate", "KEY", "--key", "CERTIFICATE"], PASSWORD, ["cannot be used for encryption"]),
    ],
)
def test_without_password_and_encryption_it_does_not_open(
    certificate: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    password: str | None,
    words: list[str],
) -> None:
    from cytopenia.app.server import serve
    from cytopenia.app.settings import AppSettings
    from cytopenia.errors import ProtocolError

    names = {"CERTIFICATE": certificate[0], "KEY": certificate[1]}
    given = {
        option.removeprefix("--"): names.get(value, Path(value))
        for option, value in zip(options[::2], options[1::2], strict=True)
    }
    settings = AppSettings(folder=tmp_path, host="0.0.0.0", port=0, password=password, **given)

    def tell(settings: AppSettings) -> None:
        raise AssertionError("it listens")

    with pytest.raises(ProtocolError, match=words[0]) as told:
        serve(settings, tell=tell)
    assert all(word in str(told.value) for word in words)
    assert password is None or password not in str(told.value)


def test_the_command_says_so_and_ends(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "cytopenia.cli",
        "app",
        str(tmp_path),
        "--no-browser",
        "--host",
        "0.0.0.0",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 13
    assert "whoever reaches this machine with the password sees every patient" in done.stderr
    assert "Traceback" not in done.stderr
