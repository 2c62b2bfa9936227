"""The practice itself: ping, practice info, departments with their time zones, providers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from simulator.exchange import Exchange, Reply
from simulator.fhir.build import zone_of
from simulator.population.records import Facility, Practitioner
from simulator.refusal import Refusal
from simulator.vendors.athena import ids, words
from simulator.vendors.athena.rest import wire

DEFAULT_LIMIT = 1500


def ping(x: Exchange) -> Reply:
    """The documented health check."""
    wire.practice_of(x)
    return wire.answer({"pong": "true"})


def practiceinfo(x: Exchange) -> Reply:
    """What the key may reach. Under practice 1: all of it."""
    assert x.route is not None
    if x.route.args[0] != "1":
        wire.practice_of(x)
    info = {
        "practiceid": ids.PRACTICE,
        "name": "emr-sandbox practice",
        "iscoordinatorsender": False,
        "iscoordinatorreceiver": False,
        "hasclinicals": True,
        "hascollector": True,
        "hascommunicator": True,
        "experiencemode": "Production",
        "golivedate": "10/01/2008",
    }
    return _typed(x, {"totalcount": 1, "practiceinfo": [info]})


def list_departments(x: Exchange) -> Reply:
    """All departments."""
    wire.practice_of(x)
    query = wire.Query(x)
    has_providers = query.flag("providerlist")
    places = x.site.sandbox.world.population.facilities
    page = wire.page(x, query, "departments", len(places), default=DEFAULT_LIMIT)
    shown = [department(x, place, has_providers=has_providers) for place in places[page.offset : page.end]]
    return _typed(x, page.envelope("/departments", shown))


def read_department(x: Exchange) -> Reply:
    """One department, as an array of one."""
    wire.practice_of(x)
    assert x.route is not None
    places = x.site.sandbox.world.population.facilities
    text = x.route.args[1]
    value = ids.whole_number(text)
    if value is None or not 1 <= value <= len(places):
        raise Refusal("not_found", f"no department {text}", reason="no_id", id=text)
    has_providers = wire.Query(x).flag("providerlist")
    return _typed(x, [department(x, places[value - 1], has_providers=has_providers)])


def department(x: Exchange, place: Facility, *, has_providers: bool = False) -> dict[str, Any]:
    """A department. `timezone` is the offset now, `timezoneoffset` the one of winter, `timezonename` an old alias."""
    zone = zone_of(place.zone)
    now = x.sandbox.clock.now().astimezone(zone)
    offset, saving = now.utcoffset(), now.dst()
    assert offset is not None
    standard = offset - saving if saving else offset
    told: dict[str, Any] = {
        "departmentid": str(ids.departmentid(place.index)),
        "name": place.name,
        "patientdepartmentname": place.name,
        "timezone": int(offset.total_seconds() // 3600),
        "timezoneoffset": int(standard.total_seconds() // 3600),
        "timezonename": words.ZONE_NAMES.get(place.zone, place.zone),
        "doesnotobservedst": not _has_summer_time(place.zone, now.year),
        "chartsharinggroupid": str(ids.chart_sharing_group(place.index)),
        "providergroupid": str(ids.provider_group(place.index)),
        "providergroupname": f"Provider group {ids.provider_group(place.index)}",
        "address": place.address.lines[0] if place.address.lines else "",
        "city": place.address.city,
        "state": place.address.state,
        "zip": place.address.zip,
        "phone": words.punctuated(place.phone),
        "clinicals": "ON",
        "servicedepartment": True,
        "ishospitaldepartment": False,
        "placeofservicetypeid": "11",
        "placeofservicetypename": "OFFICE",
        "medicationhistoryconsent": False,
    }
    if has_providers:
        population = x.site.sandbox.world.population
        stride = len(population.facilities)
        told["providerlist"] = [str(index + 1) for index in range(place.index, population.practitioners, stride)]
    return told


def _has_summer_time(zone: str, year: int) -> bool:
    offsets = {datetime(year, month, 1, tzinfo=zone_of(zone)).utcoffset() for month in (1, 7)}
    return len(offsets) > 1


def list_providers(x: Exchange) -> Reply:
    """All providers."""
    wire.practice_of(x)
    query = wire.Query(x)
    population = x.site.sandbox.world.population
    page = wire.page(x, query, "providers", population.practitioners, default=DEFAULT_LIMIT)
    shown = [
        provider(population.practitioner(index))
        for index in range(page.offset, min(page.end, population.practitioners))
    ]
    return _typed(x, page.envelope("/providers", shown))


def read_provider(x: Exchange) -> Reply:
    """One provider, as an array of one."""
    wire.practice_of(x)
    assert x.route is not None
    population = x.site.sandbox.world.population
    text = x.route.args[1]
    value = ids.whole_number(text)
    if value is None or not 1 <= value <= population.practitioners:
        raise Refusal("not_found", f"no provider {text}", reason="no_id", id=text)
    return _typed(x, [provider(population.practitioner(value - 1))])


def provider(who: Practitioner) -> dict[str, Any]:
    """A provider; here the id and the NPI are numbers."""
    return {
        "providerid": who.index + 1,
        "firstname": who.given,
        "lastname": who.family,
        "displayname": f"{who.given} {who.family}, {who.suffix}",
        "schedulingname": f"{who.family}_{who.given}",
        "providertypeid": who.suffix,
        "providertype": who.suffix,
        "entitytype": "Person",
        "npi": int(who.npi),
        "billable": True,
        "hideinportal": False,
        "specialty": "Family Medicine",
        "specialtyid": 8,
    }


def _typed(x: Exchange, value: Any) -> Reply:
    return wire.answer(value, profile=x.site.settings["type_profile"])
