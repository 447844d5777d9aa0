"""The Live wire, both directions at once: whatever is written is read back, whatever comes is survived."""

from __future__ import annotations

import json
from typing import Any, get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.live import messages as live
from gateway.live.write_server import WRITE

PCM = b"\xfb\xff\xfe\x00"  # its base64 differs between the alphabets: "+//+AA==", "-__-AA=="

NO_OBJECT = [
    ("", "Invalid JSON payload received. Unexpected token."),
    ("{", "Invalid JSON payload received. Unexpected token."),
    (b"\xff", "Invalid JSON payload received. Unexpected token."),
    ("[" * 5000, "Invalid JSON payload received. Unexpected token."),
    ("[]", "Invalid JSON payload received. Root element must be a message."),
    ("null", "Invalid JSON payload received. Root element must be a message."),
    ('"setup"', "Invalid JSON payload received. Root element must be a message."),
]


@pytest.mark.parametrize(("raw", "words"), NO_OBJECT)
def test_what_is_no_object_is_refused_on_both_sides(raw: str | bytes, words: str) -> None:
    for read in (live.parse, live.parse_client):
        with pytest.raises(live.LiveProtocolError) as caught:
            read(raw)
        assert (str(caught.value), caught.value.close_code) == (words, 1007)


def test_oversized_frames_close_with_1009() -> None:
    for read in (live.parse, live.parse_client):
        with pytest.raises(live.LiveProtocolError) as caught:
            read(b" " * (live.MAX_MESSAGE_BYTES + 1))
        assert caught.value.close_code == 1009


def test_every_server_message_can_be_written() -> None:
    assert set(WRITE) == set(get_args(live.ServerMessage))


def test_vertex_spells_usage_its_own_way() -> None:
    usage = live.Usage(prompt=1, response=2, by_modality={"response/AUDIO": 2})
    developer, vertex = (orjson.loads(live.build_server(usage, vertex=vertex)) for vertex in (False, True))
    assert developer["usageMetadata"].keys() == {"promptTokenCount", "responseTokenCount", "responseTokensDetails"}
    assert vertex["usageMetadata"].keys() == {"promptTokenCount", "candidatesTokenCount", "candidatesTokensDetails"}


def test_a_frame_holds_one_of_a_kind() -> None:
    with pytest.raises(ValueError, match="a frame holds one turnComplete"):
        live.build_server(live.TurnComplete(), live.TurnComplete())
    with pytest.raises(ValueError, match="neither at the top nor in serverContent"):
        live.build_server(live.UnknownMessage(("goAway.x",)))


TEXT = st.text(st.characters(codec="utf-8"))
COUNT = st.integers(0, 2**31)
SECONDS = st.integers(0, 10**9).map(lambda ms: ms / 1000)
LEAF = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
)
JSON: st.SearchStrategy[Any] = st.recursive(
    LEAF, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=6
)
ARGS = st.dictionaries(TEXT, JSON, max_size=3)
MODALITIES = st.sampled_from(
    [f"{k}/{m}" for k in ("prompt", "response", "cached", "tool_use") for m in ("AUDIO", "TEXT")]
)
NOVEL = st.sampled_from(["novel", "other", "serverContent.novel", "serverContent.other"])


def some(strategy: st.SearchStrategy[Any], most: int = 1) -> st.SearchStrategy[list[Any]]:
    return st.lists(strategy, max_size=most)


# A frame's messages in the order in which they are handed out.
BUNDLES = st.tuples(
    some(st.builds(live.Ready, TEXT)),
    some(st.builds(live.Interrupted)),
    some(st.builds(live.InputTranscript, TEXT, st.booleans(), TEXT)),
    some(st.builds(live.InputTranscript, TEXT, st.booleans(), TEXT, st.just(True))),
    some(st.builds(live.OutputTranscript, TEXT, st.booleans(), TEXT)),
    some(st.builds(live.ModelText, TEXT, st.booleans()), 3),
    some(st.builds(live.ModelAudio, st.binary()), 3),
    some(st.builds(live.GenerationComplete)),
    some(st.builds(live.WaitingForInput)),
    some(st.builds(live.TurnComplete, TEXT, st.sampled_from(["", "IDLE", "IN_PROGRESS"]))),
    some(st.builds(live.ToolCall, some(st.builds(live.FunctionCall, TEXT, TEXT, ARGS), 2).map(tuple))),
    some(st.builds(live.ToolCallCancelled, some(TEXT, 3).map(tuple))),
    some(st.builds(live.GoingAway, SECONDS)),
    some(st.builds(live.ResumptionUpdate, TEXT, st.booleans(), st.none() | st.integers(0, 2**62))),
    some(st.builds(live.Usage, COUNT, COUNT, COUNT, COUNT, COUNT, COUNT, st.dictionaries(MODALITIES, COUNT))),
    some(st.builds(live.VoiceActivity, st.sampled_from(["start", "end"]), SECONDS)),
    some(
        st.lists(NOVEL, min_size=1, unique=True).map(
            lambda keys: live.UnknownMessage(tuple(sorted(keys, key=lambda key: "." not in key)))
        )
    ),
).map(lambda groups: tuple(message for group in groups for message in group))

CLIENT = st.one_of(
    st.builds(live.SendAudio, st.binary(), st.sampled_from([8000, 16000, 24000])),
    st.builds(live.SendText, TEXT),
    st.builds(live.SendAudioStreamEnd),
    st.builds(live.SendActivityStart),
    st.builds(live.SendActivityEnd),
    st.builds(
        live.SendContent,
        some(st.builds(live.ContentTurn, st.sampled_from(["user", "model"]), TEXT), 3).map(tuple),
        st.booleans(),
    ),
    st.builds(
        live.SendToolResults,
        some(
            st.builds(
                live.FunctionResult,
                TEXT,
                TEXT,
                ARGS,
                st.sampled_from(["", "SILENT", "WHEN_IDLE", "INTERRUPT"]),
                st.none() | st.booleans(),
            ),
            3,
        ).map(tuple),
    ),
    st.builds(live.SendContextUpdate, st.none() | TEXT, st.none() | st.just(({"googleSearch": {}},))),
    st.builds(live.Setup, st.fixed_dictionaries({"model": TEXT, "labels": ARGS, "sessionResumption": st.just({})})),
)


@given(BUNDLES, st.booleans())
def test_what_the_server_writes_is_read_back(bundle: tuple[live.ServerMessage, ...], vertex: bool) -> None:
    assert live.parse(live.build_server(*bundle, vertex=vertex)) == bundle


@given(CLIENT)
def test_what_the_client_writes_is_read_back(message: live.ClientMessage) -> None:
    assert live.parse_client(live.build(message)) == (message,)


def test_the_properties_know_every_client_message() -> None:
    assert set(get_args(live.ClientMessage)) == {
        live.Setup,
        live.SendAudio,
        live.SendText,
        live.SendAudioStreamEnd,
        live.SendActivityStart,
        live.SendActivityEnd,
        live.SendContent,
        live.SendToolResults,
        live.SendContextUpdate,
    }


@given(st.binary() | st.text())
def test_no_bytes_raise_anything_but_the_named_error(raw: bytes | str) -> None:
    survives(raw)


WHOLE = orjson.loads(
    live.build_server(
        live.Ready("s"),
        live.InputTranscript("a", True, "en-US"),
        live.OutputTranscript("b"),
        live.ModelText("t", True),
        live.ModelAudio(PCM),
        live.TurnComplete("R", "IDLE"),
        live.ToolCall((live.FunctionCall("1", "f", {"a": 1}),)),
        live.ToolCallCancelled(("1",)),
        live.GoingAway(1),
        live.ResumptionUpdate("h", True, 1),
        live.Usage(1, 2, 3, by_modality={"prompt/AUDIO": 1}),
        live.VoiceActivity("start", 1),
    )
)
CLIENT_WHOLES = [
    orjson.loads(live.build(message))
    for message in (
        live.Setup(
            {"generationConfig": {"speechConfig": {"voiceConfig": {}}}, "tools": [{"functionDeclarations": []}]}
        ),
        live.SendAudio(PCM),
        live.SendContent((live.ContentTurn("user", "a"),)),
        live.SendToolResults((live.FunctionResult("1", "f", {}, "SILENT", True),)),
        live.SendContextUpdate("a", ({"functionDeclarations": [{"name": "f"}]},)),
    )
]


def spots(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The paths of every field and item inside."""
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [spot for key, inner in items for spot in [(*path, key), *spots(inner, (*path, key))]]


@given(st.sampled_from([WHOLE, *CLIENT_WHOLES]), st.data())
def test_no_field_raises_anything_but_the_named_error(whole: Any, data: st.DataObject) -> None:
    frame = orjson.loads(orjson.dumps(whole))
    *outer, last = data.draw(st.sampled_from(spots(frame)))
    target = frame
    for key in outer:
        target = target[key]
    target[last] = data.draw(JSON)
    survives(json.dumps(frame))


@pytest.mark.parametrize("inner", ['{"setup":%s}', '{"setup":{"tools":%s}}', '{"serverContent":%s}', "%s"])
def test_deep_frames_are_survived(inner: str) -> None:
    survives(inner % ("[" * 900 + "]" * 900))
    survives(inner % ('{"setup":' * 900 + "1" + "}" * 900))


def survives(raw: bytes | str) -> None:
    for read in (live.parse, live.parse_client):
        refusal: live.LiveProtocolError | None = None
        try:
            read(raw)
        except live.LiveProtocolError as error:
            refusal = error
        assert refusal is None or (str(refusal) and refusal.close_code in (1007, 1009))
