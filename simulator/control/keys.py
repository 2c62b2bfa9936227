"""Credentials that change while a sandbox runs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from simulator.control.clients import client_named
from simulator.control.place import ONE, sandbox_of, site_of
from simulator.faults.rotation import rotate

router = APIRouter(tags=["vendors"])


class Rotation(BaseModel):
    """Whose credentials: every client's, or one's."""

    model_config = ConfigDict(extra="forbid")

    client: Annotated[str | None, Field(min_length=1, max_length=200, description="a client id or name")] = None


@router.post(f"{ONE}/vendors/{{vendor}}/rotate-keys")
async def rotate_keys(request: Request, id: str, vendor: str, wish: Rotation | None = None) -> dict[str, Any]:
    """Clients get new secrets, keys and API keys, and the old ones are refused at once; `GET …/clients` tells the new
    ones. Tokens stay good; clients that publish keys of their own keep them, and so does the vendor."""
    site = site_of(sandbox_of(request, id), vendor)
    if wish is None or wish.client is None:
        return {"vendor": vendor, "rotated": rotate(site)}
    return {"vendor": vendor, "rotated": rotate(site, client_named(site, wish.client).client_id)}
