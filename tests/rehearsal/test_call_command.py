"""`gateway call` as a person with a key runs it: a real process, TLS, Google's own variables. Behind Google's door
stands our stand-in, under a certificate of the test's own.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import wave
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http.server import HTTPServer
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.audio import mulaw
from gateway.rehearsal.call import CallOptions, run_call
from gateway.rehearsal.prepare import SPEECH, DemoOptions
from gateway.rehearsal.process import standin
from gateway.rehearsal.wav import read_clip
from gateway.settings import child_environment
from tests.clients.test_google import Answer, TokenServer
from tests.rehearsal import tls

ROOT = Path(__file__).parents[2]
KEY = "AIza-marker-of-a-key-7"
LINE = SPEECH / "cards-001.wav"
ANSWER = "We are open until six."
FLOW = """
version: 1
name: clinic
numbers: [{ label: desk, number: "+14155550100", persona: ava }]
personas:
  ava:
    instructions: You answer.
    model: { name: gemini-3.8-live }
    greeting: { text: "Good day. How can I help you?" }
"""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tls.certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    file = tmp_path / "clinic.yaml"
    file.write_text(FLOW, encoding="utf-8")
    return file


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


async def run(*arguments: str | Path, **env: str) -> Done:
    """The command to its end."""
    process = await start(*arguments, **env)
    async with asyncio.timeout(150):
        out, err = await process.communicate()
    return Done(process.returncode or 0, out.decode(), err.decode())


async def start(*arguments: str | Path, **env: str) -> asyncio.subprocess.Process:
    """The command in a process of its own, with these variables and no others of Google's."""
    ours = {name: value for name, value in child_environment().items() if not name.startswith(("GOOGLE", "GEMINI"))}
    ours |= {"PYTHONPATH": str(ROOT), "NO_PROXY": "localhost,127.0.0.1", **env}
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "call", *map(str, arguments)), env=ours, stdout=pipe, stderr=pipe
    )


@asynccontextmanager
async def google(folder: Path, certificate: Path, *hostile: str) -> AsyncIterator[Mapping[str, str]]:
    """A stand-in behind TLS; gives the variables that lead the Developer API's clients there."""
    script = folder / "script.json"
    script.write_text(json.dumps({"otherwise": [ANSWER], "hostile": hostile}), encoding="utf-8")
    async with standin(script=script) as model, tls.before(model.url, certificate) as url:
        yield {"GOOGLE_GEMINI_BASE_URL": url, "SSL_CERT_FILE": str(certificate), "GOOGLE_API_KEY": KEY}


@contextmanager
def account(folder: Path, status: int = 200) -> Iterator[Mapping[str, str]]:
    """Application Default Credentials: a service account's key file whose token server runs here."""
    with TokenServer(("127.0.0.1", 0), Answer) as server:
        server.status = status
        threading.Thread(target=server.serve_forever, daemon=True).start()
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file = folder / "account.json"
        file.write_text(json.dumps(_account(private.decode(), server)), encoding="utf-8")
        yield {
            "GOOGLE_APPLICATION_CREDENTIALS": str(file),
            "GOOGLE_CLOUD_PROJECT": "a-project",
            "GOOGLE_CLOUD_LOCATION": "us-central1",
        }
        server.shutdown()


def _account(private: str, server: HTTPServer) -> Mapping[str, str]:
    return {
        "type": "service_account",
        "project_id": "a-project",
        "private_key_id": "1",
        "private_key": private,
        "client_email": "gateway@a-project.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": f"http://127.0.0.1:{server.server_address[1]}/token",
    }


# A call that goes well -----------------------------------------------


@pytest.mark.slow
def test_the_developer_api_by_a_key(tmp_path: Path, certificate: Path, flow: Path) -> None:
    async def scenario() -> Done:
        async with google(tmp_path, certificate) as env:
            return await run("--flow", flow, "--say", LINE, "--out", tmp_path / "out", **env)

    done = asyncio.run(scenario())
    assert (done.code, done.err) == (0, "")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    check_call(summary, tmp_path / "out", done)
    assert summary["model"]["backend"] == "the Gemini Developer API"
    assert f"gateway call   gemini-3.8-live, the Gemini Developer API at {summary['model']['at']}" in done.out
    assert "cost " in done.out
    assert ANSWER in done.out


@pytest.mark.slow
def test_vertex_ai_by_application_default_credentials(tmp_path: Path, certificate: Path, flow: Path) -> None:
    async def scenario() -> Done:
        async with google(tmp_path, certificate) as env:
            vertex = {"GOOGLE_VERTEX_BASE_URL": env["GOOGLE_GEMINI_BASE_URL"], "SSL_CERT_FILE": env["SSL_CERT_FILE"]}
            with account(tmp_path) as credentials:
                asked = ("--backend", "vertex", "--flow", flow, "--say", LINE, "--out", tmp_path / "out", "--json")
                return await run(*asked, **vertex, **credentials)

    done = asyncio.run(scenario())
    assert (done.code, done.err) == (0, "")
    summary = json.loads(done.out)
    check_call(summary, tmp_path / "out", done)
    assert summary["model"]["backend"] == "Vertex AI"


SOUNDDEVICE = """
import threading, time

class PortAudioError(Exception):
    pass

def check_input_settings(**wanted):
    pass

check_output_settings = check_input_settings

class Stream:
    def __init__(self, callback, blocksize, **wanted):
        self.callback, self.size, self.open = callback, 2 * blocksize, True

    def __enter__(self):
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def __exit__(self, *_):
        self.open = False
        self.thread.join()

    def run(self):
        due = time.monotonic()
        while self.open:
            due += 0.02
            time.sleep(max(0, due - time.monotonic()))
            self.turn()

class RawInputStream(Stream):
    # Speaks once it is quiet, as somebody does who waits for the greeting's end.
    def __enter__(self):
        self.speech = open(SPEECH, "rb").read()
        super().__enter__()

    def turn(self):
        piece = b""
        if RawOutputStream.quiet > 50:
            piece, self.speech = self.speech[:self.size], self.speech[self.size:]
        self.callback(piece.ljust(self.size, bytes(1)), self.size // 2, None, None)

class RawOutputStream(Stream):
    quiet = 0  # frames without sound since the first with sound
    heard = False

    def turn(self):
        data = bytearray(self.size)
        self.callback(data, self.size // 2, None, None)
        sounds = any(data)
        self.heard = self.heard or sounds
        RawOutputStream.quiet = 0 if sounds or not self.heard else RawOutputStream.quiet + 1
"""


@pytest.mark.slow
def test_a_talk_by_microphone_until_ctrl_c(tmp_path: Path, certificate: Path, flow: Path) -> None:
    speech, modules = tmp_path / "speech.raw", tmp_path / "modules"
    speech.write_bytes(mulaw.decode(read_clip(LINE).mulaw).tobytes())
    modules.mkdir()
    (modules / "sounddevice.py").write_text(f"SPEECH = {str(speech)!r}\n{SOUNDDEVICE}", encoding="utf-8")

    async def scenario() -> Done:
        async with google(tmp_path, certificate) as env, asyncio.timeout(100):
            found = {**env, "PYTHONPATH": f"{modules}{os.pathsep}{ROOT}", "PYTHONUNBUFFERED": "1"}
            process = await start("--flow", flow, "--mic", "--out", tmp_path / "out", **found)
            assert process.stdout is not None
            lines = []
            while line := (await process.stdout.readline()).decode():
                lines.append(line)
                if ANSWER in line:
                    process.send_signal(signal.SIGINT)
            _, err = await process.communicate()
            return Done(process.returncode or 0, "".join(lines), err.decode())

    done = asyncio.run(scenario())
    assert (done.code, done.err) == (0, "")
    assert "you, at the microphone" in done.out
    assert "Ctrl-C hangs up" in done.out
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    check_call(summary, tmp_path / "out", done)
    assert 0 < summary["response_ms"]["p50"] < 5000


def check_call(summary: dict[str, object], out: Path, done: Done) -> None:
    """Greeting and answer were heard, they are on the tape and in the transcript, and all is told that was billed."""
    assert summary["ended"] == "caller-hung-up"
    turns = summary["turns"]
    assert isinstance(turns, list)
    spoken = [turn["text"] for turn in turns if turn["speaker"] == "agent"]
    assert spoken == ["Good day. How can I help you?", ANSWER]
    assert all(turn["heard_ms"] > 500 for turn in turns if turn["speaker"] == "agent")
    assert "rehearsal" not in summary
    assert isinstance(summary["cost_usd"], float)
    assert summary["cost_usd"] > 0
    assert isinstance(summary["prices_of"], str)
    assert isinstance(summary["tokens"], dict)
    assert summary["tokens"]["response/AUDIO"] > 0
    assert summary["model_gone"] == []
    with wave.open(str(out / "call.wav")) as file:
        tracks = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    assert np.abs(tracks).max(axis=0).min() > 3000
    transcript = (out / "transcript.txt").read_text(encoding="utf-8")
    assert transcript.startswith("gemini-3.8-live, ")
    assert ANSWER in transcript
    everything = done.out + done.err + transcript + json.dumps(summary)
    assert "ehears" not in everything
    assert KEY not in everything


# A call that the model's side refuses -----------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hostile", "words"),
    [
        ("bad-key", "refused the API key: check GOOGLE_API_KEY (or GEMINI_API_KEY); you get a key at https://"),
        ("no-model", "has no Live model gemini-3.8-live: change model: in the flow"),
        ("quota", "has no quota left for your project: wait some minutes, or look at https://"),
        ("http-429", "has no quota left for your project: "),
        ("bad-setup", "refuses what the flow asks for (Request contains an invalid argument.): check the persona's"),
    ],
)
def test_a_refusal_is_one_line_that_says_what_to_do(
    hostile: str, words: str, tmp_path: Path, certificate: Path, flow: Path
) -> None:
    async def scenario() -> Done:
        async with google(tmp_path, certificate, hostile) as env:
            return await run("--flow", flow, "--say", LINE, "--out", tmp_path / "out", "--json", **env)

    done = asyncio.run(scenario())
    assert done.code == 1
    assert done.err.startswith("gateway call: the Gemini Developer API at localhost:")
    assert words in done.err
    assert done.err.count("\n") == 1
    summary = json.loads(done.out)
    assert summary["ended"] == "model-unavailable"
    assert summary["model_gone"]
    assert KEY not in done.out + done.err


@pytest.mark.slow
def test_a_wrong_key_is_never_repeated(tmp_path: Path, certificate: Path, flow: Path) -> None:
    async def scenario() -> Done:
        async with google(tmp_path, certificate) as env:
            return await run("--flow", flow, "--say", LINE, "--out", tmp_path, **{**env, "GOOGLE_API_KEY": "bad"})

    done = asyncio.run(scenario())
    assert done.code == 1
    assert "refused the API key: check GOOGLE_API_KEY" in done.err


@pytest.mark.slow
def test_an_account_that_google_does_not_know_any_more(tmp_path: Path, certificate: Path, flow: Path) -> None:
    async def scenario() -> Done:
        async with google(tmp_path, certificate) as env:
            vertex = {"GOOGLE_VERTEX_BASE_URL": env["GOOGLE_GEMINI_BASE_URL"], "SSL_CERT_FILE": env["SSL_CERT_FILE"]}
            with account(tmp_path, status=400) as credentials:
                return await run("--backend", "vertex", "--flow", flow, "--out", tmp_path, **vertex, **credentials)

    done = asyncio.run(scenario())
    assert done.code == 1
    assert "Vertex AI at localhost:" in done.err
    assert "sign in with: gcloud auth application-default login\n" in done.err


@pytest.mark.slow
def test_a_certificate_that_is_not_trusted(tmp_path: Path, certificate: Path, flow: Path) -> None:
    async def scenario() -> Done:
        async with google(tmp_path, certificate) as env:
            trusting = {name: value for name, value in env.items() if name != "SSL_CERT_FILE"}
            return await run("--flow", flow, "--say", LINE, "--out", tmp_path, **trusting)

    done = asyncio.run(scenario())
    assert done.code == 1
    assert "could not be reached (cannot connect: " in done.err
    assert "CERTIFICATE_VERIFY_FAILED" in done.err


# What is wrong before anything starts -----------------------------------------------

PLACE = {"GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_CLOUD_LOCATION": "global"}


@pytest.mark.parametrize(
    ("asked", "env", "words"),
    [
        ([], {}, "GOOGLE_API_KEY is not set: put your Gemini API key there (or into GEMINI_API_KEY); you get one at "),
        ([], {"LIVE_BACKEND": "vertex"}, "GOOGLE_CLOUD_PROJECT is not set: "),
        (["vertex"], {"GOOGLE_API_KEY": KEY}, "GOOGLE_CLOUD_PROJECT is not set: "),
        (["vertex"], {"GOOGLE_CLOUD_PROJECT": "p"}, "GOOGLE_CLOUD_LOCATION is not set: put a region there "),
        (
            ["vertex"],
            {**PLACE, "GOOGLE_APPLICATION_CREDENTIALS": "none.json"},
            "no Application Default Credentials that can be used were found: run gcloud auth application-default login",
        ),
        ([], {"LIVE_BACKEND": "rehearsal"}, "LIVE_BACKEND=rehearsal is a script, not a model: name one with --backend"),
        ([], {"LIVE_BACKEND": KEY}, "LIVE_BACKEND takes one of developer, vertex (or say --backend)"),
        ([], {"GEMINI_API_KEY": KEY + "\n"}, "GEMINI_API_KEY holds a space, a line end or what isn't ASCII"),
        (
            ["developer"],
            {"GOOGLE_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": KEY},
            "GOOGLE_GEMINI_BASE_URL takes a URL that begins with https://",
        ),
    ],
)
def test_what_is_missing_is_said_before_anything_starts(
    asked: list[str],
    env: Mapping[str, str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY", "LIVE_BACKEND", "GOOGLE_APPLICATION_CREDENTIALS", *PLACE):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    out = tmp_path / "out"
    backend: dict[str, object] = {"backend": asked[0]} if asked else {}
    assert run_call(CallOptions(DemoOptions(out=out), **backend)) == 2  # type: ignore[arg-type]
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"gateway call: {words}")
    assert told.err.count("\n") == 1
    assert KEY not in told.err
    assert not out.exists()


def test_a_model_that_the_backend_has_not_is_a_fault_of_the_flow(
    tmp_path: Path, flow: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    flow.write_text(FLOW.replace("gemini-3.8-live", "gemini-live-2.5-flash-native-audio"), encoding="utf-8")
    monkeypatch.setenv("GOOGLE_API_KEY", KEY)
    assert run_call(CallOptions(DemoOptions(flow, out=tmp_path), "developer")) == 1
    assert "is served by vertex, not by developer" in capsys.readouterr().err
