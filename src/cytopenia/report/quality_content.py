"""What the page of `check` is made of: the quality of the data, and the names it goes by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from cytopenia.contract.data_quality import DataQuality
from cytopenia.report.display import clean_text
from cytopenia.units import load_analytes, show_unit

__all__ = ["PAGE_MARK", "QualityContent", "add_up", "list_analytes", "name_analyte", "unit_of"]

# How a file is known as a page of `check`, which may be replaced by a newer one.
PAGE_MARK = '<meta name="generator" content="cytopenia check">'


@dataclass(frozen=True, kw_only=True)
class QualityContent:
    """Everything the page shows; it formats numbers and computes none.

    Attributes
    ----------
    title : str
        Title of the study.
    synthetic : bool
        True when no patient stands behind the numbers.
    quality : DataQuality
    version : str
        Of the package.
    show_patient_ids : bool
        False labels the rows of the map by place instead of by id.
    """

    title: str
    synthetic: bool
    quality: DataQuality
    version: str
    show_patient_ids: bool = True


def name_analyte(analyte: str) -> str:
    """Return the title of an analyte.

    Examples
    --------
    >>> name_analyte("anc")
    'Absolute neutrophil count'
    """
    return clean_text(load_analytes()[analyte].title)


def unit_of(analyte: str) -> str:
    """Return the canonical unit of an analyte as it is printed.

    Examples
    --------
    >>> unit_of("hemoglobin")
    'g/L'
    """
    return show_unit(load_analytes()[analyte].unit)


def list_analytes(frame: pl.DataFrame) -> Sequence[str]:
    """Return the analytes of a frame in the order of the table of analytes."""
    there = set(frame["analyte"].drop_nulls())
    return [name for name in load_analytes() if name in there]


def add_up(frame: pl.DataFrame, column: str) -> int:
    """Return the sum of a column of counts, 0 where there are none."""
    return int(frame[column].cast(pl.Int64).sum())
