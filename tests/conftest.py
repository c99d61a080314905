"""What every test may use: two sizes of property tests, programs that may be absent, kept files."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from quick_reports import with_one_picture, with_tables_alone, without_figures

settings.register_profile("fast", max_examples=20, deadline=None, derandomize=True)
settings.register_profile(
    "long", max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("fast")

# Programs that made the kept numbers; they need packages that no test may need.
collect_ignore_glob = ["parity/make_*.py"]

GOLDEN = Path(__file__).parent / "golden"
UPDATE_GOLDEN = "CYTOPENIA_UPDATE_GOLDEN"
REQUIRE_PROGRAMS = "CYTOPENIA_REQUIRE_PROGRAMS"


@pytest.fixture
def coarse_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures for Word with few pixels: a run in a test that is not about them takes half the time."""
    monkeypatch.setattr("cytopenia.report.figure_formats.PRINT_DPI", 30)


def pytest_configure() -> None:
    """Workers share the cores: in each of them a library that would start a thread per core starts one.

    With `-n0`, and where a test sets the number in a process of its own, there are as many as ever.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        for name in ("POLARS_MAX_THREADS", "OPENBLAS_NUM_THREADS"):
            os.environ.setdefault(name, "1")


def pytest_collection_finish() -> None:
    """What was collected stays to the end: no later search for garbage goes through it."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def one_picture() -> Iterator[None]:
    """The same small picture in place of each figure of a Word file: for runs whose test looks elsewhere."""
    with with_one_picture():
        yield


@pytest.fixture
def no_figures() -> Iterator[None]:
    """Reports without figures: half the time of a small run, for tests that read its tables alone."""
    with without_figures():
        yield


@pytest.fixture
def tables_alone() -> Iterator[None]:
    """Neither figures nor a Word file: for tests that read the tables of a run."""
    with with_tables_alone():
        yield


@pytest.fixture(scope="session")
def find_program() -> Callable[[str], str]:
    """Return the path of a program; where it is absent the test skips, or fails if programs are required."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            reason = f"the program {name!r} is not installed; its package stands in .ci/apt-packages.txt"
            (pytest.fail if os.environ.get(REQUIRE_PROGRAMS) else pytest.skip)(reason)
        return path

    return find


@pytest.fixture
def compare_golden() -> Callable[[str, str], None]:
    """Compare a text with the kept file of that name; `make golden` rewrites the file instead."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get(UPDATE_GOLDEN):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8", newline="\n")
        assert path.exists(), f"tests/golden/{name} is missing: run `make golden` and read the new file"
        assert text == path.read_text("utf-8"), f"tests/golden/{name} differs: `make golden` shows how"

    return compare
