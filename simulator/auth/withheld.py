"""Sensitive records that a client does not get: which labels are withheld from whom, and the truth without them.

The labels stand on the records of the truth (`sensitivity`: BH, SUD, HIV …). What is withheld is absent at every door
of the vendor: neither found nor read, and nothing else tells of it. So no room knows of this: it answers from a truth
that does not have these records. A perfect integration knows nothing of them, and the judge asks for nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from simulator.exchange import Exchange, Reply

if TYPE_CHECKING:
    from simulator.sandbox import Site

SETTING = "withheld_records"
"""Site setting: client id or name, or `*` for every client, to the labels that it does not get."""
FROM_PATIENTS = "kept_from_patients"
"""Site setting: the labels of records that no token of a patient's login shows."""
EVERYBODY = "*"
_PATIENT = "patient"


def labels_withheld(site: Site, client_id: str) -> frozenset[str]:
    """The labels whose records this client does not get."""
    wishes: Mapping[str, Collection[str]] = site.settings.get(SETTING) or {}
    if not wishes:
        return frozenset()
    client = site.clients.get(client_id)
    names = (EVERYBODY, client_id, client.name if client is not None else "")
    return frozenset(label for name in names for label in wishes.get(name, ()))


def labels_of(x: Exchange) -> frozenset[str]:
    """The labels whose records the caller of `x` does not get."""
    caller, settings = x.caller, x.site.settings
    if caller is None or not (settings.get(SETTING) or caller.persona):
        return frozenset()
    labels = labels_withheld(x.site, caller.client_id)
    return labels | frozenset(settings.get(FROM_PATIENTS, ())) if caller.persona == _PATIENT else labels


def answered(x: Exchange) -> Reply:
    """The answer of the route that `x` came to, from the truth that its caller gets."""
    assert x.route is not None
    labels = labels_of(x)
    if not labels:
        return x.route.answer(x)
    with x.site.kept_from(labels):
        return x.route.answer(x)
