"""`model.gemini`: the words and places of its faults, as `gateway validate` tells them, and its way to the wire."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin

import pytest
from google.genai import types
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from gateway import catalog
from gateway.flow.load import FlowError, load
from gateway.flow.model import Model
from gateway.live import names
from gateway.live.fields import camel
from gateway.live.models import MODELS, Backend, judge, judge_backend
from gateway.live.passthrough import GENERATION, REFUSED, merged, wire
from gateway.live.setup import Session, setup_message
from gateway.problem import Problem
from tests.live.samples import LOUD, PLAIN, RICH, SIGNALLED, WARM, flow

FLOW = """version: 1
numbers: [{{ label: desk, number: "+14155550100", persona: ava }}]
personas:
  ava:
    instructions: Answer.
    model:
      name: {model}
      gemini: {block}
"""
START = len("      gemini: ") + 1
PREFIX = "personas.ava.model.gemini."

LIVE = "gemini-3.8-live"
THINKER = "gemini-3.8-live-extended-thinking"
OLD = "gemini-live-2.5-flash-native-audio"
Case = tuple[str, str, list[str]]


def problems(folder: Path, block: str, model: str = LIVE, backend: str = "") -> Sequence[Problem]:
    file = folder / "one.yaml"
    file.write_text(FLOW.format(model=model, block=block), encoding="utf-8")
    try:
        return catalog.load(file, {"LIVE_BACKEND": backend}).warnings
    except FlowError as faults:
        return faults.problems


def told(found: Iterable[Problem]) -> list[str]:
    """What is said of the block: column within it, path within it, words."""
    inside = [problem for problem in found if problem.path.startswith(PREFIX)]
    assert {problem.place.line for problem in inside} <= {8}
    return [
        f"{problem.place.column - START}: {str(problem).split(': ', 1)[1].replace(PREFIX, '')}" for problem in inside
    ]


def cases() -> Iterator[Case]:
    """tests/live/blocks.txt, read."""
    model, block, faults = "", "", list[str]()
    for line in (*(Path(__file__).parent / "blocks.txt").read_text(encoding="utf-8").splitlines(), "== "):
        if line.startswith("    "):
            faults.append(line.strip())
        elif line and not line.startswith("#"):
            if block:
                yield model, block, faults
            model, block, faults = (line[3:], "", []) if line.startswith("== ") else (model, line, [])


CASES = tuple(cases())


@pytest.mark.parametrize(("model", "block", "faults"), CASES, ids=[f"{model} {block}" for model, block, _ in CASES])
def test_words_and_places(tmp_path: Path, model: str, block: str, faults: list[str]) -> None:
    assert faults
    assert told(problems(tmp_path, block, model)) == faults


def test_each_refusal_has_its_case() -> None:
    told = {tuple(camel(step) for step in fault.split(": ")[1].split(".")) for *_, faults in CASES for fault in faults}
    assert [path for path in REFUSED if path not in told] == []


@pytest.mark.parametrize("block", ["{ labels: { Team_name: a_b, teamName: a } }", "{}", "{ proactivity: {} }"])
def test_what_is_sound_is_not_told(tmp_path: Path, block: str) -> None:
    assert problems(tmp_path, block) == ()


def test_every_fault_at_once_in_order_and_no_value_in_any(tmp_path: Path) -> None:
    block = '{ seed: "${MARK}", labels: { a: 5 }, tools: ["${MARK}"], thinking_config: { thinking_level: "${MARK}" } }'
    file = tmp_path / "one.yaml"
    file.write_text(FLOW.format(model=LIVE, block=block), encoding="utf-8")
    with pytest.raises(FlowError) as raised:
        catalog.load(file, {"MARK": "hush-4711"})
    assert [(problem.path.removeprefix(PREFIX), problem.place.line) for problem in raised.value.problems] == [
        ("seed", 8),
        ("labels.a", 8),
        ("tools", 8),
        ("thinking_config", 8),
        ("thinking_config.thinking_level", 8),
    ]
    assert "4711" not in str(raised.value)


def test_a_block_in_several_lines(tmp_path: Path) -> None:
    block = "\n        safety_settings:\n          - category: HARM_CATEGORY_HARASSMENT\n            threshold: SOME"
    (problem,) = problems(tmp_path, block)
    assert (problem.place.line, problem.place.column) == (11, 24)


def judged(folder: Path, backend: Backend | None, block: str, model: str = LIVE) -> list[str]:
    file = folder / "one.yaml"
    file.write_text(FLOW.format(model=model, block=block), encoding="utf-8")
    try:
        return told(load(file, {}, (lambda one: judge_backend(one, backend),)).warnings)
    except FlowError as faults:
        return told(faults.problems)


VERTEX_ONLY = "{ explicit_vad_signal: true, safety_settings: [{ method: SEVERITY }] }"


def test_what_vertex_alone_takes(tmp_path: Path) -> None:
    words = "only Vertex AI takes this"
    hint = "set LIVE_BACKEND to vertex, or remove it"
    assert judged(tmp_path, "vertex", VERTEX_ONLY) == []
    assert judged(tmp_path, "vertex", VERTEX_ONLY, OLD) == []
    assert judged(tmp_path, "developer", VERTEX_ONLY) == [
        f"2: explicit_vad_signal: {words} (remove it)",
        f"49: safety_settings[0].method: {words} (remove it)",
    ]
    assert judged(tmp_path, None, VERTEX_ONLY) == [
        f"2: warning: explicit_vad_signal: {words} ({hint})",
        f"49: warning: safety_settings[0].method: {words} ({hint})",
    ]
    assert judged(tmp_path, None, VERTEX_ONLY, OLD) == []


def test_what_a_model_refuses_is_told_once_where_the_backend_is_named(tmp_path: Path) -> None:
    block = "{ thinking_config: {} }"
    assert told(problems(tmp_path, block, backend="vertex")) == told(problems(tmp_path, block))


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


def one(*values: object) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


TEXT = st.text(max_size=3)
HEARD = some(custom_vocabulary=st.lists(TEXT, max_size=2), wordTimestamp=st.booleans(), mode=one("VERBATIM"))
SOUND = some(
    top_p=st.floats(0, 1),
    topK=st.integers(1, 9),
    max_output_tokens=st.integers(1, 99),
    seed=st.integers(-9, 9),
    speechConfig=some(language_code=one("de-DE", "en")),
    inputAudioTranscription=HEARD,
    output_audio_transcription=HEARD,
    realtime_input_config=some(turnCoverage=one("TURN_INCLUDES_ALL_INPUT"), automatic_activity_detection=some()),
    proactivity=some(proactive_audio=one(True)),
    safety_settings=st.lists(some(category=one("HARM_CATEGORY_HARASSMENT"), threshold=one("OFF")), max_size=2),
    labels=st.dictionaries(TEXT | one("a_b", "top_p"), TEXT, max_size=2),
)
NAMES = [spelt for name in types.LiveConnectConfig.model_fields for spelt in (name, camel(name))]
INNER = ("languageCode", "mode", "thinking_level", "thinkingBudget", "proactive_audio", "category", "method", "x_y", "")
VALUES = st.recursive(
    one(None, True, 0, -1, 0.5, 2**40, "", "LOW", "SMART", "OFF", "\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(one(*INNER), inner, max_size=3),
)
JUNK = st.dictionaries(one(*NAMES, "wurst"), VALUES, max_size=3)


def is_sound(gemini: dict[str, Any], model: str) -> bool:
    found = judge(flow(replace(PLAIN, model=Model(model, gemini=gemini))))
    return not any(finding.severity == "error" and "gemini" in finding.path for finding in found)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SOUND, JUNK, one(*MODELS))
def test_what_is_found_sound_the_sdk_sends_as_we_do(sound: dict[str, Any], junk: dict[str, Any], model: str) -> None:
    assert is_sound(sound, LIVE)
    for gemini in (sound, *([junk] if is_sound(junk, model) else [])):
        sent = types.LiveConnectConfig.model_validate(gemini).model_dump(by_alias=True, mode="json", exclude_none=True)
        generation = {name: sent.pop(name) for name in GENERATION & sent.keys()}
        assert wire(gemini) == ({**sent, "generationConfig": generation} if generation else sent)


# To the wire --------------------------------------------------------------------------------------------------------


def test_the_wire() -> None:
    assert wire(RICH.model.gemini) == {
        "inputAudioTranscription": {
            "customVocabulary": ["ACME", "Pier Road"],
            "wordTimestamp": True,
            "diarization": False,
        },
        "outputAudioTranscription": {"mode": "SMART"},
        "realtimeInputConfig": {
            "turnCoverage": "TURN_INCLUDES_ALL_INPUT",
            "interimTranscriptTimestampEnabled": True,
            "automaticActivityDetection": {},
        },
        "proactivity": {"proactiveAudio": True},
        "safetySettings": [
            {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"},
            {"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "OFF"},
        ],
        "labels": {"cost_centre": "clinic", "teamName": "front_desk"},
        "generationConfig": {
            "topP": 0.9,
            "topK": 40,
            "maxOutputTokens": 1024,
            "seed": 7,
            "speechConfig": {"languageCode": "de-DE"},
        },
    }
    assert wire({}) == {}


def test_merging_goes_as_deep_as_both_do() -> None:
    assert merged({"a": {"b": 1, "c": {}}, "d": 1}, {"a": {"c": {"e": 2}, "f": [3]}}) == {
        "a": {"b": 1, "c": {"e": 2}, "f": [3]},
        "d": 1,
    }


# The SDK's types, as our tables have them ---------------------------------------------------------------------------


def fields(kind: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every field below that may be passed through, by its path on the wire, with its type."""
    for name, field in kind.model_fields.items():
        here = (*path, field.alias)
        assert camel(name) == camel(field.alias) == field.alias
        if here not in REFUSED:
            inner = bare(field.annotation)
            yield here, inner
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from fields(inner, here)


def bare(annotation: Any) -> Any:
    """Without Optional and list."""
    inner = [argument for argument in get_args(annotation) if argument is not NoneType]
    return bare(inner[0]) if len(inner) == 1 else annotation


def test_the_tables_are_the_sdks() -> None:
    found = dict(fields(types.LiveConnectConfig))
    assert [path for path, kind in found.items() if get_origin(kind) is dict] == [("labels",)]
    everything = {field.alias for field in types.LiveConnectConfig.model_fields.values()}
    assert everything & {field.alias for field in types.GenerationConfig.model_fields.values()} == GENERATION
    assert {path[:1] for path in REFUSED} | {path[:1] for path in found} == {(name,) for name in everything}


def test_enumerations_stand_alone() -> None:
    """`live.sdk` takes a key with a value unknown out of the block; of a list it could take no item."""
    lists = [
        (path, field)
        for kind in (types.LiveConnectConfig, *{kind for _, kind in fields(types.LiveConnectConfig)})
        if isinstance(kind, type) and issubclass(kind, BaseModel)
        for path, field in kind.model_fields.items()
        if "list[" in str(field.annotation) and isinstance(inner := bare(field.annotation), type)
        if issubclass(inner, Enum) and (field.alias,) not in REFUSED
    ]
    assert lists == []


def test_the_stand_in_takes_all_that_may_be_passed() -> None:
    for path, _ in fields(types.LiveConnectConfig):
        place = ("generationConfig", *path) if path[0] in GENERATION else path
        message: Any = None
        for name in reversed(("setup", *place)):
            message = {name: message}
        names.canonical(message)


def leaves(message: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if not isinstance(message, dict):
        yield path
    for key, value in message.items() if isinstance(message, dict) else ():
        yield from leaves(value, path if key == "generationConfig" else (*path, key))


def test_no_leaf_of_ours_may_be_passed() -> None:
    ours = set(leaves(dict(setup_message(WARM, "", Session("developer", handle="h")).setup)))
    ours -= {("model",)}  # no field of LiveConnectConfig's
    assert len(ours) >= 12
    assert [path for path in ours if not any(path[:length] in REFUSED for length in range(1, len(path) + 1))] == []


def test_a_default_gives_way_to_the_flows_thinking() -> None:
    setup: Any = setup_message(LOUD, "", Session("developer")).setup
    assert setup["generationConfig"]["thinkingConfig"] == {"thinkingLevel": "LOW", "includeThoughts": True}
    setup = setup_message(SIGNALLED, "", Session("vertex")).setup
    assert setup["generationConfig"]["thinkingConfig"] == {"thinkingBudget": -1}
