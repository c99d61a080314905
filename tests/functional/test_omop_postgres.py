"""A CDM on a real PostgreSQL server: the same tables as from DuckDB, nothing written, failures in words."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.omop_factory import (
    ANC,
    CART,
    FILGRASTIM,
    LESS,
    THOUSAND,
    drug,
    make_cdm,
    measurement,
    write_duckdb,
)
from tests.postgres_server import OWNER, PASSWORD, READER, Server, find_postgres, serve

from cytopenia.contract import TABLES, Tables
from cytopenia.errors import ReaderError
from cytopenia.readers.mapping import DataSection
from cytopenia.readers.omop_mapping import PASSWORD_VARIABLE
from cytopenia.readers.omop_server import open_database
from cytopenia.readers.sources import read_tables

pytestmark = pytest.mark.long

CDM = make_cdm(
    measurement=[
        measurement(0.35),
        measurement(0.1, ANC, THOUSAND, day=3, measurement_id=8, operator_concept_id=LESS),
        measurement(7.9, 3000963, 8713, measurement_id=9, range_low=12.1),
    ],
    drug_exposure=[drug(CART), drug(FILGRASTIM, 3, 5)],
    death=[],
    concept=[
        {"concept_id": ANC, "concept_name": "ANC", "vocabulary_id": "LOINC", "concept_code": "751-8"},
    ],
    concept_ancestor=[],
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, find_program: Callable[[str], str]) -> Generator[Server]:
    with serve(find_postgres(find_program)) as running:
        running.load(CDM, tmp_path_factory.mktemp("load"), schema="omop")
        yield running


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)


def read(folder: Path, connection: str, **keys: Any) -> Tables:
    given = {"connection": connection, "schema": "omop", "cohort": {"concept_ids": [CART]}, **keys}
    return read_tables(folder, DataSection.model_validate({"omop": given}))


def test_the_tables_are_those_of_duckdb(server: Server, tmp_path: Path) -> None:
    write_duckdb(tmp_path / "cdm.duckdb", CDM, schema="omop")
    found, expected = read(tmp_path, server.address()), read(tmp_path, "duckdb://cdm.duckdb")
    assert expected.labs.height == 3
    for name in TABLES:
        assert_frame_equal(getattr(found, name), getattr(expected, name))
    assert {item.dialect for item in found.extractions} == {"postgres"}
    assert [item.table for item in found.extractions] == [item.table for item in expected.extractions]


def test_nothing_is_written(server: Server, tmp_path: Path) -> None:
    """Not even by the owner: the session is read-only, whatever the rights."""
    count = "select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_stat_user_tables"
    before = server.run(count)
    read(tmp_path, server.address(OWNER))
    assert server.run(count) == before
    with open_database(server.address(OWNER), tmp_path) as database:
        state = database.driver.run("select current_setting('transaction_read_only') as a")
        assert state["a"].to_list() == ["on"]
    with (
        open_database(server.address(OWNER), tmp_path) as database,
        pytest.raises(ReaderError, match=r"cannot execute .* in a read-only transaction"),
    ):
        database.driver.run("insert into omop.death (person_id) values (1) returning person_id")


def test_a_wrong_password(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "wr ong&secret%")
    with pytest.raises(ReaderError, match="password authentication failed") as found:
        read(tmp_path, server.address())
    said = str(found.value)
    assert "127.0.0.1" in said
    assert PASSWORD_VARIABLE in said
    assert "ong" not in said.replace("wrong", "")


def test_the_password_of_libpq(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PASSWORD_VARIABLE)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    tables = read(tmp_path, server.address())
    assert tables.labs.height == 3
    assert PASSWORD not in str(tables)


def test_no_server(server: Server, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = server.address(port=taken.getsockname()[1])
        with pytest.raises(ReaderError, match=r"(?i)no connection to the PostgreSQL server: .*refused"):
            read(tmp_path, address)


def test_no_rights(server: Server, tmp_path: Path) -> None:
    server.run("create schema closed")
    server.run(f"grant usage on schema closed to {READER}")
    server.run("create table closed.person (person_id bigint)")
    with pytest.raises(ReaderError, match="there is no table person, or it may not be read"):
        read(tmp_path, server.address(), schema="closed")
    with pytest.raises(ReaderError, match="nothing there may be read; check schema and rights"):
        read(tmp_path, server.address(), schema="nowhere")


def test_rights_that_end_midway(server: Server, tmp_path: Path) -> None:
    """Columns are listed, since one of them may be read, but not the rest."""
    server.run("create schema half")
    server.run(f"grant usage on schema half to {READER}")
    for name in ("person", "measurement", "drug_exposure"):
        server.run(f"create table half.{name} as select * from omop.{name}")
        server.run(f"grant references on half.{name} to {READER}")
    with pytest.raises(ReaderError, match="permission denied for table drug_exposure"):
        read(tmp_path, server.address(), schema="half")


@dataclass
class Cutter:
    """A door before the server; it breaks in the midst of the answer to what is asked, `cuts` times."""

    target: int
    cuts: int
    asked: bytes
    after: int = 0
    port: int = 0
    broken: int = 0
    threads: list[threading.Thread] = field(default_factory=list)

    def accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self.serve, args=(client,), daemon=True)
            thread.start()
            self.threads.append(thread)

    def serve(self, client: socket.socket) -> None:
        was_asked, answered = threading.Event(), 0
        with client, socket.create_connection(("127.0.0.1", self.target)) as server:
            ends = (client, server)
            asking = threading.Thread(target=self.ask, args=(*ends, was_asked), daemon=True)
            asking.start()
            with suppress(OSError):
                while data := server.recv(65536):
                    answered += len(data) if was_asked.is_set() else 0
                    if self.broken < self.cuts and answered > self.after:
                        self.broken += 1
                        client.sendall(data[: len(data) // 2])
                        break
                    client.sendall(data)
            for end in ends:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            asking.join(timeout=10)

    def ask(self, client: socket.socket, server: socket.socket, was_asked: threading.Event) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                if self.asked in data:
                    was_asked.set()
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)


@contextmanager
def cut(server: Server, *, cuts: int, asked: str, after: int = 0) -> Generator[Cutter]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        cutter = Cutter(server.port, cuts, asked.encode(), after, listener.getsockname()[1])
        thread = threading.Thread(target=cutter.accept, args=(listener,), daemon=True)
        thread.start()
        try:
            yield cutter
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for worker in (thread, *cutter.threads):
                worker.join(timeout=10)


# While the driver learns the types, while the columns are listed, and in two of the queries.
PLACES = ["pg_attribute", "information_schema", '"measurement"', '"death"']


@pytest.mark.parametrize("asked", PLACES)
def test_a_connection_that_breaks_once_is_opened_again(server: Server, tmp_path: Path, asked: str) -> None:
    with cut(server, cuts=1, asked=asked) as cutter:
        tables = read(tmp_path, server.address(port=cutter.port))
        assert cutter.broken == 1
    assert tables.labs.height == 3
    said = tables.findings.filter(pl.col("rule") == "connection_lost")["message"].to_list()
    assert len(said) == 1
    assert "all was read again" in said[0]
    whole = read(tmp_path, server.address())
    assert tables.extractions == whole.extractions


@pytest.mark.parametrize("asked", PLACES)
def test_a_connection_that_breaks_twice_is_an_error(server: Server, tmp_path: Path, asked: str) -> None:
    with cut(server, cuts=5, asked=asked) as cutter:
        with pytest.raises(ReaderError, match=r"broke twice .* Nothing was written"):
            read(tmp_path, server.address(port=cutter.port))
        assert cutter.broken == 2
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def many_rows(server: Server) -> str:
    """A schema whose measurements come in several parts, about 9 MB in all; the day of each is its own."""
    server.run("create schema many")
    server.run(f"grant usage on schema many to {READER}")
    for name in ("person", "measurement", "drug_exposure"):
        server.run(f"create table many.{name} as select * from omop.{name}")
    server.run(
        "insert into many.measurement (measurement_id, person_id, measurement_concept_id, measurement_date, "
        "value_as_number, unit_concept_id, measurement_source_value) "
        f"select 100 + i, 1, {ANC}, date '2024-01-14' + i % 300, 0.35, {THOUSAND}, repeat('x', 100) "
        "from generate_series(0, 39999) i"
    )
    server.run(f"grant select on all tables in schema many to {READER}")
    return "many"


def test_a_connection_that_breaks_among_many_rows(server: Server, tmp_path: Path, many_rows: str) -> None:
    """Parts of the answer have arrived by then; they are thrown away, and every row is read once."""
    with cut(server, cuts=1, asked='"measurement"', after=4_000_000) as cutter:
        tables = read(tmp_path, server.address(port=cutter.port), schema=many_rows)
        assert cutter.broken == 1
    assert "connection_lost" in set(tables.findings["rule"])
    assert [item.rows for item in tables.extractions if item.table == "measurement"] == [40_003]
    with (
        cut(server, cuts=5, asked='"measurement"', after=4_000_000) as cutter,
        pytest.raises(ReaderError, match=r"broke twice .* Nothing was written"),
    ):
        read(tmp_path, server.address(port=cutter.port), schema=many_rows)


def test_a_value_that_is_no_number_is_not_shown(server: Server, tmp_path: Path) -> None:
    """PostgreSQL quotes the text that it cannot convert; that is a patient's value."""
    server.run("create schema texts")
    server.run(f"grant usage on schema texts to {READER}")
    for name in ("person", "measurement", "drug_exposure"):
        server.run(f"create table texts.{name} as select * from omop.{name}")
    server.run("alter table texts.measurement alter column value_as_number type text")
    server.run("update texts.measurement set value_as_number = 'see Jane Roe' where measurement_id = 8")
    server.run(f"grant select on all tables in schema texts to {READER}")
    with pytest.raises(ReaderError, match=r"invalid input syntax for type double precision") as found:
        read(tmp_path, server.address(), schema="texts")
    assert "Roe" not in str(found.value)
    assert found.value.__cause__ is None
    assert found.value.__suppress_context__ or found.value.__context__ is None


def test_a_session_that_the_server_ends(server: Server, tmp_path: Path) -> None:
    """The query waits for a lock of another session; the server ends it there, and it is asked again."""
    ended = threading.Event()

    def end_it() -> None:
        waiting = "select pid from pg_stat_activity where wait_event_type = 'Lock' and usename = 'reader'"
        for _ in range(200):
            if pid := server.run(waiting):
                server.run(f"select pg_terminate_backend({pid})")
                ended.set()
                return
            threading.Event().wait(0.05)

    worker = threading.Thread(target=end_it)
    with open_lock(server, "omop.measurement"):
        worker.start()
        reading = threading.Thread(target=lambda: results.append(read(tmp_path, server.address())))
        results: list[Tables] = []
        reading.start()
        assert ended.wait(timeout=30)
    reading.join(timeout=30)
    worker.join(timeout=30)
    assert results[0].labs.height == 3
    assert "connection_lost" in set(results[0].findings["rule"])


@contextmanager
def open_lock(server: Server, table: str) -> Generator[None]:
    import adbc_driver_postgresql.dbapi as dbapi

    address = server.address(OWNER).replace("postgres@", f"postgres:{PASSWORD.replace(' ', '%20')}@")
    with dbapi.connect(address) as connection:
        with connection.cursor() as cursor:
            cursor.execute(f"lock table {table} in access exclusive mode")
        yield
        connection.rollback()
