"""The cells of a REDCap export: labels instead of codes, and nothing where nothing was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from cytopenia.contract import Finding, note_rows
from cytopenia.errors import ReaderError
from cytopenia.readers.redcap_dictionary import (
    CHECKED,
    STATUS,
    UNCHECKED,
    Dictionary,
    ExportColumn,
    name_box,
    plain_label,
)
from cytopenia.readers.redcap_mapping import RedcapMapping
from cytopenia.readers.redcap_records import EVENT, Export

__all__ = ["Cells", "list_needed_columns", "read_cells"]

_SHOWN = 5
_UNIQUE_EVENT = r"_arm_\d+[a-z]*$"
_FORCED_COMMA = r"^[+-]?\d*,\d+$"
_NOT_COMPLETED = "[not completed]"


@dataclass
class Cells:
    """The rows of an export with labels in place of codes, and what was found in them.

    `columns` describes the columns that are in the frame, `is_label` says how the export wrote choices.
    """

    frame: pl.DataFrame
    columns: Mapping[str, ExportColumn]
    origin: str
    is_label: bool
    findings: list[Finding] = field(default_factory=list[Finding])


def list_needed_columns(dictionary: Dictionary, mapping: RedcapMapping) -> list[str]:
    """Return the columns that the mapping needs.

    A checkbox needs all of its instrument that is no identifier: what is not ticked is "no" only where the
    instrument was begun.
    """
    columns = {column.name: column for column in dictionary.list_columns()}
    named = [name for name in mapping.names if name in columns]
    begun = {columns[name].form for name in named if columns[name].is_box}
    wanted = {*named, *(f"{columns[name].form}_complete" for name in named)}
    wanted |= {
        name
        for name, column in columns.items()
        if column.form in begun and column.item is not None and not column.item.is_identifier
    }
    return [name for name in columns if name in wanted and name != dictionary.record_id]


def read_cells(export: Export, dictionary: Dictionary, mapping: RedcapMapping) -> Cells:
    """Return the needed columns of an export, read by the dictionary.

    Raises
    ------
    ReaderError
        Codes and labels are mixed, or differ from what the mapping states.
    """
    every = {column.name: column for column in dictionary.list_columns()}
    frame = export.frame
    present = {name: column for name, column in every.items() if name in frame.columns}
    is_label = _settle_values(frame, present, export, mapping)
    needed = {name: present[name] for name in list_needed_columns(dictionary, mapping) if name in present}
    cells = Cells(frame, needed, export.origin, is_label)
    tables = {name: table for table, part in mapping.parts for name in part.names}
    for column in needed.values():
        cells.frame = _read_column(cells, column, mapping, tables)
    _blank_unasked(cells, dictionary, tables)
    _keep_codes(cells, mapping)
    return cells


def _settle_values(
    frame: pl.DataFrame, columns: Mapping[str, ExportColumn], export: Export, mapping: RedcapMapping
) -> bool:
    """True for labels, False for codes; an export that mixes them is refused."""
    missing = {*mapping.missing_codes, *mapping.missing_codes.values()}
    raw, label, open_columns = list[str](), list[str](), list[str]()
    for name, column in columns.items():
        if not column.choices:
            continue
        found = {text for text in frame[name].unique().drop_nulls() if text not in missing}
        labels = {plain_label(text) for text in found} & set(column.choices.values())
        codes = found & set(column.choices)
        if codes - set(column.choices.values()):
            raw.append(name)
        if labels - set(column.choices):
            label.append(name)
        if any(column.choices[code] != code for code in codes & set(column.choices.values())):
            open_columns.append(name)
    events = frame[EVENT].drop_nulls()
    if events.len():
        (raw if events.str.contains(_UNIQUE_EVENT).all() else label).append(EVENT)
    return _decide(export, mapping.values, (raw, label, open_columns))


def _decide(export: Export, stated: str | None, votes: tuple[list[str], list[str], list[str]]) -> bool:
    raw, label, open_columns = votes
    if raw and label:
        raise ReaderError(
            f"{export.origin}: codes and labels are mixed: codes in {_list(raw)}, labels in {_list(label)}. "
            "Give one export, all raw or all labels, with the dictionary of the same day."
        )
    found = "raw" if raw else "label" if label else None
    if stated is not None and found is not None and stated != found:
        raise ReaderError(
            f'{export.origin}: the mapping states values = "{stated}", but {_list(raw or label)} '
            f"{'hold codes' if raw else 'hold labels'}. Correct 'values', or export again."
        )
    settled = found or stated or ("label" if export.has_label_headings else None)
    if settled is None and open_columns:
        raise ReaderError(
            f"{export.origin}: whether {_list(open_columns)} hold codes or labels cannot be told, since both "
            'are alike. State it under [data.redcap]: values = "raw" or values = "label".'
        )
    return settled == "label"


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _read_column(
    cells: Cells, column: ExportColumn, mapping: RedcapMapping, tables: Mapping[str, str]
) -> pl.DataFrame:
    """The frame with one column read: missing codes blank, codes as labels, a decimal comma as a point."""
    name, frame = column.name, cells.frame
    text = frame[name].replace(_NOT_COMPLETED, None)
    doubts: dict[str, tuple[str, pl.Series]] = {}
    if column.item is not None and column.item.takes_missing_codes:
        words = {*mapping.missing_codes, *(mapping.missing_codes.values() if cells.is_label else ())}
        is_missing = _find_missing(text, column, frame, words)
        doubts["declared_missing"] = ("a missing data code stands for the value", is_missing)
        text = text.set(is_missing, None)
    if column.choices:
        labeled, unlisted = _read_choices(text, column, is_label=cells.is_label)
        doubts["code_without_label"] = ("the answer is no choice of the dictionary", unlisted)
        text = text if name in mapping.keep_codes and not cells.is_label else labeled
    elif column.item is not None and column.item.is_number:
        text = _point_for_comma(text)
    for rule, (what, where) in doubts.items() if name in tables else ():
        rows = frame["source_row"].filter(where)
        cells.findings += note_rows(tables[name], rule, f"{name}: {what}", rows=rows, total=frame.height)
    return frame.with_columns(text.alias(name))


def _find_missing(text: pl.Series, column: ExportColumn, frame: pl.DataFrame, codes: set[str]) -> pl.Series:
    """Where a missing data code stands; for a checkbox, where the box of such a code is ticked."""
    if column.is_box and column.item is not None:
        boxes = [name_box(column.item.name, code) for code in codes if code not in column.item.choices]
        ticked = [pl.col(name).is_in(["1", CHECKED]) for name in boxes if name in frame.columns]
        none = pl.repeat(value=False, n=frame.height, eager=True)
        return frame.select(pl.any_horizontal(ticked).fill_null(value=False)).to_series() if ticked else none
    words = codes - {*column.choices, *column.choices.values()}
    return text.is_in(list(words)).fill_null(value=False)


def _read_choices(text: pl.Series, column: ExportColumn, *, is_label: bool) -> tuple[pl.Series, pl.Series]:
    """The labels, and where a cell holds none of the choices."""
    distinct = text.unique().drop_nulls().to_list()
    if is_label:
        read = {cell: plain_label(cell) for cell in distinct}
        if column.is_box and column.item is not None:
            # Some exports print the label of a ticked choice instead of "Checked".
            own = column.item.choices[column.code]
            read = {cell: CHECKED if label == own else label for cell, label in read.items()}
    else:
        read = {cell: column.choices.get(cell, cell) for cell in distinct}
    allowed = set(column.choices.values())
    unlisted = text.is_in([cell for cell in distinct if read[cell] not in allowed]).fill_null(value=False)
    return text.replace(read), unlisted


def _point_for_comma(text: pl.Series) -> pl.Series:
    """REDCap lets one mark into such a field, so that a comma in it is no mark of thousands."""
    forced = text.str.contains(_FORCED_COMMA).fill_null(value=False)
    return text.str.replace(",", ".", literal=True).zip_with(forced, text) if forced.any() else text


def _blank_unasked(cells: Cells, dictionary: Dictionary, tables: Mapping[str, str]) -> None:
    """A box that is not ticked on an instrument that nobody began is not "no": it was not asked."""
    boxes = [column for column in cells.columns.values() if column.is_box]
    for form in dict.fromkeys(column.form for column in boxes):
        own = [column.name for column in boxes if column.form == form]
        begun = _find_begun(cells, dictionary, form)
        unasked = (
            ~begun
            & cells.frame.select(
                pl.any_horizontal(pl.col(own) == UNCHECKED).fill_null(value=False)
            ).to_series()
        )
        cells.frame = cells.frame.with_columns(
            pl.when(begun | (pl.col(name) != UNCHECKED)).then(pl.col(name)).alias(name) for name in own
        )
        told = [name for name in own if name in tables]
        if told and unasked.any():
            what = f"{form} was not begun, so that boxes of {_list(told)} that are not ticked are unknown"
            rows = cells.frame["source_row"].filter(unasked)
            cells.findings += note_rows(
                tables[told[0]], "checkbox_not_asked", what, rows=rows, total=cells.frame.height
            )


def _find_begun(cells: Cells, dictionary: Dictionary, form: str) -> pl.Series:
    """Where somebody filled in a field of the instrument or set its status; a calculation is nobody."""
    filled: list[pl.Expr] = []
    for name, column in cells.columns.items():
        if column.form != form or name == dictionary.record_id:
            continue
        if column.is_box:
            filled.append(pl.col(name) == CHECKED)
        elif column.item is None and name == f"{form}_complete":
            filled.append(pl.col(name).is_in([STATUS["1"], STATUS["2"]]))
        elif column.item is not None and column.item.kind != "calc" and not column.item.is_identifier:
            filled.append(pl.col(name).is_not_null())
    return cells.frame.select(pl.any_horizontal(filled).fill_null(value=False)).to_series()


def _keep_codes(cells: Cells, mapping: RedcapMapping) -> None:
    """The codes of the columns that the mapping names; two codes of one label cannot be told apart."""
    for name in mapping.keep_codes:
        if name not in cells.columns or not cells.is_label:
            continue
        choices = cells.columns[name].choices
        if len(set(choices.values())) < len(choices):
            raise ReaderError(
                f"keep_codes under [data.redcap] names '{name}', of which two choices have one label; the "
                "codes cannot be told from labels. Give a raw export."
            )
        codes = {label: code for code, label in choices.items()}
        cells.frame = cells.frame.with_columns(pl.col(name).replace(codes))
