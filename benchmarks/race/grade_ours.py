"""The grading by the package: three scenarios and the evidence, in blocks of patients."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness import Numbers, Options, Work, compete

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
            found.outcomes.write_parquet(out / f"outcomes_{place}.parquet")
            found.evidence.write_parquet(out / f"evidence_{place}.parquet")
            counts["outcomes"] += found.outcomes.height
            counts["evidence"] += found.evidence.height
        return counts

    return work


def read_blocks(folder: Path, size: int) -> Iterator[dict[str, object]]:
    """Yield the tables of some patients at a time; the files are in the order of the patients."""
    import polars as pl

    ids = pl.read_parquet(folder / "patients.parquet", columns=["patient_id"])["patient_id"].sort()
    asked = pl.col("analyte").is_in(["anc", "hemoglobin", "platelets"])
    for start in range(0, ids.len(), size):
        part = ids[start : start + size]
        chosen = pl.col("patient_id").is_between(pl.lit(part[0]), pl.lit(part[-1]))
        yield {
            name: pl.scan_parquet(folder / f"{name}.parquet")
            .filter(chosen & asked if name == "labs" else chosen)
            .collect()
            for name in TABLES
        }


if __name__ == "__main__":
    compete({"ours": prepare}, ("cytopenia", "polars", "numpy"))
