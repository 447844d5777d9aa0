"""One rehearsed call with all its sides: the stand-in for the model, the gateway as a child, the phone and its caller.

The gateway is reached over sockets only, as Twilio and the model reach it.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

from gateway.rehearsal.board import Board
from gateway.rehearsal.core import Core, Note, core
from gateway.rehearsal.phone import Phone
from gateway.rehearsal.prepare import Prepared
from gateway.rehearsal.process import Standin, standin
from gateway.rehearsal.report import Evidence, Turn, turn_of
from gateway.rehearsal.scene import Event, Scene
from gateway.rehearsal.show import Show
from gateway.rehearsal.webhook import Exchange
from gateway.settings import child_environment

PUBLIC_URL = "https://gateway.example.test"  # what the gateway believes to be; the phone knows where it really is
CALLER = "+14155550199"  # a fictitious number: 555-01xx
PAINT_S = 0.1
LAST_NOTES_S = 3.0  # from the end of the stream to the gateway's `call-ended`
NOT_OURS = ("K_SERVICE", "TWILIO_AUTH_TOKEN_PREVIOUS", "STREAM_SECRET_PREVIOUS", "REHEARSAL_SCRIPT", "REDIS_URL")


DEMO_SCRIPT = Path(__file__).parent / "standin" / "scripts" / "demo.yaml"
ANSWER = (
    "This is a rehearsal: I am a script, not a model. I heard you say: {{heard}}. A real model would now answer as "
    "your instructions tell it. You can interrupt me at any time, or go on when I have finished."
)


class Rehearsal:
    """`run` once. What happens goes to `board`; `show`, if any, is kept up to date."""

    def __init__(self, prepared: Prepared, board: Board, show: Show | None) -> None:
        self._prepared = prepared
        self._board = board
        self._show = show
        self._exchange = Exchange("", 0, PUBLIC_URL, "AC" + secrets.token_hex(16), secrets.token_hex(16))
        self._events: list[Event] = []
        self._turns: list[Turn] = []
        self._interrupted_at: list[float] = []
        self._call_sid = ""
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def run(self) -> Evidence:
        """The whole call. Raises CoreFailed; whatever happens, every child is gone afterwards."""
        if self._show:
            self._show.say("starting the stand-in for Gemini Live and the gateway …")
        with tempfile.TemporaryDirectory(prefix="gateway-demo-") as folder:
            script = script_for(self._prepared, Path(folder))
            async with (
                standin(script=script) as model,
                self._watching(model),
                core(self._environment(model.url), self._note) as gateway,
            ):
                return await self._call(gateway)

    async def _call(self, gateway: Core) -> Evidence:
        setting = self._prepared.setting
        scene = Scene(self._prepared.clips, self._happen)
        exchange = replace(self._exchange, host=gateway.host, port=gateway.port)
        phone = Phone(exchange, scene, CALLER, setting.number)
        self._call_sid = phone.dialled.call_sid
        painting = asyncio.create_task(self._paint(phone), name="demo-paint")
        try:
            record = await phone.call()
            ended = await self._last_notes() if record.started_at is not None else ""
        finally:
            painting.cancel()
            with suppress(asyncio.CancelledError):
                await painting
        return Evidence(setting, record, self._events, self._turns, self._interrupted_at, ended)

    async def _last_notes(self) -> str:
        """Why the call ended, in the gateway's words; empty if it tells nothing."""
        try:
            async with asyncio.timeout(LAST_NOTES_S):
                return await self._ended
        except TimeoutError:
            return ""

    async def _paint(self, phone: Phone) -> None:
        while self._show is not None:
            await asyncio.sleep(PAINT_S)
            if phone.line is not None and phone.started_at is not None:
                self._show.update(phone.said, phone.line.playout.heard)

    @asynccontextmanager
    async def _watching(self, model: Standin) -> AsyncIterator[None]:
        watching = asyncio.create_task(self._watch(model), name="demo-standin-events")
        try:
            yield
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    async def _watch(self, model: Standin) -> None:
        async for event in model.events():
            if event.get("event") == "interrupted":
                self._interrupted_at.append(float(event["t"]))

    def _happen(self, event: Event) -> None:
        self._events.append(event)
        self._board.happen(event)

    def _note(self, note: Note) -> None:
        """What the gateway tells of our call."""
        if note.get("call_sid") != self._call_sid:
            return
        if note["message"] == "turn":
            turn = turn_of(note)
            self._turns.append(turn)
            self._board.tell(turn)
        elif note["message"] == "call-ended" and not self._ended.done():
            self._ended.set_result(str(note.get("ended", "")))

    def _environment(self, model_url: str) -> dict[str, str]:
        env = child_environment(
            FLOWS_DIR=str(self._prepared.flow),
            HOST="127.0.0.1",
            LIVE_BACKEND="rehearsal",
            GOOGLE_GEMINI_BASE_URL=model_url,
            PUBLIC_URL=PUBLIC_URL,
            AUTH="required",
            TWILIO_ACCOUNT_SID=self._exchange.account_sid,
            TWILIO_AUTH_TOKEN=self._exchange.auth_token,
            STREAM_SECRET=secrets.token_urlsafe(32),
            LOG_FORMAT="json",
            LOG_LEVEL="info",
            PYTHONUNBUFFERED="1",
        )
        return {name: value for name, value in env.items() if name not in NOT_OURS}


def script_for(prepared: Prepared, folder: Path) -> Path:
    """What the stand-in says: the sample's own script, or answers to the clips whose words are known."""
    if prepared.built_in:
        return DEMO_SCRIPT
    lines = sorted({clip.words for clip in prepared.clips if clip.words})
    script = folder / "script.json"
    replies = [{"hear": words, "say": ANSWER} for words in lines]
    script.write_text(json.dumps({"replies": replies, "otherwise": [ANSWER]}), encoding="utf-8")
    return script
