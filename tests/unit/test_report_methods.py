"""The Methods text: only what ran, with the words of the source and what was assumed."""

from __future__ import annotations

from cytopenia.report.content import read_definition
from cytopenia.report.methods import list_settings, render_methods, write_counting
from report_factory import make_content, make_definitions

CONTENT = make_content()
METHODS = render_methods(CONTENT)


def test_definitions_with_version_source_and_official_words() -> None:
    assert "### Hematologic recovery at day 28 (qiu2023\\_recovery, version 2023)" in METHODS
    assert "Source: Qiu T et al. Oncol Lett 2023 <https://doi.org/10.3892/ol.2023.13924>" in METHODS
    assert "\n> An official sentence stands here.\n" in METHODS
    assert "Neutrophil count decreased, grade 4: \\<500/mm3; \\<0.5 x 10e9 /L" in METHODS


def test_assumptions_are_named_as_such() -> None:
    after = METHODS.partition("Left open by the source and assumed here:")[2]
    assert "- The three days are days 26, 27 and 28.\n" in after
    assert METHODS.count("Left open by the source") == 1


def test_only_what_ran() -> None:
    occurrence = [one for one in CONTENT.analyses if one["kind"] == "occurrence"]
    text = render_methods(make_content(analyses=occurrence, definitions=make_definitions()[:1]))
    assert "Deaths before the landmark" not in text
    assert "Hematologic recovery" not in text


def test_bounds_are_explained_only_where_there_are_any() -> None:
    flow_only = make_content(results=CONTENT.results.filter(scenario=""))
    assert "Bounds" in [title for title, _ in write_counting(CONTENT)]
    assert "Bounds" not in [title for title, _ in write_counting(flow_only)]


def test_the_three_readings_of_early_deaths() -> None:
    text = dict(write_counting(CONTENT))["Deaths before the landmark"]
    assert "left out of the denominator, or counted as not recovered, or shown as an event" in text
    one = make_content(results=CONTENT.results.filter(stratum="left out"))
    assert "side by side" not in dict(write_counting(one))["Deaths before the landmark"]


def test_settings_are_printed_by_their_path() -> None:
    assert "- seed: 20230515\n" in METHODS
    assert "- libraries: polars: 2.1.0" in METHODS
    settings = {"support_complete": True, "seed": None, "ids": ["a", "b"]}
    expected = [("support complete", "yes"), ("seed", "not recorded"), ("ids", "a, b")]
    assert list_settings(settings) == expected


def test_day_zero_is_stated_if_it_is_known() -> None:
    assert "**Days.** Day 0: infusion." in METHODS
    first = render_methods(make_content(settings={"day_zero": "first"}))
    assert "**Days.** Day 0: first laboratory day of each patient." in first
    assert "Day 0" not in render_methods(make_content(settings={}))


def test_synthetic_is_said_first() -> None:
    assert METHODS.index("Synthetic data") < METHODS.index("## Analyses")
    assert "Synthetic" not in render_methods(make_content(synthetic=False))


def test_hostile_titles_stay_text() -> None:
    definitions = [{**make_definitions()[0], "title": "<script>x</script>\n# Owned", "text": "a\n\n# b"}]
    text = render_methods(make_content(title="[x](javascript:1)", definitions=definitions))
    assert "<script" not in text.replace("\\<", "")
    assert "\n# b" not in text
    assert "\\[x\\](javascript:1)" in text


def test_a_citation_may_be_a_mapping() -> None:
    read = read_definition({"id": "a", "citation": {"text": "Someone 2023", "doi": "10.1/x"}})
    assert (read.citation, read.link, read.title) == ("Someone 2023", "https://doi.org/10.1/x", "a")


def test_only_web_addresses_become_links() -> None:
    assert read_definition({"id": "a", "url": "javascript:alert(1)"}).link == ""
