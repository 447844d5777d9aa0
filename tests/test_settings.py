"""Settings: what the environment may say, and the words when it says something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.addresses import SettingsError, is_loopback
from gateway.server.documents import stream_url
from gateway.settings import child_environment, flows_folder, read
from gateway.twilio import twiml

CLOUD = {
    "K_SERVICE": "gateway",
    "LIVE_BACKEND": "developer",
    "GOOGLE_API_KEY": "k",
    "STREAM_SECRET": "s",
    "TWILIO_AUTH_TOKEN": "t",
    "PUBLIC_URL": "https://gw.example.com",
    "REDIS_URL": "redis://h",
}
NO_URL = "takes https://HOST as Twilio sees it: no user, query or spaces"
NO_REDIS = (
    "takes redis://HOST:PORT or, with TLS, rediss://USER:PASSWORD@HOST:PORT/DATABASE "
    "(%-escape what is special in a password)"
)
NO_REDIS_URLS = (
    *("MARK", "localhost:6379", "http://MARK", "unix:///run/redis.sock", "redis://", "redis://:MARK@", "redis:///0"),
    *("redis://:MARK@h:port", "redis://:MARK@h:70000", "redis://:MA#RK@h", "redis://:MA/RK@h", "redis://:MARK@h/zero"),
    *("redis://:MARK@h/0/1", "redis://[::1", "redis://h MARK", "redis://hö", "redis://h?MARK"),
)
NO_URLS = (  # each was once taken, and had every call rejected or the handshake never match
    *("gw.example.com", "HTTPS://gw.example.com", "https://", "https://:8080", "https://gw example.com"),
    *("https://ann:MARK@gw.example.com", "https://gw.example.com?", "https://gw.example.com#", "https://h:port"),
    *("https://h\\x", "https://[::1", "https://h/a b", "https://gw.example.com/?a=1", "https://h\x00", "wss://h"),
    *("https://[1.2.3]", "https://h:99999", "https://h:0"),
)


def test_nothing_set_is_a_rehearsal_on_this_machine() -> None:
    settings = read({})
    assert (settings.host, settings.port, settings.backend) == ("127.0.0.1", 8080, "rehearsal")
    assert settings.auth
    assert not settings.end_with_stdin
    assert (settings.metrics, read({"METRICS": "on"}).metrics) == (False, True)
    assert settings.live_frame_ms == 40
    assert settings.flows_dir == Path("flows")
    assert settings.log_format == "json"
    assert read({}, is_terminal=True).log_format == "text"


def test_private_fields_are_kept_or_dropped() -> None:
    assert (read({}).log_private, read({"LOG_PRIVATE": "drop"}).log_private) == (True, False)


def test_cloud_run_says_who_we_are() -> None:
    settings = read({**CLOUD, "K_REVISION": "gateway-00007"})
    assert (settings.service, settings.revision) == ("gateway", "gateway-00007")


def test_the_stream_secret_is_random_per_process_when_it_is_not_set() -> None:
    assert read({}).stream_secrets != read({}).stream_secrets
    assert read({"STREAM_SECRET": "a", "STREAM_SECRET_PREVIOUS": "b"}).stream_secrets == ("a", "b")


def test_cloud_run_listens_to_all() -> None:
    settings = read(CLOUD)
    assert (settings.host, settings.on_cloud_run) == ("0.0.0.0", True)


def test_both_names_of_the_key_are_taken() -> None:
    assert read({"LIVE_BACKEND": "developer", "GEMINI_API_KEY": "g"}).google.api_key == "g"


def test_vertex() -> None:
    env = {"LIVE_BACKEND": "vertex", "GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_CLOUD_LOCATION": "us-central1"}
    settings = read({**env, "GOOGLE_VERTEX_BASE_URL": "ws://127.0.0.1:1", "GOOGLE_GEMINI_BASE_URL": "https://other"})
    assert (settings.google.project, settings.google.location) == ("p", "us-central1")
    assert settings.google.base_url == "ws://127.0.0.1:1"


def test_the_previous_token_is_accepted_as_well() -> None:
    settings = read({"TWILIO_AUTH_TOKEN": "new", "TWILIO_AUTH_TOKEN_PREVIOUS": "old"})
    assert settings.twilio.auth_tokens == ("new", "old")


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"PORT": "http"}, "PORT: takes a whole number from 0 to 65535, not 'http'"),
        ({"PORT": "70000"}, "PORT: takes a whole number from 0 to 65535, not '70000'"),
        ({"PORT": "-1"}, "PORT: takes a whole number from 0 to 65535, not '-1'"),
        ({"PORT": "٣"}, "PORT: takes a whole number from 0 to 65535, not '٣'"),
        ({"LIVE_BACKEND": "openai"}, "LIVE_BACKEND: takes one of rehearsal, developer, vertex, not 'openai'"),
        ({"LIVE_FRAME_MS": "30"}, "LIVE_FRAME_MS: takes one of 20, 40, 60, 100, not '30'"),
        ({"LIVE_FRAME_MS": "fast"}, "LIVE_FRAME_MS: takes one of 20, 40, 60, 100, not 'fast'"),
        ({"AUTH": "no"}, "AUTH: takes one of required, off, not 'no'"),
        ({"LOG_PRIVATE": "hide"}, "LOG_PRIVATE: takes one of keep, drop, not 'hide'"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL: takes one of debug, info, warning, error, not 'loud'"),
        ({"METRICS": "yes"}, "METRICS: takes one of on, off, not 'yes'"),
        ({"MAX_CALLS": "0"}, "MAX_CALLS: takes a whole number from 1 to 10000, not '0'"),
        ({"PLAYOUT_LEAD_MS": "10"}, "PLAYOUT_LEAD_MS: takes a whole number from 100 to 5000, not '10'"),
        (
            {"LIVE_BACKEND": "developer"},
            "GOOGLE_API_KEY: is needed for LIVE_BACKEND=developer (GEMINI_API_KEY will do)",
        ),
        ({"LIVE_BACKEND": "vertex"}, "GOOGLE_CLOUD_PROJECT: is needed for LIVE_BACKEND=vertex"),
        (
            {"LIVE_BACKEND": "vertex", "GOOGLE_CLOUD_PROJECT": "p"},
            "GOOGLE_CLOUD_LOCATION: is needed for LIVE_BACKEND=vertex: a region, global, us or eu",
        ),
        (
            {"GOOGLE_GEMINI_BASE_URL": "localhost:1"},
            "GOOGLE_GEMINI_BASE_URL: takes a URL that begins with https://, wss://, http:// or ws://",
        ),
        *(({"PUBLIC_URL": url}, f"PUBLIC_URL: {NO_URL}") for url in NO_URLS),
        *(({"REDIS_URL": url}, f"REDIS_URL: {NO_REDIS}") for url in NO_REDIS_URLS),
        *(
            ({"REDIS_URL": f"{scheme}://h?{option}"}, "REDIS_URL: takes no options but ssl_ca_certs, with rediss://")
            for scheme, option in (("rediss", "ssl_cert_reqs=none"), ("rediss", "socket_timeout=9"), ("redis", "db=1"))
        ),
        ({"REDIS_URL": "rediss://h#MARK"}, "REDIS_URL: takes no options but ssl_ca_certs, with rediss://"),
        ({"REDIS_URL": "rediss://h?ssl_ca_certs=/no/such.pem"}, "REDIS_URL: ssl_ca_certs names no file"),
        (
            {"PUBLIC_URL": "http://gw.example.com"},
            "PUBLIC_URL: must be https:// (Twilio streams to wss:// only); http:// is for this machine",
        ),
        ({"REHEARSAL_SCRIPT": "/no/such.yaml"}, "REHEARSAL_SCRIPT: no such file: /no/such.yaml"),
        (
            {"AUTH": "off", "HOST": "0.0.0.0", "LIVE_BACKEND": "developer", "GOOGLE_API_KEY": "k"},
            "AUTH: off is taken only with LIVE_BACKEND=rehearsal or on a loopback HOST",
        ),
        ({"K_SERVICE": "gw"}, "LIVE_BACKEND: must be named on Cloud Run: developer, vertex or rehearsal"),
        (
            {**CLOUD, "STREAM_SECRET": ""},
            "STREAM_SECRET: is needed on Cloud Run: every instance must sign stream tokens alike",
        ),
        (
            {**CLOUD, "TWILIO_AUTH_TOKEN": ""},
            "TWILIO_AUTH_TOKEN: is needed: without it no call can be told from a forgery",
        ),
        ({**CLOUD, "PUBLIC_URL": ""}, "PUBLIC_URL: is needed on Cloud Run: signatures are checked against it"),
    ],
)
def test_a_wrong_value_is_named_with_what_it_takes(env: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read(env)
    assert str(raised.value) == words
    assert raised.value.__cause__ is None
    assert "MARK" not in words
    assert raised.value.variable == words.split(":")[0]


def test_secrets_are_not_in_the_text_of_the_settings() -> None:
    env = {**CLOUD, "GOOGLE_API_KEY": "MARK1", "STREAM_SECRET": "MARK2", "TWILIO_AUTH_TOKEN": "MARK3"}
    assert "MARK" not in repr(read({**env, "REDIS_URL": "redis://:MARK4@h"}))


@pytest.mark.parametrize(
    "url",
    [
        *("redis://localhost", "redis://10.0.0.3:6379", "redis://[::1]:6379/0", "redis://:p%40ss@h/", " redis://h\n"),
        *("rediss://user:pass@h:6378/15", f"rediss://h?ssl_ca_certs={__file__}", ""),
    ],
)
def test_where_the_store_is(url: str) -> None:
    assert read({"REDIS_URL": url, "STREAM_SECRET": "s"}).redis_url == url.strip()


def test_on_cloud_run_calls_outlive_an_instance_or_there_is_but_one() -> None:
    alone = {name: value for name, value in CLOUD.items() if name != "REDIS_URL"}
    with pytest.raises(SettingsError, match=r"^REDIS_URL: is needed on Cloud Run .* declare one instance: MAX_INS"):
        read(alone)
    with pytest.raises(SettingsError, match=r"^REDIS_URL: is needed"):
        read({**alone, "MAX_INSTANCES": "2"})
    assert read({**alone, "MAX_INSTANCES": "1"}).redis_url == ""


def test_instances_that_share_a_store_sign_alike() -> None:
    with pytest.raises(SettingsError, match=r"^STREAM_SECRET: is needed with REDIS_URL"):
        read({"REDIS_URL": "redis://h"})
    assert read({"REDIS_URL": "redis://h", "AUTH": "off"}).redis_url


def test_a_store_that_takes_access_tokens() -> None:
    env = {"STREAM_SECRET": "s", "REDIS_AUTH": "iam"}
    assert read({**env, "REDIS_URL": "rediss://h"}).redis_auth == "iam"
    assert read({}).redis_auth == "url"
    for url, words in (("redis://h", "rediss://"), ("rediss://u:p@h", "no password"), ("", "rediss://")):
        with pytest.raises(SettingsError, match=f"^REDIS_AUTH: .*{words}"):
            read({**env, "REDIS_URL": url})


def test_how_long_a_stream_and_a_stall_may_last() -> None:
    assert (read({}).max_stream_s, read({}).watchdog_s, read(CLOUD).watchdog_s) == (3_000, 0, 15)
    assert read({"MAX_STREAM_S": "60", "WATCHDOG_S": "5"}).watchdog_s == 5
    with pytest.raises(SettingsError, match=r"^MAX_STREAM_S: takes a whole number from 5 to 3000"):
        read({"MAX_STREAM_S": "3600"})


@pytest.mark.parametrize("url", ["https://gw.example.com/", " https://gw.example.com\n", "https://gw.example.com//"])
def test_a_trailing_slash_or_line_end_of_the_public_url_does_not_matter(url: str) -> None:
    assert read({"PUBLIC_URL": url}).public_url == "https://gw.example.com"


@pytest.mark.parametrize(
    "url", ["https://GW.example.com", "https://h/path/below", "http://[::1]:8080", "https://h:8443"]
)
def test_what_is_taken_as_public_url_becomes_a_streams(url: str) -> None:
    stream = twiml.Stream(stream_url(read({"PUBLIC_URL": url}).public_url))
    assert "<Stream" in twiml.connect(stream, {})


def test_the_line_end_of_a_secret_store_is_no_part_of_the_secret() -> None:
    settings = read({"TWILIO_AUTH_TOKEN": "a\n", "STREAM_SECRET": "b\n", "STREAM_SECRET_PREVIOUS": "c\n"})
    assert (settings.twilio.auth_tokens, settings.stream_secrets) == (("a",), ("b", "c"))
    assert read({"TWILIO_ACCOUNT_SID": "AC1\n"}).twilio.account_sid == "AC1"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("gw", False)],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_the_process_environment_is_read_when_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWS_DIR", "elsewhere")
    monkeypatch.setenv("PORT", "1234")
    assert read().port == 1234
    assert flows_folder() == Path("elsewhere")
    assert child_environment(PORT="5")["PORT"] == "5"
    assert child_environment(PORT="5")["FLOWS_DIR"] == "elsewhere"
