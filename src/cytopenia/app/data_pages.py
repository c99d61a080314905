"""Pages on the data of a study: what is doubtful in its tables, and how its files could be read."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from cytopenia.app.failures import RefusedError
from cytopenia.app.form_fields import read_form
from cytopenia.app.pages import DRAWING, render_page
from cytopenia.app.study_pages import REPORT_POLICY, find_study
from cytopenia.app.workspace import PROTOCOL, StudyFolder
from cytopenia.check_file import CHECK_PAGE, write_check
from cytopenia.new_study import list_foreign_files, propose_study
from cytopenia.readers.proposal import Proposal, propose_mapping

__all__ = ["checked", "propose", "start_check"]


async def start_check(request: Request) -> Response:
    """Read the tables anew, and write what is to know of them."""
    found = await run_in_threadpool(find_study, request)
    await run_in_threadpool(_check, found)
    return RedirectResponse(f"/studies/{quote(found.name)}/check", status_code=303)


def _check(found: StudyFolder) -> None:
    with DRAWING:
        write_check(found.path / PROTOCOL)


async def checked(request: Request) -> Response:
    """The page of the last check, as it lies in the folder."""
    found = await run_in_threadpool(find_study, request)
    page = found.path / CHECK_PAGE
    if not await run_in_threadpool(found.is_own, page):
        raise RefusedError(404, "refusal.no_check")
    return FileResponse(page, media_type="text/html", headers={"content-security-policy": REPORT_POLICY})


async def propose(request: Request) -> Response:
    """Show what the columns of the files could be; with `take`, write it as the study file."""
    found = await run_in_threadpool(find_study, request)
    files = await run_in_threadpool(list_foreign_files, found.path)
    if not files:
        raise RefusedError(409, "refusal.nothing_to_propose")
    if (await read_form(request)).get("take") == ["1"]:
        await run_in_threadpool(_take, found, files)
        return RedirectResponse(f"/studies/{quote(found.name)}#protocol", status_code=303)
    proposal: Proposal = await run_in_threadpool(propose_mapping, files)
    return render_page(request, "proposal.html", study=found, proposal=proposal)


def _take(found: StudyFolder, files: list[Path]) -> None:
    with found.locked():
        propose_study(files, force=True)
