"""Consents: what patients allowed or forbade about items that carry a sensitivity label.

Where a label asks for a consent (column `default_share` of sensitivity.csv) there is one, or there is none and the
items stay where they are: silence is no permission. It is written down at the first encounter at which there was
something to ask about; a minor of twelve or more decides alone about its confidential items.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from functools import lru_cache

from simulator.ids import h64, mix
from simulator.population.chart.encounters import Step, Visit
from simulator.population.chart.labels import labels_of
from simulator.population.chart.life import Life
from simulator.population.records import Consent

ASKED = ("SUD", "PART2", "HIV", "STI", "DV", "PSYNOTE", "TEEN")
"""Labels about which a clinic asks."""

_PERMIT, _DENY = 600_000, 850_000  # per million: the first permit, from there to the second deny, the rest say nothing
_YEARS_IN_FORCE = 2  # of a consent under Part 2, unless it is withdrawn
_WITHDRAWN_PER_MILLION = 60_000  # at each later encounter of the kind
_MILLION = 10**6


def consents_of(life: Life, visits: Iterable[Visit]) -> Iterator[Step]:
    """What happens to consents: given or refused at an encounter, now and then withdrawn at a later one."""
    salt = _salt(life.key)
    asked: set[str] = set()
    given: list[Consent] = []
    made = 0
    for visit in visits:
        labels = labels_of(life, visit.local_day, visit.facility, (), visit.episode, visit.kind)
        if not labels:
            continue
        draw = mix(life.number << 20 ^ visit.local_day, salt)
        for consent in [one for one in given if set(one.labels) & set(labels)]:
            if (draw >> 24) % _MILLION < _WITHDRAWN_PER_MILLION:
                given.remove(consent)
                ended = replace(consent, status="inactive", until=date.fromordinal(visit.local_day))
                yield visit.charted, "updated", ended
        new = tuple(label for label in labels if label in ASKED and label not in asked)
        asked.update(new)
        if not new or draw % _MILLION >= _DENY:
            continue
        permits = draw % _MILLION < _PERMIT
        days = 365 * _YEARS_IN_FORCE if permits and "PART2" in new else None
        until = None if days is None else date.fromordinal(visit.local_day + days)
        consent = Consent(made, new, "permit" if permits else "deny", "active", visit.charted.at, until)
        made += 1
        if permits:
            given.append(consent)
        yield visit.charted, "created", consent


@lru_cache(maxsize=16)
def _salt(key: bytes) -> int:
    return h64(key, "consents")
