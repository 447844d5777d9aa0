"""What `defaults` hand down, and to whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.flow.inherit import complete, origin
from gateway.flow.model import Finding, Flow
from gateway.flow.schema import document
from gateway.flow.source import Data
from tests.flow.samples import SHORTEST, flows


def full(data: dict[str, Data]) -> dict[str, Data]:
    found = complete({"version": 1, **data}, "desk.yaml")
    assert isinstance(found, dict)
    return found


def test_sections_of_a_persona_are_inherited_key_by_key() -> None:
    defaults: Data = {"vad": {"silence": "1s", "end_sensitivity": "high"}, "barge_in": {"enabled": False}}
    found = full({"defaults": defaults, "personas": {"ava": {"vad": {"silence": "2s"}}}})
    assert isinstance(personas := found["personas"], dict)
    assert isinstance(ava := personas["ava"], dict)
    assert ava["vad"] == {
        "start_sensitivity": "low",
        "end_sensitivity": "high",
        "prefix_padding": "20ms",
        "silence": "2s",
        "mode": "model",
    }
    assert ava["barge_in"] == {"enabled": False}
    assert ava["voice"] == {"name": "Aoede"}


def test_keys_of_a_number_are_inherited_whole() -> None:
    fallback: Data = {"say": "Sorry.", "then": "voicemail"}
    own: Data = {"say": "Good bye."}
    lines: Data = [{"label": "a"}, {"label": "b", "hours": "always", "fallback": own, "timezone": "UTC"}]
    found = full({"defaults": {"hours": "office", "fallback": fallback, "timezone": "Europe/Rome"}, "numbers": lines})
    assert found["numbers"] == [
        {"hours": "office", "fallback": fallback, "timezone": "Europe/Rome", "label": "a", "regulatory": {}},
        {
            **{"hours": "always", "fallback": {"say": "Good bye.", "then": "hangup"}, "timezone": "UTC"},
            **{"label": "b", "regulatory": {}},
        },
    ]


def test_hours_are_in_the_time_zone_of_the_business() -> None:
    found = full({"defaults": {"timezone": "Europe/Rome"}, "hours": {"a": {}, "b": {"timezone": "UTC"}}})
    assert found["hours"] == {
        "a": {"timezone": "Europe/Rome", "holidays": []},
        "b": {"timezone": "UTC", "holidays": []},
    }


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("defaults", 5),
        ("personas", {"a": 1}),
        ("personas", [1]),
        ("numbers", {"a": 1}),
        ("numbers", [1, "x"]),
        ("hours", [1]),
        ("hours", {"a": 1}),
        ("limits", "20m"),
    ],
)
def test_wrong_shapes_stay_as_they_are(key: str, value: Data) -> None:
    data: dict[str, Data] = {"defaults": {"voice": "Kore", "fallback": 1, "hours": []}, key: value}
    assert full(data)[key] == value


def test_each_key_of_defaults_leads_to_who_inherits_it() -> None:
    heirs: dict[str, list[tuple[str | int, ...]]] = {
        "timezone": [("numbers", 3, "timezone"), ("hours", "office", "timezone")],
        "language": [("personas", "ava", "languages", "primary")],
        "model": [("personas", "ava", "model", "name")],
        "voice": [("personas", "ava", "voice")],
        "vad": [("personas", "ava", "vad")],
        "barge_in": [("personas", "ava", "barge_in")],
        "hours": [("numbers", 3, "hours")],
        "fallback": [("numbers", 3, "fallback")],
    }
    assert set(heirs) == set(document()["properties"]["defaults"]["properties"])
    for key, places in heirs.items():
        assert [origin(place) for place in places] == [("defaults", key)] * len(places)


def test_what_is_inherited_is_at_fault_in_defaults(tmp_path: Path) -> None:
    def against(flow: Flow) -> list[Finding]:
        return [Finding(("personas", "ava", "voice", "name"), "unknown", "", "warning")]

    loaded = flows(tmp_path, SHORTEST + "defaults: { voice: { name: Bob } }\n", judges=[against])
    assert [str(warning).split("desk.yaml:")[1] for warning in loaded.warnings] == [
        "7:28: warning: defaults.voice.name: unknown"
    ]
