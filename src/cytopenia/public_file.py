"""The counts of one analysis as a file for the public, without any small count."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cytopenia.errors import DataError, OutputError
from cytopenia.folders import explain_failure
from cytopenia.report.public_counts import print_public
from cytopenia.study.outcomes import Progress
from cytopenia.study.protocol import read_protocol
from cytopenia.study.public_counts import PublicCounts, find_exported, hide_results
from cytopenia.study.run import run_plan
from cytopenia.study_tables import read_study_tables

__all__ = ["ExportRequest", "export_counts"]

# A smallest count of 1 would hide nothing but zeros.
LEAST_SMALLEST = 2


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """Which counts go where.

    Attributes
    ----------
    study : path
    analysis : str
        Of kind risk_factors, with groups among its columns, or crosstab.
    smallest : int
        The smallest count that may be shown.
    out : path
        A CSV file.
    """

    study: Path
    analysis: str
    smallest: int
    out: Path


def export_counts(request: ExportRequest, *, progress: Progress | None = None) -> PublicCounts:
    """Write the counts of one analysis, the small ones hidden with those that would give them away.

    Raises
    ------
    CytopeniaError
        As `run_study`; ProtocolError for an analysis without such counts; DataError for a smallest count
        that hides nothing, or a group below it; OutputError for another ending than .csv.
    """
    if request.smallest < LEAST_SMALLEST:
        raise DataError(
            f"--smallest-count is {request.smallest}; it must be at least {LEAST_SMALLEST}. Write the number"
            " that your institution asks for."
        )
    if request.out.suffix.lower() != ".csv":
        raise OutputError(f"{request.out}: the counts are a CSV file; give it a name that ends in .csv.")
    study = read_protocol(request.study)
    analysis = find_exported(study, request.analysis)
    results = run_plan(study, read_study_tables(study), progress=progress).results
    found = hide_results(results, study, analysis, smallest=request.smallest)
    with explain_failure(request.out):
        print_public(found.counts, smallest=request.smallest).write_csv(request.out)
    return found
