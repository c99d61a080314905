"""The page of one patient as people meet it: in the dark and on a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import Browser

from browser import list_violations, open_browser, open_page
from cytopenia.cli import main

pytestmark = pytest.mark.long

STUDY = Path(str(resources.files("cytopenia") / "data" / "example" / "study.toml"))
# One without support or toxicity; one with the most support, who died before day 28, under another id.
PATIENTS: dict[str, list[str]] = {"SYN-15": [], "SYN-16": ["--new-id"]}


@pytest.fixture(scope="module", params=PATIENTS)
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages") / "page.html"
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["explain", str(STUDY), request.param, "--page", str(path), *PATIENTS[request.param]])
    return path


@pytest.fixture
def browser(find_program: Callable[[str], str]) -> Iterator[Browser]:
    with open_browser(find_program("chromium")) as opened:
        yield opened


@pytest.mark.parametrize(("scheme", "width"), [("light", 1400), ("dark", 1400), ("light", 390)])
def test_axe_finds_nothing(browser: Browser, page: Path, scheme: str, width: int) -> None:
    assert list_violations(open_page(browser, page, scheme=scheme, width=width)) == []


def test_axe_sees_the_page(browser: Browser, page: Path) -> None:
    opened = open_page(browser, page)
    opened.evaluate("document.documentElement.removeAttribute('lang')")
    assert [rule for rule, _ in list_violations(opened)] == ["html-has-lang"]
