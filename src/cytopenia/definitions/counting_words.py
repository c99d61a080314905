"""How a definition counts days, sentence by sentence, and which of it had to be assumed."""

from __future__ import annotations

from collections.abc import Iterator

from cytopenia.definition_forms import Confirm, Counting, GradesPart, Landing
from cytopenia.units import show_unit

__all__ = ["describe_counting", "describe_days"]

Sentence = tuple[str, bool]

_ENDS = {
    "last_contact": "last contact",
    "death": "death",
    "progression": "progression",
    "next_therapy": "the next therapy",
}
_DAYS = {"longest_episode": "the longest episode counts", "cumulative": "the days of all episodes add up"}
_SIGNS = {"below": "below", "at_most": "at most", "above": "above", "at_least": "at least"}


def describe_counting(part: GradesPart) -> list[Sentence]:
    """Return each choice of a graded part about days as a sentence, with whether it is assumed.

    Examples
    --------
    >>> from cytopenia.definitions import load_library
    >>> part = load_library().find_parts("icaht_2023.early")["icaht_2023.early"]
    >>> describe_counting(part)[0]
    ('days 0 to 30 count', False)
    """
    sentences: list[Sentence] = []
    if part.window is not None:
        sentences.append((f"days {part.window[0]} to {part.window[1]} count", False))
    if part.landmark is not None:
        sentences.extend(_describe_landmark(part.landmark))
    if part.counting is not None:
        sentences.extend(describe_days(part.counting, show_unit(part.unit)))
    if part.confirm is not None:
        sentences.extend(_describe_confirm(part.confirm, part))
    return [*sentences, *((text, True) for text in part.assumptions)]


def describe_days(counting: Counting, unit: str) -> Iterator[Sentence]:
    """Yield each choice about filling, bridging, rounding and censoring, with whether it is assumed."""
    is_assumed = counting.status == "assumed"
    if counting.days is not None:
        words = {
            "longest_episode": "the longest episode counts",
            "cumulative": "the days of all episodes add up",
        }
        yield words[counting.days], is_assumed
        if counting.bridge_days:
            yield _describe_bridge(counting), is_assumed
    if counting.all_days_from is not None:
        text = f"the rule over all days is met by an episode that begins by day {counting.all_days_from} and"
        yield f"{text} lasts to the last day of follow-up in the window", is_assumed
    if counting.fill is not None:
        yield from _describe_fill(counting, is_assumed=is_assumed)
    if counting.round_to is not None:
        yield f"values are rounded to the nearest {counting.round_to:g} {unit}, ties to even", is_assumed
    if counting.censor_at:
        # Death ends every course, whether or not the definition names it.
        ends = (words for name, words in _ENDS.items() if name in (*counting.censor_at, "death"))
        yield f"days after {_list(ends)} do not count", is_assumed
    yield "days from a second infusion on do not count", True


def _describe_bridge(counting: Counting) -> str:
    days = counting.bridge_days
    fewer = f"up to {days} days in a row" if days > 1 else "1 day"
    end = ", at the end of follow-up too" if counting.joins_end else ""
    return f"{fewer} on which the cut is not met do not end an episode, and count in its length{end}"


def _describe_fill(counting: Counting, *, is_assumed: bool) -> Iterator[Sentence]:
    fill = counting.fill
    if fill is None:
        return
    assumed = is_assumed if fill.status is None else fill.status == "assumed"
    yield (
        f"up to {fill.max_gap_days} unmeasured days in a row have the values of the straight line between the"
        " measurements around them",
        assumed,
    )
    if fill.extend_days:
        text = (
            f"up to {fill.extend_days} days before the first and after the last of at least two measurements"
        )
        yield f"{text} have the nearest value", assumed
    yield "any other unmeasured day counts as one on which the cut is not met", assumed


def _describe_confirm(confirm: Confirm, part: GradesPart) -> Iterator[Sentence]:
    cut = f"{_SIGNS[confirm.comparator]} {confirm.cut:g} {show_unit(part.unit)}"
    yield f"“{confirm.text}”: {confirm.measurements} measured days must be {cut}", False
    words = {
        "not_judged": "a single measured day that meets it is not judged",
        "accept_single": "a single measured day that meets it is accepted",
    }
    is_assumed = part.counting is None or part.counting.status == "assumed"
    yield words[confirm.otherwise], is_assumed


def _describe_landmark(landmark: Landing) -> Iterator[Sentence]:
    first, last = landmark.window
    text = f"the measured value nearest to day {landmark.day} counts, from day {first} to day {last}"
    yield text, landmark.status == "assumed"
    if landmark.censor_at:
        ends = _list(_ENDS[name] for name in landmark.censor_at)
        yield f"not judged after {ends} before day {landmark.day}", False


def _list(words: Iterator[str]) -> str:
    *most, last = list(words)
    return f"{', '.join(most)} or {last}" if most else last
