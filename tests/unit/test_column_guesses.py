"""What a column is, by its heading and its cells; typed by hand."""

from __future__ import annotations

import polars as pl
import pytest

from cytopenia.readers.column_guesses import (
    count_usual,
    describe_content,
    guess_column,
    name_analyte,
    understand_word,
)
from cytopenia.readers.column_names import find_columns, find_kind, find_table, is_birth
from cytopenia.readers.unit_questions import find_better_unit


@pytest.mark.parametrize(
    ("heading", "column"),
    [
        *(
            ("Pat.-Nr.", "patient_id"),
            ("Patienten-ID", "patient_id"),
            ("MRN", "patient_id"),
            ("ID", "patient_id"),
        ),
        *(
            ("Nº de paciente", "patient_id"),
            ("Numéro patient", "patient_id"),
            ("Patiëntnummer", "patient_id"),
        ),
        *(("Abnahmedatum", "date"), ("Fecha de extracción", "date"), ("Date de prélèvement", "date")),
        *(("Data del prelievo", "date"), ("Afnamedatum", "date"), ("Date of blood draw", "date")),
        *(("day_rel_infusion", "day"), ("Tag nach Infusion", "day"), ("Uhrzeit", "time")),
        *(("Untersuchung", "analyte"), ("Ergebnis", "value"), ("Einheit", "unit"), ("Unità", "unit")),
        *(
            ("CAR-T am", "infusion_date"),
            ("Infusionsdatum", "infusion_date"),
            ("Fecha de infusión", "infusion_date"),
        ),
        *(("Date of CAR-T infusion", "infusion_date"), ("LD start", "lymphodepletion_date")),
        *(("Alter (Jahre)", "age_years"), ("Âge", "age_years"), ("Geschlecht", "sex"), ("Stadium", "stage")),
    ],
)
def test_a_heading_and_its_column(heading: str, column: str) -> None:
    assert column in {found.column for found in find_columns(heading)}


@pytest.mark.parametrize(
    "heading",
    ["Datum/Uhrzeit", "Datum / Zeit", "Date/Time", "Entnahme", "Entnahmezeitpunkt", "Abnahmezeit"],
)
def test_a_heading_of_a_time_is_the_date_where_dates_stand_under_it(heading: str) -> None:
    dated = guess_column(heading, pl.Series(["02.04.2024 07:15", "03.04.2024 08:10"]))
    assert dated.role("date", "labs") is not None
    assert dated.role("time", "labs") is None


def test_a_time_of_day_under_its_heading_stays_a_time() -> None:
    timed = guess_column("Abnahmezeit", pl.Series(["07:15", "08:10"]))
    assert (timed.role("date", "labs"), timed.role("time", "labs") is not None) == (None, True)


@pytest.mark.parametrize("heading", ["Geb.-Datum", "Geb.", "geb. am", "DOB", "Geburtsdatum", "Date of birth"])
def test_a_birth_date_is_known_and_has_no_column(heading: str) -> None:
    assert (is_birth(heading), find_columns(heading)) == (True, ())


@pytest.mark.parametrize("heading", ["PT", "Fallnummer", "Study day", "Result date", "LD", "Transplant date"])
def test_a_heading_with_other_meanings(heading: str) -> None:
    found = find_columns(heading)
    assert found
    assert not any(one.certain for one in found)


@pytest.mark.parametrize("heading", ["Remarks", "Blood group", "MCV", "Date of birth", "Geburtsdatum"])
def test_a_heading_that_is_none_of_ours(heading: str) -> None:
    assert find_columns(heading) == ()


@pytest.mark.parametrize(
    ("short", "analyte"),
    [("Leuko", "wbc"), ("Neutro", "anc"), ("Thrombo", "platelets"), ("Thrombo abs", "platelets")],
)
def test_a_short_name_of_a_laboratory_is_asked_about(short: str, analyte: str) -> None:
    """As on German and Dutch sheets: never taken for sure, never passed over."""
    found = [role for role in find_columns(short) if role.column == f"analyte:{analyte}"]
    assert [(role.table, role.certain) for role in found] == [("labs", False)]


def test_prothrombin_is_no_patient() -> None:
    assert guess_column("PT", pl.Series(["11.9", "12.4", "13.1"])).roles == ()
    doubtful = guess_column("PT", pl.Series(["1", "1", "2"])).role("patient_id")
    assert doubtful is not None
    assert not doubtful.certain


def test_lymphodepletion_and_lactate_dehydrogenase_share_two_letters() -> None:
    assert guess_column("LD", pl.Series(["210", "340", "199"])).is_wide
    dates = guess_column("LD", pl.Series(["2024-01-05", "2024-02-01"]))
    assert not dates.is_wide
    assert dates.role("lymphodepletion_date", "infusions") is not None


def test_a_column_of_texts_is_no_value() -> None:
    assert not guess_column("Ferritin", pl.Series(["high", "normal", "high"])).is_wide


def test_a_date_that_is_none() -> None:
    assert guess_column("Datum", pl.Series(["early", "late", "late"])).role("date", "labs") is None


@pytest.mark.parametrize(
    ("cells", "order"),
    [
        (["03/04/2024", "05/06/2024"], "ambiguous"),
        (["13/04/2024", "05/06/2024"], ""),
        (["13/04/2024", "05/26/2024"], "mixed"),
        (["13.04.2024", "05.06.2024"], ""),
        (["2024-04-03", "2024-06-05"], ""),
    ],
)
def test_the_order_of_day_and_month(cells: list[str], order: str) -> None:
    content = describe_content(pl.Series(cells))
    assert content.order == order
    assert content.dates == 2


def test_cells_that_may_be_read_in_two_ways() -> None:
    assert describe_content(pl.Series(["1,234", "2,345"])).doubtful == 2
    assert describe_content(pl.Series(["1,234", "0,5"])).doubtful == 0


def test_blank_cells_and_negative_days() -> None:
    content = describe_content(pl.Series(["-5", "0", "n.d.", None]))
    assert (content.rows, content.filled, content.numbers, content.whole) == (4, 2, 2, 2)


@pytest.mark.parametrize(
    ("word", "analyte"),
    [
        ("Leukozyten", "wbc"),
        ("26464-8", "wbc"),
        ("http://loinc.org|777-3", "platelets"),
        ("4548-4", None),
        ("30313-1", None),
        ("Hemoglobin A1c", None),
        ("Neutrophils %", None),
    ],
)
def test_words_of_a_column_of_analytes(word: str, analyte: str | None) -> None:
    assert name_analyte(word) == analyte


@pytest.mark.parametrize(
    ("word", "analyte"),
    [
        ("Ferritin|Blood|Chemistry", "ferritin"),
        ("Hemoglobin|Blood|Blood Gas", None),
        ("Platelets|Urine|Hematology", None),
        ("Hb (g/dL)", "hemoglobin"),
        ("ANC d7", None),
    ],
)
def test_words_with_more_than_a_name(word: str, analyte: str | None) -> None:
    assert understand_word(word) == analyte


def test_usual_values_tell_the_unit() -> None:
    # 9.1 g/dL is 91 g/L is 5.6 mmol/L; the usual range is 80 to 170 g/L.
    assert count_usual(pl.Series(["9.1", "10.4"]), "hemoglobin")["g/dL"] == 2
    assert count_usual(pl.Series(["91", "104"]), "hemoglobin") == {"g/L": 2, "g/dL": 0, "mmol/L": 0}
    assert next(iter(count_usual(pl.Series(["5.6", "6.4"]), "hemoglobin"))) == "mmol/L"


def test_a_unit_that_the_values_contradict() -> None:
    assert find_better_unit("hemoglobin", "g/dL", pl.Series(["91", "104", "88", "120", "99"])) == "g/L"
    assert find_better_unit("hemoglobin", "g/dL", pl.Series(["9.1", "10.4", "8.8", "12.0", "9.9"])) is None
    assert (
        find_better_unit("platelets", "1e9/L", pl.Series(["12000", "9000", "45000", "230000", "150000"]))
        == "/uL"
    )


def test_deep_neutropenia_is_no_wrong_unit() -> None:
    assert find_better_unit("anc", "1e9/L", pl.Series(["0.0", "0.1", "0.02", "0.0", "0.2", "0.05"])) is None


@pytest.mark.parametrize(
    ("table", "word", "kind"),
    [
        ("support", "Filgrastim", "gcsf"),
        ("support", "lipegfilgrastim", "gcsf"),
        ("support", "EK", "rbc_transfusion"),
        ("support", "Concentré plaquettaire", "platelet_transfusion"),
        ("support", "Eltrombopag", "tpo_ra"),
        ("support", "FFP", None),
        ("events", "CRS", "crs"),
        ("events", "Verstorben", "death"),
        ("events", "Neurotoxicity", None),
        ("responses", "Complete remission", "CR"),
    ],
)
def test_words_of_kinds(table: str, word: str, kind: str | None) -> None:
    assert find_kind(table, word) == kind


def test_names_of_sheets() -> None:
    assert [find_table(name) for name in ("Labor", "Patienten", "CAR-T", "Transfusionen", "Sheet1")] == [
        "labs",
        "patients",
        "infusions",
        "support",
        None,
    ]
