"""Definition files: the package's own, those of a study, and what is wrong with them."""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from cytopenia.contract import SUPPORT_KINDS
from cytopenia.definition_forms import (
    GradesDefinition,
    GradesPart,
    LimitOfNormal,
    MultipleOfBaseline,
    NotDefinable,
    PhenotypeDefinition,
    RecoveryDefinition,
)
from cytopenia.definitions import describe_definition, load_definition, load_library
from cytopenia.errors import DefinitionError
from cytopenia.units import load_analytes

DATA = resources.files("cytopenia") / "data" / "definitions"
HEAD = 'id = "mine"\nkind = "grades"\ntitle = "Mine"\nversion = "1"\nstatus = "assumed"\n'
HEAD += 'citation = { text = "Here" }\n'
RULE = '{ grade = 1, below = 1.0, text = "a" }'
PART = f'[anc]\ntitle = "ANC"\nanalyte = "anc"\nunit = "1e9/L"\ngrades = [{RULE}]\n'


def study(folder: Path, **files: str) -> Path:
    (folder / "definitions").mkdir()
    for name, text in files.items():
        (folder / "definitions" / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(DefinitionError, match=r"^The definition files are wrong\n") as raised:
        load_library(study(folder, mine=text))
    return str(raised.value)


def part_of(*rules: dict[str, Any]) -> GradesPart:
    written = [{"text": "made up", **rule} for rule in rules]
    return GradesPart.model_validate({"title": "T", "analyte": "anc", "unit": "1e9/L", "grades": written})


def test_the_definitions_of_the_package() -> None:
    files = resources.files("cytopenia") / "data" / "definitions"
    names = {item.name.removesuffix(".toml") for item in files.iterdir() if item.name.endswith(".toml")}
    assert set(load_library().definitions) == names
    assert names >= {"ctcae_v4", "icaht_2023", "icaht_liang_2024", "t_icaht_2025", "qiu2023_recovery"}


# The fixed cuts as printed in CTCAE 4.03, in the unit of the definition; grade 1 is the limit of normal.
@pytest.mark.parametrize(
    ("part", "analyte", "cuts"),
    [
        ("neutrophil_count_decreased", "anc", {2: 1.5, 3: 1.0, 4: 0.5}),
        ("anemia", "hemoglobin", {2: 100.0, 3: 80.0}),
        ("platelet_count_decreased", "platelets", {2: 75.0, 3: 50.0, 4: 25.0}),
        ("white_blood_cell_decreased", "wbc", {2: 3.0, 3: 2.0, 4: 1.0}),
        ("lymphocyte_count_decreased", "alc", {2: 0.8, 3: 0.5, 4: 0.2}),
    ],
)
def test_the_cuts_of_ctcae(part: str, analyte: str, cuts: dict[int, float]) -> None:
    found = load_library().find_parts(f"ctcae_v4.{part}")[f"ctcae_v4.{part}"]
    assert found.analyte == analyte
    assert found.unit == load_analytes()[analyte].unit
    assert {rule.grade: rule.cut for rule in found.lab_rules} == {1: LimitOfNormal(lln=1.0), **cuts}
    assert {rule.comparator for rule in found.lab_rules} == {"below"}


def test_clinical_grades_of_anemia_keep_their_words_and_have_no_cut() -> None:
    rules = load_library().find_parts("ctcae_v4.anemia")["ctcae_v4.anemia"].grades
    assert [(rule.grade, rule.lab_gradable) for rule in rules] == [
        (1, True),
        (2, True),
        (3, True),
        (4, False),
        (5, False),
    ]
    assert rules[3].text == "Life-threatening consequences; urgent intervention indicated"


def test_the_recovery_of_the_study() -> None:
    definition = load_definition("qiu2023_recovery")
    assert isinstance(definition, RecoveryDefinition)
    cuts = {item.analyte: (item.comparator, item.cut, item.unit) for item in definition.all_of}
    assert cuts == {
        "anc": ("at_least", 1.0, "1e9/L"),
        "hemoglobin": ("at_least", 80.0, "g/L"),
        "platelets": ("at_least", 50.0, "1e9/L"),
    }
    assert (definition.run.length, definition.landmark.day, definition.landmark.run) == (3, 28, "ends_on")
    assert definition.landmark.status == definition.counting.status == "assumed"
    counting = definition.counting
    assert (counting.bracket_days, counting.carry_days, counting.look_ahead_days) == (8, 3, 8)


@pytest.mark.parametrize(
    ("suffix", "run"),
    [("", "ends_on"), ("_contains", "contains"), ("_reached_by", "reached_by"), ("_washout", "ends_on")],
)
def test_the_readings_of_the_landmark(suffix: str, run: str) -> None:
    assert load_definition(f"qiu2023_recovery{suffix}").landmark.run == run


def test_support_is_specific_to_the_lineage() -> None:
    waits = {
        item.analyte: {k: v.days for k, v in item.support_free_days.items()}
        for item in load_definition("qiu2023_recovery").all_of
    }
    assert waits == {
        "anc": {"gcsf": 1},
        "hemoglobin": {"rbc_transfusion": 1},
        "platelets": {"platelet_transfusion": 1},
    }


def test_washout_by_agent() -> None:
    criteria = {item.analyte: item for item in load_definition("qiu2023_recovery_washout").all_of}
    wait = criteria["anc"].support_free_days["gcsf"].as_free_days()
    assert (wait[""], wait["filgrastim"], wait["lenograstim"]) == (14, 7, 7)
    assert criteria["hemoglobin"].support_free_days["rbc_transfusion"].days == 7
    assert criteria["platelets"].support_free_days["platelet_transfusion"].days == 7


def test_bounds_and_baseline() -> None:
    library = load_library()
    assert library.bounds.longest_days == 8
    assert library.bounds.slack == {
        "anc": 1.1,
        "wbc": 1.1,
        "alc": 1.25,
        "platelets": 1.1,
        "hemoglobin": 1.15,
    }
    assert library.bounds.growth == {
        "anc": 1.15,
        "wbc": 1.1,
        "alc": 1.05,
        "platelets": 1.2,
        "hemoglobin": 1.03,
    }
    assert library.bounds.cap == {"anc": "wbc"}
    assert (library.baseline.days_before, library.baseline.peak_window) == (14, (0, 14))


@pytest.mark.parametrize("name", sorted(load_library().definitions))
def test_every_definition_says_where_it_stands(name: str) -> None:
    definition = load_definition(name)
    assert definition.status == "assumed" or definition.citation.doi or definition.citation.url
    match definition:
        case GradesDefinition():
            assert definition.text or all(
                rule.text for part in definition.parts.values() for rule in part.grades
            )
        case PhenotypeDefinition():
            assert definition.text or "compare them with the paper" in str(definition.note)
        case NotDefinable():
            assert all(entry.says and entry.reason for entry in definition.entries)
        case _:
            assert definition.text


def test_the_checksum_is_that_of_the_file() -> None:
    content = (DATA / "ctcae_v4.toml").read_bytes()
    assert load_library().sha256["ctcae_v4"] == hashlib.sha256(content).hexdigest()


def test_the_checksum_of_an_extension_covers_its_parents(tmp_path: Path) -> None:
    text = 'id = "mine"\nextends = "ctcae_v4"\nstatus = "study"\n'
    own = load_library(study(tmp_path, mine=text)).sha256["mine"]
    parent = (DATA / "ctcae_v4.toml").read_bytes()
    assert own == hashlib.sha256(parent + b"\0" + text.encode()).hexdigest()


def test_kinds_of_support_are_those_of_the_contract() -> None:
    from typing import get_args

    from cytopenia.definition_forms import SupportKind

    assert get_args(SupportKind) == SUPPORT_KINDS


def test_a_definition_of_a_study_is_added(tmp_path: Path) -> None:
    library = load_library(study(tmp_path, mine=HEAD + PART))
    assert list(library.find_parts("mine")) == ["mine.anc"]
    assert "ctcae_v4" in library.definitions
    assert "mine" not in load_library().definitions


def test_a_definition_of_a_study_replaces_ours(tmp_path: Path) -> None:
    text = (HEAD + PART).replace('"mine"', '"ctcae_v4"')
    assert list(load_library(study(tmp_path, ctcae_v4=text)).find_parts("ctcae_v4")) == ["ctcae_v4.anc"]


def test_an_extension_changes_only_what_it_names(tmp_path: Path) -> None:
    text = 'id = "mine"\nextends = "ctcae_v4"\nstatus = "study"\n[anemia]\ntitle = "Low hemoglobin"\n'
    parts = load_library(study(tmp_path, mine=text)).find_parts("mine")
    assert parts["mine.anemia"].title == "Low hemoglobin"
    assert parts["mine.anemia"].lab_rules[-1].cut == 80.0
    assert len(parts) == 7


def test_a_citation_of_its_own_replaces_that_of_the_parent_as_a_whole(tmp_path: Path) -> None:
    """Half of two citations is no source: the program of 2024 has no doi of the consensus of 2023."""
    own = 'citation = { text = "Us 2026", url = "https://example.org" }\n'
    text = f'id = "mine"\nextends = "icaht_2023"\nstatus = "study"\n{own}'
    citation = load_library(study(tmp_path, mine=text)).find("mine").citation
    assert (citation.text, citation.doi, citation.url) == ("Us 2026", None, "https://example.org")
    assert load_definition("icaht_liang_2024").citation.doi is None


def test_an_extension_of_an_extension(tmp_path: Path) -> None:
    first = 'id = "first"\nextends = "qiu2023_recovery"\nstatus = "study"\n'
    first += 'title = "First"\nlandmark = { day = 60 }\n'
    second = 'id = "second"\nextends = "first"\nstatus = "study"\nrun = { length = 5 }\n'
    found = load_library(study(tmp_path, first=first, second=second)).find("second")
    assert (found.title, found.landmark.day, found.landmark.run, found.run.length) == (
        "First",
        60,
        "ends_on",
        5,
    )


def test_files_that_are_no_definitions_are_left_alone(tmp_path: Path) -> None:
    folder = study(tmp_path, mine=HEAD + PART)
    (folder / "definitions" / "._mine.toml").write_bytes(b"\x00\xff")
    (folder / "definitions" / "notes.md").write_text("notes")
    assert "mine" in load_library(folder).definitions


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('title = "Mine"\n', "", "mine.toml: 'title' is missing"),
        (
            'kind = "grades"',
            'kind = "grade"',
            "'kind' is 'grade' (did you mean 'grades'?); allowed: baseline, bedside, bounds, fever, gates",
        ),
        ('kind = "grades"', "", "'kind' is missing; allowed: baseline"),
        ('id = "mine"', "", "mine.toml: 'id' is missing; write id = \"mine\""),
        ('version = "1"', "version = 1", "'version' is 1; a text in quotation marks is needed"),
        ('status = "assumed"', 'status = "certain"', "'status' is 'certain'; allowed: 'consensus'"),
        (
            "[anc]",
            "color = 1\n[anc]",
            "unknown key 'color'; allowed: citation, id, kind, note, a section per analyte, removed, status",
        ),
        ("below = 1.0", 'below = "uln"', "'anc.grades.1.below': is 'uln'; allowed: a number, \"lln\""),
        ("below = 1.0", "below = { lnl = 1 }", "unknown key 'anc.grades.1.below.lnl' (did you mean 'lln'?)"),
        ("below = 1.0", "below = true", "'anc.grades.1.below': is true"),
        ("below = 1.0", "below = { baseline = 0 }", "'anc.grades.1.below.baseline'"),
        ("below = 1.0", "below = { lln = -1 }", "'anc.grades.1.below.lln'"),
        ("below = 1.0", "below = { baseline = 1, lln = 1 }", "unknown key 'anc.grades.1.below.lln'"),
        ("below = 1.0", 'below = 1.0, only_if = { below = "uln" }', "'anc.grades.1.only_if.below': is 'uln'"),
        ("below = 1.0", "below = 1.0, only_if = {}", "needs exactly one of below, at_most, above, at_least"),
        (
            "below = 1.0",
            "below = 1.0, only_if = { above = 0.1 }",
            "grade 1: only_if must stand beside a cut and point the same way",
        ),
        (
            "below = 1.0",
            'lab_gradable = false, only_if = { below = "lln" }',
            "grade 1: only_if must stand beside a cut",
        ),
        (PART, PART + "[removed.wbc]\ntext = 'gone'\n", "'removed.wbc.use' is missing"),
        ('status = "assumed"', 'status = "published"', "needs a doi or a url unless status is 'assumed'"),
        ('citation = { text = "Here" }\n', "", "'citation' is missing"),
        ("below = 1.0", "below = nan", "'anc.grades.1.below'"),
        (
            "below = 1.0",
            "below = 1.0, at_most = 1.0",
            "grade 1: needs exactly one of below, at_most, above, at_least",
        ),
        ("below = 1.0, ", "", "grade 1: needs exactly one of below"),
        ("below = 1.0", "below = 1.0, lab_gradable = false", "a rule that is not lab_gradable has no cut"),
        ("below = 1.0", "lab_gradable = false", "no rule has a cut; a laboratory value can decide nothing"),
        ("grade = 1", "grade = 6", "'anc.grades.1.grade'"),
        ('[{ grade = 1, below = 1.0, text = "a" }]', "[]", "'anc.grades'"),
        (PART, "", "a section per analyte is missing"),
        ('"anc"\nunit', '"hgb"\nunit', "unknown analyte 'hgb'"),
        ('"1e9/L"', '"g/L"', "'g/L' is not a listed unit of anc; allowed: 1e9/L, "),
    ],
)
def test_what_is_wrong_is_said(old: str, new: str, words: str, tmp_path: Path) -> None:
    assert old in HEAD + PART
    assert words in complaint(tmp_path, (HEAD + PART).replace(old, new))


@pytest.mark.parametrize("parent", ["ctcae_v9", 3, ["ctcae_v4"]])
def test_a_parent_that_does_not_exist(parent: object, tmp_path: Path) -> None:
    written = repr(parent).replace("'", '"')
    assert "mine.toml: extends unknown" in complaint(
        tmp_path, f'id = "mine"\nextends = {written}\nstatus = "study"\n'
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("at_least = 1.0", "at_least = inf", "'all_of.1.at_least'"),
        ("at_least = 1.0", "", "anc: needs exactly one of at_least, above"),
        (
            "gcsf = 1",
            "filgrastim = 1",
            "'all_of.1.support_free_days.filgrastim' is 'filgrastim'; allowed: 'gcsf'",
        ),
        ("gcsf = 1", "gcsf = -1", "'all_of.1.support_free_days.gcsf.days'"),
        (
            "gcsf = 1",
            "gcsf = { days = 14, agents = { filgrastim = -7 } }",
            "'all_of.1.support_free_days.gcsf.agents.filgrastim'",
        ),
        ('"hemoglobin"\nunit', '"anc"\nunit', "'all_of': all_of names an analyte twice"),
        (
            'run = "ends_on"',
            'run = "end_on"',
            "'landmark.run' is 'end_on'; allowed: 'ends_on', 'contains' or 'reached_by'",
        ),
        (
            "bracket_days = 8",
            "brackets = 8",
            "unknown key 'counting.brackets' (did you mean 'bracket_days'?)",
        ),
    ],
)
def test_a_wrong_recovery(old: str, new: str, words: str, tmp_path: Path) -> None:
    text = (DATA / "qiu2023_recovery.toml").read_text("utf-8").replace('"qiu2023_recovery"', '"mine"')
    assert old in text
    assert words in complaint(tmp_path, text.replace(old, new))


def test_bounds_name_known_analytes(tmp_path: Path) -> None:
    text = (DATA / "neighbor_bounds.toml").read_text("utf-8").replace('"neighbor_bounds"', '"mine"')
    assert "unknown analyte 'wcc'" in complaint(tmp_path, text.replace('anc = "wbc"', 'anc = "wcc"'))


def test_a_peak_window_begins_before_it_ends(tmp_path: Path) -> None:
    text = (DATA / "baseline.toml").read_text("utf-8").replace('"baseline"\nkind', '"mine"\nkind')
    assert "'peak_window': [14, 0] must begin before it ends" in complaint(
        tmp_path, text.replace("[0, 14]", "[14, 0]")
    )


@pytest.mark.parametrize(
    ("name", "kind"), [("neighbor_bounds", "bounds"), ("baseline", "baseline"), ("model_gates", "gates")]
)
def test_the_package_keeps_its_own_kinds(name: str, kind: str, tmp_path: Path) -> None:
    library = load_library(study(tmp_path, **{name: (HEAD + PART).replace('"mine"', f'"{name}"')}))
    with pytest.raises(DefinitionError, match=f"'{name}' must be of kind '{kind}'"):
        getattr(library, kind)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    folder = study(tmp_path, good=HEAD.replace("mine", "good") + PART)
    (folder / "definitions" / "bad.toml").write_bytes("id = 'bäd'".encode("latin-1"))
    (folder / "definitions" / "worse.toml").write_text("id = worse")
    with pytest.raises(
        DefinitionError, match=r"(?s)bad\.toml: line 1 is not UTF-8.*worse\.toml: not a valid TOML"
    ):
        load_library(folder)


@pytest.mark.parametrize(
    ("milder", "worse"),
    [
        ({"below": 1.0}, {"below": 1.5}),
        ({"below": 1.0}, {"at_most": 1.0}),
        ({"above": 2.0}, {"above": 1.0}),
        ({"above": 2.0}, {"at_least": 2.0}),
        ({"below": {"lln": 0.5}}, {"below": {"lln": 0.75}}),
        ({"at_most": {"baseline": 0.5}}, {"at_most": {"baseline": 0.75}}),
        ({"below": {"baseline": 0.5}}, {"at_most": {"baseline": 0.5}}),
        ({"below": "baseline", "only_if": {"below": "lln"}}, {"below": {"baseline": 0.5}}),
    ],
)
def test_a_higher_grade_is_never_easier_to_reach(milder: dict[str, Any], worse: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"grade 2 .* is easier to reach than grade 1"):
        part_of({"grade": 1, **milder}, {"grade": 2, **worse})


@pytest.mark.parametrize(
    ("milder", "worse"),
    [
        ({"below": 1.0}, {"below": 1.0}),
        ({"at_most": 1.0}, {"below": 1.0}),
        ({"at_least": 2.0}, {"above": 2.0}),
        ({"below": {"lln": 0.75}}, {"below": {"lln": 0.5}}),
        ({"below": "lln"}, {"below": 1.5}),
        ({"below": "baseline"}, {"at_most": {"baseline": 0.75}}),
        ({"below": "baseline"}, {"below": {"lln": 1.5}}),
        ({"below": "baseline"}, {"below": {"baseline": 0.5}, "only_if": {"below": "lln"}}),
    ],
)
def test_a_higher_grade_may_be_as_easy_or_harder(milder: dict[str, Any], worse: dict[str, Any]) -> None:
    part = part_of({"grade": 2, **worse}, {"grade": 1, **milder})
    assert [rule.grade for rule in part.lab_rules] == [1, 2]


def test_rules_point_the_same_way() -> None:
    with pytest.raises(ValueError, match="all rules must point the same way"):
        part_of({"grade": 1, "below": 1.0}, {"grade": 2, "above": 5.0})


def test_a_grade_has_one_rule() -> None:
    with pytest.raises(ValueError, match="two rules of the same grade"):
        part_of({"grade": 1, "below": 1.0}, {"grade": 1, "below": 0.5})


def test_rules_of_one_grade_with_other_kinds_of_cut_are_alternatives() -> None:
    part = part_of(
        {"grade": 1, "below": 1.0}, {"grade": 1, "below": "lln"}, {"grade": 1, "below": "baseline"}
    )
    assert [type(rule.cut) for rule in part.lab_rules] == [float, LimitOfNormal, MultipleOfBaseline]
    assert part.needs_baseline


# Printed as multiples in CTCAE; an exact decrease of 25, 50 or 75% belongs to the worse grade.
@pytest.mark.parametrize("version", ["ctcae_v4", "ctcae_v5", "ctcae_v6"])
def test_the_cuts_of_fibrinogen(version: str) -> None:
    part = load_library().find_parts(f"{version}.fibrinogen_decreased")[f"{version}.fibrinogen_decreased"]
    limits = {rule.grade: rule.cut.lln for rule in part.grades if isinstance(rule.cut, LimitOfNormal)}
    baselines = {
        rule.grade: (rule.comparator, rule.cut.baseline, rule.only_if is not None)
        for rule in part.grades
        if isinstance(rule.cut, MultipleOfBaseline)
    }
    abnormal = version != "ctcae_v4"
    assert limits == {1: 1.0, 2: 0.75, 3: 0.5, 4: 0.25}
    assert baselines == {
        1: ("below", 1.0, abnormal),
        2: ("at_most", 0.75, abnormal),
        3: ("at_most", 0.5, abnormal),
        4: ("at_most", 0.25, abnormal),
    }
    assert [(rule.grade, rule.cut) for rule in part.grades if isinstance(rule.cut, float)] == [(4, 0.5)]


def test_a_description_quotes_the_rules() -> None:
    told = describe_definition(load_definition("ctcae_v4"), parts=["anemia"])
    assert told["rules"][2] == "Anemia, grade 3: “Hgb <8.0 g/dL; <4.9 mmol/L; <80 g/L; transfusion indicated”"
    assert told["rules"][4] == "Anemia, grade 5: “Death” (not decided by a laboratory value)"
    assert not any("Neutrophil" in rule for rule in told["rules"])
    assert (told["version"], told["status"], told["assumed"]) == ("4.03", "consensus", [])


def test_a_description_of_all_parts() -> None:
    told = describe_definition(load_definition("ctcae_v4"))
    assert sum(", grade 4: " in rule for rule in told["rules"]) == 9


def test_a_description_says_what_is_assumed() -> None:
    told = describe_definition(load_definition("qiu2023_recovery"))
    assert told["rules"][:2] == [
        "Absolute neutrophil count at least 1.0 ×10⁹/L",
        "Hemoglobin at least 80.0 g/L",
    ]
    assert told["rules"][-1] == "all on 3 consecutive days; landmark day 28"
    assert told["doi"] == "10.3892/ol.2023.13924"
    assert told["assumed"][0].startswith("The source does not say where the three days lie")
    assert "at most 8 days apart" in told["assumed"][-1]


def test_no_digit_of_a_cut_is_lost(tmp_path: Path) -> None:
    criterion = '[[all_of]]\nanalyte = "anc"\nunit = "1e9/L"\nabove = 0.75\n'
    text = f'id = "mine"\nextends = "qiu2023_recovery"\nstatus = "study"\n{criterion}'
    told = describe_definition(load_library(study(tmp_path, mine=text)).find("mine"))
    assert told["rules"][0] == "Absolute neutrophil count above 0.75 ×10⁹/L"


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        (
            "neighbor_bounds",
            "Longest distance 8 days; slack: anc 1.1 (times 1.15 for each day beyond two),"
            " wbc 1.1 (times 1.1 for each day beyond two), alc 1.25 (times 1.05 for each day beyond two),"
            " platelets 1.1 (times 1.2 for each day beyond two),"
            " hemoglobin 1.15 (times 1.03 for each day beyond two).",
        ),
        ("baseline", "Baseline: 14 days before; peak: day 0 to 14."),
    ],
)
def test_a_description_of_assumptions(name: str, rule: str) -> None:
    told = describe_definition(load_definition(name))
    assert (told["rules"], told["status"]) == ([rule], "assumed")


def test_an_extension_states_its_own_status(tmp_path: Path) -> None:
    """A changed cut is no longer the consensus that the parent's source prints."""
    assert "mine.toml: 'status' is missing" in complaint(tmp_path, 'id = "mine"\nextends = "ctcae_v4"\n')
