"""Sandboxes: make, list, look at, reset, drop."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from simulator import scenario
from simulator.control.clients import clients_of
from simulator.control.doors import doors_of
from simulator.control.place import ONE, ROOT, described, root_url, sandbox_of, sandboxes_of, vendor_urls
from simulator.control.problem import Problem
from simulator.population.dirt import Dirt
from simulator.settings import MAX_PATIENTS

router = APIRouter(tags=["sandboxes"])


class Wish(BaseModel):
    """What a new sandbox shall be; what is not said is as the server was started."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[
        str | None, Field(description="its name; made up when not given", pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    ] = None
    seed: Annotated[int | None, Field(ge=-(2**63), lt=2**63)] = None
    patients: Annotated[int | None, Field(ge=1, le=MAX_PATIENTS)] = None
    as_of: date | None = None
    dirt: Annotated[
        dict[str, int] | Literal["none", "default", "heavy"] | None,
        Field(description="how many defects of each kind, per million; what is not named is as by default"),
    ] = None
    vendors: Annotated[list[str] | None, Field(description="ids of vendors that this server serves")] = None
    apis: Annotated[
        dict[str, date] | None,
        Field(description="vendor -> the day of its API, where it is not the day that its room is written as of"),
    ] = None
    doors: Annotated[bool, Field(description="whether every vendor gets a port of its own")] = False
    scenario: Annotated[str | None, Field(description="a scenario that plays from the beginning")] = None


@router.post(f"{ROOT}/sandboxes", status_code=201)
async def create(request: Request, response: Response, wish: Wish | None = None) -> dict[str, Any]:
    """A new sandbox, with every base URL and every ready-made client."""
    wish = wish or Wish()
    sandboxes = sandboxes_of(request)
    if wish.id is not None and sandboxes.get(wish.id) is not None:
        raise Problem(409, f'sandbox "{wish.id}" exists', known=list(sandboxes.ids))
    story = None
    if wish.scenario is not None:
        story = scenario.load_named(wish.scenario, sandboxes.settings.scenario_folders)
    made = sandboxes.create(
        id=wish.id,
        seed=wish.seed,
        patients=wish.patients,
        as_of=wish.as_of,
        vendors=wish.vendors,
        dirt=None if wish.dirt is None else Dirt.of(wish.dirt),
        apis=wish.apis,
    )
    try:
        for vendor in made.sites if wish.doors else ():
            doors_of(request).open(made, vendor)
        if story is not None:
            scenario.play(story, made)
    except BaseException:
        doors_of(request).close(made)
        sandboxes.drop(made.id)
        raise
    url = root_url(request)
    response.headers["location"] = f"{url}{ROOT}/sandboxes/{made.id}"
    return {**described(made, url), "clients": clients_of(made, vendor_urls(made, url))}


@router.get(f"{ROOT}/sandboxes")
async def listed(request: Request) -> dict[str, Any]:
    """Every sandbox; `default` is always there."""
    url = root_url(request)
    return {"sandboxes": [described(one, url) for one in sandboxes_of(request).all]}


@router.get(ONE)
async def shown(request: Request, id: str) -> dict[str, Any]:
    """One sandbox."""
    return described(sandbox_of(request, id), root_url(request))


@router.delete(ONE, status_code=204)
async def drop(request: Request, id: str) -> None:
    """Take a sandbox away; `default` stays."""
    if id == "default":
        raise Problem(409, 'sandbox "default" cannot be dropped', hint="reset it instead")
    doors_of(request).close(sandbox_of(request, id))
    sandboxes_of(request).drop(id)


@router.post(f"{ONE}/reset")
async def reset(request: Request, id: str) -> dict[str, Any]:
    """Back to the first moment: nothing written, no tokens, no faults, an empty journal. Constant time."""
    found = sandbox_of(request, id)
    sandboxes_of(request).reset(found.id)
    return described(found, root_url(request))
