"""`gateway serve` as a process of its own, its model played by the test."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.settings import child_environment
from tests.server.world import FLOW, Model, _model_server, http

START_S = 20.0  # a loaded machine; bench/start.py measures


class Child:
    """`gateway serve` as a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, models: asyncio.Queue[Model]) -> None:
        self.process = process
        self.url = url
        self.models = models

    async def stop(self, within_s: float) -> int:
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), within_s)

    async def note(self, name: str) -> dict[str, Any]:
        """The next line of that name; those before it are passed over."""
        assert self.process.stdout is not None
        async with asyncio.timeout(START_S):
            while True:
                line: dict[str, Any] = json.loads(await self.process.stdout.readline())
                if line["message"] == name:
                    return line

    async def ready(self) -> dict[str, Any]:
        """What /readyz says of the flows."""
        status, body = await http(self.url + "/readyz")
        assert status == 200
        flows: dict[str, Any] = json.loads(body)["flows"]
        return flows

    async def lines(self) -> list[dict[str, Any]]:
        assert self.process.stdout is not None
        return [json.loads(line) for line in (await self.process.stdout.read()).splitlines()]


@asynccontextmanager
async def child(folder: Path, stdin: int = asyncio.subprocess.PIPE, **env: str) -> AsyncIterator[Child]:
    (folder / "clinic.yaml").write_text(FLOW, encoding="utf-8")
    models: asyncio.Queue[Model] = asyncio.Queue()
    async with _model_server(models) as port:
        base = {"AUTH": "off", "FLOWS_DIR": str(folder), "LOG_FORMAT": "json", "HOST": "127.0.0.1"}
        model = {"LIVE_BACKEND": "rehearsal", "GOOGLE_GEMINI_BASE_URL": f"ws://127.0.0.1:{port}"}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "serve", "--port", "0"),
            env=child_environment(**{**base, **model, **env}),
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        try:
            line = json.loads(await asyncio.wait_for(process.stdout.readline(), START_S))
            assert line["message"] == "listening"
            yield Child(process, line["url"], models)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
