"""The store of one instance."""

from __future__ import annotations

import asyncio

import pytest

from gateway.store import Claim, Kept, memory
from gateway.store.memory import Memory


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_token_opens_once_in_its_time() -> None:
    clock = Clock()
    store = Memory(clock)
    assert [store.use("a", 60), store.use("a", 60), store.use("b", 60)] == [True, False, True]
    clock.now = 59.9
    assert not store.use("a", 60)
    clock.now = 60
    assert store.use("a", 60)


def test_the_newest_counts_whatever_comes_last() -> None:
    store = Memory(Clock())
    assert store.learn("CA1", Kept(1, 2, b"second"), 60)
    assert not store.learn("CA1", Kept(1, 1, b"first"), 60)
    assert not store.learn("CA1", Kept(1, 2, b"again"), 60)
    assert store.known("CA1") == Kept(1, 2, b"second")
    assert store.learn("CA1", Kept(1, 3, b"third"), 60)
    assert store.known("CA1") == Kept(1, 3, b"third")
    assert store.known("CA2") is None


def test_what_has_expired_is_unknown_and_may_begin_anew() -> None:
    clock = Clock()
    store = Memory(clock)
    store.put("CA1", Kept(1, 5, b"old"), 10)
    clock.now = 10
    assert store.known("CA1") is None
    assert store.learn("CA1", Kept(1, 1, b"new"), 10)


def test_it_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "CAPACITY", 2)
    store = Memory(Clock())
    for nth in range(4):
        assert store.use(f"t{nth}", 60)
        store.put(f"CA{nth}", Kept(1, 1, b""), 60)
    assert [store.known(f"CA{nth}") is not None for nth in range(4)] == [False, False, True, True]
    assert [store.use(f"t{nth}", 60) for nth in (3, 0)] == [False, True]


def test_what_has_expired_takes_no_room() -> None:
    clock = Clock()
    store = Memory(clock)
    for nth in range(1_000):
        clock.now = float(nth)
        store.put(f"CA{nth}", Kept(1, 1, b""), 10)
        store.use(f"t{nth}", 10)
    assert len(store._calls._values) == len(store._used._values) == 10


def test_a_claim_fences_what_came_before() -> None:
    store = Memory(Clock())
    first = store.take("CA1", "one", 0, 60)
    assert first == Claim(1, None)
    assert store.learn("CA1", Kept(1, 5, b"first"), 60)
    assert store.take("CA1", "one", 0, 60) == Claim(1, Kept(1, 5, b"first"))  # asked twice, it is the same claim
    second = store.take("CA1", "two", 0, 60)
    assert second == Claim(2, Kept(1, 5, b"first"))
    assert not store.learn("CA1", Kept(1, 6, b"late"), 60)
    assert store.learn("CA1", Kept(2, 0, b"second"), 60)
    assert store.known("CA1") == Kept(2, 0, b"second")
    assert store.take("CA1", "three", 1024, 60).fence == 1024


def test_a_room_takes_so_many_and_heals_itself() -> None:
    clock = Clock()
    store = Memory(clock)
    assert [store.come_in("r", f"CA{nth}", 2, 60) for nth in range(3)] == [True, True, False]
    assert store.come_in("r", "CA1", 2, 60)  # it is in there already
    assert store.come_in("other", "CA2", 2, 60)
    assert store.come_in("r", "CA3", None, 60)  # a call that goes on is never turned away
    store.go("r", "CA3")
    store.go("r", "CA1")
    assert store.come_in("r", "CA2", 2, 60)
    assert not store.come_in("r", "CA4", 2, 60)
    clock.now = 60
    assert store.come_in("r", "CA4", 2, 60)
    assert list(store._rooms["r"]) == ["CA4"]
    store.go("r", "CA4")
    assert "r" not in store._rooms


def test_as_a_store() -> None:
    async def scenario() -> None:
        store = Memory(Clock())
        assert await store.first_use("a", 60)
        assert not await store.first_use("a", 60)
        store.put("CA1", Kept(1, 1, b"x"), 60)
        await store.flush()
        assert await store.last("CA1") == Kept(1, 1, b"x")
        assert await store.claim("CA1", "me", 0, 60) == Claim(2, Kept(1, 1, b"x"))
        assert await store.enter("r", "CA1", 1, 60)
        await store.leave("r", "CA1")
        assert await store.enter("r", "CA2", 1, 60)

    asyncio.run(scenario())
