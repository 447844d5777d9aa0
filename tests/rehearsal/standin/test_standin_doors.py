"""Which door a request leads to, and what keeps it shut."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gateway.rehearsal.standin.doors import BAD_KEY, Door, enter

DEVELOPER = "/ws/google.ai.generativelanguage.{}.GenerativeService.BidiGenerateContent"
VERTEX = "/ws/google.cloud.aiplatform.{}.LlmBidiService/BidiGenerateContent"
KEY = {"x-goog-api-key": "any"}


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("version", ["v1", "v1beta", "v1alpha"])
def test_the_developer_api(slash: str, version: str) -> None:
    assert enter(slash + DEVELOPER.format(version), KEY) == Door("developer", version)


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_vertex(slash: str, version: str) -> None:
    assert enter(slash + VERTEX.format(version), {"authorization": "Bearer token"}) == Door("vertex", version)


@pytest.mark.parametrize(
    ("target", "headers", "door"),
    [
        (DEVELOPER + "?key=any", {}, Door("developer", "v1beta")),
        (DEVELOPER + "?alt=json&key=bad", {}, Door("developer", "v1beta", BAD_KEY)),
        (DEVELOPER + "?key=any", {"x-goog-api-key": "bad"}, Door("developer", "v1beta", BAD_KEY)),
        (DEVELOPER, {}, Door("developer", "v1beta", BAD_KEY)),
        (DEVELOPER, {"x-goog-api-key": "bad"}, Door("developer", "v1beta", BAD_KEY)),
        (DEVELOPER, {"authorization": "Token auth_tokens/1"}, Door("developer", "v1beta", BAD_KEY)),
        (DEVELOPER + "Constrained", {"authorization": "Token auth_tokens/1"}, Door("developer", "v1beta")),
        (DEVELOPER + "Constrained", {"authorization": "Bearer 1"}, Door("developer", "v1beta", BAD_KEY)),
    ],
)
def test_keys_of_the_developer_api(target: str, headers: Mapping[str, str], door: Door) -> None:
    assert enter(target.format("v1beta"), headers) == door


@pytest.mark.parametrize(
    ("headers", "door"),
    [
        (KEY, Door("vertex", "v1beta1")),
        ({"x-goog-api-key": "bad"}, Door("vertex", "v1beta1", BAD_KEY)),
        ({}, 401),
        ({"authorization": "Bearer"}, 401),
        ({"authorization": "Bearer  "}, 401),
        ({"authorization": "Bearer bad"}, 401),
        ({"authorization": "Basic any"}, 401),
    ],
)
def test_credentials_of_vertex(headers: Mapping[str, str], door: Door | int) -> None:
    assert enter(VERTEX.format("v1beta1"), headers) == door


@pytest.mark.parametrize(
    "target",
    ["", "/", "//", "///[", "http://[::", "*", "/ws/", DEVELOPER.format("v2"), VERTEX.format("v1beta"),
     DEVELOPER.format("v1") + "s", "//" + DEVELOPER.format("v1"), "/%00?key=%ff&key"],
)  # fmt: skip
def test_there_is_nothing_elsewhere(target: str) -> None:
    assert enter(target, KEY) == 404
