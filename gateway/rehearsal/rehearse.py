"""A rehearsed call: the stand-in for the model as a child, and a call whose caller says clips."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from gateway.rehearsal.board import Board
from gateway.rehearsal.placed import Holding, Placed
from gateway.rehearsal.prepare import Prepared
from gateway.rehearsal.process import Standin, standin
from gateway.rehearsal.report import Evidence
from gateway.rehearsal.scene import Event, Scene
from gateway.rehearsal.show import Show
from gateway.rehearsal.wav import Clip

DEMO_SCRIPT = Path(__file__).parent / "standin" / "scripts" / "demo.yaml"
ANSWER = (
    "This is a rehearsal: I am a script, not a model. I heard you say: {{heard}}. A real model would now answer as "
    "your instructions tell it. You can interrupt me at any time, or go on when I have finished."
)


def says(clips: Sequence[Clip]) -> Holding:
    """A caller who says these clips."""
    return partial(_saying, clips)


@contextmanager
def _saying(clips: Sequence[Clip], tell: Callable[[Event], None]) -> Iterator[Scene]:
    yield Scene(clips, tell)


class Rehearsal:
    """`run` once. What happens goes to `board`; `show`, if any, is kept up to date."""

    def __init__(self, prepared: Prepared, board: Board, show: Show | None) -> None:
        self._prepared = prepared
        self._show = show
        self._placed = Placed(prepared, board, show)
        self._interrupted_at: list[float] = []

    async def run(self) -> Evidence:
        """The whole call. Raises CoreFailed and StandinError; whatever happens, every child is gone afterwards."""
        if self._show:
            self._show.say("starting the stand-in for Gemini Live and the gateway …")
        with tempfile.TemporaryDirectory(prefix="gateway-demo-") as folder:
            script = script_for(self._prepared, Path(folder))
            async with standin(script=script) as model, self._watching(model):
                where = {"LIVE_BACKEND": "rehearsal", "GOOGLE_GEMINI_BASE_URL": model.url}
                evidence = await self._placed.run(where, says(self._prepared.clips))
        return replace(evidence, interrupted_at=tuple(self._interrupted_at))

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


def script_for(prepared: Prepared, folder: Path) -> Path:
    """What the stand-in says: the sample's own script, or answers to the clips whose words are known."""
    if prepared.built_in:
        return DEMO_SCRIPT
    lines = sorted({clip.words for clip in prepared.clips if clip.words})
    script = folder / "script.json"
    replies = [{"hear": words, "say": ANSWER} for words in lines]
    script.write_text(json.dumps({"replies": replies, "otherwise": [ANSWER]}), encoding="utf-8")
    return script
