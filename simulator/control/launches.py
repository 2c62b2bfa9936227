"""Launches: the sandbox plays the EHR that opens an app for somebody who is logged in."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from simulator.actions import patient_number
from simulator.auth import users
from simulator.auth.launches import LIFETIME, Launch
from simulator.auth.users import User
from simulator.control.clients import client_named
from simulator.control.place import ONE, root_url, sandbox_of, site_of, vendor_urls
from simulator.control.problem import Problem
from simulator.sandbox import Sandbox, Site

router = APIRouter(tags=["launches"])

Word = Annotated[str, Field(min_length=1, max_length=200)]


class Opening(BaseModel):
    """What an EHR opens: which app, for whom, about whom."""

    model_config = ConfigDict(extra="forbid")

    vendor: Word
    client: Annotated[str, Field(description="a client id, or the name of a client", min_length=1, max_length=200)]
    user: Annotated[Word | None, Field(description="who is logged in, a login name; the first practitioner")] = None
    patient: Annotated[Word | None, Field(description="who is open: a key, or an id of the vendor")] = None
    encounter: Annotated[
        Word | None, Field(description="an encounter id of the vendor, `latest` (without), or `none`")
    ] = None
    intent: Word | None = None
    need_patient_banner: bool | None = None
    fhir_context: Annotated[
        list[dict[str, Any]] | None, Field(max_length=50, description="more of what is open: `fhirContext`")
    ] = None
    launch_url: Annotated[Word | None, Field(description="one of the app's own; the registered one without")] = None


@router.get(f"{ONE}/users")
async def listed(request: Request, id: str, patient: str | None = None) -> dict[str, Any]:
    """Who can log in: practitioners and patients by name, and the user that any patient (a key) is. One password."""
    found = sandbox_of(request, id)
    people = [*users.staff(found.world), *(one for one in users.cast(found.world) if one.kind == "patient")]
    if patient is not None:
        number = int(patient) if patient.isascii() and patient.isdigit() and len(patient) < 12 else -1
        one = users.patient(found.world, number) if number >= 0 else None
        if one is None:
            raise Problem(404, f'no patient "{patient}" in sandbox {found.id}', hint="a key of truth/patients")
        people = [one]
    passwords = {vendor: site.settings["password"] for vendor, site in found.sites.items() if site.vendor.manner}
    return {"users": [told(one) for one in people], "passwords": passwords}


def told(user: User) -> dict[str, Any]:
    """A user as the control API tells it."""
    return {"login": user.login, "name": user.name, "kind": user.kind, "key": str(user.number)}


@router.post(f"{ONE}/launches", status_code=201)
async def launch(request: Request, id: str, wish: Opening) -> dict[str, Any]:
    """A launch: the URL at which the app begins, with `iss` and a `launch` value that counts once."""
    found = sandbox_of(request, id)
    made, where, iss = opened(found, wish, root_url(request))
    return {
        "url": with_params(where, iss=iss, launch=made.text),
        "iss": iss,
        "launch": made.text,
        "user": told(made.user),
        "patient": None if made.patient is None else str(made.patient),
        "encounter": made.encounter or None,
        "expires_in": int(LIFETIME.total_seconds()),
    }


def opened(sandbox: Sandbox, wish: Opening, url: str) -> tuple[Launch, str, str]:
    """(the launch, the app's launch URL, `iss`).

    Raises:
        Problem: 404 for an unknown vendor, client, user, patient or encounter; 422 for what cannot be launched.
    """
    site = site_of(sandbox, wish.vendor)
    manner = site.vendor.manner
    if manner is None:
        raise Problem(422, f'nobody logs in at "{wish.vendor}"')
    client = client_named(site, wish.client)
    where = wish.launch_url or client.launch_url
    if not client.is_app or not where:
        raise Problem(422, f'client "{client.name}" has no launch_url', hint="register one: POST …/clients")
    if wish.launch_url is not None and not _is_of(wish.launch_url, client.launch_url):
        raise Problem(422, f'"{wish.launch_url}" is not a launch URL of "{client.name}"', known=[client.launch_url])
    user = _user(sandbox, wish.user)
    number = _patient(site, wish.patient, user)
    encounter = _encounter(site, number, wish.encounter) if number is not None else ""
    made = site.desk.launches.open(
        client.client_id, user, now=sandbox.clock.now(), patient=number, encounter=encounter, facts=_facts(wish)
    )
    base_url = vendor_urls(sandbox, url)[wish.vendor]["base_url"]
    return made, where, manner.fhir_url(site, base_url, user.kind)


def _is_of(asked: str, registered: str) -> bool:
    """The registered launch URL, on loopback with any port."""
    from_, to = urlsplit(registered), urlsplit(asked)
    on_loopback = from_.hostname in ("127.0.0.1", "localhost", "::1") and from_.port is None
    return asked == registered or (
        on_loopback and (from_.scheme, from_.hostname, from_.path) == (to.scheme, to.hostname, to.path)
    )


def with_params(url: str, **params: str) -> str:
    """`url` with query parameters behind those that it has."""
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(params)}"


def _user(sandbox: Sandbox, login: str | None) -> User:
    if login is None:
        return users.staff(sandbox.world)[0]
    found = users.user_of(sandbox.world, login)
    if found is None:
        raise Problem(404, f'no user "{login}"', known=[one.login for one in users.staff(sandbox.world)])
    return found


def _patient(site: Site, named: str | None, user: User) -> int | None:
    if user.kind == "patient":
        if named is not None and patient_number(site, named) not in user.patients:
            raise Problem(422, f'the record of "{named}" is not {user.login}\'s')
        return user.number if named is None else patient_number(site, named)
    if named is None:
        return None
    number = patient_number(site, named)
    if number is None:
        raise Problem(404, f'no patient "{named}" at {site.vendor.id}', hint="a key of truth/patients, or a FHIR id")
    return number


def _encounter(site: Site, number: int, named: str | None) -> str:
    manner = site.vendor.manner
    assert manner is not None
    ids = [manner.encounter_id(site, number, one.ordinal) for one in site.sandbox.world.chart(number).encounters]
    if named in (None, "latest"):
        return ids[-1] if ids else ""
    if named == "none":
        return ""
    if named not in ids:
        raise Problem(404, f'no encounter "{named}" of this patient', known=ids[-20:])
    assert named is not None
    return named


def _facts(wish: Opening) -> dict[str, Any]:
    """What the token answer tells beside patient and encounter, with what FHIR context may hold (std:SMART-TK-06)."""
    made: dict[str, Any] = {}
    if wish.intent is not None:
        made["intent"] = wish.intent
    if wish.need_patient_banner is not None:
        made["need_patient_banner"] = wish.need_patient_banner
    for one in wish.fhir_context or ():
        if not any(name in one for name in ("reference", "canonical", "identifier")):
            raise Problem(422, "each item of fhir_context has a reference, canonical or identifier")
        type = str(one.get("reference", "")).partition("/")[0]
        if type in ("Patient", "Encounter") and one.get("role", "launch") == "launch":
            raise Problem(422, f"a {type} of the launch is told as `{type.lower()}`, not in fhir_context")
    if wish.fhir_context:
        made["fhirContext"] = wish.fhir_context
    return made
