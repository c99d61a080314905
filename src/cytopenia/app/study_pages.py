"""The pages of a study: its files, its study file, what is doubtful in the data, a run, the results."""

from __future__ import annotations

import io
import mimetypes
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response

from cytopenia.app.cohort_run import is_outdated
from cytopenia.app.failures import RefusedError, describe_failure
from cytopenia.app.form_fields import read_form
from cytopenia.app.jobs import Jobs
from cytopenia.app.pages import render_page, wants_json
from cytopenia.app.texts import make_say
from cytopenia.app.workspace import PROTOCOL, READ_SUFFIXES, StudyFolder
from cytopenia.check_file import CHECK_PAGE
from cytopenia.contract import TABLES
from cytopenia.errors import CytopeniaError
from cytopenia.new_study import list_foreign_files

__all__ = [
    "REPORT_POLICY",
    "all_results",
    "find_study",
    "result_file",
    "run_state",
    "save_protocol",
    "start_run",
    "stop_run",
    "study",
    "upload",
]

# A page that the package wrote for the disk has its style inside; it runs no script and asks for nothing.
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-popups"


def find_study(request: Request) -> StudyFolder:
    """Return the study that the path names."""
    return request.app.state.workspace.find(request.path_params["study"])


async def study(request: Request) -> Response:
    """The overview of a study."""
    found = await run_in_threadpool(find_study, request)
    jobs: Jobs = request.app.state.jobs
    on_disk = await run_in_threadpool(_look_at, found)
    check = request.app.state.checks.find(found.path)
    job = jobs.find(found.path)
    return render_page(
        request,
        "study.html",
        study=found,
        all_tables=list(TABLES),
        suffixes=",".join(READ_SUFFIXES),
        job=None if job is None else job.describe(),
        check=check,
        is_check_outdated=check is not None and await run_in_threadpool(lambda: check.is_outdated),
        **on_disk,
    )


def _look_at(found: StudyFolder) -> dict[str, Any]:
    """What the overview shows of the folder."""
    text, version = found.read_protocol()
    mapped = found.list_mapped()
    return {
        "files": found.list_files(),
        "tables": {**found.list_tables(), **mapped},
        "is_mapped": bool(mapped),
        "questions": found.count_questions(),
        "protocol": text,
        "version": version,
        "results": found.list_results(),
        "foreign": list_foreign_files(found.path),
        "is_checked": (found.path / CHECK_PAGE).is_file(),
        "is_outdated": is_outdated(found.path),
    }


async def upload(request: Request) -> Response:
    """Take in one file of a study."""
    found = await run_in_threadpool(find_study, request)
    replace = request.query_params.get("replace") == "1"
    size = await found.take_in(request.path_params["file"], request.stream(), replace=replace)
    return JSONResponse({"name": request.path_params["file"], "bytes": size}, status_code=201)


async def save_protocol(request: Request) -> Response:
    """Write the study file, if it is one and nobody has changed it since."""
    found = await run_in_threadpool(find_study, request)
    form = await read_form(request)
    # A browser ends the lines of what is typed into a page as Windows does.
    text = form.get("text", [""])[0].replace("\r\n", "\n")
    version = form.get("version", [""])[0]
    try:
        await run_in_threadpool(found.check_protocol, text)
        await run_in_threadpool(found.save_protocol, text, version=version)
    except (CytopeniaError, RefusedError) as cause:
        if wants_json(request.scope):
            raise
        return await run_in_threadpool(_give_back, request, found, cause, text=text, version=version)
    return RedirectResponse(f"/studies/{quote(found.name)}#protocol", status_code=303)


def _give_back(
    request: Request, found: StudyFolder, cause: Exception, *, text: str, version: str
) -> Response:
    """What was typed and not saved stands in the answer, beside what was saved elsewhere."""
    on_disk, newest = found.read_protocol() if found.is_own(found.path / PROTOCOL) else ("", version)
    status, key, values = describe_failure(cause)
    return render_page(
        request,
        "unsaved.html",
        status=status,
        study=found,
        message=make_say(request.app.state.settings.language)(key, **values),
        text=text,
        version=newest,
        elsewhere=on_disk if newest != version else "",
    )


async def start_run(request: Request) -> Response:
    """Start a run of the study."""
    found = await run_in_threadpool(find_study, request)
    jobs: Jobs = request.app.state.jobs
    await run_in_threadpool(jobs.start, found.path)
    return RedirectResponse(f"/studies/{quote(found.name)}#run", status_code=303)


async def stop_run(request: Request) -> Response:
    """End the run of the study."""
    found = await run_in_threadpool(find_study, request)
    jobs: Jobs = request.app.state.jobs
    await run_in_threadpool(jobs.stop, found.path)
    return RedirectResponse(f"/studies/{quote(found.name)}#run", status_code=303)


async def run_state(request: Request) -> Response:
    """What the run does now, for the page that watches it."""
    found = await run_in_threadpool(find_study, request)
    job = request.app.state.jobs.find(found.path)
    return JSONResponse({"state": "none"} if job is None else job.describe())


async def result_file(request: Request) -> Response:
    """One file of the results; only what is listed there."""
    found = await run_in_threadpool(find_study, request)
    name = request.path_params["file"]
    if name not in await run_in_threadpool(found.list_results):
        raise RefusedError(404, "refusal.no_page")
    path = found.path / "results" / name
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    answer = FileResponse(path, media_type=kind, headers={"content-security-policy": REPORT_POLICY})
    if kind not in ("text/html", "image/svg+xml", "application/pdf"):
        answer.headers["content-disposition"] = f"attachment; filename*=UTF-8''{quote(path.name)}"
    return answer


async def all_results(request: Request) -> Response:
    """Every file of the results in one archive."""
    found = await run_in_threadpool(find_study, request)
    names = await run_in_threadpool(found.list_results)
    if not names:
        raise RefusedError(404, "refusal.no_results")
    content = await run_in_threadpool(_pack, found.path / "results", names)
    disposition = f"attachment; filename*=UTF-8''{quote(found.name)}-results.zip"
    return Response(content, media_type="application/zip", headers={"content-disposition": disposition})


def _pack(folder: Path, names: list[str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.write(folder / name, name)
    return packed.getvalue()
