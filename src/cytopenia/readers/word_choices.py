"""What the words in the cells of a table may stand for, and how its numbers and dates are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import polars as pl

from cytopenia.contract import EVENT_KINDS, RESPONSES, SUPPORT_KINDS
from cytopenia.contract.columns import match_words
from cytopenia.contract.near_names import is_listed_unit, list_measure_units, resolve_measure
from cytopenia.readers.choice_parts import (
    AS_IT_IS,
    OPEN,
    Choice,
    Control,
    list_measures,
    list_unit_choices,
    name_control,
)
from cytopenia.readers.codes import load_analyte_codes
from cytopenia.readers.column_choices import Assigned
from cytopenia.readers.column_guesses import quotable
from cytopenia.readers.mapping_draft import Draft, Slot
from cytopenia.readers.mapping_forms import IGNORE
from cytopenia.readers.mapping_sheets import TableSheet
from cytopenia.values import is_missing_text

__all__ = ["list_settings", "list_unit_texts", "list_words"]

_MOST_WORDS = 200
_KINDS: Mapping[str, tuple[str, Sequence[str]]] = {
    "support": ("kind", SUPPORT_KINDS),
    "events": ("kind", EVENT_KINDS),
    "responses": ("response", RESPONSES),
}
_DATE_FORMATS = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y-%m-%d", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y")
# A day that is no month, so that the order shows.
_SHOWN_DATE = date(2024, 1, 31)
_DATES = ("date", "infusion_date", "lymphodepletion_date", "start_date", "stop_date")


def list_words(draft: Draft, sheet: TableSheet, assigned: Assigned) -> Iterator[Control]:
    """Return a control for each name of an analyte, or each word for a kind."""
    if sheet.table == "labs":
        words = [*_read_words(sheet, assigned, "analyte"), *sheet.sheets]
        allowed: Sequence[str] = [*list_measures(), IGNORE]
        known = {word: _name_measure(word) for word in words}
        yield from _ask_words(draft, "labs", "analytes", words=words, allowed=allowed, known=known)
    elif sheet.table in _KINDS:
        column, kinds = _KINDS[sheet.table]
        words = _read_words(sheet, assigned, column)
        matched = match_words(pl.Series(words, dtype=pl.String), kinds).to_list() if words else []
        known = {word: kind or "" for word, kind in zip(words, matched, strict=True)}
        yield from _ask_words(draft, sheet.table, "kinds", words=words, allowed=[*kinds, IGNORE], known=known)


def _name_measure(word: str) -> str:
    """What the reader takes a name for: a code, a listed name, or nothing."""
    code = load_analyte_codes().get(word.removeprefix("http://loinc.org|"))
    if code is not None:
        return code.analyte if code.use == "yes" else ""
    return resolve_measure(word) or ""


def _read_words(sheet: TableSheet, assigned: Assigned, column: str) -> list[str]:
    """The words of one of our columns; a number could be a value of a patient, and is not shown."""
    guess = sheet.find(assigned.holds(column))
    if guess is None:
        return []
    coded = [word for word in guess.content.words if word in load_analyte_codes()]
    return list(dict.fromkeys([*quotable(guess.content.words), *coded]))[:_MOST_WORDS]


def _ask_words(
    draft: Draft,
    table: str,
    section: str,
    *,
    words: Sequence[str],
    allowed: Sequence[str],
    known: Mapping[str, str],
) -> Iterator[Control]:
    told = {str(word): str(value) for word, value in draft.part(table, section).items()}
    asked = [line.key for line in draft.open_lines if line.slot[:2] == (table, section)]
    # Names of ours and those that the mapping speaks of come first: a laboratory has hundreds of others.
    every = dict.fromkeys([*asked, *told, *(word for word in words if known.get(word)), *words])
    for word in every:
        meaning = known.get(word, "")
        options = [Choice(AS_IT_IS, "as_it_is" if meaning else "as_nothing", meaning)]
        options += [Choice(value, "as_named", value) for value in allowed]
        slot = (table, section, word)
        yield _make(draft, slot, options, now=told.get(word, AS_IT_IS))


def _make(
    draft: Draft,
    slot: Slot,
    options: Sequence[Choice],
    *,
    now: str,
    path: tuple[str, ...] = (),
    why: str = "",
) -> Control:
    line = draft.find_open(slot)
    listed = [Choice(OPEN, "open"), *options] if line is not None else [*options]
    chosen = OPEN if line is not None else now
    if not any(one.value == chosen for one in listed):
        listed.append(Choice(chosen, "as_named", chosen))
    return Control(
        name=name_control("set", slot),
        subject=slot[2],
        options=tuple(listed),
        chosen=chosen,
        slot=slot,
        path=path or tuple(part for part in slot if part),
        why=line.why if line is not None else why,
    )


def list_unit_texts(draft: Draft, sheet: TableSheet, assigned: Assigned) -> Iterator[Control]:
    """Return a control for each printed unit, and for the unit of each analyte that has none."""
    if sheet.table != "labs":
        return
    texts, blank = _read_units(draft, sheet, assigned)
    told = {str(text): str(unit) for text, unit in draft.part("labs", "units").items()}
    asked = {line.key: line for line in draft.open_lines if line.slot[:2] == ("labs", "units")}
    for text in dict.fromkeys([*texts, *told, *asked]):
        measures = texts.get(text, {})
        rows = f"{_count_values(sum(measures.values()))} of {', '.join(measures)}" if measures else ""
        is_known = bool(measures) and all(is_listed_unit(one, text) for one in measures)
        first = [Choice(AS_IT_IS, "as_it_is" if is_known else "not_listed", text if is_known else "")]
        options = list_unit_choices(measures or list_measures(), first=first)
        yield _make(draft, ("labs", "units", text), options, now=told.get(text, AS_IT_IS), why=rows)
    stated = {str(name): str(unit) for name, unit in draft.part("labs", "default_units").items()}
    waiting = [line.key for line in draft.open_lines if line.slot[:2] == ("labs", "default_units")]
    for measure in dict.fromkeys([*waiting, *stated, *blank]):
        if measure in list_measures():
            first = [Choice(AS_IT_IS, "not_stated")]
            options = (*first, *(Choice(unit, "as_named", unit) for unit in list_measure_units(measure)))
            slot = ("labs", "default_units", measure)
            why = f"{_count_values(blank[measure])} without a unit" if measure in blank else ""
            yield _make(draft, slot, options, now=stated.get(measure, AS_IT_IS), why=why)


def _count_values(rows: int) -> str:
    return f"{rows:,} {'value' if rows == 1 else 'values'}"


def _read_units(
    draft: Draft, sheet: TableSheet, assigned: Assigned
) -> tuple[dict[str, dict[str, int]], dict[str, int]]:
    """Rows by printed unit and measure, and rows without a unit by measure."""
    names = sheet.find(assigned.holds("analyte"))
    if names is None:
        return {}, {}
    units = sheet.find(assigned.holds("unit"))
    told = {str(word): str(value) for word, value in draft.part("labs", "analytes").items()}
    words = {word: told.get(word, _name_measure(word)) for word in names.content.words}
    blank = pl.repeat(None, len(names.cells), dtype=pl.String, eager=True)
    unit = blank if units is None else units.cells.str.strip_chars()
    frame = pl.DataFrame(
        {
            "measure": names.cells.str.strip_chars().replace_strict(
                words, default=None, return_dtype=pl.String
            ),
            "unit": unit.set(is_missing_text(unit), None),
        }
    ).filter(pl.col("measure").is_in(list_measures()))
    counted = frame.group_by("measure", "unit").len().sort("unit", "measure")
    texts: dict[str, dict[str, int]] = {}
    missing: dict[str, int] = {}
    for measure, text, rows in counted.iter_rows():
        if text is None:
            missing[measure] = rows
        else:
            texts.setdefault(text, {})[measure] = rows
    return texts, missing


def list_settings(draft: Draft, sheet: TableSheet, assigned: Assigned) -> Iterator[Control]:
    """Return how numbers and dates are written, and whether a blank patient is the one above."""
    table, form = sheet.table, draft.table(sheet.table)
    if table == "labs":
        decimal = [
            Choice(AS_IT_IS, "decimal_auto"),
            Choice(".", "decimal_point"),
            Choice(",", "decimal_comma"),
        ]
        now = str(form.get("decimal", AS_IT_IS))
        yield _make(draft, (table, "", "decimal"), decimal, now=AS_IT_IS if now == "auto" else now)
    if any(assigned.holds(column) for column in _DATES):
        # Dates of infusion are read as those of the infusions are, also where they stand with the patients.
        owner = "infusions" if table == "patients" else table
        now = str(draft.table(owner).get("date_format", AS_IT_IS))
        formats = [Choice(AS_IT_IS, "dates_auto")]
        formats += [Choice(one, "dates_as", _SHOWN_DATE.strftime(one)) for one in _DATE_FORMATS]
        slot = (table, "", "date_format")
        yield _make(draft, slot, formats, now=now, path=(owner, "date_format"))
    slot = (table, "", "fill_down")
    if table in {"labs", "infusions"} and (form.get("fill_down") or draft.find_open(slot) is not None):
        now = "patient_id" if "patient_id" in form.get("fill_down", []) else AS_IT_IS
        fill = [Choice(AS_IT_IS, "fill_no"), Choice("patient_id", "fill_patient")]
        yield _make(draft, slot, fill, now=now)
