"""Which files lie below a folder, by name, time and size: whether a run has read what is there now."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

__all__ = ["Fingerprint", "is_input", "sum_files", "take_fingerprint"]

Fingerprint = tuple[tuple[str, int, int], ...]

# Pages and pictures, which no run reads: those of a check, of a patient, of an export.
_PICTURES = (".html", ".pdf", ".svg", ".png", ".tiff", ".docx")
# Its content is known, and tells more than its size.
_PROTOCOL = "study.toml"


def is_input(name: str) -> bool:
    """Return whether a file of this name can be one that a run reads beside the study file.

    Examples
    --------
    >>> [is_input(name) for name in ("labs.csv", "check.html", "study.toml")]
    [True, False, False]
    """
    return name != _PROTOCOL and not name.lower().endswith(_PICTURES)


def take_fingerprint(
    folders: Sequence[Path], *, wanted: Callable[[str], bool] = lambda _: True
) -> Fingerprint:
    """Return path, time of the last change and size of every file below some folders.

    Hidden files and the folder of the results are left out; `wanted` chooses by name.
    """
    return tuple(sorted(entry for folder in folders for entry in _list_entries(folder, wanted)))


def _list_entries(folder: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, int, int]]:
    for place, below, names in os.walk(folder):
        below[:] = [name for name in below if name != "results" and not name.startswith(".")]
        for name in names:
            if name.startswith(".") or not wanted(name):
                continue
            path = os.path.join(place, name)  # noqa: PTH118 - thousands of files, on every page
            try:
                found = os.stat(path)  # noqa: PTH116
            except OSError:
                continue
            yield path, found.st_mtime_ns, found.st_size


def sum_files(folder: Path, data: Path) -> str:
    """Return a checksum of the names and sizes of what a run can read, in the folder of a study and its data.

    Neither times nor the place of the folder count, so that a copy has the same.
    """
    is_inside = data.resolve().is_relative_to(folder.resolve())
    told = hashlib.sha256()
    for place in [folder] if is_inside else [folder, data]:
        for path, _, size in take_fingerprint([place], wanted=is_input):
            told.update(f"{Path(path).relative_to(place).as_posix()}\0{size}\n".encode(errors="replace"))
        told.update(b"\n")
    return told.hexdigest()
