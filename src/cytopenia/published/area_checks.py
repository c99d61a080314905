"""The area under a ROC curve: its interval, and what sensitivity and specificity of one cut leave for it."""

from __future__ import annotations

from collections.abc import Iterable

from cytopenia.published.check_model import CONSISTENT, INCONSISTENT, Check
from cytopenia.published.printed_bounds import bound_number, can_be_at_most
from cytopenia.published.ratio_triangle import Range

__all__ = ["check_area", "check_area_of_cut", "has_percents", "read_share"]

_SLACK = 1e-9


def read_share(text: str, *, is_percent: bool = False) -> Range:
    """Return the shares that print so.

    Examples
    --------
    >>> [round(end, 6) for end in (*read_share("84.6", is_percent=True), *read_share("0.85"))]
    [0.8455, 0.847, 0.845, 0.86]
    """
    bounds = [bound_number(text, "rounded"), bound_number(text, "truncated")]
    low, high = float(min(bound.low for bound in bounds)), float(max(bound.high for bound in bounds))
    by = 100.0 if is_percent else 1.0
    return Range(max(low / by, 0.0), min(high / by, 1.0))


def check_area(claim: str, *, area: str, limits: tuple[str, str] | None) -> list[Check]:
    """Return whether an area lies between 0 and 1 and inside its interval.

    Examples
    --------
    >>> [check.verdict for check in check_area("anc", area="0.781", limits=("0.652", "0.910"))]
    ['consistent', 'consistent']
    """
    bound = bound_number(area)
    name = "area between 0 and 1"
    if bound.low > 1 or bound.high < 0:
        return [Check(claim, name, INCONSISTENT, f"{area} is no area", "major")]
    checks = [Check(claim, name, CONSISTENT, area)]
    if limits is None:
        return checks
    name = "area inside its interval"
    made = f"{area} in {limits[0]} to {limits[1]}"
    if not can_be_at_most(*limits):
        return [*checks, Check(claim, name, INCONSISTENT, f"{made}: the lower limit is the larger", "major")]
    if not (can_be_at_most(limits[0], area) and can_be_at_most(area, limits[1])):
        return [*checks, Check(claim, name, INCONSISTENT, f"{made}: it lies outside", "major")]
    return [*checks, Check(claim, name, CONSISTENT, made)]


def check_area_of_cut(
    claim: str, *, area: str, sensitivity: str, specificity: str, is_best_cut: bool = False
) -> Check:
    """Return whether a curve through one point can have a printed area.

    A ROC curve rises from (0, 0) through the point (1 - specificity, sensitivity) to (1, 1): its area is at
    least sensitivity times specificity and at most 1 less the product of what they lack to 1. If the point
    has the highest Youden index J, the curve stays below the line that is J above the diagonal, and the area
    at most 1/2 + J - J^2/2.

    Examples
    --------
    >>> found = check_area_of_cut(
    ...     "anc", area="0.95", sensitivity="66.7", specificity="84.6", is_best_cut=True
    ... )
    >>> found.verdict, found.arithmetic
    ('inconsistent', 'sensitivity 66.7, specificity 84.6: area 0.5635 to 0.8824; printed 0.95')
    """
    name = "area that a curve through the cut can have"
    is_percent = has_percents([sensitivity, specificity])
    sensitive, specific = (read_share(text, is_percent=is_percent) for text in (sensitivity, specificity))
    low = sensitive.low * specific.low
    high = 1 - (1 - sensitive.high) * (1 - specific.high)
    youden = sensitive.high + specific.high - 1
    if is_best_cut and youden > 0:
        high = min(high, 0.5 + youden - youden**2 / 2)
    made = (
        f"sensitivity {sensitivity}, specificity {specificity}: area {low:.4g} to {high:.4g}; printed {area}"
    )
    given = read_share(area)
    if given.high < low - _SLACK or given.low > high + _SLACK:
        return Check(claim, name, INCONSISTENT, made, "major")
    return Check(claim, name, CONSISTENT, made)


def has_percents(shares: Iterable[str]) -> bool:
    """Return whether shares that are printed together are percentages: one of them is above 1.

    Examples
    --------
    >>> has_percents(["100.0", "0.6"]), has_percents(["1.00", "0.6"])
    (True, False)
    """
    return any(float(text) > 1 for text in shares)
