"""What can be done to one vendor of a sandbox."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from simulator.control.place import ONE, sandbox_of, site_of

router = APIRouter(tags=["vendors"])


@router.post(f"{ONE}/vendors/{{vendor}}/revoke")
async def revoke(request: Request, id: str, vendor: str) -> dict[str, Any]:
    """Every token that this vendor has issued stops to work."""
    site_of(sandbox_of(request, id), vendor).tokens.revoke_all()
    return {"vendor": vendor, "revoked": True}
