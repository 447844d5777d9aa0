"""The conversation of one session, after its setup: the caller's turns in, words and tool calls out. Pure.

Results of the workers come back by `recognised` and `synthesised`; one that is no longer wanted is dropped.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import assert_never

from gateway.live import cues
from gateway.live.messages import (
    ClientMessage,
    FunctionCall,
    FunctionResult,
    GenerationComplete,
    InputTranscript,
    Interrupted,
    LiveProtocolError,
    OutputTranscript,
    ResumptionUpdate,
    SendActivityEnd,
    SendActivityStart,
    SendAudio,
    SendAudioStreamEnd,
    SendContent,
    SendContextUpdate,
    SendText,
    SendToolResults,
    Setup,
    TurnComplete,
    Usage,
    VoiceActivity,
)
from gateway.live.models import MODELS
from gateway.rehearsal.standin.asked import Asked, Pending, answered, left, rest, result_text, said_before
from gateway.rehearsal.standin.lifetime import Lifetime
from gateway.rehearsal.standin.orders import Orders, Recognise, Send, Synthesise, Told
from gateway.rehearsal.standin.resumption import Resumption, Saved
from gateway.rehearsal.standin.script import Script, fill
from gateway.rehearsal.standin.setup import INVALID, Wishes
from gateway.rehearsal.standin.speaker import Played, Speaker
from gateway.rehearsal.standin.turns import Began, Ended, Listener, Turn
from gateway.rehearsal.standin.waiting import Waiting

MAX_CHARS = 6_000  # of one answer: some six minutes, 18 MB of sound; a rehearsal's answer is ten seconds
KEPT = 8  # turns kept while an answer mustn't be interrupted; older ones are forgotten
TOKENS_S = 25  # per second of audio, Google's best-practices page

_EXPLICIT = "Explicit activity control is not supported when automatic activity detection is enabled."
_AUTOMATIC = "Audio stream end is not supported when automatic activity detection is disabled."


@dataclass(frozen=True, slots=True)
class House:
    """What all sessions of a server share. `connection_s`: how long a connection may last."""

    script: Script
    resumption: Resumption
    connection_s: float | None = None


class Talk:
    """Listens by `Listener`, speaks by `Speaker`; holds at most one tool call open."""

    def __init__(self, house: House, wishes: Wishes, saved: Saved, lifetime: Lifetime) -> None:
        self.saved = saved
        self._house = house
        self._wishes = wishes
        self._lifetime = lifetime
        self._listener = Listener(wishes.detection)
        self._speaker = Speaker()
        self._waiting = Waiting()
        self._kept: deque[Asked] = deque(maxlen=KEPT)
        self._work = 0  # what the voice works for now
        self._index = 0  # of the client's messages
        self._said = 0  # tokens of this connection's speech
        self._begun = False  # the client has sent something else than history

    def handle(self, message: ClientMessage, now: float) -> Orders:
        """Raises LiveProtocolError for what this session doesn't take."""
        self._index += 1
        self._begun = self._begun or not isinstance(message, SendContent)
        return self._waiting.meanwhile(message, now) + self._take(message, now)

    def _take(self, message: ClientMessage, now: float) -> Orders:
        match message:
            case SendAudio() | SendActivityStart() | SendActivityEnd() | SendAudioStreamEnd():
                return self._turns(self._listen(message), now)
            case SendText():
                return self._read(message.text, "text", now)
            case SendContent():
                return self._content(message, now)
            case SendToolResults():
                return tuple(order for result in message.results for order in self._result(result, now))
            case SendContextUpdate():
                return (Told("context-update"),)
            case Setup():
                raise LiveProtocolError("setup must be the first message and only the first")
            case _:
                assert_never(message)

    def recognised(self, speech: Ended, words: str, now: float) -> Orders:
        """What was said in `speech`; empty where it is no known line. Answered unless the caller is speaking again."""
        text = words or f"(speech, {speech.seconds:.1f} s)"
        spans = {"start_ms": speech.start_ms, "end_ms": speech.end_ms, "known": bool(words)}
        orders: Orders = (Told("heard", {"text": text, "by": "speech", **spans}),)
        if self._wishes.hear:
            orders += (Send((InputTranscript(text, finished=True),)),)
        if self._listener.speaking and self._wishes.interruptible:
            return orders
        asked = Asked(words or f"{speech.seconds:.1f} seconds of speech", speech.seconds)
        return orders + self._ask(asked, now)

    def synthesised(self, work: int, sentence: str, pcm: bytes) -> None:
        """A sentence of what `work` ordered; the empty sentence is the end."""
        if not self.wants(work):
            return
        if sentence:
            self._speaker.add(sentence, pcm)
        else:
            self._speaker.finish()

    def wants(self, work: int) -> bool:
        """Whether speech for `work` is still to be said."""
        return work == self._work and self._speaker.active

    def deadline(self) -> float | None:
        return self._speaker.deadline()

    def tick(self, now: float) -> Orders:
        due = self._speaker.tick(now)
        if isinstance(due, Played):
            return self._turn_over(False, now) + self._next(now)
        kept = due if self._wishes.say else tuple(part for part in due if not isinstance(part, OutputTranscript))
        told = tuple(Told("generation-complete") for part in due if isinstance(part, GenerationComplete))
        return (*told, Send(kept)) if kept else ()

    # What the client sends

    def _listen(
        self, message: SendAudio | SendActivityStart | SendActivityEnd | SendAudioStreamEnd
    ) -> tuple[Turn, ...]:
        manual = self._wishes.detection.manual
        match message:
            case SendAudio():
                return self._hear(message)
            case SendAudioStreamEnd():
                if manual:
                    raise LiveProtocolError(_AUTOMATIC)
                return self._listener.flush()
            case _ if not manual:
                raise LiveProtocolError(_EXPLICIT)
            case SendActivityStart():
                return self._listener.start()
            case SendActivityEnd():
                return self._listener.end()
            case _:
                assert_never(message)

    def _hear(self, audio: SendAudio) -> tuple[Turn, ...]:
        try:
            return self._listener.push(audio.pcm, audio.rate)
        except ValueError as fault:
            raise LiveProtocolError(INVALID) from fault

    def _turns(self, turns: tuple[Turn, ...], now: float) -> Orders:
        orders: Orders = ()
        for turn in turns:
            match turn:
                case Began():
                    orders += (Told("speech-started", {"at_ms": turn.at_ms}), *self._signal("start", turn.at_ms))
                    orders += self._interrupt(now) if self._wishes.interruptible else ()
                case Ended():
                    orders += (*self._signal("end", turn.end_ms), Recognise(turn))
                case _:
                    assert_never(turn)
        return orders

    def _signal(self, kind: str, at_ms: float) -> Orders:
        if not self._wishes.signals:
            return ()
        return (Send((VoiceActivity("start" if kind == "start" else "end", at_ms / 1000),)),)

    def _content(self, content: SendContent, now: float) -> Orders:
        if not self._takes_content:
            raise LiveProtocolError(INVALID)
        told = Told("content", {"turns": len(content.turns), "complete": content.complete})
        orders = (told, *self._interrupt(now))
        if not content.complete:
            self.saved = replace(self.saved, turns=self.saved.turns + answered(content.turns))
            return orders + self._next(now)
        words = [turn.text for turn in content.turns if turn.role == "user"]
        return orders + self._read(words[-1] if words else "", "content", now)

    @property
    def _takes_content(self) -> bool:
        """Whether history may come now: on a new connection to a new session, or at any time."""
        can = MODELS[self._wishes.model].on[self._wishes.backend]
        return can.content == "always" or not (self._begun or self._wishes.handle)

    def _read(self, text: str, by: str, now: float) -> Orders:
        if (said := said_before(text)) is not None:
            return (Told("cue", {"text": said, "by": "go-on"}), *self._ask(Asked(text, said=said), now))
        exact = cues.parse_say(text)
        told = Told("cue" if exact is not None else "heard", {"text": text if exact is None else exact, "by": by})
        return (told, *self._ask(Asked(text if exact is None else exact, exact=exact is not None), now))

    def _result(self, result: FunctionResult, now: float) -> Orders:
        if not result.id and self._wishes.backend == "developer":
            raise LiveProtocolError(INVALID)
        told, pending = self._waiting.answered(result)
        if pending is None:
            return (told,)
        if result.scheduling == "SILENT":
            return (told, *self._turn_over(False, now), *self._next(now))
        text = fill(pending.reply.say, pending.asked.words, pending.asked.seconds, result_text(result))
        return (told, *self._say(text, now))

    # What is answered

    def _ask(self, asked: Asked, now: float) -> Orders:
        if not self._busy:
            return self._answer(asked, now)
        if self._wishes.interruptible:
            return self._interrupt(now) + self._answer(asked, now)
        self._kept.append(asked)
        return ()

    @property
    def _busy(self) -> bool:
        return self._speaker.active or bool(self._waiting)

    def _next(self, now: float) -> Orders:
        return self._answer(self._kept.popleft(), now) if self._kept else ()

    def _answer(self, asked: Asked, now: float) -> Orders:
        if asked.exact:
            return self._unsaved() + self._say(asked.words, now)
        if (more := left(self._house.script, asked, self.saved.turns)) is not None:
            return self._words(more, now)
        reply = self._house.script.answer(asked.words, self.saved.turns)
        self.saved = replace(self.saved, turns=self.saved.turns + 1)
        if reply.go_away_s is not None:
            self._lifetime.leave(reply.go_away_s, now)
        if reply.tool is None:
            text = rest(fill(reply.say, asked.words, asked.seconds), asked.said)
            return self._words(text, now)
        call = FunctionCall(f"call-{self.saved.session}-{self.saved.turns}", reply.tool.name, reply.tool.args)
        return self._unsaved() + self._waiting.begin(call, Pending(call.id, reply, asked), now)

    def _words(self, text: str, now: float) -> Orders:
        """An answer, which may be empty."""
        return self._unsaved() + (self._say(text, now) if text else self._turn_over(False, now))

    def _say(self, text: str, now: float) -> Orders:
        text = text[:MAX_CHARS]
        self._work += 1
        self._speaker.begin(now)
        told = Told("speaking", {"text": text})
        return (told, Synthesise(self._work, text, self._wishes.voice, self._wishes.language))

    def _interrupt(self, now: float) -> Orders:
        """Fall silent and give up the open tool call, if there is either."""
        if not self._busy:
            return ()
        orders, spoke = self._waiting.cancel(), self._speaker.active
        self._speaker.cut()
        if spoke:
            orders += (Told("interrupted", {"sent_s": round(self._speaker.seconds, 3)}), Send((Interrupted(),)))
        return orders + self._turn_over(True, now)

    # The end of a turn

    def _turn_over(self, interrupted: bool, now: float) -> Orders:
        seconds = self._speaker.rest()
        told = Told("turn-complete", {"interrupted": interrupted, "spoken_s": round(seconds, 3)})
        usage = self._usage(seconds)
        orders: Orders = (told, Send((TurnComplete(), usage)))
        if not self._wishes.resumable:
            return orders
        handle = self._house.resumption.issue(replace(self.saved, tokens=usage.total), now)
        index = self._index if self._wishes.transparent else None
        return (*orders, Send((ResumptionUpdate(handle, True, index),)))

    def _unsaved(self) -> Orders:
        """While it generates, a session can't be resumed."""
        return (Send((ResumptionUpdate(),)),) if self._wishes.resumable else ()

    def _usage(self, seconds: float) -> Usage:
        """A turn is billed with its whole context: what the session knew, heard, and said before."""
        heard = self.saved.tokens + round(self._listener.clock_ms / 1000 * TOKENS_S) + self._said
        said = round(seconds * TOKENS_S)
        self._said += said
        return Usage(heard, said, heard + said, by_modality={"prompt/AUDIO": heard, "response/AUDIO": said})
