"""Credentials that change: a client's secret, key or API key is replaced, deterministically."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from simulator.ids import text_of

if TYPE_CHECKING:
    from simulator.auth.clients import Client
    from simulator.sandbox import Site

SLOTS = 16
"""How many keys the keyring has: rotation takes the next one, round and round."""


def rotate(site: Site, client_id: str | None = None) -> list[str]:
    """Give new credentials to one client of a site, or to all; the ids of those that have new ones.

    A new key has a new `kid`. What was issued before stays good.
    """
    changed = []
    for id, client in list(site.clients.items()):
        if client_id in (None, id):
            made = _rotated(site, client)
            if made is not client:
                site.clients[id] = made
                changed.append(id)
    return changed


def _rotated(site: Site, client: Client) -> Client:
    """The client with the next of its credentials; itself when it has none, or publishes keys of its own. Derived from
    the old ones and the site."""
    if client.jwks is not None or client.jwks_uri:
        return client
    if client.key_slot is not None:
        stem, _, number = client.kid.rpartition("-")
        kid = f"{stem}-{int(number) + 1}" if stem and number.isdigit() else f"{client.kid}-2"
        return replace(client, kid=kid, key_slot=(client.key_slot + 1) % SLOTS)
    if client.client_secret:
        fresh = text_of(site.key, "rotated", client.client_secret, length=len(client.client_secret))
        return replace(client, client_secret=fresh)
    if client.api_key:
        return replace(client, api_key=text_of(site.key, "rotated", client.api_key, length=len(client.api_key)))
    return client
