"""The numbers and codes of an order: what its ServiceRequest, its DiagnosticReport and its Specimen say alike.

Source: SOURCES.md, "Resources" (MAP: identifiers and codes of reports; those of the others: guess).
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.fhir import build
from simulator.population.records import Observation, Procedure
from simulator.vendors.epic import dialect
from simulator.vendors.epic.dialect import Json, Telling
from simulator.vendors.epic.resources import flowsheet, orders, procedure
from simulator.vendors.epic.resources.told import Item

_TYPE = "http://terminology.hl7.org/CodeSystem/v2-0203"
_FILLED_PER_CENT = 60  # orders that a laboratory has numbered: guess


def of_procedures(t: Telling) -> Iterator[Item]:
    """The procedures that somebody ordered, the latest first."""
    return ((one,) for one in reversed(t.chart.procedures) if is_ordered(one))


def is_ordered(one: Procedure) -> bool:
    """Whether there is an order behind a procedure: operations are scheduled without one."""
    return procedure.category_of(one) == procedure.ORDERED


def codings(t: Telling, item: Item) -> list[Json]:
    """LOINC without display where the test is mapped, before a code of the site: of a panel its own number, of a single
    test one that stands under CPT's name and is none (seen: LAB10052)."""
    first = item[0]
    if isinstance(first, Procedure):
        return procedure.codings(t, first)
    assert isinstance(first, Observation)
    code = first.panel or first.code
    is_mapped = first.panel is not None or not flowsheet.is_local(t, first)
    number = 10_000 + t.world.population.permutation(256, "EAP of tests").forward(
        orders.TESTS[first.panel_key or first.key]
    )
    name = orders.name_of(item).upper()
    own = (
        {"system": dialect.PROCEDURE, "code": str(number), "display": name}
        if first.panel is not None
        else {"system": dialect.CPT, "code": f"LAB{number}", "display": name}
    )
    return [*([{"system": build.SYSTEMS["loinc"], "code": code.code}] if is_mapped else []), own]


def identifiers(t: Telling, item: Item) -> list[Json]:
    """The number that the placer gave, and that of the laboratory if it has numbered the order."""
    first = item[0]
    number = (
        procedure.order_number(t, first)
        if isinstance(first, Procedure)
        else dialect.number(t.draw("result order", orders.place_of(item)), 7)
    )
    placer = {"use": "official", "type": dialect.told(_TYPE, "PLAC", "Placer Identifier"), "system": dialect.ORDER}
    made = [placer | {"value": number}]
    accession = accession_of(t, item)
    return made if accession is None else [*made, accession]


def accession_of(t: Telling, item: Item) -> Json | None:
    """The number that the laboratory gave, as 19H-148C0001; None where it gave none."""
    first = item[0]
    drawn = t.draw("accession", orders.place_of(item))
    if not isinstance(first, Observation) or drawn % 100 >= _FILLED_PER_CENT:
        return None
    day = t.day(first.effective, first.encounter)
    value = f"{day:%y}H-{day.timetuple().tm_yday:03d}C{drawn // 100 % 10_000:04d}"
    return {
        "use": "official",
        "type": dialect.told(_TYPE, "FILL", "Filler Identifier"),
        "system": "https://open.epic.com/FHIR/0/order-accession-number/Beaker",
        "value": value,
    }
