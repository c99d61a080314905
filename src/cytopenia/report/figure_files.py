"""The figures as files for a manuscript: pictures, the numbers that they show, and their captions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl

from cytopenia.report.captions import end_caption, number_captions
from cytopenia.report.content import ReportContent
from cytopenia.report.sections import ReportSection

__all__ = ["FIGURE_FORMS", "list_captions", "write_figures"]

# What every figure is written as; the protocol can ask for more.
FIGURE_FORMS = ("svg", "pdf")
CAPTION_SCHEMA = {"name": pl.String, "number": pl.String, "caption": pl.String, "alt": pl.String}


def write_figures(
    content: ReportContent, sections: Sequence[ReportSection], folder: Path, *, more: Sequence[str] = ()
) -> None:
    """Write each figure in every form, its data as CSV, and captions.csv, into a new folder.

    Parameters
    ----------
    content : ReportContent
    sections : sequence of ReportSection
        From `list_sections`; nothing is written if they have no figure.
    folder : Path
        Is made.
    more : sequence of str
        Forms besides SVG and PDF: "tiff", "png".
    """
    figures = [figure for section in sections for figure in section.figures]
    if not figures:
        return
    folder.mkdir()
    for figure in figures:
        if figure.make_file is not None:
            for form in (*FIGURE_FORMS, *more):
                (folder / f"{figure.id}.{form}").write_bytes(figure.make_file(form))
        figure.data.write_csv(folder / f"{figure.id}.csv")
    list_captions(content, sections).write_csv(folder / "captions.csv")


def list_captions(content: ReportContent, sections: Sequence[ReportSection]) -> pl.DataFrame:
    """Return name, number, caption, alternative text and width of every figure, as the Word file has them."""
    rows = list(_list_rows(content, sections))
    return pl.DataFrame(rows, schema={**CAPTION_SCHEMA, "width_mm": pl.Float64})


def _list_rows(content: ReportContent, sections: Sequence[ReportSection]) -> Iterator[Mapping[str, object]]:
    numbering = number_captions(content)
    for figure in (figure for section in sections for figure in section.figures):
        label, title = numbering.label("Figure", figure.title)
        yield {
            "name": figure.id,
            "number": label.text,
            "caption": end_caption(f"{title}. {figure.caption}", synthetic=content.synthetic),
            "alt": figure.description or figure.title,
            "width_mm": figure.width_mm,
        }
