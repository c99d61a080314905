"""The studies of a folder on disk: what there is, the protocol with its version, files that are brought."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
import tomllib
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cytopenia.app.failures import ConflictError, RefusedError
from cytopenia.contract import TABLES
from cytopenia.errors import CytopeniaError
from cytopenia.readers.mapping_draft import as_table
from cytopenia.readers.statistics_content import STATISTICS_KINDS
from cytopenia.study.protocol import read_protocol

__all__ = ["PROTOCOL", "READ_SUFFIXES", "StudyFolder", "Workspace", "name_version", "require_file_name"]

PROTOCOL = "study.toml"
READ_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".parquet", ".ndjson", ".json", *STATISTICS_KINDS)
_NAME = re.compile(r"[^\W_][\w .()+-]{0,119}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_LOCK, _ABANDONED_SECONDS = ".study.lock", 30.0


def require_file_name(name: str, *, suffixes: tuple[str, ...] = ()) -> str:
    """Return a plain file name: letters, digits and a few signs, no folder, no hidden file.

    Raises
    ------
    RefusedError
        The name could leave the folder, hide, or is of a kind that is not read.

    Examples
    --------
    >>> require_file_name("labs 2024.csv")
    'labs 2024.csv'
    """
    if not _NAME.fullmatch(name) or _RESERVED.match(name) or name.endswith((" ", ".")):
        raise RefusedError(422, "refusal.file_name")
    if suffixes and Path(name).suffix.lower() not in suffixes:
        raise RefusedError(422, "refusal.file_kind", allowed=", ".join(suffixes))
    return name


@dataclass(frozen=True)
class StudyFolder:
    """One study on disk."""

    path: Path

    @property
    def name(self) -> str:
        """Its folder's name, which addresses it."""
        return self.path.name

    @property
    def has_results(self) -> bool:
        """Whether a run has finished."""
        return (self.path / "results" / "provenance.json").is_file()

    def list_files(self) -> list[Path]:
        """Return the files that a reader may read, by name."""
        return sorted(
            item
            for item in self.path.iterdir()
            if item.is_file() and item.suffix.lower() in READ_SUFFIXES and not item.name.startswith(".")
        )

    def list_tables(self) -> dict[str, str]:
        """Return the file of each of our tables that is there by its name."""
        named = {item.stem.lower(): item.name for item in self.list_files()}
        return {table: named[table] for table in TABLES if table in named}

    def list_mapped(self) -> dict[str, str]:
        """Return what the study file itself says of where each table comes from; nothing if it is no TOML."""
        try:
            data = as_table(tomllib.loads(self.read_protocol()[0]).get("data"))
        except (tomllib.TOMLDecodeError, RecursionError):
            return {}
        told = {name: as_table(form) for name, form in data.items()}
        return {name: str(form.get("file") or name) for name, form in told.items() if form}

    def read_protocol(self) -> tuple[str, str]:
        """Return the text of the study file and its version."""
        content = (self.path / PROTOCOL).read_bytes()
        return content.decode("utf-8", errors="replace"), name_version(content)

    def save_protocol(self, text: str, *, version: str) -> str:
        """Write the study file if nobody has changed it since `version`, and return the new version.

        Raises
        ------
        ConflictError
            Another page or program has written it in between; nothing was changed.
        """
        with self.locked():
            target = self.path / PROTOCOL
            if target.exists() and name_version(target.read_bytes()) != version:
                raise ConflictError("refusal.changed_elsewhere")
            content = text.encode()
            _write_whole(target, content)
        return name_version(content)

    def check_protocol(self, text: str) -> None:
        """Read a text as the study file of this folder; nothing is written.

        Raises
        ------
        ProtocolError, DefinitionError
            Names every problem.
        """
        trial = self.path / f".trial-{secrets.token_hex(8)}.toml"
        try:
            trial.write_text(text, encoding="utf-8")
            read_protocol(trial)
        except CytopeniaError as cause:
            # The name of the trial is of no use to who reads the message.
            cause.args = (str(cause).replace(str(trial), PROTOCOL).replace(trial.name, PROTOCOL),)
            raise
        finally:
            trial.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Generator[None]:
        """Hold the study for one writer, in this program and in others.

        Raises
        ------
        ConflictError
            Somebody else holds it.
        """
        lock = self.path / _LOCK
        try:
            handle = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            if _is_abandoned(lock):
                lock.unlink(missing_ok=True)
                handle = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            else:
                raise ConflictError("refusal.busy") from None
        try:
            os.close(handle)
            yield
        finally:
            lock.unlink(missing_ok=True)

    async def take_in(self, name: str, chunks: AsyncIterator[bytes], *, replace: bool) -> int:
        """Write a file that is brought in pieces, and return its size; it stands whole or not at all.

        Raises
        ------
        RefusedError
            The name is no plain name of a kind that is read.
        ConflictError
            The file is there already and `replace` is False.
        """
        target = self.path / require_file_name(name, suffixes=READ_SUFFIXES)
        if target.exists() and not replace:
            raise ConflictError("refusal.file_exists", name=name)
        temporary = self.path / f".incoming-{secrets.token_hex(8)}"
        size = 0
        try:
            with os.fdopen(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                async for chunk in chunks:
                    size += file.write(chunk)
            if not size:
                raise RefusedError(422, "refusal.empty_file")
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        return size


@dataclass(frozen=True)
class Workspace:
    """A folder of studies, or one study."""

    folder: Path

    def list_studies(self) -> list[StudyFolder]:
        """Return the studies, by name."""
        if (self.folder / PROTOCOL).is_file():
            return [StudyFolder(self.folder.resolve())]
        if not self.folder.is_dir():
            return []
        return [
            StudyFolder(item)
            for item in sorted(self.folder.iterdir())
            if (item / PROTOCOL).is_file() and not item.name.startswith(".") and not item.is_symlink()
        ]

    def find(self, name: str) -> StudyFolder:
        """Return the study of a name; a name that is not in the list is no way to any other folder.

        Raises
        ------
        RefusedError
            There is no such study.
        """
        for study in self.list_studies():
            if study.name == name:
                return study
        raise RefusedError(404, "refusal.no_study")

    def create(self, name: str, protocol: str) -> StudyFolder:
        """Make the folder of a new study with its study file.

        Raises
        ------
        RefusedError
            The name is not plain.
        ConflictError
            There is something of that name, or the app was opened on a single study.
        """
        if (self.folder / PROTOCOL).is_file():
            raise ConflictError("refusal.single_study")
        target = self.folder / require_file_name(name)
        try:
            target.mkdir(parents=True)
        except FileExistsError:
            raise ConflictError("refusal.study_exists", name=name) from None
        _write_whole(target / PROTOCOL, protocol.encode())
        return StudyFolder(target)


def name_version(content: bytes) -> str:
    """Return the version of a study file: the same for the same bytes."""
    return hashlib.sha256(content).hexdigest()[:16]


def _write_whole(target: Path, content: bytes) -> None:
    temporary = target.with_name(f".new-{secrets.token_hex(8)}")
    try:
        temporary.write_bytes(content)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _is_abandoned(lock: Path) -> bool:
    """Whether who held the lock has ended without giving it back: writing takes far less than this."""
    with suppress(OSError):
        return time.time() - lock.stat().st_mtime > _ABANDONED_SECONDS
    return True
