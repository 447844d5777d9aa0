"""Where a Live session is opened, and with which headers. Pure: credentials are arguments.

Same hosts, paths and headers as google-genai, with two differences: the Developer API's version is pinned, and a base
URL with ws:// or http:// means a plain socket (a local peer needs no certificate).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import assert_never
from urllib.parse import urlsplit

from gateway.live.models import Backend

DEVELOPER_VERSION = "v1beta"  # the SDK's default, v1, isn't documented for Live (ai.google.dev/api/live)
VERTEX_VERSION = "v1beta1"
MULTI_REGIONS = ("us", "eu")

_SOCKET = {"ws": "ws", "http": "ws", "wss": "wss", "https": "wss"}


@dataclass(frozen=True, slots=True)
class Access:
    """Credentials and place. Developer API: `api_key`. Vertex AI: `token` (an OAuth 2 access token), `project` and
    `location`; or an `api_key` (express mode). `base_url` replaces the host, as GOOGLE_GEMINI_BASE_URL does."""

    api_key: str = field(default="", repr=False)
    project: str = ""
    location: str = ""
    token: str = field(default="", repr=False)
    base_url: str = ""
    quota_project: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    url: str
    headers: Mapping[str, str] = field(repr=False)


def endpoint(backend: Backend, access: Access) -> Endpoint:
    """Raises ValueError where credentials or location are missing, or `base_url` isn't a ws(s) or http(s) URL."""
    match backend:
        case "developer":
            return _developer(access)
        case "vertex":
            return _vertex(access)
        case _:
            assert_never(backend)


def _developer(access: Access) -> Endpoint:
    service = f"google.ai.generativelanguage.{DEVELOPER_VERSION}.GenerativeService.BidiGenerateContent"
    base = _base(access.base_url or "https://generativelanguage.googleapis.com/")
    return Endpoint(f"{base}/ws/{service}", _headers(_key(access.api_key)))


def _vertex(access: Access) -> Endpoint:
    service = f"google.cloud.aiplatform.{VERTEX_VERSION}.LlmBidiService/BidiGenerateContent"
    base = _base(access.base_url or f"https://{_vertex_host(access)}/")
    if not access.token:
        return Endpoint(f"{base}/ws/{service}", _headers(_key(access.api_key)))
    credentials = {"Authorization": f"Bearer {access.token}"}
    if access.quota_project:
        credentials["x-goog-user-project"] = access.quota_project
    return Endpoint(f"{base}/ws/{service}", _headers(credentials))


def _vertex_host(access: Access) -> str:
    if access.location == "global" or (not access.token and not access.location):
        return "aiplatform.googleapis.com"
    if not access.location:
        raise ValueError("Vertex AI needs a location")
    if access.location in MULTI_REGIONS:
        return f"aiplatform.{access.location}.rep.googleapis.com"
    return f"{access.location}-aiplatform.googleapis.com"


def _base(url: str) -> str:
    """With the scheme of a socket. A slash at the end stays: the SDK sends a double one, and the server takes it."""
    parts = urlsplit(url)
    if parts.scheme not in _SOCKET or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("the base URL of the Live API is ws://, wss://, http:// or https:// with a host, no query")
    return parts._replace(scheme=_SOCKET[parts.scheme]).geturl()


def _key(api_key: str) -> Mapping[str, str]:
    if not api_key:
        raise ValueError("the Live API needs an API key, or on Vertex AI an access token")
    return {"x-goog-api-key": api_key}


def _headers(credentials: Mapping[str, str]) -> Mapping[str, str]:
    return {"Content-Type": "application/json", **credentials}
