"""Credentials that change: a client's secret, key or API key is replaced, a vendor signs with other keys.

Within an overlap the old ones count beside the new; without one, or after it, they are refused as what they are.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from simulator.ids import text_of

if TYPE_CHECKING:
    from simulator.auth.clients import Client
    from simulator.sandbox import Site

SLOTS = 16
"""How many keys the keyring has: rotation takes the next one, round and round."""


def rotate(site: Site, client_id: str | None = None, overlap: timedelta = timedelta(0)) -> list[str]:
    """Give new credentials to one client of a site, or to all; the ids of those that have new ones.

    The old ones count for `overlap` of sandbox time. A new key has a new `kid`. Tokens that were issued stay good.
    """
    changed = []
    until = site.sandbox.clock.now() + overlap
    for id, client in list(site.clients.items()):
        if client_id in (None, id):
            fresh = _fresh(site, client)
            if fresh:
                site.clients[id] = client.renewed(until, **fresh)
                changed.append(id)
    return changed


def rotate_signing(site: Site, overlap: timedelta = timedelta(0)) -> int:
    """Let a vendor sign with its next keys, and publish the old ones for `overlap` too; gives the generation."""
    site.signing = site.signing.rotated(site.sandbox.clock.now() + overlap)
    return site.signing.generation


def _fresh(site: Site, client: Client) -> dict[str, Any]:
    """The next of a client's credentials; nothing when it has none, or publishes keys of its own. Derived from the old
    ones and the site."""
    if client.jwks is not None or client.jwks_uri:
        return {}
    if client.key_slot is not None:
        stem, _, number = client.kid.rpartition("-")
        kid = f"{stem}-{int(number) + 1}" if stem and number.isdigit() else f"{client.kid}-2"
        return {"kid": kid if client.kid else "", "key_slot": (client.key_slot + 1) % SLOTS}
    held = {name: getattr(client, name) for name in ("client_secret", "api_key")}
    return {name: text_of(site.key, "rotated", one, length=len(one)) for name, one in held.items() if one}
