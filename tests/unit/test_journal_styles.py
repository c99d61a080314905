"""Journal styles: each rule says where it comes from, and numbers are printed by it in every place."""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import get_args

import pytest

from association_factory import make_associations
from cytopenia.report.display import (
    Counted,
    format_count,
    format_cut,
    format_median,
    format_number,
    format_odds_ratio,
    format_p,
    format_p_beside,
    format_percent,
    format_percent_range,
    format_range,
)
from cytopenia.report.document import render_report
from cytopenia.report.journal_styles import (
    format_p_level,
    list_styles,
    load_style,
    split_letter,
    style_words,
    use_style,
)
from cytopenia.report.sections import list_sections
from cytopenia.report.table_model import Table
from cytopenia.study.protocol_forms import ReportSection

FOLDER = resources.files("cytopenia") / "data" / "journal_styles"
PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text("utf-8")
STYLES = ("default", "ash", "lancet", "nejm", "spandidos")

# One line a style, in the order of the columns of the table in docs/protocol.md, typed by hand.
EXAMPLES = {
    "default": ("48/63 (76.2%)", "0.64 (0.02–2.31)", "2.310 (1.045–5.107)", "0.324", "0.031", "0.007",
                "<0.001"),
    "ash": ("48/63 (76)", "0.64 (0.02-2.31)", "2.31 (1.05-5.11)", ".32", ".03", ".007", "<.001"),
    "lancet": ("48/63 (76%)", "0·64 (0·02–2·31)", "2·31 (1·05–5·11)", "0·32", "0·031", "0·0068", "0·0004"),
    "nejm": ("48/63 (76.2)", "0.64 (0.02–2.31)", "2.31 (1.05 to 5.11)", "0.32", "0.03", "0.007", "<0.001"),
    "spandidos": ("48/63 (76.19%)", "0.64 (0.02-2.31)", "2.310 (1.045-5.107)", "0.324", "0.031", "0.007",
                  "<0.001"),
}  # fmt: skip


def examples() -> tuple[str, ...]:
    count = format_count(Counted(48, 63, 76.190476))
    ratio = format_odds_ratio(2.31, 1.045, 5.107)
    return (
        count,
        format_median(0.64, 0.02, 2.31),
        ratio,
        *(format_p(p) for p in (0.324, 0.0308, 0.0068, 0.0004)),
    )


@pytest.mark.parametrize("name", STYLES)
def test_numbers_as_a_journal_prints_them(name: str) -> None:
    with use_style(name):
        assert examples() == EXAMPLES[name]


@pytest.mark.parametrize("name", STYLES)
def test_the_page_shows_the_same_numbers(name: str) -> None:
    cells = " | ".join(f"`{cell}`" for cell in EXAMPLES[name])
    assert f"| `{name}` | {cells} |" in PAGE


def test_a_cut_off_and_a_level_of_p_values_are_printed_as_other_numbers() -> None:
    with use_style("lancet"):
        assert (format_cut(">= 2.44"), format_p_level(0.05)) == ("≥\xa02·44", "0·05")
    with use_style("ash"):
        assert (format_cut("< 681.5"), format_p_level(0.05)) == ("< 681.5", ".05")


def test_after_the_block_numbers_are_printed_as_before() -> None:
    with use_style("lancet"), use_style("nejm"):
        pass
    assert examples() == EXAMPLES["default"]
    with pytest.raises(ZeroDivisionError, match="by zero"), use_style("lancet"):
        _ = 1 / 0
    assert examples() == EXAMPLES["default"]


def test_the_protocol_and_the_files_name_the_same_styles() -> None:
    allowed = get_args(ReportSection.model_fields["style"].annotation)
    assert set(allowed) == set(list_styles()) == set(STYLES)


@pytest.mark.parametrize("name", STYLES)
def test_every_rule_says_whether_it_is_confirmed_and_by_what(name: str) -> None:
    rules = tomllib.loads(FOLDER.joinpath(f"{name}.toml").read_text("utf-8"))["rules"]
    assert set(rules) == set(load_style(name).__dataclass_fields__)
    for rule, given in rules.items():
        assert set(given) == {"value", "evidence", "source"}, rule
        assert given["evidence"] in {"confirmed", "assumed"}, rule
        assert len(given["source"]) > 10, rule


@pytest.mark.parametrize("name", STYLES)
def test_the_page_names_every_confirmed_rule(name: str) -> None:
    rules = tomllib.loads(FOLDER.joinpath(f"{name}.toml").read_text("utf-8"))["rules"]
    confirmed = ", ".join(f"`{rule}`" for rule, given in rules.items() if given["evidence"] == "confirmed")
    assert f"| `{name}` | {confirmed or 'none'} |" in PAGE


@pytest.mark.parametrize(
    ("name", "p", "expected"),
    [
        # Rounded to the fewer decimals these would stand on the other side of 0.05, or at it.
        ("nejm", 0.0496, "0.050"),
        ("nejm", 0.0449, "0.04"),
        ("nejm", 0.0504, "0.05"),
        ("ash", 0.0496, ".050"),
        ("ash", 0.047, ".047"),
        ("ash", 0.996, ">.99"),
        ("ash", 0.00099, "<.001"),
        ("ash", 0.001, ".001"),
        ("nejm", 0.01, "0.01"),
        ("nejm", 0.00951, "0.010"),
        ("lancet", 0.00009, "<0·0001"),
        ("lancet", 0.0001, "0·0001"),
        ("lancet", 0.0996, "0·100"),
        ("lancet", 0.9996, ">0·99"),
        ("default", 0.0496, "0.050"),
        ("default", 0.00049, "<0.001"),
        ("spandidos", 0.0005, "0.001"),
    ],
)
def test_p(name: str, p: float, expected: str) -> None:
    with use_style(name):
        assert format_p(p) == expected


def test_a_p_beside_a_level_shows_its_side_in_every_style() -> None:
    shown = {}
    for name in STYLES:
        with use_style(name):
            shown[name] = format_p_beside(0.04996, 0.05)
    assert shown == {
        "default": "0.04996", "ash": ".04996", "lancet": "0·04996", "nejm": "0.04996", "spandidos": "0.04996",
    }  # fmt: skip


def test_whole_percents_are_zero_or_hundred_only_if_they_are() -> None:
    with use_style("lancet"):
        found = [format_percent(value) for value in (0, 0.4, 41.3, 99.6, 100)]
        assert found == ["0%", "<1%", "41%", ">99%", "100%"]
        assert format_percent_range(0.4, 3) == "<1–3%"
        assert (format_number(-0.5), format_range(-0.5, 1.5)) == ("−0·5", "−0·5 to 1·5")


def test_the_letter_of_p_values_is_changed_and_no_name() -> None:
    text = "P = 0.03, P-values, P of the model, P(odds); P, mmol/L; P-glycoprotein; GP of P1"
    with use_style("lancet"):
        assert style_words(text).startswith("p = 0.03, p-values, p of the model, ")
        assert style_words("P, mmol/L; P-glycoprotein; GP of P1; MAP is") == (
            "P, mmol/L; P-glycoprotein; GP of P1; MAP is"
        )
        assert [split_letter(one)[0] for one in ("P", "P (Holm)", "P, pooled", "PLT", "Phosphate")] == [
            "p", "p", "p", "", "",
        ]  # fmt: skip
    assert style_words(text) == text


def styled(name: str) -> tuple[str, list[Table]]:
    content = make_associations(style=name)
    sections = list_sections(content)
    return render_report(content, sections=sections), [one for part in sections for one in part.tables]


@pytest.mark.usefixtures("no_figures")
def test_a_whole_report_is_printed_in_the_style() -> None:
    page, tables = styled("lancet")
    titles = {column.title for table in tables for column in table.columns}
    assert "p" in titles
    assert "P" not in titles
    cuts = next(table for table in tables if table.id == "curves-cutpoints")
    assert cuts.rows[0].cells[1].text == "≥\xa02·29"
    cells = [cell.text for table in tables[:3] for row in table.rows for cell in row.cells]
    assert "11·00 (3·13–38·66)" in [
        cell for table in tables for row in table.rows for cell in [c.text for c in row.cells]
    ]
    assert not [cell for cell in cells if re.search(r"\d\.\d", cell)]
    assert "0·413 (0·219–0·778)" not in page
    assert "0·41 (0·22–0·78)" in page


@pytest.mark.usefixtures("no_figures")
def test_a_slanted_letter_is_slanted() -> None:
    page, tables = styled("ash")
    slanted = [column for table in tables for column in table.columns if column.slanted]
    assert slanted
    assert all(column.title.startswith("P") and column.slanted == 1 for column in slanted)
    assert "<i>P</i>" in page
    assert "<i>" not in styled("default")[0]
