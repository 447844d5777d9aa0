"""Where speech begins and ends, by detector: recorded people on quiet and on noisy lines.

    python -m bench.endpointing

The detectors: the gateway's own; the stand-in's, which does as the model's server is told to (prefix padding, silence,
sensitivity); energy over the quietest frame; webrtcvad, its frames counted the same way. All with 80 ms and 500 ms.

    onset      ms from the true start of speech to the frame that tells, median and worst
    cut        utterances that lose sound at their beginning although 240 ms before the start are sent along
    missed     utterances that nobody noticed
    split      ends within an utterance
    end        ms from the true end of speech to the frame that tells, less the 500 ms, median and worst
    open       utterances whose end was not noticed within 2 s
    false      starts in a minute of noise alone, which each line begins with; onset doesn't count what began in it

Exit status 1 where the gateway's own misses what it should reach. Takes about six seconds.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import Any, Protocol

from bench.lines import NOISES, TAIL_S, Line, Noise, lines, only
from bench.table import verdict
from gateway.audio.endpointing import Endpointer
from gateway.audio.level import END, FRAME_MS, START, Edge, SpeechMeter
from gateway.audio.ops import ulaw2lin
from gateway.call.gate import PREROLL_MS
from gateway.rehearsal.standin.setup import Detection, Sensitivity
from gateway.rehearsal.standin.turns import Detector

PREFIX_MS, SILENCE_MS = 80, 500
FRAME = FRAME_MS * 8
SEEDS = (3, 4)
NOISE_S = 60.0
EARLY_MS = 200  # a start that long before speech is the noise's
COST_FRAMES = 3000
COST_US = 60  # per frame: 40 calls on a core are then 12 % of it
QUIET_OR_STEADY = ("clean", "white", "pink", "hum")


class Ear(Protocol):
    """One frame of mu-law in, edges out."""

    def push(self, mulaw: bytes, /) -> Iterable[Edge]: ...


class Server:
    """The stand-in's detector."""

    def __init__(self, sensitivity: Sensitivity) -> None:
        self._detector = Detector(8000, Detection(False, sensitivity, sensitivity, PREFIX_MS, SILENCE_MS))

    def push(self, mulaw: bytes) -> list[Edge]:
        detector = self._detector
        if not detector.frame(ulaw2lin(mulaw, 2)):
            return []
        return [Edge("start" if detector.speaking else "end", detector.since_ms)]


class Energy:
    def __init__(self) -> None:
        self._meter = SpeechMeter(8000, PREFIX_MS, SILENCE_MS, START["high"], END["high"])

    def push(self, mulaw: bytes) -> tuple[Edge, ...]:
        return self._meter.push_mulaw(mulaw)


class Webrtc:
    """webrtcvad's frames: PREFIX_MS of them in a row begin speech, SILENCE_MS without end it."""

    def __init__(self, mode: int) -> None:
        self._vad: Any = importlib.import_module("webrtcvad").Vad(mode)
        self._speaking = False
        self._run = self._seen = 0

    def push(self, mulaw: bytes) -> list[Edge]:
        self._seen += 1
        if bool(self._vad.is_speech(ulaw2lin(mulaw, 2), 8000)) is self._speaking:
            self._run = 0
            return []
        self._run += 1
        if self._run * FRAME_MS < (SILENCE_MS if self._speaking else PREFIX_MS):
            return []
        self._speaking = not self._speaking
        at_ms, self._run = (self._seen - self._run) * FRAME_MS, 0
        return [Edge("start" if self._speaking else "end", at_ms)]


OURS = "gateway"
EARS: dict[str, Callable[[], Ear]] = {
    OURS: lambda: Endpointer(PREFIX_MS, SILENCE_MS),
    "server, low": lambda: Server("low"),
    "server, high": lambda: Server("high"),
    "energy": Energy,
}
if importlib.util.find_spec("webrtcvad"):
    EARS["webrtcvad 3"] = lambda: Webrtc(3)


@dataclass(frozen=True)
class Span:
    """What a detector took for speech, and when it said so; no end yet: None."""

    start_ms: float
    noticed_ms: float
    ended_ms: float | None = None


@dataclass
class Score:
    """Of one detector on one kind of line."""

    onsets: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    cut: int = 0
    missed: int = 0
    split: int = 0
    open: int = 0
    false: float = 0

    def take(self, spans: list[Span], line: Line) -> None:
        """One utterance."""
        hits = [span for span in spans if _overlaps(span, line)]
        self.false += len(spans) - len(hits)
        if not hits:
            self.missed += 1
            return
        if hits[0].start_ms < line.begins_ms - EARLY_MS:
            self.false += 1
        else:
            self.onsets.append(hits[0].noticed_ms - line.begins_ms)
        self.cut += hits[0].start_ms - PREROLL_MS > line.begins_ms
        self.split += len(hits) - 1
        ended_ms = hits[-1].ended_ms
        if ended_ms is None:
            self.open += 1
        else:
            self.ends.append(ended_ms - line.ends_ms - SILENCE_MS)

    def __str__(self) -> str:
        counts = f"{self.cut:5}{self.missed:7}{self.split:6}"
        return f"{_pair(self.onsets)}{counts}{_pair(self.ends)}{self.open:6}{self.false:7.1f}"


def _overlaps(span: Span, line: Line) -> bool:
    return span.start_ms < line.ends_ms and (span.ended_ms is None or span.ended_ms > line.begins_ms)


def _pair(values: list[float]) -> str:
    return f"{median(values):7.0f}{max(values):7.0f}" if values else f"{'-':>7}{'-':>7}"


def spans(ear: Ear, mulaw: bytes) -> list[Span]:
    """What `ear` finds, told frame by frame."""
    found: list[Span] = []
    for at in range(0, len(mulaw) - FRAME + 1, FRAME):
        now_ms = (at + FRAME) / 8
        for edge in ear.push(mulaw[at : at + FRAME]):
            if edge.kind == "start":
                found.append(Span(edge.at_ms, now_ms))
            else:
                found[-1] = Span(found[-1].start_ms, found[-1].noticed_ms, now_ms)
    return found


@dataclass(frozen=True)
class Place:
    """Lines of one kind, and their noise alone."""

    name: str
    lines: tuple[Line, ...]
    noise: tuple[bytes, ...]


def places(seeds: Iterable[int] = SEEDS, noise_s: float = NOISE_S, noises: Iterable[Noise] = NOISES) -> list[Place]:
    seeds = tuple(seeds)
    clean = Place("clean", tuple(lines(None, 0)), ())
    return [clean] + [
        Place(
            str(noise),
            tuple(line for seed in seeds for line in lines(noise, seed)),
            tuple(only(noise, noise_s, seed) for seed in seeds),
        )
        for noise in noises
    ]


def score(ear: Callable[[], Ear], place: Place) -> Score:
    result = Score()
    for line in place.lines:
        result.take(spans(ear(), line.mulaw), line)
    alone = sum(len(mulaw) for mulaw in place.noise) / 8 / 60_000
    minutes = alone + sum(line.begins_ms + TAIL_S * 1000 for line in place.lines) / 60_000
    result.false = (result.false + sum(len(spans(ear(), mulaw)) for mulaw in place.noise)) / minutes
    return result


def cost_us(ear: Callable[[], Ear]) -> float:
    """Per frame of a noisy line; the best of three."""
    mulaw = only(Noise("babble", 10), COST_FRAMES * FRAME_MS / 1000, 1)
    best = float("inf")
    for _ in range(3):
        since = perf_counter()
        spans(ear(), mulaw)
        best = min(best, perf_counter() - since)
    return best / COST_FRAMES * 1e6


def main() -> int:
    head = f"{'':14}{'':14}{'onset':>7}{'worst':>7}{'cut':>5}{'missed':>7}{'split':>6}{'end':>7}{'worst':>7}"
    print(f"{head}{'open':>6}{'false':>7}")
    ours: dict[str, Score] = {}
    for place in places():
        for name, ear in EARS.items():
            result = score(ear, place)
            if name == OURS:
                ours[place.name] = result
            print(f"{place.name if name == OURS else '':14}{name:14}{result}", flush=True)
    costs = {name: cost_us(ear) for name, ear in EARS.items()}
    print("\nmicroseconds a frame: " + ", ".join(f"{name} {cost:.1f}" for name, cost in costs.items()))
    good = reached(ours)
    cheap = costs[OURS] <= COST_US
    print(verdict(good, "clean and steady lines: nothing cut, missed or left open, no false start, onset <= 200 ms"))
    print(verdict(cheap, f"at most {COST_US} us a frame, {costs[OURS] / costs['energy']:.1f} times energy's"))
    return 0 if good and cheap else 1


def reached(scores: dict[str, Score]) -> bool:
    steady = [score for name, score in scores.items() if name.split()[0] in QUIET_OR_STEADY]
    return all(not (s.cut or s.missed or s.open or s.false) and max(s.onsets) <= 200 for s in steady)


if __name__ == "__main__":
    raise SystemExit(main())
