"""The caller's sound on its way to the model: frames gathered, gaps filled, and kept while nobody listens."""

from __future__ import annotations

from collections import deque

from gateway.audio.line import Uplink
from gateway.live.messages import SendAudio
from gateway.twilio.media import CallerAudio

BYTES_PER_MS = 8  # mu-law at 8 kHz
KEEP_MS = 15_000  # kept sound while the model isn't there or the greeting is protected: 120 kB a call at most
PRE_ROLL_MS = 300  # before the caller was noticed to speak: the beginning of the word
RELEASE_MS = 1_000  # kept sound goes out in messages of this length
FILL_FRAMES = 50  # a longer hole than a second is not filled: the caller was away, not the network
SILENCE = b"\xff"


class Intake:
    """mu-law frames in, `SendAudio` of `message_ms` out. Closed at first: sound is kept, the oldest dropped first."""

    __slots__ = (
        "_chunk",
        "_hushed",
        "_kept",
        "_message_bytes",
        "_open",
        "_partial",
        "_recent",
        "_uplink",
        "dropped_ms",
    )

    def __init__(self, message_ms: int) -> None:
        self._message_bytes = message_ms * BYTES_PER_MS
        self._uplink = Uplink()
        self._partial = bytearray()
        self._kept = _Reel(KEEP_MS)
        self._recent = _Reel(PRE_ROLL_MS)  # sent already: what a new connection has to hear again
        self._open = False
        self._hushed = False
        self._chunk = 0
        self.dropped_ms = 0

    def push(self, audio: CallerAudio) -> list[SendAudio]:
        """The messages that this frame completes. Frames that Twilio skipped (`chunk` jumps) become silence, so that
        the model's clock stays true."""
        missing = audio.chunk - self._chunk - 1 if self._chunk else 0
        self._chunk = audio.chunk
        mulaw = audio.mulaw
        if not mulaw:
            return []
        if 0 < missing <= FILL_FRAMES:
            mulaw = SILENCE * (missing * len(mulaw)) + mulaw
        if not self._open:
            self.dropped_ms += self._kept.add(mulaw) // BYTES_PER_MS
            return []
        self._recent.add(mulaw)
        return self._gather(mulaw)

    def began(self) -> None:
        """The caller speaks: from here on (and a little before) what is sent is remembered until it is answered."""
        self._recent.most = KEEP_MS * BYTES_PER_MS

    def answered(self, speaking_ms: float = 0.0) -> None:
        """The model has heard the caller out: nothing of it need be sent again, but for what is being said now, and
        has been for so long."""
        self._recent.most = round(PRE_ROLL_MS + speaking_ms) * BYTES_PER_MS
        self._recent.trim()

    def hush(self) -> None:
        """From now on sound is kept, while the connection stays."""
        self._hushed, self._open = self._open or self._hushed, False

    def shut(self, *, again: bool) -> None:
        """From now on sound is kept. `again`: what is remembered is to be sent once more, the model that heard it is
        gone; else only what was not sent yet."""
        if not self._open and not self._hushed:
            return
        self._open = self._hushed = False
        waiting = self._recent.take() if again else bytes(self._partial)
        self._partial.clear()
        self._recent.take()
        kept = self._kept.take()
        self._kept.add(waiting)
        self._kept.add(kept)

    def kept(self) -> bytes:
        """What is kept and not sent; nothing of it stays."""
        return self._kept.take()

    def goes_on(self, mulaw: bytes) -> None:
        """Sound of an earlier stream of the call: it is sent before this one's, and remembered until it is answered."""
        self._kept.add(mulaw)
        if mulaw:
            self.began()

    def open(self) -> list[SendAudio]:
        """From now on sound goes through; what was kept comes first."""
        self._open, self._hushed = True, False
        kept = self._kept.take()
        self._recent.add(kept)
        kept = bytes(self._partial) + kept
        self._partial.clear()
        step = RELEASE_MS * BYTES_PER_MS
        whole = len(kept) - len(kept) % self._message_bytes
        messages = [self._send(kept[i : min(i + step, whole)]) for i in range(0, whole, step)]
        return messages + self._gather(kept[whole:])

    @property
    def is_open(self) -> bool:
        return self._open

    def _gather(self, mulaw: bytes) -> list[SendAudio]:
        partial = self._partial
        partial += mulaw
        if len(partial) < self._message_bytes:
            return []
        whole = len(partial) - len(partial) % self._message_bytes
        block = bytes(partial[:whole])
        del partial[:whole]
        return [self._send(block)]

    def _send(self, mulaw: bytes) -> SendAudio:
        return SendAudio(self._uplink.push(mulaw))


class _Reel:
    """Sound, the newest `most` bytes of it."""

    __slots__ = ("_pieces", "_size", "most")

    def __init__(self, most_ms: int) -> None:
        self.most = most_ms * BYTES_PER_MS
        self._pieces: deque[bytes] = deque()
        self._size = 0

    def add(self, mulaw: bytes) -> int:
        """How many bytes, the oldest, had to go for it."""
        if not mulaw:
            return 0
        self._pieces.append(mulaw)
        self._size += len(mulaw)
        return self.trim()

    def trim(self) -> int:
        before = self._size
        while self._size > self.most:
            oldest, much = self._pieces.popleft(), self._size - self.most
            if much < len(oldest):  # a piece may be all that was kept of a lost session
                self._pieces.appendleft(oldest[much:])
            self._size -= min(much, len(oldest))
        return before - self._size

    def take(self) -> bytes:
        """All of it; nothing stays."""
        whole = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        return whole
