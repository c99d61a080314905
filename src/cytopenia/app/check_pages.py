"""The check of a study's data: what is doubtful, which days nobody saw, how the units were read."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import quote

import polars as pl
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from cytopenia.app.cohort_pages import Cohorts
from cytopenia.app.coverage_map import CoverageMap, lay_out_map
from cytopenia.app.failures import ConflictError, RefusedError
from cytopenia.app.pages import DRAWING, render_page
from cytopenia.app.study_pages import REPORT_POLICY, find_study
from cytopenia.app.workspace import PROTOCOL, StudyFolder
from cytopenia.check_file import CHECK_PAGE, describe_checked, write_described
from cytopenia.contract.finding_rules import RULES
from cytopenia.listings import Fingerprint, take_fingerprint
from cytopenia.report.content import SEVERITIES
from cytopenia.report.quality_content import QualityContent
from cytopenia.report.quality_parts import list_rules, render_coverage, render_reading
from cytopenia.study.coverage_marks import mark_days
from cytopenia.study_tables import look_at_study

__all__ = ["CheckRun", "Checks", "check_page", "checked", "start_check"]

_MOST_KEPT = 8
# Words in the advice of a rule that say: this is repaired where it is said how the files are read.
_OF_MAPPING = ("mapping", "map it", "default_units", "date_format", "decimal =", "kinds", "fill_down")


@dataclass(frozen=True, kw_only=True)
class CheckRun:
    """What a check found, what the analyses of the study file lack, and the files as they were then."""

    folders: tuple[Path, ...]
    fingerprint: Fingerprint
    written: str
    content: QualityContent
    marks: pl.DataFrame
    lacks: str

    @property
    def is_outdated(self) -> bool:
        """Whether a file was changed, added or taken away since."""
        return _look_at(self.folders) != self.fingerprint

    @property
    def counts(self) -> dict[str, int]:
        """How many findings of each severity there are."""
        found = self.content.quality.findings["severity"]
        return {severity: int((found == severity).sum()) for severity in SEVERITIES}


def _look_at(folders: tuple[Path, ...]) -> Fingerprint:
    """The files of a study without the page that the check itself writes."""
    return take_fingerprint(folders, wanted=lambda name: name != CHECK_PAGE)


@dataclass
class Checks:
    """The last check of each study since the app was started."""

    _kept: OrderedDict[Path, CheckRun] = field(default_factory=OrderedDict[Path, CheckRun])
    _running: set[Path] = field(default_factory=set[Path])
    _lock: Lock = field(default_factory=Lock)

    def find(self, folder: Path) -> CheckRun | None:
        """Return the last check of a study."""
        with self._lock:
            return self._kept.get(folder)

    def run(self, folder: Path) -> CheckRun:
        """Check a study, and write the page of it beside the study file.

        Raises
        ------
        ConflictError
            It is being checked already.
        CytopeniaError
            As `write_check`.
        """
        with self._lock:
            if folder in self._running:
                raise ConflictError("refusal.checking")
            self._running.add(folder)
        try:
            found = _check(folder)
        finally:
            with self._lock:
                self._running.discard(folder)
        with self._lock:
            self._kept[folder] = found
            self._kept.move_to_end(folder)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return found


def _check(folder: Path) -> CheckRun:
    before = _look_at((folder,))
    read, lacks = look_at_study(folder / PROTOCOL)
    data = read.study.data_folder.resolve()
    folders = (folder,) if data.is_relative_to(folder.resolve()) else (folder, data)
    content = describe_checked(read)
    about = read.study.protocol.study
    marks = mark_days(content.quality, read.tables, use_caps=about.bound_anc_by_wbc)
    with DRAWING:
        write_described(content, folder / CHECK_PAGE)
    known = {path for path, _, _ in before}
    # What lies elsewhere is only known after the reading; what lies here was looked at before it.
    elsewhere = [entry for entry in _look_at(folders[1:]) if entry[0] not in known]
    return CheckRun(
        folders=folders,
        fingerprint=tuple(sorted([*before, *elsewhere])),
        written=datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        content=content,
        marks=marks,
        lacks=lacks,
    )


async def start_check(request: Request) -> Response:
    """Read the tables anew, and keep what is to know of them."""
    found = await run_in_threadpool(find_study, request)
    checks: Checks = request.app.state.checks
    await run_in_threadpool(checks.run, found.path)
    return RedirectResponse(f"/studies/{quote(found.name)}/check", status_code=303)


async def check_page(request: Request) -> Response:
    """The page of the last check as it lies in the folder, for printing and passing on."""
    found = await run_in_threadpool(find_study, request)
    page = found.path / CHECK_PAGE
    if not await run_in_threadpool(found.is_own, page):
        raise RefusedError(404, "refusal.no_check")
    return FileResponse(page, media_type="text/html", headers={"content-security-policy": REPORT_POLICY})


async def checked(request: Request) -> Response:
    """What the last check found."""
    found = await run_in_threadpool(find_study, request)
    checks: Checks = request.app.state.checks
    run = checks.find(found.path)
    has_page = found.is_own(found.path / CHECK_PAGE)
    if run is None:
        return render_page(request, "no_check.html", study=found, has_page=has_page)
    shown = await run_in_threadpool(_collect, found, run, request.app.state.cohorts)
    return render_page(request, "check.html", study=found, has_page=has_page, **shown)


def _collect(found: StudyFolder, run: CheckRun, cohorts: Cohorts) -> dict[str, Any]:
    quality = run.content.quality
    rules = list_rules(quality.findings)
    drawn = lay_out_map(quality, run.marks)
    return {
        "run": run,
        "is_outdated": run.is_outdated,
        "rules": rules,
        "counts": run.counts,
        "places": {one.rule: _find_place(one.rule) for listed in rules.values() for one in listed},
        "map": drawn,
        "keys": _find_keys(found, cohorts, drawn),
        "reading": render_reading(quality),
        "coverage": render_coverage(quality),
        "hindrance": quality.hindrance,
    }


def _find_place(rule: str) -> str:
    """Where a finding is answered: in how the files are read, in a file, or nowhere."""
    known = RULES.get(rule)
    if known is None or not known.advice or known.severity == "info":
        return ""
    advice = known.advice.casefold()
    return "mapping" if known.column == "unit" or any(word in advice for word in _OF_MAPPING) else "files"


def _find_keys(found: StudyFolder, cohorts: Cohorts, drawn: CoverageMap | None) -> dict[str, str]:
    """What stands for each patient in an address, where a run has judged the patient."""
    if drawn is None or drawn.is_grouped or not found.has_results:
        return {}
    try:
        patients = cohorts.runs.read(found.path).patients
    except RefusedError:
        return {}
    return {one.patient_id: one.key for one in patients}
