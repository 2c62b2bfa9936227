"""A registered client: who may ask for tokens, how it proves itself, and what it may ask for."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from simulator.auth import certificates, keyring

MUTUAL_TLS = "tls_client_auth"
"""The method of clients that prove themselves by a certificate (RFC 8705 section 2.1)."""

HTTP_BASIC = "http_basic"
"""The method of clients that show a user's account on every call, without a token."""

MAUTH = "mauth"
"""The method of apps that sign every request with a key of their own (Medidata)."""

DYNAMIC = "jwt_bearer"
"""The method of clients that an app registered for one installation, with a key, and that carry on one grant."""


_REMEMBERED = 3  # former credentials


@dataclass(frozen=True, slots=True)
class Former:
    """Credentials that were replaced: they count until `until`, and are refused as what they are afterwards."""

    until: datetime
    client_secret: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)
    kid: str = ""
    key_slot: int | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """One registration at a vendor.

    `auth` is the method by its OAuth name (`private_key_jwt`, `client_secret_basic`, `client_secret_post`,
    `client_secret_jwt`, `tls_client_auth`, `none`), or `api_key`, `http_basic`, `mauth`, `jwt_bearer`. `scopes` are
    those the client is registered for. `kid` and `key_slot` name its key in the keyring; `api_key` travels in the
    header `header`; an account's name is `username`, its password `client_secret`.
    An app of people who log in has `redirect_uris`; what else it registered: `launch_url` where an EHR opens it,
    `offline` whether it may keep access while nobody is there, `persona` who logs in (`patient`, `practitioner`, empty
    for both). A client that brings keys of its own has `jwks` or `jwks_uri`. `since` is when the registration was made
    or changed while the sandbox runs; None for what was always there. `former` are credentials that were replaced;
    `before` is the registration before the change, which counts until the change has reached the token endpoint.
    An app that may register dynamic clients is `dynamic`; such a client names the `grant` that it carries on.
    `token_form` is what its token requests must hold besides, where a vendor wants more than credentials; `token_at`
    names the vendor's URL where it asks for tokens.
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
    username: str = ""
    dynamic: bool = False
    grant: str = ""
    token_form: Mapping[str, str] = field(default_factory=dict)
    token_at: str = "token_url"
    jwks: Mapping[str, Any] | None = field(default=None, repr=False)
    jwks_uri: str = ""
    since: datetime | None = None
    former: tuple[Former, ...] = ()
    before: Client | None = field(default=None, repr=False, compare=False)

    def secret_flaw(self, secret: str, now: datetime) -> str:
        """What is wrong with a secret that was shown: empty, `secret_wrong`, or `secret_retired` after an overlap."""
        return self._flaw(secret, self.client_secret, [(one.client_secret, one.until) for one in self.former], now)

    def live_secrets(self, now: datetime) -> tuple[str, ...]:
        """The client's secret, and those that were replaced and still count."""
        former = (one.client_secret for one in self.former if now < one.until)
        return tuple(secret for secret in (self.client_secret, *former) if secret)

    def key_flaw(self, api_key: str, now: datetime) -> str:
        """The same of an API key: empty, `key_unknown` or `key_retired`."""
        flaw = self._flaw(api_key, self.api_key, [(one.api_key, one.until) for one in self.former], now)
        return {"secret_wrong": "key_unknown", "secret_retired": "key_retired"}.get(flaw, flaw)

    @staticmethod
    def _flaw(shown: str, current: str, former: list[tuple[str, datetime]], now: datetime) -> str:
        raw = shown.encode()
        found = "" if current and hmac.compare_digest(raw, current.encode()) else "secret_wrong"
        for old, until in former:
            if old and hmac.compare_digest(raw, old.encode()):
                found = "" if now < until else "secret_retired"
        return found

    def renewed(self, until: datetime, **fresh: Any) -> Client:
        """The client with fresh credentials; those it has now count until `until`."""
        old = Former(until, self.client_secret, self.api_key, self.kid, self.key_slot)
        return replace(self, **fresh, former=(*self.former, old)[-_REMEMBERED:])

    @property
    def secrets(self) -> tuple[tuple[str, str], ...]:
        """(secret, what it is called) of every secret that this client has or had."""
        every: list[Client | Former] = [self, *self.former]
        named = [(one.client_secret, "client_secret") for one in every] + [(one.api_key, "api_key") for one in every]
        return tuple(pair for pair in named if pair[0])

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
        for name in ("header", "username"):
            if getattr(self, name):
                shown[name] = getattr(self, name)
        shown |= self._app()
        shown["scopes"] = list(self.scopes)
        return shown

    def as_dict(self, token_url: str) -> dict[str, Any]:
        """The ready-made client as the control API and drivers get it: with secret or private key."""
        made: dict[str, Any] = {"name": self.name, "auth": self.auth, "client_id": self.client_id}
        if self.auth == HTTP_BASIC:
            made |= {"username": self.username, "password": self.client_secret}
        elif self.client_secret:
            made["client_secret"] = self.client_secret
        if self.key is not None:
            made |= {"kid": self.key.kid, "private_key_pem": self.key.pem, "jwk": self.key.jwk}
        if self.auth == MUTUAL_TLS and self.key_slot is not None:
            made["certificate_pem"] = certificates.certificate_pem(self.client_id, self.key_slot)
        if self.api_key:
            made |= {"api_key": self.api_key, "header": self.header}
        if self.token_form:
            made["token_form"] = dict(self.token_form)
        if self.former:
            made["former_until"] = self.former[-1].until.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        made |= self._app()
        return made | {"scopes": list(self.scopes), "token_url": token_url}

    def _app(self) -> dict[str, Any]:
        told: dict[str, Any] = {}
        if self.is_app:
            told |= {"redirect_uris": list(self.redirect_uris), "offline": self.offline}
        for name in ("launch_url", "persona", "jwks_uri", "dynamic"):
            if getattr(self, name):
                told[name] = getattr(self, name)
        return told if self.jwks is None else told | {"jwks": dict(self.jwks)}
