"""The texts of the app: each in the file is said somewhere, and each that is said is in the file."""

from __future__ import annotations

import ast
import re
from importlib import resources
from pathlib import Path

from cytopenia.app.protocol_controls import describe_protocol
from cytopenia.app.texts import load_texts
from cytopenia.report.content import SEVERITIES
from cytopenia.study.coverage_marks import DAY_MARKS

APP = Path(str(resources.files("cytopenia.app")))
READERS = Path(str(resources.files("cytopenia.readers")))
TEXTS = load_texts("en")
# Parts of the file whose keys end with a name that comes from elsewhere: a rule of a finding, a kind.
# A section inside another ("form.kind.") is such a part by itself; test_protocol_controls asks about keys.
WHOLE = {"finding.", "support.", "key_help.", "key_blank."}
SECTIONS = "|".join(sorted({key.partition(".")[0] for key in load_texts("en")}))
PLURAL = re.compile(r"(.+\..+)\.(?:one|other)")
INNER = {f"{key.rpartition('.')[0]}." for key in TEXTS if key.count(".") > 1 and not PLURAL.fullmatch(key)}
KEY = re.compile(rf"(?:{SECTIONS})\.(?!html\b)(?:[a-z_]+\.)*[a-z_]*")
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


def list_named(model: str, part: int) -> set[str]:
    """The words that stand at a place in what the readers make of choices: their texts belong to the app."""
    found: set[str] = set()
    for file in READERS.glob("*.py"):
        for call in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == model and len(call.args) > part:
                word = call.args[part]
                ends = [word.body, word.orelse] if isinstance(word, ast.IfExp) else [word]
                found |= {ast.literal_eval(end) for end in ends}
    return found


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
    assert {word for word in begun if word.endswith(".")} <= WHOLE | INNER
    assert [key for key in sorted(asked - begun) if not is_text(key)] == []
    assert [start for start in sorted(begun) if not any(key.startswith(start) for key in TEXTS)] == []


def test_every_text_of_the_file_is_said() -> None:
    said = list_said_in_templates() | list_said_in_programs()
    begun = (*WHOLE, *(said & INNER), *(word for word in said if word.endswith("_")))
    idle = [key for key in TEXTS if PLURAL.sub(r"\1", key) not in said and not key.startswith(begun)]
    assert idle == []


def list_below(section: str) -> set[str]:
    return {key.removeprefix(section) for key in TEXTS if key.startswith(section)}


def test_what_is_made_elsewhere_has_its_text() -> None:
    """Of a section inside another, whose keys end with a name that a program gives: each, and no more."""
    assert list_below("mapping.option.") == list_named("Choice", 1)
    assert list_below("check.severity.") == set(SEVERITIES)
    sections = {section.name: section for section in describe_protocol()}
    assert list_below("form.section.") == {*sections, "data"}
    assert list_below("form.section_lead.") == {*sections}
    assert list_below("form.kind.") == {kind for one in sections.values() for kind in one.kinds if kind}
    listed = {name for name, one in sections.items() if one.shape != "one"}
    assert list_below("form.add.") == list_below("form.add_what.") == listed
    assert list_below("check.mark.") == {*DAY_MARKS, *(f"share{part}" for part in range(5))}
    assert list_below("mapping.setting.") == {"decimal", "date_format", "fill_down", "day_zero"}


def test_a_number_has_both_of_its_words() -> None:
    counted = {PLURAL.sub(r"\1", key) for key in TEXTS if PLURAL.fullmatch(key)}
    assert counted
    assert [key for key in counted if not {f"{key}.one", f"{key}.other"} <= TEXTS.keys()] == []
