"""The command that writes counts for the public."""

from __future__ import annotations

from pathlib import Path

from cytopenia.commands.terminal import Bar

__all__ = ["export"]


def export(study: Path, analysis: str, *, smallest_count: int, out: Path) -> None:
    """Write the counts of one analysis for the public: small ones hidden, and those that give them away.

    Example: `cytopenia export study.toml table1 --smallest-count 5 --out public.csv`

    Levels of factors by outcome, and nothing else: no value of a patient, no median, no figure.

    Parameters
    ----------
    study
        The study file, or the folder that has it as study.toml.
    analysis
        The id of an analysis of kind risk_factors, with groups among its columns, or crosstab.
    smallest_count
        The smallest count that may be shown, as your institution asks for: with 5 every count from 0 to 4 is
        printed as "<5".
    out
        The file to write; it ends in .csv.
    """
    from cytopenia.public_file import ExportRequest, export_counts

    request = ExportRequest(study=study, analysis=analysis, smallest=smallest_count, out=out)
    with Bar() as bar:
        found = export_counts(request, progress=bar)
    counts = found.counts["status"].value_counts()
    by_status = dict(counts.iter_rows())
    print(
        f"{by_status.get('shown', 0)} counts shown, {by_status.get('small', 0)} below {smallest_count},"
        f" {by_status.get('hidden', 0)} hidden so that those cannot be worked out"
    )
    for factor, reason in found.left_out:
        print(f"Left out: {factor}: {reason}")
    print(f"Counts: {out}")
