"""Clients: per vendor and auth method what an integration needs to get in, and new ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from simulator.auth import scopes
from simulator.auth.assertion import keys_of_jwks
from simulator.auth.authorize import flaw_of
from simulator.auth.clients import Client
from simulator.auth.keyring import SLOTS
from simulator.auth.sight import FILTERS
from simulator.control.place import ONE, root_url, sandbox_of, site_of, vendor_urls
from simulator.control.problem import Problem
from simulator.ids import text_of
from simulator.sandbox import Sandbox, Site

router = APIRouter(tags=["clients"])
_MOST = 10_000

Text = Annotated[str, Field(min_length=1, max_length=2048)]


class Registration(BaseModel):
    """A client to be: an app of people when it has `redirect_uris`, else one that acts for itself."""

    model_config = ConfigDict(extra="forbid")

    vendor: Text
    name: Annotated[str, Field(min_length=1, max_length=80)]
    auth: Annotated[
        Literal["none", "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"],
        Field(description="how it proves itself; a vendor takes only some of these"),
    ]
    scopes: Annotated[list[Text], Field(min_length=1, max_length=500)]
    redirect_uris: Annotated[
        list[Text],
        Field(max_length=50, description="compared letter by letter; on loopback without a port, any port will do"),
    ] = []
    launch_url: Annotated[Text | None, Field(description="where the EHR opens it")] = None
    jwks: Annotated[dict[str, Any] | None, Field(description="its public keys; a ready-made key without")] = None
    jwks_uri: Annotated[Text | None, Field(description="where it publishes its keys")] = None
    offline: Annotated[
        bool | None, Field(description="whether it may keep access; without: when it has the scope and a credential")
    ] = None
    persona: Annotated[Literal["patient", "practitioner"] | None, Field(description="who logs in; both without")] = None
    dynamic: Annotated[bool, Field(description="whether it registers a client for each installation")] = False


@router.get(f"{ONE}/clients")
async def clients(request: Request, id: str) -> dict[str, Any]:
    """Every client, with secrets and private keys; the ready-made ones are deterministic from the seed."""
    found = sandbox_of(request, id)
    return clients_of(found, vendor_urls(found, root_url(request)))


@router.post(f"{ONE}/clients", status_code=201)
async def register(request: Request, response: Response, id: str, wish: Registration) -> dict[str, Any]:
    """Register a client at a vendor; gives it with its secret or key. A reset forgets it."""
    found = sandbox_of(request, id)
    site = site_of(found, wish.vendor)
    made = client_of(site, wish)
    site.clients[made.client_id] = made
    url = root_url(request)
    response.headers["location"] = f"{url}{ONE.format(id=found.id)}/clients"
    return made.as_dict(vendor_urls(found, url)[wish.vendor].get(made.token_at, ""))


class KeySet(BaseModel):
    """The public keys of a client from now on."""

    model_config = ConfigDict(extra="forbid")

    keys: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=100)]


@router.put(f"{ONE}/vendors/{{vendor}}/clients/{{client_id}}/jwks")
async def rotate(request: Request, id: str, vendor: str, client_id: str, wish: KeySet) -> dict[str, Any]:
    """A client changes its keys. Where changes take time to arrive (setting `propagation_s`), the old ones count on."""
    site = site_of(sandbox_of(request, id), vendor)
    client = client_named(site, client_id)
    if client.auth != "private_key_jwt" or client.jwks_uri:
        raise Problem(422, f'"{client.name}" registers no keys here: {client.jwks_uri or client.auth}')
    _check_jwks(wish.model_dump())
    site.clients[client.client_id] = replace(
        client, jwks=wish.model_dump(), key_slot=None, kid="", since=site.sandbox.clock.now(), before=client
    )
    return site.clients[client.client_id].public()


@router.delete(f"{ONE}/vendors/{{vendor}}/clients/{{client_id}}", status_code=204)
async def remove(request: Request, id: str, vendor: str, client_id: str) -> None:
    """Take a client away, with its tokens and what people granted it."""
    site = site_of(sandbox_of(request, id), vendor)
    if site.clients.pop(client_id, None) is None:
        raise Problem(404, f'unknown client "{client_id}" at {vendor}', known=list(site.clients))
    site.tokens.revoke_client(client_id)
    site.desk.grants.end_where(client_id=client_id)


def clients_of(sandbox: Sandbox, urls: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """The contract's `clients` shape."""
    return {
        id: [client.as_dict(urls[id].get(client.token_at, "")) for client in site.clients.values()]
        for id, site in sandbox.sites.items()
    }


def client_named(site: Site, named: str) -> Client:
    """The client of that id or name.

    Raises:
        Problem: 404 with the names.
    """
    found = site.clients.get(named) or next((one for one in site.clients.values() if one.name == named), None)
    if found is None:
        raise Problem(404, f'unknown client "{named}"', known=[one.name for one in site.clients.values()])
    return found


def client_of(site: Site, wish: Registration) -> Client:
    """The client that a registration asks for.

    Raises:
        Problem: 422 with what is wrong; 409 when the name is taken.
    """
    manner = site.vendor.manner
    if manner is None:
        raise Problem(422, f'vendor "{wish.vendor}" takes no registrations')
    if wish.auth not in manner.methods:
        raise Problem(422, f'"{wish.auth}" is no way in at {wish.vendor}', known=list(manner.methods))
    if any(one.name == wish.name for one in site.clients.values()):
        raise Problem(409, f'a client "{wish.name}" is registered', known=[one.name for one in site.clients.values()])
    if len(site.clients) >= _MOST:
        raise Problem(409, f"{_MOST} clients are registered", hint="reset the sandbox")
    if wish.dynamic and not site.settings.get("dynamic_clients"):
        raise Problem(422, f"apps register no clients at {wish.vendor}")
    _check_uris(wish)
    _check_scopes(wish)
    _check_keys(wish)
    own_key = wish.auth == "private_key_jwt" and wish.jwks is None and wish.jwks_uri is None
    has_secret = wish.auth.startswith("client_secret_")
    offline = "offline_access" in wish.scopes and wish.auth != "none" if wish.offline is None else wish.offline
    return Client(
        name=wish.name,
        auth=wish.auth,
        client_id=manner.client_id(site, f"registered {wish.name}"),
        scopes=tuple(dict.fromkeys(wish.scopes)),
        client_secret=text_of(site.secret, "client secret", wish.name, length=48) if has_secret else "",
        kid=f"{len(site.clients)}-1" if own_key else "",
        key_slot=len(site.clients) % SLOTS if own_key else None,
        redirect_uris=tuple(wish.redirect_uris),
        launch_url=wish.launch_url or "",
        offline=offline,
        persona=wish.persona or "",
        dynamic=wish.dynamic,
        token_at=manner.token_at if wish.redirect_uris else "token_url",
        jwks=wish.jwks,
        jwks_uri=wish.jwks_uri or "",
        since=site.sandbox.clock.now(),
    )


def _check_uris(wish: Registration) -> None:
    for uri in wish.redirect_uris:
        flaw = flaw_of(uri)
        if flaw:
            raise Problem(422, f'redirect URI "{uri}": {flaw}')
    for name, url in (("launch_url", wish.launch_url), ("jwks_uri", wish.jwks_uri)):
        flaw = flaw_of(url) if url is not None else ""
        if flaw or (url is not None and not url.lower().startswith(("http://", "https://"))):
            raise Problem(422, f'{name} "{url}": {flaw or "it is not http or https"}')
    if wish.launch_url is not None and not wish.redirect_uris:
        raise Problem(422, "an app that an EHR opens needs redirect_uris")
    if wish.auth == "none" and not wish.redirect_uris:
        raise Problem(422, "a public client needs redirect_uris: it cannot act for itself")


def _check_scopes(wish: Registration) -> None:
    for text in wish.scopes:
        if not text.isascii() or any(letter <= " " or letter in '"\\' for letter in text):
            raise Problem(422, f"scope {text!r}: it has a blank or a letter that scopes do not have")
        scope = scopes.parse(text)
        if scope is None and "/" in text and text.partition("/")[0] in ("patient", "user", "system"):
            raise Problem(422, f'scope "{text}" is neither version 1 nor version 2')
        unknown = [name for name, _ in scope.filter if name not in FILTERS] if scope is not None else []
        if unknown:
            raise Problem(422, f'scope "{text}": no filter by "{unknown[0]}"', known=sorted(FILTERS))


def _check_keys(wish: Registration) -> None:
    given = [name for name in ("jwks", "jwks_uri") if getattr(wish, name) is not None]
    if given and wish.auth != "private_key_jwt":
        raise Problem(422, f"{given[0]} goes with private_key_jwt, not with {wish.auth}")
    if len(given) == 2:
        raise Problem(422, "jwks or jwks_uri, not both")
    if wish.jwks is not None:
        _check_jwks(wish.jwks)


def _check_jwks(jwks: Mapping[str, Any]) -> None:
    try:
        keys = keys_of_jwks(jwks)
    except ValueError as error:
        raise Problem(422, f"jwks: {error}") from None
    if not keys:
        raise Problem(422, "jwks: it has no key that signs and has a kid")
    if any("d" in one or "k" in one for one in jwks["keys"]):
        raise Problem(422, "jwks: it has a private key; register the public half")
