"""The EHR's own page: choose an app, a patient, a user, and open the app as the EHR would.

A page for people at `/_sandbox/sandboxes/{id}/launch`; scripts use `POST …/launches`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from simulator.auth import users
from simulator.auth.launches import LIFETIME
from simulator.auth.manner import Theme
from simulator.auth.pages import html
from simulator.control.launches import Opening, opened, with_params
from simulator.control.place import ONE, root_url, sandbox_of
from simulator.control.problem import Problem
from simulator.exchange import Reply
from simulator.sandbox import Sandbox

router = APIRouter(tags=["launches"], include_in_schema=False)
_THEME = Theme(portal="The EHR of this sandbox", accent="#3d4a5c")
_SHOWN = 30


@router.get(f"{ONE}/launch")
async def page(request: Request, id: str) -> Response:
    """The form."""
    return _answer(_form(sandbox_of(request, id)))


@router.post(f"{ONE}/launch")
async def go(request: Request, id: str) -> Response:
    """Opens the app: 303 to its launch URL."""
    found = sandbox_of(request, id)
    given = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
    vendor, _, client = given.pop("app", "").partition(" ")
    try:
        wish = Opening.model_validate({"vendor": vendor, "client": client, **given})
        made, where, iss = opened(found, wish, root_url(request))
    except ValidationError as flaw:
        return _answer(_form(found, f"{flaw.errors()[0]['loc'][0]}: {flaw.errors()[0]['msg']}"))
    except Problem as flaw:
        return _answer(_form(found, flaw.detail))
    location = with_params(where, iss=iss, launch=made.text)
    return Response(status_code=303, headers={"location": location, "cache-control": "no-store"})


def _form(sandbox: Sandbox, flaw: str = "") -> Reply:
    apps = [
        (f"{vendor} {client.client_id}", f"{client.name} at {site.vendor.name}", client.launch_url)
        for vendor, site in sandbox.sites.items()
        for client in site.clients.values()
        if client.is_app and client.launch_url and site.vendor.manner is not None
    ]
    people = [(n, person) for n in range(_SHOWN) if (person := sandbox.world.person(n)) is not None]
    told: dict[str, Any] = {
        "flaw": flaw,
        "apps": apps,
        "people": [(n, f"{one.family}, {' '.join(one.given)}, born {one.birth_date.isoformat()}") for n, one in people],
        "users": [(one.login, one.name) for one in users.staff(sandbox.world)],
        "minutes": int(LIFETIME.total_seconds()) // 60,
    }
    targets = dict.fromkeys(_origin(where) for _, _, where in apps)
    return html(_THEME, "ehr.html.j2", targets, status=400 if flaw else 200, referrer="same-origin", **told)


def _origin(url: str) -> str:
    """Where the form may lead; an app that is registered on loopback without a port runs at any."""
    parts = urlsplit(url)
    any_port = parts.port is None and parts.hostname in ("127.0.0.1", "localhost")
    return f"{parts.scheme}://{parts.netloc}{':*' if any_port else ''}"


def _answer(made: Reply) -> Response:
    headers = {name.decode(): value.decode() for name, value in made.headers}
    return Response(made.body, made.status, headers)
