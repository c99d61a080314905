"""What was read from a folder, kept in memory until a file of it changes; safe for many threads."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

from cytopenia.listings import Fingerprint

__all__ = ["FileCache"]

Read = TypeVar("Read")


@dataclass
class _Entry(Generic[Read]):
    fingerprint: Fingerprint
    value: Read


@dataclass
class FileCache(Generic[Read]):
    """The last few things that were read, each by the folder it belongs to.

    Attributes
    ----------
    load : callable
        Reads what belongs to a folder; what it raises is not kept.
    watch : callable
        Returns the fingerprint of the files that `load` reads; given the value read before, if there is one.
    most : int
        How many are kept.
    """

    load: Callable[[Path], Read]
    watch: Callable[[Path, Read | None], Fingerprint]
    most: int = 2
    _kept: OrderedDict[Path, _Entry[Read]] = field(default_factory=OrderedDict[Path, "_Entry[Read]"])
    _reading: dict[Path, Lock] = field(default_factory=dict[Path, Lock])
    _lock: Lock = field(default_factory=Lock)

    def read(self, folder: Path) -> Read:
        """Return what belongs to a folder, read again only if a file of it has changed.

        Several who ask at once wait for one reading; a reading of one folder holds up no other.
        """
        if (found := self._find(folder)) is not None:
            return found.value
        with self._lock:
            reading = self._reading.setdefault(folder, Lock())
        with reading:
            if (found := self._find(folder)) is not None:
                return found.value
            before = self.watch(folder, None)
            value = self.load(folder)
            # Taken before the reading: a file that changes meanwhile is seen as changed by whoever asks next.
            self._keep(folder, _Entry(self._merge(before, folder, value), value))
            return value

    def _merge(self, before: Fingerprint, folder: Path, value: Read) -> Fingerprint:
        """The files as they were before the reading, and those of other places that the reading told of."""
        known = {path for path, _, _ in before}
        told = [entry for entry in self.watch(folder, value) if entry[0] not in known]
        return tuple(sorted([*before, *told]))

    def _find(self, folder: Path) -> _Entry[Read] | None:
        with self._lock:
            entry = self._kept.get(folder)
        if entry is None or self.watch(folder, entry.value) != entry.fingerprint:
            return None
        with self._lock:
            if folder in self._kept:
                self._kept.move_to_end(folder)
        return entry

    def _keep(self, folder: Path, entry: _Entry[Read]) -> None:
        with self._lock:
            self._kept[folder] = entry
            self._kept.move_to_end(folder)
            while len(self._kept) > self.most:
                oldest, _ = self._kept.popitem(last=False)
                self._reading.pop(oldest, None)
