"""Somebody logs in to the app: the way to the vendor's page, and the way back with a code (SMART App Launch, PKCE).

begin → authorize URL → the vendor's page → redirect → end → token and refresh token of that person
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from conformance.reference.failure import Failure
from conformance.reference.session import Session, origin

_MOST = 100  # people on their way; who has been away longest is forgotten


@dataclass(frozen=True)
class _Visitor:
    """Somebody on the way: where back to, and what proves that it was us who sent them."""

    redirect_uri: str
    verifier: str


class Logins:
    """The logins of one case. A state counts once: what comes back twice, or was never sent, is not ours."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._away: dict[str, _Visitor] = {}

    def begin(self, iss: str, launch: str | None) -> str:
        """The URL to send somebody to, from an EHR (`launch`) or from nowhere.

        Raises:
            Failure: the server is not the one that we are registered with, or we are no app of people.
        """
        config, habits = self._session.config, self._session.behaviour
        if not habits.knows(iss.rstrip("/"), str(config.urls["fhir_url"]).rstrip("/")):
            raise Failure("auth", "the launch comes from a server that we do not know", reason="issuer")
        if not config.auth.get("redirect_uris") or not config.urls.get("authorize_url"):
            raise Failure("config", "nobody can log in: no redirect URI, or no authorize URL")
        state, verifier = habits.state(), secrets.token_urlsafe(48)
        visitor = self._away[state] = _Visitor(config.auth["redirect_uris"][0], verifier)
        if len(self._away) > _MOST:
            del self._away[next(iter(self._away))]
        asked = {
            "response_type": "code",
            "client_id": config.auth["client_id"],
            "redirect_uri": visitor.redirect_uri,
            "scope": " ".join(_scopes(config.auth.get("scopes", []), is_launch=launch is not None)),
            "state": state,
            "aud": iss,
            **({"launch": launch} if launch is not None else {}),
            **habits.challenge(verifier),
        }
        return f"{config.urls['authorize_url']}?{urlencode(asked)}"

    async def end(self, redirect_url: str, deadline: float) -> None:
        """Redeems the code that somebody came back with.

        Raises:
            Failure: they were not sent by us, they were not let in, or the code is refused.
        """
        config, habits = self._session.config, self._session.behaviour
        told = dict(parse_qsl(urlsplit(redirect_url).query))
        issuer, own = told.get("iss"), str(config.urls["authorize_url"])
        if issuer is not None and not habits.knows(origin(issuer), origin(own)):
            raise Failure("auth", "the answer names another server", reason="issuer")
        visitor = self._away.pop(told.get("state", ""), None)
        if visitor is None and not habits.checks_state and self._away:
            visitor = self._away.popitem()[1]
        if visitor is None:
            raise Failure("auth", "nobody was sent there with this state", reason="state")
        if "code" not in told:
            raise Failure("auth", "nobody was let in", reason="denied", vendor_code=told.get("error"))
        grant = {"grant_type": "authorization_code", "code": told["code"], "redirect_uri": visitor.redirect_uri}
        proof = {"code_verifier": visitor.verifier} if habits.challenge(visitor.verifier) else {}
        await self._session.log_in(grant | proof, deadline)


def _scopes(registered: list[str], *, is_launch: bool) -> list[str]:
    """What a practitioner's app asks for: to know who it is, to stay, and to read as that user."""
    kept = {"openid", "fhirUser", "offline_access", "launch" if is_launch else "launch/patient"}
    return [scope for scope in registered if scope in kept or scope.startswith("user/")]
