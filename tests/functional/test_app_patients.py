"""The pages of a cohort and of its patients over the running app, with ids that would like to do harm."""

from __future__ import annotations

import html
import re
from collections.abc import Generator

import pytest

from app_server import RunningApp, Visitor, run_app
from app_study import rename_patients, run_in_app
from explain_study import write_explain_study
from wide_study import COUNTS, DAYS, write_wide_study

pytestmark = pytest.mark.long

HOSTILE = {
    "LONG": "<script>alert(1)</script>",
    "EDGE": "../../etc/x",
    "GAP": '"quo\'te" & {{ 7*7 }}',
    "SINGLE": "Zoë 患者 %2e%2e\\",
}
BASE = "/studies/typed/patients"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningApp]:
    folder = tmp_path_factory.mktemp("studies")
    study = folder / "typed"
    study.mkdir()
    write_explain_study(study)
    rename_patients(study, HOSTILE)
    write_wide_study(folder / "wide")
    (folder / "unrun").mkdir()
    (folder / "unrun" / "study.toml").write_bytes((study / "study.toml").read_bytes())
    with run_app(folder) as app:
        run_in_app(app.visit(), "typed")
        run_in_app(app.visit(), "wide")
        yield app


@pytest.fixture
def visitor(running: RunningApp) -> Visitor:
    return running.visit()


def show(visitor: Visitor, path: str) -> str:
    reply = visitor.ask("GET", path)
    assert reply.status == 200, reply.text
    return reply.text


def list_patients(page: str) -> dict[str, str]:
    """The address of each patient of a page, by id."""
    found = re.findall(r'<th scope="row"><a href="([^"]+)"><bdi>(.*?)</bdi>', page)
    return {html.unescape(name): html.unescape(address) for address, name in found}


def test_a_study_that_has_not_run_asks_for_a_run(visitor: Visitor) -> None:
    page = show(visitor, "/studies/unrun/patients")
    assert "has not been run yet" in page
    assert 'href="/studies/unrun#run"' in page
    assert visitor.ask("GET", "/studies/unrun/patients/0123456789abcdef").status == 404


def test_every_patient_is_listed_and_nothing_of_an_id_is_executed(visitor: Visitor) -> None:
    page = show(visitor, BASE)
    assert set(HOSTILE.values()) <= set(list_patients(page))
    assert "<script>alert" not in page


def test_no_address_holds_an_id(visitor: Visitor) -> None:
    for address in list_patients(show(visitor, BASE)).values():
        assert re.fullmatch(rf"{BASE}/[0-9a-f]{{16}}", address)


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_the_page_of_a_patient_with_a_hostile_id(visitor: Visitor, name: str) -> None:
    address = list_patients(show(visitor, BASE))[name]
    for path in (address, f"{address}/explained", f"{address}/explained?part=1", f"{address}/page"):
        page = show(visitor, path)
        assert "<script>alert" not in page
        assert "part=1" in path or html.escape(name, quote=False) in page or name in html.unescape(page)


def test_the_page_for_printing_runs_nothing_and_loads_nothing(visitor: Visitor) -> None:
    address = list_patients(show(visitor, BASE))[HOSTILE["LONG"]]
    policy = visitor.ask("GET", f"{address}/page").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy


# LONG: at most 0.5 on days 5 to 16, 12 days: grade 2 of early ICAHT; 0.3 is grade 4 of CTCAE.
def test_the_grades_are_those_worked_out_by_hand(visitor: Visitor) -> None:
    page = show(visitor, list_patients(show(visitor, BASE))[HOSTILE["LONG"]])
    rows = re.findall(
        r'<tr><th scope="row"><a [^>]*><bdi>(.*?)</bdi></a></th>.*?<strong>(.*?)</strong>', page
    )
    assert dict(rows)["Early ICAHT"] == "grade 2"
    assert dict(rows)["Neutrophil count decreased"] == "grade 4"


# The first value of 0.3 stands on day 5.
def test_a_point_has_value_unit_day_and_row(visitor: Visitor) -> None:
    page = show(visitor, list_patients(show(visitor, BASE))[HOSTILE["LONG"]])
    (label,) = re.findall(r'aria-label="(Absolute neutrophil count, day 5: [^"]*)"', page)
    assert re.fullmatch(r"Absolute neutrophil count, day 5: 0\.3 ×10⁹/L, measured, row \d+", label)
    row = label.rpartition(" ")[2]
    assert f"<td>0.3 ×10⁹/L, measured, row {row}</td>" in page


def test_each_day_of_a_file_with_a_column_for_each_has_its_own_value(visitor: Visitor) -> None:
    """Both patients, by the points of the timeline; of the words by the single value that decides."""
    addresses = list_patients(show(visitor, "/studies/wide/patients"))
    for row, (patient, counts) in enumerate(COUNTS.items(), 2):
        page = show(visitor, addresses[patient])
        points = re.findall(r'aria-label="Absolute neutrophil count, day (\d+): ([^"]*), measured, ', page)
        expected = [f"{value:g} ×10⁹/L" for value in counts["anc"]]
        assert points == [(str(day), text) for day, text in zip(DAYS, expected, strict=True)]
        for text in expected:
            assert page.count(f"<td>{text}, measured, row {row}</td>") == 1
    explained = html.unescape(show(visitor, f"{addresses['ANNA']}/explained"))
    assert "without row 2 (day 7) the answer is grade 2" in explained


def test_what_would_settle_and_change_the_grades(visitor: Visitor) -> None:
    address = list_patients(show(visitor, BASE))[HOSTILE["EDGE"]]
    page = show(visitor, f"{address}/explained?part=1")
    assert "<dt>Settled by</dt>" in page
    assert "<dt>Changed by</dt>" in page
    assert "<html" not in page
    # Once it has been asked for it stands on the page of the patient at once.
    assert "<dt>Settled by</dt>" in show(visitor, address)


def test_a_search_finds_ids_and_its_address_tells_none(visitor: Visitor) -> None:
    reply = visitor.send_form(f"{BASE}/search", search="<SCRIPT>", open="", answer="")
    assert reply.status == 303
    assert re.fullmatch(rf"{BASE}\?found=[0-9a-f]{{16}}", reply.headers["location"])
    page = show(visitor, reply.headers["location"])
    assert list(list_patients(page)) == [HOSTILE["LONG"]]
    assert 'value="&lt;SCRIPT&gt;"' in page
    assert "not known any more" in show(visitor, f"{BASE}?found=0000000000000000")


def test_a_choice_is_kept_from_patient_to_patient(visitor: Visitor) -> None:
    page = show(visitor, f"{BASE}?open=any&sort=icaht&down=1")
    addresses = list(list_patients(page).values())
    assert len(addresses) > 1
    first = html.unescape(show(visitor, addresses[0]))
    assert f"Patient 1 of the {len(addresses)} chosen" in first
    assert f'rel="next" href="{addresses[1]}"' in first
    assert 'rel="prev"' not in first


@pytest.mark.parametrize("key", ["0" * 16, "..%2f..%2fetc", "%3Cscript%3E", "0", "x" * 3000])
def test_an_address_of_nobody_is_told_in_words(visitor: Visitor, key: str) -> None:
    for rest in ("", "/explained", "/page"):
        reply = visitor.ask("GET", f"{BASE}/{key}{rest}")
        assert reply.status == 404
        assert "no such" in reply.text


def test_a_query_of_nonsense_shows_all(visitor: Visitor) -> None:
    page = show(visitor, f"{BASE}?sort=%3Cscript%3E&open=..%2fx&answer=%00&page=-1&down=7")
    assert list_patients(page) == list_patients(show(visitor, BASE))


def test_a_search_from_another_site_is_refused(visitor: Visitor) -> None:
    visitor.csrf = "0" * 64
    assert visitor.send_form(f"{BASE}/search", search="x").status == 403


# Last: it changes the tables.
def test_a_changed_file_is_seen_and_told(running: RunningApp, visitor: Visitor) -> None:
    labs = running.folder / "typed" / "labs.csv"
    address = list_patients(show(visitor, BASE))[HOSTILE["LONG"]]
    assert "changed after this run" not in show(visitor, address)
    table = labs.read_text("utf-8")
    mine = re.compile(r"^(<script>alert\(1\)</script>,5,\w+,)0\.3\b", re.MULTILINE)
    assert mine.search(table), table[:300]
    labs.write_text(mine.sub(r"\g<1>0.2", table), "utf-8")
    page = show(visitor, address)
    assert "changed after this run" in page
    assert "day 5: 0.2 ×10⁹/L, measured" in page


def test_nothing_of_a_patient_is_in_the_log(running: RunningApp) -> None:
    running.process.terminate()
    said = "".join(part for part in running.process.communicate(timeout=30) if part)
    assert not any(name in said for name in HOSTILE.values())
