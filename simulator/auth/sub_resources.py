"""Sub-resources that a registration does not hold: finer than scopes, coarser than records.

At some vendors an app registers for parts of a resource type (the laboratory's Observations, the problem list's
Conditions). What belongs to a part that the registration lacks is left out of searches and refused when it is read,
whatever the scopes say; the same for parts that the user behind the token may not see.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.sandbox import Site

SETTING = "sub_resources"
"""Site setting: a `Lacking`."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Names of sub-resources, `Type - Name`: those that the registration lacks, and those that its user lacks."""

    client: frozenset[str] = frozenset()
    user: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Lacking:
    """Who lacks what at a site: `usual` as delivered, `of` for single clients by their id; `known` are all names."""

    known: tuple[str, ...]
    usual: Parts
    of: Mapping[str, Parts] = field(default_factory=dict)

    def parts(self, client_id: str) -> Parts:
        """What this client and its user lack."""
        return self.of.get(client_id, self.usual) if self.of else self.usual

    def changed(self, client_id: str, parts: Parts) -> Lacking:
        """The same, but for this client."""
        return replace(self, of={**self.of, client_id: parts})


def lacking(site: Site) -> Lacking | None:
    """Who lacks what at this site; None where a vendor has no sub-resources."""
    found: Lacking | None = site.settings.get(SETTING)
    return found
