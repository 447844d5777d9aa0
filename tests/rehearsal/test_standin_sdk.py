"""The unmodified google-genai SDK as the stand-in's client, over TLS by a certificate of our own."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials
from websockets.exceptions import ConnectionClosedError

from gateway.live import cues
from gateway.rehearsal.ears import Ears
from gateway.rehearsal.standin.resumption import Resumption
from gateway.rehearsal.standin.script import Reply, Script, Tool
from gateway.rehearsal.standin.server import Kit, serving
from gateway.rehearsal.standin.talk import House
from tests.rehearsal import tls
from tests.rehearsal.standin.house import QUICK, WORD_MS

SCRIPT = Script((Reply("book it", "Done, {{result}}.", Tool("book", {"day": "Monday"})),), ("Yes.",))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tls.certificate(tmp_path_factory.mktemp("tls"))


@asynccontextmanager
async def secure(certificate: Path) -> AsyncIterator[str]:
    """A stand-in behind TLS; gives its https:// URL."""
    kit = Kit(House(SCRIPT, Resumption()), QUICK, lambda: Ears(()), lambda _event, _fields: None)
    async with serving(kit) as plain, tls.before(plain, certificate) as url:
        yield url


def options(url: str, certificate: Path, version: str) -> types.HttpOptions:
    trust = ssl.create_default_context(cafile=certificate)
    return types.HttpOptions(
        base_url=url, api_version=version, async_client_args={"ssl": trust, "proxy": None, "compression": None}
    )


def developer(url: str, certificate: Path, key: str = "any") -> genai.Client:
    return genai.Client(api_key=key, http_options=options(url, certificate, "v1beta"))


def vertex(url: str, certificate: Path) -> genai.Client:
    return genai.Client(
        vertexai=True,
        project="p",
        location="us-central1",
        credentials=Credentials(token="fake"),  # type: ignore[no-untyped-call]
        http_options=options(url, certificate, "v1beta1"),
    )


CONFIG = {
    "response_modalities": ["AUDIO"],
    "output_audio_transcription": {},
    "session_resumption": {},
    "speech_config": {"voice_config": {"prebuilt_voice_config": {"voice_name": "Aoede"}}},
}


def config() -> types.LiveConnectConfig:
    return types.LiveConnectConfig.model_validate(CONFIG)


@pytest.mark.parametrize("backend", ["developer", "vertex"])
def test_a_cue_is_spoken_and_the_turn_ends(certificate: Path, backend: str) -> None:
    async def run() -> None:
        async with secure(certificate) as url:
            client = developer(url, certificate) if backend == "developer" else vertex(url, certificate)
            async with client.aio.live.connect(model="gemini-3.8-live", config=config()) as session:
                await session.send_realtime_input(text=cues.say("Good day."))
                audio, said, usage = b"", "", 0
                async for message in session.receive():
                    content = message.server_content
                    if content and content.model_turn:
                        audio += b"".join(
                            part.inline_data.data or b"" for part in content.model_turn.parts or () if part.inline_data
                        )
                    if content and content.output_transcription:
                        said += content.output_transcription.text or ""
                    if message.usage_metadata:
                        usage = message.usage_metadata.response_token_count or 0
                assert said.strip() == "Good day."
                assert len(audio) == 2 * WORD_MS * 48
                assert usage == round(len(audio) / 48_000 * 25)

    asyncio.run(run())


def test_a_tool_round_trip(certificate: Path) -> None:
    async def run() -> None:
        async with (
            secure(certificate) as url,
            developer(url, certificate).aio.live.connect(model="gemini-3.8-live", config=config()) as session,
        ):
            await session.send_realtime_input(text="Book it!")
            said = ""
            async for message in session.receive():
                if message.tool_call and message.tool_call.function_calls:
                    [call] = message.tool_call.function_calls
                    assert (call.name, call.args) == ("book", {"day": "Monday"})
                    answer = types.FunctionResponse(id=call.id, name=call.name, response={"output": "at nine"})
                    await session.send_tool_response(function_responses=[answer])
                if message.server_content and message.server_content.output_transcription:
                    said += message.server_content.output_transcription.text or ""
            assert said.strip() == "Done, at nine."

    asyncio.run(run())


def test_a_bad_key_is_refused(certificate: Path) -> None:
    async def run() -> None:
        async with secure(certificate) as url:
            client = developer(url, certificate, "bad")
            with pytest.raises((errors.APIError, ConnectionClosedError), match="API key not valid"):
                async with client.aio.live.connect(model="gemini-3.8-live", config=config()):
                    pass

    asyncio.run(run())
