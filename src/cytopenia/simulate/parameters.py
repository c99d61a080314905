"""The parameters of the synthetic cohorts as typed data: `data/simulation/parameters.toml`."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Literal, Self

from pydantic import Field, model_validator

from cytopenia.definition_forms.base import Form
from cytopenia.errors import DefinitionError, join_problems
from cytopenia.forms import parse_toml, read_form

__all__ = [
    "COUNTS",
    "FIRST_DAY",
    "LAST_DAY",
    "LINEAGES",
    "MARKERS",
    "Inflammation",
    "Lineage",
    "Marker",
    "Measurement",
    "Parameter",
    "Parameters",
    "Print",
    "Schedule",
    "Site",
    "Steps",
    "Stretch",
    "Support",
    "load_parameters",
]

FIRST_DAY, LAST_DAY = -10, 100
LINEAGES = ("neutrophils", "platelets", "red_cells")
COUNTS = ("wbc", "anc", "alc", "hemoglobin", "platelets")
MARKERS = ("crp", "ferritin", "il6", "ldh", "creatinine")

Status = Literal["cited", "assumed"]


class Parameter(Form):
    """One number: of the typical patient, how it varies between patients, and where it comes from."""

    value: float
    omega: float = Field(default=0.0, ge=0)
    burden: float = 0.0
    unit: str
    status: Status
    source: str


class Steps(Form):
    """Where the grade of an event rises, on the log scale of the first wave, and the scatter around it."""

    steps: tuple[float, ...] = Field(min_length=1)
    scatter: float = Field(ge=0)
    status: Status
    source: str


class Lineage(Form):
    """One chain of maturation, what lymphodepletion and inflammation do to it, and its daily scatter."""

    baseline: Parameter
    transit_time: Parameter
    feedback: Parameter
    room: Parameter
    circulation_time: Parameter
    kill: Parameter
    suppression: Parameter
    clearance: Parameter
    day_to_day: Parameter
    persistence: Parameter


class WhiteCells(Form):
    """White cells that are no neutrophils."""

    lymphocytes: Parameter
    lymphocyte_kill: Parameter
    lymphocyte_turnover: Parameter
    expansion: Parameter
    other_share: Parameter
    day_to_day: Parameter


class Lymphodepletion(Form):
    """The days of lymphodepletion and how its effect wears off."""

    first_day: Parameter
    days: Parameter
    kill_left: Parameter


class Inflammation(Form):
    """The waves of inflammation after the infusion."""

    first_peak: Parameter
    first_width: Parameter
    first_size: Parameter
    second_share: Parameter
    second_day: Parameter
    second_width: Parameter
    second_size: Parameter
    plateau_share: Parameter
    plateau_size: Parameter
    plateau_end: Parameter


class Support(Form):
    """Growth factor and transfusions: the habits, and what they do."""

    gcsf_share: Parameter
    gcsf_early_share: Parameter
    gcsf_early_day: Parameter
    gcsf_late_day: Parameter
    gcsf_from: Parameter
    gcsf_until: Parameter
    gcsf_longest: Parameter
    gcsf_pause: Parameter
    gcsf_speed: Parameter
    gcsf_output: Parameter
    gcsf_division: Parameter
    gcsf_survival: Parameter
    red_cells_from: Parameter
    red_cells_rise: Parameter
    red_cells_half: Parameter
    platelets_from: Parameter
    platelets_rise: Parameter
    platelets_half: Parameter
    given_share: Parameter
    blood_loss: Parameter


class Fate(Form):
    """Death, progression, discharge, follow-up, and the grades of CRS and ICANS."""

    death_rate: Parameter
    death_from: Parameter
    progression_rate: Parameter
    progression_from: Parameter
    death_after: Parameter
    therapy_share: Parameter
    therapy_after: Parameter
    discharge_day: Parameter
    lost_share: Parameter
    lost_from: Parameter
    follow_up: Parameter
    crs_steps: Steps
    icans_steps: Steps
    crs_day: Parameter
    icans_after: Parameter


class People(Form):
    """Who the patients are, in shares of the cohort, and words of the tables."""

    age: Parameter
    age_range: tuple[int, int]
    prior_lines: Parameter
    ecog_steps: Steps
    gcsf_agent: str
    grading: str
    response_days: tuple[int, ...]
    shares: dict[str, dict[str, float]]


class Marker(Form):
    """A marker of inflammation: a patient's own level, its rise, and the error of one measurement."""

    level: Parameter
    rise: Parameter
    error: Parameter


class Measurement(Form):
    """When markers are added, how often a day has a second draw, and the error of the counts."""

    marker_days: tuple[int, ...]
    widest: float = Field(gt=0)
    second_draw: float = Field(ge=0, le=1)
    error: dict[str, float]


class Stretch(Form):
    """Days between two draws, up to a last day or to the discharge."""

    until: int | Literal["discharge"]
    every: tuple[int, int]


class Schedule(Form):
    """When blood is drawn; `draws` bounds the days with a draw of a patient who lives to the last day."""

    title: str
    first: tuple[int, int]
    draws: tuple[int, int]
    stretches: tuple[Stretch, ...] = Field(min_length=1)


class Print(Form):
    """How a laboratory prints one analyte: unit, decimals (-1: tens), reporting limits, limits of normal."""

    unit: str
    decimals: int = Field(ge=-1, le=2)
    low: float | None = None
    high: float
    lln: float | None = None
    uln: float | None = None


class Site(Form):
    """One hospital: its share of the patients, its habit of counting differentials, its laboratory."""

    share: float = Field(gt=0, le=1)
    differential_from: float
    differential_anyway: float = Field(ge=0, le=1)
    analytes: dict[str, Print]


class Parameters(Form):
    """Everything that shapes a synthetic cohort."""

    version: str
    sources: dict[str, str]
    lineages: dict[str, Lineage]
    white_cells: WhiteCells
    lymphodepletion: Lymphodepletion
    inflammation: Inflammation
    support: Support
    fate: Fate
    people: People
    markers: dict[str, Marker]
    measurement: Measurement
    schedules: dict[str, Schedule]
    sites: dict[str, Site]

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        printed = sorted((*COUNTS, *MARKERS))
        wrong = [
            f"site {name} prints not every analyte"
            for name, site in self.sites.items()
            if sorted(site.analytes) != printed
        ]
        if sorted(self.lineages) != sorted(LINEAGES) or sorted(self.markers) != sorted(MARKERS):
            wrong.append(f"the lineages are {', '.join(LINEAGES)}; the markers {', '.join(MARKERS)}")
        if abs(sum(site.share for site in self.sites.values()) - 1) > _ROUNDING:
            wrong.append("the shares of the sites must add up to 1")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


_ROUNDING = 1e-9


@cache
def load_parameters() -> Parameters:
    """Return the parameters that come with the package.

    Raises
    ------
    DefinitionError
        The file is damaged.

    Examples
    --------
    >>> load_parameters().lineages["neutrophils"].transit_time.value
    88.7
    """
    file = resources.files("cytopenia") / "data" / "simulation" / "parameters.toml"
    content = parse_toml(file.read_bytes(), name="parameters.toml", error=DefinitionError)
    form, problems = read_form(Parameters, content, where="parameters.toml")
    if form is None:
        raise DefinitionError(join_problems("parameters.toml cannot be used", problems))
    return form
