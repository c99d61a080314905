"""Sensitivity, specificity, predictive values and what is made of them, against counts and each other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import product

from cytopenia.published.area_checks import has_percents, read_share
from cytopenia.published.check_model import CONSISTENT, INCONSISTENT, Check
from cytopenia.published.ratio_triangle import Range, show_range, widen
from cytopenia.published.share_checks import check_percent

__all__ = ["as_percent", "check_accuracy_counts", "check_derived_accuracy", "check_predictive_values"]

_MOST_TABLES = 20_000


def check_accuracy_counts(
    claim: str, parts: Mapping[str, str], counts: tuple[int, int, int, int]
) -> list[Check]:
    """Return whether each share is that of its counts.

    Parameters
    ----------
    claim : str
    parts : mapping
        Printed shares by name.
    counts : four int
        With the event on the side of the cut and on the other side, then without it.

    Examples
    --------
    >>> found = check_accuracy_counts("anc", {"sensitivity": "84.6", "npv": "66.7"}, (33, 6, 7, 14))
    >>> [(check.check, check.verdict) for check in found]
    [('sensitivity of the counts', 'consistent'), ('npv of the counts', 'inconsistent')]
    """
    a, b, c, d = counts
    shares = {
        "sensitivity": (a, a + b),
        "specificity": (d, c + d),
        "ppv": (a, a + c),
        "npv": (d, b + d),
        "accuracy": (a + d, sum(counts)),
    }
    is_percent = has_percents(parts[name] for name in shares if name in parts)
    checks: list[Check] = []
    for name, (count, of) in shares.items():
        if name not in parts:
            continue
        percent = as_percent(parts[name], is_percent=is_percent)
        found = check_percent(claim, count=count, of=of, percent=percent)
        checks.append(
            Check(
                claim, f"{name} of the counts", found.verdict, found.arithmetic, found.severity, found.repair
            )
        )
    return checks


def check_predictive_values(
    claim: str, parts: Mapping[str, str], groups: tuple[int, int], *, prevalence: str | None = None
) -> list[Check]:
    """Return whether any counts of the groups print sensitivity, specificity and predictive values together.

    With `prevalence` the predictive values are those of another share of events, by Bayes.

    Examples
    --------
    >>> shares = {"sensitivity": "84.6", "specificity": "66.7", "ppv": "82.5", "npv": "70.0"}
    >>> [check.verdict for check in check_predictive_values("anc", shares, (39, 21))]
    ['consistent']
    >>> check_predictive_values("anc", {**shares, "ppv": "70.0", "npv": "82.5"}, (39, 21))[0].repair
    'ppv and npv exchanged'
    """
    wanted = [name for name in ("ppv", "npv", "accuracy") if name in parts]
    if not wanted or "sensitivity" not in parts or "specificity" not in parts:
        return []
    name = "predictive values of the groups"
    names = ("sensitivity", "specificity", *wanted)
    is_percent = has_percents(parts[name] for name in names)
    shares = {name: read_share(parts[name], is_percent=is_percent) for name in names}
    if prevalence is not None:
        return _check_bayes(claim, parts, shares, read_share(prevalence, is_percent=float(prevalence) > 1))
    tables = list(_list_tables(shares, groups))
    if not tables:
        return []  # a share that no count prints is told by itself
    words = ", ".join(f"{name} {parts[name]}" for name in names)
    fitting = [table for table in tables if _prints(table, shares, wanted)]
    if fitting or len(tables) > _MOST_TABLES:
        a, b, c, d = (fitting or tables)[0]
        made = f"{a}/{a + b} and {d}/{c + d}: ppv {a}/{a + c}, npv {d}/{b + d}; printed {words}"
        return [Check(claim, name, CONSISTENT, made)]
    a, b, c, d = tables[0]
    made = f"{a}/{a + b} and {d}/{c + d} give ppv {_share(a, a + c)}, npv {_share(d, b + d)}; printed {words}"
    repair = ""
    if {"ppv", "npv"} <= set(wanted):
        turned = {**shares, "ppv": shares["npv"], "npv": shares["ppv"]}
        repair = "ppv and npv exchanged" if any(_prints(table, turned, wanted) for table in tables) else ""
    return [Check(claim, name, INCONSISTENT, made, "major", repair)]


def check_derived_accuracy(claim: str, parts: Mapping[str, str]) -> list[Check]:
    """Return whether the Youden index and the likelihood ratios are those of sensitivity and specificity.

    Examples
    --------
    >>> found = check_derived_accuracy("a", {"sensitivity": "84.6", "specificity": "66.7", "youden": "0.513"})
    >>> found[0].verdict
    'consistent'
    """
    if "sensitivity" not in parts or "specificity" not in parts:
        return []
    is_percent = has_percents([parts["sensitivity"], parts["specificity"]])
    yes, no = (read_share(parts[name], is_percent=is_percent) for name in ("sensitivity", "specificity"))
    made = {
        "youden": Range(yes.low + no.low - 1, yes.high + no.high - 1),
        "positive_likelihood_ratio": Range(_over(yes.low, 1 - no.low), _over(yes.high, 1 - no.high)),
        "negative_likelihood_ratio": Range(_over(1 - yes.high, no.high), _over(1 - yes.low, no.low)),
    }
    checks: list[Check] = []
    for name, found in made.items():
        if name not in parts:
            continue
        given = widen(parts[name])
        fits = given.meets(found) or (
            name == "youden" and given.meets(Range(found.low * 100, found.high * 100))
        )
        words = (
            f"sensitivity {parts['sensitivity']}, specificity {parts['specificity']}: {show_range(found)}; "
            f"printed {parts[name]}"
        )
        shown = f"{name.replace('_', ' ')} of sensitivity and specificity"
        checks.append(
            Check(claim, shown, CONSISTENT if fits else INCONSISTENT, words, "" if fits else "minor")
        )
    return checks


def as_percent(text: str, *, is_percent: bool) -> str:
    """Return a printed share in percent, with every digit.

    Examples
    --------
    >>> as_percent("0.846", is_percent=False), as_percent("84.6", is_percent=True)
    ('84.6', '84.6')
    """
    return text if is_percent else format(Decimal(text).scaleb(2), "f")


def _check_bayes(
    claim: str, parts: Mapping[str, str], shares: Mapping[str, Range], prevalence: Range
) -> list[Check]:
    yes, no = shares["sensitivity"], shares["specificity"]
    made = {
        "ppv": Range(
            _find_value(yes.low, 1 - no.low, prevalence.low),
            _find_value(yes.high, 1 - no.high, prevalence.high),
        ),
        "npv": Range(
            _find_value(no.low, 1 - yes.low, 1 - prevalence.high),
            _find_value(no.high, 1 - yes.high, 1 - prevalence.low),
        ),
    }
    checks: list[Check] = []
    for name, found in made.items():
        if name in shares:
            fits = shares[name].meets(found)
            words = f"by Bayes {show_range(found)}; printed {parts[name]}"
            verdict = CONSISTENT if fits else INCONSISTENT
            checks.append(Check(claim, f"{name} at this prevalence", verdict, words, "" if fits else "major"))
    return checks


def _find_value(true: float, false: float, share: float) -> float:
    under = true * share + false * (1 - share)
    return true * share / under if under else 0.0


def _list_tables(shares: Mapping[str, Range], groups: tuple[int, int]) -> Iterator[tuple[int, int, int, int]]:
    events, others = groups
    hits, rejected = (
        range(math.ceil(share.low * of - 1e-9), math.floor(share.high * of + 1e-9) + 1)
        for share, of in zip((shares["sensitivity"], shares["specificity"]), groups, strict=True)
    )
    for a, d in product(hits, rejected):
        yield a, events - a, others - d, d


def _prints(table: tuple[int, int, int, int], shares: Mapping[str, Range], wanted: list[str]) -> bool:
    a, b, c, d = table
    made = {"ppv": (a, a + c), "npv": (d, b + d), "accuracy": (a + d, a + b + c + d)}
    return all(
        made[name][1] > 0 and shares[name].meets(Range(*[made[name][0] / made[name][1]] * 2))
        for name in wanted
    )


def _share(count: int, of: int) -> str:
    return f"{count}/{of} = {100 * count / of:.4g}%" if of else f"{count}/0"


def _over(top: float, under: float) -> float:
    return top / under if under > 0 else math.inf
