"""One plain sentence for each panel of "Read with care", made from its numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from cytopenia.report.care_lines import VERDICTS, CareLine, CarePanel, count_verdicts
from cytopenia.report.display import (
    clean_text,
    format_number,
    format_percent,
    format_range,
    lower_first,
    plural,
)
from cytopenia.report.references import join_names, name_inside

__all__ = ["READINGS", "say_never_below", "write_sentence"]

DECIMALS = 2
READINGS = {
    "not_recovered": "counted as not recovered",
    "exclude": "left out",
}


def write_sentence(panel: CarePanel) -> str:
    """Return what a panel says in one sentence: only what its numbers are, and no advice."""
    writers: Mapping[str, Callable[[CarePanel], str]] = {
        "a": _say_effects,
        "b": _say_cuts,
        "c": _say_model,
        "d": _say_patients,
        "e": _say_unknown,
        "f": _say_definitions,
    }
    text = writers[panel.letter](panel)
    return f"{text[:1].upper()}{text[1:]}."


def say_never_below(count: float | None) -> str:
    """Return how many patients of a recovery were never below its cuts, and where they are counted."""
    if not count:
        return ""
    verb = "was" if count == 1 else "were"
    return f" ({plural(count, 'patient')} {verb} never below and count as recovered)"


def _say_refusal(why: str) -> str:
    return f"not done: {clean_text(why)}"


def _say_verdicts(lines: Sequence[CareLine]) -> str:
    """Return "the same for 4 of 5, weaker for peak ferritin"; each other verdict names its factors."""
    grouped, told = count_verdicts(lines), sum(bool(one.verdict) for one in lines)
    parts: list[str] = []
    for verdict, found in grouped.items():
        words = VERDICTS[verdict]
        if verdict == "same":
            parts.append(f"the same for {len(found)} of {told}")
        elif verdict == "not_estimable" and len(found) == told:
            parts.append("not comparable, because one side has no interval")
        elif verdict == "not_estimable":
            parts.append(f"{words} for {_name_factors(found)}")
        else:
            parts.append(f"{words} for {_name_factors(found)}")
    return ", ".join(parts)


def _name_factors(lines: Sequence[CareLine]) -> str:
    return join_names(dict.fromkeys(name_inside(one.title) for one in lines))


def _say_effects(panel: CarePanel) -> str:
    if "" in panel.refusals:
        return _say_refusal(panel.refusals[""])
    parts = [
        f"{model} odds ratios are {_say_verdicts(lines)}"
        for model in ("univariable", "multivariable")
        if (lines := panel.pick(model))
    ]
    return "with numbers as numbers and profile intervals, the conclusions of " + "; those of ".join(parts)


def _say_cuts(panel: CarePanel) -> str:
    if "cut" in panel.refusals:
        return _say_refusal(panel.refusals["cut"])
    losses = [
        one.published.value - one.careful.value
        for one in panel.pick("cut", "youden")
        if one.published.value is not None and one.careful.value is not None
    ]
    if not losses:
        return "no cut-off could be resampled"
    ends = sorted({format_number(loss, DECIMALS) for loss in (min(losses), max(losses))})
    lost = ends[0] if len(ends) == 1 else format_range(min(losses), max(losses), DECIMALS)
    return (
        f"in patients who did not choose the cut-off its Youden index is {lost} lower, and with the P of the "
        f"best of all cut-offs the conclusion is {_say_verdicts(panel.pick('cut', 'p_value'))}"
    )


def _say_model(panel: CarePanel) -> str:
    parts: list[str] = []
    lines = panel.pick("model")
    if lines:
        named = join_names(dict.fromkeys(name_inside(one.title) for one in lines))
        parts.append(f"in the model of {named}, named before, the conclusion is {_say_verdicts(lines)}")
    parts += _say_selection(panel)
    parts += _say_areas(panel)
    share = panel.value("pipeline", "share", scenario="noise", side="published")
    if share is not None:
        parts.append(_say_noise(panel, share))
    return "; ".join(parts)


def _say_selection(panel: CarePanel) -> Iterator[str]:
    """Return how often the screen takes the published factors, and how often a model follows."""
    same = panel.value("pipeline", "share", scenario="same_model", side="careful")
    count, fitted = (panel.value("panel", name, scenario="selection") for name in ("resamples", "fitted"))
    if same is None or count is None:
        return
    told = f"the published factors and no other pass the screen in {format_percent(100 * same)} of all"
    told += f" {format_number(count)} resamples"
    if fitted is not None and fitted < count:
        told += f", and the model of what passes has a finite estimate in {format_number(fitted)} of them"
    yield told


def _say_areas(panel: CarePanel) -> Iterator[str]:
    """Return what is left of the area of the published selection."""
    names = {"auc": "corrected for optimism", "auc_pairs": "with pairs of patients left out"}
    lines = {
        name: line
        for name in names
        for line in panel.pick(name, "auc")
        if line.variable == "pipeline" and line.published.value is not None
    }
    left = [
        f"{format_number(line.careful.value, DECIMALS)} {names[name]}"
        for name, line in lines.items()
        if line.careful.value is not None
    ]
    if left:
        before = next(iter(lines.values())).published.value
        yield f"the AUC of the published selection, {format_number(before, DECIMALS)}, is {join_names(left)}"


def _say_noise(panel: CarePanel, share: float) -> str:
    markers, error = (
        panel.value("pipeline", name, scenario="noise") for name in ("markers", "standard_error")
    )
    wrong = "" if error is None else f" (Monte Carlo error {format_number(100 * error, 1)} points)"
    return (
        f"among {format_number(markers)} markers of pure noise, cut, screen and fit find an independent risk "
        f"factor in {format_percent(100 * share)} of simulated cohorts{wrong}"
    )


def _say_patients(panel: CarePanel) -> str:
    parts: list[str] = []
    if "early_deaths" in panel.refusals:
        parts.append(clean_text(panel.refusals["early_deaths"]))
    else:
        found = panel.numbers.get("patients", "count", scenario="early_deaths")
        count, reading = (0.0, "") if found is None else (found.value or 0.0, found.text)
        parts.append(
            f"with {plural(count, 'early death')} {READINGS.get(reading, reading)} the conclusions are "
            f"{_say_verdicts(panel.pick('early_deaths'))}"
        )
    if "baseline" in panel.refusals:
        parts.append(clean_text(panel.refusals["baseline"]))
    else:
        count, grade = (panel.value("patients", name, scenario="baseline") for name in ("count", "min_grade"))
        parts.append(
            f"without {plural(count or 0, 'patient')} of grade {format_number(grade)} or higher before "
            f"treatment the conclusions are {_say_verdicts(panel.pick('baseline'))}"
        )
    return "; ".join(parts)


def _say_unknown(panel: CarePanel) -> str:
    count = panel.value("patients", "undecided", scenario="best")
    if "best" in panel.refusals:
        parts = [clean_text(panel.refusals["best"])]
    else:
        best, worst = (_say_verdicts(panel.pick(name)) for name in ("best", "worst"))
        parts = [
            f"with {plural(count or 0, 'undecided outcome')} all at their best the conclusions are {best}, "
            f"all at their worst {worst}"
        ]
    if "imputed" in panel.refusals:
        parts.append(f"nothing was imputed: {lower_first(clean_text(panel.refusals['imputed']))}")
    else:
        parts.append(f"on imputed values the conclusions are {_say_verdicts(panel.pick('imputed'))}")
    return "; ".join(parts)


def _say_definitions(panel: CarePanel) -> str:
    if "" in panel.refusals:
        return _say_refusal(panel.refusals[""])
    published, *others = panel.scenarios
    events, patients = (
        panel.value("patients", name, scenario=published) or 0 for name in ("events", "count")
    )
    counts = [panel.value("patients", "events", scenario=name) or 0 for name in others]
    most = max(panel.value("patients", "never_below", scenario=name) or 0 for name in others)
    ends = format_number(counts[0]) if len(set(counts)) == 1 else format_range(min(counts), max(counts), 0)
    return (
        f"{plural(events, 'event')} among {plural(patients, 'patient')} as published, {ends} under the "
        f"{plural(len(others), 'other definition')}{say_never_below(most)}"
    )
