"""Which resources a query takes, of the types that rest on records: what is told is looked at, element by element.

Source: SOURCES.md, "Search" (CS: which parameters there are, and the values of some).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from simulator.fhir import build, search
from simulator.fhir.search import Param
from simulator.refusal import Refusal
from simulator.vendors.epic import errors
from simulator.vendors.epic.dialect import Json, Telling
from simulator.vendors.epic.params import (
    CARE_PLAN_CATEGORIES,
    DATE_PREFIXES,
    EPISODE_STATUSES,
    LIST_CODES,
    ORDER_STATUSES,
    PARAMS,
)
from simulator.vendors.epic.query import Query
from simulator.vendors.epic.resources import TOLD, Item

if TYPE_CHECKING:
    from simulator.sandbox import Site

Test = Callable[[Item], bool]

# Where a first-class parameter looks: members below one another behind dots. What is not listed has the parameter's
# own name as the element's; None is taken and changes nothing.
_ELEMENTS: dict[str, dict[str, str | None]] = {
    "CarePlan": {"activity-date": "period", "part-of": "partOf"},
    "Device": {
        "device-name": "deviceName.name",
        "model": "modelNumber",
        "udi-carrier": "udiCarrier.carrierHRF",
        "udi-di": "udiCarrier.deviceIdentifier",
    },
    "DiagnosticReport": {"date": "effectiveDateTime"},
    "Goal": {"lifecycle-status": "lifecycleStatus", "start-date": "startDate"},
    "PractitionerRole": {"email": "telecom", "phone": "telecom", "role": "code"},
    "ServiceRequest": {"authored": "authoredOn", "onlyscannable": None},
}
_TAKEN: dict[str, dict[str, frozenset[str]]] = {
    "CarePlan": {"category": CARE_PLAN_CATEGORIES},
    "CareTeam": {"status": frozenset({"active"})},
    "EpisodeOfCare": {"status": EPISODE_STATUSES},
    "List": {"code": LIST_CODES},
    "ServiceRequest": {"status": ORDER_STATUSES},
}
"""Parameters that take these codes only (doc: CS; that others are refused: guess)."""
_WHOSE = frozenset({"patient", "subject"})


def tests(t: Telling, query: Query) -> list[Test]:
    """What an item must pass.

    Raises:
        Refusal: malformed with issues: a required parameter is missing, a value is not taken.
    """
    type = query.type
    if type == "CarePlan" and not query.has("category"):
        raise query.refuse(errors.missing("category"))
    for name, known in _TAKEN.get(type, {}).items():
        for one in query.all(name):
            for _, code in one.tokens:
                if code not in known:
                    raise query.refuse(*errors.bad_value(name, code))
    wanted = of_payload(t.site, query)
    told = TOLD.get(type)
    if not wanted or told is None:
        return []

    def test(item: Item) -> bool:
        payload = told.render(t, item).payload
        return all(one(payload) for one in wanted)

    return [test]


def of_payload(site: Site, query: Query) -> list[Callable[[Json], bool]]:
    """What the resource that is told must pass.

    Raises:
        Refusal: malformed with issues: a value is not taken.
    """
    named = _ELEMENTS.get(query.type, {})
    return [
        test
        for name, kind in PARAMS[query.type].first.items()
        if name not in _WHOSE and (path := named.get(name, name)) is not None
        for test in looks(site, query, name, kind, (path,))
    ]


def looks(site: Site, query: Query, name: str, kind: str, places: Sequence[str]) -> Iterator[Callable[[Json], bool]]:
    """A test for each instance of a parameter: that a value at one of the places is what it asks for.

    Raises:
        Refusal: malformed with issues: a value is not taken.
    """
    make = _MAKERS[kind]
    for one in query.all(name):
        try:
            test = make(site, one)
        except Refusal:
            raise query.refuse(*errors.bad_value(name, one.value)) from None
        yield lambda payload, test=test: any(test(found) for path in places for found in _at(payload, path))  # type: ignore[misc]


def _at(value: Any, path: str) -> Iterator[Any]:
    """Every value behind `path`, lists gone through."""
    if isinstance(value, list):
        for one in value:
            yield from _at(one, path)
    elif not path:
        yield value
    elif isinstance(value, dict):
        name, _, rest = path.partition(".")
        if name in value:
            yield from _at(value[name], rest)


def _token(site: Site, one: Param) -> Callable[[Any], bool]:
    """Whether any coding is any of the alternatives; before a plain code a system counts for nothing."""

    def test(value: Any) -> bool:
        return any(
            search.matches_token(wanted, system, code) or (not system and wanted[1] == code)
            for system, code in _tokens(value)
            for wanted in one.tokens
        )

    return test


def _tokens(value: Any) -> Iterator[tuple[str, str]]:
    """The (system, code) pairs of a concept, a coding, an identifier or a code."""
    if isinstance(value, dict):
        for coding in value.get("coding", ()):
            yield coding.get("system", ""), coding.get("code", "")
        if "code" in value or "value" in value:
            yield value.get("system", ""), str(value.get("code", value.get("value")))
    elif isinstance(value, bool):
        yield "", str(value).lower()
    elif isinstance(value, str):
        yield "", value


def _reference(site: Site, one: Param) -> Callable[[Any], bool]:
    wanted = {search.reference(value)[1] for value in one.values}
    return lambda value: isinstance(value, dict) and value.get("reference", "").rpartition("/")[2] in wanted


def _date(site: Site, one: Param) -> Callable[[Any], bool]:
    """Whether a time meets one of the alternatives; what has no zone is the server's local time (E36)."""
    zone = build.zone_of(str(site.settings["server_zone"]))
    wanted = [search.date_range(value, zone) for value in one.values]
    if any(range.prefix not in DATE_PREFIXES for range in wanted):
        raise Refusal("malformed", f"no such prefix: {one.value}", reason="bad_date")

    def test(value: Any) -> bool:
        ends = value if isinstance(value, dict) else {"start": value, "end": value}
        first, last = ends.get("start"), ends.get("end")
        low = search.date_range(first, zone).lo if first else _EARLIEST
        high = search.date_range(last, zone).hi if last else _LATEST
        return any(
            low < one.hi and one.lo < high if one.prefix == "eq" else search.matches_date(one, low, high)
            for one in wanted
        )

    return test


def _string(site: Site, one: Param) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and any(search.fold(part) in search.fold(value) for part in one.values)


_MAKERS = {"token": _token, "reference": _reference, "date": _date, "string": _string}
_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)
