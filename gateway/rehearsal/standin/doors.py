"""The paths and credentials of both backends. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from gateway.live.models import Backend

BAD_KEY = "API key not valid. Please pass a valid API key."

_DEVELOPER = re.compile(
    r"/{1,2}ws/google\.ai\.generativelanguage\.(v1|v1beta|v1alpha)\.GenerativeService"
    r"\.BidiGenerateContent(Constrained)?"
)
_VERTEX = re.compile(r"/{1,2}ws/google\.cloud\.aiplatform\.(v1|v1beta1)\.LlmBidiService/BidiGenerateContent")


@dataclass(frozen=True, slots=True)
class Door:
    """Where a client knocks. `refusal`: the reason of a close with 1007 right after the upgrade."""

    backend: Backend
    version: str
    refusal: str = ""


def enter(target: str, headers: Mapping[str, str]) -> Door | int:
    """The door that a request for `target` leads to, or the HTTP status that refuses it. Any key but "bad" is good.

    The headers' names are in lower case."""
    path, _, query = target.partition("?")
    key = headers.get("x-goog-api-key", "") or "".join(parse_qs(query).get("key", [])[:1])
    if found := _DEVELOPER.fullmatch(path):
        token = bool(found[2]) and headers.get("authorization", "").startswith("Token ")
        return Door("developer", found[1], "" if token or _good(key) else BAD_KEY)
    if found := _VERTEX.fullmatch(path):
        return _vertex(found[1], key, headers.get("authorization", ""))
    return 404


def _vertex(version: str, key: str, authorization: str) -> Door | int:
    if key:
        return Door("vertex", version, "" if _good(key) else BAD_KEY)
    scheme, _, token = authorization.partition(" ")
    return Door("vertex", version) if scheme == "Bearer" and _good(token.strip()) else 401


def _good(secret: str) -> bool:
    return secret not in ("", "bad")
