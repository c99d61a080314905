"""Numbers and names to text. Every number of a report is rounded here and nowhere else."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from cytopenia.report.journal_styles import current_style
from cytopenia.report.plain_text import clean_text, escape_markdown
from cytopenia.report.rounding import LARGE, choose_decimals, round_decimal

__all__ = [
    "NO_VALUE",
    "Counted",
    "choose_decimals",
    "clean_text",
    "escape_markdown",
    "format_bounds",
    "format_count",
    "format_cut",
    "format_days",
    "format_level",
    "format_median",
    "format_median_bounds",
    "format_number",
    "format_odds_ratio",
    "format_p",
    "format_p_beside",
    "format_percent",
    "format_percent_range",
    "format_range",
    "format_share",
    "format_signs",
    "lower_first",
    "plural",
    "round_decimal",
]

MINUS = "\N{MINUS SIGN}"
NO_VALUE = "\N{EN DASH}"
THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"

SEPARATED = 10_000
MOST_DECIMALS = 4
# Most decimals of an odds ratio that would look like 1, and of a P value beside a level.
MOST_MODEL_DECIMALS, MOST_P_DECIMALS = 5, 8
USUAL_LEVEL = 0.05
UNREADABLE = 1_000_000
SUPERSCRIPTS = str.maketrans("0123456789", "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")

COMPARATORS = {">=": "\N{GREATER-THAN OR EQUAL TO}", "<=": "\N{LESS-THAN OR EQUAL TO}"}


@dataclass(frozen=True)
class Counted:
    """A count with its denominator and percent, as the results give them."""

    count: float
    denominator: float | None = None
    percent: float | None = None


def format_number(value: float | None, decimals: int | None = None) -> str:
    """Return a number as text, with a true minus sign; missing or not a number is a dash.

    From 1000 on there are no decimals, from 10,000 on thousands are set apart by a thin space.

    Examples
    --------
    >>> format_number(0.644), format_number(-5), format_number(None), format_number(63.0)
    ('0.64', '\u22125', '\u2013', '63')
    """
    if value is None or math.isnan(value):
        return NO_VALUE
    if math.isinf(value):
        return "\N{INFINITY}" if value > 0 else f"{MINUS}\N{INFINITY}"
    digits = choose_decimals([value]) if decimals is None or abs(value) >= LARGE else decimals
    rounded = round_decimal(value, digits)
    separated = abs(rounded) >= SEPARATED
    text = format(rounded, ",f").replace(",", THIN_SPACE) if separated else format(rounded, "f")
    return current_style().mark(text.replace("-", MINUS))


def format_percent(percent: float) -> str:
    """Return a percent with one decimal; only a true 0 or 100 is printed as one.

    Examples
    --------
    >>> format_percent(76.190476), format_percent(0.01), format_percent(100), format_percent(99.99)
    ('76.2%', '<0.1%', '100.0%', '>99.9%')
    """
    return f"{_format_share(percent)}%"


def _format_share(percent: float) -> str:
    style = current_style()
    decimals = style.percent_decimals
    rounded, least = round_decimal(percent, decimals), Decimal(1).scaleb(-decimals)
    if rounded == 0 and percent > 0:
        return f"<{style.mark(str(least))}"
    if rounded == 100 and percent < 100:
        return f">{style.mark(str(100 - least))}"
    return style.mark(str(rounded))


def format_share(percent: float) -> str:
    """Return the percent behind a count as " (76.2%)"; some journals leave out the sign.

    Examples
    --------
    >>> format_share(76.190476)
    ' (76.2%)'
    """
    return f" ({_format_share(percent)}{'%' if current_style().percent_sign else ''})"


def format_percent_range(low: float, high: float) -> str:
    """Return "48-100%" with an en dash; one decimal where whole percents would look alike, or like 0 or 100.

    Examples
    --------
    >>> format_percent_range(48, 100), format_percent_range(0.4, 3), format_percent_range(18, 18)
    ('48\u2013100%', '0.4\u20133.0%', '18%')
    """
    if low == high:
        return f"{round_decimal(low, 0)}%" if low == round_decimal(low, 0) else format_percent(low)
    between = current_style().interval
    whole = [round_decimal(end, 0) for end in (low, high)]
    looks_exact = any(end in {0, 100} and end != given for end, given in zip(whole, (low, high), strict=True))
    if whole[0] != whole[1] and not looks_exact:
        return f"{between.join(map(str, whole))}%"
    return f"{format_percent(low).removesuffix('%')}{between}{format_percent(high)}"


def format_count(counted: Counted) -> str:
    """Return a count as "48/63 (76.2%)"; parts that are missing are left out.

    Examples
    --------
    >>> format_count(Counted(48, 63, 76.190476)), format_count(Counted(48, 63)), format_count(Counted(0))
    ('48/63 (76.2%)', '48/63', '0')
    """
    text = format_number(counted.count)
    if counted.denominator is not None:
        text += f"/{format_number(counted.denominator)}"
    if counted.percent is not None:
        text += format_share(counted.percent)
    return text


def format_bounds(policy: Counted, best: Counted, worst: Counted) -> str:
    """Return "bounds 47-50" (with an en dash), or an empty string when neither end differs.

    The smaller count stands first. Where denominators differ, the ends are printed with theirs.

    Examples
    --------
    >>> format_bounds(Counted(48, 63), Counted(47, 63), Counted(50, 63))
    'bounds 47\u201350'
    >>> format_bounds(Counted(35, 57), Counted(38, 60), Counted(35, 60))
    'bounds 35/60\u201338/60'
    >>> format_bounds(Counted(57, 61), Counted(57, 63), Counted(57, 63))
    'bounds 57/63'
    >>> format_bounds(Counted(48, 63), Counted(48, 63), Counted(48, 63))
    ''
    """
    keys = {(part.count, part.denominator) for part in (policy, best, worst)}
    if len(keys) == 1:
        return ""
    low, high = sorted((best, worst), key=lambda part: (part.count, -(part.denominator or 0)))
    if len({denominator for _, denominator in keys}) == 1:
        is_one = low.count == high.count
        return f"bounds {format_number(low.count) if is_one else format_range(low.count, high.count)}"
    ends = dict.fromkeys(format_count(Counted(part.count, part.denominator)) for part in (low, high))
    return f"bounds {current_style().between.join(ends)}"


def format_range(low: float | None, high: float | None, decimals: int | None = None) -> str:
    """Return "0.02-2.31" with an en dash, or with "to" when an end is negative.

    Examples
    --------
    >>> format_range(0.02, 2.31), format_range(-5, 3)
    ('0.02\u20132.31', '\u22125 to 3')
    """
    digits = choose_decimals([high, low]) if decimals is None else decimals
    negative = any(end is not None and end < 0 for end in (low, high))
    between = " to " if negative else current_style().between
    return between.join(format_number(end, digits) for end in (low, high))


def format_median(median: float, low: float | None, high: float | None) -> str:
    """Return "0.64 (0.02-2.31)" with an en dash; without a range only the median.

    Examples
    --------
    >>> format_median(0.64, 0.02, 2.31), format_median(7, None, None)
    ('0.64 (0.02\u20132.31)', '7')
    """
    decimals = choose_decimals([median, low, high])
    if low is None or high is None:
        return format_number(median, decimals)
    return f"{format_number(median, decimals)} ({format_range(low, high, decimals)})"


def format_median_bounds(median: float, low: float, high: float) -> str:
    """Return "bounds 0.55-0.64" (with an en dash), or an empty string when neither end differs.

    There are as many decimals as tell the numbers apart, at most four; equal to four decimals is equal.

    Examples
    --------
    >>> format_median_bounds(0.64, 0.55, 0.64), format_median_bounds(0.64, 0.6388, 0.64)
    ('bounds 0.55\u20130.64', 'bounds 0.639\u20130.640')
    >>> format_median_bounds(0.64, 0.64, 0.64)
    ''
    """
    numbers = [end if math.isinf(end) else round_decimal(end, MOST_DECIMALS) for end in (median, low, high)]
    if len(set(numbers)) == 1:
        return ""
    fewest = choose_decimals([end for end in (high, low) if math.isfinite(end)])
    tries = range(fewest, MOST_DECIMALS + 1)
    shown = ({format_number(end, digits) for end in (median, low, high)} for digits in tries)
    enough = (digits for digits, texts in zip(tries, shown, strict=True) if len(texts) == len(set(numbers)))
    return f"bounds {format_range(low, high, next(enough, fewest))}"


def format_days(first: int, last: int) -> str:
    """Return a window in words.

    Examples
    --------
    >>> format_days(0, 28), format_days(-5, 0), format_days(7, 7)
    ('days 0 to 28', 'days \u22125 to 0', 'day 7')
    """
    start = format_number(first)
    return f"day {start}" if first == last else f"days {start} to {format_number(last)}"


def format_level(level: str) -> str:
    r"""Return the name of a level with a capital and printed comparison signs.

    Examples
    --------
    >>> format_level("grade >= 3"), format_level("not judged")
    ('Grade ≥\xa03', 'Not judged')
    """
    level = format_signs(level)
    return level[:1].upper() + level[1:]


def format_signs(text: str) -> str:
    r"""Return text with printed comparison signs, held to the number behind them.

    Examples
    --------
    >>> format_signs("grade >= 3"), format_signs("< 2.29")
    ('grade ≥\xa03', '< 2.29')
    """
    for plain, printed in COMPARATORS.items():
        text = text.replace(f"{plain} ", f"{printed}\N{NO-BREAK SPACE}").replace(plain, printed)
    return text


def format_cut(label: str) -> str:
    r"""Return the label that was made of a cut-off, its number as the journal prints numbers.

    Examples
    --------
    >>> format_cut(">= 2.29")
    '≥\xa02.29'
    """
    return current_style().mark(format_signs(label))


def format_p(value: float | None) -> str:
    """Return a P value with three decimals; what rounds to 0 or 1 is printed as a limit.

    Examples
    --------
    >>> format_p(0.0305), format_p(0.00067), format_p(0.00049), format_p(0.9996), format_p(None)
    ('0.031', '0.001', '<0.001', '>0.999', '\u2013')
    """
    if value is None or math.isnan(value):
        return NO_VALUE
    decimals = _choose_p_decimals(value)
    rounded, least = round_decimal(value, decimals), Decimal(1).scaleb(-decimals)
    if rounded == 0 or value < current_style().p_smallest:
        return f"<{_print_p(least)}"
    return f">{_print_p(1 - least)}" if rounded == 1 else _print_p(rounded)


def _choose_p_decimals(value: float) -> int:
    style = current_style()
    decimals = next((digits for start, digits in style.p_steps if value >= start), style.p_steps[-1][1])
    moves = (float(round_decimal(value, decimals)) < USUAL_LEVEL) != (value < USUAL_LEVEL)
    return decimals + (style.p_keeps_side and moves)


def _print_p(value: Decimal) -> str:
    style = current_style()
    text = str(value)
    return style.mark(text if style.p_leading_zero else text.removeprefix("0"))


def format_p_beside(value: float, level: float) -> str:
    """Return P with three decimals, or as many as show on which side of a level it lies.

    Examples
    --------
    >>> format_p_beside(0.0496, 0.05), format_p_beside(0.0504, 0.05), format_p_beside(0.0001, 0.05)
    ('0.0496', '0.050', '<0.001')
    """
    fewest = _choose_p_decimals(value)
    for decimals in range(fewest, MOST_P_DECIMALS):
        rounded = round_decimal(value, decimals)
        if (float(rounded) < level) == (value < level):
            return format_p(value) if decimals == fewest else _print_p(rounded)
    return format_number(value)


def format_odds_ratio(value: float, low: float | None = None, high: float | None = None) -> str:
    """Return "11.000 (3.130-38.660)" with an en dash; without limits only the odds ratio.

    Three decimals, up to five where a number would look like 1 without being 1. From 1000 on there are no
    decimals, from a million on powers of ten. One missing limit is open; the note of the result says why.

    Examples
    --------
    >>> format_odds_ratio(11, 3.13, 38.66), format_odds_ratio(0.107, 0.0002, 2.4e9)
    ('11.000 (3.130\u201338.660)', '0.107 (<0.001\u20132.4\u00d710\u2079)')
    >>> format_odds_ratio(0.9996, 0.9992, 0.99998), format_odds_ratio(82, 0.666, None)
    ('0.99960 (0.99920\u20130.99998)', '82.000 (0.666\u2013open)')
    """
    numbers = [part for part in (value, low, high) if part is not None]
    tries = range(current_style().ratio_decimals, MOST_MODEL_DECIMALS + 1)
    enough = (
        digits
        for digits in tries
        if all(_is_one(part) or round_decimal(part, digits) != 1 for part in numbers if math.isfinite(part))
    )
    digits = next(enough, MOST_MODEL_DECIMALS)
    text = _format_odds(value, digits)
    if low is None and high is None:
        return text
    ends = ("open" if end is None else _format_odds(end, digits) for end in (low, high))
    return f"{text} ({current_style().interval.join(ends)})"


def _is_one(value: float) -> bool:
    """Whether a number is 1 but for rounding on the way."""
    return math.isclose(value, 1, rel_tol=1e-9)


def _format_odds(value: float, digits: int) -> str:
    if math.isfinite(value) and value >= UNREADABLE:
        factor, power = format(value, ".1e").split("e")
        factor = current_style().mark(factor)
        return f"{factor}\N{MULTIPLICATION SIGN}10{str(int(power)).translate(SUPERSCRIPTS)}"
    if value > 0 and round_decimal(value, digits) == 0:
        return f"<{current_style().mark(str(Decimal(1).scaleb(-digits)))}"
    return format_number(value, digits)


def lower_first(text: str) -> str:
    """Return text as it stands inside a sentence; an abbreviation keeps its capitals.

    Examples
    --------
    >>> lower_first("Severe anemia"), lower_first("ANC at baseline"), lower_first("C-reactive protein")
    ('severe anemia', 'ANC at baseline', 'C-reactive protein')
    """
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def plural(count: float, noun: str) -> str:
    """Return the count with its noun.

    Examples
    --------
    >>> plural(1, "patient"), plural(63, "patient")
    ('1 patient', '63 patients')
    """
    return f"{format_number(count)} {noun}" + ("" if count == 1 else "s")
