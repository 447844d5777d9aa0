"""One call that is placed here: the gateway as a child, the phone, and whoever holds it. Where the model is, the
environment says; the gateway is reached over sockets only, as Twilio reaches it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from typing import Any

from gateway.rehearsal.board import Board
from gateway.rehearsal.core import Core, Note, core
from gateway.rehearsal.phone import Person, Phone
from gateway.rehearsal.prepare import Prepared
from gateway.rehearsal.report import Evidence, Loss, Turn, bill_of, loss_of, turn_of
from gateway.rehearsal.scene import Event
from gateway.rehearsal.show import Show
from gateway.rehearsal.webhook import Exchange
from gateway.settings import child_environment

PUBLIC_URL = "https://gateway.example.test"  # what the gateway believes to be; the phone knows where it really is
PAINT_S = 0.1
LAST_NOTES_S = 3.0  # from the end of the stream to the gateway's `call-ended`
NOT_OURS = ("K_SERVICE", "TWILIO_AUTH_TOKEN_PREVIOUS", "STREAM_SECRET_PREVIOUS", "REHEARSAL_SCRIPT", "REDIS_URL")

# Who holds the phone, for as long as the call lasts; what happens is told to the function.
Holding = Callable[[Callable[[Event], None]], AbstractContextManager[Person]]


class Placed:
    """`run` once. What happens goes to `board`; `show`, if any, is kept up to date."""

    def __init__(self, prepared: Prepared, board: Board, show: Show | None) -> None:
        self._prepared = prepared
        self._board = board
        self._show = show
        self._exchange = Exchange("", 0, PUBLIC_URL, "AC" + secrets.token_hex(16), secrets.token_hex(16))
        self._events: list[Event] = []
        self._turns: list[Turn] = []
        self._losses: list[Loss] = []
        self._call_sid = ""
        self._ended: asyncio.Future[Note] = asyncio.get_running_loop().create_future()

    async def run(self, model: Mapping[str, str], holding: Holding) -> Evidence:
        """The whole call. `model`: the variables that name the model's side. Raises CoreFailed; whatever happens, the
        gateway is gone afterwards."""
        async with core(self._environment(model), self._note) as gateway:
            return await self._call(gateway, holding)

    async def _call(self, gateway: Core, holding: Holding) -> Evidence:
        setting = self._prepared.setting
        exchange = replace(self._exchange, host=gateway.host, port=gateway.port)
        with holding(self._happen) as person:
            phone = Phone(exchange, person, self._prepared.number, setting.number)
            self._call_sid = phone.dialled.call_sid
            painting = asyncio.create_task(self._paint(phone), name="call-paint")
            try:
                record = await phone.call()
                told = await self._last_note() if record.started_at is not None else {}
            finally:
                painting.cancel()
                with suppress(asyncio.CancelledError):
                    await painting
        ended, bill = str(told.get("ended", "")), bill_of(told) if told else None
        return Evidence(setting, record, self._events, self._turns, (), ended, bill, self._losses)

    async def _last_note(self) -> Mapping[str, Any]:
        """The gateway's `call-ended`; empty if it tells nothing."""
        try:
            async with asyncio.timeout(LAST_NOTES_S):
                return await self._ended
        except TimeoutError:
            return {}

    async def _paint(self, phone: Phone) -> None:
        while self._show is not None:
            await asyncio.sleep(PAINT_S)
            if phone.line is not None and phone.started_at is not None:
                self._show.update(phone.said, phone.line.playout.heard)

    def _happen(self, event: Event) -> None:
        self._events.append(event)
        self._board.happen(event)

    def _note(self, note: Note) -> None:
        """What the gateway tells of our call."""
        if note.get("call_sid") != self._call_sid:
            return
        match note["message"]:
            case "turn":
                turn = turn_of(note)
                self._turns.append(turn)
                self._board.tell(turn)
            case "model-gone" | "model-late":
                self._losses.append(loss_of(note))
            case "call-ended" if not self._ended.done():
                self._ended.set_result(note)

    def _environment(self, model: Mapping[str, str]) -> dict[str, str]:
        env = child_environment(
            FLOWS_DIR=str(self._prepared.flow),
            HOST="127.0.0.1",
            PUBLIC_URL=PUBLIC_URL,
            AUTH="required",
            TWILIO_ACCOUNT_SID=self._exchange.account_sid,
            TWILIO_AUTH_TOKEN=self._exchange.auth_token,
            STREAM_SECRET=secrets.token_urlsafe(32),
            LOG_FORMAT="json",
            LOG_LEVEL="info",
            PYTHONUNBUFFERED="1",
            **model,
        )
        return {name: value for name, value in env.items() if name not in NOT_OURS}
