"""Words of what a model says beyond one coefficient: steps of a number, curves, whole factors, trends."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cytopenia.report.display import format_number, format_p
from cytopenia.report.lookup import ResultLookup

__all__ = ["JOINT_TESTS", "PER_UNIT", "TREND", "describe_curve", "describe_step", "split_step"]

PER_UNIT = "per unit"
# The level under which a table asks for the trend over the others.
TREND = "\N{RIGHTWARDS ARROW} trend"
STEP = re.compile(r" \((per [^()]+|[^()]+ versus [^()]+)\)$")
JOINT_TESTS = {
    "likelihood_ratio": "likelihood ratio test",
    "penalized_likelihood_ratio": "penalized likelihood ratio test",
}


def split_step(text: str) -> tuple[str, str]:
    """Return the title of a factor, and what its odds ratio is for.

    Examples
    --------
    >>> split_step("Ferritin, µg/L (per doubling)"), split_step("Sex")
    (('Ferritin, µg/L', 'per doubling'), ('Sex', ''))
    """
    found = STEP.search(text)
    return (text, "") if found is None else (text[: found.start()], found.group(1))


def describe_step(step: str) -> str:
    """Return the footnote of an odds ratio that is not one per unit.

    Examples
    --------
    >>> describe_step("per doubling"), describe_step("900 versus 300"), describe_step("per unit")
    ('Odds ratio per doubling', 'Odds ratio of 900 versus 300', '')
    """
    if step in {"", PER_UNIT}:
        return ""
    return f"Odds ratio {step}" if step.startswith("per ") else f"Odds ratio of {step}"


def describe_curve(lookup: ResultLookup, factor: str) -> str:
    """Return the knots of a curve with the P of the whole and of its bend; empty where there is none."""
    knots = list(_list_knots(lookup, factor))
    if not knots:
        return ""
    text = f"restricted cubic spline with knots at {', '.join(knots)}"
    for name, words in (("p_overall", "P of the whole curve"), ("p_nonlinear", "P for nonlinearity")):
        found = lookup.get(factor, name)
        if found is not None and found.value is not None:
            text += f"; {words} {format_p(found.value)} ({JOINT_TESTS.get(found.text, found.text)})"
    return text


def _list_knots(lookup: ResultLookup, factor: str) -> Iterator[str]:
    place = 1
    while (knot := lookup.value(factor, f"knot_{place}")) is not None:
        yield format_number(knot)
        place += 1
