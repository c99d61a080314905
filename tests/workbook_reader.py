"""A workbook read back from its XML, by no library that wrote it."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@dataclass(frozen=True)
class Sheet:
    """One sheet: texts by place (row, column), which pieces of them are raised, and its XML."""

    name: str
    texts: dict[tuple[int, int], str]
    raised: dict[tuple[int, int], list[str]]
    root: Any

    def row(self, at: int) -> list[str]:
        """The texts of a row that are not empty."""
        return [text for (row, _), text in sorted(self.texts.items()) if row == at and text]

    def find(self, tag: str) -> list[Any]:
        return list(self.root.iter(f"{MAIN}{tag}"))

    @property
    def whole(self) -> list[str]:
        return [text for _, text in sorted(self.texts.items())]


def read_workbook(data: bytes) -> list[Sheet]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        shared = list(ElementTree.fromstring(archive.read("xl/sharedStrings.xml")))
        names = [one.get("name", "") for one in ElementTree.fromstring(archive.read("xl/workbook.xml")).iter(
            f"{MAIN}sheet"
        )]  # fmt: skip
        roots = [
            ElementTree.fromstring(archive.read(f"xl/worksheets/sheet{at}.xml"))
            for at in range(1, len(names) + 1)
        ]
    return [_read_sheet(name, root, shared) for name, root in zip(names, roots, strict=True)]


def _read_sheet(name: str, root: Any, shared: list[Any]) -> Sheet:
    texts, raised = dict[tuple[int, int], str](), dict[tuple[int, int], list[str]]()
    for cell in root.iter(f"{MAIN}c"):
        value = cell.find(f"{MAIN}v")
        if value is None:
            continue
        assert cell.get("t") == "s", f"{name}: {cell.get('r')} is no text"
        found = shared[int(value.text)]
        place = _place(cell.get("r"))
        texts[place] = "".join(node.text or "" for node in found.iter(f"{MAIN}t"))
        raised[place] = [
            "".join(node.text or "" for node in run.iter(f"{MAIN}t"))
            for run in found.iter(f"{MAIN}r")
            if run.find(f".//{MAIN}vertAlign") is not None
        ]
    return Sheet(name, texts, raised, root)


def _place(address: str) -> tuple[int, int]:
    letters, digits = re.fullmatch(r"([A-Z]+)(\d+)", address).groups()  # type: ignore[union-attr]
    column = 0
    for letter in letters:
        column = 26 * column + ord(letter) - ord("A") + 1
    return int(digits), column
