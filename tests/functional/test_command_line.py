"""The command itself: help, mistakes in the command line, lazy imports, the progress bar."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cytopenia.cli import app
from cytopenia.commands import terminal
from processes import SOURCE, modules_after

COMMANDS = [
    "adam",
    "app",
    "check",
    "definitions",
    "demo",
    "explain",
    "export",
    "grade",
    "init",
    "run",
    "score",
    "simulate",
    "verify",
]


# What a file can be graded without: figures, reports, tests of statistics, and the app.
OF_STUDIES = {
    "PIL",
    "docx",
    "fastapi",
    "firthmodels",
    "jinja2",
    "lxml",
    "matplotlib",
    "pyreadstat",
    "scipy",
    "sklearn",
    "starlette",
    "statsmodels",
    "typst",
    "uvicorn",
    "xlsxwriter",
}
OF_TABLES = {"narwhals", "numpy", "polars", "pydantic", "pydantic_core"}


def test_help_loads_no_heavy_library() -> None:
    loaded = modules_after(["--help"])
    assert "cyclopts" in loaded
    assert not loaded & {*OF_STUDIES, *OF_TABLES, "markdown_it", "pygments"}


@pytest.mark.parametrize("definition", ["ctcae_v5", "icaht_2023"])
def test_a_file_is_graded_without_the_libraries_of_a_study(definition: str, tmp_path: Path) -> None:
    labs, graded = SOURCE / "cytopenia" / "data" / "example" / "labs.csv", tmp_path / "graded.csv"
    loaded = modules_after(["grade", str(labs), "--definition", definition, "--out", str(graded)])
    assert graded.is_file()
    assert "polars" in loaded
    assert not loaded & OF_STUDIES


def test_single_values_are_graded_without_what_studies_need() -> None:
    code = (
        "import sys, cytopenia.grade_file\n"
        "print(any(name.startswith('cytopenia.study') for name in sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout == "False\n"


def test_cycles_are_searched_for_rarely_except_by_the_app(tmp_path: Path) -> None:
    code = (
        "import atexit, contextlib, gc\n"
        "from unittest.mock import patch\n"
        "usual = gc.get_threshold()\n"
        "atexit.register(lambda: print('left out at the end', gc.get_freeze_count() > 10_000))\n"
        "from cytopenia.cli import main\n"
        "def tell(*_, **__):\n"
        "    print('app', gc.get_threshold() == usual)\n"
        "with contextlib.suppress(SystemExit):\n"
        "    main(['--version'])\n"
        "print(gc.isenabled(), gc.get_threshold()[0] > usual[0])\n"
        "with contextlib.suppress(SystemExit), patch('cytopenia.app.server.serve', tell):\n"
        f"    main(['app', {str(tmp_path)!r}, '--no-browser'])\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout == "0.1.0\nTrue True\napp True\nleft out at the end True\n"


def test_importing_the_package_costs_nothing() -> None:
    code = "import sys, cytopenia; print('polars' in sys.modules, cytopenia.grade_labs.__name__)"
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout == "False grade_labs\n"


def test_no_command_prints_the_help(command) -> None:
    answer = command()
    assert answer.code == 0
    assert all(name in answer.out for name in COMMANDS)


def test_the_version(command) -> None:
    assert command("--version").out == "0.1.0\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str, command) -> None:
    answer = command(name, "--help")
    assert answer.code == 0
    assert f"Example: cytopenia {name}" in " ".join(answer.out.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rn"], "rn"),
        (["run"], "--study"),
        (["check"], "--study"),
        (["grade"], "--labs"),
        (["grade", "labs.csv"], "--definition"),
        (["grade", "labs.csv", "--definition", "ctcae_v4"], "--out"),
        (["run", "study.toml", "--output", "x"], "--output"),
        (["run", "study.toml", "--out"], "--out"),
        (["demo", "extra", "words"], "extra"),
    ],
)
def test_a_wrong_command_line(arguments: list[str], words: str, command) -> None:
    answer = command(*arguments)
    assert answer.code == 2
    assert answer.out == ""
    assert words in answer.err


def test_the_commands_of_the_page_are_those_of_the_program() -> None:
    page = (SOURCE.parent / "docs" / "commands.md").read_text("utf-8")
    assert sorted(name for name in app if not name.startswith("-")) == COMMANDS
    assert [name for name in COMMANDS if f"\n## {name}\n" in page] == COMMANDS


def test_every_option_is_on_the_page(command) -> None:
    page = (SOURCE.parent / "docs" / "commands.md").read_text("utf-8")
    for name in COMMANDS:
        words = command(name, "--help").out.replace("│", " ").split()
        options = {word for word in words if word.startswith("--")}
        section = page.split(f"\n## {name}\n")[1].split("\n## ")[0]
        # The file that a command is about is named by its place.
        missing = {
            option
            for option in options - {"--folder", "--labs", "--study", "--patient", "--source", "--lln"}
            if option not in section
        }
        assert not missing, f"{name}: {missing}"


def test_a_reader_that_leaves_early_gets_no_traceback(study: Path) -> None:
    """`cytopenia check cohort | head -1`, with a reader that has left before the first line."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-m", "cytopenia.cli", "check", str(study)],
        stdout=write_end,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        check=False,
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (141, "")


class Stream:
    def __init__(self, *, is_terminal: bool) -> None:
        self.is_terminal = is_terminal
        self.text = ""

    def isatty(self) -> bool:
        return self.is_terminal

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass


@pytest.mark.parametrize(
    ("is_terminal", "seconds", "appears"), [(True, 2.0, True), (True, 0.5, False), (False, 2.0, False)]
)
def test_the_bar_is_for_long_work_before_a_terminal(
    is_terminal: bool, seconds: float, appears: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, clock = Stream(is_terminal=is_terminal), iter([0.0, seconds, seconds])
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(terminal.time, "monotonic", lambda: next(clock, seconds))
    with terminal.Bar() as bar:
        bar("grading", 1, 2)
        bar("grading", 2, 2)
    assert ("grading" in stream.text) is appears
