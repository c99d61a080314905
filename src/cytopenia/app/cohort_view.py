"""Which patients a page of the cohort shows: searched, chosen, sorted, and cut into pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import urlencode

from cytopenia.app.cohort_run import Cell, CohortRun, PatientRow

__all__ = ["ANY", "PAGE", "View", "choose_rows", "count_answers", "cut_page", "read_view"]

PAGE = 50
ANY = "any"
_MOST_PAGES = 100_000


@dataclass(frozen=True, kw_only=True)
class View:
    """What a page of the cohort was asked for.

    Attributes
    ----------
    answer : str
        "outcome:words of the answer"; empty for all.
    open : str
        An outcome that missing days leave open, or "any".
    sort : str
        The name of an outcome; empty for the order of the ids.
    down : bool
        From the last to the first.
    page : int
        From 1.
    found : str
        Stands for the words that ids are searched for; they are never part of an address.
    """

    answer: str = ""
    open: str = ""
    sort: str = ""
    down: bool = False
    page: int = 1
    found: str = ""

    def address(self, **changes: object) -> str:
        """Return the query of this view with some changes; empty where nothing is chosen.

        Examples
        --------
        >>> View(sort="anemia").address(down=True)
        '?sort=anemia&down=1'
        >>> View().address()
        ''
        """
        other = replace(self, **changes)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        chosen = {
            "answer": other.answer,
            "open": other.open,
            "sort": other.sort,
            "down": "1" if other.down else "",
            "page": str(other.page) if other.page != 1 else "",
            "found": other.found,
        }
        told = urlencode({name: value for name, value in chosen.items() if value})
        return f"?{told}" if told else ""


def read_view(query: Mapping[str, str], run: CohortRun) -> View:
    """Return the view of a query; what the run does not have counts as not asked."""
    names = {column.name for column in run.columns}
    answers = {f"{name}:{words}" for name, counts in count_answers(run).items() for words in counts}
    page = query.get("page", "1")
    return View(
        answer=asked if (asked := query.get("answer", "")) in answers else "",
        open=asked if (asked := query.get("open", "")) in {*names, ANY} else "",
        sort=asked if (asked := query.get("sort", "")) in names else "",
        down=query.get("down") == "1",
        page=min(max(int(page), 1), _MOST_PAGES) if page.isascii() and page.isdigit() else 1,
        found=query.get("found", ""),
    )


@lru_cache(maxsize=2)
def count_answers(run: CohortRun) -> Mapping[str, Mapping[str, int]]:
    """Return how many patients have each answer of each outcome, in the order of the answers."""
    return {column.name: _count(run, column.name) for column in run.columns}


def _count(run: CohortRun, outcome: str) -> dict[str, int]:
    cells = [row.cells[outcome] for row in run.patients if outcome in row.cells]
    counts: dict[str, int] = {}
    for cell in sorted(cells, key=lambda cell: (cell.answer.policy is None, cell.order)):
        counts[cell.words] = counts.get(cell.words, 0) + 1
    return counts


def choose_rows(run: CohortRun, view: View, search: str = "") -> list[PatientRow]:
    """Return the patients of a view, on all its pages.

    `search` is looked for anywhere in the ids, whatever its letters' case.
    """
    rows: Iterable[PatientRow] = run.patients
    if wanted := search.strip().casefold():
        rows = (row for row in rows if wanted in row.patient_id.casefold())
    if view.answer:
        rows = (
            row for row in rows if view.answer in {f"{name}:{cell.words}" for name, cell in row.cells.items()}
        )
    if view.open:
        rows = (row for row in rows if row.open_outcomes and view.open in (ANY, *row.open_outcomes))
    return _sort(list(rows), view)


def _sort(rows: list[PatientRow], view: View) -> list[PatientRow]:
    """Sorted by an outcome; who has no answer stands last either way, ties in the order of the ids."""
    if not view.sort:
        return rows[::-1] if view.down else rows
    cells: dict[str, Cell] = {row.key: row.cells[view.sort] for row in rows if view.sort in row.cells}
    known = [row for row in rows if row.key in cells and cells[row.key].answer.policy is not None]
    named = {row.key for row in known}
    known.sort(key=lambda row: cells[row.key].order, reverse=view.down)
    return [*known, *(row for row in rows if row.key not in named)]


def cut_page(rows: list[PatientRow], page: int) -> tuple[list[PatientRow], int, int]:
    """Return the rows of a page, the page that it is, and how many there are.

    Examples
    --------
    >>> cut_page([], 7)
    ([], 1, 1)
    """
    pages = max((len(rows) + PAGE - 1) // PAGE, 1)
    shown = min(page, pages)
    return rows[(shown - 1) * PAGE : shown * PAGE], shown, pages
