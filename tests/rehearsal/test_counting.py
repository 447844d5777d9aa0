"""Numbers as sound: all of them survive the telephone, and the beginning of one is enough."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from gateway.audio import mulaw
from gateway.rehearsal import counting
from gateway.rehearsal.rates import resample
from gateway.rehearsal.standin.setup import Detection
from gateway.rehearsal.standin.turns import Began, Ended, Listener
from gateway.rehearsal.voice import RATE, Speaker, Voice

LINE = 8_000
WORD = counting.WORD_MS * LINE // 1000


def on_the_phone(text: str) -> NDArray[np.int16]:
    """As it comes out of a telephone."""
    pcm, rate = counting.say(text, Speaker())
    return mulaw.decode(mulaw.encode(np.frombuffer(resample(pcm, rate, LINE), "<i2")))


def numbers(pcm: NDArray[np.int16], rate: int = LINE) -> list[int]:
    return [word.number for word in counting.words(pcm, rate)]


def test_every_number_is_told_from_every_other() -> None:
    every = list(range(counting.NUMBERS))
    assert numbers(on_the_phone(" ".join(map(str, every)))) == every


@pytest.mark.parametrize("ms", [60, 100, 160])
def test_the_beginning_of_a_word_tells_its_number(ms: int) -> None:
    silence = np.zeros(LINE // 10, np.int16)
    for number in range(0, counting.NUMBERS, 7):
        begun = np.concatenate((silence, on_the_phone(str(number))[: ms * 8], silence))
        assert numbers(begun) == [number]


def test_a_word_counts_as_heard_from_half_of_it_on() -> None:
    whole, half, less = (counting.words(on_the_phone("77")[: ms * 8], LINE)[0] for ms in (200, 100, 90))
    assert (whole.whole, half.whole, less.whole) == (True, True, False)
    assert (whole.at_ms, whole.ms) == (0, 200)


def test_words_that_were_joined_at_a_cut_are_two() -> None:
    sound = on_the_phone("1 2")
    assert numbers(np.concatenate((sound[: 200 * 8], sound[WORD : WORD + 200 * 8]))) == [1, 2]


def test_a_word_that_came_in_pieces_is_one_and_one_that_came_twice_is_two() -> None:
    word, dry = on_the_phone("5")[: 200 * 8], np.zeros(30 * 8, np.int16)
    assert numbers(np.concatenate((word[: 100 * 8], dry, word[100 * 8 :]))) == [5]
    assert numbers(np.concatenate((word, dry, word[: 100 * 8]))) == [5, 5]


def test_what_is_no_number_is_one_word_that_stands_for_all_others() -> None:
    assert numbers(on_the_phone("3, then 4.")) == [3, counting.OTHER, 4]


def test_a_word_is_as_long_as_a_message_of_the_real_server() -> None:
    voice = Voice("count", counting.say, 0)
    assert len(voice.sentence("10 11 12")) == 3 * counting.WORD_MS * RATE // 1000 * 2


def test_ears_hear_whole_numbers_at_any_rate() -> None:
    wide = resample(on_the_phone("8 9").tobytes(), LINE, 16_000)
    assert counting.Ears().hear(wide, 16_000) == "8 9"
    assert counting.Ears().hear(bytes(3200), 16_000) == ""


def test_the_stand_in_takes_them_for_speech() -> None:
    pause = np.zeros(LINE, np.int16)
    call = np.concatenate((pause, on_the_phone("5 6 7 8"), pause))
    turns = Listener(Detection(silence_ms=300)).push(resample(call.tobytes(), LINE, 16_000), 16_000)
    began, ended = turns
    assert isinstance(began, Began)
    assert isinstance(ended, Ended)
    assert counting.Ears().hear(ended.pcm, ended.rate) == "5 6 7 8"
