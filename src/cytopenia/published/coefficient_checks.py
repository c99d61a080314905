"""A coefficient, its standard error and Wald's statistic beside the ratio that is made of them."""

from __future__ import annotations

import math

from cytopenia.published.check_model import CONSISTENT, INCONSISTENT, Check
from cytopenia.published.ratio_checks import PrintedTriangle
from cytopenia.published.ratio_triangle import Range, find_p, find_quantile, show_range, widen, widen_p

__all__ = ["check_coefficient"]


def check_coefficient(
    claim: str,
    printed: PrintedTriangle,
    *,
    coefficient: str | None,
    standard_error: str | None,
    wald_statistic: str | None,
) -> list[Check]:
    """Return whether coefficient, standard error, Wald's statistic, ratio, limits and P belong together.

    Examples
    --------
    >>> printed = PrintedTriangle("11.0", "3.13", "38.66", "<0.001")
    >>> found = check_coefficient(
    ...     "anc", printed, coefficient="2.398", standard_error="0.641", wald_statistic="13.98"
    ... )
    >>> [check.verdict for check in found]
    ['consistent', 'consistent', 'consistent', 'consistent']
    """
    b = None if coefficient is None else widen(coefficient)
    error = None if standard_error is None else _clip(widen(standard_error))
    checks: list[Check] = []
    if b is not None and printed.estimate is not None:
        made = _raise(b)
        checks.append(
            _judge(
                (claim, "ratio of its coefficient"),
                f"e to the power of {coefficient}",
                made,
                printed.estimate,
            )
        )
    if b is not None and error is not None:
        checks += _check_wald(claim, printed, b, error, wald_statistic)
    elif wald_statistic is not None and printed.p is not None:
        root = [math.sqrt(max(end, 0.0)) for end in widen(wald_statistic)]
        made = Range(find_p(root[1]), find_p(root[0]))
        checks.append(
            _judge((claim, "P of Wald's statistic"), f"statistic {wald_statistic}", made, printed.p)
        )
    return checks


def _check_wald(
    claim: str, printed: PrintedTriangle, b: Range, error: Range, wald_statistic: str | None
) -> list[Check]:
    checks: list[Check] = []
    far = max(abs(b.low), abs(b.high))
    near = 0.0 if b.low <= 0 <= b.high else min(abs(b.low), abs(b.high))
    z = Range(near / error.high if error.high else 0.0, far / error.low if error.low else math.inf)
    if wald_statistic is not None:
        made = Range(z.low**2, z.high**2)
        name = (claim, "Wald's statistic of its coefficient")
        # R prints the quotient, SPSS its square.
        is_quotient = widen(wald_statistic).meets(z) or widen(wald_statistic).meets(Range(-z.high, -z.low))
        found = z if is_quotient else made
        shown = Range(-z.high, -z.low) if is_quotient and wald_statistic.startswith("-") else found
        checks.append(_judge(name, "coefficient over standard error", shown, wald_statistic))
    if printed.limits is not None:
        quantile = find_quantile(1 - float(printed.confidence) / 100)
        low = _raise(Range(b.low - quantile * error.high, b.high - quantile * error.low))
        high = _raise(Range(b.low + quantile * error.low, b.high + quantile * error.high))
        fits = _clip(widen(printed.limits[0])).meets(low) and _clip(widen(printed.limits[1])).meets(high)
        words = f"{show_range(low)} and {show_range(high)}; printed {' to '.join(printed.limits)}"
        checks.append(_say((claim, "interval of its coefficient"), words, fits=fits))
    if printed.p is not None:
        made = Range(find_p(z.high) if math.isfinite(z.high) else 0.0, find_p(z.low))
        checks.append(_judge((claim, "P of its coefficient"), "by Wald", made, printed.p))
    return checks


def _judge(name: tuple[str, str], how: str, made: Range, printed: str) -> Check:
    given = widen_p(printed) if name[1].startswith("P ") else widen(printed)
    return _say(name, f"{how}: {show_range(made)}; printed {printed}", fits=given.meets(made))


def _say(name: tuple[str, str], words: str, *, fits: bool) -> Check:
    return Check(*name, CONSISTENT if fits else INCONSISTENT, words, "" if fits else "major")


def _raise(found: Range) -> Range:
    return Range(*(math.exp(min(end, 700.0)) for end in found))


def _clip(found: Range) -> Range:
    return Range(max(found.low, 0.0), max(found.high, 0.0))
