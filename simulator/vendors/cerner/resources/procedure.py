"""Procedure: a standard code that counts as picked by a user, words without a code from surgical cases, times that are
a period, a moment or nothing at all."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from simulator.population.answers import Loss
from simulator.population.records import Chart, Condition, Procedure
from simulator.sandbox import Site
from simulator.vendor import Rendering
from simulator.vendors.cerner import habits
from simulator.vendors.cerner.elements import absent, concept, in_seconds, narrative, standard, words_of
from simulator.vendors.cerner.ids import Row
from simulator.vendors.cerner.resources import condition, people
from simulator.vendors.cerner.resources.telling import (
    MISTAKEN,
    Item,
    Span,
    Telling,
    bare_id,
    bare_row,
    hidden_labels,
    rendering,
    retracted,
    state_of,
)

_MISTAKES_PER_THOUSAND = 20
_NO_TIME_PER_THOUSAND = 60  # recorded: 75 of 535
_MOMENT_PER_THOUSAND = 300
_SURGICAL = frozenset(
    ("pci", "cabg", "lumpectomy", "knee_replacement", "hip_replacement", "appendectomy", "cholecystectomy")
)  # written by finalized surgical cases
_id_of, _row_of = bare_id("procedure"), bare_row("procedure", variants=2)


def _items(site: Site, chart: Chart) -> list[Item]:
    """Newest first."""
    number = chart.person.number
    found = [Item(Row(number, one.ordinal), (one,)) for one in retracted(chart, "procedure")]
    for one in reversed(chart.procedures):
        found.append(Item(Row(number, one.ordinal), (one,)))
        beside = Row(number, one.ordinal, MISTAKEN)
        if habits.happens(site, "wrong procedure", beside, _MISTAKES_PER_THOUSAND):
            found.append(Item(beside, (one,)))
    return found


def words(one: Procedure) -> str:
    """What was done, without the semantic tag of the code's display."""
    return one.text.rpartition(" (")[0] or one.text


def _is_mistake(item: Item) -> bool:
    return item.row.variant == MISTAKEN or item.records[0].status == "entered-in-error"


def _updated(site: Site, item: Item) -> datetime:
    state = state_of(site, "procedure", item.row)
    one: Procedure = item.records[0]
    return state.updated if state else one.end + timedelta(minutes=12)


def _performed(site: Site, item: Item) -> tuple[datetime | None, datetime | None]:
    """(start, end) as told; a mistake was entered for the day before."""
    one: Procedure = item.records[0]
    if item.row.variant == MISTAKEN:
        return one.start - timedelta(days=1), None
    if habits.happens(site, "no time", item.row, _NO_TIME_PER_THOUSAND):
        return None, None
    return one.start, None if habits.happens(site, "moment", item.row, _MOMENT_PER_THOUSAND) else one.end


def _render(site: Site, chart: Chart, item: Item) -> Rendering:
    one: Procedure = item.records[0]
    state = state_of(site, "procedure", item.row)
    status = "entered-in-error" if _is_mistake(item) else one.status
    start, end = _performed(site, item)
    place = people.location_ref(site, one.facility)
    who = people.practitioner_ref(site, one.practitioner)
    payload: dict[str, Any] = {
        "resourceType": "Procedure",
        "id": _id_of(site, item),
        "meta": {"versionId": str(state.version - 1 if state else 0), "lastUpdated": in_seconds(_updated(site, item))},
        "text": narrative(
            "Procedure",
            [
                ("Patient", people.patient_name(chart.person)),
                ("Procedure", words(one)),
                ("Date", words_of(start) if start and not end else None),
                ("Period Start Date", words_of(start) if start and end else None),
                ("Period End Date", words_of(end) if end else None),
                ("Status", status.replace("-", " ").title().replace(" In ", " in ")),
                ("Location", place["display"]),
                ("Recorder", who["display"]),
                ("Performer", who["display"]),
            ],
        ),
        "status": status,
        "code": concept(_codings(one), words(one)),
        "subject": people.patient_ref(site, chart.person),
    }
    if one.encounter is not None:
        payload["encounter"] = people.encounter_ref(site, item.row.number, one.encounter)
    if start is None:
        payload["_performedDateTime"] = absent()
    elif end is None:
        payload["performedDateTime"] = in_seconds(start)
    else:
        payload["performedPeriod"] = {"start": in_seconds(start), "end": in_seconds(end)}
    payload |= {"recorder": who, "performer": [{"actor": who}], "location": place}
    if _is_mistake(item):
        return rendering("Procedure", payload, (), [])
    reason = _reason(chart, one)
    if reason is not None:
        payload["reasonReference"] = [condition.reference_to(site, item.row.number, reason)]
    return rendering("Procedure", payload, item.records, _losses(item, start, end, reason))


def _codings(one: Procedure) -> list[dict[str, Any]]:
    """None for what came from a surgical case: those are written as free text."""
    if one.key in _SURGICAL:
        return []
    return [standard(code.system, code.code, code.display, True) for code in one.codes]


def _reason(chart: Chart, one: Procedure) -> Condition | None:
    return next((found for found in chart.conditions if found.ordinal == one.reason), None)


def _losses(
    item: Item, start: datetime | None, end: datetime | None, reason: Condition | None
) -> list[tuple[int, Loss]]:
    one: Procedure = item.records[0]
    losses = [Loss("text", "replaced", value=words(one))]
    if one.key in _SURGICAL:
        losses.append(Loss("codes", "text_only"))
    if start is None:
        losses.append(Loss("performed", "omitted"))
    if end is None:
        losses.append(Loss("end", "omitted"))
    if reason is not None:
        losses += condition.loss_of_codes("reason", reason)
    told = [(0, loss) for loss in losses]
    hidden_labels(item.records, told)
    return told


def _when(site: Site, item: Item) -> Span:
    start, end = _performed(site, item)
    return None if start is None else (start, end)


PROCEDURE = Telling("Procedure", "procedure", _items, _id_of, _row_of, _render, _updated, dates={"date": _when})
