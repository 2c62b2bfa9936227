"""FHIR searches in one chart: which resources match, and where a page begins."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from simulator.exchange import Exchange
from simulator.fhir import search as spelled
from simulator.vendors.athena import ids
from simulator.vendors.athena.charts import PatientChart, patient_chart
from simulator.vendors.athena.fhir import medications, references, shelf
from simulator.vendors.athena.fhir.asked import (
    NOT_FILTERS,
    PAGING,
    Found,
    Hit,
    OutcomeOnly,
    cursor_of,
    invalid,
    matches_last_updated,
    range_of,
    values_of,
)


def charted(x: Exchange, type: str, params: list[spelled.Param], count: int) -> Found:
    """One page of the resources of a chart that match."""
    found = _hits(x, type, params)
    start = _place(x, type, found, cursor_of(params))
    shown = found[start : start + count]
    following = found[start + count].id if start + count < len(found) else None
    return Found([Hit(item.id, item.bytes(), item) for item in shown], len(found), following, start // count + 1)


def _hits(x: Exchange, type: str, params: list[spelled.Param]) -> list[shelf.Item]:
    """What matches. Which of the chart's resources do is kept, so that the next page need not look at them again."""
    items = _sorted(list(_items(x, type, params)), params)
    filters = [param for param in params if param.name not in NOT_FILTERS]
    if not any(param.name not in ("patient", "subject") for param in filters):
        return items
    asked = tuple((param.name, param.modifier, param.raw) for param in params if param.name not in PAGING)
    stamps = tuple({(item.seen.number, item.seen.stamp) for item in items[:1]})
    key = ("hits", type, asked, stamps)
    kept = x.site.cache.get(key)
    if kept is None:
        places = (str(place) for place, item in enumerate(items) if _matches(item, filters))
        kept = x.site.cache.put(key, ",".join(places).encode())
    return [items[int(place)] for place in kept.split(b",")] if kept else []


def _sorted(items: list[shelf.Item], params: list[spelled.Param]) -> list[shelf.Item]:
    """By date, where `_sort` asks for it, which documents alone know. Raises Refusal: it asks for something else."""
    for param in params:
        if param.name == "_sort":
            if param.value not in ("date", "-date"):
                raise invalid(f"_sort={param.value}", "bad_sort")
            return sorted(items, key=lambda item: item.head.created, reverse=param.value.startswith("-"))
    return items


def _place(x: Exchange, type: str, found: list[shelf.Item], cursor: str | None) -> int:
    """Where the page that begins with `cursor` begins. Raises Refusal: it is none of these."""
    if cursor is None:
        return 0
    parsed = ids.parse_fhir_id(cursor)
    ordinal = shelf.CHART_TYPES[type].find(x.site, parsed[2])[1] if parsed else -1
    for place, item in enumerate(found):
        if item.head.ordinal == ordinal and item.id == cursor:
            return place
    raise invalid(f"cursor {cursor}", "bad_cursor")


def _items(x: Exchange, type: str, params: list[spelled.Param]) -> Iterator[shelf.Item]:
    """The resources that id, patient or encounter name."""
    by_id = values_of(params, "_id")
    if by_id:
        wanted = dict.fromkeys(by_id[0])
        if not all(ids.parse_fhir_id(one) for one in wanted):
            raise invalid(f"_id {', '.join(wanted)}", "bad_id")
        for one in wanted:
            item = shelf.find(x.site, type, one)
            if item is not None:
                yield item
        return
    seen = _chart(x, params)
    if seen is not None:
        yield from shelf.items(seen, type)


def _chart(x: Exchange, params: list[spelled.Param]) -> PatientChart | None:
    """The chart that `patient` (or, for conditions, `encounter`) names; None when there is no such patient.

    Raises:
        OutcomeOnly: the reference is no athena id.
    """
    for name in ("patient", "subject", "encounter"):
        for values in values_of(params, name):
            _, id = spelled.reference(values[0])
            if ids.parse_fhir_id(id) is None:
                raise OutcomeOnly
            if name == "encounter":
                item = shelf.find(x.site, "Encounter", id)
                return item.seen if item is not None else None
            number = ids.patient_of(x.site, id)
            return patient_chart(x.site, number) if number is not None else None
    return None


def _matches(item: shelf.Item, filters: list[spelled.Param]) -> bool:
    return all(_matches_one(item, param) for param in filters)


def _matches_one(item: shelf.Item, param: spelled.Param) -> bool:
    if param.name in ("patient", "subject"):
        wanted = {spelled.reference(value)[1] for value in param.values}
        return ids.patient_fhir_id(item.seen.site, item.seen.number) in wanted
    if param.name == "ah-chart-sharing-group":
        group = ids.fhir_id("CSG", ids.chart_sharing_group(item.seen.home.index))
        return any(spelled.reference(value)[1] == group for value in param.values)
    if param.name == "_lastUpdated":
        return matches_last_updated(item.changed, param)
    payload = item.render().payload
    if param.name == "ah-provider-group":
        group = ids.fhir_id("PG", ids.provider_group(item.seen.home.index))
        return any(spelled.reference(value)[1] == group for value in param.values)
    if param.name in references.PARAMS:
        wanted = {spelled.reference(value)[1] for value in param.values}
        return any(id in wanted for _, id in references.of(payload, param.name))
    if param.name in ("date", "authoredon"):
        return _matches_date(payload, param)
    if param.name in ("status", "intent"):
        return any(code == payload[param.name] for _, code in param.tokens)
    if param.name == "code" and item.type == "MedicationRequest":
        payload = medications.product(item.seen, item.telling).payload
    concepts = {"code": "code", "category": "category", "vaccine-code": "vaccineCode", "type": "type"}
    return _matches_concept(payload.get(concepts[param.name]), param)


def _matches_concept(value: Any, param: spelled.Param) -> bool:
    listed = value if isinstance(value, list) else [value]
    codings = [coding for one in listed if one for coding in one.get("coding", ())]
    return any(
        spelled.matches_token(token, coding.get("system"), coding.get("code", ""))
        for token in param.tokens
        for coding in codings
    )


_DATES = ("effectiveDateTime", "occurrenceDateTime", "authoredOn", "date")


def _matches_date(payload: dict[str, Any], param: spelled.Param) -> bool:
    period = payload.get("period") or payload.get("performedPeriod")
    if period:
        start, end = _instant(period["start"])[0], _instant(period["end"])[1]
    else:
        told = next((payload[name] for name in _DATES if name in payload), None)
        if told is None:
            return False
        start, end = _instant(told)
    return any(spelled.matches_date(range_of(value), start, end) for value in param.values)


def _instant(text: str) -> tuple[datetime, datetime]:
    interval = spelled.date_range(text)
    return interval.lo, interval.hi
