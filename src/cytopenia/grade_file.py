"""Grade one file of laboratory values: rows with their grade, or courses with their outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from cytopenia.contract import merge_findings
from cytopenia.definition_forms import RecoveryDefinition
from cytopenia.definitions import Library, load_library
from cytopenia.errors import DefinitionError, OutputError, ProtocolError, suggest_name
from cytopenia.grading.grades import grade_labs
from cytopenia.readers.mapping import DataSection, read_mapping
from cytopenia.readers.tabular import read_lab_file, read_tables
from cytopenia.study.outcomes import Progress, derive_outcomes
from cytopenia.study.plan import RecoveryPlan, plan_recovery
from cytopenia.units import load_analytes

__all__ = ["GradeRequest", "GradeSummary", "grade_file"]

_SUFFIXES = (".csv", ".tsv", ".xlsx", ".parquet")


@dataclass(frozen=True, kw_only=True)
class GradeRequest:
    """What `cytopenia grade` was asked for; see there."""

    labs: Path
    definition: str
    out: Path
    mapping: Path | None = None
    day_zero: str | None = None
    decimal: str | None = None
    lln: tuple[str, ...] = ()
    events: Path | None = None
    support: Path | None = None
    support_complete: bool = False


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
    if request.out.suffix.lower() not in _SUFFIXES:
        raise OutputError(f"{request.out.name}: files of this type are not written; allowed: {', '.join(_SUFFIXES)}.")
    if request.out.resolve() == request.labs.resolve():
        raise OutputError(f"{request.out.name}: is the file that is graded; name another with --out.")
    library = load_library(request.labs.parent)
    definition = library.find(request.definition)
    if isinstance(definition, RecoveryDefinition):
        table, summary = _grade_courses(request, definition, library, progress=progress)
    else:
        table, summary = _grade_rows(request, library)
    _write_table(table, request.out)
    return GradeSummary(summary.findings, [*summary.lines, f"Wrote {request.out}."])


def _grade_rows(request: GradeRequest, library: Library) -> tuple[pl.DataFrame, GradeSummary]:
    """Every row of the file with term, grade and reason; a wide file becomes long."""
    unused = [name for name in ("events", "support") if getattr(request, name) is not None]
    if unused:
        names = ", ".join(f"--{name}" for name in unused)
        raise DefinitionError(f"{names}: '{request.definition}' grades single values, which need neither; leave it out.")
    parts = library.find_parts(request.definition)
    source, labs, findings = read_lab_file(request.labs, _read_section(request))
    graded = grade_labs(labs, parts)
    is_long = graded.height <= source.height and graded["source_row"].is_unique().all()
    table = _attach(source, graded) if is_long else graded
    counts = table["grade"].value_counts(sort=False).sort("grade", nulls_last=True)
    words = [f"{'not judged' if grade is None else f'grade {grade}'}: {n}" for grade, n in counts.iter_rows()]
    return table, GradeSummary(findings, [f"{table.height} rows: {', '.join(words)}"])


def _attach(source: pl.DataFrame, graded: pl.DataFrame) -> pl.DataFrame:
    """The rows of the file in their order, with the three columns of the grade."""
    added = graded.select("source_row", "term", "grade", pl.col("grade_reason").alias("reason"))
    clash = [name for name in ("term", "grade", "reason") if name in source.columns]
    kept = source.rename({name: f"{name}_in_file" for name in clash})
    joined = kept.join(added, on="source_row", how="left", maintain_order="left")
    return joined.with_columns(pl.col("reason").fill_null("unknown analyte"))


def _grade_courses(
    request: GradeRequest, definition: RecoveryDefinition, library: Library, *, progress: Progress | None
) -> tuple[pl.DataFrame, GradeSummary]:
    """The outcomes table of a definition of whole courses."""
    tables = read_tables(request.labs, _read_section(request))
    plan = plan_recovery(RecoveryPlan(definition.id, definition), library.bounds)
    cohort = derive_outcomes(tables, plan, bounds=library.bounds, progress=progress)
    name = "Recovery" if request.support_complete and tables.has_support else "Count recovery"
    counts = cohort.outcomes["label"].value_counts(sort=False).sort("label")
    words = ", ".join(f"{label}: {n}" for label, n in counts.iter_rows())
    lines = [f"{name} of {cohort.outcomes.height} patients: {words}"]
    if name == "Count recovery":
        lines.append("Called count recovery: support is not known to be complete (--support FILE --support-complete).")
    return cohort.outcomes, GradeSummary(merge_findings(tables.findings, tables.findings.clear()), lines)


def _read_section(request: GradeRequest) -> DataSection:
    """The mapping with the options of the command on top."""
    section = DataSection() if request.mapping is None else read_mapping(request.mapping)
    content = section.model_dump(exclude_unset=True)
    if request.day_zero is not None:
        if request.day_zero not in ("first", "infusion"):
            raise ProtocolError(f"--day-zero: got '{request.day_zero}'; allowed: first, infusion.")
        content["day_zero"] = request.day_zero
    labs = {**content.get("labs", {}), "file": str(request.labs.resolve())}
    if request.decimal is not None:
        if request.decimal not in (".", ","):
            raise ProtocolError(f"--decimal: got '{request.decimal}'; allowed: . or ,")
        labs["decimal"] = request.decimal
    labs["lln"] = {**labs.get("lln", {}), **_read_limits(request.lln)}
    content["labs"] = labs
    for name in ("events", "support"):
        path: Path | None = getattr(request, name)
        if path is not None:
            content[name] = {**content.get(name, {}), "file": str(path.resolve())}
    return DataSection.model_validate(content)


def _read_limits(options: tuple[str, ...]) -> dict[str, dict[str, object]]:
    limits: dict[str, dict[str, object]] = {}
    for option in options:
        name, _, number = option.partition("=")
        analyte = load_analytes().get(name.strip().lower())
        if analyte is None:
            hint = suggest_name(name, load_analytes())
            raise ProtocolError(f"--lln: unknown analyte '{name}'{hint}; write --lln anc=2.0")
        try:
            limits[analyte.name] = {"value": float(number), "unit": analyte.unit}
        except ValueError as cause:
            raise ProtocolError(f"--lln: '{option}' has no number after '='; write --lln {name}=2.0") from cause
    return limits


def _write_table(table: pl.DataFrame, path: Path) -> None:
    """Write beside the target first, so that an interrupted run leaves the old file whole."""
    temporary = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        match path.suffix.lower():
            case ".parquet":
                table.write_parquet(temporary)
            case ".xlsx":
                table.write_excel(temporary)
            case ".tsv":
                table.write_csv(temporary, separator="\t")
            case _:
                table.write_csv(temporary)
        temporary.replace(path)
    except OSError as cause:
        raise OutputError(f"{path}: cannot be written ({cause.strerror}).") from cause
    finally:
        temporary.unlink(missing_ok=True)
