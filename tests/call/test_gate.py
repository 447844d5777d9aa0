"""The gate: what goes to the model when the gateway decides who speaks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audio.level import Edge
from gateway.audio.line import Uplink
from gateway.audio.mulaw import encode
from gateway.call.gate import LEAST_MS, OVER_MS, PREROLL_MS, Gate, Message
from gateway.call.intake import FILL_FRAMES, KEEP_MS
from gateway.flow.model import Vad
from gateway.live.messages import SendActivityEnd, SendActivityStart, SendAudio
from gateway.twilio.media import CallerAudio
from tests.audio.signals import noise, quantized

VAD = Vad("low", "low", LEAST_MS, 400, "gateway")
RATE = 8000


def hiss(ms: int, level_db: float, seed: int = 1) -> bytes:
    return encode(quantized(noise(ms / 1000, RATE, level_db, seed)))


def quiet(ms: int, seed: int = 2) -> bytes:
    """The line while nobody speaks; no two frames of it are alike."""
    return hiss(ms, -58, seed)


def speech(ms: int, seed: int = 3) -> bytes:
    return hiss(ms, -20, seed)


def talk(ms: int, seed: int = 3) -> bytes:
    """Syllables: what goes on without gaps is taken for noise; `ms` is a multiple of 200."""
    return (speech(140, seed) + quiet(60, seed + 1)) * (ms // 200)


class Line:
    """A gate, fed like a call feeds it: `line(sound)` in frames of 20 ms."""

    def __init__(self, message_ms: int = 20, vad: Vad = VAD, is_open: bool = True) -> None:
        self.gate = Gate(message_ms, vad)
        self.chunk = 0
        self.edges: list[Edge] = []
        if is_open:
            assert self.gate.open() == []

    def __call__(self, sound: bytes, size: int = 160) -> list[Message]:
        sent: list[Message] = []
        for at in range(0, len(sound), size):
            sent += self.frame(sound[at : at + size])
        return sent

    def frame(self, sound: bytes, skipped: int = 0) -> list[Message]:
        self.chunk += 1 + skipped
        messages, edges = self.gate.push(CallerAudio(sound, self.chunk, self.chunk * 20))
        self.edges += edges
        return messages


def kinds(messages: list[Message]) -> str:
    """S for a start, a for sound however many messages it takes, E for an end."""
    letters = {SendActivityStart: "S", SendAudio: "a", SendActivityEnd: "E"}
    found = "".join(letters[type(message)] for message in messages)
    while "aa" in found:
        found = found.replace("aa", "a")
    return found


def heard(messages: list[Message]) -> bytes:
    return b"".join(message.pcm for message in messages if isinstance(message, SendAudio))


def up(sound: bytes) -> bytes:
    return Uplink().push(sound)


# What goes out -------------------------------------------------------------------------------------------------------


def test_speech_goes_out_between_its_start_and_its_end() -> None:
    line = Line()
    sound = quiet(2000) + speech(1000) + quiet(1000, 4)
    sent = line(sound)
    assert kinds(sent) == "SaE"
    assert heard(sent) == up(sound[(2000 - PREROLL_MS) * 8 : 3400 * 8])
    assert line.edges == [Edge("start", 2000), Edge("end", 3000)]


def test_a_line_that_nobody_speaks_on_costs_nothing() -> None:
    assert Line()(quiet(10_000)) == []


def test_the_start_and_what_came_before_it_go_out_at_once() -> None:
    line = Line(message_ms=100)
    assert line(quiet(1000) + speech(LEAST_MS - 20)) == []
    sent = line(speech(20, 5))
    assert kinds(sent) == "Sa"
    assert len(heard(sent)) == 300 * 32  # 240 before and 80 of speech, in whole messages


def test_a_word_at_the_very_beginning_has_nothing_before_it() -> None:
    sound = speech(400) + quiet(600)
    sent = Line()(sound)
    assert heard(sent) == up(sound[: 800 * 8])


def test_nothing_is_sent_twice_where_turns_follow_closely() -> None:
    sound = quiet(1000) + speech(500) + quiet(480, 4) + speech(500, 5) + quiet(600, 6)
    sent = Line()(sound)
    assert kinds(sent) == "SaESaE"
    second = [type(message) for message in sent].index(SendActivityStart, 1)
    assert heard(sent[:second]) == up(sound[760 * 8 : 1900 * 8])
    assert heard(sent[second:]) == up(sound[1900 * 8 : 2880 * 8])


@pytest.mark.parametrize("message_ms", [20, 40, 60, 100])
def test_sound_is_gathered_into_messages(message_ms: int) -> None:
    sent = Line(message_ms)(quiet(1000) + speech(1010) + quiet(790, 4))
    lengths = [len(message.pcm) // 32 for message in sent if isinstance(message, SendAudio)]
    assert set(lengths[1:-1]) == {message_ms}
    assert 0 < lengths[-1] <= message_ms  # the rest goes out before the end
    assert lengths[0] % message_ms == 0


def test_a_shorter_prefix_than_the_least_is_not_taken() -> None:
    line = Line(vad=Vad("low", "low", 20, 400, "gateway"))
    assert line((quiet(940) + speech(60)) * 5) == []


def test_while_the_agent_is_heard_it_takes_more() -> None:
    line = Line()
    line.gate.talks(agent=True)
    assert line(quiet(1000) + speech(OVER_MS - 20) + quiet(600)) == []
    sent = line(quiet(1000, 4) + speech(OVER_MS) + quiet(600))
    assert kinds(sent) == "SaE"
    line.gate.talks(agent=False)
    assert kinds(line(quiet(1000, 5) + speech(LEAST_MS) + quiet(600))) == "SaE"


def test_all_of_a_long_prefix_is_sent() -> None:
    sound = quiet(1000) + speech(1000) + quiet(600, 4)
    sent = Line(vad=Vad("low", "low", 1000, 400, "gateway"))(sound)
    assert heard(sent) == up(sound[760 * 8 : 2400 * 8])


def test_frames_that_were_skipped_become_silence() -> None:
    line = Line()
    line(quiet(1000) + speech(200))
    sent = line.frame(speech(20, 7), skipped=2)
    straight = Uplink()
    straight.push(quiet(1000)[760 * 8 :] + speech(200))
    assert heard(sent) == straight.push(b"\xff" * 320 + speech(20, 7))
    assert line.gate.position_ms == 1260


def test_a_long_hole_is_not_filled() -> None:
    line = Line()
    line(quiet(1000))
    line.frame(quiet(20), skipped=FILL_FRAMES + 1)
    assert line.gate.position_ms == 1020


def test_empty_frames_are_nothing() -> None:
    line = Line()
    line(quiet(1000))
    assert line.frame(b"", skipped=3) == []
    assert line.gate.position_ms == 1000


# Shut ----------------------------------------------------------------------------------------------------------------


def test_what_is_said_while_it_is_shut_comes_first() -> None:
    line = Line(is_open=False)
    assert (line.gate.is_open, line.gate.speaking) == (False, False)
    sound = quiet(1000) + speech(500) + quiet(1000, 4) + speech(700, 5)
    assert line(sound) == []
    assert [edge.kind for edge in line.edges] == ["start", "end", "start"]
    kept = line.gate.open()
    assert (line.gate.is_open, line.gate.speaking) == (True, True)
    assert kinds(kept) == "SaESa"
    rest = line(quiet(600, 6))
    assert kinds(rest) == "aE"
    both = kept + rest
    second = [type(message) for message in both].index(SendActivityStart, 1)
    assert heard(both[:second]) == up(sound[760 * 8 : 1900 * 8])
    assert heard(both[second:]) == up(sound[2260 * 8 :] + quiet(600, 6)[: 400 * 8])
    assert line.gate.open() == []


def test_kept_speech_is_bounded_and_the_oldest_goes() -> None:
    line = Line(is_open=False)
    for seed in range(4):
        line(quiet(1000, seed + 10) + talk(4000, seed + 20) + quiet(600, seed + 30))
    each = PREROLL_MS + 4000 - 60 + VAD.silence_ms
    assert line.gate.dropped_ms == 4 * each - KEEP_MS
    kept = line.gate.open()
    assert kinds(kept) == "SaESaESaESaE"
    assert len(heard(kept)) == KEEP_MS * 32


def test_what_was_answered_takes_no_room_of_what_is_kept_later() -> None:
    """However long the call has been."""
    line = Line()
    for turn in range(4):
        line(quiet(1000, turn + 10) + talk(6000, turn + 20) + quiet(600, turn + 30))
        line.gate.answered()
    line.gate.shut(again=False)
    assert line(quiet(1000) + talk(6000, 5) + quiet(600, 6)) == []
    assert len(heard(line.gate.open())) == (PREROLL_MS + 6000 - 60 + VAD.silence_ms) * 32
    assert line.gate.dropped_ms == 0


def test_a_turn_that_was_dropped_whole_leaves_nothing_behind() -> None:
    line = Line(is_open=False)
    line(quiet(1000) + speech(500) + quiet(1000, 4) + talk(16_000, 5))
    kept = line.gate.open()
    assert kinds(kept) == "Sa"
    assert len(heard(kept)) == KEEP_MS * 32


# Another connection --------------------------------------------------------------------------------------------------


def test_a_turn_that_nobody_answered_is_heard_again() -> None:
    line = Line()
    first = line(quiet(1000) + speech(500) + quiet(600, 4))
    line.gate.shut(again=True)
    assert not line.gate.is_open
    assert line.gate.open() == merged(first)


def test_a_turn_that_was_answered_is_not() -> None:
    line = Line()
    line(quiet(1000) + speech(500) + quiet(600, 4))
    line.gate.answered()
    line.gate.shut(again=True)
    assert line.gate.open() == []


@pytest.mark.parametrize("again", [True, False])
def test_a_turn_that_goes_on_begins_again_on_another_connection(again: bool) -> None:
    line = Line(message_ms=60)
    sound = quiet(1000) + speech(500)
    first = line(sound)
    line.gate.shut(again=again)
    assert line(speech(1000, 4)) == []
    kept = line.gate.open() + line(quiet(600, 5))
    assert kinds(kept) == "SaE"
    turn = (sound + speech(1000, 4) + quiet(600, 5)[: 400 * 8])[760 * 8 :]
    assert heard(kept) == up(turn if again else turn[len(heard(first)) // 4 :])


def test_what_was_sent_is_forgotten_unless_asked_for() -> None:
    line = Line()
    line(quiet(1000) + speech(500) + quiet(600, 4))
    line.gate.shut(again=False)
    assert line.gate.open() == []


def test_shutting_twice_is_shutting_once() -> None:
    line = Line(is_open=False)
    line(quiet(1000) + speech(500) + quiet(600, 4))
    line.gate.shut(again=False)
    assert kinds(line.gate.open()) == "SaE"


def test_a_long_turn_is_remembered_by_its_end() -> None:
    line = Line()
    sent = line(quiet(1000) + talk(20_000))
    assert line.gate.dropped_ms == 0
    line.gate.shut(again=True)
    again = line.gate.open()
    assert kinds(again) == "Sa"
    assert len(heard(again)) == KEEP_MS * 32 < len(heard(sent))


def merged(messages: list[Message]) -> list[Message]:
    """As they go out when they were kept: sound in messages of a second."""
    sound = heard(messages)
    pieces = [SendAudio(sound[at : at + 32_000]) for at in range(0, len(sound), 32_000)]
    return [SendActivityStart(), *pieces, SendActivityEnd()]


# Any cutting, any course ---------------------------------------------------------------------------------------------

STREAM = quiet(500) + speech(400) + quiet(700, 4) + speech(300, 5) + quiet(200, 6) + speech(200, 7) + quiet(510, 8)


@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=40), message_ms=st.sampled_from([20, 40, 60]))
def test_any_cutting_gives_the_same_messages(cuts: list[int], message_ms: int) -> None:
    whole, cut = Line(message_ms), Line(message_ms)
    sent: list[Message] = []
    for begin, end in pairwise([0, *sorted(cuts), len(STREAM)]):
        sent += cut.frame(STREAM[begin:end])
    assert sent == whole(STREAM)
    assert cut.edges == whole.edges
    assert kinds(sent) == "SaESaE"
    assert cut.gate.position_ms == len(STREAM) / 8


Step = tuple[str, int]
STEPS = st.one_of(
    st.tuples(st.just("speech"), st.integers(1, 60)),
    st.tuples(st.just("quiet"), st.integers(1, 60)),
    st.tuples(st.sampled_from(["open", "shut", "again", "answered", "agent", "caller"]), st.just(0)),
)


@settings(max_examples=80, deadline=None)
@given(steps=st.lists(STEPS, max_size=30))
def test_on_each_connection_a_start_then_sound_then_an_end(steps: list[Step]) -> None:
    line = Line(is_open=False)
    connections: list[list[Message]] = []
    for number, (step, frames) in enumerate(steps):
        was_open = line.gate.is_open
        sent = act(line, step, frames, number)
        if line.gate.is_open and not was_open:
            connections.append([])
        assert not sent or line.gate.is_open
        if sent:
            connections[-1] += sent
    for sent in connections:
        course = kinds(sent)
        assert course.replace("SaE", "") in ("", "S", "Sa")
        assert course.startswith("S") or not course


def act(line: Line, step: str, frames: int, seed: int) -> list[Message]:
    match step:
        case "speech":
            return line(speech(frames * 20, seed))
        case "quiet":
            return line(quiet(frames * 20, seed))
        case "open":
            return line.gate.open()
        case "shut" | "again":
            line.gate.shut(again=step == "again")
        case "answered":
            line.gate.answered()
        case _:
            line.gate.talks(agent=step == "agent")
    return []


def test_the_samples_of_a_turn_are_the_lines_own() -> None:
    """Every sample from the pre-roll to the end, in order, none doubled: a ramp through the codes proves it."""
    ramp = np.tile(np.arange(128, dtype=np.uint8), 200)[: 1000 * 8].tobytes()
    sent = Line(40)(quiet(1000) + ramp + quiet(600, 4))
    assert heard(sent) == up(quiet(1000)[760 * 8 :] + ramp + quiet(600, 4)[: 400 * 8])


@pytest.mark.parametrize("tools", [1, 2])
@pytest.mark.parametrize(("again", "heard_ms"), [(True, PREROLL_MS + 400 + 400 + 400), (False, 400 + 400)])
def test_a_connection_that_breaks_while_sound_is_kept_back_leaves_a_turn_that_begins_anew(
    again: bool, heard_ms: int, tools: int
) -> None:
    line = Line()
    assert kinds(line(quiet(1000) + speech(400))) == "Sa"
    for _ in range(tools):
        line.gate.hush()
    assert line(speech(400, 5)) == []
    line.gate.shut(again=again)
    sent = line.gate.open() + line(quiet(600, 6))  # of which 400 tell of the end
    assert kinds(sent) == "SaE"
    assert len(heard(sent)) == heard_ms * 32
