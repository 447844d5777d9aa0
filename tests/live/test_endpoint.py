"""Where sessions are opened (test_contract holds the same against the SDK)."""

from __future__ import annotations

import pytest

from gateway.live.endpoint import Access, Endpoint, endpoint
from gateway.live.models import Backend

DEVELOPER = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
VERTEX = "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"
JSON = {"Content-Type": "application/json"}


def vertex(**fields: str) -> Access:
    return Access(**{"token": "t", "project": "p", "location": "us-central1", **fields})


@pytest.mark.parametrize(
    ("backend", "access", "url", "headers"),
    [
        ("developer", Access("k"), f"wss://generativelanguage.googleapis.com/{DEVELOPER}", {"x-goog-api-key": "k"}),
        ("vertex", vertex(), f"wss://us-central1-aiplatform.googleapis.com/{VERTEX}", {"Authorization": "Bearer t"}),
        (
            "vertex",
            vertex(location="global", quota_project="q"),
            f"wss://aiplatform.googleapis.com/{VERTEX}",
            {"Authorization": "Bearer t", "x-goog-user-project": "q"},
        ),
        (
            "vertex",
            vertex(location="eu"),
            f"wss://aiplatform.eu.rep.googleapis.com/{VERTEX}",
            {"Authorization": "Bearer t"},
        ),
        (
            "vertex",
            vertex(location="us"),
            f"wss://aiplatform.us.rep.googleapis.com/{VERTEX}",
            {"Authorization": "Bearer t"},
        ),
        ("vertex", Access("k"), f"wss://aiplatform.googleapis.com/{VERTEX}", {"x-goog-api-key": "k"}),
        ("vertex", vertex(base_url="http://[::1]:9"), f"ws://[::1]:9{VERTEX}", {"Authorization": "Bearer t"}),
    ],
)
def test_endpoints(backend: Backend, access: Access, url: str, headers: dict[str, str]) -> None:
    assert endpoint(backend, access) == Endpoint(url, JSON | headers)


@pytest.mark.parametrize(
    ("base_url", "start"),
    [
        ("https://localhost:9443", "wss://localhost:9443/ws/"),
        ("wss://localhost:9443/", "wss://localhost:9443//ws/"),
        ("http://127.0.0.1:9480", "ws://127.0.0.1:9480/ws/"),
        ("ws://127.0.0.1:9480/prefix", "ws://127.0.0.1:9480/prefix/ws/"),
    ],
)
def test_a_base_url_replaces_the_host(base_url: str, start: str) -> None:
    assert endpoint("developer", Access("k", base_url=base_url)).url.startswith(start)


@pytest.mark.parametrize("base_url", ["localhost:9443", "ftp://a", "wss://", "wss://a?b=c", "wss://a#b"])
def test_a_base_url_is_a_sockets(base_url: str) -> None:
    with pytest.raises(ValueError, match="the base URL of the Live API is"):
        endpoint("developer", Access("k", base_url=base_url))


@pytest.mark.parametrize(
    ("backend", "access", "words"),
    [
        ("developer", Access(), "needs an API key"),
        ("vertex", Access(project="p"), "needs an API key, or on Vertex AI an access token"),
        ("vertex", vertex(location=""), "needs a location"),
    ],
)
def test_what_is_missing_is_named(backend: Backend, access: Access, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        endpoint(backend, access)


def test_secrets_are_not_printed() -> None:
    access = Access("sesame-key", token="sesame-token")
    assert "sesame" not in f"{access!r} {endpoint('developer', access)!r}"
