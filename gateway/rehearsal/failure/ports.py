"""Ports that are free at this moment, and stay so: none that the kernel would give to anybody who asks for just any."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

OURS = range(20_000, 32_000)  # below what Linux (32768), macOS and Windows (49152, RFC 6335) give away
TRIES = 100


def free_port() -> int:
    """Raises OSError where none of many is free."""
    for port in random.sample(OURS, TRIES):
        with suppress(OSError), socket.socket() as taken:
            taken.bind(("127.0.0.1", port))
            return port
    raise OSError(f"of {TRIES} ports from {OURS.start} to {OURS.stop - 1}, none is free")
