"""Protected data: sensitive records that are withheld, patients behind the glass, parts of a type that an app lacks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from simulator.actions import patient_number
from simulator.auth.sub_resources import SETTING as SUB_RESOURCES
from simulator.auth.sub_resources import Lacking, Parts, lacking
from simulator.auth.withheld import EVERYBODY, SETTING
from simulator.control.clients import client_named
from simulator.control.place import ONE, sandbox_of, site_of
from simulator.control.problem import Problem
from simulator.population import tables
from simulator.sandbox import Site

router = APIRouter(tags=["protection"])
LABELS = tuple(row["key"] for row in tables.raw("sensitivity"))

Key = Annotated[str, Field(min_length=1, max_length=200)]


class Withholding(BaseModel):
    """Which records, and from whom."""

    model_config = ConfigDict(extra="forbid")

    labels: Annotated[list[Key], Field(max_length=50, description="of the records: " + ", ".join(LABELS))]
    client: Annotated[Key | None, Field(description="a client id or name; every client without")] = None


class Behind(BaseModel):
    """Who is behind the glass: keys of the truth, or ids of the vendor."""

    model_config = ConfigDict(extra="forbid")

    guarded: Annotated[list[Key], Field(max_length=10_000, description="open to whoever says why")] = []
    restricted: Annotated[list[Key], Field(max_length=10_000, description="not open at all")] = []
    vips: Annotated[
        Literal["", "guarded", "restricted"], Field(description="how VIPs and employees of the truth are")
    ] = ""


@router.get(f"{ONE}/vendors/{{vendor}}/withheld-records")
async def withheld(request: Request, id: str, vendor: str) -> dict[str, Any]:
    """By client the labels whose records it does not get; `*` is every client."""
    site = site_of(sandbox_of(request, id), vendor)
    return {"withheld": {name: sorted(labels) for name, labels in _of(site).items()}}


@router.put(f"{ONE}/vendors/{{vendor}}/withheld-records")
async def withhold(request: Request, id: str, vendor: str, wish: Withholding) -> dict[str, Any]:
    """From now on sensitive records are neither found nor read, as this vendor withholds them. No label: all again."""
    site = site_of(sandbox_of(request, id), vendor)
    for label in wish.labels:
        if label not in LABELS:
            raise Problem(422, f'unknown label "{label}"', known=list(LABELS))
    name = EVERYBODY if wish.client is None else client_named(site, wish.client).client_id
    kept = {**_of(site), name: tuple(wish.labels)}
    site.settings[SETTING] = {name: labels for name, labels in kept.items() if labels}
    return {"withheld": {name: sorted(labels) for name, labels in _of(site).items()}}


def _of(site: Site) -> dict[str, tuple[str, ...]]:
    if SETTING not in site.settings:
        raise Problem(501, f"not simulated: records that {site.vendor.id} withholds")
    return dict(site.settings[SETTING] or {})


@router.get(f"{ONE}/vendors/{{vendor}}/glass")
async def glass(request: Request, id: str, vendor: str) -> dict[str, Any]:
    """Who is behind the glass."""
    return _behind(site_of(sandbox_of(request, id), vendor))


@router.put(f"{ONE}/vendors/{{vendor}}/glass")
async def put_behind(request: Request, id: str, vendor: str, wish: Behind) -> dict[str, Any]:
    """From now on these patients, and no others, are behind the glass; who had broken it must say why again. At athena
    they are restricted: left out, unless `ignorerestrictions=true` is said."""
    site = site_of(sandbox_of(request, id), vendor)
    _behind(site)
    if not site.settings.get("break_the_glass") and (wish.guarded or wish.vips == "guarded"):
        raise Problem(422, f"no glass can be broken at {vendor}: patients are restricted there, not guarded")
    site.desk.glass.put_behind(_numbers(site, wish.guarded), _numbers(site, wish.restricted), wish.vips)
    return _behind(site)


def _numbers(site: Site, named: list[str]) -> frozenset[int]:
    found = {name: patient_number(site, name) for name in named}
    for name, number in found.items():
        if number is None:
            raise Problem(404, f'no patient "{name}" at {site.vendor.id}', hint="a key of truth/patients, or a FHIR id")
    return frozenset(number for number in found.values() if number is not None)


def _behind(site: Site) -> dict[str, Any]:
    if not (site.settings.get("break_the_glass") or site.settings.get("restricts_patients")):
        raise Problem(501, f"not simulated: break-the-glass at {site.vendor.id}")
    held = site.desk.glass
    numbers = {"guarded": held.guarded, "restricted": held.restricted}
    told: dict[str, Any] = {name: sorted(map(str, those)) for name, those in numbers.items()}
    return told | ({"vips": held.vips} if held.vips else {})


class Unlocking(BaseModel):
    """Whose account: one's, or everybody's."""

    model_config = ConfigDict(extra="forbid")

    client: Annotated[Key | None, Field(description="a client id or name; every account without")] = None


@router.post(f"{ONE}/vendors/{{vendor}}/unlock")
async def unlock(request: Request, id: str, vendor: str, wish: Unlocking | None = None) -> dict[str, Any]:
    """A person unlocks accounts that were locked after bad logins; gives which ones were."""
    site = site_of(sandbox_of(request, id), vendor)
    if "lock_after" not in site.settings:
        raise Problem(501, f"not simulated: accounts that lock at {vendor}")
    named = None if wish is None or wish.client is None else client_named(site, wish.client).username
    locked = [one for one in site.desk.lockout.locked(int(site.settings["lock_after"])) if named in (None, one)]
    for account in locked if named is None else [named]:
        site.desk.lockout.unlock(account)
    return {"vendor": vendor, "unlocked": locked}


class Missing(BaseModel):
    """What a client's registration does not hold, and what its user may not see: names of sub-resources."""

    model_config = ConfigDict(extra="forbid")

    client: Annotated[list[Key], Field(max_length=500, description="not among its APIs: 403, or left out")] = []
    user: Annotated[list[Key], Field(max_length=500, description="not among the rights of its user")] = []


@router.get(f"{ONE}/vendors/{{vendor}}/clients/{{client}}/sub-resources")
async def sub_resources(request: Request, id: str, vendor: str, client: str) -> dict[str, Any]:
    """The parts of resource types that this client and its user lack, and the names of all parts."""
    site = site_of(sandbox_of(request, id), vendor)
    return _lacking_of(site, client_named(site, client).client_id)


@router.put(f"{ONE}/vendors/{{vendor}}/clients/{{client}}/sub-resources")
async def license_parts(request: Request, id: str, vendor: str, client: str, wish: Missing) -> dict[str, Any]:
    """From now on this client lacks these parts and no others, whatever its scopes say."""
    site = site_of(sandbox_of(request, id), vendor)
    client_id = client_named(site, client).client_id
    held = _parts(site)
    for name in (*wish.client, *wish.user):
        if name not in held.known:
            raise Problem(422, f'unknown sub-resource "{name}"', known=list(held.known))
    site.settings[SUB_RESOURCES] = held.changed(client_id, Parts(frozenset(wish.client), frozenset(wish.user)))
    return _lacking_of(site, client_id)


def _parts(site: Site) -> Lacking:
    found = lacking(site)
    if found is None:
        raise Problem(501, f"not simulated: sub-resources at {site.vendor.id}")
    return found


def _lacking_of(site: Site, client_id: str) -> dict[str, Any]:
    held = _parts(site)
    parts = held.parts(client_id)
    return {"client": sorted(parts.client), "user": sorted(parts.user), "known": list(held.known)}
