"""docs/reviewer_mode.md: its example is a protocol of the bundled study, its numbers are those of a run."""

from __future__ import annotations

import re
import shutil
from importlib import resources
from pathlib import Path

import pytest

from cytopenia.report.convention_tables import table_program_conclusions, table_program_tests
from cytopenia.run_content import collect_content
from cytopenia.stats.conventions import compare_counts_by_program
from cytopenia.study.protocol import read_protocol
from cytopenia.workflow import analyze_study

PAGE = (Path(__file__).parents[2] / "docs" / "reviewer_mode.md").read_text("utf-8")
EXAMPLE = Path(str(resources.files("cytopenia") / "data" / "example"))
PROGRAMS = ("spss", "r", "scipy")


def write_example(folder: Path) -> Path:
    shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True)
    path = folder / "study.toml"
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    path.write_text(f"{path.read_text('utf-8')}\n{block}", encoding="utf-8")
    return path


def test_the_example_is_a_protocol(tmp_path: Path) -> None:
    study = read_protocol(write_example(tmp_path))
    assert study.protocol.analyses[-1].id == "crs_by_program"


def test_the_numbers_of_the_page() -> None:
    tests = compare_counts_by_program([[1, 18], [13, 27], [1, 3]])
    p = {(one.program, one.found.method): one.found.p_value or 0.0 for one in tests}
    names = {
        "Pearson's chi-squared": "chi_squared",
        "likelihood ratio chi-squared": "likelihood_ratio_chi_squared",
        "Fisher's exact test": "fisher_exact",
    }
    for title, method in names.items():
        (line,) = re.findall(rf"^\| {title} \| (.*) \|$", PAGE, re.MULTILINE)
        printed = [cell.strip() for cell in line.split("|")]
        found = [format(p[name, method], ".3f") if (name, method) in p else "" for name in PROGRAMS]
        assert printed == found
    assert f"The exact P is {p['r', 'fisher_exact']:.5f}." in PAGE
    exact, draws = p["r", "fisher_exact"], 9999
    spread = 1.96 * (exact * (1 - exact) / draws) ** 0.5
    assert f"between {exact - spread:.3f} and {exact + spread:.3f}" in PAGE


@pytest.mark.long
def test_a_run_prints_them(tmp_path: Path) -> None:
    path = write_example(tmp_path)
    content = collect_content(analyze_study(path), read_protocol(path))
    table = table_program_conclusions(content, "crs_by_program")
    assert [cell.text for row in table.rows for cell in row.cells] == [
        "likelihood ratio chi-squared 0.041 (SPSS); Fisher's exact test 0.047 (SPSS, R, SciPy)",
        "chi-squared 0.072 (SPSS, R, SciPy)",
    ]
    assert len(table_program_tests(content, "crs_by_program").rows) == 4
