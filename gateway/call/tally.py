"""What a call adds up to: counted as it goes, told once at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from statistics import median
from typing import Any

from gateway.call.carry import MAX_RESPONSES
from gateway.live.messages import Usage


@dataclass(slots=True)
class Tally:
    turns: int = 0
    barge_ins: int = 0
    stalls: list[int] = field(default_factory=list)  # ms of silence in mid-sentence
    silences: int = 0  # times that the model owed an answer and was silent
    connections: Counter[str] = field(default_factory=Counter)  # after the first: resumed, fresh
    unknown: int = 0  # messages of the model's that hold something this version doesn't know
    prompt_tokens: int = 0
    response_tokens: int = 0
    responses: list[int] = field(default_factory=list)  # ms from the caller's last sound to the agent's first

    def count(self, usage: Usage) -> None:
        """One usageMetadata. Each turn bills its whole context again, so they add up; below zero is nothing."""
        self.prompt_tokens += max(0, usage.prompt)
        self.response_tokens += max(0, usage.response)

    def kept(self) -> Mapping[str, Any]:
        """For the stream that goes on with the call; `read` takes it."""
        kept = {field.name: getattr(self, field.name) for field in fields(self)}
        lists = {"responses": self.responses[-MAX_RESPONSES:], "stalls": self.stalls[-MAX_RESPONSES:]}
        return {**kept, **lists, "connections": dict(self.connections)}

    def fields(self) -> dict[str, object]:
        """For the note `call-ended`."""
        response = {"p50": round(median(self.responses)), "max": max(self.responses)} if self.responses else None
        return {
            "turns": self.turns,
            "barge_ins": self.barge_ins,
            "silences": self.silences,
            "stalls": {"count": len(self.stalls), "ms": sum(self.stalls)},
            "reconnects": dict(self.connections),
            "response_ms": response,
            "unknown_messages": self.unknown,
            "prompt_tokens": self.prompt_tokens,
            "response_tokens": self.response_tokens,
        }


def read(kept: Mapping[str, Any]) -> Tally:
    return Tally(**{**kept, "connections": Counter(kept["connections"]), "responses": [*kept["responses"]]})
