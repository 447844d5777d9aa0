"""Each row of the table by the words that were seen, and what holds for all of them."""

from __future__ import annotations

import pytest

from gateway.live.closing import (
    BUSY,
    CONFIG,
    GOING_AWAY,
    GONE,
    HANDLE,
    KEY,
    MODEL,
    QUOTA,
    TABLE,
    TOOLS,
    TRANSIENT,
    Verdict,
    classify,
    deciding,
)

CUT = "Publisher Model `projects/p/locations/global/publishers/google/models/gemini-live-2.5-flash-preview-na"

# The row's place in the table: code, words, resuming -> verdict.
SEEN: tuple[tuple[int, int, str, bool, Verdict], ...] = (
    (0, 429, "the handshake was refused", False, QUOTA),
    (0, 429, "PERMISSION_DENIED by a limit on requests", False, QUOTA),
    (1, 1007, "API key not valid. Please pass a valid API key.", False, KEY),
    (1, 1007, "API key not valid. Please pass a valid API key.", True, KEY),
    (1, 1008, "Your API key was reported as leaked. Please use another API key.", False, KEY),
    (1, 1008, "Method doesn't allow unregistered callers (callers without established identity).", False, KEY),
    (1, 400, '{"error": {"code": 400, "details": [{"reason": "API_KEY_INVALID"}]}}', False, KEY),
    (2, 0, "cannot connect: PermissionError: [Errno 13] Permission denied", False, TRANSIENT),
    (2, 0, "cannot connect: ConnectionRefusedError: Connect call failed ('127.0.0.1', 429)", False, TRANSIENT),
    (3, 1008, "Permission denied on resource project None.", False, KEY),
    (3, 1011, "Request had invalid authentication credentials.", False, KEY),
    (3, 403, "Your application needs a quota project, which is not set by default.", False, KEY),
    (3, 1008, "Request had insufficient authentication scopes.", False, KEY),
    (3, 1008, "Generative Language API has not been used in project 1 before or it is disabled.", False, KEY),
    (3, 1008, "This API method requires billing to be enabled.", True, KEY),
    (4, 1008, "Request trace id: f7ae7f8ad1a75738, Project 'projects/p' not found or deleted.", False, KEY),
    (5, 0, "no credentials: Application Default Credentials: Your default credentials were not found.", False, KEY),
    (5, 0, "no credentials: Application Default Credentials: File /x.json was not found.", False, KEY),
    (5, 0, "no credentials: ('invalid_grant: Token has been expired or revoked.')", False, KEY),
    (6, 1011, "RESOURCE_EXHAUSTED", False, QUOTA),
    (6, 1011, "You exceeded your current quota, please check your plan and billing details.", True, QUOTA),
    (6, 1011, "Resource has been exhausted (e.g. check quota).", False, QUOTA),
    (6, 1006, "429 Too Many Requests", False, QUOTA),
    (6, 1007, "Quota exceeded for quota metric 'Bidi generate content concurrent requests'", True, QUOTA),
    (6, 503, "rate limit exceeded", False, QUOTA),
    (7, 1011, "The session is already in use by another connection.", True, BUSY),
    (8, 1008, "models/gone is not found for API version v1beta, or is not supported for bidi", False, MODEL),
    (8, 1008, "models/x is not supported for bidiGenerateContent. Call ListModels to see", True, MODEL),
    (9, 1008, CUT, False, MODEL),
    (10, 1008, "Requested entity was not found.", True, HANDLE),
    (10, 1008, "BidiGenerateContent session not found", True, HANDLE),
    (11, 1008, "Requested entity was not found.", False, MODEL),
    (12, 1007, "User location is not supported for the API use.", False, CONFIG),
    (12, 1007, "User location is not supported for the API use.", True, CONFIG),
    (13, 1008, "The operation was aborted", True, GOING_AWAY),
    (14, 1008, "Operation is not implemented, or supported, or enabled.", False, TOOLS),
    (15, 1007, "Request contains an invalid argument.", True, HANDLE),
    (16, 1007, "Request contains an invalid argument.", False, CONFIG),
    (16, 1007, "Invalid JSON payload received. Unknown name \"voices\" at 'setup'", False, CONFIG),
    (17, 1008, "words that nobody has seen yet", False, TRANSIENT),
    (18, 1011, "keepalive ping timeout", False, GONE),
    (19, 1011, "Internal error encountered.", False, TRANSIENT),
    (19, 1011, "Deadline expired before operation could complete.", True, TRANSIENT),
    (19, 1011, "The service is currently unavailable.", False, TRANSIENT),
    (19, 1011, "", False, TRANSIENT),
    (20, 1000, "", False, GOING_AWAY),
    (20, 1001, "", False, GOING_AWAY),
    (20, 1012, "", False, GOING_AWAY),
    (21, 1005, "", False, GONE),
    (21, 1006, "the connection broke", False, GONE),
    (22, 1009, "message too big", False, HANDLE),
    (23, 1003, "", False, CONFIG),
    (23, 1010, "", False, CONFIG),
    (24, 1002, "", False, TRANSIENT),
    (24, 1013, "", False, TRANSIENT),
    (24, 4000, "", False, TRANSIENT),
    (25, 401, "the handshake was refused", False, KEY),
    (25, 403, "the handshake was refused", False, KEY),
    (26, 408, "", False, TRANSIENT),
    (27, 400, "", False, CONFIG),
    (27, 404, "the handshake was refused", False, CONFIG),
    (27, 302, "", False, CONFIG),
    (28, 500, "", False, TRANSIENT),
    (28, 503, "the handshake was refused", True, TRANSIENT),
    (29, 0, "no credentials: Application Default Credentials: Max retries exceeded", False, TRANSIENT),
)  # fmt: skip


@pytest.mark.parametrize(("at", "code", "words", "resuming", "verdict"), SEEN)
def test_each_row_decides_what_was_seen(at: int, code: int, words: str, resuming: bool, verdict: Verdict) -> None:
    assert classify(code, words, resuming=resuming) == verdict
    assert deciding(code, words, resuming) is TABLE[at]


def test_every_row_was_seen_and_says_where() -> None:
    assert {row for row, *_ in SEEN} == set(range(len(TABLE)))
    assert all(row.source for row in TABLE)


@pytest.mark.parametrize("resuming", [False, True])
@pytest.mark.parametrize("reason", ["", "Internal error", "\x00\ud800 x", "a" * 100_000])
@pytest.mark.parametrize("code", [0, 200, 302, 599, 999, 1000, 1015, 2999, 4999, 5000, -1, 10**9])
def test_whatever_comes_has_a_verdict(code: int, reason: str, resuming: bool) -> None:
    assert classify(code, reason, resuming=resuming).kind


def test_only_what_may_be_tried_again_may_be_resumed() -> None:
    verdicts = [row.verdict for row in TABLE]
    assert all(verdict.retry for verdict in verdicts if verdict.resume)
    assert {verdict.kind for verdict in verdicts if not verdict.retry} == {"config", "key", "model", "quota"}


def test_a_number_that_is_no_code_may_be_tried_again() -> None:
    assert deciding(7_000, "", False) is None
    assert classify(7_000, "") == TRANSIENT
