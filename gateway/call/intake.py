"""The caller's sound on its way to the model: frames gathered, gaps filled, and kept while nobody listens."""

from __future__ import annotations

from collections import deque

from gateway.audio.line import Uplink
from gateway.live.messages import SendAudio
from gateway.twilio.media import CallerAudio

BYTES_PER_MS = 8  # mu-law at 8 kHz
KEEP_MS = 15_000  # kept sound while the model isn't ready or the greeting is protected: 120 kB a call at most
RELEASE_MS = 1_000  # kept sound goes out in messages of this length
FILL_FRAMES = 50  # a longer hole than a second is not filled: the caller was away, not the network
SILENCE = b"\xff"


class Intake:
    """mu-law frames in, `SendAudio` of `message_ms` out. Closed at first: sound is kept, the oldest dropped first."""

    __slots__ = ("_chunk", "_kept", "_kept_bytes", "_message_bytes", "_open", "_partial", "_uplink", "dropped_ms")

    def __init__(self, message_ms: int) -> None:
        self._message_bytes = message_ms * BYTES_PER_MS
        self._uplink = Uplink()
        self._partial = bytearray()
        self._kept: deque[bytes] = deque()
        self._kept_bytes = 0
        self._open = False
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
            self._keep(mulaw)
            return []
        return self._gather(mulaw)

    def open(self) -> list[SendAudio]:
        """From now on sound goes through; what was kept comes first."""
        self._open = True
        kept = b"".join(self._kept)
        self._kept.clear()
        self._kept_bytes = 0
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

    def _keep(self, mulaw: bytes) -> None:
        self._kept.append(mulaw)
        self._kept_bytes += len(mulaw)
        while self._kept_bytes > KEEP_MS * BYTES_PER_MS:
            oldest = self._kept.popleft()
            self._kept_bytes -= len(oldest)
            self.dropped_ms += len(oldest) // BYTES_PER_MS
