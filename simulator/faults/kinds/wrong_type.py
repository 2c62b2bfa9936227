"""Another resource than was asked for, with the right id: a body that parses and means something else."""

from __future__ import annotations

from typing import Any

from simulator.exchange import Reply
from simulator.faults.act import Act
from simulator.faults.bodies import entries_of, json_of, with_json
from simulator.faults.fault import Arg, Fault


def _spoil(reply: Reply, act: Act) -> Reply:
    value = json_of(reply)
    if not isinstance(value, dict) or "resourceType" not in value:
        act.say(spared="no FHIR resource in JSON")
        return reply
    changed = _resources(value)
    for resource in changed:
        resource["resourceType"] = act.args["into"]
    act.say(changed=len(changed))
    return with_json(reply, value)


def _resources(value: dict[str, Any]) -> list[dict[str, Any]]:
    if value["resourceType"] != "Bundle":
        return [value]
    return [entry["resource"] for entry in entries_of(value) or () if "resource" in entry]


FAULT = Fault(
    name="wrong_type",
    says="calls every FHIR resource of the answer an `into`, whatever was asked for; ids and content stay",
    args={"into": Arg(str, "Basic", "a FHIR type")},
    spoil=_spoil,
)
