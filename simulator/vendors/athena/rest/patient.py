"""The REST patient: flat, everything a string, the social security number masked."""

from __future__ import annotations

from typing import Any

from simulator.population.answers import Loss
from simulator.population.records import Person
from simulator.vendor import Rendering
from simulator.vendors.athena import ids, words
from simulator.vendors.athena.charts import PatientChart

DECLINED = "Patient Declined"  # what stands in the list of races for whom does not want to say: SOURCES.md, "Words"
_OF_AGE = 18
IDENTIFIER_SYSTEM = f"urn:athenahealth:athenanet:patient:{ids.PRACTICE}"


def patient(seen: PatientChart, *, full_ssn: bool = False) -> Rendering:
    """The patient as `/patients/{id}` tells it."""
    person = seen.person
    department = str(ids.departmentid(person.facility))
    payload: dict[str, Any] = {
        "patientid": str(seen.patientid),
        "firstname": person.given[0] if person.given else "",
        "lastname": person.family,
        "sex": words.SEX[person.gender],
        "assignedsexatbirth": person.sex,
        "departmentid": department,
        "primarydepartmentid": department,
        "primaryproviderid": str(person.practitioner + 1),
        "status": "deceased" if person.deceased else "active",
        "race": [code.code for code in person.race],
        "countrycode": "USA",
        "countrycode3166": "US",
        "portalaccessgiven": False,
        "portaltermsonfile": False,
        "driverslicense": False,
        "patientphoto": False,
        "privacyinformationverified": True,
        "consenttotext": False,
        "balances": _balances(seen),
        **_optional(person, seen.zone, full_ssn),
        **_telecoms(person),
        **_address(person),
        **_guarantor(seen, full_ssn),
    }
    return Rendering("patient", str(seen.patientid), payload, (person,), tuple((0, loss) for loss in _losses(seen)))


def previous_ids(seen: PatientChart) -> list[dict[str, str]]:
    """The ids of those who were merged into the patient."""
    merged = seen.site.sandbox.world.merged_into(seen.number)
    return [{"previouspatientid": str(ids.patientid(seen.site, number))} for number in merged]


def _optional(person: Person, zone: str, full_ssn: bool) -> dict[str, Any]:
    """What is absent when it is not known."""
    told: dict[str, Any] = {}
    if person.birth_precision == "day":
        told["dob"] = words.us_day(person.birth_date)  # the form knows whole days only
    if len(person.given) > 1:
        told["middlename"] = " ".join(person.given[1:])
    if person.suffix:
        told["suffix"] = person.suffix
    if person.nickname:
        told["preferredname"] = person.nickname
    if person.maiden:
        told["previousname"] = person.maiden
    if person.race:
        told["racename"] = person.race[0].display
    elif person.why_absent("race") == "asked-declined":
        told["racename"] = DECLINED
    if person.ethnicity:
        told["ethnicitycode"] = person.ethnicity.code
    if person.language and person.language.code in words.LANGUAGES:
        told["language6392code"] = words.LANGUAGES[person.language.code]
    if person.marital and person.marital.code in words.MARITAL:
        told["maritalstatus"], told["maritalstatusname"] = words.MARITAL[person.marital.code]
    if person.ssn:
        digits = person.ssn.replace("-", "")
        told["ssn"] = digits if full_ssn else f"*****{digits[-4:]}"
    if person.deceased:
        told["deceaseddate"] = words.us_day(words.local_day(person.deceased, zone))
    return told


def _telecoms(person: Person) -> dict[str, Any]:
    told: dict[str, Any] = {"emailexists": False}
    for telecom in person.telecoms:
        if telecom.system == "phone":
            told.setdefault(f"{telecom.use}phone", words.ten_digits(telecom.value))
        elif "email" not in told:
            told |= {"email": telecom.value, "emailexists": True}
    return told


def _address(person: Person) -> dict[str, Any]:
    if not person.addresses:
        return {}
    first = person.addresses[0]
    told = {f"address{place}": line for place, line in enumerate(first.lines[:2], 1)}
    return told | {"city": first.city, "state": first.state, "zip": first.zip}


def _guarantor(seen: PatientChart, full_ssn: bool) -> dict[str, Any]:
    """Who pays: adults for themselves; who answers for a child is not on record."""
    person = seen.person
    today = seen.site.sandbox.as_of
    if (today.year - person.birth_date.year) < _OF_AGE:
        return {}
    told: dict[str, Any] = {
        "guarantorrelationshiptopatient": "1",
        "guarantoraddresssameaspatient": True,
        "guarantorfirstname": person.given[0] if person.given else "",
        "guarantorlastname": person.family,
        "guarantorcountrycode": "USA",
        "guarantorcountrycode3166": "US",
        **{f"guarantor{name}": value for name, value in _address(person).items()},
    }
    same = {**_optional(person, seen.zone, full_ssn), **_telecoms(person)}
    told |= {f"guarantor{name}": same[name] for name in ("dob", "ssn", "email") if name in same}
    phone = next((same[f"{use}phone"] for use in ("home", "mobile", "work") if f"{use}phone" in same), None)
    return told if phone is None else told | {"guarantorphone": phone}


def _balances(seen: PatientChart) -> list[dict[str, Any]]:
    """One balance a provider group. In one list some are numbers and some are strings: recorded so."""
    here = ids.provider_group(seen.home.index)
    facilities = seen.site.sandbox.world.population.facilities
    balances = []
    for group in sorted({ids.provider_group(facility.index) for facility in facilities}):
        members = (str(ids.departmentid(f.index)) for f in facilities if ids.provider_group(f.index) == group)
        owes = group == here and seen.drawn(30_000, "balance", 0)
        balances.append(
            {
                "balance": f"{seen.patientid % 20_000 / 100:g}" if owes else 0,
                "departmentlist": ",".join(members),
                "providergroupid": group,
                "cleanbalance": not owes,
            }
        )
    return balances


def _losses(seen: PatientChart) -> list[Loss]:
    person = seen.person
    patientid = str(seen.patientid)
    identifiers = [{"type": "PI", "system": IDENTIFIER_SYSTEM, "value": patientid}]
    losses = [Loss("identifiers", "replaced", value=identifiers)]
    if person.sensitivity:
        losses.append(Loss("sensitivity", "omitted"))
    if not person.race and person.why_absent("race") == "asked-declined":
        losses.append(Loss("race", "absent", "asked-declined"))
    if person.birth_precision != "day":
        losses.append(Loss("birthDate", "omitted"))
    if len(person.given) > 2:
        losses.append(Loss("name.given", "replaced", value=[person.given[0], " ".join(person.given[1:])]))
    if person.language and person.language.code not in words.LANGUAGES:
        losses.append(Loss("language", "omitted"))
    if person.marital and person.marital.code not in words.MARITAL:
        losses.append(Loss("maritalStatus", "omitted"))
    if person.telecoms:
        losses.append(Loss("telecom", "replaced", value=_told_telecoms(person)))
    if any(len(address.lines) > 2 for address in person.addresses[:1]) or len(person.addresses) > 1:
        losses.append(Loss("addresses", "replaced", value=_told_addresses(person)))
    return losses


def _told_telecoms(person: Person) -> list[dict[str, Any]]:
    """What a reader holds: one number a use, and one e-mail address whose use is not told."""
    told: dict[tuple[str, str | None], dict[str, Any]] = {}
    for telecom in person.telecoms:
        use = telecom.use if telecom.system == "phone" else None
        told.setdefault((telecom.system, use), {"system": telecom.system, "use": use, "value": telecom.value})
    return list(told.values())


def _told_addresses(person: Person) -> list[dict[str, Any]]:
    first = person.addresses[0]
    return [
        {
            "use": first.use,
            "lines": list(first.lines[:2]),
            "city": first.city,
            "state": first.state,
            "zip": first.zip,
        }
    ]
