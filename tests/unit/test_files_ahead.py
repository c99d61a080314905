"""Files of figures that a second thread makes while the next figure is drawn."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import threading

import pytest

from cytopenia.report.ahead import make_ahead, making_ahead
from cytopenia.report.drawing import ReportFigure, drawing, finish_figure, page_axes


def draw(name: str) -> ReportFigure:
    with drawing(name):
        figure, axes = page_axes(40)
        axes.text(4, 20, "ANC")
        return finish_figure(
            figure, name, title="Counts", caption="", description="Three letters", synthetic=True
        )


def ask_thread(form: str) -> bytes:
    return (
        f"{form} by {'main' if threading.current_thread() is threading.main_thread() else 'other'}".encode()
    )


def test_files_are_the_same_bytes_whoever_makes_them() -> None:
    alone = draw("counts")
    with making_ahead(("picture", "svg", "pdf")):
        ahead = draw("counts")
        assert ahead.make_file is not None
        assert alone.make_file is not None
        assert ahead.png == alone.png
        for form, begin in (("svg", b"<svg"), ("pdf", b"%PDF")):
            made = ahead.make_file(form)
            assert made.startswith(begin)
            assert made == alone.make_file(form)


def test_only_the_forms_that_were_named_are_made_by_the_other_thread() -> None:
    with making_ahead(("pdf",)):
        make = make_ahead(ask_thread)
        assert (make("pdf"), make("tiff")) == (b"pdf by other", b"tiff by main")
    assert (make("pdf"), make("tiff")) == (b"pdf by other", b"tiff by main")


def test_nothing_is_made_ahead_outside() -> None:
    assert make_ahead(ask_thread) is ask_thread
    with making_ahead(("pdf",)):
        pass
    assert make_ahead(ask_thread) is ask_thread


def test_an_error_of_the_other_thread_comes_when_the_file_is_asked_for() -> None:
    def fail(form: str) -> bytes:
        raise ValueError(f"no ink for {form}")

    with making_ahead(("pdf",)):
        make = make_ahead(fail)
        with pytest.raises(ValueError, match="no ink for pdf"):
            make("pdf")


def test_what_has_not_begun_is_left_undone_when_the_report_fails() -> None:
    made: list[str] = []
    may_end = threading.Event()

    def wait(form: str) -> bytes:
        made.append(form)
        assert may_end.wait(30)
        return b""

    def fail() -> None:
        with making_ahead(("svg", "pdf")) as thread:
            make_ahead(wait)
            # The first file, where it was begun, ends only once the rest is given up.
            thread.submit(made.append, "report").add_done_callback(lambda _: may_end.set())
            raise RuntimeError("the report cannot be written")

    with pytest.raises(RuntimeError, match="the report cannot be written"):
        fail()
    assert made in ([], ["svg"])
