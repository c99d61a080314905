"""The area under a ROC curve: its interval, and what sensitivity and specificity of one cut leave for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cytopenia.published.check_model import CANNOT_BE_CHECKED, CONSISTENT, INCONSISTENT, Check
from cytopenia.published.printed_bounds import bound_number, can_be_at_most
from cytopenia.published.ratio_triangle import (
    Range,
    find_p,
    find_quantile,
    show_range,
    widen,
    widen_p,
)

__all__ = ["check_area", "check_area_of_cut", "has_percents", "read_share"]

_SLACK = 1e-9
_HUNDRED = 100.0
_MOST_AREA = 1.5  # what is larger is a percentage, and not an area above 1
# Of the normal quantile that an interval gives, that of P: a part of one, and how many times.
_LEAST_Z, _MOST_Z = (0.6, 0.3), (0.6, 1.5)


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


def check_area(
    claim: str, *, area: str, limits: tuple[str, str] | None, p: str | None = None, confidence: str = "95"
) -> list[Check]:
    """Return whether an area lies between 0 and 1 and inside its interval, and whether P fits both.

    An area may be printed in percent; P is that of no separation, an area of 0.5.

    Examples
    --------
    >>> [check.verdict for check in check_area("anc", area="0.781", limits=("0.652", "0.910"))]
    ['consistent', 'consistent']
    """
    is_percent = has_percents((area, *(limits or ())))
    given = widen(area)
    name = "area between 0 and 1"
    if given.low > (_HUNDRED if is_percent and float(area) > _MOST_AREA else 1) or given.high < 0:
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
    checks.append(Check(claim, name, CONSISTENT, made))
    if p is not None:
        half = _HUNDRED / 2 if is_percent else 0.5
        checks += _check_area_p(claim, (area, *limits), p, (half, find_quantile(1 - float(confidence) / 100)))
    return checks


def _check_area_p(
    claim: str, texts: tuple[str, str, str], p: str, about: tuple[float, float]
) -> Iterator[Check]:
    """P of an area against its interval, whose standard error is not that without any separation."""
    half, quantile = about
    area, low, high = map(widen, texts)
    width = Range(max(high.low - low.high, 0.0) / 2, (high.high - low.low) / 2)
    if width.low <= 0:
        return
    far = max(abs(area.low - half), abs(area.high - half))
    near = 0.0 if area.low <= half <= area.high else min(abs(area.low - half), abs(area.high - half))
    z = Range(quantile * near / width.high, quantile * far / width.low)
    given = widen_p(p)
    made = Range(find_p(z.high), find_p(z.low))
    words = f"area less {half:g} over its standard error gives P {show_range(made, 2)}; printed {p}"
    name = "P against the interval"
    if given.meets(made):
        yield Check(claim, name, CONSISTENT, words)
        return
    allowed = Range(_LEAST_Z[1] * z.low - _LEAST_Z[0], _MOST_Z[0] + _MOST_Z[1] * z.high)
    if Range(find_quantile(given.high), find_quantile(given.low)).meets(allowed):
        yield Check(claim, name, CANNOT_BE_CHECKED, f"{words}: another standard error may give it")
    else:
        yield Check(claim, name, INCONSISTENT, f"{words}: farther apart than two tests lie", "major")


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
    given = read_share(area, is_percent=has_percents([area]))
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
