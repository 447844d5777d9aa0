"""Signatures of webhooks and handshakes, against the twilio package's own and the example of Twilio's documentation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.twilio.signature import Keys, sign, valid, valid_handshake

TOKEN = "12345"
KEYS = Keys((TOKEN,))
# twilio.com/docs/usage/webhooks/webhooks-security: this request, this token, this signature.
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
PARAMS = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}
SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="

WS = "wss://gw.example.com/ws/twilio"


def test_the_documented_example() -> None:
    assert sign(URL, PARAMS, TOKEN) == SIGNATURE
    assert valid(URL, PARAMS, SIGNATURE, KEYS)


def test_any_of_several_tokens_may_have_signed() -> None:
    assert valid(URL, PARAMS, SIGNATURE, Keys(("another", TOKEN)))
    assert not valid(URL, PARAMS, SIGNATURE, Keys(("another",)))
    assert not valid(URL, PARAMS, SIGNATURE, Keys())


def test_an_empty_token_signs_nothing() -> None:
    assert not valid(URL, PARAMS, sign(URL, PARAMS, ""), Keys(("",)))


@pytest.mark.parametrize(
    ("params", "same"),
    [
        ({"a": "1", "b": ""}, True),
        ({"a": "1"}, False),
        ({"b": "", "a": "1"}, True),
        ({"a": ["1"], "b": [""]}, True),
        ({"a": ["1", "2"], "b": ""}, False),
    ],
)
def test_blank_and_repeated_fields_count(params: dict[str, str | list[str]], same: bool) -> None:
    signature = sign("https://gw.example.com/twiml", {"a": "1", "b": ""}, TOKEN)
    assert valid("https://gw.example.com/twiml", params, signature, KEYS) is same


def test_repeated_values_are_signed_in_order_of_value() -> None:
    signature = sign(WS, {"a": ["2", "1"]}, TOKEN)
    assert valid(WS, {"a": ("1", "2")}, signature, KEYS)


@pytest.mark.parametrize(
    ("url", "same"),
    [
        (WS, True),
        ("wss://gw.example.com:443/ws/twilio", True),  # the package tries the URL without its port as well
        ("https://gw.example.com/ws/twilio", False),
        ("ws://gw.example.com/ws/twilio", False),
        (WS + "/", False),
        ("wss://GW.example.com/ws/twilio", False),
        (WS + "?a=1", False),
    ],
)
def test_a_handshake_is_signed_over_the_exact_url(url: str, same: bool) -> None:
    assert valid_handshake(url, sign(WS, {}, TOKEN), KEYS) is same


@pytest.mark.parametrize("signature", [None, "", "x", "é", "\ud800", SIGNATURE[:-1], SIGNATURE + "="])
def test_garbage_signatures_are_false(signature: str | None) -> None:
    assert not valid(URL, PARAMS, signature, KEYS)


ANY = st.text()


@given(ANY, st.dictionaries(ANY, ANY | st.lists(ANY)), st.none() | ANY, st.lists(ANY))
def test_nothing_raises(url: str, params: dict[str, str | list[str]], signature: str | None, tokens: list[str]) -> None:
    keys = Keys(tuple(tokens), {"k": "s"})
    for settings in ("", "key=k,algorithm=HMAC_SHA256", "key=", ",=,"):
        assert not valid(url, params, signature, keys, settings)
    assert not valid("https://a:b/", params, signature, keys)


TEXT = st.text(st.characters(codec="utf-8"))


@given(st.dictionaries(TEXT, TEXT | st.lists(TEXT)), TEXT.filter(bool))
def test_what_is_signed_is_valid(params: dict[str, str | list[str]], token: str) -> None:
    assert valid("https://gw/twiml", params, sign("https://gw/twiml", params, token), Keys((token,)))


SHARED = Keys((TOKEN,), {"webhooks_sharedkey_1": "a shared secret"})
SETTINGS = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"


@pytest.mark.parametrize(
    ("settings", "secret", "algorithm", "same"),
    [
        (SETTINGS, "a shared secret", "HMAC_SHA256", True),
        ("algorithm=HMAC_SHA256, key=webhooks_sharedkey_1", "a shared secret", "HMAC_SHA256", True),
        (SETTINGS, "another secret", "HMAC_SHA256", False),
        (SETTINGS, TOKEN, "HMAC_SHA256", False),
        ("key=webhooks_sharedkey_2,algorithm=HMAC_SHA256", "a shared secret", "HMAC_SHA256", False),
        ("key=webhooks_sharedkey_1,algorithm=HMAC_SHA1", "a shared secret", "HMAC_SHA1", False),
        ("key=webhooks_sharedkey_1", "a shared secret", "HMAC_SHA1", False),
        ("key=webhooks_sharedkey_1,algorithm=none", "a shared secret", "HMAC_SHA256", False),
        ("algorithm=HMAC_SHA256", TOKEN, "HMAC_SHA256", False),
        ("", TOKEN, "HMAC_SHA1", True),
        ("", "a shared secret", "HMAC_SHA1", False),
    ],
)
def test_a_shared_key_signs_with_sha256_alone(settings: str, secret: str, algorithm: str, same: bool) -> None:
    """The header that names key and algorithm is the sender's: it may not choose a weaker one."""
    assert valid(URL, PARAMS, sign(URL, PARAMS, secret, algorithm), SHARED, settings) is same
