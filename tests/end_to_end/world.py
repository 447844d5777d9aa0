"""Everything between a flow file and a caller, on this machine: a project as a user has it, the fake of Twilio that it
is deployed to, the deployed Functions under the cloud's rules, the edge, and cores as processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

from gateway.rehearsal.caller import Account, Owned
from tests.end_to_end.edge import Edge, edge
from tests.fakes.twilio_api import ACCOUNT_SID, AUTH_TOKEN, FakeTwilio, fake_twilio

ROOT = Path(__file__).parents[2]
FUNCTIONS = ROOT / "twilio-functions"
NAMES = Path(__file__).with_name("names")
COPIED = ("functions", "assets", "numbers", "scripts", "package.json", ".twilioserverlessrc")
STREAM_SECRET = "a-secret-that-functions-and-core-share"
ADMIN_SECRET = "a-secret-of-whoever-may-change-the-numbers"
PREWARM_MS = 999  # enough on a machine that is busy with other things
PATIENCE_S = 30.0  # for a process to come up on a loaded machine
COMMAND_S = 120.0

DESK, CLOSED, ON_SALE = "+14155550100", "+14155550101", "+14155550111"
FLOW = """
version: 1
numbers:
  - label: desk
    number: "${DESK_NUMBER}"
    persona: ava
    hours: office
    fallback: { say: "We can't take your call just now.", then: voicemail }
  - { label: workshop, number: "+14155550101", persona: ava, hours: never }
  - label: overflow
    search: { country: US, area_code: "415" }
    persona: brief
    fallback: { say: Please call the desk. }
personas:
  ava:
    instructions: You answer the phone for the clinic.
    greeting: { text: Good day. }
  brief:
    instructions: You answer the phone when the desk is busy.
    greeting: { text: Hello. }
    idle: { after: 3s, say: "Are you there?", times: 1, then: hangup }
hours:
  office:
    timezone: UTC
    weekly: { mon-sun: "00:00-24:00" }
    closed: { say: We are closed. }
  never:
    timezone: UTC
    weekly: { mon: "09:00-17:00" }
    holidays: [{ date: 01-01 to 12-31, name: Moving }]
    closed: { say: The workshop is closed., then: voicemail }
"""
SCRIPT = {"replies": [{"hear": "ten of clubs", "say": "I heard ten of clubs."}], "otherwise": ["Please say it again."]}


class Core:
    """`gateway serve` as a process of its own."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log
        self.port = int(str(self.wait("listening")["url"]).rpartition(":")[2])

    def notes(self, name: str = "", call_sid: str = "") -> list[dict[str, Any]]:
        """What it has logged so far, of that name and call only."""
        found = [json.loads(line) for line in self._log.read_text().splitlines(keepends=True) if line.endswith("\n")]
        named = [note for note in found if name in ("", note["message"])]
        return [note for note in named if call_sid in ("", note.get("call_sid"))]

    def wait(self, name: str, call_sid: str = "") -> dict[str, Any]:
        until = time.monotonic() + PATIENCE_S
        while not (found := self.notes(name, call_sid)):
            assert time.monotonic() < until, f"no {name} from the core: {self._log.read_text()[-2000:]}"
            assert self.process.poll() is None, self._log.read_text()
            time.sleep(0.05)
        return found[0]

    def freeze_model(self) -> None:
        self._signal_model(signal.SIGSTOP)

    def thaw_model(self) -> None:
        self._signal_model(signal.SIGCONT)

    def _signal_model(self, number: signal.Signals) -> None:
        """The stand-in is a child of the core."""
        search = ["pgrep", "-P", str(self.process.pid), "-f", "standin"]
        [child] = subprocess.run(search, capture_output=True, text=True, check=True).stdout.split()
        os.kill(int(child), number)


@dataclass(frozen=True)
class World:
    """`project`: the user's checkout. `domain`: where Twilio runs its Functions."""

    folder: Path
    project: Path
    twilio: FakeTwilio
    edge: Edge
    artefact: Mapping[str, Any]
    domain: str
    gate: int
    upstream: str
    log: Path
    stack: ExitStack

    def account(self, *without: str) -> Account:
        """Twilio's account, and where the names in its URLs are; `without` these, as if they were down."""
        hosts = {self.domain: ("127.0.0.1", self.gate), self.edge.host: ("127.0.0.1", self.edge.plain)}
        return Account(ACCOUNT_SID, AUTH_TOKEN, {name: at for name, at in hosts.items() if name not in without})

    def number(self, phone: str) -> Owned:
        """A number as the account holds it now."""
        [found] = [one for one in self.twilio.state()["numbers"] if one["phone_number"] == phone]
        return Owned(phone, found["voice_url"], found["voice_fallback_url"])

    def by_hand(self, phone: str, **fields: str) -> None:
        """Somebody changes a number in Twilio's console."""
        [found] = [one for one in self.twilio.state()["numbers"] if one["phone_number"] == phone]
        self.twilio.update(f"IncomingPhoneNumbers/{found['sid']}", **fields)

    def core(self) -> Core:
        """A new core; the edge leads to it from now on."""
        made = self.stack.enter_context(core(self))
        self.edge.core = made.port
        return made


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """All of it but the core: compiled, deployed, served, and the numbers pointed at it."""
    project = checkout(folder)
    with ExitStack() as stack:
        twilio = stack.enter_context(fake_twilio(folder / "twilio"))
        front = stack.enter_context(edge(folder))
        twilio.seed(numbers={DESK: {}, CLOSED: {}}, sale={ON_SALE: {}})
        artefact = json.loads(command(project, "compile", "--json"))
        deploy(project, twilio, front.url)
        [environment] = twilio.state()["environments"]
        domain = environment["domain_name"]
        log = folder / "functions.log"
        bundle = folder / "authorities.pem"
        bundle.write_bytes(front.certificate.read_bytes() + twilio.certificate.read_bytes())
        names = f"--require={NAMES / 'names.js'}"
        reach = {
            "DOMAIN_NAME": domain,
            "HTTP_PROXY": twilio.url,
            "NODE_EXTRA_CA_CERTS": str(bundle),
            "NODE_OPTIONS": names,
        }
        upstream = stack.enter_context(twilio_run(twilio.deployed / domain, reach, log))
        gate = stack.enter_context(gated(twilio.deployed / domain, upstream, f"https://{domain}"))
        command(project, "numbers", "apply", "--yes", "--buy", **twilio.environment())
        yield World(folder, project, twilio, front, artefact, domain, gate, upstream, log, stack)


def checkout(folder: Path) -> Path:
    """A project as a user has it: flows, Functions, and the gateway command."""
    project = folder / "project"
    (project / "flows").mkdir(parents=True)
    (project / "flows" / "clinic.yaml").write_text(FLOW)
    functions = project / "twilio-functions"
    functions.mkdir()
    for name in COPIED:
        source = FUNCTIONS / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, functions / name)
    (functions / "assets" / "flows.private.json").unlink(missing_ok=True)
    (functions / "node_modules").symlink_to(FUNCTIONS / "node_modules")
    (folder / "script.json").write_text(json.dumps(SCRIPT))
    (folder / "gateway").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gateway "$@"\n')
    (folder / "gateway").chmod(0o755)
    return project


def environment(**more: str) -> dict[str, str]:
    """Of a child: nothing of this machine's but what it takes to run."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{NAMES}",
        "DESK_NUMBER": DESK,
        "CI": "1",
        "npm_config_update_notifier": "false",
        **more,
    }


def command(project: Path, *arguments: str, **env: str) -> str:
    """The output of `gateway …`, which must go well."""
    return _well(run(project, *arguments, **env))


def run(project: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """`gateway …` in the project, to its end."""
    return _run([sys.executable, "-m", "gateway", *arguments], project, env)


def deploy(project: Path, twilio: FakeTwilio, core_url: str) -> None:
    """`npm run deploy`, with the .env that the README asks for."""
    functions = project / "twilio-functions"
    secrets = {"AUTH_TOKEN": AUTH_TOKEN, "STREAM_SECRET": STREAM_SECRET, "ADMIN_SECRET": ADMIN_SECRET}
    given = {"ACCOUNT_SID": ACCOUNT_SID, "CORE_URL": core_url, "PREWARM_MS": str(PREWARM_MS), **secrets}
    _write_env(functions / ".env", given)
    env = {**twilio.environment(), "GATEWAY": str(project.parent / "gateway")}
    _well(_run(["npm", "run", "--silent", "deploy"], functions, env))


def _run(arguments: list[str], folder: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments, cwd=folder, env=environment(**env), capture_output=True, text=True, check=False, timeout=COMMAND_S
    )


def _well(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, f"{done.args}: {done.stdout}{done.stderr}"
    return done.stdout


def _write_env(file: Path, given: Mapping[str, str], mode: str = "w") -> None:
    with file.open(mode) as env:
        env.writelines(f'{name}="{value}"\n' for name, value in given.items())


@contextmanager
def twilio_run(deployed: Path, reach: Mapping[str, str], log: Path) -> Iterator[str]:
    """The deployed project, served with its own variables, those that the cloud adds, and `reach`: how it finds the
    world here. Gives its URL."""
    _write_env(deployed / ".env", {"ACCOUNT_SID": ACCOUNT_SID, "AUTH_TOKEN": AUTH_TOKEN, **reach}, "a")
    (deployed / "node_modules").symlink_to(FUNCTIONS / "node_modules")  # Twilio's build installs the dependencies
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    binary = str(FUNCTIONS / "node_modules" / ".bin" / "twilio-run")
    with log.open("wb") as out:
        process = subprocess.Popen(
            [binary, "start", "--port", str(port), "--no-logs"], cwd=deployed, env=environment(), stdout=out, stderr=out
        )
    try:
        _wait_for(f"http://localhost:{port}/health", process)
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not _answers(url):
        assert time.monotonic() < until, f"{url} never answered"
        assert process.poll() is None, f"{url}: the process has ended"
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=10):
            return True
    except OSError:
        return False


@contextmanager
def gated(deployed: Path, upstream: str, url: str = "") -> Iterator[int]:
    """The cloud's rules in front of `upstream`, known to the world as `url` (else as itself). Gives the gate's port."""
    rules = [str(FUNCTIONS / "test" / "gate.js"), "--dir", str(deployed), "--upstream", upstream]
    process = subprocess.Popen(
        ["node", *rules, *(["--url", url] if url else [])],
        env=environment(AUTH_TOKEN=AUTH_TOKEN),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        try:
            assert process.stdout is not None
            yield int(json.loads(process.stdout.readline())["port"])
        finally:
            process.kill()


@contextmanager
def core(world: World) -> Iterator[Core]:
    """`gateway serve` behind the edge. It is gone at the end."""
    log = world.folder / f"core-{time.monotonic_ns()}.log"
    settings = {
        "FLOWS_DIR": "flows",
        "LIVE_BACKEND": "rehearsal",
        "REHEARSAL_SCRIPT": str(world.folder / "script.json"),
        "PUBLIC_URL": world.edge.url,
        "AUTH": "required",
        "STREAM_SECRET": STREAM_SECRET,
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "LOG_FORMAT": "json",
        "METRICS": "on",
        "END_WITH_STDIN": "1",
    }
    serve = [sys.executable, "-m", "gateway", "serve", "--port", "0"]
    env = environment(**settings)
    with (
        log.open("wb") as out,
        subprocess.Popen(serve, cwd=world.project, env=env, stdin=subprocess.PIPE, stdout=out) as process,
    ):
        try:
            yield Core(process, log)
        finally:
            process.kill()
