"""One element is told otherwise than before: it is gone, has another name, another shape, a code that nobody knows."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element

import orjson

from simulator.exchange import Reply
from simulator.faults.act import Act
from simulator.faults.bodies import (
    fhir_name,
    json_of,
    resources_in,
    resources_of,
    rows_of,
    with_json,
    with_xml,
    xml_of,
)
from simulator.faults.fault import Arg, Fault

_IN_XML = ("missing", "renamed")
_INSTANT = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)$")
NEW_CODE = "later-code"
"""The code that nobody knows."""


def _spoil(reply: Reply, act: Act) -> Reply:
    names, into = act.args["name"].split(","), act.args["into"]
    root = xml_of(reply)
    if root is not None and into not in _IN_XML:
        act.say(spared=f"XML has no {into}")
        return reply
    if root is not None:
        changed = sum(_change_xml(one, {fhir_name(name) for name in names}, into) for one in resources_in(root))
    else:
        value = json_of(reply)
        changed = sum(_change(one, names, into) for one in resources_of(value) or rows_of(value))
    act.say(changed=changed)
    if not changed:
        act.say(spared="it is not in the answer")
        return reply
    return with_json(reply, value) if root is None else with_xml(reply, root)


def _change(value: Any, names: list[str], into: str) -> int:
    """How often one of the names was found, at any depth."""
    if isinstance(value, list):
        return sum(_change(one, names, into) for one in value)
    if not isinstance(value, dict):
        return 0
    found = [name for name in names if name in value]
    for name in found:
        was = value.pop(name)
        if into == "renamed":
            value[name + "New"] = was
        elif into != "missing":
            value[name] = _SHAPES[into](was)
    return len(found) + sum(_change(one, names, into) for name, one in list(value.items()) if name not in found)


def _as_text(was: Any) -> Any:
    """A number or a truth value as JSON writes it, in quotes; all else as it is."""
    return orjson.dumps(was).decode() if isinstance(was, bool | int | float) else was


def _split(was: Any) -> Any:
    """An instant with a quarter of a second more, or several; all else as it is."""
    if isinstance(was, list):
        return [_split(one) for one in was]
    return _INSTANT.sub(r"\g<1>.250\g<2>", was) if isinstance(was, str) else was


def _recoded(was: Any) -> Any:
    """A code, coding or concept, or several, with a code that nobody knows in the place of each."""
    if isinstance(was, list):
        return [_recoded(one) for one in was]
    if isinstance(was, str):
        return NEW_CODE
    if not isinstance(was, dict):
        return was
    if "coding" in was or "text" in was:
        return was | {"coding": _recoded(was.get("coding", [])), "text": NEW_CODE}
    return {name: one for name, one in was.items() if name != "display"} | {"code": NEW_CODE}


_SHAPES: dict[str, Callable[[Any], Any]] = {
    "null": lambda was: None,
    "empty": lambda was: [],
    "list": lambda was: was if isinstance(was, list) else [was],
    "single": lambda was: was[0] if isinstance(was, list) and len(was) == 1 else was,
    "reversed": lambda was: was[::-1] if isinstance(was, list) else was,
    "text": _as_text,
    "new_code": _recoded,
    "split_second": _split,
}


def _change_xml(element: Element, names: set[str], into: str) -> int:
    found = [child for child in element if child.tag in names]
    for child in found:
        if into == "renamed":
            child.tag += "New"
        else:
            element.remove(child)
    return len(found) + sum(_change_xml(child, names, into) for child in element if child not in found)


FAULT = Fault(
    name="change_element",
    says="tells every element `name` of the resources or rows of an answer otherwise: it is missing, renamed, null, an "
    "empty list, in a list, out of its list of one, a list the other way round, a text where it was a number or a "
    "truth value, has a code that nobody knows, or is a quarter of a second later",
    args={
        "name": Arg(
            str, ..., "its name; several with commas: birthDate,dob", fits=lambda value: bool(value.strip(","))
        ),
        "into": Arg(str, "missing", "what becomes of it", one_of=("missing", "renamed", *_SHAPES)),
    },
    spoil=_spoil,
)
