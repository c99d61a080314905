"""The study file as a form, through the door of the app: what is sent, what is written, what is kept."""

from __future__ import annotations

import html
import re
import tomllib
from collections.abc import Generator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode

import pytest

from app_server import Reply, RunningApp, Visitor, run_app
from cytopenia.app.protocol_edit import parse_text
from cytopenia.app.study_lock import hold_lock

# Synthetic: no data stand behind this file, which is never run.
STUDY = """# The study of nobody.
[study]
title = "A"   # a short one
seed = 1

[data]
folder = "."
questions = ["Which unit has ANC?"]

# Outcomes.
[outcomes.low]
definition = "ctcae_v5.anemia"
window = [0, 28]
min_grade = 3

[outcomes.recovery]
definition = "qiu2023_recovery"
died_before_landmark = "exclude"

[[analyses]]
id = "who"
kind = "characteristics"
factors = ["sex", "age_years"]

[[analyses]]
id = "risk"
label = "Table I"
kind = "risk_factors"
outcome = "low"
event = "yes"
columns = ["groups", "p"]
factors = ["sex"]
"""


class Page(HTMLParser):
    """What a browser would send of the form: each input as it stands."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = {}
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.open: list[str] = []
        self.select, self.area = "", ""
        self.is_inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if "id" in found:
            assert found["id"] not in self.ids, f"{found['id']} stands twice"
            self.ids.add(found["id"])
        if tag == "a":
            self.links.append(found.get("href", ""))
        if tag == "details" and "open" in found:
            self.open.append(found.get("id", ""))
        if tag == "form":
            self.is_inside = found["action"].endswith("/form")
        name = found.get("name", "")
        if not self.is_inside:
            return
        if tag == "select":
            self.select = name
            self.sent[name] = [""]
        elif tag == "option" and "selected" in found:
            self.sent[self.select] = [found["value"]]
        elif tag == "textarea":
            self.area = name
            self.sent[name] = [""]
        elif tag == "input" and name and (found.get("type") != "checkbox" or "checked" in found):
            self.sent.setdefault(name, []).append(found.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        self.area = "" if tag == "textarea" else self.area
        self.is_inside = self.is_inside and tag != "form"

    def handle_data(self, data: str) -> None:
        if self.area:
            self.sent[self.area] = [self.sent[self.area][0] + data.removeprefix("\n").replace("\n", "\r\n")]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningApp]:
    with run_app(tmp_path_factory.mktemp("studies")) as app:
        yield app


@pytest.fixture
def visitor(running: RunningApp) -> Visitor:
    return running.visit()


@pytest.fixture
def study(running: RunningApp, visitor: Visitor, request: pytest.FixtureRequest) -> Path:
    """The study file of a new study, which has the name of the test."""
    name = re.sub(r"\W", " ", request.node.name)[:80].strip()
    assert visitor.send_form("/studies", name=name, kind="empty").status == 303
    file = running.folder / name / "study.toml"
    file.write_text(STUDY, encoding="utf-8", newline="")
    return file


def address(study: Path) -> str:
    return f"/studies/{study.parent.name}/form".replace(" ", "%20")


def look(visitor: Visitor, study: Path) -> Page:
    reply = visitor.ask("GET", address(study))
    assert reply.status == 200
    return Page(reply.text)


def send(visitor: Visitor, study: Path, page: Page, *, do: str = "save", **typed: str | list[str]) -> Reply:
    """Send the form as it stands, with the fields that were typed; "__" stands for a dot."""
    fields = {**page.sent, "do": [do]}
    for name, value in typed.items():
        fields[name.replace("__", ".")] = value if isinstance(value, list) else [value]
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode(fields, doseq=True)
    return visitor.ask("POST", address(study), body=body, headers=kind)


def text_of(study: Path) -> str:
    return study.read_bytes().decode("utf-8")


def test_the_study_and_its_form_lead_to_each_other(visitor: Visitor, study: Path) -> None:
    place = address(study)
    assert f'href="{place}"' in visitor.ask("GET", place.removesuffix("/form")).text
    assert f"{place.removesuffix('/form')}#protocol" in look(visitor, study).links


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_form_that_is_sent_as_it_came_writes_nothing(visitor: Visitor, study: Path, ends: str) -> None:
    study.write_bytes(STUDY.replace("\n", ends).encode())
    before = study.stat().st_mtime_ns
    reply = send(visitor, study, look(visitor, study))
    assert reply.status == 303
    assert "said=unchanged" in reply.headers["location"]
    assert study.stat().st_mtime_ns == before
    assert text_of(study) == STUDY.replace("\n", ends)


def test_the_demonstration_is_sent_as_it_came(visitor: Visitor, running: RunningApp) -> None:
    assert visitor.send_form("/studies", name="demo", kind="demo").status == 303
    file = running.folder / "demo" / "study.toml"
    before = file.read_bytes()
    assert "said=unchanged" in send(visitor, file, look(visitor, file)).headers["location"]
    assert file.read_bytes() == before


def test_a_definition_and_an_analysis_are_changed_in_their_lines(visitor: Visitor, study: Path) -> None:
    reply = send(
        visitor,
        study,
        look(visitor, study),
        outcomes__0__definition="ctcae_v6.anemia",
        outcomes__0__window=["-5", "28"],
        analyses__1__columns=["", "groups", "p", "univariable"],
        analyses__1__parity="spss",
    )
    assert reply.status == 303
    assert text_of(study) == (
        STUDY.replace("ctcae_v5.anemia", "ctcae_v6.anemia")
        .replace("[0, 28]", "[-5, 28]")
        .replace('["groups", "p"]', '["groups", "p", "univariable"]')
        .replace('factors = ["sex"]\n', 'factors = ["sex"]\nparity = "spss"\n')
    )
    page = Page(visitor.ask("GET", reply.headers["location"].partition("#")[0]).text)
    assert page.open == ["outcomes.0", "analyses.1"]
    assert page.sent["outcomes.0.definition"] == ["ctcae_v6.anemia"]


def test_a_blank_takes_the_key_out(visitor: Visitor, study: Path) -> None:
    assert send(visitor, study, look(visitor, study), analyses__1__label="").status == 303
    assert text_of(study) == STUDY.replace('label = "Table I"\n', "")


def test_questions_about_the_data_are_kept_and_counted(visitor: Visitor, study: Path) -> None:
    assert "1 question about the data is open" in visitor.ask("GET", address(study)).text
    assert send(visitor, study, look(visitor, study), study__seed="7").status == 303
    assert text_of(study) == STUDY.replace("seed = 1", "seed = 7")


def test_columns_that_are_not_offered_can_be_named(visitor: Visitor, study: Path) -> None:
    more = {"analyses.0.factors.more": " ldh_high , sex"}
    page = look(visitor, study)
    assert send(visitor, study, page, **more).status == 303
    assert text_of(study) == STUDY.replace('["sex", "age_years"]', '["sex", "age_years", "ldh_high"]')


def test_what_was_typed_before_a_change_elsewhere_is_given_back(visitor: Visitor, study: Path) -> None:
    page = look(visitor, study)
    # The entries have changed their places: what was typed must not slip into another one.
    first, second = STUDY.index("[outcomes.low]"), STUDY.index("[outcomes.recovery]")
    third = STUDY.index("[[analyses]]")
    moved = f"{STUDY[:first]}{STUDY[second:third]}{STUDY[first:second]}{STUDY[third:]}# by <hand>\n"
    study.write_text(moved, encoding="utf-8")
    reply = send(visitor, study, page, study__seed="7", outcomes__0__window=["-5", "28"])
    assert reply.status == 409
    assert text_of(study) == moved
    assert "Nothing was overwritten" in reply.text
    assert "# by &lt;hand&gt;" in reply.text
    given = Page(reply.text)
    assert given.sent["study.seed"] == ["7"]
    assert given.sent["outcomes.1.definition"] == ["ctcae_v5.anemia"]
    assert given.sent["outcomes.1.window"] == ["-5", "28"]
    assert address(study) in given.links
    assert send(visitor, study, given).status == 303
    assert text_of(study) == moved.replace("seed = 1", "seed = 7").replace("[0, 28]", "[-5, 28]")


def test_two_pages_keep_what_each_has_changed(visitor: Visitor, study: Path) -> None:
    one, two = look(visitor, study), look(visitor, study)
    assert send(visitor, study, one, study__title="B", analyses__0__factors="sex").status == 303
    reply = send(visitor, study, two, study__seed="99")
    assert reply.status == 409
    given = Page(reply.text)
    assert (given.sent["study.title"], given.sent["study.seed"]) == (["B"], ["99"])
    assert "keeps what was changed elsewhere" in reply.text
    assert "Changed here and elsewhere" not in reply.text
    assert send(visitor, study, given).status == 303
    both = STUDY.replace('"A"', '"B"').replace('["sex", "age_years"]', '["sex"]')
    assert text_of(study) == both.replace("seed = 1", "seed = 99")


def test_what_both_pages_changed_is_shown_and_asked(visitor: Visitor, study: Path) -> None:
    one, two = look(visitor, study), look(visitor, study)
    assert send(visitor, study, one, study__title="B", outcomes__0__min_grade="1").status == 303
    reply = send(visitor, study, two, study__title="C", study__seed="5", outcomes__0__min_grade="2")
    assert reply.status == 409
    assert text_of(study) == STUDY.replace('"A"', '"B"').replace("min_grade = 3", "min_grade = 1")
    shown = html.unescape(re.sub(r"<[^>]+>", "", reply.text))
    assert 'study.title: here "C"; in the file now "B".' in shown
    assert "outcomes.low.min_grade: here 2; in the file now 1." in shown
    given = Page(reply.text)
    assert {"#study.title", "#outcomes.0.min_grade"} <= set(given.links)
    assert "outcomes.0" in given.open
    # The first answer is that of the file, the second that of this page.
    assert send(visitor, study, given, study__title="B").status == 303
    told = STUDY.replace('"A"', '"B"').replace("min_grade = 3", "min_grade = 2")
    assert text_of(study) == told.replace("seed = 1", "seed = 5")


def test_a_third_change_meanwhile_is_kept_as_well(visitor: Visitor, study: Path) -> None:
    page = look(visitor, study)
    study.write_text(STUDY.replace('"A"', '"B"'), encoding="utf-8")
    page = Page(send(visitor, study, page, study__seed="99").text)
    study.write_text(STUDY.replace('"A"', '"B"').replace("min_grade = 3", "min_grade = 1"), encoding="utf-8")
    page = Page(send(visitor, study, page).text)
    assert page.sent["outcomes.0.min_grade"] == ["1"]
    assert send(visitor, study, page).status == 303
    third = STUDY.replace('"A"', '"B"').replace("min_grade = 3", "min_grade = 1")
    assert text_of(study) == third.replace("seed = 1", "seed = 99")


def test_a_draft_is_put_on_top_of_a_change_elsewhere(visitor: Visitor, study: Path) -> None:
    added = {"add.outcomes.name": "anc", "add.outcomes.what": "ctcae_v5.anemia"}
    page = Page(send(visitor, study, look(visitor, study), do="add:outcomes", **added).text)
    study.write_text(f"{STUDY.replace('seed = 1', 'seed = 3')}# by hand\n", encoding="utf-8")
    page = Page(send(visitor, study, page, outcomes__2__window=["0", "28"]).text)
    assert send(visitor, study, page).status == 303
    content = parse_text(text_of(study))
    assert content["study"]["seed"] == 3
    assert content["outcomes"]["anc"] == {"definition": "ctcae_v5.anemia", "window": [0, 28]}
    assert text_of(study).endswith("# by hand\n")


def test_what_is_wrong_is_corrected_before_it_is_put_on_top(visitor: Visitor, study: Path) -> None:
    page = look(visitor, study)
    study.write_text(STUDY.replace('"A"', '"Elsewhere"'), encoding="utf-8")
    reply = send(visitor, study, page, study__seed="one", outcomes__0__min_grade="2")
    assert reply.status == 409
    page = Page(reply.text)
    assert (page.sent["study.seed"], page.sent["study.title"]) == (["one"], ["A"])
    assert "Correct what is marked and save" in reply.text
    page = Page(send(visitor, study, page, study__seed="8").text)
    assert send(visitor, study, page).status == 303
    told = STUDY.replace('"A"', '"Elsewhere"').replace("min_grade = 3", "min_grade = 2")
    assert text_of(study) == told.replace("seed = 1", "seed = 8")


def test_a_number_as_a_level_needs_quotation_marks(visitor: Visitor, study: Path) -> None:
    text = STUDY.replace("[[analyses]]", '[factors.ecog]\ncolumn = "ecog"\n\n[[analyses]]', 1)
    study.write_text(text, encoding="utf-8")
    reply = send(visitor, study, look(visitor, study), factors__0__levels="{ 0.5 = [0, 1], 2 = [2] }")
    assert reply.status == 422
    assert "needs quotation marks" in reply.text
    page = Page(reply.text)
    assert page.sent["factors.0.levels"] == ["{ 0.5 = [0, 1], 2 = [2] }"]
    assert '<a href="#factors.0.levels">factors.ecog.levels</a>' in reply.text
    assert send(visitor, study, page, factors__0__levels='{ "0.5" = [0, 1], 2 = [2] }').status == 303
    assert parse_text(text_of(study))["factors"]["ecog"]["levels"] == {"0.5": [0, 1], "2": [2]}


def test_an_analysis_is_named_by_its_id(visitor: Visitor, study: Path) -> None:
    study.write_text(STUDY.replace('columns = ["groups", "p"]', "columns = 3"), encoding="utf-8")
    text = visitor.ask("GET", address(study)).text
    assert "analyses.risk.columns" in html.unescape(text)
    assert "analyses.2" not in text


def test_an_id_that_stands_twice_is_told_at_its_field(visitor: Visitor, study: Path) -> None:
    reply = send(visitor, study, look(visitor, study), analyses__1__id="who")
    assert reply.status == 422
    assert "#analyses.1.id" in Page(reply.text).links
    field = re.search(r'<input id="analyses.1.id"[^>]*>', reply.text)
    assert field is not None
    assert 'aria-invalid="true"' in field.group()


def test_ticks_that_are_wrong_say_so_themselves(visitor: Visitor, study: Path) -> None:
    reply = send(visitor, study, look(visitor, study), analyses__1__columns=["groups", "nothing"])
    assert reply.status == 422
    ticks = re.findall(r'<input type="checkbox" name="analyses.1.columns"[^>]*>', reply.text)
    assert ticks
    assert all('aria-invalid="true"' in tick for tick in ticks)


def test_what_is_wrong_is_given_back_after_a_change_elsewhere(visitor: Visitor, study: Path) -> None:
    page = look(visitor, study)
    study.write_bytes(b"\xff no text any more")
    reply = send(visitor, study, page, study__seed="one", study__title="B")
    assert reply.status == 409
    given = Page(reply.text)
    assert (given.sent["study.seed"], given.sent["study.title"]) == (["one"], ["B"])
    assert "#study.seed" in given.links
    assert send(visitor, study, given, study__seed="2").status == 303
    assert text_of(study) == STUDY.replace('"A"', '"B"').replace("seed = 1", "seed = 2")


def test_the_same_change_elsewhere_is_no_conflict(visitor: Visitor, study: Path) -> None:
    page = look(visitor, study)
    for said in ("saved", "unchanged"):
        assert f"said={said}" in send(visitor, study, page, study__seed="7").headers["location"]
    assert text_of(study) == STUDY.replace("seed = 1", "seed = 7")


def test_what_cannot_be_written_is_given_back(visitor: Visitor, study: Path) -> None:
    page = look(visitor, study)
    with hold_lock(study.parent / ".study.lock", seconds=1):
        reply = send(visitor, study, page, study__seed="7")
    assert reply.status == 409
    assert "Another page is writing this study just now" in reply.text
    assert "replaces the file" not in reply.text
    assert text_of(study) == STUDY
    assert send(visitor, study, Page(reply.text)).status == 303
    assert text_of(study) == STUDY.replace("seed = 1", "seed = 7")


def test_a_program_is_told_the_conflict_alone(visitor: Visitor, study: Path) -> None:
    page = look(visitor, study)
    study.write_text(f"{STUDY}# by hand\n", encoding="utf-8")
    kind = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    body = urlencode({**page.sent, "study.seed": ["7"]}, doseq=True)
    reply = visitor.ask("POST", address(study), body=body, headers=kind)
    assert (reply.status, reply.headers["content-type"]) == (409, "application/json")


def test_what_was_typed_is_kept_where_it_is_wrong(visitor: Visitor, study: Path) -> None:
    reply = send(
        visitor,
        study,
        look(visitor, study),
        study__seed="one",
        study__title="B",
        outcomes__0__min_grade="9",
        outcomes__1__window=["0", ""],
    )
    assert reply.status == 422
    assert text_of(study) == STUDY
    page = Page(reply.text)
    assert page.sent["study.seed"] == ["one"]
    assert page.sent["study.title"] == ["B"]
    assert page.sent["outcomes.0.min_grade"] == ["9"]
    assert page.sent["outcomes.1.window"] == ["0", ""]
    assert {"#study.seed", "#outcomes.0.min_grade", "#outcomes.1.window"} <= set(page.links)
    assert {link[1:] for link in page.links if link.startswith("#")} <= page.ids
    assert {"outcomes.0", "outcomes.1"} <= set(page.open)
    assert "A whole number is needed" in reply.text
    assert "Not saved yet" in reply.text


def test_what_was_wrong_can_be_corrected_and_saved(visitor: Visitor, study: Path) -> None:
    wrong = send(visitor, study, look(visitor, study), study__title="B", outcomes__0__min_grade="9")
    page = Page(wrong.text)
    assert send(visitor, study, page, outcomes__0__min_grade="2").status == 303
    assert text_of(study) == STUDY.replace('"A"', '"B"').replace("min_grade = 3", "min_grade = 2")


def test_a_new_outcome_asks_for_what_its_definition_needs(visitor: Visitor, study: Path) -> None:
    added = {"add.outcomes.name": "platelets", "add.outcomes.what": "ctcae_v5.platelet_count_decreased"}
    reply = send(visitor, study, look(visitor, study), do="add:outcomes", **added)
    assert reply.status == 422
    assert text_of(study) == STUDY
    page = Page(reply.text)
    assert "outcomes.2" in page.open
    assert "#outcomes.2.window" in page.links
    assert send(visitor, study, page, outcomes__2__window=["0", "28"]).status == 303
    block = '[outcomes.platelets]\ndefinition = "ctcae_v5.platelet_count_decreased"\nwindow = [0, 28]\n\n'
    assert text_of(study) == STUDY.replace('[[analyses]]\nid = "who"', f'{block}[[analyses]]\nid = "who"')


def test_a_draft_is_forgotten_or_given_back_where_the_file_changes(visitor: Visitor, study: Path) -> None:
    added = {"add.outcomes.name": "anc", "add.outcomes.what": "ctcae_v5.anemia"}
    page = Page(send(visitor, study, look(visitor, study), do="add:outcomes", **added).text)
    assert "outcomes.2.definition" not in look(visitor, study).sent
    study.write_text(f"{STUDY}\n# by hand\n", encoding="utf-8")
    reply = send(visitor, study, page, outcomes__2__window=["0", "28"])
    assert reply.status == 409
    assert Page(reply.text).sent["outcomes.2.window"] == ["0", "28"]
    assert text_of(study) == f"{STUDY}\n# by hand\n"


def test_an_outcome_that_needs_nothing_more_is_there_at_once(visitor: Visitor, study: Path) -> None:
    added = {"add.outcomes.name": "early", "add.outcomes.what": "icaht_2023.early"}
    reply = send(visitor, study, look(visitor, study), do="add:outcomes", **added)
    assert reply.status == 303
    assert reply.headers["location"].endswith("#outcomes.2")
    assert parse_text(text_of(study))["outcomes"]["early"] == {"definition": "icaht_2023.early"}


def test_every_kind_of_analysis_is_offered_with_a_sentence(visitor: Visitor, study: Path) -> None:
    text = visitor.ask("GET", address(study)).text
    offered = re.findall(
        r'<option value="(\w+)">([^<:]+: [^<]+)</option>', text.partition('id="add.analyses.what"')[2]
    )
    assert len(offered) == 14
    assert ("roc", "roc: ROC curves of numbers with their cut-offs") in offered


def test_a_new_analysis_is_filled_in_and_saved(visitor: Visitor, study: Path) -> None:
    added = {"add.analyses.name": "curves", "add.analyses.what": "crosstab"}
    reply = send(visitor, study, look(visitor, study), do="add:analyses", **added)
    page = Page(reply.text)
    assert {"#analyses.2.outcome", "#analyses.2.event", "#analyses.2.factor"} <= set(page.links)
    reply = send(
        visitor,
        study,
        page,
        analyses__2__outcome="low",
        analyses__2__event="yes",
        analyses__2__factor="sex",
        analyses__2__adjust__method="holm",
    )
    assert reply.status == 303
    assert text_of(study) == (
        f'{STUDY}\n[[analyses]]\nid = "curves"\nkind = "crosstab"\noutcome = "low"\nevent = "yes"\n'
        'factor = "sex"\nadjust = { method = "holm" }\n'
    )


def test_a_new_factor_says_where_it_comes_from(visitor: Visitor, study: Path) -> None:
    added = {"add.factors.name": "ferritin", "add.factors.what": "analyte=ferritin"}
    page = Page(send(visitor, study, look(visitor, study), do="add:factors", **added).text)
    assert "#factors.0.at" in page.links
    assert send(visitor, study, page, factors__0__at="baseline").status == 303
    assert parse_text(text_of(study))["factors"] == {"ferritin": {"analyte": "ferritin", "at": "baseline"}}


@pytest.mark.parametrize(
    ("name", "words"), [("Low", "Lower-case letters"), ("low", "entry of this name"), ("", "Lower-case")]
)
def test_a_name_that_is_none_or_taken_is_told(visitor: Visitor, study: Path, name: str, words: str) -> None:
    added = {"add.outcomes.name": name, "add.outcomes.what": "icaht_2023.early"}
    reply = send(visitor, study, look(visitor, study), do="add:outcomes", **added)
    assert reply.status == 422
    assert words in html.unescape(reply.text)
    assert "#add.outcomes.name" in Page(reply.text).links
    assert text_of(study) == STUDY


def test_entries_are_moved_copied_and_removed(visitor: Visitor, study: Path) -> None:
    assert send(visitor, study, look(visitor, study), do="up:analyses:1").status == 303
    assert [item["id"] for item in parse_text(text_of(study))["analyses"]] == ["risk", "who"]
    assert send(visitor, study, look(visitor, study), do="down:analyses:0").status == 303
    assert text_of(study) == STUDY
    reply = send(visitor, study, look(visitor, study), do="copy:outcomes:0")
    assert reply.headers["location"].endswith("#outcomes.1")
    assert list(parse_text(text_of(study))["outcomes"]) == ["low", "low_2", "recovery"]
    assert send(visitor, study, look(visitor, study), do="remove:outcomes:1").status == 303
    assert text_of(study) == STUDY


def test_a_button_saves_what_was_changed_as_well(visitor: Visitor, study: Path) -> None:
    assert send(visitor, study, look(visitor, study), do="up:outcomes:1", study__seed="9").status == 303
    content = parse_text(text_of(study))
    assert content["study"]["seed"] == 9
    assert list(content["outcomes"]) == ["recovery", "low"]


def test_what_is_used_elsewhere_is_not_removed(visitor: Visitor, study: Path) -> None:
    reply = send(visitor, study, look(visitor, study), do="remove:outcomes:0")
    assert reply.status == 422
    assert "unknown outcome &#39;low&#39;" in reply.text
    assert text_of(study) == STUDY


def test_an_entry_that_is_not_there_is_told(visitor: Visitor, study: Path) -> None:
    reply = send(visitor, study, look(visitor, study), do="remove:outcomes:7")
    assert reply.status == 422
    assert "no such entry" in reply.text
    assert text_of(study) == STUDY


def test_a_file_in_braces_is_changed_and_not_moved(visitor: Visitor, study: Path) -> None:
    block = STUDY.partition("[outcomes.low]")[2].partition("[[analyses]]")[0]
    braces = (
        '[outcomes]\nlow = { definition = "ctcae_v5.anemia", window = [0, 28], min_grade = 3 } # one\n'
        'early = { definition = "icaht_2023.early" }\n\n'
    )
    text = STUDY.replace(f"[outcomes.low]{block}", braces)
    study.write_text(text, encoding="utf-8")
    assert send(visitor, study, look(visitor, study), outcomes__0__min_grade="2").status == 303
    text = text.replace("min_grade = 3", "min_grade = 2")
    assert text_of(study) == text
    reply = send(visitor, study, look(visitor, study), do="down:outcomes:0")
    assert reply.status == 422
    assert "Change it in the text" in reply.text
    assert text_of(study) == text


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"[study]\ntitle = \n", "no valid TOML"), (b"[study]\ntitle = '\xe4'\n", "no UTF-8")],
)
def test_a_file_that_is_no_toml_is_told(visitor: Visitor, study: Path, content: bytes, words: str) -> None:
    study.write_bytes(content)
    reply = visitor.ask("GET", address(study))
    assert reply.status == 200
    assert words in reply.text
    assert f"{address(study).removesuffix('/form')}#protocol" in Page(reply.text).links
    assert 'name="version"' not in reply.text


def test_problems_of_the_file_are_told_before_anything_is_typed(visitor: Visitor, study: Path) -> None:
    study.write_text(
        STUDY.replace("seed = 1", "sead = 1").replace('"low"\nevent', '"gone"\nevent'), encoding="utf-8"
    )
    page = look(visitor, study)
    assert {"#study.seed", "#study.other0"} <= set(page.links)
    assert page.sent["study.other0"] == ["1"]
    reply = send(visitor, study, page, study__other0="", study__seed="1", analyses__1__outcome="low")
    assert reply.status == 303
    assert tomllib.loads(text_of(study)) == tomllib.loads(STUDY)


@pytest.mark.parametrize(
    "content", ["", "outcomes = 3\n", "analyses = [1]\n", "[[study]]\n", "[data]\nquestions = 1\n", "x = 1\n"]
)
def test_any_file_has_its_form(visitor: Visitor, study: Path, content: str) -> None:
    study.write_text(content, encoding="utf-8")
    assert send(visitor, study, look(visitor, study), study__seed="1").status == 422
    added = {f"add.{group}.name": "new" for group in ("outcomes", "factors", "analyses")}
    added["add.analyses.what"] = "roc"
    for do in (
        "add:outcomes",
        "add:factors",
        "add:analyses",
        "copy:analyses:0",
        "up:analyses:0",
        "remove:outcomes:0",
    ):
        assert send(visitor, study, look(visitor, study), do=do, **added).status == 422
    assert text_of(study) == content


def test_a_definition_of_the_study_itself_is_offered(visitor: Visitor, study: Path) -> None:
    folder = study.parent / "definitions"
    folder.mkdir()
    (folder / "strict_recovery.toml").write_text(
        'id = "strict_recovery"\nextends = "qiu2023_recovery"\ntitle = "Strict"\nstatus = "assumed"\n'
    )
    assert '<option value="strict_recovery">' in visitor.ask("GET", address(study)).text
    (folder / "strict_recovery.toml").write_text("id = 3\n")
    reply = visitor.ask("GET", address(study))
    assert reply.status == 200
    assert "strict_recovery.toml" in reply.text


def test_text_of_a_file_is_never_code_of_the_page(visitor: Visitor, study: Path) -> None:
    text = STUDY.replace('title = "A"', "title = '<script>x</script>\" onclick=\"y'")
    study.write_text(text, encoding="utf-8")
    page = visitor.ask("GET", address(study)).text
    assert "<script>x" not in page
    assert 'onclick="y' not in page
    assert look(visitor, study).sent["study.title"] == ['<script>x</script>" onclick="y']


NAMES = """[study]
title = "A"
seed = 1

[data]
folder = "."

[cohort]
require = ["patients.nope", "sex", "patients.sex"]

[outcomes.low]
definition = "ctcae_v5.anemia"
window = [0, 28]
min_grade = 3

[factors.anc]
analyte = "anc"
at = "baseline"

[factors.stage]
column = "sex"
levels = { early = ["f"], late = ["m"] }
reference = "lat"

[[analyses]]
id = "who"
kind = "characteristics"
factors = ["sex", "anc", "nonsense", "age_year"]

[[analyses]]
id = "risk"
kind = "risk_factors"
outcome = "low"
event = "yes"
columns = ["groups", "p"]
factors = ["anc", "nonsense"]

[report]
trajectories_by = "anc"
"""


def read_notes(text: str) -> list[str]:
    part = text.partition('id="notes"')[2].partition("</section>")[0]
    items = re.findall(r"<li>(.*?)</li>", part)
    return [html.unescape(re.sub(r"<[^>]+>", "", item)) for item in items]


def test_names_that_only_the_tables_can_explain_are_noted(visitor: Visitor, study: Path) -> None:
    study.write_text(NAMES, encoding="utf-8")
    reply = send(visitor, study, look(visitor, study), study__seed="2")
    assert reply.status == 303
    text = visitor.ask("GET", reply.headers["location"]).text
    assert "Check the data" in text
    assert read_notes(text) == [
        "“patients.nope” is no column of the standard tables. Your table must have it."
        " It stands in cohort.require.",
        "“sex” names no table (did you mean 'patients.sex'?). Write patients. or infusions. before the"
        " column. It stands in cohort.require.",
        "“lat” is none of the levels of its factor (did you mean 'late'?). It stands in"
        " factors.stage.reference.",
        "“nonsense” is no factor of this file and no column of the standard tables. It must be a column of"
        " your patients or infusions. It stands in analyses.who.factors, analyses.risk.factors.",
        "“age_year” is no factor of this file and no column of the standard tables (did you mean"
        " 'age_years'?). It must be a column of your patients or infusions. It stands in"
        " analyses.who.factors.",
        "“anc” has numbers, which make no groups. Name a factor with levels. It stands in"
        " report.trajectories_by.",
    ]


def test_a_factor_that_is_removed_is_missed_where_it_is_used(visitor: Visitor, study: Path) -> None:
    study.write_text(NAMES.replace('"nonsense"', '"age_years"'), encoding="utf-8")
    assert send(visitor, study, look(visitor, study), do="remove:factors:0").status == 303
    notes = read_notes(visitor.ask("GET", address(study)).text)
    assert [note for note in notes if note.startswith("“anc” is no factor")] == [
        "“anc” is no factor of this file and no column of the standard tables. It must be a column of your"
        " patients or infusions. It stands in analyses.who.factors, analyses.risk.factors,"
        " report.trajectories_by."
    ]


def test_a_file_of_known_names_has_no_notes(visitor: Visitor, study: Path) -> None:
    assert read_notes(visitor.ask("GET", address(study)).text) == []
