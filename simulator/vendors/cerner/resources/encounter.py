"""Encounter: class by the standard, type by the site; some outpatient visits were never closed and have no period."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from simulator.population import tables
from simulator.population.answers import Loss
from simulator.population.records import Chart, Condition, Encounter
from simulator.population.tables.rows import HospitalRow
from simulator.sandbox import Site
from simulator.vendor import Rendering
from simulator.vendors.cerner import codes, habits, ids
from simulator.vendors.cerner.elements import concept, in_millis, narrative, standard
from simulator.vendors.cerner.ids import Row
from simulator.vendors.cerner.resources import people
from simulator.vendors.cerner.resources.telling import Item, Span, Telling, Tokens, rendering, state_of

FIN_SYSTEM = "urn:oid:2.16.840.1.113883.19.6.1077."  # malformed on purpose: the recorded one ends in a point too
_NEVER_CLOSED_PER_THOUSAND = 60
_COURTESY = "http://terminology.hl7.org/CodeSystem/v3-EncounterSpecialCourtesy"
_COURTESIES = (("VIP", "VIP", "VIP", "very important person"), ("EMP", "Employee", "STF", "staff"))
"""Labels of the patient, with the word and the code and display for them."""


def _items(site: Site, chart: Chart) -> list[Item]:
    number = chart.person.number
    return [Item(Row(number, one.ordinal), (one,)) for one in chart.encounters]


def _id_of(site: Site, item: Item) -> str:
    return str(ids.row_number(site, "encounter", item.row))


def _row_of(site: Site, id: str) -> Row | None:
    row = ids.row_of(site, "encounter", id)
    return row if row is not None and row.variant == 0 else None


def is_never_closed(site: Site, item: Item) -> bool:
    """Whether staff forgot to close this outpatient visit."""
    (one,) = item.records
    closable = one.class_code == "AMB" and one.status == "finished"
    return bool(closable) and habits.happens(site, "never closed", item.row, _NEVER_CLOSED_PER_THOUSAND)


def _status(site: Site, item: Item) -> str:
    return "in-progress" if is_never_closed(site, item) else str(item.records[0].status)


def _updated(site: Site, item: Item) -> datetime:
    state = state_of(site, "encounter", item.row)
    if state:
        return state.updated
    one: Encounter = item.records[0]
    return (one.end or one.start) + timedelta(minutes=habits.pick(site, "encounter updated", item.row, 60))


def _render(site: Site, chart: Chart, item: Item) -> Rendering:
    one: Encounter = item.records[0]
    is_open = is_never_closed(site, item)
    word, v2_code, v2_display = codes.VISITS.get(one.class_code, codes.VISITS["AMB"])
    place = people.location_ref(site, one.facility)
    reason = _reason(chart, one)
    state = state_of(site, "encounter", item.row)
    version = habits.pick(site, "encounter version", item.row, 4) + (state.version if state else 0)
    payload: dict[str, Any] = {
        "resourceType": "Encounter",
        "id": _id_of(site, item),
        "meta": {"versionId": str(version), "lastUpdated": in_millis(_updated(site, item))},
        "text": narrative(
            "Encounter",
            [
                ("Patient", people.patient_name(chart.person)),
                ("Location", place["display"]),
                ("Type", word),
                ("Class", codes.CLASS_WORDS.get(one.class_code, one.class_code)),
                ("Status", _status(site, item).replace("-", " ").title()),
                ("Reason For Visit", reason.text if reason else None),
                ("Service Provider", place["display"]),
            ],
        ),
        "identifier": [_fin(site, item, one)],
        "status": _status(site, item),
        "class": standard("v3-act", one.class_code, codes.CLASS_WORDS.get(one.class_code, "")),
        "type": [
            concept(
                [codes.local(site, codes.ENCOUNTER_TYPE, word), standard(codes.V2_CLASS, v2_code, v2_display)], word
            )
        ],
        "subject": people.patient_ref(site, chart.person),
        "participant": [_participant(site, one)],
    }
    if not is_open:
        payload["period"] = {"start": in_millis(one.start)}
        if one.end is not None:
            payload["period"]["end"] = in_millis(one.end)
    if reason:
        payload["reasonCode"] = [{"text": reason.text}]
    if stay := _hospitalization(site, chart, one):
        payload["hospitalization"] = stay
    payload["location"] = [{"location": place, "status": "active" if is_open or one.end is None else "completed"}]
    payload["serviceProvider"] = people.organization_ref(site, one.facility)
    return rendering("Encounter", payload, item.records, _losses(one, word, is_open))


def _hospitalization(site: Site, chart: Chart, one: Encounter) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if one.admit_source is not None:
        made["admitSource"] = _coded(site, codes.ADMIT_SOURCE, tables.ADMIT_SOURCES[one.admit_source])
    courtesies = [
        concept([codes.local(site, codes.VIP, word), standard(_COURTESY, code, display)], word)
        for label, word, code, display in _COURTESIES
        if label in chart.person.sensitivity
    ]
    if courtesies:
        made["specialCourtesy"] = courtesies
    if one.disposition is not None:
        made["dischargeDisposition"] = _coded(site, codes.DISPOSITION, tables.DISPOSITIONS[one.disposition])
    return made


def _coded(site: Site, code_set: int, row: HospitalRow) -> dict[str, Any]:
    """The site's own code, and the standard one behind it."""
    codings = [codes.local(site, code_set, row.text), standard(row.code.system, row.code.code, row.code.display)]
    return concept(codings, row.text)


def _losses(one: Encounter, word: str, is_open: bool) -> list[tuple[int, Loss]]:
    v2_code = codes.VISITS.get(one.class_code, codes.VISITS["AMB"])[1]
    losses = [
        Loss("type", "replaced", value={"codes": [], "text": word}),
        Loss("type.codes", "also", value=[{"system": codes.V2_CLASS, "code": v2_code}]),
    ]
    if one.reason is not None:
        losses.append(Loss("reasonCodes", "text_only"))
    if is_open:
        losses += [Loss("status", "replaced", value="in-progress"), Loss("start", "omitted"), Loss("end", "omitted")]
    if one.sensitivity:
        losses.append(Loss("sensitivity", "omitted"))
    return [(0, loss) for loss in losses]


def _reason(chart: Chart, one: Encounter) -> Condition | None:
    return next((found for found in chart.conditions if found.ordinal == one.reason), None)


def _fin(site: Site, item: Item, one: Encounter) -> dict[str, Any]:
    account = standard("v2-identifier", "AN", "Account number")
    return {
        "use": "usual",
        "type": concept([codes.local(site, codes.FINANCIAL_NUMBER_TYPE, "FIN NBR"), account], "FIN NBR"),
        "system": FIN_SYSTEM,
        "value": financial_number(site, item.row),
        "period": {"start": in_millis(one.start)},
    }


def financial_number(site: Site, row: Row) -> str:
    """The account number (FIN) of a visit."""
    return str(ids.row_number(site, "financial number", row))


def row_of_financial_number(site: Site, value: str) -> Row | None:
    """The visit of an account number; None when it is none."""
    row = ids.row_of(site, "financial number", value)
    return row if row is not None and row.variant == 0 else None


def _participant(site: Site, one: Encounter) -> dict[str, Any]:
    local = codes.local(site, codes.PARTICIPANT, "Attending Physician")
    return {
        "type": [concept([local, standard(codes.V3_PARTICIPATION, "ATND", "attender")], "Attending Physician")],
        "period": {"start": in_millis(one.start)},
        "individual": people.practitioner_ref(site, one.practitioner),
    }


def _status_tokens(site: Site, item: Item) -> Tokens:
    return [("", _status(site, item))]


def _fin_tokens(site: Site, item: Item) -> Tokens:
    return [(FIN_SYSTEM, financial_number(site, item.row))]


def _period(site: Site, item: Item) -> Span:
    """Visits that were never closed have no period, so no date finds them."""
    one: Encounter = item.records[0]
    return None if is_never_closed(site, item) else (one.start, one.end)


ENCOUNTER = Telling(
    "Encounter",
    "encounter",
    _items,
    _id_of,
    _row_of,
    _render,
    _updated,
    tokens={"status": _status_tokens, "identifier": _fin_tokens},
    dates={"date": _period},
)
