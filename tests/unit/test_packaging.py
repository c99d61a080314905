"""What is said about the package in several places is said alike."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import cytopenia

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_the_version_is_the_same_everywhere() -> None:
    assert cytopenia.__version__ == PROJECT["version"]
    assert f"\nversion: {PROJECT['version']}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\n## {PROJECT['version']} " in (ROOT / "CHANGELOG.md").read_text("utf-8")


@pytest.mark.parametrize("command", ["pip install . && cytopenia demo", 'pip install ".[test]" && pytest'])
def test_the_readme_gives_the_two_commands(command: str) -> None:
    assert command in (ROOT / "README.md").read_text("utf-8").splitlines()


def test_every_dependency_has_a_lower_bound_and_a_pin() -> None:
    pins = re.findall(r"^([a-z0-9-]+)==", (ROOT / "constraints.txt").read_text("utf-8"), re.MULTILINE)
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    asked = [line for group in groups for line in group if not line.startswith("cytopenia[")]
    assert [line for line in asked if not re.fullmatch(r"[a-z0-9-]+>=[0-9.]+(?:,<[0-9.]+)?", line)] == []
    assert {line.partition(">=")[0] for line in asked} <= set(pins)


def test_the_pins_carry_hashes_and_no_address() -> None:
    text = (ROOT / "constraints.txt").read_text("utf-8")
    assert "://" not in text
    assert all(
        "--hash=sha256:" in block for block in re.split(r"^(?=[a-z0-9-]+==)", text, flags=re.MULTILINE)[1:]
    )


def test_the_changelog_has_its_headings() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    headings = re.findall(r"^### (.+)$", text.split("\n## ")[1], re.MULTILINE)
    assert headings == ["Added", "Changed", "Fixed", "Removed", "Results may change"]


def test_commands_of_the_contributing_page_exist() -> None:
    made = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    told = set(re.findall(r"`make ([a-z-]+)`", (ROOT / "CONTRIBUTING.md").read_text("utf-8")))
    assert told
    assert told <= made
