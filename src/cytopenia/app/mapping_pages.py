"""How the files of a study are read: columns, words and units can be corrected, and what that would give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cytopenia.app.failures import ConflictError, RefusedError, describe_failure
from cytopenia.app.form_fields import read_form
from cytopenia.app.pages import render_page, wants_json
from cytopenia.app.study_pages import find_study
from cytopenia.app.texts import make_say
from cytopenia.app.workspace import PROTOCOL, StudyFolder
from cytopenia.errors import CytopeniaError, ReaderError
from cytopenia.mapping_text import write_data_section
from cytopenia.new_study import list_foreign_files, propose_files
from cytopenia.readers.mapping_answers import answer_choices
from cytopenia.readers.mapping_choices import MappingChoices, make_choices, offer_units, read_section
from cytopenia.readers.mapping_draft import Draft, replace_data, take_data
from cytopenia.readers.proposal import Proposal, is_proposable
from cytopenia.readers.sources import read_tables
from cytopenia.report.quality_parts import RuleFindings, list_rules, render_reading
from cytopenia.study.data_quality import count_reading

__all__ = ["change_mapping", "mapping"]


@dataclass(frozen=True, kw_only=True)
class _Page:
    """What the page shows: the text, the choices it was taken apart into, and what was chosen."""

    shown: Draft
    text: str
    version: str
    choices: MappingChoices
    proposal: Proposal | None
    answers: Mapping[str, str] = field(default_factory=dict[str, str])
    problems: tuple[str, ...] = ()
    refused: str = ""
    elsewhere: str | None = None
    status: int = 0
    preview: str = ""
    doubts: tuple[RuleFindings, ...] = ()


async def mapping(request: Request) -> Response:
    """Show how the files are read: as the study file says, or with `from=files` as they look themselves."""
    found = await run_in_threadpool(find_study, request)
    anew = request.query_params.get("from") == "files"
    page = await run_in_threadpool(_open, found, anew=anew)
    return _render(request, found, page)


async def change_mapping(request: Request) -> Response:
    """Write the answers into the text; with `take` it becomes [data] of the study file."""
    found = await run_in_threadpool(find_study, request)
    form = await read_form(request)
    page = await run_in_threadpool(_answer, found, form)
    if form.get("take") == ["1"] and not page.problems:
        try:
            await run_in_threadpool(_take, found, page)
        except (CytopeniaError, RefusedError) as cause:
            if wants_json(request.scope):
                raise
            page = await run_in_threadpool(
                _give_back, found, page, cause, request.app.state.settings.language
            )
            return _render(request, found, page)
        return RedirectResponse(f"/studies/{quote(found.name)}#data", status_code=303)
    if not page.problems:
        page = await run_in_threadpool(_look_ahead, found, page)
    return _render(request, found, page)


def _render(request: Request, found: StudyFolder, page: _Page) -> Response:
    choices = offer_units(page.choices, page.answers)
    shown: dict[str, Any] = {"page": page, "choices": choices, "answers": page.answers}
    status = 422 if page.problems else 200
    return render_page(request, "mapping.html", status=page.status or status, study=found, **shown)


def _open(found: StudyFolder, *, anew: bool) -> _Page:
    text, version = found.read_protocol()
    files, foreign = _list_files(found.path), list_foreign_files(found.path)
    proposal, problem = _propose(foreign or files)
    draft = None if anew else take_data(text)
    if draft is None or (foreign and not found.list_mapped()):
        if proposal is None:
            raise RefusedError(409, "refusal.nothing_to_propose") if not problem else ReaderError(problem)
        draft = Draft(write_data_section(proposal))
    return _take_apart(found, draft, version=version, proposal=proposal)


def _take_apart(found: StudyFolder, draft: Draft, *, version: str, proposal: Proposal | None) -> _Page:
    return _Page(
        shown=draft,
        text=draft.text,
        version=version,
        choices=make_choices(draft, found.path, proposal),
        proposal=proposal,
    )


def _list_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if is_proposable(path))


def _propose(files: list[Path]) -> tuple[Proposal | None, str]:
    """What the files look like by themselves; a file that cannot be read is told where it is asked for."""
    if not files:
        return None, ""
    try:
        return propose_files(files), ""
    except CytopeniaError as cause:
        return None, str(cause)


def _answer(found: StudyFolder, form: Mapping[str, list[str]]) -> _Page:
    """The page after the answers; a text that is wrong comes back as it was typed."""
    given = {name: values[-1] for name, values in form.items() if values}
    shown, text = (Draft(_plain(given.get(name, ""))) for name in ("shown", "text"))
    proposal, _ = _propose(list_foreign_files(found.path) or _list_files(found.path))
    page = _take_apart(found, shown, version=given.get("version", ""), proposal=proposal)
    page = replace(page, text=text.text, answers=given)
    try:
        changed, problems = answer_choices(
            text, page.choices, given, settled=form.get("settled", []), proposal=proposal
        )
        _, faults = read_section(changed)
    except CytopeniaError as cause:
        return replace(page, problems=(str(cause),))
    if problems or faults:
        return replace(page, problems=(*problems, *faults))
    return _take_apart(found, changed, version=page.version, proposal=proposal)


def _plain(text: str) -> str:
    """A text as the browser sent it, with the line ends of a file."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _take(found: StudyFolder, page: _Page) -> None:
    """Write [data] of the study file if nobody has changed that file since the page was loaded."""
    text, version = found.read_protocol()
    if version != page.version:
        raise ConflictError("refusal.changed_elsewhere")
    written = replace_data(text, page.shown)
    found.check_protocol(written)
    found.save_protocol(written, version=version)


def _give_back(found: StudyFolder, page: _Page, cause: Exception, language: str) -> _Page:
    """What was chosen and not written stays on the page, which now speaks of the file as it is on disk."""
    text, newest = found.read_protocol()
    status, key, values = describe_failure(cause)
    return replace(
        page,
        version=newest,
        status=status,
        refused=make_say(language)(key, **values),
        elsewhere=_find_data(text) if newest != page.version else None,
    )


def _find_data(text: str) -> str:
    """The section [data] of a text, or all of it where it is no study file."""
    try:
        return take_data(text).text
    except CytopeniaError:
        return text


def _look_ahead(found: StudyFolder, page: _Page) -> _Page:
    """What the tables would be, read in full by the mapping as it stands now; no value of a patient."""
    section, problems = read_section(page.shown)
    if section is None:
        return replace(page, problems=tuple(problems))
    try:
        reading = count_reading(read_tables(found.path / section.folder, section))
    except CytopeniaError as cause:
        return replace(page, problems=(str(cause).replace(str(found.path / PROTOCOL), PROTOCOL),))
    rules = list_rules(reading.findings)
    doubts = tuple(one for severity in ("error", "warning") for one in rules[severity])
    return replace(page, preview=render_reading(reading), doubts=doubts)
