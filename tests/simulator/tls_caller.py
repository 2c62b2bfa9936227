"""A caller over TLS for tests: contexts that trust one authority, and clients that show a certificate."""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path
from typing import Any

import httpx


def trusting(ca: str | bytes | Path, client: dict[str, Any] | None = None) -> ssl.SSLContext:
    """A context that trusts `ca` alone, and shows the certificate of `client`, an entry of `clients`."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(
        cadata=ca.read_text() if isinstance(ca, Path) else ca if isinstance(ca, str) else ca.decode()
    )
    if client is not None:
        show(made, client["certificate_pem"], client["private_key_pem"])
    return made


def show(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Have the caller show this certificate."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "client.pem"
        path.write_text(certificate + key)
        context.load_cert_chain(path)


def caller(ca: str | bytes | Path, client: dict[str, Any] | None = None) -> httpx.Client:
    """An HTTP client of that context."""
    return httpx.Client(verify=trusting(ca, client), timeout=5, trust_env=False)
