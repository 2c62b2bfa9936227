"""The presented token is revoked at this very call: the vendor answers as it does to a revoked token."""

from __future__ import annotations

from simulator.faults.act import Act
from simulator.faults.fault import Fault
from simulator.faults.presented import presented_token


def _before(act: Act) -> None:
    token = presented_token(act.x)
    if token is None:
        act.say(spared="no live token")
        return
    act.x.site.tokens.revoke(token)
    act.say(token_id=token)


FAULT = Fault(
    name="revoke_token",
    says="revokes the token that the call carries, so that this call and later ones with it are refused",
    args={},
    before=_before,
)
