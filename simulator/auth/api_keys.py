"""API keys in a header: no token, no scope to ask for, rights by registration.

None of the vendors here documents one on its own hosts; integrations meet them at gateways that stand before these.
"""

from __future__ import annotations

from simulator.auth.clients import Client
from simulator.exchange import Exchange
from simulator.refusal import Refusal


def by_key(x: Exchange) -> Client | None:
    """The client whose API key the request shows in the header of such clients; None when it shows none.

    Raises:
        Refusal: unauthenticated, with reason key_unknown, or key_retired when it was replaced and its overlap is over.
    """
    shown = [(client, sent) for client in _holders(x) if (sent := x.header(client.header)) is not None]
    flaws = []
    for client, sent in shown:
        flaw = client.key_flaw(sent, x.at)
        if not flaw:
            return client
        flaws.append((flaw, client))
    if not flaws:
        return None
    flaw, client = next((one for one in flaws if one[0] == "key_retired"), flaws[0])
    if flaw == "key_retired":
        x.notes["client_id"] = client.client_id
        raise Refusal("unauthenticated", f"the API key of {client.name} was replaced", reason=flaw)
    raise Refusal("unauthenticated", "the API key is not one of ours", reason=flaw)


def _holders(x: Exchange) -> list[Client]:
    return [client for client in x.site.clients.values() if client.api_key]
