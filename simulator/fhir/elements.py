"""Which elements a FHIR R4 type has, in which order, and of which type: a table in `r4_elements.txt`, parsed once.

JSON does not care, XML does: elements come in the order of the standard there, and only the standard knows that a lone
`<given>` is a list and that `<active value="true"/>` is a boolean.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

_LAST = 10_000  # the place of elements that the table does not know
_PRIMITIVES = {
    "Boolean": "b", "Integer": "n", "PositiveInt": "n", "UnsignedInt": "n", "Decimal": "d", "Base64Binary": "",
    "Canonical": "", "Code": "", "Date": "", "DateTime": "", "Id": "", "Instant": "", "Markdown": "", "Oid": "",
    "String": "", "Time": "", "Uri": "", "Url": "", "Uuid": "",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its place among its siblings, whether it repeats, and its type: "" a string-like primitive, `b`
    boolean, `n` integer, `d` decimal, `Resource` any resource, else the name of a complex type. `known` is False for
    what the table does not have."""

    place: int
    type: str = ""
    repeats: bool = False
    known: bool = True


UNKNOWN = Element(_LAST, known=False)


class Elements:
    """The elements of one type; `names` are in order, a choice as `value[x]`."""

    __slots__ = ("_choices", "_found", "names")

    def __init__(self, words: tuple[str, ...]) -> None:
        self.names = tuple(word.partition(":")[0].rstrip("*") for word in words)
        self._found: dict[str, Element] = {}
        self._choices: list[tuple[str, int]] = []
        for place, word in enumerate(words):
            name, _, kind = word.partition(":")
            if name.endswith("[x]"):
                self._choices.append((name[:-3], place))
            else:
                self._found[name.rstrip("*")] = Element(place, kind, name.endswith("*"))

    def find(self, name: str) -> Element:
        """The element `name`; of a choice by its full name (`valueQuantity`). `UNKNOWN` when the type has no such."""
        return self._found.get(name) or self._choice(name)

    def _choice(self, name: str) -> Element:
        for stem, place in self._choices:
            rest = name[len(stem) :]
            if name.startswith(stem) and rest and rest[0].isupper():
                made = self._found[name] = Element(place, _PRIMITIVES.get(rest, rest))
                return made
        return UNKNOWN


def elements(type: str) -> Elements:
    """The elements of `type`, a dotted path for parts of a resource (`Patient.contact`); of an unknown type only those
    that every element has."""
    return _table().get(type, _UNTYPED)


def types() -> tuple[str, ...]:
    """The types that the table has."""
    return tuple(_table())


def elements_of_resource(type: str) -> Elements:
    """The elements of the resource `type`; of an unknown one only those that every resource has."""
    return _table().get(type, _UNTYPED_RESOURCE)


@cache
def _table() -> dict[str, Elements]:
    return read(resources.files("simulator.fhir").joinpath("r4_elements.txt").read_text("utf-8"))


def read(text: str) -> dict[str, Elements]:
    """The types of a table that is written as `r4_elements.txt` is."""
    lines = text.replace("\n    ", " ").splitlines()
    table = {}
    for line in lines:
        if " = " in line and not line.startswith("#"):
            name, _, words = line.partition(" = ")
            type = name.removeprefix("resource ")
            first = _OF_ELEMENT if type == name else _OF_RESOURCE
            table[type] = Elements((*first, *words.split()))
    return table


_OF_ELEMENT = ("id", "extension*:Extension", "modifierExtension*:Extension")
_OF_RESOURCE = (
    "id", "meta:Meta", "implicitRules", "language", "text:Narrative", "contained*:Resource", "extension*:Extension",
    "modifierExtension*:Extension",
)  # fmt: skip
_UNTYPED = Elements(_OF_ELEMENT)
_UNTYPED_RESOURCE = Elements(_OF_RESOURCE)
