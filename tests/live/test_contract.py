"""The unmodified SDK as the oracle: what it sends equals what we build, what it understands is what we read.

Only these tests pay for importing the SDK.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from google import genai
from google.genai import types
from google.genai.live import AsyncSession
from google.oauth2.credentials import Credentials

from gateway.flow.model import Model, Persona, Tool
from gateway.live import messages as live
from gateway.live.endpoint import Access, endpoint
from gateway.live.models import MODELS, Backend
from gateway.live.names import canonical
from gateway.live.setup import Session, setup_message
from tests.live.samples import BUDGETED, HANDY, LEVELLED, LOUD, PLAIN, RICH, SIGNALLED, THINKER, TOOLS, VERTEX, WARM
from tests.live.stage import SESSIONS, Act, Stage, certify
from tests.live.understood import listen


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certify(tmp_path_factory.mktemp("tls"))


async def idle(session: AsyncSession) -> str | None:
    return session.session_id


def plain(frame: bytes | str) -> Any:
    return canonical(orjson.loads(frame))


@pytest.mark.parametrize("backend", ["developer", "vertex"])
@pytest.mark.parametrize(
    "persona",
    [PLAIN, WARM, HANDY, THINKER, VERTEX, RICH, BUDGETED, LEVELLED, LOUD],
    ids=lambda persona: str(persona.name),
)
@pytest.mark.parametrize("handle", ["", "h-1"])
def test_our_setup_is_the_sdks(certificate: Path, backend: Backend, persona: Persona, handle: str) -> None:
    base = SESSIONS[backend]
    session = Session(backend, base.project, base.location, handle)
    peer, session_id = Stage(certificate, backend, persona).play(idle, session)
    ours = setup_message(persona, "You are Ava.", session)
    assert plain(peer.setup) == plain(live.build(ours))
    assert live.parse_client(peer.setup) == (ours,)
    assert session_id == "s"


@pytest.mark.parametrize("backend", ["developer", "vertex"])
@pytest.mark.parametrize("name", [model.name for model in MODELS.values() if model.state in ("current", "legacy")])
@pytest.mark.parametrize("tools", [TOOLS[:1], TOOLS])
def test_our_tools_are_the_sdks(certificate: Path, backend: Backend, name: str, tools: tuple[Tool, ...]) -> None:
    persona = replace(HANDY, model=Model(name))
    peer, _ = Stage(certificate, backend, persona, tools).play(idle)
    ours = setup_message(persona, "You are Ava.", SESSIONS[backend], tools)
    assert plain(peer.setup) == plain(live.build(ours))
    assert live.parse_client(peer.setup) == (ours,)
    assert [tool["name"] for tool in plain(peer.setup)["setup"]["tools"][0]["functionDeclarations"]] == [
        tool.name for tool in tools
    ]


def test_our_setup_is_the_sdks_where_vertex_alone_takes_it(certificate: Path) -> None:
    peer, _ = Stage(certificate, "vertex", SIGNALLED).play(idle)
    ours = setup_message(SIGNALLED, "You are Ava.", SESSIONS["vertex"])
    assert plain(peer.setup) == plain(live.build(ours))
    with pytest.raises(ValueError, match="explicit_vad_signal"):
        Stage(certificate, "developer", SIGNALLED).play(idle)


@pytest.mark.parametrize("backend", ["developer", "vertex"])
def test_our_endpoint_is_the_sdks(certificate: Path, backend: Backend) -> None:
    peer, _ = Stage(certificate, backend).play(idle)
    ours = endpoint(backend, Access("k", "p", "us-central1", "fake" if backend == "vertex" else "", "https://host"))
    assert ours.url == "wss://host" + peer.path
    assert {name: peer.headers.get(name) or peer.headers.get(name.lower()) for name in ours.headers} == ours.headers


@pytest.mark.parametrize(
    ("backend", "location", "key"),
    [
        ("developer", "", "k"),
        ("vertex", "us-central1", ""),
        ("vertex", "global", ""),
        ("vertex", "us", ""),
        ("vertex", "eu", ""),
        ("vertex", "", "k"),
    ],
)
def test_our_hosts_are_the_sdks(backend: Backend, location: str, key: str) -> None:
    if key:
        sdk = genai.Client(vertexai=backend == "vertex", api_key=key)
    else:
        credentials = Credentials(token="fake")  # type: ignore[no-untyped-call]
        sdk = genai.Client(vertexai=True, project="p", location=location, credentials=credentials)
    ours = endpoint(backend, Access(key, "p", location, "" if key else "fake"))
    assert ours.url.startswith(sdk._api_client._websocket_base_url() + "/ws/")
    sdk.close()


# What the SDK sends --------------------------------------------------------------------------------------------------

PCM = bytes(range(256)) * 5


async def speak(session: AsyncSession) -> None:
    await session.send_realtime_input(audio=types.Blob(data=PCM, mime_type="audio/pcm;rate=16000"))
    await session.send_realtime_input(audio=types.Blob(data=PCM, mime_type="audio/pcm;rate=8000"))
    await session.send_realtime_input(text='Say "hé"')
    await session.send_realtime_input(audio_stream_end=True)
    await session.send_realtime_input(activity_start=types.ActivityStart())
    await session.send_realtime_input(activity_end=types.ActivityEnd())
    turns: list[types.Content | types.ContentDict] = [
        types.Content(role=role, parts=[types.Part(text=text)]) for role, text in (("user", "a"), ("model", "b"))
    ]
    await session.send_client_content(turns=turns, turn_complete=False)
    await session.send_client_content(turns=turns[0], turn_complete=True)
    await session.send_tool_response(
        function_responses=[
            types.FunctionResponse(id="1", name="f", response={"snake_case": {"camelCase": [1, None]}}),
            types.FunctionResponse(
                id="2",
                name="g",
                response={},
                scheduling=types.FunctionResponseScheduling.WHEN_IDLE,
                will_continue=False,
            ),
        ]
    )
    await session.send_context_update(system_instruction="New.")
    await session.send_context_update(tools=[])
    await session.send_context_update(tools=[{"function_declarations": [{"name": "f", "description": "d"}]}])


SPOKEN: list[live.ClientMessage] = [
    live.SendAudio(PCM),
    live.SendAudio(PCM, 8000),
    live.SendText('Say "hé"'),
    live.SendAudioStreamEnd(),
    live.SendActivityStart(),
    live.SendActivityEnd(),
    live.SendContent((live.ContentTurn("user", "a"), live.ContentTurn("model", "b")), False),
    live.SendContent((live.ContentTurn("user", "a"),), True),
    live.SendToolResults(
        (
            live.FunctionResult("1", "f", {"snake_case": {"camelCase": [1, None]}}),
            live.FunctionResult("2", "g", {}, "WHEN_IDLE", False),
        )
    ),
    live.SendContextUpdate("New."),
    live.SendContextUpdate(tools=()),
    live.SendContextUpdate(tools=({"functionDeclarations": [{"name": "f", "description": "d"}]},)),
]


async def speak_briefly(session: AsyncSession) -> None:
    await session.send_realtime_input(audio=types.Blob(data=PCM, mime_type="audio/pcm;rate=16000"))
    await session.send_realtime_input(text="hello")
    history: list[types.Content | types.ContentDict] = [
        types.Content(role="user", parts=[types.Part(text="What?")]),
        types.Content(role="model", parts=[types.Part(text="That.")]),
    ]
    await session.send_client_content(turns=history, turn_complete=False)
    results = types.FunctionResponse(id="1", name="f", response={"a_b": 1})
    await session.send_tool_response(function_responses=results)
    await session.send_context_update(system_instruction="New.")


SPOKEN_BRIEFLY: list[live.ClientMessage] = [
    live.SendAudio(PCM),
    live.SendText("hello"),
    live.SendContent((live.ContentTurn("user", "What?"), live.ContentTurn("model", "That.")), complete=False),
    live.SendToolResults((live.FunctionResult("1", "f", {"a_b": 1}),)),
    live.SendContextUpdate("New."),
]


@pytest.mark.parametrize(
    ("backend", "act", "messages"),
    [("developer", speak, SPOKEN), ("vertex", speak_briefly, SPOKEN_BRIEFLY)],  # Vertex AI has no willContinue
)
def test_what_the_sdk_sends_is_what_we_build(
    certificate: Path, backend: Backend, act: Act, messages: list[live.ClientMessage]
) -> None:
    peer, _ = Stage(certificate, backend).play(act)
    assert [live.parse_client(frame) for frame in peer.frames] == [(message,) for message in messages]
    built = [plain(live.build(message)) for message in messages]
    assert [live.parse_client(orjson.dumps(frame)) for frame in built] == [(message,) for message in messages]


# What the SDK understands --------------------------------------------------------------------------------------------


CORPUS = [line for line in (Path(__file__).parent / "frames.jsonl").read_text().splitlines() if line]


def test_the_corpus_is_large_and_bundled() -> None:
    assert len(CORPUS) >= 40
    assert sum(len(live.parse(line)) > 1 for line in CORPUS) >= 10
    assert {type(message) for line in CORPUS for message in live.parse(line)} >= set(EVERY)


@pytest.mark.parametrize("backend", ["developer", "vertex"])
def test_we_read_what_the_sdk_reads(certificate: Path, backend: Backend) -> None:
    """Each frame names its usage as one backend does; the SDK reads only that spelling, we read both."""
    spelling = {"developer": "candidates", "vertex": "response"}[backend]
    frames = [line for line in CORPUS if f'"{spelling}Token' not in line]
    stage = Stage(certificate, backend, replies=[line.encode() for line in frames])
    _, heard = stage.play(lambda session: listen(session, len(frames)))
    assert heard == [live.parse(line) for line in frames]
    assert len(frames) >= 40


EVERY: dict[type[live.ServerMessage], live.ServerMessage] = {
    type(message): message
    for message in (
        live.Ready("s-1"),
        live.ModelAudio(PCM),
        live.ModelText("thinking", True),
        live.GenerationComplete(),
        live.TurnComplete("NEED_MORE_INPUT", "IDLE"),
        live.Interrupted(),
        live.WaitingForInput(),
        live.InputTranscript("hé", True, "fr-FR"),
        live.OutputTranscript("hi", True, "en-US"),
        live.ToolCall((live.FunctionCall("1", "f", {"a_b": [1, {"cD": None}]}), live.FunctionCall("2", "g"))),
        live.ToolCallCancelled(("1", "2")),
        live.GoingAway(49.5),
        live.ResumptionUpdate("h", True, 2**40),
        live.Usage(1, 2, 3, 4, 5, 6, {"prompt/AUDIO": 1, "response/AUDIO": 2, "cached/TEXT": 5, "tool_use/TEXT": 6}),
        live.VoiceActivity("start", 1.25),
    )
}


@pytest.mark.parametrize("backend", ["developer", "vertex"])
def test_the_sdk_understands_what_we_build(certificate: Path, backend: Backend) -> None:
    more: list[tuple[live.ServerMessage, ...]] = [
        tuple(EVERY[kind] for kind in BUNDLED),
        (live.InputTranscript("par", interim=True),),
        (live.ModelAudio(PCM), live.ModelAudio(PCM[:2])),
        (live.TurnComplete(status="IN_PROGRESS"),),
        (live.ResumptionUpdate(),),
        (live.VoiceActivity("end"),),
        (live.ToolCall(()),),
        (live.GoingAway(0),),
        (live.Usage(),),
    ]
    bundles = [(message,) for message in EVERY.values()] + more
    frames = [live.build_server(*bundle, vertex=backend == "vertex") for bundle in bundles]
    stage = Stage(certificate, backend, replies=frames)
    _, heard = stage.play(lambda session: listen(session, len(frames)))
    assert heard == bundles


# The order in which one frame's messages are handed out.
BUNDLED: tuple[type[live.ServerMessage], ...] = (
    live.Ready,
    live.Interrupted,
    live.InputTranscript,
    live.OutputTranscript,
    live.ModelText,
    live.ModelAudio,
    live.GenerationComplete,
    live.WaitingForInput,
    live.TurnComplete,
    live.ToolCall,
    live.ToolCallCancelled,
    live.GoingAway,
    live.ResumptionUpdate,
    live.Usage,
    live.VoiceActivity,
)


def test_the_sdk_fails_where_we_go_on(certificate: Path) -> None:
    """Why the gateway reads the socket itself: the SDK raises on a message of an unknown kind."""
    frame = b'{"newThing":{}}'
    with pytest.raises(TypeError):
        Stage(certificate, replies=[frame]).play(lambda session: listen(session, 1))
    assert live.parse(frame) == (live.UnknownMessage(("newThing",)),)
