"""What changes between two definitions: in words, in ranges of values, in patients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cytopenia.definition_forms import GradesPart
from cytopenia.definitions import Library, list_changes, load_library, match_parts, say_rule
from cytopenia.errors import DefinitionError
from cytopenia.grading.grade_ranges import map_ranges
from cytopenia.workflow import compare_in_study
from study_files import write_study

V5 = load_library().find_parts("ctcae_v5")
V6 = load_library().find_parts("ctcae_v6")


def part_of(*rules: dict[str, Any], analyte: str = "anc", unit: str = "1e9/L") -> GradesPart:
    written = [{"text": "made up", **rule} for rule in rules]
    return GradesPart.model_validate({"title": "T", "analyte": analyte, "unit": unit, "grades": written})


def shown(old: GradesPart, new: GradesPart) -> list[tuple[str, int | None, int | None]]:
    return [(found.text, found.old, found.new) for found in map_ranges(old, new).ranges if found.changes]


# Typed from the change notes of CTCAE v6.0, not from the files.
@pytest.mark.parametrize(
    ("analyte", "status", "renamed"),
    [
        ("anc", "rules", False),
        ("hemoglobin", "wording", False),
        ("platelets", "rules", True),
        ("wbc", "wording", False),
        ("alc", "removed", False),
        ("cd4", "wording", False),
        ("fibrinogen", "unchanged", False),
    ],
)
def test_what_version_6_changes(analyte: str, status: str, renamed: bool) -> None:
    removed = load_library().find("ctcae_v6").removed
    changes = {change.analyte: change for change in list_changes(V5, V6, removed=removed)}
    assert (changes[analyte].status, changes[analyte].is_renamed) == (status, renamed)
    assert len(changes) == 7


def test_a_removed_term_says_what_to_use() -> None:
    removed = load_library().find("ctcae_v6").removed
    gone = next(change for change in list_changes(V5, V6, removed=removed) if change.analyte == "alc")
    assert gone.note.endswith("version 6.0. Use ctcae_v5.lymphocyte_count_decreased instead.")
    assert [grade.new for grade in gone.grades] == [(), (), (), ()]


def test_version_5_changes_only_fibrinogen() -> None:
    changes = list_changes(load_library().find_parts("ctcae_v4"), V5)
    assert {change.analyte: change.status for change in changes if change.status != "unchanged"} == {
        "fibrinogen": "rules"
    }


def test_a_new_term() -> None:
    added = list_changes({}, {"mine.crp": part_of({"grade": 1, "above": 5}, analyte="crp", unit="mg/L")})
    assert [(change.status, change.new_title) for change in added] == [("added", "T")]


def test_terms_of_one_analyte_belong_together_by_name_first() -> None:
    part = part_of({"grade": 1, "below": 1})
    old = {"a.late": part, "a.early": part}
    new = {"b.early": part, "b.other": part, "b.third": part}
    assert match_parts(old, new) == [("a.late", "b.other"), ("a.early", "b.early"), (None, "b.third")]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"below": 0.5}, "below 0.5 ×10⁹/L"),
        ({"at_most": "lln"}, "at most LLN"),
        ({"above": {"baseline": 2}}, "above 2 × baseline"),
        (
            {"at_most": {"baseline": 0.5}, "only_if": {"below": "lln"}},
            "at most 0.5 × baseline (only if below LLN)",
        ),
    ],
)
def test_a_rule_in_words(rule: dict[str, Any], words: str) -> None:
    part = part_of({"grade": 1, **rule})
    assert say_rule(part.grades[0], part.unit) == words


# From section "v6 vs v5" of the facts: G3 becomes G2, G4 becomes G3 if at least 0.1.
def test_the_ranges_of_neutrophils() -> None:
    name = "neutrophil_count_decreased"
    assert shown(V5[f"ctcae_v5.{name}"], V6[f"ctcae_v6.{name}"]) == [
        ("0.1 to <0.5", 4, 3),
        ("0.5 to <1", 3, 2),
        ("1 to <1.5", 2, 1),
        ("1.5 to <LLN", 1, 0),
    ]


def test_without_a_limit_of_normal_version_6_judges_more_neutrophils() -> None:
    name = "neutrophil_count_decreased"
    found = map_ranges(V5[f"ctcae_v5.{name}"], V6[f"ctcae_v6.{name}"]).without_limit
    assert [(r.text, r.old, r.new) for r in found][-1] == ("1.5 or more", None, 0)


def test_the_ranges_of_platelets() -> None:
    old, new = V5["ctcae_v5.platelet_count_decreased"], V6["ctcae_v6.thrombocytopenia"]
    assert shown(old, new) == [("10 to <25", 4, 3)]
    assert map_ranges(old, new).limit_above == 75.0


@pytest.mark.parametrize("name", ["anemia", "white_blood_cell_decreased", "cd4_lymphocytes_decreased"])
def test_the_wording_alone_changes_no_range(name: str) -> None:
    assert shown(V5[f"ctcae_v5.{name}"], V6[f"ctcae_v6.{name}"]) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"below": 1.0}, {"at_most": 1.0}, [("exactly 1", 0, 1)]),
        ({"at_most": 1.0}, {"below": 0.5}, [("0.5 to 1", 1, 0)]),
        ({"below": 1.0}, {"at_most": 0.5}, [(">0.5 to <1", 1, 0)]),
        ({"at_most": 1.0}, {"at_most": 2.0}, [(">1 to 2", 0, 1)]),
        ({"above": 2.0}, {"at_least": 2.0}, [("exactly 2", 0, 1)]),
        ({"above": 2.0}, {"above": 3.0}, [(">2 to 3", 1, 0)]),
        ({"above": 2.0}, {"below": 1.0}, [("<1", 0, 1), (">2", 1, 0)]),
        ({"below": 0.5}, {"below": 0.5}, []),
    ],
)
def test_ends_of_ranges(old: dict[str, Any], new: dict[str, Any], expected: list[Any]) -> None:
    assert shown(part_of({"grade": 1, **old}), part_of({"grade": 1, **new})) == expected


def test_cuts_in_other_units_are_the_same_values() -> None:
    grams = part_of({"grade": 1, "below": 100}, analyte="hemoglobin", unit="g/L")
    per_deciliter = part_of({"grade": 1, "below": 10}, analyte="hemoglobin", unit="g/dL")
    assert shown(grams, per_deciliter) == []


def test_rules_relative_to_the_baseline_are_left_out_of_the_ranges() -> None:
    old = load_library().find_parts("ctcae_v4.fibrinogen_decreased")["ctcae_v4.fibrinogen_decreased"]
    found = map_ranges(old, V5["ctcae_v5.fibrinogen_decreased"])
    assert found.leaves_out_baseline
    assert not any(one.changes for one in found.ranges)


def test_a_recovery_cannot_be_compared() -> None:
    words = r"'qiu2023_recovery' is of kind 'recovery' and cannot be compared; .*ctcae_v4, ctcae_v5, ctcae_v6"
    with pytest.raises(DefinitionError, match=words):
        load_library().find_comparable("qiu2023_recovery")


def test_a_removed_term_raises_with_the_term_to_use() -> None:
    words = r"removed from CTCAE in version 6\.0\. Use 'ctcae_v5\.lymphocyte_count_decreased' instead"
    with pytest.raises(DefinitionError, match=words):
        load_library().find_parts("ctcae_v6.lymphocyte_count_decreased")


def removed_terms(library: Library) -> list[tuple[str, str]]:
    return [
        (f"{name}.{part}", gone.use)
        for name, definition in library.definitions.items()
        for part, gone in getattr(definition, "removed", {}).items()
    ]


@pytest.mark.parametrize(("address", "use"), removed_terms(load_library()))
def test_what_to_use_instead_exists(address: str, use: str) -> None:
    with pytest.raises(DefinitionError, match=f"'{address}'"):
        load_library().find(address)
    assert list(load_library().find_parts(use)) == [use]


def test_the_patients_of_a_study(tmp_path: Path) -> None:
    """Every count is one that can be made by hand from the two sets of outcomes."""
    folder = write_study(tmp_path / "cohort")
    found = compare_in_study(folder, "ctcae_v5", "ctcae_v6", min_grade=3)
    assert found
    for term in found:
        table = term.crosstab
        assert table["patients"].sum() == term.patients
        assert int(table.filter(pl.col("new") < pl.col("old"))["patients"].sum()) == term.milder
        # Version 6 is nowhere stricter.
        assert term.worse == 0
        for reached in (term.old_reached, term.new_reached):
            assert reached.best <= reached.patients <= reached.worst
            assert reached.worst <= term.patients
        assert term.new_reached.patients <= term.old_reached.patients


def test_a_definition_compared_with_itself_changes_nobody(tmp_path: Path) -> None:
    folder = write_study(tmp_path / "cohort")
    for term in compare_in_study(folder, "ctcae_v4", "ctcae_v4", min_grade=3):
        assert (term.milder, term.worse, term.judged_by_one) == (0, 0, 0)
        assert term.old_reached == term.new_reached


# --- rules with days: what changes in cuts, days, window and counting

BRIDGED = "up to 2 days in a row on which the cut is not met do not end an episode, and count in its length"


def change_of(old: str, new: str, name: str) -> Any:
    library = load_library()
    changes = list_changes(library.find_parts(old), library.find_parts(new))
    return next(change for change in changes if str(change.old_address).endswith(name))


def test_days_stand_in_the_words_of_a_rule() -> None:
    part = load_library().find_parts("icaht_2023.early")["icaht_2023.early"]
    assert [say_rule(rule, part.unit) for rule in part.grades] == [
        "at most 0.5 ×10⁹/L on 1 day or more",
        "at most 0.5 ×10⁹/L on 7 days or more",
        "at most 0.5 ×10⁹/L on 14 days or more",
        "at most 0.5 ×10⁹/L on all days",
        "at most 0.1 ×10⁹/L on 7 days or more",
        "at most 0.1 ×10⁹/L on 14 days or more",
    ]


def test_the_program_of_2024_counts_days_otherwise_than_the_consensus() -> None:
    early = change_of("icaht_2023", "icaht_liang_2024", ".early")
    assert early.status == "counting"
    assert early.old_counting == (BRIDGED,)
    assert early.new_counting == (
        f"{BRIDGED}, at the end of follow-up too",
        "values are rounded to the nearest 0.01 ×10⁹/L, ties to even",
    )


def test_the_program_of_2024_accepts_a_single_late_value() -> None:
    late = change_of("icaht_2023", "icaht_liang_2024", ".late")
    assert late.status == "counting"
    assert "a single measured day that meets it is not judged" in late.old_counting
    assert "a single measured day that meets it is accepted" in late.new_counting


def test_the_cumulative_reading_adds_the_days_up() -> None:
    early = change_of("icaht_2023.early", "icaht_2023_cumulative.early", ".early")
    assert early.status == "counting"
    assert early.old_counting == (
        "the longest episode counts",
        "days after last contact or death do not count",
    )
    assert early.new_counting == (
        "the days of all episodes add up",
        "days after last contact, death, progression or the next therapy do not count",
        "Last contact ends the days that count; the source names progression, next therapy and death.",
    )


def test_terms_of_the_same_name_and_another_analyte_are_compared_in_words() -> None:
    early = change_of("icaht_2023", "t_icaht_2025", ".early")
    assert (early.status, early.analyte, early.new_analyte) == ("rules", "anc", "platelets")
    assert [(grade.grade, grade.old, grade.new) for grade in early.grades] == [
        (1, ("at most 0.5 ×10⁹/L on 1 day or more",), ("below 50 ×10⁹/L on 1 day or more",)),
        (2, ("at most 0.5 ×10⁹/L on 7 days or more",), ("below 50 ×10⁹/L on 7 days or more",)),
        (
            3,
            ("at most 0.5 ×10⁹/L on 14 days or more", "at most 0.1 ×10⁹/L on 7 days or more"),
            ("below 20 ×10⁹/L on 1 day or more",),
        ),
        (
            4,
            ("at most 0.5 ×10⁹/L on all days", "at most 0.1 ×10⁹/L on 14 days or more"),
            ("below 20 ×10⁹/L on 14 days or more",),
        ),
    ]
    assert "the longest episode counts" in early.old_counting
    assert "the days of all episodes add up" in early.new_counting


def test_a_window_of_its_own_is_compared() -> None:
    neutropenia = change_of("nagle_2021_prolonged", "fried_2019_prolonged", ".neutropenia")
    assert (neutropenia.old_counting, neutropenia.new_counting) == (
        ("days 31 to 100 count",),
        ("days 22 to 100 count",),
    )


def test_terms_without_days_of_their_own_have_no_counting_to_compare() -> None:
    assert {(change.old_counting, change.new_counting) for change in list_changes(V5, V6)} == {((), ())}
