"""A PostgreSQL server of the tests' own, on the loopback, in a folder that goes with it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

PASSWORD = "not a secret: made for one test"
OWNER, READER = "postgres", "reader"
DATABASE = "cdm"
_TYPES: Mapping[pl.DataType, str] = {
    pl.Int64(): "integer",
    pl.Float64(): "numeric",
    pl.String(): "varchar",
    pl.Date(): "date",
    pl.Datetime("us"): "timestamp",
}
_SECONDS = 30


@dataclass(frozen=True)
class Server:
    """Where the server listens, and its programs."""

    port: int
    programs: Path

    def address(self, user: str = READER, *, port: int | None = None) -> str:
        return f"postgresql://{user}@127.0.0.1:{port or self.port}/{DATABASE}"

    def run(self, sql: str, *, database: str = DATABASE) -> str:
        """What psql prints as the owner."""
        command = [
            *(str(self.programs / "psql"), "-h", "127.0.0.1", "-p", str(self.port), "-U", OWNER),
            *("-d", database, "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql),
        ]
        done = subprocess.run(
            command, env={**os.environ, "PGPASSWORD": PASSWORD}, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def load(self, frames: Mapping[str, pl.DataFrame], folder: Path, *, schema: str = "public") -> None:
        """Make the tables with the types of the CDM, fill them, and let the reader read them."""
        self.run(f"create schema if not exists {schema}")
        for name, frame in frames.items():
            columns = ", ".join(f"{column} {_TYPES[kind]}" for column, kind in frame.schema.items())
            stored = folder / f"{name}.load.csv"
            frame.write_csv(stored)
            self.run(f"create table {schema}.{name} ({columns})")
            self.run(f"\\copy {schema}.{name} from '{stored}' with (format csv, header)")
            stored.unlink()
        self.run(f"grant usage on schema {schema} to {READER}")
        self.run(f"grant select on all tables in schema {schema} to {READER}")


def find_postgres(find_program: Callable[[str], str]) -> Path:
    """The folder of the programs; Debian keeps them outside the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else Path(find_program("initdb")).parent


@contextmanager
def serve(programs: Path) -> Generator[Server]:
    """A running server; it is stopped by its process id and its folder is removed."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-of-a-test-"))
    user = _drop_root(folder)
    try:
        secret = folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        initdb = [programs / "initdb", "-D", folder / "data", "-U", OWNER, "--auth=scram-sha-256"]
        _run([*initdb, f"--pwfile={secret}", "--encoding=UTF8", "--locale=C", "--no-sync"], folder, user)
        port = _find_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(folder),
            "fsync": "off",
            "shared_buffers": "64MB",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [programs / "postgres", "-D", folder / "data", "-p", str(port), *options]
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(command, cwd=folder, user=user, stdout=log, stderr=log)
        try:
            server = Server(port, programs)
            _wait(server, process, folder / "log")
            server.run(f"create database {DATABASE}", database="postgres")
            server.run(f"create role {READER} login password '{PASSWORD}'")
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=_SECONDS)
    finally:
        shutil.rmtree(folder)


def _drop_root(folder: Path) -> str | None:
    """PostgreSQL refuses to run as root; its own user then owns the folder."""
    if os.geteuid() != 0:
        return None
    account = pwd.getpwnam("postgres")
    os.chown(folder, account.pw_uid, account.pw_gid)
    return account.pw_name


def _run(command: list[str | Path], folder: Path, user: str | None) -> None:
    done = subprocess.run(command, cwd=folder, user=user, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def _find_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            server.run("select 1", database="postgres")
        except AssertionError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"PostgreSQL did not start: {log.read_text()}")
