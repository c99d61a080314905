"""Results of one analysis, found by the names they go by."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from cytopenia.report.display import Counted
from cytopenia.report.number_sources import FIRST_ROW, note_row

__all__ = ["Estimate", "ResultLookup", "list_notes", "select_results"]

Key = tuple[str, str, str, str, str]


@dataclass(frozen=True)
class Estimate:
    """One number of the result table; `value` is None where `status` is not "ok".

    `low` and `high` are its confidence limits, `n` the patients behind it, `source` its row in the table.
    """

    value: float | None
    text: str
    status: str
    note: str
    low: float | None = None
    high: float | None = None
    n: int | None = None
    source: int = 0


@dataclass(frozen=True)
class ResultLookup:
    """Numbers of one analysis and group by (stratum, variable, level, scenario, estimate)."""

    estimates: Mapping[Key, Estimate]

    @property
    def strata(self) -> list[str]:
        """Strata in the order of the results."""
        return list(dict.fromkeys(key[0] for key in self.estimates))

    @property
    def variables(self) -> list[str]:
        """Variables in the order of the results."""
        return list(dict.fromkeys(key[1] for key in self.estimates))

    def levels(self, variable: str) -> list[str]:
        """Return the levels of a variable in the order of the results; the empty level is not one."""
        return list(dict.fromkeys(key[2] for key in self.estimates if key[1] == variable and key[2]))

    @property
    def all_levels(self) -> list[str]:
        """Levels of all variables in the order of the results, each once."""
        return list(dict.fromkeys(key[2] for key in self.estimates if key[2]))

    def names(self, variable: str) -> set[str]:
        """Return the names of all estimates of a variable."""
        return {key[4] for key in self.estimates if key[1] == variable}

    def title(self, variable: str) -> str:
        """Return the display title that travels with the number of observations, else the variable."""
        texts = (
            found.text
            for key, found in self.estimates.items()
            if key[1] == variable and key[4] in {"n", "denominator"} and found.text
        )
        return next(texts, variable)

    def get(
        self, variable: str, estimate: str, *, level: str = "", scenario: str = "policy", stratum: str = ""
    ) -> Estimate | None:
        """Return one number; "policy" also finds a number that has no scenario."""
        found = self.estimates.get((stratum, variable, level, scenario, estimate))
        if found is None and scenario == "policy":
            found = self.estimates.get((stratum, variable, level, "", estimate))
        if found is not None:
            note_row(found.source)
        return found

    def value(
        self, variable: str, estimate: str, *, level: str = "", scenario: str = "policy", stratum: str = ""
    ) -> float | None:
        """Return the value of one number, None where it is absent or not estimable."""
        found = self.get(variable, estimate, level=level, scenario=scenario, stratum=stratum)
        return None if found is None else found.value

    def counted(
        self, variable: str, *, level: str = "", scenario: str = "policy", stratum: str = ""
    ) -> Counted | None:
        """Return a count with denominator and percent, None where there is no count."""
        parts = (
            self.value(variable, name, level=level, scenario=scenario, stratum=stratum)
            for name in ("count", "denominator", "percent")
        )
        count, denominator, percent = parts
        return None if count is None else Counted(count, denominator, percent)

    def count_unjudged(self, variable: str, *, level: str, unjudged: str, stratum: str = "") -> float:
        """Return how many could not be judged for a level, else for the variable as a whole."""
        own = self.value(variable, "not_judged", level=level, stratum=stratum)
        return own if own is not None else self.value(variable, "count", level=unjudged, stratum=stratum) or 0

    def leaves_open(self, variable: str, *, level: str, unjudged: str, stratum: str = "") -> bool:
        """Return whether some patients could not be judged and this count depends on what they had.

        `unjudged` is the level that counts them. Where best and worst case give the same count, everybody
        is known to have it or not, although some may lack an exact grade.
        """
        if level == unjudged or not self.count_unjudged(
            variable, level=level, unjudged=unjudged, stratum=stratum
        ):
            return False
        counts = {
            self.value(variable, "count", level=level, scenario=scenario, stratum=stratum)
            for scenario in ("policy", "best", "worst")
        }
        return len(counts) > 1 or None in counts


def select_results(results: pl.DataFrame, analysis_id: str, *, group: str = "") -> ResultLookup:
    """Return the numbers of one analysis and group, in the order of the result table."""
    found = _part_results(results).get((analysis_id, group))
    return NOTHING if found is None else found


NOTHING = ResultLookup({})


class _LastParts:
    """The result table that was asked for last, in parts: a report asks some thousand times for one table."""

    def __init__(self) -> None:
        self.known: tuple[weakref.ref[pl.DataFrame], Mapping[tuple[str, str], ResultLookup]] | None = None


_LAST = _LastParts()


def _part_results(results: pl.DataFrame) -> Mapping[tuple[str, str], ResultLookup]:
    """Return the numbers by analysis and group."""
    known = _LAST.known
    if known is None or known[0]() is not results:
        known = weakref.ref(results), _read_parts(results)
        _LAST.known = known
    return known[1]


def _read_parts(results: pl.DataFrame) -> dict[tuple[str, str], ResultLookup]:
    names = ("stratum", "variable", "variable_level", "scenario", "estimate")
    rows = results.with_row_index("source", FIRST_ROW).select(
        pl.col("analysis_id", "group", *names).fill_null(""),
        "value",
        pl.col("text", "status", "note").fill_null(""),
        "low",
        "high",
        "n",
        "source",
    )
    parts: dict[tuple[str, str], dict[Key, Estimate]] = {}
    for row in rows.iter_rows():
        parts.setdefault(row[:2], {})[row[2:7]] = Estimate(*row[7:])
    return {part: ResultLookup(estimates) for part, estimates in parts.items()}


def list_notes(results: pl.DataFrame, analysis_id: str, *, group: str, level: str | None = None) -> list[str]:
    """Return what the rows of one analysis and group note, in their order, each once.

    A row is found whatever its `level`, which a lookup does not hold: an analysis has a gate for each kind of
    model. With `level` only the rows of this one count.
    """
    chosen = results.filter(pl.col("analysis_id") == analysis_id, pl.col("group").fill_null("") == group)
    if level is not None:
        chosen = chosen.filter(pl.col("level").fill_null("") == level)
    return [note for note in chosen["note"].unique(maintain_order=True).drop_nulls().to_list() if note]
