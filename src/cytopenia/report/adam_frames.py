"""Data sets of ADaM fitted to their metadata: the variables that are written, in order, with lengths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from cytopenia.adam_metadata import AdamDataset, AdamVariable, Codelist

__all__ = ["MOST_BYTES", "FittedDataset", "fit_dataset"]

# What a transport file of version 5 can hold.
MOST_BYTES = 200
_LABEL_LETTERS = 40
_SYNTHETIC = "SYNTHETIC "
_DTYPES: Mapping[str, Any] = {
    "text": pl.String,
    "integer": pl.Int64,
    "float": pl.Float64,
    "date": pl.Date,
    "datetime": pl.Datetime("us"),
}
_NUMBER_BYTES = 8


@dataclass(frozen=True)
class FittedDataset:
    """One data set as it is written.

    Attributes
    ----------
    dataset : AdamDataset
    variables : tuple of AdamVariable
        Those that are written.
    frame : DataFrame
        Exactly these columns.
    label : str
        It says so where the data are synthetic.
    codelists : mapping of str to Codelist
        Of the variables.
    """

    dataset: AdamDataset
    variables: tuple[AdamVariable, ...]
    frame: pl.DataFrame
    label: str
    codelists: Mapping[str, Codelist]

    @property
    def name(self) -> str:
        """Name of the data set."""
        return self.dataset.name

    def length(self, variable: AdamVariable) -> int:
        """Return the length in bytes: of a text the longest value, at least 1; of a number 8."""
        if variable.type != "text":
            return _NUMBER_BYTES
        longest = self.frame[variable.name].str.len_bytes().max()
        return max(1, int(longest)) if isinstance(longest, int) else 1


def fit_dataset(
    rows: pl.DataFrame, dataset: AdamDataset, codelists: Mapping[str, Codelist], *, synthetic: bool
) -> FittedDataset:
    """Return the data set with the variables that have a value somewhere, and those that are always there.

    Parameters
    ----------
    rows : DataFrame
        A column for each variable.
    dataset : AdamDataset
    codelists : mapping of str to Codelist
        Those of the table; that of PARAMCD is made of the rows.
    synthetic : bool
        Whether the patients are invented.
    """
    kept = tuple(one for one in dataset.variables if one.keep or rows[one.name].null_count() < rows.height)
    frame = rows.select(pl.col(one.name).cast(_DTYPES[one.type]) for one in kept)
    own = {f"{dataset.name}.PARAMCD": _list_parameters(frame)} if "PARAMCD" in frame.columns else {}
    known = {**codelists, **own}
    label = (f"{_SYNTHETIC}{dataset.label}" if synthetic else dataset.label)[:_LABEL_LETTERS]
    named = {one.codelist: known[one.codelist] for one in kept if one.codelist}
    return FittedDataset(dataset, kept, frame, label, named)


def _list_parameters(frame: pl.DataFrame) -> Codelist:
    pairs = frame.select("PARAMCD", "PARAM").unique(maintain_order=True)
    return Codelist("Parameter Code", dict(pairs.iter_rows()))
