"""Why a Live connection ended, or never began: a close code or HTTP status with its words -> what may be tried next.

The table is read from the top; the first row whose code and words fit decides. Reasons are cut at 123 bytes (RFC 6455),
so the words looked for stand near the beginning. Sources: threads and pages as noted in each row.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from typing import Literal

Kind = Literal["config", "key", "model", "quota", "transient", "tools", "going-away", "handle", "busy", "gone"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`retry`: another connection may help. `resume`: it may name the same handle; else it begins a fresh session."""

    kind: Kind
    retry: bool
    resume: bool


CONFIG = Verdict("config", retry=False, resume=False)  # what we ask for is wrong: it stays wrong
KEY = Verdict("key", retry=False, resume=False)  # who we are: key, token, project, rights
MODEL = Verdict("model", retry=False, resume=False)
QUOTA = Verdict("quota", retry=False, resume=False)  # each further attempt makes it worse
TRANSIENT = Verdict("transient", retry=True, resume=True)  # the server's fault, or the way there
TOOLS = Verdict("tools", retry=True, resume=True)  # its fault too: sound while a tool call waited for its result
GOING_AWAY = Verdict("going-away", retry=True, resume=True)  # the connection's time was over
HANDLE = Verdict("handle", retry=True, resume=False)  # this session can't go on; another can
BUSY = Verdict("busy", retry=True, resume=True)  # the session's last connection isn't closed yet
GONE = Verdict("gone", retry=True, resume=True)  # it broke without a word

NONE = 0  # no connection came about
NORMAL, LEAVING, NO_STATUS, ABNORMAL, RESTART = 1000, 1001, 1005, 1006, 1012
INVALID, POLICY, TOO_BIG, INTERNAL = 1007, 1008, 1009, 1011
CLOSES = range(1000, 5000)
STATUSES = range(100, 1000)  # of a refused upgrade
SERVER_FAULTS = range(500, 600)
REFUSALS = range(300, 500)  # a redirect that was not followed is no answer either
SAID = (*STATUSES, *CLOSES)
ANY = (NONE, *SAID)


@dataclass(frozen=True, slots=True)
class Row:
    """`words`: a pattern that the reason holds, in any case. `resuming`: None where it makes no difference."""

    codes: Container[int]
    words: str
    verdict: Verdict
    source: str
    resuming: bool | None = None


# fmt: off
TABLE = (
    Row((429,), r"", QUOTA, "interpretab#13: concurrency or quota, at the upgrade"),
    Row((INVALID, POLICY, *STATUSES), r"api.?key|unregistered callers", KEY, "Google's words for a bad or missing key"),
    Row((NONE,), r"^cannot connect:", TRANSIENT, "this machine's words, a PermissionError's too: no server spoke"),
    Row(ANY, r"permission.?denied|unauthenticated|invalid authentication|insufficient authentication|quota project|"
             r"has not been used in project|requires billing", KEY, "generative-ai#3061, and Google's words"),
    Row((POLICY,), r"project .*(not found|deleted)", KEY, "generative-ai#1748"),
    Row((NONE,), r"credentials were not found|credentials: file .* not found|invalid_grant|reauthenticat", KEY,
        "google-auth: none, not where they should be, or revoked"),
    Row(SAID, r"resource.?exhausted|resource has been exhausted|\bquota|rate.?limit|too many requests|\b429\b", QUOTA,
        "livekit/agents#1679, cheating-daddy#455, interpretab#13"),
    Row((INTERNAL, POLICY), r"already (in use|open|active|connected)", BUSY, "sip-to-ai#14: close the old one first"),
    Row((POLICY,), r"not found for api version|not supported for bidigeneratecontent", MODEL, "livekit/agents#4414"),
    Row((POLICY,), r"publisher model", MODEL, "adk-python#3314: Vertex AI, the end of the words is cut off"),
    Row((POLICY,), r"entity was not found|session.*(not found|expired)", HANDLE, "the session is gone", resuming=True),
    Row((POLICY,), r"entity was not found", MODEL, "nothing else was named in a fresh setup", resuming=False),
    Row((INVALID, POLICY), r"location is not supported", CONFIG, "Google's words for a country without the API"),
    Row((POLICY,), r"operation was aborted", GOING_AWAY, "autonomous-os#238: goAway has run out"),
    Row((POLICY,), r"not implemented, or supported, or enabled", TOOLS, "js-genai#1236, livekit/agents#4545"),
    Row((INVALID,), r"", HANDLE, "discuss 186392: a refused handle; pipecat#4403, a full context", resuming=True),
    Row((INVALID,), r"", CONFIG, "Invalid JSON payload, invalid argument: pipecat#4403", resuming=False),
    Row((POLICY,), r"", TRANSIENT, "unknown words: a server's fault was seen far more often than a rule"),
    Row((INTERNAL,), r"keepalive ping timeout", GONE, "sip-to-ai#14: a WebSocket library's words"),
    Row((INTERNAL,), r"", TRANSIENT, "python-genai#985, adk-python#3918: internal, deadline, unavailable"),
    Row((NORMAL, LEAVING, RESTART), r"", GOING_AWAY, "RFC 6455; Vertex AI's troubleshooting page: token limit, time"),
    Row((NO_STATUS, ABNORMAL), r"", GONE, "RFC 6455: no close frame, the network"),
    Row((TOO_BIG,), r"", HANDLE, "RFC 6455: what the session was to take; a fresh one is smaller"),
    Row((1003, 1010), r"", CONFIG, "RFC 6455: what we send is not taken"),
    Row(CLOSES, r"", TRANSIENT, "RFC 6455 and the IANA registry: 1002, 1013, 1014 and whatever comes"),
    Row((401, 403, 407), r"", KEY, "RFC 9110; python-genai: InvalidStatus at the upgrade"),
    Row((408, 425), r"", TRANSIENT, "RFC 9110, RFC 8470"),
    Row(REFUSALS, r"", CONFIG, "RFC 9110: 404 is a wrong version, place or path; the model is named later"),
    Row(SERVER_FAULTS, r"", TRANSIENT, "RFC 9110"),
    Row((NONE,), r"", TRANSIENT, "the network, or a token server that is down"),
)
# fmt: on

_PATTERNS = tuple(re.compile(row.words, re.IGNORECASE) for row in TABLE)


def classify(code: int, reason: str, *, resuming: bool = False) -> Verdict:
    """What may be tried after an end. `code`: the close code, the HTTP status of a refused upgrade, or 0.

    `resuming`: a setup like this had been taken before (it names a handle, or the session was ready): what is refused
    now is the session, not the setup."""
    row = deciding(code, reason, resuming)
    return TRANSIENT if row is None else row.verdict


def deciding(code: int, reason: str, resuming: bool) -> Row | None:
    """The row that decides; None for a number that is no code at all."""
    for row, pattern in zip(TABLE, _PATTERNS, strict=True):
        if code in row.codes and row.resuming in (None, resuming) and pattern.search(reason):
            return row
    return None
