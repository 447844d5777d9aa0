"""A small client of a language server on stdin and stdout (Language Server Protocol 3.17, base protocol)."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

TIMEOUT_S = 60  # the server is killed then, and what waits for it fails
SETTINGS = {"yaml": {"schemaStore": {"enable": False}, "validate": True, "hover": True, "completion": True}}


class LanguageServer:
    """Started on entry; on exit told to end."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._folder = folder
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder)
        self._watchdog = threading.Timer(TIMEOUT_S, self._process.kill)
        self._asked = 0
        self.diagnostics: dict[str, list[dict[str, Any]]] = {}

    def __enter__(self) -> LanguageServer:
        self._watchdog.start()
        abilities = {
            "workspace": {"configuration": True},
            "textDocument": {
                "completion": {"completionItem": {"snippetSupport": True, "documentationFormat": ["markdown"]}},
                "hover": {"contentFormat": ["markdown"]},
            },
        }
        root = self._folder.as_uri()
        self.ask("initialize", {"processId": None, "rootUri": root, "capabilities": abilities})
        self.tell("initialized", {})
        self.tell("workspace/didChangeConfiguration", {"settings": SETTINGS})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.ask("shutdown", None)
            self.tell("exit", None)
        self._watchdog.cancel()
        self._process.kill()
        self._process.communicate()

    def open(self, file: Path) -> str:
        """Opens the file and waits for what the server has against it, under the address that is returned."""
        uri, text = file.as_uri(), file.read_text("utf-8")
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})
        while uri not in self.diagnostics:
            self._take()
        return uri

    def at(self, method: str, uri: str, line: int, column: int) -> Any:
        """What the server answers at a place; lines and columns count from 1."""
        position = {"line": line - 1, "character": column - 1}
        return self.ask(f"textDocument/{method}", {"textDocument": {"uri": uri}, "position": position})

    def ask(self, method: str, params: object) -> Any:
        self._asked += 1
        self._send({"id": self._asked, "method": method, "params": params})
        while True:
            message = self._take()
            if message.get("id") == self._asked and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def tell(self, method: str, params: object) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, object]) -> None:
        raw = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(raw), raw))
        self._process.stdin.flush()

    def _take(self) -> dict[str, Any]:
        """The next message. The server's own questions are answered, its diagnostics kept."""
        message = self._read()
        if message.get("method") == "textDocument/publishDiagnostics":
            self.diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "method" in message and "id" in message:
            items = message["params"].get("items", ()) if isinstance(message.get("params"), dict) else ()
            answer = [SETTINGS.get(item["section"], {}) for item in items] if items else None
            self._send({"id": message["id"], "result": answer})
        return message

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the language server ended, or was killed because it took too long"
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        return message
