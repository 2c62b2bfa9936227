"""Limits: the quotas of each vendor in a sandbox, as delivered, changed or off."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from simulator.actions import check_in, set_limits
from simulator.control.place import ONE, sandbox_of
from simulator.limits import LimitBook, Scope, Window

router = APIRouter(tags=["limits"])


class Change(BaseModel):
    """Which limits, and what they shall be: without `vendor` or `name`, all of them."""

    model_config = ConfigDict(extra="forbid")

    vendor: str | None = None
    name: str | None = None
    calls: Annotated[int | None, Field(ge=0)] = None
    per_s: Annotated[float | None, Field(gt=0, le=1e9)] = None
    scale: Annotated[float | None, Field(gt=0, le=1e9, description="so many times what was delivered")] = None
    window: Annotated[Window | None, Field(description="how calls are counted")] = None
    scope: Annotated[Scope | None, Field(description="for each of whom")] = None
    burst: Annotated[int | None, Field(ge=1, description="the size of a bucket")] = None
    off: Annotated[bool, Field(description="true: not counted at all; false: counted again")] = False


@router.get(f"{ONE}/limits")
async def limits(request: Request, id: str) -> dict[str, Any]:
    """Every limit, by vendor."""
    found = sandbox_of(request, id)
    return {"limits": {vendor: told(site.limits) for vendor, site in found.sites.items()}}


@router.put(f"{ONE}/limits")
async def change(request: Request, id: str, wish: Change) -> dict[str, Any]:
    """Change limits, scale them, or switch them off; what was used of them starts anew. A new name with `calls` and
    `scope` is a new limit."""
    found = sandbox_of(request, id)
    asked = wish.model_dump(exclude_none=True)
    check_in(found, "limits", asked)
    set_limits(found, asked)
    return {"limits": {vendor: told(site.limits) for vendor, site in found.sites.items()}}


@router.delete(f"{ONE}/limits", status_code=204)
async def restore(request: Request, id: str) -> None:
    """Every limit as the vendor was delivered."""
    for site in sandbox_of(request, id).sites.values():
        site.limits.restore()


def told(book: LimitBook) -> list[dict[str, Any]]:
    """The limits of one site."""
    return [
        {
            "name": limit.name,
            "calls": limit.calls,
            "per_s": limit.per.total_seconds(),
            "window": limit.window,
            "scope": limit.scope,
            "burst": limit.burst,
            "counts": limit.counts,
            "off": book.is_off(limit.name),
            "source": {"where": limit.source.where, "mark": limit.source.mark},
        }
        for limit in book.limits
    ]
