"""Files that are not what their name says: each is told in words, and none ends the app."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Generator
from pathlib import Path

import pytest

from app_attacks import list_dangers
from app_server import RunningApp, Visitor, run_app
from cytopenia.app.workspace import READ_SUFFIXES
from study_files import STUDY

pytestmark = pytest.mark.long

NOISE = random.Random(20260115).randbytes(70_000)
SAS = "000000000000000000000000c2ea8160b31411cfbd92080009c7318c181f1011"
BODIES = {
    "noise": NOISE[:3000],
    "nul": bytes(3000),
    "one byte": b"\n",
    "gzip": gzip.compress(b"a,b\n1,2\n" * 100),
    "nested lists": b"[" * 100_000,
    "nested objects": b'{"a":' * 900 + b"1" + b"}" * 900,
    "page": b"<html><table><tr><td>1</td></tr></table>" * 50,
    "another table": b"a,b\n1,2\n",
    "many columns": b",".join(b"c%d" % place for place in range(500)) + b"\n" + b",".join([b"1"] * 500),
    "one heading for all": b"a,a,a\n1,2,3\n",
    "open quotation": b'"a,b\n1,2\n',
    "utf-16": "a;b\n1;2\n".encode("utf-16"),
    "utf-16 cut": "a;b\n1;2\n".encode("utf-16")[:-1],
    "cell without end": b"a\n" + b"x" * 1_500_000 + b"\n",
    "digits without end": b"patient_id,anc\n1," + b"9" * 100_000 + b"\n",
    "sas transport": b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!" + b"0" * 30 + b"  " + NOISE[:2000],
    "spss": b"$FL2@(#) IBM SPSS STATISTICS" + NOISE[:3000],
    "spss packed": b"$FL3@(#) IBM SPSS STATISTICS" + NOISE[:3000],
    "sas": bytes.fromhex(SAS) + NOISE,
    "stata": b"<stata_dta><header><release>118</release>" + NOISE[:2000],
    "parquet": b"PAR1" + NOISE[:2000] + b"PAR1",
    "half a line": b'{"resourceType":"Patient"}\n{"resourceType":\n',
    "strange resource": json.dumps({"resourceType": ["Patient"], "id": {"a": 1e308}}).encode(),
    "entities": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningApp]:
    folder = tmp_path_factory.mktemp("studies")
    (folder / "small").mkdir()
    (folder / "small" / "study.toml").write_text(STUDY, encoding="utf-8")
    with run_app(folder) as app:
        yield app
    assert app.said[1] == ""


@pytest.fixture(scope="module")
def visitor(running: RunningApp) -> Visitor:
    return running.visit()


@pytest.mark.parametrize("suffix", READ_SUFFIXES)
def test_no_file_breaks_the_page_that_proposes(running: RunningApp, visitor: Visitor, suffix: str) -> None:
    file: Path = running.folder / "small" / f"export{suffix}"
    for name, content in BODIES.items():
        file.write_bytes(content)
        for page in ("/studies/small/mapping?from=files", "/studies/small"):
            reply = visitor.ask("GET", page)
            assert reply.status in (200, 409, 422), name
            assert list_dangers(reply.text) == [], name
    file.unlink()
    assert running.process.poll() is None


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".xlsx", ".parquet"])
def test_no_file_breaks_the_check(running: RunningApp, visitor: Visitor, suffix: str) -> None:
    file: Path = running.folder / "small" / f"labs{suffix}"
    for name, content in BODIES.items():
        file.write_bytes(content)
        reply = visitor.send_form("/studies/small/check")
        assert reply.status in (303, 422), name
        assert list_dangers(reply.text) == [], name
    file.unlink()
