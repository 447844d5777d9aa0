"""The one canonical form of a flow: frozen dataclasses, every default filled in. The schema
(schemas/flow.schema.json) is its reference.

Durations are milliseconds (`_ms`) or seconds (`_s`), as named. Texts may hold `{{name}}` (see `flow.template`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
class Model:
    name: str
    temperature: float | None = None  # None: the model's own


@dataclass(frozen=True, slots=True)
class Vad:
    """The server's voice activity detection: how surely speech starts, and how long a silence ends a turn."""

    start_sensitivity: Sensitivity
    end_sensitivity: Sensitivity
    prefix_padding_ms: int
    silence_ms: int


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
class Persona:
    name: str
    instructions: str
    greeting: Greeting | None
    languages: Languages
    voice: Voice
    model: Model
    vad: Vad
    barge_in: BargeIn
    idle: Idle | None


@dataclass(frozen=True, slots=True)
class Number:
    """A line that people dial. `number` is E.164; `persona` names a key of `Flow.personas`."""

    label: str
    number: str
    persona: str


@dataclass(frozen=True, slots=True)
class Limits:
    max_duration_s: float


@dataclass(frozen=True, slots=True)
class Flow:
    """One flow file. Mappings are read-only by convention; `file` is where it was read from."""

    name: str
    file: str
    description: str
    timezone: str
    variables: Mapping[str, str]
    numbers: tuple[Number, ...]
    personas: Mapping[str, Persona]
    limits: Limits
    language: str = ""  # what `defaults` hand down; each persona holds what is its own
    model: str = ""


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
