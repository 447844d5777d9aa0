"""Who finds a place at an instance that carries so many calls."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from gateway.server.places import SPARE, Places


def test_a_call_has_one_place_whatever_its_streams() -> None:
    here = {"CA1", "CA2"}
    places = Places(2, here)
    assert (places.free("CA1"), places.free("CA3")) == (True, False)
    here.discard("CA2")
    assert places.free("CA3")


def test_a_stream_that_has_not_started_has_a_place_until_it_is_gone() -> None:
    places = Places(1, set())
    with places.opening() as first:
        assert (places.free("CA1"), places.crowded) == (False, True)  # nobody is here whose stream another might be
        assert first.suits("CA1")
        assert (places.free("CA1"), places.free("CA2")) == (True, False)
    assert places.free("CA2")


def test_without_a_place_only_streams_of_calls_that_are_here_stay() -> None:
    places = Places(1, {"CA1"})
    with places.opening() as known, places.opening() as strange:
        assert (known.suits("CA1"), strange.suits("CA2")) == (True, False)


def test_a_place_that_became_free_is_taken_once() -> None:
    here = {"CA1", "CA2"}
    places = Places(2, here)
    with places.opening() as third, places.opening() as fourth:
        here.discard("CA2")
        assert (third.suits("CA3"), fourth.suits("CA4")) == (True, False)
        assert not places.free("CA5")


@pytest.mark.parametrize("full", [True, False], ids=["the later stream came when all were taken", "when one was free"])
def test_a_call_in_takeover_is_one_call(full: bool) -> None:
    """Its earlier stream leaves before its later one is in the list: nobody else takes the place between, and the
    call doesn't take two."""
    here = {"CA0", "CA1"}
    places = Places(2 if full else 3, here)
    with places.opening() as again:
        assert again.suits("CA0")
        assert places.free("CA9") is not full
        here.discard("CA0")
        assert places.free("CA9") is not full
        here.add("CA0")
    assert places.free("CA9") is not full


def test_few_are_let_in_beyond_the_places_and_no_more_than_there_are_calls() -> None:
    for calls, spare in ((1, 1), (2, 2), (9, SPARE)):
        places = Places(calls, {f"CA{nth}" for nth in range(calls)})
        with ExitStack() as openings:
            for _ in range(spare):
                assert (places.free("CA99"), places.crowded) == (False, False)
                openings.enter_context(places.opening())
            assert places.crowded
        assert not places.crowded
