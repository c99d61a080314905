"""The true courses: what support does, second dips, the shapes of published cohorts."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest

from cytopenia.errors import DefinitionError
from cytopenia.simulate import SimulatedCohort, load_parameters, parameters, simulate_cohort
from cytopenia.simulate.courses import Courses, simulate_courses
from cytopenia.simulate.draws import DAYS, Draws
from cytopenia.simulate.parameters import Parameter, Parameters
from cytopenia.simulate.patients import draw_patients, find_inflammation

SCRIPT = Path(__file__).parents[2] / "scripts" / "compare_simulation.py"


@cache
def courses(*, with_support: bool) -> Courses:
    form = load_parameters()
    draws = Draws.of_block(11, 0)
    return simulate_courses(draw_patients(form, draws), form, draws, with_support=with_support)


@cache
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("compare_simulation", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@cache
def cohort() -> SimulatedCohort:
    return simulate_cohort(1024, seed=20261125, schedule="weekly")


def test_growth_factor_never_lowers_neutrophils_while_it_is_given() -> None:
    with_it, without = courses(with_support=True), courses(with_support=False)
    given = with_it.given["gcsf"]
    ratio = with_it.counts["anc"] / without.counts["anc"]
    assert not without.given["gcsf"].any()
    seen = 0
    for patient in np.flatnonzero(given.any(axis=0)):
        first = int(np.argmax(given[:, patient]))
        course = int(np.argmin(np.append(given[first:, patient], False)))
        during = ratio[first + 1 : first + course + 1, patient]  # each dose shows from the next morning on
        assert during.min() >= 1 - 1e-6
        assert course < 3 or during[-1] > 1.1
        assert np.all(np.abs(ratio[: first + 1, patient] - 1) < 1e-6)
        seen += 1
    assert seen > 400


def test_who_gets_no_growth_factor_has_the_same_neutrophils() -> None:
    with_it, without = courses(with_support=True), courses(with_support=False)
    never = ~with_it.given["gcsf"].any(axis=0)
    assert never.sum() > 100
    np.testing.assert_array_equal(with_it.counts["anc"][:, never], without.counts["anc"][:, never])


@pytest.mark.parametrize(("given", "count"), [("platelets", "platelets"), ("red_cells", "hemoglobin")])
def test_a_transfusion_raises_the_count_and_wears_off(given: str, count: str) -> None:
    with_it, without = courses(with_support=True), courses(with_support=False)
    raised = with_it.counts[count] - without.counts[count]
    assert raised.min() >= 0
    day, patient = np.nonzero(with_it.given[given][:-1])
    assert len(day) > 100
    assert (raised[day + 1, patient] > raised[day, patient]).all()
    untouched = ~(with_it.given[given].cumsum(axis=0) > 0)
    assert np.all(raised[untouched] == 0)
    resting = ~with_it.given[given][:-1] & (raised[:-1] > 1.0)
    assert (raised[1:][resting] < raised[:-1][resting]).all()


def test_nothing_happens_before_lymphodepletion() -> None:
    """Up to day -5 only the daily scatter moves a count; its medians stay at the baseline."""
    for name, usual in (("anc", 3.3), ("platelets", 150.0), ("hemoglobin", 106.0)):
        before = courses(with_support=True).counts[name][DAYS <= -5]
        assert np.median(before, axis=1) == pytest.approx(usual, rel=0.08)
        ratio = before.mean(axis=0) / before[0]
        assert np.median(ratio) == pytest.approx(1.0, abs=0.03)


def test_second_dips_come_in_the_stated_share() -> None:
    share = load_parameters().inflammation.second_share.value
    found = cohort().courses["has_second_wave"].cast(pl.Float64).mean()
    assert found == pytest.approx(share, abs=0.05)  # three standard errors of 1,024 patients


def test_a_second_wave_makes_second_dips() -> None:
    """Intermittent: above 1.0 between day 7 and 21, then below 1.0 after day 21 (Rejeski 2021)."""
    truth = (
        cohort()
        .truth.group_by("patient_id")
        .agg(
            back=pl.col("anc").filter(pl.col("day").is_between(7, 21)).max() > 1.0,
            again=pl.col("anc").filter(pl.col("day").is_between(22, 60)).min() < 1.0,
        )
    )
    both = truth.join(cohort().courses, on="patient_id").drop_nulls(["back", "again"])
    dips = both.with_columns(dip=pl.col("back") & pl.col("again"))
    with_wave = dips.filter("has_second_wave")["dip"].cast(pl.Float64).mean()
    without = dips.filter(~pl.col("has_second_wave"))["dip"].cast(pl.Float64).mean()
    assert with_wave > 0.2
    assert without < with_wave / 2


def test_a_plateau_makes_long_courses() -> None:
    low = (
        cohort()
        .truth.filter(pl.col("day").is_between(0, 60))
        .group_by("patient_id")
        .agg(days=(pl.col("anc") <= 0.5).sum())
    )
    both = low.join(cohort().courses, on="patient_id")
    aplastic = both.filter("has_plateau")["days"].median()
    others = both.filter(~pl.col("has_plateau"))["days"].median()
    assert aplastic > 2 * others


def test_inflammation_goes_with_its_markers_and_with_crs() -> None:
    labs = cohort().tables["labs"].filter(pl.col("analyte") == "ferritin", pl.col("day").is_between(5, 14))
    value = pl.col("value").str.strip_chars("<>").cast(pl.Float64)
    peaks = labs.group_by("patient_id").agg(peak=value.max())
    grades = cohort().tables["events"].filter(pl.col("kind") == "crs").select("patient_id", "grade")
    both = cohort().courses.join(peaks, on="patient_id").join(grades, on="patient_id", how="left")
    both = both.with_columns(pl.col("grade").fill_null(0))
    for column in ("peak", "grade"):
        assert both.select(pl.corr("first_wave_size", column, method="spearman")).item() > 0.3


def test_there_is_no_inflammation_before_the_infusion() -> None:
    own = {name: np.array([1.0]) for name in ("first_size", "second_size", "plateau_size", "first_width")}
    own |= {"first_peak": np.array([7.0]), "second_day": np.array([25.0]), "second_width": np.array([5.0])}
    curve = find_inflammation(DAYS, {**own, "plateau_end": np.array([30.0])})[:, 0]
    assert (curve[DAYS <= 0] == 0).all()
    alone = find_inflammation(DAYS, {**own, "plateau_end": np.array([30.0]), "second_size": np.zeros(1),
                                     "plateau_size": np.zeros(1)})[:, 0]  # fmt: skip
    assert DAYS[np.argmax(alone)] == 7
    assert alone.max() == pytest.approx(1.0)


@pytest.mark.parametrize("figure", list(script().PUBLISHED))
def test_the_cohort_resembles_a_published_one(figure: str) -> None:
    """Typed from Rejeski 2021, Table 2, whole cohort; the tolerances are stated in the script."""
    _, low, high = script().PUBLISHED[figure]
    assert low <= measured()[figure] <= high


@cache
def measured() -> dict[str, float]:
    found: dict[str, float] = script().measure_cohort(cohort())
    return found


def every_parameter(form: object) -> list[Parameter]:
    if isinstance(form, Parameter):
        return [form]
    if isinstance(form, dict):
        return [one for value in form.values() for one in every_parameter(value)]
    fields = getattr(type(form), "model_fields", {})
    return [one for name in fields for one in every_parameter(getattr(form, name))]


def test_every_number_has_a_source_and_a_status() -> None:
    form = load_parameters()
    found = every_parameter(form)
    assert len(found) > 70
    assert {one.source for one in found} <= set(form.sources)
    cited = {one.source for one in found if one.status == "cited"}
    assert cited == {"friberg2002", "md0846"}
    assert cited.isdisjoint({one.source for one in found if one.status == "assumed"})


def test_the_cited_numbers_are_those_of_the_sources() -> None:
    """Friberg 2002, docetaxel: transit time 88.7 h, gamma 0.161, the same rate in marrow and blood."""
    neutrophils, red_cells = (load_parameters().lineages[name] for name in ("neutrophils", "red_cells"))
    assert neutrophils.transit_time.value == 88.7
    assert neutrophils.feedback.value == 0.161
    assert neutrophils.circulation_time.value == 88.7 / 4
    assert neutrophils.room.value == 0
    assert red_cells.circulation_time.value == 120 * 24


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sites": {}}, "shares of the sites"),
        ({"lineages": {}}, "the lineages are neutrophils, platelets, red_cells"),
        ({"version": 1}, "'version'"),
        ({"kills": 1}, "unknown key 'kills'"),
    ],
)
def test_a_damaged_parameter_file_is_refused(
    change: dict[str, object], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = load_parameters().model_dump()
    monkeypatch.setattr(parameters, "parse_toml", lambda *_, **__: {**content, **change})
    with pytest.raises(DefinitionError, match=words):
        load_parameters.__wrapped__()


def test_a_site_prints_every_analyte() -> None:
    content = load_parameters().model_dump()
    del content["sites"]["north"]["analytes"]["crp"]
    with pytest.raises(ValueError, match="site north prints not every analyte"):
        Parameters.model_validate(content)
