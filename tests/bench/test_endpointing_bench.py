"""The measure of endpointing at tiny size: that it counts what it says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bench import endpointing, lines
from bench.endpointing import Score, Span
from bench.lines import Line, Noise
from gateway.audio.level import Edge
from gateway.audio.mulaw import decode

LINE = Line(b"", 1000, 2000)


def scored(*spans: Span) -> Score:
    score = Score()
    score.take(list(spans), LINE)
    return score


def test_an_utterance_that_was_found() -> None:
    assert scored(Span(960, 1100, 2550)) == Score(onsets=[100], ends=[50])
    assert str(scored(Span(960, 1100, 2550))).split() == ["100", "100", "0", "0", "0", "50", "50", "0", "0.0"]


def test_an_utterance_that_was_found_late_in_parts_or_not_at_all() -> None:
    assert scored(Span(1260, 1340, 2500)) == Score(onsets=[340], ends=[0], cut=1)
    assert scored(Span(1000, 1080, 1400), Span(1500, 1580, 2500)) == Score(onsets=[80], ends=[0], split=1)
    assert scored(Span(1000, 1080)) == Score(onsets=[80], open=1)
    assert scored() == Score(missed=1)
    assert str(scored()).split() == ["-", "-", "0", "1", "0", "-", "-", "0", "0.0"]


def test_a_start_before_speech_is_the_noises() -> None:
    assert scored(Span(100, 180, 900), Span(1000, 1080, 2500)) == Score(onsets=[80], ends=[0], false=1)
    assert scored(Span(100, 180, 2500)) == Score(ends=[0], false=1)


class Script:
    """A detector that tells edges at frames."""

    def __init__(self, edges: dict[int, Edge]) -> None:
        self._edges, self._frames = edges, 0

    def push(self, mulaw: bytes) -> list[Edge]:
        assert len(mulaw) == 160
        self._frames += 1
        edge = self._edges.get(self._frames)
        return [edge] if edge else []


def test_spans_say_when_they_were_noticed() -> None:
    script = Script({3: Edge("start", 20), 5: Edge("end", 60), 6: Edge("start", 100)})
    assert endpointing.spans(script, bytes(160 * 6 + 1)) == [Span(20, 60, 100), Span(100, 120)]


def test_the_voices_are_people_at_one_level() -> None:
    voices = lines.voices()
    assert len(voices) == 5
    for voice in voices:
        spoken = voice.sound[voice.begins_ms * 8 : voice.ends_ms * 8]
        level = 10 * np.log10((spoken**2).mean()) - 20 * np.log10(lines.FULL_SCALE)
        assert -31 < level < -25
        assert 0 < voice.ends_ms - voice.begins_ms <= len(voice.sound) / 8


@pytest.mark.parametrize("kind", ["white", "pink", "hum", "babble"])
def test_noise_is_as_far_below_speech_as_it_says(kind: str) -> None:
    sound = decode(lines.only(Noise(kind, 10), 2, 1)).astype(float)
    level = 10 * np.log10((sound**2).mean()) - 20 * np.log10(lines.FULL_SCALE)
    assert level == pytest.approx(lines.SPEECH_DB - 10, abs=0.5)


def test_lines_differ_by_seed_and_not_by_run() -> None:
    noise = Noise("babble", 20)
    first, again, other = (next(lines.lines(noise, seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert len(first.mulaw) / 8 == 4500 + len(lines.voices()[0].sound) / 8


@pytest.mark.parametrize("ear", endpointing.EARS.values(), ids=endpointing.EARS)
def test_every_detector_finds_all_people_on_a_quiet_line(ear: Callable[[], endpointing.Ear]) -> None:
    (clean,) = endpointing.places(noises=())
    score = endpointing.score(ear, clean)
    assert (score.missed, score.cut, score.open) == (0, 0, 0)
    assert max(score.onsets) <= 120


def test_the_gateways_own_reaches_what_it_should() -> None:
    places = endpointing.places([3], 5.0, [Noise("white", 10), Noise("hum", 10), Noise("knocks", 0)])
    scores = {place.name: endpointing.score(endpointing.EARS[endpointing.OURS], place) for place in places}
    assert endpointing.reached(scores)
    scores["hum 10 dB"].missed = 1
    assert not endpointing.reached(scores)
