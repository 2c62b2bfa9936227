"""Ids as Millennium gives them: row numbers, some with a prefix. Each is a keyed image of (patient, ordinal): it can be
turned back, and an id that was never given is truly unknown."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from simulator.ids import seed_bytes
from simulator.population.world import FIRST_WRITTEN, FIRST_WRITTEN_ORDINAL
from simulator.refusal import NotSimulated
from simulator.sandbox import Site

RESERVE = 100_000  # patients written while the sandbox runs that an id space holds
_HALF = 1 << 14
ORDINALS = 2 * _HALF  # of one patient and kind: half for the generated ones, half for those written later
VARIANTS = 2  # 0 the true row, 1 the one that was entered in error beside it
_PEOPLE = 12_000_000  # ids of persons start here: eight digits for small populations, as recorded
_ROWS = 100_000_000
_STAFF = 1_000_000  # practitioners, locations and organizations that an id space holds

_DIGITS = re.compile(r"[1-9][0-9]{0,17}")


class Row(NamedTuple):
    """One row of a patient's chart: the truth's (number, ordinal), and which telling of it."""

    number: int
    ordinal: int
    variant: int = 0


@lru_cache(maxsize=256)
def _derived_tenant(key: bytes) -> str:
    raw = bytearray(seed_bytes("cerner tenant", key.hex())[:16])
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    return str(UUID(bytes=bytes(raw)))


def tenant_of(site: Site) -> str:
    """The tenant in all paths of the site: the setting `tenant`, or a UUID derived from the site's key."""
    return site.settings.get("tenant") or _derived_tenant(site.key)


def slot_of(site: Site, number: int) -> int:
    """The dense number of a patient: those of the population, then the written ones."""
    if number < FIRST_WRITTEN:
        return number
    if number - FIRST_WRITTEN >= RESERVE:
        raise NotSimulated(f"more than {RESERVE} written patients at one Cerner site")
    return site.sandbox.world.population.registrations.end + number - FIRST_WRITTEN


def _number_of(site: Site, slot: int) -> int:
    end = site.sandbox.world.population.registrations.end
    return slot if slot < end else FIRST_WRITTEN + slot - end


def _slots(site: Site) -> int:
    return site.sandbox.world.population.registrations.end + RESERVE


def patient_id(site: Site, number: int) -> str:
    """The person id of a patient. It stays when the patient is combined into another one."""
    return str(_PEOPLE + site.permutation(_slots(site), "person").forward(slot_of(site, number)))


def person_of(site: Site, id: str) -> int | None:
    """The number of a person id; None when it is none. The number may not exist, or not stand for itself any more."""
    if _DIGITS.fullmatch(id) is None or not 0 <= int(id) - _PEOPLE < _slots(site):
        return None
    return _number_of(site, site.permutation(_slots(site), "person").inverse(int(id) - _PEOPLE))


def mrn_of(site: Site, number: int, *, ended: bool = False) -> str:
    """The medical record number: of today, or the one that ended. No two of them are equal."""
    half = 500_000_000
    return str(1 + site.permutation(2 * half, "mrn").forward(slot_of(site, number) + (half if ended else 0)))


def number_of_mrn(site: Site, mrn: str) -> int | None:
    """Whose current medical record number this is, or None. The number may not exist."""
    if _DIGITS.fullmatch(mrn) is None or int(mrn) > 1_000_000_000:
        return None
    slot = site.permutation(1_000_000_000, "mrn").inverse(int(mrn) - 1)
    return _number_of(site, slot) if slot < _slots(site) else None


def community_mrn_of(site: Site, number: int) -> str:
    """The record number that all facilities share."""
    return str(9_000_000_000 + site.permutation(1_000_000_000, "cmrn").forward(slot_of(site, number)))


def number_of_community_mrn(site: Site, mrn: str) -> int | None:
    """Whose shared record number this is, or None. The number may not exist."""
    if _DIGITS.fullmatch(mrn) is None or not 9_000_000_000 <= int(mrn) < 10_000_000_000:
        return None
    slot = site.permutation(1_000_000_000, "cmrn").inverse(int(mrn) - 9_000_000_000)
    return _number_of(site, slot) if slot < _slots(site) else None


def row_number(site: Site, kind: str, row: Row) -> int:
    """The row number that the site gave (kind, row)."""
    place = row.ordinal if row.ordinal < FIRST_WRITTEN_ORDINAL else _HALF + row.ordinal - FIRST_WRITTEN_ORDINAL
    if not (place < _HALF if row.ordinal < FIRST_WRITTEN_ORDINAL else place < ORDINALS):
        raise NotSimulated(f"a {kind} with ordinal {row.ordinal} at a Cerner site")
    flat = (slot_of(site, row.number) * ORDINALS + place) * VARIANTS + row.variant
    return _ROWS + site.permutation(_slots(site) * ORDINALS * VARIANTS, kind).forward(flat)


def row_of(site: Site, kind: str, digits: str) -> Row | None:
    """The row of a row number; None when it is none. Whether the patient has such a row is another question."""
    if _DIGITS.fullmatch(digits) is None:
        return None
    space = _slots(site) * ORDINALS * VARIANTS
    at = int(digits) - _ROWS
    if not 0 <= at < space:
        return None
    flat, variant = divmod(site.permutation(space, kind).inverse(at), VARIANTS)
    slot, place = divmod(flat, ORDINALS)
    return Row(_number_of(site, slot), place if place < _HALF else FIRST_WRITTEN_ORDINAL + place - _HALF, variant)


def staff_id(site: Site, kind: str, index: int) -> str:
    """The id of a practitioner, location or organization by its index in the world."""
    return str(4_000_000 + site.permutation(_STAFF, kind).forward(index))


def staff_of(site: Site, kind: str, id: str) -> int | None:
    """The index of a practitioner, location or organization id; None when it is none."""
    if _DIGITS.fullmatch(id) is None or not 0 <= int(id) - 4_000_000 < _STAFF:
        return None
    return site.permutation(_STAFF, kind).inverse(int(id) - 4_000_000)
