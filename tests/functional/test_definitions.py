"""The commands about definitions, as a doctor uses them."""

from __future__ import annotations

import json
from pathlib import Path


def test_the_list(command) -> None:
    answer = command("definitions")
    assert answer.code == 0
    assert command("definitions", "list").out == answer.out
    for name in ("ctcae_v4", "ctcae_v5", "ctcae_v6", "qiu2023_recovery"):
        assert f"\n{name} " in answer.out


def test_the_list_as_json(command) -> None:
    rows = {row["id"]: row for row in json.loads(command("definitions", "list", "--json").out)}
    assert rows["ctcae_v6"]["version"] == "6.0"
    assert rows["ctcae_v6"]["url"].endswith("ctcae-v6.pdf")
    assert len(rows["ctcae_v6"]["sha256"]) == 64


def test_one_term_is_shown_with_its_sentences_and_source(command) -> None:
    answer = command("definitions", "show", "ctcae_v6.thrombocytopenia")
    for words in (
        "below 10 ×10⁹/L",
        "<10,000/mm3; <10.0 x 10^9/L",
        "not decided by a laboratory value  transfusion indicated",
        "version 6.0",
        "sha256",
    ):
        assert words in answer.out
    assert "Anemia" not in answer.out


def test_a_recovery_is_shown_with_what_was_assumed(command) -> None:
    assert "Assumed: " in command("definitions", "show", "qiu2023_recovery").out


def test_one_term_as_json(command) -> None:
    page = json.loads(command("definitions", "show", "ctcae_v5.fibrinogen_decreased", "--json").out)
    (term,) = page["grades"]
    assert term["rules"][3]["cut"] == {"baseline": 0.75}
    assert term["rules"][3]["only_if"] == {"below": {"lln": 1.0}}
    assert [rule["lab_gradable"] for rule in term["rules"]] == [True] * 9


def test_a_comparison_in_words(command) -> None:
    answer = command("definitions", "compare", "ctcae_v5", "ctcae_v6")
    for words in (
        "Platelet count decreased -> Thrombocytopenia  grades change, renamed",
        "0.1 to <0.5: grade 4 -> 3",
        "1.5 or more: not judged -> 0",
        "10 to <25: grade 4 -> 3",
        "removed from CTCAE in version 6.0",
    ):
        assert words in answer.out
    assert max(map(len, answer.out.splitlines())) <= 100


def test_a_comparison_of_counted_days_in_words(command) -> None:
    answer = command("definitions", "compare", "icaht_2023", "t_icaht_2025")
    flat = " ".join(answer.out.split())
    for words in (
        "Early ICAHT -> Early T-ICAHT grades change, renamed, another analyte",
        "Absolute neutrophil count -> Platelet count",
        "counted only by the old one: - the longest episode counts",
        "counted only by the new one: - the days of all episodes add up",
        "below 20 ×10⁹/L on 14 days or more",
    ):
        assert words in flat
    assert "values in" not in flat
    assert max(map(len, answer.out.splitlines())) <= 100


def test_a_comparison_of_counted_days_gives_no_grades_of_single_values(command) -> None:
    page = json.loads(command("definitions", "compare", "icaht_2023", "icaht_liang_2024", "--json").out)
    assert [term["status"] for term in page["terms"]] == ["counting", "counting"]
    assert [*page["ranges"]] == ["icaht_2023.late"]


def test_a_comparison_in_the_patients_of_a_study(command, study: Path) -> None:
    answer = command("definitions", "compare", "ctcae_v5", "ctcae_v6", "--study", study / "study.toml")
    assert "ctcae_v5 \\ ctcae_v6" in answer.out
    assert "grade 3 or higher, ctcae_v6: " in answer.out
    assert "not judged" in answer.out


def test_a_comparison_as_json(command, study: Path) -> None:
    answer = command("definitions", "compare", "ctcae_v5", "ctcae_v6", "--study", study, "--json")
    page = json.loads(answer.out)
    assert [term["status"] for term in page["terms"]][:1] == ["rules"]
    assert page["patients"][0]["old_reached"]["patients"] >= page["patients"][0]["new_reached"]["patients"]
    assert sum(row["patients"] for row in page["patients"][0]["crosstab"]) == page["patients"][0]["patients"]


def test_a_definition_of_the_study_is_compared(command, study: Path) -> None:
    (study / "definitions").mkdir(exist_ok=True)
    text = 'id = "ours"\nextends = "ctcae_v5"\nstatus = "study"\n[anemia]\ngrades = [\n'
    text += '  { grade = 3, below = 70.0, text = "transfused below 70 g/L here" },\n]\n'
    (study / "definitions" / "ours.toml").write_text(text, encoding="utf-8")
    answer = command("definitions", "compare", "ctcae_v5.anemia", "ours.anemia", "--study", study)
    assert "70 to <80: grade 3 -> 0" in answer.out


def test_wrong_names_suggest(command) -> None:
    answer = command("definitions", "show", "ctcae_v55")
    assert answer.code != 0
    assert "did you mean 'ctcae_v5'?" in answer.err
    answer = command("definitions", "compare", "ctcae_v5", "qiu2023_recovery")
    assert "is of kind 'recovery' and cannot be compared" in answer.err
    answer = command("definitions", "show", "ctcae_v6.lymphocyte_count_decreased")
    assert "Use 'ctcae_v5.lymphocyte_count_decreased' instead" in answer.err
