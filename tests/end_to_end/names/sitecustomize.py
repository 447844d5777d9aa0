"""A hosts file for one Python process: with this folder on PYTHONPATH the edge's name is this machine."""

from __future__ import annotations

import socket
from typing import Any

_look_up = socket.getaddrinfo


def _here(host: Any, *rest: Any, **options: Any) -> Any:
    return _look_up("127.0.0.1" if host == "core.example.com" else host, *rest, **options)


socket.getaddrinfo = _here
