"""Which values have which grade under two definitions, found by grading the cuts and what lies between."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, pairwise

import polars as pl

from cytopenia.definition_forms import GradeRule, GradesPart, LimitOfNormal, MultipleOfBaseline
from cytopenia.grading.grades import judge_rows
from cytopenia.units import convert_value, load_analytes, show_unit

__all__ = ["RangeMap", "ValueRange", "map_ranges"]

_LIMIT_ABOVE_CUTS = 2.0


@dataclass(frozen=True)
class ValueRange:
    """An interval of values with its grade under both definitions; None is not judged.

    `low` and `high` are labels such as "0.5" or "LLN"; `high` is None where the range has no end.
    """

    low: str
    high: str | None
    includes_low: bool
    includes_high: bool
    old: int | None
    new: int | None

    @property
    def text(self) -> str:
        """The range in words: "0.1 to <0.5", "LLN or more"."""
        start = self.low if self.includes_low else f">{self.low}"
        if self.high is None:
            return f"{start} or more" if self.includes_low else start
        if self.low == self.high:
            return f"exactly {self.low}"
        if self.low == "0" and self.includes_low:
            return f"up to {self.high}" if self.includes_high else f"<{self.high}"
        return f"{start} to {self.high if self.includes_high else f'<{self.high}'}"

    @property
    def changes(self) -> bool:
        """Whether the grade differs."""
        return self.old != self.new


@dataclass(frozen=True)
class RangeMap:
    """All values of one analyte, from 0 up.

    Attributes
    ----------
    unit : str
        As a reader expects it.
    ranges : with a limit of normal
    without_limit : where the limit of normal is missing; the same where no rule needs one
    limit_above : the fixed cut above which the limit of normal was taken to lie; None where no rule needs one
    leaves_out_baseline : rules relative to the baseline are not in the map
    """

    unit: str
    ranges: tuple[ValueRange, ...]
    without_limit: tuple[ValueRange, ...]
    limit_above: float | None
    leaves_out_baseline: bool


def map_ranges(old: GradesPart, new: GradesPart) -> RangeMap:
    """Return the grades of every value under two terms of one analyte.

    Both definitions grade each cut, one value between every two, one below the lowest and one above the
    highest; neighbors of equal grades are joined. Rules relative to the baseline are left out: they belong
    to a patient, not to a value.

    Parameters
    ----------
    old, new : GradesPart
        Of the same analyte.
    """
    parts = [_keep_rules_of_values(part) for part in (old, new)]
    rules = [(part, rule) for part in parts for rule in part.lab_rules]
    fixed = {
        convert_value(rule.cut, analyte=part.analyte, unit=part.unit)
        for part, rule in rules
        if isinstance(rule.cut, float)
    }
    multiples = {rule.cut.lln for _, rule in rules if isinstance(rule.cut, LimitOfNormal)}
    limit_above = max(fixed, default=1.0) / min(multiples) if multiples else None
    lln = None if limit_above is None else limit_above * _LIMIT_ABOVE_CUTS
    labels = {cut: f"{cut:g}" for cut in fixed}
    relative = {} if lln is None else {lln * times: _name_multiple(times) for times in multiples}
    return RangeMap(
        unit=show_unit(load_analytes()[old.analyte].unit),
        ranges=_join(parts, {**labels, **relative}, lln),
        without_limit=_join(parts, labels, None),
        limit_above=limit_above,
        leaves_out_baseline=old.needs_baseline or new.needs_baseline,
    )


def _keep_rules_of_values(part: GradesPart) -> GradesPart:
    kept = tuple(rule for rule in part.grades if not _is_relative_to_baseline(rule))
    return part.model_copy(update={"grades": kept})


def _is_relative_to_baseline(rule: GradeRule) -> bool:
    return rule.lab_gradable and isinstance(rule.cut, MultipleOfBaseline)


def _name_multiple(times: float) -> str:
    return "LLN" if times == 1 else f"{times:g} × LLN"


def _join(parts: list[GradesPart], labels: dict[float, str], lln: float | None) -> tuple[ValueRange, ...]:
    cuts = sorted({0.0, *labels})
    names = {0.0: "0", **labels}
    between = [(low + high) / 2 for low, high in pairwise(cuts)]
    # Places alternate: a cut, the values between it and the next, the next cut, and at last what lies above.
    values = [value for pair in zip(cuts, [*between, cuts[-1] + 1.0], strict=True) for value in pair]
    grades = list(zip(*(_grade(part, values, lln) for part in parts), strict=True))
    ranges: list[ValueRange] = []
    for (old, new), places in groupby(range(len(values)), key=lambda place: grades[place]):
        first, *_, last = [*(found := list(places)), found[-1]]
        is_last = last == len(values) - 1
        ranges.append(
            ValueRange(
                low=names[cuts[first // 2]],
                high=None if is_last else names[cuts[(last + 1) // 2]],
                includes_low=first % 2 == 0,
                includes_high=not is_last and last % 2 == 0,
                old=old,
                new=new,
            )
        )
    return tuple(ranges)


def _grade(part: GradesPart, values: list[float], lln: float | None) -> list[int | None]:
    rows = pl.DataFrame({"value": values}).with_columns(
        pl.lit("=").alias("comparator"), pl.lit(lln, dtype=pl.Float64).alias("lln")
    )
    return judge_rows(rows, part)["grade"].to_list()
