"""The running core: its flows, clock and secret, and a handshake as Twilio makes it."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping

from gateway.doctor.check import Check, Health, Patient, clock, compared, flows_hash, release, stream_url
from gateway.doctor.probe import PATIENCE_S, ask
from gateway.doctor.shared import Shared
from gateway.twilio import knock, signature

_ADVICE = {
    403: "the core needs the same PUBLIC_URL and TWILIO_AUTH_TOKEN as here",
    503: "it is full or shutting down: ask again in a minute",
}
_STRANGE = "something else than the core answers there: a proxy, or another service"


def core(patient: Patient, ours: Shared, wanted: str) -> Generator[Check, None, str]:
    """Returns the hash of the flows that it serves, empty where nobody says."""
    name, url, now = "core", ours.core.url, patient.clock()
    if not url:
        text = "PUBLIC_URL can't be used" if ours.core.fault else "PUBLIC_URL is not set"
        yield Check(name, "skipped", text, ours.core.fault or "set it to the core's address as Twilio sees it")
        return ""
    answer = ask(f"{url}/readyz", _knock(ours, "/readyz", now))
    if isinstance(answer, str):
        yield Check(name, "wrong", f"{url} {answer}", "is it deployed, and does PUBLIC_URL name it?")
        return ""
    if "ready" not in answer.json:
        yield Check(name, "wrong", f"{url} answers {answer.status}, but isn't a core", "does PUBLIC_URL name the core?")
        return ""
    health: Health = "well" if answer.status == 200 else "wrong"
    yield Check(name, health, f"{url} answers {answer.status}", _advice(answer.status) if health == "wrong" else "")
    yield release("core's release", answer, "deploy the core again")
    said = answer.json.get("flows")
    served: Mapping[str, object] = said if isinstance(said, dict) else {}
    yield from _served(served, wanted)
    yield clock("core's clock", answer, patient.clock())
    yield _secret(url, ours, now)
    yield _handshake(url, ours)
    return flows_hash(served)


def _served(served: Mapping[str, object], wanted: str) -> Iterator[Check]:
    """The flows that the core serves, and the edit that it refused."""
    name = "core's flows"
    if served.get("faults"):
        refused = served.get("refused")
        [told, *_] = (isinstance(refused, list) and refused) or ["run: gateway validate"]
        yield Check(name, "wrong", "it refused an edit and serves those before", str(told))
    elif wanted and served:
        yield compared(name, flows_hash(served), wanted, "deploy the core again")


def _advice(status: int) -> str:
    return _ADVICE.get(status, _STRANGE)


def _knock(ours: Shared, path: str, now: float) -> Mapping[str, str]:
    """The headers with which our Functions ask the core; none without a secret to sign with."""
    if not ours.stream_secrets:
        return {}
    at = int(now)
    signed = knock.sign(ours.stream_secrets[0], "GET", path, at)
    return {knock.TIME_HEADER: str(at), knock.SIGNATURE_HEADER: signed}


def _secret(url: str, ours: Shared, now: float) -> Check:
    """The core takes what is signed with this STREAM_SECRET, and nothing unsigned."""
    name, path = "core's secret", "/calls/doctor/next?attempt=1"
    if not ours.stream_secrets:
        return Check(name, "skipped", "no STREAM_SECRET to sign with")
    signed, unsigned = (ask(url + path, headers) for headers in (_knock(ours, path, now), {}))
    if isinstance(signed, str) or isinstance(unsigned, str):
        return Check(name, "skipped", "the core has gone")
    match signed.status, unsigned.status:
        case 200, 403 if "next" in signed.json:
            return Check(name, "well", "the core has the same STREAM_SECRET as here")
        case 200, 200 if "next" in signed.json:
            return Check(name, "skipped", "the core asks nobody for it (AUTH=off)")
        case _:
            advice = "the core, Twilio Functions and this machine need the same one, and clocks that agree"
            return Check(name, "wrong", "the core has another STREAM_SECRET than here", advice)


def _handshake(url: str, ours: Shared) -> Check:
    """A handshake signed as Twilio does is let in, an unsigned one is not."""
    from websockets.exceptions import WebSocketException

    name, stream = "handshake", stream_url(url)
    tokens = ours.auth_tokens
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
            return Check(name, "wrong", f"a signed one is answered {status}", _advice(status))


def _status(stream: str, headers: Mapping[str, str]) -> int:
    """What a handshake is answered. Raises OSError, WebSocketException, EOFError or ValueError where it isn't."""
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    try:
        with connect(stream, additional_headers=headers, open_timeout=PATIENCE_S, close_timeout=1, proxy=None):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code
