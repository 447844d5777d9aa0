"""Who holds the phone."""

from __future__ import annotations

from collections.abc import Callable

from gateway.audio import mulaw
from gateway.rehearsal.phone import Press
from gateway.rehearsal.playout import SILENCE, Cut
from gateway.rehearsal.prepare import SPEECH
from gateway.rehearsal.scene import Event, Scene
from gateway.rehearsal.wav import read_clip

FRAME = SILENCE * 160
LOUD = 330  # of 32768
LONGEST_MS = 20_000.0  # that anybody listens


def talker(happened: list[Event]) -> Scene:
    """Hears the greeting, says "ten of clubs", hears the answer and hangs up."""
    return Scene([read_clip(SPEECH / "cards-001.wav", "ten of clubs")], happened.append)


class Listener:
    """Says nothing. `hears` is called once, at the first sound of the other side; False hangs up. `meanwhile` is called
    every 20 ms."""

    def __init__(self, hears: Callable[[], bool] = lambda: True, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.heard = False
        self._hears = hears
        self._meanwhile = meanwhile
        self._stays = True

    def hear(self, heard: bytes, start_ms: float) -> None:
        if not self.heard and heard and int(abs(mulaw.decode(heard).astype(int)).max()) > LOUD:
            self.heard = True
            self._stays = self._hears()

    def cut(self, cut: Cut) -> None:
        """Nothing to him."""

    def speak(self, now_ms: float) -> bytes | Press | None:
        self._meanwhile()
        return FRAME if self._stays and now_ms < LONGEST_MS else None
