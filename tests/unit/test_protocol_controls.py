"""The controls of the form are made from the models: each key of a study file once, with its own kind."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib import resources

import pytest

from cytopenia.app.form_layout import lay_out, list_fields, read_changes
from cytopenia.app.form_offers import OFFERED, find_offer, list_offers
from cytopenia.app.form_problems import place_problems
from cytopenia.app.form_view import FormView
from cytopenia.app.protocol_controls import (
    Control,
    TypedError,
    describe_protocol,
    fall_back,
    read_typed,
    show_value,
)
from cytopenia.app.protocol_edit import ABSENT, Change
from cytopenia.app.texts import load_texts, make_say
from cytopenia.definitions import load_library
from cytopenia.study.protocol_forms import Protocol

EXAMPLE = (resources.files("cytopenia") / "data" / "example" / "study.toml").read_text("utf-8")
# Keys of text that name nothing that could be listed.
FREE = {"title", "label", "id", "family", "coefficients", "card"}
FREE_IN = {("Factor", "reference")}


def walk(controls: tuple[Control, ...]) -> Iterator[Control]:
    for control in controls:
        yield control
        yield from walk(control.parts)


def all_controls() -> list[Control]:
    kinds = [kind for section in describe_protocol() for kind in section.kinds.values()]
    return [control for kind in kinds for control in walk(kind)]


def find(section: str, key: str, kind: str = "") -> Control:
    found = next(item for item in describe_protocol() if item.name == section)
    return next(control for control in walk(found.kinds[kind]) if control.key == key)


def view_of(text: str) -> FormView:
    content = tomllib.loads(text)
    return FormView(
        sections=lay_out(content),
        offers=list_offers(content, load_library()),
        say=make_say("en"),
        keys=load_texts("en"),
    )


def test_every_section_but_the_data_is_there() -> None:
    names = {section.name for section in describe_protocol()}
    assert names == set(Protocol.model_fields) - {"data"}


def test_every_kind_of_analysis_is_there_and_said_in_words() -> None:
    kinds = next(section for section in describe_protocol() if section.name == "analyses").kinds
    said = {key.removeprefix("form.kind.") for key in load_texts("en") if key.startswith("form.kind.")}
    assert set(kinds) == said
    assert len(said) == 14


@pytest.mark.parametrize(
    ("section", "key", "kind", "asked"),
    [
        ("study", "seed", "", "whole"),
        ("study", "synthetic", "", "flag"),
        ("cohort", "require", "", "names"),
        ("outcomes", "definition", "", "text"),
        ("outcomes", "window", "", "pair"),
        ("outcomes", "died_before_landmark", "", "choice"),
        ("factors", "as", "", "choice"),
        ("factors", "grade_from", "", "wholes"),
        ("factors", "between", "", "span"),
        ("factors", "spline_knots", "", "choice"),
        ("factors", "levels", "", "raw"),
        ("factors", "scale", "", "raw"),
        ("analyses", "columns", "risk_factors", "choices"),
        ("analyses", "multivariable", "risk_factors", "part"),
        ("analyses", "p_below", "risk_factors", "number"),
        ("analyses", "parity", "roc", "choice"),
        ("analyses", "thresholds", "prediction", "numbers"),
        ("report", "figures", "", "choices"),
    ],
)
def test_a_key_is_asked_by_its_type(section: str, key: str, kind: str, asked: str) -> None:
    assert find(section, key, kind).kind == asked


def test_bounds_choices_and_defaults_are_those_of_the_form() -> None:
    assert dict(find("outcomes", "min_grade").bounds) == {"ge": 1, "le": 5}
    assert dict(find("study", "lymphodepletion_day").bounds) == {"ge": -3650, "le": 0}
    assert find("report", "style").choices == ("default", "ash", "lancet", "nejm", "spandidos")
    assert find("report", "style").default == "default"
    assert find("analyses", "parity", "risk_factors").choices == ("spss", "r", "default", "compare")
    assert find("analyses", "imputations", "roc").default == 20
    assert find("study", "seed").is_needed
    assert find("study", "synthetic").default is False


def test_every_key_has_its_line_of_help() -> None:
    texts = load_texts("en")
    silent = [
        (control.forms[0], control.key)
        for control in all_controls()
        if control.key != "kind"
        and not any(
            f"key_help.{name}" in texts
            for name in (*(f"{form}.{control.key}" for form in control.forms), control.key)
        )
    ]
    assert silent == []


@pytest.mark.parametrize("table", ["key_help", "key_blank"])
def test_no_text_is_about_a_key_that_is_not_there(table: str) -> None:
    named = {
        name
        for control in all_controls()
        for name in (control.key, *(f"{form}.{control.key}" for form in control.forms))
    }
    texts = {key.removeprefix(f"{table}.") for key in load_texts("en") if key.startswith(f"{table}.")}
    assert texts - named == set()


def test_every_key_of_text_offers_names_or_is_free() -> None:
    asked = [control for control in all_controls() if control.kind in ("text", "names")]
    bare = {
        (control.forms[0], control.key)
        for control in asked
        if find_offer(control) is None and control.key not in FREE
    }
    assert bare == FREE_IN
    offers = list_offers({}, load_library())
    assert set(OFFERED.values()) == set(offers)


def test_all_definitions_of_outcomes_are_offered() -> None:
    offers = {offer.value for offer in list_offers({}, load_library())["outcome_definitions"]}
    assert {
        "ctcae_v6.anemia",
        "icaht_2023.early",
        "qiu2023_recovery",
        "ctcae_v5_febrile_neutropenia",
    } <= offers
    assert {"rejeski_2021_phenotypes", "rejeski_2021_phenotypes.second_dip"} <= offers
    assert not {"ctcae_v6", "car_hematotox", "neighbor_bounds"} & offers


@pytest.mark.parametrize(
    ("section", "key", "kind", "value", "shown"),
    [
        ("study", "seed", "", 7, ["7"]),
        ("study", "seed", "", "7", None),
        ("study", "seed", "", True, None),
        ("study", "synthetic", "", False, ["false"]),
        ("study", "title", "", "two\nlines", None),
        ("outcomes", "window", "", [0, 28], ["0", "28"]),
        ("outcomes", "window", "", [0], None),
        ("outcomes", "window", "", ABSENT, ["", ""]),
        ("outcomes", "any_of", "", ["a", "b"], ["a", "b"]),
        ("outcomes", "any_of", "", ["a", "a"], None),
        ("outcomes", "any_of", "", ["a", 1], None),
        ("factors", "spline_knots", "", 3, ["3"]),
        ("factors", "spline_knots", "", "3", None),
        ("factors", "grade_from", "", [1, 3], ["1, 3"]),
        ("factors", "between", "", [0.5, 2], ["0.5", "2"]),
        ("factors", "scale", "", "doubling", ["doubling"]),
        ("factors", "scale", "", "true", ['"true"']),
        ("factors", "scale", "", {"per": 10}, ["{ per = 10 }"]),
        ("analyses", "p_below", "risk_factors", 0.05, ["0.05"]),
        ("analyses", "p_below", "risk_factors", float("inf"), None),
    ],
)
def test_what_stands_in_the_file_is_shown_and_read_again(
    section: str, key: str, kind: str, value: object, shown: list[str] | None
) -> None:
    control = find(section, key, kind)
    assert show_value(control, value) == shown
    if shown is None:
        control = fall_back(control)
    assert read_typed(control, show_value(control, value) or []) == value or value is ABSENT


@pytest.mark.parametrize(
    ("section", "key", "typed", "value"),
    [
        ("study", "seed", [" 12 "], 12),
        ("study", "seed", [" "], ABSENT),
        ("outcomes", "window", ["-5", "28"], [-5, 28]),
        ("outcomes", "window", ["", ""], ABSENT),
        ("factors", "grade_from", ["[1, 3]"], [1, 3]),
        ("factors", "grade_from", ["1 3"], [1, 3]),
        ("factors", "scale", ["iqr"], "iqr"),
        ("factors", "levels", ['{ "0-1" = [0, 1] }'], {"0-1": [0, 1]}),
        ("factors", "spline_knots", ["4"], 4),
        ("cohort", "require", ["", "patients.sex", "patients.sex"], ["patients.sex"]),
    ],
)
def test_what_is_typed_is_a_value(section: str, key: str, typed: list[str], value: object) -> None:
    found = read_typed(find(section, key), typed)
    assert found is value if value is ABSENT else found == value


@pytest.mark.parametrize(
    ("section", "key", "typed", "word"),
    [
        ("study", "seed", ["1.5"], "whole"),
        ("study", "seed", ["abc"], "whole"),
        ("outcomes", "window", ["0", ""], "pair"),
        ("outcomes", "window", ["0", "x"], "whole"),
        ("factors", "between", ["0,5", "2"], "number"),
        ("factors", "between", ["nan", "2"], "number"),
        ("factors", "levels", ["{ low = "], "raw"),
        ("factors", "levels", ["1\ny = 2"], "raw"),
    ],
)
def test_what_is_no_value_is_told(section: str, key: str, typed: list[str], word: str) -> None:
    with pytest.raises(TypedError, match=f"^{word}$"):
        read_typed(find(section, key), typed)


def test_nothing_of_the_example_is_written_as_in_the_file_but_tables() -> None:
    strange = [field.id for field in list_fields(lay_out(tomllib.loads(EXAMPLE))) if not field.is_known]
    assert strange == []


def test_a_page_that_is_sent_back_as_it_came_changes_nothing() -> None:
    sections = lay_out(tomllib.loads(EXAMPLE))
    sent = {field.id: list(field.shown) or [""] for field in list_fields(sections)}
    assert read_changes(sections, sent) == ({}, {})


def test_keys_that_no_form_has_are_shown_as_they_are() -> None:
    text = '[study]\nsead = 1\ntitle = 5\n[[analyses]]\nid = "a"\nkind = "nothing"\n"x y" = [1]\n'
    fields = {field.id: field for field in list_fields(lay_out(tomllib.loads(text)))}
    assert fields["study.other0"].shown == ("1",)
    assert fields["study.title"].shown == ("5",)
    assert fields["study.title"].control.kind == "raw"
    unknown = [field for field in fields.values() if field.path == ("analyses", 0, "x y")]
    assert [field.shown for field in unknown] == [("[1]",)]
    changes, _ = read_changes(lay_out(tomllib.loads(text)), {"study.other0": [""], "study.title": ['"A"']})
    assert list(changes.values()) == [Change(("study", "title"), "A"), Change(("study", "sead"), ABSENT)]


@pytest.mark.parametrize(
    "text",
    [
        "outcomes = 3",
        "outcomes = [1]",
        "analyses = { a = 1 }",
        "[outcomes]\na = 1",
        "study = []",
        "[[study]]\nseed = 1",
    ],
)
def test_a_section_of_another_shape_is_left_alone(text: str) -> None:
    assert [section.is_odd for section in lay_out(tomllib.loads(text))].count(True) == 1


def test_help_says_what_a_key_means_its_range_and_what_a_blank_is() -> None:
    view = view_of("[outcomes.a]\n")
    fields = {field.control.key: field for field in view.sections[2].blocks[0].fields}
    assert view.help(fields["min_grade"]) == (
        "Yes if the grade is at least this, no if not. 1 to 5. Left blank: the outcome is the grade itself."
    )
    assert view.help(fields["treatment_emergent"]) == (
        "Yes: only grades above the grade at baseline count. Left blank: no."
    )


def test_a_key_that_an_optional_table_needs_is_not_needed_by_itself() -> None:
    view = view_of('[[analyses]]\nid = "a"\nkind = "prediction"\n')
    fields = {field.id: field for field in list_fields(view.sections)}
    assert view.help(fields["analyses.0.resamples"]).endswith("200 to 20000. Needed.")
    assert view.help(fields["analyses.0.select.p_below"]) == (
        "A candidate enters if its P is below this. Above 0, at most 1. Needed if anything here is given."
    )


def test_every_help_can_be_said() -> None:
    kinds = next(section for section in describe_protocol() if section.name == "analyses").kinds
    text = "".join(f'[[analyses]]\nid = "{kind}"\nkind = "{kind}"\n' for kind in kinds)
    view = view_of(f"{text}[outcomes.a]\n[factors.b]\n")
    said = [view.help(field) for field in list_fields(view.sections)]
    assert len(said) > 150
    assert all(text.endswith(".") for text in said)


def test_problems_stand_at_their_field_or_block() -> None:
    content = tomllib.loads(
        '[study]\nsead = 1\n[outcomes.low]\n[factors.q]\n[[analyses]]\nid = "a"\nkind = "roc"\n'
        '[[analyses]]\nid = "b"\nkind = "occurrence"\n'
    )
    message = "\n".join(
        [
            "study.toml: 8 problems",
            "  - study.toml: 'study.seed' is missing",
            "  - study.toml: unknown key 'study.sead' (did you mean 'seed'?); allowed: seed",
            "  - study.toml: outcomes.low: unknown definition 'xx'; known: a",
            "  - study.toml: 'analyses.1.event' is 'maybe'; allowed: 'yes'",
            "  - study.toml: analyses.b: unknown outcome 'zz'; add [outcomes.zz]",
            '  - study.toml: \'factors.q\': needs at = "baseline" or at = "peak"',
            "  - study.toml: 'data.labs.file' is missing",
            "  - study.toml: 'analyses.1': needs directions or resamples (such as 2000)",
        ]
    )
    placed = place_problems(message, lay_out(content), file="study.toml")
    assert [problem.target for problem in placed] == [
        "study.seed",
        "study.other0",
        "outcomes.0.definition",
        "analyses.0.event",
        "analyses.1.outcomes",
        "factors.0.at",
        None,
        "analyses.0.resamples",
    ]
    assert placed[0].text == "'study.seed' is missing"
