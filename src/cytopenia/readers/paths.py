"""Where a mapping may point: a file that it names lies in the data folder, and nowhere else.

A mapping file is passed on between hospitals; it must not bring files of the machine where it is used into a
report. Data elsewhere are reached by naming their folder: the source of a command, or `folder` of a study.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

from cytopenia.errors import ReaderError

__all__ = ["find_inside", "is_there", "name_outside"]


def name_outside(name: str) -> list[str]:
    """Return why a name in a mapping leads out of the data folder, as the text alone shows; else nothing.

    Examples
    --------
    >>> name_outside("2024/labs.csv")
    []
    >>> name_outside("../../etc/passwd")[0].partition(";")[0]
    "'../../etc/passwd' leads out of the data folder"
    """
    windows, posix = PureWindowsPath(name), PurePosixPath(name)
    rooted = bool(windows.drive or windows.root or posix.root) or name.startswith("~")
    if "\0" in name or rooted or ".." in windows.parts or ".." in posix.parts:
        return [
            f"{name!r} leads out of the data folder; a mapping names files of that folder only. Copy the "
            "file there, or name the folder that holds all files (the folder given to a command, or 'folder' "
            "of a study file)"
        ]
    return []


def find_inside(folder: Path, name: str, key: str) -> Path:
    """Return the path of what a mapping names, which must lie in the folder, links followed.

    An absolute name is taken as it is: forms refuse it (`name_outside`), so it comes from a command or from
    code, not from a file. `key` is where the name stands, as in "[data.labs] file".

    Raises
    ------
    ReaderError
        A link leads out of the folder.
    """
    if Path(name).is_absolute():
        return Path(name)
    path = folder / name
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):
        inside = False
    if inside and not name_outside(name):
        return path
    raise ReaderError(
        f"{key}: '{name}' leads out of the data folder {folder} (by '..' or a link). Copy the file there, or "
        "name the folder that holds all files."
    )


def is_there(path: Path) -> bool:
    """Return whether a file or folder is there; a name that no file system can hold is none.

    Examples
    --------
    >>> is_there(Path("x" * 5000))
    False
    """
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
