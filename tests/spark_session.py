"""A session of Spark for tests: in this process, on loopback, with two workers that run this package."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import cytopenia

SOURCES = Path(cytopenia.__file__).parents[1]


@contextmanager
def start_spark(folder: Path, find_program: Callable[[str], str]) -> Generator[Any]:
    """Open a session with its files in a folder, and stop it."""
    sql = pytest.importorskip("pyspark.sql", reason="the extra 'spark' is not installed")
    find_program("java")
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.executorEnv.PYTHONPATH": str(SOURCES),
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "America/New_York",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        session = sql.SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()
    try:
        yield session
    finally:
        session.stop()
