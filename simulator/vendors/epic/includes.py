"""`_include`: resources that a page refers to, put behind its matches.

Every type declares `*`, so each reference that is told can be asked for here; a hospital is known that gives nothing.
What the caller may not read stays out (guess).

Source: SOURCES.md, "Search" (CS, DIBBS).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from simulator.vendors.epic.params import element_of

_MEMBERS: dict[str, tuple[str, ...]] = {
    "patient": ("subject", "patient"),
    "subject": ("subject", "patient"),
    "encounter": ("encounter",),
    "medication": ("medicationReference",),
    "requester": ("requester",),
    "recorder": ("recorder",),
    "performer": ("performer",),
    "participant": ("participant",),
    "practitioner": ("participant", "requester", "performer"),
    "location": ("location",),
    "service-provider": ("serviceProvider",),
    "diagnosis": ("diagnosis",),
    "condition": ("addresses", "diagnosis"),
    "evidence-detail": ("evidence",),
    "item": ("entry",),
    "general-practitioner": ("generalPractitioner",),
    "organization": ("managingOrganization",),
}


def members(type: str, asked: Iterable[str]) -> frozenset[str] | None:
    """The members whose references are asked for: of `Type:parameter` and `*`; None means all of them."""
    wanted: set[str] = set()
    for value in asked:
        if value == "*":
            return None
        owner, _, name = value.partition(":")
        if owner == type:
            name = name.partition(":")[0]
            wanted.update(_MEMBERS.get(name, (element_of(name),)))
    return frozenset(wanted)


def references(bodies: Iterable[bytes], wanted: frozenset[str] | None) -> Iterator[tuple[str, str]]:
    """(type, id) of what the resources refer to from the members `wanted`, each once, in order."""
    seen = set()
    for body in bodies:
        for name, member in orjson.loads(body).items():
            if wanted is None or name in wanted:
                for found in _in(member):
                    if found not in seen:
                        seen.add(found)
                        yield found


def _in(member: Any) -> Iterator[tuple[str, str]]:
    if isinstance(member, list):
        for one in member:
            yield from _in(one)
    elif isinstance(member, dict):
        reference = member.get("reference")
        if isinstance(reference, str):
            type, _, id = reference.partition("/")
            yield type, id
        else:
            for one in member.values():
                if isinstance(one, dict | list):
                    yield from _in(one)
