"""Time and memory of a cohort out of a large CDM on a PostgreSQL server of its own.

5,000,000 measurements of 50,000 persons, of whom 2,000 were infused: extraction and grading of the 2,000
in a process of its own, which prints its time and its peak of memory. The server is started on the loopback
and removed afterwards. All data are made up by the server.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests"), str(ROOT)]

PERSONS, INFUSED, PER_PERSON = 50_000, 2_000, 100
MOST_SECONDS, MOST_MEGABYTES = 10, 1_000
INFUSION = 792_844

# Four counts a day of 25 days around the infusion; concepts and units are those of a real CDM.
TABLES = f"""
create table person as select
  p as person_id, 8507 + 25 * (p % 2) as gender_concept_id, 1940 + p % 60 as year_of_birth,
  1 + p % 12 as month_of_birth, 1 + p % 28 as day_of_birth, 'H' || p as person_source_value
from generate_series(1, {PERSONS}) as p;
create table drug_exposure as select
  p as drug_exposure_id, p as person_id, {INFUSION} as drug_concept_id,
  date '2024-01-10' + p % 300 as drug_exposure_start_date,
  date '2024-01-10' + p % 300 as drug_exposure_end_date, 32818 as drug_type_concept_id
from generate_series(1, {PERSONS}, {PERSONS // INFUSED}) as p;
create table measurement as select
  (p - 1) * {PER_PERSON} + k as measurement_id, p as person_id,
  (array[3013650, 3000905, 3024929, 3000963])[1 + k % 4] as measurement_concept_id,
  date '2024-01-10' + p % 300 + k / 4 - 5 as measurement_date,
  null::timestamp as measurement_datetime, null::integer as operator_concept_id,
  (case k % 4 when 0 then abs(hashint4(p * 128 + k)) % 5000 / 1000.0
              when 1 then 0.5 + abs(hashint4(p * 128 + k)) % 9000 / 1000.0
              when 2 then 5 + abs(hashint4(p * 128 + k)) % 300
              else 6 + abs(hashint4(p * 128 + k)) % 90 / 10.0 end)::numeric as value_as_number,
  0 as value_as_concept_id, (array[8848, 8848, 8848, 8713])[1 + k % 4] as unit_concept_id,
  null::numeric as range_low, null::numeric as range_high, 'made up' as measurement_source_value,
  (array['K/uL', 'K/uL', 'K/uL', 'g/dL'])[1 + k % 4] as unit_source_value, null::varchar as value_source_value
from generate_series(1, {PERSONS}) as p, generate_series(0, {PER_PERSON - 1}) as k;
create index on measurement (person_id);
create index on measurement (measurement_concept_id);
create index on drug_exposure (drug_concept_id);
analyze;
grant select on all tables in schema public to reader;
"""

STUDY = """
[study]
title = "Benchmark: made-up counts"
seed = 1
synthetic = true

[data.omop]
connection = "{address}"
cohort = {{ concept_ids = [{infusion}] }}

[outcomes.neutropenia]
definition = "ctcae_v5.neutrophil_count_decreased"
window = [0, 28]

[outcomes.anemia]
definition = "ctcae_v5.anemia"
window = [0, 28]

[outcomes.thrombocytopenia]
definition = "ctcae_v5.platelet_count_decreased"
window = [0, 28]

[outcomes.early]
definition = "icaht_2023.early"

[[analyses]]
id = "occurrence"
kind = "occurrence"
title = "Occurrence"
outcomes = ["neutropenia", "anemia", "thrombocytopenia", "early"]
"""


def measure(path: Path) -> None:
    """Read and grade the cohort of a study file; print seconds and megabytes."""
    import resource

    loading = time.perf_counter()
    import adbc_driver_postgresql.dbapi
    import ibis

    from cytopenia.study.protocol import read_protocol
    from cytopenia.study.run import run_plan
    from cytopenia.workflow import read_study_tables

    ibis.to_sql(ibis.table({"a": "int64"}, name="first"), dialect="postgres")
    study = read_protocol(path)
    start = time.perf_counter()
    tables = read_study_tables(study)
    read = time.perf_counter()
    run = run_plan(study, tables)
    done = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{tables.labs.height:,} values of {tables.patients.height:,} patients were read.")
    processor = time.process_time()
    print(f"extraction {read - start:.1f} s, grading {done - read:.1f} s, peak {peak:,.0f} MB")
    print(
        f"before them, import of {adbc_driver_postgresql.__name__}, ibis, cytopenia: {start - loading:.1f} s"
    )
    print(f"processor time of this process, without the server: {processor:.1f} s")
    slow, large = done - start > MOST_SECONDS, peak > MOST_MEGABYTES
    print(f"allowed: {MOST_SECONDS} s, {MOST_MEGABYTES:,} MB: {'MISSED' if slow or large else 'kept'}")
    raise SystemExit(1 if slow or large or run.outcomes.is_empty() else 0)


def main() -> None:
    """Start the server, make the CDM, and measure in a new process."""
    import shutil
    import tempfile

    from tests.postgres_server import PASSWORD, find_postgres, serve

    def find(name: str) -> str:
        return shutil.which(name) or sys.exit(f"the program {name} is not installed (package postgresql)")

    with serve(find_postgres(find)) as server, tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        server.run(TABLES)
        rows = server.run("select count(*) from measurement")
        print(f"{int(rows):,} measurements were made in {time.perf_counter() - start:.0f} s")
        path = Path(folder) / "study.toml"
        path.write_text(STUDY.format(address=server.address(), infusion=INFUSION), encoding="utf-8")
        environment = {**os.environ, "CYTOPENIA_OMOP_PASSWORD": PASSWORD}
        for _ in range(3):
            done = subprocess.run(
                [sys.executable, __file__, str(path)],
                check=False,
                env=environment,
                capture_output=True,
                text=True,
            )
            print(f"load {os.getloadavg()[0]:.1f}: {done.stdout}{done.stderr}")


if __name__ == "__main__":
    measure(Path(sys.argv[1])) if len(sys.argv) > 1 else main()
