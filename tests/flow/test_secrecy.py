"""What the environment holds is in no report, wherever a flow lets it in."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from gateway import catalog
from gateway.flow.load import FlowError
from gateway.flow.schema import document
from gateway.problem import Form, Problem, render

FULL: dict[str, Any] = {
    "version": 1,
    "name": "harbour-dental",
    "description": "Front desk",
    "defaults": {"timezone": "Europe/Paris", "language": "fr-FR", "model": "gemini-3.8-live"},
    "variables": {"clinic": "Harbour Dental"},
    "numbers": [
        {"label": "desk", "number": "+14155550100", "persona": "ava"},
        {"label": "side", "number": "+14155550101", "persona": "ava"},
    ],
    "personas": {
        "ava": {
            "instructions": "You answer for {{clinic}}.",
            "greeting": {"text": "Good day.", "interruptible": False},
            "languages": {"primary": "en-US", "allowed": ["en-US", "es-US"]},
            "voice": {"name": "Kore"},
            "model": {"name": "gemini-3.8-live", "temperature": 0.8},
            "vad": {"start_sensitivity": "low", "end_sensitivity": "low", "prefix_padding": "20ms", "silence": "1s"},
            "barge_in": {"enabled": True},
            "idle": {"after": "10s", "say": "Hello?", "times": 3, "then": "hangup"},
        },
        "eve": {"instructions": "You answer."},
    },
    "limits": {"max_duration": "90s"},
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


@pytest.mark.parametrize("leaf", list(leaves(FULL)), ids=lambda leaf: ".".join(map(str, leaf)))
def test_no_value_is_told(tmp_path: Path, leaf: tuple[str | int, ...]) -> None:
    data = copy.deepcopy(FULL)
    inner = data
    for step in leaf[:-1]:
        inner = inner[step]  # type: ignore[index]
    inner[leaf[-1]] = "${X}"  # type: ignore[index]
    for canary in CANARIES:
        found = problems(tmp_path, data, {"X": canary})
        for form in get_args(Form):
            report = render(found, form).lower()
            assert not [word for word in ("canary7", "777777") if word in report], report


def test_the_flow_is_full() -> None:
    personas = FULL["personas"]["ava"]
    schema = document()
    assert set(FULL) == set(schema["properties"])
    assert set(personas) == set(schema["$defs"]["persona"]["properties"])


def test_what_the_file_itself_holds_is_told(tmp_path: Path) -> None:
    data = {**FULL, "personas": {"ava": {"instructions": "${X} {{canary7}}"}}}
    assert [problem.message for problem in problems(tmp_path, data, {"X": "canary"})][1:] == [
        "there is no name 'canary7'"
    ]
