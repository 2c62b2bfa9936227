"""The scenario that plays in a sandbox."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from simulator import scenario
from simulator.control.place import ONE, sandbox_of, sandboxes_of

router = APIRouter(tags=["scenario"])


class Wish(BaseModel):
    """Which scenario."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="one of `emr-sandbox scenarios`")


@router.post(f"{ONE}/scenario")
async def play(request: Request, id: str, wish: Wish) -> dict[str, Any]:
    """Play a scenario from now on; what played before is stopped."""
    found = sandbox_of(request, id)
    story = scenario.load_named(wish.name, sandboxes_of(request).settings.scenario_folders)
    scenario.play(story, found)
    return story.to_json()


@router.delete(f"{ONE}/scenario", status_code=204)
async def stop(request: Request, id: str) -> None:
    """Stop what plays: faults and timed actions go, limits are as delivered."""
    scenario.stop(sandbox_of(request, id))
