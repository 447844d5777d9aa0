"""Twilio's play-out buffer: 8 bytes a millisecond, marks when played, clear gives them all back."""

from gateway.rehearsal.playout import SILENCE, Cut, Playout

A, B = b"\x01" * 160, b"\x02" * 160  # 20 ms each


def test_sound_is_played_at_eight_bytes_a_millisecond_in_the_order_received() -> None:
    playout = Playout()
    playout.play(A + B, 100)
    playout.advance(130)
    assert playout.heard == SILENCE * 800 + A + b"\x02" * 80
    assert playout.queued_ms == 10
    playout.advance(150)
    assert playout.heard == SILENCE * 800 + A + B + SILENCE * 80


def test_sound_that_comes_after_a_gap_is_heard_when_it_comes() -> None:
    playout = Playout()
    playout.play(A, 0)
    playout.play(B, 50)
    playout.advance(70)
    assert playout.heard == A + SILENCE * 240 + B


def test_a_mark_comes_back_when_the_sound_before_it_was_played() -> None:
    playout = Playout()
    playout.play(A, 0)
    assert playout.mark("one", 0) == ()
    playout.play(B, 0)
    assert playout.mark("two", 5) == ()
    assert playout.advance(19.8) == ()
    assert playout.advance(20) == ("one",)
    assert playout.advance(40) == ("two",)
    assert playout.advance(60) == ()


def test_a_mark_comes_back_at_once_if_nothing_is_buffered() -> None:
    playout = Playout()
    assert playout.mark("early", 3) == ("early",)
    playout.play(A, 10)
    assert playout.mark("late", 30) == ("late",)


def test_marks_that_are_due_come_before_the_one_just_put() -> None:
    playout = Playout()
    playout.play(A, 0)
    playout.mark("one", 0)
    assert playout.mark("two", 25) == ("one", "two")


def test_clear_returns_all_pending_marks_and_says_what_was_cut() -> None:
    playout = Playout()
    playout.play(A, 0)
    playout.mark("heard", 0)
    playout.play(B + B, 0)
    playout.mark("cut", 0)
    playout.mark("cut too", 0)
    assert playout.clear(30) == (("heard",), Cut(30, 30.0, ("cut", "cut too")))
    playout.advance(100)
    assert playout.heard == A + b"\x02" * 80 + SILENCE * 560
    assert playout.clear(100) == ((), Cut(100, 0.0, ()))


def test_what_is_sent_after_clear_is_played_at_once() -> None:
    playout = Playout()
    playout.play(A * 50, 0)
    playout.clear(20)
    playout.play(B, 20)
    playout.advance(40)
    assert playout.heard == A + B


def test_a_time_already_passed_changes_nothing() -> None:
    playout = Playout()
    playout.play(A, 0)
    playout.advance(20)
    assert playout.advance(10) == ()
    assert playout.heard == A


def test_a_burst_of_marks_and_a_clear_come_out_as_twilio_does_it() -> None:
    """3.2 s in 20 pieces of 160 ms, a mark behind each, clear after 1 s: six were played, fourteen cut."""
    playout = Playout()
    for index in range(20):
        playout.play(A * 8, 0)
        playout.mark(f"b{index}", 0)
    played, cut = playout.clear(1000)
    assert played == tuple(f"b{index}" for index in range(6))
    assert cut.marks == tuple(f"b{index}" for index in range(6, 20))
    assert cut.lost_ms == 2200
