"""One number under two systems: what is somebody's record number here is somebody else's number in another house."""

from __future__ import annotations

from typing import Any

from simulator.exchange import Reply
from simulator.faults.act import Act
from simulator.faults.bodies import json_of, resources_of, with_json
from simulator.faults.fault import Arg, Fault

OTHER = "urn:oid:2.16.840.1.113883.19.77.1"
"""The system of a house that has the same numbers. The arc 2.16.840.1.113883.19 is HL7's for examples."""


def _spoil(reply: Reply, act: Act) -> Reply:
    value, system = json_of(reply), act.args["system"]
    listed = [one for one in resources_of(value) if one.get("resourceType") == "Patient"]
    numbers = [number for one in listed if (number := _number_of(one, system))]
    if len(numbers) < 2 or len(numbers) < len(listed):
        act.say(spared="no two patients with such a number in JSON")
        return reply
    for one, number in zip(listed, [*numbers[1:], numbers[0]], strict=True):
        one["identifier"].insert(0, {"use": "secondary", "system": act.args["under"], "value": number})
    act.say(shared=[one["id"] for one in listed])
    return with_json(reply, value)


def _number_of(patient: dict[str, Any], system: str) -> str:
    """The number under `system` that is in force, which of several is the last; empty when there is none."""
    held = [one for one in patient.get("identifier", ()) if one.get("system") == system and one.get("value")]
    return next((str(one["value"]) for one in reversed(held) if "end" not in one.get("period", {})), "")


FAULT = Fault(
    name="shared_number",
    says="gives every patient of a list the number that the next one has under `system`, as a number under another "
    "system, before all others",
    args={
        "system": Arg(str, ..., "which of the numbers", fits=bool),
        "under": Arg(str, OTHER, "the other system", fits=bool),
    },
    spoil=_spoil,
)
