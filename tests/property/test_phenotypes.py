"""Phenotypes: the kernel against a twin that tries every completion of the unmeasured days."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import twin_phenotypes
from cytopenia.definition_forms import PhenotypeDefinition
from cytopenia.definitions import load_definition
from kernel import make_tables, phenotype_cohort
from strategies import draw_picks, share_of_examples
from twin_phenotypes import ABSENT, LABELS

Row = dict[str, Any]

MOST_COMPLETIONS = 4000
CUTS = [0.5, 0.75, 1.0]
VALUES = [0.3, 2.0, 0.5, 1.0, 0.75, 0.6, 1.2, 0.49, 1.01, 0.0]
NAMES = ("fall", "recovery", "second_dip", "aplastic")
HEAD = {
    "id": "made_up",
    "kind": "phenotype",
    "title": "Made up",
    "version": "1",
    "status": "assumed",
    "citation": {"text": "Made up for a test"},
    "analyte": "anc",
    "unit": "1e9/L",
}


@st.composite
def definitions(draw: st.DrawFn) -> PhenotypeDefinition:
    """Short windows, so that every completion can be tried; every rule takes each of its values."""
    pick = lambda *values: draw(st.sampled_from(values))  # noqa: E731
    low = draw(st.lists(st.sampled_from(CUTS), min_size=3, max_size=3))
    severe, dip, fall = min(low), low[1], max(low)
    last = pick(9, 7, 5)
    rise_sign = pick("above", "at_least")
    signs = {name: "below" if rise_sign == "at_least" else pick("below", "at_most") for name in NAMES}
    if signs["fall"] == "below":
        signs["aplastic"] = "below"
    aplastic = {signs["aplastic"]: severe, "days": pick(3, 1, 2, 4), "status": "assumed"}
    has_aplastic = pick(*"1110") == "1"
    content = {
        **HEAD,
        "window": [0, last],
        "fall": {signs["fall"]: fall, "status": "assumed"},
        "recovery": {rise_sign: 1.0, "days": pick(1, 2, 3), "from_day": pick(0, 2), "status": "assumed"},
        "second_dip": {
            signs["second_dip"]: dip,
            "days": pick(1, 2),
            "from_day": pick(0, 4),
            "status": "assumed",
        },
        "aplastic": aplastic if has_aplastic else None,
        "judging": {
            "status": "assumed",
            "precedence": draw(st.permutations(["aplastic", "intermittent", "quick"])),
            "without_recovery": pick("own_label", "aplastic") if has_aplastic else "aplastic",
            "died_early": pick("own_label", "as_observed"),
            "seen_until_day": pick(0, 3, 5),
        },
        "counting": {
            "status": "assumed",
            "bridge_days": pick(0, 1, 2),
            "fill": pick(None, {"method": "linear", "max_gap_days": 2, "extend_days": 1}),
            "censor_at": ["last_contact", "death", "progression"],
        },
    }
    return PhenotypeDefinition.model_validate(content)


@st.composite
def patients(draw: st.DrawFn, last: int, *, cap: bool = False) -> Row:
    labs: list[Row] = []
    cells = [
        (day, analyte) for day in range(-2, last + 3) for analyte in (("anc", "wbc") if cap else ("anc",))
    ]
    choices = [[True, True, False], ["="] * 7 + ["<", ">"], VALUES]
    picks = draw_picks(draw, choices, len(cells))
    for (day, analyte), (_, (is_measured, sign, value)) in zip(cells, picks, strict=True):
        row = {"day": day, "analyte": analyte, "value": value, "comparator": sign if value else "="}
        labs += [{**row, "lln": None, "invalid": None}] if is_measured else []
    seldom = st.sampled_from([None] * 8 + [*range(1, last + 2)])
    kinds = ("second_infusion", "death", "last_contact", "progression")
    return {"patient_id": "A", "labs": labs, "support": [], **{kind: draw(seldom) for kind in kinds}}


def as_rule(rule: Any) -> Row | None:
    if rule is None:
        return None
    more = {name: getattr(rule, name) for name in ("days", "from_day") if hasattr(rule, name)}
    return {"comparator": rule.comparator, "cut": rule.cut, **more}


def as_definition(form: PhenotypeDefinition) -> Row:
    """A definition file as the plain dict that the twin reads."""
    fill = form.counting.fill
    judging = form.judging.model_dump(exclude={"status"})
    return {
        "analyte": form.analyte,
        "window": form.window,
        **{name: as_rule(getattr(form, name)) for name in NAMES},
        **judging,
        "counting": {
            "bridge_days": form.counting.bridge_days,
            "max_gap_days": 0 if fill is None else fill.max_gap_days,
            "extend_days": 0 if fill is None else fill.extend_days,
            "round_to": None,
            "censor_at": list(form.counting.censor_at),
        },
    }


def check_against_twin(form: PhenotypeDefinition, who: Row, *, cap: bool = False) -> None:
    """The set is exact: all labels that some completion has, the policy's own, and no other."""
    definition = as_definition(form)
    count = twin_phenotypes.count_completions(who["labs"], who, definition, cap=cap)
    assume(count <= MOST_COMPLETIONS)
    label_frame, dip_frame = phenotype_cohort(make_tables([who]), form, cap=cap)
    found, dip = label_frame.row(0, named=True), dip_frame.row(0, named=True)
    policy = twin_phenotypes.judge_policy(who["labs"], who, definition, cap=cap)
    if not policy["is_at_risk"]:
        assert (found["label"], found["possible_labels"], dip["best"], dip["worst"]) == (None,) * 4
        return
    labels, dips = twin_phenotypes.try_all(who["labs"], who, definition, cap=cap)
    own = {found["label"]} - {None}
    assert found["possible_labels"].split("|") == [name for name in LABELS if name in labels | own]
    assert (dip["best"], dip["worst"]) == (min({*dips, *known(dip)}), max({*dips, *known(dip)}))
    assert own <= {policy["label"]}
    assert known(dip) <= {policy["has_dipped"]}
    assert found["decided"] == (found["possible_labels"] == found["label"])
    if policy["has_dipped"] and policy["is_measured"]:
        assert (dip["policy"], (dip["first_day"], dip["last_day"])) == (1, policy["dip"])
    rests = policy["label"] in ABSENT or (policy["label"] == "aplastic" and not policy["is_aplastic"])
    exact = all(row["comparator"] == "=" for row in who["labs"])
    if exact and not cap:
        is_judged = policy["is_measured"] and (policy["is_seen"] or not rests or labels == {policy["label"]})
        assert (found["label"] is not None) == is_judged


def known(dip: Row) -> set[bool]:
    return set() if dip["policy"] is None else {bool(dip["policy"])}


@given(data=st.data())
def test_the_set_of_labels_is_what_all_completions_give(data):
    form = data.draw(definitions())
    check_against_twin(form, data.draw(patients(form.window[1])))


@given(data=st.data())
def test_the_set_is_exact_under_caps_of_white_cells(data):
    form = data.draw(definitions())
    check_against_twin(form, data.draw(patients(form.window[1], cap=True)), cap=True)


@given(data=st.data())
def test_every_day_measured_leaves_one_label(data):
    """With exact counts on every day of a whole course nothing is open, and the policy names it."""
    form = data.draw(definitions())
    cohort = [
        {**fill_days(data.draw(patients(form.window[1])), form.window[1]), "patient_id": name}
        for name in "ABCD"
    ]
    for found in phenotype_cohort(make_tables(cohort), form)[0].iter_rows(named=True):
        assert (found["label"], found["decided"], found["evidence"]) == (
            found["possible_labels"],
            True,
            "measured",
        )


def fill_days(who: Row, last: int) -> Row:
    """The patient with an exact count on every day to the last, and without an event."""
    counts = {row["day"]: row["value"] for row in who["labs"]}
    row = {"analyte": "anc", "comparator": "=", "lln": None, "invalid": None}
    labs = [{**row, "day": day, "value": counts.get(day, 0.6)} for day in range(last + 1)]
    events = dict.fromkeys(("second_infusion", "death", "last_contact", "progression"))
    return {**who, **events, "labs": labs}


@pytest.mark.parametrize("name", ["rejeski_2021_phenotypes", "bcma_phenotypes_day56"])
@share_of_examples(0.2)
@given(data=st.data())
def test_size_of_the_parts_does_not_matter(name, data):
    form = load_definition(name)
    assert isinstance(form, PhenotypeDefinition)
    cohort = [
        {**data.draw(patients(form.window[1])), "patient_id": f"P{number}"}
        for number in range(data.draw(st.integers(3, 5)))
    ]
    tables = make_tables(cohort)
    for whole, parts in zip(
        phenotype_cohort(tables, form), phenotype_cohort(tables, form, part_size=2), strict=True
    ):
        assert_frame_equal(whole, parts)


def test_a_count_between_cuts_that_meet_is_not_made_up():
    """Below 1.0 is severe, 1.0 or more is recovered: an open day is one or the other, never neither."""
    rule = {"status": "assumed"}
    form = PhenotypeDefinition.model_validate(
        {
            **HEAD,
            "window": [0, 1],
            "fall": {"below": 1.0, **rule},
            "recovery": {"at_least": 1.0, "days": 1, **rule},
            "second_dip": {"below": 1.0, "days": 1, **rule},
            "aplastic": {"below": 1.0, "days": 2, **rule},
            "judging": {
                **rule,
                "precedence": ["aplastic", "intermittent", "quick"],
                "without_recovery": "own_label",
                "died_early": "own_label",
                "seen_until_day": 1,
            },
            "counting": rule,
        }
    )
    row = {"day": 0, "analyte": "anc", "value": 0.3, "comparator": "=", "lln": None, "invalid": None}
    events = dict.fromkeys(("second_infusion", "death", "last_contact", "progression"))
    who = {"patient_id": "A", "labs": [row], "support": [], **events}
    found = phenotype_cohort(make_tables([who]), form)[0].row(0, named=True)
    assert found["possible_labels"] == "quick|aplastic"
