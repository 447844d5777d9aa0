"""The doors: Quart for HTTP, and the phone's stream on Quart's own extension point for WebSockets."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable
from quart import Quart, Response, request
from quart.asgi import ASGIWebsocketConnection

from gateway.server.exchange import STREAM_PATH, WEBHOOK_PATH, Exchange
from gateway.server.phone_socket import PhoneSocket
from gateway.settings import is_loopback
from gateway.telemetry.log import Log

MAX_FORM_BYTES = 64 * 1024  # a voice webhook is about 1 kB
INTERNAL_ERROR = 1011


class StreamConnection(ASGIWebsocketConnection):
    """A WebSocket of the app. The phone's path goes to the exchange, any other is Quart's."""

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        phone = PhoneSocket(self.scope, receive, send)
        if phone.path != STREAM_PATH:
            await super().__call__(receive, send)
            return
        app = cast(App, self.app)
        try:
            await app.exchange.stream(phone, app.public_url(phone.header("host")))
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
        self.add_url_rule(WEBHOOK_PATH, view_func=self._twiml, methods=["POST"])

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
        return state, 503 if exchange.draining else 200

    async def _twiml(self) -> Response:
        form = await request.form
        base = self.public_url(request.headers.get("Host", ""))
        fields = {name: form.getlist(name) for name in form}
        if not self.exchange.signed(base + WEBHOOK_PATH, fields, request.headers.get("X-Twilio-Signature", "")):
            self.log.write("webhook-refused", {"why": "the signature does not match", "url": base}, {}, "warning")
            return Response("the signature does not match\n", 403, content_type="text/plain")
        return Response(self.exchange.answer(form.to_dict(), base), content_type="text/xml")


async def _healthz() -> dict[str, bool]:
    return {"alive": True}
