"""Tables of times to an event: survival of all and of groups, the comparison of groups, hazard models."""

from __future__ import annotations

from collections.abc import Iterator

from cytopenia.report.cells import common_notes
from cytopenia.report.content import ReportContent
from cytopenia.report.display import (
    NO_VALUE,
    clean_text,
    format_level,
    format_number,
    format_signs,
    lower_first,
    plural,
)
from cytopenia.report.lookup import ResultLookup, list_notes, select_results
from cytopenia.report.survival_cells import (
    HAZARD_METHODS,
    OPEN_CASES,
    SurvivalNumbers,
    interval_cell,
    p_value_cell,
    ratio_cell,
    read_survival,
    share_cell,
    time_cell,
)
from cytopenia.report.table_model import Cell, Column, Footnotes, Row, Table

__all__ = ["table_group_tests", "table_hazards", "table_survival"]

CURVE_NOTE = (
    "Kaplan-Meier estimates with 95% confidence intervals on the scale of log(-log). Not reached: more than "
    "half survived while they were followed."
)
EXPECTED_NOTE = "Expected: deaths if all groups had died alike."
UNDECIDED_NOTE = (
    "An outcome is undecided where unmeasured days could change it; patients who could not be judged are in "
    "no group by the headline and in one of the two in the runs beside it. These runs show how much hangs on "
    "undecided outcomes; they are no bounds."
)
MEAN_NOTE = "Restricted mean: the mean time alive up to the day named, with its 95% confidence interval."
RATIO_NOTE = (
    "CI, confidence interval; HR, hazard ratio: above 1 means earlier death. P for proportional hazards: "
    "score test of a change over time; a small P means that one ratio does not describe the whole time."
)
MODELS = {"univariable": "Univariable", "multivariable": "Multivariable"}
EVERYBODY = "All patients"
CENSORED_EARLY = "censored before a second infusion"


def table_survival(content: ReportContent, analysis_id: str) -> Table:
    """Return who was analyzed, median survival, survival at the stated days and restricted means."""
    found, notes = read_survival(content, analysis_id), Footnotes()
    days = found.times.all_levels
    until = next(iter(found.means.all_levels), "")
    rows = [_survival_row(found, EVERYBODY, "", "policy", notes)] if found.endpoint else []
    for scenario in found.scenarios if found.groups else []:
        if scenario != "policy":
            rows.append(Row(OPEN_CASES[scenario], is_section=True))
        rows += [_survival_row(found, group, group, scenario, notes) for group in found.groups]
    named = f" by {found.by_title(content)}" if found.groups else ""
    mean = [Column(f"Restricted mean to {found.name_day(until)}, days (95% CI)")] if until else []
    return Table(
        id=f"{analysis_id}-survival",
        caption=f"{found.title}{named}, time from {found.since}",
        columns=(
            Column("Group", "left"),
            Column("Patients"),
            Column("Deaths"),
            Column("Median, days (95% CI)"),
            *(Column(f"{format_level(found.name_day(day))} (95% CI)") for day in days),
            *mean,
        ),
        rows=tuple(rows),
        notes=tuple(_list_notes(content, found, bool(until))) if rows else (),
        footnotes=tuple(notes.texts),
    )


def _survival_row(found: SurvivalNumbers, title: str, stratum: str, scenario: str, notes: Footnotes) -> Row:
    where = {"scenario": scenario, "stratum": stratum}
    counts = [
        found.patients.value(found.endpoint, "count", level=level, **where)
        for level in ("analyzed", "deaths")
    ]
    median = found.medians.get(found.endpoint, "median_survival", **where)
    shares = [
        found.times.get(found.endpoint, "survival", level=level, **where) for level in found.times.all_levels
    ]
    means = [
        found.means.get(found.endpoint, "restricted_mean", level=level, **where)
        for level in found.means.all_levels
    ]
    return Row(
        format_signs(clean_text(title)),
        (
            *(Cell(format_number(count)) for count in counts),
            time_cell(median, notes),
            *(share_cell(share, notes) for share in shares),
            *(interval_cell(mean, notes) for mean in means),
        ),
        indent=1 if stratum else 0,
    )


def _list_notes(content: ReportContent, found: SurvivalNumbers, has_mean: bool) -> Iterator[str]:
    cohort = found.patients.value(found.endpoint, "count", level="cohort")
    left = [
        f"{format_number(count)} {level}"
        for level in found.patients.levels(found.endpoint)
        if level not in {"cohort", "analyzed", "deaths", CENSORED_EARLY}
        and (count := found.patients.value(found.endpoint, "count", level=level))
    ]
    if cohort is not None:
        yield f"Of {plural(cohort, 'patient')}: {'; '.join(left) or 'nobody left out'}."
    median = found.follow_up.get(found.endpoint, "median_follow_up")
    if median is not None and median.value is not None:
        cell = time_cell(median, Footnotes())
        yield f"Median follow-up by reversed Kaplan-Meier, days (95% CI), from {found.since}: {cell.text}."
    early = found.patients.value(found.endpoint, "count", level=CENSORED_EARLY)
    if early:
        yield f"Followed to the day before a second infusion only: {format_number(early)}."
    yield CURVE_NOTE
    if has_mean:
        yield MEAN_NOTE
    if len(found.scenarios) > 1:
        yield UNDECIDED_NOTE
    if found.by in content.outcome_titles:
        yield from common_notes(content, Footnotes(), outcomes=[found.by])


def table_group_tests(content: ReportContent, analysis_id: str) -> Table:
    """Return the tests between the groups, also with every undecided outcome at its best and worst."""
    found, notes = read_survival(content, analysis_id), Footnotes()
    rows: list[Row] = []
    until = next(iter(found.means.all_levels), "")
    for scenario in found.scenarios if found.groups else []:
        title = OPEN_CASES.get(scenario, "As judged")
        test = found.tests.get(found.by, "p_value", scenario=scenario)
        statistic = found.tests.get(found.by, "statistic", scenario=scenario)
        where = {"scenario": scenario, "stratum": "difference", "level": until}
        difference = found.means.get(found.endpoint, "restricted_mean", **where)
        mean_p = found.means.get(found.endpoint, "p_value", **where)
        cells = [
            Cell(_counts(found, scenario)),
            interval_cell(statistic, notes, decimals=2),
            p_value_cell(test, notes),
        ]
        cells += [interval_cell(difference, notes), p_value_cell(mean_p, notes)] if difference else []
        rows.append(Row(title, tuple(cells)))
    has_means = any(len(row.cells) > 3 for row in rows)
    first, second = (*found.groups, "", "")[:2]
    title = f"{clean_text(second)} less {lower_first(clean_text(first))}, days (95% CI)"
    over = f"Restricted mean to {found.name_day(until)}"
    return Table(
        id=f"{analysis_id}-tests",
        caption=f"{found.title}: groups compared",
        columns=(
            Column("Outcome", "left"),
            Column("Deaths observed (expected)"),
            Column("\N{GREEK SMALL LETTER CHI}²", spanner="Log-rank"),
            Column("P", spanner="Log-rank"),
            *([Column(title, spanner=over), Column("P", spanner=over)] if has_means else []),
        ),
        rows=tuple(rows),
        notes=tuple(_test_notes(content, found, rows)),
        footnotes=tuple(notes.texts),
    )


def _test_notes(content: ReportContent, found: SurvivalNumbers, rows: list[Row]) -> Iterator[str]:
    """Return what is expected, and that a P rests on few deaths where the gates describe only."""
    if not rows:
        return
    yield EXPECTED_NOTE
    deaths = found.patients.value(found.endpoint, "count", level="deaths")
    is_few = bool(list_notes(content.results, str(found.analysis["id"]), group="gate", level="univariable"))
    has_p = any(row.cells[2].text not in {"", NO_VALUE} for row in rows)
    if deaths is not None and is_few and has_p:
        yield f"{plural(deaths, 'death')}: the log-rank P rests on few deaths and is not reliable."


def _counts(found: SurvivalNumbers, scenario: str) -> str:
    """Deaths of each group with those expected, in the order of the groups."""
    parts: list[str] = []
    for group in found.groups:
        deaths = found.patients.value(
            found.endpoint, "count", level="deaths", scenario=scenario, stratum=group
        )
        expected = found.tests.value(found.by, "expected", scenario=scenario, stratum=group)
        if deaths is not None and expected is not None:
            name = format_signs(clean_text(group))
            parts.append(f"{name}: {format_number(deaths)} ({format_number(expected, 1)})")
    return "; ".join(parts)


def table_hazards(content: ReportContent, analysis_id: str) -> Table:
    """Return hazard ratios of each factor alone and together, each with its check of proportional hazards."""
    found, notes = read_survival(content, analysis_id), Footnotes()
    models = {name: select_results(content.results, analysis_id, group=name) for name in MODELS}
    checks = {name: select_results(content.results, analysis_id, group=f"{name}_check") for name in MODELS}
    shown = [name for name in MODELS if models[name].variables]
    rows = list(_hazard_rows(found, models, checks, shown, notes))
    columns = [Column("Factor", "left"), Column("Deaths/patients")]
    for name in shown:
        marks = _method_marks(models[name], notes)
        columns.append(Column("HR (95% CI)", marks=marks, spanner=MODELS[name]))
        columns.append(Column("P", spanner=MODELS[name]))
        columns.append(Column("P, proportional hazards", spanner=MODELS[name]))
    gates = map(clean_text, list_notes(content.results, analysis_id, group="gate"))
    # Where nothing was modeled, the footnote of the dash has said it.
    said = [note for note in gates if not any(note in text for text in notes.texts)]
    return Table(
        id=f"{analysis_id}-hazards",
        caption=f"{found.title}: hazard ratios, time from {found.since}",
        columns=tuple(columns),
        rows=tuple(rows),
        notes=(RATIO_NOTE, *(f"{text[:1].upper()}{text[1:]}." for text in said)) if rows else (),
        footnotes=tuple(notes.texts),
    )


def _hazard_rows(
    found: SurvivalNumbers,
    models: dict[str, ResultLookup],
    checks: dict[str, ResultLookup],
    shown: list[str],
    notes: Footnotes,
) -> Iterator[Row]:
    named = [name for lookup in models.values() for name in lookup.variables if name != "model"]
    for factor in dict.fromkeys(named):
        levels = list(dict.fromkeys(level for name in shown for level in models[name].levels(factor)))
        title = next(filter(None, (_title(models[name], factor) for name in shown)), factor)
        cells = [Cell()]
        for name in shown:
            single = (
                [ratio_cell(models[name], factor, "", notes=notes), _p_of(models[name], factor, "", notes)]
                if not levels or not models[name].levels(factor)
                else [Cell(), Cell()]
            )
            cells += [*single, p_value_cell(checks[name].get(factor, "p_value"), notes)]
        yield Row(format_signs(clean_text(title)), tuple(cells))
        for level in levels:
            yield _level_row(models, shown, factor, level, notes)
    yield from _check_row(checks, shown, notes)
    for scenario in OPEN_CASES:
        yield from _open_rows(found, models["univariable"], scenario, shown, notes)


def _level_row(
    models: dict[str, ResultLookup], shown: list[str], factor: str, level: str, notes: Footnotes
) -> Row:
    counts = [models["univariable"].value(factor, name, level=level) for name in ("events", "patients")]
    known = Cell() if None in counts else Cell("/".join(format_number(count) for count in counts))
    cells = [known]
    for name in shown:
        cells += [
            ratio_cell(models[name], factor, level, notes=notes),
            _p_of(models[name], factor, level, notes),
            Cell(),
        ]
    return Row(format_signs(clean_text(level)), tuple(cells), indent=1)


def _check_row(checks: dict[str, ResultLookup], shown: list[str], notes: Footnotes) -> Iterator[Row]:
    found = {name: checks[name].get("global", "p_value") for name in shown}
    if any(found.values()):
        cells = [Cell()]
        for name in shown:
            cells += [Cell(), Cell(), p_value_cell(found[name], notes) if found[name] else Cell()]
        yield Row("All terms together", tuple(cells))


def _open_rows(
    found: SurvivalNumbers, lookup: ResultLookup, scenario: str, shown: list[str], notes: Footnotes
) -> Iterator[Row]:
    levels = [
        level
        for level in lookup.levels(found.by)
        if lookup.get(found.by, "hazard_ratio", level=level, scenario=scenario)
    ]
    if levels:
        yield Row(OPEN_CASES[scenario], is_section=True)
    for level in levels:
        p_value = lookup.get(found.by, "p_value", level=level, scenario=scenario)
        cells = [
            Cell(),
            ratio_cell(lookup, found.by, level, notes=notes, scenario=scenario),
            p_value_cell(p_value, notes),
            Cell(),
        ]
        yield Row(format_signs(clean_text(level)), (*cells, *[Cell()] * 3 * (len(shown) - 1)), indent=1)


def _title(lookup: ResultLookup, factor: str) -> str:
    wanted = {"hazard_ratio", "reference"}
    texts = (
        one.text
        for key, one in lookup.estimates.items()
        if key[1] == factor and key[4] in wanted and one.text
    )
    return next(texts, "")


def _p_of(lookup: ResultLookup, factor: str, level: str, notes: Footnotes) -> Cell:
    found = lookup.get(factor, "p_value", level=level)
    return Cell() if found is None else p_value_cell(found, notes)


def _method_marks(lookup: ResultLookup, notes: Footnotes) -> tuple[int, ...]:
    found = lookup.get("model", "n")
    return () if found is None or not found.text else notes.mark(HAZARD_METHODS.get(found.text, found.text))
