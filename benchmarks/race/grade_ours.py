"""The grading by the package: three scenarios and the evidence, in blocks of patients."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from harness import Numbers, Options, Work, compete

if TYPE_CHECKING:
    import polars as pl

HERE = Path(__file__).parent
BLOCK = 4_000
TABLES = ("patients", "infusions", "labs", "support", "events")


def prepare(folder: Path, options: Options) -> Work:
    """Return the work: read, prepare and grade block by block, write outcomes and evidence as Parquet."""
    from cytopenia.study.plan import build_plan
    from cytopenia.study.protocol import read_protocol

    study = read_protocol(HERE / "grading.toml")
    plan = build_plan(study)

    def work() -> Numbers:
        from cytopenia.contract import prepare_tables
        from cytopenia.study.outcomes import derive_outcomes

        out = folder / "grades_ours"
        out.mkdir(exist_ok=True)
        counts = {"outcomes": 0.0, "evidence": 0.0}
        for place, raw in enumerate(read_blocks(folder, options.get("block", BLOCK))):
            found = derive_outcomes(prepare_tables(raw), plan, bounds=study.library.bounds)
            found.outcomes.write_parquet(out / f"outcomes_{place}.parquet", compression="lz4")
            found.evidence.write_parquet(out / f"evidence_{place}.parquet", compression="lz4")
            counts["outcomes"] += found.outcomes.height
            counts["evidence"] += found.evidence.height
        return counts

    return work


def read_blocks(folder: Path, size: int) -> Iterator[dict[str, pl.DataFrame]]:
    """Yield the tables of some patients at a time; every file is in the order of the patients."""
    import polars as pl

    edges = {name: find_edges(folder, name, size) for name in TABLES}
    for place in range(len(edges["patients"]) - 1):
        block: dict[str, pl.DataFrame] = {}
        for name, ends in edges.items():
            first, last = ends[place], ends[place + 1]
            rows = pl.scan_parquet(folder / f"{name}.parquet").slice(first, last - first)
            if name == "labs":
                # The evidence names the row of the file, as a spreadsheet counts below the headings.
                rows = rows.with_row_index("source_row", offset=first + 2).filter(
                    pl.col("analyte").is_in(["anc", "hemoglobin", "platelets"])
                )
            block[name] = rows.collect()
            if not block[name]["patient_id"].is_in(block["patients"]["patient_id"].implode()).all():
                raise ValueError(f"{name}.parquet is not in the order of patients.parquet")
        yield block


def find_edges(folder: Path, name: str, size: int) -> list[int]:
    """Return where the rows of each block of patients begin in a table, and where the last one ends."""
    import polars as pl

    patients = pl.scan_parquet(folder / "patients.parquet").select("patient_id")
    rows = pl.scan_parquet(folder / f"{name}.parquet").group_by("patient_id").len()
    counts = patients.join(rows, on="patient_id", how="left", maintain_order="left").collect()["len"]
    ends = counts.fill_null(0).cast(pl.Int64).cum_sum()
    return [0, *ends.gather_every(size, size - 1).to_list(), *([ends[-1]] if len(ends) % size else [])]


if __name__ == "__main__":
    compete({"ours": prepare}, ("cytopenia", "polars", "numpy"))
