"""Consent: what a patient allowed or forbade about sensitive records.

Source: SOURCES.md, "Resources" (CS: what can be asked; the form: guess).
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.fhir import build
from simulator.population import tables
from simulator.population.records import Consent
from simulator.vendors.epic import dialect
from simulator.vendors.epic.dialect import Json, Telling
from simulator.vendors.epic.resources import told
from simulator.vendors.epic.resources.told import Item

_SCOPE = dialect.told("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy", "Privacy Consent")
_CATEGORY = dialect.told("loinc", "59284-0", "Consent Document")
_CODES = {
    row["key"]: (row["v3_actcode_sensitivity"], row["meaning"].partition(":")[0]) for row in tables.raw("sensitivity")
}
_POLICY = {"text": "Release of sensitive information"}


def _items(t: Telling) -> Iterator[Item]:
    return ((one,) for one in reversed(t.chart.consents))


def _payload(t: Telling, item: Item) -> Json:
    one = item[0]
    assert isinstance(one, Consent)
    provision: Json = {"type": one.decision}
    if one.until is not None:
        provision["period"] = {"end": one.until.isoformat()}
    labels = [_CODES[label] for label in one.labels]
    provision["securityLabel"] = [
        {"system": build.SYSTEMS["v3-act"], "code": code} if code else {"display": meaning} for code, meaning in labels
    ]
    return {
        "status": one.status,
        "scope": _SCOPE,
        "category": [_CATEGORY],
        "patient": t.subject,
        "dateTime": build.instant(one.recorded),
        "performer": [t.subject],
        "organization": [dialect.organization_reference(t.site)],
        "policyRule": _POLICY,
        "provision": provision,
    }


TOLD = told.resting("Consent", _items, _payload)
