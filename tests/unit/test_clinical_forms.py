"""Definition files of clinical scales: what is wrong with one is said, and the numbers are as printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from cytopenia.definition_forms import BedsideDefinition, FeverDefinition
from cytopenia.definitions import load_definition, load_library
from cytopenia.errors import DefinitionError

HEAD = """id = "mine"
kind = "{kind}"
title = "Mine"
version = "1"
status = "assumed"
term = "Mine"
citation = {{ text = "Nobody" }}
"""
LINE = """[[lines]]
input = "motor_weakness"
levels = [{ words = ["none"], grade = 0 }, { words = ["deep_focal"], grade = 4, text = "weak" }]
"""


def load(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "definitions"
    folder.mkdir()
    (folder / "mine.toml").write_text(text, encoding="utf-8")
    load_library(tmp_path)


# As printed in CTCAE 4.03, 5.0 and 6.0: below 1000/mm3, above 38.3, at least 38 for more than one hour.
@pytest.mark.parametrize(("name", "version"), [("v4", "4.03"), ("v5", "5.0"), ("v6", "6.0")])
def test_febrile_neutropenia_has_the_same_cuts_in_every_version(name: str, version: str) -> None:
    found = load_definition(f"ctcae_{name}_febrile_neutropenia")
    assert isinstance(found, FeverDefinition)
    assert (found.version, found.grade) == (version, 3)
    assert (found.count.comparator, found.count.cut, found.count.unit) == ("below", 1.0, "1e9/L")
    assert (found.single.comparator, found.single.cut) == ("above", 38.3)
    assert (found.sustained.comparator, found.sustained.cut) == ("at_least", 38.0)
    assert found.sustained.longer_than_minutes == 60
    assert [item.grade for item in found.clinical] == [4, 5]


@pytest.mark.parametrize("name", ["astct_2019_crs", "lee_2014_crs", "astct_2019_icans"])
def test_no_bedside_input_gives_grade_5(name: str) -> None:
    found = load_definition(name)
    assert isinstance(found, BedsideDefinition)
    assert max(line.most for line in found.lines) == 4
    assert [item.grade for item in found.clinical] == [5]


def test_a_scale_of_a_study_is_read(tmp_path: Path) -> None:
    load(tmp_path, HEAD.format(kind="bedside") + LINE)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            '"motor_weakness"',
            '"motor_weaknes"',
            r"unknown input 'motor_weaknes' \(did you mean 'motor_weakness'\?\)",
        ),
        ('"deep_focal"', '"deep"', "motor_weakness has no word 'deep'.*allowed: none, deep_focal"),
        ('["deep_focal"]', '["none"]', "motor_weakness: 'none' stands in two levels"),
        ('{ words = ["none"], grade = 0 }, ', "", "motor_weakness: no level for none"),
        (', text = "weak"', "", "deep_focal: 'text' is missing; a grade above 0 needs its sentence"),
        ("grade = 4", "grade = 3, up_to = 2", "up_to is 2; it must lie above grade 3"),
        ("grade = 4", "grade = 5", "'lines.1.levels.2.grade'"),
        (
            "levels =",
            'rules = [{ grade = 1, above = 1, text = "x" }]\nlevels =',
            "'motor_weakness' needs levels",
        ),
        (LINE, LINE + LINE, "two lines have the same input"),
    ],
)
def test_what_is_wrong_with_a_line_of_words_is_said(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        load(tmp_path, (HEAD.format(kind="bedside") + LINE).replace(old, new))


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (
            "{ grade = 1, at_most = 9, text = 'x' }, { grade = 2, above = 2, text = 'x' }",
            "must point the same way",
        ),
        (
            "{ grade = 1, at_most = 6, text = 'x' }, { grade = 2, at_most = 9, text = 'x' }",
            "grade 2 is as easy to",
        ),
        (
            "{ grade = 1, at_most = 6, text = 'x' }, { grade = 1, at_most = 2, text = 'x' }",
            "grade 1 is as easy to",
        ),
        (
            "{ grade = 1, at_most = 6, below = 3, text = 'x' }",
            r"needs exactly one of .* got \['below', 'at_most'\]",
        ),
        ("{ grade = 1, text = 'x' }", r"needs exactly one of below, at_most, above, at_least; got \[\]"),
    ],
)
def test_what_is_wrong_with_a_line_of_numbers_is_said(tmp_path: Path, rules: str, words: str) -> None:
    text = f'{HEAD.format(kind="bedside")}[[lines]]\ninput = "ice"\nrules = [{rules}]\n'
    with pytest.raises(DefinitionError, match=words):
        load(tmp_path, text)


def test_a_number_that_another_input_rules_out_names_a_word_of_it(tmp_path: Path) -> None:
    rules = 'rules = [{ grade = 2, above = 0.21, text = "x" }]'
    text = f'[[lines]]\ninput = "fio2"\nnone_if = {{ oxygen = "air" }}\n{rules}'
    with pytest.raises(
        DefinitionError, match="none_if names 'oxygen = air', which is no input with that word"
    ):
        load(tmp_path, HEAD.format(kind="bedside") + text)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('hidden_by = "oxygen"\nonce = "crs_diagnosed"', "'oxygen' is no yes/no input"),
        ('hidden_by = "antipyretic"', "hidden_by and once belong together"),
    ],
)
def test_what_hides_a_requirement_is_a_yes_or_no(tmp_path: Path, line: str, words: str) -> None:
    cut = 'unit = "degC"\nat_least = 38.0\ngrade = 1\ntext = "x"'
    need = f'[requirement]\ninput = "temperature"\n{cut}\n{line}\n'
    with pytest.raises(DefinitionError, match=words):
        load(tmp_path, HEAD.format(kind="bedside") + need + LINE)


def test_an_input_that_rules_out_another_must_be_a_line(tmp_path: Path) -> None:
    rules = 'rules = [{ grade = 2, above = 0.21, text = "x" }]'
    text = f'[[lines]]\ninput = "fio2"\nnone_if = {{ oxygen = "none" }}\n{rules}'
    with pytest.raises(DefinitionError, match="none_if names oxygen, which has no line"):
        load(tmp_path, HEAD.format(kind="bedside") + text)


def test_a_fever_with_an_unknown_unit_is_refused(tmp_path: Path) -> None:
    text = HEAD.format(kind="fever") + (
        'grade = 3\ntemperature_unit = "kelvin"\ncount = { analyte = "anc", unit = "1e9/L", below = 1.0 }\n'
        "single = { above = 38.3 }\nsustained = { at_least = 38.0, longer_than_minutes = 60 }\n"
        'counting = { status = "assumed", count_days_before = 1, night_gap_minutes = 720 }\n'
    )
    with pytest.raises(DefinitionError, match="'kelvin' is not a listed unit of temperature; allowed: degC"):
        load(tmp_path, text)
