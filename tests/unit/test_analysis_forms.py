"""What a protocol may say of factors and analyses; each mistake is told with what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from cytopenia.errors import ProtocolError
from cytopenia.study.protocol import read_protocol
from study_files import STUDY

MORE = """
[factors.anc]
analyte = "anc"
at = "baseline"

[factors.crs]
event = "crs"
window = [0, 28]
grade_from = [1, 3]
without_event = "none"

[[analyses]]
id = "curves"
kind = "roc"
outcome = "recovery"
event = "recovered"
higher_means_event = ["anc"]

[[analyses]]
id = "risk"
kind = "risk_factors"
outcome = "recovery"
event = "recovered"
columns = ["groups", "p", "univariable", "multivariable"]
factors = ["age_years", "sex", "anc"]
cutpoints = { rule = "youden", roc = "curves" }
multivariable = { select = { screen = "univariable", p_below = 0.05 } }

[[analyses]]
id = "cross"
kind = "crosstab"
outcome = "severe_cytopenia"
event = "yes"
factor = "crs"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_factors_and_analyses_are_read(tmp_path: Path) -> None:
    protocol = read_protocol(write(tmp_path, STUDY + MORE)).protocol
    assert [item.kind for item in protocol.analyses[3:]] == ["roc", "risk_factors", "crosstab"]
    assert [item.parity for item in protocol.analyses[3:]] == ["default"] * 3
    assert protocol.factors["crs"].is_known_after_infusion
    assert not protocol.factors["anc"].is_known_after_infusion


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('analyte = "anc"\nat = "baseline"', 'analyte = "anc"', r'needs at = "baseline" or at = "peak"'),
        ('analyte = "anc"\n', 'analyte = "anc"\ncolumn = "age"\n', "needs exactly one of analyte, column"),
        ('at = "baseline"', 'at = "baseline"\nreference = "x"', "'reference' does not go with 'analyte'"),
        ('without_event = "none"\n', "", "is a patient without such a row free of it"),
        ("window = [0, 28]\ngrade_from", "window = [28, 0]\ngrade_from", "must begin before it ends"),
        ("grade_from = [1, 3]", "grade_from = [2, 3]", r"must begin with 1 and rise, such as \[1, 3\]"),
        ("grade_from = [1, 3]", "grade_from = [1, 3, 3]", "must begin with 1 and rise"),
        ('higher_means_event = ["anc"]', "", "needs factors in higher_means_event or lower_means_event"),
        (
            'higher_means_event = ["anc"]',
            'higher_means_event = ["anc"]\nlower_means_event = ["anc"]',
            "anc stands in both directions",
        ),
        ('rule = "youden", roc = "curves"', 'rule = "youden"', "takes its cuts from a ROC analysis"),
        ('rule = "youden", roc = "curves"', 'rule = "fixed"', "needs values, such as values = "),
        (
            'roc = "curves"',
            'roc = "curve"',
            r"did you mean 'curves'\?\); it must be an analysis of kind 'roc'",
        ),
        (
            'event = "recovered"\nhigher',
            'event = "not_recovered"\nhigher',
            "'curves' has another outcome or event",
        ),
        (
            '"univariable", "multivariable"]',
            '"univariable"]',
            "'multivariable' and the key multivariable = .* go together",
        ),
        ('"p", "univariable", ', '"p", ', "screens by the column 'univariable'; add it to columns"),
        (
            'select = { screen = "univariable", p_below = 0.05 }',
            'terms = ["ages"]',
            "terms names 'ages'.*not among the factors",
        ),
        (
            'multivariable = { select = { screen = "univariable", p_below = 0.05 } }',
            "multivariable = {}",
            "needs exactly one of terms, select",
        ),
        (
            'outcome = "severe_cytopenia"\nevent = "yes"',
            'outcome = "severe_cytopenia"\nevent = "recovered"',
            'event is "recovered"; of outcome \'severe_cytopenia\' it is "yes" or "no"',
        ),
        (
            'outcome = "severe_cytopenia"\nevent',
            'outcome = "anemia"\nevent',
            "outcome 'anemia' has grades; name one with a min_grade",
        ),
        ('outcome = "severe_cytopenia"\nevent', 'outcome = "severe"\nevent', "unknown outcome 'severe'"),
        ('id = "cross"', 'id = "printed"', "the id 'printed' is taken by the package"),
        ('factors = ["age_years", "sex", "anc"]', 'factors = ["sex", "sex"]', "factors names 'sex' twice"),
    ],
)
def test_a_mistake_is_told(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in MORE
    text = STUDY + MORE.replace(old, new, 1)
    with pytest.raises(ProtocolError, match=f"(?s){words}"):
        read_protocol(write(tmp_path, text))


def test_a_fixed_cut_belongs_to_a_factor(tmp_path: Path) -> None:
    text = MORE.replace('rule = "youden", roc = "curves"', 'rule = "fixed", values = { platelets = 100 }')
    with pytest.raises(ProtocolError, match=r"values names 'platelets', which is not among the factors"):
        read_protocol(write(tmp_path, STUDY + text))


def test_levels_share_no_value(tmp_path: Path) -> None:
    text = '\n[factors.stage]\ncolumn = "stage"\nlevels = { low = ["I", "II"], high = ["II", "III"] }\n'
    with pytest.raises(ProtocolError, match="two levels have a value in common"):
        read_protocol(write(tmp_path, STUDY + text))
