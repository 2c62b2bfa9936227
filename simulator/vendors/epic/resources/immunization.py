"""Immunization: CVX without display, and now and then no code at all; what was given here has site, route and giver.

Source: SOURCES.md, "Resources" (FS, MAP).
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from simulator.fhir import build
from simulator.population.answers import Loss
from simulator.population.records import Immunization
from simulator.vendor import Rendering
from simulator.vendors.epic import dialect
from simulator.vendors.epic.dialect import Json, Telling, usual

_UNCODED_PER_CENT = 4  # guess; one of the public sandbox's is
_UNIT = dialect.local("10.768076.4019")
_ROUTE = dialect.local("10.768076.4030")
_SITE = dialect.local("10.768076.4040")
_ORIGIN = dialect.local("10.768076.4082")  # guess
_SHELF_LIFE = timedelta(days=540)

# Routes 2 and 5, sites 1 and 22: seen; the others: guess.
_INTRAMUSCULAR, _SUBCUTANEOUS, _ORAL = ("2", "Intramuscular"), ("5", "Subcutaneous"), ("1", "Oral")
_THIGHS = (("1", "Left vastus lateralis"), ("2", "Right vastus lateralis"), ("22", "Left Thigh"))
_ARMS = (("3", "Left deltoid"), ("4", "Right deltoid"), ("14", "Left arm"))
_BY_SUBCUTANEOUS = frozenset({"mmr", "varicella"})
_THIGH_UNTIL_DAYS = 3 * 365
_DOSES = {"rotavirus": "1", "covid_pfizer": "0.3", "covid_pfizer_biv": "0.3", "hepb_adult": "1", "flu_highdose": "0.7"}
_MAKERS = {
    "hepb_ped": "GlaxoSmithKline", "hepb_adult": "GlaxoSmithKline", "rotavirus": "GlaxoSmithKline",
    "dtap": "GlaxoSmithKline", "hib": "Merck and Co., Inc.", "pcv13": "Pfizer, Inc", "ipv": "Sanofi Pasteur",
    "mmr": "Merck and Co., Inc.", "varicella": "Merck and Co., Inc.", "hepa_ped": "GlaxoSmithKline",
    "tdap": "GlaxoSmithKline", "menacwy": "Sanofi Pasteur", "hpv9": "Merck and Co., Inc.",
    "zoster_rzv": "GlaxoSmithKline", "ppsv23": "Merck and Co., Inc.", "covid_pfizer": "Pfizer, Inc",
    "covid_pfizer_biv": "Pfizer, Inc",
}  # fmt: skip
# The packages that such vaccines were sold in, as CDC's crosswalk of NDC and CVX lists them; which one a clinic took
# is ours. 58160-810-01 and 0006-4681-01: seen.
_PACKAGES = {
    "dtap": "58160-810-01", "mmr": "0006-4681-01", "hepb_ped": "58160-820-01", "hepb_adult": "58160-821-01",
    "pcv13": "0005-1971-01", "varicella": "0006-4827-01", "hepa_ped": "58160-825-01", "tdap": "58160-842-01",
    "hpv9": "0006-4119-01", "ppsv23": "0006-4943-01", "covid_pfizer": "59267-1000-01",
}  # fmt: skip
_GIVER = dialect.told("http://terminology.hl7.org/CodeSystem/v2-0443", "AP", "Administering Provider")


def render(t: Telling, immunization: Immunization) -> Rendering:
    """One immunization, with what of it is told differently."""
    encounter = t.encounter(immunization.encounter)
    visit = t.encounters.get(immunization.encounter) if immunization.encounter is not None else None
    is_given_here = visit is not None
    losses = []
    vaccine: Json = {}
    if is_uncoded(t, immunization):
        losses.append(Loss("codes", "text_only"))
    else:
        vaccine["coding"] = [{"system": build.SYSTEMS["cvx"], "code": immunization.code.code}]
        package = _PACKAGES.get(immunization.key) if is_given_here else None
        if package is not None:
            vaccine["coding"].append({"system": build.SYSTEMS["ndc"], "code": package})
            losses.append(Loss("codes", "also", "the package", [{"system": "ndc", "code": package}]))
    payload: Json = {
        "resourceType": "Immunization",
        "id": t.id("Immunization", immunization.ordinal),
        "identifier": [
            usual(dialect.local("2.768076"), dialect.number(t.draw("immunization", immunization.ordinal), 5))
        ],
        "status": immunization.status,
        "vaccineCode": vaccine | {"text": immunization.text},
        "patient": t.subject,
    }
    if encounter is not None:
        payload["encounter"] = encounter
    payload |= {"occurrenceDateTime": immunization.day.isoformat(), "primarySource": is_given_here}
    if visit is not None:
        payload["location"] = {"display": t.world.population.facility(visit.facility).name}
    else:
        payload["reportOrigin"] = dialect.told(_ORIGIN, "2", "Historical record")
    if maker := _MAKERS.get(immunization.key):
        payload["manufacturer"] = {"display": maker}
    if immunization.lot:
        payload["lotNumber"] = immunization.lot
    if is_given_here:
        payload |= _given(t, immunization)
    amount = Decimal(_DOSES.get(immunization.key, "0.5"))
    payload["doseQuantity"] = {"value": amount, "unit": "mL", "system": _UNIT, "code": "1"}
    if is_given_here:
        payload["performer"] = [{"function": _GIVER, "actor": t.practitioner(immunization.practitioner)}]
    if immunization.sensitivity:
        losses.append(Loss("sensitivity", "omitted"))
    return Rendering("Immunization", payload["id"], payload, (immunization,), tuple((0, loss) for loss in losses))


def is_uncoded(t: Telling, immunization: Immunization) -> bool:
    """Whether the site's vaccine record has no CVX mapping."""
    return t.draw("uncoded", immunization.ordinal) % 100 < _UNCODED_PER_CENT


def _given(t: Telling, immunization: Immunization) -> Json:
    """Where in the body and how, and when the vial would have expired."""
    made: Json = {"expirationDate": (immunization.day + _SHELF_LIFE).isoformat()} if immunization.lot else {}
    if immunization.key == "rotavirus":
        return made | {"route": dialect.told(_ROUTE, *_ORAL)}
    age_days = (immunization.day - t.person.birth_date).days
    sites = _THIGHS if age_days < _THIGH_UNTIL_DAYS else _ARMS
    route = _SUBCUTANEOUS if immunization.key in _BY_SUBCUTANEOUS else _INTRAMUSCULAR
    site = sites[t.draw("site", immunization.ordinal) % len(sites)]
    return made | {"site": dialect.told(_SITE, *site), "route": dialect.told(_ROUTE, *route)}
