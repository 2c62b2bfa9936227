"""The messages of emr-driver/1 and the canonical records as JSON Schemas, and what is wrong with a value under them."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator

_RECORDS_LOOKED_AT = 20


@cache
def schema(name: str) -> dict[str, Any]:
    """The schema file `name` (`record-v1`, `driver-v1`)."""
    text = files("conformance.protocol").joinpath(f"{name}.json").read_text(encoding="utf-8")
    return json.loads(text)  # type: ignore[no-any-return]


@cache
def _validator(name: str, definition: str) -> Validator:
    document = schema(name)
    root = {**document, "$ref": f"#/$defs/{definition}"} if definition else document
    return Draft202012Validator(root)


def flaw(name: str, definition: str, value: Any) -> str:
    """What is wrong with `value` under a definition of a schema, in one line; empty when nothing is."""
    error = next(_validator(name, definition).iter_errors(value), None)
    if error is None:
        return ""
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
    return f"{where or 'message'}: {error.message if len(error.message) <= 160 else error.message[:157] + '…'}"


def request_flaw(message: dict[str, Any]) -> str:
    """What is wrong with a message of ours to a driver."""
    return flaw("driver-v1", f"{message.get('op')}_request", message)


def answer_flaw(op: str, answer: dict[str, Any]) -> str:
    """What is wrong with a driver's answer to `op`, or with one of the first records of a kind in it."""
    wrong = flaw("driver-v1", f"{op}_answer", answer)
    if wrong:
        return wrong
    looked_at: Counter[object] = Counter()
    for number, record in enumerate(answer.get("records") or ()):
        looked_at[record.get("kind")] += 1
        if looked_at[record.get("kind")] > _RECORDS_LOOKED_AT:
            continue
        wrong = flaw("record-v1", "", record)
        if wrong:
            return f"records[{number}].{wrong}"
    return ""
