"""Who may come in, what a page may load, and what is refused at the door of the app."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from app_server import RunningApp, Visitor, run_app
from cytopenia.app.settings import AppSettings, require_safe_host
from cytopenia.errors import ProtocolError


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningApp]:
    with run_app(tmp_path_factory.mktemp("studies")) as app:
        yield app


def test_the_link_opens_the_app_and_nothing_else_does(running: RunningApp) -> None:
    stranger = Visitor(running.port)
    assert stranger.ask("GET", "/").status == 401
    assert stranger.ask("GET", "/enter?token=guess").status == 401
    assert stranger.enter(running.path_of_link).status == 303
    assert stranger.ask("GET", "/").status == 200


def test_the_cookie_is_for_this_app_alone(running: RunningApp) -> None:
    cookie = Visitor(running.port).enter(running.path_of_link).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_every_answer_has_the_headers_that_keep_a_page_to_itself(running: RunningApp) -> None:
    for path in ("/", "/enter?token=guess", "/static/app.css", "/nowhere"):
        headers = running.visit().ask("GET", path).headers
        assert "script-src 'self';" in headers["content-security-policy"]
        assert "style-src 'self';" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "server" not in headers


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example"])
def test_a_foreign_name_of_the_host_is_refused(running: RunningApp, host: str) -> None:
    assert running.visit().ask("GET", "/", headers={"Host": host}).status == 400


def test_a_form_without_the_word_of_the_session_is_refused(running: RunningApp) -> None:
    visitor = running.visit()
    visitor.csrf = "0" * 64
    reply = visitor.send_form("/studies", name="Forged", kind="empty")
    assert reply.status == 403
    assert not (running.folder / "Forged").exists()


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}]
)
def test_a_request_from_another_site_is_refused(running: RunningApp, headers: dict[str, str]) -> None:
    visitor = running.visit()
    reply = visitor.ask("POST", "/studies", headers={**headers, "X-CSRF-Token": visitor.csrf})
    assert reply.status == 403


def test_a_program_shows_the_word_instead_of_a_cookie(running: RunningApp) -> None:
    word = running.link.partition("token=")[2]
    assert Visitor(running.port).ask("GET", "/", headers={"Authorization": f"Bearer {word}"}).status == 200
    assert Visitor(running.port).ask("GET", "/", headers={"Authorization": "Bearer guess"}).status == 401


def test_a_body_larger_than_a_form_is_refused_before_it_is_taken_in(running: RunningApp) -> None:
    visitor = running.visit()
    headers = {"Content-Length": str(3 * 1024 * 1024), "Content-Type": "application/x-www-form-urlencoded"}
    assert visitor.ask("POST", "/studies", body=b"", headers=headers).status == 413


def test_a_closed_session_opens_nothing(running: RunningApp) -> None:
    visitor = running.visit()
    assert visitor.send_form("/leave").status == 200
    assert visitor.ask("GET", "/").status == 401


def test_a_new_study_has_a_study_file(running: RunningApp) -> None:
    visitor = running.visit()
    reply = visitor.send_form("/studies", name="My cohort", kind="empty")
    assert reply.status == 303
    assert reply.headers["location"] == "/studies/My%20cohort"
    assert (running.folder / "My cohort" / "study.toml").is_file()
    again = visitor.send_form("/studies", name="My cohort", kind="empty")
    assert again.status == 409
    assert "already" in again.text


@pytest.mark.parametrize("name", ["../out", "a/b", ".hidden", "", "con", "x" * 200, "a\nb"])
def test_the_name_of_a_study_cannot_leave_the_folder(running: RunningApp, name: str) -> None:
    reply = running.visit().send_form("/studies", name=name, kind="empty")
    assert reply.status == 422
    assert "not plain" in reply.text


def test_pages_that_are_not_there_are_told_in_words(running: RunningApp) -> None:
    reply = running.visit().ask("GET", "/studies/../../etc/passwd")
    assert reply.status == 404
    assert "no such page" in reply.text


def test_too_many_wrong_tries_are_stopped(tmp_path: object) -> None:
    settings = AppSettings(folder=None, password="correct horse battery")  # type: ignore[arg-type]
    from cytopenia.app.failures import RefusedError
    from cytopenia.app.security import Sessions

    sessions = Sessions(settings)
    assert [sessions.enter("wrong") for _ in range(5)] == [None] * 5
    with pytest.raises(RefusedError, match="too_many_tries"):
        sessions.enter("correct horse battery")


def test_other_machines_need_a_password_and_encryption() -> None:
    with pytest.raises(ProtocolError, match="sees every patient") as told:
        require_safe_host(AppSettings(folder=None, host="0.0.0.0"))  # type: ignore[arg-type]
    assert "CYTOPENIA_APP_PASSWORD" in str(told.value)
    assert "--certificate" in str(told.value)
