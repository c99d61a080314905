"""Cells of tables as words: what a sentence says is what the table holds, digit for digit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from cytopenia.report.display import NO_VALUE, lower_first
from cytopenia.report.table_model import Cell, Row, Table

__all__ = [
    "find_table",
    "name_cells",
    "say_cell",
    "say_inside",
    "say_interval",
    "say_list",
    "say_p",
    "say_patients",
    "say_reason",
    "say_unit",
    "split_sections",
]


def find_table(tables: Iterable[Table], name: str) -> Table | None:
    """Return the table whose id ends with a name, None where it has no rows or was not made."""
    return next((one for one in tables if one.id.endswith(f"-{name}")), None)


def name_cells(table: Table, row: Row) -> Mapping[str, Cell]:
    """Return the cells of a row by the full title of their column."""
    return dict(zip((column.full_title for column in table.columns[1:]), row.cells, strict=False))


def split_sections(table: Table) -> list[tuple[str, list[Row]]]:
    """Return the rows of a table under the titles that span it; the first rows may have none."""
    parts: list[tuple[str, list[Row]]] = [("", [])]
    for row in table.rows:
        if row.is_section:
            parts.append((row.header, []))
        else:
            parts[-1][1].append(row)
    return [(title, rows) for title, rows in parts if rows]


def say_cell(cell: Cell) -> str:
    """Return a cell with its bounds in one pair of brackets.

    Examples
    --------
    >>> say_cell(Cell("48/63 (76.2%)", "bounds 48-53")), say_cell(Cell("17/63", "bounds 17-36"))
    ('48/63 (76.2%; bounds 48-53)', '17/63 (bounds 17-36)')
    """
    if not cell.bounds:
        return cell.text
    head, bracket, _ = cell.text.rpartition(")")
    return f"{head}; {cell.bounds})" if bracket else f"{cell.text} ({cell.bounds})"


def say_reason(table: Table, cell: Cell) -> str:
    """Return why a cell holds a dash, empty where it holds a number or the table does not say."""
    if cell.text != NO_VALUE:
        return ""
    notes = (table.footnotes[mark] for mark in cell.marks)
    return "; ".join(note.removeprefix(f"{NO_VALUE} ") for note in notes)


def say_interval(cell: Cell) -> str:
    """Return an estimate with the level of its limits, and with its bounds.

    Examples
    --------
    >>> say_interval(Cell("76.9% (56-89%)", "bounds 73-77%")), say_interval(Cell("0.0%", "bounds 0-4%"))
    ('76.9% (95% CI 56-89%; bounds 73-77%)', '0.0% (bounds 0-4%)')
    """
    return say_cell(replace(cell, text=cell.text.replace(" (", " (95% CI ", 1)))


def say_inside(text: str) -> str:
    """Return an estimate with its limits as it stands inside brackets.

    Examples
    --------
    >>> say_inside("11.000 (3.130-38.660)"), say_inside("1.00")
    ('11.000; 95% CI 3.130-38.660', '1.00')
    """
    head, bracket, limits = text.partition(" (")
    return f"{head}; 95% CI {limits.removesuffix(')')}" if bracket else text


def say_p(text: str) -> str:
    """Return a printed P value as a sentence has it.

    Examples
    --------
    >>> say_p("0.022"), say_p("<0.001")
    ('P = 0.022', 'P < 0.001')
    """
    return f"P {text[0]} {text[1:]}" if text[:1] in {"<", ">"} else f"P = {text}"


def say_list(parts: Sequence[str]) -> str:
    """Return parts that hold commas of their own as one list.

    Examples
    --------
    >>> say_list(["a"]), say_list(["a", "b"]), say_list(["a", "b", "c"])
    ('a', 'a and b', 'a; b; and c')
    """
    if len(parts) < 3:
        return " and ".join(parts)
    return f"{'; '.join(parts[:-1])}; and {parts[-1]}"


def say_patients(number: str) -> str:
    """Return a printed number of patients with its noun.

    Examples
    --------
    >>> say_patients("63"), say_patients("1")
    ('63 patients', '1 patient')
    """
    return f"{number} patient" if number == "1" else f"{number} patients"


def say_unit(title: str) -> tuple[str, str]:
    """Return a title as it stands inside a sentence, and its unit with a space before it.

    Examples
    --------
    >>> say_unit("Age, years"), say_unit("Sex")
    (('age', ' years'), ('sex', ''))
    """
    head, comma, unit = title.rpartition(", ")
    is_unit = bool(comma) and " " not in unit
    return (lower_first(head), f" {unit}") if is_unit else (lower_first(title), "")
