"""`gateway call`: a call with the real model, by the user's own key: shown as it happens, and its files."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast
from urllib.parse import urlsplit

from gateway import settings
from gateway.addresses import SettingsError
from gateway.live.models import Backend
from gateway.rehearsal import microphone, refused
from gateway.rehearsal.board import Board
from gateway.rehearsal.demo import FAULTS, OK, conduct, end_on_sigterm, finish, say, style, went_wrong
from gateway.rehearsal.placed import Holding, Placed
from gateway.rehearsal.prepare import USAGE, DemoFault, DemoOptions, Prepared, prepare
from gateway.rehearsal.rehearse import says
from gateway.rehearsal.report import Model, Report
from gateway.rehearsal.show import Show

BOOK = "the caller reads from a book, which makes an odd talk: --say takes your own WAVs, --mic your microphone"
HEADSET = "talk; Ctrl-C hangs up. Wear a headset: from a loudspeaker the agent hears, and interrupts, itself"
URLS = {"developer": "GOOGLE_GEMINI_BASE_URL", "vertex": "GOOGLE_VERTEX_BASE_URL"}
OURS = ("GOOGLE_", "GEMINI_", "LIVE_BACKEND")  # beginnings of the variables that say where the model is, and who asks
KEYS = ("GOOGLE_API_KEY", "GEMINI_API_KEY")


@dataclass(frozen=True, slots=True)
class CallOptions:
    """`asked`: what a call has in common with a demo. `backend` None: LIVE_BACKEND, else developer. `mic`: microphone
    and loudspeaker instead of `asked.say`."""

    asked: DemoOptions
    backend: Backend | None = None
    mic: bool = False


def run_call(options: CallOptions) -> int:
    """Places one call. Returns the exit code."""
    return conduct("gateway call", lambda: _call(options))


async def _call(options: CallOptions) -> int:
    end_on_sigterm()
    env = settings.child_environment()
    backend = backend_of(options.backend, env)
    env["LIVE_BACKEND"] = backend
    check(backend, env)
    holding = microphone.holds(microphone.find()) if options.mic else None
    prepared = prepare(options.asked, env, datetime.now().astimezone())
    model = Model(prepared.model, refused.NAMES[backend], _host(env.get(URLS[backend], "")))
    board = Board(() if holding else prepared.clips)
    show = None if options.asked.json else Show(sys.stdout, style(sys.stdout, env), board)
    if show:
        _open(show, prepared, model, options)
    held: Holding = holding or says(prepared.clips)
    evidence = await Placed(prepared, board, show).run({"LIVE_BACKEND": backend}, held)
    report = finish(prepared, show, replace(evidence, model=model))
    return OK if report.well else say(f"gateway call: {_why(report, model, backend, env)}", FAULTS)


def backend_of(named: Backend | None, env: Mapping[str, str]) -> Backend:
    """The API to call. Raises DemoFault for a rehearsal, and for what is no backend."""
    found = named or env.get("LIVE_BACKEND", "").strip() or "developer"
    if found == "rehearsal":
        advice = "name one with --backend developer or --backend vertex (a rehearsal is: gateway demo)"
        raise DemoFault(USAGE, f"LIVE_BACKEND=rehearsal is a script, not a model: {advice}")
    if found not in URLS:
        raise DemoFault(USAGE, "LIVE_BACKEND takes one of developer, vertex (or say --backend)")
    return cast(Backend, found)


def check(backend: Backend, env: Mapping[str, str]) -> None:
    """Whether all is there that the API asks for. Raises DemoFault: what is missing, and where to get it."""
    try:
        settings.read({name: value for name, value in env.items() if name.startswith(OURS)})
    except SettingsError as wrong:
        words = refused.WRONG.get(wrong.variable)
        raise DemoFault(USAGE, f"{wrong.variable} {words}" if words else str(wrong)) from None
    if backend == "vertex":
        _find_credentials()
        return
    name = next(name for name in KEYS if env.get(name))
    if not env[name].isascii() or not env[name].isprintable() or " " in env[name]:
        raise DemoFault(USAGE, f"{name} holds a space, a line end or what isn't ASCII: copy the key again")


def _find_credentials() -> None:
    """Google's own search, without asking for a token. Raises DemoFault where it finds nothing."""
    import google.auth
    import google.auth.exceptions

    try:
        with warnings.catch_warnings(action="ignore"):  # of credentials without a quota project: Google tells in time
            google.auth.default()
    except google.auth.exceptions.GoogleAuthError:
        raise DemoFault(USAGE, refused.NO_CREDENTIALS) from None


def _open(show: Show, prepared: Prepared, model: Model, options: CallOptions) -> None:
    show.open(prepared.setting, "you, at the microphone" if options.mic else prepared.caller, model)
    if options.mic:
        show.say(HEADSET)
    elif not options.asked.say:
        show.say(BOOK)
    show.say("starting the gateway; the model's provider bills what is said from now on …")


def _why(report: Report, model: Model, backend: Backend, env: Mapping[str, str]) -> str:
    secrets = [env.get(name, "").strip() for name in KEYS]
    return refused.advice(report.losses, model, backend, secrets) or went_wrong(report)


def _host(url: str) -> str:
    """Where a URL leads, without the rest of it."""
    return urlsplit(url).netloc.rpartition("@")[2]
