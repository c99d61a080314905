"""A folder or file that is written as a whole: the new one stands complete, or the old one stays."""

from __future__ import annotations

import glob
import os
import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from cytopenia.errors import OutputError

__all__ = ["explain_failure", "replace_file", "replace_folder", "restore_folder"]

# Two folders exchange names in far less than the second; the first is for systems that tell of no programs.
_ABANDONED_SECONDS, _SECONDS_TO_RENAME = 24 * 3600.0, 10.0


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
    restore_folder(target)
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


def restore_folder(target: Path) -> None:
    """Put right what a program has left that was killed while it replaced a folder.

    The earlier folder comes back where the new one had not taken its place yet; what was half written is
    deleted, once the program that wrote it has ended.

    Parameters
    ----------
    target : path
    """
    name = glob.escape(target.name)
    for retired in target.parent.glob(f".{name}.old-*"):
        with suppress(OSError):
            if not target.exists() and (_is_abandoned(retired) or _get_age(retired) > _SECONDS_TO_RENAME):
                retired.rename(target)
        if _is_abandoned(retired):
            shutil.rmtree(retired, ignore_errors=True)
    for temporary in target.parent.glob(f".{name}.new-*"):
        if temporary.is_dir() and _is_abandoned(temporary):
            shutil.rmtree(temporary, ignore_errors=True)


def _get_age(folder: Path) -> float:
    """Seconds since it was given its name."""
    return time.time() - folder.stat().st_ctime


def _is_abandoned(folder: Path) -> bool:
    """Whether the program whose number stands in the name has ended; where that cannot be asked, by age."""
    number = folder.name.rpartition("-")[2]
    if os.name == "posix" and number.isdecimal():
        try:
            os.kill(int(number), 0)
        except ProcessLookupError:
            return True
        except (OSError, OverflowError):
            return False
        return int(number) == os.getpid()
    with suppress(OSError):
        return _get_age(folder) > _ABANDONED_SECONDS
    return False


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
