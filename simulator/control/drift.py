"""The day of a vendor's API, and moving it while an integration runs."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from simulator.control.place import ONE, sandbox_of, site_of
from simulator.drift import check_day
from simulator.journal.entry import instant
from simulator.sandbox import Site

router = APIRouter(tags=["vendors"])


class Upgrade(BaseModel):
    """To which day."""

    model_config = ConfigDict(extra="forbid")

    as_of: Annotated[date, Field(description="the day whose API it shall be, later or earlier than now")]


@router.get(f"{ONE}/vendors/{{vendor}}/upgrade")
async def standing(request: Request, id: str, vendor: str) -> dict[str, Any]:
    """Where a vendor's API stands: which changes are in force, which are to come, each with its source; and how it
    came there."""
    return _told(site_of(sandbox_of(request, id), vendor))


@router.post(f"{ONE}/vendors/{{vendor}}/upgrade")
async def upgrade(request: Request, id: str, vendor: str, wish: Upgrade) -> dict[str, Any]:
    """Let a vendor's API be that of another day, at once. Tokens, page sessions and records stay; settings and limits
    that the two days have differently are those of the new day. A reset takes it back."""
    site = site_of(sandbox_of(request, id), vendor)
    check_day(wish.as_of)
    move = site.upgrade(wish.as_of)
    later, sooner = max(move.before, move.after), min(move.before, move.after)
    between = [one.id for one in site.vendor.drift.in_order if sooner < one.since <= later]
    is_forward = move.after >= move.before
    return {"came": between if is_forward else [], "went": [] if is_forward else between, **_told(site)}


def _told(site: Site) -> dict[str, Any]:
    history = site.vendor.drift
    return {
        "vendor": site.vendor.id,
        "as_of": site.as_of.isoformat(),
        "as_written": history.as_of.isoformat(),
        "moves": [
            {"at": instant(one.at), "from": one.before.isoformat(), "to": one.after.isoformat()} for one in site.moves
        ],
        "in_force": [one.to_json() for one in history.in_force(site.as_of)],
        "to_come": [one.to_json() for one in history.to_come(site.as_of)],
    }
