"""docs/recovery.md: its definitions run and do what the sentence below each says; no key is left out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from cytopenia.definition_forms import RecoveryDefinition, RecoveryTimeDefinition
from cytopenia.definitions import load_library
from scenario import patient, time_of

PAGE = (Path(__file__).parents[2] / "docs" / "recovery.md").read_text("utf-8")
EXAMPLES = [text for text in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL) if "\nkind" in text]
DEFINITIONS = [text for text in EXAMPLES if text.startswith("id = ")]


def load(folder: Path, text: str) -> RecoveryTimeDefinition:
    (folder / "definitions").mkdir()
    name = re.findall(r'^id = "(\w+)"', text)[0]
    (folder / "definitions" / f"{name}.toml").write_text(text, encoding="utf-8")
    definition = load_library(folder).find(name)
    assert isinstance(definition, RecoveryTimeDefinition)
    return definition


def test_the_page_has_two_definitions() -> None:
    assert len(DEFINITIONS) == 2


@pytest.mark.parametrize(("filgrastim", "day"), [(6, 11), (5, 11), (4, 9), (7, 12)])
def test_the_example_of_neutrophils(filgrastim: int, day: int, tmp_path: Path) -> None:
    """The page has it with filgrastim on day 6; the day before day 9 minus five days leaves day 9 free."""
    who = patient(
        "day anc\n5 0.3\n9 1.2\n11 1.2\n12 1.2\n14 1.2\n16 1.2",
        support=f"kind start agent\ngcsf {filgrastim} filgrastim",
    )
    assert time_of(who, load(tmp_path, DEFINITIONS[0]))["policy"] == day


def test_the_example_of_two_lineages(tmp_path: Path) -> None:
    who = patient("day hemoglobin platelets\n8 90 20\n12 90 60\n16 90 60")
    assert time_of(who, load(tmp_path, DEFINITIONS[1]))["policy"] == 12


def keys_of(model: Any) -> set[str]:
    keys: set[str] = set()
    for name, field in model.model_fields.items():
        keys.add(field.alias or name)
        for part in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(part, type) and issubclass(part, BaseModel):
                keys |= keys_of(part)
    return keys


@pytest.mark.parametrize("form", [RecoveryDefinition, RecoveryTimeDefinition])
def test_the_page_explains_every_key(form: type[BaseModel]) -> None:
    words = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", PAGE))))
    assert keys_of(form) - words == set()


def test_the_page_names_every_definition_of_recovery() -> None:
    found = load_library().definitions.values()
    timed = {one.id for one in found if isinstance(one, RecoveryTimeDefinition)}
    assert timed
    assert timed <= set(re.findall(r"`(\w+)`", PAGE))
