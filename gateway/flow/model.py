"""The one canonical form of a flow: frozen dataclasses, every default filled in. The schema
(schemas/flow.schema.json) is its reference.

Durations are milliseconds (`_ms`) or seconds (`_s`), as named. Texts may hold `{{name}}` (see `flow.template`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Sensitivity = Literal["high", "low"]


@dataclass(frozen=True, slots=True)
class Greeting:
    """The agent's first words, as written. Not `interruptible`: the caller's sound is held until they were heard."""

    text: str
    interruptible: bool = True


@dataclass(frozen=True, slots=True)
class Languages:
    """BCP 47 codes. `allowed` always holds `primary`, first."""

    primary: str
    allowed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Voice:
    name: str


@dataclass(frozen=True, slots=True)
class Context:
    """The model's window, in tokens: at `trigger` the oldest part of the call falls out until `target` are left."""

    trigger: int = 25_000
    target: int = 8_000


@dataclass(frozen=True, slots=True)
class Model:
    """`gemini`: further fields of the SDK's LiveConnectConfig, as written."""

    name: str
    temperature: float | None = None  # None: the model's own
    gemini: Mapping[str, object] = field(default_factory=dict)
    context: Context = Context()


@dataclass(frozen=True, slots=True)
class Vad:
    """Voice activity detection, by the model or by the gateway: how surely speech starts (the sensitivities are the
    model's alone), how much of it makes a turn, and how long a silence ends one."""

    start_sensitivity: Sensitivity
    end_sensitivity: Sensitivity
    prefix_padding_ms: int
    silence_ms: int
    mode: Literal["model", "gateway"] = "model"


@dataclass(frozen=True, slots=True)
class BargeIn:
    enabled: bool


@dataclass(frozen=True, slots=True)
class Idle:
    """A silent caller: after `after_ms` the agent says `say`, `times` times; after one more such wait, `then`."""

    after_ms: int
    say: str
    times: int
    then: Literal["hangup"]


@dataclass(frozen=True, slots=True)
class Tool:
    """What an agent may do besides speaking. `description` is for the model."""

    name: str
    type: Literal["hangup"]
    description: str


@dataclass(frozen=True, slots=True)
class Persona:
    """`tools` names keys of `Flow.tools`."""

    name: str
    instructions: str
    greeting: Greeting | None
    languages: Languages
    voice: Voice
    model: Model
    vad: Vad
    barge_in: BargeIn
    idle: Idle | None
    tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Announcement:
    """What Twilio says and does by itself. `say` has its variables filled in; `to` is E.164, with `dial` only."""

    say: str
    then: Literal["hangup", "voicemail", "dial"] = "hangup"
    to: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    """A number to buy. `country` is ISO 3166 alpha-2; an empty text asks for nothing."""

    country: str
    type: Literal["local", "mobile", "toll_free"] = "local"
    area_code: str = ""
    contains: str = ""


@dataclass(frozen=True, slots=True)
class Regulatory:
    """SIDs of what is registered with Twilio; empty where the flow names none."""

    address_sid: str = ""
    bundle_sid: str = ""
    identity_sid: str = ""
    emergency_address_sid: str = ""


@dataclass(frozen=True, slots=True)
class Number:
    """A line that people dial. `number` is E.164, or empty with `search`; `persona` names a key of `Flow.personas`,
    `hours` one of `Flow.hours` (empty: always open). `language` overrides the persona's primary one, unless empty."""

    label: str
    number: str
    persona: str
    search: Search | None = None
    hours: str = ""
    fallback: Announcement | None = None
    timezone: str = "UTC"
    language: str = ""
    regulatory: Regulatory = Regulatory()


@dataclass(frozen=True, slots=True)
class Range:
    """Open from `start` until before `end`, in minutes after midnight of the day on which it begins. Past midnight
    `end` is above 1,440."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Holiday:
    """The days from `first` to `last`, `2026-12-25`, or each year `12-25` (`last` before `first`: over New Year), and
    when it is `open` all the same."""

    first: str
    last: str
    name: str = ""
    open: tuple[Range, ...] = ()


@dataclass(frozen=True, slots=True)
class Closed:
    """Who answers outside the hours: a persona, or Twilio with an announcement. One of the two."""

    persona: str = ""
    announcement: Announcement | None = None


@dataclass(frozen=True, slots=True)
class Hours:
    """`weekly` holds the ranges of seven days, Monday first, each day's in order."""

    name: str
    timezone: str
    weekly: tuple[tuple[Range, ...], ...]
    closed: Closed
    holidays: tuple[Holiday, ...] = ()


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` within any `per_s` seconds."""

    count: int
    per_s: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What a call may take and who may call. `allow` and `deny` are E.164 prefixes, `countries` ISO 3166 alpha-2;
    empty `allow` and `countries` hold nobody back. `max_cost_usd`: of one call, as the gateway estimates it."""

    max_duration_s: float
    warn_at_s: float | None = None
    concurrent_calls: int | None = None
    per_caller: Rate | None = None
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    max_cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """One flow file. Mappings are read-only by convention; `file` is where it was read from (not in the artefact)."""

    name: str
    file: str
    description: str
    timezone: str
    variables: Mapping[str, str]
    numbers: tuple[Number, ...]
    personas: Mapping[str, Persona]
    limits: Limits
    hours: Mapping[str, Hours] = field(default_factory=dict)
    language: str = ""  # what `defaults` hand down; each persona holds what is its own
    model: str = ""
    tools: Mapping[str, Tool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """What another room says against a flow (`live.models.judge`): `path` names a place in the document
    (`("personas", "ava", "model", "name")`), which `flow.load` turns into file, line and column: those of the value,
    of its `key`, or of a `piece` of text within the value: the first one after `nth` others like it."""

    path: tuple[str | int, ...]
    message: str
    hint: str = ""
    severity: Literal["error", "warning"] = "error"
    at: Literal["value", "key"] = "value"
    piece: str = ""
    nth: int = 0
