"""The page of a patient and the counts for the public, by their commands."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cytopenia.page_file import describe_patient, write_page
from cytopenia.study.new_ids import find_new_id

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "src" / "cytopenia" / "data" / "example"
PATIENTS = ("SYN-15", "SYN-01", "SYN-24", "SYN-36")


def test_the_command_writes_one_page(command: Callable[..., Any], study: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = command("explain", study, "B", "--outcome", "anemia", "--page", page)
    assert done.code == 0
    assert done.out == f"Page: {page}\n"
    text = page.read_text("utf-8")
    assert "Patient <bdi>B</bdi>" in text
    assert re.search(r"\b\d{4}-\d{2}-\d{2}\b", text) is None


def test_every_output_has_the_new_id(command: Callable[..., Any], study: Path, tmp_path: Path) -> None:
    key, page, svg = (tmp_path / name for name in ("key.txt", "one.html", "two.svg"))
    key.write_text("a text that is long enough\n", "utf-8")
    wanted = find_new_id("B", b"a text that is long enough")
    options = ("--outcome", "anemia", "--new-id", "--key-file", key)
    done = command("explain", study, "B", *options, "--page", page, "--svg", svg, "--dates", "shifted")
    assert (done.code, done.out.splitlines()[-1]) == (0, f"Page: {page}, under the id {wanted}")
    for path in (page, svg):
        assert f"Patient {wanted}" in re.sub(r"</?bdi>", "", path.read_text("utf-8"))
    assert "a shifted date" in page.read_text("utf-8")
    assert "2024-02-01" not in page.read_text("utf-8")
    printed = command("explain", study, "B", *options)
    assert printed.out.startswith(f"Patient {wanted}\n")
    told = json.loads(command("explain", study, "B", *options, "--json").out)
    assert (told["patient_id"], {one["row"]["patient_id"] for one in told["outcomes"]}) == (wanted, {wanted})


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--page", "page.pdf"), 15, "ends in .html"),
        (("--dates", "shifted"), 10, "only a page shows dates"),
        (("--page", "p.html", "--new-id", "--dates", "recorded"), 10, "true dates beside a new id"),
        (("--page", "B.html", "--new-id"), 15, "holds the patient's id"),
        (("--page", "p.html", "--key-file", "key.txt"), 10, "nothing needs a key"),
    ],
)
def test_wrong_options_of_a_page_are_refused(
    command: Callable[..., Any], study: Path, options: tuple[str, ...], code: int, said: str
) -> None:
    done = command("explain", study, "B", *options)
    assert done.code == code
    assert said in done.err


@pytest.mark.long
def test_counts_for_the_public(command: Callable[..., Any], tmp_path: Path) -> None:
    """Table SV by hand: CRS none 1 and 18, grade 1-2 13 and 27, grade 3 or more 1 and 3, of 15 and 48."""
    out = tmp_path / "public.csv"
    done = command("export", EXAMPLE, "table_s5", "--smallest-count", "5", "--out", out)
    assert done.code == 0
    assert "4 below 5" in done.out
    small = pl.read_csv(out).filter(pl.col("patients") == "<5").select("level", "group").rows()
    assert small == [
        ("none", "event"),
        ("grade >= 3", "event"),
        ("grade >= 3", "no event"),
        ("grade >= 3", "all"),
    ]
    assert command("export", EXAMPLE, "recovery", "--smallest-count", "5", "--out", out).code == 13


@pytest.mark.long
def test_every_page_prints_on_one_sheet(find_program: Callable[[str], str], tmp_path: Path) -> None:
    """Four patients of the example, one with long names, one with very many outcomes."""
    chromium, pdfinfo = find_program("chromium"), find_program("pdfinfo")
    pages = {name: describe_patient(EXAMPLE, name) for name in PATIENTS}
    first = pages["SYN-15"]
    long = "Neutropenia of grade 3 or higher, worst case " * 9
    titled = tuple(replace(outcome, title=long) for outcome in first.explained.outcomes)
    named = replace(first.explained, study=long, patient_id="W" * 300, outcomes=titled)
    many = replace(first.explained, outcomes=first.explained.outcomes * 9)
    pages |= {"named": replace(first, explained=named), "many": replace(first, explained=many)}
    for name, page in pages.items():
        source, target = tmp_path / f"{name}.html", tmp_path / f"{name}.pdf"
        write_page(page, source)
        subprocess.run(
            [
                *(
                    chromium,
                    "--headless",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--no-first-run",
                    "--disable-sync",
                ),
                *("--disable-background-networking", "--disable-component-update", "--no-pdf-header-footer"),
                *(f"--user-data-dir={tmp_path / 'profile'}", f"--print-to-pdf={target}", source.as_uri()),
            ],
            check=True,
            capture_output=True,
        )
        told = subprocess.run([pdfinfo, target], check=True, capture_output=True, text=True).stdout
        assert re.search(r"Pages:\s+1\n", told), name
        assert "(A4)" in told
