"""CareTeam: who cares for a patient over the years, told from who saw the patient, and who lives with a child.

Visits with a sensitivity label count for nothing: a team shall not tell what its visits keep back.

Source: SOURCES.md, "Resources" (FS: the team of a patient's login; who belongs to it: guess).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from simulator.population.chart.labels import OPEN
from simulator.vendors.epic import dialect, staff
from simulator.vendors.epic.dialect import Json, Telling
from simulator.vendors.epic.resources import household, told
from simulator.vendors.epic.resources.told import Item

_CATEGORY = dialect.told("loinc", "LA28865-6", "Longitudinal care-coordination focused care team")
_RELATIONSHIP = dialect.local("4.698084.5655")  # Epic's list of what somebody is to the patient
_GENERAL = {"system": _RELATIONSHIP, "code": "1", "display": "General"}
_CONSULTING = {"system": _RELATIONSHIP, "code": "3", "display": "Consulting"}  # guess
_YEARS = timedelta(days=730)
_VISITS = 2  # who was seen less often belongs to no team


def _items(t: Telling) -> Iterator[Item]:
    """One team of everybody who lives: only active teams are told (doc: CS)."""
    if t.person.deceased is None:
        yield (t.person,)


def reference(t: Telling) -> Json:
    """The reference to the patient's team."""
    return {"reference": f"CareTeam/{t.id('CareTeam')}"}


def _payload(t: Telling, item: Item) -> Json:
    first = t.person.practitioner
    participants = [_participant(t, first, _GENERAL)]
    participants += [_participant(t, one, _CONSULTING) for one in _seen(t) if one != first]
    if not household.is_adult(t, t.person):
        participants += [
            {"role": [household.concept(t, one)], "member": household.reference(t, place, one)}
            for place, one in household.relatives(t)
            if household.relation(t, one) in ("MTH", "FTH")
        ]
    return {"status": "active", "category": [_CATEGORY], "subject": t.subject, "participant": participants}


def _participant(t: Telling, index: int, relationship: Json) -> Json:
    """A practitioner with the specialty, and beside it what the relation to the patient is."""
    specialty = staff.specialty(t.key, index)
    role = {**specialty, "coding": [*specialty["coding"], relationship]}
    return {"role": [role], "member": t.practitioner(index)}


def _seen(t: Telling) -> list[int]:
    """The practitioners whom the patient saw at least twice in the two years before the last visit."""
    visits = [one for one in t.chart.encounters if OPEN.issuperset(one.sensitivity)]
    since = visits[-1].start - _YEARS if visits else None
    counts = Counter(one.practitioner for one in visits if since is not None and one.start >= since)
    return sorted(one for one, times in counts.items() if times >= _VISITS)


TOLD = told.resting("CareTeam", _items, _payload)
