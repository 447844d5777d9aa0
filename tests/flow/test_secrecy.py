"""What the environment holds is in no report, wherever a flow lets it in."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from gateway import catalog
from gateway.flow import load as load_room
from gateway.flow import source as source_room
from gateway.flow.load import FlowError
from gateway.flow.schema import below, document, walk
from gateway.flow.source import Source
from gateway.problem import Form, Problem, render

FULL: dict[str, Any] = {
    "version": 1,
    "name": "harbour-dental",
    "description": "Front desk",
    "defaults": {
        "timezone": "Europe/Paris",
        "language": "fr-FR",
        "model": "gemini-3.8-live",
        "voice": {"name": "Kore"},
        "vad": {
            **{"mode": "model", "start_sensitivity": "low", "end_sensitivity": "low"},
            **{"prefix_padding": "20ms", "silence": "1s"},
        },
        "barge_in": {"enabled": True},
        "hours": "office",
        "fallback": {"say": "Sorry, says {{clinic}}.", "then": "dial", "to": "+14155550123"},
    },
    "variables": {"clinic": "Harbour Dental"},
    "numbers": [
        {
            "label": "desk",
            "number": "+14155550100",
            "persona": "ava",
            "hours": "office",
            "fallback": {"say": "Sorry, says {{clinic}}.", "then": "dial", "to": "+14155550123"},
            "timezone": "Europe/Paris",
            "language": "en-US",
            "regulatory": {
                "address_sid": "AD00000000000000000000000000000000",
                "bundle_sid": "BU00000000000000000000000000000000",
                "identity_sid": "RI00000000000000000000000000000000",
                "emergency_address_sid": "AD00000000000000000000000000000001",
            },
        },
        {"label": "side", "number": "+14155550101", "persona": "ava"},
        {
            "label": "more",
            "persona": "ava",
            "search": {"country": "US", "type": "local", "area_code": "415", "contains": "555****00"},
        },
    ],
    "personas": {
        "ava": {
            "instructions": "You answer for {{clinic}}.",
            "greeting": {"text": "Good day.", "interruptible": False},
            "languages": {"primary": "en-US", "allowed": ["en-US", "es-US"]},
            "voice": {"name": "Kore"},
            "model": {
                "name": "gemini-3.8-live",
                "temperature": 0.8,
                "context": {"trigger": 20000, "target": 5000},
                "gemini": {"seed": 7},
            },
            "vad": {
                **{"mode": "model", "start_sensitivity": "low", "end_sensitivity": "low"},
                **{"prefix_padding": "20ms", "silence": "1s"},
            },
            "tools": ["goodbye"],
            "barge_in": {"enabled": True},
            "idle": {"after": "10s", "say": "Hello?", "times": 3, "then": "hangup"},
        },
        "eve": {"instructions": "You answer."},
    },
    "tools": {"goodbye": {"type": "hangup", "description": "Ends the call."}},
    "hours": {
        "office": {
            "timezone": "Europe/Paris",
            "weekly": {"mon-fri": "09:00-18:00", "sat": ["09:00-12:00", "13:00-15:00"]},
            "holidays": ["2026-12-25", {"date": "2027-01-01", "name": "New Year", "open": "09:00-12:00"}],
            "closed": {"persona": "eve"},
        },
        "late": {
            "weekly": {"mon-sun": "20:00-23:00"},
            "closed": {"say": "Closed, says {{clinic}}.", "then": "dial", "to": "+14155550123"},
        },
    },
    "limits": {
        "max_duration": "90s",
        "warn_at": "80s",
        "concurrent_calls": 50,
        "per_caller": "10/h",
        "allow": ["+1415"],
        "deny": ["+1900"],
        "countries": ["US", "CA"],
        "max_cost": 0.5,
    },
}


def leaves(data: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    steps = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else None
    if steps is None:
        yield path
        return
    for step, value in steps:
        yield from leaves(value, (*path, step))


def problems(folder: Path, data: Any, env: dict[str, str]) -> tuple[Problem, ...]:
    (folder / "flow.yaml").write_text(json.dumps(data, indent=1), encoding="utf-8")
    try:
        return catalog.load(folder / "flow.yaml", env).warnings
    except FlowError as error:
        return error.problems


CANARIES = ["CANARY7", "canary7", "{{CANARY7}}", "{{clinic", "+14177777777", "7777777", "gemini-canary7", "en-CANARY7"]
# The last ones are odd on purpose: nearly right, so that they get to the later stages.
CANARIES += ["tlh-CANARY7", "7777777s", "gemini-3.8-canary7", "{{canary7", "{canary7} }}", "Kanary7/Paris"]


# Right in shape, and wrong in what they say: a range of no time, a day that is none, a country that is none.
CANARIES += ["07:07-07:07", "2077-02-30", "2077-02-30 to 02-30", "QQ", "777777/h", "+777777"]
CANARIES += ["transfer", "gateway"]  # what a hint may name, for the language has it
TOLD = ("canary7", "777777", "07:07", "2077", "'qq'")


@pytest.fixture
def read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment holds doesn't change how a file is read, which takes most of the time."""
    known: dict[bytes, tuple[Source, list[Problem]]] = {}

    def read(raw: bytes, file: str) -> tuple[Source, list[Problem]]:
        source, found = known.get(raw) or known.setdefault(raw, source_room.read(raw, file))
        return source, list(found)

    monkeypatch.setattr(load_room, "read", read)


LEAVES = list(leaves(FULL))


def is_silent(folder: Path, leaf: tuple[str | int, ...], canaries: list[str]) -> None:
    data = copy.deepcopy(FULL)
    inner = data
    for step in leaf[:-1]:
        inner = inner[step]  # type: ignore[index]
    inner[leaf[-1]] = "${X}"  # type: ignore[index]
    for canary in canaries:
        found = problems(folder, data, {"X": canary})
        for form in get_args(Form):
            report = render(found, form).lower()
            assert not [word for word in TOLD if word in report], report


@pytest.mark.usefixtures("read_once")
@pytest.mark.parametrize("nth", range(len(LEAVES)), ids=lambda nth: ".".join(map(str, LEAVES[nth])))
def test_no_value_is_told(tmp_path: Path, nth: int) -> None:
    is_silent(tmp_path, LEAVES[nth], CANARIES[nth % 3 :: 3])


@pytest.mark.slow
@pytest.mark.usefixtures("read_once")
@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: ".".join(map(str, leaf)))
def test_no_value_is_told_of_any_kind(tmp_path: Path, leaf: tuple[str | int, ...]) -> None:
    is_silent(tmp_path, leaf, CANARIES)


def keys(data: Any, schema: dict[str, Any], place: str = "") -> Iterator[tuple[str, str]]:
    """The keys written in the data, as `schema.walk` names them."""
    if isinstance(data, list):
        for item in data:
            yield from keys(item, below(schema, 0), f"{place}[]")
    for key, value in data.items() if isinstance(data, dict) else ():
        known = key in schema.get("properties", {})
        if known:
            yield place, key
        yield from keys(value, below(schema, key), f"{place}.{key if known else '<name>'}".strip("."))


def test_the_flow_is_full(tmp_path: Path) -> None:
    assert {(place, key) for place, key, _ in walk(document())} - set(keys(FULL, document())) == set()
    assert [problem.message for problem in problems(tmp_path, FULL, {})] == ["no number follows these hours"]


def test_what_the_file_itself_holds_is_told(tmp_path: Path) -> None:
    data = {**FULL, "personas": {**FULL["personas"], "eve": {"instructions": "${X} {{canary7}}"}}}
    (first, *_) = problems(tmp_path, data, {"X": "canary"})
    assert first.message == "there is no name 'canary7'"
