"""goAway ahead of the end, then the end."""

from __future__ import annotations

from gateway.live.messages import GoingAway
from gateway.rehearsal.standin.lifetime import LEAD_S, End, Lifetime


def test_without_a_limit_it_never_ends() -> None:
    life = Lifetime(5.0, None)
    assert (life.deadline(), life.tick(1e9)) == (None, None)


def test_a_long_life_is_announced_a_minute_ahead() -> None:
    life = Lifetime(100.0, 600.0)
    assert (life.deadline(), life.tick(639.0)) == (640.0, None)
    assert (life.tick(640.0), life.deadline()) == (GoingAway(LEAD_S), 700.0)
    assert (life.tick(699.9), life.tick(700.0)) == (None, End.NOW)


def test_a_short_life_is_announced_at_half_time() -> None:
    life = Lifetime(0.0, 10.0)
    assert (life.tick(4.9), life.tick(5.25), life.tick(9.9), life.tick(10.0)) == (None, GoingAway(4.75), None, End.NOW)


def test_however_late_the_tick_the_announcement_comes_first() -> None:
    life = Lifetime(0.0, 10.0)
    assert (life.tick(60.0), life.deadline(), life.tick(60.0)) == (GoingAway(0.0), 10.0, End.NOW)


def test_leaving_at_once() -> None:
    life = Lifetime(0.0, None)
    life.leave(3.0, 20.0)
    assert life.deadline() == 20.0
    assert (life.tick(20.0), life.deadline(), life.tick(23.0)) == (GoingAway(3.0), 23.0, End.NOW)


def test_leaving_in_no_time_is_announced_too() -> None:
    life = Lifetime(0.0, None)
    life.leave(0.0, 20.0)
    assert (life.tick(20.0), life.tick(20.0)) == (GoingAway(0.0), End.NOW)


def test_leaving_never_prolongs_the_life() -> None:
    life = Lifetime(0.0, 10.0)
    life.leave(60.0, 4.0)
    assert (life.tick(4.0), life.tick(10.0)) == (GoingAway(6.0), End.NOW)
