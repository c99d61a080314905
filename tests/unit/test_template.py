"""The study file that `cytopenia init` writes: every commented block is valid when it is switched on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cytopenia.new_study import fill_template
from cytopenia.study.protocol import read_protocol
from cytopenia.study.protocol_forms import Protocol

# A commented line of TOML: a header, or a key with its value. All other comments are sentences.
CODE = re.compile(r"# (\[+[a-z_.]+\]+|[a-z_]+ = .+)")
KEYS = (
    *('"effect"', "tests = {", "adjust = {", "resamples = ", "missing = {", "[analyses.read_with_care]"),
    *("significance_level = ", "treatment_emergent = ", "scale = ", "spline_knots = ", "between = ["),
    *("ordered = true", "expected_c = ", "thresholds = [", 'parity = "compare"', "score = ", "[printed]"),
    *('kind = "ordinal"', 'kind = "missingness"', 'kind = "survival"', 'kind = "prediction"'),
    *('kind = "validation"', 'kind = "roc"', 'kind = "time_to_recovery"', 'kind = "definitions"'),
)


def find_blocks(text: str) -> list[list[int]]:
    """Line numbers of each block: from a header to the line before the next one or before a sentence."""
    blocks: list[list[int]] = []
    is_open = False
    for number, line in enumerate(text.splitlines()):
        if not CODE.fullmatch(line):
            is_open = False
            continue
        starts = line.startswith("# [") and not line.startswith("# [analyses.")
        if starts or not is_open:
            blocks.append([])
        blocks[-1].append(number)
        is_open = True
    return blocks


TEXT = fill_template()
LINES = TEXT.splitlines()
BLOCKS = find_blocks(TEXT)
DATA = [block for block in BLOCKS if LINES[block[0]].startswith(("# day_zero", "# [data"))]
NAMED = [block for block in BLOCKS if LINES[block[0]].startswith(("# [factors.", "# [outcomes."))]
OTHERS = [block for block in BLOCKS if block not in NAMED and block not in DATA]


def switch_on(blocks: list[list[int]]) -> str:
    on = {number for block in blocks for number in block}
    return "\n".join(line[2:] if number in on else line for number, line in enumerate(LINES)) + "\n"


@pytest.mark.parametrize("block", OTHERS, ids=lambda block: LINES[block[min(1, len(block) - 1)]][2:])
def test_each_block_is_valid_with_the_factors_and_outcomes_that_it_names(
    tmp_path: Path, block: list[int]
) -> None:
    before = len(read_protocol_of(tmp_path, TEXT).analyses)
    protocol = read_protocol_of(tmp_path, switch_on([*NAMED, block]))
    is_analysis = LINES[block[0]] == "# [[analyses]]"
    assert len(protocol.analyses) == before + is_analysis


@pytest.mark.parametrize("block", [*NAMED, *DATA], ids=lambda block: LINES[block[0]][2:])
def test_each_factor_outcome_and_mapping_is_valid_alone(tmp_path: Path, block: list[int]) -> None:
    assert read_protocol_of(tmp_path, switch_on([block])) != read_protocol_of(tmp_path, TEXT)


def test_all_blocks_are_valid_together(tmp_path: Path) -> None:
    protocol = read_protocol_of(tmp_path, switch_on([*NAMED, *OTHERS]))
    assert len(protocol.analyses) == 3 + sum(LINES[block[0]] == "# [[analyses]]" for block in OTHERS)


@pytest.mark.parametrize("key", KEYS)
def test_the_template_shows_what_a_protocol_can_ask_for(key: str) -> None:
    assert key in TEXT


def read_protocol_of(folder: Path, text: str) -> Protocol:
    (folder / "study.toml").write_text(text, "utf-8")
    return read_protocol(folder / "study.toml").protocol
