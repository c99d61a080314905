"""How files are read is corrected in the app: every choice becomes a line, and nothing else changes."""

from __future__ import annotations

import tomllib
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from app_forms import FormPage, name_of
from app_server import RunningApp, Visitor, run_app

# Synthetic: invented patients; 31337 and 0.0713 are values that no page may show.
WIDE = """Pat.-Nr.;Abnahme;Hb;Neutros (G/L);PLT (g/L)
P1;2024-01-12;9.1;31337;45
P1;2024-01-20;10.4;1.9;90
P2;2024-02-05;8.2;0.0713;12
"""
LONG = """MRN,Collected,Test,Result,Units
A1,03/04/2024,Hgb,82,
A1,05/06/2024,Platelet Count,40,10^3/uL
A2,07/08/2024,Neutrophils abs. auto,"1,234",Gpt/l
A2,07/08/2024,Platelet Count,31,strange
A2,07/08/2024,Sodium,140,mmol/L
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningApp]:
    with run_app(tmp_path_factory.mktemp("studies")) as app:
        yield app


@pytest.fixture
def visitor(running: RunningApp) -> Visitor:
    return running.visit()


def bring(visitor: Visitor, study: str, **files: str | bytes) -> str:
    """Make a study and bring files; returns the address of its page of the mapping."""
    assert visitor.send_form("/studies", name=study, kind="empty").status == 303
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        file = name.replace("__", ".")
        assert visitor.upload(f"/studies/{study}/files/{file}", data).status == 201
    return f"/studies/{study}/mapping"


def open_form(visitor: Visitor, path: str) -> FormPage:
    reply = visitor.ask("GET", path)
    assert reply.status == 200, reply.text
    return FormPage(reply)


def read_data(running: RunningApp, study: str) -> dict[str, Any]:
    return tomllib.loads((running.folder / study / "study.toml").read_text("utf-8"))["data"]


def test_the_proposal_stands_in_the_controls_with_its_evidence(visitor: Visitor) -> None:
    page = open_form(visitor, bring(visitor, "shown", export__csv=WIDE))
    assert page.find("becomes", "labs", "columns", "Pat.-Nr.").chosen == "column:patient_id"
    assert page.find("becomes", "labs", "columns", "Abnahme").chosen == "column:date"
    assert page.find("becomes", "labs", "columns", "Neutros (G/L)").chosen == "measure:anc"
    assert page.find("unit", "labs", "wide", "Neutros (G/L)").chosen == "G/L"
    hemoglobin = page.find("unit", "labs", "wide", "Hb")
    assert (hemoglobin.chosen, hemoglobin.words[0]) == ("?", "not answered")
    assert hemoglobin.options[1:4] == ["g/L", "g/dL", "gm/dL"]
    assert "Cannot be told from the values: " in page.reply.text
    assert page.boxes["settled"][0].startswith("labs: the unit of 'Hb' is not stated")
    assert "31337" not in page.reply.text
    assert "0.0713" not in page.reply.text


def test_a_chosen_unit_answers_its_question_and_the_rest_of_the_study_file_stays(
    running: RunningApp, visitor: Visitor
) -> None:
    path = bring(visitor, "taken", export__csv=WIDE)
    file = running.folder / "taken" / "study.toml"
    before = file.read_text("utf-8").replace('title = "Cyto', 'title = "Mine: cyto')
    before += "\n# Our own remark.\n[outcomes.mine]\ntitle = 'Late'\nany_of = ['severe_anemia']\n"
    file.write_text(before, encoding="utf-8")
    page = open_form(visitor, path)
    chosen = {
        name_of("unit", "labs", "wide", "Hb"): "g/dL",
        name_of("unit", "labs", "wide", "PLT (g/L)"): "10^9/L",
        name_of("set", "", "", "day_zero"): "first",
    }
    reply = page.send(visitor, path, "take", **chosen)
    assert (reply.status, reply.headers.get("location")) == (303, "/studies/taken#data")
    written = file.read_text("utf-8")
    assert read_data(running, "taken") == {
        "day_zero": "first",
        "folder": ".",
        "labs": {
            "file": "export.csv",
            "separator": ";",
            "columns": {"patient_id": "Pat.-Nr.", "date": "Abnahme"},
            "wide": {
                "anc": {"column": "Neutros (G/L)", "unit": "G/L"},
                "platelets": {"column": "PLT (g/L)", "unit": "10^9/L"},
                "hemoglobin": {"column": "Hb", "unit": "g/dL"},
            },
        },
    }
    head, tail = before.partition("[data]")[0], before[before.index("[cohort]") :]
    assert written.startswith(head)
    assert written.endswith(tail)
    assert "No run starts while" not in written
    overview = visitor.ask("GET", "/studies/taken").text
    assert "Next: check the data, below; then run the study." in overview
    assert "look at how the files here could be read" not in overview


def test_what_was_chosen_before_a_change_elsewhere_is_given_back(
    running: RunningApp, visitor: Visitor
) -> None:
    path = bring(visitor, "elsewhere", export__csv=WIDE)
    page = open_form(visitor, path)
    file = running.folder / "elsewhere" / "study.toml"
    changed = file.read_text("utf-8").replace('folder = "."', 'folder = "."  # <their> remark')
    changed += "# from an editor\n"
    file.write_text(changed, encoding="utf-8")
    typed = page.texts["text"].replace("[data.labs]\n", "[data.labs]\n# typed by me\n")
    unit = name_of("unit", "labs", "wide", "Hb")
    reply = page.send(visitor, path, "take", text=typed, **{unit: "g/dL"})
    assert reply.status == 409
    assert "Nothing was overwritten" in reply.text
    assert "&lt;their&gt; remark" in reply.text
    assert file.read_text("utf-8") == changed
    given = FormPage(reply)
    assert given.find("unit", "labs", "wide", "Hb").chosen == "g/dL"
    assert "# typed by me" in given.texts["text"]
    assert given.send(visitor, path, "take", text=given.texts["text"]).status == 303
    written = file.read_text("utf-8")
    assert "# typed by me" in written
    assert written.endswith("# from an editor\n")
    assert read_data(running, "elsewhere")["labs"]["wide"]["hemoglobin"] == {"column": "Hb", "unit": "g/dL"}


@pytest.mark.parametrize(
    ("study", "content", "status"), [("no-file", b"x = [", 409), ("no-study", b'[study]\ntitle = "A"\n', 409)]
)
def test_what_cannot_be_taken_over_is_given_back(
    running: RunningApp, visitor: Visitor, study: str, content: bytes, status: int
) -> None:
    path = bring(visitor, study, export__csv=WIDE)
    page = open_form(visitor, path)
    file = running.folder / study / "study.toml"
    file.write_bytes(content)
    typed = page.texts["text"] + "# typed by me\n"
    reply = page.send(visitor, path, "take", text=typed)
    assert reply.status == status
    # The rest of the file is wrong, which this page cannot mend: told, and nothing that was typed is lost.
    again = FormPage(reply)
    reply = again.send(visitor, path, "take", text=again.texts["text"])
    assert reply.status == 422
    assert "study.toml" in reply.text
    assert "What you chose stands below and is not written." in reply.text
    assert "# typed by me" in FormPage(reply).texts["text"]
    assert file.read_bytes() == content


def test_two_columns_for_one_thing_are_refused_and_the_choices_stay(
    running: RunningApp, visitor: Visitor
) -> None:
    path = bring(visitor, "doubled", export__csv=WIDE)
    before = (running.folder / "doubled" / "study.toml").read_bytes()
    chosen = {name_of("becomes", "labs", "columns", "Neutros (G/L)"): "column:date"}
    reply = open_form(visitor, path).send(visitor, path, "take", **chosen)
    assert reply.status == 422
    page = FormPage(reply)
    assert "labs: &#39;Abnahme&#39; and &#39;Neutros (G/L)&#39; both become date; choose one." in reply.text
    assert page.find("becomes", "labs", "columns", "Neutros (G/L)").chosen == "column:date"
    assert (running.folder / "doubled" / "study.toml").read_bytes() == before
    moved = {name_of("becomes", "labs", "columns", "Abnahme"): ""}
    assert page.send(visitor, path, "take", **moved).status == 303
    labs = read_data(running, "doubled")["labs"]
    assert labs["columns"] == {"patient_id": "Pat.-Nr.", "date": "Neutros (G/L)"}
    assert "anc" not in labs["wide"]


def test_another_analyte_needs_a_unit_of_its_own(running: RunningApp, visitor: Visitor) -> None:
    path = bring(visitor, "other", export__csv=WIDE)
    chosen = {name_of("becomes", "labs", "columns", "Neutros (G/L)"): "measure:crp"}
    reply = open_form(visitor, path).send(visitor, path, "take", **chosen)
    assert reply.status == 422
    assert (
        "choose the unit of &#39;Neutros (G/L)&#39;, which becomes crp: G/L is none of its units"
        in reply.text
    )
    page = FormPage(reply)
    assert page.find("unit", "labs", "wide", "Neutros (G/L)").options == ["", "mg/L", "ug/mL", "mg/dL"]
    answer = {name_of("unit", "labs", "wide", "Neutros (G/L)"): "mg/dL"}
    assert page.send(visitor, path, "take", **answer).status == 303
    wide = read_data(running, "other")["labs"]["wide"]
    assert wide["crp"] == {"column": "Neutros (G/L)", "unit": "mg/dL"}
    assert "anc" not in wide


def test_text_and_choices_are_taken_together(running: RunningApp, visitor: Visitor) -> None:
    path = bring(visitor, "both", export__csv=WIDE)
    page = open_form(visitor, path)
    typed = page.texts["text"].replace("[data.labs]\n", '[data.labs]\nkeep_codes = ["Hb"]\n')
    typed = typed.replace('unit = "G/L"', 'unit = "K/uL"')
    chosen = {name_of("set", "labs", "", "decimal"): ".", name_of("unit", "labs", "wide", "Hb"): "g/L"}
    assert page.send(visitor, path, "take", text=typed, **chosen).status == 303
    labs = read_data(running, "both")["labs"]
    assert (labs["keep_codes"], labs["decimal"]) == (["Hb"], ".")
    assert labs["wide"]["anc"]["unit"] == "K/uL"
    assert labs["wide"]["hemoglobin"]["unit"] == "g/L"


@pytest.mark.parametrize(
    ("study", "typed", "told"),
    [
        ("no-toml", "[data]\nfolder = \n", "[data]: not a valid TOML file"),
        ("more", '[data]\nfolder = "."\n[study]\ntitle = "x"\n', "holds more than [data]"),
        ("misspelled", '[data.labs]\ncolums = { day = "x" }\n', "did you mean"),
    ],
)
def test_a_text_that_is_wrong_comes_back_as_it_was_typed(
    running: RunningApp, visitor: Visitor, study: str, typed: str, told: str
) -> None:
    path = bring(visitor, study, export__csv=WIDE)
    before = (running.folder / study / "study.toml").read_bytes()
    reply = open_form(visitor, path).send(visitor, path, "take", text=typed)
    assert reply.status == 422
    assert told in reply.text
    assert FormPage(reply).texts["text"] == typed
    assert (running.folder / study / "study.toml").read_bytes() == before


def test_words_units_and_dates_of_a_long_table(running: RunningApp, visitor: Visitor) -> None:
    path = bring(visitor, "long", lis__csv=LONG)
    page = open_form(visitor, path)
    order = page.find("set", "labs", "", "date_format")
    assert (order.chosen, order.words[2:4]) == ("?", ["as in 31/01/2024", "as in 01/31/2024"])
    assert page.find("set", "labs", "", "decimal").chosen == "?"
    assert page.find("set", "labs", "default_units", "hemoglobin").chosen == "?"
    assert page.find("set", "labs", "analytes", "Neutrophils abs. auto").chosen == "?"
    assert page.find("set", "labs", "analytes", "Sodium").words[0] == "not used"
    assert page.find("set", "labs", "analytes", "Platelet Count").words[0] == "as it stands: platelets"
    assert page.find("set", "labs", "units", "strange").chosen == "?"
    assert len(page.boxes["settled"]) == 5
    chosen = {
        name_of("set", "labs", "", "date_format"): "%m/%d/%Y",
        name_of("set", "labs", "", "decimal"): ",",
        name_of("set", "labs", "default_units", "hemoglobin"): "g/dL",
        name_of("set", "labs", "analytes", "Neutrophils abs. auto"): "anc",
        name_of("set", "labs", "units", "strange"): "10^9/L",
        name_of("set", "", "", "day_zero"): "first",
    }
    assert page.send(visitor, path, "take", **chosen).status == 303
    data = read_data(running, "long")
    assert "questions" not in data
    labs = data["labs"]
    assert (labs["date_format"], labs["decimal"]) == ("%m/%d/%Y", ",")
    assert labs["default_units"] == {"hemoglobin": "g/dL"}
    assert labs["analytes"] == {"Neutrophils abs. auto": "anc"}
    assert labs["units"] == {"strange": "10^9/L"}


def test_a_damaged_file_is_named_beside_the_others(visitor: Visitor) -> None:
    path = bring(visitor, "damaged", broken__xlsx=b"no workbook here", export__csv=WIDE)
    page = open_form(visitor, path)
    assert "Not read: broken.xlsx: " in page.reply.text
    assert page.find("becomes", "labs", "columns", "Abnahme").chosen == "column:date"


def test_a_column_of_labs_is_chosen_as_the_infusion_date(running: RunningApp, visitor: Visitor) -> None:
    rows = "P1,2024-01-17,2024-01-10,0.2\nP1,2024-01-18,,0.4\nP2,2024-02-12,2024-02-11,0.9\n"
    path = bring(visitor, "infused", export__csv=f"Pat.-Nr.,Abnahme,Zellgabe,ANC (G/L)\n{rows}")
    page = open_form(visitor, path)
    infused = ("becomes", "labs", "columns", "Zellgabe")
    assert "infusions:infusion_date" in page.find(*infused).options
    assert "infusions:infusion_date" not in page.find("becomes", "labs", "columns", "ANC (G/L)").options
    chosen = {name_of(*infused): "infusions:infusion_date", name_of("set", "", "", "day_zero"): "first"}
    assert page.send(visitor, path, "take", **chosen).status == 303
    data = read_data(running, "infused")
    assert data["infusions"] == {
        "file": "export.csv",
        "columns": {"patient_id": "Pat.-Nr.", "infusion_date": "Zellgabe"},
    }
    assert "day_zero" not in data
    page = open_form(visitor, path)
    assert page.find(*infused).chosen == "infusions:infusion_date"
    assert page.send(visitor, path, "take", **{name_of(*infused): ""}).status == 303
    assert "infusions" not in read_data(running, "infused")


def test_a_question_without_a_choice_is_declared_settled(running: RunningApp, visitor: Visitor) -> None:
    path = bring(visitor, "settled", export__csv=WIDE)
    page = open_form(visitor, path)
    asked = page.boxes["settled"]
    assert page.send(visitor, path, "take", settled=(asked[0],)).status == 303
    left = read_data(running, "settled").get("questions", [])
    assert left == asked[1:]
    assert "hemoglobin" not in read_data(running, "settled")["labs"]["wide"]


def test_questions_that_stay_open_stop_the_check(visitor: Visitor) -> None:
    path = bring(visitor, "open", export__csv=WIDE)
    assert open_form(visitor, path).send(visitor, path, "take").status == 303
    reply = visitor.send_form("/studies/open/check")
    assert reply.status == 422
    assert "Questions of the mapping are open" in reply.text


def test_a_mapping_is_corrected_later_and_only_its_line_changes(
    running: RunningApp, visitor: Visitor
) -> None:
    path = bring(visitor, "later", export__csv=WIDE)
    own = (
        "[data]\n# written by us\nday_zero = 'first'\n[data.labs]\nfile = 'export.csv' # from the ward\n"
        "separator = ';'\ncolumns = { patient_id = 'Pat.-Nr.', date = 'Abnahme' }\n"
        "[data.labs.wide]\nhemoglobin = { column = 'Hb', unit = 'g/L' }\n"
        "platelets = { column = 'PLT (g/L)', unit = 'G/L' } # a slip in the heading\n"
    )
    file = running.folder / "later" / "study.toml"
    text = file.read_text("utf-8")
    file.write_text(
        text.partition("[data]")[0] + own + "\n" + text[text.index("[cohort]") :], encoding="utf-8"
    )
    assert 'href="/studies/later/mapping"' in visitor.ask("GET", "/studies/later").text
    page = open_form(visitor, path)
    assert page.find("unit", "labs", "wide", "Hb").chosen == "g/L"
    assert page.find("becomes", "labs", "columns", "Neutros (G/L)").chosen == ""
    chosen = {name_of("unit", "labs", "wide", "Hb"): "g/dL"}
    assert page.send(visitor, path, "take", **chosen).status == 303
    changed = [line for line in file.read_text("utf-8").splitlines() if line not in (text + own).splitlines()]
    assert changed == ['hemoglobin = {column = "Hb", unit = "g/dL"} # chosen by hand']


def test_what_a_mapping_would_give_is_shown_before_it_is_written(
    running: RunningApp, visitor: Visitor
) -> None:
    path = bring(visitor, "ahead", export__csv=WIDE)
    before = (running.folder / "ahead" / "study.toml").read_bytes()
    chosen = {
        name_of("unit", "labs", "wide", "Hb"): "g/dL",
        name_of("unit", "labs", "wide", "PLT (g/L)"): "G/L",
        name_of("set", "", "", "day_zero"): "first",
    }
    reply = open_form(visitor, path).send(visitor, path, "show", **chosen)
    assert reply.status == 200
    assert "What this would give" in reply.text
    assert "× 10 to g/L" in reply.text
    assert "the value is outside the plausible range of anc in 1 of 9 rows" in reply.text
    assert "31337" not in reply.text
    assert (running.folder / "ahead" / "study.toml").read_bytes() == before
    page = FormPage(reply)
    assert page.boxes == {}
    assert page.send(visitor, path, "take").status == 303
    assert read_data(running, "ahead")["labs"]["wide"]["hemoglobin"]["unit"] == "g/dL"


def test_columns_of_one_day_each_are_chosen_by_their_pattern(running: RunningApp, visitor: Visitor) -> None:
    days = "ID,ANC_d0,ANC_d7,PLT d0 (G/L),PLT d7 (G/L)\nP1,2.1,0.4,150,40\nP2,1.1,0.3,110,30\n"
    path = bring(visitor, "days", days__csv=days)
    page = open_form(visitor, path)
    assert page.find("unit", "labs", "days", "ANC_d{day}").chosen == "?"
    chosen = {name_of("unit", "labs", "days", "ANC_d{day}"): "G/L"}
    assert page.send(visitor, path, "take", **chosen).status == 303
    data = read_data(running, "days")
    assert data["labs"]["days"]["ANC_d{day}"] == {"analyte": "anc", "unit": "G/L"}
    assert "questions" not in data


def test_words_of_support_are_chosen(running: RunningApp, visitor: Visitor) -> None:
    given = "ID,Start,Treatment\nP1,2024-01-12,Filgrastim\nP1,2024-01-13,Elixir X\nP2,2024-01-14,Filgrastim\n"
    path = bring(visitor, "words", export__csv=WIDE, therapy__csv=given)
    page = open_form(visitor, path)
    word = page.find("set", "support", "kinds", "Elixir X")
    assert (word.chosen, word.options[2:4]) == ("?", ["gcsf", "rbc_transfusion"])
    chosen = {name_of("set", "support", "kinds", "Elixir X"): "tpo_ra"}
    assert page.send(visitor, path, "take", **chosen).status == 303
    assert read_data(running, "words")["support"]["kinds"]["Elixir X"] == "tpo_ra"


def test_a_heading_may_hold_anything(running: RunningApp, visitor: Visitor) -> None:
    heading = 'Hb <script>alert(1)</script> "x" [g/dL]'
    quoted = heading.replace('"', '""')
    odd = f'ID,Day,"{quoted}",ANC (G/L)\nP1,0,9.1,2\nP1,7,8.2,1\nP2,0,7.9,1\n'
    path = bring(visitor, "odd", export__csv=odd)
    page = open_form(visitor, path)
    assert "<script>alert" not in page.reply.text
    assert page.find("becomes", "labs", "columns", heading).chosen == "measure:hemoglobin"
    unit = {name_of("unit", "labs", "wide", heading): "g/dL"}
    assert page.send(visitor, path, "take", **unit).status == 303
    assert read_data(running, "odd")["labs"]["wide"]["hemoglobin"] == {"column": heading, "unit": "g/dL"}


def test_a_study_without_files_has_nothing_to_propose(visitor: Visitor) -> None:
    path = bring(visitor, "bare")
    assert visitor.ask("GET", f"{path}?from=files").status == 409
    assert visitor.ask("GET", path).status == 200


def test_values_of_a_control_that_were_never_offered_change_nothing(
    running: RunningApp, visitor: Visitor
) -> None:
    path = bring(visitor, "forged", export__csv=WIDE)
    page = open_form(visitor, path)
    chosen = {
        name_of("becomes", "labs", "columns", "Abnahme"): "column:nonsense",
        name_of("set", "labs", "", "decimal"): ";",
    }
    assert page.send(visitor, path, "take", **chosen).status == 303
    labs = read_data(running, "forged")["labs"]
    assert labs["columns"]["date"] == "Abnahme"
    assert "decimal" not in labs


def test_nothing_of_another_study_can_be_named(running: RunningApp, visitor: Visitor) -> None:
    path = bring(visitor, "inside", export__csv=WIDE)
    (running.folder / "secret.csv").write_text("patient_id,day,anc\nS,0,31337\n", encoding="utf-8")
    typed = '[data.labs]\nfile = "../secret.csv"\n'
    reply = open_form(visitor, path).send(visitor, path, "show", text=typed)
    assert reply.status == 422
    assert "31337" not in reply.text
    assert Path(running.folder / "secret.csv").is_file()


def test_a_unit_against_its_heading_says_what_the_heading_means(
    running: RunningApp, visitor: Visitor
) -> None:
    counts = "ID,Day,Hb (g/L),ANC (G/L)\nP1,0,9.1,2\nP1,7,8.2,1\nP2,0,7.9,1\n"
    path = bring(visitor, "against", export__csv=counts)
    unit = name_of("unit", "labs", "wide", "Hb (g/L)")
    assert open_form(visitor, path).send(visitor, path, "take", **{unit: "g/dL"}).status == 303
    labs = read_data(running, "against")["labs"]
    assert labs["wide"]["hemoglobin"]["unit"] == "g/dL"
    assert labs["units"] == {"g/L": "g/dL"}
    assert visitor.send_form("/studies/against/check").status == 303
    page = visitor.ask("GET", "/studies/against/check").text
    assert "× 10 to g/L" in page
    assert "which never occurs" not in page
    # Back to what the heading says: the line on the heading goes, or the reader would refuse.
    back = open_form(visitor, path).send(visitor, path, "show", **{unit: "g/L"})
    assert back.status == 200
    assert FormPage(back).send(visitor, path, "take").status == 303
    labs = read_data(running, "against")["labs"]
    assert labs["wide"]["hemoglobin"]["unit"] == "g/L"
    assert labs.get("units", {}) == {}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"shown": "[data]\nx = " + "[" * 3000, "text": "[data]\n", "take": "1"},
        {"shown": "data = 3\n", "text": "data = 3\n", "show": "1"},
        {"shown": "[data.labs]\nfill_down = 3\nwide = 'x'\n", "text": "[data]\n", "take": "1"},
        {"shown": "[data]\n", "text": "[data]\nquestions = 3\n", "take": "1", "version": "0"},
    ],
)
def test_a_form_that_no_page_made_is_refused_in_words(
    running: RunningApp, visitor: Visitor, fields: dict[str, str]
) -> None:
    study = "made-up"
    if not (running.folder / study).exists():
        bring(visitor, study, export__csv=WIDE)
    before = (running.folder / study / "study.toml").read_bytes()
    reply = visitor.send_form(f"/studies/{study}/mapping", **fields)
    assert reply.status in {409, 422} or (not fields and reply.status == 200)
    assert "defect" not in reply.text
    assert (running.folder / study / "study.toml").read_bytes() == before


def test_columns_that_need_no_line_get_one_once_another_is_corrected(
    running: RunningApp, visitor: Visitor
) -> None:
    labs = "patient_id,day,ANC (10^9/L),Hb (g/L),PLT (10^9/L)\nP1,0,2.1,9.1,150\nP1,7,0.4,8.2,40\n"
    path = bring(visitor, "known", labs__csv=labs)
    page = open_form(visitor, path)
    assert page.find("becomes", "labs", "columns", "Hb (g/L)").chosen == "measure:hemoglobin"
    assert page.find("unit", "labs", "wide", "PLT (10^9/L)").chosen == "10^9/L"
    assert "" not in page.find("becomes", "labs", "columns", "patient_id").options
    unit = {name_of("unit", "labs", "wide", "Hb (g/L)"): "g/dL"}
    assert page.send(visitor, path, "take", **unit).status == 303
    assert read_data(running, "known") == {
        "folder": ".",
        "labs": {
            "wide": {
                "hemoglobin": {"column": "Hb (g/L)", "unit": "g/dL"},
                "anc": {"column": "ANC (10^9/L)", "unit": "10^9/L"},
                "platelets": {"column": "PLT (10^9/L)", "unit": "10^9/L"},
            },
            "units": {"g/L": "g/dL"},
        },
    }


def test_dates_of_infusion_beside_patients_are_read_as_infusions(
    running: RunningApp, visitor: Visitor
) -> None:
    people = "MRN,Age,Date of infusion\nP1,61,03/04/2024\nP2,48,05/06/2024\n"
    counts = "MRN,Collected,ANC (G/L)\nP1,2024-04-05,0.4\nP2,2024-06-09,0.2\nP1,2024-04-09,0.3\n"
    path = bring(visitor, "people", people__csv=people, counts__csv=counts)
    page = open_form(visitor, path)
    order = name_of("set", "patients", "", "date_format")
    assert page.selects[order].chosen == "?"
    assert page.send(visitor, path, "take", **{order: "%m/%d/%Y"}).status == 303
    data = read_data(running, "people")
    assert data["infusions"] == {"date_format": "%m/%d/%Y"}
    assert "date_format" not in data["patients"]
    assert "questions" not in data
    assert visitor.send_form("/studies/people/check").status == 303
    # March 4 and May 6: the counts lie after the infusions, and the map has days.
    shown = visitor.ask("GET", "/studies/people/check").text
    assert "ambiguous" not in shown
    assert 'class="panel-title"' in shown


def test_days_that_do_not_count_from_the_infusion_are_told(visitor: Visitor) -> None:
    path = bring(visitor, "shifted", export__csv=WIDE)
    page = open_form(visitor, path)
    said = "Day 0 is the first laboratory day of each patient, not an infusion."
    assert "Windows, ICAHT and recovery are counted from day 0." in page.reply.text
    chosen = {
        name_of("unit", "labs", "wide", "Hb"): "g/dL",
        name_of("unit", "labs", "wide", "PLT (g/L)"): "10^9/L",
        name_of("set", "", "", "day_zero"): "first",
    }
    assert said in page.send(visitor, path, "show", **chosen).text
