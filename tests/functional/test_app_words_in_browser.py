"""No word of the app stands outside its file of texts: each page in a language of double brackets."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from importlib import resources
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import Browser, Page

import pseudo_app
from app_server import RunningApp, run_app
from app_study import run_in_app
from app_tour import STOPS, enter_app, write_studies
from browser import open_browser
from cytopenia.contract import TABLES
from cytopenia.definitions import load_library
from cytopenia.units import load_analytes

pytestmark = pytest.mark.long

TEXTS = Path(str(resources.files("cytopenia.app"))) / "texts" / "en.toml"
PASSWORD = "a word of the tests"

# Where words come from beneath the app, or from the data; a terminal says the same.
BENEATH = {
    "bdi": "ids; titles and answers of outcomes (report.explanation_words)",
    ".could, td.open, td.keep, td.rests, td.reason": "report.explanation_words, reasons of grading",
    ".bars, #answer option, #answer optgroup, #open option": "titles and answers of outcomes",
    ".behind dl, .course-lines": "report.explanation_page",
    ".timeline, .by-day": "titles of analytes, labels of cuts, report.patient_lanes",
    ".answer, #said, #note, .remarks, .outcome h3, #result tbody": "score_words, one_course",
    ".problem": "errors of the package",
    ".drawing": "report.patient_timeline",
    ".pair option, [id^=unit_] option": "units",
    ".field label, [id^=value_disease] option": "titles of analytes, categories of a model",
    "label.check": "titles of definitions",
    "#result .help li": "what was passed over in a pasted list",
    "textarea": "what the user writes",
    "tr[class] th, tr th[scope=row], .ask td": "columns of files, tables, studies",
    ".files": "names of files",
    "form[action$='/mapping'] :is(.heading, .why, h2 bdi, .asked p, .help)": "readers.proposal; headings",
    ".protocol :is(fieldset:not(.add) > legend, summary *, h2 code, .entry > .help, .fault)": "keys, names",
    ".protocol option:not([value=''])": "what definitions, tables and keys are called",
    ".coverage-map a text, .coverage-map > text": "patients",
    ".preview :is(.table, .table *, bdi)": "what a check says in a terminal",
    ".concern bdi, .beneath, #units ~ *": "the same",
}

COLLECT = """(beneath) => {
  const found = [];
  const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  const keep = (element, words) => {
    if (words.trim() && !element.closest(`script, style, ${beneath}`)) found.push(words.trim());
  };
  while (walker.nextNode()) keep(walker.currentNode.parentElement, walker.currentNode.data);
  const names = ["aria-label", "title", "placeholder", "alt", "data-hint", "data-asking", "data-failed"];
  for (const name of names) {
    for (const element of document.querySelectorAll(`[${name}]`)) keep(element, element.getAttribute(name));
  }
  return found;
}"""


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("texts")
    pseudo_app.write_pseudo_texts(TEXTS, folder)
    return folder


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, texts: Path) -> Generator[RunningApp]:
    folder = tmp_path_factory.mktemp("studies")
    write_studies(folder)
    with run_app(folder, program=Path(pseudo_app.__file__), PSEUDO_TEXTS=str(texts)) as app:
        visitor = app.visit()
        visitor.send_form("/studies", kind="demo")
        run_in_app(visitor, "demo")
        yield app


@pytest.fixture(scope="module")
def browser(find_program: Callable[[str], str]) -> Generator[Browser]:
    with open_browser(find_program("chromium")) as opened:
        yield opened


def take_out(words: str) -> str:
    """What is left without all that stands between double brackets, also one pair inside another."""
    left = re.sub(r"\[\[(?:(?!\[\[|\]\]).)*\]\]", " ", words, flags=re.DOTALL)
    return left if left == words else take_out(left)


def list_data() -> set[str]:
    """The words of definitions and tables, and the names of studies and of the package."""
    definitions = load_library().definitions.values()
    titles = {text for one in definitions for text in (one.title, one.text or "", one.version)}
    populations = {str(getattr(one, "population", "")) for one in definitions}
    analytes = {one.title for one in load_analytes().values()}
    return titles | populations | analytes | set(TABLES) | {"demo", "Empty", "Export", "export.csv"}


def list_bare(page: Page, known: set[str], beneath: str) -> list[str]:
    bare: list[str] = []
    for words in page.evaluate(COLLECT, beneath):
        left = take_out(words).strip(" ·:,;\n")
        parts = [left] if left in known else re.split(r", | · ", left)
        bare += [
            part
            for part in parts
            if re.search(r"[^\W\d_]{2}", part) and part.removesuffix(".csv") not in known
        ]
    return bare


def test_every_word_of_the_app_is_in_its_file(browser: Browser, running: RunningApp) -> None:
    known = list_data()
    bare: list[str] = []
    with enter_app(browser, running.link) as visit:
        page = visit.page
        for stop in (stop for stop in STOPS if stop.is_framed):
            stop.go(page, visit.here)
            bare += [f"{stop.name}: {words}" for words in list_bare(page, known, ", ".join(BENEATH))]
            assert page.locator("main").inner_text().count("[[") >= 2, stop.name
        page.locator("form[action='/leave'] button").click()
        page.wait_for_load_state()
        bare += list_bare(page, known, ", ".join(BENEATH))
    assert bare == []


def test_every_word_of_the_door_is_in_the_file(browser: Browser, tmp_path: Path, texts: Path) -> None:
    program = Path(pseudo_app.__file__)
    words = {"PSEUDO_TEXTS": str(texts), "CYTOPENIA_APP_PASSWORD": PASSWORD}
    with run_app(tmp_path, program=program, **words) as app, enter_app(browser, app.link) as visit:
        visit.page.fill("#password", "not this one")
        visit.page.keyboard.press("Enter")
        visit.page.locator("#wrong").wait_for()
        assert list_bare(visit.page, set(), "bdi") == []


def test_a_word_outside_of_the_file_is_found(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content(
        "<p>[[told [[twice]] over]] and bare</p><p>demo</p><bdi>an id</bdi>"
        "<input placeholder='also bare'><script>let hidden</script>"
    )
    assert list_bare(page, {"demo"}, "bdi") == ["and bare", "also bare"]
    page.close()
