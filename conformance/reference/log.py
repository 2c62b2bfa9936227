"""Structured log lines without patients and without secrets: only listed facts, only short plain values."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Mapping

LOGGER = logging.getLogger("conformance.reference")
FACTS = frozenset(
    {
        "vendor",
        "operation",
        "status",
        "attempt",
        "wait_ms",
        "error_class",
        "reason",
        "kind",
        "count",
        "action",
        "request_id",
    }
)
_LEVELS = {
    "retry": logging.WARNING,
    "failed": logging.WARNING,
    "defect": logging.ERROR,
    "unknown_word": logging.WARNING,
}
_PLAIN = re.compile(r"[\w./:-]{0,80}")

# httpx writes every URL at INFO and httpcore every header at DEBUG; URLs of searches hold names and birth dates.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


def event(name: str, **facts: object) -> None:
    """Writes one event. A fact that is not listed, or a text that is not a plain short word, is left out."""
    kept = {key: value for key, value in facts.items() if key in FACTS and _is_plain(value)}
    LOGGER.log(_LEVELS.get(name, logging.INFO), "%s", json.dumps({"event": name, **kept}))


def leak(what: Mapping[str, object]) -> None:
    """What a buggy integration writes: everything. Only mutants have something to write here."""
    if what:
        LOGGER.warning("%s", json.dumps(dict(what), default=str))


def to_stderr() -> None:
    """Sends the events of this package to stderr, one JSON object a line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False


def _is_plain(value: object) -> bool:
    return isinstance(value, int | float) or (isinstance(value, str) and _PLAIN.fullmatch(value) is not None)
