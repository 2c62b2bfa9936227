"""The TLS connection that a request came over: its version and cipher, and the certificate that the caller showed."""

from __future__ import annotations

import base64
import hashlib
import ssl
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from cryptography import x509


@dataclass(frozen=True, slots=True)
class Peer:
    """What is known of a TLS connection; all requests on it share one.

    `certificate` is the caller's own in DER, empty when it showed none. That it is signed by an authority of clients
    was verified in the handshake.
    """

    version: str
    cipher: str
    certificate: bytes = field(default=b"", repr=False)

    @property
    def thumbprint(self) -> str:
        """`x5t#S256` of the certificate (RFC 8705 section 3.1); empty without one."""
        if not self.certificate:
            return ""
        return base64.urlsafe_b64encode(hashlib.sha256(self.certificate).digest()).rstrip(b"=").decode()

    @property
    def subject(self) -> str:
        """The distinguished name of the certificate (RFC 4514); empty without one."""
        if not self.certificate:
            return ""
        return x509.load_der_x509_certificate(self.certificate).subject.rfc4514_string()

    def to_json(self) -> dict[str, Any]:
        """As the journal tells it."""
        shown: dict[str, Any] = {"version": self.version, "cipher": self.cipher, "client_certificate": None}
        if self.certificate:
            shown["client_certificate"] = {"x5t#S256": self.thumbprint, "subject": self.subject}
        return shown


_KNOWN: WeakKeyDictionary[ssl.SSLObject, Peer] = WeakKeyDictionary()


def peer_of(send: Any) -> Peer | None:
    """The TLS connection behind an ASGI `send`, which is a method of uvicorn's cycle; None in this process."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    spoken = None if transport is None else transport.get_extra_info("ssl_object")
    if spoken is None:
        return None
    known = _KNOWN.get(spoken)
    if known is None:
        cipher = spoken.cipher()
        known = _KNOWN[spoken] = Peer(
            spoken.version() or "", cipher[0] if cipher else "", spoken.getpeercert(binary_form=True) or b""
        )
    return known
