"""rediss://: the server's certificate is checked, by the authorities of `ssl_ca_certs` where its own are private."""

from __future__ import annotations

import asyncio
import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.settings import read
from tests.store.redis_server import BINARY, Server, has_tls, needs_server
from tests.store.test_redis_store import instance

pytestmark = [needs_server, pytest.mark.skipif(not has_tls(), reason=f"{BINARY} was built without TLS")]


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "store")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(here, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    pem, private = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return pem, private


def test_a_server_with_tls(tmp_path: Path) -> None:
    pem, key = certificate(tmp_path)

    async def scenario() -> None:
        there = Server(tmp_path, tls=(pem, key))
        await there.start()
        try:
            url = f"rediss://127.0.0.1:{there.tls_port}"
            async with instance(read({"REDIS_URL": f"{url}?ssl_ca_certs={pem}", "AUTH": "off"}).redis_url) as (
                store,
                told,
            ):
                assert await store.first_use("t1", 60)
                assert not await store.first_use("t1", 60)
                assert told == []
            assert "gw:once:t1" in await there.content()
            async with instance(url) as (store, told):  # an authority that nobody knows
                assert await store.first_use("t2", 60)
                assert [event for event, _ in told] == ["store-down"]
                assert "CERTIFICATE_VERIFY_FAILED" in str(told[0][1]["why"])
            assert "gw:once:t2" not in await there.content()
        finally:
            await there.kill()

    asyncio.run(scenario())
