"""Definitions of phenotypes that are refused, and what each rule is called in Methods."""

from __future__ import annotations

from pathlib import Path

import pytest

from cytopenia.definition_forms import PhenotypeDefinition
from cytopenia.definitions import describe_definition, load_definition, load_library
from cytopenia.errors import DefinitionError

OWN = """id = "mine"
extends = "rejeski_2021_phenotypes"
status = "study"
"""


def write(folder: Path, text: str) -> Path:
    (folder / "definitions").mkdir()
    (folder / "definitions" / "mine.toml").write_text(OWN + text, encoding="utf-8")
    return folder


def describe(name: str, folder: Path | None = None) -> list[str]:
    described = describe_definition(load_definition(name, folder=folder))
    return [*described["rules"], *described["assumed"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("window = [60, 0]\n", r"window \[60, 0\] must begin before it ends"),
        ("[second_dip]\nfrom_day = 61\n", "second_dip.from_day lies after the window, which ends on day 60"),
        ("[judging]\nseen_until_day = 61\n", "judging.seen_until_day lies after the window"),
        (
            '[judging]\nprecedence = ["quick", "quick", "aplastic"]\n',
            "precedence needs each of aplastic, intermittent, quick once",
        ),
        (
            "[recovery]\nabove = 0.8\n",
            "a count can meet both fall and recovery; set them apart",
        ),
        ("[second_dip]\nbelow = 1.2\n", "a count can meet both second_dip and recovery"),
        ("[aplastic]\nbelow = 1.0\n[fall]\nbelow = 0.8\n", "aplastic has a higher cut than fall"),
        ("[fall]\nat_most = 0.9\n", r"needs exactly one of below, at_most; got \['below', 'at_most'\]"),
        ("[recovery]\nbelow = 0.4\n", r"needs exactly one of above, at_least; got \['below', 'above'\]"),
        ("[recovery]\ndays = 0\n", "'recovery.days'"),
        ("[aplastic]\ndays = 61\n", "'aplastic.days'"),
        ('[judging]\nwithout_recovery = "quick"\n', "'judging.without_recovery' is 'quick'; allowed"),
        ("[counting]\nround_to = 0.01\n", "counting: round_to does not go with phenotypes; remove it"),
        ("[counting]\njoins_end = true\n", "counting: joins_end does not go with phenotypes"),
        ('[counting]\ndays = "cumulative"\n', "counting: days does not go with phenotypes"),
        ("[recovery]\nlength = 3\n", "unknown key 'recovery.length'"),
        ('analyte = "neutrophil"\n', "unknown analyte 'neutrophil'"),
    ],
)
def test_definitions_that_cannot_be(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=message):
        load_library(write(tmp_path, text))


def test_somebody_must_be_able_to_be_aplastic(tmp_path: Path) -> None:
    text = '[judging]\nwithout_recovery = "own_label"\n'
    folder = write(tmp_path, text)
    own = folder / "definitions" / "mine.toml"
    own.write_text(
        OWN.replace("rejeski_2021", "bcma")
        .replace("phenotypes", "phenotypes_day56")
        .replace("study", "assumed")
        + text
    )
    with pytest.raises(DefinitionError, match="nobody could be aplastic"):
        load_library(folder)


def test_every_open_rule_is_printed_as_assumed() -> None:
    assumed = describe_definition(load_definition("rejeski_2021_phenotypes"))["assumed"]
    for words in (
        "days 0 to 60 count",
        "recovery after that: above 1 ×10⁹/L on 3 days in a row",
        "second dip after recovery: below 1 ×10⁹/L on one day, from day 22 on",
        "aplastic: below 0.5 ×10⁹/L on 14 days in a row",
        "of several that fit, the first of aplastic, intermittent, quick is the phenotype",
        "who never fell is “never below”",
        "who fell and did not recover in the window is “not recovered”",
        "who died in the window before a second dip or an aplastic stretch is “died early”",
        "a phenotype that rests on what did not happen needs a measurement on day 22 or later",
    ):
        assert words in assumed


def test_a_changed_rule_changes_its_sentence(tmp_path: Path) -> None:
    text = (
        "[recovery]\ndays = 1\nfrom_day = 5\n[second_dip]\ndays = 2\n"
        '[judging]\ndied_early = "as_observed"\n[counting]\nbridge_days = 2\n'
    )
    sentences = describe("mine", write(tmp_path, text))
    assert "recovery after that: above 1 ×10⁹/L on one day, from day 5 on" in sentences
    assert "second dip after recovery: below 1 ×10⁹/L on 2 days in a row, from day 22 on" in sentences
    assert "who died in the window is named by the days until death" in sentences
    words = "do not end an aplastic stretch, and count in its length"
    assert f"up to 2 days in a row on which the cut is not met {words}" in sentences


def test_the_note_says_that_the_sentence_of_the_paper_was_not_read() -> None:
    definition = load_definition("rejeski_2021_phenotypes")
    assert isinstance(definition, PhenotypeDefinition)
    assert "was not at hand" in str(definition.note)
    assert {definition.fall.status, definition.recovery.status, definition.second_dip.status} == {"assumed"}
