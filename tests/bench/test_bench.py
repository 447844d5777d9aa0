"""The benchmarks' parts at tiny size: that they measure what they say, not how fast anything is."""

from __future__ import annotations

import asyncio
import base64

import numpy as np
import pytest

from bench import load, rubbish, soak, sound, start, table
from bench.child import Gateway, Stage, stage
from bench.frames import CLOSE, Reader, accept, client_frame, server_frame, upgrade
from bench.ledger import Ledger
from bench.peers import HOST, STREAM_PATH, size_of


def test_frames_survive_any_cutting() -> None:
    sizes = (0, 1, 125, 126, 70_000)
    stream = b"".join(client_frame(b"c" * size) + server_frame(b"s" * size) for size in sizes)
    for step in (1, 7, len(stream)):
        reader = Reader()
        found = [frame for at in range(0, len(stream), step) for frame in reader.feed(stream[at : at + step])]
        assert [(kind, len(payload)) for kind, payload in found] == [(k, n) for n in sizes for k in (0x81, 0x82)]


def test_a_mask_is_taken_off() -> None:
    # The masked "Hello" of RFC 6455, section 5.7.
    assert Reader().feed(bytes.fromhex("818537fa213d7f9f4d5158")) == [(0x81, b"Hello")]


def test_the_handshake_is_answered_as_the_rfc_has_it() -> None:
    answer = accept(b"GET / HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in answer  # RFC 6455, section 1.3
    assert upgrade("h:1", "/p").startswith(b"GET /p HTTP/1.1\r\nHost: h:1\r\n")
    with pytest.raises(ValueError, match="handshake"):
        accept(b"GET / HTTP/1.1\r\n\r\n")


@pytest.mark.parametrize("size", [1, 2, 3, 160])
def test_a_payloads_size_is_read_off_its_base64(size: int) -> None:
    text = b'{"data":"' + base64.b64encode(bytes(size)) + b'"}'
    assert size_of(text, b'"data":"') == size


def test_sound_is_loud_and_comes_in_whole_pieces() -> None:
    wave = sound.voice(8000)
    assert np.abs(wave).max() == sound.PEAK
    assert np.sqrt(np.mean(wave.astype(float) ** 2)) > 0.1 * sound.PEAK
    assert (len(sound.phone_pieces()), len(sound.model_pieces(40))) == (100, 50)


def test_delays_are_matched_by_position() -> None:
    ledger = Ledger(since=1.0)
    for at in (0.9, 1.0, 1.1, 1.2):
        ledger.said(at)
    ledger.arrived(320, 1.5)
    ledger.arrived(320, 1.75)
    ledger.answered(320, 1.0)
    ledger.played(160, 1.1)
    ledger.played(160, 1.25)
    assert (ledger.up, ledger.down, ledger.close()) == ([0.5, 1.75 - 1.2], [0.25], [])


def test_a_barge_in_may_drop_what_came_before_it_and_nothing_else() -> None:
    ledger = Ledger()
    ledger.answered(320, 1.0)
    ledger.answered(320, 1.0)
    ledger.played(400, 2.0)
    ledger.interrupted(3.0)
    ledger.answered(320, 4.0)
    ledger.cleared(3.5)
    ledger.played(320, 4.5)
    assert (ledger.down, ledger.clear, ledger.dropped, ledger.close()) == ([1.0, 0.5], [0.5], 240, [])


def test_loss_and_doubling_are_faults() -> None:
    ledger = Ledger()
    ledger.arrived(160, 1.0)
    for _ in range(4):
        ledger.said(2.0)
    ledger.answered(320, 2.0)
    ledger.played(321, 3.0)
    ledger.answered(320, 4.0)
    ledger.cleared(5.0)
    ledger.interrupted(6.0)
    assert ledger.close() == [
        "up: more sound than was sent",
        "down: more sound than was sent",
        "clear: nobody was interrupted",
        "up: 60 ms lost",
        "down: 1 messages lost",
        "clear: 1 never came",
    ]


def test_a_spread_is_in_milliseconds() -> None:
    assert table.spread([n / 1000 for n in range(1, 101)]) == table.Spread(51.0, 100.0, 100.0, 100)
    assert str(table.spread([])).split() == ["-", "-", "-"]


def test_the_outermost_imports_are_found() -> None:
    said = """\
import time: self [us] | cumulative | imported package
import time:       100 |        100 |     scipy.fft
import time:       200 |        300 |   scipy
import time:        50 |        350 | gateway.audio
import time:        10 |         10 | yaml
"""
    assert start.outermost(said) == [("yaml", 0.01, 0.01), ("scipy", 0.3, 0.2)]


def test_a_streams_end_is_told_by_code_or_status() -> None:
    head = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
    assert rubbish.outcome(head + server_frame((1002).to_bytes(2, "big") + b"why", CLOSE)) == "closed with 1002"
    assert rubbish.outcome(head) == "closed without a code"
    assert rubbish.outcome(b"HTTP/1.1 403 Forbidden\r\n\r\nno") == "403"
    assert rubbish.outcome(b"") == "no answer"


@pytest.mark.slow
def test_the_parts_work_on_a_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    """One gateway for all: a first call, two calls in real time, every ending once, some garbage."""
    monkeypatch.setattr(load, "SETTLE_S", 0.1)
    asyncio.run(_parts())


async def _parts() -> None:
    async with asyncio.timeout(30), stage() as here:
        first = await start.first_call(here)
        assert 0 < first.listening < first.twiml < first.stream < first.setup < first.sound
        result = await load.measure(here, load.Load(calls=2, seconds=0.4))
        assert not result.faults
        assert result.up.count >= 2 * 8
        assert result.down.count >= 2 * 8
        await _soaks(here)
        gateway = here.gateway
    assert not gateway.alive


async def _soaks(here: Stage) -> None:
    before, calls = soak.ended(here), len(soak.ENDINGS)
    descriptors = here.gateway.descriptors()
    assert not await soak.churn(here, calls)
    await soak.settled(here, descriptors)
    assert soak.ended(here) - before == soak.expected(calls)
    assert await soak.garbage(here, 5)
    assert '"calls":0' in await soak.healthy(here)
    assert _looks_right(here.gateway)


def _looks_right(gateway: Gateway) -> bool:
    return gateway.rss_mb() > 20 and gateway.cpu_s() > 0 and gateway.waited_s() >= 0 and gateway.threads() >= 1


def test_garbage_differs_by_stream_and_not_by_run() -> None:
    kinds = list(rubbish.rubbish(HOST, STREAM_PATH, "MZ1"))
    assert kinds == list(rubbish.rubbish(HOST, STREAM_PATH, "MZ1"))
    assert len({name for name, _ in kinds}) == len(kinds)
    assert {name for name, _ in kinds} >= rubbish.STALLS
