"""The habits of a vendor's site that can be switched while it runs: what they are, and changing them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from simulator import actions
from simulator.control.place import ONE, sandbox_of, site_of
from simulator.sandbox import Site

router = APIRouter(tags=["vendors"])


class Setting(BaseModel):
    """One setting that can be switched."""

    name: str
    value: JsonValue
    default: JsonValue
    takes: Annotated[str, Field(description="the values, in words")]
    one_of: Annotated[list[str | int], Field(description="the values, where they are few; else empty")]
    says: str
    traps: Annotated[list[str], Field(description="the traps of `explain` that hang on it")]
    mark: str
    source: str


class Settings(BaseModel):
    """The settings of a vendor's site that can be switched."""

    vendor: str
    settings: list[Setting]


class Switching(BaseModel):
    """Which settings, and what they shall be; the others stay."""

    model_config = ConfigDict(extra="forbid")

    set: Annotated[dict[str, JsonValue], Field(min_length=1, max_length=100, examples=[{"max_page": 5}])]


@router.get(f"{ONE}/vendors/{{vendor}}/settings")
async def settings(request: Request, id: str, vendor: str) -> Settings:
    """What can be switched of a vendor's site, with its value now, what it is as delivered, and what it may be."""
    return _told(site_of(sandbox_of(request, id), vendor))


@router.put(f"{ONE}/vendors/{{vendor}}/settings")
async def switch(request: Request, id: str, vendor: str, wish: Switching) -> Settings:
    """Switch settings, all of them or, if one cannot be, none. Tokens, page sessions and records stay; bodies are made
    anew. A reset brings what was delivered."""
    site = site_of(sandbox_of(request, id), vendor)
    actions.switch(site, wish.set)
    return _told(site)


@router.delete(f"{ONE}/vendors/{{vendor}}/settings", status_code=204)
async def restore(request: Request, id: str, vendor: str) -> None:
    """Every one of these settings as the vendor was delivered, on the day of its API."""
    site = site_of(sandbox_of(request, id), vendor)
    site.change_settings({one.name: site.delivered(one.name) for one in site.vendor.switches})


def _told(site: Site) -> Settings:
    return Settings(
        vendor=site.vendor.id,
        settings=[
            Setting(
                name=one.name,
                value=_plain(site.settings[one.name]),
                default=_plain(site.delivered(one.name)),
                takes=one.takes(site.vendor.defaults[one.name]),
                one_of=list(one.one_of),
                says=one.says,
                traps=list(one.traps),
                mark=one.source.mark,
                source=one.source.where,
            )
            for one in site.vendor.switches
        ],
    )


def _plain(value: Any) -> JsonValue:
    return list(value) if isinstance(value, tuple) else value
