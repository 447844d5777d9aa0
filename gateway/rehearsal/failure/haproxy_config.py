"""HAProxy's configuration for the rehearsal: one line, one room of gateways, an admin socket. Pure.

`error-status L7OKC`: a check that is answered with anything but 200 takes the instance out of the choice and leaves its
sessions alone (a "stopping" server). Without it a gateway that drains would be marked down, and
`on-marked-down shutdown-sessions` would cut every call that it is about to hand over in good order.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gateway.rehearsal.failure.balancer import CHECK_S, CONNECT_S, HEAD_S, Patience

BACKEND = "gateways"
# `nbthread 1`: the machine has better use for its cores. `redispatch 1`: another instance at the first retry.
TEXT = """\
global
    stats socket {socket} mode 600 level admin
    log stdout format raw local0 info
    nbthread 1
    maxconn 1000

defaults
    mode http
    log global
    option httplog
    option redispatch 1
    retries 3
    timeout connect {connect}ms
    timeout http-request {head}ms
    timeout client 1m
    timeout server 1m
    timeout tunnel 1h
    timeout check {answer}ms

frontend line
    bind 127.0.0.1:{port}
    option forwardfor
    http-request set-header X-Forwarded-Proto https
    default_backend {backend}

backend {backend}
    balance leastconn
    option httpchk
    http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host localhost
    http-check expect error-status L7OKC status 200
"""


def config(port: int, socket: Path, patience: Patience, instances: Iterable[int] = ()) -> str:
    """`port`: where it listens; `instances`: the ports of those it has from the start, which are ready."""
    text = TEXT.format(
        socket=socket,
        port=port,
        backend=BACKEND,
        connect=_ms(CONNECT_S),
        head=_ms(HEAD_S),
        answer=_ms(patience.answer_s),
    )
    return text + "".join(f"    server {server(instance, patience)}\n" for instance in instances)


def server(port: int, patience: Patience) -> str:
    """One instance: its name, its address and how it is checked. Of the file and of `add server` alike, for a server
    that is added while HAProxy runs takes nothing from `default-server`."""
    checks = f"check inter {_ms(CHECK_S)}ms fall {patience.silences} rise 1 on-marked-down shutdown-sessions"
    return f"{name(port)} 127.0.0.1:{port} {checks}"


def name(port: int) -> str:
    return f"gateway-{port}"


def _ms(seconds: float) -> int:
    return round(1000 * seconds)
