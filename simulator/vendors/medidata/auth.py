"""Who may call Rave Web Services: users of Rave by HTTP Basic, apps by the MAuth signature of each request.

An account locks after a few bad logins in a row; a person must unlock it (control API, `unlock`).

Source: SOURCES.md, "Ways in" (RWSLIB, MAUTH, CURE).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.auth import accounts, mauth
from simulator.auth.clients import HTTP_BASIC, MAUTH, Client
from simulator.exchange import Caller, Exchange
from simulator.ids import text_of, uuid_of
from simulator.refusal import Refusal

if TYPE_CHECKING:
    from simulator.sandbox import Site

_KEY_SLOT = 14


def clients(site: Site) -> list[Client]:
    """A user of Rave with a password, and an app with a key that acts for a user."""
    return [
        Client(
            "rave-user", HTTP_BASIC, "rave-user", (), username="sandbox_rws",
            client_secret=text_of(site.key, "password", "rave-user", length=16),
        ),
        Client("mauth-app", MAUTH, _uuid(site, "mauth-app"), (), kid="mauth-app-1", key_slot=_KEY_SLOT),
    ]  # fmt: skip


def _uuid(site: Site, name: str) -> str:
    return uuid_of("app", site.key.hex(), name)


def admit(x: Exchange) -> Caller | None:
    """Who asks; None at public doors.

    Raises:
        Refusal: unauthenticated; reason no_token when nothing is shown at all.
    """
    if x.route is None or x.route.needs is None:
        return None
    if mauth.is_signed(x):
        return Caller(mauth.signer(x).client_id)
    if x.header("authorization") is None:
        raise Refusal("unauthenticated", "no Authorization header", reason="no_token")
    client = accounts.holder(x, lock_after=int(x.site.settings["lock_after"]))
    x.notes["user"] = client.username
    return Caller(client.client_id)
