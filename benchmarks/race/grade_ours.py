"""The grading by the package: three scenarios and the evidence, in blocks of patients."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from harness import Numbers, Options, Work, compete

if TYPE_CHECKING:
    import polars as pl

HERE = Path(__file__).parent
TABLES = ("patients", "infusions", "labs", "support", "events")


def prepare(folder: Path, options: Options) -> Work:
    """Return the work: read, prepare and grade block by block, write outcomes and evidence as Parquet."""
    from cytopenia.study.protocol import read_protocol

    study = read_protocol(HERE / "grading.toml")

    def work() -> Numbers:
        from cytopenia.large_cohort import derive_in_blocks

        out = folder / "grades_ours"
        # Of an earlier run there can be more blocks than of this one.
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        counts = {"outcomes": 0.0, "evidence": 0.0}
        graded = derive_in_blocks(scan_tables(folder), study, blocks=options.get("blocks"))
        for place, found in enumerate(graded):
            found.outcomes.write_parquet(out / f"outcomes_{place}.parquet", compression="lz4")
            found.evidence.write_parquet(out / f"evidence_{place}.parquet", compression="lz4")
            counts["outcomes"] += found.outcomes.height
            counts["evidence"] += found.evidence.height
        return counts

    return work


def scan_tables(folder: Path) -> dict[str, pl.LazyFrame]:
    """Return the tables, the labs with the analytes that all contenders look at."""
    import polars as pl

    tables = {name: pl.scan_parquet(folder / f"{name}.parquet") for name in TABLES}
    # The evidence names the row of the file, as a spreadsheet counts below the headings.
    labs = tables["labs"].with_row_index("source_row", offset=2)
    tables["labs"] = labs.filter(pl.col("analyte").is_in(["anc", "hemoglobin", "platelets"]))
    return tables


if __name__ == "__main__":
    compete({"ours": prepare}, ("cytopenia", "polars", "numpy"))
