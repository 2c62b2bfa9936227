"""`/patients/{patientid}/insurances`: packages in sequence; what was cancelled is shown only when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.exchange import Exchange, Reply
from simulator.ids import h64
from simulator.population.answers import Loss
from simulator.population.records import Coverage
from simulator.vendor import Rendering
from simulator.vendors.athena import words
from simulator.vendors.athena.charts import PatientChart, patient_chart
from simulator.vendors.athena.rest import wire

if TYPE_CHECKING:
    from simulator.sandbox import Site

DEFAULT_LIMIT = 1500
RELATIONSHIPS = {"self": (1, "Self"), "spouse": (2, "Spouse"), "child": (3, "Child")}
_TYPES = (
    ("111", "Medicare Advantage"),
    ("1", "Medicare Part B"),
    ("2", "Medicaid"),
    ("311", "TRICARE"),
    ("511", "Health Maintenance Organization (HMO)"),
    ("512", "Preferred Provider Organization (PPO)"),
    ("81", "Personal Payment (Cash - No Insurance)"),
    ("", "Commercial"),
)  # by the first digits of the source of payment, the longest that fits
_SELF_PAY, _PAYS_CASH = "*SELF PAY*", "Self-Pay (cash)"
CASH = 0
"""The package of nobody: who pays cash."""


def list_insurances(x: Exchange) -> Reply:
    """The insurances of a patient, the primary first; with `showcancelled=true` those that are over, too."""
    wire.practice_of(x)
    query = wire.Query(x)
    assert x.route is not None
    seen = patient_chart(x.site, wire.patient_number(x, x.route.args[1]))
    is_full = query.flag("showcancelled")

    def make() -> tuple[Any, Any]:
        listed = [one for one in seen.chart.coverages if is_full or one.status == "active"]
        listed.sort(key=lambda one: (one.order, one.start))
        page = wire.page(x, query, "insurances", len(listed), default=DEFAULT_LIMIT)
        told = [insurance(seen, one) for one in listed[page.offset : page.end]]
        envelope = page.envelope(f"/patients/{seen.patientid}/insurances", [one.payload for one in told])
        return envelope, [(one.type, one.id) for one in told]

    return wire.kept(x, ("insurances", seen.number, seen.stamp, query.key()), make)


def insurance(seen: PatientChart, record: Coverage) -> Rendering:
    """One insurance."""
    insuranceid = str(seen.item("coverage", record.ordinal))
    is_self_pay = record.category == "self-pay"
    number, name = RELATIONSHIPS[record.relationship]
    payload: dict[str, Any] = {
        "insuranceid": insuranceid,
        "sequencenumber": record.order,
        "insurancepackageid": package(seen.site, record.category, record.payer, record.plan),
        "insuranceplanname": _SELF_PAY if is_self_pay else record.plan,
        "insurancetype": _type(record),
        "ircname": _PAYS_CASH if is_self_pay else record.payer,
        "relationshiptoinsuredid": number,
        "relationshiptoinsured": name,
        "insuredentitytypeid": 1,
        "eligibilitystatus": "Unverified",
        "eligibilityreason": "Athena",
        "eligibilitylastchecked": words.us_day(words.local_day(seen.updated(record), seen.zone)),
        "issuedate": words.us_day(record.start),
        **_holder(seen, record),
    }
    if record.card_number is not None:
        payload["insuranceidnumber"] = record.card_number
    if record.group is not None:
        payload["policynumber"] = record.group
    if record.end is not None:
        payload["expirationdate"] = words.us_day(record.end)
    if record.status == "cancelled":
        payload["cancelled"] = words.us_day(words.local_day(seen.updated(record), seen.zone))
    losses = [Loss("category", "omitted"), Loss("dependent", "omitted")]
    if record.dependent is not None:
        losses.append(Loss("memberId", "replaced", value=record.card_number))
    if is_self_pay:
        losses += [Loss("payer", "replaced", value=_PAYS_CASH), Loss("plan", "replaced", value=_SELF_PAY)]
    return Rendering("insurance", insuranceid, payload, (record,), tuple((0, loss) for loss in losses))


def _type(record: Coverage) -> str:
    """The kind of insurance, in words."""
    code = record.type.code if record.type is not None else ""
    return next(name for digits, name in _TYPES if code.startswith(digits))


def package(site: Site, category: str, payer: str, plan: str) -> int:
    """The number of a plan in the catalogue of packages: the same for everybody who has it."""
    return CASH if category == "self-pay" else 1 + h64(site.key, "package", payer, plan) % 99_999


def _holder(seen: PatientChart, record: Coverage) -> dict[str, Any]:
    """Who holds the policy: of a spouse or parent who is no patient nothing is on record."""
    person = seen.person
    if record.relationship != "self":
        found = None if record.holder is None else seen.site.sandbox.world.present_person(record.holder)
        if found is None:
            return {}
        person = found
    return {
        "insurancepolicyholder": f"{person.given[0]} {person.family}".upper(),
        "insurancepolicyholderfirstname": person.given[0].upper(),
        "insurancepolicyholderlastname": person.family.upper(),
        "insurancepolicyholderdob": words.us_day(person.birth_date),
        "insurancepolicyholdersex": person.sex,
        "insurancepolicyholdercountrycode": "USA",
        "insurancepolicyholdercountryiso3166": "US",
    }
