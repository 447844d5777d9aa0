"""The breaker as a script: what sessions tell, and what the doors are told, at which second."""

from __future__ import annotations

from gateway.server.breaker import KEPT, LONGEST_S, TRIAL_S, WAIT_S, Breaker, project_key

P = "vertex/p"


def half_open() -> Breaker:
    """Opened at 0, half-open from WAIT_S on."""
    breaker = Breaker()
    breaker.quota(P, 0)
    return breaker


def test_nothing_is_refused_without_a_word_of_quota() -> None:
    breaker = Breaker()
    breaker.well(P, 0)
    assert not breaker.open(P, 0)


def test_quota_opens_it_for_30_s_and_then_one_trial_goes_through() -> None:
    breaker = half_open()
    assert [breaker.open(P, at) for at in (0, 15, WAIT_S - 0.001)] == [True, True, True]
    assert not breaker.open(P, WAIT_S)
    assert breaker.open(P, WAIT_S)  # one, not two
    assert breaker.open(P, WAIT_S + TRIAL_S - 0.001)


def test_a_trial_that_is_well_closes_it() -> None:
    breaker = half_open()
    assert not breaker.open(P, WAIT_S)
    breaker.well(P, WAIT_S + 1)
    assert [breaker.open(P, WAIT_S + 1) for _ in range(3)] == [False, False, False]
    breaker.quota(P, 100)
    assert breaker.open(P, 100 + WAIT_S - 1)
    assert not breaker.open(P, 100 + WAIT_S)  # the wait begins anew, not where it was


def test_the_wait_doubles_to_five_minutes_while_trials_fail() -> None:
    breaker, now, waits = Breaker(), 0.0, []
    for _ in range(6):
        breaker.quota(P, now)
        start = now
        while breaker.open(P, now):
            now += 1
        waits.append(now - start)
    assert waits == [30, 60, 120, 240, LONGEST_S, LONGEST_S]


def test_what_was_on_its_way_when_it_opened_changes_nothing() -> None:
    breaker = half_open()
    for at in range(5):
        breaker.quota(P, at)  # calls that had asked before
        breaker.well(P, at)
    assert breaker.open(P, WAIT_S - 0.001)
    assert not breaker.open(P, WAIT_S)


def test_a_session_that_is_ready_after_the_wait_is_proof_whoever_had_asked_for_it() -> None:
    breaker = half_open()
    breaker.well(P, WAIT_S)  # a call in progress that went over to its next connection
    assert [breaker.open(P, WAIT_S), breaker.open(P, WAIT_S)] == [False, False]


def test_a_trial_that_tells_nothing_is_followed_by_another() -> None:
    breaker = half_open()
    assert not breaker.open(P, WAIT_S)
    assert not breaker.open(P, WAIT_S + TRIAL_S)
    assert breaker.open(P, WAIT_S + TRIAL_S)


def test_the_call_on_trial_may_ask_again_at_its_stream() -> None:
    breaker = half_open()
    assert not breaker.open(P, WAIT_S, "CA1")
    assert breaker.open(P, WAIT_S + 1, "CA2")
    assert breaker.open(P, WAIT_S + 1)
    assert not breaker.open(P, WAIT_S + 1, "CA1")


def test_projects_and_backends_are_told_apart() -> None:
    assert (project_key("vertex", "p"), project_key("developer", "")) == (P, "developer/developer")
    breaker = half_open()
    assert not breaker.open(project_key("developer", ""), 1)
    assert not breaker.open(project_key("vertex", "q"), 1)


def test_it_keeps_no_more_than_so_many() -> None:
    breaker = Breaker()
    for at in range(KEPT + 1):
        breaker.quota(f"vertex/{at}", 0)
    assert not breaker.open("vertex/0", 1)
    assert breaker.open("vertex/1", 1)
    assert breaker.open(f"vertex/{KEPT}", 1)
