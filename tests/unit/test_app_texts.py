"""The texts of the app: each in the file is said somewhere, and each that is said is in the file."""

from __future__ import annotations

import ast
import re
from importlib import resources
from pathlib import Path

from cytopenia.app.texts import load_texts

APP = Path(str(resources.files("cytopenia.app")))
TEXTS = load_texts("en")
# Parts of the file whose keys end with a name that comes from elsewhere: a rule of a finding, a kind.
WHOLE = {"finding.", "support."}
SECTIONS = "|".join(sorted({key.partition(".")[0] for key in load_texts("en")}))
PLURAL = re.compile(r"(.+\..+)\.(?:one|other)")
KEY = re.compile(rf"(?:{SECTIONS})\.(?!html\b)[a-z_]*")
# What takes the key of a text as one of its arguments.
SPEAKERS = {"say", "RefusedError", "ConflictError", "ListProblem"}


def is_text(key: str) -> bool:
    return key in TEXTS or f"{key}.other" in TEXTS


def list_said_in_templates() -> set[str]:
    """The keys inside the braces of the templates, whole or as the beginning of one: "cohort.case_" ~ x."""
    said: set[str] = set()
    for file in (APP / "templates").glob("*.html"):
        for code in re.findall(r"\{[{%].*?[%}]\}", file.read_text("utf-8"), re.DOTALL):
            said |= {word for word in re.findall(r'"([^"]*)"', code) if KEY.fullmatch(word)}
    return said


def list_words(node: ast.AST) -> set[str]:
    """The texts that stand in a piece of a program; of one with blanks, what stands before the first."""
    found: set[str] = set()
    for part in ast.walk(node):
        first = part.values[0] if isinstance(part, ast.JoinedStr) and part.values else part
        if isinstance(first, ast.Constant) and isinstance(first.value, str) and KEY.fullmatch(first.value):
            found.add(first.value)
    return found


def list_programs() -> list[ast.Module]:
    return [ast.parse(file.read_text("utf-8")) for file in APP.glob("*.py")]


def list_said_in_programs() -> set[str]:
    return {word for program in list_programs() for word in list_words(program)}


def list_asked_in_programs() -> set[str]:
    """The keys that are given to what says them; other words with a point in them may be file names."""
    asked: set[str] = set()
    for program in list_programs():
        for call in ast.walk(program):
            name = getattr(call.func, "id", "") if isinstance(call, ast.Call) else ""
            if name in SPEAKERS:
                asked |= {word for part in call.args for word in list_words(part)}  # type: ignore[attr-defined]
    return asked


def test_every_text_that_is_said_is_there() -> None:
    asked = list_said_in_templates() | list_asked_in_programs()
    begun = {word for word in asked if word.endswith(("_", "."))}
    assert len(asked) > 250
    assert {word for word in begun if word.endswith(".")} <= WHOLE
    assert [key for key in sorted(asked - begun) if not is_text(key)] == []
    assert [start for start in sorted(begun) if not any(key.startswith(start) for key in TEXTS)] == []


def test_every_text_of_the_file_is_said() -> None:
    said = list_said_in_templates() | list_said_in_programs()
    begun = (*WHOLE, *(word for word in said if word.endswith("_")))
    idle = [key for key in TEXTS if PLURAL.sub(r"\1", key) not in said and not key.startswith(begun)]
    assert idle == []


def test_a_number_has_both_of_its_words() -> None:
    counted = {PLURAL.sub(r"\1", key) for key in TEXTS if PLURAL.fullmatch(key)}
    assert counted
    assert [key for key in counted if not {f"{key}.one", f"{key}.other"} <= TEXTS.keys()] == []
