"""What a study says about its REDCap project: where it is, and which fields give which of the six tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, Field, field_validator, model_validator
from pydantic_core import Url

from cytopenia.contract import EVENT_KINDS, RESPONSES, SUPPORT_KINDS
from cytopenia.definition_forms import Whole
from cytopenia.readers.mapping_forms import IGNORE, MappingForm, Words, name_unlisted, raise_all
from cytopenia.readers.paths import name_outside
from cytopenia.units import list_units, load_analytes, match_unit

__all__ = [
    "RedcapEvents",
    "RedcapInfusions",
    "RedcapLabField",
    "RedcapLabs",
    "RedcapMapping",
    "RedcapPart",
    "RedcapPatients",
    "RedcapResponses",
    "RedcapSupport",
]

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_TOKEN_KEYS = ("token_env", "token_keyring")
_INFUSION_FIELDS = ("product", "target", "costimulation", "dose_1e6_per_kg")
# The token of a project has 32 characters of this kind, that of a whole server 64.
_LIKE_TOKEN = re.compile(r"^[0-9A-Fa-f]{32}(?:[0-9A-Fa-f]{32})?$")


def _list_one(given: Any) -> Any:
    """A part that is written once is a list of one."""
    return [given] if isinstance(given, Mapping) else given


def _list_words(given: Any) -> Any:
    """Missing data codes without labels are their own labels; one answer of a condition is a list of one."""
    return {code: code for code in cast("list[Any]", given)} if isinstance(given, list) else given


def _list_answers(given: Any) -> Any:
    if not isinstance(given, Mapping):
        return given
    answers = cast("Mapping[str, Any]", given)
    return {field: [one] if isinstance(one, str) else one for field, one in answers.items()}


class RedcapPart(MappingForm):
    """Which rows give a table: those of some events only, or those where a field has a certain answer."""

    events: tuple[str, ...] = ()
    only_if: Annotated[dict[str, tuple[str, ...]], BeforeValidator(_list_answers)] = Field(
        default_factory=dict
    )

    @property
    def names(self) -> tuple[str, ...]:
        """Every field that the part names."""
        return tuple(self.only_if)


class _TimedPart(RedcapPart):
    """When a row happened: a field with the date or the day, or the day that an event stands for."""

    date: str | None = None
    day: str | None = None
    days: dict[str, Whole] = Field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Every field that the part names."""
        return (*super().names, *_given(self.date, self.day))

    @property
    def is_timed(self) -> bool:
        """True where the part itself says when."""
        return self.date is not None or self.day is not None or bool(self.days)

    @model_validator(mode="after")
    def _check_moment(self) -> _TimedPart:
        count = sum([self.date is not None, self.day is not None, bool(self.days)])
        if count > 1 or (count == 0 and self._needs_moment()):
            raise ValueError("say when: one of date (a field), day (a field) and days (event = day)")
        return self

    def _needs_moment(self) -> bool:
        return True


class _KindPart(_TimedPart):
    """What a row is: always the same, or as the answer of a field says."""

    kind: str | None = None
    kind_field: str | None = None
    kinds: Words = Field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Every field that the part names."""
        return (*super().names, *_given(self.kind_field))

    def find_kind_problems(self, allowed: Iterable[str]) -> list[str]:
        """Return what is wrong with kind, kind_field and kinds."""
        listed = list(allowed)
        if (self.kind is None) == (self.kind_field is None):
            return ["give one of kind (the same for every row) and kind_field (a field that tells it)"]
        if self.kind is not None and self.kinds:
            return ["kinds belongs to kind_field, not to kind"]
        problems = name_unlisted(_given(self.kind), listed, "is not known")
        return problems + name_unlisted(self.kinds.values(), [IGNORE, *listed], "is not known")


class RedcapLabField(MappingForm):
    """One field with a laboratory value: its analyte, and one statement on its unit.

    `unit` is the unit itself, `unit_field` a field that has it, `unit_from` the label (the brackets at its
    end) or the note of the field.
    """

    analyte: str
    unit: str | None = None
    unit_field: str | None = None
    unit_from: Literal["label", "note"] | None = None
    lln: str | None = None
    uln: str | None = None
    decimal: Literal[".", ","] | None = None
    date: str | None = None
    day: Whole | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every other field that it names."""
        return _given(self.unit_field, self.lln, self.uln, self.date)

    @model_validator(mode="after")
    def _check_whole(self) -> RedcapLabField:
        problems = name_unlisted([self.analyte], load_analytes(), "is no analyte")
        if sum(item is not None for item in (self.unit, self.unit_field, self.unit_from)) != 1:
            problems.append(
                "say the unit: one of unit (as it is), unit_field (a field) and unit_from (label or note)"
            )
        elif self.unit is not None and not problems and match_unit(self.analyte, self.unit) is None:
            listed = ", ".join(list_units(self.analyte))
            problems.append(f"'{self.unit}' is not a listed unit of {self.analyte}; allowed: {listed}")
        if self.date is not None and self.day is not None:
            problems.append("give date (a field) or day (a number), not both")
        return raise_all(self, problems)


class RedcapLabs(_TimedPart):
    """Fields with laboratory values: an instrument of one draw, repeating or once in an event."""

    time: str | None = None
    fields: Annotated[dict[str, RedcapLabField], Field(min_length=1)]

    @property
    def names(self) -> tuple[str, ...]:
        """Every field that the part names."""
        inner = [name for field, item in self.fields.items() for name in (field, *item.names)]
        return (*super().names, *_given(self.time), *inner)

    def _needs_moment(self) -> bool:
        return any(item.date is None and item.day is None for item in self.fields.values())


class RedcapInfusions(_TimedPart):
    """The infusions, and what was infused: our name of a column = the field."""

    lymphodepletion_date: str | None = None
    lymphodepletion_day: str | None = None
    fields: Words = Field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Every field that the part names."""
        more = _given(self.lymphodepletion_date, self.lymphodepletion_day)
        return (*super().names, *more, *self.fields.values())

    @field_validator("fields")
    @classmethod
    def _check_fields(cls, fields: Words) -> Words:
        return raise_all(fields, name_unlisted(fields, _INFUSION_FIELDS, "is no column of infusions"))

    @model_validator(mode="after")
    def _check_infusions(self) -> RedcapInfusions:
        if self.days and not self.only_if and not self.fields:
            raise ValueError("with days say which rows count: only_if, or a field of what was infused")
        return self


class RedcapPatients(RedcapPart):
    """What is known of a patient: our name of a column, or a name of the study's own = the field."""

    fields: Annotated[Words, Field(min_length=1)]

    @property
    def names(self) -> tuple[str, ...]:
        """Every field that the part names."""
        return (*super().names, *self.fields.values())


class RedcapSupport(_KindPart):
    """Growth factors and transfusions: `start` and `stop` are fields with dates or days."""

    start: str | None = None
    stop: str | None = None
    agent: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every field that the part names."""
        return (*super().names, *_given(self.start, self.stop, self.agent))

    def _needs_moment(self) -> bool:
        return False

    @model_validator(mode="after")
    def _check_support(self) -> RedcapSupport:
        problems = self.find_kind_problems(SUPPORT_KINDS)
        if (self.start is None) != bool(self.days):
            problems.append("say when: one of start (a field) and days (event = day)")
        if self.days and self.stop is not None:
            problems.append("with days a row lasts one day; leave stop out")
        if self.date is not None or self.day is not None:
            problems.append("write start and stop instead of date and day")
        if self.days and not self.only_if and self.kind_field is None:
            problems.append("with days say which rows count: only_if, or kind_field")
        return raise_all(self, problems)


class RedcapEvents(_KindPart):
    """Clinical events: when, what, and the field with the grade."""

    grade: str | None = None
    scale: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every field that the part names."""
        return (*super().names, *_given(self.grade, self.scale))

    @model_validator(mode="after")
    def _check_events(self) -> RedcapEvents:
        problems = self.find_kind_problems(EVENT_KINDS)
        if self.days and not self.only_if and self.kind_field is None and self.grade is None:
            problems.append("with days say which rows count: only_if, kind_field or grade")
        return raise_all(self, problems)


class RedcapResponses(_TimedPart):
    """Response assessments: the field with the response, and its answers in our words."""

    response: str
    kinds: Words = Field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Every field that the part names."""
        return (*super().names, self.response)

    @field_validator("kinds")
    @classmethod
    def _check_kinds(cls, kinds: Words) -> Words:
        return raise_all(kinds, name_unlisted(kinds.values(), [IGNORE, *RESPONSES], "is not known"))


_Once = BeforeValidator(_list_one)


class RedcapMapping(MappingForm):
    """A REDCap project: its export with the data dictionary, or its server, and which field is what.

    The token is never written here: `token_env` names the environment variable that has it, `token_keyring`
    the service under which the keyring of the machine has it.
    """

    records: str | None = None
    dictionary: str | None = None
    encoding: str | None = None
    values: Literal["raw", "label"] | None = None
    url: str | None = None
    token_env: str | None = None
    token_keyring: str | None = None
    records_per_request: Annotated[Whole, Field(ge=1, le=10_000)] = 100
    patient_id: str | None = None
    missing_codes: Annotated[Words, BeforeValidator(_list_words)] = Field(default_factory=dict)
    keep_codes: tuple[str, ...] = ()
    instruments: Words = Field(default_factory=dict)
    patients: RedcapPatients | None = None
    infusions: Annotated[tuple[RedcapInfusions, ...], _Once] = ()
    labs: Annotated[tuple[RedcapLabs, ...], _Once] = ()
    support: Annotated[tuple[RedcapSupport, ...], _Once] = ()
    events: Annotated[tuple[RedcapEvents, ...], _Once] = ()
    responses: Annotated[tuple[RedcapResponses, ...], _Once] = ()

    @property
    def parts(self) -> list[tuple[str, RedcapPart]]:
        """Every part with the table that it gives."""
        one: list[tuple[str, RedcapPart]] = [] if self.patients is None else [("patients", self.patients)]
        for name in ("infusions", "labs", "support", "events", "responses"):
            one += [(name, part) for part in getattr(self, name)]
        return one

    @property
    def host(self) -> str:
        """The name of the server."""
        return "" if self.url is None else Url(self.url).host or ""

    @property
    def files(self) -> tuple[str, ...]:
        """The files of the project, which are no tables of the study."""
        return _given(self.records, self.dictionary)

    @property
    def names(self) -> list[str]:
        """Every field that the mapping names, each once."""
        inner = (name for _, part in self.parts for name in part.names)
        return list(dict.fromkeys([*_given(self.patient_id), *inner, *self.keep_codes]))

    @model_validator(mode="before")
    @classmethod
    def _refuse_token(cls, given: Any) -> Any:
        """The token itself must never stand in a file, so what was given is not repeated in the message."""
        if not isinstance(given, Mapping):
            return given
        keys = cast("Mapping[str, Any]", given)
        written = [key for key in keys if "token" in key.lower() and key not in _TOKEN_KEYS]
        values = [str(keys[key]) for key in _TOKEN_KEYS if key in keys]
        if written or any(_LIKE_TOKEN.match(value.strip()) for value in values):
            raise ValueError(
                "the token itself must not stand in a file. Take it out, ask for a new one if the file was"
                ' passed on, put it into an environment variable and name that: token_env = "REDCAP_TOKEN"'
            )
        return keys

    @field_validator("records", "dictionary")
    @classmethod
    def _check_files(cls, name: str | None) -> str | None:
        return raise_all(name, [] if name is None else name_outside(name))

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str | None) -> str | None:
        if url is None:
            return None
        try:
            parts = Url(url)
        except ValueError:
            parts = None
        if parts is None or parts.scheme not in ("https", "http") or not _ends_in_api(parts):
            raise ValueError("is no address of an API; allowed: https://.../api/")
        if parts.query or parts.fragment or parts.username or parts.password:
            raise ValueError(
                "give the address alone, without a name, a password or anything after '?'; the token is read "
                "from token_env or token_keyring"
            )
        if parts.scheme == "http" and parts.host not in _LOOPBACK:
            raise ValueError(
                "sends the token and the patients' data unencrypted; write https:// (http:// only for this"
                " machine itself)"
            )
        return url if url.endswith("/") else f"{url}/"

    @model_validator(mode="after")
    def _check_source(self) -> RedcapMapping:
        if (self.records is None) == (self.url is None):
            raise ValueError("give one of records (an exported file) and url (the API of the server)")
        problems = list[str]()
        if self.records is not None and self.dictionary is None:
            problems.append(
                "'dictionary' is missing: download the data dictionary of the project (Project Setup, or "
                'Codebook) and name it: dictionary = "DataDictionary.csv"'
            )
        if self.url is not None and (self.token_env is None) == (self.token_keyring is None):
            problems.append("give one of token_env and token_keyring: where the token of the API is kept")
        if self.url is not None and self.dictionary is not None:
            problems.append("'dictionary' is for a file; the server tells its own")
        if not self.labs:
            problems.append("'labs' is missing: say which fields have laboratory values")
        return raise_all(self, problems)


def _ends_in_api(address: Url) -> bool:
    return (address.path or "").rstrip("/").endswith("/api")


def _given(*names: str | None) -> tuple[str, ...]:
    return tuple(name for name in names if name is not None)
