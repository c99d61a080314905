"""The Methods of each bundled protocol: what ran is said, and what did not run is not."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path

import pytest

from cytopenia.report.methods import list_references, write_methods_paragraphs
from cytopenia.run_content import collect_content
from cytopenia.study.protocol import read_protocol
from cytopenia.workflow import analyze_study

pytestmark = pytest.mark.long

EXAMPLES = Path(str(resources.files("cytopenia") / "data" / "example"))
PHRASES = {
    "tests of ranks": "Mann-Whitney U test",
    "tests of counts": "Fisher's exact test",
    "maximum likelihood": "maximum likelihood with Wald intervals",
    "Firth": "Firth's penalty",
    "curves": "Receiver operating characteristic",
    "survival": "Kaplan and Meier",
    "competing risks": "Gray's test",
    "Cox": "Cox regression",
    "landmark": "Landmark analysis",
    "kappa": "Cohen's kappa",
    "meta-analysis": "random intercept",
    "imputation": "predictive mean matching",
    "prediction": "Riley et al.",
    "seed": "started from seed",
    "early deaths": "died on or before the landmark had no recovery state",
}
# Kinds of analyses in each protocol, and so what its Methods have to say.
SAID = {
    "study": {"tests of ranks", "tests of counts", "maximum likelihood", "curves", "early deaths"},
    "survival": {"survival", "competing risks", "landmark"},
    "published": {"meta-analysis"},
    "definitions": {"kappa", "Firth"},
    # The second reading is by Firth's method, and resamples patients.
    "read_with_care": {"maximum likelihood", "Firth", "curves", "seed"},
}


@cache
def methods(name: str) -> tuple[str, list[str]]:
    path = EXAMPLES / f"{name}.toml"
    content = collect_content(analyze_study(path), read_protocol(path))
    parts = [
        text
        for heading, texts in write_methods_paragraphs(content)
        if heading != "References"
        for text in texts
    ]
    keys = [one.work.key for one in list_references(content) if one.work is not None]
    return " ".join(parts), keys


@pytest.mark.parametrize("name", list(SAID))
def test_what_ran_is_said_and_nothing_else(name: str) -> None:
    text, _ = methods(name)
    assert {key for key, phrase in PHRASES.items() if phrase in text} == SAID[name]


@pytest.mark.parametrize("name", list(SAID))
def test_the_works_are_those_of_what_ran(name: str) -> None:
    _, keys = methods(name)
    said = SAID[name]
    assert ("firth_1993" in keys) == ("Firth" in said)
    assert ("kaplan_meier_1958" in keys) == ("survival" in said)
    assert ("cohen_1960" in keys) == ("kappa" in said)
    assert ("youden_1950" in keys) == ("curves" in said)
    assert {"cytopenia", "numpy", "scipy"} <= {*keys}
    assert ("statsmodels" in keys) == ("survival" in said)
