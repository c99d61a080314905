"""P values adjusted for how many of them there are."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from cytopenia.errors import DataError, suggest_name

__all__ = ["ADJUSTMENTS", "adjust_benjamini_hochberg", "adjust_holm", "adjust_p_values"]

ADJUSTMENTS = ("holm", "benjamini_hochberg")


def adjust_holm(p_values: Iterable[float | None]) -> list[float | None]:
    """Return P adjusted by Holm, in the same order; None stays None and is not counted as a test.

    Same as `p.adjust(p, "holm")` of R.

    Raises
    ------
    DataError
        A P is not between 0 and 1.

    References
    ----------
    Holm, Scandinavian Journal of Statistics 1979;6:65-70.

    Examples
    --------
    >>> adjust_holm([0.01, None, 0.04, 0.03])
    [0.03, None, 0.06, 0.06]
    """
    adjusted = _require_probabilities(p_values)
    known = sorted((p, place) for place, p in enumerate(adjusted) if p is not None)
    largest = 0.0
    for rank, (p, place) in enumerate(known):
        largest = max(largest, min(1.0, p * (len(known) - rank)))
        adjusted[place] = largest
    return adjusted


def adjust_benjamini_hochberg(p_values: Iterable[float | None]) -> list[float | None]:
    """Return P adjusted by Benjamini and Hochberg, in the same order; None stays None and is no test.

    A factor whose adjusted P is at most q belongs to a list in which a share of q is expected to be false.
    Same as `p.adjust(p, "BH")` of R. It holds for tests that are independent or positively dependent.

    Raises
    ------
    DataError
        A P is not between 0 and 1.

    References
    ----------
    Benjamini and Hochberg, Journal of the Royal Statistical Society B 1995;57:289-300.
    DOI 10.1111/j.2517-6161.1995.tb02031.x.

    Examples
    --------
    >>> adjust_benjamini_hochberg([0.01, None, 0.04, 0.03])
    [0.03, None, 0.04, 0.04]
    """
    adjusted = _require_probabilities(p_values)
    places = [place for place, p in enumerate(adjusted) if p is not None]
    if places:
        from scipy.stats import false_discovery_control

        controlled = false_discovery_control([adjusted[place] for place in places], method="bh")
        for place, p in zip(places, controlled.tolist(), strict=True):
            adjusted[place] = p
    return adjusted


def adjust_p_values(p_values: Iterable[float | None], *, method: str) -> list[float | None]:
    """Return P adjusted by the named method, "holm" or "benjamini_hochberg".

    Raises
    ------
    DataError
        An unknown method, or a P that is not between 0 and 1.

    Examples
    --------
    >>> (
    ...     adjust_p_values([0.02, 0.03], method="holm"),
    ...     adjust_p_values([0.02, 0.03], method="benjamini_hochberg"),
    ... )
    ([0.04, 0.04], [0.03, 0.03])
    """
    _require_one_of(method, ADJUSTMENTS)
    return adjust_holm(p_values) if method == "holm" else adjust_benjamini_hochberg(p_values)


def _require_one_of(method: str, allowed: Sequence[str]) -> None:
    if method not in allowed:
        raise DataError(
            f"method: unknown '{method}'{suggest_name(method, allowed)}; allowed: {', '.join(allowed)}"
        )


def _require_probabilities(p_values: Iterable[float | None]) -> list[float | None]:
    """The values in their order, NaN as None."""
    found = [None if p is None or math.isnan(p) else float(p) for p in p_values]
    known = [p for p in found if p is not None]
    wrong = sum(not 0 <= p <= 1 for p in known)
    if wrong:
        raise DataError(f"p_values: {wrong} of {len(known)} are not between 0 and 1")
    return found
