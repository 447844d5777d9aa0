"""The one port behind the tunnel: webhooks, status callbacks and the streams, for Twilio alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from deploy.probe import deeds, documents
from deploy.probe.course import Course
from deploy.probe.questions import BUFFERED, Bounds
from deploy.probe.request import Asked, BadRequest, read_form, read_head, response
from deploy.probe.wire import Wire, WireError
from gateway.twilio import media, signature

TOLD = ("StreamEvent", "StreamError", "ErrorCode", "CallStatus", "RecordingUrl", "RecordingDuration")  # no numbers
WENT_ON = {"action": "asked <Connect action>", "verb": "went on with the verb after <Connect>"}
HEAD_S = 10.0

Fields = Mapping[str, list[str]]


@dataclass(frozen=True)
class Door:
    """`public_url` is the tunnel's https:// name, as Twilio is given it: signatures cover it."""

    public_url: str
    keys: signature.Keys
    course: Course
    bounds: Bounds

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, whatever comes on it."""
        try:
            async with asyncio.timeout(HEAD_S):
                asked = await read_head(reader)
            if asked.upgrades:
                await self._stream(asked, reader, writer)
            else:
                writer.write(await self._answer(asked, reader))
        except BadRequest as wrong:
            self.course.remark(f"answered {wrong.status.value}: {wrong}")
            writer.write(response(wrong.status))
        except (WireError, media.TwilioProtocolError) as wrong:
            self.course.remark(f"a broken stream: {wrong}")
        except (OSError, asyncio.IncompleteReadError):  # a port scanner, a tunnel that looks whether we are there
            pass
        finally:
            with suppress(OSError):
                writer.close()

    # webhooks

    async def _answer(self, asked: Asked, reader: asyncio.StreamReader) -> bytes:
        form = await read_form(asked, reader)
        url = self.public_url + asked.target
        if not signature.valid(url, form, asked.headers.get(signature.HEADER), self.keys):
            raise BadRequest(HTTPStatus.FORBIDDEN, f"{asked.path} without Twilio's signature over {self.public_url}")
        fields = {**parse_qs(urlsplit(asked.target).query, keep_blank_values=True), **form}
        match asked.path.strip("/").split("/"):
            case ["voice"]:
                return self._rings(fields)
            case ["call-status"]:
                self.course.status(_one(fields, "CallSid"), _one(fields, "CallStatus"))
                return response(HTTPStatus.NO_CONTENT)
            case [step, number] if number.isdecimal() and int(number) in self.course.numbers:
                return self._step(step, int(number), fields)
            case _:
                raise BadRequest(HTTPStatus.NOT_FOUND, f"nothing is at {asked.path}")

    def _rings(self, fields: Fields) -> bytes:
        self.course.rings(_one(fields, "CallSid"))
        self.course.remark(f"Twilio asks how a call begins{_told(fields)}")
        return self._next()

    def _step(self, step: str, number: int, fields: Fields) -> bytes:
        match step:
            case "action" | "verb":
                self.course.asked(number, WENT_ON[step], _told(fields))
                answered = number == BUFFERED and number in self.course.answers()
                return _twiml(documents.recording(self.public_url, number)) if answered else self._next()
            case "recorded":
                self.course.note(number, f"recorded{_told(fields)}")
                return self._next()
            case "stream-status":
                self.course.note(number, f"<Stream statusCallback>{_told(fields)}")
                return response(HTTPStatus.NO_CONTENT)
            case _:
                raise BadRequest(HTTPStatus.NOT_FOUND, f"nothing is at /{step}")

    def _next(self) -> bytes:
        number = self.course.offer()
        document = documents.goodbye() if number is None else documents.streaming(self.public_url, number)
        return _twiml(document)

    # streams

    async def _stream(self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = self.course.current
        if number is None or asked.target != f"/stream/{number}":
            raise BadRequest(HTTPStatus.NOT_FOUND, f"no stream is due at {asked.path}")
        url = documents.stream_url(self.public_url, number)
        if not signature.valid_handshake(url, asked.headers.get(signature.HEADER), self.keys):
            raise BadRequest(HTTPStatus.FORBIDDEN, f"a stream without Twilio's signature over {url}")
        if number in deeds.HANDSHAKE:
            await deeds.HANDSHAKE[number](reader, writer, self.course, self.bounds)
            return
        wire = Wire(reader, writer)
        wire.open(asked.raw)
        await deeds.stream(number, wire, self.course, self.bounds)


def _twiml(document: str) -> bytes:
    return response(HTTPStatus.OK, document)


def _one(fields: Fields, name: str) -> str:
    return next(iter(fields.get(name, ())), "")


def _told(fields: Fields) -> str:
    """What may be shown of a form: neither numbers nor places."""
    shown = [f"{name}={_one(fields, name)}" for name in TOLD if _one(fields, name)]
    return f" ({', '.join(shown)})" if shown else ""
