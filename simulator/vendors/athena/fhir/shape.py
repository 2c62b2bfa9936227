"""What every athena resource has in common: its id, the practice and chart sharing group as extensions, times with the
offset of Eastern time, and security labels."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from simulator.fhir import build
from simulator.population.records import Practitioner
from simulator.vendors.athena import ids, words
from simulator.vendors.athena.charts import PatientChart

EXTENSION = "https://fhir.athena.io/StructureDefinition/"
SID = "https://fhir.athena.io/sid/"

# Our short names of sensitive categories → v3 ActCode, where they differ.
_LABELS = {"STI": "STD", "REPRO": "SEX", "DV": "SDV", "PSYNOTE": "PSYTHPN", "PART2": "42CFRPart2", "VIP": "CEL"}

RESTRICTED = "R"
"""The label of what belongs to a restricted patient: how confidential it is, not why."""
_RESTRICTED = {"system": build.SYSTEMS["v3-confidentiality"], "code": RESTRICTED}


def resource(
    seen: PatientChart, type: str, id: str, changed: datetime, sensitivity: Iterable[str], /, **members: Any
) -> dict[str, Any]:
    """A resource of a chart: common members, then its own; empty ones are left out."""
    meta: dict[str, Any] = {"lastUpdated": build.instant(changed, words.EASTERN, fraction=3)}
    labels = [label(one) for one in sensitivity]
    if labels or seen.is_restricted:
        meta["security"] = [*labels, *([_RESTRICTED] if seen.is_restricted else [])]
    return build.drop_empty(
        {
            "resourceType": type,
            "id": id,
            "meta": meta,
            "extension": [
                build.extension(EXTENSION + "ah-practice", valueReference={"reference": ids.practice_reference()}),
                build.extension(
                    EXTENSION + "ah-chart-sharing-group",
                    valueReference=build.reference(
                        "Organization", ids.fhir_id("CSG", ids.chart_sharing_group(seen.home.index))
                    ),
                ),
            ],
            **members,
        }
    )


def label(sensitivity: str) -> dict[str, str]:
    """A security label for a sensitive category."""
    return {"system": build.SYSTEMS["v3-act"], "code": _LABELS.get(sensitivity, sensitivity)}


def identifier(kind: str, id: str) -> list[dict[str, str]]:
    """The identifier that repeats a resource's id."""
    return [{"system": SID + kind, "value": id}]


def subject(seen: PatientChart) -> dict[str, Any]:
    """The reference to the patient."""
    return build.reference("Patient", ids.patient_fhir_id(seen.site, seen.number))


def encounter(seen: PatientChart, ordinal: int | None) -> dict[str, Any] | None:
    """The reference to an encounter of the chart."""
    if ordinal is None:
        return None
    return build.reference("Encounter", ids.fhir_id("encounter", seen.item("encounter", ordinal)))


def reason(seen: PatientChart, ordinal: int | None) -> list[dict[str, Any]]:
    """The condition of that ordinal as `reasonCode`; nothing for one that is not told."""
    found = [one for one in seen.chart.conditions if ordinal is not None and one.ordinal == ordinal]
    return [build.concept(one.codes, one.text) for one in found]


def practitioner_id(index: int) -> str:
    return ids.fhir_id("Provider", index + 1)


def practitioner(seen: PatientChart, index: int) -> dict[str, Any]:
    """The reference to a practitioner, with the name as it is displayed."""
    who = seen.site.sandbox.world.population.practitioner(index)
    return build.reference("Practitioner", practitioner_id(index), name_of(who))


def name_of(who: Practitioner) -> str:
    return f"{who.given} {who.family}, {who.suffix}"


def local_time(at: datetime, zone: str) -> str:
    """A dateTime to the second with the offset of `zone`."""
    return build.instant(at, zone)
