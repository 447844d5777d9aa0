"""The session across connections: when the next one is asked for, by which handle, and when it is given up."""

from __future__ import annotations

import pytest

from gateway.call.link import (
    BUDGET_S,
    FIRST_BUDGET_S,
    MARGIN_S,
    PREPARE_S,
    READY_S,
    STEADY_S,
    TRIES,
    Arrival,
    Link,
    Phase,
)
from gateway.live.closing import BUSY, CONFIG, HANDLE, QUOTA, TRANSIENT
from gateway.live.messages import ResumptionUpdate


def opened(now: float = 0.0, handle: str = "h1") -> Link:
    """A link whose first connection is ready at `now`, with a handle."""
    link = Link(now)
    assert link.open(now)
    assert link.ready(now) == Arrival("first", 0.0)
    link.update(ResumptionUpdate(handle, bool(handle)), now)
    return link


def test_the_first_connection_names_no_handle() -> None:
    link = Link(0)
    assert link.open(0)
    assert link.used == ""
    assert not link.open(0)
    assert link.ready(1) == Arrival("first", 0.0)
    assert link.live
    assert link.ready(1) is None


def test_a_lost_connection_is_followed_by_one_with_the_last_good_handle() -> None:
    link = opened()
    link.update(ResumptionUpdate("", False), 5)  # while the model generates
    link.gone(TRANSIENT, 10)
    assert link.open(10)
    assert link.used == "h1"
    assert link.ready(10.4) == Arrival("resumed", pytest.approx(0.4))  # type: ignore[arg-type]


def test_without_a_handle_the_next_session_is_fresh() -> None:
    link = opened(handle="")
    link.gone(TRANSIENT, 10)
    assert link.open(10)
    assert link.ready(11) == Arrival("fresh", 1.0)


def test_a_refused_handle_is_not_used_again() -> None:
    link = opened()
    link.gone(TRANSIENT, 10)
    link.open(10)
    link.gone(HANDLE, 10.2)
    assert link.open(10.7)
    assert link.used == ""
    link.ready(11)
    link.update(ResumptionUpdate("h2", True), 12)
    link.gone(TRANSIENT, 30)
    assert link.open(30)
    assert link.used == "h2"


def test_a_handle_that_fails_twice_is_given_up() -> None:
    link = opened()
    used = []
    now = 10.0
    for _ in range(4):
        link.gone(TRANSIENT, now)
        now = link.deadline(quiet=True) or now
        assert link.open(now)
        used.append(link.used)
    assert used == ["h1", "h1", "", ""]


def test_tries_are_spaced_and_end_with_the_budget() -> None:
    link = opened()
    now, times = 10.0, []
    while link.phase is not Phase.LOST:
        link.gone(TRANSIENT, now)
        if (due := link.deadline(quiet=True)) is not None:
            now = due
            assert link.open(now)
            times.append(now - 10)
    assert times[:5] == [0.0, 0.5, 1.5, 3.5, 7.5]
    assert times[-1] <= BUDGET_S
    assert len(times) <= TRIES


def test_a_call_that_has_not_begun_is_given_up_sooner() -> None:
    link = Link(0)
    now = 0.0
    while link.phase is not Phase.LOST:
        link.open(now)
        link.gone(TRANSIENT, now)
        now = link.deadline(quiet=True) or now
    assert now <= FIRST_BUDGET_S


@pytest.mark.parametrize("verdict", [CONFIG, QUOTA])
def test_what_trying_again_does_not_help_is_given_up_at_once(verdict: object) -> None:
    link = opened()
    link.gone(verdict, 10)  # type: ignore[arg-type]
    assert link.phase is Phase.LOST
    assert link.deadline(quiet=True) is None
    assert link.gap_since is None


def test_a_connection_that_goes_away_is_left_when_nobody_speaks() -> None:
    link = opened()
    link.going_away(50, 100)
    assert link.leaving
    assert not link.leave(100 + PREPARE_S / 2, quiet=True)
    assert not link.leave(120, quiet=False)
    assert link.deadline(quiet=True) == 100 + PREPARE_S
    assert link.leave(120, quiet=True)
    assert link.open(120)
    assert link.used == "h1"


def test_a_connection_that_goes_away_is_left_in_time_whoever_speaks() -> None:
    link = opened()
    link.going_away(50, 100)
    assert link.deadline(quiet=False) == 150 - MARGIN_S
    assert not link.leave(144.9, quiet=False)
    assert link.leave(145, quiet=False)


def test_a_connection_that_goes_away_at_once_is_left_at_once() -> None:
    link = opened()
    link.going_away(0, 100)
    assert link.leave(100, quiet=False)


def test_a_connection_that_is_never_ready_is_late() -> None:
    link = Link(0)
    link.open(0)
    assert not link.late(READY_S - 0.1)
    assert link.deadline(quiet=True) == READY_S
    assert link.late(READY_S)


@pytest.mark.parametrize(("life_s", "tries"), [(0.1, TRIES), (STEADY_S / 2, 6)])
def test_sessions_that_end_again_and_again_are_not_had(life_s: float, tries: int) -> None:
    """Nor for longer than the budget: each of them is ready, and the caller still has no answer."""
    link = opened()
    now, connections = 0.0, 0
    while link.phase is not Phase.LOST:
        now += life_s
        link.gone(TRANSIENT, now)
        if (due := link.deadline(quiet=True)) is not None:
            now = due
            link.open(now)
            link.ready(now)
            connections += 1
    assert connections == tries
    assert now <= BUDGET_S + life_s


def test_a_steady_connection_makes_the_tries_count_anew() -> None:
    link = opened()
    now = 0.0
    for _ in range(3 * TRIES):
        now += STEADY_S
        link.gone(TRANSIENT, now)
        assert link.open(now)
        link.ready(now)
    assert link.live


def test_a_session_that_another_connection_still_has_is_waited_for() -> None:
    """That of an instance which froze: something ends it within seconds."""
    link = opened()
    link.gone(TRANSIENT, 10)
    for at, again in ((10.0, 10.5), (10.5, 11.5), (11.5, 13.5)):
        assert link.open(at)
        assert link.used == "h1"
        link.gone(BUSY, at)
        assert link.deadline(quiet=True) == again
    assert link.open(13.5)
    link.gone(BUSY, 13.5)
    assert link.open(17.5)
    assert link.used == ""


def test_a_stuck_session_is_left_by_handle_or_without() -> None:
    link = opened()
    link.restart(10, fresh=False)
    assert link.open(10)
    assert link.used == "h1"
    link.ready(10)
    link.restart(20, fresh=True)
    assert link.open(20)
    assert link.used == ""
    link.give_up(30)
    assert link.phase is Phase.LOST
