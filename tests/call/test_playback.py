"""Playback: what is sent ahead, what marks prove, and what a barge-in throws away."""

from __future__ import annotations

import pytest

from gateway.call.playback import LOST_MARK_S, Playback
from gateway.twilio.media import Clear, Mark, Play

MS = 8  # bytes


def sound(ms: int) -> bytes:
    return bytes(ms * MS)


def plays(orders: list[Play | Mark]) -> list[int]:
    return [len(order.mulaw) // MS for order in orders if isinstance(order, Play)]


def marks(orders: list[Play | Mark]) -> list[str]:
    return [order.name for order in orders if isinstance(order, Mark)]


def test_sound_goes_out_at_once_and_whole() -> None:
    playback = Playback(lead_ms=400)
    playback.add(sound(240))
    assert plays(playback.pump(10.0)) == [240]


def test_no_more_than_the_lead_is_ahead_of_play_out() -> None:
    playback = Playback(lead_ms=400)
    playback.add(sound(1000))
    assert plays(playback.pump(10.0)) == [400]
    assert plays(playback.pump(10.05)) == []
    assert plays(playback.pump(10.2)) == [200]
    assert plays(playback.pump(10.2)) == []


@pytest.mark.parametrize("lead", [100, 400, 1000])
def test_pumping_at_each_deadline_sends_everything_and_never_breaks_the_lead(lead: int) -> None:
    playback = Playback(lead_ms=lead)
    for _ in range(20):
        playback.add(sound(240))
    now, sent, steps = 5.0, 0, 0
    while sent < 4800:
        now = max(now, playback.deadline() or now)
        sent += sum(plays(playback.pump(now)))
        assert sent - (now - 5.0) * 1000 <= lead + 1
        steps += 1
    assert steps <= 50
    assert now < 5.0 + 4.8


def test_a_deadline_is_never_one_that_pumping_leaves_in_the_past() -> None:
    playback = Playback(lead_ms=400)
    playback.add(bytes(3205))
    now = 1.0
    for _ in range(6):
        playback.pump(now)
        due = playback.deadline()
        if due is None:
            break
        assert due > now
        now = due
    assert playback.deadline() is None


def test_marks_are_unique_and_come_with_the_sound() -> None:
    playback = Playback(lead_ms=1000)
    for _ in range(4):
        playback.add(sound(240))
    orders = playback.pump(0.0)
    assert len(set(marks(orders))) == 4
    assert [type(order).__name__ for order in orders] == ["Play", "Mark"] * 4


def test_small_pieces_share_a_mark() -> None:
    playback = Playback(lead_ms=1000)
    for _ in range(10):
        playback.add(sound(40))
    assert len(marks(playback.pump(0.0))) == 1


def test_the_end_of_a_turn_is_marked_once() -> None:
    playback = Playback(lead_ms=1000)
    playback.add(sound(100))
    playback.pump(0.0)
    assert marks(playback.finish()) == ["g0-0"]
    assert playback.finish() == []


def test_the_end_is_not_marked_before_its_sound_is_sent() -> None:
    playback = Playback(lead_ms=200)
    playback.add(sound(1000))
    playback.pump(0.0)
    assert playback.finish() == []


def test_heard_is_what_the_clock_says_between_marks() -> None:
    playback = Playback(lead_ms=400)
    playback.add(sound(400))
    playback.pump(10.0)
    assert playback.position(10.0) == 0
    assert playback.position(10.1) == 100 * MS
    assert playback.position(11.0) == 400 * MS


def test_a_mark_corrects_the_clock() -> None:
    playback = Playback(lead_ms=400)
    playback.add(sound(200))
    playback.add(sound(200))
    first, _ = marks(playback.pump(10.0))
    playback.played(first, 10.3)  # the phone was 100 ms late
    assert playback.position(10.3) == 200 * MS
    assert playback.position(10.4) == 300 * MS


def test_idle_when_the_last_mark_is_back() -> None:
    playback = Playback(lead_ms=400)
    playback.add(sound(240))
    (name,) = marks(playback.pump(10.0))
    assert not playback.idle()
    playback.played(name, 10.24)
    assert playback.idle()
    assert playback.deadline() is None


def test_a_lost_mark_is_given_up() -> None:
    playback = Playback(lead_ms=400)
    playback.add(sound(240))
    playback.pump(10.0)
    assert playback.deadline() == pytest.approx(10.24 + LOST_MARK_S)
    playback.pump(10.24 + LOST_MARK_S)
    assert playback.idle()
    assert playback.position(20.0) == 240 * MS


def test_a_barge_in_clears_and_drops_what_is_not_sent() -> None:
    playback = Playback(lead_ms=400)
    playback.add(sound(1000))
    playback.pump(10.0)
    assert playback.interrupt(10.1) == [Clear()]
    assert playback.position(10.1) == 100 * MS
    assert playback.pump(12.0) == []
    assert playback.idle()


def test_a_mark_that_a_clear_returns_proves_nothing() -> None:
    playback = Playback(lead_ms=400)
    playback.add(sound(400))
    (name,) = marks(playback.pump(10.0))
    playback.interrupt(10.1)
    playback.played(name, 10.12)
    assert playback.position(10.2) == 100 * MS


def test_marks_after_a_barge_in_have_new_names() -> None:
    playback = Playback(lead_ms=400)
    playback.add(sound(240))
    before = marks(playback.pump(10.0))
    playback.interrupt(10.1)
    playback.add(sound(240))
    after = marks(playback.pump(10.2))
    assert before == ["g0-0"]
    assert after == ["g1-1"]


def test_nothing_to_clear_when_all_was_heard() -> None:
    playback = Playback(lead_ms=400)
    playback.add(sound(240))
    (name,) = marks(playback.pump(10.0))
    playback.played(name, 10.24)
    assert playback.interrupt(10.5) == []


def test_unknown_marks_are_ignored() -> None:
    playback = Playback(lead_ms=400)
    playback.played("somebody-elses", 1.0)
    assert playback.idle()


def test_empty_sound_is_nothing() -> None:
    playback = Playback(lead_ms=400)
    playback.add(b"")
    assert playback.idle()
    assert playback.pump(0.0) == []


def test_queued_counts_what_came_less_what_was_dropped() -> None:
    playback = Playback(lead_ms=400)
    playback.add(sound(1000))
    assert playback.queued == 1000 * MS
    playback.pump(10.0)
    playback.interrupt(10.25)
    assert playback.queued == 250 * MS
