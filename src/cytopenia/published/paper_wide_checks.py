"""What many claims of a paper say together: how it rounds, and limits that it used and does not print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal

from cytopenia.published.check_model import CONSISTENT, INCONSISTENT, ROUNDING_CONVENTION, Check
from cytopenia.published.claim_forms import CountPercentClaim
from cytopenia.published.claims import Paper
from cytopenia.published.paper_index import PaperIndex
from cytopenia.published.printed_bounds import count_decimals
from cytopenia.published.ratio_triangle import widen
from cytopenia.published.relation_forms import MedianCountRelation

__all__ = ["check_rounding_habit", "find_common_limits"]

_FEWEST = 5  # with fewer percentages nobody speaks of a habit
_WIDE = Context(prec=60)
_WAYS = {"half up": ROUND_HALF_UP, "half to even": ROUND_HALF_EVEN, "cut off": ROUND_DOWN}


def check_rounding_habit(paper: Paper, index: PaperIndex) -> Check | None:
    """Return how the percentages of a paper with printed counts were made; None if there are fewer than five.

    Examples
    --------
    >>> from cytopenia.published.claims import load_paper
    >>> paper = load_paper("qiu2023")
    >>> check_rounding_habit(paper, PaperIndex(paper.claims)).verdict
    'rounding convention'
    """
    found = Counter(_list_ways(paper, index))
    if found.total() < _FEWEST:
        return None
    totals = {way: sum(count for ways, count in found.items() if way in ways) for way in _WAYS}
    only_cut, only_rounded = (
        found[("cut off",)],
        sum(count for ways, count in found.items() if ways and "cut off" not in ways),
    )
    fits = ", ".join(f"{count} {way}" for way, count in totals.items())
    words = (
        f"of {found.total()} percentages fit {fits}; {only_cut} can only be cut off, "
        f"{only_rounded} only be rounded, {found[()]} are neither"
    )
    verdict = ROUNDING_CONVENTION if only_cut else CONSISTENT
    mixed = ": both ways in one paper" if only_cut and only_rounded else ""
    return Check("percentages_of_the_paper", "how the paper rounds", verdict, f"{words}{mixed}")


def find_common_limits(paper: Paper, index: PaperIndex) -> Iterator[tuple[Check, MedianCountRelation]]:
    """Yield what counts and medians with one `limit_name` leave of that limit, with the first of them."""
    by_name: dict[str, list[MedianCountRelation]] = {}
    for relation in paper.relations:
        if isinstance(relation, MedianCountRelation) and relation.limit_name:
            by_name.setdefault(relation.limit_name, []).append(relation)
    for name, relations in by_name.items():
        bounds = [bound for relation in relations if (bound := _find_bound(relation, index)) is not None]
        if len(bounds) > 1:
            yield _join(relations[0].id, name, bounds), relations[0]


def _list_ways(paper: Paper, index: PaperIndex) -> Iterator[tuple[str, ...]]:
    """For each percentage of a printed count, the ways of rounding that print it."""
    for claim in paper.claims:
        if not isinstance(claim, CountPercentClaim) or claim.count is None or claim.percent is None:
            continue
        of, count = index.count(claim.of), int(claim.count)
        if not of or count > of or claim.percent.startswith(("<", ">")):
            continue
        exact = _WIDE.divide(Decimal(100 * count), Decimal(of))
        last = Decimal(1).scaleb(-count_decimals(claim.percent))
        printed = Decimal(claim.percent)
        yield tuple(
            way for way, how in _WAYS.items() if exact.quantize(last, rounding=how, context=_WIDE) == printed
        )


def _find_bound(relation: MedianCountRelation, index: PaperIndex) -> tuple[str, str] | None:
    """The word "at least" or "at most" for the limit, and the median."""
    median = index.part(f"{relation.median}.median")
    claim, count = index.find(relation.count), index.count(relation.count)
    of = index.count(claim.of) if isinstance(claim, CountPercentClaim) else None
    if median is None or count is None or of is None or 2 * count == of:
        return None
    is_low = relation.side in ("below", "at or below")
    return ("at most" if (2 * count < of) == is_low else "at least"), median


def _join(claim: str, name: str, bounds: list[tuple[str, str]]) -> Check:
    least = [median for word, median in bounds if word == "at least"]
    most = [median for word, median in bounds if word == "at most"]
    low = max(least, key=lambda text: widen(text).low, default="")
    high = min(most, key=lambda text: widen(text).high, default="")
    words = ", ".join(filter(None, (f"at least {low}" if low else "", f"at most {high}" if high else "")))
    check = "limit that several counts leave"
    if low and high and widen(low).low > widen(high).high:
        return Check(claim, check, INCONSISTENT, f"{name} would be {words}: there is no such limit", "major")
    return Check(claim, check, CONSISTENT, f"{name}: {words}")
