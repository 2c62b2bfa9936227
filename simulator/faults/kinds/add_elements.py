"""Elements that nobody knows: what a newer version of an API may send at any time, and a reader must pass over."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import SubElement

from simulator.exchange import Reply
from simulator.faults.act import Act
from simulator.faults.bodies import fhir_name, json_of, resources_in, resources_of, rows_of, with_json, with_xml, xml_of
from simulator.faults.fault import Fault, whole

_URL = "https://emr-sandbox.example/StructureDefinition/from-a-later-version"


def _spoil(reply: Reply, act: Act) -> Reply:
    root, count = xml_of(reply), act.args["count"]
    if root is not None:
        elements = resources_in(root)
        for element in elements:
            for number in range(count):
                SubElement(element, fhir_name(f"laterElement{number}"), value="unknown")
        act.say(changed=len(elements))
        return with_xml(reply, root)
    value = json_of(reply)
    objects = resources_of(value) or rows_of(value)
    if not objects:
        act.say(spared="no object in JSON or XML")
        return reply
    for one in objects:
        _add_to(one, count)
    act.say(changed=len(objects))
    return with_json(reply, value)


def _add_to(one: dict[str, Any], count: int) -> None:
    for number in range(count):
        one[f"laterElement{number}"] = ("unknown", {"value": number}, [], None)[number % 4]
    if "resourceType" in one:
        one["extension"] = [*one.get("extension", ()), {"url": _URL, "valueString": "unknown"}]


FAULT = Fault(
    name="add_elements",
    says="adds `count` elements and an extension that nobody knows to every resource or row of the answer",
    args={"count": whole(4, "how many", 1)},
    spoil=_spoil,
)
