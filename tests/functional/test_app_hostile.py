"""Requests, names and texts that mean harm: what is refused, what is changed, and what is never a page."""

from __future__ import annotations

import asyncio
import base64
import gzip
import html
import io
import json
import re
import secrets
import shutil
import zipfile
from collections.abc import Generator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from app_attacks import list_addresses, list_dangers, send_raw, take_snapshot
from app_server import Reply, RunningApp, Visitor, run_app
from cytopenia.app.failures import RefusedError
from cytopenia.app.security import BodyLimit, Sessions
from cytopenia.app.settings import AppSettings, Limits
from study_files import write_study

ADDRESSES = list_addresses("small")
CHANGING = [(method, path) for method, path in ADDRESSES if method != "GET"]
READING = [path for method, path in ADDRESSES if method == "GET"]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MARKUP = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningApp]:
    folder = tmp_path_factory.mktemp("studies")
    write_study(folder / "small")
    with run_app(folder) as app:
        yield app
    assert "defect" not in "".join(app.said)
    assert "Traceback" not in "".join(app.said)


@pytest.fixture(scope="module")
def visitor(running: RunningApp) -> Visitor:
    return running.visit()


@pytest.fixture
def study(running: RunningApp) -> Generator[Path]:
    """A study of its own in the folder of the app."""
    folder = write_study(running.folder / f"own-{secrets.token_hex(4)}")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def files(study: Path) -> Path:
    """A study of its own whose tables are still to be brought."""
    for table in study.glob("*.csv"):
        table.unlink()
    return study


def ask_as_program(running: RunningApp, path: str, body: bytes | str, **headers: str) -> int:
    word = running.link.partition("token=")[2]
    sent = {"Authorization": f"Bearer {word}", "Content-Type": "application/json", **headers}
    return Visitor(running.port).ask("POST", path, body=body, headers=sent).status


# -- every address ---------------------------------------------------------------------------------


def test_the_list_of_addresses_is_not_empty() -> None:
    assert len(CHANGING) >= 18
    assert len(READING) >= 16
    assert ("PUT", "/studies/small/files/labs.csv") in CHANGING
    assert ("POST", "/api/grade") in CHANGING


def test_no_address_changes_anything_without_the_word_of_the_session(
    running: RunningApp, visitor: Visitor
) -> None:
    before = take_snapshot(running.folder)
    for method, path in CHANGING:
        assert visitor.ask(method, path, body="x=1", headers=FORM).status == 403, path
        assert visitor.ask(method, path, body=f"csrf={'0' * 64}", headers=FORM).status == 403, path
        assert visitor.ask(method, path, body="x", headers={"X-CSRF-Token": "ä"}).status == 403, path
        word = {"X-CSRF-Token": running.visit().csrf}
        assert visitor.ask(method, path, body="x", headers=word).status == 403, path
    assert take_snapshot(running.folder) == before


def test_no_address_serves_another_site(running: RunningApp, visitor: Visitor) -> None:
    before = take_snapshot(running.folder)
    here = f"127.0.0.1:{running.port}"
    origins = (f"https://{here}", "http://127.0.0.1:1", f"http://{here}.evil.example", "null", "")
    for method, path in CHANGING:
        for origin in origins:
            headers = {"X-CSRF-Token": visitor.csrf, "Origin": origin, **FORM}
            assert visitor.ask(method, path, body="x", headers=headers).status == 403, (path, origin)
    assert take_snapshot(running.folder) == before


def test_a_page_of_ours_is_served_under_each_of_our_names(running: RunningApp, visitor: Visitor) -> None:
    for name in ("127.0.0.1", "localhost", "LocalHost"):
        host = f"{name}:{running.port}"
        headers = {"Host": host, "Origin": f"http://{host.lower()}", "Sec-Fetch-Site": "same-origin", **FORM}
        sent = visitor.ask("POST", "/calculators/easix", body=f"csrf={visitor.csrf}", headers=headers)
        assert sent.status == 200, name


def test_no_address_answers_a_stranger(running: RunningApp) -> None:
    stranger = Visitor(running.port)
    for method, path in ADDRESSES:
        if path != "/enter":
            assert stranger.ask(method, path, body=None if method == "GET" else "x").status == 401, path


def test_reading_changes_nothing_and_tells_the_word_of_the_link_to_nobody(
    running: RunningApp, visitor: Visitor
) -> None:
    before = take_snapshot(running.folder)
    token = running.link.partition("token=")[2]
    for path in (*READING, running.path_of_link):
        for method in ("GET", "HEAD"):
            reply = visitor.ask(method, path)
            assert reply.status < 500, path
            assert token not in reply.text + json.dumps(reply.headers), path
            assert reply.headers["referrer-policy"] in ("same-origin", "no-referrer"), path
            assert reply.headers["x-frame-options"] == "DENY", path
            assert reply.headers["cache-control"] == "no-store", path
            assert reply.headers["x-content-type-options"] == "nosniff", path
        assert list_dangers(reply.text) == [], path
    assert take_snapshot(running.folder) == before


@pytest.mark.parametrize(
    "start",
    [
        "GET / HTTP/1.1\r\nHost: evil.example",
        "GET / HTTP/1.1\r\nHost: localhost.evil.example",
        "GET / HTTP/1.1\r\nHost: localhost.",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1@evil.example",
        "GET / HTTP/1.1\r\nHost: evil.example:80@127.0.0.1",
        "GET / HTTP/1.1\r\nHost: [::1].evil.example",
        "GET / HTTP/1.1\r\nHost: evil.example#127.0.0.1",
        "GET / HTTP/1.1\r\nHost:",
        "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example",
        "GET / HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: localhost",
        "GET http://evil.example/ HTTP/1.1\r\nHost: evil.example",
        "GET / HTTP/1.0",
    ],
)
def test_no_other_name_of_the_host_is_served(running: RunningApp, visitor: Visitor, start: str) -> None:
    request = f"{start}\r\nCookie: {visitor.cookie}\r\nConnection: close\r\n\r\n"
    assert send_raw(running.port, request.encode()).startswith("HTTP/1.1 400 ")


@pytest.mark.parametrize("length", ["-1", "1e9", "9" * 5000, "²", "0x10", "1, 2"])
def test_a_length_that_is_none_is_refused(running: RunningApp, visitor: Visitor, length: str) -> None:
    head = f"PUT /studies/small/files/a.csv HTTP/1.1\r\nHost: localhost\r\nCookie: {visitor.cookie}\r\n"
    head += f"X-CSRF-Token: {visitor.csrf}\r\nConnection: close\r\n"
    answer = send_raw(running.port, f"{head}Content-Length: {length}\r\n\r\n".encode())
    assert answer.startswith(("HTTP/1.1 400 ", "HTTP/1.1 413 "))
    assert not (running.folder / "small" / "a.csv").exists()


# -- passwords -------------------------------------------------------------------------------------


def test_a_password_cannot_be_guessed_as_the_word_of_a_program() -> None:
    sessions = Sessions(AppSettings(folder=Path(), password="correct horse battery"))
    assert sessions.knows_program("Bearer correct horse battery", address="10.0.0.1")
    assert [sessions.knows_program("Bearer wrong", address="10.0.0.1") for _ in range(4)] == [False] * 4
    assert sessions.enter("wrong", address="10.0.0.1") is None
    for ask in (
        sessions.enter,
        lambda word, address: sessions.knows_program(f"Bearer {word}", address=address),
    ):
        with pytest.raises(RefusedError, match="too_many_tries"):
            ask("correct horse battery", address="10.0.0.1")
    # Who guesses locks out nobody else.
    assert sessions.enter("correct horse battery", address="10.0.0.2") is not None


def test_addresses_that_guess_are_not_remembered_without_end() -> None:
    sessions = Sessions(AppSettings(folder=Path(), password="correct horse battery"))
    for number in range(3000):
        sessions.enter("wrong", address=f"10.0.{number // 256}.{number % 256}")
    assert len(sessions._failures) == 1000


def test_a_sender_who_falls_silent_is_let_go() -> None:
    async def say_nothing() -> dict[str, object]:
        await asyncio.Event().wait()
        raise AssertionError

    async def read(scope: object, receive: object, send: object) -> None:
        await receive()  # type: ignore[operator]

    door = BodyLimit(read, AppSettings(folder=Path(), limits=Limits(silence=0.01)))  # type: ignore[arg-type]
    scope = {"type": "http", "method": "PUT", "path": "/studies/a/files/b.csv", "headers": []}
    with pytest.raises(RefusedError, match=r"refusal\.silent"):
        asyncio.run(door(scope, say_nothing, say_nothing))  # type: ignore[arg-type]


# -- names -----------------------------------------------------------------------------------------

NAMES = [
    "..%2fstudy.toml",
    "%2e%2e%2f%2e%2e%2fout.csv",
    "..%5cout.csv",
    "..%252fout.csv",
    "..%c0%afout.csv",
    "..%ef%bc%8fout.csv",
    "%2ehidden.csv",
    "a%00.csv",
    "a.csv%00.exe",
    "a%0d%0aSet-Cookie:%20x=1.csv",
    "%e2%80%aevsc.csv",
    "con.csv",
    "study.toml",
    "a.toml",
    "a.html",
    "a.csv.",
    "a.csv%20",
    "C:%5cout.csv",
    "%e6%bc%a2" * 100 + ".csv",
    "x" * 300 + ".csv",
    "%3Cscript%3E.csv",
    "a.csv;b.exe",
    "a.csv%3Astream",
]


@pytest.mark.parametrize("name", NAMES)
def test_no_name_of_a_file_leads_out_of_the_study(running: RunningApp, visitor: Visitor, name: str) -> None:
    before = take_snapshot(running.folder.parent)
    reply = visitor.upload(f"/studies/small/files/{name}?replace=1", b"a,b\n1,2\n")
    assert reply.status in (404, 422), reply.text
    assert "set-cookie" not in reply.headers
    assert take_snapshot(running.folder.parent) == before


def test_the_longest_name_of_letters_with_three_bytes_is_taken(visitor: Visitor, study: Path) -> None:
    name = "\u6f22" * 60 + ".csv"
    reply = visitor.upload(f"/studies/{study.name}/files/{'%E6%BC%A2' * 60}.csv", b"a,b\n1,2\n")
    assert reply.status == 201
    assert (study / name).read_bytes() == b"a,b\n1,2\n"


def test_a_folder_is_not_replaced_by_a_file(visitor: Visitor, study: Path) -> None:
    (study / "more.csv").mkdir()
    reply = visitor.upload(f"/studies/{study.name}/files/more.csv?replace=1", b"a\n")
    assert (reply.status, "a folder named more.csv" in reply.text) == (409, True)
    assert (study / "more.csv").is_dir()


def test_links_lead_nowhere_else(running: RunningApp, visitor: Visitor, study: Path, tmp_path: Path) -> None:
    """Who unpacks a study of somebody else may get links with it."""
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET-OUTSIDE", encoding="utf-8")
    (study / "results").mkdir()
    (study / "results" / "provenance.json").write_text("{}", encoding="utf-8")
    (study / "results" / "report.html").write_text("<p>own", encoding="utf-8")
    (study / "results" / "secret.txt").symlink_to(secret)
    (study / "results" / "x.card.json").symlink_to(secret)
    (study / "results" / "more").symlink_to(tmp_path, target_is_directory=True)
    (study / "check.html").symlink_to(secret)
    base = f"/studies/{study.name}"
    assert visitor.ask("GET", f"{base}/results/report.html").text == "<p>own"
    asked = ["results/secret.txt", "results/more/secret.txt", "results/x.card.json", "check/page"]
    asked += [
        "results/..%2fstudy.toml",
        "results/%2e%2e/study.toml",
        "results//etc/passwd",
        "results/../study.toml",
    ]
    for path in asked:
        assert visitor.ask("GET", f"{base}/{path}").status == 404, path
    pages = [visitor.ask("GET", path).text for path in (base, f"{base}/results.zip", "/calculators")]
    pages.append(visitor.ask("GET", f"/calculators/card?study={study.name}&file=x.card.json").text)
    assert not any("SECRET-OUTSIDE" in page or "secret.txt" in page for page in pages)


def test_a_study_that_is_a_link_is_none(
    running: RunningApp, visitor: Visitor, study: Path, tmp_path: Path
) -> None:
    outside = write_study(tmp_path / "outside")
    (running.folder / "linked").symlink_to(outside, target_is_directory=True)
    (study / "study.toml").unlink()
    (study / "study.toml").symlink_to(outside / "study.toml")
    try:
        for name in (
            "linked",
            study.name,
            "..",
            "%2e%2e",
            "%2e%2e%2foutside",
            "small%00",
            "small%2f..%2fsmall",
        ):
            assert visitor.ask("GET", f"/studies/{name}").status == 404, name
    finally:
        (running.folder / "linked").unlink()


def test_names_on_disk_that_are_no_text_break_no_page(
    running: RunningApp, visitor: Visitor, study: Path
) -> None:
    odd = running.folder / "odd-\udcff"
    shutil.copytree(study, odd)
    (study / "labs-\udcff.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    (study / f"{MARKUP.replace('/', '')}.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    try:
        assert visitor.ask("GET", "/").status == 200
        page = visitor.ask("GET", f"/studies/{study.name}")
        assert (page.status, list_dangers(page.text)) == (200, [])
    finally:
        shutil.rmtree(odd)


def test_a_study_that_vanishes_is_told_on_every_page(visitor: Visitor, study: Path) -> None:
    moved = study.with_name("moved elsewhere")
    study.rename(moved)
    shutil.rmtree(moved)
    for method, path in list_addresses(study.name):
        if path.startswith(f"/studies/{study.name}"):
            headers = {"X-CSRF-Token": visitor.csrf}
            reply = visitor.ask(method, path, body=None if method == "GET" else "x", headers=headers)
            assert (reply.status, "no study of this name" in reply.text) == (404, True), (method, path)


# -- what is written in a study --------------------------------------------------------------------


def test_markup_in_headings_and_values_stays_text(visitor: Visitor, files: Path) -> None:
    rows = [
        [
            "Pat.-Nr.",
            "Infusion",
            "Abnahme",
            f"Neutros (G/L){MARKUP}",
            "javascript:alert(1)",
            "\u202egpj.exe",
            "y" * 9000,
        ],
        [MARKUP, "2024-01-10", "2024-01-12", "0.4", MARKUP, MARKUP, "1"],
        ["../../etc/passwd", "2024-01-10", "2024-01-13", "{{7*7}}", "=cmd|' /C calc'!A0", "\u0000", "2"],
    ]
    text = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    base = f"/studies/{files.name}"
    assert visitor.upload(f"{base}/files/export.csv", text.encode()).status == 201
    reply = visitor.ask("GET", f"{base}/mapping")
    assert reply.status in (200, 422)
    assert list_dangers(reply.text) == []
    assert "<script>alert" not in reply.text
    # The words of the session and of the version, which are random, may hold any number.
    shown = re.sub(r'name="(?:csrf|version)" value="\w+"', "", reply.text.partition("<main")[2])
    assert "49" not in shown.partition("y" * 100)[0]


def test_a_workbook_that_unfolds_without_end_is_refused(visitor: Visitor, files: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            for _ in range(120):
                part.write(b"0" * 2**20)
    base = f"/studies/{files.name}"
    assert visitor.upload(f"{base}/files/bomb.xlsx", packed.getvalue()).status == 201
    reply = visitor.ask("GET", f"{base}/mapping")
    assert (reply.status, "unfold" in reply.text) == (422, True)


TEXTS = [
    "x = " + "[" * 20_000,
    "x = " + "{a=" * 20_000,
    "x = " + "9" * 6000,
    "x = 0x" + "f" * 6000,
    "x = 2024-13-45",
    "x = 99999-01-01",
    "x = 1e999999999",
    "a" + ".a" * 20_000 + " = 1",
    "[" + "a." * 20_000 + "a]",
    "x = 'a\u0000b'",
    '[study]\ntitle = "\\ud800"',
    "[study]\nseed = " + "-" * 1000 + "1",
    "[study]\ntitle = 1\nseed = inf",
    '[data]\nfolder = "\u0000"',
    '[data]\nfolder = "' + "x/" * 5000 + '"',
    "\ufffe" * 1000,
    MARKUP,
    "[study]\nseed = 0x" + "f" * 6000,
]


def name_text(text: str) -> str:
    return text[:12].encode("ascii", "replace").decode().replace("\n", " ").replace("\x00", "0")


@pytest.mark.parametrize("text", TEXTS, ids=name_text)
def test_no_study_file_breaks_its_page(visitor: Visitor, study: Path, text: str) -> None:
    """It is refused in words, the file on disk stays, and what was typed is given back."""
    before = take_snapshot(study)
    version = visitor.ask("GET", f"/studies/{study.name}").text.partition('name="version" value="')[2][:16]
    reply = visitor.send_form(f"/studies/{study.name}/protocol", text=text, version=version)
    assert reply.status == 422
    assert list_dangers(reply.text) == []
    assert text[:12] in html.unescape(reply.text)
    assert take_snapshot(study) == before


@pytest.mark.parametrize(
    "text",
    [
        b"\x00" * 100,
        b"\xff\xfe" * 100,
        b"x = " + b"[" * 20_000,
        b"\xed\xa0\x80",
        b"x = " + b"9" * 6000,
        b"a" + b".a" * 20_000 + b" = 1",
        b"[study]\nseed = 0x" + b"f" * 6000,
        b"[analyses]\nx = 0x" + b"f" * 6000,
    ],
)
def test_no_study_file_on_disk_breaks_its_page(visitor: Visitor, study: Path, text: bytes) -> None:
    (study / "study.toml").write_bytes(text)
    assert visitor.ask("GET", f"/studies/{study.name}").status == 200
    assert visitor.send_form(f"/studies/{study.name}/check").status in (409, 422)
    for page in ("mapping", "form"):
        assert visitor.ask("GET", f"/studies/{study.name}/{page}").status in (200, 409, 422), page


def send_fields(visitor: Visitor, path: str, *fields: tuple[str, str]) -> Reply:
    """Send a form; half a character goes as a program would send it."""
    body = urlencode([("csrf", visitor.csrf), *fields], errors="surrogatepass")
    return visitor.ask("POST", path, body=body, headers=FORM)


VALUES = [
    *TEXTS,
    *(text.partition("= ")[2] for text in TEXTS if "= " in text and not text.endswith("a = 1")),
    "\ud800",
    '"\\ud800"',
    "{ a = '\udfff' }",
    "\x00",
    "9" * 6000,
    "-" + "9" * 4300,
    "²",
    "1" * 400 + ".5",
    "\n[study]\nseed = 1\n",
    "'''\n[study]\n'''",
]


# A form of all fields takes a while; of each kind of harm one is sent every time.
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(value, marks=() if value in VALUES[len(TEXTS) :: 5] else pytest.mark.long)
        for value in VALUES
    ],
    ids=name_text,
)
def test_nothing_typed_into_the_form_breaks_it(visitor: Visitor, study: Path, value: str) -> None:
    before = take_snapshot(study)
    page = visitor.ask("GET", f"/studies/{study.name}/form")
    shown = read_hidden(page.text)
    names = set(re.findall(r'name="((?:study|cohort|outcomes|factors|analyses|report)\.[^"]+)"', page.text))
    raw = set(re.findall(r'<textarea id="([^"]+)"', page.text))
    assert len(names) > 40
    assert raw
    for chosen in ({"study.seed"}, {"study.seed", *raw}, names):
        reply = send_fields(
            visitor, f"/studies/{study.name}/form", *shown.items(), *((name, value) for name in chosen)
        )
        assert reply.status in (413, 422) if chosen is names else reply.status == 422
        assert list_dangers(reply.text) == []
    for word in ("base", "version"):
        reply = send_fields(visitor, f"/studies/{study.name}/form", *(shown | {word: value}).items())
        assert reply.status in (303, 409, 422), word
    packed = base64.b64encode(value.encode(errors="surrogatepass")).decode()
    reply = send_fields(visitor, f"/studies/{study.name}/form", *(shown | {"base": packed}).items())
    assert reply.status == 422
    assert take_snapshot(study) == before


@pytest.mark.parametrize("number", ["²", "9" * 6000, "-1", "\x00", "1e3", "\ud800"], ids=name_text)
def test_no_place_of_an_entry_breaks_the_form(visitor: Visitor, study: Path, number: str) -> None:
    before = take_snapshot(study)
    path = f"/studies/{study.name}/form"
    shown = read_hidden(visitor.ask("GET", path).text)
    for verb in ("copy:analyses", "up:outcomes", "remove:factors", "remove:study", "add:study"):
        reply = send_fields(visitor, path, *shown.items(), ("do", f"{verb}:{number}"))
        assert reply.status == (303 if verb.startswith("add") else 422), verb
    assert take_snapshot(study) == before


# Names that no file can have; [data] may hold them, since it can be written before its files are there.
NAMES_IN_DATA = [
    '[data]\nfolder = "' + "x/" * 5000 + '"',
    '[data]\nfolder = "\\u0000"',
    '[data.labs]\nfile = "' + "x" * 5000 + '.csv"',
]


@pytest.mark.parametrize("text", NAMES_IN_DATA, ids=["folders", "nul", "file"])
def test_no_name_in_a_mapping_breaks_its_page(visitor: Visitor, study: Path, text: str) -> None:
    path = f"/studies/{study.name}/mapping"
    shown = read_hidden(visitor.ask("GET", path).text)
    assert send_fields(visitor, path, *shown.items(), ("text", text), ("show", "1")).status == 422
    assert send_fields(visitor, path, *shown.items(), ("text", text), ("take", "1")).status in (303, 422)
    for page in ("mapping", "form", "check"):
        assert visitor.ask("GET", f"/studies/{study.name}/{page}").status in (200, 409, 422), page
    for action in ("check", "run"):
        assert visitor.send_form(f"/studies/{study.name}/{action}").status in (303, 422), action


@pytest.mark.parametrize("text", [*(text for text in TEXTS if "x/x" not in text), "\ud800"], ids=name_text)
def test_no_text_of_a_mapping_breaks_its_page(visitor: Visitor, study: Path, text: str) -> None:
    before = take_snapshot(study)
    path = f"/studies/{study.name}/mapping"
    shown = read_hidden(visitor.ask("GET", path).text)
    inside = f"[data.labs]\n{text}" if "[data]" not in text else text
    for typed in (text, inside, f"[data]\n{text.removeprefix('[study]')}"):
        for button in ("show", "take"):
            reply = send_fields(visitor, path, *shown.items(), ("text", typed), (button, "1"))
            assert reply.status == 422, (button, typed[:40])
            assert list_dangers(reply.text) == []
    for word in ("shown", "version", "settled", 'unit ["labs", "wide", "anc"]'):
        fields = {**shown, "text": "[data]\n", word: text, "show": "1"}
        assert send_fields(visitor, path, *fields.items()).status in (200, 422), word
    assert take_snapshot(study) == before


def read_hidden(page: str) -> dict[str, str]:
    """The hidden fields of the last form of a page."""
    form = page.rpartition("<form")[2] if 'name="shown"' in page else page.partition('class="protocol"')[2]
    found = re.findall(r'<input type="hidden" name="(base|version|shown)" value="([^"]*)"', form)
    return {name: html.unescape(value) for name, value in found}


def test_what_was_typed_in_a_second_tab_is_given_back(running: RunningApp, study: Path) -> None:
    first, second = running.visit(), running.visit()
    file = study / "study.toml"
    pages = [one.ask("GET", f"/studies/{study.name}").text for one in (first, second)]
    versions = [page.partition('name="version" value="')[2][:16] for page in pages]
    assert versions[0] == versions[1]
    start = file.read_text("utf-8")
    saved = first.send_form(f"/studies/{study.name}/protocol", text=f"{start}# first\n", version=versions[0])
    assert saved.status == 303
    mine = f"{start}# second, with <b>markup</b>\n"
    reply = second.send_form(f"/studies/{study.name}/protocol", text=mine, version=versions[1])
    assert reply.status == 409
    assert "Nothing was overwritten" in reply.text
    assert "# second, with &lt;b&gt;markup&lt;/b&gt;" in reply.text
    assert "# first" in reply.text
    assert file.read_text("utf-8") == f"{start}# first\n"
    newest = reply.text.partition('name="version" value="')[2][:16]
    assert second.send_form(f"/studies/{study.name}/protocol", text=mine, version=newest).status == 303
    assert file.read_text("utf-8") == mine


def test_a_data_folder_elsewhere_is_read_but_never_served(
    visitor: Visitor, study: Path, tmp_path: Path
) -> None:
    """The study file is the user's own, as in a terminal: of what is no table of ours headings are told."""
    (tmp_path / "labs.csv").write_text("root:x:0\nSECRET-OUTSIDE\nSECRET-OUTSIDE\n", encoding="utf-8")
    (tmp_path / "patients.csv").write_text("a,b\n1,SECRET-OUTSIDE\n", encoding="utf-8")
    text = (study / "study.toml").read_text("utf-8").replace('folder = "."', f'folder = "{tmp_path}"')
    (study / "study.toml").write_text(text, encoding="utf-8")
    reply = visitor.send_form(f"/studies/{study.name}/check")
    assert (reply.status, "column 'analyte' is missing" in html.unescape(reply.text)) == (422, True)
    assert "SECRET-OUTSIDE" not in reply.text
    for path in (f"results/{tmp_path}/labs.csv", f"results/..%2f..%2f{tmp_path.name}%2flabs.csv"):
        assert visitor.ask("GET", f"/studies/{study.name}/{path}").status == 404


# -- the interface for programs --------------------------------------------------------------------

API = [path for method, path in CHANGING if path.startswith("/api/")]
DEEP = b'{"a":' * 900 + b"1" + b"}" * 900
BODIES = {
    "deep": b"[" * 200_000 + b"]" * 200_000,
    "deep card": b'{"values": {}, "card": ' + DEEP + b"}",
    "deep bundle": b'{"prefetch": {"observations": ' + DEEP + b"}}",
    "nan": b'{"values": [{"analyte": "anc", "when": 1, "value": NaN, "unit": "G/L"}]}',
    "infinity": b'{"values": {"ldh": {"value": -Infinity, "unit": "U/L"}}}',
    "exponent": b'{"values": [{"analyte": "anc", "when": 1, "value": 1e400, "unit": "G/L"}]}',
    "printed exponent": b'{"values": [{"analyte": "anc", "when": "1e308", "value": "1e-99", "unit": "G/L"}]}',
    "digits": b'{"values": [{"analyte": "anc", "when": 1, "value": ' + b"9" * 6000 + b', "unit": "G/L"}]}',
    "half a character": b'{"values": {"\\ud800": {"value": "\\udfff", "unit": "U/L"}}}',
    "nul": b'{"values": {"ldh\\u0000": {"value": "1\\u0000", "unit": "U/L"}}}',
    "no utf-8": b'{"values": "\xff\xfe"}',
    "utf-16": '{"values": {}}'.encode("utf-16"),
    "mark": b'\xef\xbb\xbf{"values": {}}',
    "twice": b'{"values": {}, "values": [], "card": {}, "card": []}',
    "gzip": gzip.compress(b'{"values": {}}'),
    "long key": b'{"' + b"k" * 1_000_000 + b'": 1}',
    "many keys": json.dumps({"values": {str(key): {"value": 1} for key in range(50_000)}}).encode(),
    "null": b"null",
    "empty": b"",
}


@pytest.mark.parametrize("name", BODIES)
def test_no_body_breaks_the_interface(running: RunningApp, name: str) -> None:
    for path in API:
        assert ask_as_program(running, path, BODIES[name]) in (200, 422), path
    assert all(ask_as_program(running, path, BODIES[name]) == 422 for path in API if "score" in path) or (
        name in ("mark", "utf-16")
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/json; charset=utf-7"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "/" * 5000},
        {"Content-Encoding": "gzip"},
        {"Accept": "text/html"},
    ],
)
def test_no_kind_of_content_breaks_the_interface(running: RunningApp, headers: dict[str, str]) -> None:
    for path in API:
        for body in (b'{"values": {}}', gzip.compress(b'{"values": {}}')):
            assert ask_as_program(running, path, body, **headers) in (200, 422), path


# -- forms -----------------------------------------------------------------------------------------


@pytest.mark.long
def test_lists_without_end_are_answered(visitor: Visitor) -> None:
    """Each just below what a form may bring; the visitor waits 20 seconds at most."""
    size = 1_900_000
    lists = [
        "1 0.5\n" * (size // 6),
        "1" + " " * size + "x y",
        "1 " + "< " * (size // 2),
        "9" * size,
        "\t" * size,
        "1;" + "," * size,
        "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16") * (size // 12),
    ]
    for page in ("icaht", "recovery"):
        for text in lists:
            body = (
                f"csrf={visitor.csrf}&definition=icaht_2023&unit_anc=G/L&list_anc=".encode()
                + (text.encode().replace(b"\n", b"%0A")[:size])
            )
            reply = visitor.ask("POST", f"/calculators/{page}", body=body, headers=FORM)
            assert reply.status in (200, 422)


def test_a_form_with_fields_without_end_is_refused(visitor: Visitor) -> None:
    body = f"csrf={visitor.csrf}" + "&a=1" * 400_000
    for path in ("/calculators/easix", "/calculators/icaht", "/studies"):
        reply = visitor.ask("POST", path, body=body, headers=FORM)
        assert (reply.status, "more fields" in reply.text) == (422, True)
        word = {"X-CSRF-Token": visitor.csrf, **FORM}
        assert visitor.ask("POST", path, body=body, headers=word).status == 422


@pytest.mark.parametrize(
    "card", ["[" * 100_000, '{"a":' * 900 + "1" + "}" * 900, "{}", "null", "\ufeff{", MARKUP]
)
def test_no_card_breaks_its_page(visitor: Visitor, card: str) -> None:
    reply = visitor.send_form("/calculators/card", card=card, value_x=MARKUP)
    assert reply.status == 422
    assert list_dangers(reply.text) == []


def test_markup_in_fields_stays_text(visitor: Visitor) -> None:
    fields = {"value_ldh": MARKUP, "unit_ldh": MARKUP, "coefficients": MARKUP}
    for page in ("easix", "car_hematotox", "eipm_pre"):
        assert list_dangers(visitor.send_form(f"/calculators/{page}", **fields).text) == []
    lists = {
        "list_anc": f"1;{MARKUP}\n{MARKUP};1",
        "infusion_date": MARKUP,
        "support": MARKUP,
        "unit_anc": MARKUP,
    }
    for page in ("icaht", "recovery"):
        reply = visitor.send_form(f"/calculators/{page}", definition=MARKUP, death=MARKUP, **lists)
        assert (reply.status, list_dangers(reply.text)) == (422, [])
