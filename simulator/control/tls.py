"""TLS: the authority to trust, and further listeners: another origin, and certificates that nobody should accept."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from simulator.control.place import ROOT
from simulator.control.problem import Problem
from simulator.refusal import NotSimulated
from simulator.tls.listeners import KINDS, Listener, Listeners

router = APIRouter(tags=["tls"])
PEM = "application/x-pem-file"


class Wish(BaseModel):
    """Which listener."""

    model_config = ConfigDict(extra="forbid")

    kind: str = Field(description="; ".join(f"`{name}`: {kind.says}" for name, kind in KINDS.items()))


@router.get(f"{ROOT}/tls/ca.pem", response_class=Response, responses={200: {"content": {PEM: {}}}})
async def ca(request: Request) -> Response:
    """The certificate of the local authority: what callers trust. Never put it into the trust store of a machine."""
    return Response(listeners_of(request).ca_pem, media_type=PEM)


@router.get(f"{ROOT}/tls/listeners")
async def listeners(request: Request) -> dict[str, Any]:
    """Every further listener, with who came: a caller that verifies leaves `http_bytes` of a bad one at zero."""
    return {"listeners": [one.to_json() for one in listeners_of(request).all]}


@router.post(f"{ROOT}/tls/listeners", status_code=201)
async def open_listener(request: Request, wish: Wish) -> dict[str, Any]:
    """Open a listener on a free port; it leads to the same server, under another certificate."""
    return (await opened(request, wish.kind)).to_json()


@router.get(f"{ROOT}/tls/listeners/{{listener}}")
async def one(request: Request, listener: str) -> dict[str, Any]:
    """One listener."""
    found = listeners_of(request).get(listener)
    if found is None:
        raise _unknown(request, listener)
    return found.to_json()


@router.delete(f"{ROOT}/tls/listeners/{{listener}}", status_code=204)
async def close(request: Request, listener: str) -> None:
    """Close a listener, and break off who is connected to it."""
    if not listeners_of(request).close(listener):
        raise _unknown(request, listener)


@router.delete(f"{ROOT}/tls/listeners", status_code=204)
async def close_all(request: Request) -> None:
    """Close every one."""
    listeners_of(request).close_all()


def listeners_of(request: Request) -> Listeners:
    """The listeners of this server."""
    found: Listeners = request.app.state.listeners
    return found


async def opened(request: Request, kind: str) -> Listener:
    """A new listener. Raises Problem, 501, when this Python cannot speak what it should."""
    try:
        return await listeners_of(request).open(kind)
    except NotSimulated as gap:
        raise Problem(501, f"not simulated: {gap.what}") from None


def _unknown(request: Request, listener: str) -> Problem:
    return Problem(404, f'unknown listener "{listener}"', known=[one.id for one in listeners_of(request).all])
