"""`gateway doctor`: what stands between a caller and an answer. Each check says well, or what to do; none changes
anything. Asks the running core and Twilio Functions over HTTP; secrets are checked by their shape and never printed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.addresses import SettingsError
from gateway.catalog import load
from gateway.doctor.check import Check, Patient, agreed, compared
from gateway.doctor.core import core
from gateway.doctor.functions import dry_call, functions
from gateway.doctor.shared import Shared, is_domain, shared
from gateway.flow.compile import ArtefactError, fingerprint, read, text
from gateway.flow.load import FlowError, Flows
from gateway.numbers import NumbersError, run
from gateway.settings import read as read_settings
from gateway.settings import shared_keys

SHORT = 16  # characters: a shorter stream secret can be guessed
_SHAPES = {"TWILIO_ACCOUNT_SID": r"AC[0-9a-f]{32}", "TWILIO_AUTH_TOKEN": r"[0-9a-zA-Z]{32}"}
_WHERE_SET = {
    "TWILIO_AUTH_TOKEN_PREVIOUS": r"[0-9a-zA-Z]{32}",
    "TWILIO_API_KEY": r"SK[0-9a-f]{32}",
    "TWILIO_API_SECRET": r"[0-9a-zA-Z]{32}",
}


def examine(patient: Patient) -> Iterator[Check]:
    """Every check in order; those that ask somebody take up to some seconds each."""
    ours = shared(patient.env)
    yield _settings(patient)
    yield from _credentials(patient.env)
    flows, found = _flows(patient)
    yield found
    wanted = fingerprint(flows) if flows else ""
    compiled, found = _artefact(patient, wanted)
    yield found
    of_core = yield from core(patient, ours, wanted)
    of_functions = yield from functions(patient, ours, wanted)
    if of_core and of_functions:
        yield agreed(of_core, of_functions)
    if ours.functions.url:
        yield _dry_call(patient, ours, flows or compiled)
    yield _numbers(patient, ours, flows)


def _settings(patient: Patient) -> Check:
    """Those of a gateway that would be started here. What the other checks need they read by themselves."""
    try:
        settings = read_settings(patient.env)
    except SettingsError as wrong:
        return Check("settings", "wrong", str(wrong), "set it as the text says")
    return Check("settings", "well", f"LIVE_BACKEND={settings.backend}")


def _credentials(env: Mapping[str, str]) -> Iterator[Check]:
    where_set = {name: shape for name, shape in _WHERE_SET.items() if env.get(name, "").strip()}
    for name, shape in {**_SHAPES, **where_set}.items():
        value = env.get(name, "").strip()  # as the core does
        if not value and name == "TWILIO_AUTH_TOKEN" and _has_shared_keys(env):
            yield Check(name, "skipped", "is not set, TWILIO_SHARED_KEYS is", "on Cloud Run a core needs both")
        elif not value:
            yield Check(name, "wrong", "is not set", "copy it from the Twilio console")
        elif not re.fullmatch(shape, value):
            yield Check(name, "wrong", "hasn't the shape that Twilio's have", "copy it again, without spaces or quotes")
        else:
            yield Check(name, "well", "has the right shape")
    secret = env.get("STREAM_SECRET", "").strip()  # as core and Functions do
    if not secret:
        yield Check("STREAM_SECRET", "wrong", "is not set", "set one long random text here and in Twilio Functions")
    elif len(secret) < SHORT:
        yield Check("STREAM_SECRET", "wrong", f"is shorter than {SHORT} characters", "set a long random text")
    else:
        yield Check("STREAM_SECRET", "well", "is there and long enough")


def _has_shared_keys(env: Mapping[str, str]) -> bool:
    """Whether webhooks can be checked without an Auth Token. What is wrong with them, the settings' check says."""
    try:
        return bool(shared_keys(env))
    except SettingsError:
        return False


def _flows(patient: Patient) -> tuple[Flows | None, Check]:
    try:
        flows = load(patient.flows, patient.env)
    except FlowError as faults:
        count = sum(problem.severity == "error" for problem in faults.problems)
        return None, Check("flows", "wrong", f"{count} faults in {patient.flows}", "run: gateway validate")
    lines = sum(len(flow.numbers) for flow in flows.flows)
    return flows, Check("flows", "well", f"{len(flows.flows)} flows, {lines} lines")


def _artefact(patient: Patient, wanted: str) -> tuple[Flows | None, Check]:
    name, compile_ = "artefact", "run: gateway compile"
    try:
        found = read(patient.artefact.read_bytes())
    except FileNotFoundError:
        return None, Check(name, "wrong", f"{patient.artefact} is not there", compile_)
    except (OSError, ArtefactError) as wrong:
        return None, Check(name, "wrong", f"{patient.artefact}: {wrong}", compile_)
    if not wanted:
        return found, Check(name, "skipped", "the flows have faults")
    return found, compared(name, fingerprint(found), wanted, compile_)


def _dry_call(patient: Patient, ours: Shared, flows: Flows | None) -> Check:
    """By the flows of here; where they have faults, by those that were compiled last."""
    if flows is None:
        return Check("functions' answer", "skipped", "there are no flows to say which line is open")
    return dry_call(patient, ours, flows)


def _numbers(patient: Patient, ours: Shared, flows: Flows | None) -> Check:
    """Held against the flows of here; where they have faults, against those that were compiled last."""
    name = "numbers"
    if not ours.account_sid or not ours.functions.url:
        return Check(name, "skipped", "TWILIO_ACCOUNT_SID and FUNCTIONS_URL are needed to look")
    if not is_domain(ours.functions.url):
        takes = "https:// and the Domain that the deploy printed, without a port or path"
        return Check(name, "skipped", f"they can lead only to a FUNCTIONS_URL that is {takes}")
    if not ours.auth_tokens and not _has_api_key(patient.env):
        return Check(name, "skipped", "TWILIO_AUTH_TOKEN, or TWILIO_API_KEY and TWILIO_API_SECRET, are needed to look")
    try:
        code = _status(patient.artefact, flows)
    except NumbersError as failed:
        return Check(name, "skipped", str(failed))
    match code:
        case 0:
            return Check(name, "well", "all lead here")
        case 1:
            return Check(name, "wrong", "not as the flows say, or Twilio can't be asked", "run: gateway numbers plan")
        case _:
            return Check(name, "wrong", f"could not be looked at ({code})", "run: gateway numbers status")


def _has_api_key(env: Mapping[str, str]) -> bool:
    return all(env.get(name, "").strip() for name in ("TWILIO_API_KEY", "TWILIO_API_SECRET"))


def _status(artefact: Path, flows: Flows | None) -> int:
    """The exit code of `gateway numbers status`. Raises NumbersError."""
    if flows is None:
        return run("status", ["--flows", str(artefact.resolve())], quiet=True)
    with TemporaryDirectory(prefix="gateway-") as folder:
        compiled = Path(folder) / "flows.json"
        compiled.write_text(text(flows), encoding="ascii")
        return run("status", ["--flows", str(compiled)], quiet=True)
