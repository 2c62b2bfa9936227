"""What a listener speaks: TLS 1.2 and 1.3 with forward secrecy; or, to see who refuses it, TLS 1.1 only.

Source: SMART App Launch 2.2.0, client-confidential-asymmetric (TLS 1.2 or newer); RFC 9325 sections 3.1 and 4.2.
"""

from __future__ import annotations

import ssl
import tempfile
import warnings
from pathlib import Path
from typing import Literal

from simulator.refusal import NotSimulated
from simulator.tls.certificates import Identity

_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
Asks = Literal["nobody", "whoever_has_one", "everybody"]


def context(identity: Identity, *, client_ca: str = "", asks: Asks = "nobody") -> ssl.SSLContext:
    """A server's context. `asks` says who is asked for a client certificate, one that `client_ca` has signed."""
    made = _with(identity)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers(_CIPHERS)
    if asks != "nobody":
        made.verify_mode = ssl.CERT_REQUIRED if asks == "everybody" else ssl.CERT_OPTIONAL
        made.load_verify_locations(cadata=client_ca)
    return made


def old_context(identity: Identity) -> ssl.SSLContext:
    """A server's context that speaks TLS 1.1 and nothing else.

    Raises:
        NotSimulated: the OpenSSL of this Python has no TLS 1.1 any more.
    """
    made = _with(identity)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # it is old on purpose
            made.minimum_version = made.maximum_version = ssl.TLSVersion.TLSv1_1
        made.set_ciphers("ALL:@SECLEVEL=0")  # TLS 1.1 signs with SHA-1, which is below every higher level
    except (ValueError, ssl.SSLError) as flaw:
        raise NotSimulated(f"TLS 1.1 with {ssl.OPENSSL_VERSION}: {flaw}") from None
    return made


def _with(identity: Identity) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.set_alpn_protocols(["http/1.1"])
    with tempfile.TemporaryDirectory() as folder:  # of mode 0700; the library reads files only
        path = Path(folder) / "server.pem"
        path.write_bytes(identity.pem + identity.key_pem)
        made.load_cert_chain(path)
    return made
