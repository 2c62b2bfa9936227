"""DiagnosticReport of a laboratory panel and its results. It tells no record of its own: the results do, and what they
lack, the panel, stands here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from simulator.population.records import Chart, Observation
from simulator.sandbox import Site
from simulator.vendor import Rendering
from simulator.vendors.cerner import codes
from simulator.vendors.cerner.elements import concept, extension, in_seconds, narrative, standard, words_of
from simulator.vendors.cerner.ids import Row
from simulator.vendors.cerner.resources import events, people
from simulator.vendors.cerner.resources.observation import OBSERVATION
from simulator.vendors.cerner.resources.telling import Item, Tokens, rendering, retracted, state_of

SECTION = "http://terminology.hl7.org/CodeSystem/v2-0074"
_FUNCTION = "http://hl7.org/fhir/StructureDefinition/event-performerFunction"


def is_of_panel(one: Observation) -> bool:
    """Whether a report groups this result with others."""
    return one.category == "laboratory" and one.panel is not None


Key = tuple[str | None, datetime, int | None]


def _key(one: Observation) -> Key:
    return one.panel_key, one.effective, one.encounter


def items(chart: Chart) -> list[Item]:
    """Newest first; a report goes by the first of its results, also when that one was taken back."""
    number = chart.person.number
    panels: dict[Key, list[Observation]] = {}
    for one in chart.observations:
        if is_of_panel(one):
            panels.setdefault(_key(one), []).append(one)
    leads = {key: found[0].ordinal for key, found in panels.items()}
    for one in retracted(chart, "observation"):
        if _key(one) in leads:
            leads[_key(one)] = min(leads[_key(one)], one.ordinal)
    return [Item(Row(number, leads[key]), tuple(found)) for key, found in reversed(panels.items())]


def _results(item: Item) -> Iterable[Observation]:
    return item.records


def _issued(item: Item) -> datetime:
    return max(one.issued for one in _results(item))


def updated(site: Site, item: Item) -> datetime:
    """When one of the results last changed."""
    states = (state_of(site, "observation", Row(item.row.number, one.ordinal)) for one in _results(item))
    return max((state.updated for state in states if state is not None), default=_issued(item))


def _versions(site: Site, item: Item) -> int:
    states = (state_of(site, "observation", Row(item.row.number, one.ordinal)) for one in _results(item))
    return sum(state.version for state in states if state is not None)


def _status(item: Item) -> str:
    found = {one.status for one in _results(item)}
    if "preliminary" in found:
        return "partial" if found - {"preliminary"} else "preliminary"
    return "amended" if "corrected" in found else "final"


def _code(site: Site, item: Item) -> dict[str, Any]:
    one: Observation = item.records[0]
    assert one.panel is not None
    own = codes.local(site, codes.EVENT, f"panel {one.panel_key}", one.panel.display)
    return concept([own, standard("loinc", one.panel.code)], one.panel.display)


def render(site: Site, chart: Chart, item: Item, id: str) -> Rendering:
    """The report as the resource `id`."""
    one: Observation = item.records[0]
    number = item.row.number
    code = _code(site, item)
    status = _status(item)
    payload: dict[str, Any] = {
        "resourceType": "DiagnosticReport",
        "id": id,
        "meta": {"versionId": str(_versions(site, item)), "lastUpdated": in_seconds(updated(site, item))},
        "text": narrative(
            "Diagnostic Report",
            [
                ("Document Category", "Laboratory"),
                ("Status", status.title()),
                ("Code", code["text"]),
                ("Effective Date", words_of(one.effective)),
            ],
        ),
        "identifier": [events.identifier(site, int(id), _issued(item))],
        "status": status,
        "category": [concept([standard(SECTION, "LAB", "Laboratory")], "Laboratory")],
        "code": code,
        "subject": people.patient_ref(site, chart.person, display=False),
    }
    if one.encounter is not None:
        payload["encounter"] = people.encounter_ref(site, number, one.encounter)
    payload["effectiveDateTime"] = in_seconds(one.effective)
    payload["issued"] = in_seconds(_issued(item))
    payload["performer"] = [_performer(site, chart, one)]
    payload["result"] = [
        {"reference": f"Observation/{OBSERVATION.id_of(site, Item(Row(number, result.ordinal), (result,)))}"}
        for result in _results(item)
    ]
    return rendering("DiagnosticReport", payload, (), [])


def _performer(site: Site, chart: Chart, one: Observation) -> dict[str, Any]:
    signer = standard(codes.V3_PARTICIPATION, "LA", "legal authenticator", None)
    function = extension(_FUNCTION, valueCodeableConcept=concept([signer], "legal authenticator"))
    facility = next(
        (found.facility for found in chart.encounters if found.ordinal == one.encounter), chart.person.facility
    )
    return {"extension": [function], "reference": people.organization_ref(site, facility)["reference"]}


# What searches compare


def category_tokens(item: Item) -> Tokens:
    """Of each report the same one."""
    return [(SECTION, "LAB")]


def code_tokens(item: Item) -> Tokens:
    """The panel."""
    return [("http://loinc.org", item.records[0].panel.code)]


def effective(item: Item) -> datetime:
    """When the specimen was taken."""
    at: datetime = item.records[0].effective
    return at
