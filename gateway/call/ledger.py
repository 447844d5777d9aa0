"""What a call tells: notes with the call's own clock, turns as they end, and the sum at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from gateway.call.facts import EndReason, Note, Order
from gateway.call.tally import Tally
from gateway.call.transcript import Spoken
from gateway.live.messages import Usage

MAX_KEYS = 32  # of the model's unknown keys, told in one call


class Ledger:
    """`ms` is the call's clock: milliseconds since the stream began."""

    __slots__ = ("_began", "_seen", "_tally")

    def __init__(self, now: float) -> None:
        self._began = now
        self._tally = Tally()
        self._seen: set[str] = set()

    def ms(self, now: float) -> int:
        return round((now - self._began) * 1000)

    def note(
        self,
        name: str,
        now: float,
        fields: Mapping[str, object] | None = None,
        private: Mapping[str, str] | None = None,
        severity: Literal["debug", "info", "warning", "error"] = "info",
    ) -> Note:
        """A note of this moment. The caller's words and numbers belong into `private`."""
        return Note(name, self.ms(now), fields or {}, private or {}, severity)

    def turn(self, spoken: Spoken | None, now: float) -> list[Order]:
        """The note of a finished turn, if there was one."""
        if spoken is None:
            return []
        self._tally.turns += 1
        return [self.note("turn", now, spoken.fields(), {"text": spoken.text})]

    def barge_in(self, heard_ms: int, now: float) -> Note:
        self._tally.barge_ins += 1
        return self.note("barge-in", now, {"heard_ms": heard_ms})

    def answered(self, response_ms: int) -> None:
        """The agent began to answer, so long after the caller's last sound."""
        self._tally.responses.append(response_ms)

    def unseen(self, keys: tuple[str, ...]) -> list[str]:
        """Those of the model's unknown keys that were not told yet: a new field may stand in every message."""
        new = [key[:64] for key in keys if key[:64] not in self._seen][: MAX_KEYS - len(self._seen)]
        self._seen.update(new)
        return new

    def used(self, usage: Usage) -> None:
        self._tally.count(usage)

    def ended(self, reason: EndReason, now: float) -> Note:
        """The last note of a call."""
        return self.note("call-ended", now, {"ended": reason, "duration_ms": self.ms(now), **self._tally.fields()})
