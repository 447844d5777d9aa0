"""Sound that says what it is: each of the caller's frames its number, each of the agent's words which one."""

from __future__ import annotations

from tests.call.script import SILENCE, SPEECH

WORD_MS = 300  # of sound for each word
TAIL = 4  # bytes of a frame that say which one it is, too quiet to be heard
SHIFTS = (12, 8, 4, 0)
HIGH = (0xA0, 0xB0, 0xC0, 0xD0)


class Glass:
    """Takes the place of the filters: sound goes through as it is."""

    def push(self, sound: bytes) -> bytes:
        return sound

    def flush(self) -> bytes:
        return b""

    def reset(self) -> None:
        pass


def frame(serial: int, *, loud: bool) -> bytes:
    tail = bytes(0xF0 | (serial >> shift) & 15 for shift in SHIFTS)
    return (SPEECH if loud else SILENCE)[:-TAIL] + tail


def serials(mulaw: bytes) -> list[int]:
    """Of the frames in it."""
    ends = [mulaw[at - TAIL : at] for at in range(160, len(mulaw) + 1, 160)]
    return [sum((byte & 15) << shift for byte, shift in zip(end, SHIFTS, strict=True)) for end in ends]


def sound(word: int) -> bytes:
    """A word's, as it is heard at the phone."""
    block = bytes(high | (word >> shift) & 15 for high, shift in zip(HIGH, SHIFTS, strict=True))
    return block * 2 * WORD_MS


def word_in(block: bytes) -> int | None:
    """The word that a millisecond of sound belongs to; None for other sound."""
    if tuple(byte & 0xF0 for byte in block[:4]) != HIGH:
        return None
    return sum((byte & 15) << shift for byte, shift in zip(block[:4], SHIFTS, strict=True))
