"""An older version of FHIR as Epic speaks it: its types, what can be asked of each, and how an R4 resource is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from simulator.fhir.elements import Elements
from simulator.vendors.epic.dialect import Json
from simulator.vendors.epic.ids import Named

Words = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Usual:
    """A parameter of R4 that a search has when none of `unless` is given."""

    name: str
    value: str
    unless: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """One type.

    name     the type in this version
    now      the type in R4
    tell     the R4 resource in the shape of this version; what the version has no element for is left out afterwards
    params   the declared parameters, with the FHIR search type
    renamed  parameters that R4 calls otherwise
    words    by parameter: codes that R4 has otherwise, several with commas between
    usual    what is asked when nothing else is
    idle     declared parameters that narrow nothing
    with_active  whether `status` must hold `active`
    """

    name: str
    now: str
    tell: Callable[[Json], Json]
    params: Mapping[str, str] = field(default_factory=dict)
    renamed: Words = field(default_factory=dict)
    words: Mapping[str, Words] = field(default_factory=dict)
    usual: tuple[Usual, ...] = ()
    idle: frozenset[str] = frozenset()
    with_active: bool = False


@dataclass(frozen=True, slots=True)
class Version:
    """One version.

    path       where it is, below the vendor's prefix
    statement  what its metadata is called
    kinds      the types that are told
    untold     the types that Epic has in it and we do not tell
    creates    the types that Epic takes in it and we do not
    elements   the elements of its types in their order
    codings    code systems by the name that R4 has for them
    referred   types by the name that R4 has for them; what is not here is referred to by its words alone
    id         what something is called here
    named      what an id of this version names, or None
    """

    name: str
    path: str
    fhir_version: str
    statement: str
    kinds: Mapping[str, Kind]
    untold: frozenset[str]
    creates: frozenset[str]
    elements: Mapping[str, Elements]
    codings: Words
    referred: Words
    id: Callable[[bytes, Named], str]
    named: Callable[[bytes, str], Named | None]
