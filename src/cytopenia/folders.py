"""A folder or file that is written as a whole: the new one stands complete, or the old one stays."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from cytopenia.errors import OutputError

__all__ = ["explain_failure", "replace_file", "replace_folder"]


@contextmanager
def replace_folder(target: Path) -> Generator[Path]:
    """Yield a temporary folder; it takes the place of `target` only if the block ends well.

    Parameters
    ----------
    target : path
        Replaced with all it holds: ask first whether it may be.

    Raises
    ------
    OutputError
        The folder cannot be written; nothing was changed.
    """
    temporary = target.parent / f".{target.name}.new-{os.getpid()}"
    retired = target.parent / f".{target.name}.old-{os.getpid()}"
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if target.exists():
            target.rename(retired)
        temporary.rename(target)
    except OSError as cause:
        raise OutputError(f"{target}: cannot be written ({cause.strerror}). Nothing was changed.") from cause
    finally:
        if retired.exists() and not target.exists():
            retired.rename(target)
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(retired, ignore_errors=True)


def replace_file(target: Path, text: str) -> None:
    """Write a file beside the target first; it takes its place only when it is complete.

    Parameters
    ----------
    target : path
        Replaced: ask first whether it may be. Folders above it are made.
    text : str

    Raises
    ------
    OutputError
        The file cannot be written; the old one was not changed.
    """
    temporary = target.with_name(f".{target.name}.new-{os.getpid()}")
    try:
        with explain_failure(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(target)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def explain_failure(path: Path) -> Generator[None]:
    """Say which file or folder cannot be written.

    Raises
    ------
    OutputError
    """
    try:
        yield
    except OSError as cause:
        raise OutputError(f"{path}: cannot be written ({cause.strerror}).") from cause
