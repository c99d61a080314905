"""Whatever is changed in the form, the file has that change and no other, and other lines are as before."""

from __future__ import annotations

import copy
import tomllib
from collections import Counter
from importlib import resources
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cytopenia.app.form_layout import Field, lay_out, list_fields, read_changes
from cytopenia.app.protocol_controls import read_typed
from cytopenia.app.protocol_edit import ABSENT, apply_changes
from cytopenia.app.protocol_entries import copy_entry, move_entry, name_copy, remove_entry

DATA = resources.files("cytopenia") / "data"
# Everything that a file may be written as: comments everywhere, sections in any order, braces, dots.
ODD = """# head
printed.paper = "qiu2023"  # dotted
[study]   # the study
  title = 'A'   # indented
  synthetic = true  # nobody
seed   =   1
[factors.b] # before the outcomes
column = "ecog"
# levels of b
levels = { "0-1" = [0, 1], "2-4" = [2, 3, 4] } # in braces

[[analyses]]
id = "a" # [[not a header]]
kind = "roc"
outcome = "low"
event = "no"
higher_means_event = [ # the first
  "b", # one

  "sex"
]
[outcomes]
low = { definition = "ctcae_v5.anemia", window = [0, 28] }
[data]
folder = "."
questions = ["Which unit?", "Which day?"]
[[analyses]]
kind = "risk_factors"
id = "c"
title = \"\"\"
[outcomes.x]
\"\"\"
[analyses.read_with_care] # a table of its own
terms = ["b"]
[analyses.read_with_care.baseline]
definition = "ctcae_v5"

# tail"""
# Without a single header.
DOTTED = """study.title = "A" # x
study.seed = 1 # y
outcomes.low.definition = "ctcae_v5.anemia" # z
outcomes.low.window = [0, 28]
study.synthetic = true # w
data = { folder = "." }
factors = { b = { column = "ecog", ordered = true }, c = { analyte = "anc", at = "peak" } } # t
analyses = [ { id = "a", kind = "occurrence", outcomes = ["low"] } ] # v
report = { style = "ash" } # u
"""
FILES = [
    (DATA / "example" / "study.toml").read_text("utf-8"),
    (DATA / "simulation" / "study.toml").read_text("utf-8").replace("$seed", "1"),
    ODD,
    DOTTED,
]
SAMPLES: dict[str, list[list[str]]] = {
    "flag": [[""], ["true"], ["false"]],
    "whole": [[""], ["3"], ["-12"]],
    "number": [[""], ["0.25"], ["3"], ["1e-9"]],
    "text": [[""], ["new"], ['a "b" # c'], ["µ = [x]"]],
    "pair": [["", ""], ["1", "90"]],
    "span": [["", ""], ["0.5", "90"]],
    "wholes": [[""], ["1, 3"], ["14 28 60"]],
    "numbers": [[""], ["0.1, 0.2"]],
    "raw": [[""], ["word"], ["{ a = [1, 'x'], b = { c = 0.5 } }"], ['"text"'], ["[1, [2]]"]],
}


def samples_of(field: Field) -> list[list[str]]:
    control = field.control
    if control.kind == "choice":
        return [[""], *([str(choice)] for choice in control.choices)]
    if control.kind in ("names", "choices"):
        names = [str(choice) for choice in control.choices] or ["new_one", "sex"]
        shown = list(field.shown)
        return [[""], shown[1:], [*shown, *names], shown[::-1], names[:1]]
    return SAMPLES[control.kind]


def set_in(content: dict[str, Any], path: tuple[str | int, ...], value: Any) -> None:
    """What the file shall hold, by the plainest means: tables that were emptied by this go as well."""
    *above, key = path
    tables: list[Any] = [content]
    for name in above:
        inner = tables[-1]
        if isinstance(inner, dict):
            inner.setdefault(name, {})
        tables.append(inner[name])
    if value is not ABSENT:
        tables[-1][key] = value
        return
    tables[-1].pop(key, None)
    kept = {"printed": 0, "outcomes": 2, "factors": 2, "analyses": 2}.get(str(path[0]), 1)
    while len(above) > kept and not tables[-1]:
        tables.pop()
        del tables[-1][above.pop()]


def lines_lost(old: str, new: str) -> int:
    """How many lines of the old text are not in the new one."""
    return sum((Counter(old.splitlines()) - Counter(new.splitlines())).values())


def count_lines_of(text: str, field: Field) -> int:
    """How many lines the key takes that holds a field: the outermost one that is no entry."""
    depth = 3 if field.path[0] in ("outcomes", "factors", "analyses") else 2
    key = str(field.path[depth - 1]) if len(field.path) >= depth else ""
    value: Any = tomllib.loads(text)
    for name in field.path[:depth]:
        value = value.get(name, {}) if isinstance(value, dict) else value[name]
    is_long = (bool(value) and isinstance(value, list | dict)) or key == "title"
    return 9 if is_long else 1


@given(data=st.data())
def test_a_change_is_that_change_alone(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(FILES))
    if data.draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    sections = lay_out(tomllib.loads(text))
    fields = [field for field in list_fields(sections) if field.control.key != "kind"]
    given_ones = [field for field in fields if field.is_given]
    field = data.draw(st.sampled_from(given_ones) | st.sampled_from(fields))
    typed = data.draw(st.sampled_from(samples_of(field)))
    changes, faults = read_changes(sections, {field.id: typed})
    assert faults == {}
    changed = apply_changes(text, list(changes.values()))
    expected = copy.deepcopy(tomllib.loads(text))
    shown = [name for name in typed if name] if field.control.kind in ("names", "choices") else typed
    if shown != list(field.shown):
        set_in(expected, field.path, read_typed(field.control, typed))
    if shown == list(field.shown):
        assert changed == text
    assert tomllib.loads(changed) == expected
    assert lines_lost(text, changed) <= count_lines_of(text, field)
    comments = [line.partition("#")[2] for line in text.splitlines() if line.lstrip().startswith("#")]
    assert all(comment in changed for comment in comments)


@given(data=st.data())
def test_entries_are_moved_copied_and_removed_alone(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(FILES[:2]))
    section = data.draw(st.sampled_from(["outcomes", "factors", "analyses"]))
    content = tomllib.loads(text)
    entries = list(content[section].items()) if section != "analyses" else list(enumerate(content[section]))
    place = data.draw(st.integers(0, len(entries) - 1))
    other = data.draw(st.integers(0, len(entries) - 1).filter(lambda number: number != place))

    moved = move_entry(text, section, place, other=other)
    assert sorted(moved.splitlines()) == sorted(text.splitlines())
    assert move_entry(moved, section, place, other=other) == text

    name = name_copy(text, section, place)
    copied = copy_entry(text, section, place, name=name)
    assert lines_lost(text, copied) == 0
    assert remove_entry(copied, section, place + 1) == text

    removed = remove_entry(text, section, place)
    assert lines_lost(removed, text) == 0
    rest = [entry for number, (_, entry) in enumerate(entries) if number != place]
    found = tomllib.loads(removed)[section]
    assert (found if section == "analyses" else list(found.values())) == rest
