"""The token that a call carries."""

from __future__ import annotations

from simulator.exchange import Exchange
from simulator.refusal import Refusal


def presented_token(x: Exchange) -> str | None:
    """The id of the live bearer token of this call; None when it carries none."""
    scheme, _, text = (x.header("authorization") or "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    try:
        return str(x.site.tokens.find(text.strip(), x.at).id)
    except Refusal:
        return None
