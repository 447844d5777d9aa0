"""The doors: Quart for HTTP, and the phone's stream on Quart's own extension point for WebSockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast
from urllib.parse import parse_qsl

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable
from quart import Quart, Response, request
from quart.asgi import ASGIWebsocketConnection

from gateway.addresses import is_loopback
from gateway.release import VERSION
from gateway.server.afterwards import Served, Tries, tries_of
from gateway.server.documents import STREAM_PATH, sorry, stream_url
from gateway.server.exchange import Exchange
from gateway.server.generations import Generations
from gateway.server.lag import Lag
from gateway.server.phone_socket import PhoneSocket
from gateway.server.plans import Caller, NoSuchLine
from gateway.server.reception import AFTER_PATH, DONE_PATH, REPORT_PATHS, WEBHOOK_PATH, Reception, Webhook, failed_door
from gateway.server.strangers import WHY
from gateway.telemetry.log import Log
from gateway.telemetry.metrics import Metrics, exposition
from gateway.telemetry.trace import CURRENT
from gateway.telemetry.trace import read as read_trace
from gateway.twilio import knock, signature

MAX_FORM_BYTES = 16 * 1024  # a voice webhook is about 1 kB; strangers' forms are read before they are refused
INTERNAL_ERROR = 1011
Answer = Callable[[Webhook], str | Awaitable[str]]  # TwiML
MAX_TOLD = 20  # problems in /readyz; the log has more


class StreamConnection(ASGIWebsocketConnection):
    """A WebSocket of the app. The phone's path goes to the exchange, any other is Quart's."""

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        phone = PhoneSocket(self.scope, receive, send)
        CURRENT.set(read_trace(phone.header))
        if phone.path != STREAM_PATH:
            await super().__call__(receive, send)
            return
        app = cast(App, self.app)
        try:
            await app.exchange.stream(phone, stream_url(app.public_url(phone.header("host"))))
        except Exception:  # noqa: BLE001  the outermost shell of a call: a bug ends this call, and only this one
            app.log.bug("stream")
            await phone.close(INTERNAL_ERROR)
        finally:
            app.leave(phone)


class App(Quart):
    """Quart with the exchange behind it."""

    asgi_websocket_class = StreamConnection

    def __init__(self, exchange: Exchange, log: Log) -> None:
        super().__init__("gateway", static_folder=None)
        self.exchange = exchange
        self.log = log
        self._leaving: set[asyncio.Task[None]] = set()
        self.config["MAX_CONTENT_LENGTH"] = MAX_FORM_BYTES
        self.add_url_rule("/healthz", view_func=_healthz)
        self.add_url_rule("/readyz", view_func=self._readyz)
        self.before_request(_trace)
        if exchange.settings.metrics:
            self._measure(exchange.metrics)
        self.reception = Reception(exchange, log)
        for path, view in self._webhooks().items():
            self.add_url_rule(path, endpoint=path, view_func=self._signed(path, view), methods=["POST"])
        self.add_url_rule("/calls/<sid>/next", view_func=self._next)
        self.add_url_rule("/calls/<sid>/warm", view_func=self._warm, methods=["POST"])

    def _measure(self, metrics: Metrics) -> None:
        """Opens `GET /metrics`, and keeps an eye on the event loop as long as the server runs."""
        self._exposition = exposition(metrics)
        self.add_url_rule("/metrics", view_func=self._metrics)
        lag = Lag(partial(metrics.observe, "gateway_event_loop_lag_seconds"))
        self.before_serving(lag.start)
        self.after_serving(lag.stop)

    def leave(self, phone: PhoneSocket) -> None:
        """Read what a peer still sends after its call, until it has gone."""
        task = asyncio.get_running_loop().create_task(phone.discard(), name="phone-leaving")
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def public_url(self, host: str) -> str:
        """This core as Twilio sees it. Without PUBLIC_URL it is what the request names: this machine, or a tunnel to
        it, which ends TLS."""
        name = host.rsplit(":", 1)[0].strip("[]")
        return self.exchange.settings.public_url or f"{'http' if is_loopback(name) else 'https'}://{host}"

    async def _readyz(self) -> tuple[dict[str, Any], int]:
        exchange = self.exchange
        state = {"ready": not exchange.draining, "calls": exchange.calls, "max_calls": exchange.settings.max_calls}
        flows = _flows(exchange.generations, self._known())
        return {**state, "version": VERSION, "flows": flows}, 503 if exchange.draining else 200

    async def _metrics(self) -> Response:
        exchange, generations = self.exchange, self.exchange.generations
        exchange.metrics.set("gateway_calls_active", exchange.calls)
        exchange.metrics.set("gateway_flows_generation", generations.current.number)
        exchange.metrics.set("gateway_flows_refused", 1 if generations.refused else 0)
        text, content_type = self._exposition(request.headers.get("Accept", ""))
        return Response(text, content_type=content_type)

    def _webhooks(self) -> dict[str, Answer]:
        """Twilio's doors, and what each answers: TwiML, or nothing."""
        return {
            WEBHOOK_PATH: self._answer,
            AFTER_PATH: lambda call: self._after(call, _tries()),
            DONE_PATH: self.reception.done,
            **dict.fromkeys(REPORT_PATHS, self.reception.report),
        }

    async def _answer(self, call: Webhook) -> str:
        """A call that begins, or one that a door of our Functions has failed in its middle."""
        door, tries = failed_door(call)
        match door:
            case "after":
                return await self._after(call, tries)
            case "done":
                return self.reception.done(call)
            case "fallback":
                return self.reception.fall_back(call)
            case _:
                return self.reception.answer(call)

    async def _after(self, call: Webhook, tries: Tries) -> str:
        return self.reception.after(call, await self.exchange.next(call.field("CallSid"), tries))

    def _signed(self, path: str, answer: Answer) -> Callable[[], Awaitable[Response]]:
        """A door for Twilio alone: the signature is over this URL as Twilio was given it, with its query."""

        async def view() -> Response:
            form = await request.form
            base = self.public_url(request.headers.get("Host", ""))
            query = request.query_string.decode("latin1")
            url = base + path + (f"?{query}" if query else "")
            fields = {name: form.getlist(name) for name in form}
            given = [request.headers.get(name, "") for name in (signature.HEADER, signature.SETTINGS_HEADER)]
            if not self.exchange.signed(url, fields, given[0], given[1]):
                self.exchange.strangers.refused("webhook-refused", base)
                return Response(WHY + "\n", 403, content_type="text/plain")
            call = Webhook(form.to_dict(), base, request.args.get("line", ""))
            return Response(await self._told(answer, call), content_type="text/xml")

        return view

    async def _told(self, answer: Answer, call: Webhook) -> str:
        """The answer. Nobody stands behind a number's fallback URL: whatever breaks, the caller is told so."""
        try:
            said = answer(call)
            return said if isinstance(said, str) else await said
        except Exception:  # noqa: BLE001  the outermost shell of a webhook: a bug ends this call, and only this one
            self.log.bug("webhook")
            return sorry()

    async def _next(self, sid: str) -> tuple[dict[str, str | int], int]:
        """How a call goes on: for our Functions, which sign with the stream's secret."""
        if not self._known():
            return {"error": "the signature does not match"}, 403
        return (await self.exchange.next(sid, _tries())).plain(), 200

    async def _warm(self, sid: str) -> tuple[dict[str, str | bool], int]:
        """A call was answered, and its stream will come: its session with the model is opened meanwhile. A knock heard
        again opens at most one that nobody takes, and that is soon closed."""
        exchange, body = self.exchange, cast(bytes, await request.get_data()).decode("utf-8", "replace")
        if not self._known(body):
            return {"error": "the signature does not match"}, 403
        given = dict(parse_qsl(body, keep_blank_values=True))
        if exchange.draining or not exchange.room_for(sid):
            return {"error": "no room"}, 503
        served = Served(*(given.get(name, "") for name in ("flow", "line", "persona")))
        try:
            caller = Caller(given.get("from", ""), given.get("to", ""))
            warming = exchange.warmer.warm(exchange.flows, sid, served, caller)
        except NoSuchLine:
            return {"error": "no such line"}, 404
        return ({"warming": True}, 202) if warming else ({"error": "no room"}, 503)

    def _known(self, body: str = "") -> bool:
        """Whether who asks holds the stream's secret (Functions, `gateway doctor`), or nobody has to."""
        path = request.path + (f"?{query}" if (query := request.query_string.decode("latin1")) else "")
        given = request.headers.get(knock.TIME_HEADER, ""), request.headers.get(knock.SIGNATURE_HEADER, "")
        settings, now = self.exchange.settings, time.time()
        if not settings.auth:
            return True
        if request.method == "POST":
            return knock.valid_form(settings.stream_secrets, path, body, given, now)
        return knock.valid(settings.stream_secrets, "GET", path, given, now)


def _tries() -> Tries:
    """Which stream of its call the request speaks of."""
    return tries_of(request.args.get("attempt", ""), request.args.get("failed", ""))


def _flows(generations: Generations, known: bool) -> dict[str, Any]:
    """What is served, and why the files as they are now aren't: for whoever asks why an edit does nothing. Faults name
    files and what stands in them, so a stranger is told only how many there are."""
    current, now = generations.current, asyncio.get_running_loop().time()
    state = {"generation": current.number, "hash": current.hash, "lines": current.lines}
    state["since"] = _moment(now - current.since)
    if generations.refused_since is None:
        return state
    state |= {"faults": len(generations.refused), "refused_since": _moment(now - generations.refused_since)}
    return {**state, "refused": [str(problem) for problem in generations.refused[:MAX_TOLD]]} if known else state


def _moment(ago_s: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=ago_s)).isoformat(timespec="seconds")


async def _trace() -> None:
    """What is logged of this request belongs to its trace."""
    CURRENT.set(read_trace(lambda name: str(request.headers.get(name, ""))))


async def _healthz() -> dict[str, bool]:
    return {"alive": True}
