"""Somebody for `gateway doctor` to look at: a machine, and servers that answer what they are told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

from gateway.doctor import Check, Patient, examine
from gateway.flow.compile import text
from gateway.flow.load import load
from gateway.twilio import signature
from tests.server.world import FLOW

AUTH_TOKEN = "0123456789abcdef0123456789abcdef"
SECRET = "a long secret of the tests"
HERE = {"TWILIO_ACCOUNT_SID": "AC" + "a" * 32, "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "STREAM_SECRET": SECRET}


def patient(folder: Path, url: str = "", late_s: float = 0, **env: str) -> Patient:
    """A machine whose clock is `late_s` behind."""
    given = {**HERE, **({"PUBLIC_URL": url} if url else {}), **env}
    return Patient(given, folder, folder / "flows.private.json", lambda: time.time() - late_s)


def told(examined: Patient) -> dict[str, Check]:
    return {check.name: check for check in examine(examined)}


def said(check: Check) -> tuple[str, str, str]:
    return check.health, check.text, check.advice


def compiled(folder: Path, flow: str = FLOW) -> None:
    (folder / "clinic.yaml").write_text(flow, encoding="utf-8")
    (folder / "flows.private.json").write_text(text(load(folder, {})), encoding="utf-8")


class Canned(BaseHTTPRequestHandler):
    """Answers each request with `status`, `body` and a clock that is `late_s` behind, or none at all."""

    protocol_version = "HTTP/1.1"
    status, body = 200, "{}"
    late_s: float | None = 0.0
    to_calls: Callable[[dict[str, str]], tuple[int, str]]  # what a webhook's form is answered

    def do_GET(self) -> None:
        self._say(self.status, self.body)

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        url = f"http://{self.headers['Host']}{self.path}"
        signed = signature.valid(url, form, self.headers[signature.HEADER], signature.Keys((AUTH_TOKEN,)))
        status, body = type(self).to_calls({name: values[0] for name, values in form.items()})
        self._say(status if signed else 403, body)

    def _say(self, status: int, body: str) -> None:
        self.send_response_only(status)
        if self.late_s is not None:
            self.send_header("Date", formatdate(time.time() - self.late_s, usegmt=True))
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def service(
    status: int,
    body: str,
    late_s: float | None = 0,
    to_calls: Callable[[dict[str, str]], tuple[int, str]] = lambda _: (405, ""),
) -> Iterator[str]:
    """Somebody else's server, or Twilio Functions as the doctor sees them."""
    own = {"status": status, "body": body, "late_s": late_s, "to_calls": staticmethod(to_calls)}
    answers = type("Answers", (Canned,), own)
    with ThreadingHTTPServer(("127.0.0.1", 0), answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
