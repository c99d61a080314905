"""A neutral table as text: what every format shows of it, one line a row."""

from __future__ import annotations

from cytopenia.report.table_model import Cell, Table, footnote_mark


def show_table(table: Table) -> str:
    """Caption, titles, rows, footnotes and notes; columns are apart by " | ", marks stand in brackets."""
    lines = [table.caption, ""]
    if table.has_spanners:
        lines.append(" | ".join(f"{title or '-'} x{columns}" for title, columns in table.spans))
    lines.append(" | ".join(f"{one.title}{_marks(one.marks)} ({one.align})" for one in table.columns))
    lines.append("-" * 20)
    for row in table.rows:
        head = f"{'  ' * row.indent}{row.header}{_marks(row.marks)}"
        if row.is_section:
            lines.append(f"== {head} {row.text}".rstrip())
        else:
            lines.append(" | ".join([head, *map(_cell, row.cells)]))
    lines.append("-" * 20)
    lines += [f"[{footnote_mark(at)}] {text}" for at, text in enumerate(table.footnotes)]
    return "\n".join([*lines, *table.notes, ""])


def _cell(cell: Cell) -> str:
    tone = f" <{cell.tone}>" if cell.tone else ""
    bounds = f" // {cell.bounds}" if cell.bounds else ""
    return f"{cell.text}{_marks(cell.marks)}{bounds}{tone}"


def _marks(marks: tuple[int, ...]) -> str:
    return f"[{','.join(map(footnote_mark, marks))}]" if marks else ""
