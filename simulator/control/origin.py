"""Under which origin a sandbox hands out its URLs: that of the caller, or another one, as a trap.

A caller that follows `next` links and discovery documents is led to another host and port. Whether its credentials may
come along is its own decision: see std:SEC-05.
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from simulator.control.place import ONE, sandbox_of, site_of
from simulator.control.problem import Problem
from simulator.control.tls import listeners_of, opened
from simulator.sandbox import Sandbox, Site

router = APIRouter(tags=["origin"])


class Wish(BaseModel):
    """Whose URLs move, and where to."""

    model_config = ConfigDict(extra="forbid")

    vendor: Annotated[str | None, Field(description="all without")] = None
    url: Annotated[
        str | None, Field(max_length=255, description="scheme, host and port; without, a second origin of this server")
    ] = None


@router.get(f"{ONE}/origin")
async def origin(request: Request, id: str) -> dict[str, Any]:
    """Where the URLs of each vendor lead; null: where the caller came from."""
    return _told(sandbox_of(request, id))


@router.put(f"{ONE}/origin")
async def move(request: Request, id: str, wish: Wish) -> dict[str, Any]:
    """From now on, every absolute URL of an answer (discovery, paging, Location) leads to another origin."""
    found = sandbox_of(request, id)
    sites = _sites(found, wish.vendor)
    url = await _second(request) if wish.url is None else _checked(wish.url)
    for site in sites:
        site.moved_to = url
    return _told(found)


@router.delete(f"{ONE}/origin", status_code=204)
async def move_back(request: Request, id: str) -> None:
    """URLs lead again to where the caller came from."""
    for site in _sites(sandbox_of(request, id), None):
        site.moved_to = ""


async def _second(request: Request) -> str:
    """The second origin of this server; opened when there is none."""
    known = next((one for one in listeners_of(request).all if one.kind == "second_origin"), None)
    return (known or await opened(request, "second_origin")).url


def _checked(url: str) -> str:
    parts = urlsplit(url)
    try:
        is_origin = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port is no number
        is_origin = False
    if not is_origin or parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise Problem(422, f"url: an origin such as https://localhost:8443: {url!r}")
    return f"{parts.scheme}://{parts.netloc}"


def _sites(sandbox: Sandbox, vendor: str | None) -> list[Site]:
    return list(sandbox.sites.values()) if vendor is None else [site_of(sandbox, vendor, status=422)]


def _told(sandbox: Sandbox) -> dict[str, Any]:
    return {"origin": {vendor: site.moved_to or None for vendor, site in sandbox.sites.items()}}
