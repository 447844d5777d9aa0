"""Checked data -> Flow. It constructs and judges nothing; defaults come from the schema, then from `defaults`."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, cast

from gateway.flow.durations import milliseconds
from gateway.flow.model import (
    BargeIn,
    Flow,
    Greeting,
    Idle,
    Languages,
    Limits,
    Model,
    Number,
    Persona,
    Vad,
    Voice,
)
from gateway.flow.schema import with_defaults
from gateway.flow.source import Data, Path

Section = dict[str, Any]


def complete(data: Data, file: str) -> Data:
    """The data with everything that holds without being written: the schema's defaults, `defaults`, the file's name.

    Data that is not what the schema says stays as it is where it is not, so that rules can look at the rest.
    """
    full = with_defaults(data)
    if not isinstance(full, dict):
        return full
    full.setdefault("name", PurePath(file).stem)
    defaults, personas = full["defaults"], full.get("personas")
    for persona in personas.values() if isinstance(personas, dict) else ():
        if isinstance(persona, dict) and isinstance(defaults, dict):
            _inherit(persona, defaults)
    return full


def _inherit(persona: dict[str, Data], defaults: dict[str, Data]) -> None:
    languages, model = persona["languages"], persona["model"]
    if isinstance(languages, dict):
        languages.setdefault("primary", defaults["language"])
        languages.setdefault("allowed", [languages["primary"]])
    if isinstance(model, dict):
        model.setdefault("name", defaults["model"])


# Where what a persona does not write comes from.
_HANDED_DOWN: dict[Path, Path] = {
    ("model", "name"): ("defaults", "model"),
    ("languages", "primary"): ("defaults", "language"),
}


def origin(path: Path) -> Path:
    """The place in `defaults` that a place in a persona inherits from, else the place itself."""
    return _HANDED_DOWN.get(path[2:], path) if path[:1] == ("personas",) else path


def build(data: Data, file: str) -> Flow:
    """The flow of `complete` data that the schema and the rules found nothing wrong with."""
    flow = cast(Section, data)
    return Flow(
        name=flow["name"],
        file=file,
        description=flow["description"],
        timezone=flow["defaults"]["timezone"],
        variables=flow["variables"],
        numbers=tuple(Number(**number) for number in flow["numbers"]),
        personas={name: _persona(name, persona) for name, persona in flow["personas"].items()},
        limits=Limits(_ms(flow["limits"]["max_duration"]) / 1000),
        language=flow["defaults"]["language"],
        model=flow["defaults"]["model"],
    )


def _persona(name: str, persona: Section) -> Persona:
    greeting, idle, languages = persona.get("greeting"), persona.get("idle"), persona["languages"]
    others = [code for code in languages["allowed"] if code != languages["primary"]]
    return Persona(
        name=name,
        instructions=persona["instructions"],
        greeting=Greeting(**greeting) if greeting else None,
        languages=Languages(languages["primary"], (languages["primary"], *others)),
        voice=Voice(**persona["voice"]),
        model=Model(**persona["model"]),
        vad=_vad(persona["vad"]),
        barge_in=BargeIn(**persona["barge_in"]),
        idle=_idle(idle) if idle else None,
    )


def _vad(vad: Section) -> Vad:
    return Vad(
        start_sensitivity=vad["start_sensitivity"],
        end_sensitivity=vad["end_sensitivity"],
        prefix_padding_ms=_ms(vad["prefix_padding"]),
        silence_ms=_ms(vad["silence"]),
    )


def _idle(idle: Section) -> Idle:
    return Idle(after_ms=_ms(idle["after"]), say=idle["say"], times=int(idle["times"]), then=idle["then"])


def _ms(duration: str) -> int:
    length = milliseconds(duration)
    if length is None:
        raise ValueError("a duration passed the schema and is none")
    return length
