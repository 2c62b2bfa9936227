"""Whom the reference trusts, and what it speaks."""

from __future__ import annotations

import ssl
from functools import cache


@cache
def careful(ca_file: str | None) -> ssl.SSLContext:
    """Verifies host and chain, TLS 1.2 or newer: the defaults of `ssl`. Built once, for it costs milliseconds."""
    return ssl.create_default_context(cafile=ca_file)


def is_final(error: BaseException) -> bool:
    """Whether a connection failed because the two do not come together: a certificate that nobody should accept, no
    protocol in common. Another attempt would meet the same; an end in the middle of a handshake is no such thing."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError) and not isinstance(seen, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
