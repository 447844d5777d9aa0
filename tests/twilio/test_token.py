"""The stream token: bound to its call, short-lived, tamper-proof, used once."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.twilio.token import MAX_TOKEN, StreamClaims, TokenError, mint, verify

CALL, ACCOUNT = "CA" + "0" * 32, "AC" + "1" * 32
CLAIMS = StreamClaims(CALL, ACCOUNT, "harbour-dental", "front-desk", "ava", 2)
NOW = 1_796_000_000.5
NONCE = "Zm9vYmFyYmF6cXV4cXV1eA"


def refused(token: str, *, secret: str = "s", call: str = CALL, account: str = ACCOUNT, now: float = NOW) -> str:
    with pytest.raises(TokenError) as caught:
        verify(token, [secret], call, account, now)
    assert str(caught.value) == f"stream token: {caught.value.reason}"
    return caught.value.reason


def encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def sealed(body: bytes, secret: bytes = b"s") -> str:
    text = encode(body)
    return f"{text}.{encode(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


def test_a_token_brings_its_claims_back() -> None:
    found = verify(mint("s", CLAIMS, NOW, NONCE), ["s"], CALL, ACCOUNT, NOW)
    assert (found, found.token_id) == (CLAIMS, NONCE)


def test_the_format_is_what_others_can_mint() -> None:
    said = {"sid": CALL, "acc": ACCOUNT, "flow": "harbour-dental", "line": "front-desk", "per": "ava", "try": 2}
    body = json.dumps(said | {"exp": 1_796_000_060, "n": NONCE}, separators=(",", ":")).encode()
    assert mint("s", CLAIMS, NOW, NONCE) == sealed(body)


def test_it_fits_a_parameter() -> None:
    longest = StreamClaims(CALL, ACCOUNT, "f" * 63, "l" * 63, "p" * 48, 3)
    assert len("token" + mint("s", longest, NOW, "n" * 12)) < MAX_TOKEN


def test_secrets_rotate() -> None:
    assert verify(mint("old", CLAIMS, NOW, NONCE), ["new", "old"], CALL, ACCOUNT, NOW) == CLAIMS


def test_it_expires() -> None:
    token = mint("s", CLAIMS, NOW, NONCE, ttl_s=10)
    assert verify(token, ["s"], CALL, ACCOUNT, 1_796_000_009.9) == CLAIMS
    assert refused(token, now=1_796_000_010.0) == "expired"


def test_a_clock_may_be_a_minute_ahead_and_no_more() -> None:
    """What is valid for longer than its use is remembered could be used twice."""
    assert verify(mint("s", CLAIMS, NOW + 60, NONCE), ["s"], CALL, ACCOUNT, NOW) == CLAIMS
    assert refused(mint("s", CLAIMS, NOW + 61, NONCE), now=NOW) == "valid too long"
    assert refused(mint("s", CLAIMS, NOW, NONCE, ttl_s=10**9), now=NOW) == "valid too long"


def test_it_opens_no_other_call() -> None:
    token = mint("s", CLAIMS, NOW, NONCE)
    assert refused(token, call="CA2") == "other call"
    assert refused(token, account="AC2") == "other call"


def test_it_cannot_be_changed() -> None:
    body, mac = mint("s", CLAIMS, NOW, NONCE).split(".")
    assert refused(f"{body}.{mac}", secret="other") == "bad signature"
    assert refused(f"{body}A.{mac}") == "bad signature"
    assert refused(f"{body}.{mac[:-1]}") == "bad signature"
    assert refused(f"{body}.") == "bad signature"


def test_an_empty_secret_opens_nothing() -> None:
    assert refused(sealed(b"{}", b""), secret="") == "bad signature"
    with pytest.raises(ValueError, match="needs a secret and a nonce"):
        mint("", CLAIMS, NOW, NONCE)
    with pytest.raises(ValueError, match="needs a secret and a nonce"):
        mint("s", CLAIMS, NOW, "")


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "é.b", "a" * 300 + "." + "b" * 300, "\ud800."])
def test_malformed(token: str) -> None:
    assert refused(token) == "malformed"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"5",
        b"{}",
        b"\xff",
        b'{"sid":1,"acc":"","flow":"","line":"","n":"","try":1,"exp":1}',
        b'{"sid":"","acc":"","flow":"","line":"","n":"","try":true,"exp":1}',
        b'{"sid":"","acc":"","flow":"","line":"","n":"","try":1,"exp":"1"}',
    ],
)
def test_well_sealed_nonsense_is_malformed(body: bytes) -> None:
    assert refused(sealed(body)) == "malformed"


@given(st.text())
def test_no_text_opens_a_call(token: str) -> None:
    assert refused(token) in ("malformed", "bad signature")
