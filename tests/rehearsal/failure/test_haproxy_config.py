"""What HAProxy is told, as text; and what HAProxy says of that text where there is one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gateway.rehearsal.failure.balancer import Patience
from gateway.rehearsal.failure.haproxy import binary
from gateway.rehearsal.failure.haproxy_config import config, server
from tests.rehearsal.failure.balancers import needs_haproxy

SOCKET = Path("/run/x/admin.sock")


def lines(section: str, text: str) -> list[str]:
    """What stands in it."""
    found = text[text.index(f"\n{section}\n") :].split("\n\n")[0]
    return [line.strip() for line in found.splitlines()[2:]]


def test_the_line() -> None:
    assert lines("frontend line", config(8080, SOCKET, Patience())) == [
        "bind 127.0.0.1:8080",
        "option forwardfor",
        "http-request set-header X-Forwarded-Proto https",
        "default_backend gateways",
    ]


def test_the_room() -> None:
    assert lines("backend gateways", config(8080, SOCKET, Patience(1.0, 2), [9001, 9002])) == [
        "balance leastconn",
        "option httpchk",
        "http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host localhost",
        "http-check expect error-status L7OKC status 200",
        "server gateway-9001 127.0.0.1:9001 check inter 300ms fall 2 rise 1 on-marked-down shutdown-sessions",
        "server gateway-9002 127.0.0.1:9002 check inter 300ms fall 2 rise 1 on-marked-down shutdown-sessions",
    ]


def test_what_holds_for_both() -> None:
    found = lines("defaults", config(8080, SOCKET, Patience(0.5, 2)))
    assert {"option redispatch 1", "retries 3", "timeout check 500ms", "timeout tunnel 1h"} <= set(found)


def test_the_socket_is_its_owners() -> None:
    assert f"    stats socket {SOCKET} mode 600 level admin\n" in config(8080, SOCKET, Patience())


def test_it_never_puts_itself_into_the_background() -> None:
    assert "daemon" not in config(8080, SOCKET, Patience(), [9001])


def test_so_many_silences_make_an_instance_a_frozen_one() -> None:
    assert " fall 7 " in server(9001, Patience(1.0, 7))


@needs_haproxy
@pytest.mark.parametrize("instances", [[], [9001, 9002]])
def test_haproxy_takes_it(tmp_path: Path, instances: list[int]) -> None:
    file = tmp_path / "haproxy.cfg"
    file.write_text(config(8080, tmp_path / "admin.sock", Patience(), instances))
    done = subprocess.run([binary(), "-c", "-f", str(file)], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, "WARNING" in done.stderr) == (0, False), done.stderr
