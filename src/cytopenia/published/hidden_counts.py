"""The counts that must stand behind a printed odds ratio whose groups are known."""

from __future__ import annotations

from cytopenia.published.check_model import (
    CANNOT_BE_CHECKED,
    CONSISTENT,
    INCONSISTENT,
    ROUNDING_CONVENTION,
    Check,
)
from cytopenia.published.fourfold_tables import (
    SMALLEST_GROUP,
    FourfoldSearch,
    FourfoldTable,
    PrintedRatio,
    find_fourfold_tables,
)
from cytopenia.published.ratio_checks import PrintedTriangle

__all__ = ["check_counts_behind"]

_MOST_MISSING = 3  # a repair that needs more patients without a value is no longer a small one
_MOST_SHOWN = 3


def check_counts_behind(
    claim: str, printed: PrintedTriangle, groups: tuple[int, int], *, missing: int = 0
) -> list[Check]:
    """Return whether any counts of two groups have a printed odds ratio and interval, and which.

    Parameters
    ----------
    claim : str
    printed : PrintedTriangle
        Nothing is checked unless estimate and both limits are printed as numbers.
    groups : two int
        Patients of the two groups.
    missing : int
        At most how many have no value.

    Returns
    -------
    list of Check
        One. If nothing prints so, it is inconsistent only where the paper names Wald intervals; what would
        do with a few patients without a value is told.

    Examples
    --------
    >>> printed = PrintedTriangle("0.107", "0.028", "0.410", "0.001", is_wald=True)
    >>> found = check_counts_behind("il6", printed, (39, 21))[0]
    >>> found.verdict, found.repair
    ('inconsistent', 'right if 1 patient has no value: 4 of 38 and 11 of 21')
    """
    if printed.estimate is None or printed.limits is None or not _can_be_searched(printed.limits, groups):
        return []
    name = "counts behind the odds ratio"
    ratio = PrintedRatio(printed.estimate, *printed.limits)
    search = find_fourfold_tables(ratio, groups, missing=missing)
    if search.count:
        is_rounded = search.tables[0].convention == "rounded"
        verdict = CONSISTENT if is_rounded else ROUNDING_CONVENTION
        return [Check(claim, name, verdict, _list_tables(search))]
    words = f"{ratio.odds_ratio} ({ratio.low}-{ratio.high})"
    made = f"no counts of {groups[0]} and {groups[1]} patients print {words}"
    if not printed.is_wald:
        return [Check(claim, name, CANNOT_BE_CHECKED, f"{made} by Wald; another method may")]
    wider = find_fourfold_tables(ratio, groups, missing=missing + _MOST_MISSING)
    repair = f"right if {_name_missing(wider.tables[0])}: {_name(wider.tables[0])}" if wider.count else ""
    return [Check(claim, name, INCONSISTENT, made, "minor" if repair else "major", repair)]


def _can_be_searched(limits: tuple[str, str], groups: tuple[int, int]) -> bool:
    """Limits in the wrong order are told elsewhere; without two patients in a group there is no ratio."""
    return float(limits[0]) <= float(limits[1]) and min(groups) >= SMALLEST_GROUP


def _list_tables(search: FourfoldSearch) -> str:
    shown = "; or ".join(_name(table) for table in search.tables[:_MOST_SHOWN])
    if search.count == 1:
        return f"only one table prints so: {shown}"
    rest = "" if search.count <= _MOST_SHOWN else ", and others"
    return f"{search.count} tables print so: {shown}{rest}"


def _name(table: FourfoldTable) -> str:
    return f"{table.first_with} of {table.first_size} and {table.second_with} of {table.second_size}"


def _name_missing(table: FourfoldTable) -> str:
    lost = table.first_missing + table.second_missing
    return "1 patient has no value" if lost == 1 else f"{lost} patients have no value"
