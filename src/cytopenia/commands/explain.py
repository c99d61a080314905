"""The command that explains one patient of a study."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from cytopenia.commands.terminal import PLAIN_WIDTH, Bar

if TYPE_CHECKING:
    from cytopenia.grading.explain import PatientExplanation
    from cytopenia.page_file import Disguise

__all__ = ["explain"]

_NARROW = 100


def explain(  # noqa: PLR0913 - one argument per option of the command
    study: Path,
    patient: str,
    *,
    outcome: Annotated[list[str] | None, Parameter(negative="")] = None,
    page: Path | None = None,
    new_id: Annotated[bool, Parameter(negative="")] = False,
    key_file: Path | None = None,
    dates: Literal["none", "shifted", "recorded"] = "none",
    svg: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Explain every outcome of one patient: the rule, the days and rows, what is open, what would change it.

    Example: `cytopenia explain study.toml SYN-15 --outcome recovery --svg SYN-15.svg`

    Example: `cytopenia explain study.toml SYN-15 --page page.html --new-id --key-file key.txt`

    The page shows the values of the patient.

    Parameters
    ----------
    study
        The study file, or the folder that has it as study.toml.
    patient
        The id as in the patients table.
    outcome
        An outcome of the study file; may be given several times. All of them by default.
    page
        Write the page of the patient, one sheet of A4, to this file, which ends in .html, instead of printing
        the explanation.
    new_id
        Show a new id in place of the patient's, in every output.
    key_file
        A file with a secret text: the same one gives the same new id and the same shift of dates. Without it
        they are drawn anew each time.
    dates
        Calendar dates on the page: none, shifted (all by the same number of days), or recorded.
    svg
        Write the timeline of the patient to this file, which ends in .svg.
    json
        Print the explanation as JSON.
    """
    from cytopenia.page_file import Disguise, check_disguise, disguise_explanation
    from cytopenia.workflow import explain_patient, write_timeline

    _require_ending(page, ".html", "page")
    _require_ending(svg, ".svg", "timeline")
    disguise = Disguise(new_id=new_id, key_file=key_file, dates=dates)
    check_disguise(disguise, patient, page=page, timeline=svg)
    with Bar() as bar:
        if page is not None:
            explained = _write_page(page, disguise, study=study, patient=patient, outcomes=outcome, bar=bar)
        else:
            explained = explain_patient(study, patient, outcomes=outcome, progress=bar)
            explained = disguise_explanation(explained, disguise)
    if svg is not None:
        write_timeline(explained, svg)
    if json:
        from cytopenia.report.explanation_page import dump_explanation

        print(dump_explanation(explained))
        return
    if page is None:
        _print_explanation(explained)
    if svg is not None:
        print(f"\nTimeline: {svg}")
    if page is not None:
        print(f"Page: {page}" + (f", under the id {explained.patient_id}" if new_id else ""))


def _require_ending(path: Path | None, ending: str, what: str) -> None:
    if path is not None and path.suffix.lower() != ending:
        from cytopenia.errors import OutputError

        kind = ending.removeprefix(".").upper()
        raise OutputError(f"{path}: the {what} is an {kind} file; give it a name that ends in {ending}.")


def _write_page(
    path: Path, disguise: Disguise, *, study: Path, patient: str, outcomes: list[str] | None, bar: Bar
) -> PatientExplanation:
    """Write the page, and return the explanation under the id that it shows."""
    from cytopenia.page_file import describe_patient, disguise_page, write_page

    shown = disguise_page(describe_patient(study, patient, outcomes=outcomes, progress=bar), disguise)
    write_page(shown, path)
    return shown.explained


def _print_explanation(explained: PatientExplanation) -> None:
    from cytopenia.report.explanation_page import render_explanation

    for line in render_explanation(explained, width=_choose_width()):
        print(line)


def _choose_width() -> int:
    """As wide as the terminal, within what can be read; a fixed width for a file or a pipe."""
    if not sys.stdout.isatty():
        return PLAIN_WIDTH
    from shutil import get_terminal_size

    return max(60, min(get_terminal_size((_NARROW, 24)).columns, PLAIN_WIDTH))
