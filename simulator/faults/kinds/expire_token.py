"""The presented token has just expired: the vendor answers as it does to an expired token."""

from __future__ import annotations

from simulator.exchange import Exchange
from simulator.faults.fault import Args, Fault
from simulator.refusal import Refusal


async def _before(args: Args, x: Exchange, draw: int) -> None:
    scheme, _, text = (x.header("authorization") or "").partition(" ")
    if scheme.lower() != "bearer":
        return
    try:
        token = x.site.tokens.find(text.strip(), x.at)
    except Refusal:
        return
    x.site.tokens.expire(token.id, x.at)


FAULT = Fault(
    name="expire_token",
    says="ends the life of the token that the call carries, so that this call and later ones with it are refused",
    args={},
    before=_before,
)
