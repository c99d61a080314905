"""Each printed number leads to the row that holds it, and to no other."""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser

import polars as pl
import pytest

from cytopenia.report.behind_numbers import table_patients_behind, table_rows_behind
from cytopenia.report.document import render_report
from cytopenia.report.lookup import select_results
from cytopenia.report.number_links import find_links, list_linked_rows, read_row_numbers
from cytopenia.report.number_sources import take_rows, watch_rows
from cytopenia.report.sections import list_sections
from cytopenia.report.table_model import Cell, Column, Row, Table
from cytopenia.results import ResultRow, collect_results
from report_factory import make_content

RESULTS = collect_results(
    [
        ResultRow(analysis_id="a", variable="x", estimate="count", value=48, scenario="policy"),
        ResultRow(analysis_id="a", variable="x", estimate="denominator", value=63, scenario="policy"),
        ResultRow(analysis_id="a", variable="x", estimate="percent", value=76.190476, scenario="policy"),
        ResultRow(analysis_id="a", variable="x", estimate="p_value", value=0.00004),
        ResultRow(analysis_id="a", variable="x", estimate="odds_ratio", value=14.8336, low=2.391, high=92.05),
        ResultRow(analysis_id="b", variable="x", estimate="count", value=48),
    ]
)
NUMBERS = read_row_numbers(RESULTS)


def make_table(*cells: Cell, target: str = "") -> Table:
    columns = tuple(Column("") for _ in range(len(cells) + 1))
    return Table(id="t", caption="", columns=columns, rows=(Row("r", cells, target=target),))


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("48/63 (76.2%)", "row-2"),
        ("63", "row-3"),
        ("76.2%", "row-4"),
        ("76.19", "row-4"),
        ("<0.001", "row-5"),
        ("0.00004", "row-5"),
        ("14.834 (2.391–92.050)", "row-6"),
        ("92.05", "row-6"),
    ],
)
def test_a_number_leads_to_the_row_that_prints_so(text: str, row: str) -> None:
    cell = Cell(text, sources=(2, 3, 4, 5, 6))
    assert find_links(make_table(cell), NUMBERS) == {(0, 0, False): row}


@pytest.mark.parametrize("text", ["49", "76.1", "76.20", "0.00005", ">0.999", "1 (reference)", "yes", ""])
def test_a_number_that_no_row_holds_has_no_link(text: str) -> None:
    assert find_links(make_table(Cell(text, sources=(2, 3, 4, 5, 6))), NUMBERS) == {}


def test_a_row_that_was_not_read_is_never_taken() -> None:
    assert find_links(make_table(Cell("48", sources=(7,))), NUMBERS) == {(0, 0, False): "row-7"}
    assert find_links(make_table(Cell("48", sources=(3,))), NUMBERS) == {}


def test_the_own_rows_come_before_those_of_the_line() -> None:
    first, second = Cell("63", sources=(2, 3)), Cell("48", "48–63", sources=(7,))
    assert find_links(make_table(first, second), NUMBERS) == {
        (0, 0, False): "row-3",
        (0, 1, False): "row-7",
        (0, 1, True): "row-7",
    }


def test_of_several_rows_the_nearest_is_behind_a_number_and_the_last_read_behind_bounds() -> None:
    results = collect_results(
        [
            ResultRow(analysis_id="a", variable="x", estimate="percent", value=9.1667),
            ResultRow(analysis_id="a", variable="x", estimate="undecided", value=9),
            ResultRow(analysis_id="a", variable="x", estimate="count", value=71, scenario="policy"),
            ResultRow(analysis_id="a", variable="x", estimate="count", value=71, scenario="best"),
            ResultRow(analysis_id="a", variable="x", estimate="incidence", value=0.642201),
        ]
    )
    cells = (
        Cell("9", sources=(2, 3)),
        Cell("71/120", "bounds 71–110", sources=(4, 5)),
        Cell("64.2%", sources=(2, 6)),
    )
    assert find_links(make_table(*cells), read_row_numbers(results)) == {
        (0, 0, False): "row-3",
        (0, 1, False): "row-4",
        (0, 1, True): "row-5",
        (0, 2, False): "row-6",
    }


def test_what_was_read_for_the_title_of_a_column_is_not_behind_the_first_cell() -> None:
    lookup = select_results(RESULTS, "a")
    with watch_rows():
        Column(f"n = {lookup.value('x', 'count')}")
        lookup.value("x", "denominator")
        cell = Cell("63")
    assert cell.sources == (3,)


def test_a_line_can_name_where_its_numbers_come_from() -> None:
    table = make_table(Cell("5"), Cell("none"), target="patients-x")
    assert find_links(table, NUMBERS) == {(0, 0, False): "patients-x"}
    assert list_linked_rows([find_links(table, NUMBERS)]) == set()


def test_a_cell_takes_what_was_read_for_it_and_nothing_when_nobody_watches() -> None:
    lookup = select_results(RESULTS, "a")
    with watch_rows():
        lookup.value("x", "count")
        first = Cell("48")
        lookup.counted("x")
        lookup.value("x", "absent")
        second = Cell("48/63 (76.2%)")
        left = take_rows()
    lookup.value("x", "count")
    assert (first.sources, second.sources, left, Cell("48").sources) == ((2,), (2, 3, 4), (), ())


class Anchors(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name == "href" and (value or "").startswith("#"):
                self.links.append((value or "")[1:])


@cache
def read_report() -> Anchors:
    return Anchors(render_report(make_content()))


def test_every_link_of_the_report_has_its_place_and_every_place_one_name() -> None:
    page = read_report()
    assert len(page.ids) == len(set(page.ids))
    assert set(page.links) <= set(page.ids)
    assert sum(link.startswith("row-") for link in page.links) > 100


def test_every_number_of_the_tables_leads_to_a_row_of_its_own_analysis() -> None:
    content = make_content()
    numbers = read_row_numbers(content.results)
    analysis_of = dict(enumerate(content.results["analysis_id"], 2))
    for section in list_sections(content):
        for table in section.tables:
            links = find_links(table, numbers)
            if not section.id.startswith("analysis-"):
                continue
            for place, row in enumerate(table.rows):
                for column, cell in enumerate(row.cells):
                    if re.search(r"\d", cell.text):
                        assert (place, column, False) in links, (table.id, row.header, cell.text)
            owners = {analysis_of[number] for number in list_linked_rows([links])}
            assert owners <= {section.id.removeprefix("analysis-")}


def test_the_rows_stand_with_all_their_digits_and_lead_on_to_the_patients() -> None:
    content = make_content(
        results=collect_results(
            [
                ResultRow(
                    analysis_id="a", variable="anc", estimate="percent", value=100 / 3, low=1.5, high=2
                ),
                ResultRow(
                    analysis_id="a", variable="other", estimate="p", status="not_estimable", note="few", low=1
                ),
            ]
        ),
        outcomes=pl.DataFrame(
            {
                "patient_id": ["P1", "P2"],
                "outcome": ["anc"] * 2,
                "policy": [2.0, 3.0],
                "best": [2.0, 2.0],
                "worst": [2.0, 4.0],
                "label": [None, None],
                "decided": [True, False],
                "evidence": ["measured", "bracketed"],
                "first_day": [3, None],
                "last_day": [4, None],
            },
            schema_overrides={"label": pl.String},
        ),
        evidence=pl.DataFrame(
            {
                "patient_id": ["P1"] * 9,
                "outcome": ["anc"] * 9,
                "role": ["decides"] * 8 + ["would settle"],
                "source_row": [2, 3, 4, 5, 6, 7, 8, 3, 99],
            }
        ),
    )
    (rows,) = table_rows_behind(content, {2, 3})
    assert [(row.anchor, row.link, row.header) for row in rows.rows] == [
        ("row-2", "patients-anc", "2: anc"),
        ("row-3", "", "3: other"),
    ]
    assert [cell.text for cell in rows.rows[0].cells][2:5] == ["percent", "33.3333333333", "1.5 to 2"]
    assert [cell.text for cell in rows.rows[1].cells][3:] == ["–", "1 to –", "–", "not_estimable; few"]
    (patients,) = table_patients_behind(content)
    assert patients.id == "patients-anc"
    assert [(row.header, *(cell.text for cell in row.cells)) for row in patients.rows] == [
        ("P2", "3", "2–4", "bracketed", "–", "–"),
        ("P1", "2", "", "measured", "days 3 to 4", "2, 3, 4, 5, 6, 7 and 1 more"),
    ]


def test_hidden_ids_stay_hidden_behind_the_numbers() -> None:
    page = render_report(make_content(show_patient_ids=False))
    assert "The patients are not listed here" in page
    ids = make_content().outcomes["patient_id"].unique().to_list()
    assert not [one for one in ids if f">{one}<" in page]
