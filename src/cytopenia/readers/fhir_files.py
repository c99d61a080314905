"""Files of FHIR resources (NDJSON of a bulk export, Bundles as JSON) as one stream, line by line."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from cytopenia.contract import Finding, note
from cytopenia.errors import ReaderError

__all__ = [
    "FHIR_SUFFIXES",
    "BrokenLines",
    "Resource",
    "find_fhir_files",
    "list_resources",
    "load_json",
    "stream_resources",
]

FHIR_SUFFIXES = (".ndjson", ".json")
SHOWN_LINES = 5
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Resource:
    """One resource; `row` is its line, counted on where one kind of resource has several files."""

    kind: str
    content: dict[str, Any]
    row: int


@dataclass
class BrokenLines:
    """The lines that could not be read, file by file: how many, and which first."""

    counts: Counter[str] = field(default_factory=Counter[str])
    first: dict[str, list[int]] = field(default_factory=dict[str, list[int]])

    def add(self, file: str, line: int) -> None:
        """Count one line."""
        self.counts[file] += 1
        shown = self.first.setdefault(file, [])
        if len(shown) < SHOWN_LINES:
            shown.append(line)

    def name(self) -> list[Finding]:
        """Return one finding for each file."""
        findings: list[Finding] = []
        for file, count in self.counts.items():
            lines = ", ".join(str(line) for line in self.first[file])
            more = ", ..." if count > len(self.first[file]) else ""
            words = "line is" if count == 1 else "lines are"
            what = f"{count:,} {words} no FHIR resource in {file} ({'line' if count == 1 else 'lines'} "
            findings.append(note("labs", "line_not_read", f"{what}{lines}{more})", rows=count))
        return findings


def find_fhir_files(path: Path) -> list[Path]:
    """Return the files of FHIR resources at a path, in the order of their names.

    Beside .ndjson files a .json file is the manifest or the log of the export, and is not among them.

    Raises
    ------
    ReaderError
        There is no such file or folder, or the folder holds none.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ReaderError(f"{path}: no such folder or file. Correct 'path' under [data.fhir].")
    files = sorted(item for item in path.iterdir() if item.is_file() and not item.name.startswith("."))
    for suffix in FHIR_SUFFIXES:
        if found := [item for item in files if item.suffix.lower() == suffix]:
            return found
    raise ReaderError(f"{path}: holds no .ndjson and no .json file. Correct 'path' under [data.fhir].")


def stream_resources(files: Sequence[Path], broken: BrokenLines) -> Iterator[Resource]:
    """Yield every resource of the files, one in memory at a time; lines that are none go into `broken`.

    Numbers keep the text of the file. A Bundle in a .json file is read as a whole, its entries count as
    lines.

    Raises
    ------
    ReaderError
        A file cannot be read, or none of its lines is a resource.
    """
    counted: Counter[str] = Counter()
    for file in files:
        group = _name_group(file)
        start, last = counted[group], 0
        read = _stream_lines(file, broken) if _is_lines(file) else _read_json(file)
        for row, content in read:
            last = row
            yield Resource(str(content["resourceType"]), content, start + row)
        counted[group] = start + last


def _is_lines(file: Path) -> bool:
    return file.suffix.lower() == FHIR_SUFFIXES[0]


def _name_group(file: Path) -> str:
    """Observation.ndjson, Observation.2.ndjson and Observation_3.ndjson are one export of one kind."""
    letters = re.match(r"[A-Za-z]*", file.stem)
    return letters.group() if letters and _is_lines(file) else ""


def _stream_lines(file: Path, broken: BrokenLines) -> Iterator[tuple[int, dict[str, Any]]]:
    good = 0
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                text = line.removeprefix(_BOM).strip()
                if not text:
                    continue
                content = _parse(text)
                if content is None:
                    broken.add(file.name, number)
                    continue
                good += 1
                yield number, content
    except OSError as cause:
        raise ReaderError(f"{file.name}: cannot be read ({cause.strerror}).") from cause
    if not good and broken.counts[file.name]:
        raise ReaderError(
            f"{file.name}: no line is a FHIR resource. NDJSON has one whole resource in each line; name a "
            "Bundle .json."
        )


def _parse(text: bytes) -> dict[str, Any] | None:
    """The resource of one line, or None."""
    try:
        content = load_json(text)
    except (ValueError, RecursionError):
        return None
    return content if _is_resource(content) else None


def _refuse(word: str) -> None:
    raise ValueError(word)


# Numbers as text keep the digits that are printed.
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_refuse)


def load_json(text: bytes) -> Any:
    """Return JSON with its numbers as the text that is printed.

    Raises
    ------
    ValueError, RecursionError
        It is no JSON in UTF-8.
    """
    text = text.removeprefix(_BOM)
    content = _DECODER.decode(text.decode("utf-8"))
    if _HALF.search(text):
        # Half a character written as an escape is no text that a table can hold.
        json.dumps(content, ensure_ascii=False).encode("utf-8")
    return content


def _is_resource(content: Any) -> bool:
    return isinstance(content, dict) and isinstance(
        cast("dict[str, object]", content).get("resourceType"), str
    )


def _read_json(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The entries of a Bundle, or the one resource of the file."""
    try:
        text = file.read_bytes()
    except OSError as cause:
        raise ReaderError(f"{file.name}: cannot be read ({cause.strerror}).") from cause
    try:
        content = load_json(text)
    except json.JSONDecodeError as cause:
        raise ReaderError(f"{file.name}: line {cause.lineno} is no JSON. Export the file again.") from cause
    except (ValueError, RecursionError) as cause:
        raise ReaderError(f"{file.name}: is no JSON in UTF-8. Export the file again.") from cause
    for resource in list_resources(content, name=file.name):
        yield resource.row, resource.content


def list_resources(content: Any, *, name: str) -> Iterator[Resource]:
    """Yield the entries of a Bundle, or the one resource that the content of a JSON file is.

    Raises
    ------
    ReaderError
        It is no resource; `name` names it in the message.
    """
    for row, held in _list_entries(content, name):
        yield Resource(str(held["resourceType"]), held, row)


def _list_entries(content: Any, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    if not _is_resource(content):
        raise ReaderError(f"{name}: is no FHIR resource. Give a Bundle, a resource, or NDJSON.")
    if content["resourceType"] != "Bundle":
        yield 1, content
        return
    entries = content.get("entry")
    for number, entry in enumerate(cast("list[Any]", entries) if isinstance(entries, list) else [], start=1):
        held = cast("dict[str, Any]", entry).get("resource") if isinstance(entry, dict) else None
        if _is_resource(held):
            yield number, cast("dict[str, Any]", held)
