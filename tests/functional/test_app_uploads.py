"""Files that are too large, that end in the middle, or that come twice at once: nothing of them stays."""

from __future__ import annotations

import json
import socket
from collections.abc import Generator
from pathlib import Path

import pytest

from app_attacks import take_snapshot, wait_until
from app_server import RunningApp, Visitor, run_app
from study_files import write_study

MEGABYTE = 2**20
GROWTH = 60 * MEGABYTE
PIECE = b"A,7,ANC,0.5,10^9/L,2.0\n" * 45_590  # just below a megabyte
PIECE += b"\n" * (MEGABYTE - len(PIECE))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningApp]:
    folder = tmp_path_factory.mktemp("studies")
    write_study(folder / "small")
    with run_app(folder) as app:
        yield app
    assert "defect" not in "".join(app.said)
    assert "Traceback" not in "".join(app.said)


class Sender:
    """One upload, of which the test says what is sent, and when."""

    def __init__(self, visitor: Visitor, name: str, *headers: str) -> None:
        self.line = socket.create_connection(("127.0.0.1", visitor.port), timeout=60)
        lines = [
            f"PUT /studies/small/files/{name} HTTP/1.1",
            f"Host: 127.0.0.1:{visitor.port}",
            f"Cookie: {visitor.cookie}",
            f"X-CSRF-Token: {visitor.csrf}",
            "Accept: application/json",
            *headers,
        ]
        self.line.sendall("\r\n".join([*lines, "", ""]).encode())

    def send(self, content: bytes, *, chunked: bool = False) -> None:
        self.line.sendall(b"%x\r\n%b\r\n" % (len(content), content) if chunked else content)

    def read(self) -> tuple[int, str]:
        """Status and body of one answer; the connection stays open."""
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.line.recv(4096)
            assert piece, "the connection was closed without an answer"
            head += piece
        start, _, body = head.partition(b"\r\n\r\n")
        length = next(line for line in start.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        while len(body) < int(length.partition(b":")[2]):
            body += self.line.recv(4096)
        return int(start.split(b" ")[1]), body.decode()

    def ask_again(self, visitor: Visitor) -> int:
        """The status of a second request on the same connection."""
        head = f"GET /studies/small/run HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {visitor.cookie}\r\n\r\n"
        self.line.sendall(head.encode())
        return self.read()[0]


def read_peak(app: RunningApp) -> int:
    """The most memory that the process has had, in bytes."""
    status = Path(f"/proc/{app.process.pid}/status")
    if not status.is_file():
        pytest.skip("this system does not tell the memory of a process")
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def list_begun(app: RunningApp) -> list[str]:
    return [item.name for item in (app.folder / "small").glob(".incoming-*")]


@pytest.mark.long
@pytest.mark.parametrize("way", ["length", "chunked", "as a form"])
def test_500_megabytes_are_refused_and_leave_nothing(running: RunningApp, way: str) -> None:
    visitor = running.visit()
    before, peak = take_snapshot(running.folder), read_peak(running)
    chunked = way != "length"
    headers = ["Transfer-Encoding: chunked" if chunked else f"Content-Length: {500 * MEGABYTE}"]
    if way == "as a form":
        visitor.csrf, headers = "0" * 64, [*headers, "Content-Type: application/x-www-form-urlencoded"]
    sender = Sender(visitor, "large.csv", *headers)
    for _ in range(500):
        sender.send(PIECE, chunked=chunked)
    if chunked:
        sender.line.sendall(b"0\r\n\r\n")
    status, body = sender.read()
    if way == "as a form":
        assert status == 403
    else:
        assert status == 413
        told = json.loads(body)["error"]
        assert told.startswith("That is larger than what is taken in here (300 MB).")
        assert "terminal" in told
    assert sender.ask_again(visitor) == 200
    sender.line.close()
    assert take_snapshot(running.folder) == before
    assert read_peak(running) - peak < GROWTH


@pytest.mark.long
def test_300_megabytes_are_taken_in_piece_by_piece(running: RunningApp) -> None:
    visitor, peak = running.visit(), read_peak(running)
    sender = Sender(visitor, "whole.csv", f"Content-Length: {300 * MEGABYTE}")
    for _ in range(300):
        sender.send(PIECE)
    assert sender.read()[0] == 201
    sender.line.close()
    file = running.folder / "small" / "whole.csv"
    assert file.stat().st_size == 300 * MEGABYTE
    with file.open("rb") as content:
        assert all(content.read(MEGABYTE) == PIECE for _ in range(300))
    file.unlink()
    assert read_peak(running) - peak < GROWTH


def test_a_sender_who_leaves_in_the_middle_leaves_nothing(running: RunningApp) -> None:
    visitor, before = running.visit(), take_snapshot(running.folder)
    for headers, chunked in ((["Transfer-Encoding: chunked"], True), (["Content-Length: 5000000"], False)):
        sender = Sender(visitor, "labs.csv?replace=1", *headers)
        sender.send(PIECE, chunked=chunked)
        wait_until(lambda: bool(list_begun(running)), "the file is begun")
        sender.line.close()
        wait_until(lambda: not list_begun(running), "the file is taken away")
        assert take_snapshot(running.folder) == before
    assert visitor.ask("GET", "/studies/small").status == 200


@pytest.mark.parametrize("replace", [False, True])
def test_of_two_files_of_one_name_each_is_whole(running: RunningApp, replace: bool) -> None:
    visitor = running.visit()
    asked = f"twice.csv{'?replace=1' if replace else ''}"
    senders = [Sender(visitor, asked, "Transfer-Encoding: chunked") for _ in range(2)]
    contents = [f"a,b\n{number},{number}\n".encode() for number in range(2)]
    for sender, content in zip(senders, contents, strict=True):
        sender.send(content, chunked=True)
    wait_until(lambda: len(list_begun(running)) == 2, "both are begun")
    answers = []
    for sender, content in zip(senders, contents, strict=True):
        sender.send(content, chunked=True)
        sender.line.sendall(b"0\r\n\r\n")
        answers.append(sender.read())
        sender.line.close()
    file = running.folder / "small" / "twice.csv"
    assert answers[0][0] == 201
    assert answers[1][0] == (201 if replace else 409)
    assert replace or "is there already" in answers[1][1]
    assert file.read_bytes() == contents[1 if replace else 0] * 2
    assert list_begun(running) == []
    file.unlink()


def test_a_folder_that_goes_while_a_file_comes_is_told(running: RunningApp) -> None:
    visitor, folder = running.visit(), running.folder / "small"
    sender = Sender(visitor, "late.csv", "Transfer-Encoding: chunked")
    sender.send(b"a,b\n", chunked=True)
    wait_until(lambda: bool(list_begun(running)), "the file is begun")
    moved = folder.rename(folder.with_name("moved"))
    try:
        sender.line.sendall(b"0\r\n\r\n")
        status, body = sender.read()
        assert (status, "late.csv: cannot be written" in body) == (409, True)
        assert not folder.exists()
        for left in moved.glob(".incoming-*"):
            left.unlink()
    finally:
        moved.rename(folder)
        sender.line.close()
    assert not (folder / "late.csv").exists()
