"""The core's own webhooks: `POST /twiml` and what Twilio asks after it. The numbers' `voiceFallbackUrl` leads here, so
that calls are answered when Twilio Functions are down; both decide by `flow.route`."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from gateway.flow.model import Flow, Number
from gateway.flow.route import route
from gateway.flow.say import locale
from gateway.server import documents
from gateway.server.afterwards import Step, Tries, tries_of
from gateway.server.documents import Scene, Ticket
from gateway.server.exchange import Exchange
from gateway.telemetry.log import Log
from gateway.twilio import token, twiml

WEBHOOK_PATH = "/twiml"
AFTER_PATH = "/twiml/after"  # <Connect action>
DONE_PATH = "/twiml/done"  # <Dial action>, <Record action>
REPORT_PATHS = ("/twiml/stream-status", "/twiml/voicemail")  # <Stream statusCallback>, recordingStatusCallback
FIRST = Tries(1)
UNHEARD = ("no-answer", "busy", "failed", "canceled")  # DialCallStatus of a call nobody took
REPORTED = ("CallSid", "StreamSid", "StreamEvent", "RecordingSid", "RecordingStatus", "RecordingDuration")


@dataclass(frozen=True, slots=True)
class Webhook:
    """One request of Twilio's: the form's fields, this core's URL as Twilio sees it, and the `line` of the query
    (`flow/label`: a number bought for a line that names none)."""

    form: Mapping[str, str]
    base: str
    line: str = ""

    def field(self, name: str) -> str:
        return self.form.get(name, "")


def failed_door(call: Webhook) -> tuple[str, Tries]:
    """The door that failed in the middle of a call, for which Twilio asks the number's fallback URL too (`ErrorUrl`),
    empty where there is none; and the stream that its query speaks of."""
    try:
        failed = urlsplit(call.field("ErrorUrl"))
    except ValueError:
        return "", tries_of("", "")
    asked = {name: values[0] for name, values in parse_qs(failed.query).items()}
    return failed.path.rpartition("/")[2], tries_of(asked.get("attempt", ""), asked.get("failed", ""))


class Reception:
    """Every answer is TwiML that leads somewhere: no dead line, no loop."""

    def __init__(self, exchange: Exchange, log: Log) -> None:
        self._exchange = exchange
        self._log = log

    def answer(self, call: Webhook) -> str:
        """TwiML for a call: connect it to the stream, announce something, or turn it away."""
        found = self._line(call)
        if found is None:
            why = "no line has the number that was dialled"
            self._exchange.metrics.add("gateway_calls_refused_total", why="no-line")
            self._log.write("call-refused", {"why": why}, {"to": call.field("To")}, "warning")
            return twiml.reject("rejected")
        flow, line = found
        scene = self._scene(flow, line, call)
        leaving = self._exchange.draining and self._exchange.alone  # else another instance gets the stream
        caller, call_sid = call.field("From"), call.field("CallSid")
        if leaving or not self._exchange.room_for(call_sid):
            return self._no_room("draining" if leaving else "full", scene)
        decided = route(flow, line, datetime.now(UTC), caller, self._exchange.usage(flow, caller, call_sid))
        if decided.outcome == "answer":
            if self._exchange.out_of_quota(flow.personas[decided.persona], call_sid):
                return self._no_room("quota", scene)
            return self._connect(scene, call, decided.persona, FIRST)
        self._turned_away(decided.code, scene, decided.holiday)
        return documents.turned_away(decided, scene)

    def _no_room(self, why: str, scene: Scene) -> str:
        """Nobody can answer now: what the line says then, else busy."""
        self._turned_away(why, scene)
        return documents.announce(scene.fallback, scene) if scene.fallback else twiml.reject("busy")

    def after(self, call: Webhook, step: Step) -> str:
        """TwiML for a call whose stream has ended; `step` is what the exchange says of it."""
        if step.next == "hangup":
            return twiml.hang_up()
        found = self._line(call)
        if found is None:
            return documents.sorry()
        flow, line = found
        scene = self._scene(flow, line, call)
        if step.tries is None:
            return documents.fall_back(scene)
        if step.served is not None and step.served.persona in flow.personas:
            return self._connect(scene, call, step.served.persona, step.tries)
        decided = route(flow, line, datetime.now(UTC), call.field("From"))
        if decided.outcome == "answer":
            return self._connect(scene, call, decided.persona, step.tries)
        return documents.turned_away(decided, scene) if decided.outcome == "announce" else documents.fall_back(scene)

    def done(self, call: Webhook) -> str:
        """TwiML after a message was recorded or another number dialled. Where the Function failed that should tell, and
        Twilio asks here without saying what became of the call, a caller whose line dials hears that it is over."""
        found = self._line(call)
        if call.field("DialCallStatus") not in UNHEARD:
            told = call.field("DialCallStatus") or call.field("RecordingSid") or not call.field("ErrorUrl")
            return twiml.hang_up() if told or found is None or not _dials(*found, call) else documents.sorry()
        if found is None or (found[1].fallback and found[1].fallback.then == "dial"):
            return documents.sorry()
        return documents.fall_back(self._scene(*found, call))

    def fall_back(self, call: Webhook) -> str:
        """TwiML of what the line says where nothing else can answer."""
        found = self._line(call)
        return documents.fall_back(self._scene(*found, call)) if found else documents.sorry()

    def report(self, call: Webhook) -> str:
        """What Twilio reports of streams and recordings, for the log: why a handshake failed stands nowhere else."""
        fields = {_snake(name): call.field(name)[:64] for name in REPORTED if call.field(name)}
        error = call.field("StreamError")[:200]
        private = {"error": error} if error else {}
        self._log.write("twilio-status", fields, private, "warning" if error else "info")
        return twiml.hang_up()

    def _line(self, call: Webhook) -> tuple[Flow, Number] | None:
        flows = self._exchange.flows
        if found := flows.line(call.field("To")):
            return found
        flow, _, label = call.line.partition("/")
        found = flows.labelled(flow, label)
        return found if found and not found[1].number else None

    def _scene(self, flow: Flow, line: Number, call: Webhook) -> Scene:
        return Scene(
            doors=call.base + WEBHOOK_PATH,
            core=call.base,
            flow=flow.name,
            line=line.label,
            language=locale(line.language or flow.personas[line.persona].languages.primary),
            caller=call.field("From"),
            dialled=call.field("To"),
            fallback=line.fallback,
            search="" if line.number else call.line,
            hash=self._exchange.hash,
        )

    def _connect(self, scene: Scene, call: Webhook, persona: str, tries: Tries) -> str:
        sids = call.field("CallSid"), call.field("AccountSid")
        claims = token.StreamClaims(*sids, scene.flow, scene.line, persona, tries.attempt)
        secret, at = self._exchange.settings.stream_secrets[0], datetime.now(UTC).timestamp()
        pass_ = token.mint(secret, claims, at, secrets.token_urlsafe(9))
        try:
            return documents.stream(scene, Ticket(persona, tries.attempt, pass_, tries.failed))
        except ValueError as wrong:  # a Host or CallSid that no Twilio sends; PUBLIC_URL itself was checked at start
            self._exchange.metrics.add("gateway_calls_refused_total", why="malformed")
            self._log.write("call-refused", {"why": "this can't become TwiML"}, {"reason": str(wrong)}, "warning")
            return documents.fall_back(scene)

    def _turned_away(self, why: str, scene: Scene, holiday: str = "") -> None:
        self._exchange.metrics.add("gateway_calls_refused_total", why=why)
        of = {"why": why, "flow": scene.flow, "line": scene.line, **({"holiday": holiday} if holiday else {})}
        self._log.write("call-refused", of, {}, "warning")


def _dials(flow: Flow, line: Number, call: Webhook) -> bool:
    """Whether another number may have been dialled for this call."""
    now = route(flow, line, datetime.now(UTC), call.field("From")).announcement
    return any(said is not None and said.then == "dial" for said in (line.fallback, now))


def _snake(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name).lstrip("_")
