"""The command that explains one patient of a study."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cytopenia.commands.terminal import PLAIN_WIDTH, Bar

__all__ = ["explain"]

_NARROW = 100


def explain(
    study: Path,
    patient: str,
    *,
    outcome: Annotated[list[str] | None, Parameter(negative="")] = None,
    svg: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Explain every outcome of one patient: the rule, the days and rows, what is open, what would change it.

    Example: `cytopenia explain study.toml SYN-15 --outcome recovery --svg SYN-15.svg`

    The page shows the values of the patient.

    Parameters
    ----------
    study
        The study file, or the folder that has it as study.toml.
    patient
        The id as in the patients table.
    outcome
        An outcome of the study file; may be given several times. All of them by default.
    svg
        Write the timeline of the patient to this file, which ends in .svg.
    json
        Print the explanation as JSON.
    """
    from cytopenia.workflow import explain_patient, write_timeline

    if svg is not None and svg.suffix.lower() != ".svg":
        from cytopenia.errors import OutputError

        raise OutputError(f"{svg}: the timeline is an SVG file; give it a name that ends in .svg.")
    with Bar() as bar:
        explained = explain_patient(study, patient, outcomes=outcome, progress=bar)
    if svg is not None:
        write_timeline(explained, svg)
    if json:
        from cytopenia.report.explanation_page import dump_explanation

        print(dump_explanation(explained))
        return
    from cytopenia.report.explanation_page import render_explanation

    for line in render_explanation(explained, width=_choose_width()):
        print(line)
    if svg is not None:
        print(f"\nTimeline: {svg}")


def _choose_width() -> int:
    """As wide as the terminal, within what can be read; a fixed width for a file or a pipe."""
    if not sys.stdout.isatty():
        return PLAIN_WIDTH
    from shutil import get_terminal_size

    return max(60, min(get_terminal_size((_NARROW, 24)).columns, PLAIN_WIDTH))
