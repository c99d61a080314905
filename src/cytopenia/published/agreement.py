"""Printed beside recomputed: each claim of a paper against the result table of a run, with a verdict.

Only the result table is read; nothing is computed from patients. A percentage is the exact quotient of two
counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from typing import Any

import polars as pl

from cytopenia.published.claim_forms import (
    Claim,
    CountClaim,
    CountPercentClaim,
    CutClaim,
    DirectionAndSignificanceClaim,
    DirectionClaim,
    LabelClaim,
    MedianRangeClaim,
    OddsRatioClaim,
    RangeClaim,
    RatioClaim,
    SignificanceClaim,
    SumClaim,
)
from cytopenia.published.claims import Paper
from cytopenia.published.printed_numbers import (
    AGREES,
    BY_TRUNCATION,
    DIFFERS,
    LABEL_CONTRADICTS,
    NOT_COMPUTED,
    VERDICTS,
    Verdict,
    flip_side,
    is_significant,
    judge_label,
    judge_number,
    judge_range,
    show_number,
    show_p_value,
)
from cytopenia.published.recomputed_numbers import Found, RunResults
from cytopenia.results import ResultRow

__all__ = ["PRINTED", "VERDICTS", "compare_with_paper", "count_verdicts", "split_note"]

PRINTED = "printed"

_NO_VALUE = "–"
_SEPARATOR = "; "
_WIDE = Context(prec=60)
_FINE = "0.001"  # the digits of a P value that is not printed


@dataclass(frozen=True)
class _Part:
    """One printed part beside the recomputed one: how the latter is shown, and the verdict."""

    shown: str
    verdict: Verdict
    why: str = ""


@dataclass(frozen=True)
class _Judged:
    """A claim with all its parts judged; `number` is the one that goes into the result row."""

    parts: Mapping[str, _Part]
    text: str
    number: Found


def compare_with_paper(paper: Paper, results: pl.DataFrame) -> list[ResultRow]:
    """Return one row per claim: printed, recomputed and the verdict.

    Parameters
    ----------
    paper : Paper
        From `load_paper`.
    results : DataFrame
        The result table of a run, columns of `RESULT_SCHEMA`. Nothing else is read.

    Returns
    -------
    list of ResultRow
        One row per claim in the order of the paper: `analysis_id` "printed", `group` where it is printed,
        `variable` the claim's id, `variable_level` what it is about, `text` the printed text, `level` the
        verdict (one of `VERDICTS`), `value` the first recomputed number at 15 significant digits (`low` and
        `high` only for odds ratios), `note` all recomputed numbers with the printed digits, and after a
        semicolon which parts do not plainly agree and what the paper leaves open. Without rows, or without
        a number in them, status is "not_done": a factor that was not modeled is not taken for one without
        an effect.

    Examples
    --------
    >>> from cytopenia.published.claims import load_paper
    >>> from cytopenia.results import collect_results
    >>> cohort = ResultRow(analysis_id="flow", variable="cohort", estimate="count", value=63)
    >>> row = compare_with_paper(load_paper("qiu2023"), collect_results([cohort]))[0]
    >>> row.variable_level, row.text, row.note, row.level
    ('Patients', '63', '63', 'agrees')
    """
    index = RunResults(results)
    level = Decimal(paper.significance_level)
    return [_report(claim, _judge(claim, index, level)) for claim in paper.claims if claim.at]


def _report(claim: Claim, judged: _Judged) -> ResultRow:
    verdict = max((part.verdict for part in judged.parts.values()), key=VERDICTS.index)
    named: dict[str, list[str]] = {}
    for name, part in judged.parts.items():
        if part.verdict != AGREES:
            named.setdefault(f"{part.verdict}{f' ({part.why})' if part.why else ''}", []).append(name)
    remarks = [f"{', '.join(names)}: {words}" for words, names in named.items()]
    row = judged.number.row
    has_limits = isinstance(claim, OddsRatioClaim | DirectionAndSignificanceClaim)
    return ResultRow(
        analysis_id=PRINTED,
        group=claim.where,
        level=verdict,
        variable=claim.id,
        variable_level=claim.about,
        estimate="recomputed",
        value=None if judged.number.value is None else float(judged.number.value),
        low=row.low if row and has_limits else None,
        high=row.high if row and has_limits else None,
        text=claim.printed,
        n=None if row is None else row.n,
        status="not_done" if verdict == NOT_COMPUTED else "ok",
        note=_SEPARATOR.join(filter(None, (judged.text, *remarks, claim.note))),
    )


def split_note(note: str) -> tuple[str, str]:
    """Return the recomputed text and the explanation of a row of `compare_with_paper`.

    Examples
    --------
    >>> split_note("45 (71.43%); percent: agrees by truncation (71.428571)")
    ('45 (71.43%)', 'percent: agrees by truncation (71.428571)')
    """
    text, _, remarks = note.partition(_SEPARATOR)
    return text, remarks


def count_verdicts(rows: Iterable[ResultRow]) -> dict[str, int]:
    """Return how many claims have each verdict, those without any included.

    Examples
    --------
    >>> row = ResultRow(analysis_id="printed", variable="a", estimate="recomputed", level="differs")
    >>> {verdict: count for verdict, count in count_verdicts([row]).items() if count}
    {'differs': 1}
    """
    found = [row.level for row in rows if row.analysis_id == PRINTED]
    return {verdict: found.count(verdict) for verdict in VERDICTS}


def _missing(number: Found) -> _Part:
    return _Part(_NO_VALUE, NOT_COMPUTED, number.why)


def _compare(printed: str, number: Found, *, is_p: bool = False) -> _Part:
    """One printed number beside the recomputed one."""
    if number.value is None:
        return _missing(number)
    verdict = judge_number(printed, number.value)
    why = f"{number.value:.8g}" if verdict == BY_TRUNCATION else ""
    show = show_p_value if is_p else show_number
    return _Part(show(number.value, printed), verdict, why)


def _gather(claim: Claim, parts: Mapping[str, _Part], number: Found) -> _Judged:
    """The parts with their text, in the order and the form of the print."""
    shown = {name: part.shown for name, part in parts.items()}
    is_empty = all(text == _NO_VALUE for text in shown.values())
    return _Judged(parts, _NO_VALUE if is_empty else claim.write(shown), number)


def _gather_one(name: str, part: _Part, number: Found) -> _Judged:
    return _Judged({name: part}, part.shown, number)


def _add_counts(claim: CountClaim | CountPercentClaim, index: RunResults) -> Found:
    places = [claim.address, *(claim.address.change(other) for other in claim.plus)]
    numbers = [index.find(place, "count") for place in places]
    values = [number.value for number in numbers if number.value is not None]
    if len(values) < len(numbers):
        return next(number for number in numbers if number.value is None)
    return Found(sum(values, Decimal(0)), numbers[0].row)


def _divide(number: Found, by: Found, *, times: int = 1) -> Found:
    if number.value is None or by.value is None:
        return number if number.value is None else by
    if not by.value:
        return Found(None, number.row, "the denominator is 0")
    return Found(_WIDE.divide(times * number.value, by.value), number.row)


def _judge(claim: Claim, index: RunResults, level: Decimal) -> _Judged:
    judge = _JUDGES.get(type(claim))
    if judge is None:
        none = Found(None, why=f"the kind {claim.kind} is checked within the paper only")
        return _gather_one("number", _missing(none), none)
    return judge(claim, index, level)


def _judge_parts(claim: Claim, numbers: Mapping[str, Found]) -> _Judged:
    # Limits of a percentage are checked within the paper; a run has other ones.
    given = {name: printed for name, printed in claim.parts.items() if name in numbers}
    parts = {name: _compare(printed, numbers[name]) for name, printed in given.items()}
    if not parts:
        none = Found(None, why="no number is printed")
        return _gather_one("number", _missing(none), none)
    return _gather(claim, parts, numbers[next(iter(parts))])


def _judge_count(claim: CountClaim, index: RunResults, _: Decimal) -> _Judged:
    return _judge_parts(claim, {"count": _add_counts(claim, index)})


def _judge_sum(claim: SumClaim, index: RunResults, _: Decimal) -> _Judged:
    number = index.find(claim.address, "count")
    total = format(sum(map(Decimal, claim.terms), Decimal(0)), "f")
    return _gather_one("sum", _compare(total, number), number)


def _judge_count_percent(claim: CountPercentClaim, index: RunResults, _: Decimal) -> _Judged:
    count = _add_counts(claim, index)
    of = index.find(claim.address.model_copy(update={"estimate": "denominator"}), "denominator")
    return _judge_parts(claim, {"count": count, "percent": _divide(count, of, times=100)})


def _judge_median_range(claim: MedianRangeClaim, index: RunResults, _: Decimal) -> _Judged:
    return _judge_parts(claim, {name: index.find(claim.address, name) for name in claim.parts})


def _judge_ratio(claim: RatioClaim, index: RunResults, _: Decimal) -> _Judged:
    one, other = index.find(claim.address, "count"), index.find(claim.address.change(claim.to), "count")
    return _judge_parts(claim, {"ratio": _divide(one, other)})


def _judge_cut(claim: CutClaim, index: RunResults, _: Decimal) -> _Judged:
    return _judge_parts(claim, {"cut": index.find(claim.address, "cut")})


def _judge_range(claim: RangeClaim, index: RunResults, _: Decimal) -> _Judged:
    number = index.find(claim.address, "value")
    if number.value is None:
        return _gather_one("range", _missing(number), number)
    verdict, shown = judge_range(claim.low, claim.high, number.value)
    return _gather_one("range", _Part(shown, verdict), number)


def _judge_significance(claim: SignificanceClaim, index: RunResults, level: Decimal) -> _Judged:
    number = index.find(claim.address, "p_value")
    if number.value is None:
        return _gather_one("association", _missing(number), number)
    found = "associated" if number.value < level else "not associated"
    shown = show_p_value(number.value, _FINE)
    if shown[0] != "<" and Decimal(shown) == level:
        shown = format(number.value, "f")  # rounded, it would not show on which side it lies
    verdict = AGREES if found == claim.association else DIFFERS
    return _gather_one("association", _Part(f"{found} (P {shown})", verdict), number)


def _compare_label(printed: str, generated: str) -> _Part:
    verdict, shown = judge_label(printed, generated)
    if verdict == NOT_COMPUTED:
        return _Part(_NO_VALUE, verdict, "the run has no side of a cut there")
    return _Part(shown, verdict, f"the numbers are those of {shown}" if verdict == LABEL_CONTRADICTS else "")


def _compare_odds(
    claim: OddsRatioClaim | DirectionAndSignificanceClaim, index: RunResults
) -> tuple[dict[str, _Part], dict[str, Found]]:
    odds, p_value = index.find(claim.address, "odds_ratio"), index.find(claim.address, "p_value")
    numbers = {"odds_ratio": odds, "low": odds, "high": odds, "p": p_value}
    if odds.value is not None and odds.row is not None:
        numbers["low"], numbers["high"] = (odds.row.take(end) for end in (odds.row.low, odds.row.high))
    parts: dict[str, _Part] = {}
    for name, printed in claim.parts.items():
        if name == "label":
            parts[name] = _missing(odds) if odds.value is None else _compare_label(printed, odds.level)
        elif name in numbers:
            parts[name] = _compare(printed, numbers[name], is_p=name == "p")
    return parts, numbers


def _judge_odds_ratio(claim: OddsRatioClaim, index: RunResults, _: Decimal) -> _Judged:
    parts, numbers = _compare_odds(claim, index)
    return _gather(claim, parts, numbers["odds_ratio"])


def _judge_direction_and_significance(
    claim: DirectionAndSignificanceClaim, index: RunResults, level: Decimal
) -> _Judged:
    parts, numbers = _compare_odds(claim, index)
    judged = _gather(claim, parts, numbers["odds_ratio"])
    compared = {name: part for name, part in parts.items() if name == "label"}
    if claim.odds_ratio is not None:
        odds = numbers["odds_ratio"]
        side = _side_of_one(Decimal(claim.odds_ratio))
        is_alike = odds.value is not None and _side_of_one(odds.value) == side
        compared["direction"] = _decide(parts["odds_ratio"], odds, is_alike=is_alike)
    if claim.p is not None:
        p_value = numbers["p"]
        said = is_significant(claim.p, level)
        is_alike = p_value.value is not None and (p_value.value < level) == said
        compared["significance"] = _decide(parts["p"], p_value, is_alike=is_alike)
    return _Judged(compared, judged.text, judged.number)


def _decide(part: _Part, number: Found, *, is_alike: bool) -> _Part:
    """The verdict of a part of which not the digits are compared; equal digits agree in everything."""
    if number.value is None:
        return _missing(number)
    return _Part(part.shown, AGREES if is_alike or part.verdict == AGREES else DIFFERS)


def _side_of_one(odds_ratio: Decimal) -> int:
    return (odds_ratio > 1) - (odds_ratio < 1)


def _judge_label(claim: LabelClaim, index: RunResults, _: Decimal) -> _Judged:
    odds = index.find(claim.address, "odds_ratio")
    side = 0 if odds.value is None else _side_of_one(odds.value)
    if not side:
        why = odds.why or "the odds ratio is 1: neither side goes with the event"
        return _gather_one("label", _missing(replace(odds, why=why)), odds)
    is_same = (side > 0) == (claim.goes_with == "event")
    generated = odds.level if is_same else flip_side(odds.level)
    return _gather_one("label", _compare_label(claim.label, generated), odds)


def _judge_direction(claim: DirectionClaim, index: RunResults, _: Decimal) -> _Judged:
    one, other = index.find(claim.address, "median"), index.find(claim.address.change(claim.than), "median")
    if one.value is None or other.value is None:
        return _gather_one("direction", _missing(one if one.value is None else other), one)
    word = "higher" if one.value > other.value else "lower" if one.value < other.value else "equal"
    shown = f"{word} ({one.value:.6g} against {other.value:.6g})"
    return _gather_one("direction", _Part(shown, AGREES if word == claim.stated else DIFFERS), one)


_JUDGES: dict[type[Any], Callable[[Any, RunResults, Decimal], _Judged]] = {
    CountClaim: _judge_count,
    SumClaim: _judge_sum,
    CountPercentClaim: _judge_count_percent,
    MedianRangeClaim: _judge_median_range,
    RatioClaim: _judge_ratio,
    SignificanceClaim: _judge_significance,
    OddsRatioClaim: _judge_odds_ratio,
    DirectionAndSignificanceClaim: _judge_direction_and_significance,
    CutClaim: _judge_cut,
    RangeClaim: _judge_range,
    LabelClaim: _judge_label,
    DirectionClaim: _judge_direction,
}
