"""docs/published_cohorts.md: current, and every figure of the data stands on it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cytopenia.published.cohorts import list_incidences, list_left_out
from cytopenia.study.protocol import read_protocol

ROOT = Path(__file__).parents[2]
HEAD = "[study]\ntitle = 'Page'\nseed = 1\n\n[data]\nfolder = '.'\n\n"
PAGE = (ROOT / "docs" / "published_cohorts.md").read_text("utf-8")


def test_the_page_is_current():
    command = [sys.executable, str(ROOT / "scripts" / "make_cohort_page.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("item", list_incidences(), ids=lambda item: item.address)
def test_every_figure_stands_on_the_page_with_its_source(item):
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{item.address}` |")]
    cells = [cell.strip() for cell in line.split("|")]
    count = item.incidence.counted.count
    assert f"{'–' if count is None else count}/{item.incidence.denominator}" in cells
    assert item.incidence.source in line
    assert item.incidence.counted.words in line


def test_the_example_of_the_page_is_a_protocol(tmp_path: Path):
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "study.toml").write_text(HEAD + example, encoding="utf-8")
    (analysis,) = read_protocol(tmp_path).protocol.analyses
    assert analysis.kind == "compare_published"


def test_everything_left_out_has_its_reason():
    assert all(f"| {one.name} |" in PAGE and one.reason in PAGE for one in list_left_out())
