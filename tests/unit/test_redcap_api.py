"""REDCap's API over real HTTP: the same tables as from files, failures in words, and the token nowhere."""

from __future__ import annotations

import logging
import pickle
import ssl
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from cytopenia.contract import Tables
from cytopenia.errors import CytopeniaError, ReaderError
from cytopenia.readers.mapping import DataSection
from cytopenia.readers.redcap_api import read_token
from cytopenia.readers.redcap_mapping import RedcapMapping
from cytopenia.readers.sources import read_tables
from redcap_project import LABELS, MAPPING, RAW, write_project
from redcap_stub import TOKEN, RedcapStub, run_stub

VARIABLE = "CYTOPENIA_TEST_REDCAP"
TABLES = ("patients", "infusions", "labs", "support", "events", "responses")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, TOKEN)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)


@pytest.fixture
def stub() -> Iterator[RedcapStub]:
    pytest.importorskip("redcap", reason="PyCap is not installed")
    with run_stub() as server:
        yield server


def section(stub: RedcapStub, **changes: Any) -> DataSection:
    given = {key: value for key, value in MAPPING.items() if key != "missing_codes"}
    return DataSection.model_validate(
        {"redcap": {**given, "url": stub.url, "token_env": VARIABLE, **changes}}
    )


def read(folder: Path, stub: RedcapStub, **changes: Any) -> Tables:
    return read_tables(folder, section(stub, **changes))


def messages(tables: Tables, rule: str) -> str:
    return " ".join(tables.findings.filter(pl.col("rule") == rule)["message"])


def fail(folder: Path, stub: RedcapStub, **changes: Any) -> ReaderError:
    """The error of a read that fails; the token is nowhere in it."""
    with pytest.raises(ReaderError, match="REDCap") as caught:
        read(folder, stub, **changes)
    link: BaseException | None = caught.value
    while link is not None:
        assert TOKEN.lower() not in f"{link!r} {link} {vars(link)}".lower()
        link = link.__cause__ or link.__context__
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    return caught.value


# ---- the same as from files


@pytest.mark.parametrize("records", [RAW, LABELS], ids=["raw", "labels"])
def test_files_and_server_give_the_same_tables(tmp_path: Path, stub: RedcapStub, records: str) -> None:
    files = {**MAPPING, "records": "data.csv", "dictionary": "dictionary.csv"}
    write_project(tmp_path, records=records)
    from_file = read_tables(tmp_path, DataSection.model_validate({"redcap": files}))
    from_server = read(tmp_path, stub)
    assert from_file.labs.height == 15
    for name in TABLES:
        assert_frame_equal(getattr(from_server, name), getattr(from_file, name))
    rules = {"redcap_fetched", "file_read"}
    told = [tables.findings.filter(~pl.col("rule").is_in(rules)) for tables in (from_server, from_file)]
    assert_frame_equal(told[0], told[1])


def test_batches_give_the_same_tables(tmp_path: Path, stub: RedcapStub) -> None:
    whole = read(tmp_path, stub)
    stub.asked.clear()
    assert_frame_equal(read(tmp_path, stub, records_per_request=3).labs, whole.labs)
    batches = [
        [value for key, value in asked.items() if key.startswith("records[")]
        for asked in stub.asked
        if asked["content"] == "record"
    ]
    assert batches == [[], ["A-1", "B-2", "C-3"], ["D-4"]]


def test_only_what_the_mapping_names_is_asked_for(tmp_path: Path, stub: RedcapStub) -> None:
    """No name, no number of a patient; all of the instrument of a checkbox that is no identifier."""
    read(tmp_path, stub)
    fields = {value for asked in stub.asked for key, value in asked.items() if key.startswith("fields[")}
    assert {"anc", "comorb", "ecog", "age", "demographics_complete"} <= fields
    assert fields.isdisjoint({"mrn", "nurse", "v_anc"})


def test_times_of_surveys_and_groups_are_asked_for_where_they_are_named(
    tmp_path: Path, stub: RedcapStub
) -> None:
    for row in stub.rows:
        time = row["cbc_date"] and f"{row['cbc_date']}:30"
        row.update({"blood_counts_timestamp": time, "redcap_data_access_group": "north"})
    labs = [{**MAPPING["labs"][0], "date": "blood_counts_timestamp"}]
    fields = {"center": "redcap_data_access_group"}
    tables = read(tmp_path, stub, labs=labs, patients={"fields": fields})
    assert tables.labs.height == 14
    assert tables.labs.select("day", "minute").row(3) == (2, 365)
    assert tables.patients["center"].to_list() == ["north"] * 3
    stub.asked.clear()
    read(tmp_path, stub)
    assert not any({"exportSurveyFields", "exportDataAccessGroups"} & set(asked) for asked in stub.asked)


def test_nothing_is_written(tmp_path: Path, stub: RedcapStub) -> None:
    before = sorted(tmp_path.iterdir())
    read(tmp_path, stub)
    assert not any({"data", "action", "file", "override"} & set(asked) for asked in stub.asked)
    assert sorted(tmp_path.iterdir()) == before


def test_what_was_fetched_is_told(tmp_path: Path, stub: RedcapStub) -> None:
    said = messages(read(tmp_path, stub), "redcap_fetched")
    assert "4 records with 23 fields were fetched from 127.0.0.1 (REDCap 14.5.10)" in said
    stub.rows[1]["anc"] = "2.5"
    assert (
        messages(read(tmp_path, stub), "redcap_fetched").partition("content: ")[2]
        != said.partition("content: ")[2]
    )


def test_a_project_without_events(tmp_path: Path, stub: RedcapStub) -> None:
    stub.longitudinal = 0
    stub.rows = [
        {**row, "redcap_event_name": ""} for row in stub.rows if row["redcap_event_name"].startswith("base")
    ]
    for row in stub.rows:
        row["v_wbc"] = "0.8"
    labs = {"fields": {"v_wbc": {"analyte": "wbc", "unit": "10^9/L", "day": 28}}}
    tables = read(tmp_path, stub, labs=labs, support=[], events=[])
    assert tables.labs["value"].to_list() == [0.8, 0.8, 0.8]
    assert not any(asked["content"] in ("event", "formEventMapping") for asked in stub.asked)


def test_an_event_that_the_project_lacks(tmp_path: Path, stub: RedcapStub) -> None:
    labs = [{**MAPPING["labs"][1], "days": {"day_30_visit_arm_1": 30}}]
    error = fail_form(tmp_path, stub, labs=labs)
    assert "'day_30_visit_arm_1' of labs (did you mean 'day_28_visit_arm_1'?): no such event" in str(error)


def fail_form(folder: Path, stub: RedcapStub, **changes: Any) -> CytopeniaError:
    with pytest.raises(CytopeniaError, match=r"\[data\.redcap\]") as caught:
        read(folder, stub, **changes)
    return caught.value


def test_an_event_without_the_instrument(tmp_path: Path, stub: RedcapStub) -> None:
    labs = [{**MAPPING["labs"][1], "days": {"day_28_visit_arm_1": 28, "baseline_arm_1": -5}}]
    said = messages(read(tmp_path, stub, labs=labs), "instrument_not_in_event")
    assert "event baseline_arm_1 has none of the instruments visit_counts" in said


# ---- failures


def test_a_wrong_token(tmp_path: Path, stub: RedcapStub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "F" * 32)
    error = fail(tmp_path, stub)
    assert "refused the token (status 403): You do not have permissions to use the API" in str(error)
    assert "F" * 32 not in str(error)
    assert len(stub.asked) == 1


def test_an_error_in_json(tmp_path: Path, stub: RedcapStub) -> None:
    """The server no longer knows a field that it has just told."""
    stub.metadata = [*stub.metadata]
    read(tmp_path, stub)
    kept = stub.metadata

    class Shrinking(list[Any]):
        def __iter__(self) -> Iterator[Any]:
            return iter(kept[:3] if len(stub.asked) > seen + 6 else kept)

    seen = len(stub.asked)
    stub.metadata = Shrinking(kept)
    error = fail(tmp_path, stub)
    assert "the server refused (status 400): The following values in the parameter" in str(error)


@pytest.mark.parametrize(
    ("fault", "message", "requests"),
    [
        ("login", "the server answers with a web page instead of data", 1),
        ("moved", "the server sends this address on to another one (status 302)", 1),
        ("soft", "the server refused: Project is offline", 2),
        ("soft", "the server refused: Project is offline", 8),
        ("echo", "the server refused (status 500): Failed for token=[token]", 1),
    ],
)
def test_answers_that_are_none(
    tmp_path: Path, stub: RedcapStub, fault: str, message: str, requests: int
) -> None:
    stub.faults = [""] * (requests - 1) + [fault]
    assert message in str(fail(tmp_path, stub))
    assert len(stub.asked) == requests


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("drop", "the connection was refused or broke off while records was read, twice"),
        ("truncate", "the answer was cut off or is not JSON while records was read, twice"),
        ("maintenance", "the server is not available (status 503) while records was read, twice"),
    ],
)
def test_a_connection_that_fails_midway(tmp_path: Path, stub: RedcapStub, fault: str, message: str) -> None:
    """The last request fails: once and all is read, twice and nothing is."""
    whole = read(tmp_path, stub, records_per_request=3)
    count = len(stub.asked)
    stub.faults = [""] * (count - 1) + [fault]
    again = read(tmp_path, stub, records_per_request=3)
    assert_frame_equal(again.labs, whole.labs)
    assert len(stub.asked) == count + count + 1
    stub.faults = [""] * (count - 1) + [fault, fault]
    assert message in str(fail(tmp_path, stub, records_per_request=3))
    assert len(stub.asked) == 2 * count + 1 + count + 1
    assert list(tmp_path.iterdir()) == []


def test_no_server(tmp_path: Path) -> None:
    pytest.importorskip("redcap", reason="PyCap is not installed")
    with run_stub() as server:
        gone = section(server)
    with pytest.raises(ReaderError, match=r"REDCap at 127.0.0.1: the connection was refused or broke off"):
        read_tables(tmp_path, gone)


def test_a_server_that_does_not_answer_in_time(
    tmp_path: Path, stub: RedcapStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cytopenia.readers.redcap_api._TIMEOUT", (1, 0.2))
    stub.faults = ["slow", "slow"]
    assert "the server did not answer in time while version was read, twice" in str(fail(tmp_path, stub))


def test_another_address_of_the_server(tmp_path: Path, stub: RedcapStub) -> None:
    url = stub.url.replace("/api/", "/redcap/api")
    assert "there is no API at this address (status 404)" in str(fail(tmp_path, stub, url=url))


def test_records_that_change_meanwhile(tmp_path: Path, stub: RedcapStub) -> None:
    rows = stub.rows

    class Shrinking(list[Any]):
        def __iter__(self) -> Iterator[Any]:
            return iter(rows[:-2] if len(stub.asked) > 7 else rows)

    stub.rows = Shrinking(rows)
    assert "records were changed while they were read" in str(fail(tmp_path, stub))


def test_hashed_record_ids(tmp_path: Path, stub: RedcapStub) -> None:
    for row in stub.rows:
        row["record_id"] = "d41d8cd98f00b204e9800998ecf8427e"
    assert "the record IDs come hashed" in str(fail(tmp_path, stub))


def test_fields_that_the_rights_leave_out(tmp_path: Path, stub: RedcapStub) -> None:
    for row in stub.rows:
        del row["hb"]
    assert "has no column for the fields hb" in str(fail(tmp_path, stub))


def test_a_project_without_records(tmp_path: Path, stub: RedcapStub) -> None:
    stub.rows = []
    assert "the project has no records that your rights let you see" in str(fail(tmp_path, stub))


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("redcap", reason="PyCap is not installed")
    certificate, key = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with run_stub(context) as server:
        url = server.url.replace("http:", "https:").replace("127.0.0.1", "localhost")
        error = fail(tmp_path, server, url=url)
        assert "the certificate of the server cannot be verified" in str(error)
        assert server.asked == []
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        assert read(tmp_path, server, url=url).labs.height == 15


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of our own for localhost, and its key."""
    import datetime as dt

    x509 = pytest.importorskip("cryptography.x509", reason="cryptography is not installed")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "server.pem", folder / "server.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


# ---- the token


def test_the_token_is_in_nothing_that_comes_back(
    tmp_path: Path, stub: RedcapStub, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        tables = read(tmp_path, stub)
        said = repr(section(stub)) + repr(tables) + str(tables.findings.rows())
    printed = capsys.readouterr()
    for text in (said, caplog.text, printed.out, printed.err, str(pickle.dumps(tables.labs))):
        assert TOKEN not in text
    assert caplog.text != ""


def test_the_token_from_the_environment() -> None:
    token = read_token(api_mapping(token_env=VARIABLE))
    assert token.get_secret_value() == TOKEN
    assert TOKEN not in f"{token!r} {token}"


def test_there_is_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(ReaderError, match=rf"the environment variable {VARIABLE} has no token"):
        read_token(api_mapping(token_env=VARIABLE))


def test_what_is_no_token_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, TOKEN[:31])
    with pytest.raises(ReaderError, match=r"needs 32 letters and digits, and has 31 characters") as caught:
        read_token(api_mapping(token_env=VARIABLE))
    assert TOKEN[:31] not in str(caught.value)


def test_the_token_from_the_keyring() -> None:
    keyring = pytest.importorskip("keyring", reason="keyring is not installed")
    from keyring.backend import KeyringBackend

    class Memory(KeyringBackend):
        priority = 1  # pyright: ignore

        def get_password(self, service: str, username: str) -> str | None:
            return TOKEN if (service, username) == ("my-study", "token") else None

        def set_password(self, service: str, username: str, password: str) -> None:
            raise AssertionError

    before = keyring.get_keyring()
    keyring.set_keyring(Memory())
    try:
        assert read_token(api_mapping(token_keyring="my-study")).get_secret_value() == TOKEN
        with pytest.raises(ReaderError, match=r"keyring under 'other' has no token.*keyring set other token"):
            read_token(api_mapping(token_keyring="other"))
    finally:
        keyring.set_keyring(before)


def test_packages_that_are_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("cytopenia.readers.redcap_api.find_spec", lambda name: None)
    with pytest.raises(ReaderError, match=r'pip install "cytopenia\[keyring\]"'):
        read_token(api_mapping(token_keyring="my-study"))
    with pytest.raises(ReaderError, match=r'pip install "cytopenia\[redcap\]"'):
        read_tables(tmp_path, DataSection(redcap=api_mapping(token_env=VARIABLE)))


def api_mapping(**where: Any) -> RedcapMapping:
    return RedcapMapping.model_validate({**MAPPING, "url": "https://redcap.example.org/api/", **where})
