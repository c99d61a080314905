"""The grading in DuckDB's SQL, and the floor: what it takes merely to read and sort the same rows."""

from __future__ import annotations

from pathlib import Path

from harness import Numbers, Options, Work, compete

SCRIPT = Path(__file__).with_suffix(".sql")
# Scan, one window function, and the rows sorted by patient, analyte and day; two numbers come back.
FLOOR = """
SELECT count(*), sum(previous) FROM (
  SELECT *, lag(day) OVER (PARTITION BY patient_id, analyte ORDER BY day) AS previous
  FROM read_parquet('FOLDER/labs.parquet') WHERE analyte IN ('anc', 'hemoglobin', 'platelets')
  ORDER BY patient_id, analyte, day)
"""


def prepare(folder: Path, options: Options) -> Work:
    """Return the work: the whole script on a new connection, which writes the grades as Parquet."""
    del options
    statements = SCRIPT.read_text("utf-8").replace("FOLDER", str(folder))

    def work() -> Numbers:
        import duckdb

        with duckdb.connect() as connection:
            connection.execute(statements)
        return {}

    return work


def prepare_floor(folder: Path, options: Options) -> Work:
    """Return the work: one query."""
    del options

    def work() -> Numbers:
        import duckdb

        with duckdb.connect() as connection:
            rows, total = connection.execute(FLOOR.replace("FOLDER", str(folder))).fetchall()[0]
        return {"rows": rows, "sum": total}

    return work


if __name__ == "__main__":
    compete({"duckdb": prepare, "floor": prepare_floor}, ("duckdb",))
