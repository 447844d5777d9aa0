"""`gateway doctor`: what stands between a caller and an answer. Each check says well, or what to do; none changes
anything. Asks the running core and Twilio Functions over HTTP; secrets are checked by their shape and never printed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Literal

from gateway.catalog import load
from gateway.clients.answer import PATIENCE_S, Answer, ask
from gateway.flow.compile import ArtefactError, fingerprint, read
from gateway.flow.load import FlowError, Flows
from gateway.numbers import NumbersError, run
from gateway.release import VERSION
from gateway.settings import Settings, SettingsError
from gateway.settings import read as read_settings
from gateway.twilio import knock, signature

Health = Literal["well", "wrong", "skipped"]
MAX_SKEW_S = 30.0  # a stream token lives 60 s, a knock at the core's doors as long
SHORT = 16  # characters: a shorter stream secret can be guessed
_ADVICE = {
    403: "the core needs the same PUBLIC_URL and TWILIO_AUTH_TOKEN as here",
    503: "it is full or shutting down: ask again in a minute",
}
_STRANGE = "something else than the core answers there: a proxy, or another service"
_SHAPES = {"TWILIO_ACCOUNT_SID": r"AC[0-9a-f]{32}", "TWILIO_AUTH_TOKEN": r"[0-9a-zA-Z]{32}"}


@dataclass(frozen=True, slots=True)
class Check:
    """One line: what was looked at, how it is, and what to do where it is wrong (why, where it was skipped)."""

    name: str
    health: Health
    text: str
    advice: str = ""

    def __str__(self) -> str:
        mark = {"well": "ok   ", "wrong": "WRONG", "skipped": "-    "}[self.health]
        return f"{mark} {self.name}: {self.text}" + (f"\n      -> {self.advice}" if self.advice else "")

    def plain(self) -> dict[str, str]:
        return {"name": self.name, "health": self.health, "text": self.text, "advice": self.advice}


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined. `clock` gives Unix seconds."""

    env: Mapping[str, str]
    flows: Path
    artefact: Path
    clock: Callable[[], float]

    @property
    def functions(self) -> str:
        return self.env.get("FUNCTIONS_URL", "").rstrip("/")


def examine(patient: Patient) -> Iterator[Check]:
    """Every check in order; those that ask somebody take up to some seconds each."""
    settings, found = _settings(patient)
    yield found
    yield from _credentials(patient.env)
    flows, found = _flows(patient)
    yield found
    wanted = fingerprint(flows) if flows else ""
    yield _artefact(patient, wanted)
    yield from _core(patient, settings, wanted)
    yield from _functions(patient, wanted)
    yield _numbers(patient)


def _settings(patient: Patient) -> tuple[Settings | None, Check]:
    try:
        settings = read_settings(patient.env)
    except SettingsError as wrong:
        return None, Check("settings", "wrong", str(wrong), "set it as the text says")
    return settings, Check("settings", "well", f"LIVE_BACKEND={settings.backend}")


def _credentials(env: Mapping[str, str]) -> Iterator[Check]:
    for name, shape in _SHAPES.items():
        value = env.get(name, "")
        if not value:
            yield Check(name, "wrong", "is not set", "copy it from the Twilio console")
        elif not re.fullmatch(shape, value):
            yield Check(name, "wrong", "hasn't the shape that Twilio's have", "copy it again, without spaces or quotes")
        else:
            yield Check(name, "well", "has the right shape")
    secret = env.get("STREAM_SECRET", "")
    if not secret:
        yield Check("STREAM_SECRET", "wrong", "is not set", "set one long random text here and in Twilio Functions")
    elif len(secret) < SHORT:
        yield Check("STREAM_SECRET", "wrong", f"is shorter than {SHORT} characters", "set a long random text")
    else:
        yield Check("STREAM_SECRET", "well", "is there and long enough")


def _flows(patient: Patient) -> tuple[Flows | None, Check]:
    try:
        flows = load(patient.flows, patient.env)
    except FlowError as faults:
        count = sum(problem.severity == "error" for problem in faults.problems)
        return None, Check("flows", "wrong", f"{count} faults in {patient.flows}", "run: gateway validate")
    lines = sum(len(flow.numbers) for flow in flows.flows)
    return flows, Check("flows", "well", f"{len(flows.flows)} flows, {lines} lines")


def _artefact(patient: Patient, wanted: str) -> Check:
    name, compile_ = "artefact", "run: gateway compile"
    try:
        found = fingerprint(read(patient.artefact.read_bytes()))
    except FileNotFoundError:
        return Check(name, "wrong", f"{patient.artefact} is not there", compile_)
    except (OSError, ArtefactError) as wrong:
        return Check(name, "wrong", f"{patient.artefact}: {wrong}", compile_)
    if not wanted:
        return Check(name, "skipped", "the flows have faults")
    return _compared(name, found, wanted, compile_)


def _compared(name: str, found: str, wanted: str, advice: str) -> Check:
    if found == wanted:
        return Check(name, "well", f"the flows are those of here ({found[:12]})")
    return Check(name, "wrong", f"other flows ({found[:12]}) than those of here ({wanted[:12]})", advice)


def _core(patient: Patient, settings: Settings | None, wanted: str) -> Iterator[Check]:
    name = "core"
    if settings is None or not settings.public_url:
        yield Check(name, "skipped", "PUBLIC_URL is not set", "set it to the core's address as Twilio sees it")
        return
    url, now = settings.public_url, patient.clock()
    answer = ask(f"{url}/readyz", _knock(settings, "/readyz", now))
    if isinstance(answer, str):
        yield Check(name, "wrong", f"{url} {answer}", "is it deployed, and does PUBLIC_URL name it?")
        return
    if "ready" not in answer.json:
        yield Check(name, "wrong", f"{url} answers {answer.status}, but isn't a core", "does PUBLIC_URL name the core?")
        return
    health: Health = "well" if answer.status == 200 else "wrong"
    yield Check(name, health, f"{url} answers {answer.status}", _ADVICE.get(answer.status, ""))
    yield _release("core's release", answer, "deploy the core again")
    yield from _served(answer, wanted)
    yield _clock("core's clock", answer, patient.clock())
    yield _secret(url, settings, now)
    yield _handshake(url, settings)


def _served(answer: Answer, wanted: str) -> Iterator[Check]:
    """The flows that the core serves, and the edit that it refused."""
    name, served = "core's flows", answer.json.get("flows")
    if not isinstance(served, dict):
        return
    if served.get("faults"):
        told = served.get("refused") or ["run: gateway validate"]
        yield Check(name, "wrong", "it refused an edit and serves those before", str(told[0]))
    elif wanted:
        yield _compared(name, str(served.get("hash", "")), wanted, "deploy the core again")


def _release(name: str, answer: Answer, advice: str) -> Check:
    """Functions and core must be of one release: what a stream's token holds may differ between two."""
    found = answer.json.get("version", "one that doesn't say")
    if found == VERSION:
        return Check(name, "well", f"the one of here ({VERSION})")
    return Check(name, "wrong", f"another ({found}) than that of here ({VERSION})", advice)


def _knock(settings: Settings, path: str, now: float) -> Mapping[str, str]:
    """The headers with which our Functions ask the core."""
    at = int(now)
    signed = knock.sign(settings.stream_secrets[0], "GET", path, at)
    return {knock.TIME_HEADER: str(at), knock.SIGNATURE_HEADER: signed}


def _secret(url: str, settings: Settings, now: float) -> Check:
    """The core takes what is signed with this STREAM_SECRET, and nothing unsigned."""
    name, path = "core's secret", "/calls/doctor/next?attempt=1"
    signed, unsigned = (ask(url + path, headers) for headers in (_knock(settings, path, now), {}))
    if isinstance(signed, str) or isinstance(unsigned, str):
        return Check(name, "skipped", "the core has gone")
    match signed.status, unsigned.status:
        case 200, 403:
            return Check(name, "well", "the core has the same STREAM_SECRET as here")
        case 200, 200:
            return Check(name, "skipped", "the core asks nobody for it (AUTH=off)")
        case _:
            advice = "the core, Twilio Functions and this machine need the same one, and clocks that agree"
            return Check(name, "wrong", "the core has another STREAM_SECRET than here", advice)


def _handshake(url: str, settings: Settings) -> Check:
    """A handshake signed as Twilio does is let in, an unsigned one is not."""
    from websockets.exceptions import WebSocketException

    name, stream = "handshake", "ws" + url.removeprefix("http") + "/ws/twilio"
    tokens = settings.twilio.auth_tokens
    if not tokens:
        return Check(name, "skipped", "no TWILIO_AUTH_TOKEN to sign with")
    signed = {signature.HEADER: signature.sign(stream, {}, tokens[0])}
    try:
        statuses = _status(stream, signed), _status(stream, {})
    except (OSError, WebSocketException, EOFError, ValueError) as failed:
        return Check(name, "wrong", f"{stream}: {type(failed).__name__}", "does a proxy stand in between?")
    match statuses:
        case 101, 101:
            return Check(name, "wrong", "an unsigned handshake is let in", "leave AUTH out of the core's environment")
        case 101, _:
            return Check(name, "well", "a signed one is let in, an unsigned one refused")
        case status, _:
            return Check(name, "wrong", f"a signed one is answered {status}", _ADVICE.get(status, _STRANGE))


def _status(stream: str, headers: Mapping[str, str]) -> int:
    """What a handshake is answered. Raises OSError, WebSocketException, EOFError or ValueError where it isn't."""
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    try:
        with connect(stream, additional_headers=headers, open_timeout=PATIENCE_S, close_timeout=1, proxy=None):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


def _functions(patient: Patient, wanted: str) -> Iterator[Check]:
    name, url = "functions", patient.functions
    if not url:
        advice = "set it to what twilio serverless:deploy printed, https://….twil.io"
        yield Check(name, "skipped", "FUNCTIONS_URL is not set", advice)
        return
    answer = ask(f"{url}/health")
    if isinstance(answer, str):
        yield Check(name, "wrong", f"{url} {answer}", "deploy them: npm run deploy in twilio-functions")
        return
    why = str(answer.json.get("why", ""))
    well = answer.json.get("ok") is True
    yield Check(name, "well" if well else "wrong", f"{url} answers {answer.status}", "" if well else why)
    yield _release("functions' release", answer, "deploy them again: npm run deploy in twilio-functions")
    if well and wanted:
        yield _compared("functions' flows", str(answer.json.get("hash", "")), wanted, "compile and deploy them again")
    yield _clock("functions' clock", answer, patient.clock())


def _clock(name: str, answer: Answer, now: float) -> Check:
    try:
        skew = abs(parsedate_to_datetime(answer.date).timestamp() - now)
    except ValueError:
        return Check(name, "skipped", "the answer has no date")
    if skew > MAX_SKEW_S:
        return Check(name, "wrong", f"{skew:.0f} s apart from this machine's", "set this machine's clock")
    return Check(name, "well", "agrees with this machine's")


def _numbers(patient: Patient) -> Check:
    name = "numbers"
    if not patient.env.get("TWILIO_ACCOUNT_SID") or not patient.functions:
        return Check(name, "skipped", "TWILIO_ACCOUNT_SID and FUNCTIONS_URL are needed to look")
    try:
        code = run("status", quiet=True)
    except NumbersError as failed:
        return Check(name, "skipped", str(failed))
    if code == 0:
        return Check(name, "well", "all lead here")
    return Check(name, "wrong", "not as the flows say, or Twilio can't be asked", "run: gateway numbers plan")
