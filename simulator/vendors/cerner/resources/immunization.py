"""Immunization: a calendar day, kept as midnight UTC and told in server time, so that it reads as the day before."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from simulator.fhir import build
from simulator.population.answers import Loss
from simulator.population.records import Chart, Immunization
from simulator.sandbox import Site
from simulator.vendor import Rendering
from simulator.vendors.cerner import codes, habits, ids
from simulator.vendors.cerner.elements import concept, in_server_time, midnight, narrative, standard, words_of
from simulator.vendors.cerner.ids import Row
from simulator.vendors.cerner.resources import people
from simulator.vendors.cerner.resources.telling import (
    Item,
    Span,
    Telling,
    Tokens,
    hidden_labels,
    rendering,
    retracted,
    state_of,
)


def _items(site: Site, chart: Chart) -> list[Item]:
    number = chart.person.number
    doses = (*reversed(chart.immunizations), *retracted(chart, "immunization"))
    return [Item(Row(number, one.ordinal), (one,)) for one in doses]


def _id_of(site: Site, item: Item) -> str:
    return f"M{ids.row_number(site, 'immunization', item.row)}"


def _row_of(site: Site, id: str) -> Row | None:
    row = ids.row_of(site, "immunization", id[1:]) if id[:1] == "M" else None
    return row if row is not None and row.variant == 0 else None


def _updated(site: Site, item: Item) -> datetime:
    state = state_of(site, "immunization", item.row)
    if state:
        return state.updated
    one: Immunization = item.records[0]
    return midnight(one.day) + timedelta(hours=15, minutes=habits.pick(site, "immunization updated", item.row, 400))


def _render(site: Site, chart: Chart, item: Item) -> Rendering:
    one: Immunization = item.records[0]
    at = midnight(one.day)
    state = state_of(site, "immunization", item.row)
    version = habits.pick(site, "immunization version", item.row, 3) + (state.version if state else 0)
    payload: dict[str, Any] = {
        "resourceType": "Immunization",
        "id": _id_of(site, item),
        "meta": {"versionId": str(version), "lastUpdated": in_server_time(_updated(site, item))},
        "text": narrative(
            "Immunization",
            [
                ("Vaccine", one.text),
                ("Occurrence", words_of(at)),
                ("Patient", people.patient_name(chart.person)),
                ("Status", one.status.replace("-", " ").title()),
                ("Lot Number", one.lot),
            ],
        ),
        "status": one.status,
        "vaccineCode": concept(
            [codes.local(site, codes.EVENT, one.key, one.text), standard("cvx", one.code.code, one.code.display)],
            one.text,
        ),
        "patient": people.patient_ref(site, chart.person),
    }
    if one.encounter is not None:
        payload["encounter"] = people.encounter_ref(site, item.row.number, one.encounter)
    payload["occurrenceDateTime"] = in_server_time(at)
    payload["primarySource"] = one.encounter is not None
    if one.lot:
        payload["lotNumber"] = one.lot
    payload["doseQuantity"] = build.quantity(Decimal("0.0"), "unknown unit", "{unknownunit}")
    payload["performer"] = [{"actor": people.practitioner_ref(site, one.practitioner)}]
    payload["protocolApplied"] = [{"doseNumberString": "Unknown"}]
    if one.status == "entered-in-error":
        return rendering("Immunization", payload, (), [])
    losses: list[tuple[int, Loss]] = []
    hidden_labels(item.records, losses)
    return rendering("Immunization", payload, item.records, losses)


def _occurrence(site: Site, item: Item) -> Span:
    return midnight(item.records[0].day), None


def _target_tokens(site: Site, item: Item) -> Tokens:
    """No immunization names its target disease here, so a search by it finds none."""
    return []


IMMUNIZATION = Telling(
    "Immunization",
    "immunization",
    _items,
    _id_of,
    _row_of,
    _render,
    _updated,
    tokens={"target-disease": _target_tokens},
    dates={"date": _occurrence},
)
