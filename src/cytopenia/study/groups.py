"""An outcome as two groups of patients, and each factor described and tested between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import assert_never

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.results import ResultRow
from cytopenia.stats.compare import Comparison, assess_normality, compare_counts, compare_distributions
from cytopenia.stats.describe import describe_numbers, estimate_proportion
from cytopenia.stats.means import compare_means
from cytopenia.stats.trend import compare_ordered_counts
from cytopenia.study.analysis_forms import (
    Crosstab,
    Event,
    ExternalValidation,
    Missingness,
    NamedTest,
    Prediction,
    RiskFactors,
    Roc,
)
from cytopenia.study.factors import FactorColumn

__all__ = [
    "EVENT",
    "KNOWN_AFTER",
    "NAMED",
    "NO_EVENT",
    "SCENARIOS",
    "TOTAL",
    "Sides",
    "compare_factor",
    "count_cells",
    "derive_sides",
    "describe_members",
    "report_comparison",
    "split_numbers",
    "split_sides",
    "summarize_group",
    "summarize_normality",
    "summarize_sides",
]

Mask = NDArray[np.bool_]
KNOWN_AFTER = "known only after infusion"
NAMED = "named in the protocol"
SCENARIOS = ("policy", "best", "worst")
EVENT, NO_EVENT, TOTAL = "event", "no event", "total"
_EVENT_NAMES = {
    "yes": ("Yes", "No"),
    "no": ("No", "Yes"),
    "recovered": ("Recovered", "Not recovered"),
    "not_recovered": ("Not recovered", "Recovered"),
}
_DIED = "died before landmark"


@dataclass(frozen=True)
class Sides:
    """Who had the event and who had not, in the order of the courses.

    Attributes
    ----------
    names : (str, str)
        Printed name of the event and of its absence.
    event : mapping of scenario to array of float
        1 event, 0 no event, NaN in no group; by the policy, and in the best and the worst case.
    left_out : mapping of str to int
        Why patients are in no group by the policy, with their number.
    """

    names: tuple[str, str]
    event: Mapping[str, NDArray[np.float64]]
    left_out: Mapping[str, int]

    @property
    def policy(self) -> NDArray[np.float64]:
        """The groups of the headline."""
        return self.event["policy"]

    @property
    def smaller_group(self) -> int:
        """The number that limits every model: events or non-events, whichever are fewer."""
        return int(min((self.policy == 1).sum(), (self.policy == 0).sum()))

    def strata(self, scenario: str = "policy") -> dict[str, Mask]:
        """Event, no event, and both together."""
        event = self.event[scenario]
        return {EVENT: event == 1, NO_EVENT: event == 0, TOTAL: ~np.isnan(event)}


def derive_sides(
    analysis: RiskFactors | Roc | Crosstab | Missingness | Prediction | ExternalValidation,
    frame: pl.DataFrame,
    *,
    died_before_landmark: str | None = None,
) -> Sides:
    """Return the two sides of an outcome.

    Parameters
    ----------
    analysis : RiskFactors, Roc, Crosstab, Prediction, or Missingness with an event
        Which side is the event.
    frame : DataFrame
        Rows of the outcomes table of that outcome, in the order of the courses: 1 is yes, and of a recovery
        not recovered.
    died_before_landmark : str, optional
        Of a recovery: with "not_recovered" early deaths join those who did not recover, else they are in no
        group.
    """
    return split_sides(analysis.event or "yes", frame, died_before_landmark=died_before_landmark)


def split_sides(event: Event, frame: pl.DataFrame, *, died_before_landmark: str | None = None) -> Sides:
    """Return the two sides of an outcome whose event is named; the rest as `derive_sides`."""
    died = (frame["label"] == _DIED).fill_null(value=False).to_numpy()
    is_other_side = event in ("no", "recovered")
    sides: dict[str, NDArray[np.float64]] = {}
    for scenario in SCENARIOS:
        values = np.where(died, np.nan, frame[scenario].cast(pl.Float64).to_numpy())
        if died_before_landmark == "not_recovered":
            values = np.where(died, 1.0, values)
        sides[scenario] = 1.0 - values if is_other_side else values
    is_out = np.isnan(sides["policy"])
    left_out = {_DIED: int((is_out & died).sum()), "not judged": int((is_out & ~died).sum())}
    return Sides(_EVENT_NAMES[event], sides, {why: count for why, count in left_out.items() if count})


def summarize_sides(analysis_id: str, sides: Sides) -> Iterator[ResultRow]:
    """Size of each group with its bounds, and who is in no group."""
    key = ResultRow(analysis_id=analysis_id, group="groups", variable="patients", estimate="count")
    names = {EVENT: sides.names[0], NO_EVENT: sides.names[1], TOTAL: "All"}
    for stratum, text in names.items():
        for scenario in SCENARIOS:
            count = int(sides.strata(scenario)[stratum].sum())
            shown = text if scenario == "policy" else ""
            yield replace(key, stratum=stratum, scenario=scenario, value=count, text=shown)
    for why, count in sides.left_out.items():
        yield replace(key, stratum=why, scenario="policy", value=count, text=f"In no group: {why}")


def summarize_group(analysis_id: str, factor: FactorColumn, sides: Sides) -> Iterator[ResultRow]:
    """One factor in each group: median and range, or the count of each level."""
    key = ResultRow(
        analysis_id=analysis_id,
        group="groups",
        variable=factor.name,
        estimate="",
        note=KNOWN_AFTER if factor.is_known_after_infusion else "",
    )
    for stratum, members in sides.strata().items():
        yield from describe_members(replace(key, stratum=stratum), factor, members)
    if not factor.is_number:
        yield from _bound_levels(replace(key, note=""), factor, sides)


def describe_members(key: ResultRow, factor: FactorColumn, members: Mask) -> Iterator[ResultRow]:
    """One factor among some patients: median and range, or the count of each level."""
    describe = _describe if factor.is_number else _count_levels
    yield from describe(key, factor, members)


def _describe(key: ResultRow, factor: FactorColumn, members: Mask) -> Iterator[ResultRow]:
    summary = describe_numbers(factor.values.cast(pl.Float64).to_numpy()[members])
    yield replace(key, estimate="n", value=summary.n, text=factor.title)
    yield replace(key, estimate="missing", value=summary.missing, note="")
    why = "" if summary.n else "no value"
    for name in ("median", "minimum", "maximum", "q1", "q3"):
        status = "ok" if summary.n else "not_estimable"
        value = getattr(summary, name)
        yield replace(key, estimate=name, value=value, n=summary.n, status=status, note=why)


def _count_levels(key: ResultRow, factor: FactorColumn, members: Mask) -> Iterator[ResultRow]:
    values = factor.values.cast(pl.String).to_numpy()[members]
    known = int(sum(value is not None for value in values))
    yield replace(key, estimate="denominator", value=known, text=factor.title)
    yield replace(key, estimate="missing", value=len(values) - known, note="")
    for level in factor.list_levels():
        found = replace(key, variable_level=level, scenario="policy", note="")
        proportion = estimate_proportion(int((values == level).sum()), known)
        yield replace(found, estimate="count", value=proportion.count, n=known)
        yield replace(found, estimate="denominator", value=known, n=known)
        status = "ok" if known else "not_estimable"
        why = "" if known else "nobody with a known value"
        yield replace(found, estimate="percent", value=proportion.percent, n=known, status=status, note=why)


def _bound_levels(key: ResultRow, factor: FactorColumn, sides: Sides) -> Iterator[ResultRow]:
    values = factor.values.cast(pl.String).to_numpy()
    for scenario in ("best", "worst"):
        for stratum in (EVENT, NO_EVENT):
            members = sides.strata(scenario)[stratum]
            for level in factor.list_levels():
                count = int((values[members] == level).sum())
                yield replace(
                    key,
                    stratum=stratum,
                    variable_level=level,
                    scenario=scenario,
                    estimate="count",
                    value=count,
                )


def compare_factor(
    factor: FactorColumn, sides: Sides, *, parity: str, seed: int, test: NamedTest | None = None
) -> Comparison:
    """Return the test of a factor between the groups.

    By the rule: Mann-Whitney for numbers, and for levels chi-squared, or Fisher's exact test if an expected
    count is below 5. A test that the protocol names takes its place, whatever the data, and its note says so.
    """
    if test is None:
        if factor.is_number:
            return compare_distributions(*split_numbers(factor, sides), parity=parity)
        return compare_counts(count_cells(factor, sides), parity=parity, seed=seed)
    match test:
        case "mann_whitney":
            found = compare_distributions(*split_numbers(factor, sides), parity=parity)
        case "welch_t":
            found = compare_means(*split_numbers(factor, sides))
        case "trend":
            found = compare_ordered_counts(count_cells(factor, sides))
        case "chi_squared" | "fisher_exact" | "fisher_mid_p":
            found = compare_counts(count_cells(factor, sides), parity=parity, method=test, seed=seed)
        case _:
            assert_never(test)
    return replace(found, note="; ".join(filter(None, [found.note, NAMED])))


def split_numbers(factor: FactorColumn, sides: Sides) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the numbers of a factor with and without the event, as tests take them; NaN where unknown."""
    numbers, strata = factor.numbers.to_numpy(), sides.strata()
    return numbers[strata[EVENT]], numbers[strata[NO_EVENT]]


def count_cells(factor: FactorColumn, sides: Sides, *, levels: list[str] | None = None) -> NDArray[np.int64]:
    """Return patients by level (rows) and event, no event (columns)."""
    values = factor.values.cast(pl.String).to_numpy()
    strata = sides.strata()
    return np.array(
        [
            [int((values[strata[stratum]] == level).sum()) for stratum in (EVENT, NO_EVENT)]
            for level in (factor.list_levels() if levels is None else levels)
        ],
        dtype=np.int64,
    ).reshape(-1, 2)


def report_comparison(key: ResultRow, found: Comparison) -> Iterator[ResultRow]:
    """The P value of a test with its name, and its statistic."""
    named = replace(key, n=found.n, status=found.status, note=found.note)
    yield replace(
        named, estimate="p_value", value=found.p_value, low=found.low, high=found.high, text=found.method
    )
    if found.statistic is not None:
        yield replace(named, estimate="statistic", value=found.statistic, text=found.method, note="")


def summarize_normality(
    analysis_id: str, factor: FactorColumn, sides: Sides, *, method: str
) -> Iterator[ResultRow]:
    """The test of normality that the protocol asks for, among all patients of the groups."""
    if not factor.is_number:
        return
    found = assess_normality(factor.numbers.to_numpy()[sides.strata()[TOTAL]], method=method)
    yield ResultRow(
        analysis_id=analysis_id,
        group="normality",
        variable=factor.name,
        estimate="p_value",
        value=found.p_value,
        text=found.method,
        n=found.n,
        status=found.status,
        note=found.note,
    )
