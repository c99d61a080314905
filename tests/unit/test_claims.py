"""Papers as data: the bundled paper against its print, and what is wrong with a file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cytopenia.errors import DefinitionError
from cytopenia.published.claim_forms import Claim
from cytopenia.published.claims import list_papers, load_paper

PRINT = Path(__file__).parents[3] / "shared" / "seed" / "qiu2023.txt"
CLAIMS = {claim.id: claim for claim in load_paper("qiu2023").claims}
WORDS = {"9": "nine"}  # counts that the paper prints as words
# Not printed as "45 males (71.42%)": "32 out of 63 patients (50.79%)", and in Table SV the percentage first.
APART = {"baseline_any", *(f"crs_{grade}_thrombocytopenia" for grade in ("mild", "none", "severe"))}
HEAD = 'id = "mine"\ntitle = "Mine"\ncitation = "Here"\nsignificance_level = "0.05"\n'
BODY = 'where = "Table I"\nabout = "Males"\nat = { analysis = "characteristics", variable = "sex" }\n'
MALES = f'[[claims]]\nid = "males"\nkind = "count_percent"\ncount = "45"\n{BODY}'


def write(folder: Path, text: str) -> Path:
    (folder / "mine.toml").write_text(text, encoding="utf-8")
    return folder / "mine.toml"


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(DefinitionError, match=r"^mine\.toml: the claims of the paper are wrong\n") as raised:
        load_paper(write(folder, text))
    return str(raised.value)


def plain_print() -> str:
    """The print with plain hyphens and signs, and without the blanks that were set around numbers."""
    text = PRINT.read_text("utf-8").translate({ord("‑"): "-", ord("–"): "-", ord("−"): "-"})
    text = text.replace("\\langle", "<").replace("\\rangle", ">").replace("$>$", ">").replace("$", "")
    return re.sub(r"(?<=[<>(\-]) +| +(?=[)\-])", "", text)


needs_print = pytest.mark.skipif(not PRINT.is_file(), reason="the text of the paper is not at hand")


def test_the_papers_of_the_package() -> None:
    assert list_papers() == ["qiu2023"]


def test_the_head_of_the_paper() -> None:
    paper = load_paper("qiu2023")
    assert (paper.id, paper.doi, paper.significance_level) == ("qiu2023", "10.3892/ol.2023.13924", "0.05")
    assert paper.title.startswith("Cytopenia after CAR-T cell therapy: Analysis of 63 patients")


def test_every_id_is_unique_and_every_row_is_told_apart() -> None:
    claims = load_paper("qiu2023").claims
    assert len({claim.id for claim in claims}) == len(claims) == 177
    told = [(claim.where, claim.about, claim.kind) for claim in claims]
    assert len(set(told)) == len(told)


# Typed by hand from the paper: id of the claim, its text.
@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("patients", "63"),
        ("age", "46 (21-72)"),
        ("males", "45 (71.42%)"),
        ("male_to_female", "2.5:1"),
        ("dlbcl", "47 (74.60%)"),
        ("prior_lines", "8 (3-26)"),
        ("target_cd19_cd20", "23 (36.50%)"),
        ("crs", "44 (69.84%)"),
        ("nt_mild", "7 (11.11%)"),
        ("overall_response", "65%"),
        ("response_pr", "28 (46.7%)"),
        ("baseline_any", "32 (50.79%)"),
        ("baseline_anc", "3.15 (0.61-11.35)"),
        ("any_neutropenia", "61 (96.82%)"),
        ("severe_anemia", "16 (25.39%)"),
        ("nadir_platelets", "121 (2-307)"),
        ("nadir_day_hemoglobin", "8 (-5-28)"),
        ("crs_mild_thrombocytopenia", "13 (32.50%)"),
        ("marrow_involvement", "4 + 4"),
        ("bridging", "9"),
        ("table1_ecog", "associated"),
        ("table2_stage", "not associated"),
        ("table2_direction_il6", "higher"),
        ("auc_ferritin_peak", "0.7-0.9"),
        ("cut_hemoglobin", "114.50"),
        ("risk_side_hemoglobin", "<114.5"),
        ("table3_univariable_anc", "<2.29: 11 (3.130-38.660), P <0.001"),
        ("table3_univariable_ferritin_peak", ">1195: 0.110 (0.031-0.395), P 0.001"),
        ("table3_multivariable_il6", ">21.43: 0.091 (0.100-0.802), P 0.031"),
        ("discussion_severe_anemia", "25.3%"),
    ],
)
def test_a_claim_of_the_paper(name: str, printed: str) -> None:
    assert CLAIMS[name].printed == printed


# Typed from Results of the paper; "associated" and then "not associated" at P < 0.05.
@pytest.mark.parametrize(
    ("table", "yes", "no"),
    [
        (
            "table1",
            "anc ecog ferritin hemoglobin il6",
            "age_years crs marrow_involvement nt prior_hsct prior_lines sex target",
        ),
        ("table_s2", "anc ecog ferritin hemoglobin il6", ""),
        ("table_s3", "crp ecog ferritin hemoglobin il6 platelets", ""),
        ("table_s4", "crp crs ecog ferritin hemoglobin il6 platelets", ""),
        (
            "table2",
            "anc crp crp_peak ferritin ferritin_peak hemoglobin il6 il6_peak platelets",
            "age_years crs marrow_involvement nt prior_hsct prior_lines sex stage target",
        ),
    ],
)
def test_what_is_said_to_be_associated(table: str, yes: str, no: str) -> None:
    found: dict[str, list[str]] = {"associated": [], "not associated": []}
    for claim in CLAIMS.values():
        if claim.kind == "significance" and (claim.at.analysis, claim.at.group) == (table, "test"):
            found[claim.association].append(claim.at.variable)
    assert {word: sorted(names) for word, names in found.items()} == {
        "associated": yes.split(),
        "not associated": no.split(),
    }


def test_an_interval_without_its_estimate_is_said() -> None:
    claim = CLAIMS["table3_multivariable_il6"]
    assert (claim.odds_ratio, claim.low, claim.high) == ("0.091", "0.100", "0.802")
    assert "does not contain its own estimate" in claim.note


@pytest.mark.parametrize(
    "name", ["marrow_involvement", "transformed", "baseline_anc", "abstract_risk_side_anc"]
)
def test_a_reading_that_the_text_leaves_open_is_said(name: str) -> None:
    assert CLAIMS[name].note


@needs_print
@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_every_printed_text_stands_in_the_paper(claim: Claim) -> None:
    text = plain_print()
    for part in claim.parts.values():
        words = f"{re.escape(part)}|{WORDS[part]}" if part in WORDS else re.escape(part)
        assert re.search(rf"(?<![0-9.])(?:{words})(?![0-9]|\.[0-9])", text), part


@needs_print
def test_a_count_stands_before_its_percentage() -> None:
    text = plain_print()
    for claim in CLAIMS.values():
        if claim.kind == "count_percent" and claim.count and claim.percent and claim.id not in APART:
            together = rf"(?<![0-9.]){claim.count} [a-z ]*\({re.escape(claim.percent)}%\)"
            assert re.search(together, text), claim.id


@needs_print
def test_no_number_of_the_results_is_forgotten() -> None:
    text = plain_print()
    results = text[text.index("\nResults\n") : text.index("\nDiscussion\n")]
    printed = {part.lstrip("<>") for claim in CLAIMS.values() for part in claim.parts.values()}
    assert set(re.findall(r"(?<![0-9.])[0-9]+\.[0-9]+", results)) <= printed


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    paper = load_paper(write(tmp_path, HEAD + MALES))
    assert [(claim.id, claim.printed) for claim in paper.claims] == [("males", "45")]
    assert load_paper(str(tmp_path / "mine.toml")) == paper


def test_an_unknown_paper() -> None:
    with pytest.raises(DefinitionError, match=r"unknown paper 'qiu2032' \(did you mean 'qiu2023'\?\); known"):
        load_paper("qiu2032")


def test_a_file_that_is_absent(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"none\.toml: no such file"):
        load_paper(tmp_path / "none.toml")


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    text = complaint(
        tmp_path,
        f'titel = "Mine"\n{HEAD}'
        f'[[claims]]\nid = "a"\nkind = "count_percnt"\ncount = "1"\n{BODY}'
        f'[[claims]]\nid = "b"\nkind = "count"\ncuont = "1"\n{BODY}'
        f'[[claims]]\nid = "c"\nkind = "count"\ncount = 45\n{BODY}'
        f'[[claims]]\nid = "d"\nkind = "odds_ratio"\nlow = "0.1"\n{BODY}'
        f"{MALES}{MALES}",
    )
    assert text.splitlines()[1:] == [
        "  - mine.toml: unknown key 'titel' (did you mean 'title'?); allowed: citation, claims,"
        " decimal_mark, doi, id, interval, relations, remark, significance_level, test, title",
        "  - mine.toml: claims.1 ('a'): 'kind' is 'count_percnt' (did you mean 'count_percent'?); allowed:"
        " accuracy, area, correlation, count, count_percent, cut, difference, direction,"
        " direction_and_significance, estimate, label, mean_sd, mean_test, median_range, odds_ratio,"
        " probability, range, rate, ratio, significance, statistic, sum, test",
        "  - mine.toml: claims.2 ('b'): 'count' is missing",
        "  - mine.toml: claims.2 ('b'): unknown key 'cuont' (did you mean 'count'?); allowed: about, at,"
        " count, id, kind, note, plus, unit, unread, where",
        "  - mine.toml: claims.3 ('c'): 'count' is 45; a text in quotation marks is needed",
        "  - mine.toml: claims.4 ('d'): low and high go together; give both, or neither",
        "  - mine.toml: claims: id 'males' stands twice; rename one of them",
    ]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('kind = "count"\ncount = "45,2"', "'count': is '45.2'; allowed: a whole number as printed, such as"),
        (
            'kind = "odds_ratio"\np = "small"',
            "'p': is 'small'; allowed: a P value, such as '0.004' or '<0.001'",
        ),
        (
            'kind = "odds_ratio"\nlabel = "2.29"',
            "'label': is '2.29'; allowed: a side of a cut, such as '<2.29'",
        ),
        (
            'kind = "median_range"',
            "needs at least one of median, first_quartile, third_quartile, minimum, maximum",
        ),
        ('kind = "significance"\nassociation = "yes"', "'association' is 'yes'; allowed: 'associated' or"),
        ('count = "45"', "'kind' is missing; allowed: accuracy, area, correlation, count, count_percent"),
        ('kind = "ratio"\nratio = "2.5"', "'to' is missing"),
        ('kind = "ratio"\nratio = "2.5"\nto = { levl = "x" }', "'to.levl' (did you mean 'level'?)"),
        ('kind = "sum"\nterms = ["4"]', "'terms' has 1 entry; allowed: 2 or more"),
    ],
)
def test_what_is_wrong_with_a_claim(tmp_path: Path, lines: str, words: str) -> None:
    assert words in complaint(tmp_path, f'{HEAD}[[claims]]\nid = "a"\n{lines}\n{BODY}')


def test_an_address_names_analysis_and_variable(tmp_path: Path) -> None:
    body = BODY.replace("analysis", "analyis")
    text = complaint(tmp_path, f'{HEAD}[[claims]]\nid = "a"\nkind = "count"\ncount = "1"\n{body}')
    assert "'at.analysis' is missing" in text
    assert "unknown key 'at.analyis' (did you mean 'analysis'?)" in text


@pytest.mark.parametrize("claims", ["", "claims = []\n", 'claims = "all"\n'])
def test_a_paper_without_claims(tmp_path: Path, claims: str) -> None:
    assert "begins with a line [[claims]]" in complaint(tmp_path, HEAD + claims)


RELATION = '[[relations]]\nid = "sexes"\nwhere = "Table I"\nabout = "Sex"\n'


def test_a_relation_between_claims(tmp_path: Path) -> None:
    lines = 'kind = "partition"\nparts = ["males", "18"]\nwhole = "63"\n'
    paper = load_paper(write(tmp_path, f"{HEAD}{MALES}{RELATION}{lines}"))
    assert [relation.kind for relation in paper.relations] == ["partition"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            'kind = "partition"\nparts = ["mals", "18"]\nwhole = "63"',
            "'sexes': 'parts' names no claim: 'mals'",
        ),
        ('kind = "partition"\nparts = ["45"]\nwhole = "63"', "relations.1 ('sexes'): 'parts'"),
        ('kind = "same"\nnumbers = ["males.count", "m.count"]', "'numbers' names no claim: 'm'"),
        ('kind = "sums"', "'kind' is 'sums' (did you mean 'subset'?); allowed: comparison, direction"),
    ],
)
def test_what_is_wrong_with_a_relation(tmp_path: Path, lines: str, words: str) -> None:
    assert words in complaint(tmp_path, f"{HEAD}{MALES}{RELATION}{lines}\n")


def test_a_claim_that_is_no_table(tmp_path: Path) -> None:
    text = complaint(tmp_path, f"{HEAD}claims = [45]\n")
    assert "claims.1: is 45; a table that begins with [[claims]] is needed" in text


def test_a_claim_does_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        CLAIMS["males"].count = "46"  # type: ignore[misc]


SHEET = """# id = "mine"
# title = "Mine"
# citation = "Here"
# significance_level = "0.05"
id,kind,where,about,count,percent,of,counts,p,parts,whole
patients,count,Table I,Patients,63,,,,,,
males,count_percent,Table I,Males,45,71.40,patients,,,,
sex,test,Table I,Sex,,,,33/7; 6/14,<0.001,,
sexes,partition,Table I,Sex,,,,,,males; 18,patients
"""


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_sheet_of_claims(tmp_path: Path, delimiter: str) -> None:
    text = SHEET if delimiter == "," else SHEET.replace("; ", "|").replace(",", ";").replace("|", "; ")
    if delimiter == ";":
        text = text.replace("33/7; 6/14", '"33/7; 6/14"').replace("males; 18", '"males; 18"')
    (tmp_path / "mine.csv").write_text(text, encoding="utf-8-sig")
    paper = load_paper(tmp_path / "mine.csv")
    claims = {claim.id: claim for claim in paper.claims}
    assert claims["males"].printed == "45 (71.40%)"
    assert claims["sex"].printed == "33/7, 6/14: P <0.001"
    assert [relation.model_dump()["parts"] for relation in paper.relations] == [("males", "18")]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("id,kind,", "name,sort,", "mine.csv: no row of keys; the first row needs at least id, kind, where"),
        ("count_percent", "count_percnt", "'kind' is 'count_percnt' (did you mean 'count_percent'?)"),
        ("45,71.40", "45,71,40", "unknown key"),
        ("33/7; 6/14", "33/7; 6", "each row of counts needs as many numbers as there are groups"),
        ('# title = "Mine"', "# title = Mine", "mine.csv, lines with #: not a valid TOML file"),
        ("Patients,63", "Patients,-63", "'count': is '-63'; allowed: a whole number as printed"),
    ],
)
def test_what_is_wrong_with_a_sheet(tmp_path: Path, old: str, new: str, words: str) -> None:
    (tmp_path / "mine.csv").write_text(SHEET.replace(old, new), encoding="utf-8")
    with pytest.raises(DefinitionError, match=re.escape(words)):
        load_paper(tmp_path / "mine.csv")
