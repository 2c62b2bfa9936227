"""Which records came through this site's FHIR interface: Epic tells them otherwise than what its people entered."""

from __future__ import annotations

from simulator.auth.users import user_of
from simulator.population.records import Record
from simulator.population.world import FIRST_WRITTEN_ORDINAL
from simulator.vendors.epic.dialect import Telling


def by(t: Telling, record: Record) -> str | None:
    """The id of the client that filed it; None when it came into the chart in another way."""
    if record.ordinal < FIRST_WRITTEN_ORDINAL:
        return None
    versions = t.world.written(record.kind, t.number, record.ordinal)
    client_id = versions[0].who.partition(" ")[0] if versions else ""
    return client_id if client_id in t.site.clients else None


def is_by_interface(t: Telling, record: Record) -> bool:
    """Whether the interface itself stands for it: nobody of the staff was logged in when it was filed."""
    if by(t, record) is None:
        return False
    login = t.world.written(record.kind, t.number, record.ordinal)[0].who.partition(" ")[2]
    user = user_of(t.world, login) if login else None
    return user is None or user.kind != "practitioner"
