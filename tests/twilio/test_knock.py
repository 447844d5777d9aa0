"""Our Functions' knock at the core: whose it is, and when."""

from __future__ import annotations

import pytest

from gateway.twilio.knock import sign, valid, valid_form

SECRET, PATH, NOW = "s3cret", "/calls/CA1/next?attempt=1", 1_800_000_000


def knock(at: int = NOW, secret: str = SECRET, path: str = PATH, method: str = "GET") -> tuple[str, str]:
    return str(at), sign(secret, method, path, at)


def test_what_is_signed_is_valid() -> None:
    assert valid([SECRET], "GET", PATH, knock(), NOW)
    assert valid(["new", SECRET], "GET", PATH, knock(), NOW)  # during rotation


@pytest.mark.parametrize(("skew", "taken"), [(0, True), (60, True), (-60, True), (61, False), (-61, False)])
def test_a_knock_is_good_for_a_minute(skew: int, taken: bool) -> None:
    assert valid([SECRET], "GET", PATH, knock(), NOW + skew) is taken


@pytest.mark.parametrize(
    "given",
    [
        knock(secret="another"),
        knock(path="/calls/CA2/next?attempt=1"),
        knock(path="/calls/CA1/next?attempt=2"),
        knock(method="POST"),
        (str(NOW + 1), knock()[1]),
        (str(NOW), ""),
        ("", knock()[1]),
        ("٣" * 10, knock()[1]),
        ("9" * 13, knock()[1]),
        ("-1", knock()[1]),
        (str(NOW), "\ud800é"),
    ],
)
def test_any_other_is_refused(given: tuple[str, str]) -> None:
    assert not valid([SECRET], "GET", PATH, given, NOW)


def test_a_form_is_signed_with_its_path() -> None:
    path, body = "/calls/CA1/warm", "from=%2B14155550199&to=%2B14155550100"
    given = str(NOW), sign(SECRET, "POST", path, NOW, body)
    assert valid_form(["new", SECRET], path, body, given, NOW)
    for other in ("", body + "&", body.replace("0199", "0198"), f"\n{body}"):
        assert not valid_form([SECRET], path, other, given, NOW)
    assert not valid_form([SECRET], "/calls/CA2/warm", body, given, NOW)
    assert not valid_form([SECRET], path, body, given, NOW + 61)
    assert not valid_form(["another", ""], path, body, given, NOW)
    assert not valid([SECRET], "POST", path, given, NOW)


def test_no_secret_opens_nothing() -> None:
    assert not valid([""], "GET", PATH, knock(secret="x"), NOW)
    assert not valid([], "GET", PATH, knock(), NOW)
