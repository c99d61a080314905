"""Date-times with an offset, in the calendar of a place; every expected day is worked out by hand.

Berlin: winter time is one hour ahead of UTC, summer time two. In 2024 summer time began on 31 March and ended
on 27 October, both at 01:00 UTC. New York is five hours behind UTC in January.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.cdisc_files import DM, EX, LB, write_xpts
from tests.fhir_factory import INFUSED, infusion, observation, write_export

from cytopenia.contract import Tables, TextFormat, prepare_tables
from cytopenia.contract.local_days import is_time_zone, localize_texts
from cytopenia.errors import ProtocolError
from cytopenia.readers.mapping import DataSection, read_mapping
from cytopenia.readers.sources import read_tables

BERLIN = "Europe/Berlin"


def place(moment: Any, zone: str | None, date_format: str | None = None) -> tuple[Any, Any, pl.DataFrame]:
    """Day and minute of one draw, counted from 1 January 2024, and the findings."""
    labs = pl.DataFrame(
        {"patient_id": ["1"], "date": [moment], "analyte": ["ANC"], "value": ["0.4"], "unit": ["K/uL"]}
    )
    infusions = pl.DataFrame({"patient_id": ["1"], "infusion_date": ["2024-01-01"]})
    text = TextFormat(time_zone=zone, date_format=date_format)
    tables = prepare_tables({"labs": labs, "infusions": infusions}, formats={"labs": text})
    return *tables.labs.select("day", "minute").row(0), tables.findings


def said(findings: pl.DataFrame, rule: str) -> str:
    return " ".join(findings.filter(pl.col("rule") == rule)["message"])


@pytest.mark.parametrize(
    ("moment", "zone", "local", "minute", "moved"),
    [
        ("2024-01-05T23:30:00Z", BERLIN, date(2024, 1, 6), 30, True),
        ("2024-01-05T22:59:59Z", BERLIN, date(2024, 1, 5), 1439, False),
        ("2024-01-05T23:00:00Z", BERLIN, date(2024, 1, 6), 0, True),
        ("2024-01-05 23:30+01:00", BERLIN, date(2024, 1, 5), 1410, False),
        ("2024-01-05T23:30-05:00", BERLIN, date(2024, 1, 6), 330, True),
        ("2024-01-05T23:30-0500", BERLIN, date(2024, 1, 6), 330, True),
        ("2024-03-30T22:30Z", BERLIN, date(2024, 3, 30), 1410, False),
        ("2024-03-31T00:30Z", BERLIN, date(2024, 3, 31), 90, False),
        ("2024-03-31T01:30Z", BERLIN, date(2024, 3, 31), 210, False),
        ("2024-03-31T22:30Z", BERLIN, date(2024, 4, 1), 30, True),
        ("2024-10-26T22:30Z", BERLIN, date(2024, 10, 27), 30, True),
        ("2024-10-27T22:30Z", BERLIN, date(2024, 10, 27), 1410, False),
        ("2024-01-05T02:00Z", "America/New_York", date(2024, 1, 4), 1260, True),
        ("2024-02-29T23:30Z", BERLIN, date(2024, 3, 1), 30, True),
        ("05.01.2024 23:30Z", BERLIN, date(2024, 1, 6), 30, True),
        ("5-Jan-2024 23:30 +00:00", BERLIN, date(2024, 1, 6), 30, True),
        ("2024-01-05T23:30", BERLIN, date(2024, 1, 5), 1410, False),
        ("2024-01-05", BERLIN, date(2024, 1, 5), None, False),
    ],
)
def test_the_local_day(moment: str, zone: str, local: date, minute: int | None, *, moved: bool) -> None:
    day, found, findings = place(moment, zone)
    assert (day, found or 0) == ((local - date(2024, 1, 1)).days, minute or 0)
    counted = f"the calendar day in {zone} is another than the printed one in 1 of 1 row (row 2)"
    assert (counted in said(findings, "local_day")) is moved
    assert said(findings, "time_in_utc") == ""


@pytest.mark.parametrize(
    ("moment", "day", "minute", "warned"),
    [
        ("2024-01-05T23:30:00Z", 4, 1410, True),
        ("2024-01-05T23:30:00+00:00", 4, 1410, True),
        ("2024-01-05T23:30:00-05:00", 4, 1410, False),
        ("2024-01-05T23:30:00", 4, 1410, False),
    ],
)
def test_without_a_time_zone_the_printed_day_counts(
    moment: str, day: int, minute: int, *, warned: bool
) -> None:
    found = place(moment, None)
    assert found[:2] == (day, minute)
    assert (said(found[2], "time_in_utc") != "") is warned


def test_midnight_in_utc_is_a_date() -> None:
    """A column whose times are all midnight has no times: west of Greenwich every day would be one off."""
    assert place("2024-01-05T00:00:00Z", "America/New_York")[:2] == (4, None)


def test_the_format_of_a_study_may_hold_the_offset() -> None:
    written = "2024/05/01 23:30 -0500"
    assert place(written, None, "%Y/%d/%m %H:%M %z")[:2] == (4, 1410)
    assert place(written, BERLIN, "%Y/%d/%m %H:%M %z")[:2] == (5, 330)
    assert place("2024/05/01 23:30Z", BERLIN, "%Y/%d/%m %H:%MZ")[:2] == (5, 30)


def test_native_date_times_with_a_time_zone() -> None:
    utc = datetime(2024, 1, 5, 23, 30, tzinfo=timezone.utc)  # noqa: UP017
    assert place(utc, BERLIN)[:2] == (5, 30)
    assert place(utc, None)[:2] == (4, 1410)
    assert "the time is in UTC" in said(place(utc, None)[2], "time_in_utc")
    assert place(datetime(2024, 1, 5, 23, 30), BERLIN)[:2] == (4, 1410)


def test_a_fixed_offset_is_the_same_moment() -> None:
    drawn = datetime(2024, 1, 5, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    texts = pl.Series([drawn.isoformat(), drawn.astimezone(timezone.utc).isoformat()])  # noqa: UP017
    moved, found = localize_texts(texts, zone=BERLIN, where="labs", rows=pl.Series([2, 3]))
    assert moved.to_list() == ["2024-01-06T05:30"] * 2
    assert found[0].rows == 1


@pytest.mark.parametrize("name", ["Berlin", "CEST", "Europe/Berln", "+01:00", ""])
def test_what_is_no_time_zone_is_refused(tmp_path: Path, name: str) -> None:
    assert not is_time_zone(name)
    path = tmp_path / "mapping.toml"
    path.write_text(f'time_zone = "{name}"\n', "utf-8")
    with pytest.raises(ProtocolError, match="is no time zone; write the name of a place"):
        read_mapping(path)


# ---- every table and source


def days_of(tables: Tables) -> list[list[int]]:
    return [
        tables.labs["day"].to_list(),
        tables.support["start"].to_list(),
        tables.support["stop"].to_list(),
        tables.events["day"].to_list(),
        tables.responses["day"].to_list(),
    ]


def test_every_table_of_files(tmp_path: Path) -> None:
    """The infusion at 23:30 UTC on 9 January is on the 10th in Berlin, which is day 0."""
    files = {
        "infusions": "patient_id,infusion_date\n1,2024-01-09T23:30Z\n",
        "labs": "patient_id,date,analyte,value,unit\n1,2024-01-11T23:10Z,ANC,0.4,K/uL\n"
        "1,2024-01-12T08:00Z,ANC,0.5,K/uL\n",
        "support": "patient_id,start_date,stop_date,kind\n1,2024-01-12T23:10Z,2024-01-14T22:10Z,gcsf\n",
        "events": "patient_id,date,kind,grade\n1,2024-01-15T23:01Z,crs,2\n",
        "responses": "patient_id,date,response\n1,2024-02-08T23:01Z,CR\n",
    }
    for name, text in files.items():
        (tmp_path / f"{name}.csv").write_text(text, "utf-8")
    local = read_tables(tmp_path, DataSection(time_zone=BERLIN))
    assert days_of(local) == [[2, 2], [3], [4], [6], [30]]
    moved = local.findings.filter(pl.col("rule") == "local_day").sort("table").select("table", "rows")
    assert moved.rows() == [("events", 1), ("infusions", 1), ("labs", 1), ("responses", 1), ("support", 1)]
    printed = read_tables(tmp_path)
    assert days_of(printed) == [[2, 3], [3], [5], [6], [30]]
    assert set(printed.findings.filter(pl.col("rule") == "time_in_utc")["table"]) == set(files)


def test_resources(tmp_path: Path) -> None:
    folder = write_export(
        tmp_path,
        infusion(day="2024-01-09T23:30:00Z"),
        observation("751-8", 0.4, "10*9/L", effectiveDateTime="2024-01-11T23:10:00Z"),
        observation("751-8", 0.3, "10*9/L", effectiveDateTime="2024-01-12T00:30:00+01:00"),
    )
    section = {"fhir": {"codes": {INFUSED: "infusion"}}}
    local = read_tables(folder, DataSection.model_validate({**section, "time_zone": BERLIN}))
    assert local.labs.select("day", "minute").rows() == [(2, 10), (2, 30)]
    assert "another than the printed one in 1 of 2 rows" in said(local.findings, "local_day")
    printed = read_tables(folder, DataSection.model_validate(section))
    assert printed.labs["day"].to_list() == [2, 3]


def test_white_cells_and_percentage_of_one_moment_in_two_time_zones(tmp_path: Path) -> None:
    folder = write_export(
        tmp_path,
        infusion(),
        observation("6690-2", 2.5, "10*9/L", effectiveDateTime="2024-01-12T07:00:00Z"),
        observation("770-8", 12, "%", effectiveDateTime="2024-01-12T08:00:00+01:00"),
    )
    section = {"fhir": {"codes": {INFUSED: "infusion"}}}
    local = read_tables(folder, DataSection.model_validate({**section, "time_zone": BERLIN}))
    assert local.labs.filter(pl.col("analyte") == "anc")["value"].to_list() == [0.3]
    assert read_tables(folder, DataSection.model_validate(section)).labs["analyte"].to_list() == ["wbc"]


def test_a_trial(tmp_path: Path) -> None:
    """A1 was infused on 7 May; 22:30 UTC on 8 May is 00:30 on 9 May in Berlin, day 2."""
    drawn = LB.head(1).with_columns(LBDTC=pl.lit("2024-05-08T22:30Z"), LBDY=pl.lit(8.0))
    write_xpts(tmp_path, dm=DM, ex=EX, lb=drawn)
    names = {"cdisc": {"infusion": ["CELLS X"]}}
    local = read_tables(tmp_path, DataSection.model_validate({**names, "time_zone": BERLIN}))
    assert local.labs.select("day", "minute").rows() == [(2, 30)]
    assert said(local.findings, "local_day") != ""
    assert said(local.findings, "study_day_disagrees") == ""
    printed = read_tables(tmp_path, DataSection.model_validate(names))
    assert printed.labs.select("day", "minute").rows() == [(1, 1350)]
    assert said(printed.findings, "time_in_utc") != ""
