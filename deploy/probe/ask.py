"""The calls, one after the other, until every question is answered or a call brings none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from deploy.probe.course import Course
from deploy.probe.door import Door
from deploy.probe.questions import Bounds

CALL_LIMIT_S = 600  # what a call of ours may last: nobody pays for a line left open
RING_S = 30

Place = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Account:
    sid: str
    token: str = field(repr=False)


def placing(client: Client, public_url: str, number: str, to: str) -> Place:
    """Calls the tester from the number, and gives the call's SID. Nothing else is created or changed."""

    def place() -> str:
        call = client.calls.create(
            to=to,
            from_=number,
            url=f"{public_url}/voice",
            method="POST",
            status_callback=f"{public_url}/call-status",
            status_callback_event=["completed"],
            status_callback_method="POST",
            timeout=RING_S,
            time_limit=CALL_LIMIT_S,
        )
        return str(call.sid)

    return place


async def ask(door: Door, port: int, place: Place | None) -> None:
    """Serves on the port of this machine, and asks. Without `place` the tester dials."""
    try:
        server = await asyncio.start_server(door.serve, "127.0.0.1", port)
    except OSError as taken:
        door.course.remark(f"port {port} is not free: {taken}")
        return
    try:
        while door.course.open() and await _call(door.course, door.bounds, place):
            pass
        await asyncio.sleep(door.bounds.last_s)  # what Twilio reports after its end
    finally:
        server.close()  # and no wait_closed: since Python 3.12 it waits for whoever holds a connection open


async def _call(course: Course, bounds: Bounds, place: Place | None) -> bool:
    """One call to its end. False: it answered nothing, so another wouldn't either."""
    before = len(course.answers())
    course.begin()
    if place is None:
        course.remark("dial the number now")
    else:
        course.remark("calling the tester")
        try:
            course.placed(await asyncio.to_thread(place))
        except TwilioRestException as refused:
            course.remark(f"Twilio places no call: {refused.msg} ({refused.code})")
            return False
        except OSError as failed:
            course.remark(f"Twilio's API is not reached: {failed}")
            return False
    await _over(course, bounds)
    return len(course.answers()) > before


async def _over(course: Course, bounds: Bounds) -> None:
    while not course.over:
        course.moved.clear()
        try:
            async with asyncio.timeout(bounds.patience_s):
                await course.moved.wait()
        except TimeoutError:
            course.impatient(bounds.patience_s)
            course.finish()
