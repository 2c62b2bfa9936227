"""The JSON Schema of a scenario file, made of what there is: faults, outages, selectors, actions."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

from simulator.actions import ACTIONS, CHOICES, MEMBERS
from simulator.faults.fault import Fault
from simulator.faults.kinds import kinds
from simulator.faults.outage import Outage
from simulator.faults.outages import outages
from simulator.selector import FIELDS

_SECONDS = {"type": "number", "minimum": 0, "maximum": 1e9}
_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", dict: "object", datetime: "string",
          date: "string"}  # fmt: skip


def as_text() -> str:
    """The schema as it is shipped."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def schema() -> dict[str, Any]:
    """The schema as a value."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "emr-sandbox scenario",
        "type": "object",
        "required": ["story", "source"],
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string", "description": "shown instead of the file's name"},
            "story": {"type": "string", "minLength": 1, "description": "what happens, in words"},
            "source": {"type": "string", "minLength": 1, "description": "where it happened to somebody"},
            "actions": {"type": "array", "items": {"$ref": "#/$defs/action"}},
            "drive": {"type": "object", "description": "what a judged integration is asked meanwhile"},
        },
        "$defs": {"action": _action(), "fault": _fault(), "selector": _selector(), "window": _window()},
    }  # fmt: skip


def _action() -> dict[str, Any]:
    words = {word: {"description": (do.__doc__ or "").split("\n")[0], **_word(word)} for word, do in ACTIONS.items()}
    return {
        "type": "object",
        "properties": {"at_s": {**_SECONDS, "description": "sandbox seconds since the scenario began"}, **words},
        "additionalProperties": False,
        "oneOf": [{"required": [word]} for word in ACTIONS],
    }


def _word(word: str) -> dict[str, Any]:
    if word == "clear_faults":
        return {"const": True}
    if word == "fault":
        return {"$ref": "#/$defs/fault"}
    properties = {name: _member(name, types) for name, types in MEMBERS[word].items()}
    needed = [name for name in ("id", "set", "as_of") if name in properties]
    return {"type": "object", "properties": properties, "additionalProperties": False, "required": needed}


def _member(name: str, types: tuple[type, ...]) -> dict[str, Any]:
    if name in CHOICES:
        return {"enum": list(CHOICES[name])}
    named = list(dict.fromkeys(_TYPES[one] for one in types if not (one is int and float in types)))
    return {"type": named[0] if len(named) == 1 else named}


def _fault() -> dict[str, Any]:
    every: dict[str, Fault | Outage] = {**kinds(), **outages()}
    cases = [
        {"if": {"properties": {"fault": {"const": name}}}, "then": {"properties": {"args": one.schema()}}
         | ({"required": ["args"]} if one.schema()["required"] else {})}
        for name, one in every.items()
    ]  # fmt: skip
    return {
        "type": "object",
        "required": ["fault"],
        "additionalProperties": False,
        "properties": {
            "id": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
            "when": {"$ref": "#/$defs/selector"},
            "fault": {"oneOf": [{"const": name, "description": one.says} for name, one in every.items()]},
            "args": {"type": "object"},
            "share": {"type": "number", "minimum": 0, "maximum": 1, "description": "the share that it hits"},
            "window": {"$ref": "#/$defs/window"},
            "budget": {"type": "integer", "minimum": 0, "description": "how often it acts at most"},
            "seed": {"type": "integer", "minimum": 0, "description": "chance of its own, equal in every sandbox"},
            "skip": {"type": "integer", "minimum": 0, "description": "so many matches are spared first"},
        },
        "allOf": cases,
    }  # fmt: skip


def _selector() -> dict[str, Any]:
    text = {"type": ["string", "integer", "array"], "items": {"type": ["string", "integer"]}}
    several = {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/selector"}}
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **{name: {**text, "description": says} for name, says in FIELDS.items()},
            "all": several,
            "any": several,
            "not": {"$ref": "#/$defs/selector"},
        },
    }


def _window() -> dict[str, Any]:
    says = {
        "from_s": "when it opens, in sandbox seconds since the fault was added",
        "for_s": "how long it is open",
        "every_s": "it opens again so often",
        "until_s": "then it is over",
    }
    properties = {name: {**_SECONDS, "description": words} for name, words in says.items()}
    return {"type": "object", "additionalProperties": False, "properties": properties}
