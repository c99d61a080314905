"""references.bib and references.ris: exactly the works that the Methods cite, as other programs read them."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

from association_factory import make_associations
from cytopenia.report.bibliography import Work, find_work, load_works, write_work
from cytopenia.report.methods import list_references, write_methods_paragraphs
from cytopenia.report.reference_files import render_bibtex, render_ris
from cytopenia.report.references import Citation, References
from report_factory import make_content, make_definitions

PACKAGE = Path(str(resources.files("cytopenia")))
DOI = re.compile(r"10\.\d{4,5}/[^\s\"'`|]+")
# Authors or title were not at hand: cited in the words of their definitions, with the DOI.
IN_OWN_WORDS = {"10.1182/bloodadvances.2024014455", "10.3389/fnut.2026.1729151"}
# The line of a definition that names its source, not a remark on it.
OWN_EXAMPLES = {"bibliography", "reference_files", "content"}
SOURCE_LINE = re.compile(r"^(?:doi|citation) = .*$", re.MULTILINE)
YOUDEN = Citation("", work=load_works()["youden_1950"])


def test_an_article_in_bibtex() -> None:
    assert render_bibtex([YOUDEN]) == (
        "@article{youden_1950,\n"
        "  author = {Youden, W. J.},\n"
        "  title = {Index for rating diagnostic tests},\n"
        "  journal = {Cancer},\n"
        "  year = {1950},\n"
        "  volume = {3},\n"
        "  number = {1},\n"
        "  pages = {32--35},\n"
        "  doi = {10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3}\n"
        "}\n"
    )


def test_an_article_in_ris() -> None:
    assert render_ris([YOUDEN]).split("\r\n") == [
        "TY  - JOUR",
        "ID  - youden_1950",
        "AU  - Youden, W. J.",
        "TI  - Index for rating diagnostic tests",
        "T2  - Cancer",
        "PY  - 1950",
        "VL  - 3",
        "IS  - 1",
        "SP  - 32",
        "EP  - 35",
        "DO  - 10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3",
        "UR  - https://doi.org/10.1002/1097-0142(1950)3:1%3C32::AID-CNCR2820030106%3E3.0.CO;2-3",
        "ER  - ",
        "",
    ]


@pytest.mark.parametrize(
    ("plain", "escaped"),
    [
        ("a & b", r"a \& b"),
        ("50% of {x}", r"50\% of \{x\}"),
        ("a_b#c$d", r"a\_b\#c\$d"),
        ("back\\slash ~ ^", r"back\textbackslash{}slash \textasciitilde{} \textasciicircum{}"),
        ("über", r"{\"u}ber"),
        ("the “rule”", "the ``rule''"),
        ("a\nb\x00c", "a b c"),
    ],
)
def test_what_latex_would_read_as_a_command_is_escaped(plain: str, escaped: str) -> None:
    assert f"  title = {{{escaped}}}\n" in render_bibtex([Citation(plain)])


def test_a_hostile_source_cannot_leave_its_field() -> None:
    text = render_bibtex([Citation('x}\n}\n@misc{evil, title = "y"')])
    assert [text.count(sign) for sign in ("@misc{", "\n}", "\n@")] == [1, 1, 0]
    plain = re.sub(r"\\[{}]", "", text)
    assert plain.count("{") == plain.count("}")
    assert "\r\nER  - \r\n" in render_ris([Citation("x\r\nER  - \r\nTY  - JOUR")])
    assert render_ris([Citation("x\r\nER  - \r\nTY  - JOUR")]).count("\r\nER") == 1


def test_capitals_of_names_are_held_and_others_left_to_the_style() -> None:
    title = "T-ICAHT: grading in R after CAR T-cell therapy"
    text = render_bibtex([Citation("", work=Work(key="a", title=title))])
    assert "title = {T-{ICAHT}: grading in {R} after {CAR} {T}-cell therapy}" in text


def test_both_files_hold_what_the_methods_cite_and_nothing_else() -> None:
    content = make_associations()
    listed = dict(write_methods_paragraphs(content))["References"]
    cited = list_references(content)
    assert (
        len(listed) == len(cited) == render_bibtex(cited).count("\n}\n") == render_ris(cited).count("ER  - ")
    )
    assert len(set(re.findall(r"^@\w+\{(.+),$", render_bibtex(cited), re.MULTILINE))) == len(cited)
    without_models = render_bibtex(list_references(make_content()))
    assert "firth_1993" not in without_models


def test_a_definition_of_the_user_is_cited_by_its_own_words() -> None:
    own = {"id": "own", "title": "Own rule", "status": "study", "citation": "Our group & others, 100%"}
    content = make_content(
        definitions=[*make_definitions(), own], outcome_definitions={"severe_neutropenia": "own"}
    )
    assert r"title = {Our group \& others, 100\%}" in render_bibtex(list_references(content))


def test_a_work_cited_in_two_wordings_has_one_number() -> None:
    references = References()
    link = "https://doi.org/10.3892/ol.2023.13924"
    assert references.cite("Qiu T et al. Oncol Lett 2023", link) == references.cite("Qiu T, et al.", link)
    other = References()
    same = "https://pmc.ncbi.nlm.nih.gov/articles/PMC10200893/"
    assert [other.cite("Wang 2021", same), other.cite("Nagle 2021", same)] == ["[1]", "[2]"]


def test_every_paper_that_the_text_cites_is_in_the_bibliography() -> None:
    modules = [path for path in (PACKAGE / "report").glob("*.py") if path.stem not in OWN_EXAMPLES]
    texts = [path.read_text("utf-8") for path in modules]
    for path in (PACKAGE / "data" / "definitions").glob("*.toml"):
        texts += SOURCE_LINE.findall(path.read_text("utf-8"))
    found = {doi.rstrip(".,;") for text in texts for doi in DOI.findall(text)}
    known = {one.doi for one in load_works().values()}
    assert len(found) > 50
    assert found - known == IN_OWN_WORDS


@pytest.mark.parametrize("key", list(load_works()))
def test_every_work_can_be_found_and_printed(key: str) -> None:
    work = load_works()[key]
    found = find_work(work.cited_as, work.link if work.doi else "") if work.doi or work.cited_as else None
    assert found == work
    assert work.authors
    assert re.fullmatch(r"(18|19|20)\d\d", work.year)
    assert write_work(work).startswith(work.authors[0])
    if work.kind == "article":
        assert work.journal
        assert not work.volume or work.pages
