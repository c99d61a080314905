"""Reports that are drawn quickly, for tests that look at something else; each as a context manager."""

from __future__ import annotations

import io
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from cytopenia.cli import main


@cache
def draw_once() -> bytes:
    from matplotlib.figure import Figure

    picture = io.BytesIO()
    Figure(figsize=(1, 1), dpi=30).savefig(picture, format="png")
    return picture.getvalue()


@contextmanager
def with_one_picture() -> Generator[None]:
    """The same small picture in place of each figure of a Word file, and of each file of a figure."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cytopenia.report.drawing.render_png", lambda figure, name: draw_once())
        patch.setattr("cytopenia.report.drawing.render_file", lambda figure, name, form, **more: draw_once())
        yield


@contextmanager
def without_figures() -> Generator[None]:
    """Reports without figures: half the time of a small run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cytopenia.report.sections.plot_figures", lambda content: {})
        yield


@contextmanager
def with_tables_alone() -> Generator[None]:
    """Reports without figures, other documents empty: a third of the time of a small run."""
    with without_figures(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("cytopenia.report.word.render_word", lambda content, **more: b"")
        patch.setattr("cytopenia.report.pdf.render_pdf", lambda content, **more: b"")
        patch.setattr("cytopenia.report.workbook.render_workbook", lambda content, **more: b"")
        yield


def finish_run(study: Path) -> Path:
    """Run a study by the command, with one picture; return its results, for a whole file of tests to read."""
    with with_one_picture(), pytest.raises(SystemExit, match=r"^0$"):
        main(["run", str(study)])
    return study / "results"
