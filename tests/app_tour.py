"""A tour of every page of the app in a browser: how each is reached, and what must hold on all of them.

A new page is one more `Stop` in `STOPS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route, expect

from browser import list_violations

RUN_MILLISECONDS = 240_000
expect.set_options(timeout=60_000)
# Synthetic: two invented patients, one draw a row, headings of a laboratory system.
EXPORT = """Pat.-Nr.,Infusion,Abnahme,Neutros (G/L),Hb (g/dL),PLT (G/L)
P1,2024-01-10,2024-01-12,0.4,8.1,45
P1,2024-01-10,2024-01-20,1.9,9.5,90
P2,2024-02-01,2024-02-05,<0.1,7.4,12
"""
LIST = "Day\tANC\n0\t2,1\n3\t0,4\n5\t<0,1\n8\t0,1\n12\t0,2\n15\t0,6\n20\t1,1\n28\t2"
SCORE_VALUES = {"platelets": "110", "anc": "950", "hemoglobin": "10,1", "crp": "4.2"}


@dataclass(frozen=True)
class Stop:
    """One page: its name, how it is reached from anywhere, and whether the frame of the app is around it.

    Without the frame are the pages that the package writes to disk (report, check, print page); tests of
    their own ask axe about them, which takes a minute and more for a report.
    """

    name: str
    go: Callable[[Page, str], None]
    is_framed: bool = True


def at(path: str) -> Callable[[Page, str], None]:
    """Go to an address of the app."""

    def go(page: Page, here: str) -> None:
        page.goto(f"{here}{path}")

    return go


def _open_patient(page: Page, here: str) -> None:
    page.goto(f"{here}/studies/demo/patients")
    page.locator("#patients tbody th a", has_text="SYN-03").click()
    expect(page.locator("#explanation dt").first).to_be_visible()


def _follow(selector: str) -> Callable[[Page, str], None]:
    def go(page: Page, here: str) -> None:
        _open_patient(page, here)
        target = page.locator(selector).first.get_attribute("href")
        page.goto(f"{here}{target}")

    return go


def _open_explained(page: Page, here: str) -> None:
    _open_patient(page, here)
    page.goto(f"{page.url.partition('?')[0]}/explained")


def _search_nobody(page: Page, here: str) -> None:
    page.goto(f"{here}/studies/demo/patients")
    page.fill("#search", "nobody at all")
    page.keyboard.press("Enter")
    page.wait_for_url("**found=*")


def _show_mapping(page: Page, here: str) -> None:
    page.goto(f"{here}/studies/Export/mapping")
    infusion = page.locator("""select[name='becomes ["infusions", "columns", "Infusion"]']""")
    infusion.select_option("column:infusion_date")
    page.get_by_role("button").and_(page.locator("[name=show]")).click()
    expect(page.locator(".preview")).to_be_visible()


def _propose(page: Page, here: str) -> None:
    page.goto(f"{here}/studies/Export")
    page.locator("form[action$='/mapping'] button").first.click()
    expect(page.get_by_label("What Hb (g/dL) becomes")).to_be_visible()


def _check(page: Page, here: str) -> None:
    page.goto(f"{here}/studies/demo/check")
    page.locator("main form[action$='/check'] button").click()
    expect(page.locator("#coverage")).to_be_attached()


def open_parts(page: Page, *ids: str) -> None:
    for one in ids:
        page.locator(f"[id='{one}'] > summary").click()


def _open_entries(page: Page, here: str) -> None:
    page.goto(f"{here}/studies/demo/form")
    open_parts(page, "outcomes.0", "analyses.2")
    page.locator("details.entry[open] details.further > summary").first.click()


def _mistype(page: Page, here: str) -> None:
    page.goto(f"{here}/studies/demo/form")
    page.locator("[id='study.seed']").fill("soon")
    open_parts(page, "outcomes.1")
    page.locator("[id='outcomes.1'] details.further > summary").click()
    page.locator("[id='outcomes.1.min_grade']").fill("9")
    page.locator("button[value=save]").first.click()
    expect(page.locator("[id='study.seed'][aria-invalid=true]")).to_be_visible()
    expect(page.locator("[id='outcomes.1.min_grade'][aria-invalid=true]")).to_be_visible()


def _collide(place: str, button: str) -> Callable[[Page, str], None]:
    """Save what another has changed meanwhile: the page says of an earlier version that it was loaded."""

    def go(page: Page, here: str) -> None:
        page.goto(f"{here}{place}")
        form = page.locator("main form:has([name=version])")
        area = form.locator("textarea[name=text]")
        if area.count():
            area.fill(f"{area.input_value()}# typed\n")
        else:
            form.locator("[id='study.seed']").fill("1234567")
        form.locator("[name=version]").evaluate("field => { field.value = '0123456789abcdef'; }")
        form.locator(button).first.click()
        expect(page.locator("#elsewhere")).to_be_visible()

    return go


def _type_score(page: Page, here: str) -> None:
    page.goto(f"{here}/calculators/car_hematotox")
    for name, value in SCORE_VALUES.items():
        page.locator(f"[name=value_{name}]").fill(value)
    expect(page.locator("#result td", has_text="4.2 mg/dL")).to_be_visible()


def _type_nonsense(page: Page, here: str) -> None:
    page.goto(f"{here}/calculators/car_hematotox")
    page.locator("[name=value_crp]").fill("high")
    expect(page.locator("#result .problem")).to_be_visible()


def _paste(name: str) -> Callable[[Page, str], None]:
    def go(page: Page, here: str) -> None:
        page.goto(f"{here}/calculators/{name}")
        page.locator("[name=list_anc]").fill(LIST)
        page.locator(".actions button").click()
        expect(page.locator("#timeline")).to_be_visible()

    return go


def _paste_nonsense(page: Page, here: str) -> None:
    page.goto(f"{here}/calculators/icaht")
    page.locator("[name=list_anc]").fill("3 0.4 0.5\nsoon\n3/4/2024 0.4")
    page.locator(".actions button").click()
    expect(page.locator("#result .problem")).to_be_visible()


def _break_protocol(page: Page, here: str) -> None:
    page.goto(f"{here}/studies/demo")
    page.locator("textarea[name=text]").fill("[study]\ntitle = 3\nlanding = 1\n")
    page.locator("form[action$='/protocol'] button").click()
    expect(page.locator(".problem")).to_be_visible()


STOPS = (
    Stop("home", at("/")),
    Stop("study", at("/studies/demo")),
    Stop("study without tables", at("/studies/Empty")),
    Stop("proposal", _propose),
    Stop("mapping shown", _show_mapping),
    Stop("mapping", at("/studies/demo/mapping")),
    Stop("mapping, changed elsewhere", _collide("/studies/Export/mapping", "[name=take]")),
    Stop("form", at("/studies/demo/form")),
    Stop("form, opened", _open_entries),
    Stop("form, mistyped", _mistype),
    Stop("form, changed elsewhere", _collide("/studies/demo/form", "button[value=save]")),
    Stop("check, none yet", at("/studies/Empty/check")),
    Stop("check", _check),
    Stop("check, printed", at("/studies/demo/check/page"), is_framed=False),
    Stop("report", at("/studies/demo/results/report.html"), is_framed=False),
    Stop("patients", at("/studies/demo/patients")),
    Stop("patients before a run", at("/studies/Empty/patients")),
    Stop("nobody found", _search_nobody),
    Stop("patient", _open_patient),
    Stop("explained", _open_explained),
    Stop("page for printing", _follow(".head a"), is_framed=False),
    Stop("calculators", at("/calculators")),
    Stop("score", at("/calculators/car_hematotox")),
    Stop("score, typed", _type_score),
    Stop("score, nonsense", _type_nonsense),
    Stop("score, ratio", at("/calculators/easix")),
    Stop("score, model", at("/calculators/eipm_pre")),
    Stop("model card", at("/calculators/card")),
    Stop("ICAHT", at("/calculators/icaht")),
    Stop("ICAHT, pasted", _paste("icaht")),
    Stop("ICAHT, nonsense", _paste_nonsense),
    Stop("recovery", at("/calculators/recovery")),
    Stop("recovery, pasted", _paste("recovery")),
    Stop("failure", at("/nowhere")),
    Stop("a study file that is none", _break_protocol),
    Stop("study file, changed elsewhere", _collide("/studies/demo", "button")),
)


@dataclass
class Visit:
    """A browser in the app: its page, and what went wrong since it entered."""

    page: Page
    here: str
    left: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@contextmanager
def enter_app(
    browser: Browser, link: str, *, scheme: str = "light", width: int = 1280, calm: bool = False
) -> Generator[Visit]:
    """Enter the app; nothing that a page asks for leaves the machine, and no script breaks in it."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce" if calm else "no-preference",
        # axe is a script that the policy of the app would not let in.
        bypass_csp=True,
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    visit = Visit(page, link.partition("/enter")[0])
    _keep_inside(context, visit)
    page.goto(link)
    try:
        yield visit
        assert visit.left == []
        assert visit.faults == []
    finally:
        context.close()


def _keep_inside(context: BrowserContext, visit: Visit) -> None:
    def judge(route: Route) -> None:
        if route.request.url.startswith((f"{visit.here}/", "data:", "blob:")):
            route.continue_()
        else:
            visit.left.append(route.request.url)
            route.abort()

    def note(said: ConsoleMessage) -> None:
        # An answer of 4xx is told on its page; the browser notes it here as well.
        if said.type in ("error", "warning") and "Failed to load resource" not in said.text:
            visit.faults.append(said.text)

    context.route("**/*", judge)
    visit.page.on("pageerror", lambda error: visit.faults.append(str(error)))
    visit.page.on("console", note)


def write_studies(folder: Path) -> None:
    """Two more studies beside the demonstration: one without tables, one with an export."""
    for name in ("Empty", "Export"):
        (folder / name).mkdir()
        (folder / name / "study.toml").write_text(f'[study]\ntitle = "{name}"\n', encoding="utf-8")
    (folder / "Export" / "export.csv").write_text(EXPORT, encoding="utf-8")


STRUCTURE = """() => {
  const faults = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const heads = all("h1, h2, h3, h4, h5, h6").map((head) => Number(head.tagName[1]));
  if (heads.filter((level) => level === 1).length !== 1) faults.push(`h1: ${heads}`);
  heads.forEach((level, at) => {
    if (at && level > heads[at - 1] + 1) faults.push(`h${heads[at - 1]}, then h${level}`);
  });
  for (const landmark of ["header", "main", "footer"]) {
    if (all(`body > ${landmark}`).length !== 1) faults.push(`landmark ${landmark}`);
  }
  if (!document.documentElement.lang) faults.push("no language");
  if (all("nav:not([aria-label])").length) faults.push("a nav without a name");
  return faults;
}"""


def list_faults(page: Page, stop: Stop) -> list[str]:
    """What is wrong with the page that is shown: for people who cannot see it, on a phone, in its frame."""
    if not stop.is_framed:
        # Titles stay in the history of the browser, where no id may stand.
        return [] if page.title() and "SYN-" not in page.title() else [f"title {page.title()}"]
    faults = [f"{rule} {places}" for rule, places in list_violations(page)]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        faults.append("wider than the window")
    if not re.fullmatch(r"\w.* · cytopenia", page.title()):
        faults.append(f"title {page.title()}")
    return [*faults, *page.evaluate(STRUCTURE), *_judge_research(page)]


def _judge_research(page: Page) -> list[str]:
    """That the app is for research stands once, below everything, and covers nothing."""
    faults: list[str] = []
    shown = page.locator("body").inner_text()
    if (times := shown.count("For research.")) != 1:
        faults.append(f"'For research.' stands {times} times")
    place = page.locator("body > footer").evaluate(
        "foot => [getComputedStyle(foot).position, foot.getBoundingClientRect().top"
        " >= document.querySelector('main').getBoundingClientRect().bottom - 1]"
    )
    return faults if place == ["static", True] else [*faults, f"footer: {place}"]


# What Tab should stop at: one of a group of radio buttons, nothing that is hidden or folded away.
STOPS_OF_TAB = """() => {
  const kinds = "a[href], button, input, select, textarea, summary, [tabindex]";
  const found = [...document.querySelectorAll(kinds)];
  return found.filter((one) => one.tabIndex >= 0 && !one.disabled && one.type !== "hidden"
    && one.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true })).length;
}"""
FOCUSED = """() => {
  const one = document.activeElement;
  if (one === document.body || one === document.documentElement) return null;
  const seen = [one, one.querySelector(".hit"), one.labels && one.labels[0]].filter(Boolean);
  const marked = seen.some((part) => {
    const look = getComputedStyle(part);
    return (look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 1)
      || (part.matches(".hit") && look.stroke !== "none");
  });
  const box = (one.labels && one.matches(".unseen") ? one.labels[0] : one).getBoundingClientRect();
  const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  const reached = () => [...document.querySelectorAll("[data-reached]")];
  if (!one.dataset.reached) one.dataset.reached = String(reached().length + 1);
  const places = reached().map((other) => Number(other.dataset.reached));
  const ordered = places.every((place, at) => !at || place > places[at - 1]);
  return { name: (one.getAttribute("aria-label") || one.textContent || one.id).trim().slice(0, 40),
    tag: one.tagName, marked, inside, ordered, isSkip: one.matches(".skip") };
}"""


def walk_by_keys(page: Page) -> list[str]:
    """Go through a page with Tab alone, and tell where that fails."""
    page.wait_for_load_state()
    page.evaluate("document.querySelector('.skip').focus()")
    page.keyboard.press("Shift+Tab")
    expected = int(page.evaluate(STOPS_OF_TAB))
    faults: list[str] = []
    for place in range(1, expected + 1):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUSED)
        if at is None:
            return [*faults, f"Tab ends after {place - 1} of {expected} stops"]
        if place == 1 and not at["isSkip"]:
            faults.append("the first stop is not the way to the content")
        faults += [
            f"{at['tag']} {at['name']}: {word}" for word in ("marked", "inside", "ordered") if not at[word]
        ]
    page.keyboard.press("Tab")
    after = page.evaluate(FOCUSED)
    return faults if after is None or after["isSkip"] else [*faults, f"more stops than {expected}"]
