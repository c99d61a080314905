"""The page of one patient: what it shows, worked out by hand from the small study, and whom it hides."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cytopenia.errors import DataError, OutputError, ReaderError
from cytopenia.grading.explain import Measurement, SupportCourse
from cytopenia.grading.patient_page import PatientPage
from cytopenia.page_file import Disguise, check_disguise, describe_patient, disguise_page, write_page
from cytopenia.report.page_rows import count_lines, fit_outcomes
from cytopenia.report.page_words import (
    say_active,
    say_gaps,
    say_grid,
    say_items,
    say_landmark,
    say_score,
    say_values,
)
from cytopenia.report.patient_page import render_patient_page
from cytopenia.study.new_ids import find_new_id, find_shift, read_key
from cytopenia.study.patient_page import find_earlier
from cytopenia.workflow import analyze_study
from study_files import write_study

KEY = b"sixteen letters or more"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_study(tmp_path_factory.mktemp("page") / "cohort")


@pytest.fixture(scope="module")
def pages(folder: Path) -> dict[str, PatientPage]:
    return {name: describe_patient(folder, name, outcomes=["recovery", "anemia"]) for name in ("A", "B", "C")}


def measured(day: int, value: float = 1.0, comparator: str = "=") -> Measurement:
    return Measurement(analyte="anc", day=day, value=value, comparator=comparator, source_row=day + 100)


# -- last values -----------------------------------------------------------------------------------


def test_the_last_values_stand_with_those_of_a_week_before(pages: dict[str, PatientPage]) -> None:
    """A on day 28: 1.6, 97, 99; nearest to day 21, within day 18 to 24: day 20 with 1.2, 88, 66."""
    rows = list(say_values(pages["A"]))
    assert [(row.name, row.last, row.day) for row in rows] == [
        ("Neutrophil count", "1.6 ×10⁹/L", "28 (2024-02-07)"),
        ("Hemoglobin", "97 g/L", "28 (2024-02-07)"),
        ("Platelet count", "99 ×10⁹/L", "28 (2024-02-07)"),
        ("White blood cell count", "no value", ""),
        ("Lymphocyte count", "no value", ""),
    ]
    assert [row.earlier for row in rows[:3]] == [
        "1.2 ×10⁹/L (day 20)",
        "88 g/L (day 20)",
        "66 ×10⁹/L (day 20)",
    ]
    assert [row.change for row in rows[:3]] == ["+0.4 in 8 days", "+9 in 8 days", "+33 in 8 days"]


def test_support_that_raises_a_count_stands_beside_it(pages: dict[str, PatientPage]) -> None:
    """A: G-CSF to day 10, 18 days before day 28. B: platelets on day 12, 16 days before."""
    assert [row.support for row in say_values(pages["A"])][:3] == [
        "G-CSF until 18 days before",
        "none",
        "none",
    ]
    support = [row.support for row in say_values(pages["B"])][:3]
    assert support == ["none", "none", "platelet transfusion until 16 days before"]


@pytest.mark.parametrize(
    ("days", "found"),
    [((14, 21, 24), 14), ((11, 17), 11), ((12, 16), 12), ((10, 18, 21), None), ((18,), None), ((), None)],
)
def test_a_week_before_is_four_to_ten_days(days: tuple[int, ...], found: int | None) -> None:
    """Last day 21: the nearest to day 14 within day 11 to 17, of two equally near the earlier."""
    earlier = find_earlier({day: measured(day) for day in (*days, 21)}, 21)
    assert (None if earlier is None else earlier.day) == found


def test_a_limit_has_no_change_in_numbers(pages: dict[str, PatientPage]) -> None:
    (first, *_) = pages["A"].values
    limit = replace(first, last=measured(28, 0.1, "<"), change=None)
    row = next(say_values(replace(pages["A"], values=(limit,))))
    assert (row.last, row.change) == ("<0.1 ×10⁹/L", "not a number")


def test_active_support_is_that_of_the_last_day_with_a_count(pages: dict[str, PatientPage]) -> None:
    page = replace(pages["A"], active=(SupportCourse(kind="gcsf", start=20, stop=None, agent=None),))
    assert say_active(page) == "G-CSF from day 20, stop not recorded, on day 28, the last with a count"
    assert say_active(pages["A"]) == "none, on day 28, the last with a count"
    unsure = replace(pages["A"], support_complete=False)
    assert say_active(unsure).startswith("none recorded (the record of support is not complete)")
    assert say_active(replace(unsure, last_count_day=None)) == "no count, so no last day to look at"


# -- the days at the landmark ----------------------------------------------------------------------


def test_the_nine_cells_of_a_patient_who_recovers(pages: dict[str, PatientPage]) -> None:
    grid = {row.name: row.cells for row in say_grid(pages["A"])}
    assert grid == {
        "Neutrophil count": (("met", "1.4 ×10⁹/L"), ("met", "1.5 ×10⁹/L"), ("met", "1.6 ×10⁹/L")),
        "Hemoglobin": (("met", "95 g/L"), ("met", "96 g/L"), ("met", "97 g/L")),
        "Platelet count": (("met", "90 ×10⁹/L"), ("met", "95 ×10⁹/L"), ("met", "99 ×10⁹/L")),
    }


def test_the_cells_say_which_lineage_fails(pages: dict[str, PatientPage]) -> None:
    grid = {row.name: [verdict for verdict, _ in row.cells] for row in say_grid(pages["B"])}
    assert grid["Platelet count"] == ["not met"] * 3
    assert grid["Neutrophil count"] == ["met"] * 3


def test_nothing_is_judged_after_an_early_death(pages: dict[str, PatientPage]) -> None:
    assert {cell for row in say_grid(pages["C"]) for cell in row.cells} == {("not judged", "")}


def test_the_result_of_the_recovery_stands_below_its_days(pages: dict[str, PatientPage]) -> None:
    assert say_landmark(pages["A"]).startswith("By the rule: recovered")
    assert say_landmark(pages["B"]).startswith("By the rule: not recovered")
    assert say_landmark(pages["C"]).startswith("By the rule: died before landmark")
    assert say_landmark(replace(pages["A"], grid=None)) == ""


# -- the score -------------------------------------------------------------------------------------


def test_a_missing_item_keeps_all_its_points_open(pages: dict[str, PatientPage]) -> None:
    """A before lymphodepletion: 210, 3.1, 125: 0 points; CRP (1) and ferritin (2) are missing: 0 to 3."""
    page = pages["A"]
    assert [(row.name, row.value, row.points) for row in say_items(page.score)] == [
        ("Platelet count", "210 ×10⁹/L (day \N{MINUS SIGN}6)", "0 of 2"),
        ("Neutrophil count", "3100 /uL (day \N{MINUS SIGN}6)", "0 of 1"),
        ("Hemoglobin", "12.5 g/dL (day \N{MINUS SIGN}6)", "0 of 1"),
        ("C-reactive protein", "missing", "0 to 1 of 1"),
        ("Ferritin", "missing", "0 to 2 of 2"),
    ]
    assert say_score(page.score) == "0 to 3 of 7 points; group low or high"
    assert "CAR-HEMATOTOX: C-reactive protein and ferritin missing" in list(say_gaps(page))


# -- the file --------------------------------------------------------------------------------------


def test_the_hashes_are_those_of_the_run(folder: Path, pages: dict[str, PatientPage]) -> None:
    settings = analyze_study(folder).settings
    assert pages["A"].settings == {
        name: settings[name] for name in ("version", "protocol_sha256", "data_fingerprint")
    }
    assert settings["data_fingerprint"] in render_patient_page(pages["A"])


class Outline(HTMLParser):
    """The headings, tables and names of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.bare_headers = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.bare_headers += tag == "th" and "scope" not in dict(attrs)


def test_the_page_can_be_read_aloud(pages: dict[str, PatientPage]) -> None:
    text = render_patient_page(pages["A"])
    outline = Outline(text)
    headings = [tag for tag in outline.tags if re.fullmatch(r"h[1-6]", tag)]
    assert headings == ["h1", *["h2"] * 7]
    assert outline.bare_headers == 0
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    svg = text[text.index("<svg") :]
    assert 'role="img"' in svg[: svg.index(">")]
    assert svg.index("<title") < svg.index("<desc") < svg.index("<g")


def test_the_page_needs_nothing_else(pages: dict[str, PatientPage]) -> None:
    text = render_patient_page(pages["A"])
    assert "<script" not in text
    assert "default-src 'none'" in text
    links = re.findall(r'(?:href|src)="([^"]*)"', text)
    assert [link for link in links if not link.startswith("#")] == []
    assert "url(http" not in text


def test_the_same_patient_gives_the_same_bytes(pages: dict[str, PatientPage]) -> None:
    assert render_patient_page(pages["B"]) == render_patient_page(pages["B"])


def test_text_of_the_study_injects_nothing(pages: dict[str, PatientPage]) -> None:
    """Markup, emoji, right-to-left text and 300 letters in every text that comes from a user."""
    page = pages["A"]
    evil = (
        '<img src=x onerror="alert(1)">$x_1$ \N{GRINNING FACE} \N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET}'
        + "w" * 300
    )
    outcomes = tuple(replace(outcome, title=evil) for outcome in page.explained.outcomes)
    explained = replace(page.explained, study=evil, patient_id=evil, outcomes=outcomes)
    text = render_patient_page(replace(page, explained=explained))
    assert "<img" not in text
    assert "&lt;img src=x onerror=" in text
    assert "w" * 200 not in text


def test_the_page_never_advises(pages: dict[str, PatientPage]) -> None:
    text = render_patient_page(pages["B"]).casefold()
    words = re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
    for word in ("should", "recommend", "consider", "advise", "give g-csf", "transfuse"):
        assert word not in words
    assert "for research" in words


def test_rows_of_the_file_are_not_on_the_page(pages: dict[str, PatientPage]) -> None:
    assert re.search(r"\brow \d", render_patient_page(pages["B"])) is None


def test_a_patient_without_a_count_has_a_page(tmp_path: Path) -> None:
    folder = write_study(tmp_path / "cohort")
    for name, row in (("patients", "D,50,male"), ("infusions", "D,2024-04-01,-5")):
        path = folder / f"{name}.csv"
        path.write_text(f"{path.read_text('utf-8')}{row}\n", "utf-8")
    page = describe_patient(folder, "D", outcomes=["recovery"])
    assert {row.last for row in say_values(page)} == {"no value"}
    assert page.last_count_day is None
    assert say_score(page.score) == "0 to 7 of 7 points; group low or high"
    assert {verdict for row in say_grid(page) for verdict, _ in row.cells} == {"not known"}
    assert "Neither last contact nor death is recorded" in list(say_gaps(page))
    assert "day 0 is the infusion" in render_patient_page(page)


def test_sources_keep_their_doi(pages: dict[str, PatientPage]) -> None:
    text = render_patient_page(pages["A"])
    assert "doi:10.3892/ol.2023.13924. Qiu T et al." in text
    assert "doi:10.1182/blood.2020010543. Rejeski K et al." in text


# -- what fits -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "lines"), [("", 1), ("abc", 1), ("a" * 10, 1), ("a" * 11, 2), ("三" * 6, 2)]
)
def test_lines_are_counted_by_letters(text: str, lines: int) -> None:
    assert count_lines(text, 10) == lines


def test_outcomes_without_room_are_counted(pages: dict[str, PatientPage]) -> None:
    outcomes = pages["A"].explained.outcomes
    shown, left = fit_outcomes(outcomes * 20, lines=12)
    assert len(shown) + left == 20 * len(outcomes)
    assert 0 < len(shown) <= 12
    assert fit_outcomes((), lines=12) == ([], 0)


def test_many_days_are_a_count_and_a_span(pages: dict[str, PatientPage]) -> None:
    """Every other day from day -5 on, 12 of them: day -5 to 17."""
    (outcome,) = [item for item in pages["A"].explained.outcomes if item.name == "anemia"]
    day = replace(outcome.days[0], role="decides")
    days = tuple(replace(day, day=number) for number in range(-5, 18, 2))
    (line,), _ = fit_outcomes([replace(outcome, days=days)], lines=9)
    assert line.days == "12 days from day \N{MINUS SIGN}5 to 17"
    (line,), _ = fit_outcomes([replace(outcome, days=days[:2])], lines=9)
    assert line.days == "2 days: day \N{MINUS SIGN}5 and \N{MINUS SIGN}3"


def test_much_support_is_counted(pages: dict[str, PatientPage]) -> None:
    courses = tuple(SupportCourse(kind="gcsf", start=day, stop=28, agent=None) for day in range(20, 27))
    said = say_active(replace(pages["A"], active=courses))
    assert said.startswith("G-CSF day 20 to 28; G-CSF day 21 to 28;")
    assert said.endswith("; 3 more, on day 28, the last with a count")


# -- new ids and dates -----------------------------------------------------------------------------


def test_a_page_without_options_has_no_calendar_date(pages: dict[str, PatientPage]) -> None:
    text = render_patient_page(disguise_page(pages["A"], Disguise()))
    assert re.search(r"\b\d{4}-\d{2}-\d{2}\b", text) is None


def test_shifted_dates_keep_their_distances(pages: dict[str, PatientPage], tmp_path: Path) -> None:
    key = tmp_path / "key.txt"
    key.write_bytes(KEY)
    page = disguise_page(pages["A"], Disguise(key_file=key, dates="shifted"))
    assert page.day_zero_date is not None
    shift = (page.day_zero_date - date(2024, 1, 10)).days
    assert shift == find_shift("A", KEY)
    rows = [row.day for row in say_values(page)][:3]
    assert {date.fromisoformat(text[4:14]) - page.day_zero_date for text in rows} == {
        date(2024, 2, 7) - date(2024, 1, 10)
    }
    text = render_patient_page(page)
    assert "a shifted date" in text
    assert "2024-01-10" not in text


def test_a_shift_is_never_none_and_stays_within_a_year() -> None:
    shifts = [find_shift(str(name), KEY) for name in range(5000)]
    assert 0 not in shifts
    assert min(shifts) == -364
    assert max(shifts) == 364


def test_ids_depend_on_the_key_alone() -> None:
    names = [str(name) for name in range(2000)]
    assert len({find_new_id(name, KEY) for name in names}) == 2000
    assert find_new_id("A", KEY) == find_new_id("A", KEY)
    assert find_new_id("A", KEY) != find_new_id("A", KEY + b"!")
    assert find_shift("A", KEY) != find_shift("B", KEY)


def test_a_new_id_leaves_no_trace_of_the_old(folder: Path, tmp_path: Path) -> None:
    labs = (folder / "labs.csv").read_text("utf-8")
    other = write_study(tmp_path / "cohort")
    for name in ("labs", "patients", "infusions", "events", "support"):
        text = (other / f"{name}.csv").read_text("utf-8")
        (other / f"{name}.csv").write_text(re.sub(r"(?m)^A,", "MRN4711,", text), "utf-8")
    assert labs != (other / "labs.csv").read_text("utf-8")
    page = disguise_page(describe_patient(other, "MRN4711", outcomes=["anemia"]), Disguise(new_id=True))
    write_page(page, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text("utf-8")
    assert "4711" not in text
    assert re.search(r"<title>Patient P-[A-Z2-7]{10}:", text)
    assert re.search(r"<title id=\"svg-counts-title\">Patient P-[A-Z2-7]{10}:", text)


def test_without_a_key_every_page_has_another_id(pages: dict[str, PatientPage]) -> None:
    ids = {disguise_page(pages["A"], Disguise(new_id=True)).explained.patient_id for _ in range(3)}
    assert len(ids) == 3


@cache
def _secret() -> str:
    return "k" * 15


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.txt"
    path.write_text(f"  {_secret()}\n", "utf-8")
    with pytest.raises(DataError, match=r"the key has 15 characters; it needs at least 16") as caught:
        read_key(path)
    assert _secret() not in str(caught.value)
    with pytest.raises(ReaderError, match="no such file"):
        read_key(tmp_path / "absent.txt")


def test_what_would_show_the_patient_is_refused(pages: dict[str, PatientPage]) -> None:
    page = Path("page.html")
    with pytest.raises(DataError, match="true dates beside a new id"):
        check_disguise(Disguise(new_id=True, dates="recorded"), "A", page=page)
    with pytest.raises(DataError, match="only a page shows dates"):
        check_disguise(Disguise(dates="shifted"), "A", page=None)
    with pytest.raises(DataError, match="nothing needs a key"):
        check_disguise(Disguise(key_file=Path("key.txt")), "A", page=page)
    with pytest.raises(OutputError, match="the name of a file to be written holds the patient's id"):
        check_disguise(Disguise(new_id=True), "4711", page=Path("4711.html"))
    check_disguise(Disguise(new_id=True), "4711", page=page)
    dateless = replace(pages["A"], day_zero_date=None)
    with pytest.raises(DataError, match="the tables have no date of this patient's infusion"):
        disguise_page(dateless, Disguise(dates="recorded"))
