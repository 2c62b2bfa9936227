"""Whom the reference trusts, and what it speaks."""

from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory


@cache
def careful(ca_file: str | None) -> ssl.SSLContext:
    """Verifies host and chain, TLS 1.2 or newer: the defaults of `ssl`. Built once, for it costs milliseconds."""
    return ssl.create_default_context(cafile=ca_file)


def showing(ca_file: str | None, certificate_pem: str, key_pem: str) -> ssl.SSLContext:
    """As `careful`, and shows a certificate of ours where one is asked for.

    Raises:
        ssl.SSLError: it is none, or the key is another's.
    """
    made = ssl.create_default_context(cafile=ca_file)
    with TemporaryDirectory() as folder:  # `ssl` takes files only
        both = Path(folder, "client.pem")
        both.touch(0o600)
        both.write_text(f"{certificate_pem.strip()}\n{key_pem}", encoding="ascii")
        made.load_cert_chain(both)
    return made


def is_final(error: BaseException) -> bool:
    """Whether a connection failed because the two do not come together: a certificate that nobody should accept, no
    protocol in common. Another attempt would meet the same; an end in the middle of a handshake is no such thing."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError) and not isinstance(seen, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
