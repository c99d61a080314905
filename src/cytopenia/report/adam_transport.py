"""A data set as a SAS transport file of version 5: ASCII, texts of at most 200 bytes, dates as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from cytopenia.report.adam_frames import MOST_BYTES, FittedDataset

__all__ = ["LossOfText", "write_transport"]

_FORMATS = {"date": "DATE9.", "datetime": "DATETIME20."}
_CUT = " ..."
_OUTSIDE_ASCII = r"[^\x00-\x7F]"


@dataclass(frozen=True)
class LossOfText:
    """Texts that a transport file cannot hold as they are."""

    dataset: str
    variable: str
    escaped: int
    cut: int


def write_transport(fitted: FittedDataset, path: Path) -> list[LossOfText]:
    """Write the file, and return which texts are not in it as they are.

    A letter outside ASCII is written as its escape, since the format does not say its encoding. A text of
    more than 200 bytes is cut.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    import pyreadstat

    texts = [one.name for one in fitted.variables if one.type == "text"]
    escaped = fitted.frame.with_columns(_escape(fitted.frame[name]) for name in texts)
    short = escaped.with_columns(_cut(name) for name in texts)
    label_of: dict[str, str | None] = {one.name: one.label for one in fitted.variables}
    pyreadstat.write_xport(
        short.with_columns(pl.col(pl.Int64).cast(pl.Float64)),  # type: ignore[arg-type]
        path,
        file_label=fitted.label,
        column_labels=label_of,
        table_name=fitted.name,
        file_format_version=5,
        variable_format={one.name: _FORMATS[one.type] for one in fitted.variables if one.type in _FORMATS},
    )
    lost = [
        LossOfText(
            fitted.name,
            name,
            int(fitted.frame[name].str.contains(_OUTSIDE_ASCII).sum()),
            int((escaped[name].str.len_bytes() > MOST_BYTES).sum()),
        )
        for name in texts
    ]
    return [one for one in lost if one.escaped or one.cut]


def _escape(texts: pl.Series) -> pl.Series:
    if not texts.str.contains(_OUTSIDE_ASCII).any():
        return texts
    distinct = texts.drop_nulls().unique().to_list()
    plain = {text: text.encode("ascii", "backslashreplace").decode("ascii") for text in distinct}
    return texts.replace(plain)


def _cut(name: str) -> pl.Expr:
    is_long = pl.col(name).str.len_bytes() > MOST_BYTES
    begin = pl.col(name).str.slice(0, MOST_BYTES - len(_CUT))
    return pl.when(is_long).then(begin + _CUT).otherwise(pl.col(name)).alias(name)
