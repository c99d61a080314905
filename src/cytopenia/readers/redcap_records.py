"""The exported records of a REDCap project: a text file, its columns under the names of the fields."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from cytopenia.errors import ReaderError
from cytopenia.readers.redcap_dictionary import Dictionary, ExportColumn, plain_label
from cytopenia.readers.text_files import decode_text

__all__ = ["EVENT", "INSTANCE", "INSTRUMENT", "Export", "make_export", "read_export"]

EVENT, INSTRUMENT, INSTANCE = "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance"
# What names a row, under its heading in a label export.
_KEY_HEADINGS = {
    "Event Name": EVENT,
    "Repeat Instrument": INSTRUMENT,
    "Repeat Instance": INSTANCE,
    "Data Access Group": "redcap_data_access_group",
    "Survey Identifier": "redcap_survey_identifier",
}
_KEYS = frozenset(_KEY_HEADINGS.values())
_MARKS = (",", ";", "\t", "|", "^")
_REPEATED = re.compile(r"\.\d+$")
_SHOWN = 10


@dataclass(frozen=True)
class Export:
    """The cells of an export as texts, a column for each name of a raw export, and `source_row`.

    `unknown` are columns of which the dictionary does not know; `uncertain` those of which several could be
    meant, since their headings are alike.
    """

    frame: pl.DataFrame
    origin: str
    has_label_headings: bool
    unknown: tuple[str, ...] = ()
    uncertain: tuple[str, ...] = ()


def read_export(
    path: Path,
    dictionary: Dictionary,
    *,
    wanted: Collection[str] | None = None,
    missing_codes: Mapping[str, str] | None = None,
    encoding: str | None = None,
) -> Export:
    """Return the records of a CSV export with raw or label headings, raw or label values.

    Only wanted columns are kept, those with choices (which tell codes from labels), and what names a row.
    A missing data code has a box of its own at every checkbox where it was given.

    Raises
    ------
    ReaderError
        The file cannot be read, or is no export of the project of the dictionary.
    """
    if path.suffix.lower() not in (".csv", ".tsv", ".txt"):
        raise ReaderError(
            f"{path.name}: records of REDCap are read from a CSV export; export the records as CSV (raw data "
            "or labels)."
        )
    text = decode_text(path, encoding=encoding)
    if not text.strip():
        raise ReaderError(f"{path.name}: the file is empty. Export it again.")
    mark, header = _read_header(text, path.name, dictionary)
    _require_even(text, mark, path.name, len(header))
    names, unknown, uncertain = _name_columns(header, dictionary, missing_codes or {})
    kept = _list_kept(dictionary, missing_codes or {}, names if wanted is None else wanted)
    places = [name if name in kept else "" for name in names]
    frame = _parse(text, mark, path.name, places)
    found = Export(frame, path.name, not _has_names(header, dictionary), tuple(unknown), tuple(uncertain))
    return make_export(found, dictionary.record_id)


def make_export(export: Export, record_id: str) -> Export:
    """Return the export with trimmed cells, blank ones null, and the columns that name a row all there."""
    frame = export.frame.with_columns(
        pl.all().exclude("source_row").cast(pl.String).str.strip_chars().replace("", None)
    )
    absent = [name for name in (EVENT, INSTRUMENT, INSTANCE) if name not in frame.columns]
    frame = frame.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in absent)
    nameless = frame.filter(pl.col(record_id).is_null())
    if nameless.height:
        count = "1 row has" if nameless.height == 1 else f"{nameless.height:,} rows have"
        raise ReaderError(
            f"{export.origin}: {count} no {record_id}, first row {nameless['source_row'][0]}. Export the "
            "records again."
        )
    return replace(export, frame=frame)


def _read_header(text: str, name: str, dictionary: Dictionary) -> tuple[str, list[str]]:
    """The separator and the headings: the first is the field that names the record, or its label."""
    label = plain_label(dictionary.fields[dictionary.record_id].label)
    for mark in _MARKS:
        try:
            found = next(csv.reader(io.StringIO(text, newline=""), delimiter=mark), None)
        except csv.Error:
            continue
        cells = [cell.strip() for cell in found or ()]
        if dictionary.record_id in cells or (cells and plain_label(cells[0]) == label):
            return mark, cells
    raise ReaderError(
        f"{name}: has neither a column {dictionary.record_id} nor '{label}', the record ID of "
        f"{dictionary.origin}. Give the dictionary and the records of one project, exported as CSV with the "
        "record ID."
    )


def _list_kept(dictionary: Dictionary, missing_codes: Mapping[str, str], wanted: Collection[str]) -> set[str]:
    coded = {column.name for column in dictionary.list_columns(missing_codes) if column.choices}
    return {*wanted, *coded, *_KEYS, dictionary.record_id} - {""}


def _parse(text: str, mark: str, name: str, columns: Sequence[str]) -> pl.DataFrame:
    """The columns that have a name; blank lines leave, but are counted."""
    named = {f"column_{place}": column for place, column in enumerate(columns, start=1) if column}
    try:
        frame = pl.read_csv(
            io.BytesIO(text.encode("utf-8")),
            separator=mark,
            infer_schema=False,
            new_columns=[f"column_{place}" for place in range(1, len(columns) + 1)],
            columns=[place for place, column in enumerate(columns) if column],
        ).rename(named)
    except pl.exceptions.PolarsError as cause:
        raise ReaderError(f"{name}: cannot be read as CSV. Export it again.") from cause
    return frame.with_columns(
        source_row=pl.int_range(2, frame.height + 2, dtype=pl.UInt32, eager=True)
    ).filter(~pl.all_horizontal(pl.all().exclude("source_row").is_null()))


def _require_even(text: str, mark: str, name: str, width: int) -> None:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    for cells in reader:
        if cells and len(cells) != width:
            raise ReaderError(
                f"{name}: line {reader.line_num} has {len(cells)} cells, the header has {width}. The file is "
                "cut off or was edited; export it again."
            )


def _name_columns(
    header: Sequence[str], dictionary: Dictionary, missing_codes: Mapping[str, str]
) -> tuple[list[str], list[str], list[str]]:
    """The name of each column (blank where it is not known), and what is unknown and uncertain."""
    columns = dictionary.list_columns(missing_codes)
    if _has_names(header, dictionary):
        _require_single(header, dictionary)
        known = {column.name for column in columns} | _KEYS
        return list(header), [name for name in header if name not in known], []
    return _match_headings(header, dictionary, columns)


def _has_names(header: Sequence[str], dictionary: Dictionary) -> bool:
    """True where the headings are names of fields, False where they are labels; a few may be both."""
    columns = dictionary.list_columns()
    names, headings = {column.name for column in columns}, {column.heading for column in columns}
    named = sum(cell in names for cell in header)
    return dictionary.record_id in header and named >= sum(plain_label(cell) in headings for cell in header)


def _require_single(header: Iterable[str], dictionary: Dictionary) -> None:
    doubled = [name for name, count in Counter(header).items() if count > 1]
    if doubled:
        raise ReaderError(
            f"the records have {', '.join(doubled)} twice in the header; {dictionary.origin} has every field "
            "once. Export them again."
        )


def _match_headings(
    header: Sequence[str], dictionary: Dictionary, columns: Sequence[ExportColumn]
) -> tuple[list[str], list[str], list[str]]:
    """Columns by their labels; of equal labels only where there are as many columns as fields of it."""
    record = ExportColumn(name=dictionary.record_id, heading=plain_label(header[0]))
    wanted: dict[str, list[str]] = {record.heading: [record.name]}
    for column in columns:
        if column.name != record.name:
            wanted.setdefault(column.heading, []).append(column.name)
    for heading, name in _KEY_HEADINGS.items():
        wanted.setdefault(heading, []).append(name)
    plain = [_strip_number(plain_label(cell), wanted) for cell in header]
    counts = Counter(plain)
    names: list[str] = []
    unknown: list[str] = []
    uncertain: list[str] = []
    used: Counter[str] = Counter()
    for place, heading in enumerate(plain):
        fields = _choose_fields(heading, wanted, place)
        if not fields:
            unknown.append(heading)
            names.append("")
        elif counts[heading] != len(fields):
            uncertain += fields
            names.append("")
        else:
            names.append(fields[used[heading]])
        used[heading] += 1
    uncertain += _doubt_order(plain, names, columns)
    _name_by_neighbors(plain, names, columns)
    return names, unknown, [name for name in dict.fromkeys(uncertain) if name not in names]


def _doubt_order(plain: Sequence[str], names: list[str], columns: Sequence[ExportColumn]) -> list[str]:
    """Blank the names of equal headings where the columns are not in the order of the dictionary.

    A report has them in an order of its own, in which the first "Date" need not be the first of the project.
    """
    places = {column.name: place for place, column in enumerate(columns)}
    order = [places[name] for name in names if name in places]
    if order == sorted(order):
        return []
    doubted: list[str] = []
    for place, heading in enumerate(plain):
        if names[place] and plain.count(heading) > 1:
            doubted.append(names[place])
            names[place] = ""
    return doubted


def _name_by_neighbors(plain: Sequence[str], names: list[str], columns: Sequence[ExportColumn]) -> None:
    """The time of a survey stands before the fields of its instrument, the form status behind them."""
    forms = {column.name: column.form for column in columns if column.item is not None}
    marks = {"Survey Timestamp": "_timestamp", "Complete?": "_complete"}
    for heading, ending in marks.items():
        places = [place for place, text in enumerate(plain) if text == heading]
        if all(names[place] for place in places):
            continue
        step = 1 if heading == "Survey Timestamp" else -1
        found = [f"{_find_form(names, forms, place, step)}{ending}" for place in places]
        if len(set(found)) == len(found):
            for place, name in zip(places, found, strict=True):
                names[place] = "" if name == ending else name


def _find_form(names: Sequence[str], forms: Mapping[str, str], place: int, step: int) -> str:
    beside = names[place + 1 :] if step > 0 else names[:place][::-1]
    return next((forms[name] for name in beside if name in forms), "")


def _choose_fields(heading: str, wanted: Mapping[str, list[str]], place: int) -> list[str]:
    """What a heading may mean; the columns that name a row stand right behind the record ID."""
    fields = wanted.get(heading, [])
    if heading in _KEY_HEADINGS and len(fields) > 1:
        key = _KEY_HEADINGS[heading]
        behind = place <= len(_KEY_HEADINGS)
        return [name for name in fields if (name == key) == behind]
    return fields


def _strip_number(heading: str, wanted: Mapping[str, object]) -> str:
    """The heading that a program made different from an equal one ("Complete?.1")."""
    bare = _REPEATED.sub("", heading)
    return bare if heading not in wanted and bare in wanted else heading
