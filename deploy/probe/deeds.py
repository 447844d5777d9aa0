"""What is done to a stream, by question. The coroutines return when the connection may be dropped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from http import HTTPStatus

from deploy.probe import documents
from deploy.probe.course import Course
from deploy.probe.questions import BUFFERED, CLOSED, HALF_OPEN, REFUSED, RESET, UNANSWERED, Bounds
from deploy.probe.request import response
from deploy.probe.wire import Wire, reset
from gateway.twilio import media

GOING_AWAY = 1001
START_S = 10.0  # connected and start come at once
CLOSE_S = 10.0  # for the close frame that comes back

Handshake = Callable[[asyncio.StreamReader, asyncio.StreamWriter, Course, Bounds], Awaitable[None]]
Deed = Callable[[Wire, str, Course, Bounds], Awaitable[None]]


async def stream(number: int, wire: Wire, course: Course, bounds: Bounds) -> None:
    """An open stream: lets it go on for a while, then does what its question asks."""
    sid = await _started(wire)
    if not sid:
        course.note(number, f"no `start` came on the stream {wire.ending}".rstrip())
        return
    course.note(number, "the stream has started")
    await wire.listen(bounds.settle_s)
    if wire.ending:
        course.note(number, f"Twilio ended the stream before anything was done: {wire.ending}")
        return
    await OPEN[number](wire, sid, course, bounds)


async def _started(wire: Wire) -> str:
    """The stream's SID, or empty."""
    with suppress(TimeoutError):
        async with asyncio.timeout(START_S):
            while not wire.ending:
                for text in await wire.texts():
                    message = media.parse(text)
                    if isinstance(message, media.Started):
                        return message.stream_sid
    return ""


async def _closed(wire: Wire, _sid: str, course: Course, _bounds: Bounds) -> None:
    await _close(CLOSED, wire, course, "1001 sent")


async def _buffered(wire: Wire, sid: str, course: Course, bounds: Bounds) -> None:
    for second in range(1, bounds.sound_s + 1):
        await wire.send(media.build(media.Play(documents.counted(second)), sid))
    await _close(BUFFERED, wire, course, f"{bounds.sound_s} s of sound sent, and 1001 at once")


async def _close(number: int, wire: Wire, course: Course, told: str) -> None:
    wire.close(GOING_AWAY)
    course.did(number, told)
    await wire.listen(CLOSE_S)
    course.note(number, f"Twilio's side of the stream: {wire.ending or f'nothing for {CLOSE_S:g} s'}")


async def _reset(wire: Wire, _sid: str, course: Course, _bounds: Bounds) -> None:
    wire.reset()
    course.did(RESET, "RST sent")


async def _half_open(wire: Wire, _sid: str, course: Course, bounds: Bounds) -> None:
    wire.freeze()
    course.did(HALF_OPEN, "nothing is read or sent from now on")
    if await course.settled(HALF_OPEN, bounds.half_open_s):
        wire.reset()
        return
    wire.close(GOING_AWAY)
    course.freed(HALF_OPEN, "1001 sent, to end it")
    wire.thaw()
    await wire.listen(CLOSE_S)
    course.note(HALF_OPEN, f"Twilio's side of the stream: {wire.ending or f'nothing for {CLOSE_S:g} s'}")


async def _refused(_: asyncio.StreamReader, writer: asyncio.StreamWriter, course: Course, _bounds: Bounds) -> None:
    writer.write(response(HTTPStatus.SERVICE_UNAVAILABLE))
    course.did(REFUSED, "503 sent")


async def _unanswered(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, course: Course, bounds: Bounds
) -> None:
    course.did(UNANSWERED, "the handshake came, and gets no answer")
    try:
        async with asyncio.timeout(bounds.handshake_s):
            await reader.read()
        course.note(UNANSWERED, "Twilio gave the handshake up")
    except TimeoutError:
        reset(writer)
        course.freed(UNANSWERED, "RST sent, to end it")
    except OSError as broken:
        course.note(UNANSWERED, f"Twilio gave the handshake up ({type(broken).__name__})")


HANDSHAKE: Mapping[int, Handshake] = {REFUSED: _refused, UNANSWERED: _unanswered}
OPEN: Mapping[int, Deed] = {CLOSED: _closed, RESET: _reset, HALF_OPEN: _half_open, BUFFERED: _buffered}
