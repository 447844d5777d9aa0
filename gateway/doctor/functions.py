"""Twilio Functions: whether they are there, with which flows, and what they answer a call."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime

from gateway.doctor.check import MAX_SKEW_S, Check, Patient, clock, compared, flows_hash, release, stream_url
from gateway.doctor.probe import ask
from gateway.doctor.shared import Shared
from gateway.flow.load import Flows
from gateway.flow.model import Flow, Number
from gateway.flow.route import route
from gateway.twilio import signature, token, twiml

_NOBODY = "CA" + "0" * 32  # a call that isn't
_DEPLOY = "deploy them: npm run deploy in twilio-functions"


def functions(patient: Patient, ours: Shared, wanted: str) -> Generator[Check, None, str]:
    """Returns the hash of their flows, empty where nobody says."""
    name, url = "functions", ours.functions.url
    if ours.functions.fault:
        yield Check(name, "wrong", "FUNCTIONS_URL can't be used", ours.functions.fault)
        return ""
    if not url:
        advice = "set it to what twilio serverless:deploy printed, https://….twil.io"
        yield Check(name, "skipped", "FUNCTIONS_URL is not set", advice)
        return ""
    answer = ask(f"{url}/health")
    if isinstance(answer, str):
        yield Check(name, "wrong", f"{url} {answer}", _DEPLOY)
        return ""
    why = str(answer.json.get("why", "")) or f"does FUNCTIONS_URL name them? {_DEPLOY}"
    well = answer.status == 200 and answer.json.get("ok") is True
    yield Check(name, "well" if well else "wrong", f"{url} answers {answer.status}", "" if well else why)
    yield release("functions' release", answer, "deploy them again: npm run deploy in twilio-functions")
    served = flows_hash(answer.json)
    if well and wanted:
        yield compared("functions' flows", served, wanted, "compile and deploy them again")
    yield clock("functions' clock", answer, patient.clock())
    return served


def dry_call(patient: Patient, ours: Shared, flows: Flows) -> Check:
    """What Functions answer a call on the first line that is open, asked as Twilio asks: the stream must lead to this
    core, with a token that it takes. They tell the core of it, and a session that nobody takes ends in seconds."""
    name, url = "functions' answer", f"{ours.functions.url}/voice"
    lines = [(flow, line) for flow in flows.flows for line in flow.numbers if line.number]
    if not lines or not ours.auth_tokens or not ours.stream_secrets:
        return Check(name, "skipped", "no line with a number, no TWILIO_AUTH_TOKEN or no STREAM_SECRET here")
    open_lines = [(flow, line) for flow, line in lines if _is_open(flow, line, patient.clock())]
    flow, line = (open_lines or lines)[0]
    form = {"To": line.number, "From": line.number, "CallSid": _NOBODY, "AccountSid": ours.account_sid}
    answer = ask(url, {signature.HEADER: signature.sign(url, form, ours.auth_tokens[0])}, form)
    if isinstance(answer, str):
        return Check(name, "wrong", f"{url} {answer}", "are they deployed, and does FUNCTIONS_URL name them?")
    if answer.status != 200:
        advice = "they take what the Auth Token of their own account signs: is it the one here?"
        return Check(name, "wrong", f"{url} answers {answer.status}", advice)
    try:
        return _opening(name, twiml.read_connect(answer.text), ours, patient.clock())
    except twiml.TwimlError:
        pass
    if not open_lines:
        return Check(name, "skipped", "no line takes a call from its own number now, so there is no stream to look at")
    said = f"{flow.name}/{line.label} is open, but a call to it gets {_verbs(answer.text)} and no stream"
    return Check(name, "wrong", said, "the log of the Function says why; it goes by the flows that were deployed")


def _is_open(flow: Flow, line: Number, now: float) -> bool:
    """Whether an agent answers the line, also by a clock that goes wrong by as much as is still called right."""
    moments = (datetime.fromtimestamp(now + skew, UTC) for skew in (-MAX_SKEW_S, 0, MAX_SKEW_S))
    return all(route(flow, line, at, line.number).outcome == "answer" for at in moments)


def _verbs(xml: str) -> str:
    """The names of a document's verbs."""
    try:
        return ", ".join(f"<{verb.tag}>" for verb in twiml.verbs(xml)) or "an empty answer"
    except twiml.TwimlError:
        return "no TwiML"


def _opening(name: str, connect: twiml.Connect, ours: Shared, now: float) -> Check:
    """Whether the core lets this stream in."""
    wanted = stream_url(ours.core.url)
    if ours.core.url and connect.url != wanted:
        advice = "CORE_URL of Functions and PUBLIC_URL of the core must be the same text: Twilio signs it"
        return Check(name, "wrong", f"its stream leads to {connect.url}, not to {wanted}", advice)
    try:
        given, sids = connect.parameters.get("token", ""), (_NOBODY, ours.account_sid)
        token.verify(given, ours.stream_secrets, *sids, now)
    except token.TokenError as bad:
        return Check(name, "wrong", str(bad), "Functions and core need the same STREAM_SECRET, and clocks that agree")
    if not ours.core.url:
        return Check(
            name, "skipped", "a stream with a good token, but without PUBLIC_URL nobody knows where it must lead"
        )
    return Check(name, "well", "its stream leads to the core, with a token that the core takes")
