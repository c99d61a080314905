"""Result rows of a curve of times at one time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cytopenia.results import ResultRow
from cytopenia.stats.step_curves import CurvePoint

__all__ = ["list_point"]


def list_point(key: ResultRow, point: CurvePoint, *, estimate: str) -> Iterator[ResultRow]:
    """Yield the value of a curve with its limits, how many are at risk, and the events so far."""
    is_known = point.estimate is not None
    yield replace(
        key,
        estimate=estimate,
        value=point.estimate,
        low=point.low,
        high=point.high,
        status="ok" if is_known else "not_estimable",
        note="" if is_known else "nobody is followed to this day",
    )
    yield replace(key, estimate="at_risk", value=point.at_risk)
    yield replace(key, estimate="events", value=point.events)
