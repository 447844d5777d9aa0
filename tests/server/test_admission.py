"""A token opens one stream, however late it is tried again."""

from __future__ import annotations

import asyncio

import pytest

from gateway.server import admission
from gateway.server.admission import Refused
from gateway.settings import read
from gateway.store.memory import Memory
from gateway.twilio import media, token

SECRET = "s3cret"
SETTINGS = read(
    {"AUTH": "required", "TWILIO_AUTH_TOKEN": "f" * 32, "STREAM_SECRET": SECRET, "PUBLIC_URL": "https://gw.example"}
)
CLAIMS = token.StreamClaims("CA1", "AC1", "clinic", "front-desk", "ava", 1)


@pytest.mark.parametrize("ahead_s", [0, 59], ids=["a clock that is right", "a minter's clock that is ahead"])
@pytest.mark.parametrize("later_s", [0, 1, 30, 59, 119])
def test_a_token_that_is_tried_again_while_it_is_valid(
    monkeypatch: pytest.MonkeyPatch, ahead_s: int, later_s: int
) -> None:
    now = 1_800_000_000.0
    started = media.Started("MZ1", "CA1", "AC1", {"token": token.mint(SECRET, CLAIMS, now + ahead_s, "nonce")})

    async def scenario() -> None:
        nonlocal now
        monkeypatch.setattr(admission, "unix_now", lambda: now)
        store = Memory(lambda: now)
        assert (await admission.admit(started, SETTINGS, store)).token_id
        now += later_s
        with pytest.raises(Refused, match="used before" if later_s < 60 + ahead_s else "expired") as refused:
            await admission.admit(started, SETTINGS, store)
        assert refused.value.code == 1008

    asyncio.run(scenario())
