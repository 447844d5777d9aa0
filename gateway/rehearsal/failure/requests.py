"""HTTP/1.1 as the rehearsal's parts need it: one request a connection, without a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

MAX_BODY = 64 * 1024  # what Twilio takes of TwiML


async def get(port: int, path: str, within_s: float) -> int:
    """The status; 0 where nobody listens or the answer is none. Raises TimeoutError."""
    try:
        status, _ = await ask(("127.0.0.1", port), f"GET {path} HTTP/1.1", {"Host": "localhost"}, within_s=within_s)
    except (OSError, ValueError) as failed:
        if isinstance(failed, TimeoutError):
            raise
        return 0
    return status


async def ask(
    at: tuple[str, int], request: str, headers: Mapping[str, str], body: bytes = b"", *, within_s: float
) -> tuple[int, str]:
    """Status and body. Raises OSError (TimeoutError among them) without an answer, ValueError for none that is HTTP."""
    async with asyncio.timeout(within_s):
        reader, writer = await asyncio.open_connection(*at)
        try:
            lines = [request, *(f"{name}: {value}" for name, value in headers.items()), "Connection: close"]
            lines += [f"Content-Length: {len(body)}"] if body else []
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            head, _, rest = (await _whole(reader)).partition(b"\r\n\r\n")
        finally:
            writer.close()
    version, _, status = head.split(b"\r\n", 1)[0].partition(b" ")
    if not version.startswith(b"HTTP/1."):
        raise ValueError("the answer is not HTTP")
    return int(status[:3]), rest[:MAX_BODY].decode(errors="replace")


async def _whole(reader: asyncio.StreamReader) -> bytes:
    answer = b""
    while len(answer) <= 2 * MAX_BODY and (piece := await reader.read(MAX_BODY)):
        answer += piece
    return answer
