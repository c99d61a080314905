"""One writer at a time: a lock of the operating system, which ends with the program that holds it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from cytopenia.app.failures import ConflictError

__all__ = ["hold_lock"]

_PAUSE = 0.02


@contextmanager
def hold_lock(path: Path, *, seconds: float) -> Generator[None]:
    """Hold the lock of a file, which stays behind empty and free.

    Parameters
    ----------
    path : path
        Made if absent.
    seconds : float
        How long to wait for who holds it.

    Raises
    ------
    ConflictError
        Somebody else has held it all the time.
    """
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        ends = time.monotonic() + seconds
        while not _take(handle):
            if time.monotonic() > ends:
                raise ConflictError("refusal.busy")
            time.sleep(_PAUSE)
        yield
    finally:
        # Closing gives the lock back, as the end of the program would.
        os.close(handle)


if sys.platform == "win32":
    import msvcrt

    def _ask(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _ask(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _take(handle: int) -> bool:
    try:
        _ask(handle)
    except OSError:
        return False
    return True
