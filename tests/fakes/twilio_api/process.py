"""The fake as a child process, with a certificate of its own, and how clients are sent to it."""

from __future__ import annotations

import json
import subprocess
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ACCOUNT_SID = "AC" + "0" * 32
AUTH_TOKEN = "f" * 32
MAIN = Path(__file__).parent / "main.js"


@dataclass(frozen=True, slots=True)
class FakeTwilio:
    """A running fake. `deployed`: where deployed Functions projects are written, one folder for each domain."""

    port: int
    certificate: Path
    deployed: Path

    @property
    def url(self) -> str:
        """Its plain HTTP door, which is api.twilio.com unless a Host header says another host of Twilio's."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """The variables that send Twilio's clients here: the Node and Python SDKs, twilio-run, the Twilio CLI."""
        return {
            "HTTP_PROXY": self.url,
            "HTTPS_PROXY": self.url,
            "NODE_EXTRA_CA_CERTS": str(self.certificate),
            "REQUESTS_CA_BUNDLE": str(self.certificate),
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        }

    def state(self) -> dict[str, Any]:
        """All there is, in Twilio's own JSON: numbers, calls, updates, services, …; and `requests` so far."""
        return self._control("state")

    def seed(self, **things: Mapping[str, Any]) -> None:
        """Adds `numbers` (phone -> fields), `sale` (phone -> fields), `calls` (sid -> fields), `dialing` (country)."""
        self._control("seed", things)

    def refuse(self, method: str, path: str, status: int, **more: Any) -> None:
        """Answers the next request (or `times` of them) to a path that matches with `status`, `body`, `headers`."""
        self._control("refuse", {"method": method, "path": path, "status": status, **more})

    def update(self, resource: str, **fields: str) -> None:
        """A POST to a resource of the account, as Twilio's console or anybody's client makes it."""
        key = b64encode(f"{ACCOUNT_SID}:{AUTH_TOKEN}".encode()).decode()
        url = f"{self.url}/2010-04-01/Accounts/{ACCOUNT_SID}/{resource}.json"
        request = Request(url, urlencode(fields).encode(), {"Authorization": f"Basic {key}"})
        build_opener(ProxyHandler({})).open(request, timeout=10).close()

    def _control(self, door: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        content = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}/__fake/{door}", data=content)
        with build_opener(ProxyHandler({})).open(request, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


@contextmanager
def fake_twilio(folder: Path) -> Iterator[FakeTwilio]:
    """A fake that lives as long as the block. `folder` takes its certificate and what is deployed to it."""
    deployed = folder / "deployed"
    deployed.mkdir(parents=True)
    key, certificate = _certificate()
    (folder / "twilio.pem").write_text(certificate)
    tls = {"key": key, "cert": certificate}
    settings = {"sid": ACCOUNT_SID, "token": AUTH_TOKEN, "folder": str(deployed), "tls": tls}
    with subprocess.Popen(["node", str(MAIN)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(settings) + "\n")
            process.stdin.flush()
            port = json.loads(process.stdout.readline())["port"]
            yield FakeTwilio(port, folder / "twilio.pem", deployed)
        finally:
            process.kill()


def _certificate() -> tuple[str, str]:
    """Key and self-signed certificate of *.twilio.com, in PEM, for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a fake of Twilio, for tests")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("*.twilio.com")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8
    secret = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return secret.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode()
