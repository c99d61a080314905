"""Published cohorts as data: the numerators by hand, what is not given, and every fault of a file at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from cytopenia.definition_forms import GradesDefinition
from cytopenia.definitions import load_library
from cytopenia.errors import DefinitionError
from cytopenia.published.cohorts import (
    find_incidence,
    list_incidences,
    list_left_out,
    load_cohorts,
    read_cohorts,
    share_patients,
)

LIBRARY = load_library()
HEAD = 'id = "mine"\nname = "Mine"\ncitation = "Here"\ndisease = "lymphoma"\nproduct = "any"\n'
BODY = """
[[incidences]]
id = "severe"
lineage = "neutropenia"
definition = "neutrophils below 1.0"
window = "day 28"
who = "63 patients"
among = "treated"
deaths = "kept"
denominator = "63"
numerator = "48"
percent = "76.19"
evidence = "paper"
source = "Table I"
"""


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


def complaint(folder: Path, **files: str) -> str:
    with pytest.raises(DefinitionError, match=r"^the published cohorts are wrong") as raised:
        read_cohorts(write(folder, **files))
    return str(raised.value)


@pytest.mark.parametrize(
    ("address", "count"),
    [
        ("qiu_2023.severe_neutropenia", 48),
        ("qiu_2023.severe_anemia", 16),
        ("qiu_2023.severe_thrombocytopenia", 15),
        ("qiu_2023.not_recovered_day_28", 21),
        ("rejeski_2021.late_neutropenia", 151),
        ("rejeski_2021.neutropenia_14_days", 67),
        ("logue_2021.neutropenia_day_30", 21),
        ("logue_2021.neutropenia_year_1", 3),
        ("fred_hutch_ebmt_2024.early_icaht_severe", 47 + 30),
        ("fred_hutch_asco_2024.early_icaht_severe", 60 + 35),
        ("nair_2025.icaht_severe", 83),
        ("rejeski_icaht.early_icaht_severe", 125),
    ],
)
def test_counts_that_the_source_states(address: str, count: int) -> None:
    found = find_incidence(address).counted
    assert (found.count, found.origin) == (count, "stated")


@pytest.mark.parametrize(
    ("address", "count"),
    [
        ("zuma_1.cytopenia_day_30", 41),  # 41/108 = 37.96; 40 and 42 are 37.04 and 38.89
        ("zuma_1.neutropenia_day_30", 28),
        ("zuma_1.anemia_day_30", 11),
        ("zuma_1.thrombocytopenia_day_30", 26),
        ("zuma_1.neutropenia_month_3", 12),
        ("zuma_1.anemia_month_3", 3),
        ("zuma_1.thrombocytopenia_month_3", 8),
        ("juliet.label_thrombocytopenia_day_28", 42),
        ("juliet.review_neutropenia_day_28", 27),
        ("eliana.neutropenia_day_28", 21),
        ("eliana.thrombocytopenia_day_28", 14),
        ("eliana.neutropenia_day_56", 9),
        ("eliana.thrombocytopenia_day_56", 6),
        ("eliana.febrile_neutropenia", 25),
        ("zuma_3.neutropenia_day_30", 9),
        ("karmma.febrile_neutropenia", 20),
        ("cartitude_1.severe_neutropenia", 92),
        ("cartitude_1.severe_anemia", 66),
        ("cartitude_1.severe_thrombocytopenia", 58),
        ("fried_2019.late_neutropenia", 22),
        ("fried_2019.late_severe_neutropenia", 10),
        ("fried_2019.late_severe_thrombocytopenia", 6),
        ("nagle_2021.late_neutropenia", 18),
        ("nagle_2021.late_thrombocytopenia", 15),
        ("brudno_2022.late_neutropenia", 13),
        ("brudno_2022.late_thrombocytopenia", 4),
        ("brudno_2022.late_anemia", 2),
        ("brudno_2022.bcma_late_neutropenia", 2),
        ("brudno_2022.bcma_late_thrombocytopenia", 3),
        ("wang_2021.cytopenia_day_28", 19),
        ("strati_2021.neutropenia_day_30", 9),
        ("strati_2021.thrombocytopenia_day_30", 13),
        ("strati_2021.anemia_day_30", 5),
        ("rejeski_icaht_mcl.early_icaht_severe", 29),
        ("rejeski_icaht_mm.early_icaht_severe", 17),
        ("ide_cel_practice_2022.cytopenia_day_7", 49),
        ("ide_cel_practice_2022.cytopenia_day_30", 34),
        ("ide_cel_practice_2022.cytopenia_day_90", 19),
    ],
)
def test_counts_that_alone_round_to_the_percentage(address: str, count: int) -> None:
    found = find_incidence(address).counted
    assert (found.count, found.origin) == (count, "unique")


@pytest.mark.parametrize(
    ("address", "origin", "words"),
    [
        # 35/111 = 31.53 and 36/111 = 32.43
        ("juliet.review_cytopenia_day_28", "several", "35 and 36 of 111 both round to 32%"),
        # 26/106 = 24.53 and 27/106 = 25.47
        ("juliet.label_neutropenia_day_28", "several", "26 and 27 of 106 both round to 25%"),
        ("transcend.cytopenia_day_29", "several", "99 and 100 of 269 both round to 37%"),
        ("rejeski_icaht_lbcl.early_icaht_severe", "several", "76 to 78 of 334 all round to 23%"),
        # 27/38 = 71.05 and 28/38 = 73.68; 10/38 = 26.32 and 11/38 = 28.95
        ("fried_2019.severe_neutropenia", "none", "no count of 38 rounds to 72%"),
        ("fried_2019.severe_thrombocytopenia", "none", "no count of 38 rounds to 28%"),
        # 16/39 = 41.03 and 17/39 = 43.59
        ("hockings_2020.cytopenia_day_28", "none", "no count of 39 rounds to 43%"),
        # 15/78 = 19.23 and 16/78 = 20.51
        ("zuma_3.cytopenia_day_30", "none", "no count of 78 rounds to 20%"),
        ("zuma_1.severe_neutropenia", "doubted", "111 patients were enrolled and 101 infused"),
    ],
)
def test_percentages_without_one_count(address: str, origin: str, words: str) -> None:
    found = find_incidence(address).counted
    assert (found.count, found.origin) == (None, origin)
    assert words in found.words


def test_the_words_of_counts_that_are_known() -> None:
    assert find_incidence("qiu_2023.severe_anemia").counted.words == "stated in the source"
    words = "the only count of 31 that rounds to 58%"
    assert find_incidence("nagle_2021.late_neutropenia").counted.words == words


def test_what_may_not_be_used_is_not_there() -> None:
    addresses = {item.address for item in list_incidences()}
    assert not {one for one in addresses if one.startswith("transcend")} - {"transcend.cytopenia_day_29"}
    assert not {one for one in addresses if one.startswith("juliet") and not one.endswith("day_28")}
    told = {item.name for item in list_left_out()}
    assert {"TRANSCEND, by lineage", "JULIET, three months", "Cordeiro 2020", "KarMMa-3"} <= told


@pytest.mark.parametrize(
    ("first", "second", "shares"),
    [
        ("fred_hutch_ebmt_2024", "fred_hutch_asco_2024", True),
        ("zuma_1", "strati_2021", True),  # said in one file only
        ("strati_2021", "zuma_1", True),
        ("juliet", "juliet", True),
        ("rejeski_icaht_mcl", "rejeski_icaht_mm", False),
        ("rejeski_icaht", "rejeski_icaht_mm", True),
        ("nagle_2021", "brudno_2022", False),
    ],
)
def test_who_shares_patients(first: str, second: str, shares: bool) -> None:
    cohorts = load_cohorts()
    assert share_patients(cohorts[first], cohorts[second]) is shares


@pytest.mark.parametrize("item", list_incidences(), ids=lambda item: item.address)
def test_every_definition_exists_and_reaches_the_grade(item) -> None:
    for address in item.incidence.graded_by:
        definition = LIBRARY.find(address)
        if isinstance(definition, GradesDefinition):
            (part,) = LIBRARY.find_parts(address).values()
            assert item.incidence.min_grade in {rule.grade for rule in part.lab_rules}
            assert (part.own_window is None) == (item.incidence.days is not None)


def test_incidences_of_one_question_ask_the_same() -> None:
    """The same cuts, days and grade; early ICAHT in two ways of counting days is one definition."""
    asked: dict[str, set[str]] = {}
    for item in list_incidences():
        one = item.incidence
        rules = [
            (part.analyte, [(rule.grade, rule.cut) for rule in part.lab_rules], part.own_window or one.days)
            for address in one.graded_by
            if isinstance(LIBRARY.find(address), GradesDefinition)
            for part in LIBRARY.find_parts(address).values()
        ]
        asked.setdefault(one.question or item.address, set()).add(str((rules, one.min_grade)))
    assert {name: len(rules) for name, rules in asked.items()} == dict.fromkeys(asked, 1)
    counted = [item.incidence.question for item in list_incidences()]
    assert counted.count("early_icaht_severe") == 6
    assert counted.count("neutropenia_1_0_after_day_30") == 3


def test_a_right_file(tmp_path: Path) -> None:
    (cohort,) = read_cohorts(write(tmp_path, mine=HEAD + BODY)).values()
    assert (cohort.name, cohort.incidences[0].counted.count) == ("Mine", 48)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('numerator = "48"', 'numerator = "64"', "numerator 64 is more than the denominator 63"),
        ('percent = "76.19"', 'percent = "77.19"', "48 of 63 does not print as 77.19%"),
        ('numerator = "48"\npercent = "76.19"\n', "", "needs a numerator or a percent"),
        ('denominator = "63"', 'denominator = "0"', "denominator 0: nobody"),
        ('deaths = "kept"', 'deaths = "gone"', "'incidences.1.deaths' is 'gone'"),
        ('window = "day 28"', 'window = "day 28"\nmin_grade = 3', "min_grade goes with graded_by"),
        (
            'window = "day 28"',
            'window = "day 28"\ngraded_by = ["ctcae_v4.anemia"]',
            "graded_by needs a question",
        ),
        ('window = "day 28"', 'window = "day 28"\ndays = [28, 0]', "days [28, 0] must rise"),
        ('percent = "76.19"', 'percent = "about 76"', "a number as printed"),
        ('numerator = "48"\npercent = "76.19"', 'percent = "176"', "percent is 176; allowed: 0 to 100"),
        ('id = "mine"', 'id = "yours"', "id is 'yours', but the file is mine.toml"),
        ('product = "any"', 'product = "any"\nshares_patients_with = ["other"]', "names no cohort: 'other'"),
    ],
)
def test_faults_of_a_file(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = HEAD + BODY
    assert old in text
    assert words in complaint(tmp_path, mine=text.replace(old, new, 1))


def test_all_faults_of_one_incidence_at_once(tmp_path: Path) -> None:
    text = (HEAD + BODY).replace('numerator = "48"', 'numerator = "64"')
    told = complaint(tmp_path, mine=text.replace('deaths = "kept"', 'deaths = "gone"\nmin_grade = 3'))
    assert "numerator 64 is more than the denominator 63" in told
    assert "'incidences.1.deaths' is 'gone'" in told
    assert "min_grade goes with graded_by" in told


def test_an_id_that_stands_twice(tmp_path: Path) -> None:
    assert "id 'severe' stands twice" in complaint(tmp_path, mine=HEAD + BODY + BODY)


def test_all_faults_of_all_files_at_once(tmp_path: Path) -> None:
    broken = (HEAD + BODY).replace('numerator = "48"', 'numerator = "64"')
    other = HEAD.replace("mine", "other") + BODY.replace('denominator = "63"', 'denominator = "0"')
    told = complaint(tmp_path, mine=broken, other=other)
    assert "mine.toml" in told
    assert "other.toml" in told


def test_unknown_addresses_suggest_the_nearest() -> None:
    with pytest.raises(
        DefinitionError, match=r"unknown.*'qiu_2023\.severe_anaemia'.*qiu_2023\.severe_anemia"
    ):
        find_incidence("qiu_2023.severe_anaemia")
