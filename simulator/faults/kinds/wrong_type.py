"""Another resource than was asked for, with the right id: a body that parses and means something else."""

from __future__ import annotations

from simulator.exchange import Reply
from simulator.faults.act import Act
from simulator.faults.bodies import fhir_name, json_of, resources_in, resources_of, with_json, with_xml, xml_of
from simulator.faults.fault import Arg, Fault


def _spoil(reply: Reply, act: Act) -> Reply:
    root = xml_of(reply)
    if root is not None:
        elements = resources_in(root)
        for element in elements:
            element.tag = fhir_name(act.args["into"])
        act.say(changed=len(elements))
        return with_xml(reply, root)
    value = json_of(reply)
    changed = resources_of(value)
    if not changed:
        act.say(spared="no FHIR resource")
        return reply
    for resource in changed:
        resource["resourceType"] = act.args["into"]
    act.say(changed=len(changed))
    return with_json(reply, value)


FAULT = Fault(
    name="wrong_type",
    says="calls every FHIR resource of the answer an `into`, whatever was asked for; ids and content stay",
    args={"into": Arg(str, "Basic", "a FHIR type")},
    spoil=_spoil,
)
