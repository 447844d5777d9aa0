"""Who finds a place at an instance that carries so many calls."""

from __future__ import annotations

from contextlib import ExitStack

from gateway.server.places import SPARE, Places


def test_a_call_has_one_place_whatever_its_streams() -> None:
    here = {"CA1", "CA2"}
    places = Places(2, here)
    assert (places.full, places.free("CA1"), places.free("CA3")) == (True, True, False)
    here.discard("CA2")
    assert (places.full, places.free("CA3")) == (False, True)


def test_a_stream_that_has_not_started_has_a_place_until_it_is_gone() -> None:
    places = Places(1, set())
    with places.opening() as first:
        assert (places.full, places.crowded) == (True, True)  # nobody is here whose stream another might be
        assert first.suits("CA1")
    assert not places.full


def test_without_a_place_only_streams_of_calls_that_are_here_stay() -> None:
    places = Places(1, {"CA1"})
    with places.opening() as known, places.opening() as strange:
        assert (known.suits("CA1"), strange.suits("CA2")) == (True, False)


def test_a_place_that_became_free_is_taken_once() -> None:
    here = {"CA1", "CA2"}
    places = Places(2, here)
    with places.opening() as third, places.opening() as fourth:
        here.discard("CA2")
        assert (third.suits("CA3"), fourth.suits("CA4"), places.full) == (True, False, True)
        assert third.suits("CA3")


def test_few_are_let_in_beyond_the_places_and_no_more_than_there_are_calls() -> None:
    for calls, spare in ((1, 1), (2, 2), (9, SPARE)):
        places = Places(calls, {f"CA{nth}" for nth in range(calls)})
        with ExitStack() as openings:
            for _ in range(spare):
                assert (places.full, places.crowded) == (True, False)
                openings.enter_context(places.opening())
            assert places.crowded
        assert (places.full, places.crowded) == (True, False)
