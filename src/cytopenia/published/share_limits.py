"""Intervals of shares and of rates by every method that papers use, and printed ones against them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from cytopenia.published.check_model import CANNOT_BE_CHECKED, CONSISTENT, INCONSISTENT, Check
from cytopenia.published.printed_bounds import can_be_at_most
from cytopenia.published.ratio_triangle import Range, find_quantile, widen

__all__ = [
    "PrintedRate",
    "check_inside",
    "check_rate",
    "check_share_limits",
    "list_rate_limits",
    "list_share_limits",
]

# How far outside every method known here a limit may lie, in widths of the widest interval of them.
_ROOM = 0.12
# No method gives an interval so much narrower than the narrowest known here.
_NARROWEST = 0.7
_MOST_SHARE = 1.5  # what is larger is a number of events and no share, whatever its method


class PrintedRate(NamedTuple):
    """Events, the time at risk, the rate and by what it is multiplied, as printed."""

    events: int
    person_time: str
    rate: str
    per: str = "1"


class _Printed(NamedTuple):
    """What an interval is compared with: the printed limits, and by which number they are multiplied."""

    limits: tuple[str, str]
    scale: float


def check_inside(claim: str, *, estimate: str | None, limits: tuple[str, str]) -> Check:
    """Return whether limits are in order and hold their estimate.

    Examples
    --------
    >>> check_inside("a", estimate="62.4", limits=("50.1", "72.5")).verdict
    'consistent'
    >>> check_inside("a", estimate="62.4", limits=("72.5", "50.1")).repair
    'the limits exchanged: 50.1 and 72.5'
    """
    name = "estimate inside its interval"
    words = f"{limits[0]} to {limits[1]}"
    if not can_be_at_most(*limits):
        repair = f"the limits exchanged: {limits[1]} and {limits[0]}"
        is_repaired = estimate is None or _holds((limits[1], limits[0]), estimate)
        made = f"{words}: the lower limit is the larger"
        return Check(claim, name, INCONSISTENT, made, "major", repair if is_repaired else "")
    if estimate is None:
        return Check(claim, "limits in order", CONSISTENT, words)
    if _holds(limits, estimate):
        return Check(claim, name, CONSISTENT, f"{estimate} lies in {words}")
    side = "above" if can_be_at_most(limits[0], estimate) else "below"
    made = f"{estimate} lies {side} {words}, whatever was rounded"
    return Check(claim, name, INCONSISTENT, made, "major")


def check_share_limits(
    claim: str,
    limits: tuple[str, str],
    *,
    count: int,
    of: int,
    confidence: str = "95",
    named: str | None = None,
) -> Check:
    """Return whether printed limits of a percentage are those of a count by any method that is usual.

    Parameters
    ----------
    claim : str
    limits : two str
        As printed, in percent.
    count, of : int
    confidence : str
        In percent.
    named : str or None
        The method that the paper names.

    Examples
    --------
    >>> check_share_limits("orr", ("81.2", "98.4"), count=37, of=40, named="wilson").verdict
    'inconsistent'
    >>> check_share_limits("orr", ("79.6", "98.4"), count=37, of=40).arithmetic
    '37 of 40: exact 79.61 to 98.43; printed 79.6 to 98.4'
    """
    known = list_share_limits(count, of, confidence)
    if not known or count > of:
        return Check(
            claim, "interval of the share", CANNOT_BE_CHECKED, f"{count} of {of} patients have no interval"
        )
    return _compare(
        Check(claim, "interval of the share", CONSISTENT, f"{count} of {of}"),
        _Printed(limits, 100.0),
        known,
        {word: known[word] for word in known if named and word.startswith(named)},
    )


def check_rate(
    claim: str, printed: PrintedRate, limits: tuple[str, str] | None = None, *, confidence: str = "95"
) -> list[Check]:
    """Return whether a rate is its events over its time, and whether its limits are those of so many events.

    Examples
    --------
    >>> found = check_rate("infections", PrintedRate(12, "340", "3.5", "100"))
    >>> found[0].arithmetic
    '100 x 12 / 340 = 3.519 to 3.535; printed 3.5'
    """
    name = "rate of its events and its time"
    events, person_time, rate, per = printed
    time = widen(person_time)
    if time.high <= 0:
        return [Check(claim, name, INCONSISTENT, f"{person_time} is no time at risk", "minor")]
    factor = float(per)
    made = Range(factor * events / time.high, factor * events / time.low if time.low > 0 else math.inf)
    words = f"{per} x {events} / {person_time} = {made.low:.4g} to {made.high:.4g}; printed {rate}"
    if not widen(rate).meets(made):
        likely = f"{factor * events / float(person_time):.4g} for {rate}" if float(person_time) > 0 else ""
        return [Check(claim, name, INCONSISTENT, words, "minor", likely)]
    checks = [Check(claim, name, CONSISTENT, words)]
    if limits is not None and float(person_time) > 0:
        known = list_rate_limits(events, confidence)
        start = Check(claim, "interval of the rate", CONSISTENT, f"{events} events")
        checks.append(_compare(start, _Printed(limits, factor / float(person_time)), known, {}))
    return checks


def list_share_limits(count: int, of: int, confidence: str = "95") -> dict[str, Range]:
    """Return both limits of a share by the name of the method.

    Examples
    --------
    >>> found = list_share_limits(33, 39)
    >>> [round(end, 4) for end in found["wilson"]], [round(end, 4) for end in found["exact"]]
    ([0.7027, 0.9275], [0.6947, 0.9414])
    """
    if of == 0 or not 0 <= count <= of:
        return {}
    from scipy.special import betaincinv

    alpha = 1 - float(confidence) / 100
    z, share = find_quantile(alpha), count / of

    def beta(low: float, high: float) -> Range:
        first = float(betaincinv(count + low, of - count + 1 - low, alpha / 2)) if count + low > 0 else 0.0
        second = float(betaincinv(count + high, of - count + 1 - high, 1 - alpha / 2)) if count < of else 1.0
        return Range(first if count else 0.0, second)

    wald = z * math.sqrt(share * (1 - share) / of)
    middle, width = _score(count, of, z)
    adjusted = (count + z * z / 2) / (of + z * z)
    spread = z * math.sqrt(adjusted * (1 - adjusted) / (of + z * z))
    four = (count + 2) / (of + 4)
    plus = z * math.sqrt(four * (1 - four) / (of + 4))
    arc, step = math.asin(math.sqrt(share)), z / (2 * math.sqrt(of))
    found = {
        "wilson": Range(middle - width, middle + width),
        "exact": beta(0.0, 1.0),
        "wald": Range(share - wald, share + wald),
        "wald with continuity correction": Range(share - wald - 0.5 / of, share + wald + 0.5 / of),
        "wilson with continuity correction": _correct_score(count, of, z),
        "agresti-coull": Range(adjusted - spread, adjusted + spread),
        "agresti-coull, plus four": Range(four - plus, four + plus),
        "jeffreys": beta(0.5, 0.5),
        "arcsine": Range(math.sin(max(arc - step, 0.0)) ** 2, math.sin(min(arc + step, math.pi / 2)) ** 2),
    }
    if count == 0:
        found["one-sided exact"] = Range(0.0, 1 - alpha ** (1 / of))
    elif count == of:
        found["one-sided exact"] = Range(alpha ** (1 / of), 1.0)
    else:
        logit, error = math.log(share / (1 - share)), z * math.sqrt(1 / count + 1 / (of - count))
        found["logit"] = Range(*(1 / (1 + math.exp(-logit - side * error)) for side in (-1, 1)))
        found["log-log"] = _log_log(share, z * math.sqrt((1 - share) / (of * share)))
    return found


def list_rate_limits(events: int, confidence: str = "95") -> dict[str, Range]:
    """Return both limits of a number of events by the name of the method.

    Examples
    --------
    >>> [round(end, 3) for end in list_rate_limits(12)["exact"]]
    [6.201, 20.962]
    """
    from scipy.special import gammaincinv

    alpha = 1 - float(confidence) / 100
    z = find_quantile(alpha)
    root = z * math.sqrt(events)
    found = {
        "exact": Range(
            float(gammaincinv(events, alpha / 2)) if events else 0.0,
            float(gammaincinv(events + 1, 1 - alpha / 2)),
        ),
        "one-sided exact": Range(0.0, float(gammaincinv(events + 1, 1 - alpha))),
        "score": Range(*(events + z * z / 2 + side * z * math.sqrt(events + z * z / 4) for side in (-1, 1))),
    }
    if events:
        up = events + 1
        found |= {
            "wald": Range(events - root, events + root),
            "logarithmic": Range(events * math.exp(-root / events), events * math.exp(root / events)),
            "Byar": Range(
                events * (1 - 1 / (9 * events) - z / (3 * math.sqrt(events))) ** 3,
                up * (1 - 1 / (9 * up) + z / (3 * math.sqrt(up))) ** 3,
            ),
            "square root": Range(max(math.sqrt(events) - z / 2, 0.0) ** 2, (math.sqrt(events) + z / 2) ** 2),
        }
    return found


def _compare(
    start: Check, printed: _Printed, known: Mapping[str, Range], named: Mapping[str, Range]
) -> Check:
    """The check with its verdict: consistent by a method, or open, or farther away than any method goes."""
    low, high = (widen(text) for text in printed.limits)
    wanted = named or known
    scaled = {
        word: Range(ends.low * printed.scale, ends.high * printed.scale) for word, ends in known.items()
    }
    ceiling = printed.scale if all(ends.high <= _MOST_SHARE for ends in known.values()) else math.inf
    fitting = [word for word in wanted if _fits(scaled[word], low, high, ceiling)]
    rest = f"printed {' to '.join(printed.limits)}"
    if fitting:
        made = f"{start.arithmetic}: {_show(fitting[0], scaled)}; {rest}"
        return Check(start.claim, start.check, CONSISTENT, made)
    shown = "; ".join(_show(word, scaled) for word in list(wanted)[:3])
    if named:
        made = f"{start.arithmetic}: {shown}; {rest}"
        others = [word for word in known if _fits(scaled[word], low, high, ceiling)]
        repair = f"they are those by {others[0]}" if others else ""
        return Check(start.claim, start.check, INCONSISTENT, made, "minor", repair)
    lows, highs = [ends.low for ends in scaled.values()], [ends.high for ends in scaled.values()]
    room = _ROOM * (max(highs) - min(lows))
    is_near = low.meets(Range(min(lows) - room, max(lows) + room)) and high.meets(
        Range(min(highs) - room, max(highs) + room)
    )
    narrowest = _NARROWEST * min(min(ends.high, ceiling) - max(ends.low, 0.0) for ends in scaled.values())
    if is_near and high.high - low.low >= narrowest:
        made = f"{start.arithmetic}: {shown}; {rest}: none of these, but another method may give it"
        return Check(start.claim, start.check, CANNOT_BE_CHECKED, made)
    return Check(start.claim, start.check, INCONSISTENT, f"{start.arithmetic}: {shown}; {rest}", "major")


def _fits(ends: Range, low: Range, high: Range, ceiling: float) -> bool:
    """Whether limits print so, as they are or held between none and all."""
    lows, highs = (ends.low, max(ends.low, 0.0)), (ends.high, min(ends.high, ceiling))
    return any(low.meets(Range(end, end)) for end in lows) and any(
        high.meets(Range(end, end)) for end in highs
    )


def _show(word: str, known: Mapping[str, Range]) -> str:
    return f"{word} {known[word].low:.4g} to {known[word].high:.4g}"


def _holds(limits: tuple[str, str], estimate: str) -> bool:
    return can_be_at_most(limits[0], estimate) and can_be_at_most(estimate, limits[1])


def _score(count: int, of: int, z: float) -> tuple[float, float]:
    share = count / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    width = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return middle, width


def _correct_score(count: int, of: int, z: float) -> Range:
    """Wilson's limits with the continuity correction."""
    share, other = count / of, 1 - count / of
    base, under = 2 * of * share + z * z, 2 * (of + z * z)
    below = max(z * z - 2 - 1 / of + 4 * share * (of * other + 1), 0.0)
    above = max(z * z + 2 - 1 / of + 4 * share * (of * other - 1), 0.0)
    low, high = (base - 1 - z * math.sqrt(below)) / under, (base + 1 + z * math.sqrt(above)) / under
    return Range(low if count else 0.0, high if count < of else 1.0)


def _log_log(share: float, error: float) -> Range:
    """The limits that Kaplan-Meier's log-log interval has without censoring."""
    log_log, step = math.log(-math.log(share)), error / abs(math.log(share))
    return Range(*(math.exp(-math.exp(log_log - side * step)) for side in (-1, 1)))
