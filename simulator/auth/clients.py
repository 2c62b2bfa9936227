"""A registered client: who may ask for tokens, how it proves itself, and what it may ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simulator.auth import keyring


@dataclass(frozen=True, slots=True)
class Client:
    """One registration at a vendor.

    `auth` is the method by its OAuth name (`private_key_jwt`, `client_secret_basic`, `client_secret_post`,
    `client_secret_jwt`, `none`) or `api_key`. `scopes` are those the client is registered for. `kid` and `key_slot`
    name its key in the keyring; `api_key` travels in the header `header`.
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
        shown["scopes"] = list(self.scopes)
        return shown

    def as_dict(self, token_url: str) -> dict[str, Any]:
        """The ready-made client as the control API and drivers get it: with secret or private key."""
        made: dict[str, Any] = {"name": self.name, "auth": self.auth, "client_id": self.client_id}
        if self.client_secret:
            made["client_secret"] = self.client_secret
        if self.key is not None:
            made |= {"kid": self.key.kid, "private_key_pem": self.key.pem, "jwk": self.key.jwk}
        if self.api_key:
            made |= {"api_key": self.api_key, "header": self.header}
        return made | {"scopes": list(self.scopes), "token_url": token_url}
