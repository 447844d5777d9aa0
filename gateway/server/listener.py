"""The listening socket, opened first: a port that can't be had is told before anything is loaded or started."""

from __future__ import annotations

import errno
import socket

from gateway.addresses import SettingsError

# Idle and interval in seconds, probes; and, in ms, how long sent data may stay unread: a peer with a full window
# answers keep-alives for ever.
KEEP_ALIVE = (("TCP_KEEPIDLE", 20), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 30_000))
QUEUE = 1024  # connections that wait for their turn


def listen(host: str, port: int) -> socket.socket:
    """A bound socket. Raises SettingsError naming PORT or HOST."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _keep_alive(listener)
    try:
        listener.bind((host, port))
        listener.listen(QUEUE)
    except PermissionError:
        listener.close()
        raise SettingsError("PORT", f"{port} may not be opened by this user (take one above 1023)") from None
    except OSError as failed:
        listener.close()
        if isinstance(failed, socket.gaierror) or failed.errno != errno.EADDRINUSE:
            raise SettingsError("HOST", f"cannot listen on {host!r}: {failed.strerror or failed}") from None
        raise SettingsError("PORT", f"{port} is in use (take another, or 0 for a free one)") from None
    return listener


def _keep_alive(listener: socket.socket) -> None:
    """Half-open peers are found by TCP. Hypercorn's WebSocket pings would keep each closed stream for an interval more:
    its ping task ends only when it next wakes (docs/design.md, 2026-11-23). Accepted sockets inherit this."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEP_ALIVE:
        if hasattr(socket, name):
            listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
