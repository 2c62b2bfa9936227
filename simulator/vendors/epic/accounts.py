"""Epic's other way in: an account of a user (`emp$…`) by HTTP Basic, with the client named beside it.

Integrations with Epic's own web services use it. The same header names the person on whose behalf a call is made.

Source: SOURCES.md, "Tokens" (OAUTH: user name, `Epic-Client-ID`, `Epic-User-ID`; what an account may: guess).
"""

from __future__ import annotations

from simulator.auth import accounts, scopes
from simulator.exchange import Caller, Exchange
from simulator.refusal import Refusal

PREFIX = "emp$"


def caller(x: Exchange) -> Caller:
    """The holder of the account; its rights are those of the registration.

    Raises:
        Refusal: unauthenticated: no `Epic-Client-ID`, an unknown one, or another account or password.
    """
    named = x.header("epic-client-id")
    if named is None:
        raise Refusal("unauthenticated", "Basic without Epic-Client-ID", reason="client_missing")
    client = accounts.holder(x, client_id=named)
    behalf = x.header("epic-user-id")
    x.notes["user"] = behalf or client.username
    return Caller(client.client_id, "", client.scopes, None, scopes.compile(client.scopes))
