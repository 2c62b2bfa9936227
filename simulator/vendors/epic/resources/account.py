"""Account: what each stay in hospital and each operation is billed to. Visits to the office have none of their own.

Source: SOURCES.md, "Resources" (CS: searched by `_id` only; the form: guess).
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.fhir import build
from simulator.population.records import Encounter
from simulator.vendors.epic import dialect, ids
from simulator.vendors.epic.dialect import Json, Telling, usual
from simulator.vendors.epic.resources import told
from simulator.vendors.epic.resources.told import Item

_HAR = dialect.local("2.726582")  # guess
_TYPE = dialect.told("v3-act", "PBILLACCT", "patient billing account")


def has_account(one: Encounter) -> bool:
    """Whether an encounter is billed to an account of its own."""
    return one.ordinal < ids.APART and dialect.visit(one.type_key).patient_class is not None


def reference(t: Telling, one: Encounter) -> Json:
    """The reference to the account of an encounter, with its number."""
    made = build.reference("Account", t.id("Account", one.ordinal), f"{t.person.family},{t.person.given[0]}".upper())
    return {"reference": made["reference"], "identifier": _number(t, one), "display": made["display"]}


def _number(t: Telling, one: Encounter) -> Json:
    return usual(_HAR, dialect.number(t.draw("account", one.ordinal), 9))


def _items(t: Telling) -> Iterator[Item]:
    return ((one,) for one in reversed(t.chart.encounters) if has_account(one))


def _payload(t: Telling, item: Item) -> Json:
    one = item[0]
    assert isinstance(one, Encounter)
    period = {"start": build.instant(one.start)} | ({"end": build.instant(one.end)} if one.end is not None else {})
    day = t.day(one.start, one.ordinal)
    in_force = [each for each in t.chart.coverages if each.start <= day and (each.end is None or day <= each.end)]
    made: Json = {
        "identifier": [_number(t, one)],
        "status": "active",
        "type": _TYPE,
        "name": f"{t.person.family},{t.person.given[0]}".upper(),
        "subject": [t.subject],
        "servicePeriod": period,
    }
    if in_force:
        made["coverage"] = [
            {"coverage": {"reference": f"Coverage/{t.id('Coverage', each.ordinal)}", "display": each.payer},
             "priority": each.order}
            for each in in_force
        ]  # fmt: skip
    return made | {"owner": dialect.organization_reference(t.site)}


TOLD = told.resting("Account", _items, _payload)
