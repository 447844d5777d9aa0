"""What one call sent and what came of it: sound is matched by position, so loss, doubling and delay all show. Pure.

Positions are bytes of mu-law (8 a millisecond) on both sides. A barge-in ends a generation: what the model sent before
`interrupted` may be dropped unsent, and nothing of it may come after the `clear`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

FRAME = 160  # 20 ms


@dataclass(slots=True)
class Ledger:
    """Times are seconds of one clock. Delays count only what was sent from `since` on."""

    since: float = 0.0
    up: list[float] = field(default_factory=list)
    down: list[float] = field(default_factory=list)
    clear: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    sound: list[bytes] = field(default_factory=list)  # the messages of the caller's sound, where they are kept
    dropped: int = 0  # bytes that a barge-in found unsent
    _said: list[float] = field(default_factory=list)  # when each of the phone's frames was sent
    _arrived: int = 0
    _sent: list[int] = field(default_factory=lambda: [0])  # by the model, in each generation
    _answers: deque[tuple[int, int, float]] = field(default_factory=deque)  # generation, end position, when
    _generation: int = 0  # that the phone is in
    _played: int = 0  # of it
    _interrupts: deque[float] = field(default_factory=deque)

    def said(self, at: float) -> None:
        """The phone sent one frame."""
        self._said.append(at)

    def arrived(self, size: int, at: float) -> None:
        """The model got `size` bytes' worth of the caller's sound."""
        self._arrived += size
        frame = -(-self._arrived // FRAME) - 1
        if frame >= len(self._said):
            self.faults.append("up: more sound than was sent")
        elif self._said[frame] >= self.since:
            self.up.append(at - self._said[frame])

    def answered(self, size: int, at: float) -> None:
        """The model sent a message of that much sound."""
        self._sent[-1] += size
        self._answers.append((len(self._sent) - 1, self._sent[-1], at))

    def played(self, size: int, at: float) -> None:
        """The phone got sound to play."""
        self._played += size
        if self._played > self._sent[self._generation]:
            self.faults.append("down: more sound than was sent")
        answers = self._answers
        while answers and answers[0][0] == self._generation and answers[0][1] <= self._played:
            sent = answers.popleft()[2]
            if sent >= self.since:
                self.down.append(at - sent)

    def interrupted(self, at: float) -> None:
        """The model said `interrupted`."""
        self._interrupts.append(at)
        self._sent.append(0)

    def cleared(self, at: float) -> None:
        """The phone got `clear`."""
        if not self._interrupts:
            self.faults.append("clear: nobody was interrupted")
            return
        sent = self._interrupts.popleft()
        if sent >= self.since:
            self.clear.append(at - sent)
        while self._answers and self._answers[0][0] == self._generation:
            self._answers.popleft()
        self.dropped += max(0, self._sent[self._generation] - self._played)
        self._generation += 1
        self._played = 0

    def close(self, message: int = 2 * FRAME) -> list[str]:
        """Every fault, once all is quiet: of the caller's sound less than one `message` may still be gathered."""
        missing = len(self._said) * FRAME - self._arrived
        faults = list(self.faults)
        if missing >= message:
            faults.append(f"up: {missing / 8:.0f} ms lost")
        if self._answers:
            faults.append(f"down: {len(self._answers)} messages lost")
        if self._interrupts:
            faults.append(f"clear: {len(self._interrupts)} never came")
        return faults
