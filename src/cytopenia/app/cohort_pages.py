"""The page of a cohort: how grades and recovery divide, who is open for missing days, every patient."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cytopenia.app.cohort_mix import MIX_WIDTH, list_mixes
from cytopenia.app.cohort_run import CohortRun, PatientRow, is_outdated, make_run_cache
from cytopenia.app.cohort_view import ANY, View, choose_rows, count_answers, cut_page, read_view
from cytopenia.app.failures import RefusedError, log_defect
from cytopenia.app.file_cache import FileCache
from cytopenia.app.form_fields import read_form
from cytopenia.app.pages import render_page
from cytopenia.app.study_cache import ReadStudy, make_study_cache
from cytopenia.app.study_pages import find_study
from cytopenia.app.workspace import StudyFolder
from cytopenia.errors import CytopeniaError

__all__ = ["Cohorts", "cohort", "search_patients"]

_MOST_SEARCHES, _LONGEST_SEARCH = 200, 200


@dataclass
class Cohorts:
    """What the pages of cohorts and patients share: what was read, and what was searched for."""

    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    tables: FileCache[ReadStudy] = field(default_factory=make_study_cache)
    reading: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _searches: OrderedDict[str, str] = field(default_factory=OrderedDict[str, str])
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.runs: FileCache[CohortRun] = make_run_cache(self._secret)

    def hold_search(self, text: str) -> str:
        """Return what stands in an address for words that may be an id."""
        word = secrets.token_hex(8)
        with self._lock:
            self._searches[word] = text[:_LONGEST_SEARCH]
            while len(self._searches) > _MOST_SEARCHES:
                self._searches.popitem(last=False)
        return word

    def find_search(self, word: str) -> str | None:
        """Return the words that were searched for; None where they are not known any more."""
        with self._lock:
            return self._searches.get(word)

    def choose(self, run: CohortRun, view: View) -> list[PatientRow]:
        """Return the patients of a view, on all its pages."""
        return choose_rows(run, view, self.find_search(view.found) or "")


async def cohort(request: Request) -> Response:
    """The patients of a study as its last run judged them."""
    found = await run_in_threadpool(find_study, request)
    cohorts: Cohorts = request.app.state.cohorts
    if not found.has_results:
        return render_page(request, "no_cohort.html", study=found)
    shown = await run_in_threadpool(_collect, found, cohorts, dict(request.query_params))
    _read_ahead(cohorts, found.path)
    return render_page(request, "cohort.html", study=found, **shown)


def _collect(found: StudyFolder, cohorts: Cohorts, query: dict[str, str]) -> dict[str, Any]:
    run = cohorts.runs.read(found.path)
    view = read_view(query, run)
    chosen = cohorts.choose(run, view)
    rows, page, pages = cut_page(chosen, view.page)
    search = cohorts.find_search(view.found)
    return {
        "run": run,
        "view": view,
        "rows": rows,
        "chosen": len(chosen),
        "page": page,
        "pages": pages,
        "search": search or "",
        "is_search_lost": bool(view.found) and search is None,
        "answers": count_answers(run),
        "mixes": list_mixes(run),
        "mix_width": MIX_WIDTH,
        "open_patients": sum(bool(row.open_outcomes) for row in run.patients),
        "any": ANY,
        "is_outdated": is_outdated(found.path),
    }


def _read_ahead(cohorts: Cohorts, folder: Path) -> None:
    """Who looks at a cohort will open a patient: the tables are read meanwhile, one study at a time."""
    if not cohorts.reading:
        task = asyncio.create_task(run_in_threadpool(_try_reading, cohorts, folder))
        cohorts.reading.add(task)
        task.add_done_callback(cohorts.reading.discard)


def _try_reading(cohorts: Cohorts, folder: Path) -> None:
    """What hinders the reading is told by the page of a patient."""
    try:
        cohorts.tables.read(folder)
    except (CytopeniaError, OSError, RefusedError):
        return
    except Exception as cause:  # noqa: BLE001 - a task that fails would be printed with the text of its fault
        log_defect(cause)


async def search_patients(request: Request) -> Response:
    """Keep the words that ids are searched for, so that no address and no history holds an id."""
    found = await run_in_threadpool(find_study, request)
    cohorts: Cohorts = request.app.state.cohorts
    form = await read_form(request)
    text = form.get("search", [""])[0].strip()
    chosen = {name: form.get(name, [""])[0] for name in ("answer", "open", "sort", "down")}
    view = View(
        answer=chosen["answer"],
        open=chosen["open"],
        sort=chosen["sort"],
        down=chosen["down"] == "1",
        found=cohorts.hold_search(text) if text else "",
    )
    return RedirectResponse(f"/studies/{quote(found.name)}/patients{view.address()}", status_code=303)
