"""Numbers as journals set them, read as the numbers that they are; what each says was decided by hand."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cytopenia.errors import DefinitionError
from cytopenia.published.claims import Paper, read_paper
from cytopenia.published.printed_text import is_no_number, read_printed, split_range
from cytopenia.published.verify import verify_paper


@pytest.mark.parametrize(
    ("printed", "plain"),
    [
        ("0·46", "0.46"),
        (".46", "0.46"),
        ("<.001", "<0.001"),
        ("< 0·0001", "<0.0001"),
        ("71,4", "71.4"),
        ("0,046", "0.046"),
        ("1,234", "1234"),
        ("1,234,567", "1234567"),
        ("12 345", "12345"),
        ("1\u2009234", "1234"),
        ("1'195", "1195"),
        ("1,234.5", "1234.5"),
        ("1.234,5", "1234.5"),
        ("−0.5", "-0.5"),
        ("–0.5", "-0.5"),
        ("+0.5", "0.5"),
        ("P = .03", "0.03"),
        ("p=0.03*", "0.03"),
        ("P value <0.001†", "<0.001"),
        ("≤0.05", "<=0.05"),
        ("≥114.50", ">=114.50"),
        ("71.42%", "71.42"),
        ("71.42 %", "71.42"),
        ("2.1 × 10−5", "0.000021"),
        ("2.1×10⁻⁵", "0.000021"),
        ("3e-4", "0.0003"),
        ("0.100", "0.100"),
        ("10.10", "10.10"),
        ("higher", "higher"),
        ("1.2.3", "1.2.3"),
        ("12,34,56", "12,34,56"),
        ("71..4", "71..4"),
        ("", ""),
        (".", "."),
        ("events", "events"),
    ],
)
def test_a_printed_number(printed: str, plain: str) -> None:
    assert read_printed(printed) == plain


@given(st.from_regex(r"(<|>|<=|>=)?-?(0|[1-9][0-9]{0,5})(\.[0-9]{1,6})?", fullmatch=True))
def test_a_plain_number_stays_as_it_is(text: str) -> None:
    assert read_printed(text) == text
    assert read_printed(text, "comma") == text


@given(st.text(max_size=12))
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert isinstance(read_printed(text), str)
    assert split_range(text) is None or len(split_range(text) or ()) == 2
    assert is_no_number(text) in (True, False)


@pytest.mark.parametrize(
    ("printed", "ends"),
    [
        ("21-72", ("21", "72")),
        ("21–72", ("21", "72")),
        ("21 to 72", ("21", "72")),
        ("21; 72", ("21", "72")),
        ("(3.1, 38.6)", ("3.1", "38.6")),
        ("-0.5 to 1.2", ("-0.5", "1.2")),
        ("−0.5–1.2", ("-0.5", "1.2")),
        ("-0.5--0.1", ("-0.5", "-0.1")),
        ("67.1%–84.0%", ("67.1", "84.0")),
        ("4.2 to NE", ("4.2", "NE")),
        ("1,195-2,300", ("1,195", "2,300")),
        ("46", None),
        ("", None),
    ],
)
def test_a_printed_range(printed: str, ends: tuple[str, str] | None) -> None:
    assert split_range(printed) == ends


def read(*claims: dict[str, str], **top: str) -> Paper:
    head = {"id": "a", "title": "A", "citation": "B", "significance_level": "0.05", **top}
    listed = [{"id": f"c{place}", "where": "T", "about": "It", **claim} for place, claim in enumerate(claims)]
    return read_paper({**head, "claims": listed}, name="a.toml")


def test_one_decimal_comma_tells_the_mark_of_the_file() -> None:
    number = {"kind": "cut", "cut": "1,234"}
    assert read(number).claims[0].printed == "1234"
    assert read(number, {"kind": "cut", "cut": "71,4"}).claims[0].printed == "1.234"
    assert read(number, decimal_mark="comma").claims[0].printed == "1.234"


def test_a_file_with_both_marks_must_say_which() -> None:
    claims = [{"kind": "cut", "cut": text} for text in ("1,234", "71,4", "71.4")]
    with pytest.raises(DefinitionError, match=r"'1,234' could be 1234 or 1\.234: .* set decimal_mark"):
        read(*claims)
    assert read(*claims, decimal_mark="point").claims[0].printed == "1234"


def test_ranges_and_intervals_in_one_text() -> None:
    paper = read(
        {"kind": "median_range", "median": "46", "range": "21–72", "iqr": "33 to 58"},
        {"kind": "odds_ratio", "odds_ratio": "0·46", "ci": "0·21–1·02", "p": "P = ·06"},
    )
    assert [claim.printed for claim in paper.claims] == ["46 (33-58; 21-72)", "0.46 (0.21-1.02), P 0.06"]
    with pytest.raises(DefinitionError, match=r"'ci' is '0\.21'; allowed: two numbers as printed"):
        read({"kind": "odds_ratio", "odds_ratio": "0.46", "ci": "0.21"})


@pytest.mark.parametrize(
    "claim",
    [
        {"kind": "count", "count": "NA"},
        {"kind": "area", "area": "NE"},
        {"kind": "odds_ratio", "odds_ratio": "NE", "ci": "NE-NE", "p": "NA"},
        {"kind": "median_range", "median": "NR", "range": "2-NR"},
        {"kind": "count_percent", "count": "3", "percent": "–", "of": "63"},
        {"kind": "mean_sd", "mean": "ND", "sd": "1"},
    ],
)
def test_words_in_the_place_of_numbers_cannot_be_checked(claim: dict[str, str]) -> None:
    assert set(verify_paper(read(claim))["verdict"]) == {"cannot be checked"}


def test_not_significant_is_above_the_level() -> None:
    paper = read({"kind": "odds_ratio", "odds_ratio": "2.00", "ci": "0.50-8.00", "p": "n.s."})
    checks = verify_paper(paper)
    # Root of 0.5 x 8 is 2; ln 2 over (ln 4 / 1.96) is 0.98; P 0.327, above 0.05.
    assert checks.filter(check="P against the interval")["verdict"].item() == "consistent"
    assert paper.claims[0].printed == "2.00 (0.50-8.00), P >0.05"


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ({"kind": "odds_ratio", "odds_ratio": "-2", "ci": "-3 to 4"}, "-2, -3: no ratio is below 0"),
        ({"kind": "odds_ratio", "odds_ratio": "2.0", "ci": "1.0-4.0", "p": "1.2"}, "1.2 is no P value"),
        ({"kind": "statistic", "statistic": "z", "value": "2", "p": "-0.04"}, "-0.04 is no P value"),
        ({"kind": "mean_sd", "mean": "3", "sd": "-1", "of": "10"}, "-1 is below 0"),
        ({"kind": "probability", "probability": "162"}, "162 is no probability"),
    ],
)
def test_numbers_that_nothing_can_have(claim: dict[str, str], words: str) -> None:
    wrong = verify_paper(read(claim)).filter(verdict="inconsistent")
    assert any(found.startswith(words) for found in wrong["arithmetic"])


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ({"kind": "area", "area": "0.8", "low": "0.7"}, "low and high go together"),
        ({"kind": "odds_ratio", "odds_ratio": "2", "confidence": "0.95"}, "allowed: a percentage below 100"),
        ({"kind": "statistic", "statistic": "t", "value": "2", "p": "0.1"}, "t needs one number: df"),
        ({"kind": "mean_sd", "mean": "3", "items": "0"}, "'items' is 0; allowed: 1 or more"),
    ],
)
def test_what_is_wrong_with_a_new_claim(claim: dict[str, str], words: str) -> None:
    with pytest.raises(DefinitionError, match=re.escape(words)):
        read(claim)


def test_a_hazard_ratio_is_a_ratio_with_its_measure() -> None:
    claim = read({"kind": "hazard_ratio", "hazard_ratio": "0.46", "ci": "0.21-1.02"}).claims[0]
    assert (claim.kind, claim.printed) == ("odds_ratio", "0.46 (0.21-1.02)")
    assert getattr(claim, "measure", "") == "hazard ratio"
