"""Somebody rotates the credentials of the client that calls: its secret or key is no longer the right one."""

from __future__ import annotations

from simulator.faults.act import Act
from simulator.faults.fault import Fault
from simulator.faults.rotation import rotate
from simulator.selector import client_of


def _before(act: Act) -> None:
    client = act.x.site.clients.get(client_of(act.x))
    if client is None:
        act.say(spared="no client of ours")
        return
    rotate(act.x.site, client.client_id)
    act.say(client=client.client_id)


FAULT = Fault(
    name="rotate_keys",
    says="replaces the secret, key or API key of the client that calls: its next login is refused until it takes the "
    "new one from `GET …/clients`; tokens stay good",
    args={},
    before=_before,
)
