"""Doors of single vendors: a port of its own, where faults on connections act."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from simulator.control.place import ONE, sandbox_of, site_of, vendor_urls
from simulator.control.problem import Problem
from simulator.tls.doors import Doors, VendorDoor

router = APIRouter(tags=["vendors"])


@router.get(f"{ONE}/doors")
async def doors(request: Request, id: str) -> dict[str, Any]:
    """Every vendor that has a port of its own, with who came: a careful caller leaves `http_bytes` of a bad door as it
    is."""
    return {"doors": [one.to_json() for one in doors_of(request).of(sandbox_of(request, id))]}


@router.post(f"{ONE}/vendors/{{vendor}}/door", status_code=201)
async def open_door(request: Request, id: str, vendor: str) -> dict[str, Any]:
    """Give a vendor a port of its own: its URLs lead there from now on, and the faults `bad_tls` and
    `refuse_connections` act there. Callers that came by the server's port are still answered there."""
    sandbox = sandbox_of(request, id)
    site_of(sandbox, vendor)
    made: VendorDoor = doors_of(request).open(sandbox, vendor)
    return {**made.to_json(), "urls": vendor_urls(sandbox, made.url)[vendor]}


@router.delete(f"{ONE}/vendors/{{vendor}}/door", status_code=204)
async def close_door(request: Request, id: str, vendor: str) -> None:
    """Close the vendor's own port; its URLs lead to the server's again."""
    if not doors_of(request).close(sandbox_of(request, id), vendor):
        raise Problem(404, f'"{vendor}" has no door of its own')


def doors_of(request: Request) -> Doors:
    """The doors of this server."""
    found: Doors = request.app.state.doors
    return found
