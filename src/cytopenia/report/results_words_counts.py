"""Results in words: cohort, occurrence, nadirs, recovery, missing values, definitions, published cohorts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cytopenia.report.content import ReportContent
from cytopenia.report.display import NO_VALUE, lower_first
from cytopenia.report.flow import read_flow
from cytopenia.report.table_model import Row, Table
from cytopenia.report.table_words import (
    find_table,
    name_cells,
    say_cell,
    say_interval,
    say_list,
    say_patients,
    say_reason,
    say_unit,
    split_sections,
)

__all__ = [
    "say_characteristics",
    "say_cohort",
    "say_definitions",
    "say_missing",
    "say_occurrence",
    "say_published",
    "say_recovery",
]

NOT_JUDGED, NO_SUMMARY = "Not judged", "No summary"
YES = "yes, "
NONE = {"", "0", NO_VALUE}


def say_cohort(content: ReportContent) -> list[str]:
    """Return who came in, who was left out and why, who was analyzed."""
    steps = read_flow(content)
    if not steps:
        return []
    kept = [f"{lower_first(one.text)} (n = {one.count})" for one in steps if one.is_kept]
    left = [f"{lower_first(one.text)} (n = {one.count})" for one in steps if not one.is_kept]
    gone = f"Left out were: {say_list(left)}." if left else "Nobody was left out."
    return [f"The cohort was formed in these steps: {say_list(kept)}. {gone}"]


def say_characteristics(tables: Sequence[Table]) -> list[str]:
    """Return the characteristics of the cohort, and cytopenia that was there before."""
    texts = list[str]()
    described, baseline = find_table(tables, "characteristics"), find_table(tables, "baseline")
    if described is not None:
        texts.append(" ".join(_say_described(described)))
    if baseline is not None:
        texts.append(_say_baseline(baseline))
    return texts


def _say_described(table: Table) -> Iterator[str]:
    numbers, levels, missing = list[str](), list[tuple[str, list[str]]](), list[str]()
    for row in table.rows:
        value, _, _, gone = row.cells
        if row.indent:
            levels[-1][1].append(f"{row.header}, {value.text}")
            continue
        name, unit = say_unit(row.header)
        if value.text and value.text != NO_VALUE:
            numbers.append(f"{name} {value.text}{unit}")
        else:
            levels.append((name, []))
        missing += [f"{name} ({gone.text})"] if gone.text not in NONE else []
    if numbers:
        yield f"Medians (ranges) were: {say_list(numbers)}."
    for name, parts in levels:
        if parts and not _is_yes_no(parts):
            yield f"{name[:1].upper()}{name[1:]}: {say_list(parts)}."
    marks = [
        f"{name}, {part.removeprefix(YES)}"
        for name, parts in levels
        if _is_yes_no(parts)
        for part in parts
        if part.startswith(YES)
    ]
    if marks:
        yield f"Further characteristics: {say_list(marks)}."
    if missing:
        yield f"Values were missing of {say_list(missing)}."


def _is_yes_no(parts: Sequence[str]) -> bool:
    """Return whether a factor has no other level than yes and no: its yes says it all."""
    return any(part.startswith(YES) for part in parts) and len(parts) <= 2


def _say_baseline(table: Table) -> str:
    parts = list[str]()
    for row in table.rows:
        value, _, count, unjudged = row.cells
        name, unit = say_unit(row.header)
        median = f", median {say_cell(value)}{unit}" if value.text not in {"", NO_VALUE} else ""
        gone = f", {unjudged.text} not judged" if unjudged.text not in NONE else ""
        shown = say_cell(count) if count.text != NO_VALUE else f"not counted ({say_reason(table, count)})"
        parts.append(f"{name}, {shown}{median}{gone}")
    return f"Cytopenia was present at baseline in: {say_list(parts)}."


def say_occurrence(tables: Sequence[Table]) -> list[str]:
    """Return how often each outcome occurred, its grades, and the nadirs."""
    makers = (
        ("occurrence", _say_events),
        ("grades", _say_grades),
        ("phenotypes", _say_phenotypes),
        ("nadirs", _say_nadirs),
    )
    found = ((find_table(tables, name), say) for name, say in makers)
    return [" ".join(say(table)) for table, say in found if table is not None]


def _say_events(table: Table) -> Iterator[str]:
    for row in table.rows:
        cells = name_cells(table, row)
        unjudged = cells.get(NOT_JUDGED)
        parts = list[str]()
        for title, cell in cells.items():
            if title == NOT_JUDGED or not cell.text:
                continue
            level = title.removesuffix(", n/N (%)")
            at = "" if level == "Yes" else f"{lower_first(level)} "
            reason = say_reason(table, cell)
            parts.append(f"{at}not counted ({reason})" if reason else f"{at}in {say_cell(cell)}")
        if not parts:
            continue
        gone = ""
        if unjudged is not None and unjudged.text not in NONE:
            reasons = "; ".join(table.footnotes[mark] for mark in unjudged.marks)
            gone = f"; {unjudged.text} not judged{f' ({reasons})' if reasons else ''}"
        yield f"{row.header}: {' and '.join(parts)}{gone}."


def _say_grades(table: Table) -> Iterator[str]:
    for row in table.rows:
        cells = name_cells(table, row)
        parts = [
            f"{lower_first(title)}, {cell.text}"
            for title, cell in cells.items()
            if cell.text and (title != NOT_JUDGED or cell.text not in NONE)
        ]
        yield f"Patients by highest grade of {lower_first(row.header)}: {say_list(parts)}."


def _say_phenotypes(table: Table) -> Iterator[str]:
    for title, rows in split_sections(table):
        parts = list[str]()
        for row in rows:
            count, certain, possible = row.cells
            sure = f"certain in {certain.text}, possible in {possible.text}"
            parts.append(f"{lower_first(row.header)}, {say_cell(count)} ({sure})")
        yield f"{title}: {say_list(parts)}."


def _say_nadirs(table: Table) -> Iterator[str]:
    for row in table.rows:
        number, value, day = row.cells
        reason = say_reason(table, value)
        if reason:
            yield f"The nadir of {lower_first(row.header)} could not be given: {reason}."
            continue
        yield (
            f"The median nadir of {lower_first(row.header)} (range) was {say_cell(value)}, reached on day "
            f"{say_cell(day)} ({say_patients(number.text)})."
        )


def say_recovery(tables: Sequence[Table]) -> list[str]:
    """Return the states at the landmark, each reading of early deaths in a sentence."""
    table = find_table(tables, "recovery")
    if table is None:
        return []
    texts = list[str]()
    for title, rows in split_sections(table):
        sentences = [_say_reading(table, rows, place) for place in range(len(table.columns) - 1)]
        about = f"{title}: " if title else ""
        texts.append(about + " ".join(filter(None, sentences)))
    return texts


def _say_reading(table: Table, rows: Sequence[Row], place: int) -> str:
    reading = lower_first(table.columns[place + 1].title.removesuffix(", n/N (%)"))
    cells = ((lower_first(row.header), row.cells[place]) for row in rows)
    parts = [f"{state}, {say_cell(cell)}" for state, cell in cells if cell.text not in {"", NO_VALUE}]
    return f"The states with {reading} were: {say_list(parts)}." if parts else ""


def say_missing(tables: Sequence[Table]) -> list[str]:
    """Return which factors lacked values, in all patients."""
    table = find_table(tables, "missing")
    if table is None:
        return []
    parts = [
        f"{say_unit(row.header)[0]}, {row.cells[0].text}"
        for row in table.rows
        if row.cells and not row.cells[0].text.startswith("0 ") and row.cells[0].text
    ]
    if not parts:
        return ["No value was missing of any factor listed."]
    return [f"Values were missing of: {say_list(parts)}. No other factor listed lacked a value."]


def say_definitions(tables: Sequence[Table]) -> list[str]:
    """Return the events under each definition, and their agreement with the reference."""
    events, agreement = find_table(tables, "events"), find_table(tables, "agreement")
    texts = list[str]()
    if events is not None:
        parts = [f"{_drop_number(row.header)}, {say_cell(row.cells[0])}" for row in events.rows]
        texts.append(f"Events under each definition: {say_list(parts)}.")
    if agreement is not None:
        parts = [part for row in agreement.rows if (part := _say_agreement(agreement, row))]
        about = lower_first(agreement.caption)
        texts.append(f"For {about}, the same answer was given in: {say_list(parts)}.")
    return texts


def _drop_number(header: str) -> str:
    number, point, rest = header.partition(". ")
    return rest if point and number.isdigit() else header


def _say_agreement(table: Table, row: Row) -> str:
    cells = name_cells(table, row)
    same, kappa = cells.get("Same, n/N (%)"), cells.get("Kappa (95% CI)")
    if same is None or same.text in {"", NO_VALUE}:
        return ""
    shown = f", kappa {say_interval(kappa)}" if kappa and kappa.text not in {"", NO_VALUE} else ""
    return f"{_drop_number(row.header)}, {say_cell(same)}{shown}"


def say_published(tables: Sequence[Table]) -> list[str]:
    """Return this study beside published cohorts, one paragraph for each definition."""
    table = find_table(tables, "published")
    if table is None:
        return []
    texts = list[str]()
    for title, rows in split_sections(table):
        known = [row for row in rows if row.header != NO_SUMMARY]
        parts = [part for row in known if (part := _say_cohort_row(table, row))]
        why = [reason for row in rows if row not in known for reason in _say_why(table, row)]
        if parts:
            texts.append(
                f"{title}. {say_list(parts)}.{''.join(f' No summary was made: {one}.' for one in why)}"
            )
    if texts:
        texts.append("Definitions, windows and denominators differ as the tables say; no test was made.")
    return texts


def _say_why(table: Table, row: Row) -> list[str]:
    return list(dict.fromkeys(reason for cell in row.cells if (reason := say_reason(table, cell))))


def _say_cohort_row(table: Table, row: Row) -> str:
    cells = name_cells(table, row)
    count, share = cells.get("n/N"), cells.get("% (95% CI)")
    shown = list[str]()
    if count is not None and count.text:
        unknown = f"{NO_VALUE}/"
        is_unknown = count.text.startswith(unknown)
        shown.append(f"of {count.text.removeprefix(unknown)} patients" if is_unknown else say_cell(count))
    if share is not None and share.text not in {"", NO_VALUE}:
        shown.append(say_interval(share) if share.text.endswith(")") else share.text)
    reason = say_reason(table, share) if share is not None else ""
    shown += [reason] if reason else []
    return f"{row.header}, {', '.join(shown)}" if shown else ""
