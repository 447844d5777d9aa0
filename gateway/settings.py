"""The environment, read once into a frozen `Settings`. Only this reads os.environ; bad values are `SettingsError`s."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from gateway.addresses import SettingsError, is_loopback, public_url, redis_url

Backend = Literal["rehearsal", "developer", "vertex"]
T = TypeVar("T")

MAX_STREAM_S_DEFAULT = 3_000  # Cloud Run cuts a stream after an hour at most, without a word
WATCHDOG_S_DEFAULT = 15
LIVE_FRAMES_MS = (20, 40, 60, 100)
MAX_CALLS_DEFAULT = 40  # bench/load.py: one core carries these with p99 of the added delay below 10 ms
PLAYOUT_LEAD_MS_DEFAULT = (
    400  # sound sent ahead of play-out: what a late network may eat, and what a barge-in throws away
)


@dataclass(frozen=True, slots=True)
class Google:
    """How the Live API is reached. `base_url` overrides the host; ws:// and http:// are plain sockets."""

    api_key: str = field(default="", repr=False)
    project: str = ""
    location: str = ""
    base_url: str = ""


@dataclass(frozen=True, slots=True)
class Twilio:
    account_sid: str = ""
    auth_tokens: tuple[str, ...] = field(default=(), repr=False)  # the current one, then the previous during rotation
    shared_keys: Mapping[str, str] = field(default_factory=dict, repr=False)  # Twilio's SharedKeys: id -> secret


@dataclass(frozen=True, slots=True)
class Settings:
    host: str
    port: int
    flows_dir: Path
    backend: Backend
    google: Google
    twilio: Twilio
    public_url: str
    redis_url: str = field(repr=False)  # it may hold a password; empty: what outlives an instance is kept in memory
    redis_auth: Literal["url", "iam"]  # the password: the URL's, or an access token of Application Default Credentials
    watchdog_s: int  # the process ends when its event loop stands still so long; 0: never
    max_stream_s: int  # a stream is left so long after its beginning (and a tenth more, at random)
    auth: bool
    stream_secrets: tuple[str, ...] = field(repr=False)
    max_calls: int
    live_frame_ms: int
    playout_lead_ms: int
    log_format: Literal["text", "json"]
    log_level: Literal["debug", "info", "warning", "error"]
    log_private: bool  # whether callers' words and numbers are written at all, under `private`
    rehearsal_script: Path | None
    metrics: bool  # whether GET /metrics answers
    on_cloud_run: bool
    service: str  # Cloud Run's name of us, and of this version of us; empty elsewhere
    revision: str
    end_with_stdin: bool  # for a parent that starts the gateway: when it is gone, so are we


def read(env: Mapping[str, str] | None = None, *, is_terminal: bool = False) -> Settings:
    """The settings that `env` (default: the process's environment) asks for. Raises SettingsError."""
    env = os.environ if env is None else env
    cloud = "K_SERVICE" in env
    backend = _backend(env, cloud)
    host = env.get("HOST") or ("0.0.0.0" if cloud else "127.0.0.1")
    settings = Settings(
        host=host,
        port=_integer(env, "PORT", 8080, 0, 65535),
        flows_dir=flows_folder(env),
        backend=backend,
        google=_google(env, backend),
        twilio=_twilio(env),
        public_url=public_url(env),
        redis_url=redis_url(env),
        redis_auth=_redis_auth(env),
        watchdog_s=_integer(env, "WATCHDOG_S", WATCHDOG_S_DEFAULT if cloud else 0, 0, 600),
        max_stream_s=_integer(env, "MAX_STREAM_S", MAX_STREAM_S_DEFAULT, 5, MAX_STREAM_S_DEFAULT),
        auth=_auth(env, backend, host),
        stream_secrets=_stream_secrets(env, cloud),
        max_calls=_integer(env, "MAX_CALLS", MAX_CALLS_DEFAULT, 1, 10_000),
        live_frame_ms=_one_of(env, "LIVE_FRAME_MS", LIVE_FRAMES_MS, 40, int),
        playout_lead_ms=_integer(env, "PLAYOUT_LEAD_MS", PLAYOUT_LEAD_MS_DEFAULT, 100, 5000),
        log_format=_one_of(env, "LOG_FORMAT", ("text", "json"), "text" if is_terminal else "json", str),
        log_level=_one_of(env, "LOG_LEVEL", ("debug", "info", "warning", "error"), "info", str.lower),
        log_private=_one_of(env, "LOG_PRIVATE", ("keep", "drop"), "keep", str) == "keep",
        rehearsal_script=_script(env),
        metrics=_one_of(env, "METRICS", ("on", "off"), "off", str) == "on",
        on_cloud_run=cloud,
        service=env.get("K_SERVICE", ""),
        revision=env.get("K_REVISION", ""),
        end_with_stdin=_one_of(env, "END_WITH_STDIN", ("0", "1"), "0", str) == "1",
    )
    _check_together(settings)
    _check_store(settings, env)
    return settings


def flows_folder(env: Mapping[str, str] | None = None) -> Path:
    """FLOWS_DIR alone, for commands that need no other setting: a folder, a flow file or a compiled artefact."""
    return Path((os.environ if env is None else env).get("FLOWS_DIR") or "flows")


def flow_environment(env: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """The variables that `${NAME}` in a flow file may name: the whole environment."""
    return dict(os.environ if env is None else env)


def child_environment(**changes: str) -> dict[str, str]:
    """This process's environment with `changes`: what a child of the demo gets."""
    return {**os.environ, **changes}


def _backend(env: Mapping[str, str], cloud: bool) -> Backend:
    if cloud and not env.get("LIVE_BACKEND"):
        raise SettingsError("LIVE_BACKEND", "must be named on Cloud Run: developer, vertex or rehearsal")
    return _one_of(env, "LIVE_BACKEND", ("rehearsal", "developer", "vertex"), "rehearsal", str)


def _google(env: Mapping[str, str], backend: Backend) -> Google:
    key = env.get("GOOGLE_API_KEY") or env.get("GEMINI_API_KEY") or ""
    base = env.get("GOOGLE_VERTEX_BASE_URL" if backend == "vertex" else "GOOGLE_GEMINI_BASE_URL") or ""
    google = Google(key, env.get("GOOGLE_CLOUD_PROJECT", ""), env.get("GOOGLE_CLOUD_LOCATION", ""), base)
    if base and urlsplit(base).scheme not in ("ws", "wss", "http", "https"):
        raise SettingsError(
            "GOOGLE_VERTEX_BASE_URL" if backend == "vertex" else "GOOGLE_GEMINI_BASE_URL",
            "takes a URL that begins with https://, wss://, http:// or ws://",
        )
    if backend == "developer" and not key:
        raise SettingsError("GOOGLE_API_KEY", "is needed for LIVE_BACKEND=developer (GEMINI_API_KEY will do)")
    if backend == "vertex" and not google.project:
        raise SettingsError("GOOGLE_CLOUD_PROJECT", "is needed for LIVE_BACKEND=vertex")
    if backend == "vertex" and not google.location:
        raise SettingsError("GOOGLE_CLOUD_LOCATION", "is needed for LIVE_BACKEND=vertex: a region, global, us or eu")
    return google


def _twilio(env: Mapping[str, str]) -> Twilio:
    return Twilio(env.get("TWILIO_ACCOUNT_SID", "").strip(), auth_tokens(env), shared_keys(env))


def shared_keys(env: Mapping[str, str]) -> Mapping[str, str]:
    """`TWILIO_SHARED_KEYS`: id=secret, several with commas between them."""
    found: dict[str, str] = {}
    for entry in filter(None, env.get("TWILIO_SHARED_KEYS", "").split(",")):
        key, _, secret = entry.strip().partition("=")
        if not key or not secret:
            raise SettingsError("TWILIO_SHARED_KEYS", "takes id=secret, several with commas between them")
        found[key] = secret
    return found


def auth_tokens(env: Mapping[str, str]) -> tuple[str, ...]:
    """Twilio's Auth Tokens alone: the current one, then the previous."""
    return _written(env, "TWILIO_AUTH_TOKEN", "TWILIO_AUTH_TOKEN_PREVIOUS")


def stream_secrets(env: Mapping[str, str]) -> tuple[str, ...]:
    """The stream's secrets alone, as they were given: the current one, then the previous; none without the current."""
    return _written(env, "STREAM_SECRET", "STREAM_SECRET_PREVIOUS") if _written(env, "STREAM_SECRET") else ()


def _written(env: Mapping[str, str], *names: str) -> tuple[str, ...]:
    """Secret stores hand out the line end that `echo` wrote."""
    return tuple(value for name in names if (value := env.get(name, "").strip()))


def _redis_auth(env: Mapping[str, str]) -> Literal["url", "iam"]:
    auth: Literal["url", "iam"] = "iam" if _one_of(env, "REDIS_AUTH", ("url", "iam"), "url", str) == "iam" else "url"
    if auth == "iam" and "@" in env.get("REDIS_URL", ""):
        raise SettingsError("REDIS_AUTH", "iam signs in by access token: REDIS_URL must name no user and no password")
    return auth


def _check_store(settings: Settings, env: Mapping[str, str]) -> None:
    """On Cloud Run calls of one instance must be known to the others, unless there is but one."""
    instances = _integer(env, "MAX_INSTANCES", 0, 1, 10_000)
    if settings.redis_url and settings.auth and not env.get("STREAM_SECRET", "").strip():
        raise SettingsError("STREAM_SECRET", "is needed with REDIS_URL: every instance must sign stream tokens alike")
    if settings.redis_auth == "iam" and not settings.redis_url.startswith("rediss://"):
        raise SettingsError("REDIS_AUTH", "iam needs REDIS_URL=rediss://…: the token is a password")
    if settings.on_cloud_run and not settings.redis_url and instances != 1:
        what = "a restart would end its calls, and two instances would not know of each other's"
        raise SettingsError("REDIS_URL", f"is needed on Cloud Run ({what}); or declare one instance: MAX_INSTANCES=1")


def _auth(env: Mapping[str, str], backend: Backend, host: str) -> bool:
    required = _one_of(env, "AUTH", ("required", "off"), "required", str) == "required"
    if not required and backend != "rehearsal" and not is_loopback(host):
        raise SettingsError("AUTH", "off is taken only with LIVE_BACKEND=rehearsal or on a loopback HOST")
    return required


def _stream_secrets(env: Mapping[str, str], cloud: bool) -> tuple[str, ...]:
    given = stream_secrets(env)
    if cloud and not given:
        raise SettingsError("STREAM_SECRET", "is needed on Cloud Run: every instance must sign stream tokens alike")
    return given or (secrets.token_urlsafe(32), *_written(env, "STREAM_SECRET_PREVIOUS"))


def _script(env: Mapping[str, str]) -> Path | None:
    path = env.get("REHEARSAL_SCRIPT", "")
    if path and not Path(path).is_file():
        raise SettingsError("REHEARSAL_SCRIPT", f"no such file: {path}")
    return Path(path) if path else None


def _check_together(settings: Settings) -> None:
    if not settings.on_cloud_run:
        return
    if settings.auth and not settings.twilio.auth_tokens:
        raise SettingsError("TWILIO_AUTH_TOKEN", "is needed: without it no call can be told from a forgery")
    if not settings.public_url:
        raise SettingsError("PUBLIC_URL", "is needed on Cloud Run: signatures are checked against it")


def _integer(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = env.get(name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise SettingsError(name, f"takes a whole number from {low} to {high}, not {text!r}")
    return int(text)


def _one_of(env: Mapping[str, str], name: str, allowed: tuple[T, ...], default: T, read: Callable[[str], object]) -> T:
    text = env.get(name, "").strip()
    if not text:
        return default
    for value in allowed:
        if str(value) == str(read(text) if text.isascii() and (read is not int or text.isdigit()) else text):
            return value
    choices = ", ".join(str(value) for value in allowed)
    raise SettingsError(name, f"takes one of {choices}, not {text!r}")
