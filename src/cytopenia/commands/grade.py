"""The command that grades one file of laboratory values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cytopenia.commands.terminal import Bar, print_findings

__all__ = ["grade"]


def grade(  # noqa: PLR0913 - one argument per option of the command
    labs: Path,
    *,
    definition: str,
    out: Path,
    map_: Annotated[Path | None, Parameter(name="--map")] = None,
    day_zero: Annotated[str | None, Parameter(name="--day-zero")] = None,
    lln: Annotated[list[str] | None, Parameter(name="--lln", negative="")] = None,
    decimal: str | None = None,
    events: Path | None = None,
    support: Path | None = None,
    support_complete: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Grade one file of laboratory values.

    Example: `cytopenia grade labs.csv --definition ctcae_v4 --out graded.csv --lln anc=2.0`

    A definition of single values (ctcae_v4) gives every row its term, grade and reason, in the order of the
    file; a wide file becomes one row per value. A definition of whole courses (icaht_2023, qiu2023_recovery,
    cibmtr_neutrophil_recovery) gives one row per patient, and so does febrile neutropenia. A bedside scale
    (astct_2019_crs, lee_2014_crs, astct_2019_icans) grades a table of bedside findings, and writes the
    patients beside it. Grade 0 is judged and normal; an empty grade is not judged, and the reason says why.
    grade_worst is the highest grade that a value such as "<1.0" can mean. A rule relative to the patient's
    baseline (fibrinogen in ctcae_v4 and ctcae_v5) needs a column "baseline", in the unit of the row.

    Parameters
    ----------
    labs
        CSV, TSV, Excel or Parquet; long (one row per value: analyte, value, unit, if known lln, baseline) or
        wide (one column per analyte; it has no room for a baseline).
    definition
        Id of a definition, with or without a part: ctcae_v4, ctcae_v4.anemia, qiu2023_recovery,
        ctcae_v5_febrile_neutropenia, astct_2019_crs.
    out
        The file to write: .csv, .tsv, .xlsx or .parquet.
    map_
        A TOML file that says which column is which; `cytopenia init` shows its form under [data].
    day_zero
        "first": the first day of each patient is day 0. Otherwise the file counts days from infusion. Matters
        for whole courses only, and is refused elsewhere.
    lln
        Lower limit of normal for rows that have none: --lln anc=2.0, or with its unit,
        --lln "hemoglobin=12 g/dL". Without a unit it is in 1e9/L for counts and g/L for hemoglobin.
    decimal
        The decimal mark of the values, "." or ",", where the file alone does not settle it.
    events
        Deaths and other events, for definitions of whole courses.
    support
        Growth factors and transfusions, for recoveries that must be free of support.
    support_complete
        The support file holds all support; only then is the outcome called recovery.
    """
    from cytopenia.grade_file import grade_file
    from cytopenia.grade_options import GradeRequest

    request = GradeRequest(
        labs=labs,
        definition=definition,
        out=out,
        mapping=map_,
        day_zero=day_zero,
        decimal=decimal,
        lln=tuple(lln or ()),
        events=events,
        support=support,
        support_complete=support_complete,
    )
    with Bar() as bar:
        summary = grade_file(request, progress=bar)
    print_findings(summary.findings)
    for line in summary.lines:
        print(line)
