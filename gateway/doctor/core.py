"""The running core: its flows, clock and secret, and a handshake as Twilio makes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.doctor.check import Check, Health, Patient, clock, compared, release, stream_url
from gateway.doctor.probe import PATIENCE_S, Answer, ask
from gateway.settings import Settings
from gateway.twilio import knock, signature

_ADVICE = {
    403: "the core needs the same PUBLIC_URL and TWILIO_AUTH_TOKEN as here",
    503: "it is full or shutting down: ask again in a minute",
}
_STRANGE = "something else than the core answers there: a proxy, or another service"


def core(patient: Patient, settings: Settings | None, wanted: str) -> Iterator[Check]:
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
    yield release("core's release", answer, "deploy the core again")
    yield from _served(answer, wanted)
    yield clock("core's clock", answer, patient.clock())
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
        yield compared(name, str(served.get("hash", "")), wanted, "deploy the core again")


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
        case 200, 403 if "next" in signed.json:
            return Check(name, "well", "the core has the same STREAM_SECRET as here")
        case 200, 200 if "next" in signed.json:
            return Check(name, "skipped", "the core asks nobody for it (AUTH=off)")
        case _:
            advice = "the core, Twilio Functions and this machine need the same one, and clocks that agree"
            return Check(name, "wrong", "the core has another STREAM_SECRET than here", advice)


def _handshake(url: str, settings: Settings) -> Check:
    """A handshake signed as Twilio does is let in, an unsigned one is not."""
    from websockets.exceptions import WebSocketException

    name, stream = "handshake", stream_url(url)
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
