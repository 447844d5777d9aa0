"""What is asked, how long is waited, and the table of what came out. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

CLOSED, RESET, HALF_OPEN, REFUSED, UNANSWERED, BUFFERED = range(1, 7)


@dataclass(frozen=True, slots=True)
class Question:
    """`name` is what is done to the stream; `says` is what the tester hears before it."""

    name: str
    says: str


QUESTIONS: Mapping[int, Question] = {
    CLOSED: Question("closed with 1001", "One. The stream is closed."),
    RESET: Question("TCP reset, no close frame", "Two. The connection is reset."),
    HALF_OPEN: Question("half-open: nothing is read or sent", "Three. Nothing answers. Please wait for a minute."),
    REFUSED: Question("handshake refused with 503", "Four. The stream is refused."),
    UNANSWERED: Question("handshake never answered", "Five. The stream is not answered. Please wait."),
    BUFFERED: Question("sound buffered, closed with 1001", "Six. Count the groups of beeps. How many do you hear?"),
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds. `settle_s`: a stream goes on before something is done to it; `patience_s`: nothing at all happens;
    `last_s`: late reports, at the end."""

    settle_s: float = 2.0
    half_open_s: float = 60.0
    handshake_s: float = 30.0
    sound_s: int = 5
    patience_s: float = 90.0
    last_s: float = 3.0


@dataclass(frozen=True, slots=True)
class Answer:
    """`twilio` is what it did, `after_ms` after the deed (None: it can't be told). Where we had to end what was held
    open, `held_ms` is how long nothing had come till then, and `after_ms` counts from there."""

    number: int
    twilio: str
    after_ms: int | None
    held_ms: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def did(self) -> str:
        return self.twilio if self.held_ms is None else f"nothing for {self.held_ms} ms; then: {self.twilio}"


def table(numbers: Sequence[int], answers: Mapping[int, Answer], bounds: Bounds) -> Iterator[str]:
    """Every question that was to be asked, in Markdown."""
    yield "| | question | what Twilio did | after |"
    yield "|---|---|---|---|"
    for number in numbers:
        found = answers.get(number)
        did = "not asked" if found is None else found.did + _verdict(found, bounds)
        after = "" if found is None or found.after_ms is None else f"{found.after_ms} ms"
        yield f"| {number} | {QUESTIONS[number].name} | {did} | {after} |"


def report(numbers: Sequence[int], answers: Mapping[int, Answer]) -> list[dict[str, object]]:
    """The same for a program."""
    return [_told(number, answers.get(number)) for number in numbers]


def _told(number: int, found: Answer | None) -> dict[str, object]:
    told: dict[str, object] = {"number": number, "question": QUESTIONS[number].name, "asked": found is not None}
    if found is not None:
        told |= {"twilio": found.twilio, "after_ms": found.after_ms, "held_ms": found.held_ms}
        told["notes"] = list(found.notes)
    return told


def _verdict(found: Answer, bounds: Bounds) -> str:
    """What the time says of the sound; what was heard, the tester and the recording say."""
    if found.number != BUFFERED or found.after_ms is None:
        return ""
    played = found.after_ms >= bounds.sound_s * 900  # a tenth less: Twilio plays while the close is on its way
    return ", late enough to have played the sound" if played else ", before the sound can have been played"
