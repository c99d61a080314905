"""A published number, the careful one beside it, and whether the conclusion changes, as result rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from cytopenia.results import ResultRow

__all__ = [
    "CAREFUL",
    "PUBLISHED",
    "Effect",
    "compare_conclusions",
    "compare_p_values",
    "refuse_panel",
    "report_effects",
    "report_numbers",
]

PUBLISHED, CAREFUL = "published", "careful"
NOT_ESTIMABLE = "not_estimable"
NO_CHANGE_TOLD = "the two sides cannot be compared"


@dataclass(frozen=True)
class Effect:
    """One number with its interval, or why there is none.

    `note` is the reason or what a reader must know, `text` what the number is for.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    text: str = ""
    status: str = "ok"
    note: str = ""

    @property
    def side(self) -> int | None:
        """The side of 1 on which the whole interval lies: 1 above, -1 below, 0 neither; None without one.

        An interval that ends at 1 has 1 in it. A limit that does not exist is infinitely far.
        """
        if self.value is None or self.status != "ok" or (self.low is None and self.high is None):
            return None
        if self.low is not None and self.low > 1:
            return 1
        return -1 if self.high is not None and self.high < 1 else 0

    def invert(self) -> Effect:
        """Return the odds ratio of the opposite step.

        Examples
        --------
        >>> Effect(4.0, 2.0, 8.0).invert()
        Effect(value=0.25, low=0.125, high=0.5, n=None, text='', status='ok', note='')
        """
        turned = [None if one is None else 1 / one for one in (self.value, self.high, self.low)]
        return replace(self, value=turned[0], low=turned[1], high=turned[2])


def compare_conclusions(published: Effect, careful: Effect) -> str:
    """Return what becomes of a conclusion, by the side of 1 that each 95% interval excludes.

    Returns
    -------
    str
        "same": both exclude 1 on the same side, or neither does. "weaker": only the published one excludes
        1. "stronger": only the careful one does. "reversed": both do, on opposite sides. "not_estimable":
        one of them has no interval.

    Examples
    --------
    >>> compare_conclusions(Effect(3.0, 1.1, 9.0), Effect(2.0, 0.9, 4.5))
    'weaker'
    """
    before, after = published.side, careful.side
    if before is None or after is None:
        return NOT_ESTIMABLE
    if before == after:
        return "same"
    if after == 0:
        return "weaker"
    return "stronger" if before == 0 else "reversed"


def compare_p_values(published: float | None, careful: float | None, *, limit: float) -> str:
    """Return what becomes of a conclusion that rests on P below a limit, in the words of the intervals.

    Examples
    --------
    >>> compare_p_values(0.02, 0.05, limit=0.05), compare_p_values(0.02, None, limit=0.05)
    ('weaker', 'not_estimable')
    """
    if published is None or careful is None:
        return NOT_ESTIMABLE
    before, after = published < limit, careful < limit
    if before == after:
        return "same"
    return "weaker" if before else "stronger"


def report_effects(key: ResultRow, published: Effect, careful: Effect) -> Iterator[ResultRow]:
    """Two odds ratios, and whether the conclusion changes. `key` has everything but side and number."""
    verdict = compare_conclusions(published, careful)
    yield from report_numbers(replace(key, estimate="odds_ratio"), published, careful, verdict=verdict)


def report_numbers(
    key: ResultRow, published: Effect, careful: Effect, *, verdict: str = ""
) -> Iterator[ResultRow]:
    """Two numbers of one estimate, and the verdict if there is one.

    `key` has everything but the side.
    """
    for side, one in ((PUBLISHED, published), (CAREFUL, careful)):
        yield replace(
            key,
            stratum=side,
            value=one.value,
            low=one.low,
            high=one.high,
            n=one.n,
            text=one.text,
            status=one.status,
            note=one.note,
        )
    if verdict:
        is_told = verdict != NOT_ESTIMABLE
        yield replace(
            key,
            estimate=f"change_of_{key.estimate}",
            text=verdict,
            status="ok" if is_told else NOT_ESTIMABLE,
            note="" if is_told else NO_CHANGE_TOLD,
        )


def refuse_panel(key: ResultRow, why: str) -> ResultRow:
    """Return the row of a panel, or of a part of it, that was not done."""
    return replace(key, variable="panel", estimate="conclusion", status="not_done", note=why)
