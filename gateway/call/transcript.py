"""Who said what, when, and how much of it was heard. Times are milliseconds since the stream began."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NOISE_MS = 1500  # a sound without words, this long ago, belongs to no turn

Speaker = Literal["caller", "agent"]


@dataclass(frozen=True, slots=True)
class Line:
    """What one of the two said."""

    speaker: Speaker
    text: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """A finished turn. The agent's `text` is cut to what the caller heard; `heard_ms` is the length heard. `new`:
    of it, what a session that goes on by its last handle neither knows nor will hear."""

    speaker: Speaker
    text: str
    start_ms: int
    end_ms: int
    heard_ms: int
    response_ms: int | None = None  # the agent's: from the caller's last sound to the agent's first
    interrupted: bool = False
    new: str = ""

    def fields(self) -> dict[str, object]:
        """For the note `turn`; the words are not among them."""
        fields: dict[str, object] = {
            "speaker": self.speaker,
            "start_ms": self.start_ms,
            "end_ms": self.end_ms,
            "heard_ms": self.heard_ms,
        }
        if self.speaker == "agent":
            fields |= {"response_ms": self.response_ms, "interrupted": self.interrupted}
        return fields


class CallerTurn:
    """The caller's turn being gathered: its times from the level of the line, its words from the model."""

    __slots__ = ("_end_ms", "_interim", "_start_ms", "_text", "_words_ms", "late", "told")

    def __init__(self) -> None:
        self._text = ""
        self._interim = ""
        self.told = ""  # words before those: their sound is gone, a session that lacks them is told
        self._start_ms: int | None = None
        self._end_ms: int | None = None
        self._words_ms: int | None = None  # when the first words came
        self.late = False  # all of its words came after their answer

    def began(self, at_ms: int) -> None:
        """Speech began at `at_ms`. A sound from before that nobody understood was noise: the turn starts anew."""
        stale = not self.understood and self._end_ms is not None and at_ms - self._end_ms > NOISE_MS
        if self._start_ms is None or stale:
            self._start_ms = at_ms

    def ended(self, at_ms: int) -> None:
        self._end_ms = at_ms

    def say(self, text: str, now_ms: int, *, interim: bool = False, late: bool = False) -> None:
        """A piece of the transcription; interim pieces stand only until final ones come. `late`: it was answered."""
        if text.strip():
            self.late = late and (self.late or not self.text)
        if self._words_ms is None:
            self._words_ms = now_ms
        if interim:
            self._interim = text
        else:
            self._text += text

    def again(self) -> None:
        """Its sound is sent again: its words will come again, and stand until then."""
        self._interim, self._text = self._text or self._interim, ""

    def keep(self) -> None:
        """The sound so far is not sent again: its words stand."""
        self.told, self._text, self._interim = self.text, "", ""

    @property
    def text(self) -> str:
        """Its words so far."""
        return " ".join(f"{self.told} {self._text or self._interim}".split())

    @property
    def understood(self) -> bool:
        """Whether the model has told words of it."""
        return bool(self.text)

    def close(self, now_ms: int) -> Spoken | None:
        """The finished turn, or None where nothing was understood."""
        text = self.text
        if not text:
            return None
        times = [ms for ms in (self._end_ms, self._words_ms, now_ms) if ms is not None]
        end = times[0]
        start = min(end, end if self._start_ms is None else self._start_ms)
        return Spoken("caller", text, start, end, end - start, new=text)


class AgentTurn:
    """The agent's turn being gathered. `position` is where its sound begins (bytes of the call's play-out), `queued_ms`
    counts the sound that came, heard or not."""

    __slots__ = ("_known", "_settled", "_text", "position", "queued_ms", "response_ms", "start_ms", "started")

    def __init__(self) -> None:
        self.started = False
        self.start_ms = 0
        self.position = 0
        self.queued_ms = 0.0
        self.response_ms: int | None = None
        self._text = ""
        self._known = 0
        self._settled = False

    @property
    def text(self) -> str:
        """Its words so far, heard or not."""
        return " ".join(self._text.split())

    @property
    def known(self) -> int:
        """So many of their first characters the session's last handle knows."""
        return len(self.text) if self._settled else self._known

    def settle(self) -> None:
        """A handle came: it knows what was said so far. Words may come later than their sound, sound that comes
        later is new."""
        self._settled = True

    def more(self) -> None:
        """Another piece of sound."""
        if self._settled:
            self._known, self._settled = len(self.text), False

    def begin(self, start_ms: int, position: int) -> None:
        """Its first sound will be heard at `start_ms`."""
        self.started, self.start_ms, self.position = True, start_ms, position

    def say(self, text: str) -> None:
        self._text += text

    def close(self, heard_ms: int, now_ms: int, *, interrupted: bool) -> Spoken:
        """The finished turn. Interrupted, its words are cut in proportion to the sound that was heard: the model
        sends no times for its words."""
        text = self.text
        if interrupted:
            text = heard_words(text, heard_ms, round(self.queued_ms))
        end_ms = max(self.start_ms, min(now_ms, self.start_ms + heard_ms) if interrupted else now_ms)
        new = text[self.known :].strip()
        return Spoken("agent", text, self.start_ms, end_ms, heard_ms, self.response_ms, interrupted, new)


def heard_words(text: str, heard_ms: int, whole_ms: int) -> str:
    """The words of `text` that fit into `heard_ms` of `whole_ms`; a word that was cut counts as not heard."""
    if whole_ms <= 0 or heard_ms <= 0:
        return ""
    if heard_ms >= whole_ms:
        return text
    reach = len(text) * heard_ms // whole_ms
    if reach < len(text) and not text[reach].isspace():
        reach = text.rfind(" ", 0, reach) if " " in text[:reach] else 0
    return text[:reach].rstrip()
