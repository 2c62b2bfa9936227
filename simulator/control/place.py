"""What every control call needs: the sandboxes, the sandbox that is named, and under which URL the caller came."""

from __future__ import annotations

import difflib
from dataclasses import asdict
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute

from simulator.control.problem import Problem
from simulator.origin import origin_of
from simulator.sandbox import Sandbox, Site
from simulator.sandboxes import Sandboxes
from simulator.settings import Settings

ROOT = "/_sandbox"
ONE = ROOT + "/sandboxes/{id}"


def sandboxes_of(request: Request) -> Sandboxes:
    """The sandboxes of this server."""
    found: Sandboxes = request.app.state.sandboxes
    return found


def sandbox_of(request: Request, id: str) -> Sandbox:
    """The sandbox `id`.

    Raises:
        Problem: 404 with the known ids.
    """
    sandboxes = sandboxes_of(request)
    found = sandboxes.get(id)
    if found is None:
        raise Problem(404, f'unknown sandbox "{id}"', known=list(sandboxes.ids))
    return found


def site_of(sandbox: Sandbox, vendor: str, status: int = 404) -> Site:
    """The site of `vendor` in `sandbox`.

    Raises:
        Problem: `status` with the vendors that it has.
    """
    found = sandbox.sites.get(vendor)
    if found is None:
        raise Problem(status, f'unknown vendor "{vendor}" in sandbox {sandbox.id}', known=list(sandbox.sites))
    return found


def known_parameters_only(request: Request) -> None:
    """A dependency of every call: a misspelt filter must not find everything.

    Raises:
        Problem: 422 with the parameters that the call knows.
    """
    route = request.scope.get("route")
    known = [one.alias for one in route.dependant.query_params] if isinstance(route, APIRoute) else []
    for name in request.query_params:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = {"hint": f'did you mean "{near[0]}"?'} if near else {}
            raise Problem(422, f"unknown query parameter: {name}", known=known, **hint)


def root_url(request: Request) -> str:
    """The server's URL as this caller sees it."""
    settings: Settings = request.app.state.settings
    return origin_of(request.scope, trust_forwarded=settings.trust_forwarded)


def vendor_urls(sandbox: Sandbox, url: str) -> dict[str, dict[str, str]]:
    """Per vendor every URL of a sandbox on the server at `url`, or behind a door of its own."""
    below = "" if sandbox.id == "default" else f"/s/{sandbox.id}"
    return {id: site.urls(f"{sandbox.doors.get(id) or url}{below}/{id}") for id, site in sandbox.sites.items()}


def described(sandbox: Sandbox, url: str) -> dict[str, Any]:
    """The contract's `sandbox` shape."""
    return {
        "id": sandbox.id,
        "seed": sandbox.seed,
        "patients": sandbox.patients,
        "as_of": sandbox.as_of.isoformat(),
        "dirt": asdict(sandbox.world.population.dirt),
        "apis": {id: site.as_of.isoformat() for id, site in sandbox.sites.items()},
        "scenario": sandbox.scenario,
        "vendors": vendor_urls(sandbox, url),
    }
