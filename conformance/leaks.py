"""Canaries in logs: names, numbers and secrets that only this run knows, searched in every form that hides them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal
from urllib.parse import quote, quote_plus

_SHORTEST = 5


@dataclass(frozen=True)
class Canary:
    """A value that must not be seen: what it is called in reports, and the value.

    `beside` are values of which one must stand in the same line, for values that are no secret alone: a family name is
    PHI beside a given name or a birth date.
    """

    name: str
    value: str
    kind: Literal["patient", "secret"]
    beside: tuple[str, ...] = ()

    @cached_property
    def needles(self) -> tuple[tuple[str, str], ...]:
        """(encoding, text) pairs to look for."""
        return tuple(forms(self.value))

    @cached_property
    def company(self) -> tuple[str, ...]:
        return tuple(text for value in self.beside for _, text in forms(value))


@dataclass(frozen=True, slots=True)
class Hit:
    """One canary in one line: how it was encoded, and the line with every canary in it replaced by its name."""

    canary: str
    kind: str
    encoding: str
    line: str

    def as_dict(self) -> dict[str, Any]:
        return {"canary": self.canary, "kind": self.kind, "encoding": self.encoding, "line": self.line}


def forms(value: str) -> Iterator[tuple[str, str]]:
    """Every text that hides `value`: plain, JSON-escaped, URL-encoded, base64 at three offsets, hex."""
    raw = value.encode()
    escaped = json.dumps(value)[1:-1]
    made = [
        ("plain", value),
        ("JSON", escaped),
        ("JSON", escaped.replace("/", "\\/")),
        ("URL", quote(value, safe="")),
        ("URL", quote_plus(value)),
        ("URL", re.sub("%[0-9A-F]{2}", lambda escape: escape[0].lower(), quote(value, safe=""))),
        ("hex", raw.hex()),
        ("hex", raw.hex().upper()),
    ]
    for offset in range(3):
        made += [("base64", text) for text in _base64(raw, offset)]
    seen: set[str] = set()
    for encoding, text in made:
        if len(text) >= _SHORTEST and text not in seen:
            seen.add(text)
            yield encoding, text


def _base64(raw: bytes, offset: int) -> Iterator[str]:
    """The letters that depend on `raw` alone when it begins `offset` bytes into a base64 group."""
    if len(raw) < 6:
        return
    padded = bytes(offset) + raw
    first = -(-offset * 8 // 6)
    last = len(padded) * 8 // 6
    yield base64.b64encode(padded).decode("ascii")[first:last]
    yield base64.urlsafe_b64encode(padded).decode("ascii")[first:last]


def search(lines: Iterable[str], canaries: Sequence[Canary]) -> list[Hit]:
    """Every canary that stands in one of the lines, once a line."""
    hits: list[Hit] = []
    for line in lines:
        found = [(canary, hit) for canary in canaries if (hit := _seen(canary, line)) is not None]
        if found:
            shown = _hidden(line, [canary for canary, _ in found])
            hits += [Hit(canary.name, canary.kind, encoding, shown) for canary, encoding in found]
    return hits


def _seen(canary: Canary, line: str) -> str | None:
    for encoding, text in canary.needles:
        if text in line and (encoding != "plain" or _stands_alone(text, line)):
            if canary.beside and not any(other in line for other in canary.company):
                return None
            return encoding
    return None


def _stands_alone(text: str, line: str) -> bool:
    """Whether `text` is no mere part of a longer word: the name Lee is not seen in `leech` or `Leeds`."""
    return re.search(rf"(?<![A-Za-z0-9]){re.escape(text)}(?![A-Za-z0-9])", line) is not None


def hidden(lines: Iterable[str], canaries: Sequence[Canary]) -> list[str]:
    """The lines with every canary replaced by its name, so that a report does not leak what it reports."""
    shown = []
    for line in lines:
        found = [canary for canary in canaries if _seen(canary, line) is not None]
        shown.append(_hidden(line, found) if found else line)
    return shown


def _hidden(line: str, canaries: Iterable[Canary]) -> str:
    for canary in canaries:
        for _, text in sorted(canary.needles, key=lambda pair: -len(pair[1])):
            line = line.replace(text, f"‹{canary.name}›")
    return line if len(line) <= 400 else line[:397] + "…"
