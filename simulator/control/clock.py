"""The clock of a sandbox: look at it, put it, stop it, scale it, turn it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from simulator.control.place import ONE, sandbox_of
from simulator.control.problem import Problem
from simulator.journal.entry import instant
from simulator.sandbox import Sandbox

router = APIRouter(tags=["clock"])
_LONGEST_S = 100 * 366 * 86_400


class Setting(BaseModel):
    """What shall change; what is not said stays."""

    model_config = ConfigDict(extra="forbid")

    now: Annotated[datetime | None, Field(description="sandbox time, with an offset")] = None
    frozen: Annotated[bool | None, Field(description="whether it stands still")] = None
    scale: Annotated[float | None, Field(gt=0, le=1e6, description="sandbox seconds a real second")] = None
    skew_s: float | None = Field(
        None, ge=-_LONGEST_S, le=_LONGEST_S, description="how far the caller's clock is behind"
    )


class Turn(BaseModel):
    """How far to turn the clock."""

    model_config = ConfigDict(extra="forbid")

    seconds: float = Field(ge=0, le=_LONGEST_S, description="sandbox time never runs back")


@router.get(f"{ONE}/clock")
async def clock(request: Request, id: str) -> dict[str, Any]:
    """What time it is in the sandbox."""
    return told(sandbox_of(request, id))


@router.put(f"{ONE}/clock")
async def put(request: Request, id: str, setting: Setting) -> dict[str, Any]:
    """Put, stop or scale the clock."""
    found = sandbox_of(request, id)
    if setting.now is not None:
        if setting.now.tzinfo is None:
            raise Problem(422, f"body.now: needs an offset: {setting.now.isoformat()}", hint="2026-01-05T12:00:00Z")
        found.clock.set(setting.now.astimezone(UTC))
    if setting.skew_s is not None:
        found.clock.skew = timedelta(seconds=setting.skew_s)
    if setting.scale is not None and setting.frozen is not True:
        found.clock.run(setting.scale)
    if setting.frozen is True:
        found.clock.freeze()
    elif setting.frozen is False:
        found.clock.unfreeze()
    found.faults.settle(found.clock.now())
    return told(found)


@router.post(f"{ONE}/clock/advance")
async def advance(request: Request, id: str, turn: Turn) -> dict[str, Any]:
    """Turn the clock: token expiry, quota windows, outages and page sessions follow at once."""
    found = sandbox_of(request, id)
    found.clock.advance(timedelta(seconds=turn.seconds))
    found.faults.settle(found.clock.now())
    return told(found)


def told(sandbox: Sandbox) -> dict[str, Any]:
    """What a clock shows."""
    held = sandbox.clock
    return {
        "now": instant(held.now()),
        "wall": instant(held.wall()),
        "frozen": held.is_frozen,
        "scale": held.scale,
        "skew_s": held.skew.total_seconds(),
        **_beyond(sandbox),
    }


def _beyond(sandbox: Sandbox) -> dict[str, Any]:
    """One line for a clock that has passed everything that happens by itself."""
    horizon = sandbox.world.population.horizon
    if sandbox.clock.now() < horizon:
        return {}
    return {"note": f"nothing happens by itself after {horizon:%Y-%m-%d}: create the sandbox with a later as_of"}
