"""Twilio Functions: whether they are there, with which flows, and what they answer a call."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.doctor.check import Check, Patient, clock, compared, release, stream_url
from gateway.doctor.probe import ask
from gateway.flow.load import Flows
from gateway.settings import Settings
from gateway.twilio import signature, token, twiml

_NOBODY = "CA" + "0" * 32  # a call that isn't


def functions(patient: Patient, wanted: str) -> Iterator[Check]:
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
    yield release("functions' release", answer, "deploy them again: npm run deploy in twilio-functions")
    if well and wanted:
        yield compared("functions' flows", str(answer.json.get("hash", "")), wanted, "compile and deploy them again")
    yield clock("functions' clock", answer, patient.clock())


def dry_call(patient: Patient, settings: Settings, flows: Flows) -> Check:
    """What Functions answer a call on the first line that has a number, asked as Twilio asks: the stream must lead to
    this core, with a token that it takes. They tell the core of it, and a session that nobody takes ends in seconds."""
    name, url, tokens = "functions' answer", f"{patient.functions}/voice", settings.twilio.auth_tokens
    [number, *_] = [line.number for flow in flows.flows for line in flow.numbers if line.number] or [""]
    if not number or not tokens or not patient.env.get("STREAM_SECRET"):
        return Check(name, "skipped", "no line with a number, no TWILIO_AUTH_TOKEN or no STREAM_SECRET here")
    form = {"To": number, "From": number, "CallSid": _NOBODY, "AccountSid": settings.twilio.account_sid}
    answer = ask(url, {signature.HEADER: signature.sign(url, form, tokens[0])}, form)
    if isinstance(answer, str):
        return Check(name, "wrong", f"{url} {answer}", "are they deployed, and does FUNCTIONS_URL name them?")
    if answer.status != 200:
        advice = "they take what the Auth Token of their own account signs: is it the one here?"
        return Check(name, "wrong", f"{url} answers {answer.status}", advice)
    try:
        return _opening(name, twiml.read_connect(answer.text), settings, patient.clock())
    except twiml.TwimlError:
        return Check(name, "skipped", "the first line takes no call now, so there is no stream to look at")


def _opening(name: str, connect: twiml.Connect, settings: Settings, now: float) -> Check:
    """Whether the core lets this stream in."""
    wanted = stream_url(settings.public_url)
    if connect.url != wanted:
        advice = "CORE_URL of Functions and PUBLIC_URL of the core must be the same text: Twilio signs it"
        return Check(name, "wrong", f"its stream leads to {connect.url}, not to {wanted}", advice)
    try:
        given, sids = connect.parameters.get("token", ""), (_NOBODY, settings.twilio.account_sid)
        token.verify(given, settings.stream_secrets, *sids, now)
    except token.TokenError as bad:
        return Check(name, "wrong", str(bad), "Functions and core need the same STREAM_SECRET, and clocks that agree")
    return Check(name, "well", "its stream leads to the core, with a token that the core takes")
