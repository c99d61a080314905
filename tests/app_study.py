"""A study in the folder of a running app, and its run as a page would start it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from app_server import Visitor

_SECONDS = 420


def rename_patients(folder: Path, names: Mapping[str, str]) -> None:
    """Give patients other ids in every table of a study."""
    for file in folder.glob("*.csv"):
        table = pl.read_csv(file, infer_schema=False)
        if "patient_id" in table.columns:
            renamed = pl.col("patient_id").replace(dict(names))
            table.with_columns(renamed).write_csv(file)


def run_in_app(visitor: Visitor, study: str) -> None:
    """Start a run and wait for its end."""
    assert visitor.send_form(f"/studies/{study}/run").status == 303
    ends = time.monotonic() + _SECONDS
    while time.monotonic() < ends:
        job = json.loads(visitor.ask("GET", f"/studies/{study}/run").text)
        if job["state"] != "running":
            assert job["state"] == "finished", job["error"]
            return
        time.sleep(0.5)
    raise AssertionError("the run has not ended in time")
