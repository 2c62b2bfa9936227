"""Credentials that change while a sandbox runs."""

from __future__ import annotations

from datetime import timedelta
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
    overlap_s: Annotated[
        float, Field(ge=0, le=1e9, description="how long the old ones count beside the new, on the sandbox clock")
    ] = 0


@router.post(f"{ONE}/vendors/{{vendor}}/rotate-keys")
async def rotate_keys(request: Request, id: str, vendor: str, wish: Rotation | None = None) -> dict[str, Any]:
    """Clients get new secrets, keys and API keys; `GET …/clients` tells the new ones. The old are refused at once, or
    when the overlap ends. Tokens stay good; clients that publish keys of their own keep them, so does the vendor."""
    site = site_of(sandbox_of(request, id), vendor)
    wish = wish or Rotation()
    named = None if wish.client is None else client_named(site, wish.client).client_id
    return {"vendor": vendor, "rotated": rotate(site, named, timedelta(seconds=wish.overlap_s))}
