"""One question over HTTP: the answer, or in words why there is none."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from socket import create_server

import pytest

from gateway.clients.answer import Answer, ask


class _Refuses(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = self.headers.get("X-Body", "").encode()
        self.send_response_only(503)
        self.send_header("Date", "Thu, 26 Nov 2026 12:00:00 GMT")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("body", "json"), [('{"ok": false}', {"ok": False}), ("[1]", {}), ("<html>", {}), ("", {})], ids=str
)
def test_an_answer_of_any_status_and_body(body: str, json: dict[str, object]) -> None:
    with HTTPServer(("127.0.0.1", 0), _Refuses) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        found = ask(f"http://127.0.0.1:{server.server_port}/", {"X-Body": body})
        thread.join()
    assert found == Answer(503, "Thu, 26 Nov 2026 12:00:00 GMT", json)


def test_nobody_answers() -> None:
    with create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert str(ask(url)).startswith("doesn't answer: ")


@pytest.mark.parametrize("url", ["", "gopher://x", "file:///etc/passwd"])
def test_what_is_no_address(url: str) -> None:
    assert ask(url) == "is no address"
