"""The caller: listens, speaks, barges in, hangs up; and what is measured at the phone."""

from gateway.rehearsal.playout import Cut
from gateway.rehearsal.scene import (
    AgentBegan,
    AgentEnded,
    AgentSilenced,
    CallerBegan,
    CallerEnded,
    Event,
    HungUp,
    Scene,
)
from gateway.rehearsal.wav import Clip

QUIET, LOUD = b"\xff" * 160, b"\x80" * 160


def clip(seconds: float = 1.0, lead_ms: float = 100.0) -> Clip:
    """Sound from `lead_ms` on, for `seconds`, then 200 ms of silence."""
    sound = b"\xff" * int(lead_ms * 8) + b"\x80" * int(seconds * 8000) + b"\xff" * 1600
    return Clip("clip", sound, lead_ms, lead_ms + seconds * 1000)


class Call:
    """A scene on a 20 ms grid from 100 ms on. `agent` is when the agent sounds: (from, to) in ms."""

    def __init__(self, *clips: Clip) -> None:
        self.events: list[Event] = []
        self.scene = Scene(clips, self.events.append)
        self.agent: list[tuple[float, float]] = []
        self.said = bytearray()
        self.now = 80.0
        self.over = False

    def run(self, until_ms: float) -> "Call":
        while not self.over and self.now + 20 <= until_ms:
            self.now += 20
            sounds = any(start <= self.now - 20 < end for start, end in self.agent)
            self.scene.hear(LOUD if sounds else QUIET, self.now - 20)
            frame = self.scene.speak(self.now)
            self.over = frame is None
            self.said += frame or b""
        return self

    def last(self) -> Event:
        return self.events[-1]

    def cut(self) -> None:
        """`clear` came now: the agent is silent from here on."""
        self.agent = [(start, min(end, self.now)) for start, end in self.agent if start < self.now]
        self.scene.cut(Cut(self.now, 500, ()))


def test_one_clip_after_the_greeting_then_hang_up() -> None:
    call = Call(clip())
    call.agent = [(500, 2000), (5000, 6000)]
    call.run(60_000)
    assert call.events == [
        AgentBegan(500.0, None),
        AgentEnded(1999.875),
        CallerBegan(2780.0, 0, False),  # 2700 + 100 - 20: the frame is the sound of the last 20 ms
        CallerEnded(3780.0, 0),
        AgentBegan(5000.0, 1220.0),
        AgentEnded(5999.875),
        HungUp(6700.0),
    ]
    assert call.said.index(b"\x80") / 8 == 2780 - 80
    assert call.said.count(b"\x80") == 8000


def test_no_greeting_the_caller_speaks_first() -> None:
    call = Call(clip()).run(6000)
    assert call.events[0] == CallerBegan(4080.0, 0, False)


def test_the_second_clip_barges_in_and_is_timed_to_the_last_sample_heard() -> None:
    call = Call(clip(), clip(2.0))
    call.agent = [(500, 2000), (5000, 15000)]
    call.run(6500)
    assert call.last() == CallerBegan(6280.0, 1, True)  # 1.2 s into the answer
    call.cut()
    call.run(8000)
    assert call.last() == AgentSilenced(6499.875, 219.875)
    call.agent = [(9000, 10_000)]
    call.run(60_000)
    assert call.events[-4:] == [CallerEnded(8280.0, 1), AgentBegan(9000.0, 720.0), AgentEnded(9999.875), HungUp(10_700)]


def test_an_agent_that_talks_through_the_barge_in_was_not_silenced() -> None:
    call = Call(clip(), clip(2.0))
    call.agent = [(500, 2000), (5000, 9500)]
    call.run(60_000)
    assert not [event for event in call.events if isinstance(event, AgentSilenced)]
    assert AgentEnded(9499.875) in call.events
    assert [event for event in call.events if isinstance(event, AgentBegan)][-1].response_ms == 1220.0


def test_an_agent_that_cannot_be_interrupted_is_heard_out_and_its_next_answer_waited_for() -> None:
    call = Call(clip(), clip())
    call.agent = [(500, 2000), (4000, 20_000), (21_000, 22_000)]
    call.run(60_000)
    answers = [event.at_ms for event in call.events if isinstance(event, AgentBegan)]
    assert answers == [500, 4000, 21_000]
    hung_up = call.last()
    assert isinstance(hung_up, HungUp)
    assert hung_up.at_ms > 22_000


def test_a_clear_that_cuts_no_speech_of_the_agent_is_no_barge_in() -> None:
    call = Call(clip(), clip(2.0))
    call.agent = [(500, 2000), (5000, 5400)]  # a short answer: over before the second clip
    call.run(6400)
    call.cut()
    call.run(60_000)
    assert CallerBegan(6280.0, 1, False) in call.events
    assert not [event for event in call.events if isinstance(event, AgentSilenced)]


def test_later_clips_wait_until_the_agent_has_finished() -> None:
    call = Call(clip(), clip(), clip())
    call.agent = [(500, 1000), (4000, 7000), (9000, 12_000), (15_000, 16_000)]
    call.run(60_000)
    starts = [event for event in call.events if isinstance(event, CallerBegan)]
    assert starts == [CallerBegan(1780.0, 0, False), CallerBegan(5280.0, 1, True), CallerBegan(12_780.0, 2, False)]


def test_without_any_answer_the_scene_ends_all_the_same() -> None:
    call = Call(clip(), clip()).run(120_000)
    assert call.over
    assert call.events == [
        CallerBegan(4080.0, 0, False),
        CallerEnded(5080.0, 0),
        CallerBegan(15_160.0, 1, False),  # ten seconds later
        CallerEnded(16_160.0, 1),
        HungUp(26_160.0),
    ]


def test_an_agent_that_never_stops_does_not_hold_the_caller() -> None:
    call = Call(clip(), clip(), clip())
    call.agent = [(500, 1e9)]
    call.run(400_000)
    assert call.over
    assert [event.turn for event in call.events if isinstance(event, CallerBegan)] == [0, 1, 2]
    assert [event for event in call.events if isinstance(event, AgentBegan)] == [AgentBegan(500.0, None)]


def test_an_answer_before_the_caller_has_ended_is_not_timed() -> None:
    call = Call(clip(3.0))
    call.agent = [(500, 1000), (3500, 6000)]
    call.run(60_000)
    assert [event for event in call.events if isinstance(event, AgentBegan)] == [
        AgentBegan(500.0, None),
        AgentBegan(3500.0, None),
    ]
    assert call.events[-1] == HungUp(6700.0)
