"""`gateway doctor`: what stands between a caller and an answer. Each check says well, or what to do; none changes
anything. Asks the running core and Twilio Functions over HTTP; secrets are checked by their shape and never printed."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Literal

from gateway.catalog import load
from gateway.flow.compile import ArtefactError, fingerprint, read
from gateway.flow.load import FlowError, Flows
from gateway.numbers import NumbersError, run
from gateway.settings import Settings, SettingsError
from gateway.settings import read as read_settings
from gateway.twilio import signature

Health = Literal["well", "wrong", "skipped"]
PATIENCE_S = 5.0
MAX_SKEW_S = 30.0  # a stream token lives 60 s, a knock at the core's doors as long
MAX_BODY = 1 << 20
SHORT = 16  # characters: a shorter stream secret can be guessed
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
    def core(self) -> str:
        return self.env.get("PUBLIC_URL", "").rstrip("/")

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
    name, url = "core", patient.core
    if not url:
        yield Check(name, "skipped", "PUBLIC_URL is not set", "set it to the core's address as Twilio sees it")
        return
    answer = _asked(f"{url}/readyz")
    if isinstance(answer, str):
        yield Check(name, "wrong", f"{url} {answer}", "is it deployed, and does PUBLIC_URL name it?")
        return
    served = answer.json.get("flows", {})
    yield Check(name, "well" if answer.status == 200 else "wrong", f"{url} answers {answer.status}")
    if isinstance(served, dict) and wanted:
        advice = "deploy the core again" if not served.get("refused") else "it refused an edit: GET /readyz says why"
        yield _compared("core's flows", str(served.get("hash", "")), wanted, advice)
    yield _clock("core's clock", answer, patient.clock())
    yield _handshake(url, settings)


def _handshake(url: str, settings: Settings | None) -> Check:
    """A handshake signed as Twilio does is let in, an unsigned one is not."""
    from websockets.exceptions import InvalidHandshake, InvalidStatus
    from websockets.sync.client import connect

    name, stream = "handshake", "ws" + url.removeprefix("http") + "/ws/twilio"
    tokens = settings.twilio.auth_tokens if settings else ()
    if not tokens:
        return Check(name, "skipped", "no TWILIO_AUTH_TOKEN to sign with")
    statuses = []
    for headers in ({signature.HEADER: signature.sign(stream, {}, tokens[0])}, {}):
        try:
            with connect(stream, additional_headers=headers, open_timeout=PATIENCE_S, close_timeout=1, proxy=None):
                statuses.append(101)
        except InvalidStatus as refused:
            statuses.append(refused.response.status_code)
        except (OSError, InvalidHandshake, TimeoutError) as failed:
            return Check(name, "wrong", f"{stream}: {type(failed).__name__}", "does a proxy stand in between?")
    match statuses:
        case [101, 101]:
            return Check(name, "wrong", "an unsigned handshake is let in", "leave AUTH out")
        case [101, _]:
            return Check(name, "well", "a signed one is let in, an unsigned one refused")
        case [signed, _]:
            text = f"a signed one is answered {signed}"
            return Check(name, "wrong", text, "the core needs the same PUBLIC_URL and TWILIO_AUTH_TOKEN as here")
        case _:
            raise AssertionError(statuses)


def _functions(patient: Patient, wanted: str) -> Iterator[Check]:
    name, url = "functions", patient.functions
    if not url:
        advice = "set it to what twilio serverless:deploy printed, https://….twil.io"
        yield Check(name, "skipped", "FUNCTIONS_URL is not set", advice)
        return
    answer = _asked(f"{url}/health")
    if isinstance(answer, str):
        yield Check(name, "wrong", f"{url} {answer}", "deploy them: npm run deploy in twilio-functions")
        return
    why = str(answer.json.get("why", ""))
    well = answer.json.get("ok") is True
    yield Check(name, "well" if well else "wrong", f"{url} answers {answer.status}", "" if well else why)
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


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    date: str
    json: Mapping[str, object]


def _asked(url: str) -> Answer | str:
    """The answer, or in words why there is none."""
    if not url.startswith(("https://", "http://")):
        return "is no address"
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
            return _answer(answer.status, answer.headers.get("Date", ""), answer.read(MAX_BODY))
    except urllib.error.HTTPError as refused:
        return _answer(refused.code, refused.headers.get("Date", ""), refused.read(MAX_BODY))
    except (OSError, ValueError) as failed:
        return f"doesn't answer: {getattr(failed, 'reason', failed)}"


def _answer(status: int, date: str, body: bytes) -> Answer:
    try:
        said = json.loads(body)
    except ValueError:
        said = {}
    return Answer(status, date, said if isinstance(said, dict) else {})
