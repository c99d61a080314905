"""A pasted list, line by line: as spreadsheets, German programs and fingers write it."""

from __future__ import annotations

import pytest

from cytopenia.app.course_forms import build_course
from cytopenia.app.pasted_lists import MOST_LINES, read_list
from cytopenia.app.texts import make_say

say = make_say("en")


def cells(text: str, **limits: int) -> list[tuple[str, ...]]:
    return [line.cells for line in read_list(text, **limits).lines]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2024-01-03\t0.4\r\n2024-01-05\t<0.1\r\n", [("2024-01-03", "0.4"), ("2024-01-05", "<0.1")]),
        ("3;0,4\n5;<0,1;", [("3", "0,4"), ("5", "<0,1")]),
        ("3, 0.4\n5,0,1", [("3", "0.4"), ("5", "0,1")]),
        ("3 0.4\n5   < 0.1", [("3", "0.4"), ("5", "< 0.1")]),
        ("0 2,1\n3 <0,1\n-5 3,0", [("0", "2,1"), ("3", "<0,1"), ("-5", "3,0")]),
        ("03.04.2024 2,1\n2024-04-05 07:15 0,4", [("03.04.2024", "2,1"), ("2024-04-05 07:15", "0,4")]),
        ("03.04.24 2,1\n31-Jan-2024 0,4", [("03.04.24", "2,1"), ("31-Jan-2024", "0,4")]),
        ("2024-01-03 08:15, 0,4", [("2024-01-03 08:15", "0,4")]),
        ("2024-01-03 08:15 0.4", [("2024-01-03 08:15", "0.4")]),
        ("31-Jan-2024\t0.4", [("31-Jan-2024", "0.4")]),
        ("-5\t3.1", [("-5", "3.1")]),
        ("0 2,1\n3   < 0,4", [("0", "2,1"), ("3", "< 0,4")]),
        ("03.04.2024 2,1\n2024-01-03 08:15 0,4", [("03.04.2024", "2,1"), ("2024-01-03 08:15", "0,4")]),
        ("2024-01-03 08:15,0.4", [("2024-01-03 08:15", "0.4")]),
        ("Tag 3 0,4\nd5 0.4\n+7 0.6\nday -2;1,1", [("3", "0,4"), ("5", "0.4"), ("7", "0.6"), ("-2", "1,1")]),
        ("\ufeff3\t0.4", [("3", "0.4")]),
    ],
)
def test_cells_are_set_apart_as_they_are_printed(text: str, found: list[tuple[str, str]]) -> None:
    assert cells(text) == found


def test_lines_keep_their_numbers_and_what_is_passed_over_is_told() -> None:
    read = read_list("Datum;Neutrophile\n\n1;0,4\n2;\n3;0,3")
    assert [line.number for line in read.lines] == [3, 5]
    assert (read.headings, read.empty, read.problems) == ((1,), (4,), ())


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("1;0.4;0.5", "list.many_cells"),
        ("0.4", "list.one_cell"),
        (";0.4", "list.no_day"),
        ("1;" + "9" * 61, "list.long_cell"),
        ("1;2\n" * (MOST_LINES + 1), "list.too_long"),
    ],
)
def test_a_line_that_cannot_be_read_is_told(text: str, key: str) -> None:
    assert [problem.key for problem in read_list(text).problems] == [key]


def test_a_second_line_without_digits_is_no_heading() -> None:
    read = read_list("1;0.4\nx;y")
    assert read.headings == ()
    assert [line.number for line in read.lines] == [1, 2]


def test_a_course_of_two_lists_keeps_their_lines_apart() -> None:
    form = {
        "list_anc": "0\t2,1\n3\t0,4",
        "unit_anc": "/uL",
        "list_platelets": "day\tPLT\n3\t20",
        "unit_platelets": "1e9/L",
        "support": "G-CSF; 5; 9\nplatelet_transfusion; 4",
        "support_complete": "1",
        "last_contact": " 2024-05-01 ",
        "infusion_date": "2024-01-01",
        "decimal": ",",
        "date_format": "mdy_slash",
    }
    course, problems, notes = build_course(form, ("anc", "platelets"), say)
    assert problems == []
    assert notes == ["Platelet count: line 1 was read as a heading."]
    assert [(value.when, value.value, value.unit, value.row) for value in course.values] == [
        ("0", "2,1", "/uL", 1),
        ("3", "0,4", "/uL", 2),
        ("3", "20", "1e9/L", 1002),
    ]
    assert [(given.kind, given.start, given.stop) for given in course.support] == [
        ("gcsf", "5", "9"),
        ("platelet_transfusion", "4", "4"),
    ]
    assert [(event.kind, event.when) for event in course.events] == [("last_contact", "2024-05-01")]
    assert (course.decimal, course.date_format, course.infusion_date) == (",", "%m/%d/%Y", "2024-01-01")


def test_what_was_given_must_be_known() -> None:
    form = {"list_anc": "0;1", "unit_anc": "1e9/L", "support": "blood; 5\nG-CSF"}
    _, problems, _ = build_course(form, ("anc",), say)
    assert len(problems) == 2
    assert problems[0].startswith("Support, line 2: there is one cell")
    assert problems[1].startswith("Support, line 1: it is not known what was given. Known: G-CSF,")


def test_no_list_is_told() -> None:
    assert build_course({"list_anc": " \n"}, ("anc",), say)[1] == ["No list has a value. Paste at least one."]
