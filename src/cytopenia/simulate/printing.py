"""How a laboratory prints a value: its unit, its decimals, "<0.1" below and ">5000" above what it reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.simulate.parameters import COUNTS, MARKERS, Parameters
from cytopenia.units import convert_value

__all__ = ["ANALYTES", "Printer"]

ANALYTES = (*COUNTS, *MARKERS)
# The first two texts of an analyte are the ones beyond its reporting limits.
_BELOW, _ABOVE, _VALUES = 0, 1, 2


@dataclass(frozen=True)
class Printer:
    """Every text that any site can print, in one list, and how a value finds its place in it.

    The tables have shape (site, analyte). `unit_size` is one unit in the canonical unit of the analyte.
    """

    texts: pl.Series
    start: NDArray[np.int64]
    unit_size: NDArray[np.float64]
    steps_per_unit: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    lln: NDArray[np.float64]
    uln: NDArray[np.float64]
    units: pl.Series

    @classmethod
    def of_sites(cls, parameters: Parameters) -> Printer:
        """Build the lists of all sites."""
        forms = [[site.analytes[name] for name in ANALYTES] for site in parameters.sites.values()]
        lists = [_list_texts(form.low, form.high, form.decimals) for row in forms for form in row]
        start = np.concatenate([[0], np.cumsum([len(texts) for texts in lists])[:-1]])

        def table(values: Sequence[Sequence[float | None]]) -> NDArray[np.float64]:
            return np.array([[np.nan if value is None else value for value in row] for row in values])

        return cls(
            texts=pl.concat(lists),
            start=start.reshape(len(forms), len(ANALYTES)),
            unit_size=table(
                [
                    [_unit_size(name, form.unit) for name, form in zip(ANALYTES, row, strict=True)]
                    for row in forms
                ]
            ),
            steps_per_unit=table([[10.0**form.decimals for form in row] for row in forms]),
            low=table([[form.low or 0.0 for form in row] for row in forms]),
            high=table([[form.high for form in row] for row in forms]),
            lln=table([[form.lln for form in row] for row in forms]),
            uln=table([[form.uln for form in row] for row in forms]),
            units=pl.Series("unit", [form.unit for row in forms for form in row]),
        )

    def find_texts(
        self, values: NDArray[np.floating], sites: NDArray[np.int64], analytes: NDArray[np.int64]
    ) -> pl.Series:
        """Return what is printed for values in canonical units; one site and one analyte per value."""
        shown = values.astype(np.float64) / self.unit_size[sites, analytes]
        place = _VALUES + np.rint(shown * self.steps_per_unit[sites, analytes]).astype(np.int64)
        place = np.where(shown < self.low[sites, analytes], _BELOW, place)
        place = np.where(shown > self.high[sites, analytes], _ABOVE, place)
        return self.texts.gather(place + self.start[sites, analytes]).alias("value")


@cache
def _list_texts(low: float | None, high: float, decimals: int) -> pl.Series:
    scale = 10.0**decimals
    steps = int(np.rint(high * scale)) + 1
    width = max(decimals, 0)
    values = [f"{step / scale:.{width}f}" for step in range(steps)]
    return pl.Series("value", [f"<{low or 0:.12g}", f">{high:.12g}", *values])


@cache
def _unit_size(analyte: str, unit: str) -> float:
    return convert_value(1.0, unit, analyte=analyte)
