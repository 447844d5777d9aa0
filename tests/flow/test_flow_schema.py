"""The schema itself, and that it and the model say the same."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gateway.flow import model
from gateway.flow.durations import milliseconds, with_unit
from gateway.flow.inherit import OF_NUMBERS, SECTIONS
from gateway.flow.keys import FOREIGN, FOREIGN_IN, PLANNED, hint
from gateway.flow.near import did_you_mean, near
from gateway.flow.schema import at, below, check, document, homes, resolved, section_of, walk, with_defaults
from gateway.flow.validate import _SAY

KEYS = [(f"{place}.{name}".strip("."), schema) for place, name, schema in walk(document())]
# Written once for the whole flow and handed down, so that the model holds them elsewhere.
HANDED_DOWN: dict[Any, set[str]] = {model.Flow: {"version", "defaults"}}
# What is not written is inherited.
INHERITED = {
    *{("Flow", "name"), ("Languages", "primary"), ("Languages", "allowed"), ("Model", "name")},
    *{("Number", "timezone"), ("Hours", "timezone")},
}
# Another key may stand in their place: `search`, `persona`.
ONE_OF_TWO = {("Number", "number"), ("Closed", "say")}
# Dataclasses that people write as one text.
AS_TEXT = (model.Range, model.Rate)
# Not written in a section, but known from where it stands, or from `defaults`.
FROM_PLACE = {
    **{"Flow": {"file", "timezone", "language", "model"}},
    **{kind: {"name"} for kind in ("Persona", "Hours", "Tool")},
}


def test_is_a_schema() -> None:
    Draft202012Validator.check_schema(document())


@pytest.mark.parametrize(("path", "schema"), KEYS, ids=[path for path, _ in KEYS])
def test_each_key_is_described_with_examples_that_hold(path: str, schema: dict[str, Any]) -> None:
    assert schema["description"].endswith(".")
    assert schema["examples"]
    validator = Draft202012Validator({**schema, "$defs": document()["$defs"]})
    for value in [*schema["examples"], *([schema["default"]] if "default" in schema else [])]:
        assert not list(validator.iter_errors(value)), f"{path}: {value}"


@pytest.mark.parametrize(("path", "schema"), KEYS, ids=[path for path, _ in KEYS])
def test_objects_are_closed_and_durations_bounded(path: str, schema: dict[str, Any]) -> None:
    if "properties" in schema:
        assert schema["additionalProperties"] is False
    if schema.get("patternErrorMessage") == "not a duration":
        bounds = [
            schema["durationMinimum"],
            schema.get("default", schema["durationMinimum"]),
            schema["durationMaximum"],
        ]
        lengths = [milliseconds(bound) or 0 for bound in bounds]
        assert lengths == sorted(lengths)
        assert schema["durationReason"]


def test_each_keyword_has_its_words() -> None:
    silent = {"properties", "items", "additionalProperties", "propertyNames", "durationMaximum", "durationReason"}
    silent |= {"description", "examples", "default", "patternErrorMessage", "title", "$ref", "required", "$defs"}
    silent |= {"rangeReason"}
    used = {keyword for _, _, schema in walk(document()) for keyword in schema}
    assert used - silent <= set(_SAY)


def _fields(kind: Any) -> dict[str, dataclasses.Field[Any]]:
    """A dataclass's fields by the keys that people write."""
    found = {f.name: f for f in dataclasses.fields(kind) if f.name not in FROM_PLACE.get(kind.__name__, ())}
    if kind is model.Closed:  # its announcement's keys stand beside its own
        found = {"persona": found["persona"], **_fields(model.Announcement)}
    if kind is model.Holiday:
        found = {"date": found["first"], **{name: f for name, f in found.items() if name not in ("first", "last")}}
    return {name.removesuffix("_ms").removesuffix("_s").removesuffix("_usd"): field for name, field in found.items()}


def _classes(hint: Any) -> list[Any]:
    """The dataclasses within a type that are written as keys: `Greeting | None`, `Mapping[str, Persona]`."""
    if dataclasses.is_dataclass(hint):
        return [] if hint in AS_TEXT else [hint]
    return [found for part in typing.get_args(hint) for found in _classes(part)]


def _agree(kind: Any, schema: dict[str, Any]) -> set[str]:
    """The keys of `schema` are the fields of `kind`, down to the last; the names of all classes that were compared."""
    keys = {name: resolved(raw) for name, raw in schema["properties"].items()}
    fields = _fields(kind)
    assert set(keys) - HANDED_DOWN.get(kind, set()) == set(fields), kind
    compared = {kind.__name__}
    for name, field in fields.items():
        hint_ = typing.get_type_hints(model.Announcement if name in ("say", "then", "to") else kind).get(field.name)
        inner = keys[name]
        inner = below(inner, 0) or inner if inner["type"] == "array" else inner
        optional = isinstance(hint_, types.UnionType) and type(None) in typing.get_args(hint_)
        written = name in schema.get("required", ()) or "default" in keys[name]
        left_out = optional or field.default == "" or (kind.__name__, name) in ONE_OF_TWO
        assert written is not left_out or (kind.__name__, name) in INHERITED, f"{kind.__name__}.{name}"
        for found in _classes(hint_):
            compared |= _agree(found, inner if "properties" in inner else below(inner, "x"))
    return compared


def test_schema_and_model_agree() -> None:
    written = {name for name, kind in vars(model).items() if dataclasses.is_dataclass(kind)}
    compared = _agree(model.Flow, document())
    assert written - compared == {"Finding", *(kind.__name__ for kind in AS_TEXT)}


def test_defaults_are_handed_down_to_keys_that_exist() -> None:
    defaults = document()["properties"]["defaults"]["properties"]
    for key in defaults:
        if key in SECTIONS:
            assert defaults[key]["$ref"] == document()["$defs"]["persona"]["properties"][key]["$ref"]
        elif key in OF_NUMBERS:
            assert key in document()["$defs"]["number"]["properties"]
        else:
            assert key in ("language", "model")


def test_names_of_others_lead_to_ours_and_are_not_ours() -> None:
    known = homes()
    for theirs, ours in [*FOREIGN.items(), *FOREIGN_IN.items()]:
        assert theirs not in known
        assert ours.rsplit(".", 1)[-1] in known
    for section, keys in PLANNED.items():
        assert section in {place for places in known.values() for place in places}
        assert not [key for key in keys if section in known.get(key, ())]


@pytest.mark.parametrize(
    ("key", "section", "said"),
    [
        ("prompt", "", "here it is called 'personas.<name>.instructions'"),
        ("prompt", "personas.<name>", "here it is called 'instructions'"),
        ("phone_number", "", "here it is called 'numbers[].number'"),
        ("phone_number", "numbers[]", "here it is called 'number'"),
        ("timeout", "personas.<name>.idle", "here it is called 'after'"),
        ("language", "personas.<name>", "here it is called 'languages.primary'"),
        ("llm", "personas.<name>", "here it is called 'model.name'"),
        ("top_p", "personas.<name>.model", "there is no such setting here: remove it"),
        ("dtmf", "personas.<name>", "not built yet: planned"),
        ("dtmf", "limits", "not built yet: planned, under personas.<name>"),
        ("recording", "personas.<name>", "not built yet: planned, at the top"),
        ("dialogue", "limits", "known here: max_duration"),
        ("maxDuration", "limits", "did you mean 'max_duration'?"),
        ("silence", "limits", "it belongs under personas.<name>.vad"),
        ("primary", "limits", "it belongs under personas.<name>.languages"),
        ("numbers", "limits", "it belongs at the top"),
        ("tz", "", "here it is called 'defaults.timezone'"),
        ("tz", "numbers[]", "here it is called 'timezone'"),
        ("tz", "hours.<name>", "here it is called 'timezone'"),
        ("timezone", "", "here it is called 'defaults.timezone'"),
        ("schedule", "", "here it is called 'hours'"),
        ("schedule", "hours.<name>", "here it is called 'weekly'"),
        ("after_hours", "", "here it is called 'hours.<name>.closed'"),
        ("whitelist", "limits", "here it is called 'allow'"),
        ("country", "numbers[]", "here it is called 'search.country'"),
        ("warn_at", "", "it belongs under limits"),
        ("webhooks", "", "not built yet: planned"),
        ("handoff", "personas.<name>", "not built yet: planned"),
        ("tools", "limits", "it belongs under personas.<name> or at the top"),
        ("functions", "personas.<name>", "here it is called 'tools'"),
        ("budget", "limits", "here it is called 'max_cost'"),
        ("turn_detection", "personas.<name>", "here it is called 'vad.mode'"),
        ("trigger_tokens", "personas.<name>.model.context", "here it is called 'trigger'"),
    ],
)
def test_hints(key: str, section: str, said: str) -> None:
    assert hint(key, section, ["max_duration"], homes()) == said


def test_near() -> None:
    assert near("Vioce", ["voice", "vad"]) == "voice"
    assert near("barge-in", ["barge_in"]) == "barge_in"
    assert near("x", ["voice"]) == ""
    assert did_you_mean("x", [str(n) for n in range(13)]) == ""
    assert did_you_mean("x", []) == ""
    assert near("voice" * 20, ["voice" * 20]) == ""  # a sentence is no slip
    assert near("voice", [*map(str, range(300)), "voice"]) == ""  # nor is a long list one of names


def test_places_in_the_schema() -> None:
    assert at(("personas", "ava", "vad", "silence"))["default"] == "500ms"
    assert at(("numbers", 3, "label"))["examples"] == ["front-desk"]
    assert at(("nothing", "here")) == {}
    assert section_of(("numbers", 3)) == "numbers[]"
    assert section_of(("personas", "ava", "vad")) == "personas.<name>.vad"


def test_all_faults_at_once() -> None:
    found = check({"version": 2, "nmae": "x", "numbers": [{"label": 1}, 2], "limits": {"max_duration": 20}})
    assert sorted((f.path, f.message) for f in found if f.path[0] != "numbers") == [
        (("limits", "max_duration"), "a duration carries a unit"),
        (("nmae",), "unknown key"),
        (("personas",), "missing key"),
        (("version",), "not a version of the format that is known here"),
    ]
    assert sorted((f.path, f.message) for f in found if f.path[0] == "numbers") == [
        (("numbers", 0, "label"), "takes text"),
        (("numbers", 0, "persona"), "missing key"),
        (("numbers", 1), "takes keys and values"),
    ]


def test_a_pattern_ends_at_the_very_end() -> None:
    (finding,) = check({"version": 1, "personas": {"a": {"instructions": "x"}}, "limits": {"max_duration": "20m\n"}})
    assert finding.message == "not a duration"


def test_the_defaults_of_a_context_are_those_of_the_schema() -> None:
    keys = at(("personas", "ava", "model", "context"))["properties"]
    assert model.Context() == model.Context(keys["trigger"]["default"], keys["target"]["default"])


def test_defaults_leave_the_schema_alone_and_wrong_shapes_as_they_are() -> None:
    before = str(document())
    full = with_defaults({"personas": {"a": {"vad": 5}, "b": []}, "numbers": "x"})
    assert isinstance(full, dict)
    assert full["numbers"] == "x"
    vad = {"start_sensitivity": "low", "end_sensitivity": "low", "prefix_padding": "20ms", "silence": "500ms"}
    vad["mode"] = "model"
    assert full["defaults"] == {
        **{"timezone": "UTC", "language": "en-US", "model": "gemini-3.8-live"},
        **{"voice": {"name": "Aoede"}, "vad": vad, "barge_in": {"enabled": True}},
    }
    assert isinstance(full["limits"], dict)
    full["limits"]["max_duration"] = "1s"
    assert str(document()) == before
    assert with_defaults([1]) == [1]


@pytest.mark.parametrize(
    ("text", "ms"),
    [("300ms", 300), ("12s", 12_000), ("10m", 600_000), ("2h", 7_200_000), ("30d", 2_592_000_000), ("0ms", 0)]
    + [(text, None) for text in ["", "5", "5 s", "s", "-5s", "1.5s", "5S", "5min", "5s\n", "٣s", "1234567890s"]],
)
def test_durations(text: str, ms: int | None) -> None:
    assert milliseconds(text) == ms


def test_the_unit_of_a_bare_number() -> None:
    assert with_unit(20, "15m", "10s", "4h") == "20m"
    assert with_unit(1200, "15m", "10s", "4h") == "1200s"
    assert with_unit(600_000, "15m", "10s", "4h") == "600000ms"
    assert with_unit(0.5, "15m", "10s", "4h") == "15m"
