"""The two forms of a recovery: what each needs, what does not go together, and how it is told in words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from cytopenia.definition_forms import RecoveryDefinition, RecoveryTimeDefinition, choose_form
from cytopenia.definitions import describe_definition, load_definition

HEAD: dict[str, Any] = {
    "id": "mine",
    "kind": "recovery",
    "title": "Mine",
    "version": "1",
    "status": "assumed",
    "citation": {"text": "made up"},
    "all_of": [{"analyte": "anc", "unit": "1e9/L", "at_least": 0.5}],
}
REACHED = {"from": 0, "until": 100, "after": "first_failing", "status": "assumed"}
COUNTING = {"status": "assumed", "bracket_days": 8, "carry_days": 3, "look_ahead_days": 8}
TIMED = {**HEAD, "run": {"length": 3, "of": "measurements"}, "reached": REACHED}
TWO = [*HEAD["all_of"], {"analyte": "platelets", "unit": "1e9/L", "at_least": 50}]


def test_the_question_decides_the_form() -> None:
    assert choose_form("recovery", TIMED) is RecoveryTimeDefinition
    assert choose_form("recovery", {"landmark": {}}) is RecoveryDefinition


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"landmark": {"day": 28, "run": "ends_on", "status": "assumed"}}, "keep one of them"),
        ({"reached": {**REACHED, "from": 100}}, "from must be the earlier day"),
        ({"reached": {**REACHED, "after": "nadir"}}, "nadir_until .* go together"),
        ({"reached": {**REACHED, "nadir_until": 28}}, "nadir_until .* go together"),
        ({"reached": {**REACHED, "after": "nadir", "nadir_until": 101}}, "must lie between from and until"),
        ({"reached": {**REACHED, "after": "nadir", "nadir_until": 28}, "all_of": TWO}, "needs one lineage"),
        ({"run": {"length": 3, "of": "days"}}, 'run of = "days" needs counting'),
        ({"counting": COUNTING}, 'run of = "days" needs counting'),
        ({"all_of": [*HEAD["all_of"], *HEAD["all_of"]]}, "names an analyte twice"),
    ],
)
def test_what_does_not_go_together_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        RecoveryTimeDefinition.model_validate({**TIMED, **change})


def test_a_recovery_without_a_question_is_told_of_both() -> None:
    with pytest.raises(ValidationError, match=r"needs exactly one of landmark .* and reached"):
        RecoveryDefinition.model_validate({**HEAD, "run": {"length": 3}, "counting": COUNTING})


@pytest.mark.parametrize(
    ("name", "sentences"),
    [
        (
            "cibmtr_neutrophil_recovery",
            [
                "Absolute neutrophil count at least 0.5 ×10⁹/L",
                "on 3 consecutive measurements on different days, the first of which is the day of recovery",
                "searched after the lowest value of days 0 to 28, and after a first failing value, from day 0"
                " to 100",
            ],
        ),
        (
            "t_icaht_platelet_recovery_2025",
            [
                "Platelet count at least 20.0 ×10⁹/L, without platelet transfusion for 7 days",
                "on 3 consecutive days, the first of which is the day of recovery",
                "searched after the first failing day, from day 0 to 100",
            ],
        ),
    ],
)
def test_a_definition_in_sentences(name: str, sentences: list[str]) -> None:
    assert describe_definition(load_definition(name))["rules"] == sentences


def test_agents_with_their_own_wait_are_told() -> None:
    rules = describe_definition(load_definition("brudno_2022_recovery"))["rules"]
    assert "without growth factor for 14 days (7 for filgrastim" in rules[0]
    assert rules[3] == "on one day on which all are measured, which is the day of recovery"
