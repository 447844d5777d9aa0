"""Forged signatures, as a script: the first are told one by one, a flood once a second, all are counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gateway.server.strangers import BURST, Strangers
from gateway.telemetry.log import Log
from gateway.telemetry.metrics import Metrics

URL = "wss://voice.example/ws/twilio"


class Lines(Log):
    def __init__(self) -> None:
        self.written: list[tuple[str, dict[str, Any]]] = []

    def write(self, name: str, fields: Any, private: Any, severity: str = "info") -> None:
        self.written.append((name, dict(fields)))


@dataclass
class Door:
    now: float = 0.0
    log: Lines = field(default_factory=Lines)
    metrics: Metrics = field(default_factory=Metrics)

    def __post_init__(self) -> None:
        self.strangers = Strangers(self.log, self.metrics, lambda: self.now)

    def knock(self, times: int) -> list[int]:
        """What the lines written for them say of those before that had none."""
        before = len(self.log.written)
        for _ in range(times):
            self.strangers.refused("stream-refused", URL)
        return [fields.get("untold", 0) for _, fields in self.log.written[before:]]


def test_each_of_a_few_has_its_line() -> None:
    door = Door()
    assert door.knock(3) == [0, 0, 0]
    assert door.log.written[0] == ("stream-refused", {"why": "the signature does not match", "url": URL})


def test_of_a_flood_a_line_a_second_says_how_many() -> None:
    door = Door()
    assert door.knock(10_000) == [0] * BURST
    door.now = 1.0
    assert door.knock(500) == [10_000 - BURST]
    door.now = 2.5
    assert door.knock(1) == [499]
    assert door.metrics.get("gateway_calls_refused_total", why="signature") == 10_501


def test_after_a_quiet_time_each_has_its_line_again() -> None:
    door = Door()
    door.knock(BURST + 1)
    door.now = 60.0
    assert door.knock(2) == [1, 0]


def test_a_webhooks_line_has_its_own_name() -> None:
    door = Door()
    door.strangers.refused("webhook-refused", "https://voice.example")
    assert [name for name, _ in door.log.written] == ["webhook-refused"]
