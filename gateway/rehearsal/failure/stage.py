"""Who plays: two gateways, their Valkey, the balancer, the stand-in. Set up anew for each run; nothing stays behind."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import assert_never

import yaml

from gateway.rehearsal.failure.balancer import Balancer, Frozen, Kind, Rules
from gateway.rehearsal.failure.haproxy import Haproxy
from gateway.rehearsal.failure.instance import Instance
from gateway.rehearsal.failure.journal import Journal
from gateway.rehearsal.failure.own_balancer import OwnBalancer
from gateway.rehearsal.failure.valkey import Valkey
from gateway.rehearsal.process import Standin, standin
from gateway.rehearsal.webhook import Exchange

PUBLIC_URL = "https://gateway.example.com"
DIALLED = "+14155550100"
INSTANCES = 2
MAX_CALLS = 100  # an instance takes its neighbour's calls as well
IN_A_TURN = 6  # numbers of the agent's
TURNS = 41  # then it begins again at 0
GREETING = "250 251 252"
FLOW = f"""
version: 1
defaults: {{ timezone: UTC, language: en-US }}
numbers:
  - {{ label: front-desk, number: "{DIALLED}", persona: ava, fallback: {{ say: Sorry. }} }}
personas:
  ava:
    instructions: "Count. The caller is {{{{call.from}}}}."
    greeting: {{ text: "{GREETING}", interruptible: false }}
    voice: {{ name: Aoede }}
    vad: {{ silence: 300ms }}
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """`env`: changes to the gateways' environment. `rules`: the balancer's. `liveness`: whether the platform ends an
    instance that answers no check. `logs`: a folder that keeps what everybody wrote. `balancer`: which one it is."""

    env: Mapping[str, str] = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)
    liveness: bool = True
    logs: Path | None = None
    balancer: Kind = "own"


@dataclass
class Stage:
    """`fault_at`: when something broke without a word, time.monotonic(). `gone`: instances that have left."""

    folder: Path
    env: Mapping[str, str]
    valkey: Valkey
    balancer: Balancer
    model: Standin
    journal: Journal
    exchange: Exchange
    instances: list[Instance] = field(default_factory=list)
    fault_at: float | None = None
    liveness: bool = True

    def strike(self) -> None:
        self.fault_at = time.monotonic()

    def break_models(self) -> None:
        """Every connection to the model breaks."""
        os.kill(self.model.pid, signal.SIGUSR1)

    async def add(self) -> Instance:
        """Another gateway, ready and taking calls."""
        instance = Instance(f"gateway-{len(self.instances) + 1}", self.folder, self.env)
        self.instances.append(instance)
        await instance.start()
        await self.balancer.add(instance.port)
        return instance

    def end_frozen(self, port: int) -> None:
        """The platform's liveness check."""
        for instance in self.instances:
            if instance.port == port and self.liveness:
                instance.signal(signal.SIGKILL)


@contextmanager
def _folder(logs: Path | None) -> Iterator[Path]:
    """One of its own in `logs`, which stays; else one that goes."""
    if logs is None:
        with tempfile.TemporaryDirectory(prefix="rehearsal-") as name:
            yield Path(name)
    else:
        logs.mkdir(parents=True, exist_ok=True)
        yield Path(tempfile.mkdtemp(dir=logs, prefix="run-"))


@asynccontextmanager
async def stage(setting: Setting) -> AsyncIterator[Stage]:
    """Everything, ready. Raises InstanceFailed, NoServer, StandinError, BalancerFailed."""
    with _folder(setting.logs) as folder:
        valkey, journal = Valkey(folder), Journal(GREETING)
        async with standin(_script(folder), voice="count") as model, asyncio.TaskGroup() as group:
            reading = group.create_task(_read(model, journal), name="journal")
            balancer = _balancer(setting, folder, lambda port: here.end_frozen(port))
            await balancer.start()
            exchange = Exchange("127.0.0.1", balancer.port, PUBLIC_URL, "AC" + "0" * 32, secrets.token_hex(16))
            env = {**_env(folder, valkey, model, exchange), **setting.env}
            here = Stage(folder, env, valkey, balancer, model, journal, exchange, liveness=setting.liveness)
            try:
                watching = group.create_task(balancer.watch(), name="checks")
                await _start(here)
                yield here
                watching.cancel()
            finally:
                await _end(here)
                reading.cancel()


def _balancer(setting: Setting, folder: Path, frozen: Frozen) -> Balancer:
    match setting.balancer:
        case "haproxy":
            return Haproxy(folder, setting.rules, frozen)
        case "own":
            return OwnBalancer(setting.rules, frozen)
        case never:
            assert_never(never)


async def _start(here: Stage) -> None:
    await here.valkey.start()
    async with asyncio.TaskGroup() as group:
        for _ in range(INSTANCES):
            group.create_task(here.add(), name="instance")


async def _end(here: Stage) -> None:
    """Whatever state it is in, nothing of it goes on."""
    await here.balancer.stop()
    async with asyncio.TaskGroup() as group:
        for instance in here.instances:
            group.create_task(instance.kill(), name="kill")
        group.create_task(here.valkey.kill(), name="kill")


async def _read(model: Standin, journal: Journal) -> None:
    async for event in model.events():
        journal.take(event)


def _script(folder: Path) -> Path:
    """What the stand-in says: one row of numbers, IN_A_TURN a turn."""
    rows = (range(first, first + IN_A_TURN) for first in range(0, TURNS * IN_A_TURN, IN_A_TURN))
    file = folder / "script.yaml"
    file.write_text(yaml.safe_dump({"otherwise": [" ".join(map(str, row)) for row in rows]}), "utf-8")
    return file


def _env(folder: Path, valkey: Valkey, model: Standin, exchange: Exchange) -> dict[str, str]:
    flows = folder / "flows"
    flows.mkdir()
    (flows / "counting.yaml").write_text(FLOW, "utf-8")
    return {
        "FLOWS_DIR": str(flows),
        "REDIS_URL": valkey.url,
        "LIVE_BACKEND": "developer",
        "GOOGLE_GEMINI_BASE_URL": model.url,
        "GOOGLE_API_KEY": "rehearsal",
        "STREAM_SECRET": secrets.token_urlsafe(32),
        "TWILIO_ACCOUNT_SID": exchange.account_sid,
        "TWILIO_AUTH_TOKEN": exchange.auth_token,
        "PUBLIC_URL": PUBLIC_URL,
        "AUTH": "required",
        "MAX_CALLS": str(MAX_CALLS),
        "LOG_FORMAT": "json",
    }
