"""The room's own dice: what a site's staff typed, forgot or took back. Drawn by name, so order does not matter."""

from __future__ import annotations

from functools import lru_cache

from simulator.ids import h64
from simulator.sandbox import Site
from simulator.vendors.cerner.ids import Row

THOUSAND = 1000


def happens(site: Site, what: str, row: Row, per_thousand: int) -> bool:
    """Whether `what` happened to this row: true for `per_thousand` of a thousand rows, the same ones every time."""
    return h64(site.key, what, row.number, row.ordinal) % THOUSAND < per_thousand


def pick(site: Site, what: str, row: Row, n: int) -> int:
    """A number in [0, n) for this row, the same every time."""
    return h64(site.key, what, row.number, row.ordinal) % n


@lru_cache(maxsize=4096)
def _by_key(key: bytes, what: str, name: str) -> int:
    return h64(key, what, name) % THOUSAND


def applies(site: Site, what: str, name: str, per_thousand: int) -> bool:
    """Whether `what` holds at this site for all rows of one dictionary entry (a test, a drug)."""
    return _by_key(site.key, what, name) < per_thousand
