"""The studies of a folder on disk: what there is, the protocol with its version, files that are brought."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from starlette.concurrency import run_in_threadpool

from cytopenia.app.failures import ConflictError, RefusedError
from cytopenia.app.study_lock import hold_lock
from cytopenia.contract import TABLES
from cytopenia.errors import CytopeniaError, ProtocolError
from cytopenia.folders import explain_failure, restore_folder
from cytopenia.forms import parse_toml
from cytopenia.readers.mapping_draft import as_table
from cytopenia.readers.statistics_content import STATISTICS_KINDS
from cytopenia.study.protocol import read_protocol

__all__ = ["PROTOCOL", "READ_SUFFIXES", "StudyFolder", "Workspace", "name_version", "require_file_name"]

PROTOCOL = "study.toml"
READ_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".parquet", ".ndjson", ".json", *STATISTICS_KINDS)
_NAME = re.compile(r"[^\W_][\w .()+-]{0,119}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
# File systems count bytes, of which a letter has up to four; some room is for what stands before a name.
_LONGEST_NAME = 200
_LOCK, _LOCK_SECONDS = ".study.lock", 2.0
# What is written beside a file first; who is at it touches it more often than that.
_BEGUN, _ABANDONED_SECONDS = (".incoming-*", ".new-*", ".trial-*.toml"), 600.0


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
    is_plain = _NAME.fullmatch(name) is not None and len(name.encode()) <= _LONGEST_NAME
    if not is_plain or _RESERVED.match(name) or name.endswith((" ", ".")):
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
        return self.is_own(self.path / "results" / "provenance.json")

    def is_own(self, file: Path) -> bool:
        """Return whether a file is there and lies in this folder: a link that leads elsewhere does not."""
        return file.is_file() and file.resolve().is_relative_to(self.path.resolve())

    def list_results(self) -> list[str]:
        """Return the files of the results, those of its folders after the others."""
        if not self.has_results:
            return []
        folder = self.path / "results"
        names = [item.relative_to(folder).as_posix() for item in folder.rglob("*") if self.is_own(item)]
        return sorted(names, key=lambda name: ("/" in name, name))

    def list_files(self) -> list[Path]:
        """Return the files that a reader may read, by name; none where the folder has gone."""
        try:
            items = list(self.path.iterdir())
        except FileNotFoundError:
            return []
        return sorted(
            item
            for item in items
            if item.is_file() and item.suffix.lower() in READ_SUFFIXES and not item.name.startswith(".")
        )

    def list_tables(self) -> dict[str, str]:
        """Return the file of each of our tables that is there by its name."""
        named = {item.stem.lower(): item.name for item in self.list_files()}
        return {table: named[table] for table in TABLES if table in named}

    def list_mapped(self) -> dict[str, str]:
        """Return what the study file itself says of where each table comes from; nothing if it is no TOML."""
        data = self._read_data()
        told = {name: as_table(form) for name, form in data.items()}
        return {name: str(form.get("file") or name) for name, form in told.items() if form}

    def count_questions(self) -> int:
        """Return how many questions about the data are open; none if the study file is no TOML."""
        asked: Any = self._read_data().get("questions")
        return len(cast("list[Any]", asked)) if isinstance(asked, list) else 0

    def _read_data(self) -> Mapping[str, Any]:
        try:
            content = parse_toml(self.read_protocol()[0].encode(), name=PROTOCOL, error=ProtocolError)
        except ProtocolError:
            return {}
        return as_table(content.get("data"))

    def read_protocol(self) -> tuple[str, str]:
        """Return the text of the study file and its version.

        Raises
        ------
        RefusedError
            The folder was moved or deleted since the study was found.
        """
        try:
            content = (self.path / PROTOCOL).read_bytes()
        except FileNotFoundError as cause:
            raise RefusedError(404, "refusal.no_study") from cause
        return content.decode("utf-8", errors="replace"), name_version(content)

    def save_protocol(self, text: str, *, version: str) -> str:
        """Write the study file if nobody has changed it since `version`, and return the new version.

        Raises
        ------
        ConflictError
            Another page or program has written it in between; nothing was changed.
        """
        target = self.path / PROTOCOL
        with self.locked(), explain_failure(target):
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
            with explain_failure(self.path / PROTOCOL):
                trial.write_text(text, encoding="utf-8")
            read_protocol(trial)
        except CytopeniaError as cause:
            # The name of the trial is of no use to who reads the message.
            cause.args = (str(cause).replace(str(trial), PROTOCOL).replace(trial.name, PROTOCOL),)
            raise
        finally:
            trial.unlink(missing_ok=True)

    def locked(self) -> AbstractContextManager[None]:
        """Hold the study for one writer, in this program and in others.

        Raises
        ------
        ConflictError
            Somebody else holds it.
        """
        return hold_lock(self.path / _LOCK, seconds=_LOCK_SECONDS)

    def tidy(self) -> None:
        """Put right what a program that was killed has left: results half replaced, files half written."""
        restore_folder(self.path / "results")
        for pattern in _BEGUN:
            for item in self.path.glob(pattern):
                with suppress(OSError):
                    if time.time() - item.stat().st_mtime > _ABANDONED_SECONDS:
                        item.unlink()

    async def take_in(self, name: str, chunks: AsyncIterator[bytes], *, replace: bool) -> int:
        """Write a file that is brought in pieces, and return its size; it stands whole or not at all.

        Raises
        ------
        RefusedError
            The name is no plain name of a kind that is read.
        ConflictError
            The file is there already and `replace` is False.
        OutputError
            It cannot be written: no room, or the folder is gone.
        """
        target = self.path / require_file_name(name, suffixes=READ_SUFFIXES)
        await run_in_threadpool(_require_free, target, replace=replace)
        temporary = self.path / f".incoming-{secrets.token_hex(8)}"
        size = 0
        try:
            with explain_failure(target):
                handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(handle, "wb") as file:
                async for chunk in chunks:
                    with explain_failure(target):
                        size += file.write(chunk)
            if not size:
                raise RefusedError(422, "refusal.empty_file")
            await run_in_threadpool(self._put, temporary, target, replace=replace)
        finally:
            temporary.unlink(missing_ok=True)
        return size

    def _put(self, temporary: Path, target: Path, *, replace: bool) -> None:
        """Of two who bring the same name at once, the second is told."""
        with explain_failure(target), self.locked():
            _require_free(target, replace=replace)
            temporary.replace(target)


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
            if not item.name.startswith(".") and not item.is_symlink() and _is_study(item)
        ]

    def tidy(self) -> None:
        """Put right what a program that was killed has left in the studies."""
        for study in self.list_studies():
            study.tidy()

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
        with explain_failure(target):
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


def _is_study(folder: Path) -> bool:
    """Whether it has a study file of its own, and a name that an address can hold."""
    is_text = folder.name.encode(errors="replace").decode() == folder.name
    return is_text and StudyFolder(folder).is_own(folder / PROTOCOL)


def _require_free(target: Path, *, replace: bool) -> None:
    if target.is_dir():
        raise ConflictError("refusal.path_is_folder", name=target.name)
    if target.exists() and not replace:
        raise ConflictError("refusal.file_exists", name=target.name)
