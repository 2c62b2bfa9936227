"""A registered client: who may ask for tokens, how it proves itself, and what it may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulator.auth import certificates, keyring

MUTUAL_TLS = "tls_client_auth"
"""The method of clients that prove themselves by a certificate (RFC 8705 section 2.1)."""


@dataclass(frozen=True, slots=True)
class Client:
    """One registration at a vendor.

    `auth` is the method by its OAuth name (`private_key_jwt`, `client_secret_basic`, `client_secret_post`,
    `client_secret_jwt`, `tls_client_auth`, `none`) or `api_key`. `scopes` are those the client is registered for.
    `kid` and `key_slot` name its key in the keyring; `api_key` travels in the header `header`.

    An app of people who log in has `redirect_uris`; what else it registered: `launch_url` where an EHR opens it,
    `offline` whether it may keep access while nobody is there, `persona` who logs in (`patient`, `practitioner`, empty
    for both). A client that brings keys of its own has `jwks` or `jwks_uri`. `since` is when the registration was made
    or changed while the sandbox runs; None for what was always there.
    """

    name: str
    auth: str
    client_id: str
    scopes: tuple[str, ...]
    client_secret: str = field(default="", repr=False)
    kid: str = ""
    key_slot: int | None = None
    api_key: str = field(default="", repr=False)
    header: str = ""
    redirect_uris: tuple[str, ...] = ()
    launch_url: str = ""
    offline: bool = False
    persona: str = ""
    jwks: Mapping[str, Any] | None = field(default=None, repr=False)
    jwks_uri: str = ""
    since: datetime | None = None

    @property
    def is_app(self) -> bool:
        """Whether people log in to it; otherwise it acts for itself."""
        return bool(self.redirect_uris)

    @property
    def key(self) -> keyring.SigningKey | None:
        """The client's key under the client's `kid`; None when it has none."""
        return None if self.key_slot is None else keyring.key(self.key_slot, self.kid)

    def public(self) -> dict[str, Any]:
        """What may be shown of the registration: no secret, no private key."""
        shown: dict[str, Any] = {"name": self.name, "auth": self.auth, "client_id": self.client_id}
        if self.key is not None:
            shown |= {"kid": self.key.kid, "jwk": self.key.public_jwk}
        if self.header:
            shown["header"] = self.header
        shown |= self._app()
        shown["scopes"] = list(self.scopes)
        return shown

    def as_dict(self, token_url: str) -> dict[str, Any]:
        """The ready-made client as the control API and drivers get it: with secret or private key."""
        made: dict[str, Any] = {"name": self.name, "auth": self.auth, "client_id": self.client_id}
        if self.client_secret:
            made["client_secret"] = self.client_secret
        if self.key is not None:
            made |= {"kid": self.key.kid, "private_key_pem": self.key.pem, "jwk": self.key.jwk}
        if self.auth == MUTUAL_TLS and self.key_slot is not None:
            made["certificate_pem"] = certificates.certificate_pem(self.client_id, self.key_slot)
        if self.api_key:
            made |= {"api_key": self.api_key, "header": self.header}
        made |= self._app()
        return made | {"scopes": list(self.scopes), "token_url": token_url}

    def _app(self) -> dict[str, Any]:
        told: dict[str, Any] = {}
        if self.is_app:
            told |= {"redirect_uris": list(self.redirect_uris), "offline": self.offline}
        for name in ("launch_url", "persona", "jwks_uri"):
            if getattr(self, name):
                told[name] = getattr(self, name)
        return told if self.jwks is None else told | {"jwks": dict(self.jwks)}
