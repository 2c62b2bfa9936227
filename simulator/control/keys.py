"""Credentials that change while a sandbox runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from simulator.control.clients import client_named
from simulator.control.place import ONE, sandbox_of, site_of
from simulator.control.problem import Problem
from simulator.faults.rotation import rotate, rotate_signing

router = APIRouter(tags=["vendors"])


class Rotation(BaseModel):
    """Whose: every client's credentials, one client's, or the keys that the vendor itself signs with."""

    model_config = ConfigDict(extra="forbid")

    of: Annotated[
        Literal["clients", "vendor"], Field(description="credentials of clients, or the vendor's own keys")
    ] = "clients"
    client: Annotated[str | None, Field(min_length=1, max_length=200, description="a client id or name")] = None
    overlap_s: Annotated[
        float, Field(ge=0, le=1e9, description="how long the old ones count beside the new, on the sandbox clock")
    ] = 0


@router.post(f"{ONE}/vendors/{{vendor}}/rotate-keys")
async def rotate_keys(request: Request, id: str, vendor: str, wish: Rotation | None = None) -> dict[str, Any]:
    """Clients get new secrets, keys and API keys; `GET …/clients` tells the new ones. The old are refused at once, or
    when the overlap ends. Tokens stay good; clients that publish keys of their own keep them. Of the vendor: it signs
    id_tokens and access tokens with other keys, and its key set holds the old ones until the overlap ends."""
    site = site_of(sandbox_of(request, id), vendor)
    wish = wish or Rotation()
    if wish.of == "vendor":
        if wish.client is not None:
            raise Problem(422, "the keys of a client, or those of the vendor")
        return {"vendor": vendor, "rotated": [], "generation": rotate_signing(site, timedelta(seconds=wish.overlap_s))}
    named = None if wish.client is None else client_named(site, wish.client).client_id
    return {"vendor": vendor, "rotated": rotate(site, named, timedelta(seconds=wish.overlap_s))}
