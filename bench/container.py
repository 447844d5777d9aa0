"""The image as Cloud Run would run it: what is in it, how soon it is ready, a whole call, and SIGTERM in another.

    python -m bench.container IMAGE

The caller's phone and the model are played on this machine (gateway.rehearsal); the container knows the model by
GOOGLE_GEMINI_BASE_URL, and Redis as an instance on Cloud Run does. 1 where anything is not as it should be.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.podman import Container, ContainerFailed, asked, running, tried
from gateway.rehearsal.phone import Person, Phone, Record
from gateway.rehearsal.playout import SILENCE, Cut
from gateway.rehearsal.prepare import CALLER, recorded
from gateway.rehearsal.process import standin
from gateway.rehearsal.scene import Scene
from gateway.rehearsal.webhook import Exchange

STARTS = 4
READY_S, EXIT_S = 2.0, 10.0  # the targets; Cloud Run kills 10 s after SIGTERM
NUMBER = "+14155550100"  # of .ci/container-flow.yaml
PUBLIC_URL = "https://gateway.example.test"
MEMORY = ("--memory", "512m")  # half of what service.yaml asks for
NOT_IN_IT = ("cc", "gcc", "make", "uv", "git", "curl")
NOT_INSTALLED = ("pocketsphinx", "py_nanotts", "webrtcvad", "pytest", "mypy", "twilio.rest")
FRAME = 160
HEARD_S = 20.0  # for the agent's first sound

# Runs inside, and answers in JSON: who runs, what is there that shouldn't be, and what weighs what.
_LOOK = """
import importlib.util, json, os, pathlib, shutil, sys
def found(name):
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
def weight(path):
    return sum(f.lstat().st_size for f in ([path] if path.is_file() else path.rglob("*")) if f.is_file())
site = pathlib.Path(next(p for p in sys.path if p.endswith("site-packages")))
parts = {p.name.split(".libs")[0]: 0 for p in site.iterdir() if not p.name.endswith((".dist-info", "__pycache__"))}
for p in site.iterdir():
    parts[p.name.split(".libs")[0]] = parts.get(p.name.split(".libs")[0], 0) + weight(p)
try:
    pathlib.Path("/app/written").touch()
    written = True
except OSError:
    written = False
print(json.dumps({"uid": os.getuid(), "written": written, "parts": parts, "app": weight(pathlib.Path("/app")),
    "programs": [n for n in sys.argv[1].split() if shutil.which(n)],
    "modules": [n for n in sys.argv[2].split() if found(n)]}))
"""


class Listener:
    """Holds the phone and listens. `heard` is set at the agent's first sound."""

    def __init__(self) -> None:
        self.heard = asyncio.Event()

    def hear(self, heard: bytes, start_ms: float) -> None:
        if heard.strip(SILENCE):
            self.heard.set()

    def cut(self, cut: Cut) -> None:
        pass

    def speak(self, now_ms: float) -> bytes:
        return SILENCE * FRAME


class Trial:
    """What is looked at, one after the other; `faults` are what isn't as it should be."""

    def __init__(self, image: str) -> None:
        self.image = image
        self.faults: list[str] = []
        self.exchange = Exchange("127.0.0.1", _free(), PUBLIC_URL, "AC" + "0" * 32, secrets.token_hex(16))

    def expect(self, well: bool, fault: str) -> None:
        if not well:
            self.faults.append(fault)

    def look(self) -> None:
        """What the image holds, and what it says when it is started wrongly."""
        size = int(asked("image", "inspect", "--format", "{{.Size}}", self.image))
        options = ("--read-only", "--entrypoint", "python", *_LIMITS)
        code, said = tried(self.image, options, {}, "-c", _LOOK, " ".join(NOT_IN_IT), " ".join(NOT_INSTALLED))
        if code:
            raise ContainerFailed(said)
        inside = json.loads(said)
        self.expect(inside["uid"] == 10001, f"it runs as user {inside['uid']}")
        self.expect(not inside["written"], "its root can be written")
        strange = inside["programs"] + inside["modules"]
        self.expect(not strange, f"it holds {', '.join(strange)}")
        print(f"image {size / 1e6:.0f} MB, of it /app {inside['app'] / 1e6:.0f} MB:")
        for name, weight in sorted(inside["parts"].items(), key=lambda part: -part[1])[:12]:
            print(f"  {weight / 1e6:6.1f} MB  {name}")
        self._refuses({"K_SERVICE": "gateway"}, "LIVE_BACKEND: must be named on Cloud Run")
        self._refuses({"K_SERVICE": "gateway", "LIVE_BACKEND": "vertex"}, "GOOGLE_CLOUD_PROJECT: is needed")
        self._refuses({"LIVE_BACKEND": "developer"}, "GOOGLE_API_KEY: is needed")

    def _refuses(self, env: dict[str, str], words: str) -> None:
        code, said = tried(self.image, _LIMITS, env)
        self.expect(code == 2 and words in said, f"started with {env} it says (exit code {code}): {said[-500:]}")

    async def serve(self, memory: tuple[str, ...]) -> None:
        """A whole call, then one into which SIGTERM comes."""
        with tempfile.TemporaryDirectory(prefix="gateway-container-") as folder, _redis() as redis:
            async with standin() as model, running(self.image, memory, self._env(model.url, redis), Path(folder)) as it:
                idle, first = _rss_mb(it), _command(it)
                self.expect("/app/.venv/bin/gateway" in first, f"its first process is {first}, not the gateway")
                self._judge(await self._phone(Scene(recorded(), lambda _: None)).call(), "caller", 0)
                print(f"a whole call is over; memory {idle:.0f} MB before, {_rss_mb(it):.0f} MB after")
                await self._interrupted(it)
                ends = [note.get("ended") for note in it.notes("call-ended")]
                self.expect(len(ends) == 2, f"its log tells the end of {len(ends)} calls, not of 2")

    async def start(self) -> None:
        """How soon it is ready, also where neither model nor Redis is. What else this machine does only adds: the best
        of a few starts counts."""
        best, env = float("inf"), self._env("ws://127.0.0.1:9", "redis://127.0.0.1:9")  # nobody is there
        for _ in range(STARTS):
            with tempfile.TemporaryDirectory(prefix="gateway-container-") as folder:
                async with running(self.image, (), env, Path(folder)) as it:
                    since = f"{it.started_s:.2f} s, {it.whole_s:.2f} since podman run"
                    print(f"ready after {since}; it had {it.cpu_s:.2f} s of a processor")
                    await it.terminate()
            best = min(best, it.started_s)
            if best <= READY_S:
                return
        self.expect(False, f"it was ready after {best:.2f} s at best, not {READY_S:.0f}")

    async def rehearse(self) -> None:
        """Without a backend named, the stand-in inside answers: without the voice and the ears that it has outside."""
        env = {"PORT": str(self.exchange.port), "PUBLIC_URL": PUBLIC_URL, "TWILIO_AUTH_TOKEN": self.exchange.auth_token}
        with tempfile.TemporaryDirectory(prefix="gateway-container-") as folder:
            async with running(self.image, (), env, Path(folder)) as it:
                await self._interrupted(it)

    async def _interrupted(self, container: Container) -> None:
        listener = Listener()
        calling = asyncio.create_task(self._phone(listener).call(), name="container-call")
        async with asyncio.timeout(HEARD_S):
            await listener.heard.wait()
        code, took = await container.terminate()
        self.expect(code == 0, f"it ended with exit code {code}")
        self.expect(took <= EXIT_S, f"it took {took:.1f} s to end")
        self._judge(await calling, "gateway", 1001)
        print(f"SIGTERM in mid-call: exit code {code} after {took:.2f} s")

    def _judge(self, record: Record, who: str, code: int) -> None:
        ending = record.ending
        self.expect(ending.who == who and ending.code == code, f"the call ended otherwise: {ending}")
        self.expect(bool(record.agent.strip(SILENCE)), "the caller heard nothing")
        self.expect(not record.complaints, f"Twilio would complain: {record.complaints}")

    def _phone(self, person: Person) -> Phone:
        return Phone(self.exchange, person, CALLER, NUMBER)

    def _env(self, model: str, redis: str) -> dict[str, str]:
        """As service.yaml has it, but for the places."""
        return {
            "K_SERVICE": "gateway",
            "PORT": str(self.exchange.port),
            "PUBLIC_URL": PUBLIC_URL,
            "LIVE_BACKEND": "developer",
            "GOOGLE_API_KEY": "rehearsal",
            "GOOGLE_GEMINI_BASE_URL": model,
            "TWILIO_AUTH_TOKEN": self.exchange.auth_token,
            "STREAM_SECRET": secrets.token_urlsafe(32),
            "REDIS_URL": redis,
        }


_LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000", "--network", "host")


@contextmanager
def _redis() -> Iterator[str]:
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        raise ContainerFailed("neither valkey-server nor redis-server is installed")
    port = _free()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            yield f"redis://127.0.0.1:{port}"
        finally:
            process.terminate()


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _rss_mb(container: Container) -> float:
    status = Path(f"/proc/{container.pid()}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) / 1024


def _command(container: Container) -> list[str]:
    return Path(f"/proc/{container.pid()}/cmdline").read_text(encoding="utf-8").split("\0")


def _memory(image: str) -> tuple[str, ...]:
    """The limit, where this machine's control groups allow one; said where they don't."""
    code, said = tried(image, (*_LIMITS, *MEMORY), {}, "--help")
    if code == 0:
        print("memory limit 512 MB")
        return MEMORY
    print(f"no memory limit on this machine: {said.strip()[-200:]}")
    return ()


def main(arguments: list[str]) -> int:
    """0; 1 where something is not as it should be, each thing told."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    trial = Trial(arguments[0])
    try:
        trial.look()
        asyncio.run(trial.start())
        asyncio.run(trial.serve(_memory(trial.image)))
        asyncio.run(trial.rehearse())
    except ContainerFailed as failed:
        trial.faults.append(str(failed))
    for fault in trial.faults:
        print(f"WRONG: {fault}", file=sys.stderr)
    return 1 if trial.faults else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
