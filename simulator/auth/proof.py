"""A client proves itself at a token endpoint, in the way that it registered and in no other.

Rooms say which ways exist there and how strict they are; each broken rule has its own reason.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from simulator.auth import assertion, basic
from simulator.auth.certificates import subject_of
from simulator.auth.clients import MUTUAL_TLS, Client
from simulator.auth.form import Form
from simulator.auth.keysets import keys_for
from simulator.exchange import Exchange
from simulator.refusal import OAuthRefusal

_SECRETS = ("client_secret_basic", "client_secret_post")


def by_assertion(
    x: Exchange,
    form: Form,
    *,
    audiences: Collection[str],
    rules: assertion.Rules,
    delay_s: float = 0,
    methods: Collection[str] = ("private_key_jwt",),
) -> Client:
    """The client whose assertion holds, registered for one of `methods`.

    Raises:
        OAuthRefusal: invalid_client, with reason assertion_type_wrong, assertion_malformed, client_unknown,
            auth_method_wrong, client_not_yet, or a rule of `assertion.verify`.
    """
    text = form.need("client_assertion")
    told = assertion.peek(text)
    if told is not None:
        x.notes["assertion"] = {"header": told[0], "claims": told[1]}
    if form.get("client_assertion_type") != assertion.TYPE:
        raise OAuthRefusal("invalid_client", "assertion_type_wrong", "client_assertion_type is not jwt-bearer")
    if told is None:
        raise OAuthRefusal("invalid_client", "assertion_malformed", "the assertion is not a JWT in compact form")
    named = str(told[1].get("iss") or told[1].get("sub") or "")
    client = _registered(x, named, delay_s)
    if client.auth not in methods:
        raise OAuthRefusal("invalid_client", "auth_method_wrong", f"{named} is registered for {client.auth}")
    beside = form.get("client_id")
    if beside is not None and beside != named:
        raise OAuthRefusal("invalid_client", "client_mismatch", f"client_id {beside} beside an assertion of {named}")
    secrets = client.live_secrets(x.at) if client.auth == "client_secret_jwt" else ()
    candidates: list[Mapping[str, assertion.Key]]
    candidates = [assertion.key_of_secret(one) for one in secrets] or [keys_for(client, x.site.desk.keysets, x.at)]
    for place, keys in enumerate(candidates, 1):
        try:
            assertion.verify(
                text,
                client=client,
                keys=keys,
                audiences=audiences,
                wall=x.sandbox.clock.wall(),
                now=x.at,
                guard=x.site.replay,
                rules=replace(rules, **x.site.settings.get("assertion_rules", {})),
                jwks_url=client.jwks_uri,
            )
        except OAuthRefusal as refusal:
            if refusal.reason != "bad_signature" or place == len(candidates):
                raise
        else:
            break
    return client


def by_basic(x: Exchange, form: Form, *, delay_s: float = 0) -> Client:
    """The client whose Basic credentials hold.

    Raises:
        OAuthRefusal: invalid_client, with reason basic_missing, basic_malformed, client_unknown, auth_method_wrong,
            secret_wrong, client_mismatch, client_not_yet.
    """
    client_id, secret = basic.credentials(x.header("authorization"))
    client = _registered(x, client_id, delay_s)
    if form.get("client_id") not in (None, client_id):
        raise OAuthRefusal("invalid_client", "client_mismatch", "another client_id in the form")
    return _with_secret(client, secret, x.at)


def by_form(x: Exchange, form: Form, *, delay_s: float = 0) -> Client:
    """The client whose secret stands in the form.

    Raises:
        OAuthRefusal: invalid_client, with reason client_unknown, auth_method_wrong, secret_wrong, client_not_yet.
    """
    client = _registered(x, form.need("client_id"), delay_s)
    return _with_secret(client, form.get("client_secret") or "", x.at)


def by_name(x: Exchange, form: Form, *, delay_s: float = 0) -> Client:
    """The public client that the form names: it has nothing to prove itself with, PKCE does it.

    A refresh may leave the name out, as npm `fhirclient` does: the refresh token knows whose it is (RFC 6749 6).

    Raises:
        OAuthRefusal: invalid_client, with reason client_unknown, auth_method_wrong, client_not_yet.
    """
    client = _registered(x, form.get("client_id") or holder(x, form) or form.need("client_id"), delay_s)
    if client.auth != "none":
        raise OAuthRefusal("invalid_client", "auth_method_wrong", f"{client.name} is registered for {client.auth}")
    return client


def holder(x: Exchange, form: Form) -> str:
    """Whose refresh token the form has; empty when it has none that lives."""
    text = form.get("refresh_token") if form.get("grant_type") == "refresh_token" else None
    behind = x.site.desk.grants.behind(text, x.at) if text else None
    return behind[0].client_id if behind is not None else ""


def by_certificate(x: Exchange, form: Form, *, delay_s: float = 0) -> Client:
    """The client that the connection's certificate belongs to, which the form names.

    Raises:
        OAuthRefusal: invalid_client, with reason client_unknown, auth_method_wrong, certificate_missing,
            certificate_mismatch, client_not_yet.

    Source: RFC 8705 sections 2 and 2.1.2: `client_id` is always sent, the subject is compared.
    """
    client = _registered(x, form.need("client_id"), delay_s)
    if client.auth != MUTUAL_TLS:
        raise OAuthRefusal("invalid_client", "auth_method_wrong", f"{client.name} is registered for {client.auth}")
    if x.peer is None or not x.peer.certificate:
        raise OAuthRefusal("invalid_client", "certificate_missing", "the connection shows no client certificate")
    if x.peer.subject != subject_of(client.client_id).rfc4514_string():
        said = f"the certificate is that of {x.peer.subject}"
        raise OAuthRefusal("invalid_client", "certificate_mismatch", said)
    return client


def is_mutual(x: Exchange, form: Form) -> bool:
    """Whether the form names a client that is registered for a certificate, and holds no other credential."""
    if x.header("authorization") is not None or form.get("client_secret") or form.get("client_assertion"):
        return False
    client = x.site.clients.get(form.get("client_id") or "")
    return client is not None and client.auth == MUTUAL_TLS


def _registered(x: Exchange, client_id: str, delay_s: float) -> Client:
    x.notes["client_id"] = client_id
    client = x.site.clients.get(client_id)
    if client is None:
        raise OAuthRefusal("invalid_client", "client_unknown", f"no client {client_id[:80]!r}")
    if client.since is not None and delay_s and (x.at - client.since).total_seconds() < delay_s:
        if client.before is None:
            raise OAuthRefusal("invalid_client", "client_not_yet", f"{client.name} has not reached this server yet")
        return client.before
    return client


def _with_secret(client: Client, secret: str, now: datetime) -> Client:
    """Vendors that take secrets take them from either place, unless the registration is for something else."""
    if client.auth not in _SECRETS:
        raise OAuthRefusal("invalid_client", "auth_method_wrong", f"{client.name} is registered for {client.auth}")
    flaw = client.secret_flaw(secret, now)
    if flaw == "secret_retired":
        raise OAuthRefusal("invalid_client", flaw, f"the secret of {client.name} was replaced, and its overlap is over")
    if flaw:
        raise OAuthRefusal("invalid_client", flaw, f"the secret of {client.name} is another")
    return client
