"""The counting tone is read off what the model hears, and nothing makes up for a frame that isn't there."""

from __future__ import annotations

import base64
from collections.abc import Iterable

import pytest

from bench.count import faults, pieces
from gateway.audio.line import Uplink


def heard(numbers: Iterable[int]) -> bytes:
    """The frames of these numbers, as the model hears them: at 16 kHz, two at a time."""
    sound = [base64.b64decode(pieces()[number % 256]) for number in numbers]
    uplink = Uplink()
    return b"".join(uplink.push(b"".join(sound[at : at + 2])) for at in range(0, len(sound), 2))


@pytest.mark.parametrize("first", [0, 3, 250])
def test_a_whole_count_is_well(first: int) -> None:
    assert faults(heard(range(first, first + 700))) == []


def test_one_lost_and_one_doubled_are_two_faults_though_the_length_is_right() -> None:
    numbers = [*range(300), *range(301, 400), 399, *range(400, 600)]
    assert len(numbers) == 600
    assert faults(heard(numbers)) == ["count: 1 frames lost at frame 300", "count: 1 frames doubled at frame 399"]


def test_frames_in_the_wrong_order_are_faults() -> None:
    assert len(faults(heard([*range(100), 101, 100, *range(102, 300)]))) == 3


def test_sound_that_does_not_count_is_no_proof() -> None:
    (fault,) = faults(bytes(64_000))
    assert fault.startswith("count: no tone")
