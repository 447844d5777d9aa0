"""`gateway serve`: settings, flows and log put together, with the stand-in beside it where no model is."""

from __future__ import annotations

import asyncio
import gc
import importlib
import sys
from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType

from gateway import settings as settings_module
from gateway.flow.load import Flows
from gateway.server.listener import listen
from gateway.server.reading import Source
from gateway.server.watch import Found, first
from gateway.settings import Settings
from gateway.telemetry.log import Log, Origin, configure


def run_server(changes: Mapping[str, str | None]) -> int:
    """Serve with the environment and `changes` to it (None: no change). Raises SettingsError and FlowError."""
    gc.disable()  # loading makes only what stays; `lifecycle` freezes it and turns the collector on again
    env = settings_module.child_environment(**{key: value for key, value in changes.items() if value is not None})
    settings = settings_module.read(env, is_terminal=sys.stdout.isatty())
    found = first(Source(settings.flows_dir, settings_module.flow_environment(env)))
    log = _log(settings)
    _warn(settings, found.flows, log)
    asyncio.run(_serve(settings, found, log))
    return 0


async def _serve(settings: Settings, found: Found, log: Log) -> None:
    with listen(settings.host, settings.port) as listener:
        if settings.backend != "rehearsal" or settings.google.base_url:
            serve = _lifecycle().serve
            await serve(listener, settings, found, log)
            return
        from gateway.rehearsal.process import standin

        # Loading the server's libraries takes longer than the stand-in's start: both at once.
        loading = asyncio.get_running_loop().run_in_executor(None, _lifecycle)
        async with standin(script=settings.rehearsal_script) as partner:
            log.write("rehearsal", {"note": "scripted, not a model", "url": partner.url}, {})
            serve = (await loading).serve
            await serve(listener, rehearsing(settings, partner.url), found, log)


def rehearsing(settings: Settings, url: str) -> Settings:
    """The settings with the stand-in as the model's address."""
    return replace(settings, google=replace(settings.google, base_url=url))


def _log(settings: Settings) -> Log:
    origin = Origin(settings.google.project, settings.service, settings.revision)
    return configure(settings.log_format, settings.log_level, private=settings.log_private, origin=origin)


def _lifecycle() -> ModuleType:
    """The server with all its libraries: 1.5 s and more, so not before it is needed."""
    return importlib.import_module("gateway.server.lifecycle")


def _warn(settings: Settings, flows: Flows, log: Log) -> None:
    for problem in flows.warnings:
        log.write("flow-warning", {"problem": str(problem)}, {}, "warning")
    if settings.auth and not settings.twilio.auth_tokens:
        why = "no TWILIO_AUTH_TOKEN: every call will be refused; set it, or AUTH=off for a rehearsal on this machine"
        log.write("auth-without-token", {"why": why}, {}, "warning")
