"""How strict a vendor's token endpoint is with signed assertions: each rule can be relaxed or tightened by itself."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from simulator.auth.assertion import Rules
from simulator.control.place import ONE, sandbox_of, site_of
from simulator.control.problem import Problem
from simulator.sandbox import Site

router = APIRouter(tags=["vendors"])

Seconds = Annotated[float | None, Field(ge=0, le=1e6)]
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]


class Changes(BaseModel):
    """The rules that shall differ from the vendor's own; what is left out is the vendor's."""

    model_config = ConfigDict(extra="forbid")

    algs: Annotated[list[Algorithm] | None, Field(min_length=1)] = None
    kid_required: bool | None = None
    typ_required: bool | None = None
    max_exp_ahead_s: Seconds = None
    max_life_s: Seconds = None
    skew_s: Seconds = None
    refuse_future: bool | None = None
    jti_required: bool | None = None
    jti_string: bool | None = None
    max_jti: Annotated[int | None, Field(ge=1, le=16_384)] = None
    refuse_replay: bool | None = None
    audience_list: bool | None = None
    jku: Literal["ignore", "registered", "refuse"] | None = None


@router.get(f"{ONE}/vendors/{{vendor}}/assertion-rules")
async def shown(request: Request, id: str, vendor: str) -> dict[str, Any]:
    """The rules that differ from the vendor's own."""
    return _told(_site(request, id, vendor))


@router.put(f"{ONE}/vendors/{{vendor}}/assertion-rules")
async def change(request: Request, id: str, vendor: str, wish: Changes) -> dict[str, Any]:
    """Change rules; without any, all are the vendor's own again."""
    site = _site(request, id, vendor)
    made: dict[str, Any] = {}
    for name, value in wish.model_dump(exclude_none=True).items():
        if name.endswith("_s"):
            made[name.removesuffix("_s")] = timedelta(seconds=value)
        else:
            made[name] = frozenset(value) if name == "algs" else value
    assert set(made) <= {one.name for one in fields(Rules)}
    site.settings["assertion_rules"] = made
    return _told(site)


def _site(request: Request, id: str, vendor: str) -> Site:
    site = site_of(sandbox_of(request, id), vendor)
    if "assertion_rules" not in site.settings:
        raise Problem(422, f'"{vendor}" takes no assertions')
    return site


def _told(site: Site) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, value in site.settings["assertion_rules"].items():
        if isinstance(value, timedelta):
            told[f"{name}_s"] = value.total_seconds()
        else:
            told[name] = sorted(value) if isinstance(value, frozenset) else value
    return told
