"""Which lineages were severely low together: the outcomes of each lineage, counted by combination."""

from __future__ import annotations

import polars as pl

from cytopenia.study.plan import Plan

__all__ = ["OVERLAP_SCHEMA", "count_overlap"]

OVERLAP_SCHEMA: dict[str, type[pl.DataType]] = {
    "kind": pl.String,
    "outcomes": pl.String,
    "patients": pl.Int64,
}
LINEAGES = ("anc", "hemoglobin", "platelets", "alc")
COMBINATION, SET, LEFT_OUT = "combination", "set", "left out"


def count_overlap(plan: Plan, outcomes: pl.DataFrame) -> pl.DataFrame:
    """Return how many patients had which combination of the severe cytopenias of the protocol.

    Of each lineage the first outcome with a least grade is taken. A patient of whom one of them cannot be
    told is left out of the combinations, and counted as such.

    Returns
    -------
    DataFrame
        Columns of `OVERLAP_SCHEMA`, most patients first. `outcomes` are joined by "|"; of the combination of
        none it is empty. No row if fewer than two lineages have such an outcome.
    """
    names = _choose_outcomes(plan)
    known = outcomes.filter(pl.col("outcome").is_in(names))
    if len(names) < 2 or known.is_empty():
        return pl.DataFrame(schema=OVERLAP_SCHEMA)
    wide = known.pivot("outcome", index="patient_id", values="policy", maintain_order=True)
    complete = wide.drop_nulls(names)
    had = pl.concat_list(
        pl.when(pl.col(name) > 0).then(pl.lit(name)).otherwise(pl.lit(None)) for name in names
    )
    combined = (
        complete.select(had.list.drop_nulls().list.join("|").alias("outcomes"))
        .group_by("outcomes", maintain_order=True)
        .agg(pl.len().alias("patients"))
        .sort("patients", "outcomes", descending=[True, False])
    )
    sets = pl.DataFrame({"outcomes": names, "patients": [int((complete[name] > 0).sum()) for name in names]})
    left_out = pl.DataFrame({"outcomes": [""], "patients": [wide.height - complete.height]})
    parts = ((COMBINATION, combined), (SET, sets), (LEFT_OUT, left_out))
    return pl.concat(
        part.select(pl.lit(kind).alias("kind"), "outcomes", pl.col("patients").cast(pl.Int64))
        for kind, part in parts
    )


def _choose_outcomes(plan: Plan) -> list[str]:
    """The first outcome with a least grade of each lineage, in the order of the lineages."""
    found: dict[str, str] = {}
    for grade in plan.grades:
        for name in grade.outcomes:
            spec = plan.specs.get(name)
            if spec is not None and spec.min_grade is not None:
                found.setdefault(grade.part.analyte, name)
    return [found[analyte] for analyte in LINEAGES if analyte in found]
