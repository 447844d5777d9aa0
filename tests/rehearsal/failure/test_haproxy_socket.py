"""HAProxy's answers, read; and an admin socket that refuses, says half of it, or has gone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.rehearsal.failure.balancer import BalancerFailed
from gateway.rehearsal.failure.haproxy_socket import Gone, State, ask, order, sessions, states

STAT = """\
# pxname,svname,scur,status,check_status,
line,FRONTEND,4,OPEN,,
gateways,gateway-9001,3,UP,L7OK,
gateways,gateway-9002,1,DOWN,* L7TOUT,
gateways,gateway-9003,0,DOWN,L4CON,
gateways,gateway-9004,2,NOLB,L7OKC,
gateways,gateway-9005,0,UP 1/2,L7TOUT,
gateways,BACKEND,6,UP,,

"""
SESS = """\
0x5620: proto=unix_stream src=unix:1 fe=GLOBAL be=<NONE> srv=<none> ts=00 age=0s
0x5621: proto=tcpv4 src=127.0.0.1:50001 fe=line be=gateways srv=gateway-9001 ts=00 age=2s rq[f=c08002h,i=0,an=00h]
0x5622: proto=tcpv4 src=127.0.0.1:50002 fe=line be=gateways srv=<none> ts=00 age=2s
0x5623: proto=tcpv4 src=127.0.0.1:50003 fe=line be=<NONE> srv=<none> ts=00 age=2s

"""


def test_the_instances_and_what_becomes_of_them() -> None:
    found = states(STAT)
    assert found["gateway-9001"] == State("UP", "L7OK", 3)
    assert {name.removeprefix("gateway-"): (one.chosen, one.silent) for name, one in found.items()} == {
        "9001": (True, False),
        "9002": (False, True),
        "9003": (False, False),  # refused, not silent
        "9004": (False, False),
        "9005": (True, False),  # one silence is not enough
    }


def test_the_sessions_that_an_instance_has() -> None:
    assert sessions(SESS) == {("0x5621", "127.0.0.1:50001"): "0x5621"}


async def answered(socket: Path, answer: bytes, command: str) -> None:
    """An order to whoever answers so."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        writer.close()

    server = await asyncio.start_unix_server(serve, socket)
    try:
        await order(socket, command)
    finally:
        server.close()


@pytest.mark.parametrize("answer", [b"\n", b"\n\n", b"New server registered.\n\n"])
def test_what_is_done_says_nothing(tmp_path: Path, answer: bytes) -> None:
    asyncio.run(answered(tmp_path / "s", answer, "enable server gateways/x"))


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BalancerFailed, match="asked to 'enable server gateways/x': No such server"):
        asyncio.run(answered(tmp_path / "s", b"No such server.\n\n", "enable server gateways/x"))


@pytest.mark.parametrize("answer", [b"", b"# pxname,svn"])
def test_an_answer_that_is_not_whole_is_none(tmp_path: Path, answer: bytes) -> None:
    with pytest.raises(Gone, match="ended in its answer to 'show stat'"):
        asyncio.run(answered(tmp_path / "s", answer, "show stat"))


def test_nobody_is_there(tmp_path: Path) -> None:
    with pytest.raises(Gone, match="FileNotFoundError"):
        asyncio.run(ask(tmp_path / "s", "show stat"))
