"""What can be done to one vendor of a sandbox: tokens end, grants shrink."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from simulator.actions import patient_number, revoke_tokens
from simulator.control.clients import client_named
from simulator.control.place import ONE, root_url, sandbox_of, site_of, vendor_urls
from simulator.control.problem import Problem
from simulator.refusal import Refusal
from simulator.sandbox import Site

router = APIRouter(tags=["vendors"])

Word = Annotated[str, Field(min_length=1, max_length=8192)]


class Revocation(BaseModel):
    """What ends: everything, or what is named."""

    model_config = ConfigDict(extra="forbid")

    client: Annotated[Word | None, Field(description="a client id or name: its tokens, and what people granted it")] = (
        None
    )
    patient: Annotated[Word | None, Field(description="a key or an id of the vendor: what was granted for it")] = None
    token: Annotated[Word | None, Field(description="one access or refresh token, or a token id of the journal")] = None


class Withheld(BaseModel):
    """Scopes that are never granted although they are asked for."""

    model_config = ConfigDict(extra="forbid")

    scopes: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=500)]],
        Field(max_length=500, description="scopes, or resource types: `offline_access`, `Observation`"),
    ]


@router.get(f"{ONE}/vendors/{{vendor}}/openapi.json")
async def openapi(request: Request, id: str, vendor: str) -> dict[str, Any]:
    """The OpenAPI document of a vendor's FHIR side here, for tools that try every call."""
    found = sandbox_of(request, id)
    site = site_of(found, vendor)
    if site.vendor.openapi is None:
        raise Problem(501, f"{vendor} has no OpenAPI document yet")
    return site.vendor.openapi(site, vendor_urls(found, root_url(request))[vendor]["base_url"])


@router.post(f"{ONE}/vendors/{{vendor}}/revoke")
async def revoke(request: Request, id: str, vendor: str, wish: Revocation | None = None) -> dict[str, Any]:
    """Tokens that this vendor has issued stop to work, and the grants behind them end."""
    found = sandbox_of(request, id)
    site = site_of(found, vendor)
    wish = wish or Revocation()
    if wish.token is not None:
        if wish.client is not None or wish.patient is not None:
            raise Problem(422, "a token alone, or a client and a patient")
        return {"vendor": vendor, "revoked": _revoke_one(site, wish.token)}
    asked: dict[str, Any] = {"vendor": vendor}
    if wish.client is not None:
        asked["client"] = client_named(site, wish.client).client_id
    if wish.patient is not None:
        if patient_number(site, wish.patient) is None:
            raise Problem(404, f'no patient "{wish.patient}" at {vendor}', hint="a key of truth/patients, or a FHIR id")
        asked["patient"] = wish.patient
    revoke_tokens(found, asked)
    return {"vendor": vendor, "revoked": True}


def _revoke_one(site: Site, named: str) -> bool:
    """Whether there was a live token of that text or id."""
    now = site.sandbox.clock.now()
    behind = site.desk.grants.behind(named, now)
    if behind is not None:
        site.desk.grants.end(behind[0].id)
        return True
    by_id = site.tokens.of_id(named)
    try:
        site.tokens.revoke(site.tokens.find(by_id.text if by_id is not None else named, now).id)
    except Refusal:
        return False
    return True


@router.get(f"{ONE}/vendors/{{vendor}}/grants")
async def grants(request: Request, id: str, vendor: str) -> dict[str, Any]:
    """What people have granted here and not taken back."""
    site = site_of(sandbox_of(request, id), vendor)
    return {
        "grants": [
            {
                "id": one.id,
                "client": one.client_id,
                "user": one.user.login,
                "patient": None if one.patient is None else str(one.patient),
                "scopes": list(one.scopes),
                "access": one.access or None,
                "at": one.at.isoformat(),
            }
            for one in site.desk.grants.live
        ]
    }


@router.get(f"{ONE}/vendors/{{vendor}}/withheld-scopes")
async def withheld(request: Request, id: str, vendor: str) -> dict[str, Any]:
    """The scopes that are never granted."""
    return {"scopes": list(site_of(sandbox_of(request, id), vendor).settings.get("withhold_scopes", ()))}


@router.put(f"{ONE}/vendors/{{vendor}}/withheld-scopes")
async def withhold(request: Request, id: str, vendor: str, wish: Withheld) -> dict[str, Any]:
    """From now on grant fewer scopes than are asked for: an integration must read what it was granted."""
    site = site_of(sandbox_of(request, id), vendor)
    site.settings["withhold_scopes"] = tuple(wish.scopes)
    return {"scopes": list(wish.scopes)}
