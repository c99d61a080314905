"""Grade one file of laboratory values: rows with their grade, or courses with their outcome."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import polars as pl

from cytopenia.contract import Tables, leave_out, require_tables
from cytopenia.contract.texts import shorten
from cytopenia.definition_forms import (
    SECOND_DIP,
    BedsideDefinition,
    FeverDefinition,
    PhenotypeDefinition,
    RecoveryDefinition,
    RecoveryTimeDefinition,
)
from cytopenia.definitions import Library, load_library
from cytopenia.errors import (
    DataError,
    MissingColumnError,
    OutputError,
    ProtocolError,
    UnitError,
    join_problems,
)
from cytopenia.frames import BAD_LIMITS, judge_limits
from cytopenia.grade_bounds import count_lower_bounds, name_missing_baselines
from cytopenia.grade_options import GradeRequest, counts_days, looks_at_support, refuse_unused, show_limit
from cytopenia.grading.grades import grade_labs
from cytopenia.one_file import FileOptions, build_section, require_paths, split_quantity, write_table
from cytopenia.readers.day_columns import list_day_columns
from cytopenia.readers.mapping import DataSection, read_mapping
from cytopenia.readers.tabular import read_lab_file
from cytopenia.units import convert_value, resolve_analyte
from cytopenia.values import is_number_text

if TYPE_CHECKING:
    # What grades whole courses is imported where they are: single values are graded in less time without it.
    from cytopenia.study.outcomes import Progress

__all__ = ["GradeSummary", "grade_file"]

_GRADED = ("term", "grade", "grade_worst", "reason")
_NO_LIMIT = "lower limit of normal missing"
_SHOWN_REASONS = 12
_LIMIT_EXAMPLE = "--lln anc=2.0"


@dataclass(frozen=True)
class GradeSummary:
    """What was found and written."""

    findings: pl.DataFrame
    lines: list[str] = field(default_factory=list[str])


def grade_file(request: GradeRequest, *, progress: Progress | None = None) -> GradeSummary:
    """Grade one file and write the result.

    Parameters
    ----------
    request : GradeRequest
    progress : callable, optional

    Raises
    ------
    CytopeniaError
        The definition is unknown, a file cannot be read or written, an option is malformed.
    """
    require_paths(_list_options(request), {"--out": request.out})
    library = load_library(request.labs.parent)
    definition = library.find(request.definition)
    refuse_unused(request, definition, library, limits=_read_limits(request.lln))
    try:
        if isinstance(definition, RecoveryDefinition | RecoveryTimeDefinition):
            table, summary = _grade_courses(request, definition, library, progress=progress)
        elif isinstance(definition, FeverDefinition):
            table, summary = _grade_fever(request, definition, library, progress=progress)
        elif isinstance(definition, BedsideDefinition):
            table, summary = _grade_bedside(request, definition)
        elif isinstance(definition, PhenotypeDefinition):
            table, summary = _name_phenotypes(request, definition, library, progress=progress)
        elif counts_days(library.find_parts(request.definition)):
            table, summary = _count_days(request, library, progress=progress)
        else:
            table, summary = _grade_rows(request, library)
    except MissingColumnError as cause:
        advice = "Write that line under [labs] into a file, say map.toml, and add --map map.toml."
        raise MissingColumnError(f"{cause}\n{advice}") from cause
    write_table(table, request.out)
    unasked = [] if looks_at_support(definition) else ["no_support_table"]
    findings = leave_out(summary.findings, unasked)
    return GradeSummary(findings, [*summary.lines, f"Wrote {request.out}."])


def _grade_rows(request: GradeRequest, library: Library) -> tuple[pl.DataFrame, GradeSummary]:
    """Every row of the file with term, grade and reason; a wide file becomes long."""
    parts = library.find_value_parts(request.definition)
    section = _read_section(request)
    source, labs, findings = read_lab_file(request.labs, section)
    if source.is_empty():
        raise DataError(f"{request.labs.name}: the file has a header but no rows. Export it again.")
    removed = library.explain_removed(request.definition)
    graded = grade_labs(labs, parts, removed=removed)
    is_long = _holds_one_value_per_row(source, section)
    table = _attach(source, graded) if is_long else _lengthen(source, graded, section)
    counts = table["grade"].value_counts(sort=False).sort("grade", nulls_last=True)
    words = [f"{'not judged' if grade is None else f'grade {grade}'}: {n}" for grade, n in counts.iter_rows()]
    rows = "row" if table.height == 1 else "rows"
    lines = [
        f"{table.height} {rows}: {', '.join(words)}",
        *count_lower_bounds(table),
        *_explain_unjudged(table, ours=[*removed.values()], limit=show_limit(parts)),
        *name_missing_baselines(graded, parts),
    ]
    return table, GradeSummary(findings, lines)


def _holds_one_value_per_row(source: pl.DataFrame, section: DataSection) -> bool:
    """Whether the file is long: it has a column of analytes or of values."""
    headers = {"_".join(name.replace("-", " ").split()).lower() for name in source.columns}
    named = headers | set(section.labs.columns)
    return not section.labs.wide and not section.labs.days and bool({"analyte", "value"} & named)


def _explain_unjudged(table: pl.DataFrame, *, ours: list[str], limit: str) -> list[str]:
    """How many rows have which reason, the most frequent first; long ones are cut except `ours`."""
    reasons = table.filter(pl.col("grade").is_null())["reason"].value_counts(name="n")
    ordered = reasons.sort(["n", "reason"], descending=[True, False])
    is_number = is_number_text(ordered["reason"])
    named = ordered.filter(~is_number)
    lines = [
        f"  not judged, {reason if reason in ours else shorten(reason)}: {n}"
        for reason, n in named.head(_SHOWN_REASONS).iter_rows()
    ]
    rest = [(named[_SHOWN_REASONS:], "other reasons"), (ordered.filter(is_number), "a number as reason")]
    lines += [f"  not judged, {what}: {part['n'].sum()}" for part, what in rest if part.height]
    if _NO_LIMIT in reasons["reason"]:
        lines.append(f"  State your laboratory's lower limits where the file has none: {limit}")
    return lines


def _attach(source: pl.DataFrame, graded: pl.DataFrame) -> pl.DataFrame:
    """The rows of the file in their order, with the columns of the grade."""
    kept = _make_room(source, _GRADED)
    joined = kept.join(_name_columns(graded).select("source_row", *_GRADED), on="source_row", how="left")
    return joined.sort("source_row").with_columns(pl.col("reason").fill_null("unknown analyte"))


def _lengthen(source: pl.DataFrame, graded: pl.DataFrame, section: DataSection) -> pl.DataFrame:
    """One row per value of a wide file, in the order of the file: its own columns, then value and grade."""
    added = ("analyte", "comparator", "value", "unit", "lln", *_GRADED)
    if section.labs.days:
        # With a column for each day, the day moves to the value, and the columns would repeat all others.
        added = ("day", *added)
        source = source.drop(list_day_columns(source.columns, section.labs))
    values = _name_columns(graded).select("source_row", *added)
    return _make_room(source, added).join(values, on="source_row", how="inner", maintain_order="left_right")


def _name_columns(graded: pl.DataFrame) -> pl.DataFrame:
    return graded.rename({"grade_reason": "reason"})


def _make_room(source: pl.DataFrame, names: tuple[str, ...]) -> pl.DataFrame:
    """The file's own columns under other names where ours would hide them."""
    return source.rename({name: f"{name}_in_file" for name in names if name in source.columns})


def _grade_courses(
    request: GradeRequest,
    definition: RecoveryDefinition | RecoveryTimeDefinition,
    library: Library,
    *,
    progress: Progress | None,
) -> tuple[pl.DataFrame, GradeSummary]:
    """The outcomes table of a definition of whole courses."""
    from cytopenia.study.outcomes import derive_outcomes
    from cytopenia.study.plan import RecoveryPlan, RecoveryTimePlan
    from cytopenia.study.single_plans import plan_recovery

    tables = _read_courses(request)
    is_timed = isinstance(definition, RecoveryTimeDefinition)
    planned = (
        RecoveryTimePlan(definition.id, definition) if is_timed else RecoveryPlan(definition.id, definition)
    )
    plan = plan_recovery(planned, library.bounds)
    cohort = derive_outcomes(tables, plan, bounds=library.bounds, progress=progress)
    name = "Recovery" if request.support_complete and tables.has_support else "Count recovery"
    counts = cohort.outcomes["label"].value_counts(sort=False).sort("label")
    words = ", ".join(f"{label}: {count}" for label, count in counts.iter_rows())
    n = cohort.outcomes.height
    lines = [f"{name} of {_say_patients(n)}: {words}"]
    if name == "Count recovery":
        why = "support is not known to be complete (--support FILE --support-complete)"
        if not definition.looks_at_support:
            why = f"'{definition.id}' does not look at support"
        lines.append(f"Called count recovery: {why}.")
    return cohort.outcomes, GradeSummary(tables.findings, lines)


def _name_phenotypes(
    request: GradeRequest, definition: PhenotypeDefinition, library: Library, *, progress: Progress | None
) -> tuple[pl.DataFrame, GradeSummary]:
    """The outcomes table of a definition of phenotypes, or of its second dip."""
    from cytopenia.study.outcomes import derive_outcomes
    from cytopenia.study.phenotype_outcomes import count_possible, count_several
    from cytopenia.study.plan import PhenotypePlan
    from cytopenia.study.single_plans import plan_phenotype

    tables = _read_courses(request)
    plan = PhenotypePlan(
        request.definition, definition, is_second_dip=request.definition.endswith(f".{SECOND_DIP}")
    )
    bounds = library.bounds
    found = derive_outcomes(tables, plan_phenotype(plan, bounds), bounds=bounds, progress=progress).outcomes
    counts = {label: numbers[0] for label, numbers in count_possible(found).items()}
    open_rows, what = count_several(found), "with more than one possible label"
    if plan.is_second_dip:
        counts = {label: int((found["label"] == label).sum()) for label in ("yes", "no")}
        open_rows, what = int((found["best"] != found["worst"]).sum()), "open because of unmeasured days"
    counts["not judged"] = int(found["label"].is_null().sum())
    words = ", ".join(f"{label}: {count}" for label, count in counts.items() if count)
    lines = [f"{plan.title} of {_say_patients(found.height)}: {words}", f"  {what}: {open_rows}"]
    return found, GradeSummary(tables.findings, lines)


def _count_days(
    request: GradeRequest, library: Library, *, progress: Progress | None
) -> tuple[pl.DataFrame, GradeSummary]:
    """The outcomes table of parts that count days or look at a landmark, one row per patient and part."""
    from cytopenia.study.outcomes import derive_outcomes
    from cytopenia.study.single_plans import plan_parts

    tables = _read_courses(request)
    plan = plan_parts(library.find_parts(request.definition), library.bounds)
    cohort = derive_outcomes(tables, plan, bounds=library.bounds, progress=progress)
    lines: list[str] = []
    for grade in plan.grades:
        rows = cohort.outcomes.filter(outcome=grade.address)
        counts = rows["policy"].value_counts(sort=False).sort("policy", nulls_last=True)
        words = [f"{'not judged' if g is None else f'grade {g:.0f}'}: {n}" for g, n in counts.iter_rows()]
        undecided = int((rows["best"] != rows["worst"]).sum())
        lines.append(f"{grade.part.title} of {_say_patients(rows.height)}: {', '.join(words)}")
        lines.append(f"  open to another grade because of unmeasured days: {undecided}")
    return cohort.outcomes, GradeSummary(tables.findings, lines)


def _say_patients(n: int) -> str:
    return f"{n} {'patient' if n == 1 else 'patients'}"


def _grade_fever(
    request: GradeRequest, definition: FeverDefinition, library: Library, *, progress: Progress | None
) -> tuple[pl.DataFrame, GradeSummary]:
    """The outcomes table of febrile neutropenia."""
    from cytopenia.grade_clinical import grade_fever

    tables = _read_courses(request)
    outcomes, lines = grade_fever(tables, definition, library, progress=progress)
    return outcomes, GradeSummary(tables.findings, lines)


def _grade_bedside(request: GradeRequest, definition: BedsideDefinition) -> tuple[pl.DataFrame, GradeSummary]:
    """Every bedside row with its grade; the patients go into a file beside it."""
    from cytopenia.grade_clinical import grade_bedside_file

    beside = request.out.with_name(f"{request.out.stem}_patients{request.out.suffix}")
    if beside.resolve() == request.labs.resolve():
        raise OutputError(f"{beside.name}: is the file given as LABS; name another with --out.")
    mapping = (DataSection() if request.mapping is None else read_mapping(request.mapping)).bedside
    if request.decimal is not None:
        mapping = mapping.model_copy(update={"decimal": _read_decimal(request.decimal)})
    graded = grade_bedside_file(request.labs, mapping, definition)
    lines = graded.lines
    if graded.patients is not None:
        write_table(graded.patients, beside)
        lines = [*lines, f"Wrote {beside}."]
    return graded.rows, GradeSummary(graded.findings, lines)


def _list_options(request: GradeRequest) -> FileOptions:
    tables = {"events": request.events, "support": request.support}
    return FileOptions(
        labs=request.labs,
        tables={name: path for name, path in tables.items() if path is not None},
        mapping=request.mapping,
        day_zero=request.day_zero,
        decimal=request.decimal,
    )


def _read_courses(request: GradeRequest) -> Tables:
    from cytopenia.readers.sources import read_tables

    return require_tables(read_tables(request.labs, _read_section(request)))


def _read_section(request: GradeRequest) -> DataSection:
    """The mapping with the options of the command on top."""
    return build_section(replace(_list_options(request), lln=_read_limits(request.lln)))


def _read_decimal(mark: str) -> str:
    if mark not in (".", ","):
        raise ProtocolError(f"--decimal: got '{mark}'; allowed: . or ,")
    return mark


def _read_limits(options: tuple[str, ...]) -> dict[str, float]:
    """Analyte and lower limit in the canonical unit from "anc=2.0" or "hemoglobin=12 g/dL"."""
    limits: list[tuple[str, float]] = []
    problems: list[str] = []
    for option in options:
        try:
            limits.append(_read_limit(option))
        except (ProtocolError, UnitError) as cause:
            problems.append(str(cause))
    found, wrong = judge_limits(limits)
    if problems or wrong:
        raise ProtocolError(join_problems(f"--lln: {BAD_LIMITS}", [*problems, *wrong]))
    return found


def _read_limit(option: str) -> tuple[str, float]:
    name, _, text = option.partition("=")
    sign, value, unit = split_quantity(text, where=f"'{option}'", example=_LIMIT_EXAMPLE)
    if sign != "=":
        raise ProtocolError(f"'{option}' has no number after '='; write {_LIMIT_EXAMPLE}")
    analyte = resolve_analyte(name)
    if not unit or analyte is None:
        return name.strip(), value
    return analyte, convert_value(value, unit, analyte=analyte)
