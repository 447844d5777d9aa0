"""The conversation as rows, filled in as it happens. Pure: the phone's events and the gateway's turns go in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from gateway.rehearsal.report import Speaker, Turn
from gateway.rehearsal.scene import AgentBegan, AgentEnded, AgentSilenced, CallerBegan, CallerEnded, Event, HungUp
from gateway.rehearsal.wav import Clip

NEAR_MS = 1500.0  # the gateway's start of a turn and the first sound at the phone lie this close together


@dataclass(slots=True)
class Row:
    """One stretch of speech. `words` None: not known yet. `response_ms`, `silenced_ms`: what was measured with it."""

    speaker: Speaker
    start_ms: float
    words: str | None = None
    over_agent: bool = False  # the caller spoke while the agent did
    interrupted: bool = False
    ended: bool = False
    response_ms: float | None = None
    silenced_ms: float | None = None


class Board:
    """`rows` in the order in which they began; `over_ms` is when the caller hung up. Without clips, a person speaks."""

    def __init__(self, clips: Sequence[Clip]) -> None:
        self.rows: list[Row] = []
        self.over_ms: float | None = None
        self._clips = clips

    def happen(self, event: Event) -> None:
        """Something at the phone."""
        match event:
            case CallerBegan():
                words = self._clips[event.turn].words or None if self._clips else None
                self.rows.append(Row("caller", event.at_ms, words, over_agent=event.barge_in))
            case AgentBegan():
                self.rows.append(Row("agent", event.at_ms, response_ms=event.response_ms))
            case CallerEnded():
                self._end("caller")
            case AgentEnded():
                self._end("agent")
            case AgentSilenced():
                self._end("agent")
                self._silenced(event.barge_in_ms)
            case HungUp():
                self.over_ms = event.at_ms
            case _:
                assert_never(event)

    def tell(self, turn: Turn) -> None:
        """A turn as the gateway tells it: its words go to the row that began nearest to it."""
        near = [row for row in self.rows if row.speaker == turn.speaker and abs(row.start_ms - turn.start_ms) < NEAR_MS]
        row = min(near, key=lambda row: abs(row.start_ms - turn.start_ms), default=None)
        if row is not None:
            row.words = row.words or turn.text
            row.interrupted = turn.interrupted
        self._join(turn)

    def _join(self, turn: Turn) -> None:
        """A pause within a turn of the agent began a row of its own: it is no turn, so it goes."""
        inside = range(turn.start_ms + int(NEAR_MS), turn.end_ms)
        self.rows[:] = [
            row
            for row in self.rows
            if turn.speaker != "agent" or row.speaker != "agent" or row.words or int(row.start_ms) not in inside
        ]

    def settled(self) -> int:
        """How many rows, from the first, won't change any more."""
        if self.over_ms is not None:
            return len(self.rows)
        return next((index for index, row in enumerate(self.rows) if not self._final(index, row)), len(self.rows))

    def _final(self, index: int, row: Row) -> bool:
        if not row.ended or row.words is None:
            return False
        followed = any(later.speaker == "agent" for later in self.rows[index + 1 :])
        return not row.over_agent or row.silenced_ms is not None or followed

    def _end(self, speaker: Speaker) -> None:
        for row in reversed(self.rows):
            if row.speaker == speaker:
                row.ended = True
                return

    def _silenced(self, barge_in_ms: float) -> None:
        for row in reversed(self.rows):
            if row.over_agent:
                row.silenced_ms = barge_in_ms
                return
