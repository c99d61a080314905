"""A folder that is written as a whole: the new one stands complete, or the old one stays."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from cytopenia.errors import OutputError

__all__ = ["explain_failure", "replace_folder"]


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
