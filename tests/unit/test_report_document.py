"""The whole report: self-contained, repeatable, honest on top, and safe for any name in the data."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from typing import Any

import polars as pl
import pytest

from cytopenia.report.document import render_report
from cytopenia.report.sections import list_sections
from cytopenia.report.summary import list_concerns, list_key_numbers, read_cohort_size
from cytopenia.results import RESULT_SCHEMA, collect_results
from report_factory import ANALYTES, count_rows, make_content, make_definitions, make_patient_days

CONTENT = make_content()
VOID = {"meta", "br", "hr", "img", "link", "input"}
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style></svg></title><b>bold</b>",
    "{{ 7 * 7 }}{% raw %}",
    "$\\frac{1}{0}$ _x^2_",
    "\N{DROP OF BLOOD}\N{FAMILY}\N{ZERO WIDTH JOINER}",
    "\N{HEBREW LETTER ALEF}\N{ARABIC LETTER BEH}\N{RIGHT-TO-LEFT OVERRIDE}abc",
    "null\x00byte\x1b and \ud800 half",
    "W" * 300,
]


@cache
def report() -> str:
    return render_report(CONTENT)


class Reader(HTMLParser):
    """Collects what a browser would build, and whether every element is closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.open += [tag] if tag not in VOID else []
        for name, value in attrs:
            self.ids += [str(value)] if name == "id" else []
            self.links += [str(value)] if name in {"href", "src", "xlink:href"} else []
            self.handlers += [name] if name.startswith("on") else []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_same_content_same_bytes() -> None:
    assert render_report(make_content()) == report()


def test_same_bytes_in_another_process() -> None:
    code = (
        "import hashlib; from report_factory import make_content;"
        "from cytopenia.report.document import render_report;"
        "print(hashlib.sha256(render_report(make_content()).encode()).hexdigest())"
    )
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": seed},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert found.strip() == hashlib.sha256(report().encode()).hexdigest()


def test_one_file_that_asks_for_nothing() -> None:
    found = Reader(report())
    assert report().startswith("<!DOCTYPE html>")
    assert found.open == []
    assert not {"script", "link", "img", "iframe", "object"} & set(found.tags)
    outside = {link for link in found.links if not link.startswith("#")}
    assert outside == {
        "https://ctep.cancer.gov/protocolDevelopment/electronic_applications/ctc.htm",
        "https://doi.org/10.3892/ol.2023.13924",
    }
    assert "url(http" not in report()
    assert "@import" not in report()


def test_ids_are_unique_and_links_arrive() -> None:
    found = Reader(report())
    assert len(found.ids) == len(set(found.ids))
    assert {link[1:] for link in found.links if link.startswith("#")} <= set(found.ids)


def test_tables_can_be_read_aloud() -> None:
    before, _, behind = report().partition('<section id="behind"')
    tables = re.findall(r"<table\b[^>]*>.*?</table>", before, re.DOTALL)
    assert len(tables) == 10
    for table in [*tables, *re.findall(r"<table\b[^>]*>.*?</table>", behind, re.DOTALL)]:
        assert table.count("<caption") == 1
        assert all("scope=" in cell for cell in re.findall(r"<th[^>]*>", table) if cell != "<thead>")
    assert '<html lang="en">' in report()
    assert 'class="skip" href="#main"' in report()


def test_synthetic_is_said_on_top_and_in_every_caption() -> None:
    body = report().partition("<body>")[2]
    assert body.index("Synthetic data: no patient") < body.index("<h1")
    captions = re.findall(r"<figcaption>.*?</figcaption>", report(), re.DOTALL)
    assert len(captions) == 3
    assert all("Synthetic data: no patient" in caption for caption in captions)
    assert "Synthetic" not in render_report(make_content(synthetic=False))


def hostile_content(name: str) -> Any:
    """A few days of every course: enough to name all that a report names."""
    is_late = (pl.col("analysis_id") == "trajectories") & ~pl.col("variable_level").is_in(["0", "1", "2"])
    named = pl.when(pl.col("text") != "").then(pl.lit(name.replace("\ud800", ""))).otherwise("text")
    return make_content(
        title=name,
        results=CONTENT.results.filter(~is_late).with_columns(named.alias("text")),
        findings=CONTENT.findings.with_columns(pl.lit(name.replace("\ud800", "")).alias("message")),
        patient_days=make_patient_days(2, 3).with_columns(
            pl.lit(name.replace("\ud800", "")).alias("patient_id")
        ),
        definitions=[
            {
                **make_definitions()[0],
                "title": name,
                "text": name,
                "rules": [name],
                "url": f"javascript:{name}",
            }
        ],
        settings={name: name},
        analyses=[{**CONTENT.analyses[0], "title": name}, *CONTENT.analyses[1:]],
        outcome_titles=dict.fromkeys(CONTENT.outcome_titles, name),
        analyte_titles=dict.fromkeys(ANALYTES, (name, name)),
        reference_lines={"anc": [(1.0, name)]},
    )


@cache
def hostile_report(name: str) -> str:
    return render_report(hostile_content(name))


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_is_only_text(name: str) -> None:
    html = hostile_report(name)
    found, usual = Reader(html), Reader(report())
    assert found.open == []
    assert set(found.tags) <= set(usual.tags)
    assert found.handlers == []
    assert not any(link.startswith("javascript") for link in found.links)
    assert not re.search("[\x00-\x08\x0b-\x1f\ud800-\udfff]", html)
    html.encode("utf-8")


def test_a_hostile_name_is_still_readable() -> None:
    assert HOSTILE[0] in Reader(hostile_report(HOSTILE[0])).text
    text = Reader(render_report(make_content(title=HOSTILE[3], analyses=[]), sections=())).text
    assert "49" not in text
    assert HOSTILE[3] in text


@pytest.mark.usefixtures("no_figures")
def test_an_analysis_id_with_spaces_still_links() -> None:
    analyses = [{"id": 'a "b" <c>', "kind": "occurrence", "title": "x"}]
    results = CONTENT.results.with_columns(
        analysis_id=pl.col("analysis_id").replace("occurrence", 'a "b" <c>')
    )
    found = Reader(render_report(make_content(analyses=analyses, results=results)))
    assert "analysis-a--b---c-" in found.ids
    assert {link[1:] for link in found.links if link.startswith("#")} <= set(found.ids)


def test_sections_follow_the_protocol() -> None:
    ids = [section.id for section in list_sections(CONTENT)]
    expected = ["flow", "analysis-table1", "analysis-occurrence", "analysis-recovery", "courses", "measured"]
    assert ids == [*expected, "words", "checklist"]


def test_an_empty_run_is_a_report_too() -> None:
    html = render_report(
        make_content(
            results=pl.DataFrame(schema=RESULT_SCHEMA), outcomes=CONTENT.outcomes.clear(), definitions=[],
            patient_days=CONTENT.patient_days.clear(), findings=CONTENT.findings.clear(), analyses=[],
        )
    )  # fmt: skip
    assert "found nothing to report" in html
    assert "No occurrence or recovery analysis ran" in html
    assert Reader(html).open == []


def test_key_numbers_carry_their_bounds() -> None:
    numbers = {number.title: number for number in list_key_numbers(CONTENT)}
    anemia = numbers["Severe anemia, grade ≥\N{NO-BREAK SPACE}3"]
    assert (anemia.headline, anemia.detail, anemia.bounds) == ("25.4%", "16 of 63", "decided")
    judged = make_content(results=CONTENT.results.filter(pl.col("variable_level") != "not judged"))
    severe = list_key_numbers(judged)[0]
    assert (severe.headline, severe.detail, severe.bounds) == ("76.2%", "48 of 63", "bounds 47–50")
    assert not severe.has_unjudged


def test_bounds_take_the_place_of_a_percent_where_patients_are_not_judged() -> None:
    numbers = {number.title: number for number in list_key_numbers(CONTENT)}
    severe = numbers["Severe neutropenia, grade ≥\N{NO-BREAK SPACE}3"]
    assert (severe.headline, severe.bounds) == ("75–79%", "")
    assert severe.detail == "48 of 63 known, 2 not judged"
    recovered = numbers["Count recovery: recovered, early deaths left out"]
    assert (recovered.headline, recovered.bounds) == ("57–65%", "")
    assert recovered.detail == "35 of 60 known, 4 not evaluable"


def test_key_numbers_name_their_window() -> None:
    titles = {number.title for number in list_key_numbers(make_content(windows={"severe_anemia": (0, 28)}))}
    assert "Severe anemia, days 0 to 28, grade ≥\N{NO-BREAK SPACE}3" in titles


def test_the_card_of_recovery_takes_the_first_reading_of_the_results() -> None:
    is_first = pl.col("stratum") == "as not recovered"
    results = pl.concat([CONTENT.results.filter(is_first), CONTENT.results.filter(~is_first)])
    number = list_key_numbers(make_content(results=results))[-1]
    assert number.title == "Count recovery: recovered, early deaths as not recovered"
    assert number.detail == "35 of 63 known, 4 not evaluable"


def test_the_summary_says_what_open_days_do_to_grades_and_to_recovery() -> None:
    note = re.search(r"<p class=\"notes\">Striped: .*?</p>", report(), re.DOTALL)
    assert note is not None
    assert "Days far from any measurement change no grade" in note[0]
    assert "for recovery they count as met in the best case and as failed in the worst" in note[0]


def test_a_missing_grade_that_cannot_matter_leaves_the_percent() -> None:
    number = list_key_numbers(CONTENT)[2]
    assert number.title == "Severe thrombocytopenia, grade ≥\N{NO-BREAK SPACE}3"
    assert (number.headline, number.detail, number.bounds) == ("23.8%", "15 of 63", "decided")


def yes_or_no(**counts: tuple[float, ...]) -> Any:
    """Return one outcome that is yes or no in 50 patients: (policy, best, worst) of each level."""
    base = {"analysis_id": "occurrence", "variable": "severe_anemia"}
    rows = [
        row
        for level, numbers in counts.items()
        for row in count_rows({**base, "variable_level": level.replace("_", " ")}, numbers, 50)
    ]
    return make_content(results=collect_results(rows))


def test_a_yes_or_no_outcome_counts_those_not_judged() -> None:
    number, *_ = list_key_numbers(yes_or_no(yes=(24, 24, 50), not_judged=(26,)))
    assert (number.headline, number.detail) == ("48–100%", "24 of 50 known, 26 not judged")


@pytest.mark.usefixtures("no_figures")
def test_nobody_judged_is_no_zero() -> None:
    number, *_ = list_key_numbers(yes_or_no(yes=(0, 0, 41), not_judged=(50,)))
    assert (number.headline, number.detail, number.bounds) == (
        "not judged",
        "50 of 50 patients",
        "bounds 0–82%",
    )
    page = render_report(yes_or_no(yes=(0, 0, 41), not_judged=(50,)))
    assert re.search(r'<span class="value words">(<a class="number"[^>]*>)?not judged(</a>)?</span>', page)
    assert ">0.0%<" not in page


def test_without_bounds_the_count_stands_in_place_of_the_percent() -> None:
    number, *_ = list_key_numbers(yes_or_no(yes=(24,), not_judged=(26,)))
    assert (number.headline, number.detail) == ("24 of 50", "24 of 50 known, 26 not judged")


@pytest.mark.usefixtures("no_figures")
def test_the_summary_explains_a_range_only_where_there_is_one() -> None:
    words = "the bounds stand in place of one percentage"
    assert report().count(words) == 1
    assert words not in render_report(yes_or_no(yes=(24, 24, 30)))


def test_a_number_that_cannot_be_given_is_no_key_number() -> None:
    gone = pl.when(pl.col("estimate") == "count").then(None).otherwise("value")
    assert list_key_numbers(make_content(results=CONTENT.results.with_columns(gone.alias("value")))) == []


def test_concerns_start_with_errors_and_only_count_the_notes() -> None:
    concerns = list_concerns(CONTENT.findings)
    assert [headline for _, headline, _ in concerns] == ["Errors: 1", "Warnings: 2", "Notes: 1"]
    assert [len(messages) for *_, messages in concerns] == [1, 2, 0]


def findings_of(**rules: int) -> pl.DataFrame:
    """Return so many warnings of each rule; those of one rule concern 1, 2, ... rows."""
    row = {**CONTENT.findings.row(0, named=True), "severity": "warning"}
    rows = [
        {**row, "rule": rule, "rows": place + 1, "message": f"{rule} {place + 1}."}
        for rule, count in rules.items()
        for place in range(count)
    ]
    return pl.DataFrame(rows, schema=CONTENT.findings.schema)


def test_concerns_of_one_rule_share_a_message_and_leave_room() -> None:
    findings = findings_of(unknown_analyte=11, unknown_unit=2, limit_not_a_number=3, without_labs=1)
    ((_, headline, messages),) = list_concerns(make_content(findings=findings).findings)
    assert headline == "Warnings: 17"
    assert messages == [
        "without_labs 1.",
        "limit_not_a_number 3. 2 more findings of this kind.",
        "unknown_unit 2. 1 more unit is not known.",
        "unknown_analyte 11. 10 more analyte names are not listed.",
    ]


def test_more_kinds_of_concern_than_fit_are_counted() -> None:
    ((*_, messages),) = list_concerns(findings_of(a=1, b=1, c=1, d=1, e=1, f=1, g=2))
    assert len(messages) == 6
    assert messages[0] == "g 2. 1 more finding of this kind."
    assert messages[-1] == "2 further kinds of finding in the list below."


def test_cohort_size_is_that_of_the_outcomes_else_of_the_flow() -> None:
    assert read_cohort_size(CONTENT) == "63"
    assert read_cohort_size(make_content(outcomes=CONTENT.outcomes.clear())) == "60"
